use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::atomic::set_aside;
use super::checkpoints::{self, Unusable};
use super::json;
use super::lease::{self, Holder, Lease, Watch};
use super::record_file::RecordFile;
use super::rows::{Rows, Seal};
use crate::error::PaperError;
use crate::origin::Origin;
use crate::outcome::TrialState;

/// The file with the progress of a trial.
pub(super) const STATE: &str = "state.json";

/// A trial's own folder: its records, state and checkpoints.
///
/// If the trial was taken over from a process that may have been alive, there are several attempts,
/// each in its own folder. A value is one attempt, by default the newest when it was created.
#[derive(Clone, Debug)]
pub struct TrialFolder {
    root: PathBuf,
    attempt: u64,
    path: PathBuf,
}

/// The contents of `state.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedState {
    /// Hash of the trial's configuration.
    pub config: String,
    /// Hash of its data set; `None` if it needs no data, and in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The trial's progress.
    #[serde(flatten)]
    pub state: TrialState,
    /// The seal of its records at that time; files of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Seal>,
    /// Seconds of processor time spent so far.
    pub seconds: f64,
    /// The programs and machines that ran it; files of earlier versions lack this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<Origin>,
}

impl TrialFolder {
    /// The newest attempt in the folder `root`, which need not exist yet.
    pub(super) fn new(root: PathBuf) -> Self {
        let newest = lease::attempts(&root).into_iter().max().unwrap_or(0);
        Self::at_attempt(&root, newest)
    }

    /// An attempt; 0 is the trial's folder itself.
    pub(super) fn at_attempt(root: &Path, attempt: u64) -> Self {
        let path = match attempt {
            0 => root.to_owned(),
            _ => root.join(format!("attempt-{attempt}")),
        };
        Self { root: root.to_owned(), attempt, path }
    }

    /// The trial's folder, which contains its lease and all attempts.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Takes the lease of the trial, which is the right to write here. `silence` is how long this
    /// process may give no sign of life before others may take over the trial. Pass the same
    /// `watch` at every attempt to take the lease.
    ///
    /// # Errors
    /// [`PaperError::Locked`] if another process holds it, or may hold it: see [`Watch::is_alive`].
    pub fn take(&self, silence: Duration, watch: &mut Watch) -> Result<Lease, PaperError> {
        lease::take(&self.root, silence, watch)
    }

    /// The process that seems to hold the lease, if there is one. Changes nothing.
    pub fn holder(&self) -> Option<Holder> {
        lease::holder(&self.root)
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

    /// The saved state, or `None` if the trial was never started. It is not checked against the
    /// records: see [`TrialFolder::examine`].
    ///
    /// # Errors
    /// [`PaperError::Damaged`] if the file is invalid.
    pub fn state(&self) -> Result<Option<SavedState>, PaperError> {
        json::read(&self.path.join(STATE))
    }

    /// Replaces the saved state.
    ///
    /// # Errors
    /// The path and the system's reason.
    pub fn save_state(&self, state: &SavedState) -> Result<(), PaperError> {
        json::write(&self.path.join(STATE), state)
    }

    /// Writes a checkpoint taken after `step` steps. The records that it refers to must already be
    /// on the disk.
    ///
    /// # Errors
    /// The path and the system's reason; older checkpoints are intact.
    pub fn save_checkpoint(&self, step: u64, content: &[u8]) -> Result<(), PaperError> {
        checkpoints::save(&self.path, step, content)
    }

    /// The newest checkpoint that `parse` accepts. `parse` gets the step in its name, its path and
    /// its content. `passed_over` is called for each rejected checkpoint, with the reason.
    ///
    /// # Errors
    /// The path and the system's reason, and the errors of `parse`.
    pub fn newest_checkpoint<T>(
        &self,
        parse: impl Fn(u64, &Path, &[u8]) -> Result<T, Unusable>,
        passed_over: &mut dyn FnMut(&str),
    ) -> Result<Option<T>, PaperError> {
        checkpoints::newest(&self.path, parse, passed_over)
    }

    /// Removes all checkpoints, including those of older attempts, once the trial has ended.
    ///
    /// # Errors
    /// The path and the system's reason.
    pub fn clear_checkpoints(&self) -> Result<(), PaperError> {
        let others = lease::attempts(&self.root).into_iter().chain([0]);
        for attempt in others.filter(|&attempt| attempt < self.attempt) {
            checkpoints::clear(&Self::at_attempt(&self.root, attempt).path)?;
        }
        checkpoints::clear(&self.path)
    }

    /// Copies the saved files while another process may still write them. The records are copied
    /// last: the state and the checkpoints refer to records that were written before them.
    pub(super) fn copy_to(&self, folder: &Path) -> Result<(), PaperError> {
        let mut paths = vec![self.path.join(STATE)];
        paths.extend(checkpoints::paths(&self.path)?);
        paths.push(self.path.join(super::representation::FILE));
        paths.push(self.records_path());
        for path in paths {
            let Some(name) = path.file_name() else { continue };
            match fs::copy(&path, folder.join(name)) {
                // Not there, or gone since; the folder may be missing only if somebody removed it.
                Err(error) if error.kind() == ErrorKind::NotFound && folder.exists() => {}
                Err(error) => return Err(PaperError::file("copy", path)(error)),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// Sets the records and the state aside, so that the trial starts again. Returns whether there
    /// were any. The caller must hold the trial's lease.
    pub(super) fn set_records_aside(&self) -> Result<bool, PaperError> {
        let mut found = false;
        for path in [self.path.join(STATE), self.records_path()] {
            if path.exists() {
                set_aside(&path)?;
                found = true;
            }
        }
        // The record file stays in place: as long as it differs from the merged one, neither
        // counts.
        let state = self.path.join(STATE);
        if state.exists() {
            fs::remove_file(&state).map_err(PaperError::file("remove", &state))?;
        }
        Ok(found)
    }

    pub(super) fn records_path(&self) -> PathBuf {
        self.path.join("records.csv")
    }

    /// Makes the record file contain exactly these rows, and opens it to append more. If it is
    /// `damaged`, its old contents are set aside.
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
    fn a_saved_state_is_read_back_and_edits_are_detected() {
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
