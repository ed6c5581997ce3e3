//! Linear readers with Gaussian noise.

use mi_kernels::Cholesky;
use ndarray::{Array2, ArrayView2, Axis};

use super::Losses;
use crate::SamplesError;
use crate::closed_form::SMALLEST_PIVOT;

/// Added to the variance of standardised columns of x: a column that is constant in a part of the
/// rows, or a function of others, then has a weight of 0, or shares theirs.
const RIDGE: f64 = 1e-6;

type Sides<'a> = (ArrayView2<'a, f64>, ArrayView2<'a, f64>);

/// Losses on held-out rows of Gaussians fitted by maximum likelihood, without and with x.
pub(super) fn losses(fit: Sides<'_>, held_out: Sides<'_>) -> Result<Losses, SamplesError> {
    let (x, y) = fit;
    let n = x.nrows() as f64;
    let mean = |side: ArrayView2<'_, f64>| side.sum_axis(Axis(0)) / n;
    let (mean_x, mean_y) = (mean(x), mean(y));
    let (x, y) = (&x - &mean_x, &y - &mean_y);
    let (held_x, held_y) = (&held_out.0 - &mean_x, &held_out.1 - &mean_y);
    let of_x = factor(&x, RIDGE)?;
    let mut weights = x.t().dot(&y) / n;
    for mut column in weights.columns_mut() {
        let mut values = column.to_vec();
        of_x.solve(&mut values);
        column.iter_mut().zip(values).for_each(|(to, value)| *to = value);
    }
    let without = gaussian_losses(&y, &held_y)?;
    let with = gaussian_losses(&(&y - &x.dot(&weights)), &(held_y - held_x.dot(&weights)))?;
    Ok(without.into_iter().zip(with).collect())
}

/// −ln N(0, Σ) of held-out residuals, Σ from the fitted ones.
fn gaussian_losses(fitted: &Array2<f64>, held_out: &Array2<f64>) -> Result<Vec<f64>, SamplesError> {
    let factor = factor(fitted, 0.0)?;
    let d = fitted.ncols();
    let constant = 0.5 * (d as f64 * (2.0 * std::f64::consts::PI).ln() + factor.log_determinant(d));
    Ok(held_out
        .rows()
        .into_iter()
        .map(|row| {
            let mut values = row.to_vec();
            factor.solve_lower(&mut values);
            constant + 0.5 * values.iter().map(|v| v * v).sum::<f64>()
        })
        .collect())
}

fn factor(centred: &Array2<f64>, ridge: f64) -> Result<Cholesky, SamplesError> {
    let (n, columns) = centred.dim();
    let mut covariance = centred.t().dot(centred) / n as f64;
    covariance.diag_mut().mapv_inplace(|variance| variance + ridge);
    Cholesky::new(covariance.view(), SMALLEST_PIVOT)
        .map_err(|column| SamplesError::SingularCovariance { columns, n, column })
}
