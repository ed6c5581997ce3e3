//! Figure 4c: bounds with dependent negatives.

use mi_critics::{CriticKind, CriticSpec};
use mi_estimators::bounds::BoundSpec;
use mi_plot::Dash;

use super::{DataKind, Experiment, Variant};
use crate::claims::{Claim, Condition, Expected, Measure, Readout};
use crate::config::{Dependent, Task};
use crate::figures::curves::estimates;
use crate::figures::ends::last_fifth;
use crate::figures::subject::{Group, Subject};
use crate::figures::{Figure, Panel, paired};
use crate::labels::Setting;
use crate::names;
use crate::preset::Scale;
use crate::published::{Curve, LAST_STEP, PAPER_BOUNDS, Published, Value};
use crate::record::Metric;
use crate::results::{Configuration, Results, Trial};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "dependent",
    figures: "4c",
    question: "Are the bounds still lower bounds if the negatives of a batch depend on each other?",
    data: DataKind::Synthetic,
    by_default: true,
    quick_seeds: 3,
    variants,
    published: Published { dataset: "none", last_step: LAST_STEP, values: VALUES },
    place: 43,
    figure: Figure {
        id: "fig-4c",
        heading: "Figure 4c: dependent negatives",
        caption: "Every step estimates on a fresh batch. The curves are smoothed by a Gaussian filter of \
                  100 steps, as in the paper. Negatives are dependent in batches whose pairs share a \
                  latent variable.",
        panels,
        style,
    },
    claim: Some(Claim {
        id: "C6",
        paper_figures: "4c",
        statement: "With dependent negatives neither InfoNCE nor NWJ is a lower bound on I(X; Y).",
        rule: "For each bound, the estimate over the last fifth of the steps minus the true value is \
               above zero with dependent negatives and within ±0.01 nats with independent ones. With \
               dependent negatives the estimate is below the closed-form ceiling I(X_1..K; Y).",
        seeds: 3,
        conditions,
        forms: &[],
    }),
};

/// True mutual information of the pair, in nats.
const TRUE_MI: f64 = 0.020_41;
/// How near to the truth an estimate with independent negatives must be.
const NEAR_TRUTH: f64 = 0.01;

fn variants(scale: &Scale) -> Vec<Variant> {
    let mut variants = Vec::new();
    for bound in PAPER_BOUNDS {
        for dependent in [true, false] {
            variants.push(Variant {
                steps: scale.dependent_steps,
                // Records are means over 20 steps, a fifth of the standard deviation of the
                // figure's filter.
                evaluate_every: 20,
                task: Task::Dependent(Dependent {
                    dependent,
                    critic: CriticSpec::Concat { hidden: vec![10; 5] },
                    bound: bound.clone(),
                    batch_size: 128,
                    learning_rate: scale.dependent_learning_rate,
                    optimiser: None,
                }),
                setting: None,
            });
        }
    }
    variants
}

const DEPENDENT_INFONCE: Curve = Curve::of_critic("4c", CriticKind::Concat, &BoundSpec::InfoNce)
    .with(&[Setting::Dependent(true)]);
const DEPENDENT_NWJ: Curve =
    Curve::of_critic("4c", CriticKind::Concat, &BoundSpec::Nwj).with(&[Setting::Dependent(true)]);
const INDEPENDENT_INFONCE: Curve = Curve::of_critic("4c", CriticKind::Concat, &BoundSpec::InfoNce)
    .with(&[Setting::Dependent(false)]);
const INDEPENDENT_NWJ: Curve =
    Curve::of_critic("4c", CriticKind::Concat, &BoundSpec::Nwj).with(&[Setting::Dependent(false)]);

/// Values read off the paper's figures.
const VALUES: &[Value] = &[
    // Figure 4c, mean of the last fifth
    DEPENDENT_INFONCE.at(Metric::Estimate, LAST_STEP, 0.19),
    DEPENDENT_NWJ.at(Metric::Estimate, LAST_STEP, 0.099),
    INDEPENDENT_INFONCE.at(Metric::Estimate, LAST_STEP, 0.02),
    INDEPENDENT_NWJ.at(Metric::Estimate, LAST_STEP, 0.0195),
];

fn panels(results: &Results<'_>) -> Vec<Panel> {
    let dependent = Group { name: "dependent", words: "dependent negatives", is: is_dependent };
    let independent = Group {
        name: "independent",
        words: "independent negatives",
        is: |configuration| !is_dependent(configuration),
    };
    let of_group = |group| last_fifth(results, Subject::of(Metric::Estimate).in_group(group));
    [estimates(results), of_group(dependent), of_group(independent)].into_iter().flatten().collect()
}

/// Whether the pairs of a batch share their latent variable.
fn is_dependent(configuration: &Configuration<'_>) -> bool {
    matches!(configuration.task, Task::Dependent(task) if task.dependent)
}

fn style(configuration: &Configuration<'_>, _: usize) -> (usize, Dash) {
    paired(configuration.has_bound(&BoundSpec::InfoNce), is_dependent(configuration))
}

fn conditions(results: &Results<'_>, _: Readout) -> Vec<Condition> {
    // The last evaluation alone, 20 batches, is too noisy: version 1 reads the last fifth too.
    let estimate = |trial: &Trial<'_>| Readout::LastFifth.of(Metric::Estimate)(trial);
    let mut conditions = Vec::new();
    let truth = TRUE_MI;
    let over_truth = |trial: &Trial<'_>| {
        let truth = trial.last(Metric::TrueMi).map_or(truth, |(_, value)| value);
        Some(estimate(trial)? - truth)
    };
    let under_ceiling = |trial: &Trial<'_>| Some(trial.last(Metric::Ceiling)?.1 - estimate(trial)?);
    for bound in &PAPER_BOUNDS {
        let name = names::bound(bound);
        for (dependent, setting, expected) in [
            (true, "dependent", Expected::Above(0.0)),
            (false, "independent", Expected::Within(-NEAR_TRUTH, NEAR_TRUTH)),
        ] {
            let is = |c: &Configuration<'_>| c.has_bound(bound) && is_dependent(c) == dependent;
            let what = format!("{name}, {setting} negatives: estimate − true");
            let paper = results.published(is, Metric::Estimate).map(|value| value - truth);
            conditions.push(
                Condition::on(what, Measure::Nats, expected, &results.by_seed(is, over_truth))
                    .published(paper),
            );
        }
        let is = |c: &Configuration<'_>| c.has_bound(bound) && is_dependent(c);
        let what = format!("{name}, dependent negatives: ceiling − estimate");
        let room = results.by_seed(is, under_ceiling);
        conditions.push(Condition::on(what, Measure::Nats, Expected::Above(0.0), &room));
    }
    conditions
}
