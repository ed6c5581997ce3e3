//! The experiments, one file each.
//!
//! Each file holds everything about its experiment: the question, the variants at a given scale,
//! the paper's values, the figure with its panels and style, and the claim. [`EXPERIMENTS`] lists
//! them. No other code names an experiment: plans, departures from the paper's protocol, figures,
//! verdicts and the report follow from the list.

mod adversarial;
mod batch_size;
mod bijective;
mod bounds;
mod cifar_cpc;
mod cifar_critics;
mod cifar_dim;
mod cifar_encoders;
mod cmc;
mod conditioning;
mod contrasts;
mod cosine;
mod cpc;
mod cpc_sequences;
mod critics;
mod dependent;
mod diag;
mod dim;
mod dim_published;
mod encoders;
mod invertible;
mod measures;
mod metric;
mod pixels;
mod settings;
mod supervised;
mod systems;
mod views;

use serde::{Deserialize, Serialize};

use crate::claims::Claim;
use crate::config::{Evaluation, Labels, Task, TrialConfig};
use crate::figures::Figure;
use crate::labels::{self, Configured};
use crate::preset::Scale;
use crate::published::Published;

/// An experiment of the paper, or one that runs on the same code.
#[derive(Debug)]
#[non_exhaustive]
pub struct Experiment {
    /// Its name on the command line.
    pub name: &'static str,
    /// The paper's figures that it reproduces; empty for experiments beyond the paper.
    pub figures: &'static str,
    /// The question that it answers, in one line.
    pub question: &'static str,
    /// The kind of data that it runs on.
    pub data: DataKind,
    /// Whether it runs if no experiment is named. Those of the paper do, except on CIFAR-10.
    pub by_default: bool,
    /// The number of seeds in the quick preset. Given the spread over at most twelve seeds, it is
    /// enough to settle the claim there.
    pub quick_seeds: u64,
    /// Its configurations, at a given scale.
    pub variants: fn(&Scale) -> Vec<Variant>,
    /// The values that the paper published.
    pub published: Published,
    /// Its position in the report, which follows the paper: ten times the number of its first
    /// figure (13 for 1c, 43 for 4c), or more than 100 if the paper has no figure of it.
    pub(crate) place: u32,
    /// What its figure shows.
    pub(crate) figure: Figure,
    /// The claim that it tests.
    pub(crate) claim: Option<Claim>,
}

impl Experiment {
    /// Whether the paper has figures of it.
    pub(crate) fn is_papers(&self) -> bool {
        !self.figures.is_empty()
    }
}

/// The kind of data that an experiment runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DataKind {
    /// Grey images: the embedded digits, MNIST or Fashion-MNIST.
    Grey,
    /// CIFAR-10.
    #[serde(rename = "cifar-10")]
    Cifar,
    /// Synthetic pairs.
    Synthetic,
}

/// One configuration of an experiment, without data and seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Optimiser steps.
    pub steps: u64,
    /// Steps between evaluations.
    pub evaluate_every: u64,
    /// What is trained and measured.
    pub task: Task,
    /// The variant's own label. `None` derives one from the fields in which the variants differ.
    pub setting: Option<String>,
}

impl Variant {
    /// Checks that there is an evaluation at each step at which more is to be measured.
    ///
    /// # Errors
    /// A sentence that names the first step without one.
    pub(crate) fn check_also_at(&self) -> Result<(), String> {
        let Self { steps, evaluate_every, task, .. } = self;
        let is_measured =
            |step: u64| step == *steps || step < *steps && step.is_multiple_of(*evaluate_every);
        let lost = task.evaluations().iter().find_map(|evaluation| match evaluation {
            Evaluation::AlsoAt { step } if !is_measured(*step) => Some(*step),
            _ => None,
        });
        lost.map_or(Ok(()), |step| {
            Err(format!(
                "`also-at`: nothing is evaluated at step {step}; with `evaluate_every = \
                 {evaluate_every}` and `steps = {steps}`, give a multiple of the first, up to the \
                 second"
            ))
        })
    }

    /// The labels of an experiment's variants.
    pub fn labels(variants: &[Self]) -> Vec<Labels> {
        let configured: Vec<Configured<'_>> = variants.iter().map(Configured::from).collect();
        let labels = labels::labels(&configured);
        let named = labels.into_iter().zip(variants);
        named
            .map(|(labels, variant)| match &variant.setting {
                Some(setting) => labels.with(setting),
                None => labels,
            })
            .collect()
    }
}

impl From<&TrialConfig> for Variant {
    fn from(config: &TrialConfig) -> Self {
        let TrialConfig { steps, evaluate_every, task, .. } = config;
        Self { steps: *steps, evaluate_every: *evaluate_every, task: task.clone(), setting: None }
    }
}

impl<'a> From<&'a Variant> for Configured<'a> {
    fn from(variant: &'a Variant) -> Self {
        let Variant { steps, evaluate_every, task, .. } = variant;
        Self { steps: *steps, evaluate_every: (*evaluate_every).max(1), task }
    }
}

/// All experiments, in the order in which they run.
pub const EXPERIMENTS: &[&Experiment] = &[
    &critics::EXPERIMENT,
    &pixels::EXPERIMENT,
    &dependent::EXPERIMENT,
    &encoders::EXPERIMENT,
    &conditioning::EXPERIMENT,
    &invertible::EXPERIMENT,
    &adversarial::EXPERIMENT,
    &supervised::EXPERIMENT,
    &cifar_critics::EXPERIMENT,
    &cifar_encoders::EXPERIMENT,
    &bounds::EXPERIMENT,
    &batch_size::EXPERIMENT,
    &cosine::EXPERIMENT,
    &metric::EXPERIMENT,
    &dim::EXPERIMENT,
    &cifar_dim::EXPERIMENT,
    &cmc::EXPERIMENT,
    &cpc::EXPERIMENT,
    &cifar_cpc::EXPERIMENT,
    &cpc_sequences::EXPERIMENT,
    &views::EXPERIMENT,
    &measures::EXPERIMENT,
    &bijective::EXPERIMENT,
    &diag::EXPERIMENT,
];

/// The experiment of this name.
pub fn find(name: &str) -> Option<&'static Experiment> {
    EXPERIMENTS.iter().copied().find(|experiment| experiment.name == name)
}

/// The experiments that run if none is named. `paper` on the command line stands for them too.
pub fn by_default() -> impl Iterator<Item = &'static Experiment> + Clone {
    EXPERIMENTS.iter().copied().filter(|experiment| experiment.by_default)
}

/// All experiments, in the order of the report.
pub(crate) fn in_report() -> Vec<&'static Experiment> {
    let mut experiments = EXPERIMENTS.to_vec();
    experiments.sort_by_key(|experiment| experiment.place);
    experiments
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use clap::ValueEnum as _;
    use mi_data::Geometry;

    use super::*;
    use crate::preset::Preset;

    /// The code of a folder's files, without tests and comments.
    fn code(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                code(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                let code = lines.collect::<Vec<&str>>().join("\n");
                found.push((path.display().to_string(), code));
            }
        }
    }

    #[test]
    fn an_experiment_is_known_to_its_own_file_alone() {
        let mut files = Vec::new();
        code(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        // Some fields of tasks and keys of files have the name of an experiment.
        let names_fields = ["labels.rs", "departures.rs", "experiment_file"];
        files.retain(|(path, _)| !names_fields.iter().any(|part| path.contains(part)));
        assert!(files.len() > 50);
        // The code compares with the name, matches on it, or lists it. The same word in a sentence
        // does not count.
        let names = |code: &str, name: &str| {
            let literal = format!("\"{name}\"");
            code.match_indices(&literal).any(|(at, _)| {
                let (before, after) = (code[..at].trim_end(), &code[at + literal.len()..]);
                ["==", "!="].iter().any(|sign| before.ends_with(sign))
                    || [",", "=>", "|", "]"].iter().any(|sign| after.trim_start().starts_with(sign))
            })
        };
        for experiment in EXPERIMENTS {
            let file = format!("experiments/{}.rs", experiment.name.replace('-', "_"));
            for (path, code) in files.iter().filter(|(path, _)| !path.ends_with(&file)) {
                for name in [experiment.name, experiment.figure.id] {
                    assert!(!names(code, name), "{path} names {name}");
                }
            }
            let (_, own) = files.iter().find(|(path, _)| path.ends_with(&file)).unwrap();
            assert!(names(own, experiment.name), "the test finds names where they are");
        }
    }

    #[test]
    fn names_anchors_places_and_claims_are_unique() {
        let count = EXPERIMENTS.len();
        let names: BTreeSet<&str> = EXPERIMENTS.iter().map(|e| e.name).collect();
        let anchors: BTreeSet<&str> = EXPERIMENTS.iter().map(|e| e.figure.id).collect();
        let places: BTreeSet<u32> = EXPERIMENTS.iter().map(|e| e.place).collect();
        assert_eq!([names.len(), anchors.len(), places.len()], [count; 3]);
        let claims: Vec<&str> =
            in_report().iter().filter_map(|e| e.claim.as_ref()).map(|claim| claim.id).collect();
        let of_the_paper = ["C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8"];
        let of_systems = ["V4", "V1", "V1c", "V2", "V3c", "V3", "V5", "M1", "M3"];
        assert_eq!(claims, [&of_the_paper[..], &of_systems].concat());
    }

    #[test]
    fn tasks_of_many_views_fit_their_images() {
        let mut found = 0;
        for preset in Preset::value_variants() {
            for experiment in EXPERIMENTS {
                for variant in (experiment.variants)(&Scale::of(*preset)) {
                    let Task::MultiView(task) = &variant.task else { continue };
                    let image = match (&task.sequences, experiment.data) {
                        (Some(sequences), _) => Geometry::new(1, sequences.places, 1),
                        (None, DataKind::Cifar) => Geometry::new(32, 32, 3),
                        (None, _) => Geometry::new(28, 28, 1),
                    };
                    let layout = task.layout(image);
                    assert!(
                        layout.is_ok(),
                        "{} {:?}: {layout:?}",
                        experiment.name,
                        variant.setting
                    );
                    found += 1;
                }
            }
        }
        assert!(found > 100);
    }

    #[test]
    fn lines_of_an_experiment_are_told_apart() {
        for experiment in EXPERIMENTS {
            let is_by_place = std::ptr::fn_addr_eq(
                experiment.figure.style,
                crate::figures::by_place as crate::figures::Style,
            );
            let count = (experiment.variants)(&Scale::paper()).len();
            assert!(!is_by_place || count <= crate::figures::MOST_PLACES, "{}", experiment.name);
        }
    }

    #[test]
    fn labels_tell_variants_apart_at_every_scale() {
        for &preset in Preset::value_variants() {
            for experiment in EXPERIMENTS {
                let variants = (experiment.variants)(&Scale::of(preset));
                let labels = Variant::labels(&variants);
                for (index, own) in labels.iter().enumerate() {
                    assert!(!labels[..index].contains(own), "{}: {own:?}", experiment.name);
                }
            }
        }
    }

    #[test]
    fn published_values_are_of_variants_and_every_curve_has_its_end() {
        for experiment in EXPERIMENTS {
            let variants = (experiment.variants)(&Scale::paper());
            let configured: Vec<Configured<'_>> = variants.iter().map(Configured::from).collect();
            let settings = labels::settings(&configured);
            let Published { last_step, values, .. } = experiment.published;
            for (index, value) in values.iter().enumerate() {
                let place = |v: &crate::published::Value| (v.curve, v.metric, v.step);
                assert!(values[..index].iter().all(|v| place(v) != place(value)), "{value:?}");
                if let Some((low, high)) = value.band {
                    assert!(low <= value.value && value.value <= high, "{value:?}");
                }
                let end = (value.curve, value.metric, last_step);
                assert!(values.iter().any(|v| place(v) == end), "{value:?}");
                assert!(
                    variants
                        .iter()
                        .zip(&settings)
                        .any(|(variant, own)| value.curve.is_of(&variant.task, own)),
                    "no variant has the curve of {value:?}"
                );
            }
        }
    }
}
