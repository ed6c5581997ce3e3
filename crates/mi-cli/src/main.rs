//! The `mi` command: mutual information of a person's own data.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;
use mi_cli::{Cli, CliError};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // Help into a closed pipe is no error either.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let result = cli.run(&mut out).and_then(|()| out.flush().map_err(CliError::from_stdout));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = error.exit_code();
            if code != 0 {
                mi_cli::say(format_args!("mi: error: {error}"));
            }
            // What is left in the buffer cannot be written, and would be tried once more.
            std::mem::forget(out);
            ExitCode::from(code)
        }
    }
}
