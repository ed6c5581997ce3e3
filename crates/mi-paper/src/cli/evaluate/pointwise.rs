//! Pointwise V-information as a CSV file.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use mi_eval::{Evaluator, EvaluatorSettings, Feature};

/// A file that was created before anything is measured, so that a name that cannot be used is
/// refused at once. It is removed unless it is written.
#[derive(Debug)]
pub(super) struct Reserved {
    path: PathBuf,
    file: File,
    is_written: bool,
}

impl Reserved {
    /// Creates the file; refuses one that exists.
    pub(super) fn new(path: &Path) -> Result<Self> {
        match File::create_new(path) {
            Ok(file) => Ok(Self { path: path.to_owned(), file, is_written: false }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                bail!(
                    "{} already exists; remove it, or give --pointwise another name",
                    path.display()
                )
            }
            Err(error) => {
                Err(error).with_context(|| format!("--pointwise: cannot create {}", path.display()))
            }
        }
    }

    /// Writes the contents.
    pub(super) fn write(mut self, text: &[u8]) -> Result<()> {
        let written = self.file.write_all(text).and_then(|()| self.file.sync_all());
        written.with_context(|| format!("cannot write {}", self.path.display()))?;
        self.is_written = true;
        Ok(())
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if !self.is_written {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// V-information of every test sample about its label, in nats, as CSV: a row per sample, with its
/// place in its file (from 0) and its label, and a column per family.
pub(super) fn csv<T: Feature>(
    evaluator: &mut Evaluator<'_, T, i64>,
    settings: &EvaluatorSettings,
    (places, labels): (&[usize], &[i64]),
) -> Result<Vec<u8>> {
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
    writer.into_inner().context("pointwise V-information")
}
