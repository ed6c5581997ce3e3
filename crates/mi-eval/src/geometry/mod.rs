//! The geometry of features, without a probe.

mod cka;
mod classes;
mod dead;
#[cfg(feature = "faer")]
mod spectrum;
mod sphere;
mod unit;

pub use cka::{linear_cka, linear_cka_debiased};
pub use classes::{class_separation, neighbour_purity};
pub use dead::dead_units;
#[cfg(feature = "faer")]
pub use spectrum::{Spectrum, effective_rank, rank_me};
pub use sphere::{alignment, uniformity};
pub(crate) use unit::unit_rows;

use mi_kernels::Scalar;
use ndarray::{Array2, ArrayView2};

use crate::{EvalError, features};

/// Checks two views of the same samples: the same rows, all finite.
fn check_pair<T: Scalar, U: Scalar>(
    operation: &'static str,
    first: &ArrayView2<'_, T>,
    second: &ArrayView2<'_, U>,
) -> Result<(), EvalError> {
    features::check(operation, first)?;
    features::check(operation, second)?;
    features::check_rows(operation, first.nrows(), second.nrows())
}

/// A matrix in double precision.
fn double<T: Scalar>(features: &ArrayView2<'_, T>) -> Array2<f64> {
    features.mapv(Scalar::to_f64)
}
