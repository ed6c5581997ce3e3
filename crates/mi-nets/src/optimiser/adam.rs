use mi_kernels::Scalar;
use serde::{Deserialize, Serialize};

use super::Memory;

/// Where Adam adds ε.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EpsPlacement {
    /// To the root of the corrected second moment: Algorithm 1 of Kingma and Ba (2015), the
    /// form of `PyTorch`, JAX and TensorFlow 2.
    #[default]
    AfterCorrection,
    /// To the root of the uncorrected second moment ("ε̂", before section 2.1 of the same paper),
    /// the form of TensorFlow 1. In the first steps ε weighs up to 1/√(1 − β₂) ≈ 32 times more,
    /// which matters where gradients are as small as ε.
    BeforeCorrection,
}

/// Settings of Adam (Kingma and Ba, 2015).
///
/// # Formula
/// With gradient g at step t, elementwise:
///
/// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²,
///
/// after the correction: θ ← θ − lr · m̂ / (√v̂ + ε), m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ);
/// before it: θ ← θ − lr · √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε).
///
/// | field | default | purpose | range |
/// | --- | --- | --- | --- |
/// | `lr` | 1e-4 | step size | ≥ 0 |
/// | `beta1` | 0.9 | memory of the mean gradient | [0, 1) |
/// | `beta2` | 0.999 | memory of the mean squared gradient | [0, 1) |
/// | `eps` | 1e-8 | floor of the root mean square | > 0 |
/// | `eps_placement` | after the correction | see [`EpsPlacement`] | |
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamConfig {
    /// Step size.
    pub lr: f64,
    /// Memory of the mean gradient.
    pub beta1: f64,
    /// Memory of the mean squared gradient.
    pub beta2: f64,
    /// Floor of the root mean square.
    pub eps: f64,
    /// Where `eps` is added.
    pub eps_placement: EpsPlacement,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self {
            lr: 1e-4,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            eps_placement: EpsPlacement::default(),
        }
    }
}

/// The factor of the first moment in a step is assumed to be at least this: 2⁻²⁶.
const LEAST_RATE: f64 = 1.0 / (1u64 << 26) as f64;

/// One step's constants, with both placements of ε in one form: θ ← θ + rate · m / (√v + eps).
pub(super) struct Factors<T> {
    beta1: T,
    beta2: T,
    /// 1 − β₁, from `f64`: 1 − 0.999 in `f32` is wrong in the fifth digit.
    rest1: T,
    rest2: T,
    rate: T,
    eps: T,
}

impl<T: Scalar> Factors<T> {
    pub(super) fn new(config: &AdamConfig, lr: f64, step: u64, sign: f64) -> Self {
        // After 2³¹ steps the powers are zero in any case.
        let power = i32::try_from(step).unwrap_or(i32::MAX);
        let correction1 = 1.0 - config.beta1.powi(power);
        let root2 = (1.0 - config.beta2.powi(power)).sqrt();
        let eps = match config.eps_placement {
            // lr m̂/(√v̂ + ε) = (lr root2/correction1) · m/(√v + ε root2).
            EpsPlacement::AfterCorrection => config.eps * root2,
            EpsPlacement::BeforeCorrection => config.eps,
        };
        Self {
            beta1: T::from_f64(config.beta1),
            beta2: T::from_f64(config.beta2),
            rest1: T::from_f64(1.0 - config.beta1),
            rest2: T::from_f64(1.0 - config.beta2),
            rate: T::from_f64(sign * lr * root2 / correction1),
            eps: T::from_f64(eps),
        }
    }

    /// Updates one parameter. `along` computes the gradient to follow from the loss's gradient and
    /// the parameter.
    pub(super) fn update(
        &self,
        params: &mut [T],
        memory: &mut Memory<T>,
        gradient: &[T],
        along: impl Fn(T, T) -> T,
    ) {
        let Memory { first, second } = memory;
        // The product with the rate must not be subnormal either.
        let least_first = T::min_positive_value() * T::from_f64(LEAST_RATE.recip());
        for (((p, m), v), &g) in params.iter_mut().zip(first).zip(second).zip(gradient) {
            let g = along(g, *p);
            *m = flushed(self.beta1 * *m + self.rest1 * g, least_first);
            *v = flushed(self.beta2 * *v + self.rest2 * g * g, T::min_positive_value());
            *p += self.rate * *m / (v.sqrt() + self.eps);
        }
    }
}

/// Flushes small numbers to zero. The moments of a weight whose gradient stays zero (a dead unit, a
/// dark pixel) decay, and arithmetic on subnormal numbers takes a hundred times longer on many
/// processors; with ε = 10⁻⁸ the flushed numbers would move a weight by less than 10⁻²⁰.
pub(super) fn flushed<T: Scalar>(x: T, least: T) -> T {
    if x.abs() < least { T::zero() } else { x }
}
