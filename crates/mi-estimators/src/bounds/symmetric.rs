use mi_kernels::{Logarithm, Scalar};

use super::infonce::SoftMax;
use super::rows::{exponentials, mean, split};
use super::{Bound, Outcome, Row, RowStatistics};

/// The mean of `InfoNCE` over rows and over columns (Radford et al., 2021, "CLIP"; Tian et al.,
/// 2020, "CMC").
///
/// Streams in two sweeps: sums over columns come first, so scores are computed twice when they
/// do not fit in one panel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symmetric;

impl<T: Scalar> Bound<T> for Symmetric {
    fn needs_columns(&self) -> bool {
        true
    }

    fn row(&self, mut row: Row<'_, T>) -> RowStatistics {
        let Some(columns) = row.columns else {
            unreachable!("`needs_columns` promises sums over columns");
        };
        let weights = std::mem::replace(&mut row.weights, false);
        let negatives = exponentials(&mut row);
        let in_row = SoftMax::new(negatives.positive, negatives.log_sum);
        let (left, diagonal, right) = split(row.scores, row.index);
        let own = diagonal.to_f64() - columns.negatives.origin;
        let in_column = SoftMax::new(own, columns.negatives.rest);
        if weights {
            *diagonal = T::zero();
            let all = Logarithm { origin: negatives.origin, rest: in_row.all };
            if let (0.0, None) = (all.origin, columns.exact) {
                let (left_sums, right_sums) = columns.all.split_at(row.index);
                soft_max_both(left, T::from_f64(all.rest), left_sums);
                soft_max_both(right, T::from_f64(all.rest), &right_sums[1..]);
            } else {
                let exact = |j: usize| match columns.exact {
                    Some(exact) => exact[j],
                    None => Logarithm::new(columns.all[j].to_f64()),
                };
                for (j, s) in left.iter_mut().enumerate() {
                    *s = share_of_both(*s, all, exact(j));
                }
                for (j, s) in (row.index + 1..).zip(right) {
                    *s = share_of_both(*s, all, exact(j));
                }
            }
        }
        RowStatistics {
            auxiliary: f64::midpoint(in_row.log_share, in_column.log_share),
            positive_gradient: in_row.rest + in_column.rest,
            ..negatives.statistics()
        }
    }

    fn finish(&self, rows: &mut [RowStatistics]) -> Outcome {
        let k = rows.len() as f64;
        for row in &mut *rows {
            row.positive_gradient /= 2.0 * k;
        }
        Outcome::of(k.ln() + mean(rows, |row| row.auxiliary), -(2.0 * k).ln())
    }
}

/// exp(s − row's log-sum) + exp(s − column's log-sum) for sums that `T` would round too much.
fn share_of_both<T: Scalar>(s: T, row: Logarithm, column: Logarithm) -> T {
    let share = |sum: Logarithm| match s.to_f64() {
        f64::NEG_INFINITY => 0.0,
        // exp(∞ − ∞) = 1: an infinite score has all of the weight.
        s if s == sum.value() && s.is_infinite() => 1.0,
        s => sum.below(s).exp(),
    };
    T::from_f64(share(row) + share(column))
}

/// s ← exp(s − row's log-sum) + exp(s − column's log-sum).
fn soft_max_both<T: Scalar>(scores: &mut [T], row: T, columns: &[T]) {
    if !row.is_infinite() && columns.iter().all(|column| !column.is_infinite()) {
        return mi_kernels::exp_shifted_twice(scores, row, columns);
    }
    // exp(∞ − ∞) = 1: an infinite score has all of the weight.
    let share = |s: T, all: T| if s == all { T::one() } else { (s - all).exp() };
    for (s, &column) in scores.iter_mut().zip(columns) {
        let low = *s == T::neg_infinity();
        *s = if low { T::zero() } else { share(*s, row) + share(*s, column) };
    }
}
