use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use mi_plot::Svg;
use serde::Serialize;

use crate::bench::{
    BenchMethod, Benchmark, Calibration, Estimates, Failure, Score, Setup, Store, Work,
    against_truth, benchmarks, calibrate, errors, kinds, mean_absolute_error, read_records,
    run as measure, scores,
};
use crate::error::CliError;
use crate::messages::{Messages, Warning};
use crate::options::{OutputOptions, ReplaceOptions};
use crate::output::{Align, Csv, OutputFile, Progress, TextTable, write_json};
use crate::select::select;
use crate::words::count;

/// Options of `mi bench`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  mi bench --rows 2000 --seeds 3                    a quick check
  mi bench --records bench.csv                      40 tasks and two staircases, 10,000 rows:
                                                    every estimate is kept in bench.csv as it is
                                                    made; stopped at any time, the same command
                                                    continues
  mi bench --from bench.csv --svg bench.svg         table and figure of what is in bench.csv
  mi bench --methods ksg1,gaussian-copula           without the neural method, which takes nearly
                                                    all of the time
  mi bench --methods neural,neural:nwj,neural:flo --seeds 2
  mi bench --benchmarks '1v1-*' --methods ksg1,ksg2
  mi bench --calibration 200 --rows 1000            intervals and p-values

The 40 tasks are those of Czyz et al. (2023), the staircases those of Poole et al. (2019).")]
pub struct BenchOptions {
    /// The distributions: names or patterns [default: all]
    #[arg(long, value_name = "NAMES")]
    benchmarks: Vec<String>,

    /// The estimators, separated by commas; the neural one also with another bound, such as
    /// neural:nwj [default: auto,neural,ksg1,gaussian-copula,gaussian; with --from: those in the
    /// files]
    #[arg(long, value_name = "METHODS", value_delimiter = ',', value_parser = BenchMethod::parse)]
    methods: Vec<BenchMethod>,

    /// Nearest neighbours [default: 3; 5 for mixture and mesner-shalizi]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_ROWS))]
    k: Option<u32>,

    /// Rows of each sample
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..=MOST_ROWS))]
    rows: u32,

    /// Samples of each distribution [default: 10; with --from: those in the files]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_SAMPLES))]
    seeds: Option<u32>,

    /// The seed of the first sample; the others follow by one
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    first_seed: u32,

    /// Instead count how often 95 % intervals cover and p-values mislead, in this many trials
    ///
    /// The intervals are those of --methods [default: ksg1,gaussian-copula,neural] for samples of
    /// --benchmarks [default: 1v1-normal-0.75].
    #[arg(long, value_name = "TRIALS", value_parser = clap::value_parser!(u32).range(1..=MOST_SAMPLES),
          conflicts_with_all = ["records", "svg", "heat", "seeds", "first_seed"])]
    calibration: Option<u32>,

    /// Keep every estimate in this CSV file as it is made; those already in it are not made again
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    records: Option<PathBuf>,

    /// Measure nothing: show the contents of such a file (repeat for several files)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath,
          conflicts_with_all = ["records", "calibration", "rows", "k"])]
    from: Vec<PathBuf>,

    /// Draw the mean estimates, their standard deviations and the truth into this SVG file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    svg: Option<PathBuf>,

    /// Draw the absolute errors of the mean estimates as a heat map into this SVG file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    heat: Option<PathBuf>,

    #[command(flatten)]
    pub(super) output: OutputOptions,

    #[command(flatten)]
    replace: ReplaceOptions,
}

/// More than this is assumed to be a mistake.
const MOST_ROWS: i64 = 10_000_000;
const MOST_SAMPLES: i64 = 1_000_000;

/// The default estimators.
const METHODS: [&str; 5] = ["auto", "neural", "ksg1", "gaussian-copula", "gaussian"];

/// The default distributions and estimators of --calibration.
const CALIBRATED: [&str; 1] = ["1v1-normal-0.75"];
const WITH_INTERVALS: [&str; 3] = ["ksg1", "gaussian-copula", "neural"];

/// The default number of samples of each distribution.
const SEEDS: u32 = 10;

#[derive(Serialize)]
struct Body {
    unit: &'static str,
    rows: usize,
    seeds: usize,
    results: Vec<Row>,
    mean_absolute_error: Vec<MethodError>,
    calibration: Vec<CalibrationRow>,
}

#[derive(Serialize)]
struct Row {
    benchmark: String,
    method: String,
    r#true: f64,
    mean: Option<f64>,
    sd: Option<f64>,
    failed: usize,
}

#[derive(Serialize)]
struct MethodError {
    group: &'static str,
    method: String,
    value: Option<f64>,
}

#[derive(Serialize)]
struct CalibrationRow {
    what: String,
    nominal: f64,
    share: f64,
    trials: usize,
}

/// Estimates and the options.
struct Measured {
    chosen: Vec<Benchmark>,
    methods: Vec<String>,
    scores: Vec<Vec<Score>>,
    rows: usize,
    seeds: usize,
}

impl BenchOptions {
    /// The files of the figures, checked.
    fn figures(&self) -> Result<[Option<OutputFile>; 2], CliError> {
        let read: Vec<&PathBuf> = self.from.iter().chain(&self.records).collect();
        let check = |option, path: &Option<PathBuf>| {
            let check = |path: &PathBuf| OutputFile::check(option, path, &read, self.replace.force);
            path.as_ref().map(check).transpose()
        };
        OutputFile::check_apart([
            ("--svg", self.svg.as_deref()),
            ("--heat", self.heat.as_deref()),
            ("--records", self.records.as_deref()),
        ])?;
        Ok([check("--svg", &self.svg)?, check("--heat", &self.heat)?])
    }
}

/// Measures the estimators on distributions with known answers.
pub(super) fn run(options: &BenchOptions, out: &mut dyn Write) -> Result<(), CliError> {
    let mut messages = Messages::new(options.output.quiet);
    if let Some(k) = options.k.filter(|&k| k >= options.rows) {
        let rows = options.rows;
        return Err(CliError::Usage(format!(
            "--k {k} with --rows {rows}: neighbours must be fewer than rows"
        )));
    }
    let [svg, heat] = options.figures()?;
    if let Some(trials) = options.calibration {
        return calibration(options, trials as usize, out, &messages);
    }
    let measured = if options.from.is_empty() {
        measured(options, &mut messages)?
    } else {
        read(options, &mut messages)?
    };
    let Measured { chosen, scores, .. } = &measured;
    let unit = options.output.unit;
    if let Some(file) = svg {
        draw(file, &against_truth(chosen, scores, unit))?;
    }
    if let Some(file) = heat {
        draw(file, &errors(chosen, scores, unit))?;
    }
    show(options, measured, out, &messages)
}

/// Makes the estimates, except those already in `--records`.
fn measured(options: &BenchOptions, messages: &mut Messages) -> Result<Measured, CliError> {
    let places = chosen(&options.benchmarks)?;
    let asked = asked(&options.methods, &METHODS);
    let first = u64::from(options.first_seed);
    let seeds: Vec<u64> = (first..first + u64::from(options.seeds.unwrap_or(SEEDS))).collect();
    let work = Work { benchmarks: &places, asked: &asked, seeds: &seeds };
    let setup = Setup::here(options.rows as usize, options.k.map(|k| k as usize));
    let store = match &options.records {
        Some(path) => Store::open(path, setup)?,
        None => Store::in_memory(setup),
    };
    let (total, missing) = (places.len() * seeds.len(), work.missing(&store).len());
    if let Some(path) = &options.records {
        let (file, there) = (path.display(), total - missing);
        messages.note(format!("records: {file}, which has {there} of {total} samples"));
    }
    messages.flush();
    let progress = Progress::new("samples", missing, options.output.quiet);
    let failures = measure(&work, &store, || progress.step())?;
    drop(progress);
    warn_of_failures(&failures, messages);
    Ok(Measured::new(&work, options.rows as usize, &store.finish()?))
}

/// Says why estimates failed: once for every estimator and reason.
fn warn_of_failures(failures: &[Failure], messages: &mut Messages) {
    let mut grouped: Vec<(&Failure, usize)> = Vec::new();
    for failure in failures {
        let same =
            |known: &Failure| (&known.method, &known.reason) == (&failure.method, &failure.reason);
        match grouped.iter_mut().find(|(known, _)| same(known)) {
            Some((_, count)) => *count += 1,
            None => grouped.push((failure, 1)),
        }
    }
    for (Failure { benchmark, method, reason, .. }, number) in grouped {
        let samples = count(number, "sample");
        let text = format!("{method} failed for {samples}, the first of {benchmark}: {reason}");
        messages.warn(Warning::new("no_estimate", text));
    }
}

/// Reads the estimates from files.
fn read(options: &BenchOptions, messages: &mut Messages) -> Result<Measured, CliError> {
    let (setup, estimates, warnings) = read_records(&options.from)?;
    for warning in warnings {
        messages.warn(warning);
    }
    let all = BenchMethod::all();
    let places = if options.benchmarks.is_empty() {
        let mut places: Vec<usize> = estimates.keys().map(|key| key.benchmark).collect();
        places.dedup();
        places
    } else {
        chosen(&options.benchmarks)?
    };
    let asked: Vec<BenchMethod> = if options.methods.is_empty() {
        let there = |place: usize| estimates.keys().any(|key| key.method == place);
        all.iter().enumerate().filter(|(n, _)| there(*n)).map(|(_, asked)| asked.clone()).collect()
    } else {
        options.methods.clone()
    };
    // Seeds may be far apart: files can be put together from several runs.
    let there: BTreeSet<u64> = estimates.keys().map(|key| key.seed).collect();
    let mut seeds: Vec<u64> = there.range(u64::from(options.first_seed)..).copied().collect();
    if let (Some(&first), Some(number)) = (seeds.first(), options.seeds) {
        seeds = (first..first.saturating_add(number.into())).collect();
    }
    let work = Work { benchmarks: &places, asked: &asked, seeds: &seeds };
    let measured = Measured::new(&work, setup.rows, &estimates);
    let (there, wanted) = (measured.estimates(), places.len() * asked.len() * seeds.len());
    if there == 0 {
        return Err(CliError::Data(
            "the files have none of these; without --benchmarks, --methods, --seeds and \
             --first-seed everything in them is shown"
                .into(),
        ));
    }
    if there < wanted {
        messages.warn(Warning::new(
            "unfinished",
            format!("{there} of {wanted} estimates exist; means are over those"),
        ));
    }
    Ok(measured)
}

impl Measured {
    fn new(work: &Work<'_>, rows: usize, estimates: &Estimates) -> Self {
        let all = benchmarks();
        Self {
            chosen: work.benchmarks.iter().map(|&place| all[place].clone()).collect(),
            methods: work.asked.iter().map(BenchMethod::name).collect(),
            scores: scores(work, estimates),
            rows,
            seeds: work.seeds.len(),
        }
    }

    /// How many there are, including failed ones.
    fn estimates(&self) -> usize {
        self.scores.iter().flatten().map(|score| score.values.len()).sum()
    }
}

fn draw(file: OutputFile, figure: &Svg) -> Result<(), CliError> {
    file.write(figure.standalone().as_bytes())
}

/// Writes the table, or the JSON.
fn show(
    options: &BenchOptions,
    measured: Measured,
    out: &mut dyn Write,
    messages: &Messages,
) -> Result<(), CliError> {
    let Measured { chosen, methods, scores, rows, seeds } = measured;
    let mut groups: Vec<&'static str> = chosen.iter().map(Benchmark::group).collect();
    groups.dedup();
    let unit = options.output.unit;
    let finite = |nats: f64| nats.is_finite().then(|| unit.of(nats));
    if options.output.json {
        let results = chosen.iter().zip(&scores).flat_map(|(benchmark, scores)| {
            scores.iter().map(|score| Row {
                benchmark: benchmark.id.clone(),
                method: score.method.clone(),
                r#true: unit.of(benchmark.mutual_information()),
                mean: finite(score.mean()),
                sd: finite(score.deviation()).filter(|_| score.mean().is_finite()),
                failed: score.values.iter().filter(|value| value.is_none()).count(),
            })
        });
        let errors = groups.iter().flat_map(|&group| {
            methods.iter().enumerate().map(move |(m, method)| (group, m, method.clone()))
        });
        let body = Body {
            unit: unit.name(),
            rows,
            seeds,
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
        return write_json(out, "bench", body, messages);
    }
    if options.output.csv {
        let mut csv =
            Csv::new(&["benchmark", "method", "true", "mean", "sd", "samples", "failed"])?;
        for (benchmark, scores) in chosen.iter().zip(&scores) {
            let truth = unit.of(benchmark.mutual_information());
            for score in scores {
                let mean = finite(score.mean());
                csv.row([
                    benchmark.id.as_str().into(),
                    score.method.as_str().into(),
                    truth.into(),
                    mean.into(),
                    finite(score.deviation()).filter(|_| mean.is_some()).into(),
                    score.present().len().into(),
                    score.values.iter().filter(|value| value.is_none()).count().into(),
                ])?;
            }
        }
        return csv.write(out);
    }
    let mut headings = vec![("benchmark", Align::Left), ("true", Align::Right)];
    headings.extend(methods.iter().map(|method| (&method[..], Align::Right)));
    let mut grid = TextTable::new(&headings);
    for (benchmark, scores) in chosen.iter().zip(&scores) {
        let mut row =
            vec![benchmark.id.clone(), format!("{:.4}", unit.of(benchmark.mutual_information()))];
        row.extend(scores.iter().map(|score| match finite(score.mean()) {
            Some(mean) => format!("{mean:.4} ± {:.4}", unit.of(score.deviation())),
            None if score.values.is_empty() => "-".into(),
            None => "failed".into(),
        }));
        grid.row(row);
    }
    for group in groups {
        let mut last = vec![format!("mean absolute error, {group}"), String::new()];
        last.extend((0..methods.len()).map(|m| {
            let error = finite(mean_absolute_error(&chosen, &scores, group, m));
            error.map_or_else(|| "-".into(), |error| format!("{error:.4}"))
        }));
        grid.row(last);
    }
    let plural = if seeds == 1 { "" } else { "s" };
    let heading = format!("{rows} rows, {seeds} seed{plural}, mean ± sd, in {}", unit.name());
    write!(out, "{heading}\n\n{grid}").map_err(CliError::from_stdout)
}

/// The requested estimators, or by default those with these names.
fn asked(options: &[BenchMethod], otherwise: &[&str]) -> Vec<BenchMethod> {
    if options.is_empty() {
        otherwise.iter().filter_map(|name| BenchMethod::parse(name).ok()).collect()
    } else {
        options.to_vec()
    }
}

/// Indices of distributions in [`benchmarks`].
fn chosen(names: &[impl AsRef<str>]) -> Result<Vec<usize>, CliError> {
    let all = benchmarks();
    if names.is_empty() {
        return Ok((0..all.len()).collect());
    }
    let ids: Vec<String> = all.iter().map(|benchmark| benchmark.id.clone()).collect();
    let mut wanted: Vec<usize> = Vec::new();
    for list in names {
        let more = select(list.as_ref(), &ids);
        wanted.extend(more.map_err(|source| CliError::Select {
            option: "--benchmarks",
            source: source.of("distribution"),
        })?);
    }
    wanted.sort_unstable();
    wanted.dedup();
    Ok(wanted)
}

fn calibration(
    options: &BenchOptions,
    trials: usize,
    out: &mut dyn Write,
    messages: &Messages,
) -> Result<(), CliError> {
    let places = match &options.benchmarks[..] {
        [] => chosen(&CALIBRATED)?,
        names => chosen(names)?,
    };
    let asked = asked(&options.methods, &WITH_INTERVALS);
    let total = trials * kinds(&places, &asked);
    let progress = Progress::new("trials", total, options.output.quiet);
    let setup = (options.rows as usize, options.k.map(|k| k as usize));
    let found: Vec<Calibration> = calibrate(&places, &asked, setup, trials, || progress.step())?;
    drop(progress);
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
            rows: options.rows as usize,
            seeds: 0,
            results: Vec::new(),
            mean_absolute_error: Vec::new(),
            calibration,
        };
        return write_json(out, "bench", body, messages);
    }
    if options.output.csv {
        let mut csv = Csv::new(&["share_of_trials", "nominal", "share", "trials"])?;
        for c in &found {
            csv.row([c.what.as_str().into(), c.nominal.into(), c.share.into(), c.trials.into()])?;
        }
        return csv.write(out);
    }
    let mut grid = TextTable::new(&[
        ("share of trials", Align::Left),
        ("nominal", Align::Right),
        ("found", Align::Right),
    ]);
    for c in &found {
        let share = format!("{:.3} ± {:.3}", c.share, c.error());
        grid.row([c.what.clone(), format!("{:.2}", c.nominal), share]);
    }
    let heading = format!("{} rows, {trials} trials", options.rows);
    write!(out, "{heading}\n\n{grid}").map_err(CliError::from_stdout)
}
