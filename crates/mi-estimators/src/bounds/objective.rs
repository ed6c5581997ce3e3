use mi_kernels::Logarithm;
use serde::{Deserialize, Serialize};

use super::spec::Resolved;
use super::{BoundSpec, Evaluation, LearnedOf, Outcome};
use crate::EstimatorError;

/// What a step of training maximises: a bound, or its nearness to a target, with the state that
/// some bounds carry from batch to batch. Serialise it with a checkpoint.
///
/// With a target t the objective is −|I − t|, where I is the bound's *estimate*, and the gradient
/// is −sign(I − t) times that of the bound's own objective (0 at I = t). For bounds whose
/// objective is their estimate this is the derivative; for the others (JS, SMILE, MINE) it
/// steers the estimate by the bound's own direction of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    bound: BoundSpec,
    target: Option<f64>,
    /// The logarithm of MINE's moving average of exp S, relative to the origin; none before the
    /// first batch.
    log_average: Option<f64>,
    /// None, which stands for 0, unless scores are huge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log_average_origin: Option<f64>,
}

impl Objective {
    /// An objective without history.
    ///
    /// # Errors
    /// Settings of the bound outside their range; a target that is not finite.
    pub fn new(bound: &BoundSpec, target: Option<f64>) -> Result<Self, EstimatorError> {
        bound.check()?;
        if let Some(t) = target
            && !t.is_finite()
        {
            let (setting, value) = ("the target of the bound", t.to_string());
            return Err(EstimatorError::Setting { setting, value, range: "a finite number" });
        }
        Ok(Self { bound: bound.clone(), target, log_average: None, log_average_origin: None })
    }

    /// The bound.
    pub fn bound(&self) -> &BoundSpec {
        &self.bound
    }

    /// The target in nats.
    pub fn target(&self) -> Option<f64> {
        self.target
    }

    pub(crate) fn resolve(&self) -> Resolved {
        let origin = self.log_average_origin.unwrap_or(0.0);
        self.bound.resolve(self.log_average.map(|rest| Logarithm { origin, rest }))
    }

    /// What must hold of a batch before its scores are looked at.
    pub(crate) fn check_batch(
        &self,
        k: usize,
        numbers: Option<usize>,
    ) -> Result<(), EstimatorError> {
        let bound = self.bound.name();
        let needed = if self.bound.allows_no_negatives() { 1 } else { 2 };
        if k < needed {
            return Err(EstimatorError::TooFewPairs { bound, needed, found: k });
        }
        if let BoundSpec::MlCpc { alpha } = self.bound
            && alpha > k as f64
        {
            let (setting, value) = ("the alpha of ML-CPC", alpha.to_string());
            let range = "above 0 and at most the batch size";
            return Err(EstimatorError::Setting { setting, value, range });
        }
        let learned = self.bound.learned();
        match numbers {
            Some(length) if length != k => Err(EstimatorError::Learned {
                bound,
                problem: format!("{length} numbers for {k} rows; give one for each"),
            }),
            Some(_) if learned.is_none() => Err(EstimatorError::Learned {
                bound,
                problem: "it reads none; leave them out".to_owned(),
            }),
            None if learned == Some(LearnedOf::Pair) => Err(EstimatorError::Learned {
                bound,
                problem: "it needs one learned number u for each row".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// What the outcome of a batch means under this objective, and the sign of its gradient.
    pub(crate) fn judge(
        &self,
        outcome: &Outcome,
        k: usize,
    ) -> Result<(Evaluation, f64), EstimatorError> {
        if outcome.estimate.is_nan() || outcome.objective.is_nan() {
            return Err(EstimatorError::Indeterminate { bound: self.bound.name() });
        }
        let (objective, sign) = match self.target {
            None => (outcome.objective, 1.0),
            Some(target) => {
                let gap = outcome.estimate - target;
                // `signum` makes 1 of 0.
                (-gap.abs(), if gap == 0.0 { 0.0 } else { -gap.signum() })
            }
        };
        let evaluation = Evaluation {
            estimate: outcome.estimate,
            objective,
            cap: self.bound.cap(k),
            batch_size: k,
            no_negatives: k < 2,
            overflow: outcome.estimate.is_infinite() || outcome.objective.is_infinite(),
        };
        Ok((evaluation, sign))
    }

    /// Takes over the state that a batch left.
    pub(crate) fn advance(&mut self, outcome: &Outcome) {
        if let Some(Logarithm { origin, rest }) = outcome.log_average {
            self.log_average = Some(rest);
            self.log_average_origin = (origin != 0.0).then_some(origin);
        }
    }
}
