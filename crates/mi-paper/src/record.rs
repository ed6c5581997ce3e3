//! Records: every number that an experiment yields, one flat row each.

use serde::{Deserialize, Serialize};

/// One number, with all that is needed to know what it means.
///
/// A record file is CSV with exactly these columns. Figures, claims and tables are drawn from
/// records alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The experiment's name in the registry, e.g. `critics`.
    pub experiment: String,
    /// The trial's id in its plan.
    pub trial: String,
    /// The data set's name, e.g. `mnist`, `digits` (the embedded one) or `none`.
    pub dataset: String,
    /// The seed of the run; trials that share a seed share data order and noise.
    pub seed: u64,
    /// Optimiser steps taken when the number was measured.
    pub step: u64,
    /// The encoder: `mlp`, `convnet`, `realnvp`, `residual` or `none`.
    pub encoder: String,
    /// The critic: `bilinear`, `separable`, `mlp`, `inner`, `cosine` or `none`.
    pub critic: String,
    /// The bound's name, e.g. `infonce` or `nwj`, or `none`.
    pub bound: String,
    /// What else tells trials of an experiment apart, e.g. `t=2`, `dependent`, `k=64`; else empty.
    pub setting: String,
    /// What was measured.
    pub metric: Metric,
    /// The number. Infinite and missing values are written as `inf`, `-inf` and `NaN`.
    pub value: f64,
    /// The unit: `nats`, `1` (fractions, counts, logarithms).
    pub unit: Unit,
}

/// Units of record values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Unit {
    /// Natural units of information.
    #[serde(rename = "nats")]
    Nats,
    /// A pure number.
    #[serde(rename = "1")]
    One,
}

/// Defines [`Metric`] from one table, so that names, units and meanings cannot drift apart.
macro_rules! metrics {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $unit:ident;)*) => {
        /// What a record's value measures.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Metric {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Metric {
            /// Every metric.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The metric's name in record files.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The unit of the metric's values.
            pub fn unit(self) -> Unit {
                match self { $(Self::$variant => Unit::$unit,)* }
            }
        }
    };
}

metrics! {
    /// The bound's estimate, mean over 20 fresh batches of training data with the
    /// noise of training (what the paper's notebook calls its test value).
    BoundTrain, "bound_train", Nats;
    /// The bound's estimate on held-out data with independent noise, mean over whole test batches
    /// of the same size.
    BoundTest, "bound_test", Nats;
    /// Mean of |I − t| over the 20 training batches, for a target t.
    TargetLoss, "target_loss", Nats;
    /// Test accuracy of the paper's probe (min–max scaling, SAGA stopped at tolerance 0.1).
    Accuracy, "accuracy", One;
    /// Test accuracy of the converged probe (standardised, L-BFGS, C by validation).
    AccuracyConverged, "accuracy_converged", One;
    /// Test accuracy of the network's own classifier (supervised references, adversarial run).
    AccuracyClassifier, "accuracy_classifier", One;
    /// Cross-entropy of the classifier on training batches.
    ClassifierLoss, "classifier_loss", Nats;
    /// Cross-entropy of the classifier's output to the uniform label, which the adversarial
    /// encoder minimises.
    UniformLoss, "uniform_loss", Nats;
    /// Least `ln(σ_max/σ_min)` of the encoder's Jacobian over the inputs (percentile 0).
    LogConditionP0, "log_condition_p0", One;
    /// Percentile 20 of `ln(σ_max/σ_min)`.
    LogConditionP20, "log_condition_p20", One;
    /// Percentile 40 of `ln(σ_max/σ_min)`.
    LogConditionP40, "log_condition_p40", One;
    /// Percentile 60 of `ln(σ_max/σ_min)`.
    LogConditionP60, "log_condition_p60", One;
    /// Percentile 80 of `ln(σ_max/σ_min)`.
    LogConditionP80, "log_condition_p80", One;
    /// Largest `ln(σ_max/σ_min)` (percentile 100).
    LogConditionP100, "log_condition_p100", One;
    /// Number of inputs at which the Jacobian has a zero singular value.
    SingularJacobians, "singular_jacobians", One;
    /// Mean of ln|det J| of a bijective encoder over the inputs.
    LogDet, "log_det", Nats;
    /// max |x − g⁻¹(g(x))| over the inputs, in f64.
    InverseError, "inverse_error", One;
    /// Estimate on one batch of fresh samples (synthetic experiments).
    Estimate, "estimate", Nats;
    /// The true mutual information of the synthetic pair.
    TrueMi, "true_mi", Nats;
    /// What an estimator with shared negatives may reach: `I(X_1..K; Y)` in closed form.
    Ceiling, "ceiling", Nats;
    /// Steps so far whose gradients are not the bound's, since exponentials of scores left the range
    /// of single precision. Written from the first such step on.
    OverflowSteps, "overflow_steps", One;
}
