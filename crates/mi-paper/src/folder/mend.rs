//! Of two copies of a trial's records, its own and the merged one, the good one counts.

use super::examine::Examined;
use super::lease::{Lease, Watch};
use super::merged::{self, Kept};
use super::rows::Rows;
use super::run::RunFolder;
use super::trial::{SavedState, TrialFolder};
use crate::config::TrialConfig;
use crate::error::PaperError;
use crate::outcome::TrialInfo;
use crate::plan::Plan;

impl RunFolder {
    /// Makes each trial's own folder say what the merged files know better, where they do: that it
    /// has ended, or which records it had. One that another process runs is left to that process,
    /// and what the files tell of a trial of another configuration is passed over.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn unpack(&self, plan: &Plan, notice: &mut dyn FnMut(&str)) -> Result<(), PaperError> {
        let mut kept = merged::read(self.path(), plan, notice)?;
        for config in &plan.trials {
            let id = config.id();
            let Some(kept) = kept.remove(&id) else { continue };
            let (trial, data) = (self.trial(&id), plan.data_of(config));
            let own = trial.examine(config, data)?;
            if own.ended().is_some() || (own.damage.is_empty() && !kept.has_ended()) {
                continue;
            }
            match trial.take(Lease::SILENCE, &mut Watch::default()) {
                Ok(lease) => mend(lease.folder(), config, data, kept, notice)?,
                Err(PaperError::Locked { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn mend(
    folder: &TrialFolder,
    config: &TrialConfig,
    data: Option<&str>,
    kept: Kept,
    notice: &mut dyn FnMut(&str),
) -> Result<(), PaperError> {
    let own = folder.examine(config, data)?;
    if own.ended().is_some() {
        return Ok(());
    }
    let damaged = !own.damage.is_empty();
    if kept.has_ended() {
        for damage in &own.damage {
            notice(&mended(damage, &own.rows, &kept.rows));
        }
        folder.create()?;
        // The state comes last: records without one are of an attempt that was cut short.
        let records = folder.open_records(kept.rows, damaged)?;
        records.check()?;
        return folder.save_state(&SavedState {
            config: config.hash()?,
            data: data.map(str::to_owned),
            state: kept.info.state,
            records: Some(records.seal()),
            seconds: kept.info.seconds,
            origins: kept.info.origins,
        });
    }
    // A trial that goes on needs the records that its checkpoints count on.
    let sealed = own.saved.as_ref().and_then(|saved| saved.records.as_ref());
    if damaged
        && kept.damage.is_none()
        && let Some(good) = sealed.and_then(|seal| kept.rows.sealed(seal))
    {
        for damage in &own.damage {
            notice(&mended(damage, &own.rows, &good));
        }
        folder.open_records(good, true)?.check()?;
    }
    Ok(())
}

/// What counts of a trial.
pub(super) struct Chosen {
    pub(super) info: TrialInfo,
    pub(super) rows: Rows,
    /// Whether it had recorded rows of which no copy is good.
    pub(super) lost: bool,
}

/// What counts of a trial: what its own folder says, or what the merged files say of it.
pub(super) fn choose(
    config: &TrialConfig,
    own: Examined,
    kept: Option<Kept>,
    notice: &mut dyn FnMut(&str),
) -> Result<Chosen, PaperError> {
    let Examined { saved, rows, damage } = own;
    let own_is_whole = damage.is_empty() && saved.is_some();
    let own_has_ended = own_is_whole && saved.as_ref().is_some_and(|own| own.state.has_ended());
    if let Some(kept) = kept.as_ref().filter(|kept| kept.has_ended() && !own_has_ended) {
        for damage in &damage {
            notice(&mended(damage, &rows, &kept.rows));
        }
        return Ok(Chosen { info: kept.info.clone(), rows: kept.rows.clone(), lost: false });
    }
    let waiting = TrialInfo::waiting(config)?;
    let (kept_damage, kept_info, kept) = match kept {
        Some(Kept { damage: Some(damage), .. }) => (Some(damage), None, Rows::default()),
        Some(Kept { info, rows, damage: None }) => (None, Some(info), rows),
        None => (None, None, Rows::default()),
    };
    if let Some(saved) = saved.as_ref().filter(|_| own_is_whole) {
        if let Some(damage) = kept_damage {
            notice(&format!("{damage}; the trial's own folder counts"));
        }
        let (state, seconds, origins) = (saved.state.clone(), saved.seconds, saved.origins.clone());
        let info = TrialInfo { state, seconds, origins, ..waiting };
        // What a trial recorded after it was last saved is made again, and nothing vouches for it.
        let seal = saved.records.as_ref().filter(|_| !own_has_ended);
        let rows = seal.and_then(|seal| rows.sealed(seal)).unwrap_or(rows);
        // After a kill a trial goes on from an earlier checkpoint, while the merged files may hold
        // what it had recorded since then.
        let further = !own_has_ended && kept.starts_with(&rows);
        return Ok(Chosen { info, rows: if further { kept } else { rows }, lost: false });
    }
    // Of a trial that has not ended, merged rows are as good as its own, if they are as many.
    let lost = match saved.as_ref().and_then(|saved| saved.records.as_ref()) {
        _ if damage.is_empty() => kept_damage.is_some(),
        Some(seal) => kept.sealed(seal).is_none(),
        // A state is saved after the first records.
        None => kept.is_empty() || kept.len() < rows.len(),
    };
    let unfinished = saved.filter(|saved| !saved.state.has_ended());
    let what = match (lost, &unfinished) {
        (false, _) => "the merged files have a good copy of its records, which counts".to_owned(),
        (true, Some(_)) => format!(
            "there is no good copy of these records of {}: the same `reproduce` command makes them \
             anew, from a checkpoint that does not count on them or from the trial's start",
            config.id()
        ),
        (true, None) => format!(
            "there is no good copy of the records of {}: the same `reproduce` command runs the \
             trial again",
            config.id()
        ),
    };
    for damage in damage.iter().chain(&kept_damage) {
        notice(&format!("{damage}; {what}"));
    }
    let info = match unfinished {
        Some(SavedState { state, seconds, origins, .. }) => {
            TrialInfo { state, seconds, origins, ..waiting }
        }
        // Where it has no folder of its own, as in a copy of the merged files, there is nothing to
        // go on from.
        None if damage.is_empty() || lost => waiting,
        None => kept_info.unwrap_or(waiting),
    };
    Ok(Chosen { info, rows: kept, lost })
}

/// That damage was mended by the other copy, and where the copies differ.
fn mended(damage: &str, damaged: &Rows, good: &Rows) -> String {
    let differs = damaged.difference(good).filter(|_| !damaged.is_empty());
    let differs = differs.map(|differs| format!(" ({differs})")).unwrap_or_default();
    format!("{damage}{differs}; the merged {} has a good copy, which counts", merged::RECORDS)
}
