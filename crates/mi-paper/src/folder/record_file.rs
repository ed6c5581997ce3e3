use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use super::atomic::{set_aside, write_atomically};
use super::rows::{self, Rows, Seal};
use crate::error::PaperError;
use crate::record::Record;

/// The record file of a running trial. It keeps a copy of the rows that it wrote, and detects other
/// changes to the file.
///
/// Its owner must hold the trial's lease.
#[derive(Debug)]
pub struct RecordFile {
    path: PathBuf,
    rows: Rows,
    /// Length of the file in bytes.
    length: u64,
}

impl RecordFile {
    /// Makes the file contain exactly these rows. If it is `damaged`, its old contents are set
    /// aside.
    pub(super) fn open(path: PathBuf, rows: Rows, damaged: bool) -> Result<Self, PaperError> {
        let text = rows.text();
        let length = text.len() as u64;
        let there = match fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(PaperError::file("read", path)(error)),
        };
        let starts_with_rows =
            there.as_ref().is_some_and(|bytes| bytes.starts_with(text.as_bytes()));
        let is_exact =
            starts_with_rows && there.as_ref().is_some_and(|bytes| bytes.len() == text.len());
        if damaged && there.is_some_and(|bytes| !bytes.is_empty()) && !is_exact {
            set_aside(&path)?;
            write_atomically(&path, text.as_bytes())?;
        } else if starts_with_rows {
            let file = OpenOptions::new().write(true).open(&path);
            file.and_then(|file| file.set_len(length)).map_err(PaperError::file("cut", &path))?;
        } else {
            write_atomically(&path, text.as_bytes())?;
        }
        Ok(Self { path, rows, length })
    }

    /// Appends records.
    ///
    /// # Errors
    /// The path and the system's reason; the file is then unchanged.
    pub fn append(&mut self, records: &[Record]) -> Result<(), PaperError> {
        let more = Rows::of(records)
            .map_err(|reason| PaperError::Csv { path: self.path.clone(), reason })?;
        let (mut file, start) = self.unchanged()?;
        let text = more.text();
        // Only the first rows are preceded by the header.
        let skipped = if start == 0 { 0 } else { text.len().min(rows::HEADER.len() + 1) };
        let text = &text.as_bytes()[skipped..];
        if let Err(error) = file.write_all(text) {
            // Part of a row would be worse than no row.
            let _ = file.set_len(start);
            return Err(PaperError::file("write", &self.path)(error));
        }
        self.length = start + text.len() as u64;
        self.rows.extend(more);
        Ok(())
    }

    /// The seal of the rows written so far.
    pub fn seal(&self) -> Seal {
        self.rows.seal()
    }

    /// Makes sure that the rows are on the disk.
    ///
    /// # Errors
    /// The path and the system's reason, or if the file does not have the length that was written.
    pub fn sync(&self) -> Result<(), PaperError> {
        let (file, _) = self.unchanged()?;
        file.sync_data().map_err(PaperError::file("write", &self.path))
    }

    /// Like [`RecordFile::sync`], but also reads the file back and compares all rows. Used at the
    /// end of a trial.
    ///
    /// # Errors
    /// Those of [`RecordFile::sync`], or if the rows differ.
    pub fn check(&self) -> Result<(), PaperError> {
        self.sync()?;
        let there = rows::read(&self.path)?.unwrap_or_default().readable();
        if there.seal() == self.seal() { Ok(()) } else { Err(self.changed_by_others()) }
    }

    /// The file, positioned at its end, if it has the length that was written.
    fn unchanged(&self) -> Result<(File, u64), PaperError> {
        let file = OpenOptions::new()
            .append(true)
            .open(&self.path)
            .map_err(PaperError::file("open", &self.path))?;
        let found = file.metadata().map_err(PaperError::file("read", &self.path))?.len();
        if found == self.length { Ok((file, found)) } else { Err(self.changed_by_others()) }
    }

    fn changed_by_others(&self) -> PaperError {
        PaperError::Damaged {
            path: self.path.clone(),
            reason: "something else changed it while the trial ran; run the same command again: \
                     the trial continues from its last good checkpoint"
                .into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::rows::tests::sample;

    fn path() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("records.csv");
        (root, path)
    }

    fn read(path: &std::path::Path) -> Rows {
        rows::read(path).unwrap().unwrap().rows
    }

    #[test]
    fn what_is_appended_is_read_back() {
        let (_root, path) = path();
        let all = [sample(0, 1.0), sample(1, 0.1 + 0.2), sample(2, f64::NAN)];
        let mut file = RecordFile::open(path.clone(), Rows::default(), false).unwrap();
        file.append(&[]).unwrap();
        file.append(&all[..1]).unwrap();
        file.append(&all[1..]).unwrap();
        file.check().unwrap();
        assert_eq!(read(&path).seal(), file.seal());
        assert_eq!(file.seal(), Rows::of(&all).unwrap().seal());
    }

    #[test]
    fn a_file_is_truncated_at_the_end_of_a_row() {
        let (root, path) = path();
        let mut file = RecordFile::open(path.clone(), Rows::default(), false).unwrap();
        file.append(&[sample(0, 1.0), sample(1, 2.0)]).unwrap();
        let first = Rows::of(&[sample(0, 1.0)]).unwrap();
        RecordFile::open(path.clone(), first.clone(), false).unwrap();
        assert_eq!(read(&path), first);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        // The contents of a damaged file are kept.
        RecordFile::open(path.clone(), Rows::default(), true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
        assert_eq!(read(&root.path().join("records.csv.set-aside-1")), first);
    }

    #[test]
    fn changes_by_another_writer_are_detected() {
        let (_root, path) = path();
        let mut file = RecordFile::open(path.clone(), Rows::default(), false).unwrap();
        file.append(&[sample(0, 1.0)]).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("1.0", "2.0")).unwrap();
        assert!(file.check().unwrap_err().to_string().contains("something else"));
        fs::write(&path, &text[..text.len() - 1]).unwrap();
        assert!(file.append(&[sample(1, 1.0)]).is_err() && file.sync().is_err());
        fs::remove_file(&path).unwrap();
        assert!(file.append(&[sample(1, 1.0)]).is_err());
    }
}
