//! Repairs a trial's records: of its own copy and the merged one, the undamaged one counts.

use super::examine::Examined;
use super::lease::{Lease, Watch};
use super::merged::{self, Merged, MergedTrial};
use super::rows::Rows;
use super::run::RunFolder;
use super::trial::{SavedState, TrialFolder};
use crate::config::TrialConfig;
use crate::error::PaperError;
use crate::outcome::TrialInfo;
use crate::plan::Plan;

impl RunFolder {
    /// Updates a trial's own folder from the merged files if they know more: that the trial has
    /// ended, or which records it had. Skips trials that another process runs, and entries for
    /// another configuration.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn unpack(&self, plan: &Plan, notice: &mut dyn FnMut(&str)) -> Result<(), PaperError> {
        let Merged { mut kept, seals } = merged::read(self.path(), plan, notice)?;
        let (mut unsealed, mut contradicted) = (0, false);
        for config in &plan.trials {
            let id = config.id();
            let kept = kept.remove(&id);
            let (trial, data) = (self.trial(&id), plan.data_of(config));
            let mut own = trial.examine(config, data)?;
            let contradiction = own.doubt(kept.as_ref(), seals, &id);
            let is_behind = kept.as_ref().is_some_and(|kept| {
                own.ended().is_none() && (!own.damage.is_empty() || kept.has_ended())
            });
            if contradiction.is_none() && own.stray.is_none() && !is_behind {
                continue;
            }
            let lease = match trial.take(Lease::SILENCE, &mut Watch::default()) {
                Ok(lease) => lease,
                Err(PaperError::Locked { .. }) => continue,
                Err(error) => return Err(error),
            };
            let folder = lease.folder();
            if contradiction.is_some() {
                contradicted |= folder.set_records_aside()?;
            } else if let Some(stray) = &own.stray {
                notice(&format!(
                    "{stray}; all rows of the trial are present, and the file is rewritten"
                ));
                folder.open_records(own.rows, true)?.check()?;
            } else if let Some(kept) = kept {
                unsealed += usize::from(kept.has_ended() && !kept.sealed);
                repair(folder, config, data, kept, seals, notice)?;
            }
        }
        if let Some(unsealed) = tell_unsealed(unsealed) {
            notice(&format!("{unsealed}; they have seals from now on"));
        }
        if contradicted {
            // The merged copies are set aside, so that the trials start again.
            self.merge(&self.outcome(notice)?, notice)?;
        }
        Ok(())
    }
}

impl Examined {
    /// Why the records in a trial's own folder do not count, if there is no matching seal. Rows
    /// that a sealed merged copy does not have are reported as damage instead.
    ///
    /// `seals` says whether the run comes from a version that seals records.
    fn doubt(&mut self, kept: Option<&MergedTrial>, seals: bool, id: &str) -> Option<String> {
        if self.is_sealed() {
            return None;
        }
        self.compare(kept, id).or_else(|| {
            let is_vouched = kept.is_some_and(|kept| kept.sealed && kept.has_ended());
            (seals && self.ended().is_some() && !is_vouched).then(|| {
                format!(
                    "nothing vouches for {}: neither its state.json nor {} has a seal for it, so \
                     it does not count; the same `reproduce` command runs {id} again",
                    self.path.display(),
                    merged::TRIALS
                )
            })
        })
    }

    /// Compares the unsealed records in an ended trial's own folder with the merged ones. Rows that
    /// a sealed merged copy does not have are added to the damage. If neither copy has a seal and
    /// they differ, nobody can know which one is right, and a sentence about this is returned.
    fn compare(&mut self, kept: Option<&MergedTrial>, id: &str) -> Option<String> {
        let kept = kept.filter(|kept| kept.has_ended() || kept.unvouched)?;
        if self.rows.are_among(&kept.rows) {
            return None;
        }
        let path = self.path.display();
        if kept.sealed {
            if self.damage.is_empty() {
                self.damage.push(format!("{path} is damaged: it has rows that were not merged"));
            }
            return None;
        }
        let differs = self.rows.difference(&kept.rows, &format!("the merged {}", merged::RECORDS));
        Some(format!(
            "{path} and the merged {} differ ({}), and neither has a seal that shows which one is \
             right: neither counts, and the same `reproduce` command runs {id} again",
            merged::RECORDS,
            differs.unwrap_or_default()
        ))
    }
}

/// A message that the records of this many trials cannot be checked; `None` for zero trials.
pub(super) fn tell_unsealed(trials: usize) -> Option<String> {
    let these = match trials {
        0 => return None,
        1 => "the records of one trial have".to_owned(),
        _ => format!("the records of {trials} trials have"),
    };
    Some(format!("{these} no seal, so edited values would not be noticed"))
}

fn repair(
    folder: &TrialFolder,
    config: &TrialConfig,
    data: Option<&str>,
    kept: MergedTrial,
    seals: bool,
    notice: &mut dyn FnMut(&str),
) -> Result<(), PaperError> {
    let mut own = folder.examine(config, data)?;
    if own.doubt(Some(&kept), seals, &config.id()).is_some() || own.ended().is_some() {
        return Ok(());
    }
    let damaged = !own.damage.is_empty();
    if kept.has_ended() {
        for damage in &own.damage {
            notice(&repaired_message(damage, &own.rows, &kept.rows));
        }
        folder.create()?;
        // The state comes last: records without one belong to an interrupted attempt.
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
    // An unfinished trial needs the records that its checkpoints refer to.
    let sealed = own.saved.as_ref().and_then(|saved| saved.records.as_ref());
    if damaged
        && kept.damage.is_none()
        && let Some(good) = sealed.and_then(|seal| kept.rows.sealed(seal))
    {
        for damage in &own.damage {
            notice(&repaired_message(damage, &own.rows, &good));
        }
        folder.open_records(good, true)?.check()?;
    }
    Ok(())
}

/// The state and the records of a trial that count.
pub(super) struct Chosen {
    pub(super) info: TrialInfo,
    pub(super) rows: Rows,
    /// Whether it had recorded rows of which no undamaged copy is left.
    pub(super) lost: bool,
    /// Whether it has ended, but its rows have no matching seal.
    pub(super) unsealed: bool,
}

/// Chooses the state and the records of a trial that count: those in its own folder, or the merged
/// ones. `seals` says whether the run comes from a version that seals records.
pub(super) fn choose(
    (config, data): (&TrialConfig, Option<&str>),
    mut own: Examined,
    kept: Option<MergedTrial>,
    seals: bool,
    notice: &mut dyn FnMut(&str),
) -> Result<Chosen, PaperError> {
    let waiting = TrialInfo::waiting(config, data)?;
    if let Some(doubt) = own.doubt(kept.as_ref(), seals, &config.id()) {
        notice(&doubt);
        return Ok(Chosen { info: waiting, rows: Rows::default(), lost: true, unsealed: false });
    }
    if let Some(stray) = &own.stray {
        notice(&format!(
            "{stray}; all rows of the trial are present, and the next `reproduce` rewrites the file"
        ));
    }
    let own_is_sealed = own.is_sealed();
    let Examined { saved, rows, damage, .. } = own;
    let own_is_whole = damage.is_empty() && saved.is_some();
    let own_has_ended = own_is_whole && saved.as_ref().is_some_and(|own| own.state.has_ended());
    if let Some(kept) = kept.as_ref().filter(|kept| kept.has_ended() && !own_has_ended) {
        for damage in &damage {
            notice(&repaired_message(damage, &rows, &kept.rows));
        }
        let (info, rows) = (kept.info.clone(), kept.rows.clone());
        return Ok(Chosen { info, rows, lost: false, unsealed: !kept.sealed });
    }
    let kept_is_sealed = kept.as_ref().is_some_and(|kept| kept.sealed && kept.has_ended());
    let (kept_damage, kept_info, kept) = match kept {
        Some(MergedTrial { damage: Some(damage), .. }) => (Some(damage), None, Rows::default()),
        Some(MergedTrial { info, rows, damage: None, .. }) => (None, Some(info), rows),
        None => (None, None, Rows::default()),
    };
    if let Some(saved) = saved.as_ref().filter(|_| own_is_whole) {
        if let Some(damage) = kept_damage {
            notice(&format!("{damage}; the trial's own folder counts"));
        }
        let (state, seconds, origins) = (saved.state.clone(), saved.seconds, saved.origins.clone());
        let info = TrialInfo { state, seconds, origins, ..waiting };
        // Rows that a trial recorded after it was last saved have no matching seal, and the trial
        // records them again.
        let seal = saved.records.as_ref().filter(|_| !own_has_ended);
        let rows = seal.and_then(|seal| rows.sealed(seal)).unwrap_or(rows);
        // After a kill a trial continues from an earlier checkpoint, while the merged files may
        // have rows that it recorded since then.
        let has_later_rows = !own_has_ended && kept.starts_with(&rows);
        let rows = if has_later_rows { kept } else { rows };
        let unsealed = own_has_ended && !own_is_sealed && !kept_is_sealed;
        return Ok(Chosen { info, rows, lost: false, unsealed });
    }
    // For a trial that has not ended, merged rows can replace its own, if there are as many.
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
            "there is no good copy of these records of {}: the same `reproduce` command makes \
             them again, from a checkpoint that does not need them or from the trial's start",
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
        // If the trial has no folder, as in a copy of only the merged files, there is nothing to
        // continue from.
        None if damage.is_empty() || lost => waiting,
        None => kept_info.unwrap_or(waiting),
    };
    let unsealed = info.state.has_ended() && !kept_is_sealed;
    Ok(Chosen { info, rows: kept, lost, unsealed })
}

/// A message that the merged copy is used instead of a damaged one, and where they differ.
fn repaired_message(damage: &str, damaged: &Rows, good: &Rows) -> String {
    let differs = damaged.difference(good, "the good copy").filter(|_| !damaged.is_empty());
    let differs = differs.map(|differs| format!(" ({differs})")).unwrap_or_default();
    format!("{damage}{differs}; the merged {} has a good copy, which counts", merged::RECORDS)
}
