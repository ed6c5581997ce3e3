//! The conditions of each claim: which effects its rule looks at.

use std::collections::BTreeMap;

use crate::claims::condition::{Condition, Expected, Measure};
use crate::claims::rules::Scene;
use crate::configurations::{Key, Trial};
use crate::names;
use crate::published;
use crate::record::Metric;

/// Largest inverse error of an encoder that loses nothing: pixels are multiples of 1/255, so a
/// smaller error than half of that still names the exact grey level.
const HALF_GREY_LEVEL: f64 = 1.0 / 510.0;
/// What "far below the pixel baseline" means.
const FAR_BELOW: f64 = 0.10;
/// How many times the estimator's effect the architecture's must exceed.
const MATTERS_MORE: f64 = 3.0;
/// How near to its target a bound must be.
const NEAR_TARGET: f64 = 0.2;
/// How near to the truth an estimate with independent negatives must be.
const NEAR_TRUTH: f64 = 0.01;

/// Whether every finished run's encoder can be inverted.
fn invertible(scene: &Scene<'_>) -> Condition {
    // f64::max would pass over NaN.
    let larger = |a: f64, b: f64| if a.is_nan() || a > b { a } else { b };
    let mut by_seed: BTreeMap<u64, f64> = BTreeMap::new();
    for trial in scene.configurations().flat_map(|c| &c.trials).filter(|t| t.is_finished()) {
        for (_, error) in trial.curve(Metric::InverseError) {
            let worst = by_seed.entry(trial.info.seed).or_insert(error);
            *worst = larger(*worst, error);
        }
    }
    Condition::on_largest("largest inverse error of any run", HALF_GREY_LEVEL, &by_seed)
}

const BOUNDS: [&str; 2] = ["infonce", "nwj"];

fn end(metric: Metric) -> impl Fn(&Trial<'_>) -> Option<f64> {
    move |trial| trial.last(metric).map(|(_, value)| value)
}

/// End minus start of a metric, the start held above `floor`.
fn rise(metric: Metric, floor: f64) -> impl Fn(&Trial<'_>) -> Option<f64> {
    move |trial| {
        let (start, (step, end)) = (trial.first(metric)?, trial.last(metric)?);
        (step > 0).then(|| end - start.max(floor))
    }
}

/// The rise in the paper's figures.
fn published_rise(scene: &Scene<'_>, bound: &str, metric: Metric, floor: f64) -> Option<f64> {
    let has_values = |k: &Key| k.bound == bound && published::end(k, metric).is_some();
    let key = &scene.find(has_values)?.key;
    let end = published::end(key, metric)?.value;
    let start = published::of(key, metric).find(|v| v.step == 0).map(|v| v.value);
    Some(end - start.map_or(floor, |s| s.max(floor))).filter(|rise| rise.is_finite())
}

pub(super) fn bijective(scene: &Scene<'_>) -> Vec<Condition> {
    let mut conditions = vec![invertible(scene)];
    for bound in BOUNDS {
        for (metric, measure, floor, what) in [
            (Metric::Accuracy, Measure::Points, f64::NEG_INFINITY, "rise of the accuracy"),
            (Metric::BoundTrain, Measure::Nats, 0.0, "rise of the bound"),
        ] {
            let rises = scene.by_seed(|k| k.bound == bound, rise(metric, floor));
            let what = format!("{}: {what}", names::bound(bound));
            conditions.push(
                Condition::on(what, measure, Expected::Above(0.0), &rises)
                    .published(published_rise(scene, bound, metric, floor)),
            );
        }
    }
    conditions
}

pub(super) fn adversarial(scene: &Scene<'_>) -> Vec<Condition> {
    let accuracy = scene.by_seed(|_| true, end(Metric::Accuracy));
    let pixels = scene
        .all
        .iter()
        .filter(|c| c.key.experiment == "pixels" && c.key.dataset == scene.dataset)
        .filter(|c| c.key.setting.is_empty())
        .map(|c| c.by_seed(end(Metric::Accuracy)))
        .find(|by_seed| !by_seed.is_empty());
    let (baseline, name, paper) = if let Some(pixels) = pixels {
        (pixels, "pixel baseline", published::PIXEL_ACCURACY)
    } else {
        let starts = scene.by_seed(|_| true, |t| t.first(Metric::Accuracy));
        (starts, "start", published::ADVERSARIAL_START)
    };
    let what = format!("accuracy, {name} − end");
    let expected = Expected::Above(FAR_BELOW);
    let published = scene.published(|_| true, Metric::Accuracy);
    // A pixel baseline that was measured once serves every run.
    let baseline = match baseline.len() {
        1 => accuracy.keys().filter_map(|s| Some((*s, *baseline.values().next()?))).collect(),
        _ => baseline,
    };
    vec![
        invertible(scene),
        Condition::on_difference(what, Measure::Points, expected, &baseline, &accuracy)
            .published(published.map(|end| paper - end)),
    ]
}

pub(super) fn conditioning(scene: &Scene<'_>) -> Vec<Condition> {
    let metric = Metric::LogConditionP40;
    BOUNDS
        .iter()
        .map(|&bound| {
            let as_published = |k: &Key| k.bound == bound && k.setting != "independent-noise";
            let growth = scene.by_seed(as_published, rise(metric, f64::NEG_INFINITY));
            let what = format!("{}: growth of ln(σmax/σmin), 40th percentile", names::bound(bound));
            let expected = Expected::Above(std::f64::consts::LN_10);
            Condition::on(what, Measure::Log, expected, &growth).published(published_rise(
                scene,
                bound,
                metric,
                f64::NEG_INFINITY,
            ))
        })
        .collect()
}

pub(super) fn critics(scene: &Scene<'_>) -> Vec<Condition> {
    let accuracy = (Metric::Accuracy, Measure::Points, "accuracy");
    let bound_value = (Metric::BoundTrain, Measure::Nats, "bound");
    let comparisons = [
        ("infonce", accuracy, "bilinear", "separable"),
        ("infonce", accuracy, "separable", "mlp"),
        ("nwj", accuracy, "bilinear", "separable"),
        ("nwj", accuracy, "separable", "mlp"),
        ("nwj", bound_value, "mlp", "bilinear"),
        ("nwj", bound_value, "mlp", "separable"),
        ("infonce", bound_value, "bilinear", "mlp"),
        ("infonce", bound_value, "separable", "mlp"),
    ];
    comparisons
        .iter()
        .map(|&(bound, (metric, measure, quantity), larger, smaller)| {
            let of = |critic: &'static str| {
                let is = move |k: &Key| k.bound == bound && k.critic == critic;
                (scene.by_seed(is, end(metric)), scene.published(is, metric))
            };
            let ((a, paper_a), (b, paper_b)) = (of(larger), of(smaller));
            let what = format!(
                "{}: {quantity}, {} − {}",
                names::bound(bound),
                names::critic(larger),
                names::critic(smaller)
            );
            Condition::on_difference(what, measure, Expected::Above(0.0), &a, &b)
                .published(paper_a.zip(paper_b).map(|(a, b)| a - b))
        })
        .collect()
}

pub(super) fn encoders(scene: &Scene<'_>) -> Vec<Condition> {
    let is = |encoder: &str, bound: &str, setting: &str| {
        let key = (encoder.to_owned(), bound.to_owned(), setting.to_owned());
        move |k: &Key| k.encoder == key.0 && k.bound == key.1 && k.setting == key.2
    };
    let mut targets: Vec<&str> = Vec::new();
    for configuration in scene.configurations() {
        if !targets.contains(&configuration.key.setting.as_str()) {
            targets.push(&configuration.key.setting);
        }
    }
    let mut seeds: Vec<u64> =
        scene.configurations().flat_map(|c| &c.trials).map(|t| t.info.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let accuracy = |seed: u64| {
        move |encoder: &str, bound: &str, target: &str| {
            let by_seed = scene.by_seed(is(encoder, bound, target), end(Metric::Accuracy));
            by_seed.get(&seed).copied()
        }
    };
    let effects: BTreeMap<u64, Effects> = seeds
        .iter()
        .filter_map(|&seed| Some((seed, Effects::of(&targets, accuracy(seed))?)))
        .collect();
    let paper = Effects::of(&targets, |encoder, bound, target| {
        scene.published(is(encoder, bound, target), Metric::Accuracy)
    });
    let condition = |what: &str, number: fn(&Effects) -> f64| {
        let by_seed = effects.iter().map(|(seed, e)| (*seed, number(e))).collect();
        Condition::on(what, Measure::Points, Expected::Above(0.0), &by_seed)
            .published(paper.as_ref().map(number))
    };
    let mut conditions = vec![
        condition("accuracy, ConvNet − MLP (A)", |e| e.architecture),
        condition("that less three times |InfoNCE − NWJ| (A − 3 E)", |e| {
            e.architecture - MATTERS_MORE * e.estimator
        }),
    ];
    for configuration in scene.configurations() {
        let key = &configuration.key;
        let what = format!(
            "{}, {}, {}: |I − t|",
            names::encoder(&key.encoder),
            names::bound(&key.bound),
            names::setting(&key.setting)
        );
        let losses = configuration.by_seed(end(Metric::TargetLoss));
        let paper = published::end(key, Metric::TargetLoss).map(|v| v.value);
        conditions.push(
            Condition::on(what, Measure::Nats, Expected::Below(NEAR_TARGET), &losses)
                .published(paper)
                // The claim compares encoders at the same value of the bound: a bound elsewhere
                // takes the ground from under it and says nothing against it.
                .presupposed("the bounds are not at their targets"),
        );
    }
    conditions
}

/// What the architecture and the estimator change in the accuracy.
struct Effects {
    /// `ConvNet` − MLP, averaged over bounds and targets.
    architecture: f64,
    /// `|InfoNCE − NWJ|`, averaged over encoders and targets.
    estimator: f64,
}

impl Effects {
    /// From the accuracies of all configurations; `None` if one is missing.
    fn of(targets: &[&str], accuracy: impl Fn(&str, &str, &str) -> Option<f64>) -> Option<Self> {
        let (mut architecture, mut estimator) = (0.0, 0.0);
        for target in targets {
            let at = |encoder, bound| accuracy(encoder, bound, target);
            let [conv_nce, conv_nwj] = [at("convnet", "infonce")?, at("convnet", "nwj")?];
            let [mlp_nce, mlp_nwj] = [at("mlp", "infonce")?, at("mlp", "nwj")?];
            architecture += f64::midpoint(conv_nce - mlp_nce, conv_nwj - mlp_nwj);
            estimator += f64::midpoint((conv_nce - conv_nwj).abs(), (mlp_nce - mlp_nwj).abs());
        }
        let count = targets.len() as f64;
        (count > 0.0)
            .then(|| Self { architecture: architecture / count, estimator: estimator / count })
    }
}

pub(super) fn dependent(scene: &Scene<'_>) -> Vec<Condition> {
    let mut conditions = Vec::new();
    let truth = published::DEPENDENT_TRUE_MI;
    let over_truth = |trial: &Trial<'_>| {
        let truth = trial.last(Metric::TrueMi).map_or(truth, |(_, value)| value);
        Some(trial.tail_mean(Metric::Estimate)? - truth)
    };
    let under_ceiling = |trial: &Trial<'_>| {
        Some(trial.last(Metric::Ceiling)?.1 - trial.tail_mean(Metric::Estimate)?)
    };
    for bound in BOUNDS {
        let name = names::bound(bound);
        for (setting, expected) in [
            ("dependent", Expected::Above(0.0)),
            ("independent", Expected::Within(-NEAR_TRUTH, NEAR_TRUTH)),
        ] {
            let is = |k: &Key| k.bound == bound && k.setting == setting;
            let what = format!("{name}, {setting} negatives: estimate − true");
            let paper = scene.published(is, Metric::Estimate).map(|value| value - truth);
            conditions.push(
                Condition::on(what, Measure::Nats, expected, &scene.by_seed(is, over_truth))
                    .published(paper),
            );
        }
        let is = |k: &Key| k.bound == bound && k.setting == "dependent";
        let what = format!("{name}, dependent negatives: ceiling − estimate");
        let room = scene.by_seed(is, under_ceiling);
        conditions.push(Condition::on(what, Measure::Nats, Expected::Above(0.0), &room));
    }
    conditions
}
