use mi_critics::{Critic, CriticSpec};
use mi_data::{LatentPair, PairSource, Sampling};
use mi_estimators::bounds::{BoundSpec, Objective};
use mi_estimators::{LearnedNumber, Term, TrainingStep};
use mi_nets::Params;
use mi_random::Stream;
use ndarray::Array2;

use super::optimise::{Trained, finite, mean};
use super::snapshot::Snapshot;
use super::{Halt, Training};
use crate::config::{Dependent, TrialConfig};
use crate::error::PaperError;
use crate::record::Metric;

/// A critic on scalar pairs of known mutual information, whose negatives may depend on each other
/// through a Z that the whole batch shares.
pub(super) struct DependentTraining {
    batch_size: usize,
    pairs: LatentPair,
    samples: Stream,
    training: CriticTraining,
    /// Estimates since the last evaluation.
    estimates: Vec<f64>,
}

/// A critic of numbers, on the way up a bound.
struct CriticTraining {
    critic: Critic,
    learned: Option<LearnedNumber>,
    trained: Trained,
    step: TrainingStep<f32>,
    objective: Objective,
    /// Steps so far in which exponentials left the range of numbers: see
    /// [`Metric::OverflowSteps`].
    overflows: u64,
}

impl CriticTraining {
    fn new(
        spec: &CriticSpec,
        bound: &BoundSpec,
        learning_rate: f64,
        streams: &Stream,
    ) -> Result<Self, PaperError> {
        let mut params = Params::new();
        let mut init = streams.child("init critic");
        let critic = Critic::new(&mut params, "critic", spec, 1, 1, &mut init)?;
        let mut init = streams.child("init baseline");
        let learned = LearnedNumber::new(&mut params, "baseline", bound, (1, 1), &mut init)?;
        Ok(Self {
            step: TrainingStep::new(&params),
            trained: Trained::new(params, learning_rate),
            objective: Objective::new(bound, None)?,
            overflows: 0,
            critic,
            learned,
        })
    }

    /// One optimiser step on a batch; returns the bound's estimate on it.
    fn step(&mut self, x: &Array2<f32>, y: &Array2<f32>) -> Result<f64, Halt> {
        let Self { critic, learned, trained: Trained { params, optimiser }, step, .. } = self;
        let objective = &mut self.objective;
        let found = step.forward(params, |graph| {
            let (x, y) = (graph.input(x.view()), graph.input(y.view()));
            let learned = learned.as_ref().map(|learned| learned.forward(graph, x, y));
            let embedded = critic.towers(graph, x, y);
            [Term::new(embedded, critic.pairing(), objective).with_learned(learned)]
        })?;
        self.overflows += u64::from(found[0].overflow);
        let estimate = finite("the bound", found[0].estimate)?;
        step.ascend(params, optimiser)?;
        Ok(estimate)
    }

    /// How many steps' gradients were lost in part, if any were.
    fn overflows(&self) -> Option<(Metric, f64)> {
        (self.overflows > 0).then_some((Metric::OverflowSteps, self.overflows as f64))
    }

    fn save(&self) -> Result<Snapshot, PaperError> {
        let mut snapshot = Snapshot::new(&[&self.trained])?;
        snapshot.put("objective", &self.objective)?;
        snapshot.put("overflows", &self.overflows)?;
        Ok(snapshot)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), PaperError> {
        snapshot.restore(&mut [&mut self.trained])?;
        self.objective = snapshot.get("objective")?;
        // Snapshots of earlier versions did not count them.
        self.overflows = snapshot.get::<Option<u64>>("overflows")?.unwrap_or(0);
        Ok(())
    }
}

impl DependentTraining {
    pub(super) fn new(config: &TrialConfig, task: &Dependent) -> Result<Self, PaperError> {
        let streams = Stream::new(config.seed, "trial");
        let sampling = if task.dependent { Sampling::Dependent } else { Sampling::Independent };
        Ok(Self {
            batch_size: task.batch_size,
            pairs: LatentPair::figure_4c(sampling),
            samples: streams.child("samples"),
            training: CriticTraining::new(&task.critic, &task.bound, task.learning_rate, &streams)?,
            estimates: Vec::new(),
        })
    }
}

impl Training for DependentTraining {
    fn step(&mut self) -> Result<f64, Halt> {
        let (x, y) = self.pairs.sample::<f32>(self.batch_size, &mut self.samples)?;
        let estimate = self.training.step(&x, &y)?;
        self.estimates.push(estimate);
        Ok(estimate)
    }

    /// The mean estimate over the steps since the last evaluation: every step has a fresh batch,
    /// so that its estimate is not one on training data.
    fn evaluate(&mut self, step: u64) -> Result<Vec<(Metric, f64)>, Halt> {
        if step == 0 {
            let ceiling = self.pairs.ceiling(self.batch_size);
            return Ok(vec![(Metric::TrueMi, self.pairs.true_mi()), (Metric::Ceiling, ceiling)]);
        }
        let estimate = mean(&self.estimates);
        self.estimates.clear();
        let overflows = self.training.overflows();
        Ok([(Metric::Estimate, estimate)].into_iter().chain(overflows).collect())
    }

    fn save(&self) -> Result<Snapshot, PaperError> {
        let mut snapshot = self.training.save()?;
        snapshot.put("samples", &self.samples.state())?;
        let bits: Vec<u64> = self.estimates.iter().map(|value| value.to_bits()).collect();
        snapshot.put("estimates", &bits)?;
        Ok(snapshot)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), PaperError> {
        self.training.restore(snapshot)?;
        self.samples = Stream::from_state(&snapshot.get("samples")?);
        let bits: Vec<u64> = snapshot.get("estimates")?;
        self.estimates = bits.into_iter().map(f64::from_bits).collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    /// The exponentials of one row are e⁸⁴ times those of the others, which vanish in the sum.
    #[test]
    fn steps_that_lose_gradients_are_counted_and_the_count_is_saved() {
        let new = || {
            let streams = Stream::new(0, "trial");
            CriticTraining::new(&CriticSpec::Bilinear, &BoundSpec::Nwj, 1e-6, &streams)
        };
        let mut training = new().unwrap();
        let weight = training.trained.params.ids().next().unwrap();
        training.trained.params.view_mut(weight).fill(1.0);
        let y = array![[1.0_f32], [1.0], [1.0], [1.0]];
        let step = |training: &mut CriticTraining, high: f32| {
            training.step(&array![[high], [5.0], [5.0], [5.0]], &y).unwrap()
        };
        step(&mut training, 6.0);
        assert_eq!(training.overflows(), None);
        step(&mut training, 84.0);
        step(&mut training, 84.0);
        step(&mut training, 6.0);
        assert_eq!(training.overflows(), Some((Metric::OverflowSteps, 2.0)));
        let mut restored = new().unwrap();
        restored.restore(&training.save().unwrap()).unwrap();
        assert_eq!(restored.overflows(), training.overflows());
    }
}
