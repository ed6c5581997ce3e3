//! Variational bounds on mutual information, and the engine that evaluates them.
//!
//! - [`bounds`] turn the scores of a critic into an estimate, an objective and its gradient.
//! - [`engine`] evaluates a critic under a bound, panel by panel: it keeps nothing of the size of
//!   the score matrix.
//! - [`losses`] of metric learning and of noise-contrastive estimation run on the same engine.
//! - [`TrainingStep`] is the one step that trains everything here: networks embed a batch, the
//!   engine evaluates one or several terms, and an optimiser follows the gradient.
//! - [`LearnedNumber`] is the network that some bounds train next to the critic.
//!
//! Values are in nats. Results are bit-identical on any number of threads. For estimates from
//! samples rather than scores, see the `mi-samples` crate.

pub mod bounds;
pub mod engine;
mod error;
mod learned;
pub mod losses;
mod step;

pub use error::EstimatorError;
pub use learned::LearnedNumber;
pub use step::{Term, TrainingStep};
// Re-exports for examples and callers, so that they need only depend on this crate.
pub use mi_critics;
pub use mi_kernels::Scalar;
pub use mi_nets;
pub use mi_random::Stream;
pub use ndarray;

/// The README's examples, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
