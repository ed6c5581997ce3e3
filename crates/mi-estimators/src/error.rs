use thiserror::Error;

/// What can go wrong in this crate: the caller's arrays or settings, named with their shapes.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum EstimatorError {
    /// Two sides that should hold the same observations have different numbers of rows.
    #[error("the sides have {x} and {y} rows; both need one row for every observation")]
    RowCounts {
        /// Rows of the first side.
        x: usize,
        /// Rows of the second side.
        y: usize,
    },
    /// A side without a row or without a column.
    #[error("a side has {rows} rows and {columns} columns; it needs at least one of each")]
    EmptySide {
        /// Rows found.
        rows: usize,
        /// Columns found.
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
    /// Scores that are not square, without `Pairs` that say where positives are.
    #[error(
        "the scores are {rows}×{columns}; a bound needs a square matrix with at least one row, \
         positives on the diagonal, or `Pairs` that say where positives are"
    )]
    ScoreShape {
        /// Rows found.
        rows: usize,
        /// Columns found.
        columns: usize,
    },
    /// A score that is not a number.
    #[error("row {row} of the scores (counted from 0) contains NaN: the critic has diverged")]
    NanScore {
        /// Row, from 0.
        row: usize,
    },
    /// A batch with too few negatives for a bound.
    #[error(
        "{bound} needs at least {needed} pairs in a batch, as every pair's negatives come from \
         the others; there are {found}"
    )]
    TooFewPairs {
        /// The bound.
        bound: String,
        /// Pairs needed.
        needed: usize,
        /// Pairs given.
        found: usize,
    },
    /// Positives without a negative, for a bound that needs one.
    #[error(
        "{bound} needs at least one negative for each positive; those of row {row} (counted from \
         0) have none"
    )]
    NoNegatives {
        /// The bound.
        bound: String,
        /// The first such row, from 0.
        row: usize,
    },
    /// Positives, negatives and excluded pairs that contradict each other or the shape.
    #[error("pairs of {rows}×{columns} scores: {problem}")]
    Pairs {
        /// Rows of the scores.
        rows: usize,
        /// Columns of the scores.
        columns: usize,
        /// What is wrong.
        problem: String,
    },
    /// Pairs made for scores of another shape.
    #[error("the scores are {rows}×{columns}; the pairs are those of {}×{} scores", wanted.0, wanted.1)]
    PairsShape {
        /// Rows of the scores.
        rows: usize,
        /// Columns of the scores.
        columns: usize,
        /// Rows and columns that the pairs were made for.
        wanted: (usize, usize),
    },
    /// Infinite scores or log densities that leave a bound without a value.
    #[error(
        "{bound} has no value: infinite scores or log densities cancel; the critic or the model \
         has diverged"
    )]
    Indeterminate {
        /// The bound.
        bound: String,
    },
    /// Learned numbers that do not fit a bound.
    #[error("{bound}: the learned numbers do not fit: {problem}")]
    Learned {
        /// The bound.
        bound: String,
        /// What is wrong, and what is needed.
        problem: String,
    },
    /// A pairing with parameters, but no `Gradients` for them.
    #[error("the critic's pairing has parameters: pass `Gradients` for them")]
    NoGradients,
    /// A second half of a training step without a first.
    #[error(
        "there is nothing to follow: `TrainingStep::forward` must succeed before each `backward` \
         or `ascend`, and nothing else may use the step's tape between them"
    )]
    NoForward,
    /// A network or checkpoint.
    #[error(transparent)]
    Nets(#[from] mi_nets::NetsError),
    /// Embeddings that a critic cannot pair.
    #[error(transparent)]
    Critic(#[from] mi_critics::CriticsError),
}
