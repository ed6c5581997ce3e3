use std::fmt::Display;
use std::io::{self, Write};

use crate::words::plain;

/// Writes a line on standard error.
///
/// If standard error is closed (a pipe) or full (a disk), the line is lost and the work continues:
/// `eprintln!` would panic.
pub fn say(text: impl Display) {
    // Names of files and labels may contain anything.
    let mut line = plain(&text.to_string()).into_owned();
    line.push('\n');
    // In one write, so that lines of several threads do not mix.
    let _ = io::stderr().write_all(line.as_bytes());
}
