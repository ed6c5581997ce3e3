//! Figures 1a and 1b: bijective encoders, which leave the mutual information unchanged.

use mi_critics::CriticKind;
use mi_estimators::bounds::BoundSpec;
use mi_plot::Dash;

use super::contrasts::{invertible, published_rise};
use super::settings::{contrastive, probes, real_nvp, variant};
use super::{DataKind, Experiment, Variant};
use crate::claims::{Claim, Condition, Expected, Measure, Readout};
use crate::config::{Contrastive, EncoderKind, Evaluation};
use crate::figures::panels::{accuracies, bijection, for_each_bound};
use crate::figures::{Figure, Panel, paired};
use crate::names;
use crate::preset::Scale;
use crate::published::{Curve, LAST_STEP, PAPER_BOUNDS, Published, Value};
use crate::record::Metric;
use crate::results::{Configuration, Results};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "invertible",
    figures: "1a, 1b",
    question: "Do representations improve while the true mutual information cannot change?",
    data: DataKind::Grey,
    by_default: true,
    quick_seeds: 5,
    variants,
    published: Published { dataset: "mnist", last_step: LAST_STEP, values: VALUES },
    place: 10,
    figure: Figure {
        id: "fig-1",
        heading: "Figures 1a and 1b: bijective encoders",
        caption: "A RealNVP encoder is a bijection, whatever its weights, so the mutual information of \
                  the two views cannot change. The charts show the bound and the accuracy over training, \
                  the pixel baseline, and two checks that the encoder is a bijection. The accuracy may \
                  start above that of the pixels: the probe's min–max scaling enlarges pixels that are \
                  nearly constant, and the untrained encoder turns them into features.",
        panels,
        style,
    },
    claim: Some(Claim {
        id: "C1",
        paper_figures: "1a, 1b",
        statement: "With bijective encoders the true mutual information is constant, yet the bound \
                    and the accuracy both rise.",
        rule: "In every run the encoder's inverse returns the input to within half a grey level \
               (1/510), so no information is lost. For each bound, the accuracy over the last \
               fifth of the steps minus that at the start is above zero, and so is the bound over \
               the last fifth minus max(bound at the start, 0). A bound that starts below zero \
               counts as zero there, because mutual information is never negative.",
        seeds: 4,
        conditions,
        forms: &[],
    }),
};

fn variants(scale: &Scale) -> Vec<Variant> {
    PAPER_BOUNDS
        .into_iter()
        .map(|bound| {
            let task = Contrastive {
                encoder: real_nvp(scale, false),
                evaluations: [
                    vec![Evaluation::Bounds],
                    probes(scale),
                    vec![Evaluation::Bijectivity { inputs: scale.bijectivity_inputs }],
                ]
                .concat(),
                ..contrastive(scale, bound)
            };
            Variant {
                steps: scale.flow_steps,
                evaluate_every: scale.flow_evaluate_every,
                ..variant(scale, task)
            }
        })
        .collect()
}

const BIJECTIVE_INFONCE: Curve =
    Curve::new("1a, 1b", EncoderKind::RealNvp, CriticKind::Bilinear, &BoundSpec::InfoNce);
const BIJECTIVE_NWJ: Curve =
    Curve::new("1a, 1b", EncoderKind::RealNvp, CriticKind::Bilinear, &BoundSpec::Nwj);

/// Values read off the paper's figures.
const VALUES: &[Value] = &[
    // Figure 1a
    BIJECTIVE_INFONCE.at(Metric::BoundTrain, 0, -1.41),
    BIJECTIVE_INFONCE.at(Metric::BoundTrain, 1_000, 4.415),
    BIJECTIVE_INFONCE.at(Metric::BoundTrain, LAST_STEP, 4.771).within(4.761, 4.78),
    BIJECTIVE_NWJ.at(Metric::BoundTrain, 1_000, 3.5),
    BIJECTIVE_NWJ.at(Metric::BoundTrain, LAST_STEP, 5.69).within(5.28, 6.11),
    // Figure 1b
    BIJECTIVE_INFONCE.at(Metric::Accuracy, 0, 0.862),
    BIJECTIVE_INFONCE.at(Metric::Accuracy, 1_000, 0.873),
    BIJECTIVE_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.896).within(0.894, 0.898),
    BIJECTIVE_NWJ.at(Metric::Accuracy, 0, 0.862),
    BIJECTIVE_NWJ.at(Metric::Accuracy, 1_000, 0.866),
    BIJECTIVE_NWJ.at(Metric::Accuracy, LAST_STEP, 0.89).within(0.885, 0.895),
];

fn panels(results: &Results<'_>) -> Vec<Panel> {
    let mut panels = for_each_bound(results, Metric::BoundTrain);
    panels.extend(accuracies(results));
    panels.extend(for_each_bound(results, Metric::BoundTest));
    panels.extend(bijection(results));
    panels
}

fn style(configuration: &Configuration<'_>, _: usize) -> (usize, Dash) {
    paired(configuration.has_bound(&BoundSpec::InfoNce), true)
}

fn conditions(results: &Results<'_>, readout: Readout) -> Vec<Condition> {
    let mut conditions = vec![invertible(results)];
    for bound in &PAPER_BOUNDS {
        for (metric, measure, floor, what) in [
            (Metric::Accuracy, Measure::Points, f64::NEG_INFINITY, "rise of the accuracy"),
            (Metric::BoundTrain, Measure::Nats, 0.0, "rise of the bound"),
        ] {
            let rises = results.by_seed(|c| c.has_bound(bound), readout.rise(metric, floor));
            let what = format!("{}: {what}", names::bound(bound));
            conditions.push(
                Condition::on(what, measure, Expected::Above(0.0), &rises)
                    .published(published_rise(results, bound, metric, floor)),
            );
        }
    }
    conditions
}
