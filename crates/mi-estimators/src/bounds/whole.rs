//! A whole matrix of scores at once.

use mi_kernels::{Logarithm, Scalar, log_add, origin_for};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::{Bound, ColumnSums, Evaluation, Objective, Row, RowStatistics};
use crate::EstimatorError;

/// A bound's value on a matrix of scores. The state that the objective carries stays as it is.
///
/// ```
/// use mi_estimators::bounds::{BoundSpec, Objective, evaluate};
/// use ndarray::array;
///
/// let scores = array![[5.0_f32, 0.0], [1.0, 4.0]];
/// let objective = Objective::new(&BoundSpec::InfoNce, None)?;
/// let evaluation = evaluate(scores.view(), None, &objective)?;
/// assert!(evaluation.near_cap()); // log 2 − 0.03 nats
/// # Ok::<(), mi_estimators::EstimatorError>(())
/// ```
///
/// # Shapes
/// `scores` are K×K, positives on the diagonal, in any memory layout; `learned` are the K learned
/// numbers of the rows, for bounds that read them (`log a_i` or `u_i`).
///
/// # Errors
/// A matrix that is empty, not square, or holds NaN; one pair where the bound needs negatives;
/// learned numbers of another length, for a bound that reads none, or missing where it needs them;
/// infinities that cancel.
pub fn evaluate<T: Scalar>(
    scores: ArrayView2<'_, T>,
    learned: Option<ArrayView1<'_, T>>,
    objective: &Objective,
) -> Result<Evaluation, EstimatorError> {
    let mut weights = scores.as_standard_layout().into_owned();
    let (mut rows, bound) = (Vec::new(), objective.resolve());
    let bound = bound.bound();
    sweep(&mut weights, learned, objective, bound, false, &mut rows)?;
    Ok(objective.judge(&bound.finish(&mut rows), rows.len())?.0)
}

/// The gradient of an objective with respect to what [`gradient`] was given.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScoreGradient<T> {
    /// With respect to every score, K×K.
    pub scores: Array2<T>,
    /// With respect to the learned numbers, K; zeros for a bound that reads none.
    pub learned: Array1<T>,
}

/// A bound's value and the gradient of the objective. The state that the objective carries from
/// batch to batch (MINE) moves on.
///
/// # Shapes
/// As [`evaluate`].
///
/// # Errors
/// As [`evaluate`].
pub fn gradient<T: Scalar>(
    scores: ArrayView2<'_, T>,
    learned: Option<ArrayView1<'_, T>>,
    objective: &mut Objective,
) -> Result<(Evaluation, ScoreGradient<T>), EstimatorError> {
    let mut weights = scores.as_standard_layout().into_owned();
    let (mut rows, bound) = (Vec::new(), objective.resolve());
    let bound = bound.bound();
    sweep(&mut weights, learned, objective, bound, true, &mut rows)?;
    let outcome = bound.finish(&mut rows);
    let (mut evaluation, sign) = objective.judge(&outcome, rows.len())?;
    for (i, (mut weights, row)) in weights.rows_mut().into_iter().zip(&rows).enumerate() {
        // Infinities that meet here cancel: the weight is then a share of 1.
        let finite = |log: f64| log.clamp(-1e9, 1e9);
        let log_weight = finite(row.log_weight - outcome.origin);
        let factor = -sign * (finite(outcome.log_scale) + log_weight).exp();
        let (factor, cut): (T, bool) = saturated(factor);
        evaluation.overflow |= cut;
        weights.mapv_inplace(|weight| factor * weight);
        weights[i] = T::from_f64(sign * row.positive_gradient);
    }
    let learned = rows.iter().map(|row| T::from_f64(sign * row.learned_gradient)).collect();
    objective.advance(&outcome);
    Ok((evaluation, ScoreGradient { scores: weights, learned }))
}

/// Turns all rows of scores into weights and statistics.
fn sweep<T: Scalar>(
    scores: &mut Array2<T>,
    learned: Option<ArrayView1<'_, T>>,
    objective: &Objective,
    bound: &dyn Bound<T>,
    weights: bool,
    rows: &mut Vec<RowStatistics>,
) -> Result<(), EstimatorError> {
    let k = check_matrix(scores.view())?;
    objective.check_batch(k, learned.map(|learned| learned.len()))?;
    let columns = bound.needs_columns().then(|| column_sums(scores));
    for (index, mut row) in scores.rows_mut().into_iter().enumerate() {
        let Some(scores) = row.as_slice_mut() else {
            unreachable!("rows of a row-major matrix are contiguous");
        };
        rows.push(bound.row(Row {
            index,
            scores,
            learned: learned.map_or(0.0, |learned| learned[index].to_f64()),
            columns: columns.as_ref().map(|(all, exact, negatives)| ColumnSums {
                all,
                exact: exact.as_deref(),
                negatives: negatives[index],
            }),
            weights,
        }));
    }
    Ok(())
}

/// `log Σ_i exp S_ij` of every column, the same in full where `T` is too coarse for some, and the
/// same without the positive.
fn column_sums<T: Scalar>(scores: &Array2<T>) -> (Vec<T>, Option<Vec<Logarithm>>, Vec<Logarithm>) {
    let (mut all, mut negatives) = (Vec::new(), Vec::new());
    for (j, column) in scores.columns().into_iter().enumerate() {
        let column: Vec<f64> = column.iter().map(|&s| s.to_f64()).collect();
        let others = Logarithm::of_sum(column[..j].iter().chain(&column[j + 1..]).copied());
        all.push(with_positive(others, column[j]));
        negatives.push(others);
    }
    let far = all.iter().any(|all| all.origin != 0.0);
    let rounded = all.iter().map(|all| T::from_f64(all.value())).collect();
    (rounded, far.then_some(all), negatives)
}

/// The logarithm of a column's sum with its positive, from that without it.
pub(crate) fn with_positive(negatives: Logarithm, positive: f64) -> Logarithm {
    let origin = origin_for(negatives.value().max(positive));
    Logarithm { origin, rest: log_add(negatives.from_origin(origin), positive - origin) }
}

/// The number of rows of a matrix that a bound can take.
pub(super) fn check_matrix<T: Scalar>(scores: ArrayView2<'_, T>) -> Result<usize, EstimatorError> {
    let (rows, columns) = scores.dim();
    if rows != columns || rows == 0 {
        return Err(EstimatorError::ScoreShape { rows, columns });
    }
    let nan = scores.rows().into_iter().position(|row| row.iter().any(|s| s.is_nan()));
    nan.map_or(Ok(rows), |row| Err(EstimatorError::NanScore { row }))
}

/// The number as `T`, cut at the largest, and whether it was: infinity times a weight of 0 would
/// be NaN. NaN, which infinite scores make, counts as 0.
pub(crate) fn saturated<T: Scalar>(x: f64) -> (T, bool) {
    let largest = T::max_value().to_f64();
    if x.is_nan() {
        return (T::zero(), true);
    }
    (T::from_f64(x.max(-largest).min(largest)), x.abs() > largest)
}
