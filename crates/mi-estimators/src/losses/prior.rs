use mi_kernels::{Scalar, softplus};
use ndarray::{Array1, ArrayView1};

use crate::EstimatorError;
use crate::bounds::Loss;

/// The losses of a batch: of the discriminator that tells codes from draws of a prior, and of the
/// encoder that deceives it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PriorMatching<T> {
    /// The discriminator's loss, `mean softplus(−u) + mean softplus(v)`: 2 log 2 if it cannot tell
    /// them apart.
    pub discriminator: Loss,
    /// The gradient of minus that loss with respect to the logits u of draws from the prior, and to
    /// the logits v of codes, for the discriminator's gradient ascent.
    pub discriminator_gradients: (Array1<T>, Array1<T>),
    /// The encoder's loss, `mean softplus(−v)`.
    pub encoder: Loss,
    /// The gradient of minus that loss with respect to v, for the encoder's gradient ascent with
    /// the discriminator held fixed.
    pub encoder_gradient: Array1<T>,
}

/// Matching a prior with an adversarial discriminator D, from its logits.
///
/// # Formula
/// The discriminator maximises `E_prior log D + E_codes log(1 − D)` (Hjelm et al., 2019, eq. 7),
/// and the encoder maximises `E_codes log D`, the non-saturating form of Goodfellow et al. (2014).
/// D is the logistic function of a logit.
///
/// # Shapes
/// One logit per draw from the prior, and one per code; the two numbers may differ.
///
/// # Errors
/// No draw, no code; NaN.
pub fn prior_matching<T: Scalar>(
    prior: ArrayView1<'_, T>,
    codes: ArrayView1<'_, T>,
) -> Result<PriorMatching<T>, EstimatorError> {
    for logits in [prior, codes] {
        if logits.is_empty() {
            return Err(EstimatorError::EmptySide { rows: 0, columns: 1 });
        }
        if let Some(row) = logits.iter().position(|logit| logit.is_nan()) {
            return Err(EstimatorError::NanScore { row });
        }
    }
    let mean = |logits: ArrayView1<'_, T>, sign: f64| {
        let terms = logits.iter().map(|&logit| softplus(sign * logit.to_f64()));
        terms.sum::<f64>() / logits.len() as f64
    };
    // The derivative of −softplus(sign · logit) / n.
    let slopes = |logits: ArrayView1<'_, T>, sign: f64| {
        let n = logits.len() as f64;
        let slope = |logit: f64| -sign * (-softplus(-sign * logit)).exp() / n;
        logits.iter().map(|&logit| T::from_f64(slope(logit.to_f64()))).collect::<Array1<T>>()
    };
    Ok(PriorMatching {
        discriminator: Loss::new(mean(prior, -1.0) + mean(codes, 1.0)),
        discriminator_gradients: (slopes(prior, -1.0), slopes(codes, 1.0)),
        encoder: Loss::new(mean(codes, -1.0)),
        encoder_gradient: slopes(codes, -1.0),
    })
}
