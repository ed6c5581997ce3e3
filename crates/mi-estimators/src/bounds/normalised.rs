use mi_kernels::{Logarithm, Scalar, log_add};

use super::rows::{exponentials, log_negatives, log_total, mean, rebase};
use super::{Bound, Outcome, Row, RowStatistics};

/// `mean_i S_ii − log mean_{i≠j} exp S_ij` (Donsker and Varadhan, 1983), and its like: bounds
/// whose second term is the logarithm of one sum over all pairs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Normalised {
    DonskerVaradhan,
    /// Reports the same; its gradient puts a moving average in the place of the batch's mean
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
    fn row(&self, mut row: Row<'_, T>) -> RowStatistics {
        let negatives = exponentials(&mut row);
        let log_weight = negatives.origin + negatives.shift;
        RowStatistics { log_weight, ..negatives.statistics() }
    }

    fn finish(&self, rows: &mut [RowStatistics]) -> Outcome {
        let k = rows.len() as f64;
        for row in &mut *rows {
            row.positive_gradient = 1.0 / k;
        }
        let origin = rebase(rows);
        let positives = mean(rows, |row| row.positive);
        let total = log_total(rows);
        let log_mean = total - log_negatives(rows);
        match *self {
            Self::DonskerVaradhan => {
                Outcome { origin, ..Outcome::of(positives - log_mean, -total) }
            }
            Self::Mine { rate, log_average } => {
                let log_average = log_average.map_or(log_mean, |average| {
                    log_add((-rate).ln_1p() + average.from_origin(origin), rate.ln() + log_mean)
                });
                Outcome {
                    estimate: positives - log_mean,
                    // Its gradient, the average held fixed, is the one returned.
                    objective: (origin + positives) - (log_mean - log_average).exp(),
                    log_scale: -log_average - log_negatives(rows),
                    origin,
                    log_average: Some(Logarithm { origin, rest: log_average }),
                }
            }
            Self::MlCpc { alpha } => {
                let own = (alpha / (k * k)).ln();
                let others = ((k - alpha) / (k * k * (k - 1.0))).ln();
                let own_sum = own + Logarithm::of_sum(rows.iter().map(|row| row.positive)).value();
                let log_total = log_add(own_sum, others + total);
                for row in &mut *rows {
                    row.positive_gradient -= (own + row.positive - log_total).exp();
                }
                Outcome { origin, ..Outcome::of(positives - log_total, others - log_total) }
            }
        }
    }
}
