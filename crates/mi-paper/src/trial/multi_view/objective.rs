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
        found.twice_jensen_shannon().unwrap_or(found.estimate)
    }
}
