//! Deep `InfoMax` on CIFAR-10.

use super::{DataKind, Experiment, Variant, dim};
use crate::claims::{Claim, Form};
use crate::config::EncoderSpec;
use crate::figures::{Figure, by_place};
use crate::preset::Scale;
use crate::published::Published;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "cifar-dim",
    figures: "",
    question: "Does Deep InfoMax's local objective beat the global one on CIFAR-10, too?",
    data: DataKind::Cifar,
    by_default: false,
    quick_seeds: 3,
    variants,
    published: Published::NOTHING,
    place: 211,
    figure: Figure {
        id: "cifar-dim",
        heading: "Deep InfoMax: global and local objectives",
        caption: dim::CAPTION,
        panels: dim::panels,
        style: by_place,
    },
    claim: Some(Claim {
        id: "V1c",
        paper_figures: "section 1",
        statement: "V1 on CIFAR-10: the local objective gives a better representation than the global \
                    one, at a lower estimate of mutual information.",
        rule: dim::RULE,
        seeds: 5,
        conditions: dim::conditions,
        forms: FORMS,
    }),
};

const FORMS: &[Form] = &[Form {
    letter: "p",
    statement: "The same with the encoder of Hjelm et al. (the variants BN).",
    known: None,
    conditions: dim::conditions_with_batch_norm,
}];

fn variants(scale: &Scale) -> Vec<Variant> {
    let [first, second] = scale.conv_channels;
    let published = EncoderSpec::InfoMax {
        filters: vec![first, second, 2 * second],
        kernel: 4,
        hidden: 1024,
        embed: 64,
    };
    dim::with_published(scale, &published)
}
