//! The bytes of a data file: unpacked if they are gzip, hashed, and read to the end.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf, absolute};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::provenance::hexadecimal;
use crate::{DataError, SourceFile};

const HEAD: usize = 512;

/// The size up to which gzip content is accepted, and the largest expansion beyond that. Images
/// pack to a half or a tenth; a few bytes of zeros expand a thousandfold, and would fill any
/// memory.
const UNDOUBTED: u64 = 64 << 20;
const MOST_EXPANSION: u64 = 100;

/// A data file being read.
pub(crate) struct Content<'a> {
    path: PathBuf,
    reader: Box<dyn Read + 'a>,
    gzip: bool,
    /// Packed bytes read so far.
    packed: Rc<Cell<u64>>,
    hasher: Sha256,
    count: u64,
}

impl<'a> Content<'a> {
    /// Opens a file and looks at its first bytes. `expected` names the expected format.
    pub(crate) fn open(path: &Path, expected: &'static str) -> Result<Content<'static>, DataError> {
        // Absolute for the messages, but never canonical: that would show Windows users `\\?\`.
        let path = absolute(path).unwrap_or_else(|_| path.to_owned());
        match File::open(&path) {
            Ok(file) => Content::new(path, file, expected),
            Err(source) => Err(DataError::Read { path, source }),
        }
    }

    /// The same for any reader; `path` is its name in messages.
    pub(crate) fn new(
        path: PathBuf,
        reader: impl Read + 'a,
        expected: &'static str,
    ) -> Result<Self, DataError> {
        let packed = Rc::new(Cell::new(0));
        let reader = Box::new(Counted { reader, count: Rc::clone(&packed) });
        let hasher = Sha256::new();
        let mut content = Self { path, reader, gzip: false, packed, hasher, count: 0 };
        let head = content.peek()?;
        // The name is not reliable: browsers unpack files and keep `.gz`, or the reverse.
        let head = if head.starts_with(&[0x1f, 0x8b]) {
            let packed = std::mem::replace(&mut content.reader, Box::new(io::empty()));
            content.reader = Box::new(MultiGzDecoder::new(packed));
            content.gzip = true;
            content.peek()?
        } else {
            head
        };
        if head.is_empty() {
            return Err(DataError::Empty { path: content.path });
        }
        if let Some((found, remedy)) = foreign(&head) {
            return Err(DataError::Foreign { path: content.path, found, expected, remedy });
        }
        Ok(content)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads `count` bytes, or as many as there are. `promised` is the length of the content if a
    /// header gave it, for the message.
    pub(crate) fn read(&mut self, count: u64, promised: Option<u64>) -> Result<Vec<u8>, DataError> {
        /// Bytes after which gzip's expansion is checked again.
        const PIECE: u64 = 8 << 20;
        // Grows with the data that are read, so a false header cannot cause a large allocation.
        let mut bytes = Vec::new();
        loop {
            let before = bytes.len();
            let piece = PIECE.min(count - before as u64);
            let result = self.reader.by_ref().take(piece).read_to_end(&mut bytes);
            let new = &bytes[before..];
            self.count += new.len() as u64;
            self.hasher.update(new);
            if let Err(source) = result {
                return Err(self.failure(source, promised));
            }
            let packed = self.packed.get();
            if self.gzip && self.count > UNDOUBTED && self.count > MOST_EXPANSION * packed {
                return Err(DataError::Expands {
                    path: self.path.clone(),
                    packed,
                    content: self.count,
                });
            }
            let read = (bytes.len() - before) as u64;
            if read < piece || bytes.len() as u64 == count {
                return Ok(bytes);
            }
        }
    }

    /// Whether the content ends here. For gzip this also checks the stream's checksum.
    pub(crate) fn at_end(&mut self, promised: Option<u64>) -> Result<bool, DataError> {
        let mut next = [0];
        loop {
            match self.reader.read(&mut next) {
                Ok(read) => return Ok(read == 0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.failure(source, promised)),
            }
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn into_record(self, role: &str) -> SourceFile {
        SourceFile {
            role: role.to_owned(),
            path: self.path.display().to_string(),
            bytes: self.count,
            sha256: hexadecimal(self.hasher),
        }
    }

    /// The first bytes, which can still be read.
    fn peek(&mut self) -> Result<Vec<u8>, DataError> {
        let mut head = Vec::with_capacity(HEAD);
        if let Err(source) = self.reader.by_ref().take(HEAD as u64).read_to_end(&mut head) {
            self.count = head.len() as u64;
            return Err(self.failure(source, None));
        }
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(Cursor::new(head.clone()).chain(rest));
        Ok(head)
    }

    fn failure(&self, source: io::Error, promised: Option<u64>) -> DataError {
        let (path, decoded) = (self.path.clone(), self.count);
        match source.kind() {
            io::ErrorKind::UnexpectedEof if self.gzip => {
                DataError::TruncatedGzip { path, decoded, promised }
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if self.gzip => {
                DataError::CorruptGzip { path, decoded, source }
            }
            _ => DataError::Read { path, source },
        }
    }
}

/// Counts the bytes that are read.
struct Counted<R> {
    reader: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

/// Recognises the first bytes of a wrong file: what it is, and what to do about it.
fn foreign(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let text: String = String::from_utf8_lossy(head)
        .trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
        .chars()
        .take(40)
        .collect::<String>()
        .to_ascii_lowercase();
    let replace = "download the file again";
    if ["<!doctype", "<html", "<head", "<body", "<?xml"].iter().any(|tag| text.starts_with(tag)) {
        Some(("what looks like a web page (an error page saved as data?)", replace))
    } else if text.starts_with("version https://git-lfs") {
        Some(("a Git LFS pointer", "fetch the real file with `git lfs pull`"))
    } else if head.starts_with(b"PK\x03\x04") {
        Some(("a zip archive", "unpack it first"))
    } else if head.get(257..262) == Some(b"ustar") {
        Some(("a tar archive", "unpack it first"))
    } else if head.starts_with(&[0x1f, 0x8b]) {
        Some(("gzip inside gzip", "unpack it once"))
    } else if head[0] == 0x80 && head.get(1).is_some_and(|version| (2..=5).contains(version)) {
        Some(("a Python pickle", "get the binary version of the data set"))
    } else if head.starts_with(b"\x93NUMPY") {
        Some(("a NumPy array", "this reader takes the published files only"))
    } else {
        None
    }
}
