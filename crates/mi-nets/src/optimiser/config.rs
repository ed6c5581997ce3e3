use serde::{Deserialize, Serialize};

use super::{AdamConfig, Schedule, SgdConfig};
use crate::NetsError;

/// How a gradient becomes a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Rule {
    /// Adam (Kingma and Ba, 2015); with [`WeightDecay::Decoupled`] it is `AdamW`.
    Adam(AdamConfig),
    /// Stochastic gradient descent, with or without momentum.
    Sgd(SgdConfig),
}

impl Rule {
    /// The learning rate before the schedule.
    pub fn lr(&self) -> f64 {
        match self {
            Self::Adam(adam) => adam.lr,
            Self::Sgd(sgd) => sgd.lr,
        }
    }

    /// The name in checkpoints.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Adam(_) => "adam",
            Self::Sgd(_) => "sgd",
        }
    }

    /// Which of the two memory vectors the rule has.
    pub(crate) fn remembers(&self) -> [bool; 2] {
        match self {
            Self::Adam(_) => [true, true],
            Self::Sgd(sgd) => [sgd.momentum != 0.0, false],
        }
    }
}

/// How weights are pulled towards zero: all trained parameters, including biases, as in `PyTorch`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WeightDecay {
    /// Not at all.
    #[default]
    None,
    /// The gradient of λ/2 ‖θ‖² is added to that of the loss before the rule is applied: L2
    /// regularisation, the `weight_decay` of `PyTorch`'s `SGD` and `Adam`.
    Coupled(f64),
    /// θ ← (1 − lr · λ) θ before the step, separately from the rule (Loshchilov and Hutter, 2019,
    /// in the parametrisation of `PyTorch`'s `AdamW`, where the scheduled lr multiplies λ).
    Decoupled(f64),
}

/// What an [`crate::Optimiser`] does: a rule, weight decay, a schedule.
///
/// | field | default | purpose |
/// | --- | --- | --- |
/// | `rule` | Adam | how a gradient becomes a step, with the learning rate |
/// | `weight_decay` | none | pull towards zero |
/// | `schedule` | constant | factor of the learning rate, step by step |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct OptimiserConfig {
    /// How a gradient becomes a step.
    pub rule: Rule,
    /// Pull towards zero.
    pub weight_decay: WeightDecay,
    /// Factor of the learning rate.
    pub schedule: Schedule,
}

impl Default for OptimiserConfig {
    fn default() -> Self {
        AdamConfig::default().into()
    }
}

impl From<Rule> for OptimiserConfig {
    fn from(rule: Rule) -> Self {
        Self { rule, weight_decay: WeightDecay::default(), schedule: Schedule::default() }
    }
}

impl From<AdamConfig> for OptimiserConfig {
    fn from(adam: AdamConfig) -> Self {
        Rule::Adam(adam).into()
    }
}

impl From<SgdConfig> for OptimiserConfig {
    fn from(sgd: SgdConfig) -> Self {
        Rule::Sgd(sgd).into()
    }
}

impl OptimiserConfig {
    /// The same configuration with another learning rate (before the schedule).
    pub fn with_lr(mut self, lr: f64) -> Self {
        match &mut self.rule {
            Rule::Adam(adam) => adam.lr = lr,
            Rule::Sgd(sgd) => sgd.lr = lr,
        }
        self
    }

    /// The same configuration with another weight decay.
    pub fn with_weight_decay(self, weight_decay: WeightDecay) -> Self {
        Self { weight_decay, ..self }
    }

    /// The same configuration with another schedule.
    pub fn with_schedule(self, schedule: Schedule) -> Self {
        Self { schedule, ..self }
    }

    /// Checks that all settings are in their range.
    ///
    /// # Errors
    /// The first setting that is not, with its range.
    pub fn check(&self) -> Result<(), NetsError> {
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let not_negative = |x: f64| x.is_finite() && x >= 0.0;
        let fraction = |x: f64| (0.0..1.0).contains(&x);
        let rule = match &self.rule {
            Rule::Adam(adam) => [
                ("lr", adam.lr, not_negative(adam.lr), "at least 0"),
                ("beta1", adam.beta1, fraction(adam.beta1), "in [0, 1)"),
                ("beta2", adam.beta2, fraction(adam.beta2), "in [0, 1)"),
                ("eps", adam.eps, positive(adam.eps), "above 0"),
            ],
            Rule::Sgd(sgd) => {
                let nesterov = !sgd.nesterov || sgd.momentum > 0.0;
                [
                    ("lr", sgd.lr, not_negative(sgd.lr), "at least 0"),
                    ("momentum", sgd.momentum, fraction(sgd.momentum), "in [0, 1)"),
                    ("momentum", sgd.momentum, nesterov, "above 0 where `nesterov` is set"),
                    ("lr", sgd.lr, true, ""),
                ]
            }
        };
        let decay = match self.weight_decay {
            WeightDecay::None => 0.0,
            WeightDecay::Coupled(rate) | WeightDecay::Decoupled(rate) => rate,
        };
        let decay = ("weight_decay", decay, not_negative(decay), "at least 0");
        let outside = rule.into_iter().chain([decay]).chain(self.schedule.checks());
        match outside.into_iter().find(|(_, _, inside, _)| !inside) {
            None => Ok(()),
            Some((setting, value, _, range)) => {
                let problem = format!("`{setting}` is {value}: it must be {range}");
                Err(NetsError::Setting { operation: "optimiser", problem })
            }
        }
    }
}
