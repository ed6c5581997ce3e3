//! Row-major slices as matrices.

use ndarray::{ArrayView2, ArrayViewMut2};

/// A slice of exactly `rows` × `columns` elements as a matrix.
pub(crate) fn matrix<T>(rows: usize, columns: usize, values: &[T]) -> ArrayView2<'_, T> {
    match ArrayView2::from_shape((rows, columns), values) {
        Ok(view) if values.len() == rows * columns => view,
        _ => unreachable!("{} elements for a {rows}×{columns} matrix", values.len()),
    }
}

/// Like [`matrix`], but mutable.
pub(crate) fn matrix_mut<T>(rows: usize, columns: usize, values: &mut [T]) -> ArrayViewMut2<'_, T> {
    let length = values.len();
    match ArrayViewMut2::from_shape((rows, columns), values) {
        Ok(view) if length == rows * columns => view,
        _ => unreachable!("{length} elements for a {rows}×{columns} matrix"),
    }
}
