//! Checks that a trial can be trained and measured, before any of it runs.

use mi_data::{Geometry, View};
use mi_nets::Params;
use mi_random::Stream;

use super::critic_training::CriticTraining;
use super::measures;
use super::multi_view;
use super::network::Encoder;
use super::optimise::chosen;
use crate::config::{EncoderSpec, Task, TrialConfig, check_parameters};
use crate::error::PaperError;

/// Builds the networks, critics and objectives of a trial, as its training does, and looks for a
/// metric that would be recorded twice. `image` is the size of the images.
///
/// # Errors
/// A sentence that says what cannot be built or measured.
pub(crate) fn check(config: &TrialConfig, image: Geometry) -> Result<(), String> {
    let evaluations = config.task.evaluations();
    if (1..evaluations.len()).any(|index| evaluations[..index].contains(&evaluations[index])) {
        return Err("`measures`: one of them is there twice".into());
    }
    if let Some(metric) = measures::twice(config) {
        return Err(format!("`measures`: two of them are recorded as {}", metric.name()));
    }
    let text = |error: PaperError| error.to_string();
    match &config.task {
        Task::Contrastive(task) => multi_view::check_two_views(task, image),
        Task::MultiView(task) => multi_view::check(task, image),
        Task::Dependent(task) => {
            check_parameters(task.critic.parameters((1, 1)))?;
            let optimiser = chosen(task.optimiser.as_deref(), task.learning_rate);
            let stream = Stream::new(0, "check");
            CriticTraining::new((1, 1), &task.critic, &task.bound, optimiser, &stream)
                .map(drop)
                .map_err(text)
        }
        Task::Supervised(task) => check_encoder(&task.encoder, task.view.as_ref(), image),
        Task::Adversarial(task) => check_encoder(&task.encoder, task.view.as_ref(), image),
        Task::Pixels(_) => Ok(()),
    }
}

fn check_encoder(spec: &EncoderSpec, view: Option<&View>, image: Geometry) -> Result<(), String> {
    let view = view.cloned().unwrap_or_else(View::top_half);
    let piece = view.of(image).map_err(|error| error.to_string())?;
    spec.check(piece.geometry())?;
    let (mut params, mut stream) = (Params::new(), Stream::new(0, "check"));
    Encoder::build(spec, &mut params, "g1", piece.geometry(), &mut stream)
        .map(drop)
        .map_err(|error| error.to_string())
}
