//! Checks whether a trial's records are the ones that it wrote.

use std::path::PathBuf;

use super::rows::{self, Rows, Seal, Table};
use super::trial::{SavedState, TrialFolder};
use crate::config::TrialConfig;
use crate::error::PaperError;
use crate::outcome::TrialState;
use crate::trial::measures;

/// The contents of a trial's own folder, after the checks.
#[derive(Debug, Default)]
pub struct Examined {
    /// Its saved progress; `None` if nothing was saved, or if it is damaged.
    pub saved: Option<SavedState>,
    /// Its records, up to the first that cannot be read.
    pub rows: Rows,
    /// What is wrong, one sentence each, naming the file.
    pub damage: Vec<String>,
    /// What the record file contains in addition to the rows of the trial, if all of its rows are
    /// present.
    pub stray: Option<String>,
    /// The record file.
    pub path: PathBuf,
}

impl Examined {
    /// Whether a seal identifies the rows that the trial wrote.
    pub(super) fn is_sealed(&self) -> bool {
        self.saved.as_ref().is_some_and(|saved| saved.records.is_some())
    }

    /// The trial's final state, if it has ended and all of its records are present.
    pub fn ended(&self) -> Option<&TrialState> {
        let state = self.saved.as_ref().map(|saved| &saved.state);
        state.filter(|state| state.has_ended() && self.damage.is_empty())
    }
}

impl TrialFolder {
    /// Reads and checks a trial's folder. `data` is the hash of the trial's data set, if it has one
    /// and the hash is known.
    ///
    /// # Errors
    /// If the folder belongs to another configuration or to other data, or a file cannot be read.
    /// Damage is not an error.
    pub fn examine(
        &self,
        config: &TrialConfig,
        data: Option<&str>,
    ) -> Result<Examined, PaperError> {
        let path = self.records_path();
        let saved = match self.state() {
            Ok(saved) => saved,
            Err(error @ PaperError::Damaged { .. }) => {
                let rows = rows::read(&path)?.unwrap_or_default().rows;
                let damage = vec![error.to_string()];
                return Ok(Examined { rows, damage, path, ..Examined::default() });
            }
            Err(error) => return Err(error),
        };
        // The state was read first, since a running trial appends records before it saves a state.
        let table = rows::read(&path)?;
        let Some(saved) = saved else {
            let rows = table.unwrap_or_default().rows;
            return Ok(Examined { rows, path, ..Examined::default() });
        };
        self.check_belongs(&saved, config, data)?;
        let missing = table.is_none();
        let Table { rows, later, broken, torn } = table.unwrap_or_default();
        let rows = if saved.state.has_ended() {
            Table { rows, later, ..Table::default() }.readable()
        } else {
            rows
        };
        // The last line of an unfinished trial may be truncated by a kill, or still being written.
        let torn =
            (torn && saved.state.has_ended()).then(|| "its last line is truncated".to_owned());
        let broken = broken.or(torn);
        let flaw = flaw(config, &saved.state, saved.records.as_ref(), &rows, broken.clone());
        let damaged = |flaw: String| {
            let path = path.display();
            if missing {
                format!("{path} is missing")
            } else {
                format!("{path} is damaged: {flaw}")
            }
        };
        let ended = saved.state.has_ended();
        let stray = broken.filter(|_| ended && flaw.is_none()).map(damaged);
        let damage = flaw.map(damaged).into_iter().collect();
        Ok(Examined { saved: Some(saved), rows, damage, stray, path })
    }

    fn check_belongs(
        &self,
        saved: &SavedState,
        config: &TrialConfig,
        data: Option<&str>,
    ) -> Result<(), PaperError> {
        let other = if saved.config != config.hash()? {
            "to another configuration of this trial"
        } else if saved.data.as_deref().zip(data).is_some_and(|(saved, data)| saved != data) {
            "to a trial on other data"
        } else {
            return Ok(());
        };
        Err(PaperError::Damaged {
            path: self.path().join("state.json"),
            reason: format!(
                "it belongs {other}; move {} elsewhere and run the same command again: the trial's \
                 merged records count if they are its own; otherwise the trial is run again",
                self.path().display()
            ),
        })
    }
}

/// Describes what is wrong with the records of a trial in `state`; `None` if they are the ones that
/// it wrote. Without a seal, as in files of earlier versions, the records of an ended trial must
/// have every number that its configuration asks for.
pub(super) fn flaw(
    config: &TrialConfig,
    state: &TrialState,
    seal: Option<&Seal>,
    rows: &Rows,
    broken: Option<String>,
) -> Option<String> {
    let Some(seal) = seal else {
        return if state.has_ended() {
            broken.or_else(|| measures::missing(config, state, rows.records()))
        } else {
            None
        };
    };
    let whole = if state.has_ended() { rows.seal() == *seal } else { rows.sealed(seal).is_some() };
    if whole {
        return None;
    }
    let (there, written) = (rows.len() as u64, seal.rows);
    Some(match broken {
        Some(broken) => broken,
        None if there < written => format!("it has {there} of the {written} rows of the trial"),
        None => "the rows are not the ones that the trial wrote: their checksum differs".into(),
    })
}
