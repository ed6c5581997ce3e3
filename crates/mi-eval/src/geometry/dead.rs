use mi_kernels::Scalar;
use ndarray::ArrayView2;

use crate::{EvalError, StandardScaler};

/// The features that have the same value in every row, up to rounding: they say nothing.
///
/// A column counts as constant by the rule of [`StandardScaler`].
///
/// # Errors
/// An empty matrix, a NaN or infinite feature, a variance beyond the largest `f64`.
///
/// ```
/// let features = ndarray::array![[0.0_f32, 1.0, 5.0], [0.0, 2.0, 5.0]];
/// assert_eq!(mi_eval::dead_units(features.view())?, [0, 2]);
/// # Ok::<(), mi_eval::EvalError>(())
/// ```
pub fn dead_units<T: Scalar>(features: ArrayView2<'_, T>) -> Result<Vec<usize>, EvalError> {
    let scaler = StandardScaler::fit(features)?;
    Ok((0..features.ncols()).filter(|&column| scaler.is_constant(column)).collect())
}
