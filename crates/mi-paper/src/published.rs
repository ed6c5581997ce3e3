//! The paper's published values as data.
//!
//! Tschannen, Djolonga, Rubenstein, Gelly and Lucic, "On Mutual Information Maximization for
//! Representation Learning", ICLR 2020 (arXiv 1907.13625v2). The paper prints curves without
//! tables, so most of these numbers were read off its vector figures: means over its 20 runs,
//! with the figure's band where it could be read. Each experiment's file lists its own values.

use mi_critics::{CriticKind, CriticSpec};
use mi_estimators::bounds::BoundSpec;

use crate::config::{EncoderKind, EncoderSpec, Task};
use crate::labels::Setting;
use crate::record::Metric;

/// Both bounds that the paper compares.
pub(crate) const PAPER_BOUNDS: [BoundSpec; 2] = [BoundSpec::InfoNce, BoundSpec::Nwj];

/// What the paper published for an experiment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// The data set of the figures, by its name in records. For an experiment beyond the paper,
    /// that of the figures whose setting it shares.
    pub dataset: &'static str,
    /// The last step that the figures show.
    pub last_step: u64,
    /// The values, curve by curve.
    pub values: &'static [Value],
}

impl Published {
    /// No values: for an experiment beyond the paper, in the setting of the paper's figures on
    /// MNIST.
    pub const NOTHING: Self = Self { dataset: "mnist", last_step: LAST_STEP, values: &[] };
}

/// The last step of the paper's figures on MNIST.
pub const LAST_STEP: u64 = 20_000;

/// One value read off a figure of the paper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// The curve that it lies on.
    pub curve: Curve,
    /// What was measured.
    pub metric: Metric,
    /// The training step.
    pub step: u64,
    /// The value.
    pub value: f64,
    /// The ends of the band, if the figure shows one.
    pub band: Option<(f64, f64)>,
}

/// A configuration that a figure shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    /// The figure, e.g. `3` or `4a`.
    pub figure: &'static str,
    /// The encoder, if there is one.
    pub encoder: Option<EncoderKind>,
    /// The critic, if there is one.
    pub critic: Option<CriticKind>,
    /// The bound, if there is one.
    pub bound: Option<&'static BoundSpec>,
    /// The settings that distinguish it. `None` stands for any: the paper's text and its notebook
    /// differ, and the figure does not say which of them it shows.
    pub settings: Option<&'static [Setting]>,
}

impl Curve {
    /// The curve of encoders that are trained with a critic and a bound, without settings.
    pub(crate) const fn new(
        figure: &'static str,
        encoder: EncoderKind,
        critic: CriticKind,
        bound: &'static BoundSpec,
    ) -> Self {
        let (encoder, critic, bound) = (Some(encoder), Some(critic), Some(bound));
        Self { figure, encoder, critic, bound, settings: Some(&[]) }
    }

    /// The curve of a critic alone.
    pub(crate) const fn of_critic(
        figure: &'static str,
        critic: CriticKind,
        bound: &'static BoundSpec,
    ) -> Self {
        let (critic, bound) = (Some(critic), Some(bound));
        Self { figure, encoder: None, critic, bound, settings: Some(&[]) }
    }

    /// The curve of an encoder without a critic, with any settings.
    pub(crate) const fn of_encoder(figure: &'static str, encoder: EncoderKind) -> Self {
        Self { figure, encoder: Some(encoder), critic: None, bound: None, settings: None }
    }

    pub(crate) const fn with(self, settings: &'static [Setting]) -> Self {
        Self { settings: Some(settings), ..self }
    }

    pub(crate) const fn at(self, metric: Metric, step: u64, value: f64) -> Value {
        Value { curve: self, metric, step, value, band: None }
    }

    /// Whether the curve is of the task that these settings distinguish.
    pub(crate) fn is_of(&self, task: &Task, settings: &[Setting]) -> bool {
        self.encoder == task.encoder().map(EncoderSpec::kind)
            && self.critic == task.critic().map(CriticSpec::kind)
            && self.bound == task.bound()
            && self.settings.is_none_or(|own| own == settings)
    }
}

impl Value {
    pub(crate) const fn within(mut self, low: f64, high: f64) -> Self {
        self.band = Some((low, high));
        self
    }

    /// The value with a band of this width to both sides.
    pub(crate) const fn give_or_take(self, margin: f64) -> Self {
        self.within(self.value - margin, self.value + margin)
    }
}

/// The numbers of training and test images of a published data set; `None` for any other.
pub fn images(dataset: &str) -> Option<(usize, usize)> {
    match dataset {
        "mnist" | "fashion-mnist" => Some((60_000, 10_000)),
        "cifar-10" => Some((50_000, 10_000)),
        _ => None,
    }
}
