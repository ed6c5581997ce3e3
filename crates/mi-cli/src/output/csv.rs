use std::borrow::Cow;
use std::io::Write;

use mi_plot::plain_lines;

use crate::error::CliError;

/// One cell of CSV output.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Words, such as a user's names and labels.
    Text(String),
    /// A number with all its digits; empty if there is none.
    Number(Option<f64>),
    /// A whole number.
    Integer(i64),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Number(Some(value))
    }
}

impl From<Option<f64>> for Cell {
    fn from(value: Option<f64>) -> Self {
        Self::Number(value)
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        // No table has more rows than that.
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<Option<usize>> for Cell {
    fn from(count: Option<usize>) -> Self {
        count.map_or(Self::Number(None), Self::from)
    }
}

impl Cell {
    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(None) => Cow::Borrowed(""),
            Self::Number(Some(value)) => Cow::Owned(value.to_string()),
            Self::Integer(value) => Cow::Owned(value.to_string()),
        }
    }
}

/// Results as CSV (RFC 4180): one header, then one row each.
///
/// A spreadsheet runs a cell that starts with `=`, `+`, `-` or `@` as a formula, and the names in a
/// table may come from anybody: such text gets a leading apostrophe, which spreadsheets do not show
/// (OWASP, "CSV injection"). CSV has no escapes, so characters that could control a terminal become
/// spaces; line breaks are kept, in quotes. Numbers are not changed.
#[derive(Debug)]
pub struct Csv {
    writer: csv::Writer<Vec<u8>>,
}

impl Csv {
    /// A table with these headings.
    ///
    /// # Errors
    /// None in memory; the writer's type requires a result.
    pub fn new(headings: &[&str]) -> Result<Self, CliError> {
        let mut csv = Self { writer: csv::Writer::from_writer(Vec::new()) };
        csv.writer.write_record(headings).map_err(failed)?;
        Ok(csv)
    }

    /// Adds a row, with as many cells as there are headings.
    ///
    /// # Errors
    /// If it has another number of cells.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) -> Result<(), CliError> {
        let cells = cells.into_iter().map(|cell| match &cell {
            Cell::Text(text) => plain_lines(&unlike_a_formula(text)).into_owned(),
            _ => cell.text().into_owned(),
        });
        self.writer.write_record(cells).map_err(failed)
    }

    /// Writes everything to standard output.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(self, out: &mut dyn Write) -> Result<(), CliError> {
        let bytes = self.writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
        out.write_all(&bytes).map_err(CliError::from_stdout)
    }
}

fn failed(error: csv::Error) -> CliError {
    CliError::Data(format!("cannot write CSV: {error}"))
}

/// The text, with an apostrophe where a spreadsheet would take it for a formula.
fn unlike_a_formula(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_looks_like_a_formula_and_numbers_stay() {
        let mut csv = Csv::new(&["x", "value"]).unwrap();
        for name in ["=1+1", "+a", "-b", "@c", "a,\"b\"\n", "plain = 1", "\t=1", "a\u{9b}2J"] {
            csv.row([name.into(), (-0.5).into()]).unwrap();
        }
        csv.row(["n".into(), Cell::Number(None)]).unwrap();
        let mut out = Vec::new();
        csv.write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "x,value\n'=1+1,-0.5\n'+a,-0.5\n'-b,-0.5\n'@c,-0.5\n\"a,\"\"b\"\"\n\",-0.5\n\
             plain = 1,-0.5\n' =1,-0.5\na 2J,-0.5\nn,\n"
        );
    }
}
