//! Beyond the paper: normalised critics with a temperature.

use mi_critics::CriticSpec;
use mi_estimators::bounds::BoundSpec;

use super::settings::{contrastive, variant};
use super::{DataKind, Experiment, Variant};
use crate::config::Contrastive;
use crate::figures::ends::ends;
use crate::figures::panels::end_accuracies;
use crate::figures::{Figure, Panel, by_place};
use crate::preset::Scale;
use crate::published::Published;
use crate::record::Metric;
use crate::results::Results;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "cosine",
    figures: "",
    question: "How does a normalised critic with a temperature change bound and accuracy?",
    data: DataKind::Grey,
    by_default: false,
    quick_seeds: 3,
    variants,
    published: Published::NOTHING,
    place: 150,
    figure: Figure {
        id: "cosine",
        heading: "Normalised critics",
        caption: "Beyond the paper: cosine critics at several temperatures.",
        panels,
        style: by_place,
    },
    claim: None,
};

fn variants(scale: &Scale) -> Vec<Variant> {
    let cosine = |temperature, learned| CriticSpec::Cosine { temperature, learned };
    [CriticSpec::InnerProduct, cosine(0.07, false), cosine(0.2, false), cosine(0.07, true)]
        .into_iter()
        .map(|critic| {
            variant(scale, Contrastive { critic, ..contrastive(scale, BoundSpec::InfoNce) })
        })
        .collect()
}

fn panels(results: &Results<'_>) -> Vec<Panel> {
    let mut panels = end_accuracies(results);
    let bounds = [Metric::BoundTrain, Metric::BoundTest];
    panels.extend(bounds.into_iter().filter_map(|metric| ends(results, metric)));
    panels
}
