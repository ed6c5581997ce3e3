use std::io::Write;

use clap::Args;
use mi_samples::{ColumnKind, ColumnType, Declared};
use serde::Serialize;

use crate::error::CliError;
use crate::estimator::short;
use crate::input::Input;
use crate::messages::Messages;
use crate::options::TableOptions;
use crate::output::{Align, TextTable, write_json};
use crate::table::Column;

/// Options of `mi columns`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  mi columns data.csv
  mi columns prices.csv --delimiter ';' --decimal ,
  zcat big.csv.gz | mi columns - --json")]
pub struct ColumnsOptions {
    #[command(flatten)]
    table: TableOptions,

    /// Write the list as JSON (its schema: docs/json.md of this crate)
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// Say nothing on standard error but errors
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
}

/// What is said of one column.
#[derive(Serialize)]
struct Summary {
    number: usize,
    name: String,
    kind: String,
    discrete: bool,
    missing: usize,
    distinct: usize,
    min: Option<f64>,
    max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Body {
    files: Vec<String>,
    rows: usize,
    columns: Vec<Summary>,
}

/// Lists the columns of the files.
pub(super) fn run(options: &ColumnsOptions, out: &mut dyn Write) -> Result<(), CliError> {
    let mut messages = Messages::new(options.quiet);
    let input = Input::open(&options.table)?;
    let all: Vec<usize> = (0..input.names().len()).collect();
    let frame = input.load(&all, &mut messages)?;
    let columns: Vec<Summary> =
        frame.columns.iter().enumerate().map(|(i, column)| summary(i + 1, column)).collect();
    if options.json {
        let body = Body { files: options.table.files.clone(), rows: frame.rows, columns };
        return write_json(out, "columns", body, &messages);
    }
    let mut grid = TextTable::new(&[
        ("", Align::Right),
        ("column", Align::Left),
        ("kind", Align::Left),
        ("missing", Align::Right),
        ("different", Align::Right),
        ("values", Align::Left),
    ]);
    for (summary, column) in columns.iter().zip(&frame.columns) {
        grid.row([
            summary.number.to_string(),
            summary.name.clone(),
            summary.kind.clone(),
            summary.missing.to_string(),
            summary.distinct.to_string(),
            values(column, summary),
        ]);
    }
    write!(out, "{}", grid).map_err(CliError::from_stdout)
}

fn summary(number: usize, column: &Column) -> Summary {
    let numbers =
        || column.values.iter().copied().filter(|v| !v.is_nan() && column.labels.is_none());
    let found = column.column_type();
    Summary {
        number,
        name: column.name.clone(),
        kind: found.as_ref().map_or_else(|| "nothing".into(), |found| kind(column, found)),
        discrete: found.as_ref().is_some_and(ColumnType::is_discrete),
        missing: column.missing,
        distinct: found.map_or(0, |found| found.distinct),
        min: numbers().reduce(f64::min),
        max: numbers().reduce(f64::max),
        labels: column.labels.clone(),
    }
}

/// What a column is taken for, in a word or three.
fn kind(column: &Column, found: &ColumnType) -> String {
    match (&found.kind, &column.labels) {
        (ColumnKind::Constant, _) => "constant".into(),
        (ColumnKind::Discrete, Some(_)) => "discrete (text)".into(),
        (ColumnKind::Discrete, None) if found.declared == Declared::Discrete => {
            "discrete (--discrete)".into()
        }
        (ColumnKind::Discrete, None) => "discrete (few values)".into(),
        (ColumnKind::Mixture { .. }, _) => "continuous with repeated values".into(),
        (ColumnKind::Lattice { step }, _) => format!("continuous in steps of {}", short(*step)),
        (ColumnKind::Continuous, _) => "continuous".into(),
    }
}

/// The range of a column of numbers, or the first of its labels.
fn values(column: &Column, summary: &Summary) -> String {
    const SHOWN: usize = 5;
    match (&column.labels, summary.min, summary.max) {
        (Some(labels), ..) => {
            let mut shown = labels.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
            if labels.len() > SHOWN {
                shown.push_str(", ...");
            }
            shown
        }
        (None, Some(min), Some(max)) => format!("{min} to {max}"),
        _ => "none".into(),
    }
}
