//! Linear readers with Gaussian noise.

use mi_eval::{EvalError, LinearGaussian};
use ndarray::ArrayView2;

use super::Losses;
use crate::SamplesError;

/// Added to the variance of standardised columns of x: a column that is constant in a part of the
/// rows then has a weight of 0, and a function of other columns shares their weight.
const RIDGE: f64 = 1e-6;

type Sides<'a> = (ArrayView2<'a, f64>, ArrayView2<'a, f64>);

/// Losses on held-out rows of Gaussians fitted by maximum likelihood, without and with x.
pub(super) fn losses(fit: Sides<'_>, held_out: Sides<'_>) -> Result<Losses, SamplesError> {
    let reader = LinearGaussian::fit(fit.0, fit.1, RIDGE).map_err(|error| match error {
        EvalError::SingularCovariance { columns, n, column } => {
            SamplesError::SingularCovariance { columns, n, column }
        }
        other => other.into(),
    })?;
    let (with, without) = reader.log_losses(held_out.0, held_out.1);
    Ok(without.into_iter().zip(with).collect())
}
