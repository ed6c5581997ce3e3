use mi_kernels::Scalar;
use serde::{Deserialize, Serialize};

use super::Memory;

/// Settings of stochastic gradient descent, in `PyTorch`'s form.
///
/// # Formula
/// With gradient g, elementwise: u ← momentum · u + g, θ ← θ − lr · u; with `nesterov`, θ ← θ − lr
/// · (g + momentum · u) (Sutskever et al., 2013, in `PyTorch`'s form). The learning rate is not
/// part of the velocity u, so a schedule acts at once.
///
/// | field | default | purpose | range |
/// | --- | --- | --- | --- |
/// | `lr` | 0.1 | step size | ≥ 0 |
/// | `momentum` | 0 | memory of earlier gradients | [0, 1) |
/// | `nesterov` | false | looks ahead along the velocity | |
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SgdConfig {
    /// Step size.
    pub lr: f64,
    /// Memory of earlier gradients.
    pub momentum: f64,
    /// Looks ahead along the velocity.
    pub nesterov: bool,
}

impl Default for SgdConfig {
    fn default() -> Self {
        Self { lr: 0.1, momentum: 0.0, nesterov: false }
    }
}

/// One step's constants.
pub(super) struct Factors<T> {
    momentum: T,
    nesterov: bool,
    rate: T,
}

impl<T: Scalar> Factors<T> {
    pub(super) fn new(config: &SgdConfig, lr: f64, sign: f64) -> Self {
        Self {
            momentum: T::from_f64(config.momentum),
            nesterov: config.nesterov,
            rate: T::from_f64(sign * lr),
        }
    }

    /// Updates one parameter: θ ← θ ± lr · u. `along` computes the gradient to follow from the
    /// loss's gradient and the parameter.
    pub(super) fn update(
        &self,
        params: &mut [T],
        memory: &mut Memory<T>,
        gradient: &[T],
        along: impl Fn(T, T) -> T,
    ) {
        if memory.first.is_empty() {
            for (p, &g) in params.iter_mut().zip(gradient) {
                *p += self.rate * along(g, *p);
            }
            return;
        }
        // A decaying velocity would become subnormal, as Adam's moments do.
        let least = T::min_positive_value();
        for ((p, u), &g) in params.iter_mut().zip(&mut memory.first).zip(gradient) {
            let g = along(g, *p);
            *u = super::adam::flushed(self.momentum * *u + g, least);
            *p += self.rate * if self.nesterov { g + self.momentum * *u } else { *u };
        }
    }
}
