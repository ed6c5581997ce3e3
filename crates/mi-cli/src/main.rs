//! The `mi` command: mutual information of your own data.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;
use mi_cli::{Cli, CliError};

/// Whether no argument could control a terminal: clap shows arguments that it refuses unchanged.
fn arguments_are_plain() -> bool {
    let mut arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    arguments.all(|argument| mi_plot::plain(&argument) == argument)
}

fn main() -> ExitCode {
    // If the size of files is limited, a write then fails with a message instead of ending the
    // program.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            if arguments_are_plain() {
                // Help into a closed pipe is not an error either.
                let _ = error.print();
            } else {
                for line in error.render().to_string().trim_end().lines() {
                    mi_cli::say(line);
                }
            }
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
            // The rest of the buffer cannot be written, and dropping it would try again.
            std::mem::forget(out);
            ExitCode::from(code)
        }
    }
}
