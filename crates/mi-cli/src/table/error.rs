use std::fmt;
use std::io;

use mi_samples::LARGEST;

use crate::words::{count, cut};

/// Why a table could not be read. Every message names the file and, if there is one, the place in
/// it, and says how to fix it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file could not be opened.
    #[error("cannot open {file}: {source}")]
    Open {
        /// The file as given.
        file: String,
        /// The system's message.
        source: io::Error,
    },
    /// Reading stopped before the end.
    #[error(
        "cannot read {file} to its end: {source}; if it was damaged or truncated in transit, copy or \
         save it again"
    )]
    Read {
        /// The file as given.
        file: String,
        /// The message of the system or the decoder.
        source: io::Error,
    },
    /// The file has no bytes, or only blank lines.
    #[error("{file} is empty: save the table into it again, or name another file")]
    Empty {
        /// The file as given.
        file: String,
    },
    /// The file has names but no rows.
    #[error("{file} has no rows: there is nothing below its header `{header}`{hint}")]
    NoRows {
        /// The file as given.
        file: String,
        /// The header row.
        header: String,
        /// A hint.
        hint: &'static str,
    },
    /// The file is of an unsupported kind.
    #[error("{file} {what}")]
    Unsupported {
        /// The file as given.
        file: String,
        /// What it looks like and what to do about it.
        what: String,
    },
    /// The text is not UTF-8.
    #[error(
        "{at}: byte 0x{byte:02X} is not UTF-8; convert the file to UTF-8, or use \
         `--encoding latin-1` if it is Latin-1 (ISO 8859-1, Windows-1252)"
    )]
    NotUtf8 {
        /// Where.
        at: Place,
        /// The first byte that does not fit.
        byte: u8,
    },
    /// A row has more or fewer fields than the first.
    #[error("{file}, line {line}: {} where {expected} are expected{hint}", count(*found, "field"))]
    Ragged {
        /// The file as given.
        file: String,
        /// The line on which the row starts.
        line: u64,
        /// Fields found.
        found: usize,
        /// Fields of the first row.
        expected: usize,
        /// A possible cause.
        hint: String,
    },
    /// Lines above the table, such as those of instruments.
    #[error(
        "{file}: the table seems to begin in line {}, with `{header}`; use `--skip {skip}` to skip \
         the lines above it{otherwise}", skip + 1
    )]
    Preamble {
        /// The file as given.
        file: String,
        /// Lines to skip.
        skip: u64,
        /// The row below them.
        header: String,
        /// Another possibility.
        otherwise: &'static str,
    },
    /// A quote is never closed.
    #[error("{file}, line {line}: the quote that opens here is never closed")]
    UnclosedQuote {
        /// The file as given.
        file: String,
        /// The line of the opening quote.
        line: u64,
    },
    /// A cell of a column of numbers is not a number.
    #[error("{at}: `{cell}` is not a number{hint}")]
    NotANumber {
        /// Where.
        at: Place,
        /// The cell.
        cell: String,
        /// A hint.
        hint: String,
    },
    /// A cell is infinite, or too large for a double.
    #[error(
        "{at}: `{cell}` is not a finite number; remove the row, or mark the cell as missing \
         (an empty cell) and use `--missing drop`"
    )]
    NotFinite {
        /// Where.
        at: Place,
        /// The cell.
        cell: String,
    },
    /// A number is too large for the estimators.
    #[error(
        "{at}: `{cell}` is too large: estimators take numbers below {LARGEST:e}; divide the column by \
         a constant, or remove the row"
    )]
    TooLarge {
        /// Where.
        at: Place,
        /// The cell.
        cell: String,
    },
    /// An NPY or NPZ file does not match its header, or is of an unsupported kind.
    #[error("{file}: {problem}")]
    Array {
        /// The file (and member) as given.
        file: String,
        /// What is wrong and how to fix it.
        problem: String,
    },
    /// Several arrays in one NPZ file and none chosen, or one that does not exist.
    #[error("{file} contains the arrays {keys}; choose with `--key NAME`{asked}")]
    ChooseKey {
        /// The file as given.
        file: String,
        /// The keys.
        keys: String,
        /// The requested key, if it does not exist.
        asked: String,
    },
    /// Tables to be joined column-wise have different lengths.
    #[error("{file} has {} but {first} has {expected}; rows are paired by position", count(*found, "row"))]
    RowsDiffer {
        /// The file as given.
        file: String,
        /// Its rows.
        found: usize,
        /// The first file.
        first: String,
        /// The rows of the first file.
        expected: usize,
    },
    /// The table does not fit into memory.
    #[error("{file} does not fit into memory: {rows} rows of {columns} columns were read")]
    Memory {
        /// The file as given.
        file: String,
        /// Rows read.
        rows: usize,
        /// Columns kept.
        columns: usize,
    },
}

/// A place in a table: file, line (or row, in an array), column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as given.
    pub file: String,
    /// `line 3`, or `row 3` of an array; both count from 1.
    pub line: String,
    /// The column's name.
    pub column: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, column `{}`", self.file, self.line, cut(&self.column))
    }
}
