//! Variational bounds on mutual information, and the engine that evaluates them.
//!
//! - [`bounds`] turn the scores of a critic into an estimate, an objective and its gradient.
//! - [`engine`] evaluates a critic under a bound, panel by panel: nothing of the size of the score
//!   matrix is kept.
//! - [`Baseline`] is the network that some bounds learn beside the critic.
//!
//! Values are in nats. Results are the same bits on any number of threads. Estimates from samples
//! rather than from scores are the business of the `mi-samples` crate.

mod baseline;
pub mod bounds;
pub mod engine;
mod error;

pub use baseline::Baseline;
pub use error::EstimatorError;
