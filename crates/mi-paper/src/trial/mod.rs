//! Runs a trial to its last step: from the last checkpoint in its folder, or from the start.

mod adversarial;
mod check;
mod critic_training;
mod dependent;
mod evaluation;
pub mod frozen;
mod images;
pub(crate) mod measures;
mod memo;
mod multi_view;
mod network;
mod optimise;
mod pixels;
mod probes;
mod reference;
mod representation;
mod resume;
mod single_view;
mod snapshot;
mod supervised;

use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use ndarray::Array2;

use crate::config::{Evaluation, Task, TrialConfig};
use crate::error::PaperError;
use crate::folder::{RecordFile, SavedState, TrialFolder};
use crate::origin::Origin;
use crate::outcome::TrialState;
use crate::record::{Metric, Record};
pub(crate) use check::check;
pub(crate) use evaluation::{EXACT_DIGITS, PERCENTILES, Percentiles};
pub use images::Images;
pub use memo::Memo;
pub(crate) use optimise::{EPS_PLACEMENT, adam};
use resume::{Resumed, TrialIdentity};
pub(crate) use single_view::SHUFFLE;
use snapshot::Snapshot;

/// The number of test images whose representation is saved, if a trial asks for it.
const KEPT: usize = 1_000;

/// Controls a trial while it runs.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// Called before every step. If it returns true, the trial saves a checkpoint and returns
    /// [`TrialState::Unfinished`].
    pub interrupted: &'a (dyn Fn() -> bool + Sync),
    /// How often a checkpoint is saved. Checkpoints do not influence results.
    pub checkpoint_every: Duration,
}

impl Control<'_> {
    /// How often a checkpoint is saved by default.
    pub const CHECKPOINT_EVERY: Duration = Duration::from_mins(3);
}

/// A task in training: it takes steps, is evaluated, saved and restored.
trait Training {
    /// Takes one optimiser step and returns the bound or loss on its batch, in nats.
    fn step(&mut self) -> Result<f64, StepError>;

    /// Measures what the configuration asks for after `step` steps.
    fn evaluate(&mut self, step: u64) -> Result<Vec<(Metric, f64)>, StepError>;

    /// The main representation of the first `count` test images; `None` if the task has none.
    fn representation(&mut self, count: usize) -> Result<Option<Array2<f32>>, PaperError> {
        let _ = count;
        Ok(None)
    }

    /// The complete state: a restored trial continues with bit-identical results.
    fn save(&self) -> Result<Snapshot, PaperError>;

    /// Replaces the state with a saved one.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), PaperError>;
}

/// Why a step or an evaluation did not yield a number.
#[derive(Debug)]
enum StepError {
    /// A number is not finite: the trial has diverged.
    Diverged(String),
    /// Anything else.
    Failed(PaperError),
}

/// Bounds and probes return an error for numbers that are not finite. For a trial, such an error is
/// a divergence.
impl<E: Into<PaperError>> From<E> for StepError {
    fn from(error: E) -> Self {
        let error = error.into();
        if error.is_divergence() { Self::Diverged(error.to_string()) } else { Self::Failed(error) }
    }
}

/// What a trial reports while it runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// It starts, or continues, after this many steps.
    Started {
        /// Steps already done.
        step: u64,
    },
    /// A warning: something is wrong in the trial's folder, or parts of gradients were lost.
    Noticed {
        /// A sentence that names the file or the trial.
        what: &'a str,
    },
    /// A step was done.
    Stepped {
        /// Steps done.
        step: u64,
        /// The bound or loss on the step's batch, in nats.
        value: f64,
    },
    /// An evaluation begins; an interruption has to wait for its end.
    Evaluating {
        /// Steps done.
        step: u64,
    },
    /// An evaluation was done.
    Evaluated {
        /// Steps done.
        step: u64,
        /// What was measured.
        values: &'a [(Metric, f64)],
    },
    /// The trial does nothing more in this process. [`run_plan`](crate::schedule::run_plan)
    /// reports this, also for trials that could not start.
    Ended {
        /// How it ended.
        result: Result<&'a TrialState, &'a PaperError>,
    },
}

/// Runs a trial to its end, resuming it where it stopped. Returns at once if it has already ended
/// and all of its records are present.
///
/// The caller must hold the trial's lease.
///
/// # Errors
/// See [`PaperError`]. Everything that was recorded before the error is kept.
pub fn run(
    config: &TrialConfig,
    data: impl Into<Images>,
    folder: &TrialFolder,
    control: Control<'_>,
    observe: &mut dyn FnMut(&Event<'_>),
) -> Result<TrialState, PaperError> {
    folder.create()?;
    let data = data.into();
    let whose = TrialIdentity::new(config, data.own.as_deref())?;
    let own = folder.examine(config, whose.data.as_deref())?;
    if let Some(state) = own.ended() {
        return Ok(state.clone());
    }
    for damage in &own.damage {
        observe(&Event::Noticed { what: damage });
    }
    let ledger = Ledger::new(folder, &whose, own.saved.as_ref());
    let mut training = build(config, &data)?;
    let damaged = !own.damage.is_empty();
    let Resumed { mut step, rows, snapshot } =
        resume::newest(folder, &whose, own.rows, &mut |what| observe(&Event::Noticed { what }))?;
    if let Some(snapshot) = &snapshot {
        training.restore(snapshot)?;
    }
    if damaged {
        let what = format!("{} continues from step {step}", config.id());
        observe(&Event::Noticed { what: &what });
    }
    let mut records = folder.open_records(rows, damaged)?;
    observe(&Event::Started { step });

    // A checkpoint is taken right after its step's evaluation, so that a resumed trial neither
    // repeats nor skips one.
    let mut evaluated = snapshot.is_some();
    let mut overflow_told = false;
    let mut last_save = Instant::now();
    let state = loop {
        if !evaluated && config.evaluates_at(step) {
            observe(&Event::Evaluating { step });
            match training.evaluate(step) {
                Ok(values) => {
                    let rows: Vec<Record> =
                        values.iter().map(|&value| record(config, step, value)).collect();
                    records.append(&rows)?;
                    observe(&Event::Evaluated { step, values: &values });
                    if let Some(what) = overflow(config, step, &values).filter(|_| !overflow_told) {
                        observe(&Event::Noticed { what: &what });
                        overflow_told = true;
                    }
                }
                Err(StepError::Diverged(reason)) => break TrialState::Diverged { step, reason },
                Err(StepError::Failed(error)) => return Err(error),
            }
        }
        evaluated = false;
        if step >= config.steps {
            break TrialState::Finished;
        }
        let stop = (control.interrupted)();
        if stop || last_save.elapsed() >= control.checkpoint_every {
            // The records come first, since the checkpoint refers to them.
            records.sync()?;
            let identity = whose.at(step, records.seal());
            let bytes = training.save()?.with_identity(&identity)?.to_bytes()?;
            folder.save_checkpoint(step, &bytes)?;
            ledger.save(&TrialState::Unfinished { step }, &records)?;
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
            Err(StepError::Diverged(reason)) => {
                break TrialState::Diverged { step: step + 1, reason };
            }
            Err(StepError::Failed(error)) => return Err(error),
        }
    };
    records.check()?;
    if state.is_finished()
        && config.task.evaluations().contains(&Evaluation::Representation)
        && let Some(features) = training.representation(KEPT)?
    {
        folder.save_representation(&features)?;
    }
    ledger.save(&state, &records)?;
    folder.clear_checkpoints()?;
    Ok(state)
}

/// A warning that parts of gradients were lost, if any were.
fn overflow(config: &TrialConfig, step: u64, values: &[(Metric, f64)]) -> Option<String> {
    let (_, count) = values.iter().find(|(metric, _)| *metric == Metric::OverflowSteps)?;
    Some(format!(
        "{}: in {count} of the {step} steps so far exponentials of scores left the range of single \
         precision, and parts of the gradients were lost; the records count such steps as `{}`",
        config.id(),
        Metric::OverflowSteps.name()
    ))
}

/// Saves the progress of a trial, the processor time spent on it, and the programs and machines
/// that ran it.
struct Ledger<'a> {
    folder: &'a TrialFolder,
    whose: &'a TrialIdentity,
    /// Seconds of processor time spent by earlier processes.
    spent: f64,
    clock: ThreadTime,
    origins: Vec<Origin>,
}

impl<'a> Ledger<'a> {
    fn new(folder: &'a TrialFolder, whose: &'a TrialIdentity, saved: Option<&SavedState>) -> Self {
        let mut origins = saved.map(|saved| saved.origins.clone()).unwrap_or_default();
        if !origins.contains(Origin::here()) {
            origins.push(Origin::here().clone());
        }
        let spent = saved.map_or(0.0, |saved| saved.seconds);
        Self { folder, whose, spent, clock: ThreadTime::now(), origins }
    }

    fn save(&self, state: &TrialState, records: &RecordFile) -> Result<(), PaperError> {
        self.folder.save_state(&SavedState {
            config: self.whose.config.clone(),
            data: self.whose.data.clone(),
            state: state.clone(),
            records: Some(records.seal()),
            seconds: self.spent + self.clock.elapsed().as_secs_f64(),
            origins: self.origins.clone(),
        })
    }
}

fn build(config: &TrialConfig, images: &Images) -> Result<Box<dyn Training>, PaperError> {
    Ok(match &config.task {
        Task::Contrastive(task) => {
            Box::new(multi_view::MultiViewTraining::of_two_views(config, task, images)?)
        }
        Task::MultiView(task) => {
            Box::new(multi_view::MultiViewTraining::new(config, task, images)?)
        }
        Task::Adversarial(task) => {
            Box::new(adversarial::AdversarialTraining::new(config, task, images)?)
        }
        Task::Dependent(task) => Box::new(dependent::DependentTraining::new(config, task)?),
        Task::Supervised(task) => {
            Box::new(supervised::SupervisedTraining::new(config, task, images)?)
        }
        Task::Pixels(task) => {
            Box::new(pixels::PixelBaseline::new(config, task, images.own(config)?))
        }
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
    fn non_finite_numbers_are_a_divergence_and_other_errors_are_not() {
        let value = || "NaN".to_owned();
        let gradient = || mi_nets::NetsError::GradientNotFinite { name: "w".into() };
        let diverged: [StepError; 8] = [
            gradient().into(),
            EstimatorError::Nets(gradient()).into(),
            EstimatorError::NanScore { row: 3 }.into(),
            EstimatorError::Indeterminate { bound: "dv".to_owned() }.into(),
            EvalError::NonFinite { operation: "fit", row: 0, column: 1, value: value() }.into(),
            EvalError::NonFiniteJacobian { sample: 0, row: 1, column: 2, value: value() }.into(),
            EvalError::Overflow { operation: "fit", column: 1 }.into(),
            EvalError::Diverged { solver: "SAGA", epoch: 2 }.into(),
        ];
        for halt in diverged {
            assert!(matches!(&halt, StepError::Diverged(reason) if !reason.is_empty()), "{halt:?}");
        }
        let failed: [StepError; 3] = [
            EstimatorError::TooFewPairs { bound: "nwj".to_owned(), needed: 2, found: 1 }.into(),
            EvalError::OneClass { operation: "fit", class: "3".into() }.into(),
            PaperError::DataNeeded { experiment: "critics".into() }.into(),
        ];
        for halt in failed {
            assert!(matches!(halt, StepError::Failed(_)), "{halt:?}");
        }
    }
}
