//! `mi-paper`: runs and resumes the experiments, and reports their results.

// All output goes through `cli::terminal`: `eprintln!` panics if standard error is closed or full.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    // If file sizes are limited, a write then fails with an error instead of killing the program.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
    cli::run()
}
