//! Maximises a bound on training rows until validation rows no longer improve.

use mi_critics::CriticSpec;
use mi_estimators::bounds::{BoundSpec, Evaluation, Objective};
use mi_estimators::{EstimatorError, TrainingStep};
use mi_kernels::Scalar;
use mi_nets::{AdamConfig, BestState, Optimiser, Params};
use mi_random::Stream;

use super::NeuralSettings;
use super::network::{Network, Rows};
use crate::SamplesError;

/// Weight of the past in the moving average of parameters. The average, which is less noisy than
/// single steps, is judged and kept.
const AVERAGE: f64 = 0.98;

/// Number of reductions of the learning rate before training ends.
const REDUCTIONS: usize = 2;

/// Factor of the learning rate at each reduction.
const REDUCTION: f64 = 0.3;

/// The smallest number of steps between two validations; otherwise one pass over the training rows.
const FEWEST_STEPS: usize = 8;

/// The training settings of a network.
#[derive(Clone, Debug)]
pub(super) struct Recipe<'a> {
    pub(super) settings: &'a NeuralSettings,
    pub(super) critic: CriticSpec,
    /// The first learning rate.
    pub(super) rate: f64,
}

impl<'a> Recipe<'a> {
    /// The settings for sides with these numbers of columns.
    pub(super) fn new(settings: &'a NeuralSettings, columns: (usize, usize)) -> Self {
        let critic = settings.critic_for(columns);
        let rate = settings.learning_rate_for(&critic);
        Self { settings, critic, rate }
    }
}

/// A trained network.
#[derive(Clone, Debug)]
pub(super) struct Trained {
    pub(super) network: Network,
    pub(super) params: Params<f32>,
    /// The value on validation rows by which networks are compared.
    pub(super) score: f64,
    /// Steps taken.
    pub(super) steps: usize,
}

/// Trains networks from `restarts` starts, and returns the one that is best on validation rows.
///
/// The starting point also counts: if training only loses on validation rows, the result is the
/// Gaussian ratio (or, without one, no dependence).
pub(super) fn train(
    train: &Rows,
    validation: &Rows,
    recipe: &Recipe<'_>,
    stream: &Stream,
) -> Result<Trained, SamplesError> {
    let settings = recipe.settings;
    let mut best = BestState::new();
    for restart in 0..settings.restarts {
        let stream = stream.child(&format!("restart {restart}"));
        let trained = run(train, validation, recipe, &stream)?;
        best.offer(trained.score, || trained);
    }
    let (_, best) = best
        .into_inner()
        .filter(|(score, _)| *score > f64::NEG_INFINITY)
        .ok_or(SamplesError::Diverged { bound: settings.bound.name() })?;
    Ok(best)
}

/// Evaluates batches, and keeps its memory between them.
pub(super) struct Judge<T = f32>(TrainingStep<T>);

impl<T: Scalar> Judge<T> {
    /// A judge of networks with these parameters.
    pub(super) fn new(params: &Params<T>) -> Self {
        Self(TrainingStep::new(params))
    }

    /// A bound on all rows as one batch.
    pub(super) fn judge(
        &mut self,
        network: &Network,
        params: &Params<T>,
        rows: &Rows<T>,
        objective: &Objective,
    ) -> Result<Evaluation, SamplesError> {
        let mut objective = objective.clone();
        let found = self.0.estimate(params, |graph| [network.term(graph, rows, &mut objective)])?;
        Ok(found[0].clone())
    }
}

/// The value by which networks are compared: the one that will be reported. Training with another
/// objective (Jensen–Shannon) may produce a few scores whose exponentials ruin the report.
///
/// SMILE is an exception, because its clipped report is not a bound: it can grow while the critic
/// becomes less like a log ratio.
fn comparable(evaluation: &Evaluation, bound: &BoundSpec) -> f64 {
    let smile = matches!(bound, BoundSpec::Smile { .. });
    let value = if smile { evaluation.objective } else { evaluation.estimate };
    if value.is_finite() { value } else { f64::NEG_INFINITY }
}

fn run(
    train: &Rows,
    validation: &Rows,
    recipe: &Recipe<'_>,
    stream: &Stream,
) -> Result<Trained, SamplesError> {
    let settings = recipe.settings;
    let mut params = Params::new();
    let dims = (train.x.ncols(), train.y.ncols());
    let mut init = stream.child("init");
    let network = Network::new(&mut params, &recipe.critic, &settings.bound, dims, &mut init)?;
    let mut judge = Judge::new(&params);
    let mut objective = Objective::new(&settings.bound, None)?;
    let score = |judge: &mut Judge, params: &Params<f32>| {
        match judge.judge(&network, params, validation, &objective_of(settings)) {
            Ok(found) => Ok::<_, SamplesError>(comparable(&found, &settings.bound)),
            // A bound that cannot take this many rows.
            Err(SamplesError::Estimator(
                error @ (EstimatorError::Setting { .. } | EstimatorError::TooFewPairs { .. }),
            )) => Err(error.into()),
            // Scores that overflowed are not a candidate.
            Err(_) => Ok(f64::NEG_INFINITY),
        }
    };
    let mut best = BestState::new();
    best.offer(score(&mut judge, &params)?, || params.clone());
    let mut average = params.clone();
    let mut training = TrainingStep::new(&params);
    let n = train.x.nrows();
    let batch = settings.batch.min(n);
    let between = (n / batch).max(FEWEST_STEPS);
    let mut order = Order { rows: (0..n).collect(), next: n, stream: stream.child("batches") };
    let (mut rate, mut reductions, mut waited, mut step) = (recipe.rate, 0, 0, 0);
    let mut optimiser = adam(rate, &params);
    while step < settings.steps {
        step += 1;
        let rows = train.select(order.take(batch));
        let scored =
            training.forward(&params, |graph| [network.term(graph, &rows, &mut objective)]).is_ok();
        if !scored || training.ascend(&mut params, &mut optimiser).is_err() {
            break;
        }
        follow(&mut average, &params, step);
        if step % between != 0 {
            continue;
        }
        let found = score(&mut judge, &average)?;
        if best.offer(found, || average.clone()) {
            waited = 0;
            continue;
        }
        waited += 1;
        if waited >= settings.patience {
            if reductions == REDUCTIONS {
                break;
            }
            reductions += 1;
            waited = 0;
            rate *= REDUCTION;
            if let Some(state) = best.state() {
                params.clone_from(state);
                average.clone_from(state);
            }
            optimiser = adam(rate, &params);
        }
    }
    let (score, params) =
        best.into_inner().unwrap_or_else(|| unreachable!("the starting point was offered"));
    Ok(Trained { network, params, score, steps: step })
}

/// An objective without history. Settings were checked before training.
fn objective_of(settings: &NeuralSettings) -> Objective {
    match Objective::new(&settings.bound, None) {
        Ok(objective) => objective,
        Err(error) => unreachable!("settings are checked first: {error}"),
    }
}

fn adam<T: Scalar>(lr: f64, params: &Params<T>) -> Optimiser<T> {
    Optimiser::new(AdamConfig { lr, ..AdamConfig::default() }, params)
}

/// Updates the average of parameters; over the first steps it is their plain mean.
fn follow(average: &mut Params<f32>, params: &Params<f32>, step: usize) {
    let keep = AVERAGE.min(1.0 - 1.0 / (step as f64 + 1.0)) as f32;
    for id in params.ids() {
        average.view_mut(id).zip_mut_with(&params.view(id), |to, &from| {
            *to = from + keep * (*to - from);
        });
    }
}

/// Rows in random order, epoch after epoch.
struct Order {
    rows: Vec<usize>,
    next: usize,
    stream: Stream,
}

impl Order {
    fn take(&mut self, count: usize) -> &[usize] {
        if self.next + count > self.rows.len() {
            self.stream.shuffle(&mut self.rows);
            self.next = 0;
        }
        self.next += count;
        &self.rows[self.next - count..self.next]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_estimators::bounds::BOUNDS;
    use ndarray::Array2;

    /// The gradient of every parameter, of the critic and of the learned number, matches the change
    /// of the objective, with and without the Gaussian columns, in double precision.
    #[test]
    fn gradients_reach_the_critic_and_the_learned_number() {
        let mut stream = Stream::new(0, "plumbing");
        let mut side = |columns: usize| stream.normal_matrix((7, columns));
        let bare: Rows<f64> = Rows { x: side(3), y: side(2), start: None };
        let started = Rows { start: Some([side(2), side(2)]), ..bare.clone() };
        let separable = CriticSpec::Separable { hidden: vec![4], embed: 3 };
        let concat = CriticSpec::Concat { hidden: vec![4] };
        for bound in BOUNDS.iter().filter_map(|entry| entry.usual()) {
            check(bound, &separable, &started);
            check(bound, &separable, &bare);
            check(bound, &concat, &bare);
        }
    }

    fn check(bound: &BoundSpec, critic: &CriticSpec, rows: &Rows<f64>) {
        let mut stream = Stream::new(1, "weights");
        let mut params = Params::new();
        let dims = (rows.x.ncols(), rows.y.ncols());
        let network = Network::new(&mut params, critic, bound, dims, &mut stream).unwrap();
        // Last layers start at 0, which would hide the layers before them.
        for id in params.ids() {
            let shape = params.view(id).dim();
            let drawn: Array2<f64> = 0.3 * stream.normal_matrix(shape);
            params.view_mut(id).assign(&drawn);
        }
        let mut step = TrainingStep::new(&params);
        let mut objective = Objective::new(bound, None).unwrap();
        step.forward(&params, |graph| [network.term(graph, rows, &mut objective)]).unwrap();
        let gradients = step.backward(&params).unwrap();
        let mut judge = Judge::new(&params);
        let mut value = |params: &Params<f64>| {
            let objective = Objective::new(bound, None).unwrap();
            let found = judge.judge(&network, params, rows, &objective).unwrap();
            // MINE's gradient on a first batch is that of its estimate.
            let mine = matches!(bound, BoundSpec::Mine { .. });
            if mine { found.estimate } else { found.objective }
        };
        let learned = bound.learned().is_some();
        assert_eq!(learned, params.ids().any(|id| params.name(id).starts_with("baseline")));
        for id in params.ids() {
            let gradient = gradients.view(id).unwrap().to_owned();
            // Bounds that depend only on differences of scores give shared offsets no gradient.
            let largest = gradient.iter().fold(0.0_f64, |most, g: &f64| most.max(g.abs()));
            let weight = params.name(id).ends_with("weight");
            assert!(largest > 1e-6 || !weight, "{bound:?} {}: {largest}", params.name(id));
            for ((i, j), &found) in gradient.indexed_iter().step_by(gradient.len().div_ceil(40)) {
                let mut at = |step: f64| {
                    let mut moved = params.clone();
                    moved.view_mut(id)[[i, j]] += step;
                    value(&moved)
                };
                let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
                let name = params.name(id);
                assert!((slope - found).abs() < 1e-7, "{bound:?} {name}: {slope} {found}");
            }
        }
    }
}
