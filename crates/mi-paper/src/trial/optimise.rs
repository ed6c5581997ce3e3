//! What every training step shares: the optimiser and the watch over numbers that are not finite.

use mi_nets::{Adam, AdamConfig, EpsPlacement, Gradients, Params};

use super::Halt;

/// Whether an optimiser climbs or descends.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    Up,
    Down,
}

/// Adam as TensorFlow 1 has it, which the paper used.
pub(super) fn adam_config(lr: f64) -> AdamConfig {
    AdamConfig { lr, eps_placement: EpsPlacement::BeforeCorrection, ..AdamConfig::default() }
}

/// An optimiser step, after which the gradients are known to have been finite.
pub(super) fn update(
    adam: &mut Adam<f32>,
    params: &mut Params<f32>,
    gradients: &Gradients<f32>,
    direction: Direction,
) -> Result<(), Halt> {
    if !gradients.all_finite() {
        return Err(Halt::Diverged("a gradient is not finite".into()));
    }
    match direction {
        Direction::Up => adam.ascend(params, gradients)?,
        Direction::Down => adam.descend(params, gradients)?,
    }
    Ok(())
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
