//! The Cholesky factor of a preconditioner: with faer if the crate is built with it, which is much
//! faster for hundreds of features.

/// A factored positive definite matrix.
#[cfg(feature = "faer")]
pub(super) struct Factor(faer::linalg::solvers::Llt<f64>);

#[cfg(feature = "faer")]
impl Factor {
    /// Factors the n×n matrix with these entries; `None` if it is not positive definite.
    pub(super) fn new(n: usize, entry: impl Fn(usize, usize) -> f64) -> Option<Self> {
        let matrix = faer::Mat::from_fn(n, n, entry);
        faer::linalg::solvers::Llt::new(matrix.as_ref(), faer::Side::Lower).ok().map(Self)
    }

    /// Multiplies by the inverse, in place: n rows of `columns` numbers.
    pub(super) fn solve(&self, values: &mut [f64], columns: usize) {
        use faer::linalg::solvers::Solve;

        let rows = values.len() / columns;
        self.0.solve_in_place(faer::MatMut::from_row_major_slice_mut(values, rows, columns));
    }
}

/// A factored positive definite matrix.
#[cfg(not(feature = "faer"))]
pub(super) struct Factor(mi_kernels::Cholesky);

#[cfg(not(feature = "faer"))]
impl Factor {
    /// Factors the n×n matrix with these entries; `None` if it is not positive definite.
    pub(super) fn new(n: usize, entry: impl Fn(usize, usize) -> f64) -> Option<Self> {
        let matrix = ndarray::Array2::from_shape_fn((n, n), |(i, j)| entry(i, j));
        mi_kernels::Cholesky::new(matrix.view(), 0.0).ok().map(Self)
    }

    /// Multiplies by the inverse, in place: n rows of `columns` numbers.
    pub(super) fn solve(&self, values: &mut [f64], columns: usize) {
        let mut column = vec![0.0; values.len() / columns];
        for j in 0..columns {
            for (to, row) in column.iter_mut().zip(values.chunks_exact(columns)) {
                *to = row[j];
            }
            self.0.solve(&mut column);
            for (row, &from) in values.chunks_exact_mut(columns).zip(&column) {
                row[j] = from;
            }
        }
    }
}
