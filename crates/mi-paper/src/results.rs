//! Records grouped by configuration, and the results of one experiment on one data set, from which
//! figures, tables and claims are made.

use std::collections::{BTreeMap, BTreeSet};

use mi_estimators::bounds::BoundSpec;
use mi_plot::Dash;

use crate::config::{Labels, Task, TrialConfig};
use crate::labels::{self, Setting};
use crate::outcome::{Outcome, TrialInfo, TrialState};
use crate::published::{Published, Value};
use crate::record::Metric;
use crate::statistics;

/// An experiment on a data set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) experiment: String,
    pub(crate) dataset: String,
}

/// A trial with its measured values.
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

    /// The value at step 0.
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

    /// Mean over the last fifth of the steps, both ends included.
    pub(crate) fn tail_mean(&self, metric: Metric) -> Option<f64> {
        let (end, _) = self.last(metric)?;
        let tail: Vec<f64> =
            self.curve(metric).filter(|(step, _)| *step * 5 >= end * 4).map(|(_, v)| v).collect();
        Some(statistics::mean(&tail))
    }
}

/// Trials that differ only in their seed.
#[derive(Clone, Debug)]
pub(crate) struct Configuration<'a> {
    pub(crate) key: Key,
    /// Its labels in records.
    pub(crate) labels: &'a Labels,
    /// What it trains and measures.
    pub(crate) task: &'a Task,
    /// What distinguishes it from the experiment's others of the same kinds.
    pub(crate) settings: Vec<Setting>,
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
    /// All configurations of an outcome, in plan order. Records of trials that are not in the plan
    /// are left out.
    pub(crate) fn all(outcome: &'a Outcome) -> Vec<Self> {
        let mut configurations: Vec<Self> = Vec::new();
        let mut firsts: Vec<&'a TrialConfig> = Vec::new();
        let mut trials: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (info, config) in outcome.trials.iter().zip(&outcome.configs) {
            let known = firsts.iter().position(|first| config.repeats(first));
            let place = known.unwrap_or_else(|| {
                firsts.push(config);
                configurations.push(Self::without_trials(config));
                configurations.len() - 1
            });
            let siblings = &mut configurations[place].trials;
            trials.insert(&info.id, (place, siblings.len()));
            siblings.push(Trial { info, values: BTreeMap::new() });
        }
        set_settings(&mut configurations, &firsts);
        for record in &outcome.records {
            if let Some(&(place, index)) = trials.get(record.trial.as_str()) {
                let values = &mut configurations[place].trials[index].values;
                values.entry(record.metric).or_default().insert(record.step, record.value);
            }
        }
        configurations
    }

    fn without_trials(config: &'a TrialConfig) -> Self {
        let TrialConfig { experiment, dataset, labels, task, .. } = config;
        let key = Key { experiment: experiment.clone(), dataset: dataset.clone() };
        Self { key, labels, task, settings: Vec::new(), trials: Vec::new() }
    }

    /// The name of its variant, if it was given one.
    pub(crate) fn name(&self) -> Option<&str> {
        let [Setting::Name(name)] = &self.settings[..] else { return None };
        Some(name)
    }

    /// Whether it is a variant of this name.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name() == Some(name)
    }

    /// Whether it is trained with this bound.
    pub(crate) fn has_bound(&self, bound: &BoundSpec) -> bool {
        self.task.bound() == Some(bound)
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

    /// The trials that means are taken over: the finished ones or, while there are none, the
    /// unfinished ones. Diverged trials never count.
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

    /// A number for each finished trial, by seed.
    pub(crate) fn by_seed(&self, number: impl Fn(&Trial<'a>) -> Option<f64>) -> BTreeMap<u64, f64> {
        let finished = self.trials.iter().filter(|t| t.is_finished());
        finished.filter_map(|t| Some((t.info.seed, number(t)?))).collect()
    }

    /// Whether any trial has a value of the metric.
    pub(crate) fn has(&self, metric: Metric) -> bool {
        self.trials.iter().any(|t| t.values.contains_key(&metric))
    }
}

/// Sets the settings, experiment by experiment.
fn set_settings(configurations: &mut [Configuration<'_>], configs: &[&TrialConfig]) {
    let mut experiments: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (index, configuration) in configurations.iter().enumerate() {
        experiments.entry(configuration.key.clone()).or_default().push(index);
    }
    for members in experiments.values() {
        let own: Vec<&TrialConfig> = members.iter().map(|&index| configs[index]).collect();
        for (&index, settings) in members.iter().zip(labels::planned(&own)) {
            configurations[index].settings = settings;
        }
    }
}

/// The results of one experiment on one data set, with the values published for it.
pub(crate) struct Results<'a> {
    /// The configurations of the whole run.
    pub(crate) all: &'a [Configuration<'a>],
    /// Those of the experiment on the data set.
    pub(crate) own: Vec<&'a Configuration<'a>>,
    pub(crate) dataset: &'a str,
    pub(crate) published: &'static Published,
    /// The colour and stroke of a configuration, given its index in `own`.
    pub(crate) style: fn(&Configuration<'_>, usize) -> (usize, Dash),
}

impl<'a> Results<'a> {
    /// The configurations that have the metric and for which `is` is true.
    pub(crate) fn with(
        &self,
        metric: Metric,
        is: impl Fn(&Configuration<'_>) -> bool,
    ) -> Vec<&'a Configuration<'a>> {
        self.own.iter().copied().filter(|c| is(c) && c.has(metric)).collect()
    }

    /// The first configuration for which `is` is true.
    pub(crate) fn find(
        &self,
        is: impl Fn(&Configuration<'_>) -> bool,
    ) -> Option<&'a Configuration<'a>> {
        self.own.iter().copied().find(|c| is(c))
    }

    /// A number for each finished trial of the configuration that `find` returns; empty without
    /// one.
    pub(crate) fn by_seed(
        &self,
        is: impl Fn(&Configuration<'_>) -> bool,
        number: impl Fn(&Trial<'a>) -> Option<f64>,
    ) -> BTreeMap<u64, f64> {
        self.find(is).map(|c| c.by_seed(number)).unwrap_or_default()
    }

    /// The paper's value at the end of the curve of the configuration that `find` returns.
    pub(crate) fn published(
        &self,
        is: impl Fn(&Configuration<'_>) -> bool,
        metric: Metric,
    ) -> Option<f64> {
        self.find(is).and_then(|c| self.published_end(c, metric)).map(|value| value.value)
    }

    /// The values published for a configuration, whatever its data set, by step.
    pub(crate) fn published_curve(
        &self,
        configuration: &Configuration<'_>,
        metric: Metric,
    ) -> impl Iterator<Item = &'static Value> {
        self.published.values.iter().filter(move |value| {
            value.metric == metric && value.curve.is_of(configuration.task, &configuration.settings)
        })
    }

    /// The value published for the end of a configuration's curve.
    pub(crate) fn published_end(
        &self,
        configuration: &Configuration<'_>,
        metric: Metric,
    ) -> Option<&'static Value> {
        let last = self.published.last_step;
        self.published_curve(configuration, metric).find(|value| value.step == last)
    }

    /// Every metric that a configuration of the experiment has.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let trials = self.own.iter().flat_map(|c| &c.trials);
        let all: BTreeSet<Metric> = trials.flat_map(|t| t.values.keys().copied()).collect();
        all.into_iter().collect()
    }

    /// The runs of the probes on pixels of this data set, with or without noise.
    pub(crate) fn pixel_baseline(&self, noisy: bool) -> Option<&'a Configuration<'a>> {
        self.all.iter().find(|c| {
            c.key.dataset == self.dataset
                && matches!(c.task, Task::Pixels(pixels) if (pixels.noise_sd > 0.0) == noisy)
        })
    }

    /// The seeds of the experiment's trials, in order.
    pub(crate) fn planned_seeds(&self) -> BTreeSet<u64> {
        self.own.iter().flat_map(|c| &c.trials).map(|t| t.info.seed).collect()
    }

    /// The seeds in order, before the first that has a trial which has not ended.
    pub(crate) fn ended_seeds(&self) -> Vec<u64> {
        let has_ended = |trial: &Trial<'_>| trial.is_finished() || trial.is_diverged();
        let waiting = self.own.iter().flat_map(|c| &c.trials).filter(|t| !has_ended(t));
        let waiting = waiting.map(|trial| trial.info.seed).min();
        let ended = |seed: &u64| waiting.is_none_or(|first| *seed < first);
        self.planned_seeds().into_iter().filter(ended).collect()
    }

    /// The number of pairs in a batch, if all configurations have the same.
    pub(crate) fn batch_size(&self) -> Option<usize> {
        let mut sizes = self.own.iter().map(|c| c.task.batch_size());
        let first = sizes.next()??;
        sizes.all(|size| size == Some(first)).then_some(first)
    }
}
