//! Distributions with known mutual information, for measuring estimators.

mod registry;
mod sampler;
mod staircase;
mod transform;

pub use registry::{TASKS, Task};
pub use staircase::{STAIRCASE_DIMENSIONS, STAIRCASE_STEPS, Staircase};

pub(crate) use sampler::Base;
pub(crate) use transform::Map;
