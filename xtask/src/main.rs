//! `cargo xtask`: the workspace's own commands. Each is one module; none links a heavy crate.

// Terminal output goes through `terminal`: `println!` and `eprintln!` panic if the stream is
// closed.
#![warn(clippy::print_stdout, clippy::print_stderr)]

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use terminal::say;
use workspace::Workspace;

mod bench;
mod build;
mod files;
mod reproduce;
mod terminal;
mod workspace;

/// The workspace's own commands; they work from any of its folders.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build mi-paper and run `mi-paper reproduce` with the arguments that follow
    #[command(disable_help_flag = true)]
    Reproduce {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Measure, record and compare the speed of the workspace's benchmarks
    Bench(bench::Options),
}

fn run() -> Result<ExitCode> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return Ok(terminal::refuse(&error)),
    };
    match cli.command {
        Command::Reproduce { arguments } => reproduce::run(&arguments),
        Command::Bench(options) => bench::run(&Workspace::find()?, &options),
    }
}

/// 0: success; 1: `bench` found something slower; 2: an error. `reproduce` returns mi-paper's code.
fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        say(format_args!("error: {error:#}"));
        ExitCode::from(2)
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
