//! Records: the numbers that experiments yield, one flat row each.

use std::borrow::Cow;

use arrayvec::ArrayString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One number, with everything needed to interpret it.
///
/// A record file is CSV with exactly these columns. Figures, claims and tables are made from
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
    /// The critic: `bilinear`, `separable`, `mlp`, `inner`, `cosine`, `distance` or `none`.
    pub critic: String,
    /// The name of the bound or loss, e.g. `infonce`, `nwj` or `triplet`, or `none`.
    pub bound: String,
    /// What else distinguishes trials of an experiment, e.g. `t=2`, `dependent`, `k=64`; may be
    /// empty.
    pub setting: String,
    /// What was measured.
    pub metric: Metric,
    /// The number. Infinite and missing values are written as `inf`, `-inf` and `NaN`.
    pub value: f64,
    /// The unit: `nats`, or `1` (fractions, counts, logarithms).
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
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Metric {
            $($(#[$doc])* $variant,)*
            /// One of the other metrics, for a named part of the task: see [`Metric::of_part`].
            Part(Part),
        }

        impl Metric {
            /// Every metric of a whole task.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Their names, in the same order.
            const NAMES: &'static [&'static str] = &[$($name),*];

            /// The unit of the metric's values.
            pub fn unit(self) -> Unit {
                match self {
                    $(Self::$variant => Unit::$unit,)*
                    Self::Part(part) => part.whole().unit(),
                }
            }
        }
    };
}

/// A metric of a named part of a task, such as a term or a representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Part {
    /// The metric's place in [`Metric::ALL`].
    whole: usize,
    name: ArrayString<{ Part::LONGEST }>,
}

impl Part {
    /// Bytes of the longest name.
    pub const LONGEST: usize = 24;

    /// The metric.
    pub fn whole(self) -> Metric {
        Metric::ALL[self.whole]
    }

    /// The name of the part.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Metric {
    /// The same metric for a part of a task: `metric[part]` in record files. A name longer than
    /// [`Part::LONGEST`] is truncated.
    #[must_use]
    pub fn of_part(self, name: &str) -> Self {
        let end = (0..=name.len().min(Part::LONGEST)).rev().find(|&end| name.is_char_boundary(end));
        let cut = ArrayString::from(&name[..end.unwrap_or_default()]).unwrap_or_default();
        let whole = Self::ALL.iter().position(|&metric| metric == self.whole());
        whole.map_or(self, |whole| Self::Part(Part { whole, name: cut }))
    }

    /// The metric without its part.
    #[must_use]
    pub fn whole(self) -> Self {
        if let Self::Part(part) = self { part.whole() } else { self }
    }

    /// The metric's name in record files.
    pub fn name(self) -> Cow<'static, str> {
        if let Self::Part(part) = self {
            return format!("{}[{}]", part.whole().name(), part.name()).into();
        }
        let place = Self::ALL.iter().position(|&metric| metric == self);
        place.map_or("", |place| Self::NAMES[place]).into()
    }

    /// The metric of this name.
    fn named(name: &str) -> Option<Self> {
        let (whole, part) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            Some((whole, part)) => (whole, Some(part)),
            None => (name, None),
        };
        let metric = Self::ALL[Self::NAMES.iter().position(|&own| own == whole)?];
        let metric = part.map_or(metric, |part| metric.of_part(part));
        (metric.name() == name).then_some(metric)
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| {
            let known = Self::NAMES.join(", ");
            D::Error::custom(format!("unknown metric `{name}`, expected one of {known}"))
        })
    }
}

metrics! {
    /// The bound's estimate, mean over 20 fresh batches of training data with the
    /// noise of training (what the paper's notebook calls its test value).
    BoundTrain, "bound_train", Nats;
    /// The bound's estimate on held-out data with independent noise, mean over whole test batches
    /// of the same size.
    BoundTest, "bound_test", Nats;
    /// The loss of a term that minimises one, mean over 20 fresh batches of training data.
    LossTrain, "loss_train", Nats;
    /// The same loss on held-out data.
    LossTest, "loss_test", Nats;
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
    /// Smallest `ln(σ_max/σ_min)` of the encoder's Jacobian over the inputs (percentile 0).
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
    /// The largest value that an estimator with shared negatives can reach: `I(X_1..K; Y)` in
    /// closed form.
    Ceiling, "ceiling", Nats;
    /// The largest `InfoNCE` on test batches that any critic can reach, given that views of
    /// different images may be equal.
    TiesCeiling, "ties_ceiling", Nats;
    /// How often the critic scores an image's own y highest among those of 1,000 test images; the
    /// highest of n equal scores counts as 1/n.
    Retrieval, "recall_at_1", One;
    /// Test accuracy of a family of readers of the representation.
    ReaderAccuracy, "reader_accuracy", One;
    /// V-information of a family of readers about labels.
    VInformation, "v_information", Nats;
    /// V-information of a family of readers about the other view's representation.
    VInformationOfView, "v_information_of_view", Nats;
    /// V-information about labels beyond that of the pixels.
    ConditionalVInformation, "conditional_v_information", Nats;
    /// Accuracy of linear readers trained on few labels per class.
    FewLabelAccuracy, "few_label_accuracy", One;
    /// Length of the training labels' online code.
    DescriptionLength, "description_length", Nats;
    /// Number of labels at which the loss of linear readers falls below a tolerance.
    SampleComplexity, "sample_complexity", One;
    /// Surplus description length at a tolerance.
    Surplus, "surplus", Nats;
    /// Mean squared distance between the representations of both views, scaled to length 1.
    Alignment, "alignment", One;
    /// Log mean Gaussian potential of pairs of representations, scaled to length 1.
    Uniformity, "uniformity", One;
    /// Exponential of the entropy of the singular values.
    RankMe, "rank_me", One;
    /// The same without the constant that keeps it finite.
    EffectiveRank, "effective_rank", One;
    /// Exponent of the decay of the covariance's eigenvalues.
    SpectrumExponent, "spectrum_exponent", One;
    /// Linear CKA to the other view's representation.
    CkaToView, "cka_to_view", One;
    /// Linear CKA to the pixels.
    CkaToBase, "cka_to_pixels", One;
    /// Distance between classes relative to their width.
    ClassSeparation, "class_separation", One;
    /// Share of a test image's nearest training images that have its label.
    NeighbourPurity, "neighbour_purity", One;
    /// Test accuracy of a vote of the nearest training images.
    NeighbourAccuracy, "neighbour_accuracy", One;
    /// Outputs that are the same for all test images.
    DeadUnits, "dead_units", One;
    /// Linear CKA to the representation before the first step.
    CkaToStart, "cka_to_start", One;
    /// Test accuracy of linear readers of another data set's labels.
    TransferAccuracy, "transfer_accuracy", One;
    /// A bound between the frozen representations of both views, by a newly trained critic.
    BoundAnew, "bound_anew", Nats;
    /// Nearest-neighbour estimate between the first principal components of both representations.
    ComponentsMi, "components_mi", Nats;
    /// The discriminator's loss between codes and draws of the prior: 2 ln 2 if it cannot
    /// distinguish them.
    PriorLoss, "prior_loss", Nats;
    /// Epochs after which the paper's probe stops.
    ProbeEpochs, "probe_epochs", One;
    /// Test accuracy of the paper's probe with another rule for which features are not scaled.
    AccuracyScaled, "accuracy_scaled", One;
    /// Test accuracy of linear readers that were trained with some labels replaced by others.
    NoisyLabelAccuracy, "noisy_label_accuracy", One;
    /// Number of steps so far whose gradients are not those of the bound, because exponentials of
    /// scores left the range of single precision. Written from the first such step on.
    OverflowSteps, "overflow_steps", One;
}
