//! Contrastive predictive coding of sequences whose mutual information is known.

use super::cpc::{context, terms};
use super::systems::{encoder, end_panels, is, named, task, view};
use super::{DataKind, Experiment, Variant};
use crate::claims::{Claim, Condition, Expected, Measure, Readout};
use crate::config::{EncoderSpec, Evaluation};
use crate::figures::{Figure, Panel, by_place};
use crate::multi_view::{ContextNet, MultiView, Negatives, Order, Sequences};
use crate::names;
use crate::preset::Scale;
use crate::published::Published;
use crate::record::Metric;
use crate::results::{Results, Trial};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "cpc-sequences",
    figures: "",
    question: "Is the estimate above the true value if negatives depend on one another?",
    data: DataKind::Synthetic,
    by_default: false,
    quick_seeds: 5,
    variants,
    published: Published::NOTHING,
    place: 232,
    figure: Figure {
        id: "cpc-sequences",
        heading: "Contrastive predictive coding of sequences with known mutual information",
        caption: "A sequence has 16 numbers. It is white noise, or z = s + u with one latent number s per \
                  sequence and an autoregressive u with coefficient 0.8. The true value, I(z at t + 1; z up \
                  to t), is known. Negatives from the same sequence are not independent draws: the context \
                  has seen some of them, and the critic can reject these. The estimate can then exceed the \
                  true value, even if the past says nothing about the future.",
        panels,
        style: by_place,
    },
    claim: Some(Claim {
        id: "V3",
        paper_figures: "4c, appendix D",
        statement: "With negatives from the same sequence the InfoNCE estimate is above the true mutual \
                    information; with negatives from other sequences it is not.",
        rule: "The held-out estimate minus the true value is above 0 on white noise with negatives from the \
               same sequence; the true value is 0 there. With negatives from other sequences it is below \
               0.02 nats, both on white noise and on the autoregressive sequences with a latent number.",
        seeds: 5,
        conditions,
        forms: &[],
    }),
};

const WHITE: (f64, f64) = (0.0, 0.0);
const LATENT: (f64, f64) = (0.8, 1.0);

fn variants(scale: &Scale) -> Vec<Variant> {
    let gru = || ContextNet::Gru { width: 64 };
    let variants = [
        ("white, other", WHITE, Negatives::OtherImages, gru()),
        ("white, same", WHITE, Negatives::SameImage, gru()),
        ("white, same, blind", WHITE, Negatives::SameImage, ContextNet::Place { width: 64 }),
        ("latent, other", LATENT, Negatives::OtherImages, gru()),
        ("latent, same", LATENT, Negatives::SameImage, gru()),
        ("latent, other+same", LATENT, Negatives::Both, gru()),
    ];
    let net = EncoderSpec::Mlp { hidden: vec![64], embed: 64 };
    let variant = |(name, (coefficient, latent_sd), negatives, reader): (
        &str,
        (f64, f64),
        Negatives,
        ContextNet,
    )| {
        let parts =
            (vec![view("numbers", "patches:1x1")], vec![encoder("z", "numbers", net.clone())]);
        let task = MultiView {
            sequences: Some(Sequences {
                places: 16,
                coefficient,
                latent_sd,
                count: scale.sequences,
            }),
            contexts: vec![context(reader, Order::Raster)],
            evaluations: vec![Evaluation::Bounds],
            learning_rate: 1e-3,
            ..task(scale, parts, terms(&[1], negatives), Vec::new())
        };
        named(scale, name, task)
    };
    variants.into_iter().map(variant).collect()
}

fn panels(results: &Results<'_>) -> Vec<Panel> {
    end_panels(results, &[Metric::BoundTest, Metric::BoundTrain, Metric::TrueMi])
}

fn conditions(results: &Results<'_>, readout: Readout) -> Vec<Condition> {
    let above_truth = |name: &'static str, expected| {
        let value = readout.of(Metric::BoundTest);
        let number = |trial: &Trial<'_>| Some(value(trial)? - trial.first(Metric::TrueMi)?);
        let by_seed = results.by_seed(is(name), number);
        let what = format!("{name}: {} − the true value", names::metric(Metric::BoundTest));
        Condition::on(what, Measure::Nats, expected, &by_seed)
    };
    vec![
        above_truth("white, same", Expected::Above(0.0)),
        above_truth("white, other", Expected::Below(0.02)),
        above_truth("latent, other", Expected::Below(0.02)),
    ]
}
