use std::fmt::Display;
use std::io::{self, Write};

use crate::words::plain;

/// Writes a line on standard error.
///
/// Where nobody reads standard error any more (a closed pipe) or it takes no more (a full disk), the
/// line is lost and the work goes on: `eprintln!` would end the program there.
pub fn say(text: impl Display) {
    // Names of files and labels may hold anything.
    let mut line = plain(&text.to_string()).into_owned();
    line.push('\n');
    // In one piece, so that lines of several threads stay whole.
    let _ = io::stderr().write_all(line.as_bytes());
}
