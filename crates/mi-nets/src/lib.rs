//! Small neural networks with hand-written autodiff over ndarray.
//!
//! Every value is a matrix with one row per sample. Parameters live in [`Params`], named by path,
//! and layers hold their ids. A [`Tape`] keeps the memory of computations; [`Tape::begin`] starts a
//! [`Graph`], on which operations compute at once, and [`Graph::backward`] takes gradients of any
//! values back to [`Gradients`] of the parameters, which an [`Optimiser`] applies. For large
//! networks [`Optimiser::backward_and_descend`] does both in one pass over the parameters.
//!
//! ```
//! use mi_nets::{AdamConfig, Gradients, Init, Mlp, Module, NetsError, Optimiser, Params, Stream, Tape};
//!
//! // Fit y = x₁ · x₂.
//! let mut params = Params::<f32>::new();
//! let mut init = Stream::new(1, "init");
//! let net = Mlp::new(&mut params, "net", &[2, 32, 1], Init::GlorotUniform, &mut init)?;
//! let mut adam = Optimiser::new(AdamConfig { lr: 1e-2, ..AdamConfig::default() }, &params);
//! let mut gradients = Gradients::zeros_like(&params);
//! let mut tape = Tape::new();
//! let mut samples = Stream::new(1, "samples");
//! let mut loss = f32::INFINITY;
//! for _ in 0..300 {
//!     let x = samples.normal_matrix((64, 2)).mapv(|x| x as f32);
//!     let mut graph = tape.begin(&params);
//!     let input = graph.input(x.view());
//!     let output = net.forward(&mut graph, input);
//!     let mut error = graph.value(output).to_owned();
//!     for (error, x) in error.iter_mut().zip(x.rows()) {
//!         *error -= x[0] * x[1];
//!     }
//!     loss = error.iter().map(|e| e * e).sum::<f32>() / 64.0;
//!     error *= 2.0 / 64.0; // the gradient of the loss
//!     gradients.clear();
//!     graph.backward(&[(output, error.view())], &mut gradients)?;
//!     adam.descend(&mut params, &gradients)?;
//! }
//! assert!(loss < 0.5); // the variance of x₁ · x₂ is 1
//! # Ok::<(), NetsError>(())
//! ```

mod arena;
mod backward;
mod checkpoint;
mod error;
mod gradients;
mod graph;
mod init;
mod jacobian;
mod layers;
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

pub use checkpoint::Checkpoint;
pub use error::NetsError;
pub use gradients::Gradients;
pub use graph::{Graph, Mode};
pub use init::Init;
pub use jacobian::jacobian;
pub use layers::{
    CausalConv, ConvNet, ConvNetConfig, ConvNetOutputs, CouplingKind, Gru, InverseError, Mlp,
    Module, RealNvp, RealNvpConfig, ResidualMlp,
};
pub use loss::{Targets, softmax_cross_entropy, softmax_cross_entropy_into};
pub use ops::{Activation, ConvGeometry, CustomOp, GruWeights, Operands, Padding, Unary};
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
