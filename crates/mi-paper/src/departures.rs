//! Finds where a run departs from the paper's protocol, by comparing resolved configurations.

use std::collections::BTreeSet;

use crate::config::{EncoderSpec, TrialConfig};
use crate::experiments::{Experiment, Variant};
use crate::labels::{Configured, Fields};
use crate::names;
use crate::preset::{AdversarialRates, Scale};

/// A field that differs from the paper's in some configurations.
struct Departure {
    path: String,
    /// The value here, and below the paper's; `None` if there is no such field.
    own: Option<String>,
    papers: Option<String>,
    /// Where it differs: experiments, or an experiment with one of its encoders.
    places: Vec<String>,
}

/// The departures of these experiments at this scale, one sentence each.
///
/// Each configuration is compared field by field with that of the same experiment at the paper's
/// scale. Where the paper's text and notebook differ, both count as the paper's.
pub(crate) fn departures(scale: &Scale, experiments: &[&Experiment]) -> Vec<String> {
    let paper = Scale { adversarial_rates: scale.adversarial_rates, ..Scale::paper() };
    let mut found: Vec<Departure> = Vec::new();
    for experiment in experiments {
        let (own, papers) = ((experiment.variants)(scale), (experiment.variants)(&paper));
        for departure in of_experiment(experiment.name, &own, &papers) {
            let same = |other: &&mut Departure| {
                (&other.path, &other.own, &other.papers)
                    == (&departure.path, &departure.own, &departure.papers)
            };
            match found.iter_mut().find(same) {
                Some(known) => known.places.extend(departure.places),
                None => found.push(departure),
            }
        }
    }
    found.iter().map(Departure::sentence).collect()
}

/// The departures of an experiment's trials that ran on one data set, one sentence each.
pub(crate) fn of_trials(experiment: &Experiment, trials: &[&TrialConfig]) -> Vec<String> {
    let mut own: Vec<Variant> = Vec::new();
    for variant in trials.iter().map(|&config| Variant::from(config)) {
        if !own.contains(&variant) {
            own.push(variant);
        }
    }
    let scales = [AdversarialRates::Notebook, AdversarialRates::Text]
        .map(|adversarial_rates| Scale { adversarial_rates, ..Scale::paper() });
    let departures = scales
        .iter()
        .map(|scale| of_experiment(experiment.name, &own, &(experiment.variants)(scale)))
        .min_by_key(Vec::len)
        .unwrap_or_default();
    let (own, papers) = (trials.first().map(|t| t.dataset.as_str()), experiment.published.dataset);
    // An experiment of which nothing is published runs on its own data.
    let data = own
        .filter(|own| *own != papers && experiment.is_papers())
        .map(|own| format!("Data: {} instead of {}.", names::dataset(own), names::dataset(papers)));
    data.into_iter().chain(departures.iter().map(Departure::sentence)).collect()
}

/// The departures of one experiment.
fn of_experiment(name: &str, own: &[Variant], papers: &[Variant]) -> Vec<Departure> {
    let fields = |variant: &Variant| Configured::from(variant).fields();
    let encoder = |variant: &Variant| variant.task.encoder().map_or("none", EncoderSpec::label);
    let all: BTreeSet<&str> = own.iter().map(encoder).collect();
    let mut found: Vec<(Departure, BTreeSet<&str>)> = Vec::new();
    for (own, papers) in own.iter().zip(papers) {
        let encoder = encoder(own);
        for (path, own, papers) in differences(&fields(own), &fields(papers)) {
            let same = |(other, _): &&mut (Departure, BTreeSet<&str>)| {
                (&other.path, &other.own, &other.papers) == (&path, &own, &papers)
            };
            if let Some((_, encoders)) = found.iter_mut().find(same) {
                encoders.insert(encoder);
            } else {
                let departure = Departure { path, own, papers, places: Vec::new() };
                found.push((departure, BTreeSet::from([encoder])));
            }
        }
    }
    let mut departures = Vec::new();
    for (mut departure, encoders) in found {
        departure.places = if encoders.len() == all.len() {
            vec![name.to_owned()]
        } else {
            encoders.iter().map(|encoder| format!("{name} with {encoder}")).collect()
        };
        departures.push(departure);
    }
    departures
}

/// The fields in which two configurations differ: path, value here, value in the paper.
fn differences(own: &Fields, papers: &Fields) -> Vec<(String, Option<String>, Option<String>)> {
    let paths: BTreeSet<&String> = own.keys().chain(papers.keys()).collect();
    paths
        .into_iter()
        .filter(|path| own.get(*path) != papers.get(*path))
        .map(|path| (path.clone(), own.get(path).cloned(), papers.get(path).cloned()))
        .collect()
}

impl Departure {
    fn sentence(&self) -> String {
        let Self { path, own, papers, places } = self;
        let (what, places) = (field_in_prose(path), places.join(", "));
        match (own, papers) {
            (None, _) => format!("{what}: left out ({places})."),
            (Some(own), None) => {
                format!("{what}: {own}, which the paper does not have ({places}).")
            }
            (Some(own), Some(papers)) => format!("{what}: {own} instead of {papers} ({places})."),
        }
    }
}

/// A field in prose, or its path if there is no name for it.
fn field_in_prose(path: &str) -> String {
    match path {
        "steps" => "Optimiser steps",
        "evaluate_every" => "Steps between evaluations",
        "batch_size" => "Pairs in a batch",
        "target" => "Value to which the bound is driven, in nats",
        "learning_rate" => "Learning rate",
        "warm_up_steps" => "Steps of the classifier before the encoder's first",
        "encoder.channels" => "Channels of the ConvNet",
        "encoder.couplings" => "Couplings of RealNVP",
        "encoder.hidden" => "Hidden layers of the encoder",
        "views" | "view" => "Views",
        "encoder_learning_rate" => "Learning rate of the encoder",
        "classifier_learning_rate" => "Learning rate of the classifier",
        "evaluations.conditioning.inputs" => "Inputs at which Jacobians are taken",
        "evaluations.bijectivity.inputs" => "Inputs at which the inverse is checked",
        "evaluations.converged_probe.kind" => "Converged probe",
        "evaluations.also_at.step" => "Last step between both ends with all measures",
        path => return format!("`{path}`"),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::EXPERIMENTS;
    use crate::preset::Preset;

    #[test]
    fn every_experiment_that_is_smaller_than_the_papers_says_so() {
        for preset in [Preset::Smoke, Preset::Quick, Preset::Short] {
            let scale = Scale::of(preset);
            for experiment in EXPERIMENTS {
                let differs =
                    (experiment.variants)(&scale) != (experiment.variants)(&Scale::paper());
                let found = departures(&scale, &[experiment]);
                assert_eq!(!found.is_empty(), differs, "{}: {found:?}", experiment.name);
            }
        }
        assert_eq!(departures(&Scale::paper(), EXPERIMENTS), Vec::<String>::new());
    }

    #[test]
    fn departures_name_what_and_where() {
        let papers: Vec<&Experiment> = crate::experiments::by_default().collect();
        let short = departures(&Scale::of(Preset::Short), &papers);
        for sentence in [
            "Optimiser steps: 600 instead of 21000 (encoders with convnet, invertible, supervised \
             with convnet).",
            "Couplings of RealNVP: 6 instead of 30 (invertible, adversarial).",
        ] {
            assert!(short.iter().any(|found| found == sentence), "{short:#?}");
        }
        let smoke = departures(&Scale::of(Preset::Smoke), &papers);
        assert!(smoke.iter().any(|found| found.starts_with("Converged probe: left out (")));
    }

    #[test]
    fn the_learning_rates_of_text_and_notebook_are_both_the_papers() {
        let text = Scale { adversarial_rates: AdversarialRates::Text, ..Scale::paper() };
        assert_eq!(departures(&text, EXPERIMENTS), Vec::<String>::new());
    }
}
