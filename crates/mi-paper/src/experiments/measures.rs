//! Which measures of a representation predict how useful it is?

use std::collections::BTreeMap;

use mi_critics::CriticSpec;
use mi_data::View;
use mi_estimators::bounds::BoundSpec;
use mi_eval::MEASURES;
use mi_random::Stream;

use super::settings::{contrastive, conv_net, mlp, real_nvp};
use super::{DataKind, Experiment, Variant, adversarial, metric, supervised};
use crate::claims::{Brief, Claim, Condition, Expected, Form, KnownSeeds, Measure, Readout};
use crate::config::{Adversarial, Contrastive, EncoderSpec, Evaluation, Supervised, Task};
use crate::figures::correlations::{Correlated, correlation_panel, scatter};
use crate::figures::{Figure, Panel, by_place};
use crate::names;
use crate::preset::Scale;
use crate::published::{PAPER_BOUNDS, Published};
use crate::record::Metric;
use crate::results::{Configuration, Results};
use crate::statistics::{partial_rank_correlation, rank_correlation};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "measures",
    figures: "",
    question: "Which measures of a representation predict how useful it is, if MI does not?",
    data: DataKind::Grey,
    by_default: false,
    quick_seeds: 3,
    variants,
    published: Published::NOTHING,
    place: 300,
    figure: Figure {
        id: "measures",
        heading: "Measures of a representation and its usefulness",
        caption: "Encoders are trained with several critics, bounds, targets, architectures and views, and \
                  also by triplets, on labels and against a classifier. Each is measured at the start and at \
                  the end of training. The charts show Spearman's rank correlation, over all of these at the \
                  end of training, of each measure with four accuracies: of the paper's probe, of a converged \
                  linear probe, of linear readers of ten labels per class, and of linear readers of another \
                  data set. Intervals of 95 % are by a bootstrap over configurations and seeds. For bijective \
                  encoders the true mutual information is the same at every step, whatever an estimate says.",
        panels,
        style: by_place,
    },
    claim: Some(Claim {
        id: "M1",
        paper_figures: "section 5",
        statement: "Estimates of mutual information do not rank the representations of trained encoders by \
                    their accuracy; the V-information of linear readers does.",
        rule: "Over the encoders at the end of training, the rank correlation with the accuracy of a \
               converged linear probe is below 0.5 for the held-out bound of training, below 0.5 for the \
               InfoNCE bound of a critic trained anew, and above 0.9 for the V-information of linear \
               readers.",
        seeds: 5,
        conditions,
        forms: FORMS,
    }),
};

const FORMS: &[Form] = &[Form {
    letter: "g",
    statement: "Geometry adds to the estimate: of encoders with the same held-out bound, those whose \
                features are spread out more evenly have a higher accuracy. The partial rank correlation \
                of uniformity (lower is more even) with the accuracy of a converged linear probe, given \
                the held-out bound, is below 0. It was written when seed 0 had been run, so only seeds \
                from 1 on judge it.",
    known: Some(KnownSeeds { seeds: 1, run: "a run with the preset “reference”" }),
    conditions: geometry_conditions,
}];

/// Measures that are not taken. The first is the accuracy of the paper's probe, which
/// [`Evaluation::Probe`] records. The second fits readers to pixels and features together, which is
/// slow for 60,000 images.
const LEFT_OUT: [mi_eval::Measure; 2] =
    [mi_eval::Measure::EarlyStoppedAccuracy, mi_eval::Measure::ConditionalVInformation];

/// Measures that are fast enough for every scale.
const QUICK: [mi_eval::Measure; 4] = [
    mi_eval::Measure::RankMe,
    mi_eval::Measure::Uniformity,
    mi_eval::Measure::Alignment,
    mi_eval::Measure::DeadUnits,
];

/// The most steps against a classifier. In the paper's figure 1c the accuracy has fallen by then.
const ADVERSARIAL_STEPS: u64 = 1_000;

fn variants(scale: &Scale) -> Vec<Variant> {
    let at_ends =
        |steps: u64, task: Task| Variant { steps, evaluate_every: steps, task, setting: None };
    let measured = |task: Contrastive| {
        let evaluations = [pair_evaluations(scale), encoder_evaluations(scale)].concat();
        at_ends(scale.steps, Task::Contrastive(Contrastive { evaluations, ..task }))
    };
    let base = |bound: BoundSpec| contrastive(scale, bound);
    let mut variants = Vec::new();
    for bound in PAPER_BOUNDS {
        for critic in [
            CriticSpec::Bilinear,
            CriticSpec::Separable { hidden: vec![100], embed: 100 },
            CriticSpec::Concat { hidden: vec![200] },
        ] {
            variants.push(measured(Contrastive { critic, ..base(bound.clone()) }));
        }
    }
    for target in scale.targets {
        let task = Contrastive { target: Some(target), ..base(BoundSpec::InfoNce) };
        variants.push(measured(task));
    }
    for encoder in [
        conv_net(scale),
        EncoderSpec::Residual { layers: 5, init_sd: 1e-4 },
        real_nvp(scale, false),
    ] {
        let Variant { task, .. } = measured(Contrastive { encoder, ..base(BoundSpec::InfoNce) });
        variants.push(at_ends(scale.steps.min(scale.flow_steps), task));
    }
    let sides = Box::new([View::left_half(), View::right_half()]);
    variants.push(measured(Contrastive { views: Some(sides), ..base(BoundSpec::InfoNce) }));
    let mut triplets = metric::semi_hard(scale);
    if let Task::MultiView(task) = &mut triplets.task {
        task.evaluations = [pair_evaluations(scale), encoder_evaluations(scale)].concat();
    }
    variants.push(Variant { evaluate_every: triplets.steps, ..triplets });
    // Encoders that see labels have no second view.
    for (encoder, steps) in [(mlp(scale), scale.steps), (conv_net(scale), scale.conv_steps)] {
        let task = supervised::supervised(scale, encoder);
        let task = Task::Supervised(Supervised { evaluations: encoder_evaluations(scale), ..task });
        variants.push(at_ends(steps, task));
    }
    let task = adversarial::adversarial(scale);
    let task = Task::Adversarial(Adversarial { evaluations: encoder_evaluations(scale), ..task });
    variants.push(at_ends(scale.adversarial_steps.min(ADVERSARIAL_STEPS), task));
    variants
}

/// The evaluations that need both encoders.
fn pair_evaluations(scale: &Scale) -> Vec<Evaluation> {
    let frozen = scale.every_measure.then_some(Evaluation::FrozenBounds);
    [Evaluation::Bounds].into_iter().chain(frozen).collect()
}

/// The evaluations of a single encoder.
fn encoder_evaluations(scale: &Scale) -> Vec<Evaluation> {
    let mut evaluations =
        vec![Evaluation::Probe, Evaluation::CkaToStart, Evaluation::Representation];
    if scale.every_measure {
        evaluations.extend([Evaluation::ConvergedProbe, Evaluation::Transfer]);
    }
    let asked = |measure: &mi_eval::Measure| scale.every_measure || QUICK.contains(measure);
    let measures = MEASURES.iter().map(|info| info.measure);
    let measures = measures.filter(|measure| asked(measure) && !LEFT_OUT.contains(measure));
    evaluations.extend(measures.map(|of| Evaluation::Measure { of }));
    evaluations
}

/// Accuracy with ten labels per class.
fn few_labels() -> Metric {
    Metric::FewLabelAccuracy.of_part("linear 10 a class")
}

/// The accuracies that the measures are correlated with.
fn uses() -> [Metric; 4] {
    [Metric::Accuracy, Metric::AccuracyConverged, few_labels(), Metric::TransferAccuracy]
}

/// The kind of an encoder; each kind has one colour in a scatter chart.
fn kind(configuration: &Configuration<'_>) -> String {
    let encoder = configuration.task.encoder().map_or("none", |spec| names::encoder(spec.kind()));
    match configuration.task {
        Task::Supervised(_) => format!("{encoder}, on labels"),
        Task::Adversarial(_) => format!("{encoder}, against a classifier"),
        Task::MultiView(_) => format!("{encoder}, triplets"),
        _ => encoder.to_owned(),
    }
}

fn panels(results: &Results<'_>) -> Vec<Panel> {
    let uses = uses();
    let metrics: Vec<Metric> = results
        .metrics()
        .into_iter()
        .filter(|metric| !uses.contains(metric))
        .filter(|metric| *metric != Metric::OverflowSteps && *metric != Metric::TargetLoss)
        .collect();
    let mut panels = Vec::new();
    for of in uses {
        let mut stream = Stream::new(0, "bootstrap");
        let correlated: Vec<Correlated> = metrics
            .iter()
            .filter_map(|&metric| Correlated::of(results, (metric, of), &mut stream))
            .collect();
        panels.extend(correlation_panel(of, &correlated));
    }
    let shown = [
        Metric::BoundTest,
        Metric::BoundAnew.of_part("infonce"),
        Metric::VInformation.of_part("linear"),
        Metric::RankMe,
        Metric::Uniformity,
        Metric::NeighbourPurity,
    ];
    let is = |metric: &Metric| {
        shown.iter().any(|s| s.whole() == metric.whole() && metric.name().starts_with(&*s.name()))
    };
    let scattered = metrics.iter().filter(|metric| is(metric));
    panels.extend(
        scattered.filter_map(|&metric| scatter(results, metric, Metric::AccuracyConverged, kind)),
    );
    panels
}

/// By seed, the values of some metrics of every finished trial that has all of them.
fn columns<const N: usize>(
    results: &Results<'_>,
    readout: Readout,
    metrics: [Metric; N],
) -> BTreeMap<u64, [Vec<f64>; N]> {
    let mut by_seed = BTreeMap::new();
    for trial in results.own.iter().flat_map(|c| &c.trials).filter(|t| t.is_finished()) {
        let values = metrics.map(|metric| readout.of(metric)(trial));
        if values.iter().all(Option::is_some) {
            let columns =
                by_seed.entry(trial.info.seed).or_insert_with(|| [const { Vec::new() }; N]);
            for (column, value) in columns.iter_mut().zip(values) {
                column.extend(value);
            }
        }
    }
    by_seed
}

/// The conditions of [`FORMS`].
fn geometry_conditions(results: &Results<'_>, readout: Readout) -> Vec<Condition> {
    let metrics = [Metric::Uniformity, Metric::AccuracyConverged, Metric::BoundTest];
    let by_seed = columns(results, readout, metrics);
    let correlations =
        by_seed.into_iter().filter_map(|(seed, [uniformity, accuracies, bounds])| {
            Some((seed, partial_rank_correlation(&uniformity, &accuracies, &bounds)?))
        });
    let what = "partial rank correlation with accuracy given the held-out bound: uniformity";
    let correlations = correlations.collect();
    vec![Condition::on(what, Measure::Correlation, Expected::Below(0.0), &correlations)]
}

fn conditions(results: &Results<'_>, readout: Readout) -> Vec<Condition> {
    let condition = |metric: Metric, expected, brief| {
        let by_seed = columns(results, readout, [metric, Metric::AccuracyConverged]);
        let correlations = by_seed.into_iter().filter_map(|(seed, [values, accuracies])| {
            Some((seed, rank_correlation(&values, &accuracies)?))
        });
        let what = format!("rank correlation with accuracy: {}", names::metric(metric));
        let correlations = correlations.collect();
        Condition::on(what, Measure::Correlation, expected, &correlations).in_brief(brief)
    };
    let low = |name| Brief {
        name,
        confirmed: "its rank correlation with accuracy is below 0.5",
        refuted: "its rank correlation with accuracy is not below 0.5",
        open: "it is open whether its rank correlation with accuracy is below 0.5",
    };
    let high = |name| Brief {
        name,
        confirmed: "its rank correlation with accuracy is above 0.9",
        refuted: "its rank correlation with accuracy is not above 0.9",
        open: "it is open whether its rank correlation with accuracy is above 0.9",
    };
    let (estimate, anew) = ("MI estimate", "MI estimate of a new critic");
    vec![
        condition(Metric::BoundTest, Expected::Below(0.5), low(estimate)),
        condition(Metric::BoundAnew.of_part("infonce"), Expected::Below(0.5), low(anew)),
        condition(
            Metric::VInformation.of_part("linear"),
            Expected::Above(0.9),
            high("V-information"),
        ),
    ]
}
