//! Beyond the paper: the setting of figure 3 with different numbers of negatives.

use super::settings::{contrastive, variant};
use super::{DataKind, Experiment, Variant};
use crate::config::Contrastive;
use crate::figures::ends::over_batch_size;
use crate::figures::{Figure, Panel, by_place};
use crate::preset::Scale;
use crate::published::{PAPER_BOUNDS, Published};
use crate::record::Metric;
use crate::results::Results;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "batch-size",
    figures: "",
    question: "How do the bound and the representation depend on the number of negatives?",
    data: DataKind::Grey,
    by_default: false,
    quick_seeds: 3,
    variants,
    published: Published::NOTHING,
    place: 140,
    figure: Figure {
        id: "batch-size",
        heading: "Batch size",
        caption: "Beyond the paper: the setting of figure 3 with different numbers K of pairs in a batch.",
        panels,
        style: by_place,
    },
    claim: None,
};

fn variants(scale: &Scale) -> Vec<Variant> {
    let mut variants = Vec::new();
    for bound in PAPER_BOUNDS {
        for batch_size in [32, 64, 128, 256, 512] {
            let task = Contrastive { batch_size, ..contrastive(scale, bound.clone()) };
            variants.push(variant(scale, task));
        }
    }
    variants
}

fn panels(results: &Results<'_>) -> Vec<Panel> {
    [Metric::Accuracy, Metric::BoundTrain, Metric::BoundTest, Metric::AccuracyConverged]
        .into_iter()
        .filter_map(|metric| over_batch_size(results, metric))
        .collect()
}
