//! Options that several commands share.

use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::{Args, ValueEnum, ValueHint};

use crate::table::{CellRules, DateOrder, Encoding, HeaderRule, Spellings, TextRules};

/// The table to read and its format.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Reading")]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line, each on its own")]
pub struct TableOptions {
    /// CSV, TSV (also gzipped), NPY or NPZ files; `-` is standard input
    ///
    /// Several files are joined column-wise: their rows are paired by position.
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,

    /// Delimiter between fields: one character, `tab` or `space` [default: detected and reported]
    #[arg(long, value_name = "CHAR", value_parser = parse_delimiter)]
    pub delimiter: Option<u8>,

    /// Decimal sign of the numbers
    #[arg(long, value_name = "CHAR", default_value = ".", value_parser = ["." , ","])]
    pub decimal: String,

    /// Thousands separator to ignore; without this option, numbers that contain one are refused
    #[arg(long, value_name = "CHAR")]
    pub thousands: Option<char>,

    /// Whether the first row has names
    ///
    /// `auto`: it does if a text is above a number, or if it has no number.
    #[arg(long, value_enum, default_value_t = HeaderRule::Auto)]
    pub header: HeaderRule,

    /// The text encoding
    #[arg(long, value_enum, default_value_t = Encoding::Utf8)]
    pub encoding: Encoding,

    /// Lines above the table to skip, such as those that an instrument writes
    #[arg(long, value_name = "LINES", default_value_t = 0)]
    pub skip: u64,

    /// An additional token that means "missing" (repeat for several), such as `-999`; `none` turns
    /// the usual ones off
    ///
    /// The usual ones are NA, N/A, #N/A, NaN, null, `?` and `.` in any case; after `--na none` they
    /// are ordinary labels. The empty cell is always missing. A token in double quotes is taken
    /// literally: `--na '"none"'`.
    #[arg(long = "na", value_name = "TOKEN", allow_hyphen_values = true)]
    pub missing_tokens: Vec<String>,

    /// Read percentages as numbers: 12.5% is 0.125
    #[arg(long)]
    pub percent: bool,

    /// Read amounts of money as numbers: $12, 12 €, (USD 12) for minus 12
    #[arg(long)]
    pub currency: bool,

    /// Read Fortran's exponents as numbers: 3.0D-6
    #[arg(long)]
    pub fortran: bool,

    /// Read dates and times as numbers: seconds since 1970-01-01, or since midnight
    ///
    /// A time without an offset from UTC is read as UTC. ORDER is the order of dates in digits: ymd
    /// (2024-12-31), dmy (31.12.2024) or mdy (12/31/2024) [default: ymd]
    #[arg(
        long,
        value_name = "ORDER",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "ymd"
    )]
    pub dates: Option<DateOrder>,

    /// What to do about missing values in the columns that are used
    #[arg(long, value_enum, default_value_t = MissingRule::Error)]
    pub missing: MissingRule,

    /// The array of an NPZ file (repeat for several arrays)
    #[arg(long = "key", value_name = "NAME")]
    pub keys: Vec<String>,

    /// Keep a first column that has no name or counts the rows when columns are chosen by default
    #[arg(long)]
    pub keep_row_numbers: bool,

    /// Columns to treat as discrete: values are only equal or different, compared as they are
    /// written [default: text, few values]
    #[arg(long, value_name = "COLUMNS")]
    pub discrete: Vec<String>,

    /// Columns to treat as continuous, however few different numbers they have
    #[arg(long, value_name = "COLUMNS")]
    pub continuous: Vec<String>,
}

impl TableOptions {
    /// The files' names for results; bytes that are not UTF-8 are shown as `\u{fffd}`.
    pub fn file_names(&self) -> Vec<String> {
        self.files.iter().map(|file| file.display().to_string()).collect()
    }

    /// The rules by which text tables are read.
    pub fn text_rules(&self) -> TextRules {
        TextRules {
            delimiter: self.delimiter,
            header: self.header,
            encoding: self.encoding,
            cells: CellRules {
                decimal: if self.decimal == "," { ',' } else { '.' },
                thousands: self.thousands,
                usual_tokens: !self.missing_tokens.iter().any(|token| token == "none"),
                missing: self
                    .missing_tokens
                    .iter()
                    .filter(|token| *token != "none")
                    .map(|token| {
                        let inside = token.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
                        inside.unwrap_or(token).to_owned()
                    })
                    .collect(),
                spellings: Spellings {
                    percent: self.percent,
                    currency: self.currency,
                    fortran: self.fortran,
                    dates: self.dates,
                },
            },
            skip: self.skip,
        }
    }
}

/// What to do about missing values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MissingRule {
    /// Stop, and say how many each column has
    Error,
    /// Leave out the rows in which a used column has no value, and say how many
    Drop,
}

/// How results and messages are written.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// Unit of every information value
    #[arg(long, value_enum, default_value_t = Unit::Nats)]
    pub unit: Unit,

    /// Write the results as JSON (its schema: docs/json.md of this crate)
    #[arg(long)]
    pub json: bool,

    /// Write the results as CSV, one line each, with all digits
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,

    /// Print only errors on standard error
    #[arg(long, short)]
    pub quiet: bool,

    /// Threads to use [default: all]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = threads_parser())]
    pub threads: Option<u16>,
}

/// More threads than any machine has cores make nothing faster, and each one costs memory.
const MOST_THREADS: i64 = 1024;

/// Reads a number of threads.
pub fn threads_parser() -> impl TypedValueParser<Value = u16> {
    clap::value_parser!(u16).range(1..=MOST_THREADS)
}

/// How existing files are treated.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Output")]
pub struct ReplaceOptions {
    /// Replace existing files (never one that the command reads)
    #[arg(long)]
    pub force: bool,
}

/// Units of information.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Unit {
    /// Natural logarithm: 1 nat = 1.4427 bits
    Nats,
    /// Logarithm to base 2
    Bits,
}

impl Unit {
    /// A value in nats, in this unit.
    pub fn of(self, nats: f64) -> f64 {
        match self {
            Unit::Nats => nats,
            Unit::Bits => nats / std::f64::consts::LN_2,
        }
    }

    /// The unit's name.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Nats => "nats",
            Unit::Bits => "bits",
        }
    }
}

fn parse_delimiter(text: &str) -> Result<u8, String> {
    match (text, text.as_bytes()) {
        ("tab" | "\\t" | "\t", _) => Ok(b'\t'),
        ("space", _) => Ok(b' '),
        (_, &[byte]) if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(byte),
        _ => Err("a delimiter is one ASCII character, `tab` or `space`".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_have_names() {
        assert_eq!(parse_delimiter("tab"), Ok(b'\t'));
        assert_eq!(parse_delimiter(";"), Ok(b';'));
        assert!(parse_delimiter("::").is_err());
        assert!(parse_delimiter("\"").is_err());
        assert!(parse_delimiter("·").is_err());
    }

    #[test]
    fn one_nat_is_1_4427_bits() {
        assert!((Unit::Bits.of(1.0) - std::f64::consts::LOG2_E).abs() < 1e-15);
        assert_eq!(Unit::Nats.of(1.0), 1.0);
        assert!((Unit::Bits.of(0.01384) - 0.01997).abs() < 1e-5);
    }
}
