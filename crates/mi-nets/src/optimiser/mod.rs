//! Optimisers: one type that any training step takes, and its rules.

mod adam;
mod backward_step;
mod config;
mod schedule;
mod sgd;

pub use adam::{AdamConfig, EpsPlacement};
pub use config::{OptimiserConfig, Rule, WeightDecay};
pub use schedule::{Decay, Schedule};
pub use sgd::SgdConfig;

use mi_kernels::{Scalar, all_finite};

use crate::params::Role;
use crate::{Gradients, NetsError, ParamId, Params};

/// An optimiser's memory of one parameter's gradients, row by row; vectors that a rule does not use
/// are empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Memory<T> {
    pub(crate) first: Vec<T>,
    pub(crate) second: Vec<T>,
}

/// An optimiser: a [`Rule`] with weight decay and a schedule of the learning rate, and its memory
/// of earlier gradients.
///
/// A step updates every trained parameter. A frozen parameter ([`Params::freeze`]) does not change
/// and needs no gradient; running statistics ([`Params::add_running_statistics`]) move towards
/// those of the batch. A trained parameter without a gradient is an error.
///
/// If a parameter is thawed between two steps, its memory is still zero: make a new optimiser, so
/// that Adam's bias correction also restarts.
///
/// ```
/// use mi_nets::{Decay, NetsError, Optimiser, OptimiserConfig, Params, Schedule, SgdConfig, WeightDecay};
///
/// let sgd = SgdConfig { lr: 0.03, momentum: 0.9, ..SgdConfig::default() };
/// let decay = Decay::Cosine { steps: 10_000, floor: 0.0 };
/// let config = OptimiserConfig::from(sgd)
///     .with_weight_decay(WeightDecay::Coupled(1e-4))
///     .with_schedule(Schedule { warm_up: 500, decay });
/// config.check()?;
/// let optimiser = Optimiser::<f32>::new(config, &Params::new());
/// assert_eq!(optimiser.learning_rate(), 0.03 * 0.002); // of the first step
/// # Ok::<(), NetsError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Optimiser<T> {
    config: OptimiserConfig,
    step: u64,
    memory: Vec<Memory<T>>,
}

impl<T: Scalar> Optimiser<T> {
    /// An optimiser for these parameters that has seen no gradient yet. Settings outside their
    /// range ([`OptimiserConfig::check`]) give an error at the first step.
    pub fn new(config: impl Into<OptimiserConfig>, params: &Params<T>) -> Self {
        let config = config.into();
        let memory = params
            .entries()
            .iter()
            .map(|param| {
                let [first, second] = config.rule.remembers().map(|remembered| {
                    vec![T::zero(); if remembered { param.values.len() } else { 0 }]
                });
                Memory { first, second }
            })
            .collect();
        Self { config, step: 0, memory }
    }

    /// The settings.
    pub fn config(&self) -> &OptimiserConfig {
        &self.config
    }

    /// The number of steps taken.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The learning rate of the next step, by the schedule.
    pub fn learning_rate(&self) -> f64 {
        self.config.rule.lr() * self.config.schedule.factor(self.step)
    }

    /// One step down the gradient. Nothing changes if there is an error.
    ///
    /// # Errors
    /// A trained parameter without a gradient, or a gradient that is not finite (the parameter is
    /// named); gradients or parameters of other shapes; settings outside their range.
    pub fn descend(
        &mut self,
        params: &mut Params<T>,
        gradients: &Gradients<T>,
    ) -> Result<(), NetsError> {
        self.update(params, gradients, Direction::Down)
    }

    /// One step up the gradient: [`Optimiser::descend`] with the gradient's sign flipped. Weight
    /// decay makes weights smaller in both directions.
    ///
    /// # Errors
    /// Those of [`Optimiser::descend`].
    pub fn ascend(
        &mut self,
        params: &mut Params<T>,
        gradients: &Gradients<T>,
    ) -> Result<(), NetsError> {
        self.update(params, gradients, Direction::Up)
    }

    pub(crate) fn memory(&self) -> &[Memory<T>] {
        &self.memory
    }

    /// Checks that this optimiser was made for parameters of these sizes.
    pub(crate) fn check_fits(&self, params: &Params<T>) -> Result<(), NetsError> {
        let [first, second] = self.config.rule.remembers();
        let fits = self.memory.len() == params.len()
            && self.memory.iter().zip(params.entries()).all(|(memory, param)| {
                let length = param.values.len();
                memory.first.len() == if first { length } else { 0 }
                    && memory.second.len() == if second { length } else { 0 }
            });
        if fits {
            return Ok(());
        }
        let problem = format!(
            "made for {} parameters, given {} of other sizes: make a new one by `Optimiser::new`",
            self.memory.len(),
            params.len()
        );
        Err(NetsError::Mismatch { operation: "optimiser", problem })
    }

    /// Continues from a saved step with saved memory of the right sizes.
    pub(crate) fn restore(&mut self, step: u64, memory: Vec<Memory<T>>) {
        self.step = step;
        self.memory = memory;
    }

    fn update(
        &mut self,
        params: &mut Params<T>,
        gradients: &Gradients<T>,
        direction: Direction,
    ) -> Result<(), NetsError> {
        gradients.check_fits(params)?;
        self.check_fits(params)?;
        let absent = |id: &ParamId| params.is_trained(*id) && gradients.slice(*id).is_none();
        if let Some(id) = params.ids().find(absent) {
            return Err(NetsError::UnusedParameter { name: params.name(id).to_owned() });
        }
        // NaN would stay in the parameters and in the optimiser's memory for ever.
        for (id, gradient) in gradients.entries() {
            check_finite(params, id, gradient.unwrap_or_default())?;
        }
        let mut step = self.begin_step(direction)?;
        for id in params.ids() {
            if let Some(gradient) = gradients.slice(id) {
                step.update(params, id, gradient);
            }
        }
        Ok(())
    }

    /// Counts a step, whose parameters can then be updated one by one.
    fn begin_step(&mut self, direction: Direction) -> Result<Step<'_, T>, NetsError> {
        self.config.check()?;
        let lr = self.learning_rate();
        self.step += 1;
        let sign = match direction {
            Direction::Down => -1.0,
            Direction::Up => 1.0,
        };
        let (coupled, decoupled) = match self.config.weight_decay {
            WeightDecay::None => (0.0, 0.0),
            WeightDecay::Coupled(rate) => (rate, 0.0),
            WeightDecay::Decoupled(rate) => (0.0, rate),
        };
        let rule = match &self.config.rule {
            Rule::Adam(adam) => StepRule::Adam(adam::Factors::new(adam, lr, self.step, sign)),
            Rule::Sgd(sgd) => StepRule::Sgd(sgd::Factors::new(sgd, lr, sign)),
        };
        // In ascent the penalty is subtracted from the objective; in descent it is added to the
        // loss.
        let pull = T::from_f64(-sign * coupled);
        let keep = T::from_f64(1.0 - lr * decoupled);
        Ok(Step { rule, pull, keep, memory: &mut self.memory })
    }
}

/// Checks a parameter's gradient.
fn check_finite<T: Scalar>(
    params: &Params<T>,
    id: ParamId,
    gradient: &[T],
) -> Result<(), NetsError> {
    if all_finite(gradient) {
        return Ok(());
    }
    Err(NetsError::GradientNotFinite { name: params.name(id).to_owned() })
}

/// Whether a step goes up or down the gradient.
#[derive(Clone, Copy, Debug)]
enum Direction {
    Down,
    Up,
}

/// One step of an [`Optimiser`], parameter by parameter.
struct Step<'a, T> {
    rule: StepRule<T>,
    /// Coupled decay: this number times the parameter is added to its gradient.
    pull: T,
    /// Decoupled decay: the factor of the parameter before the step.
    keep: T,
    memory: &'a mut [Memory<T>],
}

/// One step's constants.
enum StepRule<T> {
    Adam(adam::Factors<T>),
    Sgd(sgd::Factors<T>),
}

impl<T: Scalar> Step<'_, T> {
    fn update(&mut self, params: &mut Params<T>, id: ParamId, gradient: &[T]) {
        let param = &mut params.entries_mut()[id.0];
        match param.role {
            Role::Frozen => {}
            Role::Running { momentum } => {
                crate::ops::move_running_statistics(&mut param.values, gradient, momentum);
            }
            Role::Trained => {
                let (values, memory) = (&mut param.values, &mut self.memory[id.0]);
                if self.keep != T::one() {
                    for p in values.iter_mut() {
                        *p *= self.keep;
                    }
                }
                // Separate loops, so that a step without decay does not pay for it.
                let pull = self.pull;
                match (&self.rule, pull == T::zero()) {
                    (StepRule::Adam(adam), true) => adam.update(values, memory, gradient, |g, _| g),
                    (StepRule::Adam(adam), false) => {
                        adam.update(values, memory, gradient, |g, p| g + pull * p);
                    }
                    (StepRule::Sgd(sgd), true) => sgd.update(values, memory, gradient, |g, _| g),
                    (StepRule::Sgd(sgd), false) => {
                        sgd.update(values, memory, gradient, |g, p| g + pull * p);
                    }
                }
                if let Some(most) = param.most {
                    for p in values.iter_mut().filter(|p| **p > most) {
                        *p = most;
                    }
                }
            }
        }
    }
}
