use serde::{Deserialize, Serialize};

/// The length of an online code of labels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DescriptionLength {
    /// In nats.
    pub nats: f64,
    /// The length of the code that gives every class the same length, in nats.
    pub uniform: f64,
    /// `uniform / nats`: above 1 if the features help.
    pub compression: f64,
}

impl DescriptionLength {
    pub(super) fn new(nats: f64, uniform: f64) -> Self {
        Self { nats, uniform, compression: uniform / nats }
    }

    /// The length in bits, the unit of Voita and Titov (2020).
    pub fn bits(&self) -> f64 {
        self.nats / std::f64::consts::LN_2
    }
}

/// A surplus description length.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Surplus {
    /// In nats.
    pub nats: f64,
    /// Whether the largest size was not enough, so that the true surplus is larger.
    pub is_bound: bool,
}
