//! The parts that all training steps share: the optimiser, and checks that numbers are finite.

use mi_nets::{AdamConfig, EpsPlacement, Optimiser, OptimiserConfig, Params};

use super::StepError;

/// Where Adam adds ε: as in TensorFlow 1, which the paper used.
pub(crate) const EPS_PLACEMENT: EpsPlacement = EpsPlacement::BeforeCorrection;

/// The paper's Adam.
pub(crate) fn adam(lr: f64) -> AdamConfig {
    AdamConfig { lr, eps_placement: EPS_PLACEMENT, ..AdamConfig::default() }
}

/// A task's optimiser at its learning rate; the paper's Adam if it has none of its own.
pub(super) fn chosen(own: Option<&OptimiserConfig>, lr: f64) -> OptimiserConfig {
    own.map_or_else(|| adam(lr).into(), |own| own.clone().with_lr(lr))
}

/// Parameters and their optimiser, which a checkpoint saves together.
pub(super) struct Trained {
    pub(super) params: Params<f32>,
    pub(super) optimiser: Optimiser<f32>,
}

impl Trained {
    /// Parameters that an optimiser with these settings trains.
    pub(super) fn new(params: Params<f32>, config: impl Into<OptimiserConfig>) -> Self {
        Self { optimiser: Optimiser::new(config, &params), params }
    }

    /// What a snapshot saves.
    pub(super) fn state(&self) -> (&Params<f32>, &Optimiser<f32>) {
        (&self.params, &self.optimiser)
    }

    /// What a snapshot restores.
    pub(super) fn state_mut(&mut self) -> (&mut Params<f32>, &mut Optimiser<f32>) {
        (&mut self.params, &mut self.optimiser)
    }
}

/// Returns `value` if it is finite; otherwise the trial has diverged.
pub(super) fn finite(what: &str, value: f64) -> Result<f64, StepError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(StepError::Diverged(format!("{what} is {value}")))
    }
}

pub(super) fn check_weights(params: &Params<f32>) -> Result<(), StepError> {
    if params.all_finite() {
        Ok(())
    } else {
        Err(StepError::Diverged("a weight is not finite".into()))
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_nets::{Activation, Learner};
    use ndarray::array;

    #[test]
    fn a_non_finite_gradient_is_a_divergence_that_names_the_parameter() {
        let mut params = Params::new();
        let w = params.add("w", array![[1.0]]).unwrap();
        let mut learner = Learner::new(adam(1e-3), params);
        let mut graph = learner.begin();
        let x = graph.input(array![[2.0]].view());
        let y = graph.dense(x, w, None, Activation::Linear);
        let stopped = learner.descend(&[(y, array![[f32::INFINITY]].view())]);
        let stopped = stopped.map_err(StepError::from);
        assert!(matches!(stopped, Err(StepError::Diverged(reason)) if reason.contains("`w`")));
        assert_eq!(learner.params.view(w), array![[1.0]]);
    }
}
