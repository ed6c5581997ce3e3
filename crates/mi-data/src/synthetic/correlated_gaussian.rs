use mi_random::Stream;
use ndarray::{ArrayViewMut2, NdFloat};
use serde::{Deserialize, Serialize};

use super::{PairSource, check_shapes, gaussian_mi};
use crate::DataError;
use crate::number::cast;

/// d independent pairs of standard normal numbers, pair k with its own correlation; or, with
/// [`cubic`](Self::cubic), the same with y³ in place of y.
///
/// # Formula
/// ```text
/// y_k = ρ_k x_k + √(1 − ρ_k²) ε_k        I(X; Y) = −½ Σ_k ln(1 − ρ_k²) nats
/// ```
/// (Cover and Thomas, "Elements of Information Theory", 2006, example 8.5.1). The cube is
/// one-to-one, so the mutual information is the same, but the log density ratio is no longer
/// quadratic in y. Both are the usual benchmark of variational bounds (Poole et al. 2019; Song and
/// Ermon 2020).
///
/// ```
/// use mi_data::{CorrelatedGaussian, PairSource};
/// use mi_random::Stream;
///
/// let source = CorrelatedGaussian::with_mi(20, 10.0)?.cubic();
/// assert!((source.true_mi() - 10.0).abs() < 1e-12);
/// let (x, y) = source.sample::<f32>(64, &mut Stream::new(0, "pairs"))?;
/// assert_eq!((x.dim(), y.dim()), ((64, 20), (64, 20)));
/// # Ok::<(), mi_data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct CorrelatedGaussian {
    rhos: Vec<f64>,
    cubic: bool,
}

/// The serde form; checked when read.
#[derive(Serialize, Deserialize)]
struct Raw {
    rhos: Vec<f64>,
    #[serde(default)]
    cubic: bool,
}

impl CorrelatedGaussian {
    /// One pair of columns for each correlation.
    ///
    /// # Errors
    /// If there is none, or one is not strictly between −1 and 1 (at ±1 the mutual information is
    /// infinite).
    pub fn new(rhos: impl Into<Vec<f64>>) -> Result<Self, DataError> {
        let rhos = rhos.into();
        check_dim(rhos.len())?;
        match rhos.iter().find(|rho| rho.is_nan() || rho.abs() >= 1.0) {
            None => Ok(Self { rhos, cubic: false }),
            Some(&value) => Err(DataError::Parameter {
                parameter: "a correlation",
                value,
                range: "strictly between -1 and 1",
            }),
        }
    }

    /// `dim` pairs of columns that share `mi` nats in total, in equal parts.
    ///
    /// # Errors
    /// Those of [`rho_for_mi`].
    pub fn with_mi(dim: usize, mi: f64) -> Result<Self, DataError> {
        Self::new(vec![rho_for_mi(dim, mi)?; dim])
    }

    /// The same pairs with y³ in place of y.
    pub fn cubic(mut self) -> Self {
        self.cubic = true;
        self
    }

    /// The correlation of x with y (before it is cubed), pair by pair.
    pub fn rhos(&self) -> &[f64] {
        &self.rhos
    }
}

impl PairSource for CorrelatedGaussian {
    fn dims(&self) -> (usize, usize) {
        (self.rhos.len(), self.rhos.len())
    }

    fn true_mi(&self) -> f64 {
        self.rhos.iter().map(|&rho| gaussian_mi(rho)).sum()
    }

    fn sample_into<T: NdFloat>(
        &self,
        mut x: ArrayViewMut2<'_, T>,
        mut y: ArrayViewMut2<'_, T>,
        stream: &mut Stream,
    ) -> Result<(), DataError> {
        check_shapes(self.dims(), x.dim(), y.dim())?;
        for (mut x, mut y) in x.rows_mut().into_iter().zip(y.rows_mut()) {
            for ((x, y), &rho) in x.iter_mut().zip(&mut y).zip(&self.rhos) {
                let first = stream.normal();
                let second = rho * first + ((1.0 - rho) * (1.0 + rho)).sqrt() * stream.normal();
                *x = cast(first);
                *y = cast(if self.cubic { second.powi(3) } else { second });
            }
        }
        Ok(())
    }
}

impl TryFrom<Raw> for CorrelatedGaussian {
    type Error = DataError;

    fn try_from(raw: Raw) -> Result<Self, DataError> {
        Ok(Self { cubic: raw.cubic, ..Self::new(raw.rhos)? })
    }
}

impl From<CorrelatedGaussian> for Raw {
    fn from(source: CorrelatedGaussian) -> Self {
        Self { rhos: source.rhos, cubic: source.cubic }
    }
}

/// The correlation at which `dim` independent pairs share `mi` nats: √(1 − exp(−2 mi / dim)),
/// [`CorrelatedGaussian`]'s formula solved for ρ.
///
/// # Errors
/// If `dim` is 0, or `mi` is negative, not finite, or so large (about 18 nats per pair) that the
/// correlation rounds to 1.
pub fn rho_for_mi(dim: usize, mi: f64) -> Result<f64, DataError> {
    check_dim(dim)?;
    let rho = (-(-2.0 * mi / dim as f64).exp_m1()).sqrt();
    // Also false for a NaN, which a negative or NaN mi gives.
    if mi >= 0.0 && rho < 1.0 {
        return Ok(rho);
    }
    let range = "at least 0, and below about 18 nats for each pair of columns";
    Err(DataError::Parameter { parameter: "the mutual information", value: mi, range })
}

fn check_dim(dim: usize) -> Result<(), DataError> {
    if dim > 0 {
        return Ok(());
    }
    let parameter = "the number of pairs of columns";
    Err(DataError::Parameter { parameter, value: 0.0, range: "at least 1" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_correlation_for_an_mi_gives_that_mi() {
        for (dim, mi) in [(1, 0.0), (1, 1e-9), (1, 2.0), (20, 10.0), (5, 60.0), (1, 17.0)] {
            let source = CorrelatedGaussian::with_mi(dim, mi).unwrap();
            // Near ρ = 1 one unit in the last place of ρ moves the MI by about e^{2 MI} 1e-16.
            let slack = 1e-12 + (2.0 * mi / dim as f64).exp() * 1e-15;
            assert!((source.true_mi() - mi).abs() < slack, "{dim} {mi} {}", source.true_mi());
        }
        assert!((rho_for_mi(1, -0.5 * 0.75_f64.ln()).unwrap() - 0.5).abs() < 1e-15);
    }

    #[test]
    fn impossible_requests_are_errors() {
        for rhos in [vec![], vec![1.0], vec![0.0, -1.0], vec![f64::NAN], vec![2.0]] {
            assert!(CorrelatedGaussian::new(rhos).is_err());
        }
        for mi in [-0.1, f64::NAN, f64::INFINITY, 40.0] {
            assert!(rho_for_mi(1, mi).is_err(), "{mi}");
        }
        assert!(rho_for_mi(0, 1.0).is_err());
        assert!(serde_json::from_str::<CorrelatedGaussian>(r#"{"rhos": [1.5]}"#).is_err());
    }

    #[test]
    fn the_mean_log_density_ratio_is_the_true_mi() {
        let source = CorrelatedGaussian::new([0.9, -0.5, 0.0]).unwrap();
        for source in [source.clone(), source.cubic()] {
            let n = 40_000;
            let (x, y) = source.sample::<f64>(n, &mut Stream::new(3, "pairs")).unwrap();
            let mut mean = 0.0;
            for (x, y) in x.rows().into_iter().zip(y.rows()) {
                for ((&x, &y), &rho) in x.iter().zip(&y).zip(source.rhos()) {
                    let y = if source.cubic { y.cbrt() } else { y };
                    let s = 1.0 - rho * rho;
                    // ln p(y | x) − ln p(y) of normal numbers.
                    mean += -0.5 * s.ln() - (y - rho * x).powi(2) / (2.0 * s) + y * y / 2.0;
                }
            }
            mean /= f64::from(n as u32);
            // The ratio's standard deviation is about 1.1, so 5 standard errors are 0.028.
            assert!((mean - source.true_mi()).abs() < 0.028, "{mean} {}", source.true_mi());
        }
    }
}
