use mi_kernels::{Logarithm, Scalar, log_add};

use super::infonce::{SoftMax, log_candidates};
use super::rows::{exponentials, mean};
use super::{Bound, Counts, Form, Outcome, Row, RowStatistics};

/// The mean of `InfoNCE` over rows and over columns (Radford et al., 2021, "CLIP"; Tian et al.,
/// 2020, "CMC").
///
/// Needs two sweeps: sums over columns come first, so scores are computed twice when they do not
/// fit in one panel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Symmetric;

impl<T: Scalar> Bound<T> for Symmetric {
    fn name(&self) -> &'static str {
        "infonce-symmetric"
    }

    fn needs_columns(&self) -> bool {
        true
    }

    fn row(&self, mut row: Row<'_, T>, statistics: &mut [RowStatistics]) {
        let Some(columns) = row.columns() else {
            unreachable!("`needs_columns` guarantees sums over columns");
        };
        let weights = row.without_weights();
        let negatives = exponentials(&mut row);
        let counts = row.counts();
        let excess = log_candidates(row.negatives_count(), counts.negatives);
        // −log Σ exp(−the log-sum of each positive and the negatives).
        let mut all: Option<f64> = None;
        for (column, of_positive) in row.positives().zip(statistics) {
            let score = row.score(column);
            let in_row = SoftMax::new(negatives.relative(score), negatives.log_sum);
            // The weights of a row are the sum over all its positives.
            let log_weight = if all.is_none() { 0.0 } else { f64::NEG_INFINITY };
            all = Some(all.map_or(in_row.all, |all| -log_add(-all, -in_row.all)));
            let below = columns.negatives[column];
            let in_column = SoftMax::new(score - below.origin, below.rest);
            let column_excess = log_candidates(row.column_count(column), counts.column_negatives);
            *of_positive = RowStatistics {
                extra: f64::midpoint(
                    in_row.log_share + excess,
                    in_column.log_share + column_excess,
                ),
                positive_gradient: in_row.rest + in_column.rest,
                log_weight,
                ..negatives.statistics(score)
            };
        }
        let all = Logarithm { origin: negatives.origin, rest: all.unwrap_or(f64::INFINITY) };
        if !weights {
            return;
        }
        let stretches = row.negative_columns();
        for (part, stretch) in row.negatives_mut().zip(stretches) {
            if let (0.0, None) = (all.origin, columns.exact) {
                soft_max_both(part, T::from_f64(all.rest), &columns.all[stretch.clone()]);
            } else {
                for (s, column) in part.iter_mut().zip(stretch.clone()) {
                    let of_column = match columns.exact {
                        Some(exact) => exact[column],
                        None => Logarithm::new(columns.all[column].to_f64()),
                    };
                    *s = share_of_both(*s, all, of_column);
                }
            }
        }
    }

    fn finish(&self, rows: &mut [RowStatistics], counts: Counts) -> Outcome {
        let k = rows.len() as f64;
        for row in &mut *rows {
            row.positive_gradient /= 2.0 * k;
        }
        let candidates = |negatives: usize| ((negatives + 1) as f64).ln();
        let most = f64::midpoint(candidates(counts.negatives), candidates(counts.column_negatives));
        let estimate = most + mean(rows, |row| row.extra);
        Outcome { form: Form::CrossEntropy, ..Outcome::new(estimate, -(2.0 * k).ln()) }
    }

    fn allows_no_negatives(&self) -> bool {
        true
    }

    fn cap(&self, negatives: usize) -> Option<f64> {
        Some(((negatives + 1) as f64).ln())
    }
}

/// exp(s − row's log-sum) + exp(s − column's log-sum) for sums that are too large for the precision
/// of `T`.
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
