//! Contrastive predictive coding on CIFAR-10, with patches that overlap.

use super::cpc::{context, panels, probes, terms};
use super::systems::{difference, encoder, named, task, view};
use super::{DataKind, Experiment, Variant};
use crate::claims::{Claim, Condition, Expected, Measure, Readout};
use crate::config::EncoderSpec;
use crate::figures::{Figure, by_place};
use crate::multi_view::{ContextNet, MultiView, Negatives, Order};
use crate::preset::Scale;
use crate::published::Published;
use crate::record::Metric;
use crate::results::Results;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "cifar-cpc",
    figures: "",
    question: "What does predictive coding on CIFAR-10 learn if context and target share pixels?",
    data: DataKind::Cifar,
    by_default: false,
    quick_seeds: 3,
    variants,
    published: Published::NOTHING,
    place: 231,
    figure: Figure {
        id: "cifar-cpc",
        heading: "Contrastive predictive coding",
        caption: "An image is a grid of 7 × 7 patches of 8 × 8 pixels, which overlap by half. A context \
                  runs down each column. Neighbouring rows of patches share pixels, so the context skips \
                  the next row and predicts the two rows after it (skip). If it predicts the next two rows \
                  instead (leak), the shared pixels raise the bound.",
        panels,
        style: by_place,
    },
    claim: Some(Claim {
        id: "V3c",
        paper_figures: "section 1",
        statement: "A context that shares pixels with what it predicts gives a higher bound, but no better \
                    representation.",
        rule: "If the context predicts the next two rows (leak), rather than the two after the next (skip), \
               the held-out bound is higher, and the accuracy of the probe on the mean context is higher by \
               less than half a point.",
        seeds: 5,
        conditions,
        forms: &[],
    }),
};

fn variants(scale: &Scale) -> Vec<Variant> {
    let variants = [
        ("skip", &[2_usize, 3][..], Negatives::OtherImages),
        ("leak", &[1, 2], Negatives::OtherImages),
        ("skip other+same", &[2, 3], Negatives::Both),
    ];
    let net = EncoderSpec::Mlp { hidden: vec![256, 256], embed: 64 };
    let variant = |(name, ahead, negatives): (&str, &[usize], Negatives)| {
        let parts =
            (vec![view("patches", "patches:8x8/4")], vec![encoder("z", "patches", net.clone())]);
        let task = MultiView {
            contexts: vec![context(ContextNet::Gru { width: 64 }, Order::Down)],
            ..task(scale, parts, terms(ahead, negatives), probes())
        };
        named(scale, name, task)
    };
    variants.into_iter().map(variant).collect()
}

fn conditions(results: &Results<'_>, readout: Readout) -> Vec<Condition> {
    let pair = ("leak", "skip");
    let bound = (Metric::BoundTest, Measure::Nats);
    let accuracy = (Metric::Accuracy.of_part("context mean"), Measure::Points);
    vec![
        difference(results, readout, bound, pair, Expected::Above(0.0)),
        difference(results, readout, accuracy, pair, Expected::Below(0.005)),
    ]
}

#[cfg(test)]
mod tests {
    use mi_data::{Geometry, View};

    /// The pixels of the patch at this place of the grid.
    fn pixels(place: (usize, usize)) -> mi_data::Piece {
        let (row, column) = (4 * place.0, 4 * place.1);
        View::patch(row..row + 8, column..column + 8).of(Geometry::new(32, 32, 3)).unwrap()
    }

    #[test]
    fn a_skipped_row_shares_no_pixel_and_the_next_one_half() {
        let all: View = "patches:8x8/4".parse().unwrap();
        assert_eq!(all.of(Geometry::new(32, 32, 3)).unwrap().grid(), (7, 7));
        for row in 0..5 {
            let of = pixels((row, 3));
            assert_eq!(of.overlap(&pixels((row + 1, 3))), 4 * 8 * 3);
            assert_eq!(of.overlap(&pixels((row + 2, 3))), 0);
        }
    }
}
