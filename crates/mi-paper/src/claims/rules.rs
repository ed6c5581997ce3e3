//! The rules, fixed before any result was seen.

use std::collections::BTreeMap;

use crate::claims::condition::{Condition, Expected, Measure};
use crate::claims::{Decision, Verdict};
use crate::configurations::{Configuration, Key, Trial};
use crate::names;
use crate::published;
use crate::record::Metric;

/// A claim with its rule.
pub(super) struct Claim {
    pub(super) id: &'static str,
    pub(super) experiment: &'static str,
    figure: &'static str,
    paper_figures: &'static str,
    statement: &'static str,
    rule: &'static str,
    pub(super) conditions: fn(&Scene<'_>) -> Vec<Condition>,
}

impl Claim {
    pub(super) fn verdict(
        &self,
        dataset: Option<String>,
        decision: Decision,
        reason: String,
        conditions: Vec<Condition>,
    ) -> Verdict {
        Verdict {
            id: self.id,
            claim: self.statement,
            rule: self.rule,
            figure: self.figure,
            paper_figures: self.paper_figures,
            dataset,
            decision,
            reason,
            conditions,
        }
    }
}

/// Every claim, in order.
pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "C1",
        experiment: "invertible",
        figure: "fig-1",
        paper_figures: "1a, 1b",
        statement: "With bijective encoders the true mutual information is constant, yet the bound \
                and the accuracy both rise.",
        rule: "In every run the encoder's inverse returns the input to within half a grey level \
               (1/510), so that no information is lost; and for each bound the intervals of \
               accuracy(end) − accuracy(start) and of bound(end) − max(bound(start), 0) lie above \
               zero. A negative start counts as zero, which no mutual information undercuts.",
        conditions: bijective,
    },
    Claim {
        id: "C2",
        experiment: "adversarial",
        figure: "fig-1c",
        paper_figures: "1c",
        statement: "A bijective encoder can be trained to be useless for a linear probe, with mutual \
                information unchanged.",
        rule: "In every run the encoder's inverse returns the input to within half a grey level \
               (1/510), and the interval of pixel baseline − accuracy(end) lies above 10 points. \
               Without a pixel baseline in the run, accuracy(start) stands for it.",
        conditions: adversarial,
    },
    Claim {
        id: "C3",
        experiment: "conditioning",
        figure: "fig-2",
        paper_figures: "2a–c, 5",
        statement: "An encoder that is free to be invertible or not becomes ill-conditioned.",
        rule: "For each bound, trained with the paper's shared noise, ln(σmax/σmin) of the Jacobian at its 40th percentile over \
               inputs grows by more than ln 10 from start to end: at more than half of the \
               inputs the condition number grows more than tenfold.",
        conditions: conditioning,
    },
    Claim {
        id: "C4",
        experiment: "critics",
        figure: "fig-3",
        paper_figures: "3, 6",
        statement: "Critics of higher capacity give worse representations. The bound is tighter only \
                for NWJ; for InfoNCE the MLP critic's is the lowest.",
        rule: CRITICS_RULE,
        conditions: critics,
    },
    Claim {
        id: "C5",
        experiment: "encoders",
        figure: "fig-4",
        paper_figures: "4a, 4b, 7",
        statement: "At the same value t of the bound, the encoder's architecture matters more than \
                the estimator.",
        rule: ENCODERS_RULE,
        conditions: encoders,
    },
    Claim {
        id: "C6",
        experiment: "dependent",
        figure: "fig-4c",
        paper_figures: "4c",
        statement: "With dependent negatives neither InfoNCE nor NWJ bounds I(X; Y) from below.",
        rule: "With a run's estimate the mean over the last fifth of its steps: for each bound \
               the interval of estimate − true lies above zero with dependent negatives and \
               within ±0.01 nats with independent ones; and with dependent negatives the \
               estimate stays below the closed-form ceiling I(X_1..K; Y).",
        conditions: dependent,
    },
    Claim {
        id: "C7",
        experiment: "cifar-critics",
        figure: "fig-8",
        paper_figures: "8",
        statement: "As C4 on CIFAR-10: critics of higher capacity give worse representations.",
        rule: CRITICS_RULE,
        conditions: critics,
    },
    Claim {
        id: "C8",
        experiment: "cifar-encoders",
        figure: "fig-9",
        paper_figures: "9",
        statement: "As C5 on CIFAR-10: architecture matters more than the estimator.",
        rule: ENCODERS_RULE,
        conditions: encoders,
    },
];

const CRITICS_RULE: &str = "At the end, by seed: for each bound the intervals of accuracy \
    bilinear − separable and separable − MLP lie above zero; those of the NWJ bound MLP − \
    bilinear and MLP − separable lie above zero; those of the InfoNCE bound bilinear − MLP and \
    separable − MLP lie above zero. Bounds are those on training batches, as in the paper.";

const ENCODERS_RULE: &str = "At the end, by seed: A, the accuracy ConvNet − MLP averaged over \
    bounds and targets, and E, |InfoNCE − NWJ| averaged over encoders and targets; the interval \
    of A − 3 E lies above zero. And the bounds are at their targets: the interval of |I − t| \
    lies below 0.2 nats for every configuration.";

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

/// What a rule looks at: a claim on one data set.
pub(super) struct Scene<'a> {
    pub(super) all: &'a [Configuration<'a>],
    pub(super) claim: &'a Claim,
    pub(super) dataset: &'a str,
}

impl<'a> Scene<'a> {
    /// The configurations of the claim's own experiment.
    pub(super) fn configurations(&self) -> impl Iterator<Item = &'a Configuration<'a>> {
        let (experiment, dataset) = (self.claim.experiment, self.dataset);
        self.all.iter().filter(move |c| c.key.experiment == experiment && c.key.dataset == dataset)
    }

    fn find(&self, is: impl Fn(&Key) -> bool) -> Option<&'a Configuration<'a>> {
        self.configurations().find(|c| is(&c.key))
    }

    /// A number of each finished trial of the configuration asked for; none if it was not run.
    fn by_seed(
        &self,
        is: impl Fn(&Key) -> bool,
        number: impl Fn(&Trial<'a>) -> Option<f64>,
    ) -> BTreeMap<u64, f64> {
        self.find(is).map(|c| c.by_seed(number)).unwrap_or_default()
    }

    /// The paper's end value for the configuration asked for.
    fn published(&self, is: impl Fn(&Key) -> bool, metric: Metric) -> Option<f64> {
        self.find(is).and_then(|c| published::end(&c.key, metric)).map(|v| v.value)
    }

    /// Whether every finished run's encoder can be inverted.
    fn invertible(&self) -> Condition {
        // f64::max would pass over NaN.
        let larger = |a: f64, b: f64| if a.is_nan() || a > b { a } else { b };
        let mut by_seed: BTreeMap<u64, f64> = BTreeMap::new();
        for trial in self.configurations().flat_map(|c| &c.trials).filter(|t| t.is_finished()) {
            for (_, error) in trial.curve(Metric::InverseError) {
                let worst = by_seed.entry(trial.info.seed).or_insert(error);
                *worst = larger(*worst, error);
            }
        }
        Condition::on_largest("largest inverse error of any run", HALF_GREY_LEVEL, &by_seed)
    }
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

fn bijective(scene: &Scene<'_>) -> Vec<Condition> {
    let mut conditions = vec![scene.invertible()];
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

fn adversarial(scene: &Scene<'_>) -> Vec<Condition> {
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
        scene.invertible(),
        Condition::on_difference(what, Measure::Points, expected, &baseline, &accuracy)
            .published(published.map(|end| paper - end)),
    ]
}

fn conditioning(scene: &Scene<'_>) -> Vec<Condition> {
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

fn critics(scene: &Scene<'_>) -> Vec<Condition> {
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

fn encoders(scene: &Scene<'_>) -> Vec<Condition> {
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
                .published(paper),
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

fn dependent(scene: &Scene<'_>) -> Vec<Condition> {
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
