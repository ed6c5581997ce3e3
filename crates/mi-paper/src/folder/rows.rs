//! The rows of record files, and seals that show whether rows are the ones that were written.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::hex;
use crate::error::PaperError;
use crate::record::Record;

/// The first line of every record file.
pub(super) const HEADER: &str =
    "experiment,trial,dataset,seed,step,encoder,critic,bound,setting,metric,value,unit";

/// Identifies the rows that were written: their number, and the SHA-256 of their text (line by
/// line, without the header).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Number of rows.
    pub rows: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// Records with their lines of text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    lines: Vec<String>,
    records: Vec<Record>,
}

impl Rows {
    /// Converts records to rows.
    ///
    /// # Errors
    /// If a record cannot be written as CSV.
    pub fn of(records: &[Record]) -> Result<Self, csv::Error> {
        let mut rows = Self::default();
        for record in records {
            let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
            writer.serialize(record)?;
            let bytes =
                writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
            rows.push(String::from_utf8_lossy(&bytes).trim_end().to_owned(), record.clone());
        }
        Ok(rows)
    }

    /// The records.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The records, by value.
    pub(super) fn into_records(self) -> Vec<Record> {
        self.records
    }

    /// The lines and their records.
    pub(super) fn into_pairs(self) -> impl Iterator<Item = (String, Record)> {
        self.lines.into_iter().zip(self.records)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The seal of these rows.
    pub fn seal(&self) -> Seal {
        let mut hasher = Sha256::new();
        for line in &self.lines {
            hasher.update(line.as_bytes());
            hasher.update(b"\n");
        }
        Seal { rows: self.lines.len() as u64, sha256: hex(&hasher.finalize()) }
    }

    /// The first rows, as many as the seal counts, if they match it.
    pub fn sealed(&self, seal: &Seal) -> Option<Self> {
        let count = usize::try_from(seal.rows).ok().filter(|&count| count <= self.len())?;
        let first =
            Self { lines: self.lines[..count].to_vec(), records: self.records[..count].to_vec() };
        (first.seal() == *seal).then_some(first)
    }

    /// Whether the first rows are those of `other`.
    pub(super) fn starts_with(&self, other: &Self) -> bool {
        self.lines.starts_with(&other.lines)
    }

    pub(super) fn push(&mut self, line: String, record: Record) {
        self.lines.push(line);
        self.records.push(record);
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.lines.extend(other.lines);
        self.records.extend(other.records);
    }

    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The text of a complete record file; empty if there are no rows.
    pub(super) fn text(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        let mut text = format!("{HEADER}\n");
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Whether every line is one of `other`.
    pub(super) fn are_among(&self, other: &Self) -> bool {
        let known: BTreeSet<&str> = other.lines.iter().map(String::as_str).collect();
        self.lines.iter().all(|line| known.contains(line.as_str()))
    }

    /// A text that shows the first row in which two copies differ, and calls the other copy
    /// `the_other`; `None` if they are equal.
    pub(super) fn difference(&self, other: &Self, the_other: &str) -> Option<String> {
        let index = (0..self.len().max(other.len()))
            .find(|&index| self.lines.get(index) != other.lines.get(index))?;
        let shown = |rows: &Self| match rows.lines.get(index) {
            Some(line) => format!("`{}`", line.escape_default()),
            None => "nothing".into(),
        };
        Some(format!("row {}: {} there, {} in {the_other}", index + 1, shown(self), shown(other)))
    }
}

/// The contents of a record file.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The rows, up to the first line that cannot be read.
    pub(super) rows: Rows,
    /// The readable rows after that line.
    pub(super) later: Rows,
    /// The first line that cannot be read, and why. The header counts as a line.
    pub(super) broken: Option<String>,
    /// Whether the last line is incomplete, for example because a process was killed while writing.
    pub(super) torn: bool,
}

impl Table {
    /// All rows that can be read.
    pub(super) fn readable(self) -> Rows {
        let mut rows = self.rows;
        rows.extend(self.later);
        rows
    }
}

/// Reads a record file line by line, so that damage in one line does not affect the others. `None`
/// if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Table>, PaperError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PaperError::file("read", path)(error)),
    };
    Ok(Some(parse(&bytes)))
}

fn parse(bytes: &[u8]) -> Table {
    let mut table = Table::default();
    let mut lines = bytes.split(|&byte| byte == b'\n').collect::<Vec<_>>();
    table.torn = lines.pop().is_some_and(|rest| !rest.is_empty());
    for (index, line) in lines.iter().enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let parsed = match std::str::from_utf8(line) {
            Err(_) => Err("it is not UTF-8".into()),
            Ok(HEADER) if index == 0 => continue,
            Ok(_) if index == 0 => Err("it is not the header of a record file".into()),
            Ok(line) => record(line).map(|record| (line.to_owned(), record)),
        };
        match parsed {
            Ok((line, record)) if table.broken.is_none() => table.rows.push(line, record),
            Ok((line, record)) => table.later.push(line, record),
            Err(reason) if table.broken.is_none() => {
                table.broken = Some(format!("line {} cannot be read: {reason}", index + 1));
            }
            Err(_) => {}
        }
    }
    table
}

fn record(line: &str) -> Result<Record, String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .buffer_capacity(line.len() + 2)
        .from_reader(line.as_bytes());
    let mut records = reader.deserialize();
    match (records.next(), records.next()) {
        (Some(Ok(record)), None) => Ok(record),
        (Some(Err(error)), _) => Err(error.to_string()),
        _ => Err("it is not one row".into()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::record::{Metric, Unit};

    pub(crate) fn sample(step: u64, value: f64) -> Record {
        Record {
            experiment: "critics".into(),
            trial: "critics.digits.s0".into(),
            dataset: "digits".into(),
            seed: 0,
            step,
            encoder: "mlp".into(),
            critic: "bilinear".into(),
            bound: "nwj".into(),
            setting: "a,\"b\"".into(),
            metric: Metric::BoundTest,
            value,
            unit: Unit::Nats,
        }
    }

    fn samples() -> Rows {
        Rows::of(&[sample(0, 0.1 + 0.2), sample(1, 5e-324), sample(2, f64::NEG_INFINITY)]).unwrap()
    }

    #[test]
    fn the_header_names_the_fields_of_records() {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.serialize(sample(0, 1.0)).unwrap();
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        assert_eq!(text.lines().next(), Some(HEADER));
        assert_eq!(text, Rows::of(&[sample(0, 1.0)]).unwrap().text());
    }

    #[test]
    fn rows_are_read_back_exactly() {
        let rows = samples();
        let table = parse(rows.text().as_bytes());
        assert_eq!(table.rows, rows);
        assert!(!table.torn && table.broken.is_none());
        let table = parse(rows.text().replace('\n', "\r\n").as_bytes());
        assert_eq!(table.rows.seal(), rows.seal());
    }

    #[test]
    fn a_truncated_line_is_no_row_and_an_unreadable_one_is_named() {
        let text = samples().text();
        let table = parse(&text.as_bytes()[..text.len() - 4]);
        assert!(table.torn && table.broken.is_none());
        assert_eq!(table.rows.len(), 2);

        let broken = text.replacen("digits,0,1,", "digits,0,one,", 1);
        let table = parse(broken.as_bytes());
        assert!(table.broken.as_ref().unwrap().starts_with("line 3 "), "{:?}", table.broken);
        assert_eq!((table.rows.len(), table.later.len()), (1, 1));
        // An open quotation mark affects one line, not the rest of the file.
        let table = parse(text.replacen("mlp", "\"mlp", 1).as_bytes());
        assert_eq!(table.readable().len(), 2);
        assert!(parse(b"a,b\n1,2\n").broken.unwrap().contains("header"));
    }

    #[test]
    fn seals_distinguish_rows() {
        let rows = samples();
        let first = Rows::of(&rows.records()[..2]).unwrap();
        assert_eq!(rows.sealed(&first.seal()), Some(first.clone()));
        assert_eq!(first.sealed(&rows.seal()), None);
        let other = Rows::of(&[sample(0, 0.3), sample(1, 5e-324)]).unwrap();
        assert_eq!(rows.sealed(&other.seal()), None);
        assert!(other.difference(&first, "it").unwrap().starts_with("row 1: `"));
        assert!(first.difference(&rows, "it").unwrap().contains("nothing there"));
    }
}
