use mi_random::Stream;
use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::gaussian::{Predicted, Whitened, own_loss, residual_factor};
use super::prior::LabelPrior;
use super::reading::{Chosen, Read, largest};
use crate::geometry::unit_rows;
use crate::held_out::{HeldOut, split_rows};
use crate::kernel::Feature;
use crate::training::check_positive;
use crate::{EvalError, Neighbours};

/// k nearest neighbours by cosine similarity, each with the weight exp(cosine / temperature) (Wu et
/// al., 2018, section 3.4, without training).
///
/// | setting | default | purpose | range |
/// | --- | --- | --- | --- |
/// | `k` | 20 | neighbours | ≥ 1 |
/// | `temperature` | 0.07 | how fast weights fall with the cosine | > 0 |
/// | `mixes` | 0.001, 0.003, …, 0.3, 1 | shares of the prior to choose from | \[0, 1\] |
/// | `held_out` | 0.1 | training rows to hold out for choosing the prior's share: a share, or the last rows | |
///
/// A row is assigned to the class with the most votes. As a probability, a vote is 0 for most
/// classes, so it is mixed with the prior: p = (1 − m) votes + m prior. The m with the smallest
/// held-out log loss is taken (with m = 1 a reader ignores the features); then neighbours are
/// searched in all training rows. A single m is used without a choice; with 0 the log loss may be
/// infinite. Real values are predicted by the neighbours' weighted mean, mixed with the mean of all
/// rows in the same way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NearestReader {
    /// Neighbours.
    pub k: usize,
    /// How fast weights fall with the cosine.
    pub temperature: f64,
    /// Shares of the prior to choose from.
    pub mixes: Vec<f64>,
    /// Training rows to hold out for choosing the prior's share.
    pub held_out: HeldOut,
}

impl Default for NearestReader {
    fn default() -> Self {
        let mixes = vec![1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0];
        Self { k: 20, temperature: 0.07, mixes, held_out: HeldOut::Share(0.1) }
    }
}

/// The neighbours that a reader searches once, for labels and for values.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// Neighbours of the rows to be read, among all training rows.
    found: Neighbours,
    held: HeldOutRows,
}

/// Training rows held out, and their neighbours among the others.
#[derive(Clone, Debug)]
struct HeldOutRows {
    kept: Vec<usize>,
    held: Vec<usize>,
    among: Neighbours,
}

#[cfg(feature = "faer")]
impl Search {
    /// The neighbours of the rows to be read, among all training rows.
    pub(crate) fn found(&self) -> &Neighbours {
        &self.found
    }
}

impl NearestReader {
    /// Searches for neighbours; matrices have unit rows.
    pub(crate) fn search<T: Feature>(
        &self,
        train: &Array2<T>,
        rows: &Array2<T>,
        stream: &mut Stream,
    ) -> Result<Search, EvalError> {
        self.check()?;
        let (kept, held) = split_rows(train.nrows(), self.held_out, stream)?;
        if self.k == 0 || self.k > kept.len() {
            return Err(EvalError::NeighbourCount { k: self.k, references: kept.len() });
        }
        let part = |rows: &[usize]| train.select(Axis(0), rows);
        let among = Neighbours::search(&part(&held), &part(&kept), self.k, false);
        let found = Neighbours::search(rows, train, self.k, false);
        Ok(Search { found, held: HeldOutRows { kept, held, among } })
    }

    pub(super) fn read_labels<T: Feature>(
        &self,
        train: ArrayView2<'_, T>,
        coded: (&[u32], usize),
        rows: ArrayView2<'_, T>,
        stream: &mut Stream,
    ) -> Result<Read, EvalError> {
        let search = self.search(&unit_rows(&train), &unit_rows(&rows), stream)?;
        Ok(self.labels_of(&search, coded))
    }

    /// Predictions of labels from neighbours.
    pub(crate) fn labels_of(&self, search: &Search, (labels, classes): (&[u32], usize)) -> Read {
        let HeldOutRows { kept, held, among } = &search.held;
        let kept_labels: Vec<u32> = kept.iter().map(|&row| labels[row]).collect();
        let held_votes = self.votes(among, &kept_labels, classes);
        let prior = LabelPrior::of(&kept_labels, classes);
        let mix = self.least(|mix| {
            let mixed = mixed(&held_votes, &prior, mix);
            held.iter().zip(mixed.rows()).map(|(&row, p)| -p[labels[row] as usize]).sum()
        });
        let votes = self.votes(&search.found, labels, classes);
        let log_probabilities = mixed(&votes, &LabelPrior::of(labels, classes), mix);
        Read { decisions: largest(&votes), ..Read::new(log_probabilities, Chosen::Mix(mix)) }
    }

    pub(super) fn read_values<T: Feature>(
        &self,
        train: ArrayView2<'_, T>,
        target: &Whitened,
        rows: ArrayView2<'_, T>,
        stream: &mut Stream,
    ) -> Result<Predicted, EvalError> {
        let search = self.search(&unit_rows(&train), &unit_rows(&rows), stream)?;
        self.values_of(&search, target)
    }

    /// Predictions of values from neighbours.
    pub(crate) fn values_of(
        &self,
        search: &Search,
        target: &Whitened,
    ) -> Result<Predicted, EvalError> {
        let HeldOutRows { kept, held, among } = &search.held;
        let values = |rows: &[usize]| target.train.select(Axis(0), rows);
        let held_values = values(held);
        let held_means = self.means(among, &values(kept));
        // Whitened values have mean 0, so mixing with their mean means shrinking.
        let residuals = |mix: f64| &held_values - &(&held_means * (1.0 - mix));
        let mix = self.least(|mix| own_loss(&residuals(mix)).unwrap_or(f64::INFINITY));
        let means = self.means(&search.found, &target.train) * (1.0 - mix);
        let factor = residual_factor(&residuals(mix))?;
        Ok(Predicted { means, factor, chosen: Chosen::Mix(mix) })
    }

    /// The share of the prior with the smallest loss; the first among equals.
    fn least(&self, loss: impl Fn(f64) -> f64) -> f64 {
        if let [only] = self.mixes[..] {
            return only;
        }
        let mut best = (f64::INFINITY, self.mixes[0]);
        for &mix in &self.mixes {
            let loss = loss(mix);
            if loss < best.0 {
                best = (loss, mix);
            }
        }
        best.1
    }

    /// The share of each class in the neighbours' weights, rows × classes.
    fn votes(&self, neighbours: &Neighbours, labels: &[u32], classes: usize) -> Array2<f64> {
        let mut shares = Array2::zeros((neighbours.len(), classes));
        for (i, mut row) in shares.rows_mut().into_iter().enumerate() {
            for (j, weight) in self.weights(neighbours, i) {
                row[labels[j] as usize] += weight;
            }
        }
        shares
    }

    /// The neighbours' weighted mean of values, rows × columns.
    fn means(&self, neighbours: &Neighbours, values: &Array2<f64>) -> Array2<f64> {
        let mut means = Array2::zeros((neighbours.len(), values.ncols()));
        for (i, mut row) in means.rows_mut().into_iter().enumerate() {
            for (j, weight) in self.weights(neighbours, i) {
                row.scaled_add(weight, &values.row(j));
            }
        }
        means
    }

    /// A row's neighbours and their weights, which sum to 1.
    fn weights<'a>(
        &self,
        neighbours: &'a Neighbours,
        row: usize,
    ) -> impl Iterator<Item = (usize, f64)> + use<'a> {
        // Relative to the nearest, whose weight is then 1: exp(1/0.001) overflows.
        let nearest = neighbours.of_row(row).next().map_or(0.0, |(_, cosine)| cosine);
        let temperature = self.temperature;
        let weight = move |cosine: f64| ((cosine - nearest) / temperature).exp();
        let sum: f64 = neighbours.of_row(row).map(|(_, cosine)| weight(cosine)).sum();
        neighbours.of_row(row).map(move |(j, cosine)| (j, weight(cosine) / sum))
    }

    fn check(&self) -> Result<(), EvalError> {
        check_positive("temperature", self.temperature)?;
        if self.mixes.is_empty() || !self.mixes.iter().all(|mix| (0.0..=1.0).contains(mix)) {
            let value = format!("{:?}", self.mixes);
            let range = "at least one number from 0 to 1";
            return Err(EvalError::Setting { name: "mixes", value, range });
        }
        Ok(())
    }
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
