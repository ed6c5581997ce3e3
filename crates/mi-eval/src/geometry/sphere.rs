use mi_kernels::{Scalar, matrix_product, sum_exp_shifted};
use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::{check_pair, unit_rows};
use crate::{EvalError, Mean, features};

/// Rows whose similarities to other rows are computed together: a fixed number, so that sums have
/// the same order for any number of threads, and small enough that blocks of scores stay in the
/// cache.
const BLOCK: usize = 256;

/// The largest `t`: beyond it exp(−4 t) is no normal `f32`.
const LARGEST_T: f64 = 20.0;

/// How close the representations of two views of a sample are, on the unit sphere: 0 if equal, 2 if
/// orthogonal, 4 if opposite.
///
/// It compares coordinates, so it is meaningful only if both views share an encoder or were trained
/// to agree (not with a bilinear critic between separate encoders).
///
/// # Formula
/// `mean_i ‖u_i − v_i‖²` with `u_i = x_i / ‖x_i‖`, `v_i = y_i / ‖y_i‖` (Wang and Isola, 2020,
/// section 4.1 with α = 2). A row of zeros stays 0.
///
/// # Shapes
/// `x` and `y` are samples × features; row i of both belongs to sample i.
///
/// # Errors
/// An empty matrix, a NaN or infinite feature, different numbers of rows or columns.
pub fn alignment<T: Scalar>(x: ArrayView2<'_, T>, y: ArrayView2<'_, T>) -> Result<Mean, EvalError> {
    const OPERATION: &str = "alignment";
    check_pair(OPERATION, &x, &y)?;
    features::check_columns(OPERATION, x.ncols(), y.ncols())?;
    let (u, v) = (unit_rows(&x), unit_rows(&y));
    let distances: Vec<f64> = u
        .rows()
        .into_iter()
        .zip(v.rows())
        .map(|(u, v)| {
            u.iter().zip(v).map(|(&u, &v)| (u.to_f64() - v.to_f64()).powi(2)).sum::<f64>()
        })
        .collect();
    Ok(Mean::of(&distances))
}

/// How evenly representations cover the unit sphere: 0 if all are equal, about −4 for `t` = 2 if
/// they are spread over a sphere of many dimensions.
///
/// # Formula
/// `ln mean_{i<j} exp(−t ‖u_i − u_j‖²)` with `u_i = x_i / ‖x_i‖`, over pairs of different rows
/// (Wang and Isola, 2020, eq. 2). A row of zeros stays 0.
///
/// # Shapes
/// `x` is samples × features. Similarities are computed 256 × 256 at a time.
///
/// # Errors
/// Fewer than two rows, a NaN or infinite feature, `t` outside (0, 20].
pub fn uniformity<T: Scalar>(x: ArrayView2<'_, T>, t: f64) -> Result<f64, EvalError> {
    const OPERATION: &str = "uniformity";
    features::check(OPERATION, &x)?;
    features::check_at_least(OPERATION, 2, x.nrows())?;
    if !(t > 0.0 && t <= LARGEST_T) {
        let range = "above 0 and at most 20";
        return Err(EvalError::Setting { name: "t", value: t.to_string(), range });
    }
    let unit = unit_rows(&x);
    let directed: Vec<usize> =
        (0..x.nrows()).filter(|&i| unit.row(i).iter().any(|v| !v.is_zero())).collect();
    let n = x.nrows() as f64;
    let zeros = n - directed.len() as f64;
    let unit = if zeros > 0.0 { unit.select(Axis(0), &directed) } else { unit };
    let firsts: Vec<usize> = (0..unit.nrows()).step_by(BLOCK).collect();
    let sums: Vec<f64> = firsts.par_iter().map(|&first| sum_from(&unit, first, t)).collect();
    // Rows of zeros are at distance 1 from the sphere and at 0 from one another.
    let of_zeros = zeros * (n - zeros) * (-t).exp() + zeros * (zeros - 1.0) / 2.0;
    let pairs = n * (n - 1.0) / 2.0;
    Ok(((sums.iter().sum::<f64>() + of_zeros) / pairs).ln())
}

/// `Σ exp(−t ‖u_i − u_j‖²)` over i in the block of rows from `first` on, and all j > i.
fn sum_from<T: Scalar>(unit: &Array2<T>, first: usize, t: f64) -> f64 {
    let n = unit.nrows();
    let rows = unit.slice(s![first..n.min(first + BLOCK), ..]);
    let mut memory = Array2::zeros((rows.nrows(), BLOCK));
    let mut sum = 0.0;
    for start in (first..n).step_by(BLOCK) {
        let others = unit.slice(s![start..n.min(start + BLOCK), ..]);
        let mut scores = memory.slice_mut(s![.., ..others.nrows()]);
        // −t ‖u − v‖² = 2 t u·v − 2 t
        let two_t = T::from_f64(2.0 * t);
        matrix_product(two_t, rows, others.t(), T::zero(), scores.view_mut());
        for (i, row) in scores.rows_mut().into_iter().enumerate() {
            let skipped = (first + i + 1).saturating_sub(start).min(row.len());
            let row = row.into_slice().unwrap_or_else(|| unreachable!("scores are row-major"));
            sum += sum_exp_shifted(&row[skipped..], T::infinity(), two_t);
        }
    }
    sum
}
