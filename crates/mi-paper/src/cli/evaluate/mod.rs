//! `mi-paper evaluate`: measures the quality of your own features.

mod arrays;
mod asked;
mod findings;
mod inputs;
mod pointwise;
mod progress;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueHint};
use cpu_time::ProcessTime;
use mi_eval::{Evaluator, EvaluatorSettings, Feature, Representation, TrainTest};
use mi_paper::trial::frozen::{self, Sides};
use ndarray::Array2;

use self::asked::Asked;
use self::findings::{Findings, Row, Timing};
use self::inputs::{Inputs, Parts, Side, Split};
use self::pointwise::Reserved;
use self::progress::Progress;
use super::terminal::{self, say};

/// Options of `evaluate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mi-paper evaluate features.npy labels.npy              a fifth of the rows is held out
  mi-paper evaluate train.npy labels.npy --test-features test.npy --test-labels test-labels.npy
  mi-paper evaluate top.npy labels.npy --view bottom.npy --base pixels.npy
  mi-paper evaluate top.npy labels.npy --view bottom.npy --measures bound-anew,components-mi
  mi-paper evaluate features.npy labels.npy --measures v-information,rank-me --json

Arrays are NPY files: features samples × features, labels one integer per sample. They are
evaluated in the precision of their files.")]
pub(super) struct Evaluate {
    /// Features, samples × features.
    #[arg(value_name = "FEATURES.npy", value_hint = ValueHint::FilePath)]
    features: PathBuf,
    /// Labels, one for each sample.
    #[arg(value_name = "LABELS.npy", value_hint = ValueHint::FilePath)]
    labels: PathBuf,
    /// Features of test samples; all samples of the first file are then used for training.
    #[arg(long, value_name = "FILE.npy", requires = "test_labels", value_hint = ValueHint::FilePath)]
    test_features: Option<PathBuf>,
    /// Labels of the test samples.
    #[arg(long, value_name = "FILE.npy", requires = "test_features", value_hint = ValueHint::FilePath)]
    test_labels: Option<PathBuf>,
    /// Share of the samples to hold out for testing if no test samples are given, drawn with the
    /// seed.
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, conflicts_with = "test_features")]
    test_share: f64,
    /// Features of another view of the same samples.
    #[arg(long, value_name = "FILE.npy", value_hint = ValueHint::FilePath)]
    view: Option<PathBuf>,
    /// The other view of the test samples.
    #[arg(long, value_name = "FILE.npy", requires_all = ["view", "test_features"], value_hint = ValueHint::FilePath)]
    test_view: Option<PathBuf>,
    /// The input of the features, such as the pixels of the same samples.
    #[arg(long, value_name = "FILE.npy", value_hint = ValueHint::FilePath)]
    base: Option<PathBuf>,
    /// The base of the test samples.
    #[arg(long, value_name = "FILE.npy", requires_all = ["base", "test_features"], value_hint = ValueHint::FilePath)]
    test_base: Option<PathBuf>,
    /// Measures, separated by commas [default: all that the arrays allow]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = Asked::parser())]
    measures: Vec<Asked>,
    /// Also write V-information of every test sample about its label (nats) to a CSV file.
    #[arg(long, value_name = "FILE.csv", value_hint = ValueHint::FilePath)]
    pointwise: Option<PathBuf>,
    /// Also print the seconds of processor time of each measure. What several measures share counts
    /// for the first of them.
    #[arg(long)]
    timings: bool,
    /// Share of the training labels to replace with others.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    label_noise: f64,
    /// The seed of all random numbers.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Print JSON instead of a table, with notes and warnings.
    #[arg(long)]
    json: bool,
}

/// Reads, measures and prints.
pub(super) fn run(options: &Evaluate) -> Result<ExitCode> {
    let pointwise = options.pointwise.as_deref().map(Reserved::new).transpose()?;
    let inputs = Inputs::read(options)?;
    let (found, csv) = if inputs.any_double() {
        evaluate::<f64>(options, &inputs)?
    } else {
        evaluate::<f32>(options, &inputs)?
    };
    for warning in found.warnings() {
        say(format_args!("warning: {warning}"));
    }
    let text = if options.json { found.json(options.seed)? } else { table::text(&found) };
    terminal::print(&text)?;
    if let Some((file, csv)) = pointwise.zip(csv) {
        file.write(&csv)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The measures, and pointwise V-information as CSV if it is asked for.
fn evaluate<T: Feature>(
    options: &Evaluate,
    inputs: &Inputs,
) -> Result<(Findings, Option<Vec<u8>>)> {
    let split = match inputs.test_labels {
        None => Some(Split::new(inputs.labels.len(), options.test_share, options.seed)?),
        Some(_) => None,
    };
    let parts = |side: &Option<Side>, path: &Option<PathBuf>| match (side, path) {
        (Some(side), Some(path)) => Parts::<Array2<T>>::of(side, split.as_ref(), path).map(Some),
        _ => Ok(None),
    };
    let features = Parts::<Array2<T>>::of(&inputs.features, split.as_ref(), &options.features)?;
    let view = parts(&inputs.view, &options.view)?;
    let base = parts(&inputs.base, &options.base)?;
    let labels = match (&split, &inputs.test_labels) {
        (Some(split), _) => {
            let pick = |rows: &[usize]| rows.iter().map(|&row| inputs.labels[row]).collect();
            Parts { train: pick(&split.train), test: pick(&split.test) }
        }
        (None, test) => {
            Parts { train: inputs.labels.clone(), test: test.clone().unwrap_or_default() }
        }
    };
    let representation = Representation {
        features: features.views(),
        labels: TrainTest::new(&labels.train[..], &labels.test[..]),
        view: view.as_ref().map(Parts::views),
        base: base.as_ref().map(Parts::views),
    };
    let settings = EvaluatorSettings {
        seed: options.seed,
        label_noise: options.label_noise,
        ..EvaluatorSettings::default()
    };
    let mut evaluator = Evaluator::new(representation, settings.clone())
        .context(options.features.display().to_string())?;
    let rows = (labels.train.len(), labels.test.len());
    let mut found = Findings::new(options.timings);
    let mut note = |text: String| {
        say(&text);
        found.notes.push(text);
    };
    note(format!(
        "{} samples of {} features to train, {} to test",
        rows.0,
        features.train.ncols(),
        rows.1
    ));
    let measures = if options.measures.is_empty() {
        let mut all: Vec<Asked> = evaluator.available().into_iter().map(Asked::Of).collect();
        all.extend(Asked::between_views().filter(|_| view.is_some()));
        all.retain(|asked| asked.lacks_rows(rows).map(&mut note).is_none());
        all
    } else {
        if let Some(lacks) = options.measures.iter().find_map(|asked| asked.lacks_rows(rows)) {
            bail!(lacks);
        }
        options.measures.clone()
    };
    // Only the measures that are not in `mi-eval` need both sides.
    let asks = |asked: &Asked| !matches!(asked, Asked::Of(_));
    let sides = match &view {
        Some(view) if measures.iter().any(asks) => Some((single(&features), single(view))),
        _ => None,
    };
    let mut progress = Progress::new(measures.len());
    for (index, &asked) in measures.iter().enumerate() {
        progress.begins(index, asked.name());
        let clock = ProcessTime::now();
        match asked {
            Asked::Of(measure) => {
                let measured = evaluator.measure(measure).map_err(|error| lacking(asked, error))?;
                for measured in measured {
                    found.add(measured);
                }
            }
            Asked::BoundAnew | Asked::ComponentsMi => {
                let (x, y) = sides.as_ref().ok_or_else(|| without_option(asked))?;
                found.rows.extend(between_views(asked, (x, y), options.seed, &mut progress)?);
            }
        }
        if let Some(timings) = &mut found.timings {
            let seconds = clock.elapsed().as_secs_f64();
            timings.push(Timing { measure: asked.name(), seconds });
        }
    }
    let mut csv = None;
    if options.pointwise.is_some() {
        let places = split.map_or_else(|| (0..rows.1).collect(), |split| split.test);
        csv = Some(pointwise::csv(&mut evaluator, &settings, (&places, &labels.test))?);
    }
    progress.ends();
    Ok((found, csv))
}

/// The features of a side in single precision, in which critics are trained.
fn single<T: Feature>(of: &Parts<Array2<T>>) -> Sides {
    let single = |rows: &Array2<T>| rows.mapv(|value| value.to_f64() as f32);
    Sides { train: single(&of.train), test: single(&of.test) }
}

/// Bounds by critics, or by neighbours, on the information that two views share.
fn between_views(
    asked: Asked,
    (x, y): (&Sides, &Sides),
    seed: u64,
    progress: &mut Progress,
) -> Result<Vec<Row>> {
    let name = asked.name();
    if asked == Asked::ComponentsMi {
        let why = "the features have collapsed, samples coincide, or there are too few";
        return Ok(vec![Row::in_nats(name, "", frozen::of_components(x, y, seed), why)]);
    }
    let bounds = frozen::bounds(x, y, seed, &mut |of, share| progress.part(name, of, share));
    let row = |bound: frozen::FrozenBound| {
        Row::in_nats(name, bound.of, bound.value, "no critic had a finite bound")
    };
    Ok(bounds.context(name)?.into_iter().map(row).collect())
}

/// Names the option that provides what a measure needs.
fn lacking(asked: Asked, error: mi_eval::EvalError) -> anyhow::Error {
    if matches!(error, mi_eval::EvalError::Missing { .. }) {
        without_option(asked)
    } else {
        anyhow::Error::new(error).context(asked.name())
    }
}

fn without_option(asked: Asked) -> anyhow::Error {
    let (name, option) = (asked.name(), asked.option().unwrap_or("another option"));
    anyhow::anyhow!("{name} needs {option}: give it, or leave the measure out")
}
