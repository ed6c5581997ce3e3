use std::fmt;

use serde::{Deserialize, Serialize};

use crate::uncertainty::Surrogate;
use crate::words::{all_digits, count, six_digits};

/// Standard errors up to which an excess counts as sampling error.
pub(super) const WITHIN_ERROR: f64 = 3.0;

/// Standard errors up to which a value below 0 counts as sampling error. Every value of independent
/// columns can be below 0, and standard errors come from a few pieces of the rows: with a limit of
/// three, one in a few dozen columns would be called an error.
pub(super) const BELOW_BY_CHANCE: f64 = 5.0;

/// The meaning of an estimate if one side determines a continuous column of the other: neighbours
/// and bounds are limited by the number of rows, covariances by the relations that they see.
pub const INFINITE: &str = "the true value is infinite, and the estimate shows how far the method \
                            reaches with these rows, not how large the value is";

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

/// What a reader of an estimate should know about its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// A side is constant, so the value is 0 by definition.
    Constant {
        /// The side.
        side: Side,
    },
    /// Values of a continuous column repeat; its ties were broken at random within ranks.
    TiesBroken {
        /// The side.
        side: Side,
        /// The column of the side, from 0.
        column: usize,
        /// Rows whose value also occurs in another row, except atoms.
        rows: usize,
        /// The step of the values, if they have one.
        step: Option<f64>,
    },
    /// How much the value depends on the seed that breaks ties.
    TieDeviation {
        /// The standard deviation between seeds, in nats.
        deviation: f64,
    },
    /// Values of a continuous column repeat, and were left as they are, as requested.
    TiesLeft {
        /// The side.
        side: Side,
        /// The column of the side, from 0.
        column: usize,
        /// Rows whose value also occurs in another row.
        rows: usize,
    },
    /// A column is treated as a mixture of numbers and values that each occur in many rows.
    Atoms {
        /// The side.
        side: Side,
        /// The column of the side, from 0.
        column: usize,
        /// The values, in ascending order.
        atoms: Vec<f64>,
        /// The fraction of rows that have one of them.
        share: f64,
    },
    /// A column is constant or a linear function of others of its side, or of those given. The
    /// method left it out, since it adds nothing.
    Redundant {
        /// The side.
        side: Side,
        /// The column of the side, from 0.
        column: usize,
    },
    /// A column of y is, up to rounding, a linear function of columns of x, and possibly of others:
    /// the true value for continuous columns is infinite, and the estimate depends on the number of
    /// rows.
    LinearFunction {
        /// The column of y, from 0.
        column: usize,
        /// What it is a function of: sides and their columns, from 0.
        of: Vec<(Side, usize)>,
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
        /// Rows that the method needs here to be useful.
        advised: usize,
    },
    /// So many columns that nearest neighbours are far away; the estimate is biased downwards.
    ManyColumns {
        /// Columns of all sides.
        columns: usize,
    },
    /// Both sides resemble their previous row: intervals and permutation tests that treat rows as
    /// independent are overconfident.
    Autocorrelated {
        /// The largest lag-1 rank autocorrelation of a column of x.
        x: f64,
        /// The same for y.
        y: f64,
    },
    /// A column of x and one of y have the same order, or the reverse: the true value of
    /// continuous columns is infinite.
    Deterministic {
        /// The column of x, from 0.
        x: usize,
        /// The column of y, from 0.
        y: usize,
    },
    /// The value is near the largest that the method can give with this many rows.
    NearCap {
        /// That largest value, in nats.
        cap: f64,
    },
    /// The value exceeds the entropy of a discrete side, which bounds mutual information.
    AboveEntropy {
        /// The entropy, in nats.
        entropy: f64,
        /// The excess in standard errors of the value, if they are known: up to three it is
        /// sampling error, beyond that an error of the method.
        standard_errors: Option<f64>,
    },
    /// The value is below 0 by more than its sampling error.
    BelowZero {
        /// By how many standard errors.
        standard_errors: f64,
    },
    /// Rows were left out because no other row has the same labels.
    UniqueLabels {
        /// The rows left out.
        rows: usize,
    },
    /// Discrete sides with nearly as many combinations as rows: frequencies are then meaningless.
    SparseTable {
        /// Combinations seen.
        cells: usize,
        /// Rows.
        n: usize,
    },
    /// A critic scores its training rows far higher than held-out ones: it memorised rows, and the
    /// value on held-out rows is lower than it would be with more rows.
    Overfitted {
        /// The bound on training rows, in nats.
        training: f64,
        /// The bound on held-out rows, in nats.
        held_out: f64,
    },
    /// The value of an uncapped bound is near or above ln n: no lower bound from n rows can be
    /// certain of that much, whatever the distribution (`McAllester` and Stratos, 2020).
    BeyondConfidence {
        /// ln n of a held-out part, in nats.
        limit: f64,
    },
    /// There are too few rows, or groups, for the pieces that an interval needs.
    NoInterval,
    /// Ordered rows remember their past for longer than the gap before held-out rows: the value may
    /// be too high.
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
    /// Fewer different rearrangements exist than were requested; all were made.
    FewSurrogates {
        /// The number requested.
        asked: usize,
        /// The number that exist.
        available: usize,
        /// Their kind.
        surrogate: Surrogate,
    },
    /// Some of the groups to be swapped have a unique number of rows: they stay.
    GroupsInPlace {
        /// All groups.
        groups: usize,
        /// Those that can be swapped.
        moved: usize,
        /// Rearrangements that would have been made without an early end of the test.
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
            Self::TiesBroken { side, column, rows, step } => {
                write!(f, "{rows} values of column {column} of {side} occur more than once")?;
                let step = step.map(six_digits);
                step.map_or(Ok(()), |step| write!(f, " (it has steps of {step})"))?;
                write!(f, ": ties were broken at random within ranks, by the seed")
            }
            Self::TieDeviation { deviation } => write!(
                f,
                "another seed for breaking ties changes the value by {} (standard deviation)",
                small_nats(*deviation)
            ),
            Self::TiesLeft { side, column, rows } => write!(
                f,
                "{rows} values of column {column} of {side} occur more than once, and raw values \
                 keep their ties: nearest neighbours assume that there are none"
            ),
            Self::Atoms { side, column, atoms, share } => {
                write!(f, "column {column} of {side} is treated as a mixture: ")?;
                match atoms[..] {
                    [atom] => write!(f, "the value {} holds", all_digits(atom))?,
                    _ => write!(f, "{} values hold", atoms.len())?,
                }
                write!(f, " {:.0} % of the rows", 100.0 * share)
            }
            Self::Redundant { side, column } => write!(
                f,
                "column {column} of {side} is constant or a linear function of others that are \
                 known with it: it adds nothing and was left out"
            ),
            Self::LinearFunction { column, of } => {
                write!(f, "column {column} of y is, up to rounding, a linear function of ")?;
                for (place, (side, column)) in of.iter().enumerate() {
                    let comma = if place == 0 { "" } else { ", " };
                    write!(f, "{comma}column {column} of {side}")?;
                }
                write!(f, ": {INFINITE}")
            }
            Self::DuplicateRows { rows } => write!(
                f,
                "{rows} rows repeat an earlier one: copies raise the estimate; drop them unless \
                 they are separate observations"
            ),
            Self::FewObservations { n, advised } => {
                let (rows, verb) = (count(*n, "row"), if *n == 1 { "is" } else { "are" });
                write!(f, "{rows} {verb} too few for these columns: use {advised} or more")
            }
            Self::ManyColumns { columns } => write!(
                f,
                "{columns} columns are many for nearest neighbours, whose estimate is then too \
                 low: compare with the Gaussian copula and a variational bound"
            ),
            Self::Autocorrelated { x, y } => write!(
                f,
                "successive rows are similar (lag-1 autocorrelation {x:.2} in x, {y:.2} in y): for \
                 a time series, test with shifted or block surrogates"
            ),
            Self::Deterministic { x, y } => {
                write!(f, "column {y} of y is a monotone function of column {x} of x: {INFINITE}")
            }
            Self::NearCap { cap } => write!(
                f,
                "the value is near {cap:.2} nats, the most that this estimator can give from this \
                 many rows: the true value may be much larger"
            ),
            Self::AboveEntropy { entropy, standard_errors } => {
                write!(f, "the value exceeds {entropy:.4} nats, the entropy of a discrete side, ")?;
                match standard_errors {
                    Some(errors) if *errors <= WITHIN_ERROR => write!(f, "by sampling error"),
                    Some(errors) => write!(
                        f,
                        "by {errors:.0} standard errors: that is an error of the method on these \
                         data; take the entropy, or another method"
                    ),
                    None => {
                        write!(f, "which is impossible for information; its error is not known")
                    }
                }
            }
            Self::BelowZero { standard_errors } => write!(
                f,
                "the value is {standard_errors:.0} standard errors below 0, which is impossible for \
                 information: that is an error of the method on these data; take 0, or another method"
            ),
            Self::UniqueLabels { rows } => {
                let (rows, verb) = (count(*rows, "row"), if *rows == 1 { "was" } else { "were" });
                write!(f, "{rows} {verb} left out: no other row has the same labels")
            }
            Self::SparseTable { cells, n } => write!(
                f,
                "{cells} combinations of values in {n} rows: frequencies say little; merge rare \
                 values, or declare columns of numbers continuous"
            ),
            Self::Overfitted { training, held_out } => write!(
                f,
                "the critic reaches {training:.2} nats on its training rows and {held_out:.2} on \
                 held-out ones, which give the estimate: it memorised rows, and more rows \
                 would give a higher value"
            ),
            Self::BeyondConfidence { limit } => write!(
                f,
                "the value is near or above {limit:.2} nats, the logarithm of the number of \
                 held-out rows: no lower bound from this many rows can be certain of it"
            ),
            Self::NoInterval => write!(f, "too few rows, or groups of rows, for an interval"),
            Self::LongMemory { rows } => write!(
                f,
                "the series remember their past for more than {}, the longest gap that can be \
                 left around held-out rows: the value may be too high; test it by shifts",
                count(*rows, "row")
            ),
            Self::OffWhenPermuted { mean, standard_error } => write!(
                f,
                "values repeat, and with y permuted the estimate is {mean:.3} ± \
                 {standard_error:.3} nats instead of 0: ties change it by about that much"
            ),
            Self::FewSurrogates { asked, available, surrogate } => {
                write!(
                    f,
                    "{} requested, but only {available} different {}: the smallest p-value that can \
                     come out is 1/{}",
                    if *asked == 1 {
                        "1 surrogate was".into()
                    } else {
                        format!("{asked} surrogates were")
                    },
                    if *available == 1 { "one exists" } else { "ones exist" },
                    available + 1
                )?;
                match surrogate {
                    Surrogate::WholeGroups => write!(f, "; more exist within groups"),
                    _ => Ok(()),
                }
            }
            Self::GroupsInPlace { groups, moved, available } => write!(
                f,
                "{moved} of {groups} groups have as many rows as another one and can be swapped \
                 with it; the others stay, which makes the test weaker. The smallest p-value that \
                 can come out is 1/{}. To test for a relation within groups, swap rows within them",
                available + 1
            ),
        }
    }
}

/// A small number of nats, such as an error: two digits are enough.
pub fn small_nats(nats: f64) -> String {
    if nats < 0.000_05 {
        return "less than 0.0001 nats".into();
    }
    let rounded: f64 = format!("{nats:.1e}").parse().unwrap_or(nats);
    format!("{} nats", all_digits(rounded))
}
