use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::atomic::{set_aside, write_atomically};
use super::examine::flaw;
use super::json::{self, Sealed};
use super::rows::{self, Rows, Seal};
use crate::config::TrialConfig;
use crate::error::PaperError;
use crate::outcome::{Outcome, TrialInfo, TrialState};
use crate::plan::Plan;

pub(super) const RECORDS: &str = "records.csv";
pub(super) const TRIALS: &str = "trials.json";

/// A trial as the merged files tell of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kept {
    pub(super) info: TrialInfo,
    pub(super) rows: Rows,
    /// What is wrong with its rows, naming the file.
    pub(super) damage: Option<String>,
    /// Whether a seal tells that they are the ones that the trial wrote.
    pub(super) sealed: bool,
}

impl Kept {
    /// Whether the trial has ended and all of its records are here.
    pub(super) fn has_ended(&self) -> bool {
        self.damage.is_none() && self.info.state.has_ended()
    }
}

/// An entry of `trials.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    info: TrialInfo,
    /// What tells its rows; files of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<Seal>,
}

/// What `trials.json` says.
#[derive(Default)]
struct Told {
    entries: BTreeMap<String, Entry>,
    damage: Option<String>,
    /// Whether it is a list of trials. Every version lists all trials of the plan.
    is_list: bool,
}

impl Told {
    /// Why nothing vouches for the rows of a trial with this entry, where others are vouched for.
    fn unvouched(&self, entry: Option<&Entry>) -> Option<String> {
        let sealed = |entry: &Entry| entry.records.is_some();
        match entry {
            None if self.is_list => Some(format!(
                "nothing vouches for its rows, since {TRIALS} has no good entry of the trial"
            )),
            Some(entry) if !sealed(entry) && self.entries.values().any(sealed) => Some(format!(
                "nothing vouches for its rows, since {TRIALS} has a seal of other trials' rows and \
                 none of these"
            )),
            _ => None,
        }
    }
}

/// Writes all records, and how far each trial came.
///
/// The records come first: `trials.json` vouches for what is in them. Rows that were there and
/// would not be any more are set aside, and `notice` is told where.
pub(super) fn write(
    folder: &Path,
    outcome: &Outcome,
    notice: &mut dyn FnMut(&str),
) -> Result<(), PaperError> {
    let path = folder.join(RECORDS);
    let all = Rows::of(&outcome.records)
        .map_err(|reason| PaperError::Csv { path: path.clone(), reason })?;
    set_aside_lost(folder, &all, notice)?;
    write_atomically(&path, all.text().as_bytes())?;
    let mut by_trial = by_trial(all);
    let entries = outcome.trials.iter().map(|info| Entry {
        info: info.clone(),
        records: Some(by_trial.remove(&info.id).unwrap_or_default().seal()),
    });
    write_trials(folder, &entries.collect::<Vec<_>>())
}

fn write_trials(folder: &Path, entries: &[Entry]) -> Result<(), PaperError> {
    let sealed = entries.iter().map(Sealed::new).collect::<Result<Vec<_>, _>>()?;
    json::write_plain(&folder.join(TRIALS), &sealed)
}

/// Sets the merged records aside if they hold a line that `rows` does not.
fn set_aside_lost(
    folder: &Path,
    rows: &Rows,
    notice: &mut dyn FnMut(&str),
) -> Result<(), PaperError> {
    let path = folder.join(RECORDS);
    let Some(there) = rows::read(&path)? else { return Ok(()) };
    let kept: BTreeSet<&str> = rows.lines().iter().map(String::as_str).collect();
    let damaged = there.broken.is_some() || there.torn;
    let there = there.readable();
    let lost = there.lines().iter().position(|line| !kept.contains(line.as_str()));
    if lost.is_none() && !damaged {
        return Ok(());
    }
    let what = match lost.map(|row| &there.records()[row]) {
        Some(record) => format!("it held rows of {} that are not in the new one", record.trial),
        None => "it had a line that cannot be read".into(),
    };
    let aside = set_aside(&path)?;
    notice(&format!(
        "{} is written anew; {what}: the old file is {}",
        path.display(),
        aside.display()
    ));
    Ok(())
}

/// Leaves in the merged files only what they tell of trials of this very plan, by the hash of the
/// configuration; the rest is set aside. For a folder without a plan: beside a new one the rest
/// would pass for its trials.
pub(super) fn keep_only(
    folder: &Path,
    plan: &Plan,
    notice: &mut dyn FnMut(&str),
) -> Result<(), PaperError> {
    let Some(table) = rows::read(&folder.join(RECORDS))? else { return Ok(()) };
    let mut told = read_trials(folder)?;
    let mut entries = Vec::new();
    for config in &plan.trials {
        let hash = config.hash()?;
        let entry = told.entries.remove(&config.id());
        entries.extend(entry.filter(|entry| entry.info.config.as_ref() == Some(&hash)));
    }
    let mut of_trial = by_trial(table.readable());
    let mut rows = Rows::default();
    for entry in &entries {
        rows.extend(of_trial.remove(&entry.info.id).unwrap_or_default());
    }
    set_aside_lost(folder, &rows, notice)?;
    write_atomically(&folder.join(RECORDS), rows.text().as_bytes())?;
    write_trials(folder, &entries)
}

/// The plan's trials as the merged files tell of them, by id; `notice` is told of damage that is
/// none of a single trial.
pub(super) fn read(
    folder: &Path,
    plan: &Plan,
    notice: &mut dyn FnMut(&str),
) -> Result<BTreeMap<String, Kept>, PaperError> {
    let path = folder.join(RECORDS);
    let table = rows::read(&path)?;
    let told = read_trials(folder)?;
    let missing = table.is_none();
    // Nothing was merged yet, unless `trials.json` lists rows.
    if missing && told.entries.is_empty() && told.damage.is_none() {
        return Ok(BTreeMap::new());
    }
    let table = table.unwrap_or_default();
    if let Some(damage) = &told.damage {
        notice(&format!("{damage}; what it said is taken from the trials' own folders"));
    }
    let torn = table.torn.then(|| "its last line is cut off".to_owned());
    let broken = table.broken.clone().or(torn);
    if let Some(broken) = &broken {
        notice(&format!(
            "{} is damaged: {broken}; it is written anew by the next run",
            path.display()
        ));
    }
    let mut by_trial = by_trial(table.readable());
    let mut found = BTreeMap::new();
    for config in &plan.trials {
        let id = config.id();
        let rows = by_trial.remove(&id).unwrap_or_default();
        let entry = told.entries.get(&id);
        let unvouched = told.unvouched(entry);
        let damaged = |flaw: String| {
            let path = path.display();
            if missing {
                format!("{path} is missing")
            } else {
                format!("{path} is damaged in {id}: {flaw}")
            }
        };
        if let Some(kept) = kept(config, entry, rows, unvouched, damaged)? {
            found.insert(id, kept);
        }
    }
    Ok(found)
}

fn kept(
    config: &TrialConfig,
    entry: Option<&Entry>,
    rows: Rows,
    unvouched: Option<String>,
    damaged: impl Fn(String) -> String,
) -> Result<Option<Kept>, PaperError> {
    let Some(entry) = entry else {
        if rows.is_empty() {
            return Ok(None);
        }
        // No entry vouches for the rows, but the plan of the folder does, if none is missing.
        let info = TrialInfo { state: TrialState::Finished, ..TrialInfo::waiting(config)? };
        let flaw = flaw(config, &info.state, None, &rows, None)
            .map(|flaw| format!("{flaw}, and {TRIALS} does not say how far the trial came"));
        return Ok(Some(match flaw.or(unvouched) {
            None => Kept { info, rows, damage: None, sealed: false },
            Some(flaw) => {
                let damage = Some(damaged(flaw));
                Kept { info: TrialInfo::waiting(config)?, rows, damage, sealed: false }
            }
        }));
    };
    let Entry { info, records } = entry.clone();
    let hash = config.hash()?;
    // An entry without a configuration is taken to be what the folder's plan says of it: see
    // `keep_only`.
    if info.steps != config.steps || info.config.as_ref().is_some_and(|told| *told != hash) {
        return Ok(None);
    }
    let damage =
        flaw(config, &info.state, records.as_ref(), &rows, None).or(unvouched).map(damaged);
    // Labels come from the plan; the file is believed in what it alone knows.
    let info = TrialInfo {
        state: info.state,
        seconds: info.seconds,
        origins: info.origins,
        ..TrialInfo::waiting(config)?
    };
    Ok(Some(Kept { info, rows, damage, sealed: records.is_some() }))
}

/// Entries whose checksum differs are left out.
fn read_trials(folder: &Path) -> Result<Told, PaperError> {
    let path = folder.join(TRIALS);
    let damaged = |damage: String| Told { damage: Some(damage), ..Told::default() };
    let json = match json::read_plain(&path) {
        Ok(Some(json)) => json,
        Ok(None) => return Ok(Told::default()),
        Err(error @ PaperError::Damaged { .. }) => return Ok(damaged(error.to_string())),
        Err(error) => return Err(error),
    };
    let serde_json::Value::Array(values) = json else {
        return Ok(damaged(format!("{} is damaged: it is not a list of trials", path.display())));
    };
    let mut told = Told { is_list: true, ..Told::default() };
    for (index, value) in values.into_iter().enumerate() {
        match json::unseal::<Entry>(value) {
            Ok(entry) => drop(told.entries.insert(entry.info.id.clone(), entry)),
            Err(reason) if told.damage.is_none() => {
                told.damage =
                    Some(format!("{} is damaged in entry {}: {reason}", path.display(), index + 1));
            }
            Err(_) => {}
        }
    }
    Ok(told)
}

/// Whether both merged files are ones of this program.
pub(super) fn are_ours(folder: &Path) -> Result<bool, PaperError> {
    let Some(table) = rows::read(&folder.join(RECORDS))? else { return Ok(false) };
    let told = read_trials(folder)?;
    Ok((table.broken.is_none() || !table.later.is_empty()) && !told.entries.is_empty())
}

fn by_trial(rows: Rows) -> BTreeMap<String, Rows> {
    let mut found: BTreeMap<String, Rows> = BTreeMap::new();
    for (line, record) in rows.into_pairs() {
        found.entry(record.trial.clone()).or_default().push(line, record);
    }
    found
}
