//! Runs plans on a real Slurm with two emulated nodes. Whatever happens to tasks, the final records
//! equal those of a local run, byte for byte. Each case prints the numbers of lost and duplicate
//! rows.
//!
//! Without Slurm or root, the test is skipped with a message.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;
mod cluster;
mod page;
mod sweep;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::time::Instant;

use cluster::{Cluster, text};
use sweep::{Sweep, locally};

/// A case: its name, and a function that runs it and returns what happened.
type Case = (&'static str, fn(&Cluster, &str) -> String);

/// The cases, which run one after another. Slurm checks time limits only every 30 s, so the case of
/// the time limit runs at the same time as the others.
const CASES: [Case; 10] = [
    ("array to its end", cases::to_the_end),
    ("scancel", cases::cancelled),
    ("requeue", cases::requeued),
    ("preemption", cases::preempted),
    ("power cut", cases::power_cut),
    ("partition, silent", cases::partition_silent),
    ("partition, alive", cases::partition_alive),
    ("controller restart", cases::controller_restarted),
    ("failing trial", cases::failing),
    ("begun locally", cases::begun_locally),
];

/// The number of rows of the local run that are missing, and of rows that it does not have or has
/// less often.
fn lost_and_doubled(expected: &str, found: &str) -> (usize, usize) {
    let count = |text: &str| {
        let mut rows: BTreeMap<String, usize> = BTreeMap::new();
        for line in text.lines() {
            *rows.entry(line.to_owned()).or_default() += 1;
        }
        rows
    };
    let (expected, found) = (count(expected), count(found));
    let beyond = |a: &BTreeMap<String, usize>, b: &BTreeMap<String, usize>| -> usize {
        a.iter().map(|(row, n)| n.saturating_sub(b.get(row).copied().unwrap_or(0))).sum()
    };
    (beyond(&expected, &found), beyond(&found, &expected))
}

/// Runs a case and compares its records with those of the local run.
fn run(cluster: &Cluster, expected: &str, (name, case): Case) {
    let begun = Instant::now();
    let folder = name.replace([' ', ','], "-");
    let seen = case(cluster, &folder);
    let sweep = Sweep::new(cluster, &folder);
    let (lost, doubled) = lost_and_doubled(expected, &sweep.records());
    // Written directly, so that the test runner does not capture it.
    let _ = writeln!(
        std::io::stderr(),
        "{name:<20} rows lost {lost}, doubled {doubled}  {:>3} s  {seen}",
        begun.elapsed().as_secs()
    );
    assert_eq!(sweep.records(), expected, "{name}\n{}", sweep.output());
    assert!(sweep.status().contains("4 of 4 trials have ended"), "{name}: {}", sweep.status());
    // Without the merged files, the trials' own folders give the same records.
    for file in ["records.csv", "trials.json"] {
        fs::remove_file(sweep.out.join(file)).unwrap();
    }
    let redrawn =
        sweep::mi_paper().args(["reproduce", "--redraw", "--out"]).arg(&sweep.out).output();
    assert!(redrawn.as_ref().unwrap().status.success(), "{}", text(&redrawn.unwrap().stderr));
    assert_eq!(sweep.records(), expected, "{name}, merged again");
}

#[test]
fn whatever_happens_on_two_nodes_the_records_are_those_of_a_local_run() {
    let cluster = match Cluster::start() {
        Ok(cluster) => cluster,
        Err(reason) => {
            let _ = writeln!(std::io::stderr(), "skipped: sweeps on Slurm: {reason}");
            return;
        }
    };
    let local = tempfile::tempdir().unwrap();
    assert!(locally(local.path()).status.success());
    let expected = fs::read_to_string(local.path().join("records.csv")).unwrap();
    page::check(&cluster);
    std::thread::scope(|scope| {
        scope.spawn(|| run(&cluster, &expected, ("time limit", cases::time_limit)));
        // A single case can be chosen, to examine it.
        let chosen = std::env::var("MI_SLURM_CASE").ok();
        for case in CASES {
            if chosen.as_ref().is_none_or(|chosen| chosen == case.0) {
                run(&cluster, &expected, case);
            }
        }
    });
}
