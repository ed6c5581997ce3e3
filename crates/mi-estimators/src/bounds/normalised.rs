use mi_kernels::{Logarithm, Scalar, log_add};

use super::rows::{exponentials, log_negatives, log_total, mean, rebase};
use super::{Bound, Counts, Outcome, Pairs, Row, RowStatistics};
use crate::EstimatorError;

/// `mean_i S_ii − log mean_{i≠j} exp S_ij` (Donsker and Varadhan, 1983), and related bounds, whose
/// second term is the logarithm of one sum over all pairs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Normalised {
    DonskerVaradhan,
    /// Reports the same value; its gradient uses a moving average in place of the batch's mean
    /// (Belghazi et al., 2018, section 3.2).
    Mine {
        rate: f64,
        /// The logarithm of the average so far.
        log_average: Option<Logarithm>,
    },
    /// `mean_i S_ii − log Σ_i [α/K² exp S_ii + (K−α)/(K²(K−1)) Σ_{j≠i} exp S_ij]` (Song and
    /// Ermon, 2020b, "Multi-label contrastive predictive coding").
    MlCpc {
        alpha: f64,
    },
}

impl<T: Scalar> Bound<T> for Normalised {
    fn name(&self) -> &'static str {
        match self {
            Self::DonskerVaradhan => "dv",
            Self::Mine { .. } => "mine",
            Self::MlCpc { .. } => "ml-cpc",
        }
    }

    fn row(&self, mut row: Row<'_, T>, statistics: &mut [RowStatistics]) {
        let mut negatives = exponentials(&mut row);
        let (own, others) = self.excess(&row);
        negatives.log_sum += others;
        let log_weight = negatives.origin + negatives.shift + others;
        for (column, of_positive) in row.positives().zip(statistics) {
            let found = negatives.statistics(row.score(column));
            *of_positive = RowStatistics { log_weight, extra: own, ..found };
        }
    }

    fn finish(&self, rows: &mut [RowStatistics], counts: Counts) -> Outcome {
        let k = rows.len() as f64;
        for row in &mut *rows {
            row.positive_gradient = 1.0 / k;
        }
        let origin = rebase(rows);
        let positives = mean(rows, |row| row.positive);
        let total = log_total(rows);
        let pairs = log_negatives(counts);
        let log_mean = total - pairs;
        match *self {
            Self::DonskerVaradhan => {
                Outcome { origin, ..Outcome::new(positives - log_mean, -total) }
            }
            Self::Mine { rate, log_average } => {
                let log_average = log_average.map_or(log_mean, |average| {
                    log_add((-rate).ln_1p() + average.from_origin(origin), rate.ln() + log_mean)
                });
                Outcome {
                    // Its gradient, with the average held fixed, is the one returned.
                    objective: (origin + positives) - (log_mean - log_average).exp(),
                    origin,
                    carried: Some(Logarithm { origin, rest: log_average }),
                    ..Outcome::new(positives - log_mean, -log_average - pairs)
                }
            }
            Self::MlCpc { alpha } => {
                let (own, others) = log_shares(alpha, counts.negatives, k);
                let scores = rows.iter().map(|row| row.extra + row.positive);
                let own_sum = own + Logarithm::of_sum(scores).value();
                let log_total = log_add(own_sum, others + total);
                for row in &mut *rows {
                    let share = own + (row.extra + row.positive) - log_total;
                    row.positive_gradient -= share.exp();
                }
                Outcome { origin, ..Outcome::new(positives - log_total, others - log_total) }
            }
        }
    }

    fn cap(&self, negatives: usize) -> Option<f64> {
        match self {
            Self::MlCpc { alpha } => Some(((negatives + 1) as f64 / alpha).ln()),
            _ => None,
        }
    }

    fn check(&self, pairs: &Pairs) -> Result<(), EstimatorError> {
        if let Self::MlCpc { alpha } = self
            && *alpha > (pairs.counts().fewest + 1) as f64
        {
            let (setting, value) = ("the alpha of ML-CPC", alpha.to_string());
            let range = "above 0 and at most the batch size";
            return Err(EstimatorError::Setting { setting, value, range });
        }
        Ok(())
    }
}

impl Normalised {
    /// How much the logarithms of a row's shares in the sum over all pairs exceed those of the row
    /// with most negatives: for its positives, and for its negatives.
    fn excess<T: Scalar>(self, row: &Row<'_, T>) -> (f64, f64) {
        let (most, own) = (row.counts().negatives, row.negatives_count());
        match self {
            _ if most == own => (0.0, 0.0),
            Self::MlCpc { alpha } => {
                let (here, there) = (log_shares(alpha, own, 1.0), log_shares(alpha, most, 1.0));
                (here.0 - there.0, here.1 - there.1)
            }
            _ => (0.0, row.log_excess()),
        }
    }
}

/// The logarithms of `α/(K·P)` and `(K−α)/(K·P·(K−1))`, the factors of a positive and of a negative
/// in ML-CPC's normaliser, for P positives with K − 1 negatives each.
fn log_shares(alpha: f64, negatives: usize, positives: f64) -> (f64, f64) {
    let k = (negatives + 1) as f64;
    ((alpha / (positives * k)).ln(), ((k - alpha) / (positives * k * (k - 1.0))).ln())
}
