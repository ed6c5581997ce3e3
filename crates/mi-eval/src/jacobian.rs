use ndarray::{Array2, ArrayView1};

use crate::{EvalError, features};

/// `ln(σ_max / σ_min)`: 0 for an orthogonal Jacobian, infinite for one that is not of full rank.
///
/// `singular_values` may come in any order; an empty slice gives NaN, and so does a NaN.
pub fn log_condition(singular_values: &[f64]) -> f64 {
    // `min` and `max` skip NaN.
    if singular_values.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    let low = singular_values.iter().copied().fold(f64::NAN, f64::min);
    let high = singular_values.iter().copied().fold(f64::NAN, f64::max);
    // A difference of logarithms: the quotient might overflow, and 0/0 is no condition number.
    if low == 0.0 { f64::INFINITY } else { high.ln() - low.ln() }
}

/// The log conditions of several samples' Jacobians.
///
/// Infinite ones are kept: they sort last, and [`infinite`](Self::infinite) counts them.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditioning {
    ascending: Vec<f64>,
}

impl Conditioning {
    /// From one log condition (see [`log_condition`]) per sample.
    ///
    /// # Errors
    /// No samples, or a NaN (named by its position).
    pub fn new(log_conditions: impl IntoIterator<Item = f64>) -> Result<Self, EvalError> {
        let mut ascending: Vec<f64> = log_conditions.into_iter().collect();
        if ascending.is_empty() {
            return Err(EvalError::Empty { operation: "conditioning", rows: 0, columns: 1 });
        }
        if let Some(row) = ascending.iter().position(|v| v.is_nan()) {
            let value = "NaN".to_owned();
            return Err(EvalError::NonFinite { operation: "conditioning", row, column: 0, value });
        }
        ascending.sort_by(f64::total_cmp);
        Ok(Self { ascending })
    }

    /// The log conditions in ascending order.
    pub fn values(&self) -> &[f64] {
        &self.ascending
    }

    /// How many Jacobians are not of full rank.
    pub fn infinite(&self) -> usize {
        self.ascending.iter().filter(|v| v.is_infinite()).count()
    }

    /// The value at index ⌊p (n − 1) / 100⌋ of the ascending values, without interpolation: for
    /// n = 128 and p = 0, 20, …, 100 the indices 0, 25, 50, 76, 101, 127. `percent` is clamped
    /// to [0, 100]; NaN counts as 0.
    pub fn percentile(&self, percent: f64) -> f64 {
        let last = self.ascending.len() - 1;
        let index = (percent.clamp(0.0, 100.0) * last as f64 / 100.0).floor() as usize;
        self.ascending[index.min(last)]
    }
}

/// The Jacobian of any function by central differences.
///
/// # Formula
/// `∂f_i/∂x_j ≈ (f_i(x + h e_j) − f_i(x − h e_j)) / 2h` with `h = step · max(1, |x_j|)`. The
/// error is of order h² plus rounding over h; a step of 10⁻⁵ gives about ten digits for a smooth
/// function of numbers near 1.
///
/// # Shapes
/// `function` maps n inputs to m outputs; the result is m × n.
///
/// # Errors
/// A step that is not positive and finite; a number of outputs that differs from call to call; no
/// inputs or outputs.
pub fn numerical_jacobian(
    mut function: impl FnMut(ArrayView1<'_, f64>) -> Vec<f64>,
    point: ArrayView1<'_, f64>,
    step: f64,
) -> Result<Array2<f64>, EvalError> {
    const OPERATION: &str = "numerical Jacobian";
    crate::training::check_positive("step", step)?;
    let mut x = point.to_owned();
    let mut columns = Vec::with_capacity(x.len());
    for j in 0..x.len() {
        let h = step * x[j].abs().max(1.0);
        let mut output_at = |value: f64| {
            x[j] = value;
            function(x.view())
        };
        let (above, below) = (output_at(point[j] + h), output_at(point[j] - h));
        x[j] = point[j];
        let expected = columns.first().map_or(above.len(), Vec::len);
        features::check_columns(OPERATION, expected, above.len())?;
        features::check_columns(OPERATION, expected, below.len())?;
        columns.push(above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * h)).collect());
    }
    let rows = columns.first().map_or(0, Vec::len);
    if rows == 0 {
        return Err(EvalError::Empty { operation: OPERATION, rows, columns: columns.len() });
    }
    Ok(Array2::from_shape_fn((rows, columns.len()), |(i, j)| columns[j][i]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn log_condition_is_that_of_the_extremes() {
        assert!((log_condition(&[2.0, 6.0, 3.0]) - 3.0_f64.ln()).abs() < 1e-15);
        assert!((log_condition(&[1e200, 1e-200]) - 400.0 * 10.0_f64.ln()).abs() < 1e-10);
        assert!(log_condition(&[]).is_nan());
        assert_eq!(log_condition(&[1.0, 0.0]), f64::INFINITY);
    }

    #[test]
    fn a_singular_value_that_is_nan_leaves_no_condition() {
        for at in 0..3 {
            for others in [[1.0, 2.0], [0.0, 1.0], [f64::INFINITY, 1.0]] {
                let mut values = others.to_vec();
                values.insert(at, f64::NAN);
                assert!(log_condition(&values).is_nan(), "{values:?}");
            }
        }
    }

    #[test]
    fn percentiles_take_the_documented_indices() {
        let conditioning = Conditioning::new((0..128).rev().map(f64::from)).unwrap();
        let found: Vec<f64> =
            [0.0, 20.0, 40.0, 60.0, 80.0, 100.0].map(|p| conditioning.percentile(p)).to_vec();
        assert_eq!(found, [0.0, 25.0, 50.0, 76.0, 101.0, 127.0]);
        assert_eq!(conditioning.percentile(f64::NAN), 0.0);
        assert_eq!(conditioning.percentile(1e9), 127.0);
    }

    #[test]
    fn infinite_conditions_are_kept_and_counted() {
        let conditioning = Conditioning::new([f64::INFINITY, 1.0, f64::INFINITY, 0.5]).unwrap();
        assert_eq!(conditioning.infinite(), 2);
        assert_eq!(conditioning.percentile(100.0), f64::INFINITY);
        assert_eq!(conditioning.percentile(0.0), 0.5);
        assert!(Conditioning::new([1.0, f64::NAN]).is_err());
        assert!(Conditioning::new([]).is_err());
    }

    #[test]
    fn numerical_jacobian_of_a_known_function() {
        let function = |x: ArrayView1<'_, f64>| vec![x[0] * x[1], x[1].sin(), x[0].exp()];
        let found = numerical_jacobian(function, array![0.5, 2.0].view(), 1e-5).unwrap();
        let expected = array![[2.0, 0.5], [0.0, 2.0_f64.cos()], [0.5_f64.exp(), 0.0]];
        assert!((&found - &expected).iter().all(|d| d.abs() < 1e-9), "{found}");
        let growing = numerical_jacobian(
            {
                let mut n = 0;
                move |_| {
                    n += 1;
                    vec![0.0; n]
                }
            },
            array![1.0].view(),
            1e-5,
        );
        assert!(matches!(growing, Err(EvalError::ColumnCount { .. })));
        assert!(numerical_jacobian(|_| vec![], array![1.0].view(), 1e-5).is_err());
        assert!(numerical_jacobian(|x| x.to_vec(), array![1.0].view(), 0.0).is_err());
    }
}
