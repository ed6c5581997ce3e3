//! Figure 9: encoders at the same value of the bound, on CIFAR-10.

use mi_critics::CriticKind;
use mi_estimators::bounds::BoundSpec;

use super::cifar_critics::LAST_STEP;
use super::{DataKind, Experiment, encoders};
use crate::claims::Claim;
use crate::config::EncoderKind;
use crate::figures::Figure;
use crate::labels::Setting;
use crate::published::{Curve, Published, Value};
use crate::record::Metric;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "cifar-encoders",
    figures: "9",
    question: "Does the experiment `encoders` have the same result on CIFAR-10?",
    data: DataKind::Cifar,
    by_default: false,
    quick_seeds: 3,
    variants: |scale| encoders::variants(&scale.cifar()),
    published: Published { dataset: "cifar-10", last_step: LAST_STEP, values: VALUES },
    place: 90,
    figure: Figure {
        id: "fig-9",
        heading: "Figure 9: encoders at the same value of the bound",
        caption: "The same as figure 4, on halves of CIFAR-10 images.",
        panels: encoders::panels,
        style: encoders::style,
    },
    claim: Some(Claim {
        id: "C8",
        paper_figures: "9",
        statement: "C5 on CIFAR-10: the encoder's architecture matters more than the estimator.",
        rule: encoders::RULE,
        seeds: 5,
        conditions: encoders::conditions,
        forms: encoders::FORMS,
    }),
};

const CONVNET_T2_INFONCE: Curve =
    Curve::new("9", EncoderKind::ConvNet, CriticKind::Bilinear, &BoundSpec::InfoNce)
        .with(&[Setting::Target(Some(2.0))]);
const CONVNET_T4_INFONCE: Curve =
    Curve::new("9", EncoderKind::ConvNet, CriticKind::Bilinear, &BoundSpec::InfoNce)
        .with(&[Setting::Target(Some(4.0))]);
const MLP_T2_INFONCE: Curve =
    Curve::new("9", EncoderKind::Mlp, CriticKind::Bilinear, &BoundSpec::InfoNce)
        .with(&[Setting::Target(Some(2.0))]);
const MLP_T4_INFONCE: Curve =
    Curve::new("9", EncoderKind::Mlp, CriticKind::Bilinear, &BoundSpec::InfoNce)
        .with(&[Setting::Target(Some(4.0))]);
const CONVNET_T2_NWJ: Curve =
    Curve::new("9", EncoderKind::ConvNet, CriticKind::Bilinear, &BoundSpec::Nwj)
        .with(&[Setting::Target(Some(2.0))]);
const CONVNET_T4_NWJ: Curve =
    Curve::new("9", EncoderKind::ConvNet, CriticKind::Bilinear, &BoundSpec::Nwj)
        .with(&[Setting::Target(Some(4.0))]);
const MLP_T2_NWJ: Curve = Curve::new("9", EncoderKind::Mlp, CriticKind::Bilinear, &BoundSpec::Nwj)
    .with(&[Setting::Target(Some(2.0))]);
const MLP_T4_NWJ: Curve = Curve::new("9", EncoderKind::Mlp, CriticKind::Bilinear, &BoundSpec::Nwj)
    .with(&[Setting::Target(Some(4.0))]);

/// Values read off the paper's figures.
const VALUES: &[Value] = &[
    // Figure 9
    CONVNET_T2_INFONCE.at(Metric::Accuracy, 0, 0.345),
    CONVNET_T2_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.389),
    CONVNET_T4_INFONCE.at(Metric::Accuracy, 0, 0.344),
    CONVNET_T4_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.406),
    MLP_T2_INFONCE.at(Metric::Accuracy, 0, 0.319),
    MLP_T2_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.341),
    MLP_T4_INFONCE.at(Metric::Accuracy, 0, 0.32),
    MLP_T4_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.344),
    CONVNET_T2_NWJ.at(Metric::Accuracy, LAST_STEP, 0.395),
    CONVNET_T4_NWJ.at(Metric::Accuracy, LAST_STEP, 0.416),
    MLP_T2_NWJ.at(Metric::Accuracy, LAST_STEP, 0.337),
    MLP_T4_NWJ.at(Metric::Accuracy, LAST_STEP, 0.342),
];
