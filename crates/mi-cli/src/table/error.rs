use std::fmt;
use std::io;

use crate::words::{count, cut};

/// Why a table could not be read. Every message names the file and, where there is one, the
/// place in it, and says how to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file could not be opened.
    #[error("cannot open {file}: {source}")]
    Open {
        /// The file as it was given.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// Reading stopped half-way.
    #[error(
        "cannot read {file} to its end: {source}; if it was damaged or cut off on its way, copy or \
         save it again"
    )]
    Read {
        /// The file as it was given.
        file: String,
        /// What the system or the decoder said.
        source: io::Error,
    },
    /// The file has no bytes, or nothing but blank lines.
    #[error("{file} is empty: save the table into it again, or name another file")]
    Empty {
        /// The file as it was given.
        file: String,
    },
    /// The file has names but no rows.
    #[error("{file} has no rows: there is nothing below its header `{header}`{hint}")]
    NoRows {
        /// The file as it was given.
        file: String,
        /// The header row.
        header: String,
        /// What may help.
        hint: &'static str,
    },
    /// The file is of a kind that is not read.
    #[error("{file} {what}")]
    Unsupported {
        /// The file as it was given.
        file: String,
        /// What it looks like and what to do about it.
        what: String,
    },
    /// The text is not UTF-8.
    #[error(
        "{at}: byte 0x{byte:02X} is not UTF-8; convert the file to UTF-8, or say \
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
        /// The file as it was given.
        file: String,
        /// The line on which the row starts.
        line: u64,
        /// Fields found.
        found: usize,
        /// Fields of the first row.
        expected: usize,
        /// What may be the cause.
        hint: String,
    },
    /// Lines above the table, as instruments write them.
    #[error(
        "{file}: the table seems to begin in line {}, with `{header}`; say `--skip {skip}` to pass \
         over what stands above it{otherwise}", skip + 1
    )]
    Preamble {
        /// The file as it was given.
        file: String,
        /// Lines to pass over.
        skip: u64,
        /// The row below them.
        header: String,
        /// What else may be the case.
        otherwise: &'static str,
    },
    /// A quote is never closed.
    #[error("{file}, line {line}: the quote that opens here is never closed")]
    UnclosedQuote {
        /// The file as it was given.
        file: String,
        /// The line of the opening quote.
        line: u64,
    },
    /// A cell of a column of numbers is no number.
    #[error("{at}: `{cell}` is not a number{hint}")]
    NotANumber {
        /// Where.
        at: Place,
        /// The cell.
        cell: String,
        /// What may help.
        hint: String,
    },
    /// A cell is infinite, or too large for a double.
    #[error(
        "{at}: `{cell}` is not a finite number; remove the row, or mark the cell as missing \
         (an empty cell) and say `--missing drop`"
    )]
    NotFinite {
        /// Where.
        at: Place,
        /// The cell.
        cell: String,
    },
    /// An NPY or NPZ file is not what its header says, or of a kind that is not read.
    #[error("{file}: {problem}")]
    Array {
        /// The file (and member) as it was given.
        file: String,
        /// What is wrong and how to mend it.
        problem: String,
    },
    /// Several arrays in one NPZ file and none chosen, or one that is not there.
    #[error("{file} holds the arrays {keys}; choose with `--key NAME`{asked}")]
    ChooseKey {
        /// The file as it was given.
        file: String,
        /// The keys.
        keys: String,
        /// The key that was asked for and is not there, if one was.
        asked: String,
    },
    /// Tables to stand side by side have different lengths.
    #[error("{file} has {} but {first} has {expected}; rows are paired by position", count(*found, "row"))]
    RowsDiffer {
        /// The file as it was given.
        file: String,
        /// Its rows.
        found: usize,
        /// The first file.
        first: String,
        /// The rows of the first file.
        expected: usize,
    },
    /// The table does not fit the memory.
    #[error("{file} does not fit the memory: {rows} rows of {columns} columns were read")]
    Memory {
        /// The file as it was given.
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
    /// The file as it was given.
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
