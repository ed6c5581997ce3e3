use mi_critics::CriticSpec;
use mi_estimators::bounds::{BoundSpec, Objective};
use serde::{Deserialize, Serialize};

use crate::SamplesError;

/// The settings of a neural estimate.
///
/// | field | default | purpose | range |
/// | --- | --- | --- | --- |
/// | `bound` | `InfoNCE` | the bound that training maximises and by which held-out rows are judged | |
/// | `critic` | by the columns | the function that scores pairs, see [`NeuralSettings::critic_for`] | |
/// | `gaussian_start` | true | whether the critic is added to a Gaussian copula | |
/// | `folds` | 3 | parts of the rows, each held out once | 2… |
/// | `batch` | 256 | pairs per training step | 2… |
/// | `learning_rate` | 0.002; concat 0.01; difference of entropies 0.001 | Adam's initial rate; a tenth of it at the end | above 0 |
/// | `steps` | 3000 | largest number of training steps per fold | 1… |
/// | `patience` | 6 | validations without improvement before the rate is reduced | 1… |
/// | `restarts` | 1 | networks trained per fold; the best on validation rows is kept | 1… |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NeuralSettings {
    /// The bound.
    pub bound: BoundSpec,
    /// The critic; by the columns if absent.
    pub critic: Option<CriticSpec>,
    /// Whether scores are the network's plus the log ratio of a Gaussian copula fitted to the
    /// training rows. Applies to separable and bilinear critics, whose scores start at 0 and are
    /// inner products; others do not use it.
    pub gaussian_start: bool,
    /// Parts of the rows.
    pub folds: usize,
    /// Pairs per training step.
    pub batch: usize,
    /// Adam's step size; by the critic if absent.
    pub learning_rate: Option<f64>,
    /// The largest number of training steps.
    pub steps: usize,
    /// Validations without improvement before the rate is reduced.
    pub patience: usize,
    /// Networks trained per fold.
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

/// The critic for sides of one column each. Relations of two columns may have edges (for example,
/// bounded noise), which a network on both sides can follow and an inner product cannot.
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

    /// The critic for sides with these numbers of columns: the one requested, or by default concat
    /// with 64 units for one column on each side, and separable with three layers of 128 units and
    /// 64 products for more.
    pub fn critic_for(&self, columns: (usize, usize)) -> CriticSpec {
        self.critic
            .clone()
            .unwrap_or_else(|| if columns == (1, 1) { concat() } else { separable() })
    }

    /// The learning rate for a critic: the one requested, or by default 0.01 for concat and 0.002
    /// for the others.
    pub fn learning_rate_for(&self, critic: &CriticSpec) -> f64 {
        let by_critic = if matches!(critic, CriticSpec::Concat { .. }) { 1e-2 } else { 2e-3 };
        self.learning_rate.unwrap_or(by_critic)
    }

    /// These settings with every value resolved, for sides with these numbers of columns.
    pub(crate) fn resolve(&self, columns: (usize, usize)) -> Self {
        let critic = self.critic_for(columns);
        let rate = self.learning_rate_for(&critic);
        Self { critic: Some(critic), learning_rate: Some(rate), ..self.clone() }
    }

    /// These settings with every value resolved, for the difference of entropies, which has no
    /// critic.
    pub(crate) fn resolve_without_critic(&self) -> Self {
        let rate = self.learning_rate.unwrap_or(ENTROPIES_RATE);
        Self { critic: None, learning_rate: Some(rate), ..self.clone() }
    }
}
