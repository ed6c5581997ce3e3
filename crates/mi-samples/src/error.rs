use std::fmt;

use thiserror::Error;

use crate::estimate::Side;
use crate::words::count;

/// How to make a column and a method compatible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WayOut {
    /// The column's numbers can be declared continuous.
    DeclareContinuous,
    /// The column can be declared discrete.
    DeclareDiscrete,
    /// The column can be declared continuous, or the sides swapped.
    SwapOrDeclareContinuous,
    /// Only another method takes the column.
    AnotherMethod,
}

impl fmt::Display for WayOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeclareContinuous => "declare it continuous, or use the default method",
            Self::DeclareDiscrete => "declare it discrete, or use the default method",
            Self::SwapOrDeclareContinuous => {
                "swap the sides, declare it continuous, or use the default method"
            }
            Self::AnotherMethod => "use the default method",
        })
    }
}

/// Errors of this crate: the caller's arrays or settings, named with their shapes.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum SamplesError {
    /// Two sides that should have the same observations have different numbers of rows.
    #[error("the sides have {x} and {}; both need one row for every observation", count(*y, "row"))]
    RowCounts {
        /// Rows of the first side.
        x: usize,
        /// Rows of the second side.
        y: usize,
    },
    /// A side without a row or without a column.
    #[error(
        "a side has {} and {}; it needs at least one of each",
        count(*rows, "row"), count(*columns, "column")
    )]
    EmptySide {
        /// Rows found.
        rows: usize,
        /// Columns found.
        columns: usize,
    },
    /// A value that is not a finite number, or too large for sums of squares to be finite.
    #[error(
        "row {row}, column {column} (counted from 0) is {value}; estimators need finite numbers \
         (below 1e145): scale the column, or drop or replace the row first"
    )]
    NotFinite {
        /// Row, from 0.
        row: usize,
        /// Column within its side, from 0.
        column: usize,
        /// The value found, as text (`NaN`, `inf`).
        value: String,
    },
    /// More observations than a neighbour search can number.
    #[error("{n} rows; a neighbour search takes at most {most}")]
    TooManyObservations {
        /// Observations given.
        n: usize,
        /// The largest number allowed.
        most: usize,
    },
    /// A number of neighbours that the observations cannot supply.
    #[error(
        "{} requested from {}; the number of neighbours must be at least 1 and below the number of rows",
        count(*k, "neighbour"), count(*n, "row")
    )]
    NeighbourCount {
        /// Neighbours requested.
        k: usize,
        /// Observations available.
        n: usize,
    },
    /// No number of neighbours was given.
    #[error("the list of numbers of neighbours is empty; give at least one, for example 3")]
    NoNeighbourCount,
    /// Every class of a discrete side has a single member, so no member has a neighbour.
    #[error(
        "every one of the {n} labels is unique (classes of size 1), so no observation has a \
         neighbour of its own class; is the column an identifier, or a continuous column?"
    )]
    EveryLabelUnique {
        /// Observations, and so classes.
        n: usize,
    },
    /// Duplicates put the k-th neighbour at distance zero, where the estimator has no value.
    #[error(
        "{rows} of {n} rows have {} at distance zero (ties or copies), for which {estimator} has \
         no value; use normal scores of ranks, whose ties are broken at random",
        count(*k, "neighbour")
    )]
    ZeroDistance {
        /// The estimator that cannot continue.
        estimator: &'static str,
        /// Observations with a zero distance.
        rows: usize,
        /// All observations.
        n: usize,
        /// The neighbour's rank.
        k: usize,
    },
    /// Too few observations for a method.
    #[error("{operation} needs {} or more; there {} {n}", count(*needed, "row"), be(*n))]
    TooFewObservations {
        /// The operation.
        operation: &'static str,
        /// Observations needed.
        needed: usize,
        /// Observations given.
        n: usize,
    },
    /// A covariance matrix that is not positive definite.
    #[error(
        "the covariance of {} over {} is singular: column {column} (counted from 0 over all sides) \
         is constant or a linear function of others; remove it",
        count(*columns, "column"), count(*n, "row")
    )]
    SingularCovariance {
        /// Columns of the matrix.
        columns: usize,
        /// Observations.
        n: usize,
        /// A column that adds nothing, from 0 (columns of x, then of y, then of those given).
        column: usize,
    },
    /// A column of one side that is a linear function of columns of the others.
    #[error(
        "column {column} (counted from 0 over all sides) is{} a linear function of columns of the \
         other sides: the mutual information of continuous columns is then infinite, and {method} \
         has no value",
        by_ranks(method)
    )]
    Infinite {
        /// The method.
        method: &'static str,
        /// The column, from 0 (columns of x, then of y, then of those given).
        column: usize,
    },
    /// A column of a kind for which the method is not defined.
    #[error(
        "{method} cannot take column {column} of {side} (counted from 0), which is {kind}; {way}"
    )]
    ColumnKind {
        /// The method.
        method: &'static str,
        /// The side.
        side: Side,
        /// The column of the side, from 0.
        column: usize,
        /// What the column is.
        kind: String,
        /// How to fix it.
        way: WayOut,
    },
    /// Labels whose combinations are mostly unique.
    #[error(
        "{rows} of {n} rows have labels that no other row has together, so that {method} finds no \
         neighbours for them; merge rare labels, or leave a column out"
    )]
    UniqueCombinations {
        /// The method.
        method: &'static str,
        /// The rows with such labels.
        rows: usize,
        /// All rows.
        n: usize,
    },
    /// Labels so rare that their frequencies are meaningless.
    #[error(
        "{rows} of {n} rows have a label of {side} that no other row has, so that {method} is \
         meaningless: labels that occur once look like any function of the other side; merge rare \
         labels, or leave the column out"
    )]
    UniqueLabels {
        /// The method.
        method: &'static str,
        /// The side.
        side: Side,
        /// The columns of the side with these labels, from 0.
        columns: Vec<usize>,
        /// The rows with such labels.
        rows: usize,
        /// All rows.
        n: usize,
    },
    /// Labels of which only one occurs in more than one row.
    #[error(
        "{rows} of {n} rows have a label of {side} that no other row has, and all other rows have \
         the same label: without the unique ones, which {method} leaves out, the side is constant; merge rare \
         labels, or leave the column out"
    )]
    OneLabelLeft {
        /// The method.
        method: &'static str,
        /// The side.
        side: Side,
        /// The rows with unique labels.
        rows: usize,
        /// All rows.
        n: usize,
    },
    /// A column of y that is nearly a linear function of other columns of y.
    #[error(
        "column {column} of y (counted from 0) is nearly a linear function of its other columns: \
         {method} cannot distinguish the rest of it from noise; leave the column out, or use another \
         method"
    )]
    NearlySingular {
        /// The method.
        method: &'static str,
        /// The column of y, from 0.
        column: usize,
    },
    /// A value far below 0, which is impossible.
    #[error(
        "{method} gives {value} nats, but information cannot be negative: the held-out rows are where the \
         models of y were not fitted, as in a series that drifts or has a trend; use differences of \
         such a series, or use another method"
    )]
    Worthless {
        /// The method.
        method: &'static str,
        /// The value in nats, as text.
        value: String,
    },
    /// An estimate that is not a number, in a test that compares estimates.
    #[error(
        "{what} is NaN, which cannot be compared: there is no p-value; look for rows that are far \
         from all others, or use another method"
    )]
    Undefined {
        /// Which estimate.
        what: &'static str,
    },
    /// A method that cannot take columns of this kind.
    #[error("{method} cannot take {found}; {advice}")]
    WrongColumns {
        /// The requested method.
        method: &'static str,
        /// What the columns are.
        found: String,
        /// How to fix it.
        advice: &'static str,
    },
    /// A method that needs columns to condition on, without any.
    #[error(
        "{method} estimates information given other columns, and none are given; give some, or use ksg1"
    )]
    NothingGiven {
        /// The requested method.
        method: &'static str,
    },
    /// A declared type per column was given, but not one for every column.
    #[error(
        "{} for {}; give one for each, or none",
        count(*given, "column declaration"), count(*columns, "column")
    )]
    Declarations {
        /// Declarations given.
        given: usize,
        /// Columns of the side.
        columns: usize,
    },
    /// A setting outside its range.
    #[error("{setting} is {value}; it must be {range}")]
    Setting {
        /// The setting's name.
        setting: &'static str,
        /// Its value, as text.
        value: String,
        /// The allowed values.
        range: &'static str,
    },
    /// Groups that are not one for every row.
    #[error("the groups of {} for {}; give the group of every row", count(*groups, "row"), count(*rows, "row"))]
    GroupCount {
        /// Groups given.
        groups: usize,
        /// Rows.
        rows: usize,
    },
    /// All rows in one group.
    #[error(
        "all {n} rows are in one group, so that there is no group to compare it with; choose \
         another column for the groups, or none"
    )]
    OneGroup {
        /// Rows.
        n: usize,
    },
    /// Fewer groups than parts that need one each.
    #[error(
        "{operation} splits the rows into {parts} parts of whole groups, and each fit needs \
         further groups for validation; there are too few groups for that: use fewer parts, or smaller groups"
    )]
    TooFewGroups {
        /// The operation.
        operation: &'static str,
        /// The parts.
        parts: usize,
    },
    /// Rows for a trained critic that do not have the columns it was trained on.
    #[error(
        "{} for a critic trained on {fitted}; give the same columns in order",
        count(*found, "column")
    )]
    CriticColumns {
        /// Columns given.
        found: usize,
        /// Columns of the rows that it was trained on.
        fitted: usize,
    },
    /// Training that diverged.
    #[error(
        "training of the critic by {bound} diverged from every start: lower the learning rate, \
         or train by infonce"
    )]
    Diverged {
        /// The bound.
        bound: &'static str,
    },
    /// A file that is not a trained critic.
    #[error("not a trained critic: {problem}")]
    SavedCritic {
        /// What is wrong with it.
        problem: String,
    },
    /// A bound, or the engine that evaluates it.
    #[error(transparent)]
    Estimator(#[from] mi_estimators::EstimatorError),
    /// A reader that cannot be fitted.
    #[error(transparent)]
    Reader(#[from] mi_eval::EvalError),
    /// A network or checkpoint.
    #[error(transparent)]
    Nets(#[from] mi_nets::NetsError),
    /// Embeddings that a critic cannot pair.
    #[error(transparent)]
    Critic(#[from] mi_critics::CriticsError),
}

/// An addition to the message for methods of ranks: there, any monotone function of one column is
/// linear.
fn by_ranks(method: &str) -> &'static str {
    if method == crate::Method::Gaussian.name() { "" } else { ", in normal scores of ranks," }
}

/// `is` or `are`.
fn be(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}
