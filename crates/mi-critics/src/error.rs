use mi_nets::NetsError;
use thiserror::Error;

/// Errors in building or running a critic.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum CriticsError {
    /// A critic that takes inner products of its inputs got inputs of different widths.
    #[error(
        "critic `{name}`: {critic} needs x and y of the same width; they have {dim_x} and {dim_y} \
         columns; the bilinear and separable critics take any widths"
    )]
    Widths {
        /// The critic's name.
        name: String,
        /// The kind of critic.
        critic: &'static str,
        /// Columns of x.
        dim_x: usize,
        /// Columns of y.
        dim_y: usize,
    },
    /// A temperature outside its range.
    #[error("critic `{name}`: temperature {temperature}; {range}")]
    Temperature {
        /// The critic's name.
        name: String,
        /// The requested temperature.
        temperature: f64,
        /// The allowed values.
        range: &'static str,
    },
    /// Invalid layer sizes.
    #[error("critic `{name}`: {problem}")]
    Sizes {
        /// The critic's name.
        name: String,
        /// The sizes, and the allowed ones.
        problem: String,
    },
    /// Embedded batches that do not fit together.
    #[error(
        "scores: the embedded batches are {rows_x}×{dim_x} and {rows_y}×{dim_y}; both must have \
         the same number of columns{expected}"
    )]
    Embeddings {
        /// Rows of x.
        rows_x: usize,
        /// Columns of x.
        dim_x: usize,
        /// Rows of y.
        rows_y: usize,
        /// Columns of y.
        dim_y: usize,
        /// What the pairing requires, as a clause; may be empty.
        expected: String,
    },
    /// An error of the networks.
    #[error(transparent)]
    Nets(#[from] NetsError),
}
