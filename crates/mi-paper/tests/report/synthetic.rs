//! Synthetic outcomes, with curves that end at the paper's published values.

use mi_critics::CriticSpec;
use mi_paper::config::{EncoderSpec, Task, TrialConfig};
use mi_paper::experiments::{self, EXPERIMENTS, Experiment};
use mi_paper::labels::Setting;
use mi_paper::origin::Origin;
use mi_paper::outcome::{Outcome, RunInfo, TrialInfo, TrialState};
use mi_paper::plan::{Plan, Request};
use mi_paper::preset::Preset;
use mi_paper::published::{Curve, Value};
use mi_paper::record::{Metric, Record};
use mi_random::Stream;

/// The true mutual information of the pair in figure 4c, in nats.
const TRUE_MI: f64 = 0.020_41;

/// Changes a value before it is recorded: trial, metric, step, value.
type Change = fn(&TrialInfo, Metric, u64, f64) -> f64;

/// The outcome to generate.
pub(crate) struct Synthetic {
    seeds: u64,
    experiments: &'static [&'static str],
    dataset: Option<&'static str>,
    change: Change,
    state: fn(&TrialInfo) -> TrialState,
}

impl Synthetic {
    /// A complete run with this many seeds that agrees with the paper.
    pub(crate) fn agreeing(seeds: u64) -> Self {
        Self {
            seeds,
            experiments: &[],
            dataset: None,
            change: |_, _, _, value| value,
            state: |_| TrialState::Finished,
        }
    }

    /// Only some experiments.
    pub(crate) fn only(self, experiments: &'static [&'static str]) -> Self {
        Self { experiments, ..self }
    }

    /// A data set other than the published one.
    pub(crate) fn on(self, dataset: &'static str) -> Self {
        Self { dataset: Some(dataset), ..self }
    }

    pub(crate) fn change(self, change: Change) -> Self {
        Self { change, ..self }
    }

    /// The state of each trial.
    pub(crate) fn state(self, state: fn(&TrialInfo) -> TrialState) -> Self {
        Self { state, ..self }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let mut trials = Vec::new();
        let mut records = Vec::new();
        let mut configs = Vec::new();
        for mut config in configurations(self.seeds) {
            let wanted = self.experiments;
            // By default, the experiments of the paper and those close to them.
            let is_system = matches!(config.task, Task::MultiView(_));
            let beyond = ["measures", "bijective", "diag"];
            let is_beyond = is_system || beyond.contains(&config.experiment.as_str());
            if wanted.is_empty() && is_beyond
                || !wanted.is_empty() && !wanted.contains(&config.experiment.as_str())
            {
                continue;
            }
            let mut trial = waiting(&config);
            if let Some(dataset) = self.dataset.filter(|_| trial.dataset == "mnist") {
                dataset.clone_into(&mut trial.dataset);
                dataset.clone_into(&mut config.dataset);
            }
            trial.state = (self.state)(&trial);
            let reached = match &trial.state {
                TrialState::Unfinished { step } | TrialState::Diverged { step, .. } => Some(*step),
                TrialState::Finished => Some(trial.steps),
                _ => None,
            };
            if reached.is_none() {
                trial.seconds = 0.0;
            }
            for (step, metric, value) in measured(&config, &trial) {
                if reached.is_some_and(|reached| step <= reached) {
                    let value = (self.change)(&trial, metric, step, value);
                    records.push(record(&trial, step, metric, value));
                }
            }
            trials.push(trial);
            configs.push(config);
        }
        let run = RunInfo {
            command: "cargo xtask reproduce --preset paper --seeds 3 --data data".to_owned(),
            preset: "paper".to_owned(),
            data: vec![
                "MNIST (sha-256 440fcabf…)".to_owned(),
                "CIFAR-10 (sha-256 c4a38c50…)".to_owned(),
            ],
            seeds: (0..self.seeds).collect(),
            origin: Origin {
                version: "mi-paper 0.1.0".to_owned(),
                commit: Some("9df7fb5".to_owned()),
                host: "lab-3, AMD EPYC 9654 (avx2, fma, avx512f), 2 cores".to_owned(),
            },
            started: "2026-11-25T18:00:00Z".to_owned(),
            trial_seconds: trials.iter().map(|t| t.seconds).sum(),
            deviations: Vec::new(),
        };
        Outcome { run, configs, own: Vec::new(), trials, records }
    }
}

/// Two outcomes of the same plan on different data sets, combined.
pub(crate) fn together(mut outcome: Outcome, other: Outcome) -> Outcome {
    outcome.configs.extend(other.configs);
    outcome.trials.extend(other.trials.into_iter().map(|mut trial| {
        trial.id.push_str(".other");
        trial
    }));
    outcome.records.extend(other.records.into_iter().map(|mut record| {
        record.trial.push_str(".other");
        record
    }));
    outcome
}

/// The trials of all experiments by the paper's protocol.
fn configurations(seeds: u64) -> Vec<TrialConfig> {
    if seeds == 0 {
        return Vec::new();
    }
    let request = Request {
        seeds: vec![seeds.to_string().parse().unwrap()],
        data: Some("data".into()),
        ..Request::new(&["all"], Preset::Paper)
    };
    Plan::resolve(&request).unwrap().trials
}

fn waiting(config: &TrialConfig) -> TrialInfo {
    let base_seconds = match config.labels.encoder.as_str() {
        "realnvp" => 2400.0,
        "convnet" => 900.0,
        _ => 60.0,
    };
    TrialInfo {
        id: config.id(),
        experiment: config.experiment.clone(),
        dataset: config.dataset.clone(),
        seed: config.seed,
        encoder: config.labels.encoder.clone(),
        critic: config.labels.critic.clone(),
        bound: config.labels.bound.clone(),
        setting: config.labels.setting.clone(),
        steps: config.steps,
        state: TrialState::Finished,
        seconds: base_seconds + config.seed as f64,
        config: None,
        data: None,
        origins: Vec::new(),
    }
}

/// All published values with their experiments.
pub(crate) fn published() -> impl Iterator<Item = (&'static Experiment, &'static Value)> {
    EXPERIMENTS.iter().flat_map(|e| e.published.values.iter().map(move |value| (*e, value)))
}

pub(crate) fn record(trial: &TrialInfo, step: u64, metric: Metric, value: f64) -> Record {
    Record {
        experiment: trial.experiment.clone(),
        trial: trial.id.clone(),
        dataset: trial.dataset.clone(),
        seed: trial.seed,
        step,
        encoder: trial.encoder.clone(),
        critic: trial.critic.clone(),
        bound: trial.bound.clone(),
        setting: trial.setting.clone(),
        metric,
        value,
        unit: metric.unit(),
    }
}

/// Everything that a trial measures, by step.
fn measured(config: &TrialConfig, trial: &TrialInfo) -> Vec<(u64, Metric, f64)> {
    let mut noise = Stream::new(trial.seed, &trial.id);
    let shared = 0.001 * Stream::new(trial.seed, "shared").normal();
    let every = match trial.experiment.as_str() {
        "dependent" => 20,
        "adversarial" => 400,
        "cifar-critics" | "cifar-encoders" => 3000,
        _ => 1000,
    };
    let mut steps: Vec<u64> = (0..=trial.steps).step_by(every).collect();
    if steps.last() != Some(&trial.steps) {
        steps.push(trial.steps);
    }
    let mut values = Vec::new();
    for step in steps {
        for (metric, start, end, sd) in targets(config, trial) {
            // Fast at first and then slowly, like the published curves.
            let done = 1.0
                - 0.75 * (-(step as f64) / 700.0).exp()
                - 0.25 * (-(step as f64) / 3000.0).exp();
            let mut value = start + (end - start) * done + sd * noise.normal();
            if metric == Metric::Accuracy || metric == Metric::AccuracyConverged {
                value += shared;
            }
            values.push((step, metric, value));
        }
    }
    values
}

/// A trial's metrics, with the values at the start and at the end, and the spread.
fn targets(config: &TrialConfig, trial: &TrialInfo) -> Vec<(Metric, f64, f64, f64)> {
    let published = |metric: Metric, first: bool| {
        let experiment = experiments::find(&trial.experiment)?;
        let values = experiment.published.values.iter();
        let values = values.filter(|v| is_of(&v.curve, &config.task) && v.metric == metric);
        let last = experiment.published.last_step;
        values.into_iter().find(|v| v.step == if first { 0 } else { last }).map(|v| v.value)
    };
    let mut targets = Vec::new();
    let mut add = |metric, start, end, sd| targets.push((metric, start, end, sd));
    let bound_start = match (trial.experiment.as_str(), trial.bound.as_str()) {
        ("invertible", "nwj") => -53.0,
        ("conditioning", "nwj") => -8.0,
        _ => -0.4,
    };
    let bound_end = published(Metric::BoundTrain, false).or(match trial.experiment.as_str() {
        "encoders" | "cifar-encoders" => config.task.target(),
        "bounds" => Some(if trial.bound == "infonce" { 4.73 } else { 5.3 }),
        "batch-size" => batch_size(config)
            .map(|k| if trial.bound == "nwj" { 4.0 + 0.2 * k.ln() } else { k.ln() - 0.15 }),
        "cosine" => Some(4.5),
        "cifar-critics" => Some(4.6),
        _ => None,
    });
    if let Some(end) = bound_end {
        let start = published(Metric::BoundTrain, true).unwrap_or(bound_start);
        let sd = if trial.bound == "nwj" { 0.12 } else { 0.004 };
        add(Metric::BoundTrain, start, end, sd);
        add(Metric::BoundTest, start, 0.94 * end, 1.3 * sd);
    }
    let accuracy_end = published(Metric::Accuracy, false).or(match trial.experiment.as_str() {
        "pixels" => Some(0.838),
        "bounds" => Some(0.875),
        "batch-size" => batch_size(config).map(|k| 0.86 + 0.005 * k.log2()),
        "cosine" => Some(0.885),
        _ => None,
    });
    if let Some(end) = accuracy_end {
        let start = published(Metric::Accuracy, true).unwrap_or(if trial.dataset == "cifar-10" {
            0.32
        } else {
            0.81
        });
        let start = if trial.experiment == "pixels" { end } else { start };
        add(Metric::Accuracy, start, end, 0.0012);
        add(Metric::AccuracyConverged, start + 0.05, end + 0.05, 0.0008);
    }
    if let Some(end) = published(Metric::TargetLoss, false)
        .or((trial.experiment == "cifar-encoders").then_some(0.05))
    {
        add(Metric::TargetLoss, 2.5, end, 0.002);
    }
    for metric in [
        Metric::LogConditionP0,
        Metric::LogConditionP20,
        Metric::LogConditionP40,
        Metric::LogConditionP60,
        Metric::LogConditionP80,
        Metric::LogConditionP100,
    ] {
        if let Some(end) = published(metric, false) {
            add(metric, 0.008, end, 0.04);
        }
    }
    match trial.experiment.as_str() {
        "conditioning" => add(Metric::SingularJacobians, 0.0, 0.0, 0.0),
        "invertible" => {
            add(Metric::InverseError, 3e-14, 2e-13, 1e-15);
            add(Metric::LogDet, 0.0, 0.0, 0.0);
        }
        "adversarial" => {
            add(Metric::ClassifierLoss, 0.9, 2.1, 0.02);
            add(Metric::UniformLoss, 4.0, 2.32, 0.01);
            add(Metric::InverseError, 1e-13, 4e-9, 1e-14);
            add(Metric::LogDet, -271.0, -310.0, 2.0);
        }
        "supervised" => {
            let end = if trial.encoder == "convnet" { 0.951 } else { 0.938 };
            add(Metric::AccuracyClassifier, 0.1, end, 0.001);
        }
        "dependent" => {
            let end = published(Metric::Estimate, false).unwrap_or(0.02);
            add(Metric::Estimate, -0.02, end, 0.04);
            add(Metric::TrueMi, TRUE_MI, TRUE_MI, 0.0);
            add(Metric::Ceiling, 0.3695, 0.3695, 0.0);
        }
        _ => {}
    }
    targets
}

/// Whether a task's values are generated from a curve. Those with independent noise are generated
/// from the paper's, which has shared noise.
fn is_of(curve: &Curve, task: &Task) -> bool {
    let settings = curve.settings.iter().copied().flatten();
    curve.encoder == task.encoder().map(EncoderSpec::kind)
        && curve.critic == task.critic().map(CriticSpec::kind)
        && curve.bound == task.bound()
        && settings.into_iter().all(|setting| match (setting, task) {
            (Setting::Target(target), _) => task.target() == *target,
            (Setting::Dependent(dependent), Task::Dependent(own)) => own.dependent == *dependent,
            (Setting::SharedNoise(_), _) => true,
            _ => false,
        })
}

fn batch_size(config: &TrialConfig) -> Option<f64> {
    config.task.batch_size().map(|k| k as f64)
}
