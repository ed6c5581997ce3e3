use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::atomic::{set_aside, write_atomically};
use super::examine::flaw;
use super::json::{self, Sealed};
use super::repair::tell_unsealed;
use super::rows::{self, Rows, Seal};
use super::run::PLAN;
use crate::config::TrialConfig;
use crate::error::PaperError;
use crate::outcome::{Outcome, TrialInfo, TrialState};
use crate::plan::Plan;

pub(super) const RECORDS: &str = "records.csv";
pub(super) const TRIALS: &str = "trials.json";

/// A trial according to the merged files.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MergedTrial {
    pub(super) info: TrialInfo,
    pub(super) rows: Rows,
    /// A sentence that says what is wrong with its rows, and names the file.
    pub(super) damage: Option<String>,
    /// Whether a seal shows that the rows are the ones that the trial wrote.
    pub(super) sealed: bool,
    /// Whether the only problem is that the rows have no matching seal.
    pub(super) unvouched: bool,
}

/// The contents of a run's merged files.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// The plan's trials that the files contain, by id.
    pub(super) kept: BTreeMap<String, MergedTrial>,
    /// Whether the run comes from a version that seals records. Records without a seal then do not
    /// count.
    pub(super) seals: bool,
}

impl MergedTrial {
    /// Whether the trial has ended and all of its records are present.
    pub(super) fn has_ended(&self) -> bool {
        self.damage.is_none() && self.info.state.has_ended()
    }
}

/// An entry of `trials.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    info: TrialInfo,
    /// The seal of its rows; files of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<Seal>,
}

impl Entry {
    /// Whether the trial ran on the data with this hash, as far as both are known.
    fn is_on(&self, data: Option<&str>) -> bool {
        self.info.data.as_deref().zip(data).is_none_or(|(own, data)| own == data)
    }
}

/// The contents of `trials.json`.
#[derive(Default)]
struct TrialsFile {
    entries: BTreeMap<String, Entry>,
    damage: Option<String>,
    is_missing: bool,
}

impl TrialsFile {
    /// Whether any entry has a seal.
    fn seals(&self) -> bool {
        self.entries.values().any(|entry| entry.records.is_some())
    }

    /// Why the rows of a trial with this entry do not count in a run with seals; `None` if it has a
    /// seal.
    fn unvouched(&self, entry: Option<&Entry>) -> Option<String> {
        let why = match entry {
            Some(entry) if entry.records.is_some() => return None,
            Some(_) => format!("{TRIALS} has no seal for them"),
            None if self.is_missing => {
                format!("{TRIALS} is missing; restore it if there is a copy")
            }
            None => format!("{TRIALS} has no good entry for the trial"),
        };
        Some(format!("nothing vouches for its rows, since {why}"))
    }
}

/// Writes all records, and the state of each trial.
///
/// The records are written first, since `trials.json` has their seals. If rows would be lost, the
/// old file is set aside, and `notice` is called with its new name.
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

/// Sets the merged records aside if they have a line that is not in `rows`, or a damaged line.
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
        Some(record) => format!("it had rows of {} that are not in the new one", record.trial),
        None => "it had a line that cannot be read".into(),
    };
    let aside = set_aside(&path)?;
    notice(&format!(
        "{} is rewritten; {what}: the old file is {}",
        path.display(),
        aside.display()
    ));
    Ok(())
}

/// Keeps only the trials of this plan, by the hashes of their configuration and of their data, in
/// the merged files. The rest is set aside. Used for a folder without a plan: with a new plan, the
/// rest would be mistaken for its trials. A trial's rows without a seal get one if they are
/// complete, since from then on rows without a seal do not count.
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
        let is_own = |entry: &Entry| {
            entry.info.config.as_ref() == Some(&hash) && entry.is_on(plan.data_of(config))
        };
        let entry = entry.filter(is_own);
        entries.extend(entry.map(|entry| (config, entry)));
    }
    let mut of_trial = by_trial(table.readable());
    let (mut rows, mut unsealed) = (Rows::default(), 0);
    for (config, entry) in &mut entries {
        let own = of_trial.remove(&entry.info.id).unwrap_or_default();
        if entry.records.is_none() && flaw(config, &entry.info.state, None, &own, None).is_none() {
            entry.records = Some(own.seal());
            unsealed += 1;
        }
        rows.extend(own);
    }
    let entries: Vec<Entry> = entries.into_iter().map(|(_, entry)| entry).collect();
    if let Some(unsealed) = tell_unsealed(unsealed) {
        notice(&format!("{unsealed}; they have seals from now on"));
    }
    set_aside_lost(folder, &rows, notice)?;
    write_atomically(&folder.join(RECORDS), rows.text().as_bytes())?;
    write_trials(folder, &entries)
}

/// Reads the state and the records of the plan's trials from the merged files. `notice` is called
/// for damage that concerns more than one trial.
///
/// A plan with a checksum was written by a version that seals records. Records without a seal then
/// do not count, whether one seal or all of `trials.json` is missing.
pub(super) fn read(
    folder: &Path,
    plan: &Plan,
    notice: &mut dyn FnMut(&str),
) -> Result<Merged, PaperError> {
    let path = folder.join(RECORDS);
    let table = rows::read(&path)?;
    let told = read_trials(folder)?;
    let missing = table.is_none();
    let seals = told.seals() || json::has_checksum(&folder.join(PLAN));
    // Nothing was merged yet.
    if missing && told.entries.is_empty() && told.damage.is_none() {
        return Ok(Merged { seals, ..Merged::default() });
    }
    let table = table.unwrap_or_default();
    if let Some(damage) = &told.damage {
        notice(&format!("{damage}; its contents are taken from the trials' own folders"));
    }
    let torn = table.torn.then(|| "its last line is truncated".to_owned());
    let broken = table.broken.clone().or(torn);
    if let Some(broken) = &broken {
        notice(&format!("{} is damaged: {broken}; the next run rewrites it", path.display()));
    }
    let mut by_trial = by_trial(table.readable());
    let mut found = BTreeMap::new();
    for config in &plan.trials {
        let id = config.id();
        let rows = by_trial.remove(&id).unwrap_or_default();
        let entry = told.entries.get(&id);
        let unvouched = told.unvouched(entry).filter(|_| seals);
        let damaged = |flaw: String| {
            let path = path.display();
            if missing {
                format!("{path} is missing")
            } else {
                format!("{path} is damaged in {id}: {flaw}")
            }
        };
        let data = plan.data_of(config);
        if let Some(kept) = kept((config, data), entry, rows, unvouched, damaged)? {
            found.insert(id, kept);
        }
    }
    Ok(Merged { kept: found, seals })
}

fn kept(
    (config, data): (&TrialConfig, Option<&str>),
    entry: Option<&Entry>,
    rows: Rows,
    unvouched: Option<String>,
    damaged: impl Fn(String) -> String,
) -> Result<Option<MergedTrial>, PaperError> {
    let Some(entry) = entry else {
        if rows.is_empty() {
            return Ok(None);
        }
        let info = TrialInfo { state: TrialState::Finished, ..TrialInfo::waiting(config, data)? };
        let flaw = flaw(config, &info.state, None, &rows, None)
            .map(|flaw| format!("{flaw}, and {TRIALS} does not say how far the trial got"));
        let is_unvouched = flaw.is_none() && unvouched.is_some();
        let damage = flaw.or(unvouched).map(damaged);
        let info = if damage.is_none() { info } else { TrialInfo::waiting(config, data)? };
        return Ok(Some(MergedTrial {
            info,
            rows,
            damage,
            sealed: false,
            unvouched: is_unvouched,
        }));
    };
    let Entry { info, records } = entry.clone();
    let hash = config.hash()?;
    // An entry without a configuration is assumed to match the folder's plan: see `keep_only`.
    let is_other = info.config.as_ref().is_some_and(|told| *told != hash);
    if info.steps != config.steps || is_other || !entry.is_on(data) {
        return Ok(None);
    }
    let flaw = flaw(config, &info.state, records.as_ref(), &rows, None);
    let is_unvouched = flaw.is_none() && unvouched.is_some();
    let damage = flaw.or(unvouched).map(damaged);
    // Labels come from the plan; everything else comes from the file.
    let info = TrialInfo {
        state: info.state,
        seconds: info.seconds,
        origins: info.origins,
        ..TrialInfo::waiting(config, data)?
    };
    Ok(Some(MergedTrial { info, rows, damage, sealed: records.is_some(), unvouched: is_unvouched }))
}

/// Reads `trials.json`. Entries whose checksum differs are left out.
fn read_trials(folder: &Path) -> Result<TrialsFile, PaperError> {
    let path = folder.join(TRIALS);
    let damaged = |damage: String| TrialsFile { damage: Some(damage), ..TrialsFile::default() };
    let json = match json::read_plain(&path) {
        Ok(Some(json)) => json,
        Ok(None) => return Ok(TrialsFile { is_missing: true, ..TrialsFile::default() }),
        Err(error @ PaperError::Damaged { .. }) => return Ok(damaged(error.to_string())),
        Err(error) => return Err(error),
    };
    let serde_json::Value::Array(values) = json else {
        return Ok(damaged(format!("{} is damaged: it is not a list of trials", path.display())));
    };
    let mut told = TrialsFile::default();
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

/// Whether both merged files were written by this program.
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
