use ndarray::ArrayView2;
use statrs::function::gamma::digamma;

use super::joint::{check_counts, joint_tree, kth_distances};
use super::marginal::{Marginal, Within};
use super::side;
use super::tally::mean_digamma;
use crate::SamplesError;
use crate::sample::Coordinates;

/// Estimates of [`ross`], and the observations they could not use.
#[derive(Clone, Debug, PartialEq)]
pub struct RossEstimates {
    /// One estimate in nats for every number of neighbours.
    pub values: Vec<f64>,
    /// Observations left out because no other has their label.
    pub left_out: usize,
    /// Different labels of the observations used.
    pub classes: usize,
}

/// Mutual information in nats of continuous columns and a label, by Ross (2014, eq. 6), one estimate for every number of neighbours in `ks`.
///
/// `ψ(N) + ⟨ψ(k)⟩ − ⟨ψ(N_x)⟩ − ⟨ψ(m)⟩`, where `N_x(i)` is the number of observations with the label
/// of i, d(i) the distance to its k-th neighbour **among those**, and m(i) the number of other
/// observations of any label at most d(i) away. In a class of no more than k members, k(i) is the
/// number of the others; observations alone in their class are left out and N is less by them.
///
/// # Shapes
/// `x`: n × d; `labels`: n.
///
/// # Errors
/// If the side is empty, differs in length from the labels or holds a value that is not finite;
/// if a k is 0 or not below n; if every label is unique; and if a k-th neighbour lies at
/// distance 0 (ties).
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
    let mut by_label: Vec<u32> = (0..labels.len() as u32).collect();
    by_label.sort_by_key(|&row| labels[row as usize]);
    let classes: Vec<&[u32]> =
        by_label.chunk_by(|&a, &b| labels[a as usize] == labels[b as usize]).collect();
    let left_out = classes.iter().filter(|class| class.len() == 1).count();
    let n = labels.len() - left_out;
    if n == 0 {
        return Err(SamplesError::EveryLabelUnique { n: labels.len() });
    }
    // Classes one after another; those left out are last, so that ranks below n are in use.
    let mut used: Vec<u32> = Vec::with_capacity(n);
    let mut radii = vec![Vec::with_capacity(n); ks.len()];
    let mut of_k = vec![Vec::with_capacity(n); ks.len()];
    let mut of_class = Vec::with_capacity(n);
    for class in classes.iter().filter(|class| class.len() > 1) {
        let columns: Vec<Vec<f64>> = x
            .columns
            .iter()
            .map(|column| class.iter().map(|&row| column[row as usize]).collect())
            .collect();
        let own_ks: Vec<usize> = ks.iter().map(|&k| k.min(class.len() - 1)).collect();
        let found = kth_distances(&joint_tree(&[&columns]), &own_ks, 0);
        used.extend(found.rows.iter().map(|&row| class[row as usize]));
        for (index, &k) in own_ks.iter().enumerate() {
            radii[index].extend((0..class.len()).map(|slot| found.at(slot, index)));
            of_k[index].extend(std::iter::repeat_n(k as u32, class.len()));
        }
        of_class.extend(std::iter::repeat_n(class.len() as u32, class.len()));
    }
    for (radii, &k) in radii.iter().zip(ks) {
        let rows = radii.iter().filter(|radius| **radius == 0.0).count();
        if rows > 0 {
            return Err(SamplesError::ZeroDistance { estimator: "Ross", rows, n, k });
        }
    }
    // Renumber, so that observations left out are no neighbours of any.
    let columns: Vec<Vec<f64>> = x
        .columns
        .iter()
        .map(|column| used.iter().map(|&row| column[row as usize]).collect())
        .collect();
    let marginal = Marginal::new(&columns, None);
    let rows: Vec<u32> = (0..n as u32).collect();
    let of_labels = mean_digamma(&of_class, 0);
    let values = radii
        .iter()
        .zip(&of_k)
        .map(|(radii, of_k)| {
            let counts = marginal.counts(&rows, |slot| radii[slot], Within::Closed, 0);
            (digamma(n as f64) + mean_digamma(of_k, 0)) - (of_labels + mean_digamma(&counts, 0))
        })
        .collect();
    let classes = classes.iter().filter(|class| class.len() > 1).count();
    Ok(RossEstimates { values, left_out, classes })
}
