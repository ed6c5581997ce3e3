use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::checkpoints::{self, Unusable};
use super::json;
use super::record_file::RecordFile;
use super::rows::{Rows, Seal};
use crate::error::PaperError;
use crate::origin::Origin;
use crate::outcome::TrialState;

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
    /// Hash of the data set that it was run on; none where it needs none, and in files of earlier
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// How far the trial came.
    #[serde(flatten)]
    pub state: TrialState,
    /// What tells the records that it had then; files of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Seal>,
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

    /// The saved state, or none when the trial was never started. It is not checked against the
    /// records: see [`TrialFolder::examine`].
    ///
    /// # Errors
    /// [`PaperError::Damaged`] when the file is not what it should be.
    pub fn state(&self) -> Result<Option<SavedState>, PaperError> {
        json::read(&self.path.join("state.json"))
    }

    /// Replaces the saved state.
    ///
    /// # Errors
    /// The path and the system's reason.
    pub fn save_state(&self, state: &SavedState) -> Result<(), PaperError> {
        json::write(&self.path.join("state.json"), state)
    }

    /// Writes a checkpoint taken after `step` steps. The records that it counts on must be on the
    /// disk already.
    ///
    /// # Errors
    /// The path and the system's reason; older checkpoints are intact.
    pub fn save_checkpoint(&self, step: u64, content: &[u8]) -> Result<(), PaperError> {
        checkpoints::save(&self.path, step, content)
    }

    /// The newest checkpoint that `parse` takes, given the step that its name says, its path and
    /// its content; `passed_over` is told of each that it does not take.
    ///
    /// # Errors
    /// The path and the system's reason, and what `parse` refuses.
    pub fn newest_checkpoint<T>(
        &self,
        parse: impl Fn(u64, &Path, &[u8]) -> Result<T, Unusable>,
        passed_over: &mut dyn FnMut(&str),
    ) -> Result<Option<T>, PaperError> {
        checkpoints::newest(&self.path, parse, passed_over)
    }

    /// Removes all checkpoints, once the trial has ended.
    ///
    /// # Errors
    /// The path and the system's reason.
    pub fn clear_checkpoints(&self) -> Result<(), PaperError> {
        checkpoints::clear(&self.path)
    }

    pub(super) fn records_path(&self) -> PathBuf {
        self.path.join("records.csv")
    }

    /// Makes the record file hold these rows and no others, to append to it. When it is `damaged`,
    /// what stood in it is set aside.
    ///
    /// # Errors
    /// The path and the system's reason.
    pub fn open_records(&self, rows: Rows, damaged: bool) -> Result<RecordFile, PaperError> {
        RecordFile::open(self.records_path(), rows, damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_survives_being_saved() {
        let root = tempfile::tempdir().unwrap();
        let folder = TrialFolder::new(root.path().join("trial"));
        folder.create().unwrap();
        assert_eq!(folder.state().unwrap(), None);
        let state = SavedState {
            config: "abc".into(),
            data: Some("def".into()),
            state: TrialState::Diverged { step: 7, reason: "the loss is NaN".into() },
            records: Some(Rows::default().seal()),
            seconds: 1.5,
            origins: vec![Origin::here().clone()],
        };
        folder.save_state(&state).unwrap();
        assert_eq!(folder.state().unwrap(), Some(state));
        let path = folder.path().join("state.json");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("diverged", "finished")).unwrap();
        assert!(folder.state().unwrap_err().to_string().contains("checksum"));
    }
}
