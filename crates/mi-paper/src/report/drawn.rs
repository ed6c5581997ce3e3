//! The experiments' figures and verdicts for an outcome.

use std::collections::BTreeSet;

use crate::claims::{self, Planned, Verdict};
use crate::config::TrialConfig;
use crate::departures;
use crate::experiments::{self, Experiment};
use crate::figures::panels::every_metric;
use crate::figures::{DrawnFigure, NamedSvg, by_place, charts, tables};
use crate::names;
use crate::outcome::Outcome;
use crate::preset::Preset;
use crate::published::Published;
use crate::results::{Configuration, Results};

/// All drawings of all experiments that have records, as files.
pub fn draw(outcome: &Outcome) -> Vec<NamedSvg> {
    let mut taken = BTreeSet::new();
    figures(outcome)
        .iter()
        .flat_map(|figure| figure.panels.iter().map(move |panel| (figure, panel)))
        .map(|(figure, panel)| NamedSvg {
            file: format!("{}.svg", free(&mut taken, format!("{}-{}", figure.id, panel.name))),
            svg: panel.svg.standalone(),
        })
        .collect()
}

/// The name, or the name with the first number that makes it free. Names of metrics whose parts
/// differ only in punctuation give the same name of a file.
fn free(taken: &mut BTreeSet<String>, name: String) -> String {
    let numbered = (2..).map(|n| format!("{name}-{n}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    names.find(|name| taken.insert(name.clone())).unwrap_or(name)
}

/// Judges every claim on every data set its experiment ran on.
///
/// A claim of the paper whose experiment is not part of the run is open. A run that only has the
/// user's own experiments has nothing to judge.
pub fn judge(outcome: &Outcome) -> Vec<Verdict> {
    if outcome.is_own() {
        return Vec::new();
    }
    let configurations = Configuration::all(outcome);
    let is_papers = |c: &Configuration<'_>| {
        experiments::find(&c.key.experiment).is_some_and(Experiment::is_papers)
    };
    let runs_the_papers = configurations.is_empty() || configurations.iter().any(is_papers);
    let mut verdicts = Vec::new();
    for experiment in experiments::in_report() {
        let Some(claim) = &experiment.claim else { continue };
        let datasets = datasets(&configurations, experiment.name);
        let is_papers = experiment.is_papers();
        let datasets = match datasets[..] {
            // Experiments of the paper that are not part of a run are reported as missing; those on
            // other systems are not.
            [] if is_papers && runs_the_papers => vec![experiment.published.dataset],
            [] => continue,
            _ => datasets,
        };
        for dataset in datasets {
            let results = results(&configurations, experiment, dataset);
            let trials: Vec<&TrialConfig> = outcome
                .configs
                .iter()
                .filter(|c| c.experiment == experiment.name && c.dataset == dataset)
                .collect();
            let departures = departures::of_trials(experiment, &trials);
            let planned = planned_seeds(outcome, experiment, claim.seeds);
            verdicts.push(claims::judge(experiment, claim, &results, departures, planned));
        }
    }
    verdicts
}

/// The number of seeds planned for a claim: `papers`, in every setting and on any data. The quick
/// preset has its own number, chosen with its sizes by the results of the same seeds.
fn planned_seeds(outcome: &Outcome, experiment: &Experiment, papers: usize) -> Planned {
    let is_demonstration = outcome.run.preset == Preset::Quick.name();
    let quick = || Preset::Quick.seeds(Some(experiment)).len();
    Planned { seeds: if is_demonstration { quick() } else { papers }, is_demonstration }
}

/// All figures in the order of the report, one for each experiment and data set. Experiments that
/// are not built in come last.
pub(crate) fn figures(outcome: &Outcome) -> Vec<DrawnFigure> {
    let configurations = Configuration::all(outcome);
    let mut figures = Vec::new();
    for experiment in experiments::in_report() {
        let figure = &experiment.figure;
        let datasets = datasets(&configurations, experiment.name);
        for (index, dataset) in datasets.iter().enumerate() {
            let results = results(&configurations, experiment, dataset);
            let id = anchor(figure.id, index, dataset);
            let (heading, caption) = (figure.heading.to_owned(), figure.caption.to_owned());
            figures.push(drawn(id, heading, caption, (figure.panels)(&results), &results));
        }
    }
    let mut others: Vec<&str> = Vec::new();
    for configuration in &configurations {
        let name = configuration.key.experiment.as_str();
        if experiments::find(name).is_none() && !others.contains(&name) {
            others.push(name);
        }
    }
    for name in others {
        let datasets = datasets(&configurations, name);
        for (index, dataset) in datasets.iter().enumerate() {
            let results = Results {
                all: &configurations,
                own: own(&configurations, name, dataset),
                dataset,
                published: &Published::NOTHING,
                style: by_place,
            };
            let id = anchor(&slug(name), index, dataset);
            let heading = format!("Experiment {name}");
            let question = outcome.own.iter().find(|(own, _)| own == name);
            let question = question.map_or("", |(_, question)| question.as_str());
            let caption = format!("{question} The charts show every recorded metric.");
            let caption = caption.trim_start().to_owned();
            figures.push(drawn(id, heading, caption, every_metric(&results), &results));
        }
    }
    name_datasets(&mut figures);
    figures
}

fn drawn(
    id: String,
    heading: String,
    caption: String,
    panels: Vec<crate::figures::Panel>,
    results: &Results<'_>,
) -> DrawnFigure {
    let title = heading.split(':').next().unwrap_or(&heading).to_owned();
    DrawnFigure {
        id,
        dataset: results.dataset.to_owned(),
        title,
        heading,
        caption,
        key: charts::key(results, &panels),
        panels,
        ends: tables::ends(results),
        csv: tables::csv(results),
    }
}

/// The anchor of an experiment's figure on one of its data sets. That of the first data set is the
/// figure's own, to which claims link.
fn anchor(id: &str, index: usize, dataset: &str) -> String {
    if index == 0 { id.to_owned() } else { format!("{id}-{}", slug(dataset)) }
}

/// Adds the data set to the title and the heading of each figure on CIFAR-10, and of figures with
/// the same title.
fn name_datasets(figures: &mut [DrawnFigure]) {
    let titles: Vec<String> = figures.iter().map(|figure| figure.title.clone()).collect();
    for figure in figures {
        let same = titles.iter().filter(|title| **title == figure.title).count();
        if same > 1 || figure.dataset == "cifar-10" {
            let dataset = names::dataset(&figure.dataset);
            figure.title = format!("{}, {dataset}", figure.title);
            figure.heading = format!("{}, {dataset}", figure.heading);
        }
    }
}

/// The results of a built-in experiment.
fn results<'a>(
    configurations: &'a [Configuration<'a>],
    experiment: &'static Experiment,
    dataset: &'a str,
) -> Results<'a> {
    Results {
        all: configurations,
        own: own(configurations, experiment.name, dataset),
        dataset,
        published: &experiment.published,
        style: experiment.figure.style,
    }
}

fn own<'a>(
    configurations: &'a [Configuration<'a>],
    experiment: &str,
    dataset: &str,
) -> Vec<&'a Configuration<'a>> {
    let is_own =
        |c: &&Configuration<'_>| c.key.experiment == experiment && c.key.dataset == dataset;
    configurations.iter().filter(is_own).collect()
}

/// The data sets of an experiment in the run, in plan order.
fn datasets<'a>(configurations: &'a [Configuration<'a>], experiment: &str) -> Vec<&'a str> {
    let mut datasets: Vec<&str> = Vec::new();
    for configuration in configurations.iter().filter(|c| c.key.experiment == experiment) {
        if !datasets.contains(&configuration.key.dataset.as_str()) {
            datasets.push(&configuration.key.dataset);
        }
    }
    datasets
}

/// A name suitable for files and anchors.
fn slug(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(safe).collect()
}
