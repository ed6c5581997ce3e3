use std::sync::Arc;

use mi_data::Dataset;

use crate::config::TrialConfig;
use crate::error::PaperError;
use crate::schedule::DataSets;

/// The images that a trial reads; none where it draws its own numbers.
#[derive(Clone, Debug, Default)]
pub struct Images {
    /// Those that it trains on.
    pub own: Option<Arc<Dataset>>,
    /// Those to which its representation is transferred.
    pub transfer: Option<Arc<Dataset>>,
}

impl From<Arc<Dataset>> for Images {
    fn from(own: Arc<Dataset>) -> Self {
        Self { own: Some(own), transfer: None }
    }
}

impl Images {
    /// What a trial needs of the loaded data sets.
    pub fn of(config: &TrialConfig, sets: &DataSets) -> Self {
        Self {
            own: sets.get(&config.dataset).cloned(),
            transfer: config.transfer().and_then(|to| sets.get(to.as_str()).cloned()),
        }
    }

    /// Those that the trial trains on.
    pub(super) fn own(&self, config: &TrialConfig) -> Result<Arc<Dataset>, PaperError> {
        let missing = || unsuitable(config, &config.dataset, "the trial needs images");
        self.own.clone().ok_or_else(missing)
    }

    /// Those to which the representation is transferred, if the trial asks for that: images of the
    /// same size.
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
