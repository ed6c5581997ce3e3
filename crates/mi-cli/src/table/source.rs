use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use mi_samples::Declared;

use super::column::Column;
use super::delimited::{Delimited, TextRules};
use super::error::TableError;
use super::npy::Npy;
use crate::copies::Fingerprints;

/// Bytes that are looked at to find the delimiter and the header.
const SAMPLE: usize = 64 * 1024;
/// A longer sample is taken, up to this, when it holds fewer than two lines.
const LONGEST_SAMPLE: usize = 16 * 1024 * 1024;

/// Columns read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The file as it was given, with the array's name if it is an archive.
    pub file: String,
    /// The columns asked for, in the order asked for.
    pub columns: Vec<Column>,
    /// How many rows each has.
    pub rows: usize,
    /// What was found and decided on the way, one sentence each.
    pub notes: Vec<String>,
    /// What every row of the file looks like; empty where the file is read by columns.
    pub fingerprints: Fingerprints,
}

/// A table whose column names are known and whose values are still to be read.
pub trait Source {
    /// The names of all columns.
    fn names(&self) -> &[String];

    /// Reads the columns of the given indices; the others are passed over, so that what is
    /// wrong with them does not matter. `declared` holds what the user says each column of the
    /// file to be; it may be shorter.
    ///
    /// # Errors
    /// When a cell is neither a number nor a label, the rows have different lengths, or the
    /// file ends early.
    fn load(self: Box<Self>, wanted: &[usize], declared: &[Declared]) -> Result<Table, TableError>;
}

/// How files are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// How text tables are written.
    pub text: TextRules,
    /// The array to read from an NPZ file.
    pub key: Option<String>,
}

/// Opens a table: delimiter-separated text (perhaps gzipped), NPY or NPZ, told apart by their
/// first bytes. `-` is standard input.
///
/// # Errors
/// When the file cannot be opened, is empty, or is of a kind that is not read.
pub fn open(path: &str, options: &ReadOptions) -> Result<Box<dyn Source>, TableError> {
    let file = if path == "-" { "standard input" } else { path }.to_owned();
    let open_error = |source| TableError::Open { file: file.clone(), source };
    let read_error = |source| TableError::Read { file: file.clone(), source };
    let mut length = None;
    let mut input: Box<dyn BufRead> = if path == "-" {
        Box::new(BufReader::with_capacity(SAMPLE, io::stdin()))
    } else {
        let handle = File::open(path).map_err(open_error)?;
        let metadata = handle.metadata().map_err(open_error)?;
        if metadata.is_dir() {
            return Err(TableError::Unsupported { file, what: "is a folder, not a file".into() });
        }
        length = metadata.is_file().then_some(metadata.len());
        Box::new(BufReader::with_capacity(SAMPLE, handle))
    };
    let start = input.fill_buf().map_err(read_error)?;
    if start.starts_with(b"\x1f\x8b") {
        input = Box::new(BufReader::with_capacity(SAMPLE, MultiGzDecoder::new(input)));
        length = None;
    }
    // A pipe has no length and cannot be sought in: arrays that come through one are held.
    let start = input.fill_buf().map_err(read_error)?;
    let (array, archive) = (start.starts_with(b"\x93NUMPY"), start.starts_with(b"PK\x03\x04"));
    if array || archive {
        let stem = Path::new(path).file_stem().map_or("x".into(), |stem| stem.to_string_lossy());
        let stem = if path == "-" { "x" } else { &*stem };
        return match (length, archive) {
            (Some(length), false) => Ok(Box::new(Npy::open(file, stem, length, input)?)),
            (Some(_), true) => {
                let handle = BufReader::new(File::open(path).map_err(open_error)?);
                Ok(Box::new(Npy::open_member(&file, Box::new(handle), options.key.as_deref())?))
            }
            (None, archive) => {
                let mut bytes = Vec::new();
                input.read_to_end(&mut bytes).map_err(read_error)?;
                let length = bytes.len() as u64;
                let bytes = Cursor::new(bytes);
                Ok(Box::new(if archive {
                    Npy::open_member(&file, Box::new(bytes), options.key.as_deref())?
                } else {
                    Npy::open(file, stem, length, Box::new(bytes))?
                }))
            }
        };
    }
    if start.starts_with(b"PAR1") {
        return open_parquet(path, file, length.is_some(), input);
    }
    let mut sample = Vec::new();
    let mut complete = false;
    while !complete && sample.len() < LONGEST_SAMPLE {
        let before = sample.len();
        let more =
            input.by_ref().take(SAMPLE as u64).read_to_end(&mut sample).map_err(read_error)?;
        complete = more < SAMPLE;
        if sample[before..].iter().any(|&b| b == b'\n' || b == b'\r') && before > 0 {
            break;
        }
        let line_ends = sample.iter().filter(|&&b| b == b'\n' || b == b'\r').count();
        if line_ends > 2 {
            break;
        }
    }
    if sample.trim_ascii().is_empty() && complete {
        return Err(TableError::Empty { file });
    }
    let input: Box<dyn BufRead> = Box::new(Cursor::new(sample.clone()).chain(input));
    Ok(Box::new(Delimited::open(file, &sample, complete, input, options.text.clone())?))
}

#[cfg(feature = "parquet")]
fn open_parquet(
    path: &str,
    file: String,
    on_disk: bool,
    mut input: Box<dyn BufRead>,
) -> Result<Box<dyn Source>, TableError> {
    use super::parquet::ParquetTable;
    Ok(Box::new(if on_disk {
        match File::open(path) {
            Ok(handle) => ParquetTable::open_file(file, handle)?,
            Err(source) => return Err(TableError::Open { file, source }),
        }
    } else {
        let mut bytes = Vec::new();
        match input.read_to_end(&mut bytes) {
            Ok(_) => ParquetTable::open_bytes(file, bytes)?,
            Err(source) => return Err(TableError::Read { file, source }),
        }
    }))
}

#[cfg(not(feature = "parquet"))]
fn open_parquet(
    _path: &str,
    file: String,
    _on_disk: bool,
    _input: Box<dyn BufRead>,
) -> Result<Box<dyn Source>, TableError> {
    let what = "is a Parquet file, which this build of mi does not read; install it with \
                `--features parquet`, or convert the file to CSV";
    Err(TableError::Unsupported { file, what: what.into() })
}
