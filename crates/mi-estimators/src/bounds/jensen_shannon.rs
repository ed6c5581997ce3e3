use mi_kernels::{
    Scalar, logistic_softplus_sum, maximum, origin_for, softplus, softplus_sum, sum_exp_shifted,
};

use super::rows::{exponentials, log_negatives, log_total, mean, rebase, split};
use super::{Bound, Outcome, Row, RowStatistics};

/// Trains `mean_i −softplus(−S_ii) − mean_{i≠j} softplus(S_ij)` (Hjelm et al., 2019, eq. 4;
/// Nowozin et al., 2016), whose best critic is the log density ratio, and reports an estimate
/// made for that critic.
#[derive(Clone, Copy, Debug)]
pub(crate) enum JensenShannon {
    /// NWJ at S + 1: `1 + mean_i S_ii − mean_{i≠j} exp S_ij`. NWJ's best critic is the log
    /// ratio plus one; without the 1 the estimate would fall short by 1/e or more.
    Nwj,
    /// SMILE: `mean_i S_ii − log mean_{i≠j} exp clip(S_ij, −τ, τ)` (Song and Ermon, 2020a, eq. 12).
    Clipped { limit: f64 },
}

impl<T: Scalar> Bound<T> for JensenShannon {
    fn row(&self, mut row: Row<'_, T>) -> RowStatistics {
        let weights = std::mem::replace(&mut row.weights, false);
        let reported = match *self {
            Self::Nwj => exponentials(&mut row).statistics(),
            Self::Clipped { limit } => clipped(&mut row, limit),
        };
        let (left, diagonal, right) = split(row.scores, row.index);
        let positive = diagonal.to_f64();
        let auxiliary = if weights {
            *diagonal = T::zero();
            logistic_softplus_sum(left) + logistic_softplus_sum(right)
        } else {
            softplus_sum(left) + softplus_sum(right)
        };
        let positive_gradient = (-softplus(positive)).exp(); // σ(−S_ii)
        RowStatistics { auxiliary, positive_gradient, ..reported }
    }

    fn finish(&self, rows: &mut [RowStatistics]) -> Outcome {
        let k = rows.len() as f64;
        for row in &mut *rows {
            row.positive_gradient /= k;
        }
        let joint = mean(rows, |row| -softplus(-(row.origin + row.positive)));
        let marginal = mean(rows, |row| row.auxiliary / (k - 1.0));
        let origin = rebase(rows);
        let pairs = log_negatives(rows);
        let log_mean = log_total(rows) - pairs;
        let positives = mean(rows, |row| row.positive);
        let estimate = match self {
            Self::Nwj => 1.0 + (origin + positives) - (origin + log_mean).exp(),
            Self::Clipped { .. } => positives - log_mean,
        };
        Outcome { objective: joint - marginal, ..Outcome::of(estimate, -pairs) }
    }
}

/// The positive, and `log Σ_{j≠i} exp clip(S_ij, −τ, τ)`; the scores stay as they are.
fn clipped<T: Scalar>(row: &mut Row<'_, T>, limit: f64) -> RowStatistics {
    if limit == f64::INFINITY {
        return exponentials(row).statistics();
    }
    let limit = T::from_f64(limit);
    let (left, positive, right) = split(row.scores, row.index);
    let largest = maximum(left).max(maximum(right)).min(limit).max(-limit);
    let sum = sum_exp_shifted(left, limit, largest) + sum_exp_shifted(right, limit, largest);
    let origin = origin_for(largest.to_f64());
    RowStatistics {
        origin,
        positive: positive.to_f64() - origin,
        log_sum: (largest.to_f64() - origin) + sum.ln(),
        ..RowStatistics::default()
    }
}
