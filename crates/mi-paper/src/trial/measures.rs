//! Which metrics a trial must record, and when.

use std::collections::BTreeSet;

use super::{probes, representation};
use crate::config::{EncoderSpec, Evaluation, Task, TrialConfig};
use crate::multi_view::MultiView;
use crate::outcome::TrialState;
use crate::record::{Metric, Record};

/// Describes the first problem in the records of a trial that has ended: a row that does not belong
/// to it, a duplicate, or a missing one. `None` if they are complete.
pub(crate) fn missing(
    config: &TrialConfig,
    state: &TrialState,
    records: &[Record],
) -> Option<String> {
    let id = config.id();
    let labels = &config.labels;
    let mut found = BTreeSet::new();
    for (index, record) in records.iter().enumerate() {
        let own = record.trial == id
            && record.experiment == config.experiment
            && record.dataset == config.dataset
            && record.seed == config.seed
            && record.encoder == labels.encoder
            && record.critic == labels.critic
            && record.bound == labels.bound
            && record.setting == labels.setting
            && record.unit == record.metric.unit()
            && record.step <= config.steps
            && config.evaluates_at(record.step);
        if !own {
            return Some(format!("its row {} does not belong to this trial", index + 1));
        }
        if !found.insert((record.step, record.metric)) {
            let (metric, step) = (record.metric.name(), record.step);
            return Some(format!("{metric} at step {step} appears twice"));
        }
    }
    // A trial that diverged may have done so in the evaluation of its last step.
    let end = match state {
        TrialState::Diverged { step, .. } => *step,
        _ => config.steps.saturating_add(1),
    };
    let every = usize::try_from(config.evaluate_every.max(1)).unwrap_or(usize::MAX);
    let last = (!config.steps.is_multiple_of(config.evaluate_every.max(1))).then_some(config.steps);
    let regular = (0..end.min(config.steps.saturating_add(1))).step_by(every);
    let due = regular.chain(last.filter(|&last| last < end));
    let mut needed =
        due.flat_map(|step| needed(config, step).into_iter().map(move |metric| (step, metric)));
    let (step, metric) = needed.find(|needed| !found.contains(needed))?;
    Some(format!("{} at step {step} is missing", metric.name()))
}

/// The first metric that a trial would record twice at a step.
pub(super) fn twice(config: &TrialConfig) -> Option<Metric> {
    let of_measure = |evaluation: &Evaluation| match evaluation {
        Evaluation::Measure { of } => representation::metric_of(*of),
        _ => None,
    };
    let of_measures = || config.task.evaluations().iter().filter_map(of_measure);
    [0, config.steps].into_iter().find_map(|step| {
        let mut seen = BTreeSet::new();
        let mut all = needed(config, step).into_iter().chain(of_measures());
        all.find(|metric| !seen.insert(*metric))
    })
}

/// The metrics that must be recorded after `step` steps. A loss is that of the last step, so there
/// is none at step 0; later there always is, since a loss that is not finite ends the trial.
fn needed(config: &TrialConfig, step: u64) -> Vec<Metric> {
    let ends = Evaluation::include_all(config.task.evaluations(), step, config.steps);
    match &config.task {
        Task::Contrastive(task) => {
            let mut metrics = Vec::new();
            if task.evaluations.contains(&Evaluation::Bounds) {
                metrics.extend([Metric::BoundTrain, Metric::BoundTest]);
                metrics.extend(task.target.map(|_| Metric::TargetLoss));
            }
            metrics.extend(of_encoder(config, &task.encoder, ends));
            metrics
        }
        Task::MultiView(task) => of_multi_view(task, step, ends),
        Task::Adversarial(task) => {
            let mut metrics = of_encoder(config, &task.encoder, ends);
            if step > 0 {
                metrics.extend([Metric::ClassifierLoss, Metric::UniformLoss]);
            }
            metrics
        }
        Task::Dependent(_) if step == 0 => vec![Metric::TrueMi, Metric::Ceiling],
        Task::Dependent(_) => vec![Metric::Estimate],
        Task::Supervised(task) => {
            let mut metrics = of_encoder(config, &task.encoder, ends);
            metrics.push(Metric::AccuracyClassifier);
            metrics.extend((step > 0).then_some(Metric::ClassifierLoss));
            metrics
        }
        Task::Pixels(task) => {
            let both = [Metric::Accuracy, Metric::AccuracyConverged];
            both.into_iter().chain(probes::metrics(&task.evaluations, true)).collect()
        }
    }
}

/// The metrics of a task with any views. Ceilings are not among them: only some terms have one.
fn of_multi_view(task: &MultiView, step: u64, ends: bool) -> Vec<Metric> {
    let asked = |evaluation: Evaluation| task.evaluations.contains(&evaluation);
    let mut metrics = Vec::new();
    let mut whole_and_parts = |metric: Metric, names: &[String]| {
        metrics.extend((!names.is_empty()).then_some(metric));
        metrics.extend(names.iter().filter(|_| names.len() > 1).map(|name| metric.of_part(name)));
    };
    let all: Vec<String> = task.terms.iter().map(|term| term.name.clone()).collect();
    let of_losses = task.terms.iter().filter(|term| term.reports_loss());
    let losses: Vec<String> = of_losses.map(|term| term.name.clone()).collect();
    if asked(Evaluation::Bounds) {
        for (bound, loss) in
            [(Metric::BoundTrain, Metric::LossTrain), (Metric::BoundTest, Metric::LossTest)]
        {
            whole_and_parts(bound, &all);
            whole_and_parts(loss, &losses);
        }
    }
    if step == 0 && task.sequences.is_some() {
        whole_and_parts(Metric::TrueMi, &all);
    }
    for (index, probed) in task.probes.iter().enumerate() {
        // Other representations have only probes: see `probes::of_others`.
        if index == 0 {
            metrics.extend(probes::metrics(&task.evaluations, ends));
        } else {
            let own = probes::metrics(&probes::of_others(&task.evaluations), ends);
            metrics.extend(own.into_iter().map(|metric| metric.of_part(&probed.name)));
        }
    }
    if step > 0 && task.prior.is_some() {
        metrics.push(Metric::PriorLoss);
    }
    metrics
}

fn of_encoder(config: &TrialConfig, encoder: &EncoderSpec, ends: bool) -> Vec<Metric> {
    let bijective = matches!(encoder, EncoderSpec::RealNvp { .. });
    let of = |evaluation: &Evaluation| match evaluation {
        Evaluation::Conditioning { .. } => vec![
            Metric::LogConditionP0,
            Metric::LogConditionP20,
            Metric::LogConditionP40,
            Metric::LogConditionP60,
            Metric::LogConditionP80,
            Metric::LogConditionP100,
            Metric::SingularJacobians,
        ],
        Evaluation::Transfer if ends && config.transfer().is_some() => {
            vec![Metric::TransferAccuracy]
        }
        Evaluation::Bijectivity { .. } if bijective => vec![Metric::InverseError, Metric::LogDet],
        Evaluation::Bounds
        | Evaluation::Probe
        | Evaluation::ConvergedProbe
        | Evaluation::Bijectivity { .. }
        | Evaluation::SinglePlaces
        | Evaluation::TiesCeiling
        | Evaluation::Retrieval
        | Evaluation::Measure { .. }
        | Evaluation::FrozenBounds
        | Evaluation::Transfer
        | Evaluation::CkaToStart
        | Evaluation::Representation
        | Evaluation::ProbeEpochs
        | Evaluation::ScaledProbe { .. }
        | Evaluation::LabelNoise { .. }
        | Evaluation::ReferenceReaders
        | Evaluation::NearestNeighbours
        | Evaluation::AlsoAt { .. } => vec![],
    };
    let evaluations = config.task.evaluations();
    let of_probes = probes::metrics(evaluations, ends);
    of_probes.into_iter().chain(evaluations.iter().flat_map(of)).collect()
}

/// The records that a finished trial must have, with made-up values.
#[cfg(test)]
pub(crate) fn sample(config: &TrialConfig) -> Vec<Record> {
    let steps = (0..=config.steps).filter(|&step| config.evaluates_at(step));
    let due = steps.flat_map(|step| needed(config, step).into_iter().map(move |m| (step, m)));
    due.map(|(step, metric)| super::record(config, step, (metric, step as f64 + 0.5))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, Request};
    use crate::preset::Preset;

    #[test]
    fn every_missing_duplicate_or_foreign_row_is_detected() {
        let plan = Plan::resolve(&Request {
            data: Some("anywhere".into()),
            steps: Some(7),
            ..Request::new(&["all"], Preset::Smoke)
        })
        .unwrap();
        let state = TrialState::Finished;
        for config in &plan.trials {
            let all = sample(config);
            assert!(!all.is_empty());
            assert_eq!(missing(config, &state, &all), None, "{}", config.id());
            for index in 0..all.len() {
                let mut without = all.clone();
                let record = without.remove(index);
                assert!(missing(config, &state, &without).unwrap().contains("missing"));
                let mut twice = all.clone();
                twice.push(record.clone());
                assert!(missing(config, &state, &twice).unwrap().contains("twice"));
                let mut foreign = all.clone();
                foreign[index].seed += 1;
                assert!(missing(config, &state, &foreign).unwrap().contains("row"));
            }
            // A trial that diverged at the last step need not have records there.
            let diverged = TrialState::Diverged { step: config.steps, reason: "NaN".into() };
            let before: Vec<Record> =
                all.into_iter().filter(|record| record.step < config.steps).collect();
            assert_eq!(missing(config, &diverged, &before), None);
        }
    }
}
