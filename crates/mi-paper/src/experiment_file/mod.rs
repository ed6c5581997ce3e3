//! Experiments from TOML files, and built-in ones as TOML.
//!
//! A file says what one experiment trains and measures: views, encoders, terms, evaluations and
//! sizes. A list where one value is expected makes a grid: every combination of such lists is a
//! variant. `[[variants]]` are several grids; the keys of each replace those of the file. The
//! crate's README has an example.

mod multi_view;
mod optimiser;
mod read;
mod schema;
mod section;
mod write;

use std::path::Path;

use crate::error::PaperError;
use crate::experiments::{DataKind, Experiment, Variant};
use crate::preset::Scale;

/// An experiment in the form of a file: all sizes are resolved.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ExperimentFile {
    /// The name, with which trial ids begin.
    pub name: String,
    /// The question that it answers; may be empty.
    pub question: String,
    /// What it runs on.
    pub data: DataKind,
    /// Its configurations.
    pub variants: Vec<Variant>,
}

impl ExperimentFile {
    /// Whether this is the name of a file, not of a built-in experiment.
    pub fn is_named(name: &str) -> bool {
        Path::new(name).extension().is_some_and(|extension| extension == "toml")
    }

    /// A built-in experiment at a scale.
    pub fn of(experiment: &Experiment, scale: &Scale) -> Self {
        Self {
            name: experiment.name.to_owned(),
            question: experiment.question.to_owned(),
            data: experiment.data,
            variants: (experiment.variants)(scale),
        }
    }

    /// Reads a file. An experiment without a `name` is named after its file.
    ///
    /// # Errors
    /// [`PaperError::File`] if it cannot be read, [`PaperError::ExperimentFile`] with the line that
    /// is wrong.
    pub fn read(path: &Path) -> Result<Self, PaperError> {
        let text = std::fs::read_to_string(path).map_err(PaperError::file("read", path))?;
        Self::parse(&text, path)
    }

    /// Parses the text of the file at this path.
    ///
    /// # Errors
    /// [`PaperError::ExperimentFile`] with the line that is wrong.
    pub fn parse(text: &str, path: &Path) -> Result<Self, PaperError> {
        read::read(text, path)
    }

    /// The experiment as the text of a file, without its name.
    pub fn to_toml(&self) -> String {
        write::write(self)
    }
}
