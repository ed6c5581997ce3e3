//! Contrastive multiview coding (Tian et al., 2020): the channels of an image as views.

use mi_estimators::bounds::BoundSpec;

use super::systems::{cosine, difference, encoder, end_panels, named, task, view};
use super::{DataKind, Experiment, Variant};
use crate::claims::{Claim, Condition, Expected, Measure, Readout};
use crate::config::EncoderSpec;
use crate::figures::{Figure, Panel, by_place};
use crate::multi_view::{Candidates, ObjectiveSpec, Places, Probed, ViewTerm};
use crate::preset::Scale;
use crate::published::Published;
use crate::record::Metric;
use crate::results::Results;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "cmc",
    figures: "",
    question: "Do more views help, and does the sum of the bounds show it?",
    data: DataKind::Cifar,
    by_default: false,
    quick_seeds: 3,
    variants,
    published: Published::NOTHING,
    place: 220,
    figure: Figure {
        id: "cmc",
        heading: "Contrastive multiview coding",
        caption: "The views are L and ab of the Lab colour space, or red, green and blue, with a term for \
                  each pair of them (full graph) or for red with each of the others (core view). Each view \
                  has its own ConvNet. The critic is a cosine at temperature 0.1. The objective is symmetric \
                  InfoNCE within the batch; or negatives are from a memory bank, with a softmax or with \
                  noise-contrastive estimation and a running Z. For all variants the bounds shown are within \
                  a batch, summed over pairs of views. The probe reads the concatenated outputs of all views: \
                  scaled to length 1 (unit), unscaled (raw), or averaged maps (gap).",
        panels,
        style: by_place,
    },
    claim: Some(Claim {
        id: "V2",
        paper_figures: "section 1",
        statement: "Three views with a term for each pair give a better representation than two views, and \
                    than three views with terms for one core view only.",
        rule: "The accuracy of the probe on all outputs, scaled to length 1, is higher with red, green and \
               blue on the full graph than with L and ab, and higher than with red as the core view.",
        seeds: 5,
        conditions,
        forms: &[],
    }),
};

/// The number of negatives drawn from the memory bank for a batch.
const BANK_NEGATIVES: usize = 1_024;

/// A variant: its name, its views with their pieces, the pairs of views that are terms, the
/// objective and the negatives.
struct Coding {
    name: &'static str,
    views: &'static [(&'static str, &'static str)],
    pairs: &'static [(usize, usize)],
    objective: ObjectiveSpec,
    candidates: Candidates,
}

const LAB: &[(&str, &str)] = &[("L", "lab_scaled+channels:0"), ("ab", "lab_scaled+channels:1,2")];
const RGB: &[(&str, &str)] = &[("R", "channels:0"), ("G", "channels:1"), ("B", "channels:2")];

fn variants(scale: &Scale) -> Vec<Variant> {
    let lab = |name, objective, candidates| Coding {
        name,
        views: LAB,
        pairs: &[(0, 1)],
        objective,
        candidates,
    };
    let symmetric = || ObjectiveSpec::Bound(BoundSpec::InfoNceSymmetric);
    let bank = Candidates::Bank { negatives: BANK_NEGATIVES, momentum: 0.5 };
    let in_batch = Candidates::OtherImages;
    let first = lab("lab", symmetric(), in_batch);
    let rgb = |name, pairs| Coding { name, views: RGB, pairs, ..lab(name, symmetric(), in_batch) };
    let codings = [
        first,
        rgb("rgb-full", &[(0, 1), (0, 2), (1, 2)]),
        rgb("rgb-core", &[(0, 1), (0, 2)]),
        lab("lab-bank-softmax", ObjectiveSpec::Bound(BoundSpec::InfoNce), bank),
        lab("lab-bank-nce", ObjectiveSpec::NoiseContrastive { rate: 0.01 }, bank),
    ];
    codings.into_iter().map(|coding| coding.variant(scale)).collect()
}

impl Coding {
    fn variant(self, scale: &Scale) -> Variant {
        let Self { name, views, pairs, objective, candidates } = self;
        let net = EncoderSpec::ConvNet { channels: scale.conv_channels, embed: 64 };
        let of = |view: &str| format!("g{view}");
        let pieces = views.iter().map(|(name, piece)| view(name, piece)).collect();
        let encoders = views.iter().map(|(v, _)| encoder(&of(v), v, net.clone())).collect();
        let terms = pairs.iter().map(|&(a, b)| {
            let (a, b) = (views[a].0, views[b].0);
            let (name, x, y) = (format!("{a}-{b}"), of(a), of(b));
            let term = ViewTerm::new((&name, &x, &y), cosine(0.1), objective.clone());
            ViewTerm { candidates, ..term }
        });
        let outputs: Vec<String> = views.iter().map(|(v, _)| of(v)).collect();
        let maps: Vec<String> = outputs.iter().map(|of| format!("{of}.map")).collect();
        let probed = |name: &str, of: Vec<String>| Probed { of, ..Probed::new(name, &[]) };
        let probes = vec![
            probed("unit", outputs.clone()).of_unit_length(),
            probed("raw", outputs),
            probed("gap", maps).reduced(Places::Mean),
        ];
        named(scale, name, task(scale, (pieces, encoders), terms.collect(), probes))
    }
}

fn panels(results: &Results<'_>) -> Vec<Panel> {
    let accuracy = Metric::Accuracy;
    let metrics = [
        accuracy,
        accuracy.of_part("raw"),
        accuracy.of_part("gap"),
        Metric::BoundTest,
        Metric::BoundTrain,
    ];
    end_panels(results, &metrics)
}

fn conditions(results: &Results<'_>, readout: Readout) -> Vec<Condition> {
    let accuracy = (Metric::Accuracy, Measure::Points);
    let above = Expected::Above(0.0);
    ["lab", "rgb-core"]
        .map(|other| difference(results, readout, accuracy, ("rgb-full", other), above))
        .into()
}
