//! Running a trial: from its folder's last checkpoint, or from the start, to its last step.

mod adversarial;
mod contrastive;
mod critic_training;
mod dependent;
mod evaluation;
mod network;
mod optimise;
mod pixels;
mod snapshot;
mod supervised;
mod views;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use mi_data::Dataset;

use crate::config::{Task, TrialConfig};
use crate::error::PaperError;
use crate::folder::{SavedState, TrialFolder};
use crate::origin::Origin;
use crate::outcome::TrialState;
use crate::record::{Metric, Record};
use snapshot::Snapshot;

/// How often a checkpoint is due between evaluations. Checkpoints do not influence results.
const CHECKPOINT_INTERVAL: Duration = Duration::from_mins(3);

/// Something that is trained step by step, evaluated, saved and restored.
trait Training {
    /// One optimiser step; returns the bound or loss on its batch, in nats.
    fn step(&mut self) -> Result<f64, Halt>;

    /// Measures what the configuration asks for after `step` steps.
    fn evaluate(&mut self, step: u64) -> Result<Vec<(Metric, f64)>, Halt>;

    /// The whole state, such that a restored trial goes on with the same bits.
    fn save(&self) -> Result<Snapshot, PaperError>;

    /// Takes over a saved state.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), PaperError>;
}

/// Why a step or an evaluation did not yield a number.
#[derive(Debug)]
enum Halt {
    /// A number is not finite: the trial has diverged.
    Diverged(String),
    /// Anything else.
    Failed(PaperError),
}

/// Bounds and probes refuse numbers that are not finite by an error, which is then the trial's
/// divergence.
impl<E: Into<PaperError>> From<E> for Halt {
    fn from(error: E) -> Self {
        let error = error.into();
        if error.is_divergence() { Self::Diverged(error.to_string()) } else { Self::Failed(error) }
    }
}

/// What a trial tells while it runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// It starts, or goes on, after this many steps.
    Started {
        /// Steps already done.
        step: u64,
    },
    /// A checkpoint was damaged; an older one is used.
    DamagedCheckpoint {
        /// The damaged file.
        path: &'a Path,
    },
    /// A step was done.
    Stepped {
        /// Steps done.
        step: u64,
        /// The bound or loss on the step's batch, in nats.
        value: f64,
    },
    /// An evaluation was done.
    Evaluated {
        /// Steps done.
        step: u64,
        /// What was measured.
        values: &'a [(Metric, f64)],
    },
    /// Nothing more will come of it in this process. Told by
    /// [`run_plan`](crate::schedule::run_plan), of trials that could not start too.
    Ended {
        /// What became of it.
        result: Result<&'a TrialState, &'a PaperError>,
    },
}

/// Runs a trial to its end, resuming it where it stopped; returns at once when it has ended.
///
/// `interrupted` is asked after every step; when it says yes the trial saves a checkpoint and
/// returns [`TrialState::Unfinished`].
///
/// # Errors
/// What [`PaperError`] lists; all that was recorded before is kept.
pub fn run(
    config: &TrialConfig,
    data: Option<Arc<Dataset>>,
    folder: &TrialFolder,
    interrupted: &dyn Fn() -> bool,
    observe: &mut dyn FnMut(&Event<'_>),
) -> Result<TrialState, PaperError> {
    folder.create()?;
    let hash = config.hash();
    let saved = folder.state()?;
    let (mut spent, mut origins) = (0.0, Vec::new());
    if let Some(saved) = saved {
        if saved.config != hash {
            return Err(PaperError::Damaged {
                path: folder.path().join("state.json"),
                reason: "it belongs to another configuration of this trial; to run the trial \
                         anew, remove its folder, and the run's records.csv and trials.json, \
                         which are merged again from the other trials' folders"
                    .into(),
            });
        }
        if saved.state.has_ended() {
            return Ok(saved.state);
        }
        (spent, origins) = (saved.seconds, saved.origins);
    }
    if !origins.contains(Origin::here()) {
        origins.push(Origin::here().clone());
    }
    let clock = ThreadTime::now();
    let save_state = |state: &TrialState| {
        folder.save_state(&SavedState {
            config: hash.clone(),
            state: state.clone(),
            seconds: spent + clock.elapsed().as_secs_f64(),
            origins: origins.clone(),
        })
    };

    let mut training = build(config, data)?;
    let checkpoint = folder.newest_checkpoint(Snapshot::from_bytes, &mut |path| {
        observe(&Event::DamagedCheckpoint { path });
    })?;
    let (mut step, mut records_length) = match checkpoint {
        Some((step, snapshot)) => {
            let length = snapshot.records_length()?;
            training.restore(&snapshot)?;
            (step, length)
        }
        None => (0, 0),
    };
    folder.cut_records(records_length)?;
    observe(&Event::Started { step });

    // A checkpoint is taken right after its step's evaluation, so that a resumed trial neither
    // repeats nor skips one.
    let mut evaluated = records_length > 0;
    let mut last_save = Instant::now();
    let state = loop {
        if !evaluated && config.evaluates_at(step) {
            match training.evaluate(step) {
                Ok(values) => {
                    observe(&Event::Evaluated { step, values: &values });
                    let rows: Vec<Record> =
                        values.iter().map(|&value| record(config, step, value)).collect();
                    records_length = folder.append_records(&rows)?;
                }
                Err(Halt::Diverged(reason)) => break TrialState::Diverged { step, reason },
                Err(Halt::Failed(error)) => return Err(error),
            }
        }
        evaluated = false;
        if step >= config.steps {
            break TrialState::Finished;
        }
        let stop = interrupted();
        if stop || last_save.elapsed() >= CHECKPOINT_INTERVAL {
            let bytes = training.save()?.with_records_length(records_length).to_bytes()?;
            folder.save_checkpoint(step, &bytes)?;
            save_state(&TrialState::Unfinished { step })?;
            last_save = Instant::now();
        }
        if stop {
            return Ok(TrialState::Unfinished { step });
        }
        match training.step() {
            Ok(value) => {
                step += 1;
                observe(&Event::Stepped { step, value });
            }
            Err(Halt::Diverged(reason)) => {
                break TrialState::Diverged { step: step + 1, reason };
            }
            Err(Halt::Failed(error)) => return Err(error),
        }
    };
    folder.sync_records()?;
    save_state(&state)?;
    folder.clear_checkpoints()?;
    Ok(state)
}

fn build(
    config: &TrialConfig,
    data: Option<Arc<Dataset>>,
) -> Result<Box<dyn Training>, PaperError> {
    let data = || {
        data.clone().ok_or_else(|| PaperError::Unsuitable {
            dataset: config.dataset.clone(),
            trial: config.id(),
            reason: "the trial needs images".into(),
        })
    };
    Ok(match &config.task {
        Task::Contrastive(task) => {
            Box::new(contrastive::ContrastiveTraining::new(config, task, data()?)?)
        }
        Task::Adversarial(task) => {
            Box::new(adversarial::AdversarialTraining::new(config, task, data()?)?)
        }
        Task::Dependent(task) => Box::new(dependent::DependentTraining::new(config, task)?),
        Task::Supervised(task) => {
            Box::new(supervised::SupervisedTraining::new(config, task, data()?)?)
        }
        Task::Pixels(task) => Box::new(pixels::PixelBaseline::new(config, task, data()?)),
    })
}

fn record(config: &TrialConfig, step: u64, (metric, value): (Metric, f64)) -> Record {
    Record {
        experiment: config.experiment.clone(),
        trial: config.id(),
        dataset: config.dataset.clone(),
        seed: config.seed,
        step,
        encoder: config.labels.encoder.clone(),
        critic: config.labels.critic.clone(),
        bound: config.labels.bound.clone(),
        setting: config.labels.setting.clone(),
        metric,
        value,
        unit: metric.unit(),
    }
}

#[cfg(test)]
mod tests {
    use mi_estimators::EstimatorError;
    use mi_eval::EvalError;

    use super::*;

    #[test]
    fn numbers_that_are_not_finite_are_divergence_and_mistakes_are_not() {
        let value = || "NaN".to_owned();
        let gradient = || mi_nets::NetsError::GradientNotFinite { name: "w".into() };
        let diverged: [Halt; 8] = [
            gradient().into(),
            EstimatorError::Nets(gradient()).into(),
            EstimatorError::NanScore { row: 3 }.into(),
            EstimatorError::Indeterminate { bound: "dv" }.into(),
            EvalError::NonFinite { operation: "fit", row: 0, column: 1, value: value() }.into(),
            EvalError::NonFiniteJacobian { sample: 0, row: 1, column: 2, value: value() }.into(),
            EvalError::Overflow { operation: "fit", column: 1 }.into(),
            EvalError::Diverged { solver: "SAGA", epoch: 2 }.into(),
        ];
        for halt in diverged {
            assert!(matches!(&halt, Halt::Diverged(reason) if !reason.is_empty()), "{halt:?}");
        }
        let failed: [Halt; 3] = [
            EstimatorError::TooFewPairs { bound: "nwj", needed: 2, found: 1 }.into(),
            EvalError::OneClass { class: "3".into() }.into(),
            PaperError::DataNeeded { experiment: "critics".into() }.into(),
        ];
        for halt in failed {
            assert!(matches!(halt, Halt::Failed(_)), "{halt:?}");
        }
    }
}
