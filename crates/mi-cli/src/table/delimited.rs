//! Reads delimiter-separated text, row by row.

use std::borrow::Cow;
use std::io::BufRead;

use csv::{ByteRecord, ReaderBuilder};
use mi_samples::Declared;

use super::builder::Builder;
use super::cell::{Cell, CellRules};
use super::error::{Place, TableError};
use super::normalise::{HugeRow, Normaliser};
use super::passed::Passed;
use super::preamble;
use super::sniff::{self, Header, HeaderRule};
use super::source::{Source, Table};
use crate::copies::Fingerprints;
use crate::messages::Note;
use crate::words::{count, cut_to};

/// The format of a text table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextRules {
    /// The delimiter; `None` detects it.
    pub delimiter: Option<u8>,
    /// Whether the first row has names.
    pub header: HeaderRule,
    /// The text encoding.
    pub encoding: Encoding,
    /// How numbers and missing values are written.
    pub cells: CellRules,
    /// Lines to skip above the table.
    pub skip: u64,
}

/// The text encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8, with or without a byte-order mark
    #[default]
    #[value(name = "utf-8")]
    Utf8,
    /// ISO 8859-1, similar to Windows-1252: every byte is a character
    #[value(name = "latin-1")]
    Latin1,
}

/// A text table whose names are known and whose rows are not yet read.
pub(crate) struct Delimited {
    file: String,
    reader: csv::Reader<Normaliser<Box<dyn BufRead>>>,
    rules: TextRules,
    names: Vec<String>,
    /// Which columns have an empty name.
    unnamed: Vec<bool>,
    notes: Vec<Note>,
    /// The first row, if it has values.
    first: Option<ByteRecord>,
    /// Empty lines that are cells of a table of one column, before the row in `held`.
    empty: u64,
    /// A row that was read and comes after them.
    held: Option<ByteRecord>,
    delimiter: u8,
    header: Header,
    start: Start,
    /// Whether data that do not fit are skipped and reported, rather than refused.
    report_odd: bool,
    /// What is wrong if the table begins further below.
    preamble: Option<TableError>,
}

/// Where a table begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Start {
    /// Lines of the file above it.
    pub(crate) lines: u64,
    /// The delimiter that the first of them names (`sep=;`).
    pub(crate) delimiter: Option<u8>,
}

impl Delimited {
    /// Starts to read a text table. `sample` has its first bytes (all of them if `complete`), which
    /// `input` yields again; both begin at `start`.
    pub(crate) fn open(
        file: String,
        sample: &[u8],
        complete: bool,
        input: Box<dyn BufRead>,
        rules: TextRules,
        start: Start,
        report_odd: bool,
    ) -> Result<Self, TableError> {
        if sample.contains(&0) {
            let what = "holds zero bytes, so it is UTF-16 or not text; convert it to UTF-8 text";
            return Err(TableError::Unsupported { file, what: what.into() });
        }
        let named = rules.delimiter.or(start.delimiter);
        let found = if named.is_none() { sniff::find_delimiter(sample, complete) } else { None };
        let delimiter = named.or(found).unwrap_or(b',');
        let header = match rules.header {
            HeaderRule::Yes => Header::Asked(true),
            HeaderRule::No => Header::Asked(false),
            HeaderRule::Auto => sniff::find_header(sample, complete, delimiter, &rules.cells),
        };
        let shown = sniff::show_delimiter(delimiter);
        let mut delimiter_note = match (rules.delimiter, start.delimiter, found) {
            (Some(_), ..) => format!("delimiter {shown} (--delimiter)"),
            (None, Some(_), _) => format!("delimiter {shown} (named in line 1)"),
            (None, None, Some(_)) => format!("delimiter {shown} (detected)"),
            (None, None, None) => "one column, no delimiter found".into(),
        };
        if start.lines > u64::from(start.delimiter.is_some()) {
            let lines = count(start.lines as usize, "line");
            delimiter_note = format!("{lines} skipped; {delimiter_note}");
        }
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(Normaliser::new(input, delimiter, start.lines + 1));
        let mut notes = vec![format!("{file}: {delimiter_note}; {header}").into()];
        let mut preamble = None;
        let by_content = rules.header == HeaderRule::Auto;
        if let Some(above) = preamble::find(sample, complete, named, &rules.cells, by_content) {
            let error = TableError::Preamble {
                file: file.clone(),
                skip: start.lines + above.lines,
                header: cut_to(&above.header.join(", "), 60),
                otherwise: if above.is_padded {
                    ", or `--header yes` if the first row has the names"
                } else {
                    ""
                },
            };
            if !report_odd {
                return Err(error);
            }
            notes.push(error.to_string().into());
            preamble = Some(error);
        }
        let mut table = Self {
            file,
            reader,
            rules,
            names: Vec::new(),
            unnamed: Vec::new(),
            notes,
            first: None,
            empty: 0,
            held: None,
            delimiter,
            header,
            start,
            report_odd,
            preamble,
        };
        let mut row = ByteRecord::new();
        let Some(above) = table.read_row(&mut row)? else {
            return Err(TableError::Empty { file: table.file });
        };
        if header.present() {
            for index in 0..row.len() {
                let name = table.text(&row, index, &format!("number {}", index + 1))?;
                let name = name.trim();
                table.unnamed.push(name.is_empty());
                table.names.push(if name.is_empty() {
                    format!("column_{}", index + 1)
                } else {
                    name.to_owned()
                });
            }
        } else {
            table.names = (1..=row.len()).map(|i| format!("column_{i}")).collect();
            table.first = Some(table.below_empty(above, row));
        }
        Ok(table)
    }

    /// Reads the next row. In a table of one column an empty line above another row is a row with
    /// a missing cell: tables next to each other are paired by position.
    fn next_row(&mut self, row: &mut ByteRecord) -> Result<bool, TableError> {
        if self.empty > 0 {
            self.empty -= 1;
            *row = empty_row();
        } else if let Some(held) = self.held.take() {
            *row = held;
        } else {
            let Some(above) = self.read_row(row)? else { return Ok(false) };
            *row = self.below_empty(above, std::mem::take(row));
        }
        Ok(true)
    }

    /// The first of the rows that these empty lines and the row below them make.
    fn below_empty(&mut self, lines: u64, row: ByteRecord) -> ByteRecord {
        if lines == 0 || self.names.len() != 1 {
            return row;
        }
        self.held = Some(row);
        self.empty = lines - 1;
        empty_row()
    }

    /// Reads the next row that is not blank; returns the number of blank lines above it.
    fn read_row(&mut self, row: &mut ByteRecord) -> Result<Option<u64>, TableError> {
        let first = self.last_line();
        loop {
            let read = self.reader.read_byte_record(row).map_err(|error| {
                let file = self.file.clone();
                let source = match error.into_kind() {
                    csv::ErrorKind::Io(source) => source,
                    other => std::io::Error::other(format!("{other:?}")),
                };
                match source.get_ref().and_then(|inner| inner.downcast_ref::<HugeRow>()) {
                    Some(row) => TableError::Unsupported { file, what: row.to_string() },
                    None => TableError::Read { file, source },
                }
            })?;
            // The parser reads ahead, so this may be known before that row is reached.
            if let Some(line) = self.reader.get_ref().unclosed_quote() {
                return Err(TableError::UnclosedQuote { file: self.file.clone(), line });
            }
            if !read {
                return Ok(None);
            }
            // The parser skips empty lines, so a single empty field was written `""`.
            let blank =
                row.len() == 1 && !row[0].is_empty() && row[0].iter().all(u8::is_ascii_whitespace);
            if !blank {
                return Ok(Some(self.line(row).saturating_sub(first)));
            }
        }
    }

    /// The line after the rows read so far.
    fn last_line(&self) -> u64 {
        self.start.lines + self.reader.position().line()
    }

    /// The line on which the row just read starts. The parser's own position is before the blank
    /// lines that it skipped, so this counts back from the row's end.
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
    ) -> Result<Cow<'a, str>, TableError> {
        let bytes = &row[index];
        // Not only bytes that are no UTF-8: the same byte would have two meanings in one file.
        if self.rules.encoding == Encoding::Latin1 && !bytes.is_ascii() {
            return Ok(bytes.iter().map(|&b| b as char).collect::<String>().into());
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
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
            "; the first row looks like a comment: remove it, or use `--skip 1`, so that the names \
             come first"
                .into()
        } else if self.last_line() > line + 1 {
            let last = self.last_line() - 1;
            format!("; the row runs on to line {last}: is a quote left open?")
        } else if found == expected + 1 && row.iter().next_back() == Some(b"") {
            "; the row ends with a delimiter: remove it, or also end the first row with one".into()
        } else if self.header.present() && found == expected + 1 && self.is_named_by_r(row) {
            "; the header has one field less, as R writes it: write the table by `write.csv(…, \
             row.names = FALSE)`, or put one more name into the first line"
                .into()
        } else if found > expected && self.delimiter == b',' {
            "; if commas are decimal signs, separate the columns by semicolons and use \
             `--delimiter ';' --decimal ,`"
                .into()
        } else if expected == 1 || found == 1 {
            "; is the delimiter right? see `--delimiter`".into()
        } else {
            String::new()
        };
        TableError::Ragged { file: self.file.clone(), line, found, expected, hint }
    }

    /// Whether a row is the first one, and begins with a row name of R: text, or 1.
    fn is_named_by_r(&self, row: &ByteRecord) -> bool {
        let name = String::from_utf8_lossy(&row[0]);
        let is_name = name.trim() == "1" || self.rules.cells.read(name.trim()) == Cell::Text;
        self.line(row) == self.start.lines + 2 && is_name
    }

    fn header_text(&self) -> String {
        cut_to(&self.names.join(", "), 60)
    }

    /// The texts of the wanted fields, if they can be read.
    fn field<'a>(
        &self,
        row: &'a ByteRecord,
        index: usize,
        unreadable: &mut Passed,
    ) -> Result<Cow<'a, str>, TableError> {
        self.text(row, index, &self.names[index]).or_else(|error| {
            unreadable.pass(error, self.report_odd)?;
            Ok(String::from_utf8_lossy(&row[index]))
        })
    }
}

impl Source for Delimited {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn is_unnamed(&self, index: usize) -> bool {
        self.unnamed.get(index).copied().unwrap_or(false)
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
        let (mut ragged, mut unreadable) = (Passed::default(), Passed::default());
        let mut row = self.first.take().unwrap_or_default();
        let mut pending = !row.is_empty();
        while pending || self.next_row(&mut row)? {
            pending = false;
            if row.len() != self.names.len() {
                ragged.pass(self.ragged(&row), self.report_odd)?;
                continue;
            }
            for (column, cell) in row.iter().enumerate() {
                fingerprints.add_text(rows, column, cell.trim_ascii());
            }
            for (builder, &index) in builders.iter_mut().zip(wanted) {
                let text = self.field(&row, index, &mut unreadable)?;
                let text = text.trim();
                if !builder.reserve() {
                    return Err(TableError::Memory {
                        file: self.file,
                        rows,
                        columns: wanted.len(),
                    });
                }
                if let Err(refused) = builder.push(&self.rules.cells, text, || self.line(&row)) {
                    if !self.report_odd {
                        return Err(refused.at(self.place(&row, &self.names[index]), text));
                    }
                    builder.push_odd(text, self.line(&row), refused);
                }
            }
            rows += 1;
        }
        if rows == 0 {
            if let Some(error) = self.preamble.take().or(ragged.first) {
                return Err(error);
            }
            let hint = match self.header {
                Header::NoNumber => "; if it has values, use `--header no`",
                _ => "",
            };
            return Err(TableError::NoRows { header: self.header_text(), file: self.file, hint });
        }
        let mut columns = Vec::with_capacity(wanted.len());
        for (builder, &index) in builders.into_iter().zip(wanted) {
            let name = self.names[index].clone();
            let (column, notes) =
                builder.finish(&self.file, name, &self.rules.cells, self.report_odd)?;
            self.notes.extend(notes);
            columns.push(column);
        }
        self.notes.extend(ragged.note("row", "left out of this list").map(Note::from));
        self.notes.extend(unreadable.note("cell", "shown with `\u{fffd}`").map(Note::from));
        let shape = format!("; {}, {}", count(rows, "row"), count(self.names.len(), "column"));
        self.notes[0].text.push_str(&shape);
        Ok(Table { file: self.file, columns, rows, notes: self.notes, fingerprints })
    }
}

/// A row with one empty field.
fn empty_row() -> ByteRecord {
    [""].as_slice().into()
}
