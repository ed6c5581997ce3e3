use mi_kernels::Scalar;

use super::rows::{Exponentials, exponentials, log_add, mean, share};
use super::{Bound, Outcome, Row, RowStatistics};

/// `log K + mean_i (S_ii − log Σ_j exp S_ij)` (van den Oord et al., 2018, eq. 4).
#[derive(Clone, Copy, Debug)]
pub(crate) struct InfoNce;

impl<T: Scalar> Bound<T> for InfoNce {
    fn row(&self, mut row: Row<'_, T>) -> RowStatistics {
        let negatives = exponentials(&mut row);
        let all = log_add(negatives.log_sum, negatives.positive);
        RowStatistics {
            auxiliary: log_softmax(negatives.positive, negatives.log_sum),
            log_weight: log_weight(negatives, all),
            // 1 − softmax_i, without cancellation.
            positive_gradient: share(negatives.log_sum, all),
            ..negatives.statistics()
        }
    }

    fn finish(&self, rows: &mut [RowStatistics]) -> Outcome {
        let k = rows.len() as f64;
        for row in &mut *rows {
            row.positive_gradient /= k;
        }
        Outcome::of(k.ln() + mean(rows, |row| row.auxiliary), -k.ln())
    }
}

/// `S_ii − log Σ_j exp S_ij`; NaN where infinities leave it open.
pub(super) fn log_softmax(positive: f64, negatives: f64) -> f64 {
    if positive.is_infinite() && positive == negatives {
        return f64::NAN;
    }
    let all = log_add(negatives, positive);
    if positive == all { 0.0 } else { positive - all }
}

/// The logarithm of the factor that makes the weights of a row a soft-max over all of it.
fn log_weight(negatives: Exponentials, all: f64) -> f64 {
    // An infinite negative takes all the weight.
    if negatives.shift == f64::INFINITY { 0.0 } else { negatives.shift - all }
}
