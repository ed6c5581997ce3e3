//! Means and spreads, which several estimators need.

/// The mean of some numbers, and the sum of the squares of their deviations from it.
pub(crate) fn mean_and_squares(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum())
}

/// Numbers shifted and scaled to mean 0 and (population) variance 1; constants become 0.
///
/// [`mi_eval::StandardScaler`] differs from this: it corrects the rounding of means, and it treats
/// a spread below rounding as none. Its results differ in the last bits, and the bits of estimates
/// must not change.
pub(crate) fn standardised(values: &[f64]) -> Vec<f64> {
    let (mean, squares) = mean_and_squares(values);
    let variance = squares / values.len() as f64;
    let scale = if variance > 0.0 { variance.sqrt() } else { 1.0 };
    values.iter().map(|v| (v - mean) / scale).collect()
}
