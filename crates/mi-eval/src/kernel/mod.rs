//! Inner loops. Weights are stored in blocks of 16 classes: each feature has 16 adjacent numbers,
//! one for each class. More than 16 classes need several consecutive blocks.

mod lanes;
mod loss;
mod saga;

pub use lanes::Feature;
pub(crate) use loss::{Linear, Logits, LossAndGradient};
pub(crate) use mi_kernels::simd::dispatch;
pub(crate) use saga::{SagaEpoch, SagaState};
