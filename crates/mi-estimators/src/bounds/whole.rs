//! Bounds on a complete matrix of scores.

use std::borrow::Cow;

use mi_kernels::{Logarithm, Scalar, log_add, origin_for};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut1};

use super::{
    Bound, ColumnSums, Context, Evaluation, LearnedOf, Pairs, Row, RowStatistics, check_batch,
    clear_others, judge, numbers_of, saturated,
};
use crate::EstimatorError;

/// A matrix of scores, as input for a bound.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Scores<'a, T> {
    /// N×M scores in any memory layout.
    pub scores: ArrayView2<'a, T>,
    /// The learned number of each row or positive, for bounds that read one (`log a_i`, `u_i`).
    pub learned: Option<ArrayView1<'a, T>>,
    /// Which scores are positives and negatives; by default the scores are K×K with positives on
    /// the diagonal.
    pub pairs: Option<&'a Pairs>,
}

impl<'a, T: Scalar> Scores<'a, T> {
    /// K×K scores, positives on the diagonal.
    pub fn new(scores: ArrayView2<'a, T>) -> Self {
        Self { scores, learned: None, pairs: None }
    }

    /// The scores with learned numbers, if there are any.
    #[must_use]
    pub fn with_learned(self, learned: Option<ArrayView1<'a, T>>) -> Self {
        Self { learned, ..self }
    }

    /// The scores with these positives and negatives; with `None`, those of a square stay.
    #[must_use]
    pub fn paired_by(self, pairs: impl Into<Option<&'a Pairs>>) -> Self {
        Self { pairs: pairs.into(), ..self }
    }

    fn checked_pairs(&self) -> Result<Cow<'a, Pairs>, EstimatorError> {
        let (rows, columns) = self.scores.dim();
        let pairs = match self.pairs {
            None => return Ok(Cow::Owned(Pairs::square(check_matrix(self.scores)?))),
            Some(pairs) if pairs.dim() == self.scores.dim() && rows > 0 => Cow::Borrowed(pairs),
            Some(pairs) => {
                let wanted = pairs.dim();
                return Err(EstimatorError::PairsShape { rows, columns, wanted });
            }
        };
        check_numbers(self.scores)?;
        Ok(pairs)
    }
}

/// A bound's value on a matrix of scores. The state of the bound does not change.
///
/// ```
/// use mi_estimators::bounds::{BoundSpec, Objective, Scores, evaluate};
/// use ndarray::array;
///
/// let scores = array![[5.0_f32, 0.0], [1.0, 4.0]];
/// let objective = Objective::new(&BoundSpec::InfoNce, None)?;
/// let evaluation = evaluate(&Scores::new(scores.view()), &objective)?;
/// assert!(evaluation.near_cap()); // log 2 − 0.03 nats
/// # Ok::<(), mi_estimators::EstimatorError>(())
/// ```
///
/// # Errors
/// A matrix that is empty, contains NaN, or does not fit the pairs; positives without negatives
/// where the bound needs them; learned numbers that have the wrong length, are missing, or are not
/// read by the bound; infinities that cancel.
pub fn evaluate<T: Scalar>(
    scores: &Scores<'_, T>,
    bound: &dyn Bound<T>,
) -> Result<Evaluation, EstimatorError> {
    let pairs = scores.checked_pairs()?;
    let (_, mut rows) = sweep(scores, bound, &pairs, false)?;
    let outcome = bound.finish(&mut rows, pairs.counts());
    Ok(judge(bound, &outcome, &pairs)?.0)
}

/// The gradient of an objective with respect to the arguments of [`gradient`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScoreGradient<T> {
    /// With respect to every score, N×M.
    pub scores: Array2<T>,
    /// With respect to the learned numbers; zeros for a bound that reads none.
    pub learned: Array1<T>,
}

/// A bound's value and the gradient of the objective. The state that the bound carries from batch
/// to batch (MINE) is updated.
///
/// # Errors
/// As [`evaluate`].
pub fn gradient<T: Scalar>(
    scores: &Scores<'_, T>,
    bound: &mut dyn Bound<T>,
) -> Result<(Evaluation, ScoreGradient<T>), EstimatorError> {
    let pairs = scores.checked_pairs()?;
    let (mut weights, mut rows) = sweep(scores, bound, &pairs, true)?;
    let outcome = bound.finish(&mut rows, pairs.counts());
    let (mut evaluation, sign) = judge(bound, &outcome, &pairs)?;
    let mut learned = Array1::zeros(numbers_of(bound.learned(), &pairs));
    for (i, mut weights) in weights.rows_mut().into_iter().enumerate() {
        // Infinities cancel here: the weight is then a share of 1.
        let finite = |log: f64| log.clamp(-1e9, 1e9);
        let factor = |row: &RowStatistics| {
            (finite(outcome.log_scale) + finite(row.log_weight - outcome.origin)).exp()
        };
        let own = &rows[pairs.span(i)];
        let (factor, cut): (T, bool) = saturated(-sign * own.iter().map(factor).sum::<f64>());
        evaluation.overflow |= cut;
        weights.mapv_inplace(|weight| factor * weight);
        for (&(_, column), row) in pairs.positives()[pairs.span(i)].iter().zip(own) {
            weights[column] = T::from_f64(sign * row.positive_gradient);
        }
    }
    for (n, (&(i, _), row)) in pairs.positives().iter().zip(&rows).enumerate() {
        let of = if bound.learned() == Some(LearnedOf::Pair) { n } else { i };
        learned[of] += T::from_f64(sign * row.learned_gradient);
    }
    bound.advance(&outcome);
    Ok((evaluation, ScoreGradient { scores: weights, learned }))
}

/// All rows of scores as weights, and the statistics of all positives.
fn sweep<T: Scalar>(
    scores: &Scores<'_, T>,
    bound: &dyn Bound<T>,
    pairs: &Pairs,
    weights: bool,
) -> Result<(Array2<T>, Vec<RowStatistics>), EstimatorError> {
    check_batch(bound, pairs, scores.learned.map(|learned| learned.len()))?;
    let learned: Vec<f64> =
        scores.learned.into_iter().flatten().map(|&number| number.to_f64()).collect();
    let mut scores = scores.scores.as_standard_layout().into_owned();
    let columns = bound.needs_columns().then(|| column_sums(&scores, pairs));
    let mut survey = Vec::new();
    if bound.needs_survey() {
        for (index, mut row) in scores.rows_mut().into_iter().enumerate() {
            let row = (slice(&mut row), index);
            survey.push(surveyed(bound, Row::new(row, pairs, Context::NONE, false)));
        }
    }
    let mut rows = vec![RowStatistics::default(); pairs.positives().len()];
    for (index, mut row) in scores.rows_mut().into_iter().enumerate() {
        let scores = slice(&mut row);
        let span = pairs.span(index);
        if span.is_empty() {
            scores.fill(T::zero());
            continue;
        }
        let own = match bound.learned() {
            _ if learned.is_empty() => &[],
            Some(LearnedOf::Pair) => &learned[span.clone()],
            _ => &learned[index..=index],
        };
        let columns = columns.as_ref().map(|(all, exact, negatives)| ColumnSums {
            all,
            exact: exact.as_deref(),
            negatives,
        });
        let context = Context { learned: own, columns, survey: &survey };
        bound.row(Row::new((&mut *scores, index), pairs, context, weights), &mut rows[span]);
        if weights {
            clear_others(scores, pairs.stretches(index));
        }
    }
    Ok((scores, rows))
}

/// The result of [`Bound::survey`] for a row; −∞ for a row without positives.
pub(crate) fn surveyed<T: Scalar>(bound: &dyn Bound<T>, row: Row<'_, T>) -> f64 {
    if row.positives().len() == 0 { f64::NEG_INFINITY } else { bound.survey(&row) }
}

fn slice<'a, T>(row: &'a mut ArrayViewMut1<'_, T>) -> &'a mut [T] {
    match row.as_slice_mut() {
        Some(slice) => slice,
        None => unreachable!("rows of a row-major matrix are contiguous"),
    }
}

/// [`ColumnSums`] of a whole matrix.
fn column_sums<T: Scalar>(
    scores: &Array2<T>,
    pairs: &Pairs,
) -> (Vec<T>, Option<Vec<Logarithm>>, Vec<Logarithm>) {
    let mut columns = vec![Vec::new(); scores.ncols()];
    for (i, row) in scores.rows().into_iter().enumerate() {
        if pairs.span(i).is_empty() {
            continue;
        }
        for column in pairs.stretches(i).iter().cloned().flatten() {
            columns[column].push(row[column].to_f64());
        }
    }
    let sum = |column: &Vec<f64>| Logarithm::of_sum(column.iter().copied());
    let negatives: Vec<_> = columns.iter().map(sum).collect();
    let scores = pairs.positives().iter().map(|&at| scores[at].to_f64());
    let mut all = Vec::new();
    combine(pairs, scores, &negatives, &mut all);
    let far = all.iter().any(|all| all.origin != 0.0);
    let rounded = all.iter().map(|all| T::from_f64(all.value())).collect();
    (rounded, far.then_some(all), negatives)
}

/// [`ColumnSums::exact`], from the scores of all positives and the sums over negatives.
pub(crate) fn combine(
    pairs: &Pairs,
    scores: impl Iterator<Item = f64>,
    negatives: &[Logarithm],
    all: &mut Vec<Logarithm>,
) {
    let none = Logarithm { origin: 0.0, rest: f64::INFINITY };
    all.clear();
    all.resize(negatives.len(), none);
    for (&(_, column), score) in pairs.positives().iter().zip(scores) {
        let own = with_positive(negatives[column], score);
        let all = &mut all[column];
        *all = if *all == none {
            own
        } else {
            // Relative to the smaller, which has the larger share.
            let origin = origin_for(all.value().min(own.value()));
            let rest = -log_add(-all.from_origin(origin), -own.from_origin(origin));
            Logarithm { origin, rest }
        };
    }
}

/// The logarithm of a column's sum including its positive, from the sum without it.
fn with_positive(negatives: Logarithm, positive: f64) -> Logarithm {
    let origin = origin_for(negatives.value().max(positive));
    Logarithm { origin, rest: log_add(negatives.from_origin(origin), positive - origin) }
}

/// The number of rows of a square matrix without NaN.
pub(super) fn check_matrix<T: Scalar>(scores: ArrayView2<'_, T>) -> Result<usize, EstimatorError> {
    let (rows, columns) = scores.dim();
    if rows != columns || rows == 0 {
        return Err(EstimatorError::ScoreShape { rows, columns });
    }
    check_numbers(scores)?;
    Ok(rows)
}

fn check_numbers<T: Scalar>(scores: ArrayView2<'_, T>) -> Result<(), EstimatorError> {
    let nan = scores.rows().into_iter().position(|row| row.iter().any(|s| s.is_nan()));
    nan.map_or(Ok(()), |row| Err(EstimatorError::NanScore { row }))
}
