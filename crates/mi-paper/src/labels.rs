//! What distinguishes the configurations of an experiment, derived from their tasks: the kinds of
//! encoder, critic and objective, and [`Setting`]s.
//!
//! [`Labels`] are the same as text, for the columns of records and the ids of trials. No code takes
//! that text apart: code that needs a target, a batch size or a temperature asks the trial's task.

use std::collections::BTreeMap;

use mi_critics::{CriticKind, CriticSpec};
use serde_json::Value;

use crate::config::{EncoderKind, EncoderSpec, Labels, Noise, Task, TrialConfig};
use crate::multi_view::ObjectiveKind;

/// The labels of a task, which these settings distinguish from its siblings.
fn labelled(task: &Task, settings: &[Setting]) -> Labels {
    Labels::new(
        task.encoder().map_or("none", EncoderSpec::label),
        task.critic().map_or("none", CriticSpec::label),
        task.objective().map_or("none", |objective| objective.label()),
    )
    .with(joined(settings))
}

/// The kinds of what a task trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kinds {
    pub(crate) encoder: Option<EncoderKind>,
    pub(crate) critic: Option<CriticKind>,
    pub(crate) objective: Option<ObjectiveKind>,
}

impl Kinds {
    pub(crate) fn of(task: &Task) -> Self {
        Self {
            encoder: task.encoder().map(EncoderSpec::kind),
            critic: task.critic().map(CriticSpec::kind),
            objective: task.objective().map(|objective| objective.kind()),
        }
    }
}

/// A property that differs between configurations with the same kinds of encoder, critic and
/// objective.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Setting {
    /// The value t to which the bound is driven, in nats; `None` if the bound is maximised.
    Target(Option<f64>),
    /// Noise on the pixels, whose standard deviation differs.
    Noise(Noise),
    /// Whether both views have the same draw of noise, whose standard deviation does not differ.
    SharedNoise(bool),
    /// Whether the pairs of a batch depend on each other.
    Dependent(bool),
    /// The temperature of a cosine critic: fixed, or learned.
    Temperature(f64, bool),
    /// The number K of pairs in a batch.
    BatchSize(usize),
    /// Any other field of the configuration: its path and its value.
    Field(String, String),
    /// The name that the variant was given, in place of its settings.
    Name(String),
}

impl Setting {
    /// The text in records; empty for the absence of noise.
    fn label(&self) -> String {
        match self {
            Self::Target(Some(target)) => format!("t={target}"),
            Self::Target(None) => "t=none".to_owned(),
            Self::Noise(noise) if noise.sd == 0.0 => String::new(),
            Self::Noise(noise) => {
                let shared = if noise.shared { " shared" } else { "" };
                format!("noise={}{shared}", noise.sd)
            }
            Self::SharedNoise(true) => "shared-noise".to_owned(),
            Self::SharedNoise(false) => "independent-noise".to_owned(),
            Self::Dependent(true) => "dependent".to_owned(),
            Self::Dependent(false) => "independent".to_owned(),
            Self::Temperature(_, true) => "tau learned".to_owned(),
            Self::Temperature(temperature, false) => format!("tau={temperature}"),
            Self::BatchSize(k) => format!("k={k}"),
            Self::Field(path, value) => format!("{path}={value}"),
            Self::Name(name) => name.clone(),
        }
    }

    /// The setting in prose.
    fn prose(&self) -> String {
        match self {
            Self::Noise(noise) if noise.sd > 0.0 => {
                let shared = if noise.shared { ", shared" } else { "" };
                format!("noise of sd {}{shared}", noise.sd)
            }
            Self::SharedNoise(true) => "shared noise".to_owned(),
            Self::SharedNoise(false) => "independent noise".to_owned(),
            Self::BatchSize(k) => format!("K\u{a0}=\u{a0}{k}"),
            Self::Temperature(..) => typeset(&self.label()).replace("tau", "τ"),
            _ => typeset(&self.label()),
        }
    }
}

/// The settings as the text of a record's column.
fn joined(settings: &[Setting]) -> String {
    let texts = settings.iter().map(Setting::label);
    texts.filter(|text| !text.is_empty()).collect::<Vec<String>>().join(", ")
}

/// The settings in prose.
pub(crate) fn prose(settings: &[Setting]) -> String {
    let texts = settings.iter().map(Setting::prose);
    texts.filter(|text| !text.is_empty()).collect::<Vec<String>>().join(", ")
}

/// The text with non-breaking spaces around equals signs.
fn typeset(text: &str) -> String {
    text.replace('=', "\u{a0}=\u{a0}")
}

/// For each configuration of an experiment, the settings that distinguish it from those of the same
/// kinds: one for every field in which they differ.
pub(crate) fn settings(configurations: &[Configured<'_>]) -> Vec<Vec<Setting>> {
    let groups: Vec<Kinds> = configurations.iter().map(|c| Kinds::of(c.task)).collect();
    let fields: Vec<Fields> = configurations.iter().map(Configured::fields).collect();
    let of = |index: usize| {
        let own = &fields[index];
        let siblings: Vec<&Fields> = groups
            .iter()
            .zip(&fields)
            .filter(|(group, _)| **group == groups[index])
            .map(|(_, fields)| fields)
            .collect();
        let mut found: Vec<Setting> = Vec::new();
        for (path, value) in own {
            if siblings.iter().any(|other| other.get(path) != Some(value)) {
                let sd_varies = siblings.iter().any(|other| {
                    ["noise.sd", "noise_sd"].iter().any(|sd| other.get(*sd) != own.get(*sd))
                });
                let setting = known_setting(configurations[index].task, path, sd_varies)
                    .unwrap_or_else(|| Setting::Field(path.clone(), value.clone()));
                if !found.contains(&setting) {
                    found.push(setting);
                }
            }
        }
        found
    };
    (0..configurations.len()).map(of).collect()
}

/// The labels of an experiment's configurations, distinguished by their [`settings`].
pub(crate) fn labels(configurations: &[Configured<'_>]) -> Vec<Labels> {
    let settings = settings(configurations);
    configurations.iter().zip(&settings).map(|(c, own)| labelled(c.task, own)).collect()
}

/// The settings of an experiment's configurations in a plan, each listed once.
///
/// Where a plan keeps the text of a variant's settings, it keeps the name of a variant that has
/// one. So a text other than that of the variant's own settings is a name.
pub(crate) fn planned(configs: &[&TrialConfig]) -> Vec<Vec<Setting>> {
    let configured: Vec<Configured<'_>> = configs.iter().map(|c| Configured::of(c)).collect();
    let own = settings(&configured).into_iter().zip(configs);
    own.map(|(own, config)| {
        let text = &config.labels.setting;
        if joined(&own) == *text { own } else { vec![Setting::Name(text.clone())] }
    })
    .collect()
}

/// The setting for a field of a task; `None` if it has to be a [`Setting::Field`].
fn known_setting(task: &Task, path: &str, sd_varies: bool) -> Option<Setting> {
    Some(match (path, task.critic()) {
        ("target", _) => Setting::Target(task.target()),
        ("noise.sd" | "noise.shared" | "noise_sd", _) => {
            let noise = task.noise()?;
            if sd_varies { Setting::Noise(noise) } else { Setting::SharedNoise(noise.shared) }
        }
        ("dependent", _) => Setting::Dependent(matches!(task, Task::Dependent(d) if d.dependent)),
        (_, Some(CriticSpec::Cosine { temperature, learned })) if path.starts_with("critic.") => {
            Setting::Temperature(*temperature, *learned)
        }
        ("batch_size", _) => Setting::BatchSize(task.batch_size()?),
        _ => return None,
    })
}

/// The leaves of a configuration, by path.
pub(crate) type Fields = BTreeMap<String, String>;

/// A configuration without its data set and seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Configured<'a> {
    pub(crate) steps: u64,
    pub(crate) evaluate_every: u64,
    pub(crate) task: &'a Task,
}

impl<'a> Configured<'a> {
    /// The configuration of a trial.
    pub(crate) fn of(config: &'a TrialConfig) -> Self {
        let TrialConfig { steps, evaluate_every, task, .. } = config;
        Self { steps: *steps, evaluate_every: *evaluate_every, task }
    }

    /// Every leaf by its path, e.g. `critic.separable.embed`; lists of numbers are leaves.
    pub(crate) fn fields(&self) -> Fields {
        let mut fields = Fields::new();
        fields.insert("steps".to_owned(), self.steps.to_string());
        fields.insert("evaluate_every".to_owned(), self.evaluate_every.to_string());
        let task = serde_json::to_value(self.task);
        let task = task.unwrap_or_else(|error| unreachable!("a task of plain fields: {error}"));
        collect("", &task, &mut fields);
        // The learning rate of the optimiser is that of the task, which is a field already.
        for path in ["optimiser.rule.adam.lr", "optimiser.rule.sgd.lr"] {
            fields.remove(path);
        }
        fields
    }
}

fn collect(path: &str, value: &Value, fields: &mut Fields) {
    let at = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                collect(&at(key), value, fields);
            }
        }
        // Items of a list are identified by their kind, as evaluations are, or by their name.
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for item in items {
                let kind = ["kind", "name"].iter().find_map(|key| item.get(*key)?.as_str());
                let kind = kind.unwrap_or_default();
                collect(&at(kind), item, fields);
            }
        }
        Value::Array(items) => {
            let text = |item: &Value| item.as_str().map_or(item.to_string(), str::to_owned);
            let texts: Vec<String> = items.iter().map(text).collect();
            let separator = if items.iter().any(Value::is_string) { "/" } else { "x" };
            fields.insert(path.to_owned(), texts.join(separator));
        }
        Value::String(text) => drop(fields.insert(path.to_owned(), text.clone())),
        other => drop(fields.insert(path.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, Request};
    use crate::preset::Preset;

    #[test]
    fn a_plan_has_settings_from_tasks_and_names_from_variants() {
        let plan = Plan::resolve(&Request {
            seeds: vec!["1".parse().unwrap()],
            data: Some("anywhere".into()),
            ..Request::new(&["conditioning", "views"], Preset::Paper)
        })
        .unwrap();
        let of = |name: &str| {
            let own: Vec<&TrialConfig> =
                plan.trials.iter().filter(|trial| trial.experiment == name).collect();
            planned(&own)
        };
        let noise = |shared| vec![Setting::SharedNoise(shared)];
        assert_eq!(of("conditioning"), [noise(true), noise(false), noise(true), noise(false)]);
        let views = of("views");
        assert_eq!(views[0], [Setting::Name("top and bottom".to_owned())]);
        assert!(views.iter().all(|own| matches!(own[..], [Setting::Name(_)])), "{views:?}");
    }
}
