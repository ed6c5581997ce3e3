//! The command line.

mod data;
mod dry_run;
mod evaluate;
mod experiment;
mod growing;
mod interrupt;
mod list;
mod output;
mod progress;
mod reproduce;
mod similarity;
mod slurm;
mod status;
mod terminal;
mod trial;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mi_paper::plan::Request;
use mi_paper::preset::{AdversarialRates, Preset};
use mi_paper::seeds::Seeds;

use terminal::say;

/// Experiments on mutual-information maximisation (Tschannen et al., ICLR 2020).
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run experiments, or resume them, and report the results.
    #[command(after_help = EXAMPLES)]
    Reproduce(Box<Reproduce>),
    /// Print a built-in experiment as a file, to edit and to run with `reproduce --experiment FILE`.
    Experiment {
        /// The experiment's name, as shown by `reproduce --list`.
        name: String,
        /// The preset whose steps and other sizes are printed.
        #[arg(long, value_enum, default_value_t = Preset::Quick)]
        preset: Preset,
        /// Learning rates of the adversarial experiment (the paper's text and notebook differ).
        #[arg(long, value_enum, default_value_t = AdversarialRates::Notebook)]
        adversarial_rates: AdversarialRates,
    },
    /// Measure the quality of features: probes, V-information, few labels, geometry.
    Evaluate(Box<evaluate::Evaluate>),
    /// Measure how similar the representations of different seeds are (linear CKA).
    Similarity(similarity::Similarity),
    /// Run or resume trials of a plan; those that have ended are skipped.
    #[command(after_help = TRIAL_EXITS)]
    Trial(Box<trial::Trial>),
    /// Run a plan's trials on a cluster: plan, job array, retries and the report, through Slurm.
    #[command(after_help = SLURM_EXAMPLES)]
    Slurm {
        /// Folder of the run, which every node can read and write. If it has a plan, the run
        /// continues.
        run: PathBuf,
        #[command(flatten)]
        asked: Box<Asked>,
        #[command(flatten)]
        checkpoints: Checkpoints,
        /// Print what would be submitted, and change nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        options: Box<slurm::Options>,
    },
}

/// When checkpoints are written, and when other processes may continue from them.
#[derive(Clone, Copy, Debug, Args)]
struct Checkpoints {
    /// Time between two checkpoints of a trial, e.g. 30s, 5min; they do not change results.
    #[arg(long = "checkpoint-every", value_name = "TIME", default_value = "3min")]
    every: humantime::Duration,
    /// How long this process may give no sign of life before one on another machine takes over its
    /// trials.
    #[arg(long, value_name = "TIME", default_value = "2min", value_parser = silence)]
    silence: humantime::Duration,
}

fn silence(text: &str) -> Result<humantime::Duration, String> {
    let time: humantime::Duration = text.parse().map_err(|error| format!("{error}"))?;
    let least = std::time::Duration::from_secs(1);
    if *time < least { Err("it has to be at least 1s".into()) } else { Ok(time) }
}

const TRIAL_EXITS: &str = "Exit codes:
  0    every trial has finished
  1    a trial could not be run; the message says why
  3    every trial has ended, but one has diverged, and would diverge again
  130  interrupted by Ctrl-C; everything is saved
  143  interrupted by SIGTERM; everything is saved";

const SLURM_EXAMPLES: &str = "Examples:
  slurm runs/critics --experiment critics --seeds 20 --partition cpu --time 4:00:00
  slurm runs/critics --partition cpu --time 4:00:00      submit the rest of it
  reproduce --status --out runs/critics                  its progress
  reproduce --redraw --out runs/critics                  merge the records so far, and draw them";

const EXAMPLES: &str = "Examples:
  reproduce                                   figures 1 to 7, on the embedded digits
  reproduce --experiment critics              only figures 3 and 6
  reproduce --experiment critics --seeds 5    figures 3 and 6, five seeds
  reproduce --seeds 1 --seeds critics=3       figures 1 to 7, three seeds for 3 and 6
  reproduce --data DIR --preset paper         figures 1 to 7 by the paper's protocol, on MNIST
  reproduce --data DIR --experiment cifar-critics,cifar-encoders
                                              figures 8 and 9, on CIFAR-10
  reproduce --experiment mine.toml            an experiment of your own; `mi-paper experiment
                                              critics` prints a file to start from
  reproduce --list                            all experiments and their questions
  reproduce --status --out runs/quick         the progress of a run";

/// The options that determine a plan.
#[derive(Debug, Args)]
struct Asked {
    /// Experiments to run, separated by commas: names, or files that end in .toml (see `mi-paper
    /// experiment`); `paper` (figures 1 to 7; 8 and 9 need CIFAR-10) and `all` are groups
    /// [default: paper]
    #[arg(long, value_name = "NAME|FILE.toml", value_delimiter = ',')]
    experiment: Vec<String>,
    /// Size of the run [default: quick]
    #[arg(long, visible_alias = "setting", value_enum)]
    preset: Option<Preset>,
    /// Number of runs (3), list of seeds (0,4,7) or range (3..6); NAME=SEEDS for one experiment;
    /// may be given several times [default: quick 3 to 12, short 3, reference 2, others 1]
    #[arg(long, value_name = "[NAME=]SEEDS")]
    seeds: Vec<Seeds>,
    /// Folder with data sets (MNIST, Fashion-MNIST, CIFAR-10) [default: the embedded digits]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Grey images to use: digits, mnist or fashion-mnist [default: mnist with --data]
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Stop every experiment after this many steps.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Learning rates of the adversarial experiment (the paper's text and notebook differ)
    /// [default: notebook]
    #[arg(long, value_enum)]
    adversarial_rates: Option<AdversarialRates>,
}

impl Asked {
    fn preset(&self) -> Preset {
        self.preset.unwrap_or(Preset::Quick)
    }

    /// Whether no trials were requested, so that an existing plan is used.
    fn is_nothing(&self) -> bool {
        let Self { experiment, preset, seeds, data: _, dataset, steps, adversarial_rates } = self;
        (experiment.is_empty() && seeds.is_empty() && dataset.is_none() && steps.is_none())
            && preset.is_none()
            && adversarial_rates.is_none()
    }

    fn request(&self) -> Request {
        Request {
            experiments: self.experiment.clone(),
            preset: self.preset(),
            seeds: self.seeds.clone(),
            data: self.data.clone(),
            dataset: self.dataset.clone(),
            steps: self.steps,
            adversarial_rates: self.adversarial_rates.unwrap_or(AdversarialRates::Notebook),
        }
    }
}

/// Options of `reproduce`.
#[expect(clippy::struct_excessive_bools, reason = "each is a separate flag")]
#[derive(Debug, Args)]
struct Reproduce {
    /// List the experiments and exit.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    asked: Asked,
    /// Folder for records, figures and the report [default: runs/PRESET, or runs/FILE for a single
    /// experiment file]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Trials to run in parallel [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=256))]
    jobs: Option<u64>,
    #[command(flatten)]
    checkpoints: Checkpoints,
    /// Print the plan with an estimate of time and memory; with --out, write it to the folder if
    /// that has none.
    #[arg(long)]
    dry_run: bool,
    /// Show the progress of the run in the folder, and exit.
    #[arg(long, conflicts_with_all = ["dry_run", "list"])]
    status: bool,
    /// Draw figures and report from the folder's records, without running anything.
    #[arg(long, conflicts_with_all = ["dry_run", "list", "status"])]
    redraw: bool,
    /// Resume the run in the folder. This is the default; the flag exists so that a script can be
    /// explicit.
    #[arg(long)]
    resume: bool,
    /// Format of the summary on standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Run the trials on a cluster, like `mi-paper slurm`.
    #[arg(long, value_enum, conflicts_with_all = ["list", "status", "redraw", "jobs"])]
    on: Option<Engine>,
    #[command(flatten)]
    slurm: slurm::Options,
}

/// Where trials run if not in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// A cluster managed by Slurm.
    Slurm,
}

/// Formats of the summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Aligned columns.
    Text,
    /// Markdown tables, with the claims.
    Markdown,
}

/// Runs the command; errors become one line on standard error.
pub(crate) fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return terminal::refuse(&error),
    };
    let result = match arguments.command {
        Command::Reproduce(options) => reproduce::run(&options),
        Command::Experiment { name, preset, adversarial_rates } => {
            experiment::run(&name, preset, adversarial_rates)
        }
        Command::Evaluate(options) => evaluate::run(&options),
        Command::Similarity(options) => similarity::run(&options),
        Command::Trial(options) => trial::run(&options),
        Command::Slurm { run, asked, checkpoints, dry_run, options } => {
            slurm::run(&run, &asked, checkpoints, &options, dry_run)
        }
    };
    result.unwrap_or_else(|error| {
        say(format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use mi_paper::experiments;

    use super::Arguments;

    #[test]
    fn help_promises_only_the_figures_of_the_default_experiments() {
        let mut command = Arguments::command();
        let reproduce = command.find_subcommand_mut("reproduce").unwrap();
        let help = reproduce.render_long_help().to_string();
        assert!(!help.contains("every figure"), "{help}");
        let default: String =
            experiments::by_default().map(|experiment| experiment.figures).collect();
        for figure in '1'..='9' {
            assert_eq!(default.contains(figure), figure <= '7', "figure {figure}: {default}");
        }
        assert!(help.contains("figures 1 to 7,") && help.contains("figures 8 and 9,"), "{help}");
    }
}
