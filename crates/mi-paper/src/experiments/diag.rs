//! Measures of a representation before, early and late in training, in a setting that other
//! programs can repeat.

use super::settings::{contrastive, view};
use super::{DataKind, Experiment, Variant};
use crate::config::{Contrastive, Evaluation, Pixels, Task};
use crate::figures::ends::ends;
use crate::figures::panels::over;
use crate::figures::{Figure, Panel, by_place};
use crate::preset::Scale;
use crate::published::Published;
use crate::record::Metric;
use crate::results::Results;
use mi_estimators::bounds::BoundSpec;
use mi_eval::Measure;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "diag",
    figures: "",
    question: "How do measures of a representation move in training, with readers that others can repeat?",
    data: DataKind::Grey,
    by_default: false,
    quick_seeds: 3,
    variants,
    published: Published::NOTHING,
    place: 320,
    figure: Figure {
        id: "diag",
        heading: "Diagnostics of a representation",
        caption: "The paper's MLP encoders with a bilinear critic and InfoNCE, and the raw pixels. Readers \
                  choose their settings on the last sixth of the training images (10,000 of MNIST's): \
                  linear readers the penalty, after which they are fitted to all images; 200 hidden units \
                  the epoch, without another fit. All measures are taken before the first step, after a \
                  fifth of the steps, and after the last. Alignment between separate encoders under a \
                  bilinear critic means little: it equals that of shuffled pairs.",
        panels,
        style: by_place,
    },
    claim: None,
};

/// The number of parts into which evaluations divide the steps.
const PARTS: u64 = 5;

/// Measures of one representation alone, or of one and its pixels.
const MEASURES: [Measure; 3] = [Measure::Uniformity, Measure::RankMe, Measure::CkaToBase];

fn variants(scale: &Scale) -> Vec<Variant> {
    let steps = scale.diagnosed_steps;
    let evaluate_every = (steps / PARTS).max(1);
    let of_features = || {
        let measures = MEASURES.map(|of| Evaluation::Measure { of });
        [Evaluation::ReferenceReaders].into_iter().chain(measures)
    };
    let of_encoders = [
        Evaluation::Bounds,
        Evaluation::Probe,
        Evaluation::Measure { of: Measure::Alignment },
        Evaluation::AlsoAt { step: evaluate_every },
    ];
    let task = Contrastive {
        evaluations: of_encoders.into_iter().chain(of_features()).collect(),
        ..contrastive(scale, BoundSpec::InfoNce)
    };
    let (encoders, setting) = (Task::Contrastive(task), None);
    let pixels = Pixels { noise_sd: 0.0, view: view(scale), evaluations: of_features().collect() };
    let pixels = Task::Pixels(pixels);
    vec![
        Variant { steps, evaluate_every, task: encoders, setting: setting.clone() },
        Variant { steps: 0, evaluate_every: 1, task: pixels, setting },
    ]
}

fn panels(results: &Results<'_>) -> Vec<Panel> {
    let wanted = |metric: &Metric| {
        let whole = metric.whole();
        matches!(whole, Metric::Accuracy | Metric::ReaderAccuracy | Metric::VInformation)
            || matches!(whole, Metric::Alignment | Metric::Uniformity | Metric::RankMe)
            || *metric == Metric::CkaToBase.of_part("plain")
    };
    let metrics = results.metrics().into_iter().filter(wanted);
    let panels = metrics.flat_map(|metric| [over(metric).panel(results), ends(results, metric)]);
    panels.flatten().collect()
}
