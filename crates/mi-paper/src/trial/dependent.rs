use mi_data::{LatentPair, PairSource, Sampling};
use mi_random::Stream;

use super::critic_training::CriticTraining;
use super::optimise::{chosen, mean};
use super::snapshot::Snapshot;
use super::{StepError, Training};
use crate::config::{Dependent, TrialConfig};
use crate::error::PaperError;
use crate::record::Metric;

/// Trains a critic on scalar pairs of known mutual information. Negatives may be dependent, through
/// a Z that the whole batch shares.
pub(super) struct DependentTraining {
    batch_size: usize,
    pairs: LatentPair,
    samples: Stream,
    training: CriticTraining,
    /// Estimates since the last evaluation.
    estimates: Vec<f64>,
}

impl DependentTraining {
    pub(super) fn new(config: &TrialConfig, task: &Dependent) -> Result<Self, PaperError> {
        let streams = Stream::new(config.seed, "trial");
        let sampling = if task.dependent { Sampling::Dependent } else { Sampling::Independent };
        Ok(Self {
            batch_size: task.batch_size,
            pairs: LatentPair::figure_4c(sampling),
            samples: streams.child("samples"),
            training: CriticTraining::new(
                (1, 1),
                &task.critic,
                &task.bound,
                chosen(task.optimiser.as_deref(), task.learning_rate),
                &streams,
            )?,
            estimates: Vec::new(),
        })
    }
}

impl Training for DependentTraining {
    fn step(&mut self) -> Result<f64, StepError> {
        let (x, y) = self.pairs.sample::<f32>(self.batch_size, &mut self.samples)?;
        let estimate = self.training.step(x.view(), y.view())?;
        self.estimates.push(estimate);
        Ok(estimate)
    }

    /// Reports the mean estimate over the steps since the last evaluation. Every step estimates on
    /// a fresh batch before it trains on it, so these are not estimates on training data.
    fn evaluate(&mut self, step: u64) -> Result<Vec<(Metric, f64)>, StepError> {
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
