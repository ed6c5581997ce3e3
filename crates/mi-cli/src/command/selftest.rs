use std::io::Write;

use clap::Args;
use serde::Serialize;

use super::chosen::{BasicOptions, Chosen, SideOptions};
use crate::error::CliError;
use crate::input::Input;
use crate::lag::Lags;
use crate::messages::Messages;
use crate::observations::{Observations, complete_rows};
use crate::options::{OutputOptions, TableOptions};
use crate::output::{Align, Cell, Csv, TextTable, wrap, write_json};
use crate::selftest::{Check, checks};

/// Options of `mi selftest`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  mi selftest data.csv --x height --y weight
  mi selftest data.csv --x 1:3 --y out --method gaussian-copula

The exit code is 1 if a check fails: an estimator that fails on your rows should not
be trusted on them. Estimates in many dimensions often do not add up. The Gaussian methods
skip the copy of x, which they cannot take.")]
pub struct SelftestOptions {
    #[command(flatten)]
    table: TableOptions,

    #[command(flatten)]
    sides: SideOptions,

    #[command(flatten)]
    measure: BasicOptions,

    #[command(flatten)]
    pub(super) output: OutputOptions,
}

#[derive(Serialize)]
struct Body {
    files: Vec<String>,
    unit: &'static str,
    rows: usize,
    estimate: f64,
    checks: Vec<CheckRow>,
}

#[derive(Serialize)]
struct CheckRow {
    check: &'static str,
    expected: f64,
    found: f64,
    tolerance: f64,
    holds: bool,
}

/// Checks an estimator on the user's own rows.
pub(super) fn run(options: &SelftestOptions, out: &mut dyn Write) -> Result<(), CliError> {
    let mut messages = Messages::new(options.output.quiet);
    let mut input = Input::open(&options.table)?;
    let group = options.measure.rows.column(&mut input)?;
    let mut chosen = Chosen::sides(&input, &options.sides, &[], group)?;
    let rule = input.missing_rule();
    let frame = input.load(&chosen.wanted, &mut messages)?;
    chosen.leave_out_row_numbers(&frame, &mut messages)?;
    let frame = options.measure.rows.prepare(frame, chosen.group_place(), rule, &mut messages)?;
    let [x, y, _] = chosen.of(&frame);
    chosen.say_kinds(&frame, options.measure.rows.is_ordered(), &mut messages);
    let rows = complete_rows(&x, &y, &[], &Lags::default(), frame.rows, rule)?;
    if let Some(note) = rows.note() {
        messages.note(note);
    }
    let mut observations = Observations::at_lag(&x, &y, &[], &rows.used, 0);
    let mut used = rows.used;
    if options.measure.rows.dedup() && !frame.has_own_repeats {
        let places = observations.no_copies(options.measure.seed)?;
        observations = observations.select(&places);
        used = places.into_iter().map(|place| used[place]).collect();
    }
    let structure = options.measure.rows.structure(chosen.group(&frame), &used)?;
    let (whole, checks) = checks(&observations, &options.measure.plan_of_one(structure))?;
    whole.warnings.iter().for_each(|warning| messages.warn(warning.clone()));
    let base = whole.estimates.first().map_or(f64::NAN, |estimate| estimate.value);
    let unit = options.output.unit;
    let failed = checks.iter().filter(|check| !check.holds()).count();
    if options.output.json {
        let rows = checks.iter().map(|check| CheckRow {
            check: check.name,
            expected: unit.of(check.expected),
            found: unit.of(check.found),
            tolerance: unit.of(check.tolerance),
            holds: check.holds(),
        });
        let body = Body {
            files: options.table.file_names(),
            unit: unit.name(),
            rows: observations.n(),
            estimate: unit.of(base),
            checks: rows.collect(),
        };
        write_json(out, "selftest", body, &messages)?;
    } else if options.output.csv {
        let mut csv = Csv::new(&["check", "expected", "found", "tolerance", "holds"])?;
        for check in &checks {
            let numbers = [check.expected, check.found, check.tolerance];
            let numbers = numbers.map(|nats| Cell::from(unit.of(nats)));
            let holds = if check.holds() { "true" } else { "false" };
            csv.row([check.name.into()].into_iter().chain(numbers).chain([holds.into()]))?;
        }
        csv.write(out)?;
    } else {
        let (title, name) = (observations.title(), unit.name());
        let grid = grid(&checks, |nats| unit.of(nats));
        let heading = wrap(&format!("I({title}) = {:.4} {name}", unit.of(base)));
        let text = format!("{heading}\n\n{grid}\n{}", reasons(&checks));
        out.write_all(text.as_bytes()).map_err(CliError::from_stdout)?;
    }
    if failed > 0 {
        out.flush().map_err(CliError::from_stdout)?;
        return Err(CliError::Data(format!("{failed} of {} checks failed", checks.len())));
    }
    Ok(())
}

fn grid(checks: &[Check], unit: impl Fn(f64) -> f64) -> TextTable {
    let mut grid = TextTable::new(&[
        ("", Align::Left),
        ("check", Align::Left),
        ("expected", Align::Right),
        ("found", Align::Right),
        ("within", Align::Right),
    ]);
    for check in checks {
        grid.row([
            if check.holds() { "ok" } else { "OFF" }.to_owned(),
            check.name.to_owned(),
            format!("{:.4}", unit(check.expected)),
            format!("{:.4}", unit(check.found)),
            format!("{:.1e}", unit(check.tolerance)),
        ]);
    }
    grid
}

/// Why each check must hold.
fn reasons(checks: &[Check]) -> String {
    let lines = checks.iter().map(|check| format!("{}: {}", check.name, check.meaning));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}
