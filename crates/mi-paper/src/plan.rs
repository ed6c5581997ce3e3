//! Resolves a request into an ordered list of trials.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use mi_data::DatasetName;
use serde::{Deserialize, Serialize};

use crate::config::TrialConfig;
use crate::departures::departures;
use crate::error::PaperError;
use crate::experiment_file::ExperimentFile;
use crate::experiments::{self, DataKind, EXPERIMENTS, Experiment, Variant};
use crate::labels::{self, Setting};
use crate::names;
pub use crate::origin::PROGRAM;
use crate::preset::{AdversarialRates, Preset, Scale};
use crate::published;
use crate::seeds::Seeds;

/// What the user asked for, not yet checked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Names of experiments, or paths of experiment files, which end in `.toml`. `paper` stands for
    /// those of the paper that need one data set, `all` for every built-in one. An empty list means
    /// `paper`.
    pub experiments: Vec<String>,
    /// The size of the run.
    pub preset: Preset,
    /// The seeds; an experiment without an entry has the preset's default seeds.
    pub seeds: Vec<Seeds>,
    /// Folder with data sets; `None` for the embedded digits.
    pub data: Option<PathBuf>,
    /// Name of the grey-image data set; `None` for MNIST if there is a folder, and otherwise the
    /// digits.
    pub dataset: Option<String>,
    /// Upper limit on the steps of every experiment.
    pub steps: Option<u64>,
    /// Learning rates of the adversarial experiment.
    pub adversarial_rates: AdversarialRates,
}

impl Request {
    /// These experiments at this size; everything else by default.
    pub fn new(experiments: &[&str], preset: Preset) -> Self {
        Self {
            experiments: experiments.iter().map(|&name| name.to_owned()).collect(),
            preset,
            seeds: Vec::new(),
            data: None,
            dataset: None,
            steps: None,
            adversarial_rates: AdversarialRates::Notebook,
        }
    }
}

/// An ordered list of trials, and what it was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The program and its version: another version may give other numbers.
    pub program: String,
    /// The preset.
    pub preset: Preset,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// The data sets with the hash of their content; filled in when they are loaded.
    pub data: Vec<DataId>,
    /// Departures from the paper's protocol, one sentence each.
    pub deviations: Vec<String>,
    /// The experiments that are not built in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own: Vec<OwnExperiment>,
    /// The trials, in the order in which they run and in which their records are merged.
    pub trials: Vec<TrialConfig>,
}

/// What a plan records about an experiment from a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnExperiment {
    /// Its name.
    pub name: String,
    /// Its question; may be empty.
    pub question: String,
    /// What it runs on.
    pub data: DataKind,
}

/// A data set and the hash of its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataId {
    /// The data set's name.
    pub name: String,
    /// SHA-256 over the decompressed files.
    pub sha256: String,
}

impl Plan {
    /// Resolves a request.
    ///
    /// # Errors
    /// An experiment or data set is unknown (the message lists the valid names), an experiment
    /// needs a data folder and none was given, or an experiment file is not valid.
    pub fn resolve(request: &Request) -> Result<Self, PaperError> {
        let (paths, names): (Vec<&String>, Vec<&String>) =
            request.experiments.iter().partition(|name| ExperimentFile::is_named(name));
        let experiments =
            if names.is_empty() && !paths.is_empty() { Vec::new() } else { select(&names)? };
        let grey = grey_dataset(request)?;
        let mut scale = Scale::of(request.preset);
        scale.adversarial_rates = request.adversarial_rates;
        if let Some(steps) = request.steps {
            scale = scale.cut(steps);
        }
        let built_in = experiments.iter().map(|experiment| ExperimentFile::of(experiment, &scale));
        let mut files: Vec<ExperimentFile> = built_in.collect();
        for path in paths {
            let file = read_own(Path::new(path), &scale, request.steps)?;
            match files.iter().find(|other| other.name == file.name) {
                // The same experiment is already in the plan.
                Some(other) if other.variants == file.variants => {}
                Some(_) => {
                    return Err(PaperError::NameTaken { path: path.into(), name: file.name });
                }
                None => files.push(file),
            }
        }
        let seeds = seeds_by_experiment(request, &files)?;
        let mut all_seeds: Vec<u64> = Vec::new();
        for &seed in seeds.iter().flatten() {
            if !all_seeds.contains(&seed) {
                all_seeds.push(seed);
            }
        }
        let configured = files
            .iter()
            .map(|file| configured(file, &grey, request))
            .collect::<Result<Vec<_>, _>>()?;
        let mut trials = Vec::new();
        for &seed in &all_seeds {
            let with_seed = configured.iter().zip(&seeds).filter(|(_, own)| own.contains(&seed));
            for (configured, _) in with_seed {
                trials.extend(configured.iter().map(|trial| TrialConfig { seed, ..trial.clone() }));
            }
        }
        let mut deviations = departures(&scale, &experiments);
        // An experiment from a file has no published protocol to depart from.
        if experiments.iter().any(|e| e.data == DataKind::Grey) {
            deviations.extend(other_images(&grey));
        }
        Ok(Self {
            program: PROGRAM.into(),
            preset: request.preset,
            seeds: all_seeds,
            data: Vec::new(),
            deviations,
            own: files
                .into_iter()
                .filter(|file| experiments::find(&file.name).is_none())
                .map(|ExperimentFile { name, question, data, .. }| OwnExperiment {
                    name,
                    question,
                    data,
                })
                .collect(),
            trials,
        })
    }

    /// Adds a deviation for each data set that has other numbers of images than the published one.
    /// `images` returns the numbers of training and test images that were loaded.
    pub fn note_images(&mut self, images: impl Fn(&str) -> Option<(usize, usize)>) {
        let of = |name: &&str| {
            let (own, whole) = (images(name)?, published::images(name)?);
            let [train, test, all_train, all_test] =
                [own.0, own.1, whole.0, whole.1].map(|count| mi_plot::grouped(count as u64));
            (own != whole).then(|| {
                format!(
                    "Data: {train} images of {} to train and {test} to test, instead of \
                     {all_train} and {all_test}.",
                    names::dataset(name)
                )
            })
        };
        let noted: Vec<String> = self.datasets().iter().filter_map(of).collect();
        self.deviations.extend(noted);
    }

    /// Whether both plans ask for the same trials on the same data by the same program. Deviations
    /// are not compared: they follow from these, and another build may find more of them or word
    /// them differently.
    pub fn is_same(&self, other: &Self) -> bool {
        self.with_deviations_of(other) == *other
    }

    /// Whether this plan has all trials of another, by the same program, preset and data, so that
    /// it can take the other's place.
    pub fn extends(&self, other: &Self) -> bool {
        let ids: HashMap<String, &TrialConfig> =
            self.trials.iter().map(|trial| (trial.id(), trial)).collect();
        let data_of = |name: &str| self.data.iter().find(|id| id.name == name);
        (&self.program, self.preset) == (&other.program, other.preset)
            && other.data.iter().all(|id| data_of(&id.name) == Some(id))
            && other.own.iter().all(|own| self.own.contains(own))
            && other.trials.iter().all(|trial| ids.get(&trial.id()) == Some(&trial))
    }

    /// This plan with the deviations of another.
    pub(crate) fn with_deviations_of(&self, other: &Self) -> Self {
        Self { deviations: other.deviations.clone(), ..self.clone() }
    }

    /// The experiments that are not built in, as resolved files that ask for the same trials.
    pub fn own_files(&self) -> Vec<ExperimentFile> {
        let file = |own: &OwnExperiment| {
            let first = self.trials.iter().find(|trial| trial.experiment == own.name);
            let seed = first.map_or(0, |trial| trial.seed);
            let trials = self.trials.iter().filter(|t| t.experiment == own.name && t.seed == seed);
            let mut variants: Vec<Variant> = trials.clone().map(Variant::from).collect();
            let trials: Vec<&TrialConfig> = trials.collect();
            for (variant, settings) in variants.iter_mut().zip(labels::planned(&trials)) {
                if let [Setting::Name(name)] = &settings[..] {
                    variant.setting = Some(name.clone());
                }
            }
            let OwnExperiment { name, question, data } = own.clone();
            ExperimentFile { name, question, data, variants }
        };
        self.own.iter().map(file).collect()
    }

    /// The hash of a trial's data set, if it has one and the hash is known.
    pub fn data_of(&self, trial: &TrialConfig) -> Option<&str> {
        self.data.iter().find(|id| id.name == trial.dataset).map(|id| id.sha256.as_str())
    }

    /// Names of the data sets that the trials need.
    pub fn datasets(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for trial in &self.trials {
            let own = Some(trial.dataset.as_str()).filter(|own| *own != "none");
            for name in own.into_iter().chain(trial.transfer().map(DatasetName::as_str)) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }
}

/// The seeds of each experiment.
fn seeds_by_experiment(
    request: &Request,
    experiments: &[ExperimentFile],
) -> Result<Vec<Vec<u64>>, PaperError> {
    let named = request.seeds.iter().filter_map(|entry| entry.experiment.as_deref());
    for name in named {
        if !experiments.iter().any(|experiment| experiment.name == name) {
            return Err(PaperError::Unknown {
                what: "experiment in this run, for `--seeds`,",
                name: name.into(),
                valid: experiments.iter().map(|experiment| experiment.name.clone()).collect(),
            });
        }
    }
    // The last of several entries for the same experiment counts, as for any option.
    let of = |name: Option<&str>| {
        let entry = request.seeds.iter().rev().find(|entry| entry.experiment.as_deref() == name);
        entry.map(|entry| entry.seeds.clone())
    };
    let seeds = |experiment: &ExperimentFile| {
        let usual = || request.preset.seeds(experiments::find(&experiment.name));
        of(Some(&experiment.name)).or_else(|| of(None)).unwrap_or_else(usual)
    };
    Ok(experiments.iter().map(seeds).collect())
}

/// Reads an experiment from a file, and limits its steps as those of built-in ones.
fn read_own(path: &Path, scale: &Scale, cut: Option<u64>) -> Result<ExperimentFile, PaperError> {
    let mut file = ExperimentFile::read(path)?;
    for variant in &mut file.variants {
        let Some(cut) = cut.filter(|&cut| cut < variant.steps) else { continue };
        variant.steps = cut;
        variant.check_also_at().map_err(|_| PaperError::ExperimentFile {
            path: path.to_owned(),
            line: 1,
            reason: format!(
                "`--steps {cut}` ends before, or between, the steps of `also-at`: ask for more steps, \
                 or leave these measures out of the file"
            ),
        })?;
    }
    match experiments::find(&file.name) {
        // The figures and claims of a built-in experiment are about its own trials only.
        Some(built_in) if (built_in.variants)(scale) != file.variants => {
            Err(PaperError::NameTaken { path: path.to_owned(), name: file.name })
        }
        _ => Ok(file),
    }
}

/// The trials of an experiment for seed 0; the caller sets the seeds.
fn configured(
    file: &ExperimentFile,
    grey: &str,
    request: &Request,
) -> Result<Vec<TrialConfig>, PaperError> {
    let ExperimentFile { name, data, variants, .. } = file;
    let dataset = match data {
        DataKind::Grey => grey,
        DataKind::Synthetic => "none",
        DataKind::Cifar if request.data.is_some() => "cifar-10",
        DataKind::Cifar => return Err(PaperError::DataNeeded { experiment: name.clone() }),
    };
    let labels = Variant::labels(variants);
    let trials = variants.iter().zip(labels).map(|(variant, labels)| TrialConfig {
        experiment: name.clone(),
        dataset: dataset.into(),
        seed: 0,
        labels,
        steps: variant.steps,
        evaluate_every: variant.evaluate_every.max(1),
        task: variant.task.clone(),
    });
    Ok(trials.collect())
}

fn select(names: &[&String]) -> Result<Vec<&'static Experiment>, PaperError> {
    const GROUPS: [&str; 2] = ["paper", "all"];
    let known = |name: &str| GROUPS.contains(&name) || experiments::find(name).is_some();
    if let Some(unknown) = names.iter().find(|name| !known(name.as_str())) {
        return Err(PaperError::Unknown {
            what: "experiment",
            name: (*unknown).clone(),
            valid: EXPERIMENTS.iter().map(|e| e.name).chain(GROUPS).map(String::from).collect(),
        });
    }
    let asked = |name: &str| names.iter().any(|other| *other == name);
    let wanted = |e: &Experiment| {
        asked("all") || asked(e.name) || e.by_default && (asked("paper") || names.is_empty())
    };
    // In registry order, whatever the order asked for, so that the same set gives the same plan.
    Ok(EXPERIMENTS.iter().copied().filter(|experiment| wanted(experiment)).collect())
}

/// The deviation for grey images other than the paper's.
fn other_images(dataset: &str) -> Option<String> {
    match dataset {
        "mnist" => None,
        "digits" => Some(
            "Data: 10,000 MNIST digits (8,000 to train, 2,000 to test) instead of all 70,000."
                .into(),
        ),
        other => Some(format!("Data: {} instead of MNIST.", names::dataset(other))),
    }
}

/// The name of the grey-image data set.
fn grey_dataset(request: &Request) -> Result<String, PaperError> {
    let valid = ["digits", "mnist", "fashion-mnist"];
    match request.dataset.as_deref() {
        None => Ok(if request.data.is_some() { "mnist" } else { "digits" }.into()),
        Some(name) if !valid.contains(&name) => Err(PaperError::Unknown {
            what: "data set",
            name: name.into(),
            valid: valid.map(String::from).to_vec(),
        }),
        Some(name) if name != "digits" && request.data.is_none() => {
            Err(PaperError::DataNeeded { experiment: format!("--dataset {name}") })
        }
        Some(name) => Ok(name.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Task;

    fn request() -> Request {
        Request::new(&[], Preset::Quick)
    }

    #[test]
    fn ids_are_unique_and_fit_for_file_names() {
        let mut all = request();
        all.experiments = vec!["all".into()];
        all.data = Some("anywhere".into());
        let plan = Plan::resolve(&all).unwrap();
        let mut ids: Vec<String> = plan.trials.iter().map(TrialConfig::id).collect();
        assert!(
            ids.iter().all(|id| {
                id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
            })
        );
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn unknown_names_are_refused_with_the_valid_ones() {
        let mut wrong = request();
        wrong.experiments = vec!["critic".into()];
        let message = Plan::resolve(&wrong).unwrap_err().to_string();
        assert!(message.contains("critic") && message.contains("critics"), "{message}");
        let mut wrong = request();
        wrong.dataset = Some("emnist".into());
        assert!(Plan::resolve(&wrong).unwrap_err().to_string().contains("fashion-mnist"));
    }

    #[test]
    fn groups_stand_for_their_members() {
        let count = |names: &[&str]| {
            let mut asked = request();
            asked.data = Some("anywhere".into());
            asked.experiments = names.iter().map(|&name| name.into()).collect();
            let plan = Plan::resolve(&asked).unwrap();
            let mut found: Vec<String> = plan.trials.into_iter().map(|t| t.experiment).collect();
            found.dedup();
            found.sort();
            found.dedup();
            found.len()
        };
        let paper = experiments::by_default().count();
        assert_eq!(count(&[]), paper);
        assert_eq!(count(&["paper", "critics"]), paper);
        assert_eq!(count(&["all"]), EXPERIMENTS.len());
    }

    #[test]
    fn an_experiment_may_have_seeds_of_its_own() {
        let mut asked = request();
        asked.experiments = vec!["critics".into(), "pixels".into()];
        asked.seeds = ["1", "critics=3"].map(|text| text.parse().unwrap()).to_vec();
        let plan = Plan::resolve(&asked).unwrap();
        let count = |name: &str, seed| {
            plan.trials.iter().filter(|t| t.experiment == name && t.seed == seed).count()
        };
        assert_eq!([count("critics", 0), count("critics", 2)], [6, 6]);
        assert_eq!([count("pixels", 0), count("pixels", 2)], [2, 0]);
        assert_eq!(plan.seeds, [0, 1, 2]);
        asked.seeds.push("encoders=2".parse().unwrap());
        let message = Plan::resolve(&asked).unwrap_err().to_string();
        assert!(message.contains("encoders") && message.contains("critics, pixels"), "{message}");
    }

    #[test]
    fn cifar_needs_a_folder() {
        let mut cifar = request();
        cifar.experiments = vec!["cifar-critics".into()];
        assert!(Plan::resolve(&cifar).unwrap_err().to_string().contains("--data"));
    }

    #[test]
    fn the_paper_preset_departs_only_in_what_is_asked() {
        let mut paper = request();
        paper.preset = Preset::Paper;
        paper.data = Some("anywhere".into());
        assert_eq!(Plan::resolve(&paper).unwrap().deviations, Vec::<String>::new());
        paper.steps = Some(5_000);
        let cut = Plan::resolve(&paper).unwrap();
        assert!(cut.deviations.iter().any(|line| line.contains("5000 instead of 21000")));
        assert!(cut.trials.iter().all(|trial| trial.steps <= 5_000));
    }

    #[test]
    fn other_data_than_the_papers_is_a_deviation() {
        let mut asked = request();
        asked.preset = Preset::Paper;
        asked.data = Some("anywhere".into());
        asked.experiments = ["critics", "cifar-critics"].map(String::from).to_vec();
        let published = Plan::resolve(&asked).unwrap();
        asked.dataset = Some("fashion-mnist".into());
        let fashion = Plan::resolve(&asked).unwrap();
        assert_eq!(fashion.deviations, ["Data: Fashion-MNIST instead of MNIST."]);
        asked.experiments = vec!["cifar-critics".into()];
        assert_eq!(Plan::resolve(&asked).unwrap().deviations, Vec::<String>::new());

        let mut whole = published.clone();
        whole.note_images(published::images);
        assert_eq!(whole.deviations, Vec::<String>::new());
        let mut part = published.clone();
        part.note_images(|name| match name {
            "cifar-10" => Some((10_000, 2_000)),
            other => published::images(other),
        });
        assert_eq!(
            part.deviations,
            ["Data: 10,000 images of CIFAR-10 to train and 2,000 to test, instead of 50,000 and \
              10,000."]
        );
        assert!(part.is_same(&published), "such plans differ in the hash of their data");
    }

    #[test]
    fn a_plan_is_unchanged_by_writing_and_reading() {
        let plan = Plan::resolve(&request()).unwrap();
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
        assert!(matches!(plan.trials[0].task, Task::Contrastive(_)));
        let other = TrialConfig { seed: 99, ..plan.trials[0].clone() };
        assert_ne!(other.hash().unwrap(), plan.trials[0].hash().unwrap());
    }
}
