use mi_kernels::Scalar;

use super::rows::{exponentials, mean};
use super::{Bound, Counts, Form, Outcome, Row, RowStatistics};

/// `log K + mean_i (S_ii − log Σ_j exp S_ij)` (van den Oord et al., 2018, eq. 4).
///
/// In general the mean is over positives, the sum is over a positive and the negatives of its row,
/// and K is the number of terms in that sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct InfoNce;

impl<T: Scalar> Bound<T> for InfoNce {
    fn name(&self) -> &'static str {
        "infonce"
    }

    fn row(&self, mut row: Row<'_, T>, statistics: &mut [RowStatistics]) {
        let negatives = exponentials(&mut row);
        let excess = log_candidates(row.negatives_count(), row.counts().negatives);
        for (column, of_positive) in row.positives().zip(statistics) {
            let score = row.score(column);
            let softmax = SoftMax::new(negatives.relative(score), negatives.log_sum);
            *of_positive = RowStatistics {
                extra: softmax.log_share + excess,
                // This factor turns the row's weights into a softmax over the full row; an infinite
                // negative takes all the weight.
                log_weight: match negatives.shift {
                    f64::INFINITY => 0.0,
                    shift => shift - softmax.all,
                },
                positive_gradient: softmax.rest,
                ..negatives.differences(score)
            };
        }
    }

    fn finish(&self, rows: &mut [RowStatistics], counts: Counts) -> Outcome {
        let k = rows.len() as f64;
        for row in &mut *rows {
            row.positive_gradient /= k;
        }
        let candidates = (counts.negatives + 1) as f64;
        let estimate = candidates.ln() + mean(rows, |row| row.extra);
        Outcome { form: Form::CrossEntropy, ..Outcome::new(estimate, -k.ln()) }
    }

    fn allows_no_negatives(&self) -> bool {
        true
    }

    fn cap(&self, negatives: usize) -> Option<f64> {
        Some(((negatives + 1) as f64).ln())
    }
}

/// The logarithm of the number of candidates (a positive and its negatives), relative to the
/// largest number of candidates of any positive.
pub(super) fn log_candidates(negatives: usize, most: usize) -> f64 {
    if negatives == most {
        return 0.0;
    }
    ((negatives + 1) as f64).ln() - ((most + 1) as f64).ln()
}

/// A positive and its negatives.
#[derive(Clone, Copy, Debug)]
pub(super) struct SoftMax {
    /// The log-sum-exp of the positive and the negatives.
    pub(super) all: f64,
    /// The logarithm of the positive's share; NaN where infinities leave it undefined.
    pub(super) log_share: f64,
    /// The share of the negatives, 1 − softmax, without cancellation.
    pub(super) rest: f64,
}

impl SoftMax {
    /// `negatives` is the log-sum-exp of the negatives.
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
