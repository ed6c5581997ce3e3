//! Variational bounds on mutual information, as functions of a matrix of scores.
//!
//! `scores[[i, j]] = f(x_i, y_j)` for a critic f. Positives come from the joint distribution,
//! negatives from the product of the marginals. In the usual case the scores are K×K, the K
//! positives are on the diagonal, and the other K(K−1) pairs are negatives; [`Pairs`] describes any
//! other case. All values are in nats. A bound knows nothing of networks and draws no random
//! numbers.
//!
//! A bound works on complete rows ([`Bound`]): it turns the negatives of a row into weights and a
//! few numbers for each of its positives ([`RowStatistics`]), and after the last row computes the
//! estimate from these. In the usual case, the gradient of its objective with respect to the scores
//! is then
//!
//! `g_ij = δ_ij p_i − exp(a + b_i) w_ij`
//!
//! with the weight `w_ij` (0 on the diagonal), `p_i` the row's `positive_gradient`, `b_i` its
//! `log_weight` minus the outcome's `origin`, and a the outcome's `log_scale`. Exponentials stay in
//! the logarithmic domain until the end, positives and excluded pairs are skipped rather than
//! replaced by −∞, and all sums over rows are `f64`, in the order of rows.
//!
//! [`BOUNDS`] lists all bounds with formula, reference and limits.

mod evaluation;
mod infonce;
mod interpolated;
mod jensen_shannon;
mod judge;
mod normalised;
mod objective;
mod pairs;
mod registry;
mod row;
mod rows;
mod spec;
mod structured;
mod symmetric;
mod tuba;
mod whole;

pub use evaluation::{Evaluation, Loss};
pub use objective::Objective;
pub use pairs::{Counts, OtherSequences, Pairs};
pub use registry::{BOUNDS, BoundInfo, BoundKind};
pub use row::{ColumnSums, Row, Stretches};
pub use spec::{BoundSpec, LearnedOf};
pub use structured::{
    UpperBound, barber_agakov_lower, barber_agakov_upper, club, leave_one_out_upper,
};
pub use whole::{ScoreGradient, Scores, evaluate, gradient};

pub(crate) use evaluation::Form;
pub(crate) use judge::{check_batch, judge, numbers_of, saturated};
pub(crate) use row::{Context, clear_others};
pub(crate) use whole::{combine, surveyed};

use std::fmt::Debug;

use mi_kernels::{Logarithm, Scalar};

use crate::EstimatorError;

/// What a bound keeps for a positive and the negatives of its row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RowStatistics {
    /// The origin of `positive` and `log_sum`: 0, unless scores are so large that sums would lose
    /// the differences between them to rounding.
    pub origin: f64,
    /// The positive score `S_ii`.
    pub positive: f64,
    /// `log Σ exp S_ij` over the row's negatives, or the quantity that the bound averages in its
    /// place.
    pub log_sum: f64,
    /// One more number of the row, for bounds that need it.
    pub extra: f64,
    /// The logarithm of the factor of the row's weights, up to the outcome's `log_scale` and
    /// `origin`. The factors of several positives of a row add up.
    pub log_weight: f64,
    /// The gradient with respect to `S_ii`; final after [`Bound::finish`].
    pub positive_gradient: f64,
    /// The gradient with respect to the learned number; final after [`Bound::finish`].
    pub learned_gradient: f64,
}

/// The result of a bound over all positives.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The estimate of the mutual information in nats; for a loss, minus the loss.
    pub estimate: f64,
    /// The value to be maximised, whose gradient is returned.
    pub objective: f64,
    /// The logarithm of the factor of all weights.
    pub log_scale: f64,
    /// Subtracted from every row's `log_weight`: 0, unless scores are so large that `log_scale`
    /// would lose the rest to rounding.
    pub origin: f64,
    /// State for the next batch, if the bound has any: the logarithm of a moving average, or of a
    /// normaliser.
    pub carried: Option<Logarithm>,
    /// Which further readings the evaluation has.
    pub(crate) form: Form,
}

impl Outcome {
    /// An outcome whose objective is the estimate itself.
    pub fn new(estimate: f64, log_scale: f64) -> Self {
        let form = Form::Plain;
        Self { estimate, objective: estimate, log_scale, origin: 0.0, carried: None, form }
    }
}

/// A bound on mutual information, or minus a loss, in the form that the engine needs. [`Objective`]
/// implements the built-in bounds; any other function of rows of scores can be written outside this
/// crate.
///
/// The engine passes every row that has a positive to [`Bound::row`], possibly from several
/// threads, and then all statistics, in the order of [`Pairs::positives`], to [`Bound::finish`].
/// The gradient of the objective with respect to the scores is then, for a row i with positives p
/// and a negative j,
///
/// `∂/∂S_p = positive_gradient_p`, `∂/∂S_ij = −exp(log_scale − origin) Σ_p exp(log_weight_p) w_ij`
///
/// with the weights w that `row` wrote over the negative scores.
///
/// ```
/// use mi_estimators::bounds::{Bound, Counts, Outcome, Row, RowStatistics, Scores, evaluate};
/// use mi_kernels::Scalar;
///
/// /// mean S_p − mean of the negatives of each row: not a bound on MI, but a `Bound`.
/// #[derive(Debug)]
/// struct Gap;
///
/// impl<T: Scalar> Bound<T> for Gap {
///     fn name(&self) -> &'static str {
///         "gap"
///     }
///
///     fn row(&self, mut row: Row<'_, T>, statistics: &mut [RowStatistics]) {
///         let n = row.negatives_count() as f64;
///         let sum: f64 = row.negatives().flatten().map(|&s| s.to_f64()).sum();
///         for (column, of_positive) in row.positives().zip(statistics) {
///             *of_positive = RowStatistics {
///                 positive: row.score(column),
///                 extra: sum / n,
///                 log_weight: -n.ln(),
///                 ..RowStatistics::default()
///             };
///         }
///         if row.wants_weights() {
///             row.negatives_mut().flatten().for_each(|s| *s = T::one());
///         }
///     }
///
///     fn finish(&self, rows: &mut [RowStatistics], counts: Counts) -> Outcome {
///         let k = counts.positives as f64;
///         let gaps = rows.iter().map(|row| row.positive - row.extra);
///         let outcome = Outcome::new(gaps.sum::<f64>() / k, -k.ln());
///         for row in rows {
///             row.positive_gradient = 1.0 / k;
///         }
///         outcome
///     }
/// }
///
/// let scores = ndarray::array![[5.0, 0.0, 1.0], [2.0, 4.0, 0.0], [0.0, 0.0, 3.0]];
/// let found = evaluate(&Scores::new(scores.view()), &Gap)?;
/// assert!((found.estimate - 3.5).abs() < 1e-12);
/// # Ok::<(), mi_estimators::EstimatorError>(())
/// ```
pub trait Bound<T: Scalar>: Debug + Sync {
    /// The name used in messages.
    fn name(&self) -> &'static str;

    /// Processes one row: writes the statistics of each of its positives, in the order of
    /// [`Row::positives`]. Where weights are wanted, it overwrites the scores of the negatives with
    /// them.
    fn row(&self, row: Row<'_, T>, statistics: &mut [RowStatistics]);

    /// Processes the statistics of all positives and completes their gradients.
    fn finish(&self, rows: &mut [RowStatistics], counts: Counts) -> Outcome;

    /// Whether rows need [`Row::columns`], which costs another sweep over all scores.
    fn needs_columns(&self) -> bool {
        false
    }

    /// Whether rows need [`Row::surveyed`], which costs another sweep over all scores.
    fn needs_survey(&self) -> bool {
        false
    }

    /// A number of this row that other rows read ([`Row::surveyed`]), for bounds that need it.
    fn survey(&self, row: &Row<'_, T>) -> f64 {
        let _ = row;
        0.0
    }

    /// The learned number that the bound reads for each row or positive, if any.
    fn learned(&self) -> Option<LearnedOf> {
        None
    }

    /// Whether positives without a negative make sense.
    fn allows_no_negatives(&self) -> bool {
        false
    }

    /// The largest estimate that positives with this many negatives can yield, in nats, whatever
    /// the scores. If rows have different numbers of negatives, the engine takes the mean over
    /// positives. For bounds that need columns, it takes the mean of the values for rows and for
    /// columns.
    fn cap(&self, negatives: usize) -> Option<f64> {
        let _ = negatives;
        None
    }

    /// Checks the bound's settings against a batch.
    ///
    /// # Errors
    /// A setting that does not fit the batch.
    fn check(&self, pairs: &Pairs) -> Result<(), EstimatorError> {
        let _ = pairs;
        Ok(())
    }

    /// The target of the estimate in nats, if there is one: the objective is then −|estimate −
    /// target|, and gradients change sign accordingly.
    fn target(&self) -> Option<f64> {
        None
    }

    /// Keeps the state that a batch left for the next one ([`Outcome::carried`]).
    fn advance(&mut self, outcome: &Outcome) {
        let _ = outcome;
    }
}
