//! Numeric kernels below the networks, critics and bounds of this workspace.
//!
//! The crate knows slices and matrices of [`Scalar`]s, nothing of networks or of mutual
//! information.

mod matrix_product;
mod scalar;

pub use matrix_product::matrix_product;
pub use scalar::Scalar;
