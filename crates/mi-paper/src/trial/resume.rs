//! Chooses the checkpoint from which a trial continues.

use std::path::Path;

use mi_data::Dataset;

use super::snapshot::{Identity, Snapshot};
use crate::config::TrialConfig;
use crate::error::PaperError;
use crate::folder::{Rows, Seal, TrialFolder, Unusable};

/// Identifies a trial, its configuration and its data.
pub(super) struct TrialIdentity {
    trial: String,
    pub(super) config: String,
    pub(super) data: Option<String>,
}

impl TrialIdentity {
    pub(super) fn new(config: &TrialConfig, data: Option<&Dataset>) -> Result<Self, PaperError> {
        Ok(Self {
            trial: config.id(),
            config: config.hash()?,
            data: data.map(|data| data.provenance.digest()),
        })
    }

    /// The identity of this trial's checkpoint at a step.
    pub(super) fn at(&self, step: u64, records: Seal) -> Identity {
        let (trial, config, data) = (self.trial.clone(), self.config.clone(), self.data.clone());
        Identity { trial, config, data, step, records }
    }
}

/// The state from which a trial continues.
pub(super) struct Resumed {
    /// Steps done.
    pub(super) step: u64,
    /// The records at that step.
    pub(super) rows: Rows,
    /// The training state; `None` at the start.
    pub(super) snapshot: Option<Snapshot>,
}

/// Finds the newest checkpoint that is intact, belongs to this trial, and whose records are
/// present. If there is none, the trial starts at step 0. `notice` is called for each checkpoint
/// that is skipped.
///
/// # Errors
/// A checkpoint without an identity, or a file that cannot be read.
pub(super) fn newest(
    folder: &TrialFolder,
    whose: &TrialIdentity,
    there: Rows,
    notice: &mut dyn FnMut(&str),
) -> Result<Resumed, PaperError> {
    let parse = |step: u64, path: &Path, bytes: &[u8]| {
        let skipped = |reason: String| Unusable::PassedOver(reason);
        let snapshot = Snapshot::from_bytes(bytes).map_err(|error| skipped(error.to_string()))?;
        let Some(identity) = snapshot.identity().map_err(Unusable::Refused)? else {
            return Err(Unusable::Refused(PaperError::OldCheckpoint { path: path.into() }));
        };
        let own = whose.at(step, identity.records.clone());
        if identity != own {
            return Err(skipped(if identity.trial != own.trial {
                format!("it belongs to trial {}", identity.trial)
            } else if identity.config != own.config {
                "it belongs to another configuration of this trial".into()
            } else if identity.data != own.data {
                "it belongs to this trial on other data".into()
            } else {
                format!("its name says step {step}, but it was taken at step {}", identity.step)
            }));
        }
        let Some(rows) = there.sealed(&identity.records) else {
            let reason = "the records that it refers to are missing or were changed";
            return Err(skipped(reason.into()));
        };
        Ok(Resumed { step, rows, snapshot: Some(snapshot) })
    };
    let found = folder.newest_checkpoint(parse, notice)?;
    Ok(found.unwrap_or_else(|| Resumed { step: 0, rows: Rows::default(), snapshot: None }))
}
