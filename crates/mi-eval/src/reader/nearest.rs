use mi_random::Stream;
use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::gaussian::{Predicted, Whitened, own_loss, residual_factor};
use super::prior::LabelPrior;
use super::reading::Chosen;
use crate::geometry::unit_rows;
use crate::held_out::{split_classes, split_rows};
use crate::kernel::Feature;
use crate::training::check_positive;
use crate::{EvalError, Neighbours};

/// Shares of the prior to choose from: with 1 a reader may ignore the features.
const MIXES: [f64; 7] = [1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0];

/// k nearest neighbours by the cosine, each with the weight exp(cosine / temperature) (Wu et al.,
/// 2018, section 3.4, without training).
///
/// | setting | default | purpose | range |
/// | --- | --- | --- | --- |
/// | `k` | 20 | neighbours | ≥ 1 |
/// | `temperature` | 0.07 | how fast weights fall with the cosine | > 0 |
/// | `held_out` | 0.1 | share of the training rows to choose the share of the prior on | (0, 1) |
///
/// A vote gives most classes probability 0, so it is mixed with the prior: p = (1 − m) votes + m
/// prior. Of m = 0.001, 0.003, …, 1 the one of least held-out log loss is taken; the neighbours
/// are then looked for in all training rows. Real values are predicted by the neighbours' weighted
/// mean, mixed with the mean of all rows in the same way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NearestReader {
    /// Neighbours.
    pub k: usize,
    /// How fast weights fall with the cosine.
    pub temperature: f64,
    /// Share of the training rows to choose the share of the prior on.
    pub held_out: f64,
}

impl Default for NearestReader {
    fn default() -> Self {
        Self { k: 20, temperature: 0.07, held_out: 0.1 }
    }
}

impl NearestReader {
    pub(super) fn read_labels<T: Feature>(
        &self,
        train: ArrayView2<'_, T>,
        coded: (&[u32], usize),
        rows: ArrayView2<'_, T>,
        stream: &mut Stream,
    ) -> Result<(Array2<f64>, Chosen), EvalError> {
        let found = Neighbours::of(rows, train, self.k)?;
        self.read_labels_of(&unit_rows(&train), coded, &found, stream)
    }

    /// The same where the neighbours among all training rows are known; `train` has unit rows.
    pub(crate) fn read_labels_of<T: Feature>(
        &self,
        train: &Array2<T>,
        (labels, classes): (&[u32], usize),
        found: &Neighbours,
        stream: &mut Stream,
    ) -> Result<(Array2<f64>, Chosen), EvalError> {
        check_positive("temperature", self.temperature)?;
        let (kept, held) = split_classes(labels, classes, self.held_out, stream)?;
        let coded = |rows: &[usize]| rows.iter().map(|&row| labels[row]).collect::<Vec<u32>>();
        let (kept_labels, held_labels) = (coded(&kept), coded(&held));
        let among = self.among(train, (&kept, &held))?;
        let held_votes = votes(&among, &kept_labels, classes, self.temperature);
        let prior_of = |labels: &[u32]| {
            LabelPrior::counting(labels.iter().map(|&label| label as usize), classes)
        };
        let prior = prior_of(&kept_labels);
        let mut best = (f64::INFINITY, MIXES[0]);
        for mix in MIXES {
            let mixed = mixed(&held_votes, &prior, mix);
            let loss: f64 =
                held_labels.iter().zip(mixed.rows()).map(|(&k, row)| -row[k as usize]).sum();
            if loss < best.0 {
                best = (loss, mix);
            }
        }
        let all = votes(found, labels, classes, self.temperature);
        Ok((mixed(&all, &prior_of(labels), best.1), Chosen::Mix(best.1)))
    }

    /// Neighbours of held-out rows among those kept.
    fn among<T: Feature>(
        &self,
        train: &Array2<T>,
        (kept, held): (&[usize], &[usize]),
    ) -> Result<Neighbours, EvalError> {
        if self.k > kept.len() {
            return Err(EvalError::NeighbourCount { k: self.k, references: kept.len() });
        }
        let rows = |rows: &[usize]| train.select(Axis(0), rows);
        Ok(Neighbours::search(&rows(held), &rows(kept), self.k, false))
    }

    pub(super) fn read_values<T: Feature>(
        &self,
        train: ArrayView2<'_, T>,
        target: &Whitened,
        rows: ArrayView2<'_, T>,
        stream: &mut Stream,
    ) -> Result<Predicted, EvalError> {
        let found = Neighbours::of(rows, train, self.k)?;
        self.read_values_of(&unit_rows(&train), target, &found, stream)
    }

    /// The same where the neighbours among all training rows are known; `train` has unit rows.
    pub(crate) fn read_values_of<T: Feature>(
        &self,
        train: &Array2<T>,
        target: &Whitened,
        found: &Neighbours,
        stream: &mut Stream,
    ) -> Result<Predicted, EvalError> {
        check_positive("temperature", self.temperature)?;
        let (kept, held) = split_rows(train.nrows(), self.held_out, stream)?;
        let among = self.among(train, (&kept, &held))?;
        let values = |rows: &[usize]| target.train.select(Axis(0), rows);
        let held_values = values(&held);
        let held_means = means(&among, &values(&kept), self.temperature);
        // Whitened values have mean 0, so mixing with their mean is shrinking.
        let mut best: Option<(f64, f64, Array2<f64>)> = None;
        for mix in MIXES {
            let residuals = &held_values - &(&held_means * (1.0 - mix));
            let loss = own_loss(&residuals)?;
            if best.as_ref().is_none_or(|(least, ..)| loss < *least) {
                best = Some((loss, mix, residuals));
            }
        }
        let (_, mix, residuals) = best.unwrap_or_else(|| unreachable!("there are shares to try"));
        let means = means(found, &target.train, self.temperature) * (1.0 - mix);
        Ok(Predicted { means, factor: residual_factor(&residuals)?, chosen: Chosen::Mix(mix) })
    }
}

/// The share of each class in the neighbours' weights, rows × classes.
fn votes(neighbours: &Neighbours, labels: &[u32], classes: usize, temperature: f64) -> Array2<f64> {
    let mut shares = Array2::zeros((neighbours.len(), classes));
    for (i, mut row) in shares.rows_mut().into_iter().enumerate() {
        for (j, weight) in weights(neighbours, i, temperature) {
            row[labels[j] as usize] += weight;
        }
    }
    shares
}

/// The neighbours' weighted mean of values, rows × columns.
fn means(neighbours: &Neighbours, values: &Array2<f64>, temperature: f64) -> Array2<f64> {
    let mut means = Array2::zeros((neighbours.len(), values.ncols()));
    for (i, mut row) in means.rows_mut().into_iter().enumerate() {
        for (j, weight) in weights(neighbours, i, temperature) {
            row.scaled_add(weight, &values.row(j));
        }
    }
    means
}

/// A row's neighbours and their weights, which sum to 1.
fn weights(
    neighbours: &Neighbours,
    row: usize,
    temperature: f64,
) -> impl Iterator<Item = (usize, f64)> + '_ {
    // Relative to the nearest, whose weight is then 1: exp(1/0.001) has no number.
    let nearest = neighbours.of_row(row).next().map_or(0.0, |(_, cosine)| cosine);
    let weight = move |cosine: f64| ((cosine - nearest) / temperature).exp();
    let sum: f64 = neighbours.of_row(row).map(|(_, cosine)| weight(cosine)).sum();
    neighbours.of_row(row).map(move |(j, cosine)| (j, weight(cosine) / sum))
}

/// ln of (1 − m) votes + m prior.
fn mixed(votes: &Array2<f64>, prior: &LabelPrior, mix: f64) -> Array2<f64> {
    let mut logarithms = votes.clone();
    for mut row in logarithms.rows_mut() {
        for (class, share) in row.iter_mut().enumerate() {
            *share = ((1.0 - mix) * *share + mix * prior.probability(class)).ln();
        }
    }
    logarithms
}
