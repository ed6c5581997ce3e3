//! Variational bounds on mutual information, as functions of a matrix of scores.
//!
//! `scores[[i, j]] = f(x_i, y_j)` for a critic f; the positives `scores[[i, i]]` come from the
//! joint distribution, the K(K−1) negatives from the product of the marginals. All values are in
//! nats. A bound knows no network and no random number.
//!
//! A bound works on whole rows ([`Bound`]): it turns the scores of a row into weights and a few
//! numbers ([`RowStatistics`]), and after the last row makes the estimate of these. The gradient
//! of its objective with respect to the scores is then
//!
//! `g_ij = δ_ij p_i − exp(a + b_i) w_ij`
//!
//! with the weight `w_ij` (0 on the diagonal), `p_i` the row's `positive_gradient`, `b_i` its
//! `log_weight` minus the outcome's `origin`, and a the outcome's `log_scale`. Exponentials stay in the logarithmic domain
//! until the end, the diagonal is left out by structure and not by a stand-in for −∞, and all
//! sums over rows are `f64`, in the order of rows.
//!
//! [`BOUNDS`] lists all bounds with formula, reference and limits.

mod evaluation;
mod infonce;
mod interpolated;
mod jensen_shannon;
mod normalised;
mod objective;
mod registry;
mod rows;
mod spec;
mod structured;
mod symmetric;
mod tuba;
mod whole;

pub use evaluation::{Evaluation, Loss};
pub use objective::Objective;
pub use registry::{BOUNDS, BoundInfo, BoundKind};
pub use spec::{BoundSpec, LearnedOf};
pub use structured::{
    UpperBound, barber_agakov_lower, barber_agakov_upper, club, leave_one_out_upper,
};
pub use whole::{ScoreGradient, evaluate, gradient};

pub(crate) use whole::{saturated, with_positive};

use std::fmt::Debug;

use mi_kernels::{Logarithm, Scalar};

/// One row of scores on its way through a bound.
#[derive(Debug)]
pub struct Row<'a, T> {
    /// The row's number, which is the place of its positive.
    pub index: usize,
    /// The row's K scores, to be replaced by weights.
    pub scores: &'a mut [T],
    /// The row's learned number, which some bounds read (`log a_i`, `u_i`).
    pub learned: f64,
    /// Sums over columns, for bounds that asked for them.
    pub columns: Option<ColumnSums<'a, T>>,
    /// Whether weights are wanted; if not, the scores may be left as they are.
    pub weights: bool,
}

/// Log-sum-exps of whole columns.
#[derive(Clone, Copy, Debug)]
pub struct ColumnSums<'a, T> {
    /// `log Σ_i exp S_ij` of every column, its positive among them.
    pub all: &'a [T],
    /// The same without rounding, where some are so large that rounding would show.
    pub exact: Option<&'a [Logarithm]>,
    /// The same without the positive, of this row's column.
    pub negatives: Logarithm,
}

/// What a bound keeps of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RowStatistics {
    /// What `positive` and `log_sum` are relative to: 0, except where scores are so large that
    /// sums would round differences between them away.
    pub origin: f64,
    /// The positive score `S_ii`.
    pub positive: f64,
    /// `log Σ_{j≠i} exp S_ij`, or what the bound averages in its place.
    pub log_sum: f64,
    /// A second number, for bounds that need one.
    pub auxiliary: f64,
    /// The logarithm of the factor of the row's weights, up to the outcome's `log_scale` and
    /// `origin`.
    pub log_weight: f64,
    /// The gradient with respect to `S_ii`; final after [`Bound::finish`].
    pub positive_gradient: f64,
    /// The gradient with respect to the row's learned number; final after [`Bound::finish`].
    pub learned_gradient: f64,
}

/// What a bound makes of all rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The estimate of the mutual information in nats.
    pub estimate: f64,
    /// The value whose gradient is returned.
    pub objective: f64,
    /// The logarithm of the factor of all weights.
    pub log_scale: f64,
    /// Subtracted from every row's `log_weight`: 0, except where scores are so large that
    /// `log_scale` would round the rest away.
    pub origin: f64,
    /// The new state of a moving average, for bounds that keep one.
    pub log_average: Option<Logarithm>,
}

impl Outcome {
    /// An outcome whose objective is the estimate itself.
    fn of(estimate: f64, log_scale: f64) -> Self {
        Self { estimate, objective: estimate, log_scale, origin: 0.0, log_average: None }
    }
}

/// A bound on mutual information. See the [module](self) for the contract between its methods.
pub trait Bound<T: Scalar>: Debug + Sync {
    /// Digests one row.
    fn row(&self, row: Row<'_, T>) -> RowStatistics;

    /// Digests the statistics of all rows and completes their gradients.
    fn finish(&self, rows: &mut [RowStatistics]) -> Outcome;

    /// Whether rows need [`Row::columns`], which costs another sweep over all scores.
    fn needs_columns(&self) -> bool {
        false
    }
}
