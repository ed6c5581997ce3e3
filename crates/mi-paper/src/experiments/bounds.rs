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
        [Metric::BoundTrain, Metric::BoundTest]
            .into_iter()
            .filter_map(|metric| ends(results, metric)),
    );
    let curves = [Metric::BoundTrain, Metric::Accuracy];
    panels.extend(curves.into_iter().filter_map(|metric| over(metric).panel(results)));
    panels
}
