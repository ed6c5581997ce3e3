//! Resolved configurations: everything a trial depends on, and nothing else.

mod encoder;

pub(crate) use encoder::check_parameters;
pub use encoder::{EncoderKind, EncoderSpec};

use mi_critics::CriticSpec;
use mi_data::{DatasetName, View};
use mi_estimators::bounds::BoundSpec;
use mi_nets::OptimiserConfig;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::PaperError;
use crate::multi_view::{MultiView, ObjectiveSpec};

/// A trial, fully resolved. Two trials with equal configurations, run by the same program on the
/// same data and the same type of machine, yield bit-identical records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialConfig {
    /// The experiment's name in the registry.
    pub experiment: String,
    /// The data set's name, or `none` for synthetic pairs.
    pub dataset: String,
    /// The root seed of all of the trial's random streams.
    pub seed: u64,
    /// The labels that distinguish the trial in tables and figures.
    pub labels: Labels,
    /// Optimiser steps.
    pub steps: u64,
    /// Steps between evaluations; step 0 and the last step are always evaluated.
    pub evaluate_every: u64,
    /// What is trained and measured.
    pub task: Task,
}

/// The labels of a trial as text: its columns in records, and the parts of its id.
///
/// They are made from the task ([`Setting`](crate::labels::Setting)) and only for readers; code
/// compares tasks and settings. One label says something that the task does not: the setting of a
/// named variant is its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// The encoder.
    pub encoder: String,
    /// The critic.
    pub critic: String,
    /// The bound.
    pub bound: String,
    /// Anything else, e.g. `t=2`, or the name of the variant.
    pub setting: String,
}

impl Labels {
    /// Their part of a trial's id, which is usable in file names.
    pub(crate) fn id(&self) -> String {
        let Self { encoder, critic, bound, setting } = self;
        let mut id = String::new();
        for part in [encoder, critic, bound, setting] {
            if !part.is_empty() && part != "none" {
                id.push('.');
                id.extend(part.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }));
            }
        }
        id
    }

    /// Labels without a setting.
    pub fn new(encoder: &str, critic: &str, bound: &str) -> Self {
        Self {
            encoder: encoder.into(),
            critic: critic.into(),
            bound: bound.into(),
            setting: String::new(),
        }
    }

    /// The same labels with a setting.
    pub fn with(mut self, setting: impl Into<String>) -> Self {
        self.setting = setting.into();
        self
    }
}

/// What a trial trains and measures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Task {
    /// Two encoders and a critic maximise a bound between two views of an image.
    Contrastive(Contrastive),
    /// Any number of views, encoders and terms.
    MultiView(MultiView),
    /// One bijective encoder is trained against a linear classifier (figure 1c).
    Adversarial(Adversarial),
    /// A critic alone on scalar pairs, with negatives that may depend on each other (figure 4c).
    Dependent(Dependent),
    /// An encoder with a linear classifier on top, trained on labels.
    Supervised(Supervised),
    /// No training: the probes on the pixels of a view.
    Pixels(Pixels),
}

impl Task {
    /// The encoder, or the first of several.
    pub fn encoder(&self) -> Option<&EncoderSpec> {
        match self {
            Self::Contrastive(task) => Some(&task.encoder),
            Self::MultiView(task) => task.network(0).ok().map(|(_, spec)| spec),
            Self::Adversarial(task) => Some(&task.encoder),
            Self::Supervised(task) => Some(&task.encoder),
            Self::Dependent(_) | Self::Pixels(_) => None,
        }
    }

    /// The critic that is trained, or that of the first term.
    pub fn critic(&self) -> Option<&CriticSpec> {
        match self {
            Self::Contrastive(task) => Some(&task.critic),
            Self::MultiView(task) => task.terms.first().map(|term| &term.critic),
            Self::Dependent(task) => Some(&task.critic),
            Self::Adversarial(_) | Self::Supervised(_) | Self::Pixels(_) => None,
        }
    }

    /// The bound that is maximised or driven to a target; for several terms, that of the first.
    pub fn bound(&self) -> Option<&BoundSpec> {
        match self {
            Self::Contrastive(task) => Some(&task.bound),
            Self::MultiView(task) => task.terms.first().and_then(|term| term.objective.bound()),
            Self::Dependent(task) => Some(&task.bound),
            Self::Adversarial(_) | Self::Supervised(_) | Self::Pixels(_) => None,
        }
    }

    /// What is maximised: the bound, or the loss; for several terms, that of the first.
    pub fn objective(&self) -> Option<ObjectiveSpec> {
        match self {
            Self::MultiView(task) => task.terms.first().map(|term| term.objective.clone()),
            _ => self.bound().cloned().map(ObjectiveSpec::Bound),
        }
    }

    /// The value to which the bound is driven, in nats.
    pub fn target(&self) -> Option<f64> {
        if let Self::Contrastive(task) = self { task.target } else { None }
    }

    /// Rows in a batch.
    pub fn batch_size(&self) -> Option<usize> {
        match self {
            Self::Contrastive(task) => Some(task.batch_size),
            Self::MultiView(task) => Some(task.batch_size),
            Self::Adversarial(task) => Some(task.batch_size),
            Self::Dependent(task) => Some(task.batch_size),
            Self::Supervised(task) => Some(task.batch_size),
            Self::Pixels(_) => None,
        }
    }

    /// What is measured at each evaluation; empty for tasks without this choice. For pixels, what
    /// is measured in addition to both probes.
    pub fn evaluations(&self) -> &[Evaluation] {
        match self {
            Self::Contrastive(task) => &task.evaluations,
            Self::MultiView(task) => &task.evaluations,
            Self::Adversarial(task) => &task.evaluations,
            Self::Supervised(task) => &task.evaluations,
            Self::Pixels(task) => &task.evaluations,
            Self::Dependent(_) => &[],
        }
    }

    /// The noise on the pixels; `None` for tasks that have no such setting.
    pub fn noise(&self) -> Option<Noise> {
        match self {
            Self::Contrastive(task) => Some(task.noise),
            Self::Pixels(task) => Some(Noise { sd: task.noise_sd, shared: false }),
            Self::Adversarial(_)
            | Self::Dependent(_)
            | Self::MultiView(_)
            | Self::Supervised(_) => None,
        }
    }
}

/// See [`Task::Contrastive`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contrastive {
    /// The architecture of the encoders; their weights are separate.
    pub encoder: EncoderSpec,
    /// The architecture of the second view's encoder, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder_y: Option<EncoderSpec>,
    /// The critic on the encoded views.
    pub critic: CriticSpec,
    /// The bound that is maximised.
    pub bound: BoundSpec,
    /// When set, |I − t| is minimised instead.
    pub target: Option<f64>,
    /// Rows in a batch, also when bounds are measured.
    pub batch_size: usize,
    /// The learning rate.
    pub learning_rate: f64,
    /// The optimiser, if it is not the paper's Adam; it has the learning rate above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimiser: Option<Box<OptimiserConfig>>,
    /// Noise added to the pixels in training.
    pub noise: Noise,
    /// The two views, if they are not the top and the bottom half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub views: Option<Box<[View; 2]>>,
    /// What is measured at each evaluation.
    pub evaluations: Vec<Evaluation>,
}

/// Gaussian noise on the pixels of both views.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// Standard deviation; 0 for none.
    pub sd: f64,
    /// Whether one draw is added to both views in training, as in the paper's notebook. This adds
    /// information that the views share. The bound on training batches is measured with such noise;
    /// on held-out data, and where features are probed, the draws are always independent.
    #[serde(default)]
    pub shared: bool,
}

impl Noise {
    /// No noise.
    pub const NONE: Self = Self { sd: 0.0, shared: false };
}

/// See [`Task::Adversarial`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adversarial {
    /// The bijective encoder.
    pub encoder: EncoderSpec,
    /// The view, where it is not the top half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// Rows in a batch.
    pub batch_size: usize,
    /// The learning rate of the encoder.
    pub encoder_learning_rate: f64,
    /// The encoder's optimiser, if it is not the paper's Adam; it has the learning rate above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimiser: Option<Box<OptimiserConfig>>,
    /// Adam's learning rate for the classifier.
    pub classifier_learning_rate: f64,
    /// Classifier steps before the encoder's first.
    pub warm_up_steps: u64,
    /// Classifier steps for each step of the encoder.
    pub classifier_steps: u64,
    /// What is measured at each evaluation.
    pub evaluations: Vec<Evaluation>,
}

/// See [`Task::Dependent`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dependent {
    /// Whether all pairs of a batch share one draw of Z.
    pub dependent: bool,
    /// The critic on the two scalars.
    pub critic: CriticSpec,
    /// The bound that is maximised.
    pub bound: BoundSpec,
    /// Pairs in a batch.
    pub batch_size: usize,
    /// The learning rate.
    pub learning_rate: f64,
    /// The optimiser, if it is not the paper's Adam; it has the learning rate above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimiser: Option<Box<OptimiserConfig>>,
}

/// See [`Task::Supervised`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Supervised {
    /// The encoder of the first view, to show what g1 could reach with labels.
    pub encoder: EncoderSpec,
    /// The view, where it is not the top half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// Rows in a batch.
    pub batch_size: usize,
    /// The learning rate.
    pub learning_rate: f64,
    /// The optimiser, if it is not the paper's Adam; it has the learning rate above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimiser: Option<Box<OptimiserConfig>>,
    /// What is measured of the encoder at each evaluation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluations: Vec<Evaluation>,
}

/// See [`Task::Pixels`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pixels {
    /// Standard deviation of the noise added to the pixels; 0 for none.
    pub noise_sd: f64,
    /// The view, where it is not the top half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// What is measured of the pixels in addition to both probes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluations: Vec<Evaluation>,
}

/// What is measured at an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Evaluation {
    /// The bound on 20 fresh training batches and on the test set, and |I − t| if there is a target
    /// t.
    Bounds,
    /// The paper's probe on the main representation: g1 of the first view.
    Probe,
    /// The converged probe, at step 0 and at the last step (it costs many times the paper's).
    ConvergedProbe,
    /// Singular values of g1's Jacobian.
    Conditioning {
        /// Number of inputs.
        inputs: usize,
    },
    /// Inverse error and log-determinant of a bijective encoder.
    Bijectivity {
        /// Number of inputs.
        inputs: usize,
    },
    /// `InfoNCE` between images of a batch at the first and at the middle place of a map, by the
    /// critic of each term over all places.
    SinglePlaces,
    /// The largest `InfoNCE` that any critic can reach, given that patches of different images may
    /// be equal; at step 0.
    TiesCeiling,
    /// A measure of the main representation, at step 0 and at the last step.
    Measure {
        /// The measure.
        of: mi_eval::Measure,
    },
    /// The held-out bounds between both representations of the first term, at step 0 and at the
    /// last step: `InfoNCE` by its critic in larger batches; `InfoNCE`, NWJ and FLO by newly
    /// trained critics; and nearest neighbours on principal components.
    FrozenBounds,
    /// Recall@1: how often the critic finds an image's own y among those of 1,000 test images. Of n
    /// equal scores that are the highest, each is found with probability 1/n.
    Retrieval,
    /// Test accuracy of linear readers on Fashion-MNIST for an encoder trained on MNIST, and the
    /// other way round; at step 0 and at the last step. Images whose features are not finite count
    /// as misread. For the embedded digits, nothing is measured.
    Transfer,
    /// Linear CKA between the main representation and the one before the first step; at step 0 and
    /// at the last step.
    CkaToStart,
    /// Measures nothing, but saves the main representation of the first 1,000 test images in the
    /// trial's folder after the last step, to be compared with those of other seeds.
    Representation,
    /// The number of epochs after which the paper's probe stops.
    ProbeEpochs,
    /// The paper's probe with another rule for which features its min–max scaling leaves as they
    /// are.
    ScaledProbe {
        /// The rule.
        constant: mi_eval::Constant,
    },
    /// Accuracy of linear readers on test images if some training labels are replaced by others;
    /// at step 0 and at the last step.
    LabelNoise {
        /// The share of labels that are replaced, in percent.
        percent: u8,
    },
    /// Accuracy and V-information of linear readers, of 200 hidden units and of 20 nearest
    /// neighbours, as other programs fit them: settings are chosen on the last sixth of the
    /// training images (10,000 of MNIST's), and networks are not fitted again to all of them; at
    /// step 0 and at the last step.
    ReferenceReaders,
    /// Accuracy of a vote of the 20 nearest training images, by cosine similarity, at step 0 and at
    /// the last step: that of `Measure` with `mi_eval::Measure::Accuracy`, without fitting the
    /// other families.
    NearestNeighbours,
    /// What is otherwise measured only at step 0 and at the last step is also measured at the
    /// evaluation after this step.
    AlsoAt {
        /// Steps done.
        step: u64,
    },
}

impl Evaluation {
    /// Whether it needs another data set or the representation before the first step.
    pub(crate) fn needs_reference(&self) -> bool {
        matches!(self, Self::Transfer | Self::CkaToStart)
    }

    /// Whether an evaluation after `step` of `steps` steps includes what is not measured at every
    /// evaluation.
    pub(crate) fn include_all(evaluations: &[Self], step: u64, steps: u64) -> bool {
        step == 0 || step == steps || evaluations.contains(&Self::AlsoAt { step })
    }

    /// The name in experiment files.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Bounds => "`bounds`",
            Self::Probe => "`probe`",
            Self::ConvergedProbe => "`converged-probe`",
            Self::Conditioning { .. } => "`conditioning`",
            Self::Bijectivity { .. } => "`bijectivity`",
            Self::SinglePlaces => "`single-places`",
            Self::TiesCeiling => "`ties-ceiling`",
            Self::Measure { .. } => "a measure of a representation",
            Self::FrozenBounds => "`frozen-bounds`",
            Self::Retrieval => "`retrieval`",
            Self::Transfer => "`transfer`",
            Self::CkaToStart => "`cka-to-start`",
            Self::Representation => "`representation`",
            Self::ProbeEpochs => "`probe-epochs`",
            Self::ScaledProbe { .. } => "`scaled-probe`",
            Self::LabelNoise { .. } => "`label-noise`",
            Self::ReferenceReaders => "`reference-readers`",
            Self::NearestNeighbours => "`nearest-neighbours`",
            Self::AlsoAt { .. } => "`also-at`",
        }
    }
}

impl TrialConfig {
    /// Whether this trial repeats another, with the same seed or a different one.
    pub(crate) fn repeats(&self, other: &Self) -> bool {
        let Self { experiment, dataset, seed: _, labels, steps, evaluate_every, task } = self;
        (experiment, dataset, labels) == (&other.experiment, &other.dataset, &other.labels)
            && (*steps, *evaluate_every) == (other.steps, other.evaluate_every)
            && *task == other.task
    }

    /// The trial's id: unique within a plan, the same in every run, and usable as a file name.
    pub fn id(&self) -> String {
        format!("{}.{}{}.s{}", self.experiment, self.dataset, self.labels.id(), self.seed)
    }

    /// SHA-256 of the configuration, in hexadecimal.
    ///
    /// # Errors
    /// The configuration cannot be written as JSON; its plain fields always can.
    pub fn hash(&self) -> Result<String, PaperError> {
        let text =
            serde_json::to_string(self).map_err(PaperError::encode("a trial's configuration"))?;
        Ok(hex(&Sha256::digest(text.as_bytes())))
    }

    /// The data set to which the representation is transferred, if the task asks for it and there
    /// is one.
    pub fn transfer(&self) -> Option<DatasetName> {
        self.task.evaluations().contains(&Evaluation::Transfer).then_some(())?;
        match self.dataset.as_str() {
            "mnist" => Some(DatasetName::FashionMnist),
            "fashion-mnist" => Some(DatasetName::Mnist),
            _ => None,
        }
    }

    /// Whether an evaluation is due after `step` steps.
    pub fn evaluates_at(&self, step: u64) -> bool {
        step == self.steps || step.is_multiple_of(self.evaluate_every.max(1))
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
