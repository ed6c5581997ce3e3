//! Figure 1c: a bijective encoder that is trained to be useless.

use super::contrasts::invertible;
use super::settings::{real_nvp, view};
use super::{DataKind, Experiment, Variant, pixels};
use crate::claims::{Claim, Condition, Expected, Form, Measure, Readout};
use crate::config::{Adversarial, EncoderKind, Evaluation, Task};
use crate::figures::charts::OverSteps;
use crate::figures::panels::{accuracies, bijection, over};
use crate::figures::{Figure, Panel, by_place};
use crate::preset::Scale;
use crate::published::{Curve, Published, Value};
use crate::record::Metric;
use crate::results::Results;
use crate::statistics;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "adversarial",
    figures: "1c",
    question: "Can a bijective encoder be made useless for a linear probe?",
    data: DataKind::Grey,
    by_default: true,
    quick_seeds: 5,
    variants,
    published: Published { dataset: "mnist", last_step: LAST_STEP, values: VALUES },
    place: 13,
    figure: Figure {
        id: "fig-1c",
        heading: "Figure 1c: a bijective encoder trained to be useless",
        caption: "A RealNVP encoder is trained so that a linear classifier cannot tell the digits apart. \
                  A new probe is fitted at every evaluation.",
        panels,
        style: by_place,
    },
    claim: Some(Claim {
        id: "C2",
        paper_figures: "1c",
        statement: "A bijective encoder can be trained to be useless for a linear probe, although the \
                    mutual information does not change.",
        rule: "In every run the encoder's inverse returns the input to within half a grey level \
               (1/510). The accuracy on pixels minus that on the encoder, over the last fifth of \
               the steps, is above 10 points. If the run has no pixel baseline, the accuracy at the \
               start takes its place.",
        seeds: 5,
        conditions,
        forms: FORMS,
    }),
};

/// The last step of the figure.
const LAST_STEP: u64 = 4_000;
/// Accuracy at the start of the figure.
const START: f64 = 0.861;
/// The margin that counts as far below the pixel baseline.
const FAR_BELOW: f64 = 0.10;

fn variants(scale: &Scale) -> Vec<Variant> {
    let factor = scale.adversarial_rate_factor;
    vec![Variant {
        steps: scale.adversarial_steps,
        evaluate_every: scale.adversarial_evaluate_every,
        task: Task::Adversarial(adversarial(scale)),
        setting: Some(match (scale.adversarial_rates.label(), factor) {
            (label, 1.0) => label.to_owned(),
            (label, factor) => format!("{label} × {factor}"),
        }),
    }]
}

/// The task that trains a bijective encoder against a linear classifier.
pub(super) fn adversarial(scale: &Scale) -> Adversarial {
    let factor = scale.adversarial_rate_factor;
    Adversarial {
        encoder: real_nvp(scale, true),
        view: view(scale),
        batch_size: scale.batch_size,
        encoder_learning_rate: scale.adversarial_rates.encoder() * factor,
        optimiser: None,
        classifier_learning_rate: scale.adversarial_rates.classifier() * factor,
        warm_up_steps: scale.warm_up_steps,
        classifier_steps: 10,
        evaluations: [
            Some(Evaluation::Probe),
            scale.adversarial_converged_probe.then_some(Evaluation::ConvergedProbe),
            Some(Evaluation::Bijectivity { inputs: scale.bijectivity_inputs }),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

const ADVERSARIAL: Curve = Curve::of_encoder("1c", EncoderKind::RealNvp);

/// Values read off the paper's figures.
const VALUES: &[Value] = &[
    // Figure 1c, one run
    ADVERSARIAL.at(Metric::Accuracy, 0, START),
    ADVERSARIAL.at(Metric::Accuracy, 400, 0.769),
    ADVERSARIAL.at(Metric::Accuracy, 800, 0.453),
    ADVERSARIAL.at(Metric::Accuracy, 2_400, 0.409),
    ADVERSARIAL.at(Metric::Accuracy, LAST_STEP, 0.48),
];

fn panels(results: &Results<'_>) -> Vec<Panel> {
    let chance = [(std::f64::consts::LN_10, "ln 10, chance".to_owned())];
    let loss = |metric| OverSteps { references: &chance, ..over(metric) }.panel(results);
    let mut panels = accuracies(results);
    panels.extend([Metric::UniformLoss, Metric::ClassifierLoss].into_iter().filter_map(loss));
    panels.extend(bijection(results));
    panels
}

const FORMS: &[Form] = &[Form {
    letter: "c",
    statement: "The same for a linear probe that is trained until it converges.",
    known: None,
    conditions: |results, readout| probe_conditions(results, readout, Metric::AccuracyConverged),
}];

fn conditions(results: &Results<'_>, readout: Readout) -> Vec<Condition> {
    probe_conditions(results, readout, Metric::Accuracy)
}

/// The conditions for one probe: the encoder has an inverse, and the accuracy falls.
fn probe_conditions(results: &Results<'_>, readout: Readout, metric: Metric) -> Vec<Condition> {
    let accuracy = results.by_seed(|_| true, readout.of(metric));
    let pixels = results.pixel_baseline(false).map(|c| c.by_seed(readout.of(metric)));
    let pixels = pixels.filter(|by_seed| !by_seed.is_empty());
    let (baseline, name, paper) = if let Some(pixels) = pixels {
        (pixels, "pixel baseline", pixels::PUBLISHED_ACCURACY)
    } else {
        let starts = results.by_seed(|_| true, |t| t.first(metric));
        (starts, "start", START)
    };
    let probe = if metric == Metric::AccuracyConverged { "converged accuracy" } else { "accuracy" };
    let what = format!("{probe}, {name} − end");
    let expected = Expected::Above(FAR_BELOW);
    let published = results.published(|_| true, metric);
    // The probe on pixels hardly depends on the seed. If it was run for fewer seeds, each run is
    // compared with its mean, so that no run is lost.
    let baseline = if accuracy.keys().all(|seed| baseline.contains_key(seed)) {
        baseline
    } else {
        let values: Vec<f64> = baseline.into_values().collect();
        let mean = (!values.is_empty()).then(|| statistics::mean(&values));
        accuracy.keys().filter_map(|seed| Some((*seed, mean?))).collect()
    };
    vec![
        invertible(results),
        Condition::on_difference(what, Measure::Points, expected, &baseline, &accuracy)
            .published(published.map(|end| paper - end)),
    ]
}
