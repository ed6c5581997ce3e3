use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use mi_plot::HeatMap;
use serde::Serialize;

use super::chosen::{BasicOptions, columns_but, say_kind};
use crate::error::CliError;
use crate::input::Input;
use crate::messages::Messages;
use crate::options::{OutputOptions, TableOptions, Unit};
use crate::output::{Align, Grid, heat_map, write_json};
use crate::pairs::{ColumnSample, Pair};

/// A matrix wider than this is listed pair by pair.
const WIDEST: usize = 12;
/// Pairs that are listed.
const LISTED: usize = 40;

/// Options of `mi matrix`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  mi matrix data.csv
  mi matrix data.csv --columns 'temp_*,rain' --heat-map
  mi matrix data.csv --exclude id --missing drop --svg matrix.svg
  mi matrix data.csv --csv > pairs.csv")]
pub struct MatrixOptions {
    #[command(flatten)]
    table: TableOptions,

    /// The columns to pair with one another [default: all]
    #[arg(long, value_name = "COLUMNS", help_heading = "Columns")]
    columns: Vec<String>,

    /// Columns to leave out, such as identifiers
    #[arg(long, value_name = "COLUMNS", help_heading = "Columns")]
    exclude: Vec<String>,

    #[command(flatten)]
    measure: BasicOptions,

    #[command(flatten)]
    pub(super) output: OutputOptions,

    /// Write one line a pair as CSV: x, y, rows, value
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    csv: bool,

    /// Show the matrix as a heat map in the terminal
    #[arg(long, conflicts_with_all = ["json", "csv"], help_heading = "Output")]
    heat_map: bool,

    /// Also draw a heat map into this file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    svg: Option<PathBuf>,
}

#[derive(Serialize)]
struct Body<'a> {
    files: &'a [String],
    unit: &'static str,
    seed: u64,
    columns: &'a [String],
    pairs: Vec<PairRow<'a>>,
}

#[derive(Serialize)]
struct PairRow<'a> {
    x: &'a str,
    y: &'a str,
    rows: usize,
    method: &'static str,
    neighbours: Option<usize>,
    value: f64,
}

/// Estimates every pair of columns.
pub(super) fn run(options: &MatrixOptions, out: &mut dyn Write) -> Result<(), CliError> {
    let mut messages = Messages::new(options.output.quiet);
    let mut input = Input::open(&options.table)?;
    let rows = &options.measure.rows;
    let group = rows.column(&mut input)?;
    let mut wanted = columns_but(&input, &options.columns, &options.exclude)?;
    wanted.retain(|&index| Some(index) != group);
    if wanted.len() < 2 {
        return Err(CliError::Usage("a matrix needs two columns or more".into()));
    }
    let rule = input.missing_rule();
    let (frame, structure) = rows.load(input, wanted, group, &mut messages)?;
    let plan = options.measure.plan_of_one(structure);
    let columns = ColumnSample::all(&frame, rule, options.measure.seed, &mut messages)?;
    let names: Vec<String> = columns.iter().map(|column| column.column.name.clone()).collect();
    for column in &columns {
        say_kind(column.column, &mut messages);
    }
    let indices: Vec<(usize, usize)> =
        (0..columns.len()).flat_map(|i| (i + 1..columns.len()).map(move |j| (i, j))).collect();
    let both: Vec<_> = indices.iter().map(|&(i, j)| (&columns[i], &columns[j])).collect();
    let pairs = plan.measure_pairs(&both, &mut messages)?;
    let unit = options.output.unit;
    let value = |pair: &Pair| unit.of(pair.nats());
    let mut matrix = vec![vec![f64::NAN; names.len()]; names.len()];
    for (&(i, j), pair) in indices.iter().zip(&pairs) {
        matrix[i][j] = value(pair);
        matrix[j][i] = value(pair);
    }
    if let Some(path) = &options.svg {
        draw(path, &names, &matrix, unit)?;
    }
    let rows = |(&(i, j), pair): (&(usize, usize), &Pair)| (i, j, pair.n, value(pair));
    let estimated = indices.iter().zip(&pairs).filter(|(_, pair)| pair.estimate().is_some());
    let listed: Vec<(usize, usize, usize, f64)> = estimated.map(rows).collect();
    if options.output.json {
        let pair_rows = indices.iter().zip(&pairs).filter_map(|(&(i, j), pair)| {
            let estimator = &pair.estimate()?.estimator;
            Some(PairRow {
                x: &names[i],
                y: &names[j],
                rows: pair.n,
                method: estimator.method.name(),
                neighbours: estimator.neighbours,
                value: value(pair),
            })
        });
        let body = Body {
            files: &options.table.files,
            unit: unit.name(),
            seed: options.measure.seed,
            columns: &names,
            pairs: pair_rows.collect(),
        };
        return write_json(out, "matrix", body, &messages);
    }
    let text = if options.csv {
        csv(&names, &listed, unit)?
    } else if options.heat_map {
        heat_map(&names, &matrix, unit.name(), colour())
    } else if names.len() <= WIDEST {
        square(&names, &matrix, unit)
    } else {
        list(&names, listed, unit)
    };
    out.write_all(text.as_bytes()).map_err(CliError::from_stdout)
}

/// Whether standard output shows colours and wants them.
fn colour() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    std::io::stdout().is_terminal() && !set("NO_COLOR") && !dumb
}

fn square(names: &[String], matrix: &[Vec<f64>], unit: Unit) -> String {
    let mut headings = vec![("", Align::Left)];
    headings.extend(names.iter().map(|name| (name.as_str(), Align::Right)));
    let mut grid = Grid::new(&headings);
    for (name, row) in names.iter().zip(matrix) {
        let cells = row.iter().map(|v| if v.is_nan() { "-".into() } else { format!("{v:.3}") });
        grid.row(std::iter::once(name.clone()).chain(cells));
    }
    format!("mutual information of every pair, in {}\n\n{}", unit.name(), grid.render())
}

/// The strongest pairs.
fn list(names: &[String], mut pairs: Vec<(usize, usize, usize, f64)>, unit: Unit) -> String {
    pairs.sort_by(|a, b| b.3.total_cmp(&a.3));
    let mut grid = Grid::new(&[
        ("x", Align::Left),
        ("y", Align::Left),
        ("rows", Align::Right),
        (unit.name(), Align::Right),
    ]);
    for &(i, j, rows, value) in pairs.iter().take(LISTED) {
        grid.row([names[i].clone(), names[j].clone(), rows.to_string(), format!("{value:.4}")]);
    }
    let more = match pairs.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!("\n{more} weaker pairs are not shown; --csv and --json list all\n"),
    };
    format!("{}{more}", grid.render())
}

fn csv(
    names: &[String],
    pairs: &[(usize, usize, usize, f64)],
    unit: Unit,
) -> Result<String, CliError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| CliError::Data(format!("cannot write CSV: {error}"));
    writer.write_record(["x", "y", "rows", unit.name()]).map_err(failed)?;
    for &(i, j, rows, value) in pairs {
        let (rows, value) = (rows.to_string(), value.to_string());
        writer.write_record([names[i].as_str(), &names[j], &rows, &value]).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn draw(
    path: &std::path::Path,
    names: &[String],
    matrix: &[Vec<f64>],
    unit: Unit,
) -> Result<(), CliError> {
    let svg = HeatMap::new("Mutual information of every pair", names, names, |i, j| matrix[i][j])
        .unit(unit.name())
        .draw()
        .standalone();
    std::fs::write(path, svg)
        .map_err(|source| CliError::Write { to: path.display().to_string(), source })
}
