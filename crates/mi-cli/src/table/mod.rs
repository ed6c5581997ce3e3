//! Tables: columns of numbers or labels from CSV, TSV, NPY, NPZ and (with the
//! feature `parquet`) Parquet files, and from standard input.
//!
//! Reading has two steps. [`open`] finds out what the file is and what its columns are called;
//! [`Source::load`] reads the columns that are wanted, row by row, so the memory needed is that
//! of the columns. Nothing is guessed in silence: the delimiter, the header rule and every
//! conversion are said in [`Table::notes`], and a cell that fits nowhere is an error with its
//! line and column.
//!
//! | written | read as |
//! | --- | --- |
//! | `1.5`, `-2e3`, `.5`, ` 7 ` | numbers (spaces are trimmed) |
//! | an empty cell, `NA`, `N/A`, `#N/A`, `NaN`, `null`, `?`, `.` in any case | missing |
//! | `inf`, `Infinity`, `1e400` | refused |
//! | `1,5` or `2,288` | refused unless the decimal comma or the thousands separator is named |
//! | other text, from a column's first cell on | labels |
//! | other text, in a column of numbers | refused |

mod cell;
mod column;
mod delimited;
mod error;
mod normalise;
mod npy;
mod npy_header;
#[cfg(feature = "parquet")]
mod parquet;
mod sniff;
mod source;

pub use cell::{CellRules, MISSING_TOKENS};
pub use column::Column;
pub use delimited::{Encoding, TextRules};
pub use error::{Place, TableError};
pub use sniff::HeaderRule;
pub use source::{ReadOptions, Source, Table, open};
