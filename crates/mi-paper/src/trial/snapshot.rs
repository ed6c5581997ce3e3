use mi_nets::{Checkpoint, NetsError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::optimise::Trained;
use crate::error::PaperError;

const RECORDS_LENGTH: &str = "records_length";

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

    /// Notes how long the record file was when the snapshot was taken.
    pub(super) fn with_records_length(mut self, length: u64) -> Self {
        self.checkpoint.put_metadata(RECORDS_LENGTH, length.to_string());
        self
    }

    /// The length of the record file when the snapshot was taken.
    pub(super) fn records_length(&self) -> Result<u64, PaperError> {
        self.get(RECORDS_LENGTH)
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
