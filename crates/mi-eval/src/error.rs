/// What can go wrong in this crate. Every message names the operation and what to mend.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A matrix without rows or without columns.
    #[error("{operation}: the matrix is {rows}×{columns}; at least one row and column are needed")]
    Empty {
        /// What was asked for.
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
        /// What was asked for.
        operation: &'static str,
        /// Row of the first such feature.
        row: usize,
        /// Its column.
        column: usize,
        /// The feature as text: NaN, inf or -inf.
        value: String,
    },
    /// Features with another number of columns than those fitted on.
    #[error("{operation}: the features have {found} columns, but {expected} were fitted on")]
    ColumnCount {
        /// What was asked for.
        operation: &'static str,
        /// Columns fitted on.
        expected: usize,
        /// Columns given.
        found: usize,
    },
    /// Not one label for each row of features.
    #[error("{operation}: {rows} rows of features, but {labels} labels")]
    LabelCount {
        /// What was asked for.
        operation: &'static str,
        /// Rows of features.
        rows: usize,
        /// Labels.
        labels: usize,
    },
    /// A column whose range or variance is larger than the largest number.
    #[error("{operation}: the spread of column {column} overflows; divide the column first")]
    Overflow {
        /// What was asked for.
        operation: &'static str,
        /// The column.
        column: usize,
    },
    /// All training rows are of one class, so there is nothing to tell apart.
    #[error("fit: every training row has the label {class}; at least two classes are needed")]
    OneClass {
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
    /// A class list with an entry given twice.
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
        /// The values allowed.
        range: &'static str,
    },
    /// Weights grew beyond the largest number.
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
