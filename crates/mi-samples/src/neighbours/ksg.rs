use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use statrs::function::gamma::digamma;

use super::joint::{Radii, admissible, check_counts, joint_tree, kth_distances, kth_rectangles};
use super::marginal::{Marginal, Within};
use super::sides;
use super::tally::mean_digamma;
use crate::SamplesError;
use crate::sample::Coordinates;

/// Which of the two estimators of Kraskov, Stögbauer and Grassberger (2004).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KsgVariant {
    /// Equation 8: one cube, neighbours strictly within it.
    #[default]
    First,
    /// Equation 9: a rectangle, neighbours within it or on its edge.
    Second,
}

/// Mutual information in nats by the nearest neighbours of Kraskov, Stögbauer and Grassberger
/// (2004, Phys. Rev. E 69, 066138), on the values as they are, one estimate for every number of
/// neighbours in `ks`.
///
/// With ε(i) the distance from observation i to its k-th neighbour in the joint space under the
/// maximum norm:
///
/// - first (eq. 8): `ψ(k) + ψ(N) − ⟨ψ(n_x + 1) + ψ(n_y + 1)⟩`, where `n_x(i)` counts the other
///   observations with `‖x_j − x_i‖` **strictly** below ε(i);
/// - second (eq. 9): `ψ(k) − 1/k + ψ(N) − ⟨ψ(n_x) + ψ(n_y)⟩`, where `n_x(i)` counts those with
///   `‖x_j − x_i‖` **at most** `ε_x(i)`, the largest x-distance among the k nearest neighbours.
///
/// `theiler`: observations at most this many rows apart are not neighbours (Theiler, 1986), for
/// rows ordered in time; ψ(N) then averages over the numbers of admissible rows. 0 in general.
///
/// Neither side is scaled: scale columns comparably first, or use
/// [`mutual_information`](crate::mutual_information), which ranks them. The estimate can be
/// slightly negative. No noise is added.
///
/// # Shapes
/// `x`: n × dx, `y`: n × dy.
///
/// # Errors
/// If the sides are empty, have different numbers of rows or a value that is not finite; if a k is
/// 0 or not below the number of observations; or if a k-th neighbour is at distance 0 (ties).
///
/// ```
/// use mi_samples::{KsgVariant, ksg};
/// use ndarray::Array2;
///
/// let mut stream = mi_random::Stream::new(0, "example");
/// let x = stream.normal_matrix((2000, 1));
/// let y = 0.75 * &x + (1.0_f64 - 0.75 * 0.75).sqrt() * stream.normal_matrix((2000, 1));
/// let estimates = ksg(x.view(), y.view(), KsgVariant::First, &[3, 10], 0)?;
/// assert!(estimates.iter().all(|estimate| (estimate - 0.413).abs() < 0.06));
/// # Ok::<(), mi_samples::SamplesError>(())
/// ```
pub fn ksg(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    variant: KsgVariant,
    ks: &[usize],
    theiler: usize,
) -> Result<Vec<f64>, SamplesError> {
    let (x, y) = sides(x, y)?;
    ksg_of(x, y, variant, ks, theiler)
}

pub(crate) fn ksg_of(
    x: Coordinates,
    y: Coordinates,
    variant: KsgVariant,
    ks: &[usize],
    theiler: usize,
) -> Result<Vec<f64>, SamplesError> {
    let n = x.columns[0].len();
    check_counts(ks, n, theiler)?;
    let (x, y) = if theiler == 0 { sorted_by_x(x, y) } else { (x, y) };
    let window = theiler as u32;
    let both = [&x.columns[..], &y.columns[..]];
    // The tree is dropped before the marginals are built, so that the largest structures never
    // coexist.
    let radii = {
        let tree = joint_tree(&both);
        match variant {
            KsgVariant::First => kth_distances(&tree, ks, window),
            KsgVariant::Second => kth_rectangles(&tree, &both, ks, window),
        }
    };
    check_ties(&radii, variant, ks)?;
    let (within, shift, stride) = match variant {
        KsgVariant::First => (Within::Strict, 1, 1),
        KsgVariant::Second => (Within::Closed, 0, 2),
    };
    let mean_over = |side: &Coordinates, offset: usize| -> Vec<f64> {
        let marginal = Marginal::new(&side.columns, side.order.as_deref());
        (0..ks.len())
            .map(|index| {
                let radius = |slot| radii.at(slot, index * stride + offset);
                mean_digamma(&marginal.counts(&radii.rows, &radius, within, window), shift)
            })
            .collect()
    };
    let (of_x, of_y) = (mean_over(&x, 0), mean_over(&y, stride - 1));
    let of_n = mean_digamma(&admissible(n, theiler), 0);
    Ok(ks
        .iter()
        .zip(of_x.iter().zip(&of_y))
        .map(|(&k, (of_x, of_y))| {
            let k = k as f64;
            let of_k = match variant {
                KsgVariant::First => digamma(k),
                KsgVariant::Second => digamma(k) - 1.0 / k,
            };
            of_k + of_n - (of_x + of_y)
        })
        .collect())
}

/// Both formulas assume that observations do not coincide so often that ε = 0.
fn check_ties(radii: &Radii, variant: KsgVariant, ks: &[usize]) -> Result<(), SamplesError> {
    let sides = match variant {
        KsgVariant::First => 1,
        KsgVariant::Second => 2,
    };
    for (index, &k) in ks.iter().enumerate() {
        let zero =
            |slot: &usize| (0..sides).all(|side| radii.at(*slot, index * sides + side) == 0.0);
        let rows = (0..radii.rows.len()).filter(zero).count();
        if rows > 0 {
            let n = radii.rows.len();
            return Err(SamplesError::ZeroDistance { estimator: "KSG", rows, n, k });
        }
    }
    Ok(())
}

/// Two single columns with rows renumbered in ascending order of x: neighbours in space are then
/// neighbours in memory, which a million observations need to be fast.
fn sorted_by_x(x: Coordinates, y: Coordinates) -> (Coordinates, Coordinates) {
    let (Some(order_x), Some(order_y)) = (&x.order, &y.order) else {
        return (x, y);
    };
    let place = |column: &[f64]| order_x.iter().map(|&row| column[row as usize]).collect();
    let mut rank_x = vec![0; order_x.len()];
    for (rank, &row) in (0..).zip(order_x) {
        rank_x[row as usize] = rank;
    }
    let order_y = order_y.iter().map(|&row| rank_x[row as usize]).collect();
    (
        Coordinates {
            columns: vec![place(&x.columns[0])],
            order: Some((0..order_x.len() as u32).collect()),
            label: None,
        },
        Coordinates { columns: vec![place(&y.columns[0])], order: Some(order_y), label: None },
    )
}
