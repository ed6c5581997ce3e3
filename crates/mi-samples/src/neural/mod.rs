//! Variational estimates: a critic trained on part of the rows, and a bound on the others.

mod critic;
mod entropies;
mod features;
mod gaussian;
mod network;
mod pointwise;
mod saved;
mod settings;
mod training;

pub use critic::NeuralCritic;
pub use entropies::{EntropyDifference, difference_of_entropies};
pub use settings::NeuralSettings;

use mi_estimators::bounds::{BoundSpec, Objective};
use mi_kernels::positive_part;
use mi_random::Stream;
use ndarray::Axis;
use rayon::prelude::*;

use crate::SamplesError;
use crate::rows::{self, Gap, Part, RowStructure, standard_error};
use crate::sample::Sample;
use critic::Member;
use features::{Encoder, Features};
use gaussian::GaussianRatio;
use network::{Network, Rows};
use training::{Judge, Recipe};

/// The largest number of pairs with which a saved critic compares new ones.
const MOST_REFERENCES: usize = 1000;

/// A bound on mutual information, from rows that its critic was not trained on.
#[derive(Clone, Debug)]
pub struct NeuralEstimate {
    /// The mean over the folds of the bound on their held-out rows, each as one batch, in nats.
    pub value: f64,
    /// The standard error of `value` between rows (copies of a row count as one).
    pub standard_error: f64,
    /// The same bound on training rows, in nats: far above `value` if the critic memorised its
    /// rows. Each fold uses the rows that the next one holds out, so that over all folds the rows
    /// are nearly those of `value`.
    pub training_value: f64,
    /// The largest value that the held-out batches can give, in nats.
    pub cap: Option<f64>,
    /// Rows in the smallest held-out batch.
    pub batch: usize,
    /// Training steps, over all folds.
    pub steps: usize,
    /// Rows left out between fitted and held-out rows, if rows are ordered.
    pub gap: Gap,
    /// Each row's log ratio by the critic that was not trained on it, in nats.
    pub pointwise: Vec<f64>,
    /// The critics.
    pub critic: NeuralCritic,
}

/// Mutual information in nats by a variational bound with a trained critic (van den Oord et al.,
/// 2018; Belghazi et al., 2018; Poole et al., 2019).
///
/// Continuous columns become normal scores of their ranks over all rows (a map that depends on only
/// one side), and discrete columns become indicators, of their 64 most frequent levels if they have
/// more. The rows are split into folds; for each, a critic is trained on most of the others,
/// stopped by the rest of them, and judged on the fold as one batch of K rows. Copies of a row stay
/// on one side of every split, and so do groups; ordered rows are held out in runs, with a gap as
/// long as both sides remember their past. The critic's score is that of a network plus the log
/// ratio of a Gaussian copula fitted to the training rows. Training starts from the latter, and
/// early stopping may return to it.
///
/// With most bounds ([`BOUNDS`](mi_estimators::bounds::BOUNDS) says which) the value is a lower
/// bound, which misses the information that the critic fails to learn.
///
/// # Errors
/// Sides with different numbers of rows, or with fewer than 60, not counting copies; groups that
/// are not given for every row, or too few for the folds; settings out of range; training that
/// diverges from every start.
pub fn neural(
    x: &Sample,
    y: &Sample,
    settings: &NeuralSettings,
    structure: &RowStructure,
    seed: u64,
) -> Result<NeuralEstimate, SamplesError> {
    let Splits { parts, units, gap } = Splits::new(x, y, settings, structure, seed)?;
    let (n, stream) = (x.n(), Stream::new(seed, "neural"));
    let (of_x, of_y) = (Encoder::fit(x), Encoder::fit(y));
    let (seen_x, seen_y) = (of_x.of_sample(x), of_y.of_sample(y));
    let recipe = Recipe::new(settings, (x.dims(), y.dims()));
    let folds: Vec<Fold> = parts
        .par_iter()
        .enumerate()
        .map(|(fold, part)| {
            let stream = stream.child(&format!("fold {fold}"));
            let next = &parts[(fold + 1) % parts.len()].held_out;
            fit(&seen_x, &seen_y, (part, next), &recipe, &stream)
        })
        .collect::<Result<_, _>>()?;
    let mean = |value: fn(&Fold) -> f64| {
        folds.iter().zip(&parts).map(|(f, p)| value(f) * p.held_out.len() as f64).sum::<f64>()
            / n as f64
    };
    let (value, training_value) = (mean(|fold| fold.value), mean(|fold| fold.training_value));
    let batch = parts.iter().map(|part| part.held_out.len()).min().unwrap_or(0);
    let mut ratios = vec![0.0; n];
    for (fold, part) in folds.iter().zip(&parts) {
        for (&row, &ratio) in part.held_out.iter().zip(&fold.pointwise) {
            ratios[row] = ratio;
        }
    }
    Ok(NeuralEstimate {
        value,
        standard_error: standard_error(&ratios, &units),
        training_value,
        cap: settings.bound.cap(batch),
        batch,
        steps: folds.iter().map(|fold| fold.steps).sum(),
        gap,
        pointwise: ratios,
        critic: NeuralCritic {
            settings: settings.resolve((x.dims(), y.dims())),
            of_x,
            of_y,
            members: folds.into_iter().map(|fold| fold.member).collect(),
            note: String::new(),
        },
    })
}

impl NeuralEstimate {
    /// How much `value` is too low because the critic learnt from finitely many rows, in nats: half
    /// the difference between the bound on its training rows and `value`.
    ///
    /// A fitted model looks too good on the rows that it was fitted to by as much as it looks too
    /// bad on others (Akaike, 1974: by half a nat per parameter, divided by the number of rows).
    /// Information that no critic of its kind can learn is not included.
    pub fn shortfall(&self) -> f64 {
        positive_part(0.5 * (self.training_value - self.value))
    }
}

/// The share of validation rows among those not held out.
const VALIDATION_SHARE: f64 = 0.2;

/// The smallest number of rows for a neural estimate.
pub const FEWEST_ROWS: usize = 60;

/// The training, validation and held-out rows of each fold.
struct Splits {
    parts: Vec<Part>,
    /// Equal for rows that count as one observation.
    units: Vec<usize>,
    /// The gap between those rows, if they are ordered.
    gap: Gap,
}

impl Splits {
    fn new(
        x: &Sample,
        y: &Sample,
        settings: &NeuralSettings,
        structure: &RowStructure,
        seed: u64,
    ) -> Result<Self, SamplesError> {
        settings.check()?;
        let first_copies = x.beside(y)?.first_copies();
        structure.check(x.n())?;
        let n = first_copies.iter().enumerate().filter(|&(row, &first)| row == first).count();
        let needed = FEWEST_ROWS.max(10 * settings.folds);
        if n < needed {
            let copies = n < x.n();
            let operation = if copies {
                "a neural estimate, not counting copies,"
            } else {
                "a neural estimate"
            };
            return Err(SamplesError::TooFewObservations { operation, needed, n });
        }
        let gap = Gap::of(structure, || [x.tracks(), y.tracks()], x.n());
        let units = rows::units(structure, first_copies, gap);
        let mut stream = Stream::new(seed, "neural").child("folds");
        let counts = (settings.folds, VALIDATION_SHARE);
        let parts = rows::folds(structure, &units, gap, counts, &mut stream).ok_or({
            let operation = "a neural estimate";
            SamplesError::TooFewGroups { operation, parts: settings.folds }
        })?;
        Ok(Self { parts, units, gap })
    }
}

/// The result of one fold.
struct Fold {
    value: f64,
    training_value: f64,
    steps: usize,
    pointwise: Vec<f64>,
    member: Member,
}

/// Trains and judges a critic; `next` are the rows that the next fold holds out.
fn fit(
    x: &Features,
    y: &Features,
    (part, next): (&Part, &[usize]),
    recipe: &Recipe<'_>,
    stream: &Stream,
) -> Result<Fold, SamplesError> {
    let settings = recipe.settings;
    let scores = |side: &Features, rows: &[usize]| side.scores.select(Axis(0), rows);
    let takes_start = settings.gaussian_start && Network::takes_start(&recipe.critic);
    // NWJ's optimal critic is the log ratio plus 1.
    let offset = if takes_start && settings.bound == BoundSpec::Nwj { 1.0 } else { 0.0 };
    let ratio = if takes_start {
        GaussianRatio::fit(scores(x, &part.train).view(), scores(y, &part.train).view())
    } else {
        GaussianRatio::none(x.scores.ncols(), y.scores.ncols())
    };
    let ratio = ratio.above(offset);
    let rows = critic::rows(&ratio, x, y);
    let (train, held_out) = (rows.select(&part.train), rows.select(&part.held_out));
    let trained = training::train(&train, &rows.select(&part.validation), recipe, stream)?;
    let objective = Objective::new(&settings.bound, None)?;
    let mut judge = Judge::new(&trained.params);
    let mut judged = |rows: &Rows| {
        judge.judge(&trained.network, &trained.params, rows, &objective).map(|e| e.estimate)
    };
    let value = judged(&held_out)?;
    let learnt = |&place: &usize| next.binary_search(&part.train[place]).is_ok();
    let mut learnt: Vec<usize> = (0..part.train.len()).filter(learnt).collect();
    if learnt.len() < 2 {
        // If nearly all rows are copies of a few, the next fold may share none with training.
        learnt = (0..part.train.len()).collect();
    }
    let training_value = judged(&train.select(&learnt))?;
    let mut places = part.held_out.clone();
    stream.child("references").shuffle(&mut places);
    places.truncate(MOST_REFERENCES);
    let member = Member {
        ratio,
        network: trained.network,
        params: trained.params,
        reference: y.select(&places),
    };
    let (ex, ey) = member.embed(&held_out)?;
    let pairing = member.network.pairing();
    let pointwise = pointwise::own_batch(pairing, &member.params, ex.view(), ey.view())?;
    Ok(Fold { value, training_value, steps: trained.steps, pointwise, member })
}
