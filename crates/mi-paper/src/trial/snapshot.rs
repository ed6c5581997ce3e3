use mi_nets::{Checkpoint, NetsError, Optimiser, Params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::PaperError;
use crate::folder::Seal;

const IDENTITY: &str = "identity";

/// Identifies the trial, data, step and records that a snapshot belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// The trial's id.
    pub(super) trial: String,
    /// Hash of its configuration.
    pub(super) config: String,
    /// Hash of its data set, if it has one.
    pub(super) data: Option<String>,
    /// Steps done.
    pub(super) step: u64,
    /// The seal of the records at that step.
    pub(super) records: Seal,
}

/// The complete state of a training run.
pub(super) struct Snapshot {
    checkpoint: Checkpoint,
}

impl Snapshot {
    /// Creates a snapshot of parameters and their optimisers.
    pub(super) fn new(trained: &[(&Params<f32>, &Optimiser<f32>)]) -> Result<Self, PaperError> {
        let mut checkpoint = Checkpoint::new();
        for (index, (params, optimiser)) in trained.iter().enumerate() {
            let group = index.to_string();
            checkpoint.put_params(&group, params)?;
            checkpoint.put_optimiser(&group, params, optimiser)?;
        }
        Ok(Self { checkpoint })
    }

    /// Restores parameters and optimisers, in the order in which they were passed to
    /// [`Snapshot::new`].
    pub(super) fn restore(
        &self,
        trained: &mut [(&mut Params<f32>, &mut Optimiser<f32>)],
    ) -> Result<(), PaperError> {
        for (index, (params, optimiser)) in trained.iter_mut().enumerate() {
            let group = index.to_string();
            self.checkpoint.restore_params(&group, params)?;
            self.checkpoint.restore_optimiser(&group, params, optimiser)?;
        }
        Ok(())
    }

    /// Adds parameters that no optimiser updates.
    pub(super) fn put_params(&mut self, key: &str, params: &Params<f32>) -> Result<(), PaperError> {
        Ok(self.checkpoint.put_params(key, params)?)
    }

    /// Restores parameters that [`Snapshot::put_params`] added.
    pub(super) fn restore_params(
        &self,
        key: &str,
        params: &mut Params<f32>,
    ) -> Result<(), PaperError> {
        Ok(self.checkpoint.restore_params(key, params)?)
    }

    /// Adds any other state.
    pub(super) fn put<T: Serialize>(&mut self, key: &str, value: &T) -> Result<(), PaperError> {
        let text = serde_json::to_string(value).map_err(|error| state_error(key, &error))?;
        self.checkpoint.put_metadata(key, text);
        Ok(())
    }

    /// Reads a value that [`Snapshot::put`] added; a missing one is read as `null`.
    pub(super) fn get<T: DeserializeOwned>(&self, key: &str) -> Result<T, PaperError> {
        let text = self.checkpoint.metadata(key).unwrap_or("null");
        serde_json::from_str(text).map_err(|error| state_error(key, &error))
    }

    /// Adds the identity.
    pub(super) fn with_identity(mut self, identity: &Identity) -> Result<Self, PaperError> {
        self.put(IDENTITY, identity)?;
        Ok(self)
    }

    /// The identity; `None` in snapshots of earlier versions.
    pub(super) fn identity(&self) -> Result<Option<Identity>, PaperError> {
        if self.checkpoint.metadata(IDENTITY).is_none() {
            return Ok(None);
        }
        self.get(IDENTITY).map(Some)
    }

    /// The snapshot as a safetensors file with a checksum.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, NetsError> {
        self.checkpoint.to_bytes()
    }

    /// Reads what [`Snapshot::to_bytes`] wrote; any damage is an error.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, NetsError> {
        Checkpoint::from_bytes(bytes).map(|checkpoint| Self { checkpoint })
    }
}

fn state_error(key: &str, error: &serde_json::Error) -> PaperError {
    PaperError::State { key: key.into(), reason: error.to_string() }
}
