//! `mi-paper`: runs the experiments, resumes them, and draws what they found.

// The terminal goes through `cli::terminal`: `eprintln!` ends the program where nobody reads.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
