use mi_kernels::{Logarithm, Scalar};
use serde::{Deserialize, Serialize};

use super::{check_margin, distance, hinge, slope};
use crate::EstimatorError;
use crate::bounds::{Bound, Counts, Outcome, Pairs, Row, RowStatistics};

/// The generalised lifted structured loss: an anchor's positives, all together, compete with its
/// negatives.
///
/// # Formula
/// With Euclidean distances D and the margin m, `J_i = log Σ_p exp D_ip + log Σ_k exp(m − D_ik)`
/// over the positives p and the negatives k of an anchor i, and the loss is `mean max(0, J_i)` over
/// anchors (Hermans, Beyer and Leibe, 2017, eq. 5). With one positive each, the first term is its
/// distance.
///
/// Scores are −D². Unlike [`LiftedStructure`](super::LiftedStructure), it reads only the anchor's
/// own row, so rows and columns may be different embeddings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct GeneralisedLifted {
    /// The margin m, a distance; 0 or above.
    pub margin: f64,
}

impl GeneralisedLifted {
    /// A loss with this margin.
    pub fn new(margin: f64) -> Self {
        Self { margin }
    }
}

impl<T: Scalar> Bound<T> for GeneralisedLifted {
    fn name(&self) -> &'static str {
        "generalised lifted structure"
    }

    fn check(&self, _: &Pairs) -> Result<(), EstimatorError> {
        check_margin("the margin of the generalised lifted structured loss", self.margin)
    }

    fn row(&self, mut row: Row<'_, T>, statistics: &mut [RowStatistics]) {
        let apart = |column: usize| distance(row.score(column));
        let of_positives = Logarithm::of_sum(row.positives().map(apart)).value();
        let terms = row.negatives().flatten().map(|&s| self.margin - distance(s.to_f64()));
        let of_negatives = Logarithm::of_sum(terms).value();
        let j = of_positives + of_negatives;
        let share = 1.0 / row.positives().len() as f64;
        for (column, of_positive) in row.positives().zip(statistics) {
            let apart = apart(column);
            *of_positive = RowStatistics {
                positive: row.score(column),
                // Over an anchor's positives, `log_sum` adds up to 1 and `extra` to its loss.
                log_sum: share,
                extra: share * hinge(j),
                log_weight: if j > 0.0 { share.ln() } else { f64::NEG_INFINITY },
                positive_gradient: if j > 0.0 {
                    (apart - of_positives).exp() * slope(apart)
                } else {
                    0.0
                },
                ..RowStatistics::default()
            };
        }
        if row.wants_weights() {
            for s in row.negatives_mut().flatten() {
                let apart = distance(s.to_f64());
                let share = (self.margin - apart - of_negatives).exp();
                *s = T::from_f64(share * slope(apart));
            }
        }
    }

    fn finish(&self, rows: &mut [RowStatistics], _: Counts) -> Outcome {
        let anchors = rows.iter().map(|row| row.log_sum).sum::<f64>().round();
        let loss = rows.iter().map(|row| row.extra).sum::<f64>() / anchors;
        for row in rows {
            row.positive_gradient /= anchors;
        }
        Outcome::new(-loss, -anchors.ln())
    }
}
