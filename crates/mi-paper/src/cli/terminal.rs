use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use mi_plot::plain_lines;

/// Writes a line to standard error, without characters that could control a terminal: names of
/// folders, files and experiments may contain them.
///
/// If standard error is closed (a pipe) or full (a disk), the line is lost and the run continues:
/// `eprintln!` would panic.
pub(super) fn say(text: impl Display) {
    let mut line = plain_lines(&text.to_string()).into_owned();
    line.push('\n');
    // In one write, so that the lines of several threads are not mixed.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Prints a text to standard output, with the same characters removed as by [`say`]. A closed pipe
/// is not an error.
pub(super) fn print(text: &str) -> Result<()> {
    match writeln!(io::stdout(), "{}", plain_lines(text.trim_end())) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Prints the help text, or what is wrong with the arguments.
pub(super) fn refuse(error: &clap::Error) -> ExitCode {
    // Clap prints arguments unchanged, so it may print them itself, in colour, only if they have no
    // control characters.
    let mut arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    if arguments.all(|argument| mi_plot::plain(&argument) == argument) {
        let _ = error.print();
    } else {
        say(error.render().to_string().trim_end());
    }
    if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}
