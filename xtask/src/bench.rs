//! `cargo xtask bench`: measure, record, compare, report.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Args;

use crate::terminal::{print, say};
use crate::workspace::Workspace;

mod against;
mod compare;
mod comparison;
mod cost;
mod criterion_files;
mod instructions;
mod machine;
mod measure;
mod record;
mod report;
mod table;
mod targets;
mod yardstick;

use against::Rules;
use comparison::{Line, Verdict};
use record::{Kind, Record};

/// The default of `--compare`.
const PREVIOUS: &str = "previous";

/// Without `--list`, `--compare`, `--against`, `--report` or `--instructions`, the benchmarks run
/// and one record is appended.
#[derive(Args)]
#[allow(clippy::struct_excessive_bools)] // each is a flag
pub(crate) struct Options {
    /// Only benchmarks whose id, PACKAGE/TARGET/…, contains this text
    filter: Option<String>,
    /// List the ids of the last build or record, and run nothing
    #[arg(long, conflicts_with_all = ["compare", "against", "report", "instructions"])]
    list: bool,
    /// With --list: build the benchmarks, and list their current ids
    #[arg(long, requires = "list")]
    build: bool,
    /// Measure only briefly, to check that it works; such records are kept separately
    #[arg(long)]
    quick: bool,
    /// Compare the newest record with an older one of the same machine: the one before, that of a
    /// commit, or that in a file
    #[arg(long, value_name = "REF|FILE", num_args = 0..=1, default_missing_value = PREVIOUS)]
    #[arg(conflicts_with_all = ["against", "report"])]
    compare: Option<String>,
    /// Build another commit and run it and this checkout in alternation
    #[arg(long, value_name = "REF", conflicts_with_all = ["report", "instructions"])]
    against: Option<String>,
    /// Write one HTML page of all records
    #[arg(long, conflicts_with = "instructions")]
    report: bool,
    /// Count the instructions of the hot loop under valgrind; with --compare, compare such records
    #[arg(long)]
    instructions: bool,
    /// The number of alternating rounds in which a verdict must hold
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The difference that counts as slower, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    threshold: f64,
    /// With --compare: leave suspicions unconfirmed instead of running both commits in alternation
    #[arg(long, requires = "compare")]
    no_confirm: bool,
    /// Where the records are [default: bench-results/records, or target/xtask/quick-records with
    /// --quick]
    #[arg(long, value_name = "FOLDER")]
    records: Option<PathBuf>,
    /// Where --report writes [default: bench-results/report.html]
    #[arg(long, value_name = "FILE", requires = "report")]
    out: Option<PathBuf>,
}

impl Options {
    fn records(&self, workspace: &Workspace) -> Result<PathBuf> {
        Ok(match &self.records {
            Some(folder) => folder.clone(),
            None if self.quick => targets::scratch(workspace)?.join("quick-records"),
            None => workspace.root().join("bench-results").join("records"),
        })
    }

    fn rules(&self) -> Result<Rules> {
        let Self { rounds, threshold, quick, .. } = *self;
        ensure!(threshold >= 0.0 && threshold.is_finite(), "--threshold is a percentage from 0 up");
        Ok(Rules { rounds, threshold: threshold / 100.0, quick })
    }
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let filter = options.filter.as_deref();
    if options.list {
        list(workspace, options)?;
    } else if let Some(reference) = &options.against {
        let rules = options.rules()?;
        let hash = against::resolve(workspace, reference)?;
        let old = against::build_commit(workspace, &hash, filter, &[&hash])?;
        let new = targets::build(workspace, filter, None)?;
        let chosen = |id: &str| filter.is_none_or(|filter| id.contains(filter));
        let lines = against::alternate(workspace, &old, &new, chosen, rules)?;
        return verdict(&lines, "ns");
    } else if let Some(older) = &options.compare {
        let request = compare::Request {
            records: &options.records(workspace)?,
            kind: if options.instructions { Kind::Instructions } else { Kind::Time },
            older: Some(older.as_str()).filter(|older| *older != PREVIOUS),
            filter,
            rules: options.rules()?,
            confirm: !options.no_confirm,
        };
        let (lines, unit) = compare::run(workspace, &request)?;
        return verdict(&lines, &unit);
    } else if options.report {
        let out = options.out.clone();
        let out = out.unwrap_or_else(|| workspace.root().join("bench-results/report.html"));
        report::run(&options.records(workspace)?, &out)?;
    } else if options.instructions {
        instructions::run(workspace, &options.records(workspace)?, filter)?;
    } else {
        measure::run(workspace, &options.records(workspace)?, filter, options.quick)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the ids that match the filter.
fn list(workspace: &Workspace, options: &Options) -> Result<()> {
    let filter = options.filter.as_deref();
    let ids: Vec<String> = if options.build {
        let benches = targets::build(workspace, filter, None)?;
        measure::select(&benches, filter)?.iter().map(targets::Case::qualified).collect()
    } else {
        let records = Record::read_all(&options.records(workspace)?)?;
        let records: Vec<Record> = records.into_iter().map(|(_, record)| record).collect();
        let ids = targets::known_ids(workspace, filter, &records)?;
        ensure!(
            !ids.is_empty(),
            "no known benchmark has `{}` in its id; --list --build looks again",
            filter.unwrap_or_default()
        );
        say(
            "ids of the last build or record; --list --build builds the benchmarks and looks again",
        );
        ids
    };
    print(ids.join("\n") + "\n")
}

/// Prints the comparison; exit code 1 if something is certainly slower.
fn verdict(lines: &[Line], unit: &str) -> Result<ExitCode> {
    print(format_args!("{}", comparison::show(lines, unit)))?;
    let suspects = compare::suspects(lines).count();
    if suspects > 0 {
        say(format_args!(
            "{suspects} unconfirmed suspicions: run --against the older commit to settle them"
        ));
    }
    let slower = lines.iter().filter(|line| line.verdict == Verdict::Slower).count();
    say(format_args!("{slower} of {} benchmarks are slower", lines.len()));
    Ok(ExitCode::from(u8::from(slower > 0)))
}
