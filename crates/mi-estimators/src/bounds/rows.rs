//! Helpers that turn rows of scores into exponentials and statistics.

use mi_kernels::{Logarithm, Scalar, exp_shifted, maximum, origin_for, sum_exp_shifted};

use super::{Counts, Row, RowStatistics};

/// The negatives of a row as exponentials.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exponentials {
    /// The origin of the other fields: 0, or the largest negative where it is so large that sums
    /// would lose the rest to rounding.
    pub(super) origin: f64,
    /// The largest negative minus the origin; weights are exp(S − largest).
    pub(super) shift: f64,
    /// `log Σ exp S_ij − origin` over negatives.
    pub(super) log_sum: f64,
}

/// The largest negative of a row, if there is one; NaN is skipped.
pub(super) fn largest_negative<T: Scalar>(row: &Row<'_, T>) -> T {
    let larger = |top: T, x: T| if top > x { top } else { x };
    row.negatives().map(maximum).reduce(larger).unwrap_or_else(T::neg_infinity)
}

/// Replaces the negatives of a row by exp(S − largest negative), or, when no weights are wanted,
/// leaves the row as it is.
///
/// If all negatives are −∞, the weights are 0 and the log-sum is −∞. Where +∞ occurs, its weight is
/// 1, all others are 0, and the log-sum is +∞. NaN anywhere makes the log-sum NaN.
pub(super) fn exponentials<T: Scalar>(row: &mut Row<'_, T>) -> Exponentials {
    let largest = largest_negative(row);
    let origin = origin_for(largest.to_f64());
    let shift = largest.to_f64() - origin;
    let log_sum = if largest.is_infinite() {
        infinite(row, largest)
    } else if row.wants_weights() {
        let mut sum = 0.0;
        for part in row.negatives_mut() {
            sum += exp_shifted(part, largest);
        }
        shift + sum.ln()
    } else {
        let all = T::infinity();
        let mut sum = 0.0;
        for part in row.negatives() {
            sum += sum_exp_shifted(part, all, largest);
        }
        shift + sum.ln()
    };
    Exponentials { origin, shift, log_sum }
}

/// The limit of [`exponentials`] where the largest negative is ±∞ or there is none.
fn infinite<T: Scalar>(row: &mut Row<'_, T>, largest: T) -> f64 {
    if row.negatives().flatten().any(|s| s.is_nan()) {
        return f64::NAN;
    }
    if row.wants_weights() {
        let top = T::infinity();
        for s in row.negatives_mut().flatten() {
            *s = if *s == top { T::one() } else { T::zero() };
        }
    }
    largest.to_f64()
}

impl Exponentials {
    /// A positive score relative to the origin.
    pub(super) fn relative(self, score: f64) -> f64 {
        score - self.origin
    }

    /// Statistics of a positive, without gradient factors.
    pub(super) fn statistics(self, score: f64) -> RowStatistics {
        RowStatistics {
            origin: self.origin,
            positive: self.relative(score),
            log_sum: self.log_sum,
            ..RowStatistics::default()
        }
    }

    /// Statistics of a bound that uses only differences within a row, so that the origin cancels.
    pub(super) fn differences(self, score: f64) -> RowStatistics {
        RowStatistics { origin: 0.0, ..self.statistics(score) }
    }
}

/// `log Σ exp log_sum` over rows, after [`rebase`].
pub(super) fn log_total(rows: &[RowStatistics]) -> f64 {
    Logarithm::of_sum(rows.iter().map(|row| row.log_sum)).value()
}

/// Makes positives and log-sums of all rows relative to one origin, and returns it: 0 for ordinary
/// scores.
pub(super) fn rebase(rows: &mut [RowStatistics]) -> f64 {
    let top = |row: &RowStatistics| row.origin + row.positive.max(row.log_sum);
    let origin = origin_for(rows.iter().map(top).fold(f64::NEG_INFINITY, f64::max));
    for row in rows {
        let moved = row.origin - origin;
        row.origin = origin;
        row.positive += moved;
        row.log_sum += moved;
    }
    origin
}

/// The mean over rows.
pub(super) fn mean(rows: &[RowStatistics], value: impl Fn(&RowStatistics) -> f64) -> f64 {
    rows.iter().map(value).sum::<f64>() / rows.len() as f64
}

/// The logarithm of the number of positive–negative pairs: log(K(K−1)) for a square.
pub(super) fn log_negatives(counts: Counts) -> f64 {
    (counts.positives as f64 * counts.negatives as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::{Context, Pairs};

    #[test]
    fn rows_of_infinities_have_finite_weights() {
        let inf = f32::INFINITY;
        let run = |mut scores: Vec<f32>, weights| {
            let pairs = Pairs::square(3);
            let mut row = Row::new((&mut scores, 1), &pairs, Context::NONE, weights);
            (exponentials(&mut row).log_sum, scores)
        };
        let low = f64::NEG_INFINITY;
        assert_eq!(run(vec![-inf, 7.0, -inf], true), (low, vec![0.0, 7.0, 0.0]));
        assert_eq!(run(vec![inf, 7.0, 0.0], true), (f64::INFINITY, vec![1.0, 7.0, 0.0]));
        assert_eq!(run(vec![inf, 7.0, 0.0], false), (f64::INFINITY, vec![inf, 7.0, 0.0]));
        assert!(run(vec![f32::NAN, 7.0, 0.0], true).0.is_nan());
        assert!(run(vec![f32::NAN, 7.0, inf], true).0.is_nan());
        assert!(run(vec![f32::NAN, 7.0, -inf], true).0.is_nan());
        // The positive is not included.
        assert_eq!(run(vec![0.0, inf, -inf], true), (0.0, vec![1.0, inf, 0.0]));
    }
}
