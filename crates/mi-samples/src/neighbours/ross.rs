use ndarray::ArrayView2;
use statrs::function::gamma::digamma;

use super::classes::{InClasses, not_alone};
use super::joint::check_counts;
use super::marginal::{Marginal, Within};
use super::side;
use super::tally::mean_digamma;
use crate::SamplesError;
use crate::sample::Coordinates;

/// Estimates of [`ross`], and the number of observations not used.
#[derive(Clone, Debug, PartialEq)]
pub struct RossEstimates {
    /// One estimate in nats for every number of neighbours.
    pub values: Vec<f64>,
    /// Observations left out because their label is unique.
    pub left_out: usize,
    /// Different labels of the observations used.
    pub classes: usize,
}

/// Mutual information in nats of continuous columns and a label, by Ross (2014, eq. 6), one
/// estimate for every number of neighbours in `ks`.
///
/// `ψ(N) + ⟨ψ(k)⟩ − ⟨ψ(N_x)⟩ − ⟨ψ(m)⟩`, where `N_x(i)` is the number of observations with the label
/// of i, d(i) the distance to its k-th neighbour **among those**, and m(i) the number of other
/// observations of any label at most d(i) away. In a class of at most k members, k(i) is the number
/// of the others. Observations alone in their class are left out and not counted in N.
///
/// # Shapes
/// `x`: n × d; `labels`: n.
///
/// # Errors
/// If the side is empty, differs in length from the labels or has a value that is not finite; if a
/// k is 0 or not below n; if every label is unique; or if a k-th neighbour is at distance 0 (ties).
pub fn ross(
    x: ArrayView2<'_, f64>,
    labels: &[u32],
    ks: &[usize],
) -> Result<RossEstimates, SamplesError> {
    if x.nrows() != labels.len() {
        return Err(SamplesError::RowCounts { x: x.nrows(), y: labels.len() });
    }
    ross_of(side(x)?, labels, ks)
}

pub(crate) fn ross_of(
    x: Coordinates,
    labels: &[u32],
    ks: &[usize],
) -> Result<RossEstimates, SamplesError> {
    check_counts(ks, labels.len(), 0)?;
    let kept = not_alone(labels)?;
    let left_out = labels.len() - kept.len();
    // Observations left out are not neighbours of others.
    let x = if left_out > 0 { x.select(&kept) } else { x };
    let labels: Vec<u32> = kept.iter().map(|&row| labels[row]).collect();
    let n = labels.len();
    let columns: Vec<&[f64]> = x.columns.iter().map(Vec::as_slice).collect();
    let InClasses { radii, of_k, of_class, classes } = InClasses::find(&columns, &labels, ks, 0);
    for (index, &k) in ks.iter().enumerate() {
        let rows = (0..n).filter(|&slot| radii.at(slot, index) == 0.0).count();
        if rows > 0 {
            return Err(SamplesError::ZeroDistance { estimator: "Ross", rows, n, k });
        }
    }
    let marginal = Marginal::new(&x.columns, x.order.as_deref());
    let of_labels = mean_digamma(&of_class, 0);
    let values = of_k
        .iter()
        .enumerate()
        .map(|(index, of_k)| {
            let counts =
                marginal.counts(&radii.rows, &|slot| radii.at(slot, index), Within::Closed, 0);
            (digamma(n as f64) + mean_digamma(of_k, 0)) - (of_labels + mean_digamma(&counts, 0))
        })
        .collect();
    Ok(RossEstimates { values, left_out, classes })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of these labels would have gigabytes.
    #[test]
    fn labels_may_be_any_numbers() {
        let x = mi_random::Stream::new(1, "ross").normal_matrix((40, 1));
        let small: Vec<u32> = (0..40).map(|row| row % 3).collect();
        let large: Vec<u32> = small.iter().map(|label| u32::MAX - 2 + label).collect();
        let [small, large] = [small, large].map(|labels| ross(x.view(), &labels, &[3]).unwrap());
        assert_eq!(small, large);
    }
}
