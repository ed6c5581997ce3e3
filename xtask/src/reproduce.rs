//! `cargo xtask reproduce [ARGUMENTS…]`: build mi-paper and hand over to it.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::workspace::{Workspace, shown};

/// Runs `mi-paper reproduce` in the caller's folder, so relative paths mean what the caller means.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
    let mut command = workspace.cargo("run");
    command.args(["--release", "--package", "mi-paper", "--bin", "mi-paper"]);
    command.args(["--", "reproduce"]).args(arguments);
    become_child(command)
}

/// On Unix this process turns into cargo, which in turn turns into mi-paper: every signal, also
/// one sent to this process alone, reaches the program that can save its work, and its exit code
/// is ours.
#[cfg(unix)]
fn become_child(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;

    let error = command.exec();
    Err(error).with_context(|| format!("`{}` did not start", shown(&command)))
}

/// Elsewhere the child shares the console, so Ctrl-C reaches it; this process only has to outlive
/// it.
#[cfg(not(unix))]
fn become_child(mut command: Command) -> Result<ExitCode> {
    let interrupted = std::sync::Arc::default();
    signal_hook::flag::register(signal_hook::consts::SIGINT, interrupted)
        .context("Ctrl-C cannot be left to mi-paper")?;
    let status =
        command.status().with_context(|| format!("`{}` did not start", shown(&command)))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}
