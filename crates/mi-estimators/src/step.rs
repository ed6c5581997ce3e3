use mi_critics::Pairing;
use mi_kernels::Scalar;
use mi_nets::{Gradients, Graph, Optimiser, Params, Tape, Var};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use smallvec::SmallVec;

use crate::EstimatorError;
use crate::bounds::{Bound, Evaluation, Pairs};
use crate::engine::{Batch, Engine, TermMemory};

/// One term of what a step maximises: a bound on the scores of two embedded sides.
#[derive(Debug)]
#[non_exhaustive]
pub struct Term<'a, T> {
    /// Embedded x, N×d: what the critic's towers returned.
    pub x: Var,
    /// Embedded y, M×d.
    pub y: Var,
    /// Which pairs are positives and negatives; by default those of a square.
    pub pairs: Option<&'a Pairs>,
    /// The learned number of each row or positive, one column, for bounds that read one.
    pub learned: Option<Var>,
    /// The pairing that scores the pairs.
    pub pairing: &'a Pairing,
    /// The bound, its target and its state.
    pub objective: &'a mut dyn Bound<T>,
    /// The term's factor in the sum that is maximised.
    pub weight: f64,
}

impl<'a, T: Scalar> Term<'a, T> {
    /// A term of weight 1 without learned numbers, whose positives are the pairs (i, i) and whose
    /// negatives are all others.
    pub fn new((x, y): (Var, Var), pairing: &'a Pairing, objective: &'a mut dyn Bound<T>) -> Self {
        Self { x, y, pairs: None, learned: None, pairing, objective, weight: 1.0 }
    }

    /// The term with these positives and negatives; with `None`, those of a square stay.
    #[must_use]
    pub fn paired_by(self, pairs: impl Into<Option<&'a Pairs>>) -> Self {
        Self { pairs: pairs.into(), ..self }
    }

    /// The term with a learned number for each row, if there are any.
    #[must_use]
    pub fn with_learned(self, learned: Option<Var>) -> Self {
        Self { learned, ..self }
    }

    /// The term with a weight.
    #[must_use]
    pub fn weighted(self, weight: f64) -> Self {
        Self { weight, ..self }
    }
}

/// A training step that maximises a bound, or a weighted sum of bounds on the same graph, over
/// critics and the networks that embed their inputs. It keeps its memory from step to step.
///
/// A step has two halves. [`TrainingStep::forward`] embeds a batch, with a closure that appends
/// networks to a graph and returns the terms, and evaluates the bounds. [`TrainingStep::ascend`]
/// then moves all parameters one step up the gradient of Σ weight × objective. Between them the
/// caller may look at the values, and stop.
///
/// ```
/// use mi_critics::{Critic, CriticSpec};
/// use mi_estimators::bounds::{BoundSpec, Objective};
/// use mi_estimators::{EstimatorError, Term, TrainingStep};
/// use mi_nets::{AdamConfig, Optimiser, Params};
/// use mi_random::Stream;
///
/// let mut stream = Stream::new(1, "pairs");
/// let mut params = Params::<f32>::new();
/// let critic = Critic::new(&mut params, "critic", &CriticSpec::Bilinear, 2, 2, &mut stream)?;
/// let mut objective = Objective::new(&BoundSpec::InfoNce, None)?;
/// let mut optimiser = Optimiser::new(AdamConfig { lr: 0.03, ..AdamConfig::default() }, &params);
/// let mut step = TrainingStep::new(&params);
/// let mut estimate = 0.0;
/// for _ in 0..60 {
///     let x = stream.normal_matrix((64, 2)).mapv(|x| x as f32);
///     let y = &x + &stream.normal_matrix((64, 2)).mapv(|noise| 0.3 * noise as f32);
///     let found = step.forward(&params, |graph| {
///         let (x, y) = (graph.input(x.view()), graph.input(y.view()));
///         let embedded = critic.towers(graph, x, y);
///         [Term::new(embedded, critic.pairing(), &mut objective)]
///     })?;
///     estimate = found[0].estimate;
///     step.ascend(&mut params, &mut optimiser)?;
/// }
/// assert!(estimate > 0.8); // nats; the true value is 2.5
/// # Ok::<(), EstimatorError>(())
/// ```
#[derive(Debug)]
pub struct TrainingStep<T> {
    tape: Tape<T>,
    gradients: Gradients<T>,
    engine: Engine<T>,
    /// The engine's results for each term.
    memory: Vec<TermMemory<T>>,
    /// One for each term of the last forward half.
    seeded: Vec<Seeded>,
    /// Gradients from outside the engines.
    further: Vec<(Var, Array2<T>)>,
    /// Whether a forward half has succeeded whose second half is still to come.
    pending: bool,
    evaluations: Vec<Evaluation>,
}

/// The values of a term that get gradients.
#[derive(Clone, Copy, Debug)]
struct Seeded {
    x: Var,
    y: Var,
    learned: Option<Var>,
}

impl<T: Scalar> TrainingStep<T> {
    /// A step for these parameters.
    pub fn new(params: &Params<T>) -> Self {
        Self {
            tape: Tape::new(),
            gradients: Gradients::zeros_like(params),
            engine: Engine::new(),
            memory: Vec::new(),
            seeded: Vec::new(),
            further: Vec::new(),
            pending: false,
            evaluations: Vec::new(),
        }
    }

    /// Embeds a batch and evaluates the bound of every term, with gradients; the states of the
    /// objectives are updated.
    ///
    /// # Errors
    /// A mistake in the graph; other parameters than those that the step was made for; the errors
    /// of [`Engine::differentiate`].
    pub fn forward<'t, I: IntoIterator<Item = Term<'t, T>>>(
        &mut self,
        params: &Params<T>,
        embed: impl FnOnce(&mut Graph<'_, T>) -> I,
    ) -> Result<&[Evaluation], EstimatorError> {
        self.forget();
        let Self { tape, gradients, engine, memory, seeded, evaluations, .. } = self;
        gradients.check_fits(params)?;
        gradients.clear();
        evaluations.clear();
        let mut graph = tape.begin(params);
        for (n, term) in embed(&mut graph).into_iter().enumerate() {
            if n == 0 {
                graph.check()?;
            }
            if n == memory.len() {
                memory.push(TermMemory::new());
            }
            let Term { x, y, pairs, learned, pairing, objective, weight } = term;
            let batch = batch(&graph, (x, y, learned), pairing).paired_by(pairs).weighted(weight);
            engine.exchange(&mut memory[n]);
            let found = engine.differentiate(&batch, objective, Some(&mut *gradients));
            let found = found.map(|found| found.evaluation);
            engine.exchange(&mut memory[n]);
            evaluations.push(found?);
            seeded.push(Seeded { x, y, learned });
        }
        self.pending = true;
        Ok(&self.evaluations)
    }

    /// The bound of every term on a batch, without gradients; the states of the objectives do not
    /// change.
    ///
    /// # Errors
    /// As [`TrainingStep::forward`].
    pub fn estimate<'t, I: IntoIterator<Item = Term<'t, T>>>(
        &mut self,
        params: &Params<T>,
        embed: impl FnOnce(&mut Graph<'_, T>) -> I,
    ) -> Result<&[Evaluation], EstimatorError> {
        self.forget();
        let Self { tape, engine, memory, evaluations, .. } = self;
        evaluations.clear();
        let mut graph = tape.begin_inference(params);
        for (n, term) in embed(&mut graph).into_iter().enumerate() {
            if n == 0 {
                graph.check()?;
            }
            if n == memory.len() {
                memory.push(TermMemory::new());
            }
            let Term { x, y, pairs, learned, pairing, objective, .. } = term;
            let batch = batch(&graph, (x, y, learned), pairing).paired_by(pairs);
            engine.exchange(&mut memory[n]);
            let found = engine.estimate(&batch, objective);
            engine.exchange(&mut memory[n]);
            evaluations.push(found?);
        }
        Ok(evaluations)
    }

    /// Adds an objective that no engine evaluates, such as a penalty or an adversary's loss, to the
    /// sum that is maximised. `gradient` is its gradient with respect to a value of the last
    /// [`TrainingStep::forward`], and has that value's shape. The next forward half forgets it.
    pub fn add_gradient(&mut self, value: Var, gradient: Array2<T>) {
        self.further.push((value, gradient));
    }

    /// The gradient of Σ weight × objective of the last [`TrainingStep::forward`] with respect to
    /// every parameter. Parameters must not have changed since.
    ///
    /// # Errors
    /// [`EstimatorError::NoForward`] without a forward half, or after another `backward` or
    /// `ascend`; further gradients of another shape than their values.
    pub fn backward(&mut self, params: &Params<T>) -> Result<&Gradients<T>, EstimatorError> {
        self.check_pending()?;
        let seeds = seeds(&self.seeded, &self.memory, &self.further);
        let done = self.tape.backward(params, &seeds, &mut self.gradients);
        drop(seeds);
        self.forget();
        done?;
        Ok(&self.gradients)
    }

    /// Moves every parameter one step up the gradient of the last [`TrainingStep::forward`], each
    /// as soon as its gradient is complete ([`Optimiser::backward_and_ascend`]).
    ///
    /// # Errors
    /// [`EstimatorError::NoForward`] without a forward half, or after another `backward` or
    /// `ascend`: nothing has changed then. The errors of that method: a gradient that is not
    /// finite; a parameter that no term depends on.
    pub fn ascend(
        &mut self,
        params: &mut Params<T>,
        optimiser: &mut Optimiser<T>,
    ) -> Result<(), EstimatorError> {
        self.check_pending()?;
        let seeds = seeds(&self.seeded, &self.memory, &self.further);
        let Self { tape, gradients, .. } = self;
        let done = optimiser.backward_and_ascend(tape, &seeds, params, gradients);
        drop(seeds);
        self.forget();
        Ok(done?)
    }

    /// The tape, for graphs between steps. A forward half without its second half is forgotten.
    pub fn tape(&mut self) -> &mut Tape<T> {
        self.forget();
        &mut self.tape
    }

    fn check_pending(&self) -> Result<(), EstimatorError> {
        // Without seeds, a backward pass would succeed and the optimiser would count a step.
        if self.pending { Ok(()) } else { Err(EstimatorError::NoForward) }
    }

    /// Drops what the second half of a step would start from.
    fn forget(&mut self) {
        self.seeded.clear();
        self.further.clear();
        self.pending = false;
    }
}

fn batch<'a, T: Scalar>(
    graph: &'a Graph<'_, T>,
    (x, y, learned): (Var, Var, Option<Var>),
    pairing: &'a Pairing,
) -> Batch<'a, T> {
    let column = |var| -> ArrayView1<'a, T> { graph.value(var).index_axis_move(Axis(1), 0) };
    Batch::new(graph.value(x), graph.value(y))
        .scored_by(pairing, graph.params())
        .with_learned(learned.map(column))
}

/// Values and their gradients; those of two terms need no allocation.
type Seeds<'a, T> = SmallVec<[(Var, ArrayView2<'a, T>); 6]>;

/// The gradients from which the backward pass starts.
fn seeds<'a, T: Scalar>(
    seeded: &[Seeded],
    memory: &'a [TermMemory<T>],
    further: &'a [(Var, Array2<T>)],
) -> Seeds<'a, T> {
    let mut seeds = Seeds::new();
    for (Seeded { x, y, learned }, memory) in seeded.iter().zip(memory) {
        let (of_x, of_y, of_learned) = memory.gradients();
        seeds.extend([(*x, of_x), (*y, of_y)]);
        seeds.extend(learned.map(|var| (var, of_learned.insert_axis(Axis(1)))));
    }
    seeds.extend(further.iter().map(|(var, gradient)| (*var, gradient.view())));
    seeds
}
