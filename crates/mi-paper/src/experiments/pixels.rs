//! The pixel baseline that figures 1b and 2b compare with.

use super::settings::view;
use super::{DataKind, Experiment, Variant};
use crate::config::{Pixels, Task};
use crate::figures::panels::end_accuracies;
use crate::figures::{Figure, by_place};
use crate::preset::Scale;
use crate::published::Published;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "pixels",
    figures: "1b, 2b (baseline)",
    question: "What accuracy does a linear probe reach on the pixels of one view?",
    data: DataKind::Grey,
    by_default: true,
    quick_seeds: 5,
    variants,
    published: Published::NOTHING,
    place: 120,
    figure: Figure {
        id: "pixels",
        heading: "Pixel baselines",
        caption: "The accuracy of the probes on the raw pixels of one view.",
        panels: end_accuracies,
        style: by_place,
    },
    claim: None,
};

/// Accuracy of a linear probe on the pixels of a noisy half image, "about 85 %" (section 3.1).
pub(super) const PUBLISHED_ACCURACY: f64 = 0.85;

fn variants(scale: &Scale) -> Vec<Variant> {
    let variant = |noise_sd| Variant {
        steps: 0,
        evaluate_every: 1,
        task: Task::Pixels(Pixels { noise_sd, view: view(scale), evaluations: Vec::new() }),
        setting: None,
    };
    [0.0, 0.05].map(variant).to_vec()
}
