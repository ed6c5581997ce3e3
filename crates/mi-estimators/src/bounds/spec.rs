use mi_kernels::Logarithm;
use serde::{Deserialize, Serialize};

use super::Bound;
use super::infonce::InfoNce;
use super::interpolated::Interpolated;
use super::jensen_shannon::JensenShannon;
use super::normalised::Normalised;
use super::symmetric::Symmetric;
use super::tuba::Tuba;
use crate::EstimatorError;

/// A bound and its settings. [`BOUNDS`](super::BOUNDS) describes each of them.
///
/// In text: `"infonce"`, `"nwj"`, …, `{ "smile": { "clip": 5.0 } }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum BoundSpec {
    /// `log K + mean_i (S_ii − log Σ_j exp S_ij)`; the negatives of a positive are in its row.
    #[serde(rename = "infonce")]
    InfoNce,
    /// The mean of the above over rows and over columns.
    #[serde(rename = "infonce-symmetric")]
    InfoNceSymmetric,
    /// `mean_i S_ii − e⁻¹ mean_{i≠j} exp S_ij`.
    Nwj,
    /// `mean_i S_ii − log mean_{i≠j} exp S_ij`.
    #[serde(rename = "dv")]
    DonskerVaradhan,
    /// Reports Donsker–Varadhan; trains against a moving average of the normaliser.
    Mine {
        /// Weight of the newest batch in the average, in (0, 1]; 0.01 is common.
        rate: f64,
    },
    /// `1 + mean_i (S_ii − log a_i) − mean_{i≠j} exp(S_ij − log a_i)`, with learned `log a_i`
    /// (0 when none are given).
    Tuba,
    /// Trains with the Jensen–Shannon objective; reports NWJ at S + 1.
    #[serde(rename = "js")]
    JensenShannon,
    /// Trains with the Jensen–Shannon objective; reports Donsker–Varadhan with clipped negatives.
    Smile {
        /// The limit τ of the negatives in the estimate, above 0; `inf` for none.
        clip: f64,
    },
    /// Between TUBA (α = 0) and `InfoNCE` over K − 1 negatives (α = 1), with learned `log a_i`
    /// (0 when none are given).
    #[serde(rename = "interpolated")]
    InterpolatedAlpha {
        /// The weight α of the batch's own normaliser, in [0, 1].
        alpha: f64,
    },
    /// Donsker–Varadhan with positives, weighted by α, in the normaliser.
    #[serde(rename = "ml-cpc")]
    MlCpc {
        /// The weight α of positives, in (0, K]; the estimate is at most log(K/α) nats. It is a
        /// lower bound if α is at least K/(K(K−1)+1).
        alpha: f64,
    },
    /// `1 − mean_i u_i − mean_{i≠j} exp(S_ij − S_ii − u_i)`, with learned `u_i = u(x_i, y_i)`,
    /// which approach minus the log ratios (Guo et al., 2022: `1 − E[u(x, y) + exp(f(x, y′) − f(x,
    /// y) − u(x, y))]` over joint x, y and independent y′).
    Flo,
}

/// The arguments of the learned number that some bounds read per row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LearnedOf {
    /// `log a(x)`. Without it, `log a = 0` also gives a bound.
    X,
    /// `u(x, y)` of the row's own pair; the bound is not defined without it.
    Pair,
}

/// A bound whose settings are checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Resolved {
    InfoNce(InfoNce),
    Symmetric(Symmetric),
    Tuba(Tuba),
    Normalised(Normalised),
    JensenShannon(JensenShannon),
    Interpolated(Interpolated),
}

impl Resolved {
    /// The logarithm of the moving average that MINE keeps.
    pub(super) fn log_average(&self) -> Option<Logarithm> {
        match *self {
            Self::Normalised(Normalised::Mine { log_average, .. }) => log_average,
            _ => None,
        }
    }

    pub(crate) fn bound<T: mi_kernels::Scalar>(&self) -> &dyn Bound<T> {
        match self {
            Self::InfoNce(bound) => bound,
            Self::Symmetric(bound) => bound,
            Self::Tuba(bound) => bound,
            Self::Normalised(bound) => bound,
            Self::JensenShannon(bound) => bound,
            Self::Interpolated(bound) => bound,
        }
    }
}

impl BoundSpec {
    /// The bound, with the logarithm of its moving average if it keeps one.
    pub(super) fn resolve(&self, log_average: Option<Logarithm>) -> Resolved {
        match *self {
            Self::InfoNce => Resolved::InfoNce(InfoNce),
            Self::InfoNceSymmetric => Resolved::Symmetric(Symmetric),
            Self::Nwj => Resolved::Tuba(Tuba::Constant),
            // At α = 0 the batch's own normaliser has no weight.
            Self::Tuba | Self::InterpolatedAlpha { alpha: 0.0 } => Resolved::Tuba(Tuba::Learned),
            Self::Flo => Resolved::Tuba(Tuba::Flo),
            Self::DonskerVaradhan => Resolved::Normalised(Normalised::DonskerVaradhan),
            Self::Mine { rate } => Resolved::Normalised(Normalised::Mine { rate, log_average }),
            Self::MlCpc { alpha } => Resolved::Normalised(Normalised::MlCpc { alpha }),
            Self::JensenShannon => Resolved::JensenShannon(JensenShannon::Nwj),
            Self::Smile { clip } => Resolved::JensenShannon(JensenShannon::Clipped { limit: clip }),
            Self::InterpolatedAlpha { alpha } => Resolved::Interpolated(Interpolated { alpha }),
        }
    }

    /// The bound's name in the registry.
    pub fn name(&self) -> &'static str {
        match self {
            // The name is the same for every α, even where another bound computes the value.
            Self::InterpolatedAlpha { .. } => Interpolated::NAME,
            _ => self.resolve(None).bound::<f64>().name(),
        }
    }

    /// The largest estimate that K pairs can yield, in nats, whatever the scores; `None` when
    /// there is no limit.
    pub fn cap(&self, k: usize) -> Option<f64> {
        self.resolve(None).bound::<f64>().cap(k.saturating_sub(1))
    }

    /// The learned number that the bound reads per row, if any.
    pub fn learned(&self) -> Option<LearnedOf> {
        self.resolve(None).bound::<f64>().learned()
    }

    /// Checks the settings.
    pub(super) fn check(&self) -> Result<(), EstimatorError> {
        let (setting, value, fits, range) = match *self {
            Self::Mine { rate } => {
                ("the rate of MINE", rate, rate > 0.0 && rate <= 1.0, "above 0 and at most 1")
            }
            Self::Smile { clip } => ("the clip of SMILE", clip, clip > 0.0, "above 0"),
            Self::InterpolatedAlpha { alpha } => (
                "the alpha of the interpolated bound",
                alpha,
                (0.0..=1.0).contains(&alpha),
                "between 0 and 1",
            ),
            Self::MlCpc { alpha } => {
                ("the alpha of ML-CPC", alpha, alpha > 0.0, "above 0 and at most the batch size")
            }
            _ => return Ok(()),
        };
        if fits {
            return Ok(());
        }
        Err(EstimatorError::Setting { setting, value: value.to_string(), range })
    }
}
