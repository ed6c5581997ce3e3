//! The supervised networks that the paper's text compares with.

use mi_plot::Dash;

use super::settings::{conv_net, mlp, view};
use super::{DataKind, Experiment, Variant};
use crate::config::{EncoderSpec, Supervised, Task};
use crate::figures::charts::OverSteps;
use crate::figures::panels::over;
use crate::figures::{Figure, Panel, paired};
use crate::preset::Scale;
use crate::published::Published;
use crate::record::Metric;
use crate::results::{Configuration, Results};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "supervised",
    figures: "references in the text",
    question: "What accuracy do the same encoders reach if they are trained on labels?",
    data: DataKind::Grey,
    by_default: true,
    quick_seeds: 3,
    variants,
    published: Published::NOTHING,
    place: 110,
    figure: Figure {
        id: "supervised",
        heading: "Supervised references",
        caption: "The same encoders trained on the labels of one view: what these architectures can reach.",
        panels,
        style,
    },
    claim: None,
};

/// Accuracy of the paper's supervised references on MNIST, "about 94 %" (section 3.1).
const PUBLISHED_ACCURACY: f64 = 0.94;

fn variants(scale: &Scale) -> Vec<Variant> {
    [(mlp(scale), scale.steps), (conv_net(scale), scale.conv_steps)]
        .into_iter()
        .map(|(encoder, steps)| Variant {
            steps,
            evaluate_every: scale.evaluate_every,
            task: Task::Supervised(supervised(scale, encoder)),
            setting: None,
        })
        .collect()
}

/// An encoder of the first view, trained on labels.
pub(super) fn supervised(scale: &Scale, encoder: EncoderSpec) -> Supervised {
    Supervised {
        encoder,
        view: view(scale),
        batch_size: scale.batch_size,
        learning_rate: scale.learning_rate,
        optimiser: None,
        evaluations: Vec::new(),
    }
}

fn panels(results: &Results<'_>) -> Vec<Panel> {
    let accuracy = OverSteps {
        references: &[(PUBLISHED_ACCURACY, "paper, MNIST".to_owned())],
        ..over(Metric::AccuracyClassifier)
    };
    let loss = over(Metric::ClassifierLoss);
    [accuracy.panel(results), loss.panel(results)].into_iter().flatten().collect()
}

fn style(configuration: &Configuration<'_>, _: usize) -> (usize, Dash) {
    let is_conv_net = matches!(configuration.task.encoder(), Some(EncoderSpec::ConvNet { .. }));
    paired(is_conv_net, true)
}
