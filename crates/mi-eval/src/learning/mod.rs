//! How useful features are to a reader with few rows, or with wrong labels.

mod complexity;
mod curve;
mod few_labels;
mod noise;

pub use complexity::{DescriptionLength, Surplus};
pub use curve::{CurvePoint, LossDataCurve, online_code_sizes};
pub use few_labels::{FewLabels, few_labels};
pub use noise::symmetric_label_noise;
