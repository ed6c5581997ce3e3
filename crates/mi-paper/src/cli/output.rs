use std::collections::BTreeSet;

use anyhow::Result;
use mi_paper::error::PaperError;
use mi_paper::folder::{RunFolder, write_atomically};
use mi_paper::outcome::Outcome;
use mi_paper::report;

use super::Format;
use super::terminal::{self, say};

/// Writes figures and report.
pub(super) fn draw(folder: &RunFolder, outcome: &Outcome) -> Result<()> {
    let figures = folder.path().join("figures");
    std::fs::create_dir_all(&figures).map_err(|reason| PaperError::File {
        action: "create",
        path: figures.clone(),
        reason,
    })?;
    for figure in report::draw(outcome) {
        write_atomically(&figures.join(&figure.file), figure.svg.as_bytes())?;
    }
    write_atomically(&folder.path().join("report.html"), report::html(outcome).as_bytes())?;
    write_atomically(&folder.path().join("report.md"), report::markdown(outcome).as_bytes())?;
    Ok(())
}

/// Warnings on standard error, each once.
#[derive(Default)]
pub(super) struct Warnings {
    told: BTreeSet<String>,
}

impl Warnings {
    /// Prints a warning, unless it was printed before.
    pub(super) fn tell(&mut self, what: &str) {
        if self.told.insert(what.to_owned()) {
            say(format_args!("warning: {what}"));
        }
    }
}

/// Prints the summary on standard output. A reader that has gone away is no error.
pub(super) fn print(outcome: &Outcome, format: Format) -> Result<()> {
    let text = match format {
        Format::Text => report::summary(outcome).to_string(),
        Format::Markdown => report::markdown(outcome),
    };
    terminal::print(&text)
}
