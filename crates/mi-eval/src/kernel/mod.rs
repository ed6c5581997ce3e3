//! Inner loops. Weights lie class by class: each feature has 16 neighbouring numbers, one for
//! each class; more than 16 classes make several blocks, one after the other.

mod lanes;
mod loss;
mod saga;
mod simd;

pub use lanes::Feature;
pub(crate) use loss::{Linear, Logits, LossAndGradient};
pub(crate) use saga::{SagaEpoch, SagaState};
pub(crate) use simd::dispatch;
