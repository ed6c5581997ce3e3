//! The largest value of `InfoNCE` that is possible where pieces of different images are equal.
//!
//! No critic can distinguish equal pieces. If c of the n candidates, the positive included, are
//! equal to the positive, the best critic gives each of them probability 1/c. The bound is
//! therefore at most log n − E log c.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use mi_estimators::bounds::OtherSequences;
use mi_nets::ConvGeometry;
use ndarray::{ArrayView2, s};

use super::networks::Networks;
use super::terms::BuiltTerm;
use crate::multi_view::{Candidates, Negatives, Origin};

/// The ceiling of a term on one batch of views, in nats, and its name. It is known for pairs of
/// places, and for the first place of a map, whose receptive field is a corner of its view;
/// otherwise `None`.
pub(super) fn of(
    term: &BuiltTerm,
    networks: &Networks,
    views: &[ArrayView2<'_, f32>],
) -> Option<(String, f64)> {
    let layout = &networks.layout;
    let of_y = &layout.representations[term.y];
    match (term.spec.candidates, of_y.origin) {
        (Candidates::Ahead { negatives, .. }, Origin::Summary(encoder)) => {
            let view = views[networks.view_of(encoder)];
            let patches = of_y.shape.places();
            let width = view.ncols() / patches;
            let pieces: Vec<Vec<u64>> = (0..patches)
                .map(|place| hashes(view.slice(s![.., place * width..(place + 1) * width])))
                .collect();
            let places: Vec<usize> = term.places().map(|(_, q)| q).collect();
            let values = places.iter().map(|&q| of_place(&pieces, q, negatives));
            Some((term.spec.name.clone(), values.sum::<f64>() / places.len() as f64))
        }
        (Candidates::AllPlaces, Origin::LocalMap(encoder) | Origin::Map(encoder)) => {
            let piece = &layout.pieces[networks.view_of(encoder)];
            let geometry = piece.geometry();
            let (rows, columns) = networks.first_field(encoder)?;
            let columns_of: Vec<usize> = (0..rows)
                .flat_map(|y| (0..columns * geometry.channels).map(move |x| (y, x)))
                .map(|(y, x)| y * geometry.width * geometry.channels + x)
                .collect();
            let corner = views[networks.view_of(encoder)].select(ndarray::Axis(1), &columns_of);
            let pieces = [hashes(corner.view())];
            Some(("corner".to_owned(), of_place(&pieces, 0, Negatives::OtherImages)))
        }
        _ => None,
    }
}

/// log n − mean log c over images, for one place.
fn of_place(pieces: &[Vec<u64>], place: usize, negatives: Negatives) -> f64 {
    let (others, same) = negatives.parts();
    let images = pieces[place].len();
    // The places at which other images are negatives, and how often each piece is there.
    let shared = match others {
        OtherSequences::Excluded => &[][..],
        OtherSequences::SamePlace => &pieces[place..=place],
        OtherSequences::AnyPlace => pieces,
    };
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for &piece in shared.iter().flatten() {
        *counts.entry(piece).or_default() += 1;
    }
    let value = |image: usize| {
        let own = pieces[place][image];
        let in_image =
            |places: &[Vec<u64>]| places.iter().filter(|at_place| at_place[image] == own).count();
        let (mut candidates, mut equal) = (1, 1);
        if others != OtherSequences::Excluded {
            candidates += (images - 1) * shared.len();
            equal += counts[&own] - in_image(shared);
        }
        if same {
            candidates += pieces.len() - 1;
            equal += in_image(pieces) - 1;
        }
        (candidates as f64).ln() - (equal as f64).ln()
    };
    (0..images).map(value).sum::<f64>() / images as f64
}

/// A hash of each row.
fn hashes(rows: ArrayView2<'_, f32>) -> Vec<u64> {
    let hash_row = |row: ndarray::ArrayView1<'_, f32>| {
        let mut hasher = DefaultHasher::new();
        // Adding 0 turns −0 into 0.
        row.iter().for_each(|x| (x + 0.0).to_bits().hash(&mut hasher));
        hasher.finish()
    };
    rows.rows().into_iter().map(hash_row).collect()
}

/// The receptive field of the first position of the last convolution, in rows and columns of
/// pixels.
pub(super) fn first_field(convolutions: &[ConvGeometry]) -> (usize, usize) {
    let reach = |length: fn(&ConvGeometry) -> usize| {
        // From the last layer backwards: on how many positions of the layer below those so far
        // depend.
        convolutions.iter().rev().fold(1, |positions, of| {
            let before = of.padding_of(length(of)).0;
            ((positions - 1) * of.stride + of.kernel - before).min(length(of))
        })
    };
    (reach(|of| of.height), reach(|of| of.width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_pieces_share_their_probability() {
        // Two places of four images; at the first, two images are equal.
        let pieces = [vec![1, 1, 2, 3], vec![4, 1, 5, 6]];
        let ln = |x: f64| x.ln();
        let others = of_place(&pieces, 0, Negatives::OtherImages);
        assert!((others - (ln(4.0) - ln(2.0) / 2.0)).abs() < 1e-12);
        // Image 1 has the same piece at both places.
        let same = of_place(&pieces, 0, Negatives::SameImage);
        assert!((same - (ln(2.0) - ln(2.0) / 4.0)).abs() < 1e-12);
        let both = of_place(&pieces, 0, Negatives::Both);
        assert!((both - (ln(5.0) - (ln(2.0) + ln(3.0)) / 4.0)).abs() < 1e-12);
        // Image 0's piece is once more at the second place.
        let anywhere = of_place(&pieces, 0, Negatives::Anywhere);
        assert!((anywhere - (ln(7.0) - (ln(3.0) + ln(2.0)) / 4.0)).abs() < 1e-12);
        let everywhere = of_place(&pieces, 0, Negatives::Everywhere);
        assert!((everywhere - (ln(8.0) - 2.0 * ln(3.0) / 4.0)).abs() < 1e-12);
        assert_eq!(of_place(&[vec![1, 2, 3]], 0, Negatives::OtherImages), ln(3.0));
    }

    #[test]
    fn the_receptive_field_of_two_convolutions_at_a_corner() {
        let config = mi_nets::ConvNetConfig::paper(28, 28, 1);
        let geometries: Vec<ConvGeometry> = config.geometries().collect();
        // 5 − 1 = 4 positions of the first layer, which depend on 3 · 2 + 5 − 1 = 10 pixels.
        assert_eq!(first_field(&geometries), (10, 10));
    }
}
