//! Numeric kernels below the networks, critics and bounds of this workspace.
//!
//! The crate works on slices and matrices of [`Scalar`]s, and knows nothing of networks or of
//! mutual information. `f32` is the fast path: it uses the processor's vectors (AVX-512, AVX2,
//! NEON), chosen at run time, so that no build flag is needed. `f64` uses the standard library's
//! functions; the fast path is checked against it.
//!
//! ```
//! let mut row = [1.0_f32, 3.0, 2.0];
//! let largest = mi_kernels::maximum(&row);
//! let sum = mi_kernels::exp_shifted(&mut row, largest);
//! assert_eq!(row[1], 1.0);
//! assert!((f64::from(largest) + sum.ln() - 3.407_606).abs() < 1e-6);
//! ```

#![allow(clippy::inline_always, reason = "vectors need their caller's processor features")]

mod cholesky;
mod elementwise;
mod exp;
mod gates;
mod logarithm;
mod product;
mod reductions;
mod relu_pairs;
mod row_sums;
mod scalar;
#[doc(hidden)]
pub mod simd;

pub use cholesky::Cholesky;
pub use elementwise::{
    add_scaled, all_finite, positive_part, scaled, scaled_transpose, weighted_sum,
};
pub use gates::{GatedRow, gated_state, gated_state_gradient};
pub use logarithm::{Logarithm, log_add, origin_for, softplus};
pub use product::matrix_product;
pub use reductions::{
    add_exp_shifted, argmax, exp_shifted, exp_shifted_twice, log_sum_exp, logistic_softplus_sum,
    maximum, softplus_sum, sum_exp_shifted,
};
pub use relu_pairs::{
    PAIR_STRIP, PAIR_TILE, PairScaling, pack_pair_strips, pack_pair_tiles, relu_pair_finish,
    relu_pair_gradients, relu_pair_scores,
};
pub use row_sums::{add_rows, add_rows_in_f64, add_to_rows, keep_where_positive};
pub use scalar::Scalar;
pub use simd::simd_level;
// The matrices that products take, so that callers need only depend on this crate.
pub use ndarray;

/// The README's example, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
