//! `mi-paper evaluate`: measures the quality of your own features.

mod arrays;
mod table;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueHint};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mi_eval::{
    Evaluator, EvaluatorSettings, Feature, MEASURES, Measure, Measured, Needs, Representation,
    Stream, TrainTest,
};
use ndarray::{Array2, ArrayView2, Axis};

use self::arrays::Matrix;
use super::status::duration;
use super::terminal::{self, say};

/// Options of `evaluate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mi-paper evaluate features.npy labels.npy              a fifth of the rows is held out
  mi-paper evaluate train.npy labels.npy --test-features test.npy --test-labels test-labels.npy
  mi-paper evaluate top.npy labels.npy --view bottom.npy --base pixels.npy
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
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = measure())]
    measures: Vec<Measure>,
    /// Share of the training labels to replace with others.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    label_noise: f64,
    /// The seed of all random numbers.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// The names of measures, from their list.
fn measure() -> impl TypedValueParser<Value = Measure> {
    let names = MEASURES.iter().map(|info| PossibleValue::new(info.name).help(info.summary));
    PossibleValuesParser::new(names).try_map(|name| {
        Measure::from_name(&name).ok_or_else(|| format!("there is no measure {name}"))
    })
}

/// Reads, measures and prints.
pub(super) fn run(options: &Evaluate) -> Result<ExitCode> {
    let inputs = Inputs::read(options)?;
    let found = if inputs.any_double() {
        evaluate::<f64>(options, &inputs)?
    } else {
        evaluate::<f32>(options, &inputs)?
    };
    let text = if options.json {
        serde_json::to_string_pretty(&found.iter().map(table::Row::new).collect::<Vec<_>>())?
    } else {
        table::text(&found)
    };
    terminal::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// One kind of features: those of the first file, and of the test samples if they are given.
struct Side {
    first: Matrix,
    test: Option<Matrix>,
}

/// All inputs.
struct Inputs {
    features: Side,
    labels: Vec<i64>,
    test_labels: Option<Vec<i64>>,
    view: Option<Side>,
    base: Option<Side>,
}

impl Inputs {
    fn read(options: &Evaluate) -> Result<Self> {
        let separate = options.test_features.is_some();
        let side = |name: &str, first: &Option<PathBuf>, test: &Option<PathBuf>| {
            let Some(first) = first else { return Ok(None) };
            if separate && test.is_none() {
                bail!(
                    "--{name} has no test samples: also give --test-{name}, since --test-features \
                     is given"
                );
            }
            let test = test.as_deref().map(Matrix::read).transpose()?;
            Ok(Some(Side { first: Matrix::read(first)?, test }))
        };
        let features = Side {
            first: Matrix::read(&options.features)?,
            test: options.test_features.as_deref().map(Matrix::read).transpose()?,
        };
        let labels = arrays::labels(&options.labels)?;
        let test_labels = options.test_labels.as_deref().map(arrays::labels).transpose()?;
        let view = side("view", &options.view, &options.test_view)?;
        let base = side("base", &options.base, &options.test_base)?;
        Ok(Self { features, labels, test_labels, view, base })
    }

    fn any_double(&self) -> bool {
        let sides = [Some(&self.features), self.view.as_ref(), self.base.as_ref()];
        let matrices = sides
            .into_iter()
            .flatten()
            .flat_map(|side| [Some(&side.first), side.test.as_ref()].into_iter().flatten());
        matrices.into_iter().any(Matrix::is_double)
    }
}

/// Training and test samples of one kind.
struct Parts<V> {
    train: V,
    test: V,
}

impl<T: Feature> Parts<Array2<T>> {
    /// Separates the held-out samples, if no test samples are given.
    fn of(side: &Side, split: Option<&Split>, path: &Path) -> Result<Self> {
        let first: Array2<T> = side.first.cast();
        let (Some(split), None) = (split, &side.test) else {
            let test = side.test.as_ref().map_or_else(|| first.clone(), Matrix::cast);
            return Ok(Self { train: first, test });
        };
        if first.nrows() != split.rows {
            let (found, rows) = (first.nrows(), split.rows);
            bail!("{}: {found} samples, but there are {rows} labels", path.display());
        }
        let rows = |rows: &[usize]| first.select(Axis(0), rows);
        Ok(Self { train: rows(&split.train), test: rows(&split.test) })
    }

    fn views(&self) -> TrainTest<ArrayView2<'_, T>> {
        TrainTest::new(self.train.view(), self.test.view())
    }
}

/// Which samples are held out for testing.
struct Split {
    rows: usize,
    train: Vec<usize>,
    test: Vec<usize>,
}

impl Split {
    fn new(rows: usize, share: f64, seed: u64) -> Result<Self> {
        if !(share > 0.0 && share < 1.0) {
            bail!("--test-share is {share}, but has to be above 0 and below 1");
        }
        let count = (share * rows as f64).round() as usize;
        if count == 0 || count >= rows {
            bail!(
                "--test-share {share} of {rows} samples leaves none to {}; give more samples or \
                 another share",
                if count == 0 { "test on" } else { "train on" }
            );
        }
        let mut order = Stream::new(seed, "test samples").permutation(rows);
        let mut train = order.split_off(count);
        train.sort_unstable();
        order.sort_unstable();
        Ok(Self { rows, train, test: order })
    }
}

fn evaluate<T: Feature>(options: &Evaluate, inputs: &Inputs) -> Result<Vec<Measured>> {
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
    let mut evaluator =
        Evaluator::new(representation, settings).context(options.features.display().to_string())?;
    let measures =
        if options.measures.is_empty() { evaluator.available() } else { options.measures.clone() };
    say(format_args!(
        "{} samples of {} features to train, {} to test",
        labels.train.len(),
        features.train.ncols(),
        labels.test.len()
    ));
    let progress = Progress::new(measures.len());
    let mut found = Vec::new();
    for (index, &measure) in measures.iter().enumerate() {
        progress.begins(index, measure);
        found.extend(evaluator.measure(measure).map_err(|error| lacking(measure, error))?);
    }
    progress.ends();
    Ok(found)
}

/// Names the option that provides what a measure needs.
fn lacking(measure: Measure, error: mi_eval::EvalError) -> anyhow::Error {
    let option = match (&error, measure.info().needs) {
        (mi_eval::EvalError::Missing { .. }, Needs::View | Needs::AlignedView) => "--view",
        (mi_eval::EvalError::Missing { .. }, Needs::Base) => "--base",
        _ => return anyhow::Error::new(error).context(measure.name()),
    };
    anyhow::anyhow!("{} needs {option}: give it, or leave the measure out", measure.name())
}

/// Progress on standard error: a bar on a terminal, lines elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    count: usize,
    begun: Instant,
}

impl Progress {
    fn new(count: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:20} {pos}/{len} {msg}");
            let target = ProgressDrawTarget::stderr_with_hz(5);
            let bar = ProgressBar::with_draw_target(Some(count as u64), target);
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, count, begun: Instant::now() }
    }

    fn begins(&self, index: usize, measure: Measure) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(index as u64);
                bar.set_message(measure.name());
            }
            None => say(format_args!("{} of {}: {}", index + 1, self.count, measure.name())),
        }
    }

    fn ends(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        say(format_args!("measured in {}", duration(self.begun.elapsed().as_secs_f64())));
    }
}
