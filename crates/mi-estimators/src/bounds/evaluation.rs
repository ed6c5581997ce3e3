use serde::{Deserialize, Serialize};

/// A value to be minimised, in nats: a type of its own, so that it is not taken for a bound,
/// which is maximised.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Loss(f64);

impl Loss {
    pub(crate) fn new(nats: f64) -> Self {
        Self(nats)
    }

    /// The number.
    pub fn nats(self) -> f64 {
        self.0
    }
}

/// What a bound says about one batch.
///
/// Estimate and objective are the same number for most bounds, but not for those that train one
/// thing and report another (JS, SMILE, MINE), nor with a target.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// The estimate of the mutual information in nats, as it is: it can be negative. Of a loss
    /// ([`crate::losses`]), minus the loss.
    pub estimate: f64,
    /// The value that training maximises, of which the gradient is returned.
    pub objective: f64,
    /// The largest estimate that a batch of this size can yield, whatever the scores.
    pub cap: Option<f64>,
    /// K, the number of positives. Bounds of different K are not comparable where there is a cap.
    pub batch_size: usize,
    /// The batch has no negative, as when it has one pair only: the estimate is 0 and says nothing.
    pub no_negatives: bool,
    /// Exponentials left the range of numbers: the estimate, the objective or a gradient is
    /// infinite or was cut at the largest number.
    pub overflow: bool,
}

/// Below its cap by less than this, in nats, an estimate says little about the true value.
const NEAR: f64 = 0.1;

impl Evaluation {
    /// Whether the estimate is within 0.1 nats of its cap: the mutual information may be any
    /// larger number.
    pub fn near_cap(&self) -> bool {
        self.cap.is_some_and(|cap| self.estimate > cap - NEAR)
    }

    /// The estimate with negative values, which sampling makes of values near 0, set to 0. Means
    /// of it are too large; use the estimate for these.
    pub fn clipped(&self) -> f64 {
        self.estimate.max(0.0)
    }

    /// The objective as a value to be minimised.
    pub fn loss(&self) -> Loss {
        Loss(-self.objective)
    }

    /// `2 log 2` + the objective of a Jensen–Shannon or SMILE evaluation: twice the estimated
    /// Jensen–Shannon divergence of joint and product of marginals, as Deep `InfoMax` reports it (Hjelm et
    /// al., 2019). 0 if nothing is learned, at most 2 log 2.
    pub fn twice_jensen_shannon(&self) -> f64 {
        2.0 * std::f64::consts::LN_2 + self.objective
    }

    /// The N-pair loss (Sohn, 2016, eq. 6) or NT-Xent's cross-entropy (Chen et al., 2020, eq. 1),
    /// `mean_i log(1 + Σ_j exp(S_ij − S_ii))` over the negatives j, from an `InfoNCE` estimate I: the
    /// cap − I, which is log K − I for K candidates.
    pub fn n_pair_loss(&self) -> Loss {
        let candidates = || (self.batch_size as f64).ln();
        Loss(self.cap.unwrap_or_else(candidates) - self.estimate)
    }
}
