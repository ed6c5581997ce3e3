//! Reads delimiter-separated text, row by row.

use std::io::{BufRead, Read};

use csv::{ByteRecord, ReaderBuilder};
use mi_samples::Declared;

use super::cell::{Cell, CellRules};
use super::column::{Column, Labels};
use super::error::{Place, TableError};
use super::normalise::Normaliser;
use super::sniff::{self, Header, HeaderRule};
use super::source::{Source, Table};
use crate::copies::Fingerprints;
use crate::words::count;

/// How a text table is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextRules {
    /// The delimiter; `None` finds it.
    pub delimiter: Option<u8>,
    /// Whether the first row holds names.
    pub header: HeaderRule,
    /// How bytes become characters.
    pub encoding: Encoding,
    /// How numbers and missing values are written.
    pub cells: CellRules,
}

/// How bytes become characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Encoding {
    /// UTF-8, with or without a byte-order mark
    #[default]
    #[value(name = "utf-8")]
    Utf8,
    /// ISO 8859-1, nearly Windows-1252: every byte is a character
    #[value(name = "latin-1")]
    Latin1,
}

/// A text table whose names are known and whose rows are still to be read.
pub(crate) struct Delimited {
    file: String,
    reader: csv::Reader<Normaliser<Box<dyn BufRead>>>,
    rules: TextRules,
    names: Vec<String>,
    notes: Vec<String>,
    /// The first row, when it holds values.
    first: Option<ByteRecord>,
    delimiter: u8,
    header: Header,
}

impl Delimited {
    /// Starts to read a text table. `sample` holds its first bytes (all of them if `complete`),
    /// which `input` yields again.
    pub(crate) fn open(
        file: String,
        sample: &[u8],
        complete: bool,
        mut input: Box<dyn BufRead>,
        rules: TextRules,
    ) -> Result<Self, TableError> {
        let sample = match sample.strip_prefix(b"\xEF\xBB\xBF") {
            Some(rest) => {
                let mut mark = [0; 3];
                input
                    .read_exact(&mut mark)
                    .map_err(|source| TableError::Read { file: file.clone(), source })?;
                rest
            }
            None => sample,
        };
        refuse_other_kinds(&file, sample)?;
        let found = sniff::find_delimiter(sample, complete);
        let delimiter = rules.delimiter.or(found).unwrap_or(b',');
        let header = match rules.header {
            HeaderRule::Yes => Header::Asked(true),
            HeaderRule::No => Header::Asked(false),
            HeaderRule::Auto => sniff::find_header(sample, complete, delimiter, &rules.cells),
        };
        let delimiter_note = match (rules.delimiter, found) {
            (Some(asked), _) => format!("delimiter {} (asked for)", sniff::show_delimiter(asked)),
            (None, Some(found)) => format!("delimiter {} (found)", sniff::show_delimiter(found)),
            (None, None) => "one column, no delimiter found".into(),
        };
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(Normaliser::new(input, delimiter));
        let notes = vec![format!("{file}: {delimiter_note}; {header}")];
        let mut table =
            Self { file, reader, rules, names: Vec::new(), notes, first: None, delimiter, header };
        let mut row = ByteRecord::new();
        if !table.next_row(&mut row)? {
            return Err(TableError::Empty { file: table.file });
        }
        if header.present() {
            for index in 0..row.len() {
                let name = table.text(&row, index, &format!("number {}", index + 1))?;
                let name = name.trim();
                table.names.push(if name.is_empty() {
                    format!("column_{}", index + 1)
                } else {
                    name.to_owned()
                });
            }
        } else {
            table.names = (1..=row.len()).map(|i| format!("column_{i}")).collect();
            table.first = Some(row);
        }
        Ok(table)
    }

    /// Reads the next row that is not blank.
    fn next_row(&mut self, row: &mut ByteRecord) -> Result<bool, TableError> {
        loop {
            let read = self.reader.read_byte_record(row).map_err(|error| TableError::Read {
                file: self.file.clone(),
                source: match error.into_kind() {
                    csv::ErrorKind::Io(source) => source,
                    other => std::io::Error::other(format!("{other:?}")),
                },
            })?;
            // The parser reads ahead, so this may be known rows before it is reached.
            if let Some(line) = self.reader.get_ref().unclosed_quote() {
                return Err(TableError::UnclosedQuote { file: self.file.clone(), line });
            }
            if !read {
                return Ok(false);
            }
            // The parser passes over empty lines, so an empty only field was written `""`.
            let blank =
                row.len() == 1 && !row[0].is_empty() && row[0].iter().all(u8::is_ascii_whitespace);
            if !blank {
                return Ok(true);
            }
        }
    }

    /// The line after the rows read so far.
    fn last_line(&self) -> u64 {
        self.reader.position().line()
    }

    /// The line on which the row just read starts. The parser's own position stands before the
    /// blank lines that it passed over, so this counts back from where the row ends.
    fn line(&self, row: &ByteRecord) -> u64 {
        let inside: usize = row.iter().map(|field| field.split(|&b| b == b'\n').count() - 1).sum();
        self.last_line().saturating_sub(1 + inside as u64)
    }

    fn place(&self, row: &ByteRecord, column: &str) -> Place {
        Place {
            file: self.file.clone(),
            line: format!("line {}", self.line(row)),
            column: column.to_owned(),
        }
    }

    /// The text of a field.
    fn text<'a>(
        &self,
        row: &'a ByteRecord,
        index: usize,
        column: &str,
    ) -> Result<std::borrow::Cow<'a, str>, TableError> {
        let bytes = &row[index];
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
            Err(_) if self.rules.encoding == Encoding::Latin1 => {
                Ok(bytes.iter().map(|&b| b as char).collect::<String>().into())
            }
            Err(error) => Err(TableError::NotUtf8 {
                at: self.place(row, column),
                byte: bytes[error.valid_up_to()],
            }),
        }
    }

    fn ragged(&self, row: &ByteRecord) -> TableError {
        let (found, expected) = (row.len(), self.names.len());
        let line = self.line(row);
        let comment = self.header.present() && self.names[0].starts_with('#');
        let hint = if comment && found > expected {
            "; the first row looks like a comment: remove it, so that the names come first".into()
        } else if self.last_line() > line + 1 {
            let last = self.last_line() - 1;
            format!("; the row runs on to line {last}: is a quote left open?")
        } else if found == expected + 1 && row.iter().next_back() == Some(b"") {
            "; the row ends with a delimiter: remove it, or end the first row so too".into()
        } else if found > expected && self.delimiter == b',' {
            "; if commas are decimal signs, separate the columns by semicolons and say \
             `--delimiter ';' --decimal ,`"
                .into()
        } else if expected == 1 || found == 1 {
            "; is the delimiter right? see `--delimiter`".into()
        } else {
            String::new()
        };
        TableError::Ragged { file: self.file.clone(), line, found, expected, hint }
    }

    fn header_text(&self) -> String {
        let mut text = self.names.join(", ");
        if text.chars().count() > 60 {
            text = text.chars().take(57).chain("...".chars()).collect();
        }
        text
    }
}

impl Source for Delimited {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn load(
        mut self: Box<Self>,
        wanted: &[usize],
        declared: &[Declared],
    ) -> Result<Table, TableError> {
        let mut builders: Vec<Builder> = wanted
            .iter()
            .map(|&index| Builder::new(declared.get(index).copied().unwrap_or_default()))
            .collect();
        let (mut rows, mut fingerprints) = (0, Fingerprints::default());
        let mut row = self.first.take().unwrap_or_default();
        let mut pending = !row.is_empty();
        while pending || self.next_row(&mut row)? {
            pending = false;
            if row.len() != self.names.len() {
                return Err(self.ragged(&row));
            }
            for (column, cell) in row.iter().enumerate() {
                fingerprints.add(rows, column, cell.trim_ascii());
            }
            for (builder, &index) in builders.iter_mut().zip(wanted) {
                let text = self.text(&row, index, &self.names[index])?;
                let text = text.trim();
                if builder.values.try_reserve(1).is_err() {
                    return Err(TableError::Memory {
                        file: self.file,
                        rows,
                        columns: wanted.len(),
                    });
                }
                builder.push(&self.rules.cells, text).map_err(|refused| {
                    let at = self.place(&row, &self.names[index]);
                    let cell = text.to_owned();
                    match refused {
                        Refused::NotFinite => TableError::NotFinite { at, cell },
                        Refused::NotANumber(hint) => TableError::NotANumber { at, cell, hint },
                    }
                })?;
                if builder.first_text == Some(rows) {
                    builder.first_place = Some((self.line(&row), text.to_owned()));
                }
            }
            rows += 1;
        }
        if rows == 0 {
            let hint = match self.header {
                Header::NoNumber => "; if it holds values, say `--header no`",
                _ => "",
            };
            return Err(TableError::NoRows { header: self.header_text(), file: self.file, hint });
        }
        let mut columns = Vec::with_capacity(wanted.len());
        for (builder, &index) in builders.into_iter().zip(wanted) {
            let large = builder.large;
            let column = builder.finish(&self.file, self.names[index].clone())?;
            self.notes.extend(column.label_note());
            if large > 0 && column.labels.is_none() {
                self.notes.push(format!(
                    "`{}`: {} of 2^53 or more may have been rounded; name it in `--discrete` if \
                     these are identifiers",
                    column.name,
                    count(large, "whole number")
                ));
            }
            columns.push(column);
        }
        self.notes[0] = format!(
            "{}; {}, {}",
            self.notes[0],
            count(rows, "row"),
            count(self.names.len(), "column")
        );
        Ok(Table { file: self.file, columns, rows, notes: self.notes, fingerprints })
    }
}

/// Refuses what is no delimiter-separated UTF-8 text.
fn refuse_other_kinds(file: &str, sample: &[u8]) -> Result<(), TableError> {
    let start = sample.trim_ascii_start();
    let starts =
        |tag: &str| start.get(..tag.len()).is_some_and(|s| s.eq_ignore_ascii_case(tag.as_bytes()));
    let what = if sample.starts_with(&[0xFF, 0xFE]) || sample.starts_with(&[0xFE, 0xFF]) {
        "looks like UTF-16; convert it to UTF-8"
    } else if starts("<!doctype") || starts("<html") {
        "looks like a web page, not a table; download the data itself"
    } else if starts("{") || starts("[{") || starts("[[") {
        "looks like JSON, not a table; write it as CSV"
    } else if sample.starts_with(b"\xD0\xCF\x11\xE0") {
        "looks like a spreadsheet; export it as CSV"
    } else if sample.contains(&0) {
        "holds zero bytes, so it is UTF-16 or no text; convert it to UTF-8 text"
    } else {
        return Ok(());
    };
    Err(TableError::Unsupported { file: file.to_owned(), what: what.to_owned() })
}

/// Gathers one column.
struct Builder {
    values: Vec<f64>,
    declared: Declared,
    /// Set from the first cell that is text.
    labels: Option<Box<Labels>>,
    /// The row of the first text, and its line and cell.
    first_text: Option<usize>,
    first_place: Option<(u64, String)>,
    present: usize,
    /// Whole numbers too large to be exact.
    large: usize,
}

/// Why a cell is not taken.
enum Refused {
    NotFinite,
    NotANumber(String),
}

impl Builder {
    fn new(declared: Declared) -> Self {
        Self {
            values: Vec::new(),
            declared,
            labels: None,
            first_text: None,
            first_place: None,
            present: 0,
            large: 0,
        }
    }

    /// Adds one cell. The first present cell decides whether the column holds numbers or text,
    /// unless the user did; a cell that then does not fit is refused.
    fn push(&mut self, rules: &CellRules, text: &str) -> Result<(), Refused> {
        let forced = self.declared == Declared::Discrete;
        let cell = rules.read(text);
        let value = match (cell, &mut self.labels) {
            (Cell::Missing, _) => {
                self.values.push(f64::NAN);
                return Ok(());
            }
            (Cell::Number(value), None) => {
                let large = value.abs() >= TOO_LARGE && text.bytes().all(|b| b.is_ascii_digit());
                self.large += usize::from(large);
                value
            }
            (Cell::Number(value), Some(labels)) => {
                labels.numbers += 1;
                // Numbers before the first text are known by value alone.
                if forced { labels.code(&value.to_string()) } else { labels.code(text) }
            }
            (Cell::NotFinite, None) if !forced => return Err(Refused::NotFinite),
            (_, Some(labels)) => {
                if !forced && !labels.knows(text) {
                    let hint = rules.hint(text);
                    if !hint.is_empty() {
                        return Err(Refused::NotANumber(hint + LABELS));
                    }
                }
                labels.code(text)
            }
            (_, None) => {
                let hint = rules.hint(text);
                if self.declared == Declared::Continuous {
                    return Err(Refused::NotANumber(hint));
                }
                if !forced && (self.present > 0 || !hint.is_empty()) {
                    return Err(Refused::NotANumber(hint + LABELS));
                }
                self.first_text = Some(self.values.len());
                let mut labels = Box::<Labels>::default();
                for value in self.values.iter_mut().filter(|value| !value.is_nan()) {
                    *value = labels.code(&value.to_string());
                }
                let code = labels.code(text);
                self.labels = Some(labels);
                code
            }
        };
        self.present += 1;
        self.values.push(value);
        Ok(())
    }

    fn finish(self, file: &str, name: String) -> Result<Column, TableError> {
        let Some(labels) = self.labels else {
            return Ok(Column::from_numbers(name, self.values, self.declared));
        };
        let forced = self.declared == Declared::Discrete;
        if !forced && 2 * labels.numbers > self.present {
            let (line, cell) = self.first_place.unwrap_or_default();
            return Err(TableError::NotANumber {
                at: Place { file: file.into(), line: format!("line {line}"), column: name },
                hint: format!(
                    "; {} of the column's other {} cells are. If it means a missing value, say \
                     `--na '{cell}'`{LABELS}",
                    labels.numbers,
                    self.present - 1,
                ),
                cell,
            });
        }
        Ok(labels.into_column(name, self.values))
    }
}

/// 2^53: from here on, not every whole number is a double.
const TOO_LARGE: f64 = 9_007_199_254_740_992.0;

/// What to do when the cell is right and the guess is not.
const LABELS: &str = "; if the column holds labels, name it in `--discrete`";
