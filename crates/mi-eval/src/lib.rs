//! The quality of features: probes, usable information, learning curves, geometry, and the
//! conditioning of encoders.
//!
//! - [`Probe`]: scale, fit, score. [`Probe::paper`] is the early-stopped probe of Tschannen et
//!   al. (2020), [`Probe::converged`] the optimum with a penalty chosen by validation.
//! - [`MinMaxScaler`], [`StandardScaler`]: fitted only on training rows.
//! - [`Saga`], [`Lbfgs`]: two ways to train a [`LogisticRegression`]; each reports whether it
//!   converged.
//! - [`Family`]: readers of labels and of real values, [`linear`](Family::linear), with a
//!   [hidden layer](Family::mlp) or by [nearest neighbours](Family::nearest).
//! - [`v_information`], [`v_information_about_values`], [`conditional_v_information`]: the
//!   information that a family of readers can use. [`LinearGaussian`], [`LogisticReader`] and
//!   [`LabelPrior`] are the parts, for callers that split rows differently.
//! - [`few_labels`], [`LossDataCurve`] (description length, sample complexity, surplus),
//!   [`symmetric_label_noise`]: how many labels a reader needs, and how correct they must be.
//! - [`alignment`], [`uniformity`], `Spectrum`, `rank_me`, `effective_rank` (default feature
//!   `faer`), [`linear_cka`], [`linear_cka_debiased`], [`class_separation`], [`Neighbours`],
//!   [`neighbour_purity`], [`dead_units`]: the geometry of features.
//! - `Evaluator` (default feature `faer`): all of these for one representation, with every
//!   intermediate result computed once.
//! - `jacobian_singular_values` (default feature `faer`), [`log_condition`], [`Conditioning`]: how
//!   close an encoder is to losing directions of its input.
//!
//! The crate sees features and labels, never the encoder that made them.
//!
//! ```
//! use mi_eval::{Probe, Stream};
//!
//! // Two classes around (±1, 0): the best linear rule is right in Φ(1) = 84 % of cases.
//! let mut stream = Stream::new(0, "example");
//! let labels: Vec<&str> = (0..4000).map(|i| if i % 2 == 0 { "cat" } else { "dog" }).collect();
//! let mut features = stream.normal_matrix((4000, 2));
//! for (mut row, label) in features.rows_mut().into_iter().zip(&labels) {
//!     row[0] += if *label == "cat" { 1.0 } else { -1.0 };
//! }
//! let (train, test) = features.view().split_at(mi_eval::ndarray::Axis(0), 2000);
//! let probe = Probe::converged();
//! let result = probe.evaluate(train, &labels[..2000], test, &labels[2000..], 1)?;
//! assert!(result.converged && (result.accuracy - 0.841).abs() < 0.03);
//! # Ok::<(), mi_eval::EvalError>(())
//! ```

#![allow(clippy::inline_always, reason = "vectors need their caller's processor features")]

mod classes;
mod error;
#[cfg(feature = "faer")]
mod evaluator;
mod features;
mod geometry;
#[cfg(feature = "faer")]
mod graded;
mod held_out;
mod jacobian;
mod kernel;
mod lbfgs;
mod learning;
mod logistic;
mod mean;
mod neighbours;
mod objective;
mod probe;
mod reader;
mod saga;
mod scaler;
#[cfg(feature = "faer")]
mod singular_values;
mod training;
mod v_information;

pub use classes::{Classes, Label};
pub use error::EvalError;
#[cfg(feature = "faer")]
pub use evaluator::{
    Evaluator, EvaluatorSettings, MEASURES, Measure, MeasureInfo, Measured, Needs, Representation,
    Unit,
};
#[cfg(feature = "faer")]
pub use geometry::{Spectrum, effective_rank, rank_me};
pub use geometry::{
    alignment, class_separation, dead_units, linear_cka, linear_cka_debiased, neighbour_purity,
    uniformity,
};
pub use held_out::HeldOut;
pub use jacobian::{Conditioning, log_condition, numerical_jacobian};
pub use kernel::Feature;
pub use lbfgs::Lbfgs;
pub use learning::{
    CurvePoint, DescriptionLength, FewLabels, LossDataCurve, Surplus, few_labels,
    online_code_sizes, symmetric_label_noise,
};
pub use logistic::LogisticRegression;
pub use mean::{Interval, Mean, t_quantile};
pub use neighbours::Neighbours;
pub use probe::{Probe, ProbeResult};
pub use reader::{
    Chosen, Family, LabelPrior, LabelReading, LinearGaussian, LinearReader, LogisticReader,
    MlpReader, NearestReader, ValueReading,
};
pub use saga::Saga;
pub use scaler::{Constant, MinMaxScaler, StandardScaler};
#[cfg(feature = "faer")]
pub use singular_values::jacobian_singular_values;
pub use training::{Fit, FitReport, Warning};
pub use v_information::{
    TrainTest, VInformation, conditional_v_information, v_information, v_information_about_values,
};

pub use mi_kernels::Scalar;
pub use mi_random::Stream;
pub use ndarray;

/// The README's example, tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
