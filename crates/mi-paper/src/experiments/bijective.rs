//! What estimates of mutual information do while the mutual information cannot change.

use mi_estimators::bounds::BoundSpec;

use super::contrasts::invertible;
use super::settings::{contrastive, real_nvp};
use super::{DataKind, Experiment, Variant};
use crate::claims::{Claim, Condition, Expected, Measure, Readout};
use crate::config::{Contrastive, Evaluation, Task};
use crate::figures::changes::changes;
use crate::figures::panels::{bijection, over};
use crate::figures::{Figure, Panel, by_place};
use crate::names;
use crate::preset::Scale;
use crate::published::{PAPER_BOUNDS, Published};
use crate::record::Metric;
use crate::results::Results;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "bijective",
    figures: "",
    question: "How do estimates of mutual information move while it cannot change?",
    data: DataKind::Grey,
    by_default: false,
    quick_seeds: 3,
    variants,
    published: Published::NOTHING,
    place: 310,
    figure: Figure {
        id: "bijective",
        heading: "Estimates of mutual information that cannot change",
        caption: "RealNVP encoders in the setting of figure 1 are bijections, so the mutual information of \
                  both representations is that of the views at every step. The charts show how far each \
                  estimate has moved from its start: bounds of training, on training batches and held out, \
                  also in larger batches; bounds by critics that are trained anew on the frozen \
                  representations; nearest neighbours on principal components; and the V-information of \
                  linear readers about labels, which may change. Values below zero count as zero there, \
                  because neither mutual information nor the V-information of the best reader is negative.",
        panels,
        style: by_place,
    },
    claim: Some(Claim {
        id: "M3",
        paper_figures: "section 5",
        statement: "With bijective encoders the mutual information is constant, yet the bound of a critic \
                    that is trained anew on frozen representations rises over the encoders' training.",
        rule: "In every run the encoder's inverse returns the input to within half a grey level (1/510). For \
               encoders trained with InfoNCE and with NWJ, the held-out InfoNCE bound of a critic trained \
               anew is higher at the end than max(bound at the start, 0).",
        seeds: 5,
        conditions,
        forms: &[],
    }),
};

/// The estimates of mutual information that are taken at every evaluation with all measures.
const ANEW: [&str; 3] = ["infonce", "nwj", "flo"];

fn variants(scale: &Scale) -> Vec<Variant> {
    let steps = scale.flow_steps;
    let every = (steps / 8).max(1);
    let measures =
        [Evaluation::FrozenBounds, Evaluation::Measure { of: mi_eval::Measure::VInformation }];
    let measures = measures.into_iter().filter(|_| scale.every_measure);
    let of_encoder = [
        Evaluation::Bounds,
        Evaluation::Probe,
        Evaluation::Bijectivity { inputs: scale.bijectivity_inputs },
    ];
    // In the beginning estimates move fastest.
    let also = [1, 2, 4].map(|part| Evaluation::AlsoAt { step: part * every });
    let evaluations: Vec<Evaluation> = of_encoder.into_iter().chain(measures).chain(also).collect();
    let variant = |bound| {
        let task = Contrastive {
            encoder: real_nvp(scale, false),
            evaluations: evaluations.clone(),
            ..contrastive(scale, bound)
        };
        Variant { steps, evaluate_every: every, task: Task::Contrastive(task), setting: None }
    };
    PAPER_BOUNDS.into_iter().map(variant).collect()
}

/// Every estimate of the records.
fn estimates(results: &Results<'_>) -> Vec<Metric> {
    let larger = results
        .metrics()
        .into_iter()
        .filter(|metric| matches!(metric, Metric::Part(_)) && metric.whole() == Metric::BoundTest);
    let bounds = [Metric::BoundTrain, Metric::BoundTest].into_iter().chain(larger);
    let anew = ANEW.map(|bound| Metric::BoundAnew.of_part(bound));
    let usable = Metric::VInformation.of_part("linear");
    bounds.chain(anew).chain([Metric::ComponentsMi, usable]).collect()
}

fn panels(results: &Results<'_>) -> Vec<Panel> {
    let estimates = estimates(results);
    let of_bound = |bound| changes(results, bound, &estimates);
    let mut panels: Vec<Panel> = PAPER_BOUNDS.iter().filter_map(of_bound).collect();
    panels.extend(estimates.iter().filter_map(|&metric| over(metric).panel(results)));
    panels.extend(bijection(results));
    panels
}

fn conditions(results: &Results<'_>, readout: Readout) -> Vec<Condition> {
    let metric = Metric::BoundAnew.of_part("infonce");
    let rise = |bound: &BoundSpec| {
        let rises = results.by_seed(|c| c.has_bound(bound), readout.rise(metric, 0.0));
        let what = format!("{}: rise of the bound of a critic trained anew", names::bound(bound));
        Condition::on(what, Measure::Nats, Expected::Above(0.0), &rises)
    };
    [invertible(results)].into_iter().chain(PAPER_BOUNDS.iter().map(rise)).collect()
}
