//! Trains tasks with any views, encoders, contexts and terms.

mod bank;
mod ceiling;
mod features;
mod inputs;
mod keys;
mod measure;
mod networks;
mod objective;
mod prior;
mod readings;
mod setup;
mod terms;

use std::sync::Arc;

use mi_data::{BatchSampler, Geometry};
use mi_estimators::{Term, TrainingStep};
use mi_nets::{Params, Var};
use mi_random::Stream;
use ndarray::Array2;
use smallvec::SmallVec;

use super::evaluation::{self, Features};
use super::optimise::{Trained, check_weights, chosen, finite};
use super::reference::Reference;
use super::single_view::batches;
use super::snapshot::Snapshot;
use super::{Images, StepError, Training};
use crate::config::{Contrastive, TrialConfig};
use crate::error::PaperError;
use crate::multi_view::{Candidates, Layout, MultiView};
use crate::record::Metric;
use bank::Bank;
use inputs::Inputs;
use keys::Keys;
use networks::Networks;
use objective::Maximised;
use prior::Discriminator;
pub(super) use setup::Setup;
use terms::{BuiltTerm, Remembered};

/// Trains networks to maximise a weighted sum of terms, each between two representations of an
/// image.
pub(super) struct MultiViewTraining {
    setup: Setup,
    steps: u64,
    seed: u64,
    streams: Stream,
    sampler: BatchSampler,
    inputs: Inputs,
    networks: Networks,
    terms: Vec<BuiltTerm>,
    /// One for each part of each term, in order.
    objectives: Vec<Maximised>,
    /// One for each term; `None` for a term without a bank.
    banks: Vec<Option<Bank>>,
    /// One for each pair of a y and a queue that terms have.
    keys: Vec<Keys>,
    /// The representation whose prior is matched, and the discriminator.
    prior: Option<(usize, Discriminator)>,
    trained: Trained,
    reference: Reference,
    step: TrainingStep<f32>,
    /// By representation, whether the terms or the prior need it.
    needed: Vec<bool>,
    /// The same in training, where keys take the place of y.
    needed_in_training: Vec<bool>,
    /// Steps so far in which exponentials left the range of single precision: see
    /// [`Metric::OverflowSteps`].
    overflows: u64,
}

/// What training needs besides data.
struct Parts {
    params: Params<f32>,
    networks: Networks,
    terms: Vec<BuiltTerm>,
    objectives: Vec<Maximised>,
    prior: Option<(usize, Discriminator)>,
}

impl Parts {
    /// `of` is the seed and the number of training images, on which some objectives depend.
    fn build(
        setup: &Setup,
        layout: Layout,
        of: (u64, usize),
        streams: &Stream,
    ) -> Result<Self, PaperError> {
        let task = &setup.task;
        let mut params = Params::new();
        let networks = Networks::build(task, layout, &mut params, streams)?;
        let terms = (0..task.terms.len())
            .map(|index| BuiltTerm::build(task, index, &networks, &mut params, streams))
            .collect::<Result<Vec<_>, _>>()?;
        let objectives = terms.iter().map(|term| term.objectives(setup.target, of));
        let objectives = objectives.collect::<Result<Vec<_>, _>>()?.concat();
        let prior = match &task.prior {
            Some(prior) => {
                let find = networks.layout.find(&prior.of);
                let of = find.unwrap_or_else(|reason| unreachable!("{reason}"));
                let width = networks.layout.shape(of).width;
                Some((of, Discriminator::new(prior, width, task.learning_rate, streams)?))
            }
            None => None,
        };
        Ok(Self { params, networks, terms, objectives, prior })
    }
}

/// Checks that a general task can be built for images of this size.
///
/// # Errors
/// A sentence that says what cannot be built.
pub(super) fn check(task: &MultiView, image: Geometry) -> Result<(), String> {
    let sequence = task.sequences.as_ref().map(|drawn| Geometry::new(1, drawn.places, 1));
    check_setup(&Setup::of(task.clone()), sequence.unwrap_or(image))
}

/// The same for a task of two views.
///
/// # Errors
/// Those of [`check`].
pub(super) fn check_two_views(task: &Contrastive, image: Geometry) -> Result<(), String> {
    check_setup(&Setup::of_two_views(task), image)
}

fn check_setup(setup: &Setup, image: Geometry) -> Result<(), String> {
    let layout = setup.task.layout(image)?;
    // The number of images changes values, but not whether something can be built.
    let of = (0, setup.task.batch_size);
    Parts::build(setup, layout, of, &Stream::new(0, "check"))
        .map(drop)
        .map_err(|error| error.to_string())
}

impl MultiViewTraining {
    /// Starts the training of a general task.
    pub(super) fn new(
        config: &TrialConfig,
        task: &MultiView,
        images: &Images,
    ) -> Result<Self, PaperError> {
        Self::start(config, Setup::of(task.clone()), images)
    }

    /// Starts the training of a task with the paper's two views and one term.
    pub(super) fn of_two_views(
        config: &TrialConfig,
        task: &Contrastive,
        images: &Images,
    ) -> Result<Self, PaperError> {
        Self::start(config, Setup::of_two_views(task), images)
    }

    /// `images` may be empty if the task draws sequences.
    fn start(config: &TrialConfig, setup: Setup, images: &Images) -> Result<Self, PaperError> {
        let unsuitable = |reason: String| PaperError::Unsuitable {
            dataset: config.dataset.clone(),
            trial: config.id(),
            reason,
        };
        let streams = Stream::new(config.seed, "trial");
        let task = &setup.task;
        let data = match &task.sequences {
            Some(sequences) => Arc::new(sequences.draw(&streams.child("sequences"))?),
            None => images.own(config)?,
        };
        let layout = task.layout(data.geometry).map_err(unsuitable)?;
        if data.test.len() < task.batch_size {
            return Err(unsuitable(format!(
                "{} test images are fewer than a batch of {}",
                data.test.len(),
                task.batch_size
            )));
        }
        let sampler = batches(&data, task.batch_size, &streams.child("batches"))?;
        let of = (config.seed, data.train.len());
        let Parts { params, networks, terms, objectives, prior } =
            Parts::build(&setup, layout, of, &streams)?;
        let banks = terms
            .iter()
            .map(|term| {
                let Candidates::Bank { negatives, momentum } = term.spec.candidates else {
                    return Ok(None);
                };
                if data.train.len() < task.batch_size + 1 {
                    return Err(unsuitable("a memory bank needs images beyond the batch".into()));
                }
                let width = networks.layout.shape(term.x).width;
                let stream = streams.child(&format!("bank {}", term.spec.name));
                Ok(Some(Bank::new(of.1, width, (negatives, momentum), &stream)?))
            })
            .collect::<Result<_, _>>()?;
        let mut keys: Vec<Keys> = Vec::new();
        for term in &terms {
            let Some(queue) = term.spec.queue else { continue };
            if queue.images > data.train.len() - task.batch_size.min(data.train.len()) {
                return Err(unsuitable(format!(
                    "a queue of {} images and a batch of {} are more than the {} training images",
                    queue.images,
                    task.batch_size,
                    data.train.len()
                )));
            }
            if !keys.iter().any(|keys| keys.are_of(term)) {
                keys.push(Keys::new(queue, term.y, &networks, &params)?);
            }
        }
        let of_prior: Option<usize> = prior.as_ref().map(|(of, _)| *of);
        let read = terms.iter().flat_map(|term| [term.x, term.y]).chain(of_prior);
        let read: Vec<usize> = read.collect();
        let trained = terms.iter().flat_map(BuiltTerm::trained_sides).chain(of_prior);
        let trained: Vec<usize> = trained.collect();
        Ok(Self {
            reference: Reference::new(config, images, &params)?,
            needed: networks.needed(&read),
            needed_in_training: networks.needed(&trained),
            inputs: Inputs::new(data, &networks.layout, &streams),
            step: TrainingStep::new(&params),
            trained: Trained::new(params, chosen(task.optimiser.as_deref(), task.learning_rate)),
            objectives,
            steps: config.steps,
            seed: config.seed,
            overflows: 0,
            streams,
            sampler,
            networks,
            terms,
            banks,
            keys,
            prior,
            setup,
        })
    }

    /// Embeds the batch in the inputs and evaluates all terms, with gradients. Returns the weighted
    /// sum of their reported values, and the values that later parts of the step need.
    fn forward(&mut self, rows: &[usize]) -> Result<(f64, StepValues), StepError> {
        let Self {
            networks,
            terms,
            objectives,
            banks,
            keys,
            prior,
            step,
            inputs,
            needed_in_training: needed,
            trained,
            ..
        } = self;
        for keys in keys.iter_mut() {
            keys.encode(networks, &inputs.views(), rows)?;
        }
        let mut remembered: SmallVec<[Option<Remembered<'_>>; 1]> = SmallVec::new();
        for (term, bank) in terms.iter_mut().zip(banks) {
            let keys = keys.iter().find(|keys| keys.are_of(term));
            remembered.push(match (bank, keys) {
                (Some(bank), _) => {
                    let [of_x, of_y] = bank.read(rows);
                    Some(Remembered::Bank { of_y, of_x })
                }
                (None, Some(keys)) => {
                    let [own, earlier] = keys.both();
                    term.expect_queued(earlier.nrows());
                    Some(Remembered::Keys([own, earlier]))
                }
                (None, None) => None,
            });
        }
        let terms = &*terms;
        let mut values = StepValues::default();
        let mut factors: SmallVec<[f64; 4]> = SmallVec::new();
        let found = step.forward(&trained.params, |graph| {
            let represented = networks.forward(graph, &inputs.views(), needed);
            let mut sides = Vec::new();
            for (term, &remembered) in terms.iter().zip(&remembered) {
                term.sides(graph, &represented, remembered, &mut sides);
                let weight = term.spec.weight;
                factors.extend(sides[factors.len()..].iter().map(|side| weight * side.share));
                let keeps = term.spec.is_banked() || term.spec.l2 > 0.0;
                let sides = term.trained_sides().filter(|_| keeps).map(|side| {
                    let var = represented.of(side);
                    (var, graph.value(var).to_owned())
                });
                values.sides.push(sides.collect());
            }
            values.of_prior = prior.as_ref().map(|(of, _)| {
                let var = represented.of(*of);
                (var, graph.value(var).to_owned())
            });
            let weighted = sides.into_iter().zip(&factors).zip(objectives.iter_mut());
            let terms = weighted.map(|((side, &factor), objective)| {
                Term::new(side.embedded, side.pairing, objective.as_bound())
                    .paired_by(side.pairs)
                    .with_learned(side.learned)
                    .weighted(factor)
            });
            terms.collect::<SmallVec<[_; 1]>>()
        })?;
        self.overflows += u64::from(found.iter().any(|found| found.overflow));
        let reported = found.iter().zip(&self.objectives).zip(&factors);
        let value = reported.map(|((found, of), factor)| factor * of.reported(found)).sum();
        Ok((finite("the bound", value)?, values))
    }

    /// Adds the gradients that do not come from an engine: those of penalties, and those of
    /// matching a prior, whose discriminator takes a step of its own.
    fn add_other_gradients(&mut self, values: &mut StepValues) -> Result<(), StepError> {
        for (term, sides) in self.terms.iter().zip(&values.sides) {
            for (var, value) in sides.iter().filter(|_| term.spec.l2 > 0.0) {
                let gradient = of_penalty(value, term.spec.l2 * term.spec.weight);
                self.step.add_gradient(*var, gradient);
            }
        }
        if let (Some((var, codes)), Some((_, prior))) = (values.of_prior.take(), &mut self.prior) {
            self.step.add_gradient(var, prior.step(codes.view())?);
        }
        Ok(())
    }
}

/// The gradient of −`factor` times the mean squared length of rows.
fn of_penalty(rows: &Array2<f32>, factor: f64) -> Array2<f32> {
    let slope = -2.0 * factor / rows.nrows() as f64;
    rows.mapv(|x| x * slope as f32)
}

/// A variable of a graph, and a copy of its value.
type Valued = (Var, Array2<f32>);

/// Values of a step that penalties, priors and banks need.
#[derive(Default)]
struct StepValues {
    /// The trained sides of each term, x before y; none for a term without a penalty and without a
    /// bank.
    sides: Vec<SmallVec<[Valued; 2]>>,
    of_prior: Option<Valued>,
}

impl Training for MultiViewTraining {
    fn step(&mut self) -> Result<f64, StepError> {
        let rows = self.sampler.next_batch();
        self.inputs.fill_for_training(rows, self.setup.noise)?;
        let remembers = self.banks.iter().any(Option::is_some) || !self.keys.is_empty();
        let rows = if remembers { rows.to_vec() } else { Vec::new() };
        let (value, mut values) = self.forward(&rows)?;
        self.add_other_gradients(&mut values)?;
        let Trained { params, optimiser } = &mut self.trained;
        self.step.ascend(params, optimiser)?;
        for (bank, sides) in self.banks.iter_mut().zip(&values.sides) {
            if let (Some(bank), [(_, x), (_, y)]) = (bank, sides.as_slice()) {
                bank.update(&rows, [x.view(), y.view()]);
            }
        }
        for keys in &mut self.keys {
            keys.advance(&rows, params);
        }
        Ok(value)
    }

    fn evaluate(&mut self, step: u64) -> Result<Vec<(Metric, f64)>, StepError> {
        check_weights(&self.trained.params)?;
        let mut found = self.measure(step)?;
        let features = Features {
            data: &self.inputs.data,
            piece: &self.networks.layout.pieces[self.networks.view_of(0)],
            encoder: self.networks.first(),
            params: &self.trained.params,
            noise_sd: self.setup.noise.sd,
            streams: &self.streams,
            seed: self.seed,
            reference: &self.reference,
        };
        found.extend(evaluation::of_jacobians(&features, &self.setup.task.evaluations)?);
        if let Some((_, prior)) = self.prior.as_ref().filter(|_| step > 0) {
            found.push((Metric::PriorLoss, prior.loss));
        }
        let overflows = (self.overflows > 0).then_some(self.overflows as f64);
        found.extend(overflows.map(|count| (Metric::OverflowSteps, count)));
        Ok(found)
    }

    fn representation(&mut self, count: usize) -> Result<Option<Array2<f32>>, PaperError> {
        self.main_representation(count)
    }

    fn save(&self) -> Result<Snapshot, PaperError> {
        let learners = self.prior.iter().map(|(_, prior)| &prior.learner);
        let discriminator = learners.map(|learner| (&learner.params, &learner.optimiser));
        let trained: Vec<_> = [self.trained.state()].into_iter().chain(discriminator).collect();
        let mut snapshot = Snapshot::new(&trained)?;
        snapshot.put("objectives", &self.objectives)?;
        snapshot.put("overflows", &self.overflows)?;
        snapshot.put("sampler", &self.sampler)?;
        snapshot.put("noise", &self.inputs.draws.state())?;
        if let Some((_, prior)) = &self.prior {
            snapshot.put("prior", &(prior.draws().state(), prior.loss.to_bits()))?;
        }
        for (index, bank) in self.banks.iter().enumerate() {
            if let Some(bank) = bank {
                let key = format!("bank {index}");
                snapshot.put_params(&key, &bank.vectors)?;
                snapshot.put(&key, &bank.draws().state())?;
            }
        }
        for (index, keys) in self.keys.iter().enumerate() {
            let key = format!("keys {index}");
            snapshot.put_params(&format!("{key} slow"), &keys.slow)?;
            snapshot.put_params(&key, &keys.earlier.rows)?;
            snapshot.put(&key, &keys.earlier.images())?;
        }
        Ok(snapshot)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), PaperError> {
        let learners = self.prior.iter_mut().map(|(_, prior)| &mut prior.learner);
        let discriminator = learners.map(|learner| (&mut learner.params, &mut learner.optimiser));
        let mut trained: Vec<_> =
            [self.trained.state_mut()].into_iter().chain(discriminator).collect();
        snapshot.restore(&mut trained)?;
        // Snapshots of earlier versions have a single objective, and no count of overflows.
        self.objectives = match snapshot.get::<Option<Vec<Maximised>>>("objectives")? {
            Some(objectives) => objectives,
            None => vec![Maximised::Bound(snapshot.get("objective")?)],
        };
        self.overflows = snapshot.get::<Option<u64>>("overflows")?.unwrap_or(0);
        self.sampler = snapshot.get("sampler")?;
        self.inputs.draws = Stream::from_state(&snapshot.get("noise")?);
        if let Some((_, prior)) = &mut self.prior {
            let (draws, loss): (_, u64) = snapshot.get("prior")?;
            prior.restore(Stream::from_state(&draws), f64::from_bits(loss));
        }
        for (index, bank) in self.banks.iter_mut().enumerate() {
            if let Some(bank) = bank {
                let key = format!("bank {index}");
                snapshot.restore_params(&key, &mut bank.vectors)?;
                bank.restore_draws(Stream::from_state(&snapshot.get(&key)?));
            }
        }
        for (index, keys) in self.keys.iter_mut().enumerate() {
            let key = format!("keys {index}");
            snapshot.restore_params(&format!("{key} slow"), &mut keys.slow)?;
            snapshot.restore_params(&key, &mut keys.earlier.rows)?;
            keys.earlier.restore_images(snapshot.get(&key)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
