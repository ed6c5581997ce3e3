use faer::{Mat, Side};
use mi_kernels::Scalar;
use ndarray::ArrayView2;

use crate::{EvalError, features, graded};

/// If the ratio of smallest to largest is at least this, eigenvalues of the Gram matrix are
/// accurate enough: their relative error, at most about n·ε·10⁶, halves in the square root.
const GRAM_RATIO: f64 = 1e-6;

/// The singular values of a Jacobian, in descending order, in `f64`.
///
/// Call it for each sample, from any number of threads; `sample` is only used in error messages.
///
/// # Formula
/// `σ_i = √λ_i(J Jᵀ)` (or `Jᵀ J`, whichever is smaller) when `σ_max/σ_min < 10³`, which is twice
/// as fast as a singular value decomposition and accurate to 10⁻⁹; the decomposition otherwise.
///
/// A value of at most `σ_max · ε · max(m, n)` (ε = 2.2·10⁻¹⁶) cannot be told from 0 and is returned
/// as exactly 0, so that a rank-deficient Jacobian has an infinite condition. The exceptions are
/// matrices that have full rank once each row (or, if square, each column) is divided by its
/// length, such as diag(10²⁰⁰, 1): their small values are accurate, and returned.
///
/// # Shapes
/// `jacobian` is outputs × inputs, m × n; the result has min(m, n) values.
///
/// # Errors
/// An empty matrix; a NaN or infinite entry (named by sample, row and column); a decomposition
/// that does not converge.
pub fn jacobian_singular_values<T: Scalar>(
    sample: usize,
    jacobian: ArrayView2<'_, T>,
) -> Result<Vec<f64>, EvalError> {
    let (rows, columns) = jacobian.dim();
    if rows == 0 || columns == 0 {
        return Err(EvalError::Empty { operation: "Jacobian", rows, columns });
    }
    if let Some((row, column)) = features::first_non_finite(&jacobian) {
        let value = jacobian[[row, column]].to_string();
        return Err(EvalError::NonFiniteJacobian { sample, row, column, value });
    }
    // With at least as many columns as rows, J Jᵀ is the smaller Gram matrix.
    let wide = if rows <= columns { jacobian } else { jacobian.reversed_axes() };
    of_wide(wide.mapv(Scalar::to_f64).view()).ok_or(EvalError::NoSpectrum { sample })
}

/// The singular values of a matrix with at least as many columns as rows; `None` if the
/// decomposition does not converge. It is separate from the generic function, so that the
/// decompositions are compiled once and not in every crate that calls that function.
fn of_wide(wide: ArrayView2<'_, f64>) -> Option<Vec<f64>> {
    let (rows, columns) = wide.dim();
    let scale = power_of_two(wide.iter().fold(0.0, |largest: f64, v| largest.max(v.abs())));
    let matrix = Mat::from_fn(rows, columns, |i, j| wide[[i, j]] / scale);
    let mut values = match from_gram(&matrix) {
        Some(values) => values,
        None => matrix.singular_values().ok()?,
    };
    values.sort_by(|a, b| b.total_cmp(a));
    let unresolved = values[0] * f64::EPSILON * columns as f64;
    let lost = values.iter().any(|value| *value <= unresolved);
    for value in &mut values {
        *value = if *value <= unresolved { 0.0 } else { *value * scale };
    }
    if lost {
        let of_rows = || graded::singular_values(&Mat::from_fn(rows, columns, |i, j| wide[[i, j]]));
        let of_columns =
            || graded::singular_values(&Mat::from_fn(rows, columns, |i, j| wide[[j, i]]));
        if let Some(found) = of_rows().or_else(|| (rows == columns).then(of_columns).flatten()) {
            values = found;
            values.sort_by(|a, b| b.total_cmp(a));
        }
    }
    Some(values)
}

/// The largest power of two that is not above a number, for a scaling without rounding: without it,
/// entries around 10²⁰⁰ overflow when they are squared. 1 for 0.
fn power_of_two(number: f64) -> f64 {
    if number == 0.0 {
        return 1.0;
    }
    let bits = number.to_bits();
    // A subnormal number has no exponent: its highest digit is the power.
    let power = if number.is_normal() { bits & (0x7ff << 52) } else { 1 << bits.ilog2() };
    f64::from_bits(power)
}

/// `None` if squaring would lose too many digits.
fn from_gram(matrix: &Mat<f64>) -> Option<Vec<f64>> {
    let gram = matrix * matrix.transpose();
    let mut values = gram.self_adjoint_eigenvalues(Side::Lower).ok()?;
    let largest = values.iter().copied().fold(0.0, f64::max);
    let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
    if smallest <= GRAM_RATIO * largest {
        return None;
    }
    for value in &mut values {
        *value = value.sqrt();
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_condition;
    use mi_random::Stream;
    use ndarray::{Array1, Array2, ArrayView1, array, s};

    /// A matrix with the given singular values: U diag(σ) Vᵀ from random reflections.
    fn with_singular_values(rows: usize, columns: usize, values: &[f64]) -> Array2<f64> {
        let mut stream = Stream::new(5, "reflections");
        let mut matrix = Array2::zeros((rows, columns));
        matrix.diag_mut().assign(&ArrayView1::from(values));
        for _ in 0..3 {
            for _ in 0..2 {
                let v = Array1::from_shape_fn(matrix.nrows(), |_| stream.normal());
                let image = v.dot(&matrix);
                let factor = 2.0 / v.dot(&v);
                matrix.indexed_iter_mut().for_each(|((i, j), m)| *m -= factor * v[i] * image[j]);
                matrix = matrix.reversed_axes();
            }
        }
        matrix
    }

    fn check(rows: usize, columns: usize, values: &[f64], tolerance: f64) {
        let matrix = with_singular_values(rows, columns, values);
        let found = jacobian_singular_values(0, matrix.view()).unwrap();
        assert_eq!(found.len(), values.len());
        for (found, expected) in found.iter().zip(values) {
            assert!((found / expected - 1.0).abs() < tolerance, "{found} {expected}");
        }
        for layout in [matrix.t(), matrix.slice(s![..;-1, ..])] {
            let other = jacobian_singular_values(0, layout).unwrap();
            for (a, b) in found.iter().zip(other) {
                assert!((a / b - 1.0).abs() < 2.0 * tolerance, "{a} {b}");
            }
        }
    }

    #[test]
    fn known_singular_values_come_back() {
        // Well conditioned (Gram), on both sides of the switch, and far beyond it.
        check(6, 6, &[3.0, 2.5, 2.0, 1.0, 0.5, 0.1], 1e-12);
        check(4, 9, &[7.0, 3.0, 1.0, 7e-3 * 1.01], 1e-9);
        check(9, 4, &[7.0, 3.0, 1.0, 7e-3 * 0.99], 1e-9);
        check(5, 5, &[1.0, 1e-3, 1e-6, 1e-8, 1e-9], 1e-5);
        check(3, 3, &[2e200, 1e200, 1e200], 1e-12);
        check(3, 3, &[2e-200, 1e-200, 1e-200], 1e-12);
        check(1, 1, &[4.0], 1e-15);
    }

    #[test]
    fn lost_rank_is_an_infinite_condition() {
        let diagonal = array![[1.0, 0.0], [0.0, 0.0]];
        let values = jacobian_singular_values(0, diagonal.view()).unwrap();
        assert_eq!(values, [1.0, 0.0]);
        assert_eq!(log_condition(&values), f64::INFINITY);

        let mut dead = with_singular_values(8, 8, &[1.0; 8]);
        dead.row_mut(3).fill(0.0);
        let mut twice = with_singular_values(8, 8, &[1.0; 8]);
        let copy = twice.row(2).to_owned();
        twice.row_mut(5).assign(&copy);
        for matrix in [dead, twice, Array2::zeros((3, 3))] {
            let values = jacobian_singular_values(0, matrix.view()).unwrap();
            assert_eq!(log_condition(&values), f64::INFINITY, "{values:?}");
        }
    }

    #[test]
    fn an_identity_is_well_conditioned() {
        let identity = jacobian_singular_values(0, Array2::<f32>::eye(20).view()).unwrap();
        assert!(log_condition(&identity).abs() < 1e-15);
    }

    #[test]
    fn entries_of_any_size_keep_their_condition() {
        let condition = |matrix: Array2<f64>| {
            log_condition(&jacobian_singular_values(0, matrix.view()).unwrap())
        };
        let diagonal = |a: f64, b: f64| array![[a, 0.0], [0.0, b]];
        let near = |found: f64, expected: f64| {
            assert!(
                (found - expected).abs() < 1e-9 * expected.abs().max(1.0),
                "{found} {expected}"
            );
        };
        near(condition(diagonal(1e200, 1.0)), 200.0 * 10_f64.ln());
        near(condition(diagonal(1.0, 1e200)), 200.0 * 10_f64.ln());
        near(condition(diagonal(1e-310, 1e-312)), 100_f64.ln());
        near(condition(diagonal(1e300, 1e-300)), 600.0 * 10_f64.ln());
        // Columns that differ as well as rows; and a third column, orthogonal to both rows.
        near(condition(array![[1e120, 2.0], [1e120, 3.0]]), 2e120_f64.ln());
        near(condition(array![[1e120, 0.0, 0.0], [0.0, 3.0, 4.0]]), (1e120_f64 / 5.0).ln());
    }

    #[test]
    fn a_nan_names_the_sample() {
        let mut matrix = Array2::<f32>::eye(3);
        matrix[[1, 2]] = f32::NAN;
        let error = jacobian_singular_values(17, matrix.view()).unwrap_err().to_string();
        assert_eq!(error, "Jacobian of sample 17: the entry in row 1, column 2 is NaN");
        let empty = jacobian_singular_values(0, Array2::<f32>::zeros((0, 3)).view());
        assert!(matches!(empty, Err(EvalError::Empty { rows: 0, columns: 3, .. })));
    }
}
