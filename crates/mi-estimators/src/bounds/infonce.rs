use mi_kernels::Scalar;

use super::rows::{exponentials, mean};
use super::{Bound, Outcome, Row, RowStatistics};

/// `log K + mean_i (S_ii − log Σ_j exp S_ij)` (van den Oord et al., 2018, eq. 4).
#[derive(Clone, Copy, Debug)]
pub(crate) struct InfoNce;

impl<T: Scalar> Bound<T> for InfoNce {
    fn row(&self, mut row: Row<'_, T>) -> RowStatistics {
        let negatives = exponentials(&mut row);
        let SoftMax { all, log_share, rest } = SoftMax::new(negatives.positive, negatives.log_sum);
        RowStatistics {
            auxiliary: log_share,
            // The factor that makes the row's weights a soft-max over all of it; an infinite
            // negative takes all the weight.
            log_weight: match negatives.shift {
                f64::INFINITY => 0.0,
                shift => shift - all,
            },
            positive_gradient: rest,
            ..negatives.differences()
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

/// A positive beside its negatives.
#[derive(Clone, Copy, Debug)]
pub(super) struct SoftMax {
    /// The log-sum-exp of positive and negatives.
    pub(super) all: f64,
    /// The logarithm of the positive's share; NaN where infinities leave it open.
    pub(super) log_share: f64,
    /// The share of the negatives, 1 − softmax, without cancellation.
    pub(super) rest: f64,
}

impl SoftMax {
    /// `negatives` is a log-sum-exp.
    pub(super) fn new(positive: f64, negatives: f64) -> Self {
        let gap = positive - negatives;
        if gap.is_nan() {
            // Equal infinities, or NaN.
            return Self { all: positive.max(negatives), log_share: f64::NAN, rest: f64::NAN };
        }
        let e = (-gap.abs()).exp();
        let tail = e.ln_1p();
        let inverse = 1.0 / (1.0 + e);
        if gap > 0.0 {
            Self { all: positive + tail, log_share: -tail, rest: e * inverse }
        } else {
            Self { all: negatives + tail, log_share: gap - tail, rest: inverse }
        }
    }
}
