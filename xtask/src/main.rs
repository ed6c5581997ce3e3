//! `cargo xtask`: the workspace's own commands. Each is one module; none links a heavy crate.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod bench;
mod clock;
mod reproduce;
mod workspace;

/// The workspace's own commands; they work from any folder of it.
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
    let workspace = workspace::Workspace::find()?;
    match Cli::parse().command {
        Command::Reproduce { arguments } => reproduce::run(&workspace, &arguments),
        Command::Bench(options) => bench::run(&workspace, &options),
    }
}

/// 0: fine; 1: `bench` found something slower; 2: an error. `reproduce` passes on mi-paper's code.
fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
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
