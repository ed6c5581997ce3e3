//! Records sorted into configurations: what figures, tables and claims look at.

use std::collections::BTreeMap;

use crate::outcome::{Outcome, TrialInfo, TrialState};
use crate::record::Metric;
use crate::statistics;

/// What identifies a configuration: all of a trial but its seed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) experiment: String,
    pub(crate) dataset: String,
    pub(crate) encoder: String,
    pub(crate) critic: String,
    pub(crate) bound: String,
    pub(crate) setting: String,
}

impl Key {
    fn of(trial: &TrialInfo) -> Self {
        Self {
            experiment: trial.experiment.clone(),
            dataset: trial.dataset.clone(),
            encoder: trial.encoder.clone(),
            critic: trial.critic.clone(),
            bound: trial.bound.clone(),
            setting: trial.setting.clone(),
        }
    }
}

/// A trial with its numbers.
#[derive(Clone, Debug)]
pub(crate) struct Trial<'a> {
    pub(crate) info: &'a TrialInfo,
    values: BTreeMap<Metric, BTreeMap<u64, f64>>,
}

impl Trial<'_> {
    pub(crate) fn is_finished(&self) -> bool {
        self.info.state.is_finished()
    }

    pub(crate) fn is_diverged(&self) -> bool {
        matches!(self.info.state, TrialState::Diverged { .. })
    }

    /// The values of a metric by step.
    pub(crate) fn curve(&self, metric: Metric) -> impl Iterator<Item = (u64, f64)> + '_ {
        self.values.get(&metric).into_iter().flatten().map(|(step, value)| (*step, *value))
    }

    /// The value at the first step.
    pub(crate) fn first(&self, metric: Metric) -> Option<f64> {
        self.values.get(&metric)?.get(&0).copied()
    }

    /// The step and value measured last.
    pub(crate) fn last(&self, metric: Metric) -> Option<(u64, f64)> {
        self.curve(metric).last()
    }

    /// The last step at which anything was measured.
    pub(crate) fn last_step(&self) -> Option<u64> {
        self.values.values().filter_map(|by_step| by_step.keys().next_back()).copied().max()
    }

    /// Mean over the last fifth of the steps, the first of them included.
    pub(crate) fn tail_mean(&self, metric: Metric) -> Option<f64> {
        let (end, _) = self.last(metric)?;
        let tail: Vec<f64> =
            self.curve(metric).filter(|(step, _)| *step * 5 >= end * 4).map(|(_, v)| v).collect();
        Some(statistics::mean(&tail))
    }
}

/// Trials that differ in their seed only.
#[derive(Clone, Debug)]
pub(crate) struct Configuration<'a> {
    pub(crate) key: Key,
    pub(crate) trials: Vec<Trial<'a>>,
}

/// The values of several seeds at one step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) step: u64,
    pub(crate) values: Vec<f64>,
}

impl Sample {
    pub(crate) fn mean(&self) -> f64 {
        statistics::mean(&self.values)
    }

    pub(crate) fn deviation(&self) -> Option<f64> {
        statistics::deviation(&self.values)
    }

    pub(crate) fn least(&self) -> f64 {
        self.values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn greatest(&self) -> f64 {
        self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

impl<'a> Configuration<'a> {
    /// All configurations of an outcome, in plan order. Records of trials that the plan does not
    /// hold are left out.
    pub(crate) fn all(outcome: &'a Outcome) -> Vec<Self> {
        let mut configurations: Vec<Self> = Vec::new();
        let mut places: BTreeMap<Key, usize> = BTreeMap::new();
        let mut trials: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for info in &outcome.trials {
            let key = Key::of(info);
            let place = *places.entry(key.clone()).or_insert_with(|| {
                configurations.push(Self { key, trials: Vec::new() });
                configurations.len() - 1
            });
            let siblings = &mut configurations[place].trials;
            trials.insert(&info.id, (place, siblings.len()));
            siblings.push(Trial { info, values: BTreeMap::new() });
        }
        for record in &outcome.records {
            if let Some(&(place, index)) = trials.get(record.trial.as_str()) {
                let values = &mut configurations[place].trials[index].values;
                values.entry(record.metric).or_default().insert(record.step, record.value);
            }
        }
        configurations
    }

    pub(crate) fn asked(&self) -> usize {
        self.trials.len()
    }

    pub(crate) fn finished(&self) -> usize {
        self.trials.iter().filter(|t| t.is_finished()).count()
    }

    pub(crate) fn diverged(&self) -> usize {
        self.trials.iter().filter(|t| t.is_diverged()).count()
    }

    /// The trials that enter means: the finished ones; while none is, those under way. One that
    /// diverged never does.
    pub(crate) fn counted(&self) -> impl Iterator<Item = &Trial<'a>> {
        let any_finished = self.finished() > 0;
        self.trials.iter().filter(move |t| t.is_finished() || !any_finished && !t.is_diverged())
    }

    /// The values of the counted trials, step by step.
    pub(crate) fn curve(&self, metric: Metric) -> Vec<Sample> {
        let mut steps: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        for trial in self.counted() {
            for (step, value) in trial.curve(metric) {
                steps.entry(step).or_default().push(value);
            }
        }
        steps.into_iter().map(|(step, values)| Sample { step, values }).collect()
    }

    /// The values at the last step that any counted trial has reached.
    pub(crate) fn end(&self, metric: Metric) -> Option<Sample> {
        self.curve(metric).pop()
    }

    /// Each counted trial's mean over the last fifth of its steps.
    pub(crate) fn tails(&self, metric: Metric) -> Option<Sample> {
        let values: Vec<f64> = self.counted().filter_map(|t| t.tail_mean(metric)).collect();
        let step = self.counted().filter_map(Trial::last_step).max()?;
        (!values.is_empty()).then_some(Sample { step, values })
    }

    /// A number of each finished trial with its seed.
    pub(crate) fn by_seed(&self, number: impl Fn(&Trial<'a>) -> Option<f64>) -> BTreeMap<u64, f64> {
        let finished = self.trials.iter().filter(|t| t.is_finished());
        finished.filter_map(|t| Some((t.info.seed, number(t)?))).collect()
    }

    /// Whether any trial has a value of the metric.
    pub(crate) fn has(&self, metric: Metric) -> bool {
        self.trials.iter().any(|t| t.values.contains_key(&metric))
    }
}
