use std::sync::Arc;

use mi_data::Dataset;

use super::Memo;
use crate::config::TrialConfig;
use crate::error::PaperError;
use crate::schedule::DataSets;

/// The images that a trial reads (none if it draws its own samples), and what trials share.
#[derive(Clone, Debug, Default)]
pub struct Images {
    /// The images that it trains on.
    pub own: Option<Arc<Dataset>>,
    /// The images to which its representation is transferred.
    pub transfer: Option<Arc<Dataset>>,
    /// What other trials have measured.
    pub memo: Memo,
}

impl From<Arc<Dataset>> for Images {
    fn from(own: Arc<Dataset>) -> Self {
        Self { own: Some(own), ..Self::default() }
    }
}

impl Images {
    /// The images that a trial needs, from the loaded data sets, and what it shares with others.
    pub fn of(config: &TrialConfig, sets: &DataSets, memo: Memo) -> Self {
        Self {
            own: sets.get(&config.dataset).cloned(),
            transfer: config.transfer().and_then(|to| sets.get(to.as_str()).cloned()),
            memo,
        }
    }

    /// The images that the trial trains on.
    ///
    /// # Errors
    /// If there are none.
    pub(super) fn own(&self, config: &TrialConfig) -> Result<Arc<Dataset>, PaperError> {
        let missing = || unsuitable(config, &config.dataset, "the trial needs images");
        self.own.clone().ok_or_else(missing)
    }

    /// The images to which the representation is transferred, if the trial asks for that.
    ///
    /// # Errors
    /// If they are missing, or their size is not that of the trial's own images.
    pub(super) fn transfer(
        &self,
        config: &TrialConfig,
    ) -> Result<Option<Arc<Dataset>>, PaperError> {
        let Some(to) = config.transfer() else { return Ok(None) };
        let unsuitable = |reason: &str| unsuitable(config, to.as_str(), reason);
        let other = self.transfer.as_ref().ok_or_else(|| unsuitable("`transfer` needs images"))?;
        if self.own.as_ref().is_some_and(|own| own.geometry != other.geometry) {
            return Err(unsuitable("`transfer` needs images of the same size"));
        }
        Ok(Some(other.clone()))
    }
}

fn unsuitable(config: &TrialConfig, dataset: &str, reason: &str) -> PaperError {
    PaperError::Unsuitable {
        dataset: dataset.to_owned(),
        trial: config.id(),
        reason: reason.to_owned(),
    }
}
