use ndarray::ArrayView2;
use statrs::function::gamma::digamma;

use super::joint::{check_counts, joint_tree, kth_distances, neighbours_or_copies};
use super::marginal::{Marginal, Within};
use super::sides;
use super::tally::mean_digamma;
use crate::SamplesError;
use crate::sample::Coordinates;

/// Mutual information in nats of variables that may have atoms beside a continuous part, by the
/// estimator of Gao, Kannan, Oh and Viswanath (2017, algorithm 1), one estimate for
/// every number of neighbours in `ks`.
///
/// `⟨ψ(k̃) + ψ(N) − ψ(n_x) − ψ(n_y)⟩`, where ρ(i) is the distance to the k-th neighbour. If ρ > 0,
/// k̃ = k and `n_x` counts the observations, i among them, with `‖x_j − x_i‖ < ρ`. If ρ = 0, k̃,
/// `n_x` and `n_y` count the observations, i among them, at distance 0.
///
/// These are the counts and the ψ of the authors' program, where the printed algorithm has
/// logarithms of one more; ψ(N) stands for its ln N, 1/(2N) more, so that the estimate is the
/// first of Kraskov et al. where nothing is tied, and exactly 0 if a side is constant.
///
/// It is not meant for rounded values, where many distances are equal but not 0: break their ties, as
/// [`Sample`](crate::Sample) does.
///
/// # Shapes
/// `x`: n × dx, `y`: n × dy.
///
/// # Errors
/// If the sides are empty, differ in rows or hold a value that is not finite, or if a k is 0 or
/// not below n.
pub fn mixture(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    ks: &[usize],
) -> Result<Vec<f64>, SamplesError> {
    let (x, y) = sides(x, y)?;
    mixture_of(x, y, ks)
}

pub(crate) fn mixture_of(
    x: Coordinates,
    y: Coordinates,
    ks: &[usize],
) -> Result<Vec<f64>, SamplesError> {
    let dx = x.columns.len();
    let (order_x, order_y) = (x.order, y.order);
    let columns = [x.columns, y.columns].concat();
    let n = columns[0].len();
    check_counts(ks, n, 0)?;
    let tree = joint_tree(&[&columns]);
    let radii = kth_distances(&tree, ks, 0);
    let of_k = neighbours_or_copies(&columns, tree, &radii, ks, 1);
    let of_side = |columns: &[Vec<f64>], order: Option<&[u32]>| -> Vec<f64> {
        let marginal = Marginal::new(columns, order);
        let mean = |index| {
            let radius = |slot| radii.at(slot, index);
            mean_digamma(&marginal.counts(&radii.rows, radius, Within::StrictOrEqual, 0), 1)
        };
        (0..ks.len()).map(mean).collect()
    };
    let of_x = of_side(&columns[..dx], order_x.as_deref());
    let of_y = of_side(&columns[dx..], order_y.as_deref());
    let of_n = digamma(n as f64);
    Ok(of_k
        .iter()
        .zip(of_x.iter().zip(&of_y))
        .map(|(of_k, (of_x, of_y))| (mean_digamma(of_k, 0) + of_n) - (of_x + of_y))
        .collect())
}
