//! `cargo xtask bench [FILTER]`: run the benchmarks and append one record.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use mi_plot::duration;

use super::record::{Kind, Measurement, Record};
use super::table::{interval, table, value};
use super::targets::{self, Bench, Case};
use super::yardstick::Yardstick;
use crate::terminal::{print, say};
use crate::workspace::Workspace;

/// The benchmarks whose qualified ids contain the filter, in the order of their declaration.
pub(crate) fn select<'a>(benches: &'a [Bench], filter: Option<&str>) -> Result<Vec<Case<'a>>> {
    let all: Vec<_> = benches.iter().flat_map(Bench::cases).collect();
    let chosen: Vec<_> = all
        .iter()
        .filter(|case| filter.is_none_or(|filter| case.qualified().contains(filter)))
        .copied()
        .collect();
    ensure!(
        !chosen.is_empty(),
        "no benchmark has `{}` in its id; there are:\n{}",
        filter.unwrap_or_default(),
        all.iter().map(Case::qualified).collect::<Vec<_>>().join("\n")
    );
    Ok(chosen)
}

/// Measures the selected benchmarks after the yardstick, and writes the record.
pub(crate) fn run(
    workspace: &Workspace,
    records: &Path,
    filter: Option<&str>,
    quick: bool,
) -> Result<()> {
    let mut record = Record::now(workspace, Kind::Time, quick);
    record.filter = filter.map(str::to_owned);
    let benches = targets::build(workspace, filter, None)?;
    let yardsticks: Vec<_> =
        benches.iter().flat_map(Bench::cases).filter(Case::is_yardstick).collect();
    if yardsticks.is_empty() {
        say(format_args!(
            "no yardstick benchmark: the record will have no shares of this machine's peak"
        ));
    }
    let others = select(&benches, filter)?.into_iter().filter(|case| !case.is_yardstick());
    let cases: Vec<_> = yardsticks.into_iter().chain(others).collect();

    let home = targets::scratch(workspace)?.join("criterion");
    let mut progress = Progress::new(cases.len());
    let mut measured = Vec::with_capacity(cases.len());
    let mut failures = Vec::new();
    for case in cases {
        progress.announce(&case.qualified());
        match case.measure(&home, quick) {
            Ok(results) => measured.extend(results),
            // One broken benchmark must not waste the hour that the others took.
            Err(error) => failures.push(format!("{error:#}")),
        }
    }
    // A record without results would be the newest, and all benchmarks would seem to have gone.
    ensure!(!measured.is_empty(), "nothing was measured:\n{}", failures.join("\n"));
    record.yardstick = Yardstick::of(&measured);
    let results = measured.into_iter().map(|(id, one)| record.yardstick.measurement(id, &one));
    record.results = results.collect();

    print(format_args!("{}\n", results_table(&record)))?;
    print(format_args!("record: {}\n", record.append(records)?.display()))?;
    ensure!(failures.is_empty(), "not measured:\n{}", failures.join("\n"));
    Ok(())
}

/// A line before each benchmark with the time left, predicted from the average so far.
pub(crate) struct Progress {
    start: Instant,
    done: usize,
    all: usize,
}

impl Progress {
    pub(crate) fn new(all: usize) -> Self {
        Self { start: Instant::now(), done: 0, all }
    }

    pub(crate) fn announce(&mut self, what: &str) {
        let left = match u32::try_from(self.done) {
            Ok(done) if done > 0 => {
                let one = self.start.elapsed().as_secs_f64() / f64::from(done);
                let seconds = one * (self.all - self.done) as f64;
                // Very short times are not worth predicting.
                if seconds < 1.0 { String::new() } else { format!(", {} left", duration(seconds)) }
            }
            _ => String::new(),
        };
        self.done += 1;
        say(format_args!("[{}/{}{left}] {what}", self.done, self.all));
    }
}

/// A record as text.
pub(crate) fn results_table(record: &Record) -> String {
    let percent =
        |share: Option<f64>| share.map_or("-".to_owned(), |s| format!("{:.0} %", 1e2 * s));
    let rows: Vec<_> = record
        .results
        .iter()
        .map(|Measurement { id, value: median, low, high, rates }| {
            let unit = &record.unit;
            let rates_text: Vec<_> = rates
                .iter()
                .map(|rate| format!("{:.3} {}", rate.value, rate.unit.name()))
                .collect();
            let join = |cells: Vec<String>| {
                if cells.is_empty() { "-".to_owned() } else { cells.join(", ") }
            };
            vec![
                id.clone(),
                value(*median, unit),
                interval(*low, *high, unit),
                join(rates_text),
                join(rates.iter().map(|rate| percent(rate.share_of_one_core)).collect()),
                join(rates.iter().map(|rate| percent(rate.share_of_machine)).collect()),
            ]
        })
        .collect();
    table(
        &[
            "benchmark",
            record.unit_name(),
            "95 % interval",
            "rate",
            "of one core",
            "of the machine",
        ],
        &rows,
    )
}
