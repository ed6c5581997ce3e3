use ndarray::ArrayView2;
use statrs::function::gamma::digamma;

use super::classes::{Apart, InClasses};
use super::joint::check_counts;
use super::marginal::{Marginal, Within};
use super::sides;
use super::tally::mean_digamma;
use crate::SamplesError;
use crate::sample::Coordinates;

/// Mutual information in nats of variables that may have atoms in addition to a continuous part, by
/// the estimator of Gao, Kannan, Oh and Viswanath (2017, algorithm 1), one estimate for every
/// number of neighbours in `ks`.
///
/// `⟨ψ(k̃) + ψ(N) − ψ(n_x) − ψ(n_y)⟩`, where ρ(i) is the distance to the k-th neighbour. If ρ > 0,
/// k̃ = k and `n_x` counts the observations, including i, with `‖x_j − x_i‖ < ρ`. If ρ = 0, k̃,
/// `n_x` and `n_y` count the observations, including i, at distance 0.
///
/// These are the counts and the ψ of the authors' program; the printed algorithm has logarithms of
/// the counts plus one. ψ(N) replaces its ln N, which is larger by 1/(2N), so that the estimate
/// equals the first one of Kraskov et al. if nothing is tied, and is exactly 0 if a side is
/// constant.
///
/// It is not meant for rounded values, where many distances are equal but not 0: break their ties
/// first, as [`Sample`](crate::Sample) does.
///
/// # Shapes
/// `x`: n × dx, `y`: n × dy.
///
/// # Errors
/// If the sides are empty, have different numbers of rows or a value that is not finite, or if a k
/// is 0 or not below n.
pub fn mixture(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    ks: &[usize],
) -> Result<Vec<f64>, SamplesError> {
    let (x, y) = sides(x, y)?;
    mixture_of(x, y, ks).map(|(values, _)| values)
}

/// The estimates, and the rows that are left out because their labels are unique.
///
/// Labels are infinitely far apart in the search for the k-th neighbour: see [`Apart`].
pub(crate) fn mixture_of(
    x: Coordinates,
    y: Coordinates,
    ks: &[usize],
) -> Result<(Vec<f64>, usize), SamplesError> {
    let n = x.columns[0].len();
    check_counts(ks, n, 0)?;
    let apart = Apart::new([x, y], n)?;
    let InClasses { radii, of_k, .. } = apart.nearest(ks, 1);
    let of_side = |side: &Coordinates| -> Vec<f64> {
        let marginal = Marginal::new(&side.columns, side.order.as_deref());
        let mean = |index| {
            let radius = |slot| radii.at(slot, index);
            mean_digamma(&marginal.counts(&radii.rows, &radius, Within::StrictOrEqual, 0), 1)
        };
        (0..ks.len()).map(mean).collect()
    };
    let [of_x, of_y] = apart.sides.each_ref().map(of_side);
    let of_n = digamma(radii.rows.len() as f64);
    let values = of_k
        .iter()
        .zip(of_x.iter().zip(&of_y))
        .map(|(of_k, (of_x, of_y))| (mean_digamma(of_k, 0) + of_n) - (of_x + of_y))
        .collect();
    Ok((values, apart.left_out))
}
