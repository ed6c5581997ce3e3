//! `cargo xtask reproduce [ARGUMENTS…]`: build mi-paper and run it.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::build::{build, program};
use crate::terminal;
use crate::workspace::{Workspace, shown};

/// What `mi-paper reproduce --help` prints; a test of mi-paper checks that it is current.
const HELP: &str = include_str!("../reproduce-help.txt");

/// Runs `mi-paper reproduce` in the caller's folder, so that relative paths are the caller's. Help
/// needs no build.
pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode> {
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        terminal::print(HELP.replace("mi-paper reproduce", "cargo xtask reproduce"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let workspace = Workspace::find()?;
    let mut cargo = workspace.cargo("build");
    cargo.args(["--release", "--package", "mi-paper", "--bin", "mi-paper"]);
    let built = program(&build(&mut cargo)?, "bin", "mi-paper", None)?;
    become_child(&built, arguments)
}

/// On Unix this process becomes mi-paper: every signal, even one sent only to this process, reaches
/// the program that can save its work, and its exit code is ours.
#[cfg(unix)]
fn become_child(program: &Path, arguments: &[OsString]) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;

    let mut command = command(program, arguments);
    let error = command.exec();
    Err(error).with_context(|| format!("`{}` did not start", shown(&command)))
}

/// On other systems the child shares the console, so Ctrl-C reaches it; this process only has to
/// outlive it.
#[cfg(not(unix))]
fn become_child(program: &Path, arguments: &[OsString]) -> Result<ExitCode> {
    let interrupted = std::sync::Arc::default();
    signal_hook::flag::register(signal_hook::consts::SIGINT, interrupted)
        .context("Ctrl-C cannot be left to mi-paper")?;
    let mut command = command(program, arguments);
    let status =
        command.status().with_context(|| format!("`{}` did not start", shown(&command)))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

fn command(program: &Path, arguments: &[OsString]) -> Command {
    let mut command = Command::new(program);
    command.arg("reproduce").args(arguments);
    command
}
