use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::atomic::write_atomically;
use super::checkpoints;
use crate::error::PaperError;
use crate::origin::Origin;
use crate::outcome::TrialState;
use crate::record::Record;

/// A trial's own folder: its records, state and checkpoints.
#[derive(Clone, Debug)]
pub struct TrialFolder {
    path: PathBuf,
}

/// What `state.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedState {
    /// Hash of the trial's configuration.
    pub config: String,
    /// How far the trial came.
    #[serde(flatten)]
    pub state: TrialState,
    /// Seconds of processor time spent so far.
    pub seconds: f64,
    /// What has worked at it, and where; files of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<Origin>,
}

impl TrialFolder {
    /// The folder at `path`, not yet created.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Creates the folder if it does not exist.
    ///
    /// # Errors
    /// The path and the system's reason.
    pub fn create(&self) -> Result<(), PaperError> {
        fs::create_dir_all(&self.path).map_err(PaperError::file("create", &self.path))
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The saved state, or none when the trial was never started.
    ///
    /// # Errors
    /// [`PaperError::Damaged`] when the file is not what it should be.
    pub fn state(&self) -> Result<Option<SavedState>, PaperError> {
        let path = self.path.join("state.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(PaperError::file("read", path)(error)),
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| PaperError::Damaged { path, reason: error.to_string() })
    }

    /// Replaces the saved state.
    ///
    /// # Errors
    /// The path and the system's reason.
    pub fn save_state(&self, state: &SavedState) -> Result<(), PaperError> {
        let text = serde_json::to_string_pretty(state).unwrap_or_default();
        write_atomically(&self.path.join("state.json"), text.as_bytes())
    }

    /// Writes a checkpoint taken after `step` steps, once the records that it counts on are on
    /// the disk.
    ///
    /// # Errors
    /// The path and the system's reason; older checkpoints are intact.
    pub fn save_checkpoint(&self, step: u64, content: &[u8]) -> Result<(), PaperError> {
        self.sync_records()?;
        checkpoints::save(&self.path, step, content)
    }

    /// The newest checkpoint that `parse` accepts; `damaged` is told of each that is passed over.
    ///
    /// # Errors
    /// The path and the system's reason.
    pub fn newest_checkpoint<T, E>(
        &self,
        parse: impl Fn(&[u8]) -> Result<T, E>,
        damaged: &mut dyn FnMut(&Path),
    ) -> Result<Option<(u64, T)>, PaperError> {
        checkpoints::newest(&self.path, parse, damaged)
    }

    /// Removes all checkpoints, once the trial has ended.
    ///
    /// # Errors
    /// The path and the system's reason.
    pub fn clear_checkpoints(&self) -> Result<(), PaperError> {
        checkpoints::clear(&self.path)
    }

    fn records_path(&self) -> PathBuf {
        self.path.join("records.csv")
    }

    /// Cuts the record file back to its first `length` bytes: what a checkpoint knew of.
    ///
    /// # Errors
    /// [`PaperError::Damaged`] when the file is shorter than that.
    pub fn cut_records(&self, length: u64) -> Result<(), PaperError> {
        let path = self.records_path();
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(PaperError::file("open", &path))?;
        let found = file.metadata().map_err(PaperError::file("read", &path))?.len();
        if found < length {
            let reason = format!(
                "it has {found} bytes, but the checkpoint was taken when it had {length}; \
                 remove the trial's folder to run the trial anew"
            );
            return Err(PaperError::Damaged { path, reason });
        }
        file.set_len(length).map_err(PaperError::file("cut", &path))
    }

    /// Flushes the record file to the disk.
    ///
    /// # Errors
    /// The path and the system's reason.
    pub fn sync_records(&self) -> Result<(), PaperError> {
        let path = self.records_path();
        match File::open(&path).and_then(|file| file.sync_data()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(PaperError::file("write", path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Appends rows to the record file and returns its new length in bytes.
    ///
    /// # Errors
    /// The path and the system's reason; the file is then as it was before.
    pub fn append_records(&self, records: &[Record]) -> Result<u64, PaperError> {
        let path = self.records_path();
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(PaperError::file("open", &path))?;
        let start = file.seek(SeekFrom::End(0)).map_err(PaperError::file("read", &path))?;
        let text = to_csv(records, start == 0)
            .map_err(|reason| PaperError::Csv { path: path.clone(), reason })?;
        if let Err(error) = file.write_all(&text) {
            // Half a row would be worse than none.
            let _ = file.set_len(start);
            return Err(PaperError::file("write", path)(error));
        }
        Ok(start + text.len() as u64)
    }

    /// All records; none when there is no file yet.
    ///
    /// # Errors
    /// [`PaperError::Csv`] naming the file and line.
    pub fn records(&self) -> Result<Vec<Record>, PaperError> {
        let path = self.records_path();
        match File::open(&path) {
            Ok(file) => from_csv(file).map_err(|reason| PaperError::Csv { path, reason }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(PaperError::file("read", path)(error)),
        }
    }
}

/// The records of a CSV file with a header row.
pub(super) fn from_csv(file: File) -> Result<Vec<Record>, csv::Error> {
    csv::Reader::from_reader(file).deserialize().collect()
}

/// Records as CSV, with or without the header row.
pub(super) fn to_csv(records: &[Record], header: bool) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().has_headers(header).from_writer(Vec::new());
    for record in records {
        writer.serialize(record)?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Metric, Unit};

    fn record(step: u64, value: f64) -> Record {
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

    fn folder() -> (tempfile::TempDir, TrialFolder) {
        let root = tempfile::tempdir().unwrap();
        let folder = TrialFolder::new(root.path().join("trial"));
        folder.create().unwrap();
        (root, folder)
    }

    #[test]
    fn records_read_back_to_the_last_bit() {
        let (_root, folder) = folder();
        let rows = [record(0, 0.1 + 0.2), record(1, 5e-324), record(2, f64::NEG_INFINITY)];
        folder.append_records(&rows[..1]).unwrap();
        folder.append_records(&rows[1..]).unwrap();
        assert_eq!(folder.records().unwrap(), rows);
    }

    #[test]
    fn records_beyond_a_checkpoint_are_cut() {
        let (_root, folder) = folder();
        let length = folder.append_records(&[record(0, 1.0)]).unwrap();
        folder.append_records(&[record(1, 2.0)]).unwrap();
        folder.cut_records(length).unwrap();
        assert_eq!(folder.records().unwrap(), [record(0, 1.0)]);
        assert!(folder.cut_records(length + 1).unwrap_err().to_string().contains("anew"));
    }

    #[test]
    fn a_state_survives_being_saved() {
        let (_root, folder) = folder();
        assert_eq!(folder.state().unwrap(), None);
        let state = SavedState {
            config: "abc".into(),
            state: TrialState::Diverged { step: 7, reason: "the loss is NaN".into() },
            seconds: 1.5,
            origins: vec![Origin::here().clone()],
        };
        folder.save_state(&state).unwrap();
        assert_eq!(folder.state().unwrap(), Some(state));
    }
}
