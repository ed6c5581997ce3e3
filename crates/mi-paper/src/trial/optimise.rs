//! The parts that all training steps share: the optimiser, and checks that numbers are finite.

use mi_nets::{AdamConfig, EpsPlacement, Gradients, Optimiser, Params, Tape, Var};
use ndarray::ArrayView2;

use super::StepError;

/// Where Adam adds ε: as in TensorFlow 1, which the paper used.
pub(crate) const EPS_PLACEMENT: EpsPlacement = EpsPlacement::BeforeCorrection;

/// Parameters and their optimiser, which a checkpoint saves together.
pub(super) struct Trained {
    pub(super) params: Params<f32>,
    pub(super) optimiser: Optimiser<f32>,
}

impl Trained {
    /// Parameters that Adam trains at learning rate `lr`.
    pub(super) fn new(params: Params<f32>, lr: f64) -> Self {
        let config = AdamConfig { lr, eps_placement: EPS_PLACEMENT, ..AdamConfig::default() };
        Self { optimiser: Optimiser::new(config, &params), params }
    }
}

/// Parameters that are trained on a loss, with the tape and the gradients of a step.
pub(super) struct Learner {
    pub(super) trained: Trained,
    pub(super) tape: Tape<f32>,
    pub(super) gradients: Gradients<f32>,
}

impl Learner {
    pub(super) fn new(params: Params<f32>, lr: f64) -> Self {
        Self {
            tape: Tape::new(),
            gradients: Gradients::zeros_like(&params),
            trained: Trained::new(params, lr),
        }
    }

    /// Takes a step down the gradient: the one that the backward pass from `seeds` gives on the
    /// tape's last graph, plus what was added to `gradients` since they were cleared.
    pub(super) fn descend(
        &mut self,
        seeds: &[(Var, ArrayView2<'_, f32>)],
    ) -> Result<(), StepError> {
        let Self { trained: Trained { params, optimiser }, tape, gradients } = self;
        Ok(optimiser.backward_and_descend(tape, seeds, params, gradients)?)
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
    use mi_nets::Activation;
    use ndarray::array;

    #[test]
    fn a_non_finite_gradient_is_a_divergence_that_names_the_parameter() {
        let mut params = Params::new();
        let w = params.add("w", array![[1.0]]).unwrap();
        let mut learner = Learner::new(params, 1e-3);
        let mut graph = learner.tape.begin(&learner.trained.params);
        let x = graph.input(array![[2.0]].view());
        let y = graph.dense(x, w, None, Activation::Linear);
        let stopped = learner.descend(&[(y, array![[f32::INFINITY]].view())]);
        assert!(matches!(stopped, Err(StepError::Diverged(reason)) if reason.contains("`w`")));
        assert_eq!(learner.trained.params.view(w), array![[1.0]]);
    }
}
