use mi_random::Stream;
use ndarray::{ArrayViewMut2, NdFloat};
use serde::{Deserialize, Serialize};

use super::{PairSource, check_shapes, gaussian_mi};
use crate::DataError;
use crate::number::cast;

/// The covariance of two numbers, positive semi-definite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Covariance {
    /// Variance of the first.
    pub xx: f64,
    /// Covariance of the two.
    pub xy: f64,
    /// Variance of the second.
    pub yy: f64,
}

impl Covariance {
    /// Lower Cholesky factor [[a, 0], [b, c]] as (a, b, c). Zero variances are allowed.
    fn cholesky(self) -> (f64, f64, f64) {
        let a = self.xx.sqrt();
        let b = if a > 0.0 { self.xy / a } else { 0.0 };
        (a, b, (self.yy - b * b).max(0.0).sqrt())
    }

    fn is_semi_definite(self) -> bool {
        let finite = self.xx.is_finite() && self.xy.is_finite() && self.yy.is_finite();
        finite && self.xx >= 0.0 && self.yy >= 0.0 && self.xy * self.xy <= self.xx * self.yy
    }
}

/// How a batch of a [`LatentPair`] is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Sampling {
    /// A new Z for every pair: the pairs are independent.
    Independent,
    /// One Z for the whole batch: every pair has the same distribution, but the pairs depend on one
    /// another.
    Dependent,
}

/// Pairs of numbers (X, Y) = Z + ε with normal Z and ε (Tschannen et al. 2020, section 4 and
/// figure 4c).
///
/// With one Z for the whole batch the off-diagonal pairs of the batch no longer have the
/// distribution p(x) p(y), so neither `InfoNCE` nor NWJ bounds I(X; Y) from below. The information
/// of a whole batch of x about one y is [`ceiling`](Self::ceiling).
///
/// # Formula
/// ```text
/// I(X; Y) = −½ ln(1 − ρ²) nats,    with ρ the correlation in Σ_Z + Σ_ε
/// ```
/// (Cover and Thomas 2006, example 8.5.1). For figure 4c ρ = 0.2 and I = 0.0204.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct LatentPair {
    latent: Covariance,
    noise: Covariance,
    sampling: Sampling,
}

/// The serde form; checked when read.
#[derive(Serialize, Deserialize)]
struct Raw {
    latent: Covariance,
    noise: Covariance,
    sampling: Sampling,
}

impl LatentPair {
    /// Z ~ N(0, `latent`), ε ~ N(0, `noise`).
    ///
    /// # Errors
    /// If a matrix is not positive semi-definite, a noise variance is 0, or X and Y determine each
    /// other.
    pub fn new(
        latent: Covariance,
        noise: Covariance,
        sampling: Sampling,
    ) -> Result<Self, DataError> {
        let pair = Self { latent, noise, sampling };
        let fits = latent.is_semi_definite()
            && noise.is_semi_definite()
            && noise.xx > 0.0
            && noise.yy > 0.0
            && pair.correlation().abs() < 1.0;
        if fits {
            return Ok(pair);
        }
        Err(DataError::Shape {
            operation: "a pair with a latent variable",
            expected: "positive semi-definite covariances, positive noise variances and a \
                       correlation strictly between -1 and 1"
                .into(),
            found: format!("latent {latent:?}, noise {noise:?}"),
        })
    }

    /// The pairs of figure 4c: `Σ_Z` = [[1, −0.5], [−0.5, 1]], `Σ_ε` = [[1, 0.9], [0.9, 1]].
    pub fn figure_4c(sampling: Sampling) -> Self {
        let latent = Covariance { xx: 1.0, xy: -0.5, yy: 1.0 };
        let noise = Covariance { xx: 1.0, xy: 0.9, yy: 1.0 };
        Self { latent, noise, sampling }
    }

    /// How batches are drawn.
    pub fn sampling(&self) -> Sampling {
        self.sampling
    }

    /// The information of all x in a batch of `samples` pairs with one common Z about one of its y,
    /// in nats. Estimates from such batches can estimate at most this.
    ///
    /// # Formula
    /// ```text
    /// I(X_1, …, X_K; Y_i) = −½ ln(1 − c / Var Y)
    /// c = (s² K + 2 s t + t²) / b − a (s K + t)² / (b (b + a K))
    /// ```
    /// with a = Var Z of x, b = Var ε of x, s and t the covariances of Z and of ε. c is the
    /// variance of y that the batch explains: Cov(X) = b I + a 11ᵀ, inverted by Sherman and
    /// Morrison (1950), multiplied from both sides by the covariances s + t δ of the batch's x with
    /// that y. The terms in K² are cancelled by hand. For figure 4c, c = 0.25 K − 0.09 − (0.5 K −
    /// 0.9)² / (K + 1) and Var Y = 2.
    ///
    /// One sample gives [`true_mi`](PairSource::true_mi), no sample gives 0.
    pub fn ceiling(&self, samples: usize) -> f64 {
        if samples == 0 {
            return 0.0;
        }
        let k = samples as f64;
        let (a, b) = (self.latent.xx, self.noise.xx);
        let (s, t) = (self.latent.xy, self.noise.xy);
        let explained =
            (b * (k * s * s + 2.0 * s * t + t * t) + (k - 1.0) * a * t * t) / (b * (b + a * k));
        -0.5 * (-explained / (self.latent.yy + self.noise.yy)).ln_1p()
    }

    fn correlation(&self) -> f64 {
        let (xx, yy) = (self.latent.xx + self.noise.xx, self.latent.yy + self.noise.yy);
        (self.latent.xy + self.noise.xy) / (xx * yy).sqrt()
    }
}

impl PairSource for LatentPair {
    fn dims(&self) -> (usize, usize) {
        (1, 1)
    }

    fn true_mi(&self) -> f64 {
        gaussian_mi(self.correlation())
    }

    fn sample_into<T: NdFloat>(
        &self,
        mut x: ArrayViewMut2<'_, T>,
        mut y: ArrayViewMut2<'_, T>,
        stream: &mut Stream,
    ) -> Result<(), DataError> {
        check_shapes(self.dims(), x.dim(), y.dim())?;
        let (latent, noise) = (self.latent.cholesky(), self.noise.cholesky());
        let mut draw = |(a, b, c): (f64, f64, f64)| {
            let (first, second) = (stream.normal(), stream.normal());
            (a * first, b * first + c * second)
        };
        let mut z = (0.0, 0.0);
        for (i, (x, y)) in x.iter_mut().zip(&mut y).enumerate() {
            if i == 0 || self.sampling == Sampling::Independent {
                z = draw(latent);
            }
            let epsilon = draw(noise);
            *x = cast(z.0 + epsilon.0);
            *y = cast(z.1 + epsilon.1);
        }
        Ok(())
    }
}

impl TryFrom<Raw> for LatentPair {
    type Error = DataError;

    fn try_from(Raw { latent, noise, sampling }: Raw) -> Result<Self, DataError> {
        Self::new(latent, noise, sampling)
    }
}

impl From<LatentPair> for Raw {
    fn from(LatentPair { latent, noise, sampling }: LatentPair) -> Self {
        Self { latent, noise, sampling }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn the_ceiling_has_its_published_values() {
        let pair = LatentPair::figure_4c(Sampling::Dependent);
        assert!((pair.true_mi() - 0.020_411).abs() < 5e-7, "{}", pair.true_mi());
        for (k, golden) in [(2, 0.1137), (8, 0.2733), (64, 0.3617), (128, 0.3695)] {
            let value = pair.ceiling(k);
            assert!((value - golden).abs() < 5e-5, "{k}: {value} {golden}");
        }
        assert_eq!(pair.ceiling(0), 0.0);
        assert!((pair.ceiling(1) - pair.true_mi()).abs() < 1e-15);
    }

    /// −½ ln det of the conditional covariance, by elimination on the full (K + 1)² matrix.
    fn slow_ceiling(pair: &LatentPair, k: usize) -> f64 {
        let (z, e) = (pair.latent, pair.noise);
        let variance = z.yy + e.yy;
        let mut m = Array2::from_shape_fn((k + 1, k + 1), |(i, j)| match (i < k, j < k) {
            (true, true) if i == j => z.xx + e.xx,
            (true, true) => z.xx,
            (false, false) => variance,
            _ if i.min(j) == 0 => z.xy + e.xy,
            _ => z.xy,
        });
        for pivot in 0..k {
            for row in pivot + 1..=k {
                let factor = m[[row, pivot]] / m[[pivot, pivot]];
                for column in pivot..=k {
                    m[[row, column]] -= factor * m[[pivot, column]];
                }
            }
        }
        -0.5 * (m[[k, k]] / variance).ln()
    }

    #[test]
    fn the_ceiling_agrees_with_elimination() {
        let other = LatentPair::new(
            Covariance { xx: 0.3, xy: 0.2, yy: 2.0 },
            Covariance { xx: 1.7, xy: -0.4, yy: 0.5 },
            Sampling::Dependent,
        )
        .unwrap();
        for pair in [LatentPair::figure_4c(Sampling::Dependent), other] {
            for k in [1, 2, 3, 17, 60] {
                let (fast, slow) = (pair.ceiling(k), slow_ceiling(&pair, k));
                assert!((fast - slow).abs() < 1e-12, "{k}: {fast} {slow}");
            }
        }
    }

    #[test]
    fn one_latent_draw_serves_a_dependent_batch() {
        // With almost no x-noise correlation, the batch mean of x is Z plus a little.
        let spread = |sampling| {
            let pair = LatentPair::figure_4c(sampling);
            let mut stream = Stream::new(1, "pairs");
            let means: Vec<f64> = (0..400)
                .map(|_| pair.sample::<f64>(100, &mut stream).unwrap().0.mean().unwrap())
                .collect();
            means.iter().map(|mean| mean * mean).sum::<f64>() / 400.0
        };
        // Var of the mean: 1 + 1/100 with a shared Z, 2/100 without. The relative standard error
        // of a variance from 400 values is 0.07.
        let (dependent, independent) = (spread(Sampling::Dependent), spread(Sampling::Independent));
        assert!((dependent - 1.01).abs() < 0.3, "{dependent}");
        assert!((independent - 0.02).abs() < 0.006, "{independent}");
    }

    #[test]
    fn every_pair_has_the_declared_covariance() {
        for sampling in [Sampling::Independent, Sampling::Dependent] {
            let pair = LatentPair::figure_4c(sampling);
            let mut stream = Stream::new(2, "pairs");
            let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
            let n = 40_000;
            for _ in 0..n {
                // Batches of one: the first pair of a dependent batch is distributed like any
                // other.
                let (x, y) = pair.sample::<f64>(1, &mut stream).unwrap();
                xx += x[[0, 0]] * x[[0, 0]] / f64::from(n);
                xy += x[[0, 0]] * y[[0, 0]] / f64::from(n);
                yy += y[[0, 0]] * y[[0, 0]] / f64::from(n);
            }
            // Standard errors: 2 √(2/n) = 0.014 for the variances, 0.010 for the covariance.
            assert!((xx - 2.0).abs() < 0.07 && (yy - 2.0).abs() < 0.07, "{xx} {yy}");
            assert!((xy - 0.4).abs() < 0.05, "{xy}");
        }
    }

    #[test]
    fn impossible_covariances_are_errors() {
        let unit = Covariance { xx: 1.0, xy: 0.0, yy: 1.0 };
        let zero = Covariance { xx: 0.0, xy: 0.0, yy: 0.0 };
        for (latent, noise) in [
            (Covariance { xy: 1.5, ..unit }, unit),
            (unit, Covariance { xx: -1.0, ..unit }),
            (unit, Covariance { yy: f64::NAN, ..unit }),
            (unit, zero),
            (zero, Covariance { xy: 1.0, ..unit }),
        ] {
            assert!(LatentPair::new(latent, noise, Sampling::Independent).is_err());
        }
        assert!(LatentPair::new(zero, unit, Sampling::Independent).is_ok());
    }
}
