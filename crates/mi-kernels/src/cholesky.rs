use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};

use crate::simd::{Kernel, Simd, dispatch};

/// Right-hand sides that are solved at a time, side by side in vectors.
const TOGETHER: usize = 16;

/// The lower factor L of a positive definite matrix L Lᵀ of a few hundred columns at most.
#[derive(Clone, Debug)]
pub struct Cholesky {
    lower: Array2<f64>,
}

impl Cholesky {
    /// Factors a symmetric matrix; only the lower triangle is read.
    ///
    /// # Errors
    /// The first column that is a linear function of those before it: its pivot is not above
    /// `smallest_pivot`, or is NaN.
    pub fn new(matrix: ArrayView2<'_, f64>, smallest_pivot: f64) -> Result<Self, usize> {
        let n = matrix.nrows();
        let mut lower = Array2::zeros((n, n));
        for i in 0..n {
            for j in 0..=i {
                let (row_i, row_j) = (lower.row(i), lower.row(j));
                let sum = (0..j).fold(matrix[[i, j]], |sum, k| sum - row_i[k] * row_j[k]);
                if i > j {
                    lower[[i, j]] = sum / lower[[j, j]];
                } else if sum > smallest_pivot {
                    lower[[i, i]] = sum.sqrt();
                } else {
                    return Err(i);
                }
            }
        }
        Ok(Self { lower })
    }

    /// The logarithm of the determinant of the leading `n` rows and columns.
    pub fn log_determinant(&self, n: usize) -> f64 {
        2.0 * self.lower.diag().iter().take(n).map(|pivot| pivot.ln()).sum::<f64>()
    }

    /// Replaces b by the solution of L z = b.
    pub fn solve_lower(&self, b: &mut [f64]) {
        for i in 0..b.len() {
            let row = self.lower.row(i);
            let sum = (0..i).fold(b[i], |sum, k| sum - row[k] * b[k]);
            b[i] = sum / row[i];
        }
    }

    /// Replaces every row b by the solution of L z = b, as [`solve_lower`](Self::solve_lower) does
    /// and to the same bits, several rows at a time.
    pub fn solve_lower_rows(&self, mut rows: ArrayViewMut2<'_, f64>) {
        let mut sides = vec![[0.0; TOGETHER]; rows.ncols()];
        for mut rows in rows.axis_chunks_iter_mut(Axis(0), TOGETHER) {
            for (side, column) in sides.iter_mut().zip(rows.columns()) {
                side.iter_mut().zip(column).for_each(|(to, from)| *to = *from);
            }
            dispatch(SolveLower { lower: &self.lower, sides: &mut sides });
            for (side, column) in sides.iter().zip(rows.columns_mut()) {
                column.into_iter().zip(side).for_each(|(to, from)| *to = *from);
            }
        }
    }

    /// Replaces b by the solution of L Lᵀ z = b.
    pub fn solve(&self, b: &mut [f64]) {
        self.solve_lower(b);
        self.solve_upper(b);
    }

    /// Replaces b by the solution of Lᵀ z = b.
    pub fn solve_upper(&self, b: &mut [f64]) {
        for i in (0..b.len()).rev() {
            let sum = (i + 1..b.len()).fold(b[i], |sum, k| sum - self.lower[[k, i]] * b[k]);
            b[i] = sum / self.lower[[i, i]];
        }
    }
}

/// Solves L z = b for right-hand sides that stand side by side.
struct SolveLower<'a> {
    lower: &'a Array2<f64>,
    sides: &'a mut [[f64; TOGETHER]],
}

impl Kernel for SolveLower<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for i in 0..self.sides.len() {
            let row = self.lower.row(i);
            let (solved, rest) = self.sides.split_at_mut(i);
            let mut sums = rest[0];
            for (&factor, solved) in row.iter().zip(solved) {
                for (sum, solved) in sums.iter_mut().zip(solved) {
                    *sum -= factor * *solved;
                }
            }
            rest[0] = sums.map(|sum| sum / row[i]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{ShapeBuilder as _, array};

    #[test]
    fn rows_are_solved_together_to_the_same_bits() {
        for (rows, columns) in [(1, 1), (15, 4), (16, 7), (37, 40)] {
            let lower = Array2::from_shape_fn((columns, columns), |(i, j)| {
                if i == j { 1.0 + i as f64 / 7.0 } else { ((3 * i + 5 * j) % 11) as f64 / 13.0 }
            });
            let cholesky = Cholesky { lower };
            let mut together =
                Array2::from_shape_fn((rows, columns).f(), |(i, j)| 1.0 / (1 + i + 2 * j) as f64);
            let given = together.clone();
            cholesky.solve_lower_rows(together.view_mut());
            for (row, given) in together.rows().into_iter().zip(given.rows()) {
                let mut alone = given.to_vec();
                cholesky.solve_lower(&mut alone);
                assert_eq!(row.to_vec(), alone);
            }
        }
    }

    #[test]
    fn a_factor_solves_and_has_the_determinant() {
        let matrix = array![[1.0, 0.5, 0.2], [0.5, 1.0, -0.3], [0.2, -0.3, 1.0]];
        let cholesky = Cholesky::new(matrix.view(), 1e-12).unwrap();
        // 1·(1 − 0.09) − 0.5·(0.5 + 0.06) + 0.2·(−0.15 − 0.2)
        assert!((cholesky.log_determinant(3) - 0.56_f64.ln()).abs() < 1e-14);
        assert!((cholesky.log_determinant(2) - 0.75_f64.ln()).abs() < 1e-14);
        let solution = array![1.0, -2.0, 3.0];
        let mut b = matrix.dot(&solution).to_vec();
        cholesky.solve(&mut b);
        assert!(b.iter().zip(&solution).all(|(b, s)| (b - s).abs() < 1e-12));
        let singular = array![[1.0, 0.5, 1.0], [0.5, 1.0, 0.5], [1.0, 0.5, 1.0]];
        assert_eq!(Cholesky::new(singular.view(), 1e-12).unwrap_err(), 2);
    }
}
