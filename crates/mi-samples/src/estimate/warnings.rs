use std::fmt;

use serde::{Deserialize, Serialize};

/// One side of an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The first.
    X,
    /// The second.
    Y,
    /// The columns conditioned on.
    Given,
}

/// What a reader of an estimate should know about the data it came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// A side is constant, so the value is 0 by definition.
    Constant {
        /// The side.
        side: Side,
    },
    /// A column was rounded to a step; its values were spread by ± half a step.
    Lattice {
        /// The side.
        side: Side,
        /// The column of the side, from 0.
        column: usize,
        /// The step.
        step: f64,
    },
    /// Values of a continuous column repeat.
    Ties {
        /// The side.
        side: Side,
        /// The column of the side, from 0.
        column: usize,
        /// Rows whose value occurs in another row too.
        rows: usize,
    },
    /// Whole rows repeat. Copies are not independent observations: they raise estimates.
    DuplicateRows {
        /// Rows that repeat an earlier one.
        rows: usize,
    },
    /// Too few rows for the number of columns and neighbours.
    FewObservations {
        /// Rows given.
        n: usize,
        /// Rows from which the method is useful here.
        advised: usize,
    },
    /// So many columns that nearest neighbours are far away; the estimate is biased downwards.
    ManyColumns {
        /// Columns of all sides.
        columns: usize,
    },
    /// Both sides resemble their previous row: intervals and permutation tests that take rows as
    /// independent are too sure.
    Autocorrelated {
        /// The largest lag-1 rank autocorrelation of a column of x.
        x: f64,
        /// The same of y.
        y: f64,
    },
    /// A column of x and one of y have the same order, or the reverse: the true value of
    /// continuous columns is infinite, and the estimate says how many rows there are.
    Deterministic {
        /// The column of x, from 0.
        x: usize,
        /// The column of y, from 0.
        y: usize,
    },
    /// The value is near the largest that the method can give from so many rows.
    NearCap {
        /// That largest value, in nats.
        cap: f64,
    },
    /// The value exceeds the entropy of a discrete side, which bounds mutual information.
    AboveEntropy {
        /// The entropy, in nats.
        entropy: f64,
    },
    /// Rows were left out because no other row has their label.
    UniqueLabels {
        /// The rows left out.
        rows: usize,
    },
    /// Discrete sides with nearly as many combinations as rows: frequencies then say nothing.
    SparseTable {
        /// Combinations seen.
        cells: usize,
        /// Rows.
        n: usize,
    },
    /// A critic scores its training rows far higher than held-out ones: it learnt rows by heart,
    /// and the value, of held-out rows, is lower than more rows would give.
    Overfitted {
        /// The bound on training rows, in nats.
        training: f64,
        /// The bound on held-out rows, in nats.
        held_out: f64,
    },
    /// The value of a bound without a cap of its own is near or above ln n: no lower bound from n
    /// rows can be sure of that much, whatever the distribution
    /// (`McAllester` and Stratos, 2020).
    BeyondConfidence {
        /// ln n of a held-out part, in nats.
        limit: f64,
    },
    /// The rows, or their groups, are too few for the pieces that an interval needs.
    NoInterval,
    /// Ordered rows remember their past for longer than the gap that held-out rows are kept at:
    /// the value may be too high.
    LongMemory {
        /// The gap, a tenth of the rows.
        rows: usize,
    },
    /// With y permuted, where the truth is 0, the method gives another value on these columns,
    /// whose values repeat.
    OffWhenPermuted {
        /// The mean over permutations, in nats.
        mean: f64,
        /// Its standard error, in nats.
        standard_error: f64,
    },
    /// Fewer different rearrangements exist than were asked for; all were made.
    FewSurrogates {
        /// Those asked for.
        asked: usize,
        /// Those that exist.
        available: usize,
    },
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X => "x",
            Self::Y => "y",
            Self::Given => "given",
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant { side } => write!(f, "{side} is constant: the value is 0"),
            Self::Lattice { side, column, step } => write!(
                f,
                "column {column} of {side} is rounded to steps of {step}: its values were spread \
                 by a seeded dither of half a step"
            ),
            Self::Ties { side, column, rows } => write!(
                f,
                "{rows} values of column {column} of {side} occur more than once: it is taken \
                 for a mixture of atoms and numbers"
            ),
            Self::DuplicateRows { rows } => write!(
                f,
                "{rows} rows repeat an earlier one: copies raise the estimate; drop them unless \
                 they are separate observations"
            ),
            Self::FewObservations { n, advised } => {
                write!(f, "{n} rows are few for these columns: {advised} or more are advised")
            }
            Self::ManyColumns { columns } => write!(
                f,
                "{columns} columns are many for nearest neighbours, whose estimate is then too \
                 low: compare the Gaussian copula and a variational bound"
            ),
            Self::Autocorrelated { x, y } => write!(
                f,
                "successive rows are alike (lag-1 autocorrelation {x:.2} in x, {y:.2} in y): for \
                 a time series, test with shifted or block surrogates"
            ),
            Self::Deterministic { x, y } => write!(
                f,
                "column {y} of y is a monotone function of column {x} of x: the true value is \
                 infinite and the estimate limited by the number of rows"
            ),
            Self::NearCap { cap } => write!(
                f,
                "the value is near {cap:.2} nats, the most that this estimator can give from so \
                 many rows: the true value may be much larger"
            ),
            Self::AboveEntropy { entropy } => write!(
                f,
                "the value exceeds {entropy:.4} nats, the entropy of a discrete side, by \
                 sampling error"
            ),
            Self::UniqueLabels { rows } => {
                write!(f, "{rows} rows were left out: no other row has their label")
            }
            Self::SparseTable { cells, n } => write!(
                f,
                "{cells} combinations of values in {n} rows: frequencies overfit; is a column \
                 continuous?"
            ),
            Self::Overfitted { training, held_out } => write!(
                f,
                "the critic reaches {training:.2} nats on its training rows and {held_out:.2} on \
                 held-out ones, which are the estimate: it learnt rows by heart, and more rows \
                 would give a higher value"
            ),
            Self::BeyondConfidence { limit } => write!(
                f,
                "the value is near or above {limit:.2} nats, the logarithm of the number of \
                 held-out rows: no lower bound from so many rows can be sure of it"
            ),
            Self::NoInterval => write!(f, "too few rows, or groups of rows, for an interval"),
            Self::LongMemory { rows } => write!(
                f,
                "the series remember their past for more than {rows} rows, the longest gap that \
                 can be left around held-out rows: the value may be too high; compare --surrogate \
                 shift"
            ),
            Self::OffWhenPermuted { mean, standard_error } => write!(
                f,
                "values repeat, and with y permuted the estimate is {mean:.3} ± \
                 {standard_error:.3} nats instead of 0: ties put it off by about as much"
            ),
            Self::FewSurrogates { asked, available } => write!(
                f,
                "{asked} surrogates were asked for, and only {available} different ones exist: \
                 the smallest p-value that can come out is {:.2}",
                1.0 / (1.0 + *available as f64)
            ),
        }
    }
}
