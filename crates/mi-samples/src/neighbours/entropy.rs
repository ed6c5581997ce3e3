use ndarray::ArrayView2;
use statrs::function::gamma::digamma;

use super::joint::{check_counts, joint_tree, kth_distances};
use super::side;
use crate::SamplesError;

/// Differential entropy in nats by Kozachenko and Leonenko (1987) under the maximum norm, one
/// estimate for every number of neighbours in `ks`.
///
/// ψ(N) − ψ(k) + d ⟨ln 2ε⟩, where ε(i) is the distance to the k-th neighbour and (2ε)ᵈ the volume
/// of the cube around observation i that reaches it.
///
/// The biases of three such entropies do not cancel: estimate mutual information with
/// [`ksg`](crate::ksg), not as their difference.
///
/// # Shapes
/// `x`: n × d.
///
/// # Errors
/// If the side is empty or has a value that is not finite, if a k is 0 or not below n, or if a k-th
/// neighbour is at distance 0, where the entropy is −∞.
pub fn kozachenko_leonenko(x: ArrayView2<'_, f64>, ks: &[usize]) -> Result<Vec<f64>, SamplesError> {
    let columns = side(x)?.columns;
    let n = columns[0].len();
    check_counts(ks, n, 0)?;
    let radii = kth_distances(&joint_tree(&[&columns]), ks, 0);
    ks.iter()
        .enumerate()
        .map(|(index, &k)| {
            let mut epsilons: Vec<f64> = (0..n).map(|slot| radii.at(slot, index)).collect();
            let rows = epsilons.iter().filter(|epsilon| **epsilon == 0.0).count();
            if rows > 0 {
                let estimator = "the Kozachenko–Leonenko entropy";
                return Err(SamplesError::ZeroDistance { estimator, rows, n, k });
            }
            // In ascending order, so that the last bit does not depend on the order of the rows.
            epsilons.sort_unstable_by(f64::total_cmp);
            let logarithms: f64 = epsilons.iter().map(|epsilon| (2.0 * epsilon).ln()).sum();
            let mean = logarithms / n as f64;
            Ok(digamma(n as f64) - digamma(k as f64) + columns.len() as f64 * mean)
        })
        .collect()
}
