//! Reads NPY arrays, as single files or inside an NPZ archive.

use std::borrow::Cow;
use std::io::{self, Cursor, Read, Seek};
use std::path::Path;

use mi_samples::Declared;
use zip::ZipArchive;

use super::MOST_COLUMNS;
use super::column::Column;
use super::error::TableError;
use super::npy_header::{Header, Number};
use super::numbers::{Numbers, as_count, rounded_note};
use super::source::{Source, Table};
use crate::copies::Fingerprints;
use crate::messages::Note;
use crate::words::{count, cut};

/// The largest number of characters of an array's name in the names of its columns.
const LONGEST_STEM: usize = 100;

/// An array whose header is read.
pub(crate) struct Npy {
    /// The file, and the member of an archive.
    file: String,
    header: Header,
    names: Vec<String>,
    data: Data,
    report_odd: bool,
}

/// The source of the numbers.
enum Data {
    /// The data after the header.
    Plain(Box<dyn Read>),
    /// A member of an archive, from its beginning.
    Member(Archive, usize),
}

/// An archive that is a file or already in memory.
type Archive = ZipArchive<Box<dyn ReadSeek>>;

/// The source of an archive.
pub(crate) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

impl Npy {
    /// Reads the header of an array with a total of `length` bytes, if known.
    pub(crate) fn open(
        file: String,
        stem: &str,
        length: Option<u64>,
        mut data: Box<dyn Read>,
        report_odd: bool,
    ) -> Result<Self, TableError> {
        let header = Header::read(&mut data).map_err(|problem| array_error(&file, problem))?;
        let here = length.map(|length| Present::exactly(length.saturating_sub(header.length)));
        header.check(&file, here)?;
        if length.is_none() {
            let row = first_row(&file, &header, &mut data)?;
            data = Box::new(Cursor::new(row).chain(data));
        }
        Ok(Self::new(file, stem, header, Data::Plain(data), report_odd))
    }

    /// Opens one array of an NPZ archive: the one called `key` (with or without `.npy`), or the
    /// only one.
    pub(crate) fn open_member(
        file: &str,
        input: Box<dyn ReadSeek>,
        key: Option<&str>,
        report_odd: bool,
    ) -> Result<Self, TableError> {
        let fail = |problem: String| TableError::Array { file: file.to_owned(), problem };
        let damaged = |error| {
            fail(format!(
                "not a readable NPZ archive ({error}); is it truncated? Save or copy it again"
            ))
        };
        let mut archive = ZipArchive::new(input).map_err(damaged)?;
        let members: Vec<String> =
            archive.file_names().filter_map(Result::ok).map(Cow::into_owned).collect();
        if members.iter().any(|name| name == "[Content_Types].xml") {
            return Err(fail("looks like a spreadsheet; export it as CSV".into()));
        }
        let mut keys: Vec<&str> = members.iter().filter_map(|m| m.strip_suffix(".npy")).collect();
        keys.sort_unstable();
        let chosen = match (key, &keys[..]) {
            (_, []) => {
                let problem = match members.iter().find(|name| is_text_table(name)) {
                    Some(text) => format!("is an archive with `{}`; unpack it", cut(text)),
                    None => "the archive contains no NPY array; write one with np.savez".into(),
                };
                return Err(fail(problem));
            }
            (Some(key), _) => {
                let plain = key.strip_suffix(".npy").unwrap_or(key);
                keys.iter().copied().find(|&known| known == key || known == plain)
            }
            (None, [only]) => Some(*only),
            (None, _) => None,
        };
        let Some(chosen) = chosen else {
            return Err(TableError::ChooseKey {
                file: file.to_owned(),
                keys: list_cut(&keys),
                asked: key.map_or_else(String::new, |key| format!(" (there is no `{key}`)")),
            });
        };
        let member = format!("{file}:{}", cut(chosen));
        let index = archive
            .index_for_name(&format!("{chosen}.npy"))
            .ok_or_else(|| fail(format!("the archive names {chosen} but does not contain it")))?;
        let mut entry = archive.by_index(index).map_err(damaged)?;
        let header = Header::read(&mut entry).map_err(|problem| array_error(&member, problem))?;
        let told = entry.size().checked_sub(header.length);
        if header.data_length().is_none() || told != header.data_length() {
            // Counted, since the size that an archive gives for a member may also be false.
            let here = Present::count(&member, &header, &mut entry)?;
            header.check(&member, Some(here))?;
            drop(entry);
            entry = archive.by_index(index).map_err(damaged)?;
            Header::read(&mut entry).map_err(|problem| array_error(&member, problem))?;
        }
        header.check(&member, None)?;
        first_row(&member, &header, &mut entry)?;
        drop(entry);
        Ok(Self::new(member, chosen, header, Data::Member(archive, index), report_odd))
    }

    fn new(file: String, stem: &str, header: Header, data: Data, report_odd: bool) -> Self {
        let stem: String = stem.chars().take(LONGEST_STEM).collect();
        let names = if header.columns == 1 {
            vec![stem]
        } else {
            (1..=header.columns).map(|column| format!("{stem}_{column}")).collect()
        };
        Self { file, header, names, data, report_odd }
    }

    /// Notes on what was found.
    fn notes(&self, large: usize) -> Vec<Note> {
        let Header { dtype, rows, columns, .. } = self.header;
        let shape = format!(
            "{}: {} array of {}, {}{}",
            self.file,
            dtype.name(),
            count(rows, "row"),
            count(columns, "column"),
            match dtype.number {
                Number::Float(8) => "",
                Number::Float(_) => ", widened to float64",
                _ => ", converted to float64",
            },
        );
        [shape].into_iter().chain(rounded_note(&self.file, large)).map(Note::from).collect()
    }

    /// Reads the numbers of the wanted columns.
    fn numbers(
        &self,
        data: &mut dyn Read,
        wanted: &[usize],
    ) -> Result<(Vec<Numbers>, Fingerprints), TableError> {
        let Header { dtype, rows, columns, fortran_order, .. } = self.header;
        let size = dtype.size();
        let mut kept: Vec<Numbers> = wanted.iter().map(|_| Numbers::default()).collect();
        // Each wanted column, by its position in the array.
        let mut slots: Vec<(usize, usize)> = wanted.iter().copied().zip(0..).collect();
        slots.sort_unstable();
        let mut fingerprints = Fingerprints::default();
        // One line is contiguous in the file: a row, or a column in Fortran's order.
        let (lines, line_length) = if fortran_order { (columns, rows) } else { (rows, columns) };
        // Long lines are read in pieces.
        let piece = line_length.min(1 << 16);
        let mut buffer = vec![0; piece * size];
        let mut read = 0;
        for line in 0..lines {
            for start in (0..line_length).step_by(piece) {
                let count = piece.min(line_length - start);
                let bytes = &mut buffer[..count * size];
                data.read_exact(bytes).map_err(|error| self.ended(error, read))?;
                read += bytes.len() as u64;
                for (cell, at) in bytes.chunks_exact(size).zip(start..) {
                    let (row, column) = if fortran_order { (at, line) } else { (line, at) };
                    fingerprints.add(row, column, cell, || as_count(dtype.decode(cell)));
                }
                let columns = if fortran_order { line..line + 1 } else { start..start + count };
                let first = slots.partition_point(|(column, _)| *column < columns.start);
                for &(column, slot) in slots[first..].iter().take_while(|s| s.0 < columns.end) {
                    let here =
                        if fortran_order { 0..count } else { column - start..column - start + 1 };
                    let numbers = &mut kept[slot];
                    if !numbers.reserve(here.len()) {
                        return Err(TableError::Memory {
                            file: self.file.clone(),
                            rows: numbers.len(),
                            columns: wanted.len(),
                        });
                    }
                    for at in here {
                        let bytes = &bytes[at * size..(at + 1) * size];
                        match dtype.whole(bytes) {
                            Some(whole) => numbers.push_whole(whole),
                            None => numbers.push(dtype.decode(bytes)),
                        }
                    }
                }
            }
        }
        // Reading to the end checks the checksum of a packed array.
        match data.read(&mut [0]) {
            Ok(0) => Ok((kept, fingerprints)),
            Ok(_) => Err(self.header.mismatch(&self.file, Present::more_than(read))),
            Err(source) => Err(TableError::Read { file: self.file.clone(), source }),
        }
    }

    /// The error of an array that ends after `read` bytes of its numbers, or a piece later.
    fn ended(&self, error: io::Error, read: u64) -> TableError {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            let here = Present { bytes: read, about: "little more than " };
            return self.header.mismatch(&self.file, here);
        }
        TableError::Read { file: self.file.clone(), source: error }
    }

    /// The column of the numbers; infinite values are reported or refused.
    fn column(
        &self,
        index: usize,
        mut numbers: Numbers,
        declared: Declared,
        large: &mut usize,
    ) -> Result<Column, TableError> {
        let name = self.names[index].clone();
        let odd = numbers.check_finite(&self.file, &name, self.report_odd)?;
        let (column, rounded) = numbers.into_column(name, declared);
        *large += rounded;
        Ok(Column { odd, ..column })
    }
}

impl Source for Npy {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn load(
        mut self: Box<Self>,
        wanted: &[usize],
        declared: &[Declared],
    ) -> Result<Table, TableError> {
        let data = std::mem::replace(&mut self.data, Data::Plain(Box::new(io::empty())));
        let (kept, fingerprints) = match data {
            Data::Plain(mut data) => self.numbers(&mut data, wanted)?,
            Data::Member(mut archive, index) => {
                let read_error = |source| TableError::Read { file: self.file.clone(), source };
                let mut entry = archive.by_index(index).map_err(|e| read_error(e.into()))?;
                io::copy(&mut entry.by_ref().take(self.header.length), &mut io::sink())
                    .map_err(read_error)?;
                self.numbers(&mut entry, wanted)?
            }
        };
        let mut large = 0;
        let columns = kept
            .into_iter()
            .zip(wanted)
            .map(|(numbers, &index)| {
                let declared = declared.get(index).copied().unwrap_or_default();
                self.column(index, numbers, declared, &mut large)
            })
            .collect::<Result<_, _>>()?;
        let notes = self.notes(large);
        Ok(Table { file: self.file, columns, rows: self.header.rows, notes, fingerprints })
    }
}

/// How many bytes follow a header.
#[derive(Clone, Copy)]
struct Present {
    bytes: u64,
    /// The text before the number.
    about: &'static str,
}

impl Present {
    fn exactly(bytes: u64) -> Self {
        Self { bytes, about: "" }
    }

    fn more_than(bytes: u64) -> Self {
        Self { bytes, about: "more than " }
    }

    /// Reads as many bytes as the header promises, and one more if there is one.
    fn count(file: &str, header: &Header, data: &mut dyn Read) -> Result<Self, TableError> {
        // If a header promises the impossible, the exact number of bytes that follow is not needed,
        // and a small archive may unpack to a thousand times its size.
        const MOST: u64 = 1 << 26;
        let most = header.data_length().unwrap_or(MOST);
        let bytes = io::copy(&mut data.take(most.saturating_add(1)), &mut io::sink())
            .map_err(|source| TableError::Read { file: file.to_owned(), source })?;
        Ok(if bytes > most { Self::more_than(most) } else { Self::exactly(bytes) })
    }
}

fn array_error(file: &str, problem: String) -> TableError {
    TableError::Array { file: file.to_owned(), problem }
}

/// Reads as many bytes as a row has, so that no missing column gets a name.
fn first_row(file: &str, header: &Header, data: &mut dyn Read) -> Result<Vec<u8>, TableError> {
    let promised = header.columns as u64 * header.dtype.size() as u64;
    let mut row = Vec::new();
    data.take(promised)
        .read_to_end(&mut row)
        .map_err(|source| TableError::Read { file: file.to_owned(), source })?;
    if (row.len() as u64) < promised {
        return Err(header.mismatch(file, Present::exactly(row.len() as u64)));
    }
    Ok(row)
}

impl Header {
    /// Checks the header against the number of bytes that follow it, if that is known, before
    /// anything is allocated: a damaged shape must not cause an allocation of terabytes.
    fn check(&self, file: &str, here: Option<Present>) -> Result<(), TableError> {
        let shape = format!("{} x {}", self.rows, self.columns);
        match (self.data_length(), here) {
            (None, here) => {
                let present = here.map_or_else(String::new, |Present { bytes, about }| {
                    format!(", but {about}{bytes} bytes follow")
                });
                let size = self.dtype.size();
                return Err(array_error(
                    file,
                    format!(
                        "its header promises an impossible {shape} numbers of {size} bytes{present}"
                    ),
                ));
            }
            (Some(promised), Some(here)) if promised != here.bytes || !here.about.is_empty() => {
                return Err(self.mismatch(file, here));
            }
            _ => {}
        }
        if self.rows == 0 || self.columns == 0 {
            return Err(array_error(
                file,
                format!(
                    "the array is empty ({shape}); a table has at least one row and one column"
                ),
            ));
        }
        if self.columns > MOST_COLUMNS {
            return Err(array_error(
                file,
                format!(
                    "an array of {shape} is not supported: {MOST_COLUMNS} columns are the \
                     most; do its rows stand where columns should (x.T)?"
                ),
            ));
        }
        Ok(())
    }

    /// The error of an array with another number of bytes than its header promises.
    fn mismatch(&self, file: &str, Present { bytes, about }: Present) -> TableError {
        let promised = self.data_length().unwrap_or(u64::MAX);
        let problem = format!(
            "its header promises {} x {} numbers of {} bytes, {promised} bytes in all, but \
             {about}{bytes} bytes follow: the file is {}",
            self.rows,
            self.columns,
            self.dtype.size(),
            if promised > bytes {
                "truncated or damaged; copy or save it again"
            } else {
                "damaged, or contains more than one array; save one array, or an NPZ archive"
            },
        );
        array_error(file, problem)
    }
}

/// Whether a member of an archive is a text table, by its name.
fn is_text_table(name: &str) -> bool {
    let extension = Path::new(name).extension();
    ["csv", "tsv"].iter().any(|known| extension.is_some_and(|e| e.eq_ignore_ascii_case(known)))
}

/// Some names, shortened if they are long or many.
fn list_cut(names: &[&str]) -> String {
    const MOST: usize = 20;
    let mut shown: Vec<String> = names.iter().take(MOST).map(|name| cut(name)).collect();
    if names.len() > MOST {
        shown.push(format!("and {} more", names.len() - MOST));
    }
    shown.join(", ")
}
