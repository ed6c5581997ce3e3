//! Contrastive predictive coding (van den Oord et al., 2018): patches of an image as a sequence.

use mi_critics::CriticSpec;

use super::systems::{encoder, end_panels, info_nce, named, task, view};
use super::{DataKind, Experiment, Variant};
use crate::config::{EncoderSpec, Evaluation};
use crate::figures::{Figure, Panel, by_place};
use crate::multi_view::{
    Candidates, Context, ContextNet, MultiView, Negatives, Order, Places, Probed, Queue, ViewTerm,
};
use crate::preset::Scale;
use crate::published::Published;
use crate::record::Metric;
use crate::results::Results;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "cpc",
    figures: "",
    question: "What do encoders learn by predicting patches, and do the negatives matter?",
    data: DataKind::Grey,
    by_default: false,
    quick_seeds: 3,
    variants,
    published: Published::NOTHING,
    place: 230,
    figure: Figure {
        id: "cpc",
        heading: "Contrastive predictive coding",
        caption: "An image is a sequence of sixteen patches of 7 × 7 pixels in raster order. A context of \
                  the patches so far predicts the next three. Negatives are the same place in other \
                  images, other places in the same image, both, or all places anywhere in other images; \
                  with a queue, also the same place in the 1,024 images before the batch, as a slow copy \
                  of the encoder encodes it. Many patches are blank, and no critic can tell equal patches \
                  apart; the ceiling is the highest InfoNCE that this allows. A blind context sees only \
                  its place. The probe reads the context after the last patch; further charts show probes \
                  of the mean context and of the mean code.",
        panels,
        style: by_place,
    },
    claim: None,
};

/// How many places ahead the predicted patches are.
const AHEAD: [usize; 3] = [1, 2, 3];

/// The queue of the variant that has one.
const QUEUE: Queue = Queue { images: 1_024, momentum: 0.99 };

/// One term for each number of places ahead, with equal weights.
pub(super) fn terms(ahead: &[usize], negatives: Negatives) -> Vec<ViewTerm> {
    let term = |&places: &usize| ViewTerm {
        candidates: Candidates::Ahead { places, negatives },
        weight: 1.0 / ahead.len() as f64,
        ..info_nce((&format!("k={places}"), "c", "z"), CriticSpec::Bilinear)
    };
    ahead.iter().map(term).collect()
}

pub(super) fn context(net: ContextNet, order: Order) -> Context {
    Context { name: "c".to_owned(), of: "z".to_owned(), order, net }
}

/// Probes of the context after the last patch, the mean context and the mean code.
pub(super) fn probes() -> Vec<Probed> {
    vec![
        Probed::new("context", &["c"]).reduced(Places::Last),
        Probed::new("context mean", &["c"]).reduced(Places::Mean),
        Probed::new("codes mean", &["z"]).reduced(Places::Mean),
    ]
}

fn variants(scale: &Scale) -> Vec<Variant> {
    let gru = || ContextNet::Gru { width: 64 };
    let conv = ContextNet::Conv { kernel: 4, channels: vec![64, 64, 64] };
    let variants = [
        ("other", Negatives::OtherImages, None, gru()),
        ("other+queue", Negatives::OtherImages, Some(QUEUE), gru()),
        ("other+same", Negatives::Both, None, gru()),
        ("same", Negatives::SameImage, None, gru()),
        ("anywhere", Negatives::Anywhere, None, gru()),
        ("same blind", Negatives::SameImage, None, ContextNet::Place { width: 64 }),
        ("other mean", Negatives::OtherImages, None, ContextNet::Mean),
        ("other conv", Negatives::OtherImages, None, conv),
    ];
    let net = EncoderSpec::Mlp { hidden: vec![128, 128], embed: 64 };
    let variant =
        |(name, negatives, queue, reader): (&str, Negatives, Option<Queue>, ContextNet)| {
            let parts =
                (vec![view("patches", "patches:7x7")], vec![encoder("z", "patches", net.clone())]);
            let mut terms = terms(&AHEAD, negatives);
            for term in &mut terms {
                term.queue = queue;
            }
            let mut task = MultiView {
                contexts: vec![context(reader, Order::Raster)],
                ..task(scale, parts, terms, probes())
            };
            task.evaluations.push(Evaluation::TiesCeiling);
            named(scale, name, task)
        };
    variants.into_iter().map(variant).collect()
}

pub(super) fn panels(results: &Results<'_>) -> Vec<Panel> {
    let mut metrics = vec![Metric::Accuracy];
    metrics.extend(["context mean", "codes mean"].map(|part| Metric::Accuracy.of_part(part)));
    let measured = results.metrics();
    for whole in [Metric::BoundTest, Metric::TiesCeiling] {
        metrics.push(whole);
        metrics.extend(measured.iter().filter(|m| **m != whole && m.whole() == whole));
    }
    end_panels(results, &metrics)
}
