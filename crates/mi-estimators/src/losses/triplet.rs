use mi_kernels::Scalar;
use mi_random::Stream;
use serde::{Deserialize, Serialize};

use super::{check_margin, hinge};
use crate::EstimatorError;
use crate::bounds::{Bound, Counts, Outcome, Pairs, Row, RowStatistics};

/// The triplet loss with negatives chosen from the batch.
///
/// # Formula
/// `mean_p max(0, D_p − D_n(p) + m)` over positives p, with one negative n(p) from the row of each
/// (Schroff, Kalenichenko and Philbin, 2015, eq. 3); for [`Mining::EverySemiHard`] the mean is over
/// all chosen triplets. Terms that are 0 count in the mean.
///
/// Scores are −D, where D is usually a *squared* Euclidean distance of unit vectors; any critic can
/// be used, as only differences of scores matter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Triplet {
    /// The margin m, in units of D; 0 or above.
    pub margin: f64,
    /// Which negatives are taken.
    pub mining: Mining,
    /// The number of batches so far, which determines the next random negatives.
    #[serde(default)]
    batches: u64,
}

/// How negatives of triplets are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Mining {
    /// One at random for each positive, from a separate stream for each row and batch.
    Random {
        /// The seed of the streams.
        seed: u64,
    },
    /// The nearest.
    Hardest,
    /// The nearest of those farther away than the positive, or the farthest if none is
    /// (`TensorFlow`'s `triplet_semihard_loss`). It may lie beyond the margin.
    SemiHard,
    /// All that are farther away than the positive by less than the margin.
    EverySemiHard,
}

impl Triplet {
    /// A loss with this margin and rule.
    pub fn new(margin: f64, mining: Mining) -> Self {
        Self { margin, mining, batches: 0 }
    }

    /// The index, among a row's negatives, of the one chosen for a positive.
    fn choose<T: Scalar>(
        &self,
        row: &Row<'_, T>,
        positive: f64,
        random: &mut Option<Stream>,
    ) -> usize {
        if let Some(stream) = random {
            return stream.below(row.negatives_count());
        }
        let negatives = row.negatives().flatten().map(|&s| s.to_f64()).enumerate();
        // NaN is nearer than every number, so that it is not passed over.
        let nearest =
            |a: (usize, f64), b: (usize, f64)| if b.1 > a.1 || b.1.is_nan() { b } else { a };
        let farthest = |a: (usize, f64), b: (usize, f64)| if b.1 < a.1 { b } else { a };
        let chosen = if self.mining == Mining::SemiHard {
            let beyond = |&(_, score): &(usize, f64)| score < positive || score.is_nan();
            let beyond = negatives.clone().filter(beyond).reduce(nearest);
            beyond.or_else(|| negatives.reduce(farthest))
        } else {
            negatives.reduce(nearest)
        };
        chosen.map_or(0, |(place, _)| place)
    }

    /// Whether [`Mining::EverySemiHard`] takes a negative; NaN is taken, not passed over.
    fn every(&self, score: f64, positive: f64) -> bool {
        score.is_nan() || (score < positive && positive < score + self.margin)
    }
}

impl<T: Scalar> Bound<T> for Triplet {
    fn name(&self) -> &'static str {
        "triplet"
    }

    fn check(&self, _: &Pairs) -> Result<(), EstimatorError> {
        check_margin("the margin of the triplet loss", self.margin)
    }

    fn row(&self, mut row: Row<'_, T>, statistics: &mut [RowStatistics]) {
        let mut random = match self.mining {
            Mining::Random { seed } => {
                Some(Stream::new(seed, &format!("triplets {} {}", self.batches, row.index())))
            }
            _ => None,
        };
        let every = matches!(self.mining, Mining::EverySemiHard);
        for (p, column) in row.positives().enumerate() {
            let positive = row.score(column);
            let mut found = RowStatistics {
                positive,
                // The weights of a row are the sum over all its positives.
                log_weight: if p == 0 { 0.0 } else { f64::NEG_INFINITY },
                ..RowStatistics::default()
            };
            let hinge = |score: f64| hinge(score - positive + self.margin);
            let mut scores = row.negatives().flatten().map(|&s| s.to_f64());
            if every {
                let chosen = scores.filter(|&score| self.every(score, positive));
                let (sum, count) =
                    chosen.fold((0.0, 0.0), |(sum, n), score| (sum + hinge(score), n + 1.0));
                (found.log_sum, found.extra, found.positive_gradient) = (sum, count, count);
            } else {
                let place = self.choose(&row, positive, &mut random);
                let loss = hinge(scores.nth(place).unwrap_or(f64::NAN));
                let active = f64::from(u8::from(loss > 0.0));
                (found.log_sum, found.extra) = (loss, place as f64);
                found.positive_gradient = if loss.is_nan() { f64::NAN } else { active };
            }
            statistics[p] = found;
        }
        if !row.wants_weights() {
            return;
        }
        for (place, s) in row.negatives_mut().flatten().enumerate() {
            let score = s.to_f64();
            let pulls = |of_positive: &&RowStatistics| {
                if every {
                    self.every(score, of_positive.positive)
                } else {
                    of_positive.extra == place as f64 && of_positive.positive_gradient != 0.0
                }
            };
            *s = T::from_f64(statistics.iter().filter(pulls).count() as f64);
        }
    }

    fn finish(&self, rows: &mut [RowStatistics], counts: Counts) -> Outcome {
        let triplets = match self.mining {
            Mining::EverySemiHard => rows.iter().map(|row| row.extra).sum::<f64>().max(1.0),
            _ => counts.positives as f64,
        };
        for row in &mut *rows {
            row.positive_gradient /= triplets;
        }
        let loss = rows.iter().map(|row| row.log_sum).sum::<f64>() / triplets;
        Outcome::new(-loss, -triplets.ln())
    }

    fn advance(&mut self, _: &Outcome) {
        self.batches += 1;
    }
}
