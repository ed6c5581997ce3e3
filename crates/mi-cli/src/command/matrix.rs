use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use mi_plot::{HeatMap, shortened};
use serde::Serialize;

use super::chosen::{BasicOptions, columns_but, say_kind};
use crate::clusters;
use crate::error::CliError;
use crate::input::Input;
use crate::messages::Messages;
use crate::options::{OutputOptions, ReplaceOptions, TableOptions, Unit};
use crate::output::{Align, Csv, LINE, OutputFile, TextTable, heat_map, write_json};
use crate::pairs::{ColumnSample, Pair};
use crate::words::count;

/// Pairs that are listed.
const LISTED: usize = 40;
/// The smallest width of a name; with less, a matrix is listed pair by pair.
const NARROWEST_NAME: usize = 8;

/// Options of `mi matrix`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  mi matrix data.csv
  mi matrix data.csv --columns 'temp_*,rain' --heat-map
  mi matrix data.csv --exclude id --missing drop --svg matrix.svg
  mi matrix data.csv --csv > pairs.csv
  mi matrix data.csv --order clusters --heat-map

Columns are headed by their numbers. Where pairs have different numbers of rows, values are
above the diagonal and numbers of rows below it.")]
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

    /// Show the matrix as a heat map in the terminal
    #[arg(long, conflicts_with_all = ["json", "csv"], help_heading = "Output")]
    heat_map: bool,

    /// Also draw a heat map into this SVG file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    svg: Option<PathBuf>,

    /// The order of the columns
    #[arg(long, value_enum, default_value_t = Order::File, help_heading = "Output")]
    order: Order,

    #[command(flatten)]
    replace: ReplaceOptions,
}

/// The order of the columns of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Order {
    /// As in the file
    File,
    /// Columns that share most information next to each other
    Clusters,
}

#[derive(Serialize)]
struct Body<'a> {
    files: Vec<String>,
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
    method: Option<&'static str>,
    neighbours: Option<usize>,
    value: Option<f64>,
    /// Why there is no estimate, if there is none.
    reason: Option<&'a str>,
}

/// Estimates every pair of columns.
pub(super) fn run(options: &MatrixOptions, out: &mut dyn Write) -> Result<(), CliError> {
    let mut messages = Messages::new(options.output.quiet);
    let (files, force) = (&options.table.files, options.replace.force);
    let check = |path: &PathBuf| OutputFile::check("--svg", path, files, force);
    let svg = options.svg.as_ref().map(check).transpose()?;
    let mut input = Input::open(&options.table)?;
    let rows = &options.measure.rows;
    let group = rows.column(&mut input)?;
    let mut wanted = columns_but(&input, &options.columns, &options.exclude)?;
    wanted.retain(|&index| Some(index) != group);
    let rule = input.missing_rule();
    let (frame, structure) = rows.load(input, wanted, group, &mut messages)?;
    let plan = options.measure.plan_of_one(structure);
    let chosen = if options.columns.is_empty() {
        frame.features(None, &mut messages)
    } else {
        frame.columns.iter().collect()
    };
    if chosen.len() < 2 {
        let way = if chosen.len() < frame.columns.len() {
            "; columns that number the rows are left out unless `--keep-row-numbers` keeps them"
        } else {
            ""
        };
        let there = count(chosen.len(), "column");
        let text = format!("a matrix needs two columns or more, and there is {there}{way}");
        return Err(CliError::Usage(text));
    }
    let columns = ColumnSample::all(chosen, frame.rows, rule, options.measure.seed, &mut messages)?;
    for column in &columns {
        say_kind(column.column, &mut messages);
    }
    let indices: Vec<(usize, usize)> =
        (0..columns.len()).flat_map(|i| (i + 1..columns.len()).map(move |j| (i, j))).collect();
    let both: Vec<_> = indices.iter().map(|&(i, j)| (&columns[i], &columns[j])).collect();
    let pairs = plan.measure_pairs(&both, &mut messages)?;
    let names = columns.iter().map(|column| column.column.name.clone()).collect();
    let found = PairResults { names, indices, pairs, unit: options.output.unit };
    let order = match options.order {
        Order::File => (0..found.names.len()).collect(),
        Order::Clusters => {
            clusters::order(&found.values(&(0..found.names.len()).collect::<Vec<_>>()))
        }
    };
    let names: Vec<String> = order.iter().map(|&place| found.names[place].clone()).collect();
    let values = found.values(&order);
    let unit = options.output.unit.name();
    if let Some(file) = svg {
        let heading = "Mutual information of every pair";
        let map = HeatMap::new(heading, &names, &names, |i, j| values[i][j]).unit(unit).from_zero();
        file.write(map.draw().standalone().as_bytes())?;
    }
    if options.output.json {
        let body = Body {
            files: options.table.file_names(),
            unit,
            seed: options.measure.seed,
            columns: &names,
            pairs: found.rows(),
        };
        return write_json(out, "matrix", body, &messages);
    }
    if options.output.csv {
        return found.csv(out);
    }
    let text = if options.heat_map {
        heat_map(&names, &values, unit, colour())
    } else {
        found.square(&names, &order, &values).unwrap_or_else(|| found.list())
    };
    out.write_all(text.as_bytes()).map_err(CliError::from_stdout)
}

/// Whether standard output supports and allows colours.
fn colour() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    std::io::stdout().is_terminal() && !set("NO_COLOR") && !dumb
}

/// The results for every pair of columns.
struct PairResults {
    names: Vec<String>,
    /// The two columns of each pair.
    indices: Vec<(usize, usize)>,
    pairs: Vec<Pair>,
    unit: Unit,
}

/// A pair that has an estimate.
struct Estimated {
    x: usize,
    y: usize,
    rows: usize,
    method: &'static str,
    value: f64,
}

impl PairResults {
    /// Every pair, with the reason if it has no estimate.
    fn rows(&self) -> Vec<PairRow<'_>> {
        let pairs = self.indices.iter().zip(&self.pairs);
        pairs
            .map(|(&(x, y), pair)| {
                let estimator = pair.estimate().map(|estimate| &estimate.estimator);
                PairRow {
                    x: &self.names[x],
                    y: &self.names[y],
                    rows: pair.n,
                    method: estimator.map(|estimator| estimator.method.name()),
                    neighbours: estimator.and_then(|estimator| estimator.neighbours),
                    value: estimator.map(|_| self.unit.of(pair.nats())),
                    reason: pair.reason.as_deref(),
                }
            })
            .collect()
    }

    fn estimated(&self) -> impl Iterator<Item = Estimated> {
        self.indices.iter().zip(&self.pairs).filter_map(|(&(x, y), pair)| {
            let method = pair.estimate()?.estimator.method.name();
            let value = self.unit.of(pair.nats());
            Some(Estimated { x, y, rows: pair.n, method, value })
        })
    }

    /// A symmetric matrix of one number per pair, with its columns in this order.
    fn matrix(&self, order: &[usize], number: impl Fn(&Estimated) -> f64) -> Vec<Vec<f64>> {
        let mut place = vec![0; order.len()];
        for (now, &before) in order.iter().enumerate() {
            place[before] = now;
        }
        let mut matrix = vec![vec![f64::NAN; order.len()]; order.len()];
        for one in self.estimated() {
            let (i, j) = (place[one.x], place[one.y]);
            matrix[i][j] = number(&one);
            matrix[j][i] = number(&one);
        }
        matrix
    }

    fn values(&self, order: &[usize]) -> Vec<Vec<f64>> {
        self.matrix(order, |one| one.value)
    }

    /// The matrix itself, if it fits on a line; columns are headed by their numbers.
    fn square(&self, names: &[String], order: &[usize], values: &[Vec<f64>]) -> Option<String> {
        let rows = self.matrix(order, |one| one.rows as f64);
        let mut counts: Vec<usize> = self.estimated().map(|one| one.rows).collect();
        counts.dedup();
        let mixed = counts.len() > 1;
        let number = |v: f64| if v.is_nan() { "-".into() } else { format!("{v:.3}") };
        let cell = |i: usize, j: usize| match rows[i][j] {
            rows if i > j && mixed && !rows.is_nan() => rows.to_string(),
            _ => number(values[i][j]),
        };
        let n = names.len();
        let cells: Vec<Vec<String>> =
            (0..n).map(|i| (0..n).map(|j| cell(i, j)).collect()).collect();
        let numbers: Vec<String> = (1..=n).map(|number| number.to_string()).collect();
        let width =
            |j: usize| cells.iter().map(|row| row[j].len()).fold(numbers[j].len(), usize::max);
        let taken = numbers[n - 1].len() + 2 + (0..n).map(|j| 2 + width(j)).sum::<usize>();
        let room = LINE.checked_sub(taken).filter(|&room| room >= NARROWEST_NAME)?;
        let mut headings = vec![("", Align::Right), ("", Align::Left)];
        headings.extend(numbers.iter().map(|number| (number.as_str(), Align::Right)));
        let mut grid = TextTable::new(&headings);
        for ((number, name), row) in numbers.iter().zip(names).zip(cells) {
            grid.row([number.clone(), shortened(name, room)].into_iter().chain(row));
        }
        let rows = match counts[..] {
            _ if mixed => "\nbelow the diagonal: the rows that each pair uses".to_owned(),
            [rows] => format!(", {}", count(rows, "row")),
            _ => String::new(),
        };
        let heading = format!("mutual information of every pair, in {}{rows}", self.unit.name());
        Some(format!("{heading}\n\n{grid}"))
    }

    /// The strongest pairs.
    fn list(&self) -> String {
        let mut pairs: Vec<Estimated> = self.estimated().collect();
        pairs.sort_by(|a, b| b.value.total_cmp(&a.value));
        let hidden = pairs.len().saturating_sub(LISTED);
        pairs.truncate(LISTED);
        let rows: Vec<[String; 3]> = pairs
            .iter()
            .map(|one| [one.rows.to_string(), one.method.to_owned(), format!("{:.4}", one.value)])
            .collect();
        let headings = ["rows", "method", self.unit.name()];
        let width =
            |k: usize| rows.iter().map(|row| row[k].len()).fold(headings[k].len(), usize::max);
        let taken: usize = (0..3).map(|k| 2 + width(k)).sum();
        let room = (LINE.saturating_sub(taken + 2) / 2).max(NARROWEST_NAME);
        let mut grid = TextTable::new(&[
            ("x", Align::Left),
            ("y", Align::Left),
            ("rows", Align::Right),
            ("method", Align::Left),
            (self.unit.name(), Align::Right),
        ]);
        for (one, row) in pairs.iter().zip(rows) {
            let names = [one.x, one.y].map(|column| shortened(&self.names[column], room));
            grid.row(names.into_iter().chain(row));
        }
        let more = match hidden {
            0 => String::new(),
            1 => "\n1 weaker pair is not shown; --csv and --json list all\n".into(),
            more => format!("\n{more} weaker pairs are not shown; --csv and --json list all\n"),
        };
        let none = match self.pairs.iter().filter(|pair| pair.estimate().is_none()).count() {
            0 => String::new(),
            none => {
                let pairs = count(none, "pair");
                format!(
                    "\n{pairs} without an estimate; --csv and --json list them with the reason\n"
                )
            }
        };
        format!("{grid}{more}{none}")
    }

    fn csv(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let unit = self.unit.name();
        let mut csv = Csv::new(&["x", "y", "rows", "method", "neighbours", unit, "reason"])?;
        for pair in self.rows() {
            csv.row([
                pair.x.into(),
                pair.y.into(),
                pair.rows.into(),
                pair.method.unwrap_or_default().into(),
                pair.neighbours.into(),
                pair.value.into(),
                pair.reason.unwrap_or_default().into(),
            ])?;
        }
        csv.write(out)
    }
}
