//! `cargo xtask bench --instructions`: how many instructions the hot loop takes, by callgrind.
//!
//! Counts do not move with the load of the machine, so a change of a few percent is real. They
//! are no times: memory and instruction-level parallelism are not in them, and valgrind offers
//! programs no AVX-512, so the AVX2 path is what is counted.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::measure::{Progress, results_table};
use super::record::{Kind, Measurement, Record};
use crate::build::{build, program};
use crate::terminal::{print, say};
use crate::workspace::{Workspace, output, shown};

/// The program under valgrind: with `--list` it prints its cases; with a case and a number N it
/// runs the case N times, and nothing else depends on N.
const PACKAGE: &str = "mi-estimators";
const EXAMPLE: &str = "hot_loop";

/// Two runs, whose difference excludes the start, the input and the first use of every buffer.
const FEW: u32 = 1;
const MORE: u32 = 3;

pub(crate) fn run(workspace: &Workspace, records: &Path, filter: Option<&str>) -> Result<()> {
    let mut version = Command::new("valgrind");
    version.arg("--version");
    let Ok(valgrind) = output(version) else {
        say(format_args!("skipped: valgrind is not installed, so instructions cannot be counted"));
        return Ok(());
    };
    let mut record = Record::now(workspace, Kind::Instructions, false);
    record.filter = filter.map(str::to_owned);
    record.toolchain = format!("{} {valgrind}", record.toolchain);
    record.threads = Some("1".to_owned());

    let program = build_example(workspace)?;
    let mut list = Command::new(&program);
    list.arg("--list");
    let list = output(list)?;
    let qualified = |case: &str| format!("{PACKAGE}/{EXAMPLE}/{case}");
    let wanted = |case: &&str| filter.is_none_or(|filter| qualified(case).contains(filter));
    let cases: Vec<_> = list.lines().filter(wanted).collect();
    ensure!(
        !cases.is_empty(),
        "no case has `{}` in its id; there are:\n{}",
        filter.unwrap_or_default(),
        list.lines().map(qualified).collect::<Vec<_>>().join("\n")
    );
    let mut progress = Progress::new(cases.len());
    for case in cases {
        progress.announce(&qualified(case));
        let few = count(&program, case, FEW)?;
        let more = count(&program, case, MORE)?;
        let each = more.saturating_sub(few) as f64 / f64::from(MORE - FEW);
        ensure!(each > 0.0, "{case}: {MORE} runs took {more} instructions, {FEW} took {few}");
        let id = qualified(case);
        let rates = Vec::new();
        record.results.push(Measurement { id, value: each, low: each, high: each, rates });
    }
    print(format_args!("{}\n", results_table(&record)))?;
    print(format_args!("record: {}\n", record.append(records)?.display()))?;
    Ok(())
}

fn build_example(workspace: &Workspace) -> Result<PathBuf> {
    let mut command = workspace.cargo("build");
    command.args(["--release", "--package", PACKAGE, "--example", EXAMPLE]);
    command.current_dir(workspace.root());
    program(&build(&mut command)?, "example", EXAMPLE, None)
}

fn count(program: &Path, case: &str, times: u32) -> Result<u64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(program).args([case, &times.to_string()]);
    // Idle workers spin a random number of times.
    command.env("RAYON_NUM_THREADS", "1").stdin(Stdio::null());
    let result = command.output().with_context(|| format!("`{}`", shown(&command)))?;
    let messages = String::from_utf8_lossy(&result.stderr);
    ensure!(result.status.success(), "`{}` failed: {}", shown(&command), messages.trim());
    collected(&messages)
        .with_context(|| format!("callgrind's summary has no line `Collected : N`: {messages}"))
}

/// The count in callgrind's summary, `==PID== Collected : 123456`.
fn collected(messages: &str) -> Option<u64> {
    let line = messages.lines().find_map(|line| line.split_once("Collected :"))?.1;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::collected;

    #[test]
    fn the_count_is_read_from_callgrinds_summary() {
        let text = "==7== Events    : Ir\n==7== Collected : 207301\n==7== \n==7== I   refs:      207,301\n";
        assert_eq!(collected(text), Some(207_301));
        assert_eq!(collected("==7== Events : Ir\n"), None);
        assert_eq!(collected("==7== Collected : none\n"), None);
    }
}
