use mi_random::Stream;
use ndarray::{Array2, NdFloat};
use serde::{Deserialize, Serialize};

use crate::DataError;

/// Gaussian sequences `z_t = s + u_t`: a latent number s ~ N(0, σ²) for each sequence, and a
/// stationary autoregressive process `u_t = a u_{t−1} + √(1 − a²) ε_t` of unit variance.
///
/// The information between past and future is known ([`LatentSequences::mutual_information`]), so
/// that estimates of contrastive predictive coding can be compared with it. Places of one sequence
/// share s: negatives taken from the same sequence depend on one another and on the positive.
///
/// ```
/// use mi_data::{LatentSequences, Stream};
///
/// let source = LatentSequences::new(0.8, 1.0)?;
/// let sequences = source.sample::<f64>((1000, 16), &mut Stream::new(1, "sequences"));
/// assert_eq!(sequences.dim(), (1000, 16));
/// assert!(source.mutual_information(9, 1) > source.mutual_information(9, 3));
/// # Ok::<(), mi_data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct LatentSequences {
    coefficient: f64,
    latent_sd: f64,
}

/// The serde form; checked when read.
#[derive(Serialize, Deserialize)]
struct Raw {
    coefficient: f64,
    latent_sd: f64,
}

impl LatentSequences {
    /// Sequences with the coefficient a and the standard deviation σ of s.
    ///
    /// # Errors
    /// A coefficient outside (−1, 1); a standard deviation that is negative or not finite.
    pub fn new(coefficient: f64, latent_sd: f64) -> Result<Self, DataError> {
        let fail = |parameter: &'static str, value: f64, range: &'static str| {
            Err(DataError::Parameter { parameter, value, range })
        };
        if coefficient.is_nan() || coefficient.abs() >= 1.0 {
            return fail("the coefficient of a sequence", coefficient, "between -1 and 1");
        }
        if !(latent_sd >= 0.0 && latent_sd.is_finite()) {
            return fail("the deviation of the latent number", latent_sd, "0 or above");
        }
        Ok(Self { coefficient, latent_sd })
    }

    /// `count` sequences of `places` numbers, one per row. The numbers are drawn in `f64`, sequence
    /// after sequence.
    pub fn sample<T: NdFloat>(
        &self,
        (count, places): (usize, usize),
        stream: &mut Stream,
    ) -> Array2<T> {
        let a = self.coefficient;
        let fresh = (1.0 - a * a).sqrt();
        let mut sequences = Array2::zeros((count, places));
        for mut row in sequences.rows_mut() {
            let s = self.latent_sd * stream.normal();
            let mut u = stream.normal();
            for z in &mut row {
                *z = T::from(s + u).unwrap_or_else(T::nan);
                u = a * u + fresh * stream.normal();
            }
        }
        sequences
    }

    /// `I(z_{t+k}; z_0, …, z_t)` in nats.
    ///
    /// # Formula
    /// Given s, the first number and the innovations `z_i − a z_{i−1} = (1 − a) s + √(1 − a²) ε_i`
    /// are independent, so that given the past s has the precision
    /// `Λ = σ⁻² + 1 + t (1 − a)/(1 + a)`. Since `z_{t+k} = (1 − aᵏ) s + aᵏ z_t + √(1 − a²ᵏ) ε`,
    ///
    /// `I = ½ ln[(1 + σ²) / ((1 − aᵏ)²/Λ + 1 − a²ᵏ)]`,
    ///
    /// infinite for k = 0.
    pub fn mutual_information(&self, t: usize, k: usize) -> f64 {
        let Self { coefficient: a, latent_sd } = *self;
        let variance = latent_sd * latent_sd;
        let ahead = a.powi(i32::try_from(k).unwrap_or(i32::MAX));
        // 1 / Λ, which is 0 without a latent number.
        let left = variance / (1.0 + variance * (1.0 + t as f64 * (1.0 - a) / (1.0 + a)));
        let conditional = (1.0 - ahead).powi(2) * left + 1.0 - ahead * ahead;
        0.5 * ((1.0 + variance) / conditional).ln()
    }
}

impl TryFrom<Raw> for LatentSequences {
    type Error = DataError;

    fn try_from(raw: Raw) -> Result<Self, DataError> {
        Self::new(raw.coefficient, raw.latent_sd)
    }
}

impl From<LatentSequences> for Raw {
    fn from(source: LatentSequences) -> Self {
        Self { coefficient: source.coefficient, latent_sd: source.latent_sd }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ln det of a symmetric positive matrix by elimination.
    fn log_det(mut m: Array2<f64>) -> f64 {
        let n = m.nrows();
        let mut sum = 0.0;
        for i in 0..n {
            sum += m[[i, i]].ln();
            let pivot = m.row(i).to_owned();
            for j in i + 1..n {
                let factor = m[[j, i]] / m[[i, i]];
                m.row_mut(j).scaled_add(-factor, &pivot);
            }
        }
        sum
    }

    #[test]
    fn the_closed_form_is_that_of_the_covariances() {
        for (a, sd) in [(0.8, 1.0), (-0.5, 0.3), (0.0, 2.0), (0.6, 0.0)] {
            let source = LatentSequences::new(a, sd).unwrap();
            for (t, k) in [(0, 1), (3, 1), (7, 2), (12, 3)] {
                let covariance = |places: &[usize]| {
                    let n = places.len();
                    let apart = |i: usize, j: usize| places[i].abs_diff(places[j]);
                    let of = |(i, j)| sd * sd + a.powi(i32::try_from(apart(i, j)).unwrap());
                    Array2::from_shape_fn((n, n), of)
                };
                let past: Vec<usize> = (0..=t).collect();
                let all: Vec<usize> = (0..=t).chain([t + k]).collect();
                let of = |places: &[usize]| log_det(covariance(places));
                let expected = 0.5 * (of(&past) + of(&[t + k]) - of(&all));
                let found = source.mutual_information(t, k);
                assert!((found - expected).abs() < 1e-12, "{a} {sd} {t} {k}: {found} {expected}");
            }
        }
    }

    #[test]
    fn samples_have_the_covariances() {
        let source = LatentSequences::new(0.7, 0.5).unwrap();
        let z = source.sample::<f64>((200_000, 4), &mut Stream::new(3, "sequences"));
        for (lag, power) in [1.0, 0.7, 0.49, 0.343].into_iter().enumerate() {
            let product = (&z.column(0) * &z.column(lag)).mean().unwrap();
            assert!((product - 0.25 - power).abs() < 0.02, "{lag}: {product}");
        }
        assert!(LatentSequences::new(1.0, 0.5).is_err());
        assert!(LatentSequences::new(f64::NAN, 0.5).is_err());
        assert!(LatentSequences::new(0.5, -1.0).is_err());
    }
}
