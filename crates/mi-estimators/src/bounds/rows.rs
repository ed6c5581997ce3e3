//! What rows of scores are turned into.

use mi_kernels::{Logarithm, Scalar, exp_shifted, maximum, origin_for, sum_exp_shifted};

use super::{Row, RowStatistics};

/// The negatives of a row as exponentials.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exponentials {
    /// What the others are relative to: 0, or the largest negative where it is so large that sums
    /// would round the rest away.
    pub(super) origin: f64,
    /// `S_ii − origin`
    pub(super) positive: f64,
    /// The largest negative minus the origin; weights are exp(S − largest).
    pub(super) shift: f64,
    /// `log Σ_{j≠i} exp S_ij − origin`
    pub(super) log_sum: f64,
}

/// Splits a row around its positive.
pub(super) fn split<T: Scalar>(scores: &mut [T], index: usize) -> (&mut [T], &mut T, &mut [T]) {
    let (left, rest) = scores.split_at_mut(index);
    match rest.split_first_mut() {
        Some((positive, right)) => (left, positive, right),
        None => unreachable!("row {index} has no element on the diagonal"),
    }
}

/// Replaces the negatives of a row by exp(S − largest negative) and the positive by 0, or, when
/// no weights are wanted, leaves the row as it is.
///
/// A row of nothing but −∞ has weights 0 and log-sum −∞; where +∞ occurs, its weights are 1, all
/// others 0, and the log-sum is +∞. NaN anywhere makes the log-sum NaN.
pub(super) fn exponentials<T: Scalar>(row: &mut Row<'_, T>) -> Exponentials {
    let (left, diagonal, right) = split(row.scores, row.index);
    let largest = maximum(left);
    let largest = if largest > maximum(right) { largest } else { maximum(right) };
    let origin = origin_for(largest.to_f64());
    let (positive, shift) = (diagonal.to_f64() - origin, largest.to_f64() - origin);
    let log_sum = if largest.is_infinite() {
        infinite(left, right, largest, row.weights)
    } else if row.weights {
        shift + (exp_shifted(left, largest) + exp_shifted(right, largest)).ln()
    } else {
        let all = T::infinity();
        let sum = sum_exp_shifted(left, all, largest) + sum_exp_shifted(right, all, largest);
        shift + sum.ln()
    };
    if row.weights {
        *diagonal = T::zero();
    }
    Exponentials { origin, positive, shift, log_sum }
}

/// The limit of [`exponentials`] where the largest negative is ±∞ or there is none.
fn infinite<T: Scalar>(left: &mut [T], right: &mut [T], largest: T, weights: bool) -> f64 {
    if left.iter().chain(&*right).any(|s| s.is_nan()) {
        return f64::NAN;
    }
    if weights {
        let top = T::infinity();
        for s in left.iter_mut().chain(right) {
            *s = if *s == top { T::one() } else { T::zero() };
        }
    }
    largest.to_f64()
}

impl Exponentials {
    /// Statistics without gradient factors.
    pub(super) fn statistics(self) -> RowStatistics {
        RowStatistics {
            origin: self.origin,
            positive: self.positive,
            log_sum: self.log_sum,
            ..RowStatistics::default()
        }
    }

    /// Statistics of a bound that looks at differences within a row only, of which the origin is
    /// no part.
    pub(super) fn differences(self) -> RowStatistics {
        RowStatistics { origin: 0.0, ..self.statistics() }
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

/// log(K(K−1)), the number of negatives.
pub(super) fn log_negatives(rows: &[RowStatistics]) -> f64 {
    let k = rows.len() as f64;
    (k * (k - 1.0)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_infinities_have_finite_weights() {
        let inf = f32::INFINITY;
        let run = |mut scores: Vec<f32>, weights| {
            let row =
                &mut Row { index: 1, scores: &mut scores, learned: 0.0, columns: None, weights };
            (exponentials(row).log_sum, scores)
        };
        assert_eq!(run(vec![-inf, 7.0, -inf], true), (f64::NEG_INFINITY, vec![0.0; 3]));
        assert_eq!(run(vec![inf, 7.0, 0.0], true), (f64::INFINITY, vec![1.0, 0.0, 0.0]));
        assert_eq!(run(vec![inf, 7.0, 0.0], false), (f64::INFINITY, vec![inf, 7.0, 0.0]));
        assert!(run(vec![f32::NAN, 7.0, 0.0], true).0.is_nan());
        assert!(run(vec![f32::NAN, 7.0, inf], true).0.is_nan());
        assert!(run(vec![f32::NAN, 7.0, -inf], true).0.is_nan());
        // The positive takes no part.
        assert_eq!(run(vec![0.0, inf, -inf], true), (0.0, vec![1.0, 0.0, 0.0]));
    }
}
