//! `mi-paper`: runs the experiments, resumes them, and draws what they found.

// The terminal goes through `cli::terminal`: `eprintln!` ends the program where nobody reads.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Where the size of files is limited, a write fails with a message instead of ending the program.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
    cli::run()
}
