use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::Result;
use mi_paper::error::PaperError;
use mi_paper::figures::NamedSvg;
use mi_paper::folder::{RunFolder, write_atomically};
use mi_paper::outcome::Outcome;
use mi_paper::report;
use mi_plot::Svg;

use super::Format;
use super::terminal::{self, say};

/// Writes figures and report.
pub(super) fn draw(folder: &RunFolder, outcome: &Outcome) -> Result<()> {
    let figures = folder.path().join("figures");
    fs::create_dir_all(&figures).map_err(|reason| PaperError::File {
        action: "create",
        path: figures.clone(),
        reason,
    })?;
    let drawn = report::draw(outcome);
    for figure in &drawn {
        write_atomically(&figures.join(&figure.file), figure.svg.as_bytes())?;
    }
    remove_others(&figures, &drawn)?;
    write_atomically(&folder.path().join("report.html"), report::html(outcome).as_bytes())?;
    write_atomically(&folder.path().join("report.md"), report::markdown(outcome).as_bytes())?;
    Ok(())
}

/// Removes figures of earlier records or versions, which could be mistaken for current ones. Other
/// files stay.
fn remove_others(figures: &Path, drawn: &[NamedSvg]) -> Result<(), PaperError> {
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |reason| PaperError::File { action, path, reason }
    };
    for entry in fs::read_dir(figures).map_err(failed("read", figures))? {
        let path = entry.map_err(failed("read", figures))?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let is_svg = path.extension().is_some_and(|extension| extension == "svg");
        if !is_svg || drawn.iter().any(|figure| figure.file == name) {
            continue;
        }
        if Svg::is_standalone(&fs::read(&path).map_err(failed("read", &path))?) {
            fs::remove_file(&path).map_err(failed("remove", &path))?;
        }
    }
    Ok(())
}

/// Prints warnings to standard error, each only once.
#[derive(Default)]
pub(super) struct Warnings {
    told: BTreeSet<String>,
}

impl Warnings {
    /// Prints a warning unless it has been printed before.
    pub(super) fn tell(&mut self, what: &str) {
        if self.told.insert(what.to_owned()) {
            say(format_args!("warning: {what}"));
        }
    }
}

/// Prints the summary to standard output. A closed pipe is not an error.
pub(super) fn print(outcome: &Outcome, format: Format) -> Result<()> {
    let text = match format {
        Format::Text => report::summary(outcome).to_string(),
        Format::Markdown => report::markdown(outcome),
    };
    terminal::print(&text)
}

#[cfg(test)]
mod tests {
    use mi_plot::{Axis, LineChart};

    use super::*;

    #[test]
    fn drawings_of_other_records_go_and_files_of_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let svg = LineChart::new("Accuracy", Axis::new("steps"), Axis::new("share")).draw();
        for name in ["drawn.svg", "earlier.svg", "earlier.txt"] {
            fs::write(path(name), svg.standalone()).unwrap();
        }
        fs::write(path("logo.svg"), "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>").unwrap();
        let drawn = NamedSvg { file: "drawn.svg".to_owned(), svg: svg.standalone() };
        remove_others(folder.path(), &[drawn]).unwrap();
        let stays = |name: &str| path(name).exists();
        assert!(stays("drawn.svg") && stays("logo.svg") && stays("earlier.txt"));
        assert!(!stays("earlier.svg"));
    }
}
