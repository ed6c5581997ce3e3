use mi_kernels::{Logarithm, Scalar, log_add, logistic_softplus_sum, softplus, softplus_sum};
use serde::{Deserialize, Serialize};

use crate::EstimatorError;
use crate::bounds::{Bound, Counts, Outcome, Pairs, Row, RowStatistics};

/// Noise-contrastive estimation against a memory bank: is this the sample's own place, or one of K
/// drawn from the bank's N places?
///
/// # Formula
/// With `P = exp(S)/Z` and the noise K/N, where K is the number of a row's negatives, `mean_p [−log
/// P_p/(P_p + K/N) − Σ_j log (K/N)/(P_ij + K/N)]` (Wu et al., 2018, eq. 6; Tian et al., 2020). Z is
/// N times the mean of exp S over the first batch, including positives. In the public code it is
/// fixed from then on, which is biased once the bank is no longer noise; with
/// [`NoiseContrastive::with_running_z`] it is a moving average, Z ← (1 − rate) Z + rate · Z of the
/// batch, which the next batch uses. The public code adds 10⁻⁷ to each denominator; this code does
/// not.
///
/// A batch that determines Z costs one more sweep over the scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NoiseContrastive {
    /// N, the places of the bank, at least 1.
    pub bank: usize,
    /// The weight of the newest batch in Z, in [0, 1]; 0 keeps the Z of the first batch.
    #[serde(default)]
    pub rate: f64,
    /// log Z; none before the first batch.
    #[serde(default)]
    log_z: Option<f64>,
}

impl NoiseContrastive {
    /// A loss that has not seen a batch.
    pub fn new(bank: usize) -> Self {
        Self { bank, rate: 0.0, log_z: None }
    }

    /// A loss whose Z is a moving average over batches.
    #[must_use]
    pub fn with_running_z(self, rate: f64) -> Self {
        Self { rate, ..self }
    }

    /// log Z; none before the first batch.
    pub fn log_z(&self) -> Option<f64> {
        self.log_z
    }

    /// log Z of the current batch.
    fn log_z_of<T: Scalar>(&self, row: &Row<'_, T>) -> f64 {
        let (pairs, rows) = (row.pairs(), row.pairs().dim().0);
        let with_positive = (0..rows).filter(|&i| row.surveyed(i) > f64::NEG_INFINITY);
        let negatives: usize = with_positive.map(|i| pairs.negatives_of(i)).sum();
        let candidates = (pairs.positives().len() + negatives) as f64;
        let total = Logarithm::of_sum((0..rows).map(|i| row.surveyed(i))).value();
        total - candidates.ln() + (self.bank as f64).ln()
    }

    /// log Z for the current batch, and for the next one.
    fn log_zs<T: Scalar>(&self, row: &Row<'_, T>) -> (f64, f64) {
        match self.log_z {
            None => {
                let own = self.log_z_of(row);
                (own, own)
            }
            Some(log_z) if self.rate > 0.0 => {
                let own = self.log_z_of(row);
                (log_z, log_add((1.0 - self.rate).ln() + log_z, self.rate.ln() + own))
            }
            Some(log_z) => (log_z, log_z),
        }
    }
}

impl<T: Scalar> Bound<T> for NoiseContrastive {
    fn name(&self) -> &'static str {
        "noise-contrastive estimation"
    }

    fn check(&self, _: &Pairs) -> Result<(), EstimatorError> {
        if self.bank == 0 {
            let (setting, value) = ("the size of the memory bank", "0".to_owned());
            return Err(EstimatorError::Setting { setting, value, range: "at least 1" });
        }
        if (0.0..=1.0).contains(&self.rate) {
            return Ok(());
        }
        let (setting, value) = ("the rate of Z", self.rate.to_string());
        Err(EstimatorError::Setting { setting, value, range: "between 0 and 1" })
    }

    fn needs_survey(&self) -> bool {
        self.log_z.is_none() || self.rate > 0.0
    }

    fn survey(&self, row: &Row<'_, T>) -> f64 {
        let positives = row.positives().map(|column| row.score(column));
        let negatives = row.negatives().flatten().map(|&s| s.to_f64());
        Logarithm::of_sum(negatives.chain(positives)).value()
    }

    fn row(&self, mut row: Row<'_, T>, statistics: &mut [RowStatistics]) {
        let (log_z, next) = self.log_zs(&row);
        let log_noise = (row.negatives_count() as f64 / self.bank as f64).ln();
        let offset = log_z + log_noise;
        let weights = row.wants_weights();
        let mut of_negatives = 0.0;
        for part in row.negatives_mut() {
            for s in &mut *part {
                *s = T::from_f64(s.to_f64() - offset);
            }
            of_negatives += if weights { logistic_softplus_sum(part) } else { softplus_sum(part) };
        }
        for (column, of_positive) in row.positives().zip(statistics) {
            let positive = row.score(column) - offset;
            *of_positive = RowStatistics {
                positive,
                log_sum: next,
                extra: softplus(-positive) + of_negatives,
                positive_gradient: (-softplus(positive)).exp(), // σ(−S)
                ..RowStatistics::default()
            };
        }
    }

    fn finish(&self, rows: &mut [RowStatistics], counts: Counts) -> Outcome {
        let k = counts.positives as f64;
        for row in &mut *rows {
            row.positive_gradient /= k;
        }
        let mut outcome = Outcome::new(-rows.iter().map(|row| row.extra).sum::<f64>() / k, -k.ln());
        outcome.carried = rows.first().map(|row| Logarithm::new(row.log_sum));
        outcome
    }

    fn advance(&mut self, outcome: &Outcome) {
        self.log_z = outcome.carried.map(Logarithm::value).or(self.log_z);
    }
}
