use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use mi_plot::plain_lines;

/// Writes a line on standard error, without what names of folders, files and experiments could steer
/// a terminal by.
///
/// Where nobody reads standard error any more (a closed pipe) or it takes no more (a full disk), the
/// line is lost and the run goes on: `eprintln!` would end it there.
pub(super) fn say(text: impl Display) {
    let mut line = plain_lines(&text.to_string()).into_owned();
    line.push('\n');
    // In one piece, so that lines of several threads stay whole.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Prints a text on standard output, made safe as by [`say`]. A reader that has gone away is no
/// error.
pub(super) fn print(text: &str) -> Result<()> {
    match writeln!(io::stdout(), "{}", plain_lines(text.trim_end())) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Prints help, or what is wrong with the arguments.
pub(super) fn refuse(error: &clap::Error) -> ExitCode {
    // Clap shows arguments as they are: only where they cannot steer the terminal may it write
    // colours.
    let mut arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    if arguments.all(|argument| mi_plot::plain(&argument) == argument) {
        let _ = error.print();
    } else {
        say(error.render().to_string().trim_end());
    }
    if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}
