use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use mi_estimators::Method;
use mi_plot::HeatMap;
use serde::Serialize;

use crate::bench::{
    Benchmark, Calibration, Score, Stamp, benchmarks, calibrate, mean_absolute_error,
    run as measure, write_records,
};
use crate::error::CliError;
use crate::messages::Messages;
use crate::options::OutputOptions;
use crate::output::{Align, Grid, Progress, write_json};
use crate::select::select;

/// Options of `mi bench`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  mi bench --rows 2000 --seeds 3                    a quick look
  mi bench                                          40 tasks and two staircases, 10,000 rows
  mi bench --methods ksg1,gaussian-copula           the same without the neural method, which
                                                    takes nearly all of the time
  mi bench --benchmarks '1v1-*' --methods ksg1,ksg2
  mi bench --records bench-results/estimators --svg bench.svg
  mi bench --calibration 200 --rows 1000            intervals and p-values

The 40 tasks are those of Czyz et al. (2023), the staircases those of Poole et al. (2019).")]
pub struct BenchOptions {
    /// The distributions: names or patterns [default: all]
    #[arg(long, value_name = "NAMES")]
    benchmarks: Vec<String>,

    /// The estimators, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "auto,neural,ksg1,gaussian-copula,gaussian", value_parser = parse_method)]
    methods: Vec<Method>,

    /// Nearest neighbours [default: 3; 5 for mixture and mesner-shalizi]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    k: Option<u32>,

    /// Rows of each sample
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..))]
    rows: u32,

    /// Samples of each distribution
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    seeds: u32,

    /// Count instead how often 95 % intervals cover and p-values mislead, in so many trials
    #[arg(long, value_name = "TRIALS", value_parser = clap::value_parser!(u32).range(1..))]
    calibration: Option<u32>,

    /// Write every estimate to a new CSV file in this folder
    #[arg(long, value_name = "FOLDER")]
    records: Option<PathBuf>,

    /// Draw the absolute errors into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    #[command(flatten)]
    pub(super) output: OutputOptions,
}

fn parse_method(name: &str) -> Result<Method, String> {
    let found = Method::ALL.iter().find(|method| method.name() == name).copied();
    found.ok_or_else(|| {
        let names: Vec<&str> = Method::ALL.iter().map(|method| method.name()).collect();
        format!("the methods are {}", names.join(", "))
    })
}

#[derive(Serialize)]
struct Body {
    unit: &'static str,
    rows: u32,
    seeds: u32,
    results: Vec<Row>,
    mean_absolute_error: Vec<MethodError>,
    calibration: Vec<CalibrationRow>,
}

#[derive(Serialize)]
struct Row {
    benchmark: String,
    method: &'static str,
    r#true: f64,
    mean: Option<f64>,
    sd: Option<f64>,
    failed: usize,
}

#[derive(Serialize)]
struct MethodError {
    group: &'static str,
    method: &'static str,
    value: Option<f64>,
}

#[derive(Serialize)]
struct CalibrationRow {
    what: String,
    nominal: f64,
    share: f64,
    trials: usize,
}

/// Measures the estimators where the answer is known.
pub(super) fn run(options: &BenchOptions, out: &mut dyn Write) -> Result<(), CliError> {
    let mut messages = Messages::new(options.output.quiet);
    if let Some(trials) = options.calibration {
        return calibration(options, trials as usize, out, &messages);
    }
    let chosen = chosen(&options.benchmarks)?;
    let rows = options.rows as usize;
    let total = chosen.len() * options.seeds as usize;
    let progress = Progress::new("samples", total, options.output.quiet);
    let k = options.k.map(|k| k as usize);
    let scores =
        measure(&chosen, &options.methods, k, rows, options.seeds.into(), || progress.step())?;
    drop(progress);
    let mut groups: Vec<&'static str> = chosen.iter().map(Benchmark::group).collect();
    groups.dedup();
    if let Some(folder) = &options.records {
        let path = write_records(folder, &Stamp::now(), rows, &chosen, &scores)?;
        messages.note(format!("records: {}", path.display()));
    }
    if let Some(path) = &options.svg {
        let svg = draw(options, &chosen, &scores);
        std::fs::write(path, svg)
            .map_err(|source| CliError::Write { to: path.display().to_string(), source })?;
    }
    let unit = options.output.unit;
    let finite = |nats: f64| nats.is_finite().then(|| unit.of(nats));
    if options.output.json {
        let results = chosen.iter().zip(&scores).flat_map(|(benchmark, scores)| {
            scores.iter().map(|score| Row {
                benchmark: benchmark.id.clone(),
                method: score.method.name(),
                r#true: unit.of(benchmark.mutual_information()),
                mean: finite(score.mean()),
                sd: finite(score.deviation()).filter(|_| score.mean().is_finite()),
                failed: score.values.iter().filter(|value| value.is_none()).count(),
            })
        });
        let methods = options.methods.iter().enumerate();
        let errors = groups
            .iter()
            .flat_map(|&group| methods.clone().map(move |(m, method)| (group, m, method.name())));
        let body = Body {
            unit: unit.name(),
            rows: options.rows,
            seeds: options.seeds,
            results: results.collect(),
            mean_absolute_error: errors
                .map(|(group, m, method)| MethodError {
                    group,
                    method,
                    value: finite(mean_absolute_error(&chosen, &scores, group, m)),
                })
                .collect(),
            calibration: Vec::new(),
        };
        return write_json(out, "bench", body, &messages);
    }
    let mut headings = vec![("benchmark", Align::Left), ("true", Align::Right)];
    headings.extend(options.methods.iter().map(|method| (method.name(), Align::Right)));
    let mut grid = Grid::new(&headings);
    for (benchmark, scores) in chosen.iter().zip(&scores) {
        let mut row =
            vec![benchmark.id.clone(), format!("{:.4}", unit.of(benchmark.mutual_information()))];
        row.extend(scores.iter().map(|score| match finite(score.mean()) {
            Some(mean) => format!("{mean:.4} ± {:.4}", unit.of(score.deviation())),
            None => "failed".into(),
        }));
        grid.row(row);
    }
    for group in groups {
        let mut last = vec![format!("mean absolute error, {group}"), String::new()];
        last.extend((0..options.methods.len()).map(|m| {
            let error = finite(mean_absolute_error(&chosen, &scores, group, m));
            error.map_or_else(|| "-".into(), |error| format!("{error:.4}"))
        }));
        grid.row(last);
    }
    let (rows, seeds) = (options.rows, options.seeds);
    let heading = format!("{rows} rows, {seeds} seeds, mean ± sd, in {}", unit.name());
    write!(out, "{heading}\n\n{}", grid.render()).map_err(CliError::from_stdout)
}

fn chosen(names: &[String]) -> Result<Vec<Benchmark>, CliError> {
    let all = benchmarks();
    if names.is_empty() {
        return Ok(all);
    }
    let ids: Vec<String> = all.iter().map(|benchmark| benchmark.id.clone()).collect();
    let mut wanted: Vec<usize> = Vec::new();
    for list in names {
        let more = select(list, &ids);
        wanted.extend(more.map_err(|source| CliError::Select { option: "--benchmarks", source })?);
    }
    wanted.sort_unstable();
    wanted.dedup();
    Ok(wanted.into_iter().map(|index| all[index].clone()).collect())
}

/// A heat map of the absolute errors.
fn draw(options: &BenchOptions, chosen: &[Benchmark], scores: &[Vec<Score>]) -> String {
    let unit = options.output.unit;
    let labels: Vec<String> = chosen.iter().map(|benchmark| benchmark.id.clone()).collect();
    let methods: Vec<String> = options.methods.iter().map(|m| m.name().to_owned()).collect();
    HeatMap::new("Absolute error of the mean estimate", &labels, &methods, |row, method| {
        unit.of((scores[row][method].mean() - chosen[row].mutual_information()).abs())
    })
    .unit(unit.name())
    .decimals(3)
    .draw()
    .standalone()
}

fn calibration(
    options: &BenchOptions,
    trials: usize,
    out: &mut dyn Write,
    messages: &Messages,
) -> Result<(), CliError> {
    let found: Vec<Calibration> = calibrate(options.rows as usize, trials)?;
    if options.output.json {
        let calibration = found
            .into_iter()
            .map(|c| CalibrationRow {
                what: c.what,
                nominal: c.nominal,
                share: c.share,
                trials: c.trials,
            })
            .collect();
        let body = Body {
            unit: options.output.unit.name(),
            rows: options.rows,
            seeds: options.seeds,
            results: Vec::new(),
            mean_absolute_error: Vec::new(),
            calibration,
        };
        return write_json(out, "bench", body, messages);
    }
    let mut grid = Grid::new(&[
        ("share of trials", Align::Left),
        ("nominal", Align::Right),
        ("found", Align::Right),
    ]);
    for c in &found {
        let share = format!("{:.3} ± {:.3}", c.share, c.error());
        grid.row([c.what.clone(), format!("{:.2}", c.nominal), share]);
    }
    let heading = format!("{} rows, {trials} trials", options.rows);
    write!(out, "{heading}\n\n{}", grid.render()).map_err(CliError::from_stdout)
}
