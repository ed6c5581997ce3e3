//! Labels that distinguish the configurations of an experiment in records, derived from tasks.
//!
//! A label is text for readers, in the columns of records and in the ids of trials. No code parses
//! it: code that needs a target, a batch size or a temperature asks the trial's task.

use std::collections::BTreeMap;

use mi_critics::CriticSpec;
use serde_json::Value;

use crate::config::{EncoderSpec, Labels, Noise, Task, TrialConfig};

/// The labels of a task, which these settings distinguish from its siblings.
fn labelled(task: &Task, settings: &[Setting]) -> Labels {
    Labels::new(
        task.encoder().map_or("none", EncoderSpec::label),
        task.critic().map_or("none", CriticSpec::label),
        task.objective(),
    )
    .with(joined(settings))
}

/// A property that differs between configurations with the same encoder, critic and bound.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Setting {
    /// The value t to which the bound is driven, in nats; `None` if the bound is maximised.
    Target(Option<f64>),
    /// Noise on the pixels. If the standard deviation does not vary, it is not named.
    Noise {
        /// The noise.
        noise: Noise,
        /// Whether siblings differ in the standard deviation.
        sd_varies: bool,
    },
    /// Whether the pairs of a batch depend on each other.
    Dependent(bool),
    /// The temperature of a cosine critic: fixed, or learned.
    Temperature(f64, bool),
    /// The number K of pairs in a batch.
    BatchSize(usize),
    /// Any other field of the configuration: its path and its value.
    Field(String, String),
}

impl Setting {
    /// The text in records; empty for the absence of noise.
    fn label(&self) -> String {
        match self {
            Self::Target(Some(target)) => format!("t={target}"),
            Self::Target(None) => "t=none".to_owned(),
            Self::Noise { noise, sd_varies: true } if noise.sd == 0.0 => String::new(),
            Self::Noise { noise, sd_varies: true } => {
                let shared = if noise.shared { " shared" } else { "" };
                format!("noise={}{shared}", noise.sd)
            }
            Self::Noise { noise: Noise { shared: true, .. }, .. } => "shared-noise".to_owned(),
            Self::Noise { .. } => "independent-noise".to_owned(),
            Self::Dependent(true) => "dependent".to_owned(),
            Self::Dependent(false) => "independent".to_owned(),
            Self::Temperature(_, true) => "tau learned".to_owned(),
            Self::Temperature(temperature, false) => format!("tau={temperature}"),
            Self::BatchSize(k) => format!("k={k}"),
            Self::Field(path, value) => format!("{path}={value}"),
        }
    }

    /// The setting in prose.
    pub(crate) fn prose(&self) -> String {
        match self {
            Self::Noise { noise, sd_varies: true } if noise.sd > 0.0 => {
                let shared = if noise.shared { ", shared" } else { "" };
                format!("noise of sd {}{shared}", noise.sd)
            }
            Self::Noise { noise, sd_varies: false } => {
                if noise.shared { "shared noise" } else { "independent noise" }.to_owned()
            }
            Self::BatchSize(k) => format!("K\u{a0}=\u{a0}{k}"),
            Self::Temperature(..) => typeset(&self.label()).replace("tau", "τ"),
            _ => typeset(&self.label()),
        }
    }
}

/// The settings as the text of a record's column.
pub(crate) fn joined(settings: &[Setting]) -> String {
    let texts = settings.iter().map(Setting::label);
    texts.filter(|text| !text.is_empty()).collect::<Vec<String>>().join(", ")
}

/// The settings in prose.
pub(crate) fn prose(settings: &[Setting]) -> String {
    let texts = settings.iter().map(Setting::prose);
    texts.filter(|text| !text.is_empty()).collect::<Vec<String>>().join(", ")
}

/// The text with non-breaking spaces around equals signs.
pub(crate) fn typeset(text: &str) -> String {
    text.replace('=', "\u{a0}=\u{a0}")
}

/// For each configuration of an experiment, the settings that distinguish it from those with the
/// same encoder, critic and bound: one for every field in which they differ.
pub(crate) fn settings(configurations: &[Configured<'_>]) -> Vec<Vec<Setting>> {
    let groups: Vec<Labels> = configurations.iter().map(|c| labelled(c.task, &[])).collect();
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

/// The setting for a field of a task; `None` if it has to be a [`Setting::Field`].
fn known_setting(task: &Task, path: &str, sd_varies: bool) -> Option<Setting> {
    Some(match (path, task.critic()) {
        ("target", _) => Setting::Target(task.target()),
        ("noise.sd" | "noise.shared" | "noise_sd", _) => {
            Setting::Noise { noise: task.noise()?, sd_varies }
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
