//! The objective of a term, with the state that it carries from batch to batch.

use mi_estimators::EstimatorError;
use mi_estimators::bounds::{Bound, BoundSpec, Evaluation, Objective};
use mi_estimators::losses::{
    Contrastive, GeneralisedLifted, LiftedStructure, Mining, NoiseContrastive, Triplet,
};
use serde::{Deserialize, Serialize};

use crate::multi_view::ObjectiveSpec;

/// A bound or a loss with its state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Maximised {
    Bound(Objective),
    JensenShannon(Objective),
    Triplet(Triplet),
    Contrastive(Contrastive),
    LiftedStructure(LiftedStructure),
    GeneralisedLifted(GeneralisedLifted),
    NoiseContrastive(NoiseContrastive),
}

impl Maximised {
    /// Creates the objective for a trial with this seed and this number of training images.
    pub(super) fn new(
        spec: &ObjectiveSpec,
        target: Option<f64>,
        (seed, images): (u64, usize),
    ) -> Result<Self, EstimatorError> {
        Ok(match *spec {
            ObjectiveSpec::Bound(ref bound) => Self::Bound(Objective::new(bound, target)?),
            ObjectiveSpec::JensenShannon => {
                Self::JensenShannon(Objective::new(&BoundSpec::JensenShannon, None)?)
            }
            ObjectiveSpec::Triplet { margin, mining } => {
                let mining = match mining {
                    Mining::Random { seed: own } => {
                        Mining::Random { seed: own.wrapping_add(seed.wrapping_mul(1 << 20)) }
                    }
                    other => other,
                };
                Self::Triplet(Triplet::new(margin, mining))
            }
            ObjectiveSpec::Contrastive { margin } => Self::Contrastive(Contrastive::new(margin)),
            ObjectiveSpec::LiftedStructure { margin, generalised: false } => {
                Self::LiftedStructure(LiftedStructure::new(margin))
            }
            ObjectiveSpec::LiftedStructure { margin, generalised: true } => {
                Self::GeneralisedLifted(GeneralisedLifted::new(margin))
            }
            ObjectiveSpec::NoiseContrastive { rate } => {
                Self::NoiseContrastive(NoiseContrastive::new(images).with_running_z(rate))
            }
        })
    }

    /// `InfoNCE`, which is reported where the term's own objective cannot be.
    pub(super) fn info_nce(symmetric: bool) -> Result<Self, EstimatorError> {
        let bound = if symmetric { BoundSpec::InfoNceSymmetric } else { BoundSpec::InfoNce };
        Objective::new(&bound, None).map(Self::Bound)
    }

    pub(super) fn as_bound(&mut self) -> &mut dyn Bound<f32> {
        match self {
            Self::Bound(objective) | Self::JensenShannon(objective) => objective,
            Self::Triplet(loss) => loss,
            Self::Contrastive(loss) => loss,
            Self::LiftedStructure(loss) => loss,
            Self::GeneralisedLifted(loss) => loss,
            Self::NoiseContrastive(loss) => loss,
        }
    }

    /// The value to report, in nats: the estimate of a bound, twice the Jensen–Shannon divergence,
    /// or minus a loss.
    pub(super) fn reported(&self, found: &Evaluation) -> f64 {
        // A term whose bound is estimated with a Jensen–Shannon critic reports that estimate.
        match (self, found.twice_jensen_shannon()) {
            (Self::JensenShannon(_), Some(twice)) => twice,
            _ => found.estimate,
        }
    }
}

#[cfg(test)]
mod tests {
    use mi_estimators::bounds::{Scores, evaluate};
    use ndarray::array;

    use super::*;

    #[test]
    fn the_same_critic_is_reported_as_the_term_asks() -> Result<(), EstimatorError> {
        let scores = array![[2.0, -1.0], [0.5, 1.0]];
        let objective = Objective::new(&BoundSpec::JensenShannon, None)?;
        let found = evaluate(&Scores::new(scores.view()), &objective)?;
        let divergence = Maximised::new(&ObjectiveSpec::JensenShannon, None, (0, 2))?;
        assert_eq!(Some(divergence.reported(&found)), found.twice_jensen_shannon());
        let bound = ObjectiveSpec::Bound(BoundSpec::JensenShannon);
        let bound = Maximised::new(&bound, None, (0, 2))?;
        assert_eq!(bound.reported(&found), found.estimate);
        assert_ne!(bound.reported(&found), divergence.reported(&found));
        Ok(())
    }
}
