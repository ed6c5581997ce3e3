//! Beyond the paper: every bound of the registry in the setting of figure 3.

use mi_estimators::bounds::{BOUNDS, BoundInfo};

use super::settings::{contrastive, variant};
use super::{DataKind, Experiment, Variant};
use crate::figures::ends::ends;
use crate::figures::panels::{end_accuracies, over};
use crate::figures::{Figure, Panel, by_place};
use crate::preset::Scale;
use crate::published::Published;
use crate::record::Metric;
use crate::results::Results;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "bounds",
    figures: "",
    question: "How do all bounds of the registry compare in the setting of figure 3?",
    data: DataKind::Grey,
    by_default: false,
    quick_seeds: 3,
    variants,
    published: Published::NOTHING,
    place: 130,
    figure: Figure {
        id: "bounds",
        heading: "Every bound in the setting of figure 3",
        caption: "Beyond the paper: MLP encoders trained with each bound of the registry.",
        panels,
        style: by_place,
    },
    claim: None,
};

fn variants(scale: &Scale) -> Vec<Variant> {
    let usual = BOUNDS.iter().filter_map(BoundInfo::usual);
    usual.map(|bound| variant(scale, contrastive(scale, bound.clone()))).collect()
}

fn panels(results: &Results<'_>) -> Vec<Panel> {
    let mut panels = end_accuracies(results);
    panels.extend(
        [
            ends(results, "bound", "Estimate on training batches", Metric::BoundTrain),
            ends(results, "bound-test", "Estimate on held-out data", Metric::BoundTest),
            over("bound-steps", "Estimates over training", Metric::BoundTrain).panel(results),
            over("accuracy-steps", "Accuracy over training", Metric::Accuracy).panel(results),
        ]
        .into_iter()
        .flatten(),
    );
    panels
}
