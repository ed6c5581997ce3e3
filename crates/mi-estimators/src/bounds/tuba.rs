use mi_kernels::Scalar;

use super::rows::{Exponentials, exponentials, log_negatives, mean};
use super::{Bound, Counts, LearnedOf, Outcome, Row, RowStatistics};

/// `1 + mean_i (S_ii − log a_i) − mean_{i≠j} exp(S_ij − log a_i)` for numbers `a_i > 0`
/// (Poole et al., 2019, eq. 6).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tuba {
    /// `a_i = e`: NWJ, or the f-divergence form of KL (Nguyen et al., 2010; Nowozin et al., 2016).
    Constant,
    /// `log a_i` is the row's learned number.
    Learned,
    /// `log a_i = S_ii + u_i` with the row's learned number `u_i`: FLO (Guo et al., 2022), where
    /// the positive score remains only in the exponents.
    Flo,
}

impl Tuba {
    /// `log a`, relative to the row's origin.
    fn log_a(self, negatives: &Exponentials, score: f64, learned: f64) -> f64 {
        match self {
            Self::Constant => 1.0 - negatives.origin,
            Self::Learned => learned - negatives.origin,
            Self::Flo => negatives.relative(score) + learned,
        }
    }
}

impl<T: Scalar> Bound<T> for Tuba {
    fn name(&self) -> &'static str {
        match self {
            Self::Constant => "nwj",
            Self::Learned => "tuba",
            Self::Flo => "flo",
        }
    }

    fn row(&self, mut row: Row<'_, T>, statistics: &mut [RowStatistics]) {
        let mut negatives = exponentials(&mut row);
        let excess = row.log_excess();
        negatives.log_sum += excess;
        for (p, (column, of_positive)) in row.positives().zip(statistics).enumerate() {
            let score = row.score(column);
            let log_a = self.log_a(&negatives, score, row.learned(p));
            *of_positive = RowStatistics {
                extra: log_a,
                log_weight: negatives.shift + excess - log_a,
                ..negatives.differences(score)
            };
        }
    }

    fn finish(&self, rows: &mut [RowStatistics], counts: Counts) -> Outcome {
        let k = rows.len() as f64;
        let log_row = (counts.negatives as f64).ln();
        for row in &mut *rows {
            // The row's mean over negatives of exp(S − log a); the rows' mean is the second term.
            let ratio = (row.log_sum - log_row - row.extra).exp();
            if !matches!(self, Self::Constant) {
                row.learned_gradient = (ratio - 1.0) / k;
            }
            row.positive_gradient = if matches!(self, Self::Flo) { ratio / k } else { 1.0 / k };
        }
        let first = mean(rows, |row| row.positive - row.extra);
        let second = mean(rows, |row| (row.log_sum - log_row - row.extra).exp());
        Outcome::new(1.0 + first - second, -log_negatives(counts))
    }

    fn learned(&self) -> Option<LearnedOf> {
        match self {
            Self::Constant => None,
            Self::Learned => Some(LearnedOf::X),
            Self::Flo => Some(LearnedOf::Pair),
        }
    }
}
