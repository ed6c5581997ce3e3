//! Of two copies of a trial's records, its own and the merged one, the good one counts.

use super::examine::Examined;
use super::lock::Lock;
use super::merged::{self, Kept};
use super::rows::Rows;
use super::run::RunFolder;
use super::trial::SavedState;
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
            match Lock::take(self.trial(&id).path()) {
                Ok(_lock) => self.mend(config, plan.data_of(config), kept, notice)?,
                Err(PaperError::Locked { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// As [`RunFolder::unpack`], for one trial whose lock the caller holds.
    ///
    /// # Errors
    /// As [`RunFolder::unpack`].
    pub fn unpack_trial(
        &self,
        plan: &Plan,
        config: &TrialConfig,
        notice: &mut dyn FnMut(&str),
    ) -> Result<(), PaperError> {
        let kept = merged::read(self.path(), plan, notice)?.remove(&config.id());
        kept.map_or(Ok(()), |kept| self.mend(config, plan.data_of(config), kept, notice))
    }

    fn mend(
        &self,
        config: &TrialConfig,
        data: Option<&str>,
        kept: Kept,
        notice: &mut dyn FnMut(&str),
    ) -> Result<(), PaperError> {
        let folder = self.trial(&config.id());
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
}

/// What counts of a trial: what its own folder says, or what the merged files say of it.
pub(super) fn choose(
    config: &TrialConfig,
    own: Examined,
    kept: Option<Kept>,
    notice: &mut dyn FnMut(&str),
) -> Result<(TrialInfo, Rows), PaperError> {
    let own_has_ended = own.ended().is_some();
    if let Some(kept) = kept.as_ref().filter(|kept| kept.has_ended() && !own_has_ended) {
        for damage in &own.damage {
            notice(&mended(damage, &own.rows, &kept.rows));
        }
        return Ok((kept.info.clone(), kept.rows.clone()));
    }
    for damage in &own.damage {
        let kind = match &own.saved {
            Some(saved) if !saved.state.has_ended() => {
                "the trial goes on from a checkpoint that does not count on it, or from its start"
            }
            _ => "there is no good copy of its records, so that it runs again",
        };
        notice(&format!("{damage}; {kind}"));
    }
    if let Some(damage) = kept.as_ref().and_then(|kept| kept.damage.as_ref()) {
        let remedy = match own.saved {
            Some(_) => "the trial's own folder counts",
            None => "the trial's own folder has no copy, so that it runs again",
        };
        notice(&format!("{damage}; {remedy}"));
    }
    let waiting = TrialInfo::waiting(config)?;
    let Some(saved) = own.saved else { return Ok((waiting, Rows::default())) };
    let mut info = TrialInfo { seconds: saved.seconds, origins: saved.origins, ..waiting };
    if !own.damage.is_empty() {
        if !saved.state.has_ended() {
            info.state = saved.state;
        }
        return Ok((info, Rows::default()));
    }
    info.state = saved.state;
    // After a kill a trial goes on from an earlier checkpoint, while the merged files may hold
    // what it had recorded since then.
    let further = kept
        .filter(|kept| !own_has_ended && kept.damage.is_none() && kept.rows.starts_with(&own.rows));
    Ok((info, further.map_or(own.rows, |kept| kept.rows)))
}

/// That damage was mended by the other copy, and where the copies differ.
fn mended(damage: &str, damaged: &Rows, good: &Rows) -> String {
    let differs = damaged.difference(good).filter(|_| !damaged.is_empty());
    let differs = differs.map(|differs| format!(" ({differs})")).unwrap_or_default();
    format!("{damage}{differs}; the merged {} has a good copy, which counts", merged::RECORDS)
}
