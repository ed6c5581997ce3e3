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
    question: "Do more views help, and does the sum of bounds tell?",
    data: DataKind::Cifar,
    by_default: false,
    quick_seeds: 3,
    variants,
    published: Published::NOTHING,
    place: 220,
    figure: Figure {
        id: "cmc",
        heading: "Contrastive multiview coding",
        caption: "CIFAR-10 as L and ab of the Lab colour space, or as red, green and blue: each pair of \
                  channels (full graph) or red with the others (core view). A ConvNet for each view, cosine \
                  at temperature 0.1, symmetric InfoNCE within the batch, or against a memory bank, by \
                  softmax or by noise-contrastive estimation with a running Z. Bounds of all variants are \
                  those within a batch, and sums over pairs of views. The probe sees the outputs of all \
                  views side by side: scaled to length 1, as they are, and the averaged maps.",
        panels,
        style: by_place,
    },
    claim: Some(Claim {
        id: "V2",
        paper_figures: "section 1",
        statement: "Three views, each held against each, give a better representation than two, and than \
                    three held against one of them.",
        rule: "The accuracy of the probe on all outputs of length 1 is higher with red, green and blue on \
               the full graph than with L and ab, and than with red as the core view.",
        seeds: 5,
        conditions,
        forms: &[],
    }),
};

/// Negatives drawn from the bank for a batch.
const BANKED: usize = 1_024;

/// A name, the views with their pieces, which pairs of them are terms, what is maximised, and the negatives.
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
    let bank = Candidates::Bank { negatives: BANKED, momentum: 0.5 };
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
