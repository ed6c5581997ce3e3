//! Tables: columns of numbers or labels from CSV, TSV, NPY, NPZ and (with the
//! feature `parquet`) Parquet files, and from standard input.
//!
//! Reading has two steps. [`open`] detects the kind of file and the names of its columns;
//! [`Source::load`] reads the wanted columns, row by row, so the memory needed is that of the
//! columns. Nothing is guessed silently: the delimiter, the header rule and every conversion are
//! reported in [`Table::notes`], and a cell that does not fit is an error with its line and column.
//!
//! | written | read as |
//! | --- | --- |
//! | `1.5`, `-2e3`, `.5`, ` 7 ` | numbers (spaces are trimmed) |
//! | an empty cell, `NA`, `N/A`, `#N/A`, `NaN`, `null`, `?`, `.` in any case | missing |
//! | `inf`, `Infinity`, `1e400` | refused |
//! | `1,5` or `2,288` | refused unless the decimal comma or the thousands separator is named |
//! | `12.5%`, `$12`, `3.0D-6`, dates, times | labels, or numbers if [`Spellings`] says so |
//! | other text, from a column's first cell on | labels |
//! | other text, in a column of numbers | refused |
//!
//! Labels are compared as they are written: `007` and `7`, `1.1` and `1.10`, `1e3` and `1000` are
//! different labels. This applies to text, to columns that are declared discrete, and to columns
//! with so few numbers that they are treated as labels.

mod builder;
mod cell;
mod column;
mod dates;
mod delimited;
mod error;
mod foreign;
mod labels;
mod normalise;
mod npy;
mod npy_header;
mod numbers;
#[cfg(feature = "parquet")]
mod parquet;
mod passed;
mod preamble;
mod sniff;
mod source;
mod spelling;

/// The largest number of columns of a table. There is a limit because a few bytes can promise any
/// number, and every column has a name in memory.
const MOST_COLUMNS: usize = 1_000_000;

/// The prefix of the name of a Parquet column with the row labels of a pandas table.
pub(crate) const PANDAS_INDEX: &str = "__index_level_";

pub use cell::{CellRules, MISSING_TOKENS};
pub use column::{Column, Odd, Origin};
pub use dates::DateOrder;
pub use delimited::{Encoding, TextRules};
pub use error::{Place, TableError};
pub use sniff::HeaderRule;
pub use source::{ReadOptions, Source, Table, open};
pub use spelling::Spellings;
