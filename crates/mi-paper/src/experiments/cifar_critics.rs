//! Figure 8: critics of different capacity, on CIFAR-10.

use mi_critics::CriticKind;
use mi_estimators::bounds::BoundSpec;

use super::{DataKind, Experiment, critics};
use crate::claims::Claim;
use crate::config::EncoderKind;
use crate::figures::Figure;
use crate::published::{Curve, Published, Value};
use crate::record::Metric;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "cifar-critics",
    figures: "8",
    question: "Does the experiment `critics` have the same result on CIFAR-10?",
    data: DataKind::Cifar,
    by_default: false,
    quick_seeds: 3,
    variants: |scale| critics::variants(&scale.cifar()),
    published: Published { dataset: "cifar-10", last_step: LAST_STEP, values: VALUES },
    place: 80,
    figure: Figure {
        id: "fig-8",
        heading: "Figure 8: critics of different capacity",
        caption: "The same as figure 3, on halves of CIFAR-10 images.",
        panels: critics::panels,
        style: critics::style,
    },
    claim: Some(Claim {
        id: "C7",
        paper_figures: "8",
        statement: "C4 on CIFAR-10: critics of higher capacity give worse representations.",
        rule: critics::RULE,
        seeds: 5,
        conditions: critics::conditions,
        forms: &[],
    }),
};

/// The last step of the figure.
pub(super) const LAST_STEP: u64 = 60_000;

const BILINEAR_INFONCE: Curve =
    Curve::new("8", EncoderKind::Mlp, CriticKind::Bilinear, &BoundSpec::InfoNce);
const SEPARABLE_INFONCE: Curve =
    Curve::new("8", EncoderKind::Mlp, CriticKind::Separable, &BoundSpec::InfoNce);
const MLP_INFONCE: Curve =
    Curve::new("8", EncoderKind::Mlp, CriticKind::Concat, &BoundSpec::InfoNce);
const BILINEAR_NWJ: Curve =
    Curve::new("8", EncoderKind::Mlp, CriticKind::Bilinear, &BoundSpec::Nwj);
const SEPARABLE_NWJ: Curve =
    Curve::new("8", EncoderKind::Mlp, CriticKind::Separable, &BoundSpec::Nwj);
const MLP_NWJ: Curve = Curve::new("8", EncoderKind::Mlp, CriticKind::Concat, &BoundSpec::Nwj);

/// Values read off the paper's figures.
const VALUES: &[Value] = &[
    // Figure 8
    BILINEAR_INFONCE.at(Metric::Accuracy, 0, 0.32),
    BILINEAR_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.349),
    SEPARABLE_INFONCE.at(Metric::Accuracy, 0, 0.32),
    SEPARABLE_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.339),
    MLP_INFONCE.at(Metric::Accuracy, 0, 0.32),
    MLP_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.313),
    BILINEAR_NWJ.at(Metric::Accuracy, LAST_STEP, 0.339),
    SEPARABLE_NWJ.at(Metric::Accuracy, LAST_STEP, 0.337),
    MLP_NWJ.at(Metric::Accuracy, LAST_STEP, 0.313),
    BILINEAR_INFONCE.at(Metric::BoundTrain, 6_000, 3.56),
    BILINEAR_INFONCE.at(Metric::BoundTrain, LAST_STEP, 4.68),
    BILINEAR_NWJ.at(Metric::BoundTrain, LAST_STEP, 3.13),
    SEPARABLE_INFONCE.at(Metric::BoundTrain, 6_000, 3.56),
    SEPARABLE_INFONCE.at(Metric::BoundTrain, LAST_STEP, 4.67),
    SEPARABLE_NWJ.at(Metric::BoundTrain, LAST_STEP, 4.2),
    MLP_INFONCE.at(Metric::BoundTrain, 6_000, 3.38),
    MLP_INFONCE.at(Metric::BoundTrain, LAST_STEP, 4.53),
    MLP_NWJ.at(Metric::BoundTrain, LAST_STEP, 6.07),
];
