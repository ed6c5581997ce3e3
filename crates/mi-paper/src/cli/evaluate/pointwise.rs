//! Pointwise V-information as a CSV file.

use std::path::Path;

use anyhow::{Context, Result, bail};
use mi_eval::{Evaluator, EvaluatorSettings, Feature};
use mi_paper::folder::write_atomically;

/// Refuses a file that exists, before anything is measured.
pub(super) fn check(path: &Path) -> Result<()> {
    if path.exists() {
        bail!("{} already exists; remove it, or give --pointwise another name", path.display());
    }
    Ok(())
}

/// Writes V-information of every test sample about its label, in nats: a row per sample, with its
/// place in its file (from 0) and its label, and a column per family.
pub(super) fn write<T: Feature>(
    path: &Path,
    evaluator: &mut Evaluator<'_, T, i64>,
    settings: &EvaluatorSettings,
    (places, labels): (&[usize], &[i64]),
) -> Result<()> {
    let mut columns = Vec::new();
    for (index, family) in settings.families.iter().enumerate() {
        let usable = evaluator.usable_information(index).context("pointwise V-information")?;
        columns.push((family.name(), usable.pointwise));
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let names = columns.iter().map(|(name, _)| name.as_str());
    writer.write_record(["sample", "label"].into_iter().chain(names))?;
    for (row, (place, label)) in places.iter().zip(labels).enumerate() {
        let values = columns.iter().map(|(_, values)| values[row].to_string());
        writer.write_record([place.to_string(), label.to_string()].into_iter().chain(values))?;
    }
    Ok(write_atomically(path, &writer.into_inner().context("pointwise V-information")?)?)
}
