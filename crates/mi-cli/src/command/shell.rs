use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use crate::error::CliError;

/// Options of `mi completions`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  mi completions bash > ~/.local/share/bash-completion/completions/mi
  mi completions zsh  > \"${fpath[1]}/_mi\"
  mi completions fish > ~/.config/fish/completions/mi.fish")]
pub struct CompletionsOptions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Options of `mi man`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  mi man | man -l -
  mi man estimate > mi-estimate.1")]
pub struct ManOptions {
    /// The command whose page to print [default: mi itself]
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

/// Prints a completion script.
pub(super) fn completions(
    options: &CompletionsOptions,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    // `generate` panics if its writer fails, so the script is made first and then written.
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "mi", &mut script);
    out.write_all(&script).map_err(CliError::from_stdout)
}

/// Prints a manual page in roff.
pub(super) fn man(options: &ManOptions, out: &mut dyn Write) -> Result<(), CliError> {
    let mut mi = Cli::command().disable_help_subcommand(true);
    mi.build();
    let page = match &options.command {
        None => Some(mi.clone()),
        Some(name) => mi.find_subcommand(name).cloned(),
    };
    let Some(page) = page else {
        let names: Vec<&str> = mi.get_subcommands().map(clap::Command::get_name).collect();
        let asked = options.command.as_deref().unwrap_or_default();
        return Err(CliError::Usage(format!(
            "no command `{asked}`; the commands are {}",
            names.join(", ")
        )));
    };
    let mut roff = Vec::new();
    clap_mangen::Man::new(page).render(&mut roff).map_err(CliError::from_stdout)?;
    out.write_all(&roff).map_err(CliError::from_stdout)
}
