use mi_critics::CriticSpec;
use mi_estimators::bounds::{BoundSpec, Objective};
use serde::{Deserialize, Serialize};

use crate::SamplesError;

/// What is asked of a neural estimate.
///
/// | field | default | purpose | range |
/// | --- | --- | --- | --- |
/// | `bound` | `InfoNCE` | what training maximises and the held-out rows are judged by | |
/// | `critic` | by the columns | the function that scores pairs, see [`NeuralSettings::critic_for`] | |
/// | `gaussian_start` | true | whether the critic is what it adds to a Gaussian copula | |
/// | `folds` | 3 | parts of the rows, each held out once | 2… |
/// | `batch` | 256 | pairs of a training step | 2… |
/// | `learning_rate` | 0.002; concat 0.01; difference of entropies 0.001 | Adam's first; a tenth of it at the end | above 0 |
/// | `steps` | 3000 | most training steps of a fold | 1… |
/// | `patience` | 6 | looks at the validation rows without a gain before the rate falls | 1… |
/// | `restarts` | 1 | networks trained a fold; the best on validation rows is kept | 1… |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NeuralSettings {
    /// The bound.
    pub bound: BoundSpec,
    /// The critic; by the columns if absent.
    pub critic: Option<CriticSpec>,
    /// Whether scores are the network's plus the log ratio of a Gaussian copula fitted to the
    /// training rows: of separable and bilinear critics, whose scores start at 0 and are inner
    /// products. Others start without it.
    pub gaussian_start: bool,
    /// Parts of the rows.
    pub folds: usize,
    /// Pairs of a training step.
    pub batch: usize,
    /// Adam's step size; by the critic if absent.
    pub learning_rate: Option<f64>,
    /// Most training steps.
    pub steps: usize,
    /// Looks at the validation rows without a gain.
    pub patience: usize,
    /// Networks trained a fold.
    pub restarts: usize,
}

impl Default for NeuralSettings {
    fn default() -> Self {
        Self {
            bound: BoundSpec::InfoNce,
            critic: None,
            gaussian_start: true,
            folds: 3,
            batch: 256,
            learning_rate: None,
            steps: 3000,
            patience: 6,
            restarts: 1,
        }
    }
}

/// The learning rate of the difference of entropies.
pub(super) const ENTROPIES_RATE: f64 = 1e-3;

/// The critic for sides of one column each. Relations of two columns have edges (noise between
/// limits, say), which a network on both sides bends around and an inner product does not.
fn concat() -> CriticSpec {
    CriticSpec::Concat { hidden: vec![64] }
}

/// The critic for more columns, where one that scores all pairs by inner products learns more in
/// the same time, and can start from the Gaussian copula.
fn separable() -> CriticSpec {
    CriticSpec::Separable { hidden: vec![128, 128, 128], embed: 64 }
}

impl NeuralSettings {
    pub(crate) fn check(&self) -> Result<(), SamplesError> {
        Objective::new(&self.bound, None)?;
        let whole = [
            ("folds", self.folds, 2),
            ("batch", self.batch, 2),
            ("steps", self.steps, 1),
            ("patience", self.patience, 1),
            ("restarts", self.restarts, 1),
        ];
        for (setting, value, least) in whole {
            if value < least {
                let range = if least == 2 { "at least 2" } else { "at least 1" };
                return Err(SamplesError::Setting { setting, value: value.to_string(), range });
            }
        }
        // Written so that NaN fails.
        if let Some(rate) = self.learning_rate
            && !(rate > 0.0 && rate.is_finite())
        {
            let (setting, value) = ("learning_rate", rate.to_string());
            return Err(SamplesError::Setting { setting, value, range: "above 0 and finite" });
        }
        Ok(())
    }

    /// The critic for sides of so many columns: the one asked for, or else concat with 64 units for
    /// one column on either side, and separable with three layers of 128 units and 64 products
    /// for more.
    pub fn critic_for(&self, columns: (usize, usize)) -> CriticSpec {
        self.critic
            .clone()
            .unwrap_or_else(|| if columns == (1, 1) { concat() } else { separable() })
    }

    /// The learning rate for a critic: the one asked for, or else 0.01 for concat and 0.002 for
    /// the others.
    pub fn learning_rate_for(&self, critic: &CriticSpec) -> f64 {
        let by_critic = if matches!(critic, CriticSpec::Concat { .. }) { 1e-2 } else { 2e-3 };
        self.learning_rate.unwrap_or(by_critic)
    }

    /// The same with nothing left open, for sides of so many columns.
    pub(crate) fn resolve(&self, columns: (usize, usize)) -> Self {
        let critic = self.critic_for(columns);
        let rate = self.learning_rate_for(&critic);
        Self { critic: Some(critic), learning_rate: Some(rate), ..self.clone() }
    }

    /// The same with nothing left open, for the difference of entropies, which has no critic.
    pub(crate) fn resolve_without_critic(&self) -> Self {
        let rate = self.learning_rate.unwrap_or(ENTROPIES_RATE);
        Self { critic: None, learning_rate: Some(rate), ..self.clone() }
    }
}
