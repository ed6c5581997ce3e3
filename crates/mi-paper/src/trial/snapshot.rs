use mi_nets::{Checkpoint, NetsError, Params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::optimise::Trained;
use crate::error::PaperError;
use crate::folder::Seal;

const IDENTITY: &str = "identity";

/// Whose snapshot it is, and of when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// The trial's id.
    pub(super) trial: String,
    /// Hash of its configuration.
    pub(super) config: String,
    /// Hash of the data set that it is run on, if it is run on one.
    pub(super) data: Option<String>,
    /// Steps done.
    pub(super) step: u64,
    /// The records that it had then.
    pub(super) records: Seal,
}

/// The whole state of a training run.
pub(super) struct Snapshot {
    checkpoint: Checkpoint,
}

impl Snapshot {
    /// A snapshot of parameters with their optimisers.
    pub(super) fn new(trained: &[&Trained]) -> Result<Self, PaperError> {
        let mut checkpoint = Checkpoint::new();
        for (index, Trained { params, optimiser }) in trained.iter().enumerate() {
            let group = index.to_string();
            checkpoint.put_params(&group, params)?;
            checkpoint.put_optimiser(&group, params, optimiser)?;
        }
        Ok(Self { checkpoint })
    }

    /// Overwrites parameters and optimisers, in the order in which they were put in.
    pub(super) fn restore(&self, trained: &mut [&mut Trained]) -> Result<(), PaperError> {
        for (index, Trained { params, optimiser }) in trained.iter_mut().enumerate() {
            let group = index.to_string();
            self.checkpoint.restore_params(&group, params)?;
            self.checkpoint.restore_optimiser(&group, params, optimiser)?;
        }
        Ok(())
    }

    /// Puts in numbers that no optimiser moves.
    pub(super) fn put_params(&mut self, key: &str, params: &Params<f32>) -> Result<(), PaperError> {
        Ok(self.checkpoint.put_params(key, params)?)
    }

    /// Overwrites numbers with those that were put in.
    pub(super) fn restore_params(
        &self,
        key: &str,
        params: &mut Params<f32>,
    ) -> Result<(), PaperError> {
        Ok(self.checkpoint.restore_params(key, params)?)
    }

    /// Puts in any other state.
    pub(super) fn put<T: Serialize>(&mut self, key: &str, value: &T) -> Result<(), PaperError> {
        let text = serde_json::to_string(value).map_err(|error| state_error(key, &error))?;
        self.checkpoint.put_metadata(key, text);
        Ok(())
    }

    /// Takes out what was put in.
    pub(super) fn get<T: DeserializeOwned>(&self, key: &str) -> Result<T, PaperError> {
        let text = self.checkpoint.metadata(key).unwrap_or("null");
        serde_json::from_str(text).map_err(|error| state_error(key, &error))
    }

    /// Notes whose snapshot it is.
    pub(super) fn with_identity(mut self, identity: &Identity) -> Result<Self, PaperError> {
        self.put(IDENTITY, identity)?;
        Ok(self)
    }

    /// Whose snapshot it is; none for those of earlier versions.
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
