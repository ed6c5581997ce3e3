use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use super::atomic::write_atomically;
use super::trial::to_csv;
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

/// Writes all records, and how far each trial came.
///
/// The records come first: `trials.json` vouches for what is in them.
pub(super) fn write(folder: &Path, outcome: &Outcome) -> Result<(), PaperError> {
    let path = folder.join(RECORDS);
    let text = to_csv(&outcome.records, true)
        .map_err(|reason| PaperError::Csv { path: path.clone(), reason })?;
    write_atomically(&path, &text)?;
    let text = serde_json::to_string_pretty(&outcome.trials).unwrap_or_default();
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
