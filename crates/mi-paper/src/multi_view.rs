//! A multi-view task as a value: views of an image, encoders of views, contexts over sequences of
//! encodings, and the terms whose weighted sum is maximised.
//!
//! Encoders and contexts yield *representations*: n × width for a summary, n × places × width for a
//! map or a sequence. A term joins two of them by name, and a rule says which pairs of places and
//! images are positives and negatives.

mod check;
mod two_views;

pub(crate) use check::{Layout, Origin, Shape};

use std::mem::{self, Discriminant};

use mi_critics::CriticSpec;
use mi_data::{DataError, Dataset, Geometry, LatentSequences, Provenance, Split, View};
use mi_estimators::bounds::{BoundSpec, OtherSequences};
use mi_estimators::losses::Mining;
use mi_nets::OptimiserConfig;
use mi_random::Stream;
use serde::{Deserialize, Serialize};

use crate::config::{EncoderSpec, Evaluation};

/// Views, encoders, contexts and terms of one trial; see [`Task::MultiView`](crate::config::Task).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiView {
    /// Synthetic sequences to use instead of images, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequences: Option<Sequences>,
    /// The pieces of an image.
    pub views: Vec<NamedView>,
    /// The encoders of views.
    pub encoders: Vec<NamedEncoder>,
    /// Aggregations over sequences of encodings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contexts: Vec<Context>,
    /// What is maximised: the weighted sum of these.
    pub terms: Vec<ViewTerm>,
    /// A prior that a representation should follow, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<Prior>,
    /// The inputs of the probes; the first is the main representation.
    pub probes: Vec<Probed>,
    /// Images in a batch.
    pub batch_size: usize,
    /// The learning rate.
    pub learning_rate: f64,
    /// The optimiser, if it is not the paper's Adam; it has the learning rate above. The
    /// discriminator of a prior is trained by Adam.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimiser: Option<Box<OptimiserConfig>>,
    /// What is measured at each evaluation.
    pub evaluations: Vec<Evaluation>,
}

/// A named piece of an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedView {
    /// The name.
    pub name: String,
    /// The piece. One that is cut into patches is the sequence of them, row by row.
    pub piece: View,
}

/// An encoder of a view.
///
/// If the view is cut into patches, every patch is encoded. If it is not, convolutional networks
/// also yield maps: `NAME.map`, all locations; and, of the paper's ConvNet, `NAME.local`, the same
/// before layer normalisation, where a location depends only on its receptive field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedEncoder {
    /// The name, which its output has too.
    pub name: String,
    /// The view that it sees.
    pub view: String,
    /// Its network.
    pub net: Net,
}

/// The network of an encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Net {
    /// A network with weights of its own.
    Own(EncoderSpec),
    /// The network of another encoder, including its weights.
    Same(String),
}

/// Reads a sequence of encodings and yields, at every place, a summary of that place and those
/// before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// The name.
    pub name: String,
    /// The sequence that is read.
    pub of: String,
    /// The order in which its places are read.
    #[serde(default)]
    pub order: Order,
    /// The network that reads it.
    pub net: ContextNet,
}

/// The order of the places of a grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Order {
    /// One sequence, row after row.
    #[default]
    Raster,
    /// A sequence for each column, from top to bottom.
    Down,
}

/// A causal network over a sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ContextNet {
    /// The mean of the places so far.
    Mean,
    /// A gated recurrent unit.
    Gru {
        /// Units.
        width: usize,
    },
    /// Masked convolutions with `ReLU` between them.
    Conv {
        /// Places under the kernel.
        kernel: usize,
        /// Channels after each layer.
        channels: Vec<usize>,
    },
    /// A learned vector for each place, the same for all images: what can be predicted from the
    /// place alone.
    Place {
        /// Length of the vector.
        width: usize,
    },
}

/// Two representations, a critic of their pairs, and the objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewTerm {
    /// The name in records, where there is more than one term.
    pub name: String,
    /// The representation of the rows of scores.
    pub x: String,
    /// The representation of the columns.
    pub y: String,
    /// The critic.
    pub critic: CriticSpec,
    /// A bound, or a loss whose negative is maximised.
    pub objective: ObjectiveSpec,
    /// Which pairs are positives and negatives.
    #[serde(default)]
    pub candidates: Candidates,
    /// Images of earlier batches that stay candidates, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Queue>,
    /// The weight in the sum of terms.
    #[serde(default = "one")]
    pub weight: f64,
    /// The factor of a penalty on the mean squared lengths of x and y.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub l2: f64,
}

fn one() -> f64 {
    1.0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl ViewTerm {
    /// The name of a term that was given none.
    pub(crate) const NAME: &str = "term";

    /// Whether negatives come from a memory bank, which holds training images only.
    pub(crate) fn is_banked(&self) -> bool {
        matches!(self.candidates, Candidates::Bank { .. })
    }

    /// Whether a loss is reported, together with `InfoNCE` of the same scores.
    pub(crate) fn reports_loss(&self) -> bool {
        self.objective.is_loss() && !self.is_banked()
    }

    /// A term of weight 1 whose negatives are the other images of the batch.
    pub fn new(
        (name, x, y): (&str, &str, &str),
        critic: CriticSpec,
        objective: impl Into<ObjectiveSpec>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            x: x.to_owned(),
            y: y.to_owned(),
            critic,
            objective: objective.into(),
            candidates: Candidates::OtherImages,
            queue: None,
            weight: 1.0,
            l2: 0.0,
        }
    }
}

/// A queue (He et al., 2020, "`MoCo`"): the y of images of earlier batches are candidates, under the
/// same rule as those of other images of the batch.
///
/// Every y of the term, also that of a positive, is encoded by a slow copy of the networks, and no
/// gradient flows into it, also none of a penalty. Evaluations compare the images of a batch only,
/// by the trained networks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// How many images it holds at most.
    pub images: usize,
    /// The momentum m of the slow copy: w ← m · w + (1 − m) · now after each step.
    pub momentum: f64,
}

/// What a term maximises.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ObjectiveSpec {
    /// A bound on the mutual information.
    Bound(BoundSpec),
    /// Twice the Jensen–Shannon divergence between the joint distribution and the product of the
    /// marginals, as Deep `InfoMax` trains and reports it: at most 2 ln 2, and no bound on the
    /// mutual information.
    JensenShannon,
    /// The triplet loss; the critic is a negative distance.
    Triplet {
        /// The margin.
        margin: f64,
        /// How negatives are chosen. The seed of random ones is mixed with that of the trial.
        mining: Mining,
    },
    /// The contrastive loss of pairs; the critic is a negative distance.
    Contrastive {
        /// The margin.
        margin: f64,
    },
    /// Lifted structure: every positive against all negatives of both its members. The candidates
    /// have to be those of both views.
    LiftedStructure {
        /// The margin.
        margin: f64,
        /// Whether it is the generalised form, in which an anchor's positives compete together with
        /// its own negatives, and the candidates need not be those of both views.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        generalised: bool,
    },
    /// Noise-contrastive estimation with a memory bank.
    NoiseContrastive {
        /// The weight of the newest batch in the normaliser Z; with 0, Z stays that of the first
        /// batch.
        rate: f64,
    },
}

impl From<BoundSpec> for ObjectiveSpec {
    fn from(bound: BoundSpec) -> Self {
        Self::Bound(bound)
    }
}

/// The kind of an objective: its specification without numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObjectiveKind(Discriminant<ObjectiveSpec>, Option<Discriminant<BoundSpec>>);

impl ObjectiveSpec {
    /// The kind.
    pub(crate) fn kind(&self) -> ObjectiveKind {
        ObjectiveKind(mem::discriminant(self), self.bound().map(mem::discriminant))
    }

    /// The label in records.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Bound(bound) => bound.name(),
            Self::JensenShannon => "jsd",
            Self::Triplet { .. } => "triplet",
            Self::Contrastive { .. } => "contrastive",
            Self::LiftedStructure { .. } => "lifted",
            Self::NoiseContrastive { .. } => "nce",
        }
    }

    /// Whether the value is minus a loss, whose size says nothing about information.
    pub(crate) fn is_loss(&self) -> bool {
        !matches!(self, Self::Bound(_) | Self::JensenShannon)
    }

    /// The bound, if it is one.
    pub fn bound(&self) -> Option<&BoundSpec> {
        if let Self::Bound(bound) = self { Some(bound) } else { None }
    }
}

/// Which pairs of a batch are positives and negatives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Candidates {
    /// Summaries: x and y of one image are a positive; y of every other image is a negative.
    #[default]
    OtherImages,
    /// Summaries of both views in one batch of twice the size: the other view of the image is the
    /// positive, all others of both views are negatives (NT-Xent).
    BothViews,
    /// A summary x and a map y: all places of the same image are positives, those of other images
    /// are negatives (Deep `InfoMax`).
    AllPlaces,
    /// Two sequences: x at a place and y some places ahead of it, place by place.
    Ahead {
        /// How many places ahead, in the order of the context; 0 for the same place.
        places: usize,
        /// Which y are negatives.
        negatives: Negatives,
    },
    /// Summaries: negatives come from a bank of the vectors of all training images, kept from
    /// earlier batches, in both directions.
    Bank {
        /// How many negatives are drawn for a batch.
        negatives: usize,
        /// The weight of the old vector when a new one is stored.
        momentum: f64,
    },
}

impl Candidates {
    /// How many places of another image's y are negatives of an x, so that those of an image of
    /// an earlier batch can be too; 0 if a queue makes no sense.
    pub(crate) fn places_of_others(self, places: usize) -> usize {
        match self {
            Self::OtherImages => 1,
            Self::AllPlaces => places,
            Self::Ahead { negatives, .. } => negatives.places_of_others(places),
            Self::BothViews | Self::Bank { .. } => 0,
        }
    }
}

/// Which places are negatives of a positive in sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Negatives {
    /// The same place of other images.
    #[default]
    OtherImages,
    /// Other places of the same image.
    SameImage,
    /// Both.
    Both,
    /// All places of other images.
    Anywhere,
    /// All places of all images, except the positive itself.
    Everywhere,
}

impl Negatives {
    /// Which places of other images are negatives, and whether those of the same image are.
    pub(crate) fn parts(self) -> (OtherSequences, bool) {
        match self {
            Self::OtherImages => (OtherSequences::SamePlace, false),
            Self::SameImage => (OtherSequences::Excluded, true),
            Self::Both => (OtherSequences::SamePlace, true),
            Self::Anywhere => (OtherSequences::AnyPlace, false),
            Self::Everywhere => (OtherSequences::AnyPlace, true),
        }
    }

    /// How many places of another image are negatives.
    pub(crate) fn places_of_others(self, places: usize) -> usize {
        match self.parts().0 {
            OtherSequences::Excluded => 0,
            OtherSequences::SamePlace => 1,
            OtherSequences::AnyPlace => places,
        }
    }
}

/// A prior for a representation, matched by an adversarial discriminator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prior {
    /// The representation; its values under the logistic function should be uniform on [0, 1].
    pub of: String,
    /// The weight γ of the encoder's adversarial loss.
    pub weight: f64,
    /// Widths of the discriminator's hidden layers.
    pub hidden: Vec<usize>,
}

/// The input of a probe: one or more representations, concatenated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probed {
    /// The name in records, where numbers of the first probe have none.
    pub name: String,
    /// The representations.
    pub of: Vec<String>,
    /// How maps and sequences become one vector.
    #[serde(default)]
    pub places: Places,
    /// Whether each representation is first scaled to length 1.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unit: bool,
}

impl Probed {
    /// Representations with all their places, not scaled.
    pub fn new(name: &str, of: &[&str]) -> Self {
        let of = of.iter().map(|&of| of.to_owned()).collect();
        Self { name: name.to_owned(), of, places: Places::All, unit: false }
    }

    /// The same input, with maps and sequences reduced in this way.
    #[must_use]
    pub fn reduced(self, places: Places) -> Self {
        Self { places, ..self }
    }

    /// The same input, with each representation scaled to length 1.
    #[must_use]
    pub fn of_unit_length(self) -> Self {
        Self { unit: true, ..self }
    }
}

/// How many places become one vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Places {
    /// All places, concatenated.
    #[default]
    All,
    /// Their mean.
    Mean,
    /// The last.
    Last,
}

/// Gaussian sequences of known mutual information: `z_t = s + u_t`, with a latent number s of each
/// sequence and a stationary autoregressive process u of unit variance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequences {
    /// Number of places in a sequence.
    pub places: usize,
    /// The coefficient of u, in (−1, 1).
    pub coefficient: f64,
    /// The standard deviation of s.
    pub latent_sd: f64,
    /// Number of sequences to train on; a tenth as many are held out.
    pub count: usize,
}

impl Sequences {
    /// The distribution of the sequences.
    ///
    /// # Errors
    /// A parameter is outside its range.
    pub fn source(&self) -> Result<LatentSequences, DataError> {
        LatentSequences::new(self.coefficient, self.latent_sd)
    }

    /// The sequences as images of one row, without labels.
    pub(crate) fn draw(&self, stream: &Stream) -> Result<Dataset, DataError> {
        let source = self.source()?;
        let split = |name: &str, count: usize| {
            let images = source.sample((count, self.places), &mut stream.child(name));
            Split::new(images, vec![0; count])
        };
        Ok(Dataset {
            name: "none".to_owned(),
            train: split("train", self.count)?,
            test: split("test", self.count / 10)?,
            geometry: Geometry::new(1, self.places, 1),
            classes: 1,
            provenance: Provenance::default(),
        })
    }
}
