use mi_kernels::{Logarithm, Scalar, log_add};
use serde::{Deserialize, Serialize};

use super::{check_margin, distance, hinge, slope};
use crate::EstimatorError;
use crate::bounds::{Bound, Counts, Outcome, Pairs, Row, RowStatistics};

/// The lifted structured loss: a positive pair competes with all negatives of both its members.
///
/// # Formula
/// With Euclidean distances D and the margin α,
/// `J_ij = D_ij + log(Σ_k exp(α − D_ik) + Σ_l exp(α − D_jl))` over the negatives k of i and l of j,
/// and the loss is `½ mean max(0, J_ij)²` over positive pairs (Oh Song et al., 2016, eq. 4).
///
/// Both sides are the same embeddings, as in [`Pairs::both_views`], and scores are −D². It needs
/// one more sweep over the scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LiftedStructure {
    /// The margin α, a distance; 0 or above.
    pub margin: f64,
}

impl LiftedStructure {
    /// A loss with this margin.
    pub fn new(margin: f64) -> Self {
        Self { margin }
    }
}

impl<T: Scalar> Bound<T> for LiftedStructure {
    fn name(&self) -> &'static str {
        "lifted structure"
    }

    fn check(&self, pairs: &Pairs) -> Result<(), EstimatorError> {
        check_margin("the margin of the lifted structured loss", self.margin)?;
        let (rows, columns) = pairs.dim();
        let positives = pairs.positives();
        let mirrored = |&(i, j): &(usize, usize)| positives.binary_search(&(j, i)).is_ok();
        if rows == columns && positives.iter().all(mirrored) {
            return Ok(());
        }
        let problem = "the lifted structured loss needs the same embeddings as rows and as columns, \
                       and with each positive (i, j) the positive (j, i)";
        Err(EstimatorError::Pairs { rows, columns, problem: problem.to_owned() })
    }

    fn needs_survey(&self) -> bool {
        true
    }

    fn survey(&self, row: &Row<'_, T>) -> f64 {
        let terms = row.negatives().flatten().map(|&s| self.margin - distance(s.to_f64()));
        Logarithm::of_sum(terms).value()
    }

    fn row(&self, mut row: Row<'_, T>, statistics: &mut [RowStatistics]) {
        let own = row.surveyed(row.index());
        for (column, of_positive) in row.positives().zip(statistics) {
            let score = row.score(column);
            let both = log_add(own, row.surveyed(column));
            let j = distance(score) + both;
            *of_positive = RowStatistics {
                positive: score,
                extra: j,
                // A pair appears in two rows, and each member's negatives count in both.
                log_weight: if j > 0.0 { j.ln() + own - both } else { f64::NEG_INFINITY },
                ..RowStatistics::default()
            };
        }
        if row.wants_weights() {
            for s in row.negatives_mut().flatten() {
                let apart = distance(s.to_f64());
                // Coinciding points get no gradient.
                let share = (self.margin - apart - own).exp();
                *s = T::from_f64(if apart == 0.0 { 0.0 } else { share / apart });
            }
        }
    }

    fn finish(&self, rows: &mut [RowStatistics], counts: Counts) -> Outcome {
        let k = counts.positives as f64;
        let loss = rows.iter().map(|row| hinge(row.extra).powi(2)).sum::<f64>() / (2.0 * k);
        for row in rows {
            row.positive_gradient = hinge(row.extra) * slope(distance(row.positive)) / k;
        }
        Outcome::new(-loss, -k.ln())
    }
}
