use std::process::ExitCode;

use anyhow::Result;
use mi_paper::error::PaperError;
use mi_paper::experiment_file::ExperimentFile;
use mi_paper::experiments::{self, EXPERIMENTS};
use mi_paper::preset::{AdversarialRates, Preset, Scale};

use super::terminal;

/// `mi-paper experiment NAME`.
pub(super) fn run(name: &str, preset: Preset, rates: AdversarialRates) -> Result<ExitCode> {
    let experiment = experiments::find(name).ok_or_else(|| PaperError::Unknown {
        what: "experiment",
        name: name.to_owned(),
        valid: EXPERIMENTS.iter().map(|experiment| experiment.name.to_owned()).collect(),
    })?;
    let mut scale = Scale::of(preset);
    scale.adversarial_rates = rates;
    terminal::print(&ExperimentFile::of(experiment, &scale).to_toml())?;
    Ok(ExitCode::SUCCESS)
}
