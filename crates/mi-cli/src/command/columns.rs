use std::io::Write;
use std::ops::RangeInclusive;

use clap::Args;
use mi_samples::{ColumnKind, ColumnType, Declared};
use serde::Serialize;

use crate::error::CliError;
use crate::input::Input;
use crate::messages::{Messages, Warning};
use crate::options::TableOptions;
use crate::output::{Align, Csv, TextTable, write_json};
use crate::table::{Column, Origin};
use crate::words::{count, cut, cut_to};

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

    /// Write the list as CSV, one line per column
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    csv: bool,

    /// Print only errors on standard error
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
}

/// The summary of one column.
#[derive(Serialize)]
struct Summary {
    number: usize,
    name: String,
    kind: String,
    discrete: bool,
    missing: usize,
    /// Cells that do not fit.
    odd: usize,
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

/// Characters of a line on a terminal.
const WIDTH: usize = 80;
/// The characters of a name, depending on the room.
const NAMES: RangeInclusive<usize> = 12..=30;
/// The largest number of characters of a kind.
const KIND: usize = 28;
/// The smallest number of characters for labels; numbers are never cut.
const LABELS: usize = 12;

/// Lists the columns of the files.
pub(super) fn run(options: &ColumnsOptions, out: &mut dyn Write) -> Result<(), CliError> {
    let mut messages = Messages::new(options.quiet);
    let input = Input::inspect(&options.table)?;
    let all: Vec<usize> = (0..input.names().len()).collect();
    let frame = input.load(&all, &mut messages)?;
    for column in &frame.columns {
        say_odd(column, &mut messages);
    }
    let numbers = |place| frame.row_numbers.iter().any(|numbers| numbers.place == place);
    let columns: Vec<Summary> = frame
        .columns
        .iter()
        .enumerate()
        .map(|(place, column)| summary(place + 1, column, numbers(place)))
        .collect();
    if options.json {
        let body = Body { files: options.table.file_names(), rows: frame.rows, columns };
        return write_json(out, "columns", body, &messages);
    }
    if options.csv {
        let headings = ["number", "column", "kind", "missing", "odd", "different", "min", "max"];
        let mut csv = Csv::new(&headings)?;
        for column in &columns {
            csv.row([
                column.number.into(),
                column.name.as_str().into(),
                column.kind.as_str().into(),
                column.missing.into(),
                column.odd.into(),
                column.distinct.into(),
                column.min.into(),
                column.max.into(),
            ])?;
        }
        return csv.write(out);
    }
    write!(out, "{}", grid(&columns)).map_err(CliError::from_stdout)
}

/// Warns of cells that do not fit, which the other commands refuse.
fn say_odd(column: &Column, messages: &mut Messages) {
    let Some(odd) = &column.odd else { return };
    let others = match odd.count {
        1 => String::new(),
        more => format!(", and {} in the same column", count(more - 1, "more odd cell")),
    };
    let text = format!("{}{others}", odd.first);
    messages.warn(Warning::new("odd_cells", text).about([&column.name]));
}

/// The list, in lines of 80 characters if names and numbers allow it.
fn grid(columns: &[Summary]) -> TextTable {
    let headings = ["", "column", "kind", "missing", "different"];
    let mut cells: Vec<[String; 5]> = Vec::new();
    for summary in columns {
        cells.push([
            summary.number.to_string(),
            cut_to(&summary.name, *NAMES.end()),
            // For numbers "continuous" is implied.
            cut_to(summary.kind.trim_start_matches("continuous in "), KIND),
            summary.missing.to_string(),
            summary.distinct.to_string(),
        ]);
    }
    let width = |column: usize| {
        let widest = cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        widest.max(headings[column].chars().count()) + 2
    };
    let values: Vec<String> = columns.iter().map(values).collect();
    let numbers = values.iter().zip(columns).filter(|(_, summary)| summary.labels.is_none());
    let widest = numbers.map(|(text, _)| text.chars().count()).max().unwrap_or(0).max(LABELS);
    let others: usize = [0, 2, 3, 4].into_iter().map(width).sum();
    let name = WIDTH.saturating_sub(others + 2 + widest).clamp(*NAMES.start(), *NAMES.end());
    let left = WIDTH.saturating_sub(others + width(1).min(name + 2)).max(widest);
    let align = [Align::Right, Align::Left, Align::Left, Align::Right, Align::Right];
    let mut with_align: Vec<(&str, Align)> = headings.into_iter().zip(align).collect();
    with_align.push(("values", Align::Left));
    let mut grid = TextTable::new(&with_align);
    for (mut row, values) in cells.into_iter().zip(values) {
        row[1] = cut_to(&row[1], name);
        grid.row(row.into_iter().chain([cut_to(&values, left)]));
    }
    grid
}

fn summary(number: usize, column: &Column, numbers_rows: bool) -> Summary {
    let numbers =
        || column.values.iter().copied().filter(|v| !v.is_nan() && column.labels.is_none());
    let found = column.column_type();
    let kind = match &found {
        Some(_) if numbers_rows => "row numbers".into(),
        Some(found) => kind(column, found),
        None => "nothing".into(),
    };
    Summary {
        number,
        name: column.name.clone(),
        kind,
        discrete: found.as_ref().is_some_and(ColumnType::is_discrete),
        missing: column.missing - column.odd.as_ref().map_or(0, |odd| odd.count),
        odd: column.odd.as_ref().map_or(0, |odd| odd.count),
        distinct: found.map_or(0, |found| found.distinct),
        min: numbers().reduce(f64::min),
        max: numbers().reduce(f64::max),
        labels: column.labels.clone(),
    }
}

/// The kind of a column, in a few words.
fn kind(column: &Column, found: &ColumnType) -> String {
    match (&found.kind, column.origin) {
        (ColumnKind::Constant, _) => "constant".into(),
        (ColumnKind::Discrete, Origin::Text) => "discrete (text)".into(),
        (ColumnKind::Discrete, _)
            if found.declared == Declared::Discrete && column.origin != Origin::Spelling =>
        {
            "discrete (--discrete)".into()
        }
        (ColumnKind::Discrete, _) => "discrete (few values)".into(),
        (ColumnKind::Mixture { atoms, .. }, _) => match atoms[..] {
            [atom] => format!("mixture, {atom} repeats"),
            _ => format!("mixture, {} values repeat", atoms.len()),
        },
        (ColumnKind::Tied { step: Some(step) }, _) => {
            format!("continuous in steps of {}", brief(*step))
        }
        (ColumnKind::Tied { step: None }, _) => "continuous with ties".into(),
        (ColumnKind::Continuous, _) => "continuous".into(),
        _ => found.to_string(),
    }
}

/// The range of a column of numbers, or the first of its labels.
fn values(summary: &Summary) -> String {
    const SHOWN: usize = 5;
    match (&summary.labels, summary.min, summary.max) {
        (Some(labels), ..) => {
            let shown: Vec<String> = labels.iter().take(SHOWN).map(|label| cut(label)).collect();
            let more = if labels.len() > SHOWN { ", ..." } else { "" };
            shown.join(", ") + more
        }
        (None, Some(min), Some(max)) => format!("{} to {}", brief(min), brief(max)),
        _ => "none".into(),
    }
}

/// A number in a few characters: whole numbers to twelve digits as they are, others with five
/// significant digits.
fn brief(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e12 {
        return format!("{value}");
    }
    let rounded: f64 = format!("{value:.4e}").parse().unwrap_or(value);
    if (1e-4..1e6).contains(&rounded.abs()) { format!("{rounded}") } else { format!("{rounded:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.1 + 0.2, "0.3"),
            (123_456_789.0, "123456789"),
            (-1.0, "-1"),
            (1_709_618_828.0, "1709618828"),
            (1_709_618_828.25, "1.7096e9"),
            (0.000_012_345_67, "1.2346e-5"),
            (65_504.0, "65504"),
            (12.345_678, "12.346"),
            (f64::MIN_POSITIVE, "2.2251e-308"),
        ] {
            assert_eq!(brief(value), text);
        }
    }
}
