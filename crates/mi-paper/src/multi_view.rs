//! A multi-view task as a value: views of an image, encoders of views, contexts over sequences of
//! encodings, and the terms whose weighted sum is maximised.
//!
//! Every name is that of a *representation*: n × width for a summary, n × places × width for a map
//! or a sequence. A term joins two of them, and a rule says which pairs of places and images are
//! positives and negatives.

mod check;

pub(crate) use check::{Layout, Origin, Shape};

use mi_critics::CriticSpec;
use mi_data::{DataError, Dataset, Geometry, LatentSequences, Provenance, Split, View};
use mi_estimators::bounds::BoundSpec;
use mi_estimators::losses::Mining;
use mi_random::Stream;
use serde::{Deserialize, Serialize};

use crate::config::{EncoderSpec, Evaluation};

/// Views, encoders, contexts and terms of one trial; see [`Task::MultiView`](crate::config::Task).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiView {
    /// Sequences that stand in for images, where there are any.
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
    /// A prior that a representation is to follow, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<Prior>,
    /// What the probes see; the first is the main one.
    pub probes: Vec<Probed>,
    /// Images in a batch.
    pub batch_size: usize,
    /// Adam's learning rate.
    pub learning_rate: f64,
    /// What is measured at each evaluation.
    pub evaluations: Vec<Evaluation>,
}

/// A piece of an image, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedView {
    /// The name.
    pub name: String,
    /// What is taken; one that is cut into patches is a sequence of them, row by row.
    pub piece: View,
}

/// An encoder of a view.
///
/// It encodes every patch of a view that is cut into patches. Of a view that is not, a ConvNet also
/// yields maps: `NAME.map`, all locations before they are averaged, and `NAME.local`, the same before
/// layer normalisation, where a location has seen its receptive field alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedEncoder {
    /// The name, also that of what it yields.
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
    /// The network of another encoder, weights and all.
    Same(String),
}

/// One encoding made of a sequence of them: at every place a summary of that place and those before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// The name.
    pub name: String,
    /// The sequence that is read.
    pub of: String,
    /// In which order its places follow one another.
    #[serde(default)]
    pub order: Order,
    /// The network that reads it.
    pub net: ContextNet,
}

/// The order of the places of a grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// The mean so far.
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
    /// A learned vector for each place, whatever the image: what a reader knows who sees the place
    /// alone.
    Place {
        /// Length of the vector.
        width: usize,
    },
}

/// Two representations, a critic of their pairs, and what is maximised over it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewTerm {
    /// The name in records, where there is more than one term.
    pub name: String,
    /// The representation whose rows are the rows of scores.
    pub x: String,
    /// The representation of the columns.
    pub y: String,
    /// The critic.
    pub critic: CriticSpec,
    /// A bound, or a loss whose negative is maximised.
    pub objective: ObjectiveSpec,
    /// Which pairs count.
    #[serde(default)]
    pub candidates: Candidates,
    /// The factor in the sum.
    #[serde(default = "one")]
    pub weight: f64,
    /// The factor of a penalty on the mean squared lengths of x and y.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub l2: f64,
}

fn one() -> f64 {
    1.0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl ViewTerm {
    /// Whether negatives come from a memory bank, in which images that are not trained on have no place.
    pub(crate) fn is_banked(&self) -> bool {
        matches!(self.candidates, Candidates::Bank { .. })
    }

    /// Whether a loss is reported, and next to it `InfoNCE` of the same scores.
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
            weight: 1.0,
            l2: 0.0,
        }
    }
}

/// What a term maximises.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ObjectiveSpec {
    /// A bound on the mutual information.
    Bound(BoundSpec),
    /// Twice the Jensen–Shannon divergence of joint distribution and product of marginals, as Deep
    /// `InfoMax` trains and reports it: at most 2 ln 2, and no bound on the mutual information.
    JensenShannon,
    /// Triplets, whose critic is a negative distance.
    Triplet {
        /// The margin.
        margin: f64,
        /// Which negatives are taken. The seed of random ones is mixed with that of the trial.
        mining: Mining,
    },
    /// Pairs, whose critic is a negative distance.
    Contrastive {
        /// The margin.
        margin: f64,
    },
    /// Every positive against all negatives of both its members; for candidates of both views.
    LiftedStructure {
        /// The margin.
        margin: f64,
    },
    /// Noise-contrastive estimation with a memory bank.
    NoiseContrastive {
        /// The weight of the newest batch in Z; 0 for that of the first batch for good.
        rate: f64,
    },
}

impl From<BoundSpec> for ObjectiveSpec {
    fn from(bound: BoundSpec) -> Self {
        Self::Bound(bound)
    }
}

impl ObjectiveSpec {
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

    /// Whether what is reported is minus a loss, whose size says nothing of information.
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
    /// Summaries: x and y of one image are a positive, y of every other image a negative.
    #[default]
    OtherImages,
    /// Summaries of both views in one batch of twice the size: the partner is the positive, all
    /// others of both views are negatives (NT-Xent).
    BothViews,
    /// A summary x and a map y: all places of the own image are positives, all of other images
    /// negatives (Deep `InfoMax`).
    AllPlaces,
    /// Two sequences: x at a place and y some places ahead of it, place by place.
    Ahead {
        /// Places between them, in the order of the context; 0 for the same place.
        places: usize,
        /// Which y are negatives.
        negatives: Negatives,
    },
    /// Summaries: y of all training images, kept from earlier batches, in both directions.
    Bank {
        /// How many of other images are drawn for a batch.
        negatives: usize,
        /// The weight of the old vector where a new one is kept.
        momentum: f64,
    },
}

/// The negatives of a positive in sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Negatives {
    /// The same place of other images.
    #[default]
    OtherImages,
    /// Other places of the same image.
    SameImage,
    /// Both.
    Both,
}

/// A prior for a representation, matched by an adversarial discriminator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prior {
    /// The representation; its logistic function is to be uniform on [0, 1].
    pub of: String,
    /// The factor γ of the encoder's loss.
    pub weight: f64,
    /// Widths of the discriminator's hidden layers.
    pub hidden: Vec<usize>,
}

/// What a probe sees: representations side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probed {
    /// The name in records; the first probe's numbers go without.
    pub name: String,
    /// The representations.
    pub of: Vec<String>,
    /// What is made of maps and sequences.
    #[serde(default)]
    pub places: Places,
    /// Whether each is first scaled to length 1.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unit: bool,
}

impl Probed {
    /// Representations as they are.
    pub fn new(name: &str, of: &[&str]) -> Self {
        let of = of.iter().map(|&of| of.to_owned()).collect();
        Self { name: name.to_owned(), of, places: Places::All, unit: false }
    }

    /// The same with one vector made of all places.
    #[must_use]
    pub fn reduced(self, places: Places) -> Self {
        Self { places, ..self }
    }

    /// The same, scaled to length 1.
    #[must_use]
    pub fn of_unit_length(self) -> Self {
        Self { unit: true, ..self }
    }
}

/// One vector from many places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Places {
    /// All, side by side.
    #[default]
    All,
    /// Their mean.
    Mean,
    /// The last.
    Last,
}

/// Gaussian sequences of known mutual information: `z_t = s + u_t` with a latent number s of the
/// sequence and a stationary autoregressive u of unit variance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequences {
    /// Places of a sequence.
    pub places: usize,
    /// The coefficient of u, in (−1, 1).
    pub coefficient: f64,
    /// The standard deviation of s.
    pub latent_sd: f64,
    /// Sequences to train on; a tenth as many are held out.
    pub count: usize,
}

impl Sequences {
    /// What the sequences are drawn from.
    ///
    /// # Errors
    /// A parameter outside its range.
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
