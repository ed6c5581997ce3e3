//! The Gaussian error linear unit (Hendrycks and Gimpel, 2016) in its exact form.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use mi_kernels::Scalar;

/// x · Φ(x), computed in `f64` with erfc, so that nothing cancels where x is far below zero.
pub(super) fn gelu<T: Scalar>(x: T) -> T {
    let x = x.to_f64();
    T::from_f64(x * normal_cdf(x))
}

/// Φ(x) + x · φ(x).
pub(super) fn gelu_derivative<T: Scalar>(x: T) -> T {
    let x = x.to_f64();
    T::from_f64(normal_cdf(x) + x * (-0.5 * x * x).exp() / (2.0 * PI).sqrt())
}

fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}
