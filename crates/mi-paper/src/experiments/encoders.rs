//! Figures 4a, 4b and 7: encoders at the same value of the bound.

use std::collections::BTreeMap;

use mi_critics::CriticKind;
use mi_estimators::bounds::BoundSpec;
use mi_plot::Dash;

use super::settings::{contrastive, conv_net, mlp, variant};
use super::{DataKind, Experiment, Variant};
use crate::claims::{Claim, Condition, Expected, Form, Measure, Readout};
use crate::config::{Contrastive, EncoderKind, EncoderSpec};
use crate::figures::panels::for_each_bound;
use crate::figures::{Figure, Panel, paired};
use crate::labels::{self, Setting};
use crate::names;
use crate::preset::Scale;
use crate::published::{Curve, LAST_STEP, PAPER_BOUNDS, Published, Value};
use crate::record::Metric;
use crate::results::{Configuration, Results};
use crate::statistics;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "encoders",
    figures: "4a, 4b, 7",
    question: "At the same value of the bound, what matters more: the encoder or the estimator?",
    data: DataKind::Grey,
    by_default: true,
    quick_seeds: 5,
    variants,
    published: Published { dataset: "mnist", last_step: LAST_STEP, values: VALUES },
    place: 40,
    figure: Figure {
        id: "fig-4",
        heading: "Figures 4a, 4b and 7: encoders at the same value of the bound",
        caption: "ConvNet and MLP encoders are trained to keep the bound at a target of t nats.",
        panels,
        style,
    },
    claim: Some(Claim {
        id: "C5",
        paper_figures: "4a, 4b, 7",
        statement: "At the same value t of the bound, the encoder's architecture matters more than \
                    the estimator.",
        rule: RULE,
        seeds: 5,
        conditions,
        forms: FORMS,
    }),
};

pub(super) const RULE: &str = "A is the accuracy of the ConvNet minus that of the MLP, averaged over \
    bounds and targets. E is the difference in accuracy |InfoNCE − NWJ|, averaged over encoders and \
    targets. Both are taken within a seed, over the last fifth of the steps; A and A − 3 E are above \
    zero. The claim is about bounds at their targets: it is undecided unless |I − t| is below 0.2 nats \
    for every configuration.";

pub(super) const FORMS: &[Form] = &[Form {
    letter: "m",
    statement: "The same with E from means over seeds, as in the paper's figures: the spread of single \
                runs then adds nothing to the absolute values. The interval is by the jackknife (Tukey \
                1958). It is shown and not judged: near an effect of zero, the interval of an absolute \
                value misses the truth too often.",
    known: None,
    conditions: |results, readout| effect_of_means(results, readout).into_iter().collect(),
}];

/// The architecture's effect must exceed this multiple of the estimator's.
const ESTIMATOR_MULTIPLE: f64 = 3.0;
/// How near to its target a bound must be, in nats.
const NEAR_TARGET: f64 = 0.2;

pub(super) fn variants(scale: &Scale) -> Vec<Variant> {
    let mut variants = Vec::new();
    for bound in PAPER_BOUNDS {
        for (encoder, steps) in [(mlp(scale), scale.steps), (conv_net(scale), scale.conv_steps)] {
            for target in scale.targets {
                let task = Contrastive {
                    encoder: encoder.clone(),
                    target: Some(target),
                    ..contrastive(scale, bound.clone())
                };
                variants.push(Variant { steps, ..variant(scale, task) });
            }
        }
    }
    variants
}

const CONVNET_T2_INFONCE: Curve =
    Curve::new("4a, 7", EncoderKind::ConvNet, CriticKind::Bilinear, &BoundSpec::InfoNce)
        .with(&[Setting::Target(Some(2.0))]);
const CONVNET_T4_INFONCE: Curve =
    Curve::new("4a, 7", EncoderKind::ConvNet, CriticKind::Bilinear, &BoundSpec::InfoNce)
        .with(&[Setting::Target(Some(4.0))]);
const MLP_T2_INFONCE: Curve =
    Curve::new("4a, 7", EncoderKind::Mlp, CriticKind::Bilinear, &BoundSpec::InfoNce)
        .with(&[Setting::Target(Some(2.0))]);
const MLP_T4_INFONCE: Curve =
    Curve::new("4a, 7", EncoderKind::Mlp, CriticKind::Bilinear, &BoundSpec::InfoNce)
        .with(&[Setting::Target(Some(4.0))]);
const CONVNET_T2_NWJ: Curve =
    Curve::new("4b, 7", EncoderKind::ConvNet, CriticKind::Bilinear, &BoundSpec::Nwj)
        .with(&[Setting::Target(Some(2.0))]);
const CONVNET_T4_NWJ: Curve =
    Curve::new("4b, 7", EncoderKind::ConvNet, CriticKind::Bilinear, &BoundSpec::Nwj)
        .with(&[Setting::Target(Some(4.0))]);
const MLP_T2_NWJ: Curve =
    Curve::new("4b, 7", EncoderKind::Mlp, CriticKind::Bilinear, &BoundSpec::Nwj)
        .with(&[Setting::Target(Some(2.0))]);
const MLP_T4_NWJ: Curve =
    Curve::new("4b, 7", EncoderKind::Mlp, CriticKind::Bilinear, &BoundSpec::Nwj)
        .with(&[Setting::Target(Some(4.0))]);

/// Values read off the paper's figures.
const VALUES: &[Value] = &[
    // Figure 4a
    CONVNET_T2_INFONCE.at(Metric::Accuracy, 0, 0.82),
    CONVNET_T2_INFONCE.at(Metric::Accuracy, 1_000, 0.864),
    CONVNET_T2_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.895),
    CONVNET_T4_INFONCE.at(Metric::Accuracy, 0, 0.82),
    CONVNET_T4_INFONCE.at(Metric::Accuracy, 1_000, 0.89),
    CONVNET_T4_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.906),
    MLP_T2_INFONCE.at(Metric::Accuracy, 0, 0.8),
    MLP_T2_INFONCE.at(Metric::Accuracy, 1_000, 0.836),
    MLP_T2_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.85),
    MLP_T4_INFONCE.at(Metric::Accuracy, 0, 0.8),
    MLP_T4_INFONCE.at(Metric::Accuracy, 1_000, 0.856),
    MLP_T4_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.87),
    // Figure 4b
    CONVNET_T2_NWJ.at(Metric::Accuracy, 0, 0.82),
    CONVNET_T2_NWJ.at(Metric::Accuracy, 1_000, 0.862),
    CONVNET_T2_NWJ.at(Metric::Accuracy, LAST_STEP, 0.897),
    CONVNET_T4_NWJ.at(Metric::Accuracy, 0, 0.82),
    CONVNET_T4_NWJ.at(Metric::Accuracy, 1_000, 0.861),
    CONVNET_T4_NWJ.at(Metric::Accuracy, LAST_STEP, 0.905),
    MLP_T2_NWJ.at(Metric::Accuracy, 0, 0.8),
    MLP_T2_NWJ.at(Metric::Accuracy, 1_000, 0.843),
    MLP_T2_NWJ.at(Metric::Accuracy, LAST_STEP, 0.856),
    MLP_T4_NWJ.at(Metric::Accuracy, 0, 0.8),
    MLP_T4_NWJ.at(Metric::Accuracy, 1_000, 0.853),
    MLP_T4_NWJ.at(Metric::Accuracy, LAST_STEP, 0.869),
    // Figure 7
    CONVNET_T2_INFONCE.at(Metric::TargetLoss, 1_000, 0.083),
    CONVNET_T2_INFONCE.at(Metric::TargetLoss, LAST_STEP, 0.036),
    CONVNET_T4_INFONCE.at(Metric::TargetLoss, 1_000, 0.178),
    CONVNET_T4_INFONCE.at(Metric::TargetLoss, LAST_STEP, 0.054),
    MLP_T2_INFONCE.at(Metric::TargetLoss, 1_000, 0.058),
    MLP_T2_INFONCE.at(Metric::TargetLoss, LAST_STEP, 0.038),
    MLP_T4_INFONCE.at(Metric::TargetLoss, 1_000, 0.077),
    MLP_T4_INFONCE.at(Metric::TargetLoss, LAST_STEP, 0.06),
    CONVNET_T2_NWJ.at(Metric::TargetLoss, 1_000, 0.253),
    CONVNET_T2_NWJ.at(Metric::TargetLoss, LAST_STEP, 0.049),
    CONVNET_T4_NWJ.at(Metric::TargetLoss, 1_000, 1.98),
    CONVNET_T4_NWJ.at(Metric::TargetLoss, LAST_STEP, 0.093),
    MLP_T2_NWJ.at(Metric::TargetLoss, 1_000, 0.075),
    MLP_T2_NWJ.at(Metric::TargetLoss, LAST_STEP, 0.044),
    MLP_T4_NWJ.at(Metric::TargetLoss, 1_000, 0.678),
    MLP_T4_NWJ.at(Metric::TargetLoss, LAST_STEP, 0.091),
];

pub(super) fn panels(results: &Results<'_>) -> Vec<Panel> {
    [Metric::Accuracy, Metric::TargetLoss, Metric::AccuracyConverged, Metric::BoundTest]
        .into_iter()
        .flat_map(|metric| for_each_bound(results, metric))
        .collect()
}

/// One hue per encoder. The larger target, which follows the smaller, has the stronger style.
pub(super) fn style(configuration: &Configuration<'_>, place: usize) -> (usize, Dash) {
    let is_conv_net = matches!(configuration.task.encoder(), Some(EncoderSpec::ConvNet { .. }));
    paired(is_conv_net, place % 2 == 1)
}

pub(super) fn conditions(results: &Results<'_>, readout: Readout) -> Vec<Condition> {
    let runs = Runs::of(results, readout);
    let effects: BTreeMap<u64, Effects> = (0..runs.seeds.len())
        .filter_map(|run| Some((runs.seeds[run], runs.effects(&[run])?)))
        .collect();
    let paper = runs.published(results);
    let condition = |what: &str, number: fn(&Effects) -> f64| {
        let by_seed = effects.iter().map(|(seed, e)| (*seed, number(e))).collect();
        Condition::on(what, Measure::Points, Expected::Above(0.0), &by_seed)
    };
    let mut conditions = vec![
        condition("accuracy, ConvNet − MLP (A)", |e| e.architecture)
            .published(paper.as_ref().map(|e| e.architecture)),
        // The paper's figures give E of means only: see `effect_of_means`.
        condition("A minus three times |InfoNCE − NWJ| (A − 3 E)", Effects::excess),
    ];
    for configuration in &results.own {
        let Some((encoder, bound)) = kinds(configuration) else { continue };
        let what = format!(
            "{}, {}, {}: |I − t|",
            names::encoder(encoder),
            names::bound(bound),
            labels::prose(&configuration.settings)
        );
        let losses = configuration.by_seed(readout.of(Metric::TargetLoss));
        let paper = results.published_end(configuration, Metric::TargetLoss).map(|v| v.value);
        conditions.push(
            Condition::on(what, Measure::Nats, Expected::Below(NEAR_TARGET), &losses)
                .published(paper)
                // The claim compares encoders at the same value of the bound. A bound that misses
                // its target leaves the claim undecided; it does not refute it.
                .presupposed("the bounds are not at their targets"),
        );
    }
    conditions
}

/// The encoder and the bound.
fn kinds<'a>(configuration: &Configuration<'a>) -> Option<(EncoderKind, &'a BoundSpec)> {
    Some((configuration.task.encoder()?.kind(), configuration.task.bound()?))
}

/// A − 3 E of means over seeds, with the jackknife's pseudo-values, n θ − (n − 1) θ₋ᵢ.
fn effect_of_means(results: &Results<'_>, readout: Readout) -> Option<Condition> {
    let runs = Runs::of(results, readout);
    let all: Vec<usize> = (0..runs.seeds.len()).collect();
    let estimate = runs.effects(&all)?.excess();
    let n = all.len() as f64;
    let pseudo_value = |left_out: usize| {
        let others: Vec<usize> = all.iter().copied().filter(|&run| run != left_out).collect();
        // A single seed has no others: its pseudo-value is the estimate.
        let without = runs.effects(&others).map_or(estimate, |effects| effects.excess());
        (runs.seeds[left_out], n * estimate - (n - 1.0) * without)
    };
    let pseudo_values = all.iter().copied().map(pseudo_value).collect();
    let (what, expected) = ("A − 3 E, of means over seeds", Expected::Above(0.0));
    Some(
        Condition::shown_only(what, Measure::Points, expected, estimate, &pseudo_values)
            .published(runs.published(results).as_ref().map(Effects::excess)),
    )
}

/// The accuracies of the seeds for which every configuration has finished.
struct Runs<'a> {
    targets: Vec<f64>,
    seeds: Vec<u64>,
    /// Encoder, bound, target, and one value per seed.
    accuracies: Vec<(EncoderKind, &'a BoundSpec, f64, Vec<f64>)>,
}

impl<'a> Runs<'a> {
    fn of(results: &Results<'a>, readout: Readout) -> Self {
        let mut targets: Vec<f64> = Vec::new();
        for target in results.own.iter().filter_map(|c| c.task.target()) {
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        let by_seed: Vec<BTreeMap<u64, f64>> =
            results.own.iter().map(|c| c.by_seed(readout.of(Metric::Accuracy))).collect();
        let has_all = |seed: &u64| by_seed.iter().all(|own| own.contains_key(seed));
        let seeds: Vec<u64> = results.planned_seeds().into_iter().filter(has_all).collect();
        let accuracies = results.own.iter().zip(&by_seed).filter_map(|(c, own)| {
            let values = seeds.iter().filter_map(|seed| own.get(seed).copied()).collect();
            let (encoder, bound) = kinds(c)?;
            Some((encoder, bound, c.task.target()?, values))
        });
        let accuracies = accuracies.collect();
        Self { targets, seeds, accuracies }
    }

    /// The effects on accuracies averaged over these runs; `None` if there are no runs, or if a
    /// configuration is missing.
    fn effects(&self, runs: &[usize]) -> Option<Effects> {
        Effects::of(&self.targets, |encoder, bound, target| {
            let own = &self.accuracies;
            let (.., values) =
                own.iter().find(|(e, b, t, _)| (*e, *b, *t) == (encoder, bound, target))?;
            let chosen: Vec<f64> =
                runs.iter().filter_map(|&run| values.get(run).copied()).collect();
            (!chosen.is_empty()).then(|| statistics::mean(&chosen))
        })
    }

    /// The effects that the paper's figures show.
    fn published(&self, results: &Results<'_>) -> Option<Effects> {
        Effects::of(&self.targets, |encoder, bound, target| {
            let is = |c: &Configuration<'_>| {
                kinds(c) == Some((encoder, bound)) && c.task.target() == Some(target)
            };
            results.published(is, Metric::Accuracy)
        })
    }
}

/// The effects of the architecture and of the estimator on the accuracy.
struct Effects {
    /// `ConvNet` − MLP, averaged over bounds and targets.
    architecture: f64,
    /// `|InfoNCE − NWJ|`, averaged over encoders and targets.
    estimator: f64,
}

impl Effects {
    /// The architecture's effect minus three times the estimator's: A − 3 E.
    fn excess(&self) -> f64 {
        self.architecture - ESTIMATOR_MULTIPLE * self.estimator
    }

    /// The effects on the accuracies of all configurations; `None` if one is missing.
    fn of(
        targets: &[f64],
        accuracy: impl Fn(EncoderKind, &BoundSpec, f64) -> Option<f64>,
    ) -> Option<Self> {
        let (mut architecture, mut estimator) = (0.0, 0.0);
        let [nce, nwj] = &PAPER_BOUNDS;
        for &target in targets {
            let conv = |bound| accuracy(EncoderKind::ConvNet, bound, target);
            let mlp = |bound| accuracy(EncoderKind::Mlp, bound, target);
            let [conv_nce, conv_nwj] = [conv(nce)?, conv(nwj)?];
            let [mlp_nce, mlp_nwj] = [mlp(nce)?, mlp(nwj)?];
            architecture += f64::midpoint(conv_nce - mlp_nce, conv_nwj - mlp_nwj);
            estimator += f64::midpoint((conv_nce - conv_nwj).abs(), (mlp_nce - mlp_nwj).abs());
        }
        let count = targets.len() as f64;
        (count > 0.0)
            .then(|| Self { architecture: architecture / count, estimator: estimator / count })
    }
}
