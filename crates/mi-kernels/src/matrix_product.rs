use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use crate::Scalar;

/// `c ← alpha · a · b + beta · c`, for matrices of any layout.
///
/// # Shapes
/// `a` is m×k, `b` is k×n and `c` is m×n. With `beta = 0` the old values of `c` are not read.
///
/// # Panics
/// When the shapes do not fit: a mistake in the calling code, never in a user's input.
pub fn matrix_product<T: Scalar>(
    alpha: T,
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
    beta: T,
    mut c: ArrayViewMut2<'_, T>,
) {
    general_mat_mul(alpha, &a, &b, beta, &mut c);
}
