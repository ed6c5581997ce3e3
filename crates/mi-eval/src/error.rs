/// Errors of this crate. Every message names the operation and what to fix.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A matrix without rows or without columns.
    #[error("{operation}: the matrix is {rows}×{columns}; at least one row and column are needed")]
    Empty {
        /// The operation.
        operation: &'static str,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// A NaN or infinite feature.
    #[error(
        "{operation}: the feature in row {row}, column {column} is {value}; remove or replace \
         non-finite features first"
    )]
    NonFinite {
        /// The operation.
        operation: &'static str,
        /// Row of the first such feature.
        row: usize,
        /// Its column.
        column: usize,
        /// The feature as text: NaN, inf or -inf.
        value: String,
    },
    /// Features whose number of columns differs from that of the fit.
    #[error("{operation}: the features have {found} columns, but the fit had {expected}")]
    ColumnCount {
        /// The operation.
        operation: &'static str,
        /// Columns fitted on.
        expected: usize,
        /// Columns given.
        found: usize,
    },
    /// Not one label for each row of features.
    #[error("{operation}: {rows} rows of features, but {labels} labels")]
    LabelCount {
        /// The operation.
        operation: &'static str,
        /// Rows of features.
        rows: usize,
        /// Labels.
        labels: usize,
    },
    /// A column whose range or variance overflows.
    #[error(
        "{operation}: the spread of column {column} overflows; divide the column by a large number first"
    )]
    Overflow {
        /// The operation.
        operation: &'static str,
        /// The column.
        column: usize,
    },
    /// Two matrices that should describe the same samples but do not.
    #[error(
        "{operation}: one matrix has {first} rows and the other {second}; row i of both must be the same sample"
    )]
    RowCounts {
        /// The operation.
        operation: &'static str,
        /// Rows of the first.
        first: usize,
        /// Rows of the second.
        second: usize,
    },
    /// Fewer rows than an operation needs.
    #[error("{operation}: {found} rows, but at least {needed} are needed")]
    TooFewRows {
        /// The operation.
        operation: &'static str,
        /// The smallest number allowed.
        needed: usize,
        /// Rows given.
        found: usize,
    },
    /// Rows that are all equal, or all zero, where differences are needed.
    #[error("{operation}: the rows do not differ; there is nothing to compare")]
    NoSpread {
        /// The operation.
        operation: &'static str,
    },
    /// More neighbours requested than there are, or none.
    #[error(
        "nearest neighbours: k is {k}, but must be from 1 to {references}, the rows to choose from"
    )]
    NeighbourCount {
        /// Neighbours requested.
        k: usize,
        /// Rows to choose from.
        references: usize,
    },
    /// A range of eigenvalues for which no slope can be fitted.
    #[error(
        "spectrum exponent: the range is {first}..={last}, but must hold two numbers or more from 1 \
         to {rank}, the number of eigenvalues that are not 0; choose another range"
    )]
    SpectrumRange {
        /// First eigenvalue requested, counted from 1.
        first: usize,
        /// Last eigenvalue requested.
        last: usize,
        /// Eigenvalues above rounding.
        rank: usize,
    },
    /// A singular covariance.
    #[error(
        "Gaussian reader: column {column} of {columns} is constant or a linear function of those \
         before it in {n} rows; leave it out"
    )]
    SingularCovariance {
        /// Columns of the matrix.
        columns: usize,
        /// Its rows.
        n: usize,
        /// The first such column.
        column: usize,
    },
    /// A measure that needs data that the representation lacks.
    #[error("{measure}: needs {what} of the same rows; give it, or leave the measure out")]
    Missing {
        /// Name of the measure.
        measure: &'static str,
        /// What it needs.
        what: &'static str,
    },
    /// A decomposition that did not converge.
    #[error("{operation}: the singular value decomposition did not converge")]
    Decomposition {
        /// The operation.
        operation: &'static str,
    },
    /// A network that could not be trained.
    #[error("{reader}: {source}")]
    Network {
        /// The reader.
        reader: &'static str,
        /// What went wrong.
        source: mi_nets::NetsError,
    },
    /// All training rows are of one class.
    #[error(
        "{operation}: every training row has the label {class}; at least two classes are needed"
    )]
    OneClass {
        /// The operation.
        operation: &'static str,
        /// The only class, as `Debug` text.
        class: String,
    },
    /// A label outside the declared class list.
    #[error("fit: row {row} has the label {label}, which is not in the class list [{classes}]")]
    UnknownLabel {
        /// Row of the label.
        row: usize,
        /// The label, as `Debug` text.
        label: String,
        /// The class list, as `Debug` text.
        classes: String,
    },
    /// A class list with a duplicate entry.
    #[error("class list: {class} is given twice")]
    DuplicateClass {
        /// The class, as `Debug` text.
        class: String,
    },
    /// A label that cannot be ordered, such as a floating-point NaN.
    #[error("class list: the label {label} cannot be compared with itself or with another")]
    UnorderedLabel {
        /// The label, as `Debug` text.
        label: String,
    },
    /// A setting outside its range.
    #[error("{name} is {value}, but must be {range}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// Its value, as text.
        value: String,
        /// The allowed values.
        range: &'static str,
    },
    /// Weights overflowed.
    #[error("{solver}: the weights overflowed in epoch {epoch}; scale the features first")]
    Diverged {
        /// The solver.
        solver: &'static str,
        /// The epoch, or iteration.
        epoch: usize,
    },
    /// A NaN or infinite entry of a Jacobian.
    #[error("Jacobian of sample {sample}: the entry in row {row}, column {column} is {value}")]
    NonFiniteJacobian {
        /// The sample, as numbered by the caller.
        sample: usize,
        /// Row (output) of the first such entry.
        row: usize,
        /// Its column (input).
        column: usize,
        /// The entry as text.
        value: String,
    },
    /// The singular values could not be computed.
    #[error("Jacobian of sample {sample}: the singular value decomposition did not converge")]
    NoSpectrum {
        /// The sample, as numbered by the caller.
        sample: usize,
    },
}
