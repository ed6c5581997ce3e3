use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use mi_samples::{Declared, NeuralCritic};
use ndarray::Array2;

use super::neural::{Trained, TrainedColumn};
use crate::error::CliError;
use crate::input::Input;
use crate::messages::Messages;
use crate::observations::refuse_missing;
use crate::options::{MissingRule, TableOptions, Unit, threads_parser};
use crate::select::by_name;
use crate::table::Column;
use crate::words::{cut, list};

/// Options of `mi pointwise`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  mi estimate old.csv --x 1:5 --y out --method neural --save critic.safetensors
  mi pointwise new.csv --critic critic.safetensors > rows.csv

Writes CSV: the row's number from 1 and its information, ln p(x, y) / (p(x) p(y)), which is above 0
where x and y go together more than by chance. The mean over new rows estimates the mutual
information; over the rows that the critic was trained on it is too large.")]
pub struct PointwiseOptions {
    #[command(flatten)]
    table: TableOptions,

    /// The file that `mi estimate --save` wrote; its columns are found by their names
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    critic: PathBuf,

    /// Unit of every information value
    #[arg(long, value_enum, default_value_t = Unit::Nats)]
    unit: Unit,

    /// Print only errors on standard error
    #[arg(long, short)]
    quiet: bool,

    /// Threads to use [default: all]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = threads_parser())]
    threads: Option<u16>,
}

impl PointwiseOptions {
    pub(super) fn threads(&self) -> (Option<u16>, bool) {
        (self.threads, self.quiet)
    }
}

/// Judges rows with a trained critic.
pub(super) fn run(options: &PointwiseOptions, out: &mut dyn Write) -> Result<(), CliError> {
    let mut messages = Messages::new(options.quiet);
    let file = options.critic.display();
    let unreadable = |error: &dyn std::fmt::Display| CliError::Data(format!("{file}: {error}"));
    let bytes = std::fs::read(&options.critic).map_err(|error| unreadable(&error))?;
    let critic = NeuralCritic::from_bytes(&bytes).map_err(|error| unreadable(&error))?;
    let trained: Trained =
        serde_json::from_str(critic.note()).map_err(|error| unreadable(&error))?;
    let mut input = Input::open(&options.table)?;
    let missing = input.missing_rule();
    let columns: Vec<&TrainedColumn> = trained.x.iter().chain(&trained.y).collect();
    let places = columns
        .iter()
        .map(|column| {
            let name = cut(&column.name);
            let trained = format!("{file} was trained on a column `{name}`");
            match by_name(&column.name, input.names()) {
                Ok(Some(place)) => Ok(place),
                Ok(None) => Err(CliError::Data(format!(
                    "{trained}, which is not among {}",
                    input.names().join(", ")
                ))),
                Err(_) => Err(CliError::Data(format!(
                    "{trained}, and several columns are called `{name}`: give each its own name"
                ))),
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    // Numbers stay numbers and labels stay labels, however few different ones the new rows have.
    for (column, &place) in columns.iter().zip(&places) {
        let labels = column.labels.is_some();
        input.declare(place, if labels { Declared::Discrete } else { Declared::Continuous });
    }
    let frame = input.load(&places, &mut messages).map_err(|error| of_numbers(error, &columns))?;
    let read: Vec<&Column> = frame.columns.iter().collect();
    if missing == MissingRule::Error {
        refuse_missing(&read, frame.rows)?;
    }
    let whole = |row: &usize| read.iter().all(|column| !column.values[*row].is_nan());
    let rows: Vec<usize> = (0..frame.rows).filter(whole).collect();
    if rows.len() < frame.rows {
        messages.note(format!(
            "{} of {} rows used; left out: {} with missing values",
            rows.len(),
            frame.rows,
            frame.rows - rows.len()
        ));
    }
    let values: Vec<Vec<f64>> = columns
        .iter()
        .zip(&read)
        .map(|(trained, column)| recoded(trained, column))
        .collect::<Result<_, _>>()?;
    let side = |first: usize, count: usize| {
        Array2::from_shape_fn((rows.len(), count), |(i, j)| values[first + j][rows[i]])
    };
    let (x, y) = (side(0, trained.x.len()), side(trained.x.len(), trained.y.len()));
    let ratios = critic.pointwise(x.view(), y.view())?;
    let mut line = |text: String| writeln!(out, "{text}").map_err(CliError::from_stdout);
    let heading = format!("row,{}", options.unit.name());
    let lines = rows.iter().zip(ratios);
    let lines = lines.map(|(row, ratio)| format!("{},{}", row + 1, options.unit.of(ratio)));
    std::iter::once(heading).chain(lines).try_for_each(&mut line)
}

/// An error of reading the rows, with the columns in which the critic expects numbers.
fn of_numbers(error: CliError, columns: &[&TrainedColumn]) -> CliError {
    let numbers = columns.iter().filter(|column| column.labels.is_none());
    let numbers: Vec<String> = numbers.map(|column| format!("`{}`", cut(&column.name))).collect();
    if numbers.is_empty() || !matches!(error, CliError::Table(_)) {
        return error;
    }
    let they = list(&numbers);
    CliError::Data(format!("{error} ({they} had numbers when the critic was trained)"))
}

/// A column's values, with the codes that labels had in training; a label that did not occur there
/// is -1, which is no label's code.
fn recoded(trained: &TrainedColumn, column: &Column) -> Result<Vec<f64>, CliError> {
    match (&trained.labels, &column.labels) {
        (None, None) => Ok(column.values.clone()),
        (Some(before), Some(now)) => {
            let code = |label: &String| before.iter().position(|known| known == label);
            let codes: Vec<f64> =
                now.iter().map(|label| code(label).map_or(-1.0, |code| code as f64)).collect();
            if codes.iter().all(|&code| code < 0.0) {
                let shown = |labels: &[String]| labels.first().map_or_else(String::new, |l| cut(l));
                return Err(CliError::Data(format!(
                    "column `{}` has none of the labels that it had when the critic was trained, \
                     such as `{}`, but others, such as `{}`",
                    cut(&column.name),
                    shown(before),
                    shown(now)
                )));
            }
            let value = |value: &f64| if value.is_nan() { *value } else { codes[*value as usize] };
            Ok(column.values.iter().map(value).collect())
        }
        (before, _) => {
            let (was, is) =
                if before.is_some() { ("text", "numbers") } else { ("numbers", "text") };
            Err(CliError::Data(format!(
                "column `{}` had {was} when the critic was trained, but now has {is}",
                column.name
            )))
        }
    }
}
