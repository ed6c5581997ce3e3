use std::collections::BTreeSet;
use std::io::Write;

use clap::Args;
use mi_samples::{TestResult, information_correlation};
use serde::Serialize;

use super::chosen::{MeasureOptions, columns_but, say_kind};
use super::estimate::{EstimateRow, interval};
use super::p_value::{ENOUGH, Permutations, SURROGATES, check_no_training};
use crate::correction::Correction;
use crate::error::CliError;
use crate::estimator::{Plan, short_title};
use crate::input::Input;
use crate::messages::{Messages, Warning};
use crate::options::{OutputOptions, TableOptions, Unit};
use crate::output::{Align, Csv, TextTable, narrow, p_value, wrap, write_json};
use crate::pairs::{ColumnSample, Pair};
use crate::words::{count, cut};

/// Fewest characters of a name, or of a method.
const NARROWEST_NAME: usize = 12;

/// The level below which a corrected p-value is usually called significant.
const LEVEL: f64 = 0.05;

/// Options of `mi rank`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  mi rank data.csv --target price
  mi rank data.csv --target price --columns 'room_*' --correction holm --permutations 999
  mi rank data.csv --target price --missing drop --json

Each column is measured separately: two that say the same both rank high. For information beyond
that of a known column, use mi estimate --given.")]
pub struct RankOptions {
    #[command(flatten)]
    table: TableOptions,

    /// The target column
    #[arg(long, value_name = "COLUMN", help_heading = "Columns")]
    target: String,

    /// The columns to rank [default: all others]
    #[arg(long, value_name = "COLUMNS", help_heading = "Columns")]
    columns: Vec<String>,

    /// Columns to leave out, such as identifiers
    #[arg(long, value_name = "COLUMNS", help_heading = "Columns")]
    exclude: Vec<String>,

    #[command(flatten)]
    measure: MeasureOptions,

    /// How p-values are corrected for their number
    #[arg(long, value_enum, default_value_t = Correction::Bh, help_heading = "Estimating")]
    correction: Correction,

    #[command(flatten)]
    pub(super) output: OutputOptions,
}

#[derive(Serialize)]
struct Body<'a> {
    files: Vec<String>,
    target: &'a str,
    unit: &'static str,
    seed: u64,
    permutations: usize,
    surrogate: Option<&'static str>,
    correction: &'static str,
    columns: Vec<Ranked<'a>>,
}

#[derive(Serialize)]
struct Ranked<'a> {
    column: &'a str,
    rows: usize,
    /// Why there is no estimate, if there is none.
    reason: Option<&'a str>,
    #[serde(flatten)]
    estimate: Option<EstimateRow>,
    corrected_p_value: Option<f64>,
}

/// Ranks columns by their information about a target.
pub(super) fn run(options: &RankOptions, out: &mut dyn Write) -> Result<(), CliError> {
    let mut messages = Messages::new(options.output.quiet);
    let mut input = Input::open(&options.table)?;
    let group = options.measure.rows().column(&mut input)?;
    let [target] = input.select("--target", std::slice::from_ref(&options.target))?[..] else {
        return Err(CliError::Usage("--target takes one column".into()));
    };
    let mut wanted = columns_but(&input, &options.columns, &options.exclude)?;
    wanted.retain(|&index| index != target && Some(index) != group);
    wanted.insert(0, target);
    let name = input.names()[target].clone();
    let rule = input.missing_rule();
    let (frame, structure) = options.measure.rows().load(input, wanted, group, &mut messages)?;
    let chosen = if options.columns.is_empty() {
        // The target comes first.
        frame.features(Some(0), &mut messages)
    } else {
        frame.columns.iter().collect()
    };
    let columns =
        ColumnSample::all(chosen, frame.rows, rule, options.measure.seed(), &mut messages)?;
    let Some((target, others)) = columns.split_first() else {
        return Err(CliError::Usage("--target takes one column".into()));
    };
    if let Some(why) = &target.unusable {
        return Err(CliError::Data(format!(
            "the target `{}` says nothing about any column: {why}",
            cut(&name)
        )));
    }
    if others.is_empty() {
        return Err(CliError::Usage("there is no column to rank except the target".into()));
    }
    for column in &columns {
        say_kind(column.column, &mut messages);
    }
    let both: Vec<_> = others.iter().map(|column| (column, target)).collect();
    let plan = |permutations: Permutations| {
        options.measure.plan_of_one(frame.rows, structure.clone(), permutations)
    };
    let (pairs, most) = match options.measure.permutations() {
        Some(asked) => {
            (plan(Permutations::asked(asked))?.measure_pairs(&both, &mut messages)?, asked)
        }
        None => match check_no_training(options.measure.methods()) {
            Ok(()) => by_as_many_as_decide(&both, options.correction, plan, &mut messages)?,
            Err(why) => {
                messages.warn(Warning::new("no_p_value", why).mild());
                (plan(Permutations::asked(0))?.measure_pairs(&both, &mut messages)?, 0)
            }
        },
    };
    // Columns without an estimate have no rank and come last.
    let ranked = others.iter().zip(pairs);
    let (ranked, unranked): (Vec<_>, Vec<_>) =
        ranked.partition(|(_, pair)| pair.estimate().is_some());
    let tested = ranked.len();
    let tests = ranked.iter().map(|(_, pair)| pair.estimate()?.test.as_ref());
    let p_values: Option<Vec<f64>> = tests.map(|test| Some(test?.p_value)).collect();
    let corrected = p_values.map(|p_values| options.correction.adjust(&p_values));
    let (others, pairs): (Vec<_>, Vec<_>) = ranked.into_iter().chain(unranked).unzip();
    warn_of_few_permutations(options.correction, most, &pairs, &mut messages);
    let mut order: Vec<usize> = (0..tested).collect();
    order.sort_by(|&a, &b| pairs[b].nats().total_cmp(&pairs[a].nats()));
    order.extend(tested..pairs.len());
    let unit = options.output.unit;
    if options.output.json {
        let ranked = order.iter().map(|&i| Ranked {
            column: &others[i].column.name,
            rows: pairs[i].n,
            reason: pairs[i].reason.as_deref(),
            estimate: pairs[i].estimate().map(|estimate| EstimateRow::new(estimate, unit)),
            corrected_p_value: corrected.as_ref().and_then(|corrected| corrected.get(i).copied()),
        });
        let body = Body {
            files: options.table.file_names(),
            target: &name,
            unit: unit.name(),
            seed: options.measure.seed(),
            permutations: most,
            surrogate: (most > 0).then(|| options.measure.surrogate_name(false, &structure)),
            correction: options.correction.name(),
            columns: ranked.collect(),
        };
        return write_json(out, "rank", body, &messages);
    }
    if options.output.csv {
        let ends = (&["column", "rows"][..], &["corrected_p_value", "reason"][..]);
        let mut csv = Csv::new(&[ends.0, &EstimateRow::headings(unit), ends.1].concat())?;
        for &i in &order {
            let start = [others[i].column.name.as_str().into(), pairs[i].n.into()];
            let estimate = pairs[i].estimate().map(|estimate| EstimateRow::new(estimate, unit));
            let cells = estimate.map_or_else(EstimateRow::no_cells, |estimate| estimate.cells());
            let p = corrected.as_ref().and_then(|corrected| corrected.get(i).copied());
            let end = [p.into(), pairs[i].reason.as_deref().unwrap_or_default().into()];
            csv.row(start.into_iter().chain(cells).chain(end))?;
        }
        return csv.write(out);
    }
    let names: Vec<&str> = others.iter().map(|other| other.column.name.as_str()).collect();
    let grid = grid(&names, &pairs, &order, corrected.as_deref(), unit);
    let neighbours = neighbours(&pairs);
    let footnote = if corrected.is_some() && tested > 0 {
        let (up_to, fewer) = if options.measure.permutations().is_some() {
            ("", String::new())
        } else {
            ("up to ", format!(", stopping once {ENOUGH} reach the estimate"))
        };
        let text = format!(
            "p: {up_to}{most} surrogates ({}){fewer}; corrected for {} ({})",
            options.measure.surrogate_name(false, &structure),
            count(tested, "column"),
            options.correction.title()
        );
        format!("\n{}\n{neighbours}", wrap(&text))
    } else if neighbours.is_empty() {
        String::new()
    } else {
        format!("\n{neighbours}")
    };
    let heading = format!("information about {}, in {}", cut(&name), unit.name());
    let mut reasons = String::new();
    for &i in &order[tested..] {
        if let Some(why) = &pairs[i].reason {
            let text = format!("no estimate for `{}`: {why}", cut(names[i]));
            reasons.extend(["\n", &wrap(&text), "\n"]);
        }
    }
    write!(out, "{heading}\n\n{grid}{footnote}{reasons}").map_err(CliError::from_stdout)
}

/// The numbers of neighbours of the methods that use them.
fn neighbours(pairs: &[Pair]) -> String {
    let used = pairs.iter().filter_map(Pair::estimate);
    let used = used.filter_map(|e| Some((short_title(e), e.estimator.neighbours?)));
    let used: BTreeSet<String> = used.map(|(method, k)| format!("{method} k = {k}")).collect();
    if used.is_empty() {
        return String::new();
    }
    let used: Vec<String> = used.into_iter().collect();
    wrap(&format!("nearest neighbours: {}", used.join(", "))) + "\n"
}

fn grid(
    names: &[&str],
    pairs: &[Pair],
    order: &[usize],
    corrected: Option<&[f64]>,
    unit: Unit,
) -> TextTable {
    let columns = [
        ("column", Align::Left),
        ("rows", Align::Right),
        ("method", Align::Left),
        ("estimate", Align::Right),
        ("95 % interval", Align::Left),
        ("like r", Align::Right),
        ("p", Align::Left),
    ];
    let row = |&i: &usize| {
        let mut row = vec![names[i].to_owned()];
        let Some(estimate) = pairs[i].estimate() else {
            row.resize(columns.len(), "-".into());
            return row;
        };
        let p = match (corrected, &estimate.test) {
            // If it is corrected to 1, it is not a limit.
            (Some(p), Some(test)) => p_value(p[i], test.at_least == 0 && p[i] < 1.0),
            _ => "-".into(),
        };
        row.extend([
            pairs[i].n.to_string(),
            short_title(estimate),
            format!("{:.4}", unit.of(estimate.value)),
            interval(estimate, unit),
            format!("{:.2}", information_correlation(estimate.value)),
            p,
        ]);
        row
    };
    let rows: Vec<Vec<String>> = order.iter().map(row).collect();
    narrow(&columns, &rows, &[(0, NARROWEST_NAME), (2, NARROWEST_NAME), (0, 1)])
}

/// Measures pairs with as many permutations as their corrected p-values need, and returns the
/// largest number used.
///
/// Every test ends once [`ENOUGH`] surrogates reach the estimate (Besag and Clifford, 1991). It
/// starts with at most [`SURROGATES`]. If some columns were reached by none, and the smallest
/// possible p-value is not significant after the correction, all of those columns get more. A
/// column's own surrogates affect whether it continues only in one way: none may have reached it.
/// So its p-value stays valid: at a level below 1/(1 + `SURROGATES`) only the longer test counts,
/// and above it continuing can only raise p.
fn by_as_many_as_decide(
    both: &[(&ColumnSample<'_>, &ColumnSample<'_>)],
    correction: Correction,
    plan: impl Fn(Permutations) -> Result<Plan, CliError>,
    messages: &mut Messages,
) -> Result<(Vec<Pair>, usize), CliError> {
    let not_cautious = |most| Permutations { is_cautious: false, ..Permutations::by_default(most) };
    let mut most = SURROGATES;
    let mut pairs = plan(not_cautious(most))?.measure_pairs(both, messages)?;
    let tests = pairs.iter().filter(|pair| test_of(pair).is_some()).count();
    loop {
        // Columns that could continue: no surrogate has reached them, and more exist.
        let open: Vec<usize> = (0..pairs.len())
            .filter(|&i| test_of(&pairs[i]).is_some_and(|t| t.at_least == 0 && t.available == most))
            .collect();
        let enough = correction.enough(tests, open.len(), LEVEL);
        if open.is_empty() || most >= enough {
            return Ok((pairs, most));
        }
        // Twice the number needed allows for one surrogate that reaches the estimate.
        most = 2 * enough;
        let again: Vec<_> = open.iter().map(|&i| both[i]).collect();
        let found = plan(not_cautious(most))?.measure_pairs(&again, messages)?;
        for (i, pair) in open.into_iter().zip(found) {
            pairs[i] = pair;
        }
    }
}

fn test_of(pair: &Pair) -> Option<&TestResult> {
    pair.estimate()?.test.as_ref()
}

/// With few surrogates and many columns, the correction can leave nothing below 0.05.
fn warn_of_few_permutations(
    correction: Correction,
    asked: usize,
    pairs: &[Pair],
    messages: &mut Messages,
) {
    let tests: Vec<&TestResult> = pairs.iter().filter_map(test_of).collect();
    let Some(available) = tests.iter().map(|test| test.available).max() else { return };
    // Only p-values of columns that no surrogate has reached are as small as the number of
    // surrogates allows; the correction judges them together.
    let unreached = tests.iter().filter(|test| test.at_least == 0).count();
    if unreached == 0 || available >= correction.enough(tests.len(), unreached, LEVEL) {
        return;
    }
    let enough = correction.enough(tests.len(), 1, LEVEL);
    let smallest = (correction.enough(tests.len(), 1, 1.0) as f64 + 1.0) / (available as f64 + 1.0);
    let advice = if available < asked {
        "no more different ones exist: more rows, or fewer --columns, would help".to_owned()
    } else {
        format!("use --permutations {enough} or more")
    };
    messages.warn(Warning::new(
        "few_permutations",
        format!(
            "{available} surrogates and {}: a single relevant column has a corrected \
             p-value of at least {smallest:.2} ({}); {advice}",
            count(tests.len(), "column"),
            correction.title()
        ),
    ));
}
