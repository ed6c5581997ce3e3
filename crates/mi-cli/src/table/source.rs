use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use mi_samples::Declared;

use super::column::Column;
use super::delimited::{Delimited, Start, TextRules};
use super::error::TableError;
use super::foreign;
use super::npy::Npy;
use crate::copies::Fingerprints;
use crate::messages::Note;
use crate::words::count;

/// Bytes that identify the kind of a file.
const HEAD: usize = 512;
/// Bytes that are examined to detect the delimiter and the header.
const SAMPLE: usize = 64 * 1024;
/// A longer sample is taken, up to this, if it has fewer than two lines.
const LONGEST_SAMPLE: usize = 16 * 1024 * 1024;

/// Columns read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The file as given, with the array's name if it is an archive.
    pub file: String,
    /// The requested columns, in the requested order.
    pub columns: Vec<Column>,
    /// How many rows each has.
    pub rows: usize,
    /// Notes on what was found and decided, one sentence each.
    pub notes: Vec<Note>,
    /// A fingerprint of every row of the file; empty if the file is read by columns.
    pub fingerprints: Fingerprints,
}

/// A table whose column names are known and whose values are not yet read.
pub trait Source {
    /// The names of all columns.
    fn names(&self) -> &[String];

    /// Whether the header leaves a column's name empty.
    fn is_unnamed(&self, index: usize) -> bool {
        let _ = index;
        false
    }

    /// Reads the columns with the given indices; the others are skipped, so that errors in them do
    /// not matter. `declared` has the user's declaration of each column of the file; it may be
    /// shorter.
    ///
    /// # Errors
    /// If a cell is neither a number nor a label, the rows have different lengths, or the file ends
    /// early.
    fn load(self: Box<Self>, wanted: &[usize], declared: &[Declared]) -> Result<Table, TableError>;
}

/// How files are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The format of text tables.
    pub text: TextRules,
    /// The array to read from an NPZ file.
    pub key: Option<String>,
    /// Whether cells that do not fit are treated as missing and reported ([`Column::odd`]), rather
    /// than refused: for inspecting a file, not for estimates.
    pub report_odd: bool,
}

/// A file, or standard input, as bytes.
struct Bytes<'a> {
    path: &'a Path,
    /// The name in messages.
    file: String,
    input: Box<dyn BufRead>,
    /// The length, if it is an unpacked file: it can be reopened and is seekable.
    length: Option<u64>,
    packed: bool,
}

/// Opens a table: delimiter-separated text (possibly gzipped), NPY or NPZ, distinguished by their
/// first bytes. `-` is standard input.
///
/// # Errors
/// If the file cannot be opened, is empty, or is of an unsupported kind.
pub fn open(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Box<dyn Source>, TableError> {
    let mut bytes = Bytes::open(path.as_ref())?;
    let mut head = bytes.peek()?;
    if head.starts_with(b"\x1f\x8b") {
        bytes.unpack();
        head = bytes.peek()?;
    }
    if head.starts_with(b"\x93NUMPY") {
        Ok(Box::new(bytes.array(options)?))
    } else if head.starts_with(b"PK\x03\x04") {
        Ok(Box::new(bytes.archive(options)?))
    } else if head.starts_with(b"PAR1") {
        bytes.parquet(options)
    } else if let Some(what) = foreign::kind(&head) {
        Err(TableError::Unsupported { file: bytes.file, what: what.into() })
    } else {
        Ok(Box::new(bytes.text(options)?))
    }
}

impl<'a> Bytes<'a> {
    fn open(path: &'a Path) -> Result<Self, TableError> {
        let piped = path.as_os_str() == "-";
        let file = if piped { "standard input".into() } else { path.display().to_string() };
        if piped {
            let input = Box::new(BufReader::with_capacity(SAMPLE, io::stdin()));
            return Ok(Self { path, file, input, length: None, packed: false });
        }
        let open_error = |source| TableError::Open { file: file.clone(), source };
        let handle = File::open(path).map_err(open_error)?;
        let metadata = handle.metadata().map_err(open_error)?;
        if metadata.is_dir() {
            return Err(TableError::Unsupported { file, what: "is a folder, not a file".into() });
        }
        let length = metadata.is_file().then_some(metadata.len());
        let input = Box::new(BufReader::with_capacity(SAMPLE, handle));
        Ok(Self { path, file, input, length, packed: false })
    }

    fn fail(&self) -> impl Fn(io::Error) -> TableError + use<> {
        let file = self.file.clone();
        move |source| TableError::Read { file: file.clone(), source }
    }

    /// The first bytes, which can still be read. A pipe may yield them a few at a time.
    fn peek(&mut self) -> Result<Vec<u8>, TableError> {
        let mut head = Vec::new();
        self.input.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(self.fail())?;
        self.put_back(head.clone());
        Ok(head)
    }

    /// Puts back bytes, so that they are read again.
    fn put_back(&mut self, bytes: Vec<u8>) {
        let rest = std::mem::replace(&mut self.input, Box::new(io::empty()));
        self.input = Box::new(Cursor::new(bytes).chain(rest));
    }

    fn unpack(&mut self) {
        let packed = std::mem::replace(&mut self.input, Box::new(io::empty()));
        self.input = Box::new(BufReader::with_capacity(SAMPLE, MultiGzDecoder::new(packed)));
        (self.length, self.packed) = (None, true);
    }

    fn array(self, options: &ReadOptions) -> Result<Npy, TableError> {
        let piped = self.path.as_os_str() == "-";
        let stem = self.path.file_stem().filter(|_| !piped).map(|stem| stem.to_string_lossy());
        let stem = stem.unwrap_or("x".into());
        Npy::open(self.file, &stem, self.length, self.input, options.report_odd)
    }

    fn archive(mut self, options: &ReadOptions) -> Result<Npy, TableError> {
        let key = options.key.as_deref();
        if self.length.is_some() {
            let handle = File::open(self.path)
                .map_err(|source| TableError::Open { file: self.file.clone(), source })?;
            let input = Box::new(BufReader::new(handle));
            return Npy::open_member(&self.file, input, key, options.report_odd);
        }
        if self.packed {
            let what = "is an archive inside gzip; unpack it with `gzip -d`";
            return Err(TableError::Unsupported { file: self.file, what: what.into() });
        }
        // A pipe is not seekable, so the archive is held in memory.
        let mut bytes = Vec::new();
        self.input.read_to_end(&mut bytes).map_err(self.fail())?;
        Npy::open_member(&self.file, Box::new(Cursor::new(bytes)), key, options.report_odd)
    }

    fn text(mut self, options: &ReadOptions) -> Result<Delimited, TableError> {
        let start = self.skip(options.text.skip)?;
        let mut sample = Vec::new();
        let mut complete = false;
        while !complete && sample.len() < LONGEST_SAMPLE {
            let before = sample.len();
            let more = self
                .input
                .by_ref()
                .take(SAMPLE as u64)
                .read_to_end(&mut sample)
                .map_err(self.fail())?;
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
            return Err(match start.lines {
                0 => TableError::Empty { file: self.file },
                lines => TableError::Unsupported {
                    what: format!("has nothing below its first {}", count(lines as usize, "line")),
                    file: self.file,
                },
            });
        }
        self.put_back(sample.clone());
        let (text, report_odd) = (options.text.clone(), options.report_odd);
        Delimited::open(self.file, &sample, complete, self.input, text, start, report_odd)
    }

    /// Skips a byte-order mark, the line in which a spreadsheet names its delimiter, and the
    /// requested number of lines.
    fn skip(&mut self, lines: u64) -> Result<Start, TableError> {
        let head = self.peek()?;
        let mark = head.starts_with(b"\xEF\xBB\xBF");
        if mark {
            self.input.consume(3);
        }
        let first = head[if mark { 3 } else { 0 }..].split(|&b| b == b'\n' || b == b'\r').next();
        let delimiter = match first {
            Some(&[s, e, p, b'=', delimiter]) if [s, e, p].eq_ignore_ascii_case(b"sep") => {
                Some(delimiter).filter(|d| d.is_ascii() && *d != b'"')
            }
            _ => None,
        };
        let lines = lines.max(u64::from(delimiter.is_some()));
        let mut skipped = 0;
        while skipped < lines && self.skip_line().map_err(self.fail())? {
            skipped += 1;
        }
        if skipped < lines {
            let what =
                format!("has {}, and `--skip {lines}` skips more", count(skipped as usize, "line"));
            return Err(TableError::Unsupported { file: self.file.clone(), what });
        }
        Ok(Start { lines, delimiter })
    }

    /// Skips one line; `false` at the end.
    fn skip_line(&mut self) -> io::Result<bool> {
        let mut any = false;
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(any);
            }
            any = true;
            let Some(end) = buffer.iter().position(|&b| b == b'\n' || b == b'\r') else {
                let all = buffer.len();
                self.input.consume(all);
                continue;
            };
            let carriage_return = buffer[end] == b'\r';
            self.input.consume(end + 1);
            if carriage_return && self.input.fill_buf()?.first() == Some(&b'\n') {
                self.input.consume(1);
            }
            return Ok(true);
        }
    }

    #[cfg(feature = "parquet")]
    fn parquet(mut self, options: &ReadOptions) -> Result<Box<dyn Source>, TableError> {
        use super::parquet::ParquetTable;
        let report_odd = options.report_odd;
        if self.length.is_some() {
            let handle = File::open(self.path)
                .map_err(|source| TableError::Open { file: self.file.clone(), source })?;
            return Ok(Box::new(ParquetTable::open_file(self.file, handle, report_odd)?));
        }
        if self.packed {
            let what = "is a Parquet file inside gzip; unpack it with `gzip -d`";
            return Err(TableError::Unsupported { file: self.file, what: what.into() });
        }
        let mut bytes = Vec::new();
        self.input.read_to_end(&mut bytes).map_err(self.fail())?;
        Ok(Box::new(ParquetTable::open_bytes(self.file, bytes, report_odd)?))
    }

    #[cfg(not(feature = "parquet"))]
    fn parquet(self, _options: &ReadOptions) -> Result<Box<dyn Source>, TableError> {
        let what = "is a Parquet file, which this build of mi cannot read; install it with \
                    `--features parquet`, or convert the file to CSV";
        Err(TableError::Unsupported { file: self.file, what: what.into() })
    }
}
