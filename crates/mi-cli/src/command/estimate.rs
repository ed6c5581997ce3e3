use std::io::Write;

use clap::Args;
use mi_critics::CriticSpec;
use mi_samples::{
    CrossFit, Estimate, Marginals, Method, RowStructure, TestResult, information_correlation,
};
use serde::Serialize;

use super::chosen::{Chosen, LOCAL_NEIGHBOURS, MeasureOptions, SideOptions};
use super::neural::NeuralOptions;
use super::p_value::{self, Permutations};
use super::rows::{PASTED, RowOptions};
use crate::error::CliError;
use crate::estimator::{self, Measured};
use crate::input::Input;
use crate::lag::Lags;
use crate::messages::{Messages, Warning};
use crate::observations::{Observations, complete_rows};
use crate::options::{OutputOptions, ReplaceOptions, TableOptions, Unit};
use crate::output::{Align, Cell, Csv, narrow, p_value, wrap, write_json};
use crate::reading;
use crate::table::Column;
use crate::usable::{Usable, usable};
use crate::words::{count, list};

/// Fewest characters of a method's title.
const NARROWEST: usize = 11;

/// Options of `mi estimate`.
#[derive(Args, Debug)]
#[command(after_help = "\
Columns are chosen by name, by number from 1, by range (a:c, 2:5) or by pattern (temp_*).

Examples:
  mi estimate data.csv --x height --y weight
  mi estimate data.csv --x 1:3 --y 'out_*' --given age --unit bits
  mi estimate series.csv --x rain --y river --lag 0:20 --permutations 199 --surrogate shift
  mi estimate series.csv --x rain --y river --history 3 --lag 1:5      transfer entropy
  mi estimate visits.csv --x dose --y pulse --group patient
  mi estimate x.npy y.npy                       the first array against the second
  mi estimate data.csv --x 1:5 --y out --method neural --save critic.safetensors

\"like r\" is the correlation of two Gaussian variables with the same information.
I(X; X) of continuous columns is infinite, and the information between continuous columns may
exceed their (differential) entropies: those are not bounds, unlike the entropy of a discrete
column. Small negative values are noise around zero.")]
pub struct EstimateOptions {
    #[command(flatten)]
    table: TableOptions,

    #[command(flatten)]
    sides: SideOptions,

    /// Columns to condition on: information beyond theirs, I(X; Y | Z)
    ///
    /// With --lag they are taken at the time of y.
    #[arg(long, value_name = "COLUMNS", help_heading = "Columns")]
    given: Vec<String>,

    /// Lags in rows: 3, 0:20, -5:5 or 0:100:10; at lag 2, x is paired with the y two rows later
    ///
    /// All lags use the same rows, so that their values can be compared. [default: 0; with
    /// --history 1]
    #[arg(long, allow_hyphen_values = true, help_heading = "Columns")]
    lag: Option<Lags>,

    /// Also condition on this many rows of y's own past: transfer entropy from x to y (Schreiber,
    /// 2000)
    ///
    /// At lag 1 that is I(x[t-1]; y[t] | y[t-1], ..., y[t-L]): the information of the last x about
    /// the next y beyond that of y's own past.
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u16).range(1..),
          conflicts_with_all = ["usable", "group"], help_heading = "Columns")]
    history: Option<u16>,

    #[command(flatten)]
    measure: MeasureOptions,

    #[command(flatten)]
    neural: NeuralOptions,

    /// Also measure the information that a linear (for a label: logistic) reader of x can use
    ///
    /// V-information (Xu et al., 2020), on rows that the reader was not fitted to.
    #[arg(long, conflicts_with = "given", help_heading = "Estimating")]
    usable: bool,

    #[command(flatten)]
    pub(super) output: OutputOptions,

    #[command(flatten)]
    replace: ReplaceOptions,
}

/// The result at one lag.
#[derive(Serialize)]
struct AtLag {
    lag: isize,
    estimates: Vec<EstimateRow>,
    usable: Option<UsableRow>,
}

/// V-information, in the output form.
#[derive(Serialize)]
struct UsableRow {
    reader: &'static str,
    value: f64,
    standard_error: f64,
    gap: usize,
}

/// One estimate, in the output form.
#[derive(Serialize)]
pub(super) struct EstimateRow {
    method: &'static str,
    neighbours: Option<usize>,
    marginals: Option<Marginals>,
    bound: Option<&'static str>,
    critic: Option<CriticSpec>,
    value: f64,
    uncorrected: Option<f64>,
    interval: Option<[f64; 2]>,
    extrapolated: Option<f64>,
    p_value: Option<f64>,
    surrogates: Option<usize>,
    smallest_p_value: Option<f64>,
    surrogate_mean: Option<f64>,
    gap: Option<usize>,
    equivalent_correlation: f64,
    tie_deviation: Option<f64>,
}

impl EstimateRow {
    pub(super) fn new(estimate: &Estimate, unit: Unit) -> Self {
        let interval = estimate.interval.map(|interval| [interval.lower, interval.upper]);
        let is_neural = estimate.estimator.method == Method::Neural;
        let neural = estimate.estimator.neural.as_ref().filter(|_| is_neural);
        Self {
            method: estimate.estimator.method.name(),
            neighbours: estimate.estimator.neighbours,
            marginals: estimate.estimator.marginals,
            bound: neural.map(|neural| neural.bound.name()),
            critic: neural.and_then(|neural| neural.critic.clone()),
            value: unit.of(estimate.value),
            uncorrected: estimate.uncorrected.map(|nats| unit.of(nats)),
            interval: interval.map(|ends| ends.map(|nats| unit.of(nats))),
            extrapolated: estimate.extrapolation.as_ref().map(|line| unit.of(line.limit)),
            p_value: estimate.test.as_ref().map(|test| test.p_value),
            surrogates: estimate.test.as_ref().map(|test| test.surrogates),
            smallest_p_value: estimate.test.as_ref().map(TestResult::smallest_p_value),
            surrogate_mean: estimate.test.as_ref().map(|test| unit.of(test.null_mean)),
            gap: estimate.gap.map(|gap| gap.rows),
            equivalent_correlation: information_correlation(estimate.value),
            tie_deviation: estimate.tie_deviation.map(|nats| unit.of(nats)),
        }
    }
}

impl EstimateRow {
    /// The headings of [`EstimateRow::cells`].
    pub(super) fn headings(unit: Unit) -> [&'static str; 10] {
        [
            "method",
            "neighbours",
            "bound",
            unit.name(),
            "lower",
            "upper",
            "uncorrected",
            "extrapolated",
            "p_value",
            "equivalent_correlation",
        ]
    }

    /// The cells of a CSV row that has no estimate.
    pub(super) fn no_cells() -> [Cell; 10] {
        [(); 10].map(|()| Cell::Number(None))
    }

    /// The estimate as cells of a CSV row.
    pub(super) fn cells(&self) -> [Cell; 10] {
        let [lower, upper] = self.interval.map_or([None; 2], |ends| ends.map(Some));
        [
            self.method.into(),
            self.neighbours.into(),
            self.bound.unwrap_or_default().into(),
            self.value.into(),
            lower.into(),
            upper.into(),
            self.uncorrected.into(),
            self.extrapolated.into(),
            self.p_value.into(),
            self.equivalent_correlation.into(),
        ]
    }
}

#[derive(Serialize)]
struct Body<'a> {
    files: Vec<String>,
    x: &'a [String],
    y: &'a [String],
    given: &'a [String],
    unit: &'static str,
    rows: usize,
    rows_left_out: usize,
    groups: Option<usize>,
    history: usize,
    seed: u64,
    permutations: usize,
    surrogate: Option<&'static str>,
    results: Vec<AtLag>,
    reading: Option<String>,
}

impl EstimateOptions {
    /// The lags, and the history, with their defaults.
    fn lags(&self) -> Lags {
        let default = if self.history.is_some() { Lags::one(1) } else { Lags::default() };
        let lags = self.lag.clone().unwrap_or(default);
        lags.with_history(self.history.map_or(0, usize::from))
    }

    /// Refuses options that do not fit with lags.
    fn check_time(&self, lags: &Lags) -> Result<(), CliError> {
        if !lags.use_time() {
            return Ok(());
        }
        if self.measure.rows().dedup() {
            return Err(CliError::Usage(
                "--dedup removes rows, which would misalign the others in time: it does \
                 not go with --lag or --history"
                    .into(),
            ));
        }
        if self.measure.rows().is_grouped() {
            return Err(CliError::Usage(
                "--lag pairs rows by position, even across subjects: it does not \
                 go with --group; make lagged columns within each subject first"
                    .into(),
            ));
        }
        if lags.history() > 0 && lags.values().iter().any(|&lag| lag < 1) {
            return Err(CliError::Usage(
                "transfer entropy uses only earlier rows of x: with --history every \
                 --lag is 1 or more"
                    .into(),
            ));
        }
        Ok(())
    }

    /// The permutations of a p-value by default, or none and the reason.
    fn permutations_by_default(
        &self,
        observations: &Observations,
        structure: &RowStructure,
        lags: &Lags,
        messages: &mut Messages,
    ) -> Permutations {
        let grouped = matches!(structure, RowStructure::Grouped(_));
        let fewest = 2 * LOCAL_NEIGHBOURS;
        let is_local = observations.given.is_some() && !self.measure.names_surrogate();
        let found = if is_local && observations.n() < fewest {
            Err(format!(
                "no p-value: rows are swapped with rows that have similar given columns, and \
                 among {} hardly any are; {fewest} or more are needed",
                count(observations.n(), "row")
            ))
        } else if grouped && observations.given.is_some() {
            Err("no p-value: no surrogate preserves both --group and the given columns".into())
        } else if grouped
            && !self.measure.names_surrogate()
            && structure.exchangeable_groups()[0] == 0
        {
            Err("no p-value: no two groups have the same number of rows, so none can take another's \
                 place; --surrogate within tests for a relation within groups"
                .into())
        } else {
            p_value::by_default(self.measure.methods(), observations, lags.values().len())
        };
        let found = found.map(|permutations| Permutations {
            is_cautious: permutations.is_cautious && !self.measure.names_surrogate(),
            ..permutations
        });
        found.unwrap_or_else(|why| {
            messages.warn(Warning::new("no_p_value", why).mild());
            Permutations::asked(0)
        })
    }
}

/// Estimates the information between two sides.
pub(super) fn run(options: &EstimateOptions, out: &mut dyn Write) -> Result<(), CliError> {
    let mut messages = Messages::new(options.output.quiet);
    let mut save = options.neural.file(&options.table.files, options.replace.force)?;
    let mut input = Input::open(&options.table)?;
    let row_options = options.measure.rows();
    let group = row_options.column(&mut input)?;
    let mut chosen = Chosen::sides(&input, &options.sides, &options.given, group)?;
    let missing = input.missing_rule();
    let lags = options.lags();
    options.check_time(&lags)?;
    let (frame, subjects) = row_options.read(input, &chosen.wanted, &mut messages)?;
    chosen.leave_out_row_numbers(&frame, &mut messages)?;
    let frame = row_options.prepare(frame, chosen.group_place(), missing, &mut messages)?;
    let [x, y, given] = chosen.of(&frame);
    chosen.say_kinds(&frame, lags.use_time() || row_options.is_ordered(), &mut messages);
    let mut rows = complete_rows(&x, &y, &given, &lags, frame.rows, missing)?;
    if row_options.dedup() && !frame.has_own_repeats {
        let all = Observations::at_lag(&x, &y, &given, &rows.used, 0);
        rows = rows.only(&all.no_copies(options.measure.seed())?);
    }
    if let Some(note) = rows.note() {
        messages.note(note);
    }
    // A column that is used does not name subjects, and a series has none.
    if !lags.use_time() {
        let is_used =
            |name: &String| [&x, &y, &given].iter().any(|s| s.iter().any(|c| c.name == *name));
        subjects
            .iter()
            .filter(|s| !is_used(&s.name))
            .for_each(|s| RowOptions::hint(s, &mut messages));
    }
    let structure = match row_options.structure(chosen.group(&frame), &rows.used)? {
        RowStructure::Exchangeable if lags.use_time() => RowStructure::Ordered,
        found => found,
    };
    let at_lag = |lag: isize| {
        Observations::at_lag(&x, &y, &given, &rows.used, lag).with_history(
            &y,
            &rows.used,
            lags.history(),
        )
    };
    let is_given = !given.is_empty() || lags.history() > 0;
    let permutations = match options.measure.permutations() {
        Some(asked) => Permutations::asked(asked),
        None => options.permutations_by_default(&at_lag(0), &structure, &lags, &mut messages),
    };
    let n = rows.used.len();
    let mut plan = options.measure.plan(n, structure, is_given, permutations)?;
    plan.settings.neural = options.neural.settings();
    plan.settings.check_ties = true;
    options.neural.check(&plan, lags.values().len(), [&x, &y])?;
    let structure = plan.settings.rows.clone();
    let split = CrossFit { rows: structure.clone(), ..CrossFit::at_random(options.measure.seed()) };
    messages.flush();
    let mut found: Vec<(isize, Measured)> = Vec::new();
    let mut readers: Vec<Option<Usable>> = Vec::new();
    let mut formula = String::new();
    for &lag in lags.values() {
        let observations = at_lag(lag);
        let mut measured = plan.measure(&observations)?;
        // Warnings about the table also apply to the estimate.
        let pasted = messages.warnings().iter().filter(|warning| warning.code == PASTED);
        measured.warnings.extend(pasted.cloned());
        measured.warnings.iter().for_each(|warning| messages.warn(warning.clone()));
        formula = observations.title();
        readers.push(if options.usable {
            let found = usable(&observations, &split)?;
            messages.warn_if(found.above(measured.estimates.first(), options.output.unit));
            messages.warn_if(found.nothing());
            Some(found)
        } else {
            None
        });
        if let Some(file) = save.take() {
            NeuralOptions::save(file, &measured, [&x, &y], &mut messages)?;
        }
        found.push((lag, measured));
    }
    // The rows are the same at every lag, but labels may be unique among them.
    let left_out = found.iter().map(|(_, measured)| measured.left_out()).max().unwrap_or(0);
    let used = rows.used.len() - left_out;
    let unit = options.output.unit;
    if lags.use_time() {
        formula = lags.formula(&x, &y, &given);
    }
    let estimates = found.iter().flat_map(|(_, measured)| &measured.estimates);
    let tested = estimates.clone().any(|estimate| estimate.test.is_some());
    let title = |columns: &[&Column]| -> String {
        list(&columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>())
    };
    let reading = reading::of(&found, [&title(&x), &title(&y)], unit);
    if options.output.json {
        let results = found.iter().zip(&readers).map(|((lag, measured), usable)| AtLag {
            lag: *lag,
            estimates: measured.estimates.iter().map(|e| EstimateRow::new(e, unit)).collect(),
            usable: usable.as_ref().map(|usable| UsableRow {
                reader: usable.family,
                value: unit.of(usable.found.value),
                standard_error: unit.of(usable.found.standard_error),
                gap: usable.found.gap.rows,
            }),
        });
        let names = |columns: &[&Column]| -> Vec<String> {
            columns.iter().map(|column| column.name.clone()).collect()
        };
        let body = Body {
            files: options.table.file_names(),
            x: &names(&x),
            y: &names(&y),
            given: &names(&given),
            unit: unit.name(),
            rows: used,
            rows_left_out: frame.left_out + rows.total - used,
            groups: structure.groups_count(),
            history: lags.history(),
            seed: options.measure.seed(),
            permutations: if tested { permutations.most } else { 0 },
            surrogate: tested.then(|| options.measure.surrogate_name(is_given, &structure)),
            results: results.collect(),
            reading,
        };
        return write_json(out, "estimate", body, &messages);
    }
    if options.output.csv {
        let headings = [&["x", "y", "given", "lag", "rows"][..], &EstimateRow::headings(unit)];
        let mut csv = Csv::new(&headings.concat())?;
        for (lag, measured) in &found {
            for estimate in &measured.estimates {
                let sides = [&x, &y, &given].map(|columns| {
                    let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
                    Cell::Text(names.join("; "))
                });
                let row = EstimateRow::new(estimate, unit);
                let start = [Cell::Integer(*lag as i64), used.into()];
                csv.row(sides.into_iter().chain(start).chain(row.cells()))?;
            }
        }
        return csv.write(out);
    }
    let table = match (&found[..], &readers[..]) {
        ([(_, measured)], [usable]) => one_lag(measured, unit) + &sentence(usable.as_ref(), unit),
        _ => many_lags(&found, &readers, unit),
    };
    let reading = reading.map_or_else(String::new, |reading| format!("\n{}\n", wrap(&reading)));
    let heading = wrap(&format!("I({formula}), {}, in {}", count(used, "row"), unit.name()));
    let text = format!("{heading}\n\n{table}{reading}");
    out.write_all(text.as_bytes()).map_err(CliError::from_stdout)
}

/// One line per method; columns that no method fills are left out.
fn one_lag(measured: &Measured, unit: Unit) -> String {
    let any = |has: fn(&Estimate) -> bool| measured.estimates.iter().any(has);
    let number = |value: Option<f64>| {
        value.map_or_else(|| "-".into(), |nats: f64| format!("{:.4}", unit.of(nats)))
    };
    let mut headings = vec![("method", Align::Left), ("estimate", Align::Right)];
    let uncorrected = any(|e| e.estimator.method == Method::PlugIn);
    let extrapolated = any(|e| e.extrapolation.is_some());
    let (intervals, tests) = (any(|e| e.interval.is_some()), any(|e| e.test.is_some()));
    for (shown, heading) in [
        (uncorrected, ("uncorrected", Align::Right)),
        (extrapolated, ("for N = inf", Align::Right)),
        (intervals, ("95 % interval", Align::Left)),
        (tests, ("p", Align::Left)),
    ] {
        headings.extend(shown.then_some(heading));
    }
    headings.push(("like r", Align::Right));
    let mut rows = Vec::new();
    for estimate in &measured.estimates {
        let mut row = vec![estimator::title(estimate), number(Some(estimate.value))];
        let limit = estimate.extrapolation.as_ref().map(|line| line.limit);
        for (shown, cell) in [
            (uncorrected, number(estimate.uncorrected)),
            (extrapolated, number(limit)),
            (intervals, interval(estimate, unit)),
            (tests, p(estimate)),
        ] {
            row.extend(shown.then_some(cell));
        }
        row.push(format!("{:.2}", information_correlation(estimate.value)));
        rows.push(row);
    }
    narrow(&headings, &rows, &[(0, NARROWEST)]).to_string()
}

/// The information that a reader of x can use.
fn sentence(usable: Option<&Usable>, unit: Unit) -> String {
    usable.map_or_else(String::new, |Usable { family, found }| {
        let text = format!(
            "A {family} reader of x can use {:.4} ± {:.4} {} of it (V-information, held out).",
            unit.of(found.value),
            unit.of(found.standard_error),
            unit.name()
        );
        format!("\n{}\n", wrap(&text))
    })
}

/// One line per lag, one column per method; the interval and the p-value are those of the first
/// method.
fn many_lags(found: &[(isize, Measured)], readers: &[Option<Usable>], unit: Unit) -> String {
    let first = found.first().map_or(&[][..], |(_, measured)| &measured.estimates[..]);
    let titles: Vec<String> = first.iter().map(estimator::title).collect();
    let intervals = first.first().is_some_and(|estimate| estimate.interval.is_some());
    let tests = first.first().is_some_and(|estimate| estimate.test.is_some());
    let mut headings = vec![("lag", Align::Right)];
    let mut values = Vec::new();
    for (i, title) in titles.iter().enumerate() {
        values.push((headings.len(), NARROWEST));
        headings.push((title, Align::Right));
        if i == 0 {
            headings.extend(intervals.then_some(("95 % interval", Align::Left)));
            headings.extend(tests.then_some(("p", Align::Left)));
        }
    }
    let usable = readers.iter().flatten().next().is_some();
    headings.extend(usable.then_some(("usable", Align::Right)));
    let mut rows = Vec::new();
    for ((lag, measured), reader) in found.iter().zip(readers) {
        let mut row = vec![lag.to_string()];
        for (i, estimate) in measured.estimates.iter().enumerate() {
            row.push(format!("{:.4}", unit.of(estimate.value)));
            if i == 0 {
                row.extend(intervals.then(|| interval(estimate, unit)));
                row.extend(tests.then(|| p(estimate)));
            }
        }
        row.extend(reader.as_ref().map(|usable| format!("{:.4}", unit.of(usable.found.value))));
        rows.push(row);
    }
    // Shortens the last titles first: the interval belongs to the first method.
    values.reverse();
    narrow(&headings, &rows, &values).to_string()
}

pub(super) fn interval(estimate: &Estimate, unit: Unit) -> String {
    estimate.interval.map_or_else(
        || "-".into(),
        |ends| format!("{:.3} to {:.3}", unit.of(ends.lower), unit.of(ends.upper)),
    )
}

fn p(estimate: &Estimate) -> String {
    let test = estimate.test.as_ref();
    test.map_or_else(|| "-".into(), |test| p_value(test.p_value, test.at_least == 0))
}
