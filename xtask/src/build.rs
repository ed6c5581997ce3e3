//! Programs that cargo builds, and where it puts them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::terminal;
use crate::workspace::shown;

/// Cargo's message about one finished target.
#[derive(Deserialize)]
pub(crate) struct Artifact {
    package_id: String,
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Runs a cargo build and returns the finished targets.
pub(crate) fn build(command: &mut Command) -> Result<Vec<Artifact>> {
    command.args(["--message-format", "json-render-diagnostics"]);
    let (status, output) = terminal::results(command)
        .with_context(|| format!("`{}` did not start; is it installed?", shown(command)))?;
    ensure!(status.success(), "`{}` failed ({status})", shown(command));
    let messages = String::from_utf8_lossy(&output);
    Ok(messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// The program of a target of this kind (`bin`, `bench`, `example`), in a package if one is named.
pub(crate) fn program(
    artifacts: &[Artifact],
    kind: &str,
    name: &str,
    package_id: Option<&str>,
) -> Result<PathBuf> {
    artifacts
        .iter()
        .filter(|one| one.target.name == name && one.target.kind.iter().any(|own| own == kind))
        .filter(|one| package_id.is_none_or(|id| one.package_id == id))
        .find_map(|one| one.executable.clone())
        .with_context(|| format!("cargo built no program for the {kind} `{name}`"))
}
