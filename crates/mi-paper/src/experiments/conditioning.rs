//! Figures 2 and 5: encoders that need not be invertible.

use mi_critics::CriticKind;
use mi_estimators::bounds::BoundSpec;
use mi_plot::Dash;

use super::contrasts::published_rise;
use super::settings::{contrastive, probes, variant};
use super::{DataKind, Experiment, Variant};
use crate::claims::{Claim, Condition, Expected, Measure, Readout};
use crate::config::{Contrastive, EncoderKind, EncoderSpec, Evaluation, Noise};
use crate::figures::curves::percentiles;
use crate::figures::panels::{accuracies, for_each_bound};
use crate::figures::subject::Group;
use crate::figures::{Figure, Panel, paired};
use crate::labels::Setting;
use crate::names;
use crate::preset::Scale;
use crate::published::{Curve, LAST_STEP, PAPER_BOUNDS, Published, Value};
use crate::record::Metric;
use crate::results::{Configuration, Results};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "conditioning",
    figures: "2, 5",
    question: "Does an encoder that need not be invertible become ill-conditioned?",
    data: DataKind::Grey,
    by_default: true,
    quick_seeds: 5,
    variants,
    published: Published { dataset: "mnist", last_step: LAST_STEP, values: VALUES },
    place: 20,
    figure: Figure {
        id: "fig-2",
        heading: "Figures 2 and 5: encoders that need not be invertible",
        caption: "Residual encoders start near the identity. In training the paper adds the same noise to \
                  both halves of an image, so the two views share it; the figure also shows independent \
                  noise. Bounds on training batches are measured with the noise of training, and bounds \
                  on held-out data always with independent noise. The condition number of the Jacobian \
                  is shown as percentiles over inputs, averaged over seeds.",
        panels,
        style,
    },
    claim: Some(Claim {
        id: "C3",
        paper_figures: "2a–c, 5",
        statement: "An encoder that need not be invertible becomes ill-conditioned.",
        rule: "For each bound, trained with the paper's shared noise, the 40th percentile over inputs of \
               the Jacobian's ln(σmax/σmin) grows by more than ln 10 from the start to the last fifth of \
               the steps. At more than half of the inputs the condition number then grows more than \
               tenfold.",
        seeds: 4,
        conditions,
        forms: &[],
    }),
};

fn variants(scale: &Scale) -> Vec<Variant> {
    let mut variants = Vec::new();
    for bound in PAPER_BOUNDS {
        for shared in [true, false] {
            let task = Contrastive {
                encoder: EncoderSpec::Residual { layers: 5, init_sd: 1e-4 },
                noise: Noise { sd: 0.05, shared },
                evaluations: [
                    vec![Evaluation::Bounds],
                    probes(scale),
                    vec![Evaluation::Conditioning { inputs: scale.jacobian_inputs }],
                ]
                .concat(),
                ..contrastive(scale, bound.clone())
            };
            variants.push(Variant {
                steps: scale.residual_steps,
                evaluate_every: scale.residual_evaluate_every,
                ..variant(scale, task)
            });
        }
    }
    variants
}

const CONDITION_INFONCE: Curve =
    Curve::new("2", EncoderKind::Residual, CriticKind::Bilinear, &BoundSpec::InfoNce)
        .with(&[Setting::SharedNoise(true)]);
const CONDITION_NWJ: Curve =
    Curve::new("2, 5", EncoderKind::Residual, CriticKind::Bilinear, &BoundSpec::Nwj)
        .with(&[Setting::SharedNoise(true)]);

/// Values read off the paper's figures.
const VALUES: &[Value] = &[
    // Figure 2a; the NWJ curve is very noisy
    CONDITION_INFONCE.at(Metric::BoundTrain, 0, -1.43),
    CONDITION_INFONCE.at(Metric::BoundTrain, 1_000, 4.41),
    CONDITION_INFONCE.at(Metric::BoundTrain, LAST_STEP, 4.843),
    CONDITION_NWJ.at(Metric::BoundTrain, 1_000, 3.18),
    CONDITION_NWJ.at(Metric::BoundTrain, LAST_STEP, 5.0).within(1.5, 7.6),
    // Figure 2b
    CONDITION_INFONCE.at(Metric::Accuracy, 0, 0.841),
    CONDITION_INFONCE.at(Metric::Accuracy, 1_000, 0.869),
    CONDITION_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.88).within(0.877, 0.884),
    CONDITION_NWJ.at(Metric::Accuracy, 0, 0.841),
    CONDITION_NWJ.at(Metric::Accuracy, 1_000, 0.86),
    CONDITION_NWJ.at(Metric::Accuracy, LAST_STEP, 0.878).within(0.873, 0.882),
    // Figure 2c
    CONDITION_INFONCE.at(Metric::LogConditionP0, 0, 0.008),
    CONDITION_INFONCE.at(Metric::LogConditionP0, 1_000, 1.44),
    CONDITION_INFONCE.at(Metric::LogConditionP0, LAST_STEP, 3.92),
    CONDITION_INFONCE.at(Metric::LogConditionP20, 0, 0.008),
    CONDITION_INFONCE.at(Metric::LogConditionP20, LAST_STEP, 4.46),
    CONDITION_INFONCE.at(Metric::LogConditionP40, 0, 0.008),
    CONDITION_INFONCE.at(Metric::LogConditionP40, LAST_STEP, 4.64),
    CONDITION_INFONCE.at(Metric::LogConditionP60, 0, 0.008),
    CONDITION_INFONCE.at(Metric::LogConditionP60, LAST_STEP, 4.81),
    CONDITION_INFONCE.at(Metric::LogConditionP80, 0, 0.008),
    CONDITION_INFONCE.at(Metric::LogConditionP80, LAST_STEP, 5.07),
    CONDITION_INFONCE.at(Metric::LogConditionP100, 0, 0.008),
    CONDITION_INFONCE.at(Metric::LogConditionP100, 1_000, 2.09),
    CONDITION_INFONCE.at(Metric::LogConditionP100, LAST_STEP, 6.8),
    // Figure 5
    CONDITION_NWJ.at(Metric::LogConditionP0, 0, 0.008),
    CONDITION_NWJ.at(Metric::LogConditionP0, 1_000, 0.98),
    CONDITION_NWJ.at(Metric::LogConditionP0, LAST_STEP, 2.59),
    CONDITION_NWJ.at(Metric::LogConditionP20, 0, 0.008),
    CONDITION_NWJ.at(Metric::LogConditionP20, LAST_STEP, 3.15),
    CONDITION_NWJ.at(Metric::LogConditionP40, 0, 0.008),
    CONDITION_NWJ.at(Metric::LogConditionP40, LAST_STEP, 3.35),
    CONDITION_NWJ.at(Metric::LogConditionP60, 0, 0.008),
    CONDITION_NWJ.at(Metric::LogConditionP60, LAST_STEP, 3.56),
    CONDITION_NWJ.at(Metric::LogConditionP80, 0, 0.008),
    CONDITION_NWJ.at(Metric::LogConditionP80, LAST_STEP, 3.89),
    CONDITION_NWJ.at(Metric::LogConditionP100, 0, 0.008),
    CONDITION_NWJ.at(Metric::LogConditionP100, 1_000, 1.86),
    CONDITION_NWJ.at(Metric::LogConditionP100, LAST_STEP, 5.41),
];

/// Whether the views share their noise, as in the paper.
fn shares_noise(configuration: &Configuration<'_>) -> bool {
    configuration.task.noise().is_some_and(|noise| noise.shared)
}

fn panels(results: &Results<'_>) -> Vec<Panel> {
    let mut panels = for_each_bound(results, Metric::BoundTrain);
    panels.extend(for_each_bound(results, Metric::BoundTest));
    panels.extend(accuracies(results));
    let shared = Group { name: "shared", words: "shared noise", is: shares_noise };
    let independent = Group {
        name: "independent",
        words: "independent noise",
        is: |configuration| !shares_noise(configuration),
    };
    for group in [shared, independent] {
        let of_bound = |bound| percentiles(results, bound, group);
        panels.extend(PAPER_BOUNDS.iter().filter_map(of_bound));
    }
    panels
}

fn style(configuration: &Configuration<'_>, _: usize) -> (usize, Dash) {
    paired(configuration.has_bound(&BoundSpec::InfoNce), shares_noise(configuration))
}

fn conditions(results: &Results<'_>, readout: Readout) -> Vec<Condition> {
    let metric = Metric::LogConditionP40;
    PAPER_BOUNDS
        .iter()
        .map(|bound| {
            let as_published = |c: &Configuration<'_>| c.has_bound(bound) && shares_noise(c);
            let growth = results.by_seed(as_published, readout.rise(metric, f64::NEG_INFINITY));
            let what = format!("{}: growth of ln(σmax/σmin), 40th percentile", names::bound(bound));
            let expected = Expected::Above(std::f64::consts::LN_10);
            Condition::on(what, Measure::Log, expected, &growth).published(published_rise(
                results,
                bound,
                metric,
                f64::NEG_INFINITY,
            ))
        })
        .collect()
}
