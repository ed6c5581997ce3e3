use mi_kernels::Scalar;
use serde::{Deserialize, Serialize};

use super::{check_margin, distance, hinge};
use crate::EstimatorError;
use crate::bounds::{Bound, Counts, Outcome, Pairs, Row, RowStatistics};

/// The contrastive loss: positives are pulled together, and negatives are pushed apart up to a
/// margin.
///
/// # Formula
/// `mean_p [½ D_p² + ½ mean_j max(0, m − D_ij)²]` with distances D, over positives p and the
/// negatives j of their rows (Hadsell, Chopra and LeCun, 2006, eq. 4, which does not fix the
/// weights of positive and negative pairs).
///
/// Scores are −D².
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Contrastive {
    /// The margin m, a distance; 0 or above.
    pub margin: f64,
}

impl Contrastive {
    /// A loss with this margin.
    pub fn new(margin: f64) -> Self {
        Self { margin }
    }
}

impl<T: Scalar> Bound<T> for Contrastive {
    fn name(&self) -> &'static str {
        "contrastive"
    }

    fn check(&self, _: &Pairs) -> Result<(), EstimatorError> {
        check_margin("the margin of the contrastive loss", self.margin)
    }

    fn row(&self, mut row: Row<'_, T>, statistics: &mut [RowStatistics]) {
        let n = row.negatives_count() as f64;
        let short = |s: T| hinge(self.margin - distance(s.to_f64()));
        let sum: f64 = row.negatives().flatten().map(|&s| short(s).powi(2)).sum();
        for (column, of_positive) in row.positives().zip(statistics) {
            *of_positive = RowStatistics {
                positive: row.score(column),
                extra: sum / n,
                log_weight: -n.ln(),
                ..RowStatistics::default()
            };
        }
        if row.wants_weights() {
            for s in row.negatives_mut().flatten() {
                let apart = distance(s.to_f64());
                // Coinciding points get no gradient.
                let weight = if apart == 0.0 { 0.0 } else { short(*s) / (2.0 * apart) };
                *s = T::from_f64(weight);
            }
        }
    }

    fn finish(&self, rows: &mut [RowStatistics], counts: Counts) -> Outcome {
        let k = counts.positives as f64;
        let loss = rows.iter().map(|row| f64::midpoint(-row.positive, row.extra)).sum::<f64>();
        for row in rows {
            row.positive_gradient = 0.5 / k;
        }
        Outcome::new(-loss / k, -k.ln())
    }
}
