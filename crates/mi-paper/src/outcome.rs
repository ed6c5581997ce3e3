//! The contents of a finished or unfinished run folder, for those who read it.

use serde::{Deserialize, Serialize};

use crate::config::TrialConfig;
use crate::error::PaperError;
use crate::origin::Origin;
use crate::record::Record;

/// Everything that figures, claims and reports are made from.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What ran, where and for how long.
    pub run: RunInfo,
    /// The configuration of each of the plan's trials, in plan order.
    pub configs: Vec<TrialConfig>,
    /// The experiments that are not built in: their names and questions.
    pub own: Vec<(String, String)>,
    /// The state of each of the plan's trials, in plan order.
    pub trials: Vec<TrialInfo>,
    /// All records, in plan order and by step within a trial.
    pub records: Vec<Record>,
}

impl Outcome {
    /// Whether no experiment of the run is built in.
    pub fn is_own(&self) -> bool {
        let is_own = |trial: &TrialInfo| self.own.iter().any(|(name, _)| *name == trial.experiment);
        !self.trials.is_empty() && self.trials.iter().all(is_own)
    }
}

/// What ran, where and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The command that started the run.
    pub command: String,
    /// The preset: `smoke`, `quick`, `short`, `reference` or `paper`.
    pub preset: String,
    /// One line about each data set, with the start of its content hash.
    pub data: Vec<String>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// The program that started the run, and its machine.
    #[serde(flatten)]
    pub origin: Origin,
    /// When the run was started (UTC, RFC 3339).
    pub started: String,
    /// Processor time spent in trials, in seconds, summed over trials and over resumptions.
    pub trial_seconds: f64,
    /// Deviations from the paper's protocol, one sentence each; empty at `paper`.
    pub deviations: Vec<String>,
}

/// One trial of the plan and its state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialInfo {
    /// The trial's id.
    pub id: String,
    /// The experiment it belongs to.
    pub experiment: String,
    /// The data set's name.
    pub dataset: String,
    /// The seed.
    pub seed: u64,
    /// The encoder's label, as in [`Record`].
    pub encoder: String,
    /// The critic's label.
    pub critic: String,
    /// The bound's label.
    pub bound: String,
    /// What else distinguishes it; may be empty.
    pub setting: String,
    /// Planned steps.
    pub steps: u64,
    /// Its state.
    pub state: TrialState,
    /// Seconds of processor time spent in it so far.
    pub seconds: f64,
    /// Hash of the configuration that it was run with; missing in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// Hash of its data set; `None` if it needs no data, and in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The programs and machines that computed it: more than one if it was stopped and resumed
    /// elsewhere. Missing in files of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<Origin>,
}

impl TrialInfo {
    /// A trial that has not started. `data` is the hash of its data set, if it has one and the hash
    /// is known.
    pub(crate) fn waiting(config: &TrialConfig, data: Option<&str>) -> Result<Self, PaperError> {
        Ok(Self {
            id: config.id(),
            experiment: config.experiment.clone(),
            dataset: config.dataset.clone(),
            seed: config.seed,
            encoder: config.labels.encoder.clone(),
            critic: config.labels.critic.clone(),
            bound: config.labels.bound.clone(),
            setting: config.labels.setting.clone(),
            steps: config.steps,
            state: TrialState::Waiting,
            seconds: 0.0,
            config: Some(config.hash()?),
            data: data.map(str::to_owned),
            origins: Vec::new(),
        })
    }
}

/// The state of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum TrialState {
    /// Not started.
    Waiting,
    /// Started but not ended.
    Unfinished {
        /// Steps done.
        step: u64,
    },
    /// Ran to its last step.
    Finished,
    /// Stopped because of a number that is not finite.
    Diverged {
        /// The step at which it happened.
        step: u64,
        /// Which number.
        reason: String,
    },
}

impl TrialState {
    /// Whether there is nothing left to run.
    pub fn has_ended(&self) -> bool {
        matches!(self, Self::Finished | Self::Diverged { .. })
    }

    /// Whether it ran to its last step.
    pub fn is_finished(&self) -> bool {
        matches!(self, Self::Finished)
    }
}
