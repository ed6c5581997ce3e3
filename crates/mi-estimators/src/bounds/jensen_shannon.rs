use mi_kernels::{
    Scalar, logistic_softplus_sum, origin_for, softplus, softplus_sum, sum_exp_shifted,
};

use super::rows::{
    Exponentials, exponentials, largest_negative, log_negatives, log_total, mean, rebase,
};
use super::{Bound, Counts, Form, Outcome, Row, RowStatistics};

/// Trains `mean_i −softplus(−S_ii) − mean_{i≠j} softplus(S_ij)` (Hjelm et al., 2019, eq. 4; Nowozin
/// et al., 2016), whose best critic is the log density ratio, and reports an estimate that suits
/// that critic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum JensenShannon {
    /// NWJ at S + 1: `1 + mean_i S_ii − mean_{i≠j} exp S_ij`. NWJ's best critic is the log ratio
    /// plus one; without the 1 the estimate would be too small by 1/e or more.
    Nwj,
    /// SMILE: `mean_i S_ii − log mean_{i≠j} exp clip(S_ij, −τ, τ)` (Song and Ermon, 2020a, eq. 12).
    Clipped { limit: f64 },
}

impl<T: Scalar> Bound<T> for JensenShannon {
    fn name(&self) -> &'static str {
        match self {
            Self::Nwj => "js",
            Self::Clipped { .. } => "smile",
        }
    }

    fn row(&self, mut row: Row<'_, T>, statistics: &mut [RowStatistics]) {
        let weights = row.without_weights();
        let excess = row.log_excess();
        let mut reported = match *self {
            Self::Nwj => exponentials(&mut row),
            Self::Clipped { limit } => clipped(&mut row, limit),
        };
        reported.log_sum += excess;
        let mut softplus_of_negatives = 0.0;
        if weights {
            for part in row.negatives_mut() {
                softplus_of_negatives += logistic_softplus_sum(part);
            }
        } else {
            for part in row.negatives() {
                softplus_of_negatives += softplus_sum(part);
            }
        }
        for (column, of_positive) in row.positives().zip(statistics) {
            let score = row.score(column);
            *of_positive = RowStatistics {
                extra: softplus_of_negatives * excess.exp(),
                log_weight: excess,
                positive_gradient: (-softplus(score)).exp(), // σ(−S_ii)
                ..reported.statistics(score)
            };
        }
    }

    fn finish(&self, rows: &mut [RowStatistics], counts: Counts) -> Outcome {
        let k = rows.len() as f64;
        for row in &mut *rows {
            row.positive_gradient /= k;
        }
        let joint = mean(rows, |row| -softplus(-(row.origin + row.positive)));
        let marginal = mean(rows, |row| row.extra / counts.negatives as f64);
        let origin = rebase(rows);
        let pairs = log_negatives(counts);
        let log_mean = log_total(rows) - pairs;
        let positives = mean(rows, |row| row.positive);
        let estimate = match self {
            Self::Nwj => 1.0 + (origin + positives) - (origin + log_mean).exp(),
            Self::Clipped { .. } => positives - log_mean,
        };
        let (objective, form) = (joint - marginal, Form::JensenShannon);
        Outcome { objective, form, ..Outcome::new(estimate, -pairs) }
    }
}

/// `log Σ exp clip(S_ij, −τ, τ)` over negatives; the scores are not changed.
fn clipped<T: Scalar>(row: &mut Row<'_, T>, limit: f64) -> Exponentials {
    if limit == f64::INFINITY {
        return exponentials(row);
    }
    let limit = T::from_f64(limit);
    let largest = largest_negative(row).min(limit).max(-limit);
    let mut sum = 0.0;
    for part in row.negatives() {
        sum += sum_exp_shifted(part, limit, largest);
    }
    let origin = origin_for(largest.to_f64());
    let shift = largest.to_f64() - origin;
    Exponentials { origin, shift, log_sum: shift + sum.ln() }
}
