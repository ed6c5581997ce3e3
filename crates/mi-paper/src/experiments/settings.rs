//! The paper's settings, shared by its experiments.

use mi_critics::CriticSpec;
use mi_data::View;
use mi_estimators::bounds::BoundSpec;

use super::Variant;
use crate::config::{Contrastive, EncoderSpec, Evaluation, Noise, Task};
use crate::preset::Scale;

pub(super) fn mlp(scale: &Scale) -> EncoderSpec {
    EncoderSpec::Mlp { hidden: scale.mlp_hidden.clone(), embed: 100 }
}

/// The pooled top and bottom halves; `None` for the paper's halves, which are not pooled.
fn views(scale: &Scale) -> Option<Box<[View; 2]>> {
    let pool = scale.pool?;
    Some(Box::new([View::top_half().pooled(pool), View::bottom_half().pooled(pool)]))
}

/// The first of [`views`], for tasks with a single view.
pub(super) fn view(scale: &Scale) -> Option<View> {
    views(scale).map(|views| {
        let [first, _] = *views;
        first
    })
}

pub(super) fn conv_net(scale: &Scale) -> EncoderSpec {
    EncoderSpec::ConvNet { channels: scale.conv_channels, embed: 100 }
}

pub(super) fn real_nvp(scale: &Scale, affine: bool) -> EncoderSpec {
    EncoderSpec::RealNvp {
        couplings: scale.couplings,
        hidden: scale.coupling_hidden.clone(),
        affine,
        init_sd: 1e-4,
    }
}

/// A contrastive task in the setting of figure 3: MLP encoders, bilinear critic.
pub(super) fn contrastive(scale: &Scale, bound: BoundSpec) -> Contrastive {
    Contrastive {
        encoder: mlp(scale),
        encoder_y: None,
        critic: CriticSpec::Bilinear,
        bound,
        target: None,
        batch_size: scale.batch_size,
        learning_rate: scale.learning_rate,
        optimiser: None,
        noise: Noise::NONE,
        views: views(scale),
        evaluations: [vec![Evaluation::Bounds], probes(scale)].concat(),
    }
}

/// The probes of representations at a scale.
pub(super) fn probes(scale: &Scale) -> Vec<Evaluation> {
    let converged = scale.converged_probe.then_some(Evaluation::ConvergedProbe);
    [Some(Evaluation::Probe), converged].into_iter().flatten().collect()
}

pub(super) fn variant(scale: &Scale, task: Contrastive) -> Variant {
    Variant {
        steps: scale.steps,
        evaluate_every: scale.evaluate_every,
        task: Task::Contrastive(task),
        setting: None,
    }
}
