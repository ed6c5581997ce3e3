//! Small neural networks with hand-written autodiff over ndarray.
//!
//! Every value is a matrix with one row per sample. Parameters live in [`Params`], named by path,
//! and layers hold their ids. A [`Tape`] keeps the memory of computations. [`Tape::begin`] starts a
//! [`Graph`], on which operations compute at once. [`Graph::backward`] turns gradients of any
//! values into [`Gradients`] of the parameters, which an [`Optimiser`] applies. A [`Learner`] holds
//! all of these for steps on a loss; its docs have an example.

mod arena;
mod backward;
mod best_state;
mod checkpoint;
mod error;
mod gradients;
mod graph;
mod init;
mod jacobian;
mod layers;
mod learner;
mod loss;
mod matrix;
mod ops;
mod optimiser;
mod params;
mod size;
mod tape;
mod target;
mod values;
mod vector;

pub use best_state::BestState;
pub use checkpoint::Checkpoint;
pub use error::NetsError;
pub use gradients::Gradients;
pub use graph::{Graph, Mode};
pub use init::Init;
pub use jacobian::jacobian;
pub use layers::{
    BatchNorm, CausalConv, Conv2d, ConvNet, ConvNetConfig, ConvNetOutputs, CouplingKind, Dropout,
    Elementwise, Gru, InfoMaxNet, InfoMaxNetConfig, InverseError, MaxPool2d, Mlp, Module, RealNvp,
    RealNvpConfig, ResidualMlp, Sequential,
};
pub use learner::Learner;
pub use loss::{Targets, softmax_cross_entropy, softmax_cross_entropy_into};
pub use ops::{
    Activation, ConvGeometry, CustomOp, GruWeights, LARGEST_LOG_SCALE, Operands, Padding, Unary,
};
pub use optimiser::{
    AdamConfig, Decay, EpsPlacement, Optimiser, OptimiserConfig, Rule, Schedule, SgdConfig,
    WeightDecay,
};
pub use params::{ParamId, Params, PermutationId};
pub use size::NetworkSize;
pub use tape::{Tape, Var};

pub use mi_kernels::Scalar;
pub use mi_random::Stream;
pub use ndarray;

/// The README's example, tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
