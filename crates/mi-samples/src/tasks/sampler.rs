//! The base distributions of the tasks.

use mi_random::Stream;
use mi_random::rand_distr::{ChiSquared, Distribution};
use ndarray::{Array2, s};
use statrs::function::gamma::{digamma, ln_gamma};

/// A pair of variables with known mutual information.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Base {
    /// `pairs` pairs of standard Gaussians with correlation `rho`, and `others` independent ones on
    /// each side.
    Pairs { pairs: usize, others: usize, rho: f64 },
    /// Standard Gaussians, all correlated by ½, `d` on each side.
    Dense { d: usize },
    /// Student's t with identity dispersion, `d` columns on each side.
    Student { d: usize, freedom: u32 },
    /// X uniform on (0, 1), Y = X + uniform noise on (−ε, ε).
    Additive { epsilon: f64 },
}

impl Base {
    pub(crate) fn dims(self) -> usize {
        match self {
            Self::Pairs { pairs, others, .. } => pairs + others,
            Self::Dense { d } | Self::Student { d, .. } => d,
            Self::Additive { .. } => 1,
        }
    }

    /// Mutual information in nats.
    pub(crate) fn mutual_information(self) -> f64 {
        match self {
            // ln(1 − ρ²) as a sum: accurate for ρ near 1.
            Self::Pairs { pairs, rho, .. } => -0.5 * pairs as f64 * ((-rho).ln_1p() + rho.ln_1p()),
            // A common ½: |½I + ½11ᵀ| of m columns is ½ᵐ (1 + m).
            Self::Dense { d } => {
                let d = d as f64;
                (1.0 + d).ln() - 0.5 * (1.0 + 2.0 * d).ln()
            }
            Self::Student { d, freedom } => {
                2.0 * student_entropy(d, freedom) - student_entropy(2 * d, freedom)
            }
            Self::Additive { epsilon } if epsilon <= 0.5 => epsilon - (2.0 * epsilon).ln(),
            Self::Additive { epsilon } => 0.25 / epsilon,
        }
    }

    pub(crate) fn sample(self, n: usize, stream: &mut Stream) -> (Array2<f64>, Array2<f64>) {
        let d = self.dims();
        match self {
            // Pair by pair: a factor of the full covariance loses its last digits near ρ = 1.
            Self::Pairs { pairs, rho, .. } => {
                let x = stream.normal_matrix((n, d));
                let mut y = stream.normal_matrix((n, d));
                let rest = ((1.0 - rho) * (1.0 + rho)).sqrt();
                let mut related = y.slice_mut(s![.., ..pairs]);
                related *= rest;
                related.scaled_add(rho, &x.slice(s![.., ..pairs]));
                (x, y)
            }
            // √½ (own + common) has variance 1 and covariance ½.
            Self::Dense { d } => {
                let common = stream.normal_matrix((n, 1));
                let mut side = || (stream.normal_matrix((n, d)) + &common) * 0.5_f64.sqrt();
                (side(), side())
            }
            Self::Student { freedom, .. } => {
                let (mut x, mut y) = (stream.normal_matrix((n, d)), stream.normal_matrix((n, d)));
                let freedom = f64::from(freedom);
                for (mut x, mut y) in x.rows_mut().into_iter().zip(y.rows_mut()) {
                    let radius = (freedom / chi_squared(freedom, stream)).sqrt();
                    x *= radius;
                    y *= radius;
                }
                (x, y)
            }
            Self::Additive { epsilon } => {
                let x = Array2::from_shape_simple_fn((n, 1), || stream.uniform());
                let y = x.mapv(|x| x + epsilon * (2.0 * stream.uniform() - 1.0));
                (x, y)
            }
        }
    }
}

/// A χ² number; the tasks have whole, positive degrees of freedom.
fn chi_squared(freedom: f64, stream: &mut Stream) -> f64 {
    match ChiSquared::new(freedom) {
        Ok(distribution) => distribution.sample(stream),
        Err(_) => f64::NAN,
    }
}

/// The differential entropy of Student's t in d dimensions with identity dispersion
/// (Arellano-Valle, Contreras-Reyes and Genton, 2013, eq. 7).
fn student_entropy(d: usize, freedom: u32) -> f64 {
    let (d, freedom) = (d as f64, f64::from(freedom));
    let half = 0.5 * (freedom + d);
    ln_gamma(0.5 * freedom) - ln_gamma(half)
        + 0.5 * d * (freedom * std::f64::consts::PI).ln()
        + half * (digamma(half) - digamma(0.5 * freedom))
}
