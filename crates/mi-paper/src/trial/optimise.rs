//! What every training step shares: the optimiser and the watch over numbers that are not finite.

use mi_nets::{AdamConfig, EpsPlacement, Gradients, Optimiser, Params, Tape, Var};
use ndarray::ArrayView2;

use super::Halt;

/// Whether an optimiser climbs or descends.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    Up,
    Down,
}

/// Parameters that are trained, with all that their steps need.
pub(super) struct Learner {
    pub(super) params: Params<f32>,
    pub(super) adam: Optimiser<f32>,
    pub(super) tape: Tape<f32>,
    pub(super) gradients: Gradients<f32>,
}

impl Learner {
    /// Adam as TensorFlow 1 has it, which the paper used.
    pub(super) fn new(params: Params<f32>, lr: f64) -> Self {
        let eps_placement = EpsPlacement::BeforeCorrection;
        let config = AdamConfig { lr, eps_placement, ..AdamConfig::default() };
        Self {
            adam: Optimiser::new(config, &params),
            tape: Tape::new(),
            gradients: Gradients::zeros_like(&params),
            params,
        }
    }

    /// A step along the gradient that these seeds have on the tape's last graph, and that which
    /// was added to `gradients` since they were cleared.
    pub(super) fn step(
        &mut self,
        seeds: &[(Var, ArrayView2<'_, f32>)],
        direction: Direction,
    ) -> Result<(), Halt> {
        let Self { params, adam, tape, gradients } = self;
        match direction {
            Direction::Up => adam.backward_and_ascend(tape, seeds, params, gradients)?,
            Direction::Down => adam.backward_and_descend(tape, seeds, params, gradients)?,
        }
        Ok(())
    }
}

/// A number that must be finite for the trial to go on.
pub(super) fn finite(what: &str, value: f64) -> Result<f64, Halt> {
    if value.is_finite() { Ok(value) } else { Err(Halt::Diverged(format!("{what} is {value}"))) }
}

pub(super) fn check_weights(params: &Params<f32>) -> Result<(), Halt> {
    if params.all_finite() { Ok(()) } else { Err(Halt::Diverged("a weight is not finite".into())) }
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
    fn a_gradient_that_is_not_finite_is_a_divergence_that_names_the_parameter() {
        let mut params = Params::new();
        let w = params.add("w", array![[1.0]]).unwrap();
        let mut learner = Learner::new(params, 1e-3);
        let mut graph = learner.tape.begin(&learner.params);
        let x = graph.input(array![[2.0]].view());
        let y = graph.dense(x, w, None, Activation::Linear);
        let stopped = learner.step(&[(y, array![[f32::INFINITY]].view())], Direction::Up);
        assert!(matches!(stopped, Err(Halt::Diverged(reason)) if reason.contains("`w`")));
        assert_eq!(learner.params.view(w), array![[1.0]]);
    }
}
