//! What covariance matrices of a few dozen columns need.

use ndarray::{Array1, Array2, ArrayView2};

/// A pivot this small, of a matrix with a unit diagonal, is rounding error.
const SMALLEST_PIVOT: f64 = 1e-12;

/// The lower factor L of a positive definite matrix L Lᵀ.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    lower: Array2<f64>,
}

impl Cholesky {
    /// Factors a symmetric matrix with a diagonal near 1. The error is the first column that is
    /// a linear function of those before it.
    pub(crate) fn new(matrix: ArrayView2<'_, f64>) -> Result<Self, usize> {
        let n = matrix.nrows();
        let mut lower = Array2::zeros((n, n));
        for i in 0..n {
            for j in 0..=i {
                let (row_i, row_j) = (lower.row(i), lower.row(j));
                let sum = (0..j).fold(matrix[[i, j]], |sum, k| sum - row_i[k] * row_j[k]);
                if i > j {
                    lower[[i, j]] = sum / lower[[j, j]];
                } else if sum > SMALLEST_PIVOT {
                    lower[[i, i]] = sum.sqrt();
                } else {
                    return Err(i);
                }
            }
        }
        Ok(Self { lower })
    }

    /// The logarithm of the determinant of the leading `n` rows and columns.
    pub(crate) fn log_determinant(&self, n: usize) -> f64 {
        2.0 * self.lower.diag().iter().take(n).map(|pivot| pivot.ln()).sum::<f64>()
    }

    /// Replaces b by the solution of L z = b.
    pub(crate) fn solve_lower(&self, b: &mut [f64]) {
        for i in 0..b.len() {
            let row = self.lower.row(i);
            let sum = (0..i).fold(b[i], |sum, k| sum - row[k] * b[k]);
            b[i] = sum / row[i];
        }
    }

    /// Replaces b by the solution of L Lᵀ z = b.
    pub(crate) fn solve(&self, b: &mut [f64]) {
        self.solve_lower(b);
        self.solve_upper(b);
    }

    /// Replaces b by the solution of Lᵀ z = b.
    pub(crate) fn solve_upper(&self, b: &mut [f64]) {
        for i in (0..b.len()).rev() {
            let sum = (i + 1..b.len()).fold(b[i], |sum, k| sum - self.lower[[k, i]] * b[k]);
            b[i] = sum / self.lower[[i, i]];
        }
    }
}

/// The singular values of a matrix, in descending order.
pub(super) fn singular_values(matrix: ArrayView2<'_, f64>) -> Array1<f64> {
    // Rotate the shorter side.
    let a = orthogonal_columns(if matrix.ncols() > matrix.nrows() { matrix.t() } else { matrix });
    let mut values: Vec<f64> =
        a.columns().into_iter().map(|column| column.dot(&column).sqrt()).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    Array1::from(values)
}

/// A V for the rotation V that makes the columns orthogonal, by one-sided Jacobi rotations
/// (Hestenes, 1958): their lengths are the singular values of A, and their directions its left
/// singular vectors.
pub(crate) fn orthogonal_columns(matrix: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut a = matrix.to_owned();
    let n = a.ncols();
    for _ in 0..60 {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                let (u, v) = (a.column(p), a.column(q));
                let (uu, vv, uv) = (u.dot(&u), v.dot(&v), u.dot(&v));
                if uv.abs() <= 1e-15 * (uu * vv).sqrt() {
                    continue;
                }
                rotated = true;
                let zeta = (vv - uu) / (2.0 * uv);
                let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = c * t;
                for i in 0..a.nrows() {
                    let (x, y) = (a[[i, p]], a[[i, q]]);
                    a[[i, p]] = c * x - s * y;
                    a[[i, q]] = s * x + c * y;
                }
            }
        }
        if !rotated {
            break;
        }
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::array;

    fn assert_slices_eq(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert_abs_diff_eq!(found, expected, epsilon = 1e-12);
        }
    }

    #[test]
    fn a_factor_solves_and_has_the_determinant() {
        let matrix = array![[1.0, 0.5, 0.2], [0.5, 1.0, -0.3], [0.2, -0.3, 1.0]];
        let cholesky = Cholesky::new(matrix.view()).unwrap();
        // 1·(1 − 0.09) − 0.5·(0.5 + 0.06) + 0.2·(−0.15 − 0.2)
        assert_abs_diff_eq!(cholesky.log_determinant(3), 0.56_f64.ln(), epsilon = 1e-14);
        assert_abs_diff_eq!(cholesky.log_determinant(2), 0.75_f64.ln(), epsilon = 1e-14);
        let solution = array![1.0, -2.0, 3.0];
        let mut b = matrix.dot(&solution).to_vec();
        cholesky.solve(&mut b);
        assert_slices_eq(&b, solution.as_slice().unwrap());
        let singular = array![[1.0, 0.5, 1.0], [0.5, 1.0, 0.5], [1.0, 0.5, 1.0]];
        assert_eq!(Cholesky::new(singular.view()).unwrap_err(), 2);
    }

    #[test]
    fn singular_values_of_a_known_matrix() {
        // The squares are the eigenvalues 45 and 5 of the matrix times its transpose.
        let matrix = array![[3.0, 0.0], [4.0, 5.0]];
        let expected = [45.0_f64.sqrt(), 5.0_f64.sqrt()];
        assert_slices_eq(singular_values(matrix.view()).as_slice().unwrap(), &expected);
        let wide = array![[3.0, 0.0, 0.0], [4.0, 5.0, 0.0]];
        assert_slices_eq(singular_values(wide.view()).as_slice().unwrap(), &expected);
    }
}
