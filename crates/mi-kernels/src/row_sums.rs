//! Passes over rows that combine them with one number per column: biases, and sums over rows.

use crate::Scalar;
use crate::simd::{Kernel, Simd, dispatch};

/// Columns that are summed at a time, in registers.
const STRIP: usize = 64;

/// Adds rows to the sums of their columns, one row after another.
///
/// # Shapes
/// The length of `rows` is a multiple of the number of sums.
///
/// # Panics
/// When the lengths do not fit: a mistake in the calling code, never in a user's input.
pub fn add_rows<T: Scalar>(sums: &mut [T], rows: &[T]) {
    assert!(rows.len().is_multiple_of(sums.len().max(1)), "rows as long as their sums");
    T::add_rows(sums, rows);
}

/// Like [`add_rows`], but adds in `f64` and rounds at the end.
///
/// # Panics
/// As [`add_rows`].
pub fn add_rows_in_f64<T: Scalar>(sums: &mut [T], rows: &[T]) {
    assert!(rows.len().is_multiple_of(sums.len().max(1)), "rows as long as their sums");
    T::add_rows_in_f64(sums, rows);
}

/// Adds one row to each of the rows, and replaces negative results by 0 if asked; NaN stays.
///
/// # Panics
/// As [`add_rows`].
pub fn add_to_rows<T: Scalar>(rows: &mut [T], row: &[T], relu: bool) {
    assert!(rows.len().is_multiple_of(row.len().max(1)), "rows as long as what is added");
    T::add_to_rows(rows, row, relu);
}

/// Replaces every d by 0 where y is not positive.
///
/// # Panics
/// When the lengths differ.
pub fn keep_where_positive<T: Scalar>(d: &mut [T], y: &[T]) {
    assert!(d.len() == y.len(), "slices of different lengths");
    T::keep_where_positive(d, y);
}

/// The kernels of a scalar type; public in name only, as a supertrait of [`Scalar`].
pub trait RowSums: Sized {
    #[doc(hidden)]
    fn add_rows(sums: &mut [Self], rows: &[Self]);
    #[doc(hidden)]
    fn add_rows_in_f64(sums: &mut [Self], rows: &[Self]);
    #[doc(hidden)]
    fn add_to_rows(rows: &mut [Self], row: &[Self], relu: bool);
    #[doc(hidden)]
    fn keep_where_positive(d: &mut [Self], y: &[Self]);
}

impl RowSums for f32 {
    fn add_rows(sums: &mut [f32], rows: &[f32]) {
        dispatch(AddRows { sums, rows });
    }

    fn add_rows_in_f64(sums: &mut [f32], rows: &[f32]) {
        dispatch(AddRowsInF64 { sums, rows });
    }

    fn add_to_rows(rows: &mut [f32], row: &[f32], relu: bool) {
        if relu {
            dispatch(AddToRows::<_, true> { rows, row });
        } else {
            dispatch(AddToRows::<_, false> { rows, row });
        }
    }

    fn keep_where_positive(d: &mut [f32], y: &[f32]) {
        dispatch(KeepWherePositive { d, y });
    }
}

impl RowSums for f64 {
    fn add_rows(sums: &mut [f64], rows: &[f64]) {
        for row in rows.chunks_exact(sums.len().max(1)) {
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum += x;
            }
        }
    }

    fn add_rows_in_f64(sums: &mut [f64], rows: &[f64]) {
        let columns = sums.len().max(1);
        for (j, sum) in sums.iter_mut().enumerate() {
            // Added up separately from the old value, as in single precision.
            *sum += rows.chunks_exact(columns).fold(0.0, |sum, row| sum + row[j]);
        }
    }

    fn add_to_rows(rows: &mut [f64], row: &[f64], relu: bool) {
        if relu {
            AddToRows::<_, true> { rows, row }.all();
        } else {
            AddToRows::<_, false> { rows, row }.all();
        }
    }

    fn keep_where_positive(d: &mut [f64], y: &[f64]) {
        KeepWherePositive { d, y }.all();
    }
}

struct AddRows<'a> {
    sums: &'a mut [f32],
    rows: &'a [f32],
}

impl Kernel for AddRows<'_> {
    type Output = ();

    // Plain loops: the compiler makes vectors of them, with the caller's features.
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let columns = self.sums.len().max(1);
        for (n, sums) in self.sums.chunks_mut(STRIP).enumerate() {
            let first = n * STRIP;
            if let Ok(whole) = <&mut [f32; STRIP]>::try_from(&mut *sums) {
                let mut total = *whole;
                for row in self.rows.chunks_exact(columns) {
                    let row = &row[first..first + STRIP];
                    for (total, x) in total.iter_mut().zip(row) {
                        *total += x;
                    }
                }
                *whole = total;
            } else {
                for row in self.rows.chunks_exact(columns) {
                    for (sum, x) in sums.iter_mut().zip(&row[first..]) {
                        *sum += x;
                    }
                }
            }
        }
    }
}

struct AddRowsInF64<'a> {
    sums: &'a mut [f32],
    rows: &'a [f32],
}

impl Kernel for AddRowsInF64<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let columns = self.sums.len().max(1);
        for (n, sums) in self.sums.chunks_mut(STRIP).enumerate() {
            let first = n * STRIP;
            let mut total = [0.0_f64; STRIP];
            for row in self.rows.chunks_exact(columns) {
                if let Some(row) = row.get(first..first + STRIP) {
                    for (total, &x) in total.iter_mut().zip(row) {
                        *total += f64::from(x);
                    }
                } else {
                    for (total, &x) in total.iter_mut().zip(&row[first..]) {
                        *total += f64::from(x);
                    }
                }
            }
            for (sum, total) in sums.iter_mut().zip(total) {
                *sum = (f64::from(*sum) + total) as f32;
            }
        }
    }
}

struct AddToRows<'a, T, const RELU: bool> {
    rows: &'a mut [T],
    row: &'a [T],
}

impl<T: Scalar, const RELU: bool> AddToRows<'_, T, RELU> {
    #[inline(always)]
    fn all(self) {
        for to in self.rows.chunks_exact_mut(self.row.len().max(1)) {
            for (to, &x) in to.iter_mut().zip(self.row) {
                let sum = *to + x;
                // Not `max`, which would turn NaN into 0.
                *to = if RELU && sum < T::zero() { T::zero() } else { sum };
            }
        }
    }
}

impl<const RELU: bool> Kernel for AddToRows<'_, f32, RELU> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        self.all();
    }
}

struct KeepWherePositive<'a, T> {
    d: &'a mut [T],
    y: &'a [T],
}

impl<T: Scalar> KeepWherePositive<'_, T> {
    #[inline(always)]
    fn all(self) {
        for (d, &y) in self.d.iter_mut().zip(self.y) {
            *d = if y > T::zero() { *d } else { T::zero() };
        }
    }
}

impl Kernel for KeepWherePositive<'_, f32> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        self.all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of either sign that are not integers.
    fn numbers(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * i) as f32).sin() * 3.0).collect()
    }

    #[test]
    fn rows_are_added_in_their_order() {
        for (rows, columns) in [(0, 3), (1, 1), (5, 64), (7, 100), (300, 192), (9, 130)] {
            let x = numbers(rows * columns);
            let start = numbers(columns);
            let (mut sums, mut wide) = (start.clone(), start.clone());
            add_rows(&mut sums, &x);
            add_rows_in_f64(&mut wide, &x);
            for j in 0..columns {
                let column = || x.iter().skip(j).step_by(columns);
                assert_eq!(sums[j], column().fold(start[j], |sum, x| sum + x));
                let all = column().fold(0.0, |sum, &x| sum + f64::from(x));
                assert_eq!(wide[j], (f64::from(start[j]) + all) as f32);
            }
        }
    }

    #[test]
    fn rows_get_what_is_added_and_lose_negatives() {
        let (row, all) = (numbers(70), numbers(70 * 5));
        for relu in [false, true] {
            let mut found = all.clone();
            found[3] = f32::NAN;
            add_to_rows(&mut found, &row, relu);
            assert!(found[3].is_nan());
            for (n, found) in found.iter().enumerate().filter(|(n, _)| *n != 3) {
                let sum = all[n] + row[n % 70];
                assert_eq!(*found, if relu { sum.max(0.0) } else { sum });
            }
        }
        let mut kept = all.clone();
        keep_where_positive(&mut kept, &row.repeat(5));
        for (n, kept) in kept.iter().enumerate() {
            assert_eq!(*kept, if row[n % 70] > 0.0 { all[n] } else { 0.0 });
        }
    }
}
