//! From which checkpoint a trial goes on.

use std::path::Path;

use mi_data::Dataset;

use super::snapshot::{Identity, Snapshot};
use crate::config::TrialConfig;
use crate::error::PaperError;
use crate::folder::{Rows, Seal, TrialFolder, Unusable};

/// Which trial runs here, on which data.
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

    /// The identity of a checkpoint.
    pub(super) fn at(&self, step: u64, records: Seal) -> Identity {
        let (trial, config, data) = (self.trial.clone(), self.config.clone(), self.data.clone());
        Identity { trial, config, data, step, records }
    }
}

/// Where a trial goes on.
pub(super) struct Resumed {
    /// Steps done.
    pub(super) step: u64,
    /// The records that it had then.
    pub(super) rows: Rows,
    /// Its whole state; none at the start.
    pub(super) snapshot: Option<Snapshot>,
}

/// The newest checkpoint that is whole, of this very trial, and whose records are there; the start
/// of the trial where there is none. `notice` is told of each that is passed over.
///
/// # Errors
/// A checkpoint that does not say whose it is, and files that cannot be read.
pub(super) fn newest(
    folder: &TrialFolder,
    whose: &TrialIdentity,
    there: Rows,
    notice: &mut dyn FnMut(&str),
) -> Result<Resumed, PaperError> {
    let parse = |step: u64, path: &Path, bytes: &[u8]| {
        let passed_over = |reason: String| Unusable::PassedOver(reason);
        let snapshot =
            Snapshot::from_bytes(bytes).map_err(|error| passed_over(error.to_string()))?;
        let Some(identity) = snapshot.identity().map_err(Unusable::Refused)? else {
            return Err(Unusable::Refused(PaperError::OldCheckpoint { path: path.into() }));
        };
        let own = whose.at(step, identity.records.clone());
        if identity != own {
            return Err(passed_over(if identity.trial != own.trial {
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
            return Err(passed_over("the records that it counts on are not there any more".into()));
        };
        Ok(Resumed { step, rows, snapshot: Some(snapshot) })
    };
    let found = folder.newest_checkpoint(parse, notice)?;
    Ok(found.unwrap_or_else(|| Resumed { step: 0, rows: Rows::default(), snapshot: None }))
}
