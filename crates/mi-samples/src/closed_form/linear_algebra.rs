//! The singular values of a few dozen columns.

use ndarray::{Array1, Array2, ArrayView2};

/// The singular values of a matrix, in descending order.
pub(super) fn singular_values(matrix: ArrayView2<'_, f64>) -> Array1<f64> {
    // Rotate the shorter side.
    let a = orthogonal_columns(if matrix.ncols() > matrix.nrows() { matrix.t() } else { matrix });
    let mut values: Vec<f64> =
        a.columns().into_iter().map(|column| column.dot(&column).sqrt()).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    Array1::from(values)
}

/// A V, where the rotation V makes the columns orthogonal, by one-sided Jacobi rotations (Hestenes,
/// 1958): their lengths are the singular values of A, and their directions its left singular
/// vectors.
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
    fn singular_values_of_a_known_matrix() {
        // The squares are the eigenvalues 45 and 5 of the matrix times its transpose.
        let matrix = array![[3.0, 0.0], [4.0, 5.0]];
        let expected = [45.0_f64.sqrt(), 5.0_f64.sqrt()];
        assert_slices_eq(singular_values(matrix.view()).as_slice().unwrap(), &expected);
        let wide = array![[3.0, 0.0, 0.0], [4.0, 5.0, 0.0]];
        assert_slices_eq(singular_values(wide.view()).as_slice().unwrap(), &expected);
    }
}
