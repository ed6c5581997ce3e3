use std::fmt::Display;
use std::io::{self, Write};

/// Writes a line on standard error.
///
/// Where nobody reads standard error any more (a closed pipe) or it takes no more (a full disk), the
/// line is lost and the run goes on: `eprintln!` would end it there.
pub(super) fn say(text: impl Display) {
    let mut line = text.to_string();
    line.push('\n');
    // In one piece, so that lines of several threads stay whole.
    let _ = io::stderr().write_all(line.as_bytes());
}
