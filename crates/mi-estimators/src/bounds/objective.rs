use mi_kernels::{Logarithm, Scalar};
use serde::{Deserialize, Serialize};

use super::spec::Resolved;
use super::{Bound, BoundSpec, Counts, LearnedOf, Outcome, Pairs, Row, RowStatistics};
use crate::EstimatorError;

/// What a training step maximises: a bound, or minus its distance from a target. Includes the state
/// that some bounds carry from batch to batch; save it with a checkpoint.
///
/// With a target t the objective is −|I − t|, where I is the bound's *estimate*, and the gradient
/// is −sign(I − t) times that of the bound's own objective (0 at I = t). For bounds whose objective
/// is their estimate this is the derivative; for the others (JS, SMILE, MINE) it moves the estimate
/// along the bound's own training direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Objective {
    bound: BoundSpec,
    target: Option<f64>,
    /// The bound with the logarithm of MINE's moving average of exp S.
    resolved: Resolved,
}

/// An objective as it is saved in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    bound: BoundSpec,
    target: Option<f64>,
    /// The logarithm of MINE's moving average, relative to the origin; `None` before the first
    /// batch.
    log_average: Option<f64>,
    /// The origin of that logarithm. `None` means 0, which it is unless scores are huge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log_average_origin: Option<f64>,
}

impl TryFrom<Saved> for Objective {
    type Error = EstimatorError;

    fn try_from(saved: Saved) -> Result<Self, EstimatorError> {
        let mut objective = Self::new(&saved.bound, saved.target)?;
        let origin = saved.log_average_origin.unwrap_or(0.0);
        let average = saved.log_average.map(|rest| Logarithm { origin, rest });
        objective.resolved = objective.bound.resolve(average);
        Ok(objective)
    }
}

impl From<Objective> for Saved {
    fn from(objective: Objective) -> Self {
        let average = objective.resolved.log_average();
        let origin = average.map_or(0.0, |average| average.origin);
        Self {
            bound: objective.bound,
            target: objective.target,
            log_average: average.map(|average| average.rest),
            log_average_origin: (origin != 0.0).then_some(origin),
        }
    }
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
        Ok(Self { bound: bound.clone(), target, resolved: bound.resolve(None) })
    }

    /// The bound.
    pub fn bound(&self) -> &BoundSpec {
        &self.bound
    }

    /// The target in nats.
    pub fn target(&self) -> Option<f64> {
        self.target
    }
}

impl<T: Scalar> Bound<T> for Objective {
    fn name(&self) -> &'static str {
        self.bound.name()
    }

    fn row(&self, row: Row<'_, T>, statistics: &mut [RowStatistics]) {
        self.resolved.bound().row(row, statistics);
    }

    fn finish(&self, rows: &mut [RowStatistics], counts: Counts) -> Outcome {
        self.resolved.bound::<T>().finish(rows, counts)
    }

    fn needs_columns(&self) -> bool {
        self.resolved.bound::<T>().needs_columns()
    }

    fn learned(&self) -> Option<LearnedOf> {
        self.resolved.bound::<T>().learned()
    }

    fn allows_no_negatives(&self) -> bool {
        self.resolved.bound::<T>().allows_no_negatives()
    }

    fn cap(&self, negatives: usize) -> Option<f64> {
        self.resolved.bound::<T>().cap(negatives)
    }

    fn check(&self, pairs: &Pairs) -> Result<(), EstimatorError> {
        self.resolved.bound::<T>().check(pairs)
    }

    fn target(&self) -> Option<f64> {
        self.target
    }

    fn advance(&mut self, outcome: &Outcome) {
        if outcome.carried.is_some() {
            self.resolved = self.bound.resolve(outcome.carried);
        }
    }
}
