//! Checks before every operation on a feature matrix.

use mi_kernels::Scalar;
use ndarray::{ArrayView2, CowArray, Ix2};

use crate::EvalError;

/// Refuses an empty matrix and non-finite features, naming the first by row and column.
pub(crate) fn check<T: Scalar>(
    operation: &'static str,
    features: &ArrayView2<'_, T>,
) -> Result<(), EvalError> {
    let (rows, columns) = features.dim();
    if rows == 0 || columns == 0 {
        return Err(EvalError::Empty { operation, rows, columns });
    }
    match first_non_finite(features) {
        None => Ok(()),
        Some((row, column)) => Err(EvalError::NonFinite {
            operation,
            row,
            column,
            value: features[[row, column]].to_string(),
        }),
    }
}

/// The first NaN or infinite entry in logical order.
pub(crate) fn first_non_finite<T: Scalar>(matrix: &ArrayView2<'_, T>) -> Option<(usize, usize)> {
    matrix.rows().into_iter().enumerate().find_map(|(i, row)| {
        // 0 · v is 0 for finite numbers and NaN otherwise; a sum over the row has no early exit
        // and so runs in vector registers.
        let all_finite = row.fold(T::zero(), |sum, &v| sum + T::zero() * v) == T::zero();
        if all_finite {
            return None;
        }
        row.iter().position(|v| !v.is_finite()).map(|j| (i, j))
    })
}

/// Refuses features whose number of columns differs from that of the fit.
pub(crate) fn check_columns(
    operation: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), EvalError> {
    if expected == found {
        Ok(())
    } else {
        Err(EvalError::ColumnCount { operation, expected, found })
    }
}

/// Refuses matrices that do not describe the same samples.
pub(crate) fn check_rows(
    operation: &'static str,
    first: usize,
    second: usize,
) -> Result<(), EvalError> {
    if first == second { Ok(()) } else { Err(EvalError::RowCounts { operation, first, second }) }
}

/// Refuses fewer rows than an operation needs.
pub(crate) fn check_at_least(
    operation: &'static str,
    needed: usize,
    found: usize,
) -> Result<(), EvalError> {
    if found >= needed { Ok(()) } else { Err(EvalError::TooFewRows { operation, needed, found }) }
}

/// The sum of squares of every column.
pub(crate) fn squares<T: Scalar>(features: &ArrayView2<'_, T>) -> Vec<f64> {
    let mut squares = vec![0.0; features.ncols()];
    for row in features.rows() {
        for (square, &value) in squares.iter_mut().zip(row) {
            let value = value.to_f64();
            *square += value * value;
        }
    }
    squares
}

/// The matrix in row-major order without gaps; copied only if it has another layout.
pub(crate) fn row_major<'a, T: Scalar>(features: &'a ArrayView2<'_, T>) -> CowArray<'a, T, Ix2> {
    features.as_standard_layout()
}

/// The numbers of a matrix that [`row_major`] returned.
pub(crate) fn numbers<'a, T>(features: &'a CowArray<'_, T, Ix2>) -> &'a [T] {
    features.as_slice().unwrap_or_else(|| unreachable!("the matrix is in standard layout"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, s};

    #[test]
    fn the_first_non_finite_feature_is_named_in_logical_order() {
        let mut x = Array2::<f32>::zeros((5, 4));
        assert_eq!(check("fit", &x.view()), Ok(()));
        x[[4, 0]] = f32::NEG_INFINITY;
        x[[2, 3]] = f32::NAN;
        let error = check("fit", &x.view()).unwrap_err().to_string();
        assert!(error.contains("row 2, column 3 is NaN"), "{error}");
        let reversed = x.slice(s![..;-1, ..;-1]);
        let error = check("fit", &reversed).unwrap_err().to_string();
        assert!(error.contains("row 0, column 3 is -inf"), "{error}");
        assert_eq!(first_non_finite(&x.t()), Some((0, 4)));
    }

    #[test]
    fn large_features_are_finite() {
        assert_eq!(check("fit", &Array2::from_elem((2, 9), f32::MAX).view()), Ok(()));
    }
}
