//! Reads NPY arrays, alone or inside an NPZ archive.

use std::borrow::Cow;
use std::io::{self, Read, Seek};

use mi_samples::Declared;
use zip::ZipArchive;

use super::column::Column;
use super::error::{Place, TableError};
use super::npy_header::{Dtype, Header, Number};
use super::source::{Source, Table};
use crate::copies::Fingerprints;
use crate::words::count;

/// An array whose header is read.
pub(crate) struct Npy {
    /// The file, and the member of an archive.
    file: String,
    header: Header,
    names: Vec<String>,
    data: Data,
}

/// Where the numbers come from.
enum Data {
    /// What follows the header.
    Plain(Box<dyn Read>),
    /// A member of an archive, from its beginning.
    Member(Archive, usize),
}

/// An archive that is a file or already in memory.
type Archive = ZipArchive<Box<dyn ReadSeek>>;

/// What an archive is read from.
pub(crate) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

impl Npy {
    /// Reads the header of an array of `length` bytes in all.
    pub(crate) fn open(
        file: String,
        stem: &str,
        length: u64,
        mut data: Box<dyn Read>,
    ) -> Result<Self, TableError> {
        let header = checked_header(&file, length, &mut data)?;
        Ok(Self::new(file, stem, header, Data::Plain(data)))
    }

    /// Opens one array of an NPZ archive: the one called `key` (with or without `.npy`), or the
    /// only one.
    pub(crate) fn open_member(
        file: &str,
        input: Box<dyn ReadSeek>,
        key: Option<&str>,
    ) -> Result<Self, TableError> {
        let fail = |problem: String| TableError::Array { file: file.to_owned(), problem };
        let damaged = |error| {
            fail(format!(
                "not a readable NPZ archive ({error}); is it cut short? Save or copy it again"
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
                return Err(fail("the archive holds no NPY array; write one with np.savez".into()));
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
                keys: keys.join(", "),
                asked: key.map_or_else(String::new, |key| format!(" (there is no `{key}`)")),
            });
        };
        let member = format!("{file}:{chosen}");
        let index = archive
            .index_for_name(&format!("{chosen}.npy"))
            .ok_or_else(|| fail(format!("the archive names {chosen} but does not hold it")))?;
        let mut entry = archive.by_index(index).map_err(damaged)?;
        let length = entry.size();
        let header = checked_header(&member, length, &mut entry)?;
        drop(entry);
        Ok(Self::new(member, chosen, header, Data::Member(archive, index)))
    }

    fn new(file: String, stem: &str, header: Header, data: Data) -> Self {
        let names = if header.columns == 1 {
            vec![stem.to_owned()]
        } else {
            (1..=header.columns).map(|column| format!("{stem}_{column}")).collect()
        };
        Self { file, header, names, data }
    }

    /// What was found.
    fn notes(&self, large: usize) -> Vec<String> {
        let Header { dtype, rows, columns, .. } = self.header;
        let mut notes = vec![format!(
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
        )];
        if large > 0 {
            notes.push(format!(
                "{}: {} of 2^53 or more may have been rounded to float64",
                self.file,
                count(large, "whole number")
            ));
        }
        notes
    }

    /// Reads the numbers of the wanted columns, and counts whole numbers too large to be exact.
    fn numbers(
        &self,
        data: &mut dyn Read,
        wanted: &[usize],
    ) -> Result<(Vec<Vec<f64>>, usize, Fingerprints), TableError> {
        let Header { dtype, rows, columns, fortran_order, .. } = self.header;
        let size = dtype.size();
        let mut kept: Vec<Vec<f64>> = vec![Vec::new(); wanted.len()];
        let (mut large, mut fingerprints) = (0, Fingerprints::default());
        // One line is what is contiguous in the file: a row, or a column in Fortran's order.
        let (lines, line_length) = if fortran_order { (columns, rows) } else { (rows, columns) };
        // Long lines are read in pieces.
        let piece = line_length.min(1 << 16);
        let mut buffer = vec![0; piece * size];
        for line in 0..lines {
            for start in (0..line_length).step_by(piece) {
                let count = piece.min(line_length - start);
                let bytes = &mut buffer[..count * size];
                data.read_exact(bytes)
                    .map_err(|source| TableError::Read { file: self.file.clone(), source })?;
                for (cell, at) in bytes.chunks_exact(size).zip(start..) {
                    let (row, column) = if fortran_order { (at, line) } else { (line, at) };
                    fingerprints.add(row, column, cell);
                }
                for (slot, &column) in wanted.iter().enumerate() {
                    let here = if !fortran_order {
                        let inside = (start..start + count).contains(&column);
                        if inside { column - start..column - start + 1 } else { 0..0 }
                    } else if column == line {
                        0..count
                    } else {
                        0..0
                    };
                    let values = &mut kept[slot];
                    if values.try_reserve(here.len()).is_err() {
                        return Err(TableError::Memory {
                            file: self.file.clone(),
                            rows: values.len(),
                            columns: wanted.len(),
                        });
                    }
                    for at in here {
                        let value = dtype.decode(&bytes[at * size..(at + 1) * size]);
                        if value.is_infinite() {
                            return Err(TableError::NotFinite {
                                at: Place {
                                    file: self.file.clone(),
                                    line: format!("row {}", values.len() + 1),
                                    column: self.names[column].clone(),
                                },
                                cell: value.to_string(),
                            });
                        }
                        large += usize::from(rounded(dtype, value));
                        values.push(value);
                    }
                }
            }
        }
        Ok((kept, large, fingerprints))
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
        let (kept, large, fingerprints) =
            match std::mem::replace(&mut self.data, Data::Plain(Box::new(io::empty()))) {
                Data::Plain(mut data) => self.numbers(&mut data, wanted)?,
                Data::Member(mut archive, index) => {
                    let read_error = |source| TableError::Read { file: self.file.clone(), source };
                    let mut entry = archive.by_index(index).map_err(|e| read_error(e.into()))?;
                    io::copy(&mut entry.by_ref().take(self.header.length), &mut io::sink())
                        .map_err(read_error)?;
                    let numbers = self.numbers(&mut entry, wanted)?;
                    // The checksum is compared when the end is read.
                    entry.read(&mut [0]).map_err(read_error)?;
                    numbers
                }
            };
        let notes = self.notes(large);
        let columns = kept
            .into_iter()
            .zip(wanted)
            .map(|(values, &index)| {
                let declared = declared.get(index).copied().unwrap_or_default();
                Column::from_numbers(self.names[index].clone(), values, declared)
            })
            .collect();
        Ok(Table { file: self.file, columns, rows: self.header.rows, notes, fingerprints })
    }
}

/// Reads a header and checks it against the length of the whole, before anything is allocated:
/// a damaged shape must not ask for terabytes.
fn checked_header(file: &str, length: u64, data: &mut dyn Read) -> Result<Header, TableError> {
    let fail = |problem: String| TableError::Array { file: file.to_owned(), problem };
    let header = Header::read(data).map_err(fail)?;
    let shape = format!("{} x {}", header.rows, header.columns);
    let here = length.saturating_sub(header.length);
    match header.data_length() {
        Some(promised) if promised == here => {}
        Some(promised) => {
            return Err(fail(format!(
                "its header promises {shape} numbers of {} bytes, {promised} bytes in all, but \
                 {here} bytes follow: the file is {}",
                header.dtype.size(),
                if promised > here {
                    "cut short or damaged; copy or save it again"
                } else {
                    "damaged, or holds more than one array; save one array, or an NPZ archive"
                },
            )));
        }
        None => return Err(fail(format!("its header promises an impossible {shape} numbers"))),
    }
    if header.rows == 0 || header.columns == 0 {
        return Err(fail(format!(
            "the array is empty ({shape}); a table has a row and a column at least"
        )));
    }
    Ok(header)
}

/// Whether a whole number may have lost digits on its way to a double.
fn rounded(dtype: Dtype, value: f64) -> bool {
    matches!(dtype.number, Number::Int(8) | Number::Uint(8)) && value.abs() >= 2_f64.powi(53)
}
