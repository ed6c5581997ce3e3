//! `mi-paper`: runs the experiments, resumes them, and draws what they found.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::run(cli::Arguments::parse())
}
