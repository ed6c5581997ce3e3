//! The subcommands.

mod bench;
mod chosen;
mod columns;
mod estimate;
mod matrix;
mod neural;
mod p_value;
mod pointwise;
mod rank;
mod rows;
mod selftest;
mod shell;

use std::io::Write;

use clap::{Parser, Subcommand};

use crate::error::CliError;
use crate::options::OutputOptions;
use crate::threads;

/// Mutual information of your own data: how much one set of columns says about another.
///
/// Results go to standard output, messages to standard error. Values are in nats (1 nat =
/// 1.4427 bits) unless --unit bits is given.
#[derive(Debug, Parser)]
#[command(name = "mi", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Columns are chosen by name, by number from 1, by range (a:c, 2:5) or by pattern (temp_*).

Examples:
  mi columns data.csv                          what mi reads in the file
  mi estimate data.csv --x height --y weight   one number, its interval and what it means
  mi matrix data.csv --svg matrix.svg          every pair of columns, and a figure
  mi rank data.csv --target weight             which column says most, with p-values
  mi selftest data.csv --x height --y weight   can the estimator be trusted on these rows?

Exit codes: 0 success, 1 a problem with the data or a file, 2 a problem with the command line.
`mi COMMAND --help` shows every option with its default.";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the columns of a file: kind, missing values, different values, range
    Columns(columns::ColumnsOptions),
    /// Estimate the mutual information of two sets of columns
    Estimate(estimate::EstimateOptions),
    /// Estimate every pair of columns: table, CSV, JSON or heat map
    Matrix(matrix::MatrixOptions),
    /// Rank columns by their information about a target, with intervals and corrected p-values
    Rank(rank::RankOptions),
    /// Judge single rows with a critic saved by `mi estimate --save`: pointwise information
    Pointwise(pointwise::PointwiseOptions),
    /// Check on your own rows what must hold for any estimate
    Selftest(selftest::SelftestOptions),
    /// Measure the estimators on distributions whose mutual information is known
    Bench(bench::BenchOptions),
    /// Print a completion script for a shell
    Completions(shell::CompletionsOptions),
    /// Print the manual page of mi, or of one of its commands
    Man(shell::ManOptions),
}

impl Cli {
    /// Runs the command and writes its results to `out`.
    ///
    /// # Errors
    /// A problem with the command line, the data or the system.
    pub fn run(self, out: &mut dyn Write) -> Result<(), CliError> {
        if let Some((asked, quiet)) = self.command.threads() {
            threads::start(asked, quiet);
        }
        match self.command {
            Command::Columns(options) => columns::run(&options, out),
            Command::Estimate(options) => estimate::run(&options, out),
            Command::Matrix(options) => matrix::run(&options, out),
            Command::Rank(options) => rank::run(&options, out),
            Command::Selftest(options) => selftest::run(&options, out),
            Command::Pointwise(options) => pointwise::run(&options, out),
            Command::Bench(options) => bench::run(&options, out),
            Command::Completions(options) => shell::completions(&options, out),
            Command::Man(options) => shell::man(&options, out),
        }
    }
}

impl Command {
    /// The requested number of threads, and whether to be quiet; `None` for commands that need no
    /// threads.
    fn threads(&self) -> Option<(Option<u16>, bool)> {
        let of = |output: &OutputOptions| Some((output.threads, output.quiet));
        match self {
            Command::Columns(_) => Some((Some(1), true)),
            Command::Estimate(options) => of(&options.output),
            Command::Matrix(options) => of(&options.output),
            Command::Rank(options) => of(&options.output),
            Command::Selftest(options) => of(&options.output),
            Command::Pointwise(options) => Some(options.threads()),
            Command::Bench(options) => of(&options.output),
            Command::Completions(_) | Command::Man(_) => None,
        }
    }
}
