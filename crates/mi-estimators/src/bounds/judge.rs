//! Checks before a bound sees a batch, and the result after it.

use mi_kernels::Scalar;

use super::{Bound, Evaluation, Form, LearnedOf, Outcome, Pairs};
use crate::EstimatorError;

/// Checks a batch before its scores are read. `numbers` is the number of learned numbers.
pub(crate) fn check_batch<T: Scalar>(
    bound: &dyn Bound<T>,
    pairs: &Pairs,
    numbers: Option<usize>,
) -> Result<(), EstimatorError> {
    let name = || bound.name().to_owned();
    if let Some(row) = pairs.bare()
        && !bound.allows_no_negatives()
    {
        return Err(if pairs.dim() == (1, 1) {
            EstimatorError::TooFewPairs { bound: name(), needed: 2, found: 1 }
        } else {
            EstimatorError::NoNegatives { bound: name(), row }
        });
    }
    bound.check(pairs)?;
    let learned = bound.learned();
    let needed = numbers_of(learned, pairs);
    let problem = match numbers {
        Some(_) if learned.is_none() => "it reads none; do not pass any".to_owned(),
        Some(length) if length != needed => {
            let each = if learned == Some(LearnedOf::Pair) { "positive" } else { "row" };
            format!("{length} numbers for {needed} {each}s; give one for each")
        }
        None if learned == Some(LearnedOf::Pair) => {
            "it needs one learned number u for each positive".to_owned()
        }
        _ => return Ok(()),
    };
    Err(EstimatorError::Learned { bound: name(), problem })
}

/// How many learned numbers a bound reads.
pub(crate) fn numbers_of(learned: Option<LearnedOf>, pairs: &Pairs) -> usize {
    match learned {
        Some(LearnedOf::Pair) => pairs.positives().len(),
        Some(LearnedOf::X) | None => pairs.dim().0,
    }
}

/// The evaluation that follows from an outcome, and the sign of its gradient.
pub(crate) fn judge<T: Scalar>(
    bound: &dyn Bound<T>,
    outcome: &Outcome,
    pairs: &Pairs,
) -> Result<(Evaluation, f64), EstimatorError> {
    if outcome.estimate.is_nan() || outcome.objective.is_nan() {
        return Err(EstimatorError::Indeterminate { bound: bound.name().to_owned() });
    }
    let (objective, sign) = match bound.target() {
        None => (outcome.objective, 1.0),
        Some(target) => {
            let gap = outcome.estimate - target;
            // `signum` of 0 is 1.
            (-gap.abs(), if gap == 0.0 { 0.0 } else { -gap.signum() })
        }
    };
    let rows = pairs.mean_of_rows(|negatives| bound.cap(negatives));
    let cap = if bound.needs_columns() {
        let columns = pairs.mean_of_columns(|negatives| bound.cap(negatives));
        rows.zip(columns).map(|(rows, columns)| f64::midpoint(rows, columns))
    } else {
        rows
    };
    let evaluation = Evaluation {
        estimate: outcome.estimate,
        objective,
        cap,
        batch_size: pairs.positives().len(),
        no_negatives: pairs.counts().negatives == 0,
        form: match outcome.form {
            // The objective is then the distance from the target.
            Form::JensenShannon if bound.target().is_some() => Form::Plain,
            form => form,
        },
        overflow: outcome.estimate.is_infinite() || outcome.objective.is_infinite(),
    };
    Ok((evaluation, sign))
}

/// The number as `T`, clipped to the largest finite number, and whether it was clipped. Without
/// clipping, infinity times a weight of 0 would be NaN. NaN, which infinite scores produce, counts
/// as 0.
pub(crate) fn saturated<T: Scalar>(x: f64) -> (T, bool) {
    let largest = T::max_value().to_f64();
    if x.is_nan() {
        return (T::zero(), true);
    }
    (T::from_f64(x.max(-largest).min(largest)), x.abs() > largest)
}
