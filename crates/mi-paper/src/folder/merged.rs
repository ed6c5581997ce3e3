use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use super::atomic::write_atomically;
use super::trial::to_csv;
use crate::config::TrialConfig;
use crate::error::PaperError;
use crate::outcome::{Outcome, TrialInfo};
use crate::record::Record;

const RECORDS: &str = "records.csv";
const TRIALS: &str = "trials.json";

/// An ended trial as the merged files tell of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kept {
    pub(super) info: TrialInfo,
    pub(super) records: Vec<Record>,
}

impl Kept {
    /// Whether this is a trial of this very configuration. One whose configuration is not told
    /// is taken to be what the folder's plan says of it (see [`forget_unknown`]).
    pub(super) fn is_of(&self, config: &TrialConfig) -> bool {
        self.info.steps == config.steps
            && self.info.config.as_ref().is_none_or(|hash| *hash == config.hash())
    }
}

/// Writes all records, and how far each trial came.
///
/// The records come first: `trials.json` vouches for what is in them. Where nothing vouches for
/// the records that are there, none of theirs is dropped.
pub(super) fn write(folder: &Path, outcome: &Outcome) -> Result<(), PaperError> {
    let path = folder.join(RECORDS);
    if read_trials(folder)?.is_none() {
        let known: BTreeSet<&str> = outcome.records.iter().map(|r| r.trial.as_str()).collect();
        let there = read_records(folder)?.unwrap_or_default();
        if let Some(lost) = there.into_iter().find(|r| !known.contains(r.trial.as_str())) {
            return Err(PaperError::WouldLose { path, trial: lost.trial });
        }
    }
    let text = to_csv(&outcome.records, true)
        .map_err(|reason| PaperError::Csv { path: path.clone(), reason })?;
    write_atomically(&path, &text)?;
    write_trials(folder, &outcome.trials)
}

/// Forgets the trials of which the merged files do not tell the configuration: in a folder without
/// a plan nothing vouches for them, and beside another plan they would pass for its trials.
pub(super) fn forget_unknown(folder: &Path) -> Result<(), PaperError> {
    let Some(mut trials) = read_trials(folder)? else { return Ok(()) };
    let told = trials.len();
    trials.retain(|info| info.config.is_some());
    if trials.len() == told { Ok(()) } else { write_trials(folder, &trials) }
}

fn write_trials(folder: &Path, trials: &[TrialInfo]) -> Result<(), PaperError> {
    let text = serde_json::to_string_pretty(trials).unwrap_or_default();
    write_atomically(&folder.join(TRIALS), text.as_bytes())
}

/// The ended trials of the merged files, by id; none where there are no such files.
///
/// A trial whose last step has no record is left out: it has to run again.
pub(super) fn read(folder: &Path) -> Result<BTreeMap<String, Kept>, PaperError> {
    let (Some(trials), Some(records)) = (read_trials(folder)?, read_records(folder)?) else {
        return Ok(BTreeMap::new());
    };
    let mut by_trial: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for record in records {
        by_trial.entry(record.trial.clone()).or_default().push(record);
    }
    let ended = trials.into_iter().filter(|info| info.state.has_ended());
    let kept = ended.filter_map(|info| {
        let records = by_trial.remove(&info.id)?;
        let complete =
            !info.state.is_finished() || records.iter().any(|record| record.step == info.steps);
        complete.then(|| (info.id.clone(), Kept { info, records }))
    });
    Ok(kept.collect())
}

fn read_trials(folder: &Path) -> Result<Option<Vec<TrialInfo>>, PaperError> {
    let path = folder.join(TRIALS);
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| PaperError::Damaged { path, reason: error.to_string() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PaperError::file("read", path)(error)),
    }
}

fn read_records(folder: &Path) -> Result<Option<Vec<Record>>, PaperError> {
    let path = folder.join(RECORDS);
    match File::open(&path) {
        Ok(file) => super::trial::from_csv(file)
            .map(Some)
            .map_err(|reason| PaperError::Csv { path, reason }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PaperError::file("read", path)(error)),
    }
}
