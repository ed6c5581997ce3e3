use serde::{Deserialize, Serialize};

use crate::{Family, NearestReader};

/// The settings of an [`Evaluator`](crate::Evaluator).
///
/// | setting | default | purpose |
/// | --- | --- | --- |
/// | `families` | linear, one hidden layer of 32, 200 and 512, 20 nearest neighbours | accuracy and V-information about labels |
/// | `view_families` | linear, one hidden layer of 200, 20 nearest neighbours | V-information about the other view |
/// | `conditional_families` | linear | V-information beyond the base |
/// | `curve_family` | linear | few labels, and the loss-data curve |
/// | `per_class` | 1, 2, 5, …, 1000 | rows of each class in few-label accuracy |
/// | `draws` | 5 | draws of these rows |
/// | `sizes` | the published blocks | sizes of the loss-data curve; if empty, [`online_code_sizes`](crate::online_code_sizes) |
/// | `epsilons` | 1, 0.5, 0.25 | tolerances in nats of sample complexity and surplus |
/// | `uniformity_t` | 2 | t of uniformity |
/// | `exponent_range` | 11 to 100 | eigenvalues that the spectrum's exponent is fitted to |
/// | `label_noise` | 0 | fraction of training labels that are replaced by others |
/// | `seed` | 0 | root of all draws |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluatorSettings {
    /// Families of readers of labels.
    pub families: Vec<Family>,
    /// Families of readers of the other view's representation.
    pub view_families: Vec<Family>,
    /// Families of readers of labels from the base and the features.
    pub conditional_families: Vec<Family>,
    /// The family of few labels and of the loss-data curve.
    pub curve_family: Family,
    /// Rows of each class.
    pub per_class: Vec<usize>,
    /// Draws of rows for few labels.
    pub draws: usize,
    /// Sizes of the loss-data curve; empty for those of the published blocks.
    pub sizes: Vec<usize>,
    /// Tolerances of sample complexity and surplus, in nats.
    pub epsilons: Vec<f64>,
    /// The t of uniformity.
    pub uniformity_t: f64,
    /// First and last eigenvalue, counted from 1, that the exponent is fitted to.
    pub exponent_range: (usize, usize),
    /// Fraction of training labels that are replaced by other classes.
    pub label_noise: f64,
    /// Root of all draws.
    pub seed: u64,
}

impl Default for EvaluatorSettings {
    fn default() -> Self {
        Self {
            families: vec![
                Family::linear(),
                Family::mlp(32),
                Family::mlp(200),
                Family::mlp(512),
                Family::nearest(),
            ],
            view_families: vec![Family::linear(), Family::mlp(200), Family::nearest()],
            conditional_families: vec![Family::linear()],
            curve_family: Family::linear(),
            per_class: vec![1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
            draws: 5,
            sizes: Vec::new(),
            epsilons: vec![1.0, 0.5, 0.25],
            uniformity_t: 2.0,
            exponent_range: (11, 100),
            label_noise: 0.0,
            seed: 0,
        }
    }
}

impl EvaluatorSettings {
    /// The nearest neighbours for purity: the first among the families, or the default.
    pub(super) fn nearest(&self) -> NearestReader {
        let nearest = self.families.iter().find_map(|family| match family {
            Family::Nearest(reader) => Some(reader.clone()),
            _ => None,
        });
        nearest.unwrap_or_default()
    }
}
