//! Networks built from the operations.

mod batch_norm;
mod causal_conv;
mod conv2d;
mod convnet;
mod dense;
mod dropout;
mod elementwise;
mod gru;
mod info_max_net;
mod max_pool;
mod mlp;
mod realnvp;
mod residual;
mod sequential;

use std::fmt::Debug;

pub use batch_norm::BatchNorm;
pub use causal_conv::CausalConv;
pub use conv2d::Conv2d;
pub use convnet::{ConvNet, ConvNetConfig, ConvNetOutputs};
pub use dropout::Dropout;
pub use elementwise::Elementwise;
pub use gru::Gru;
pub use info_max_net::{InfoMaxNet, InfoMaxNetConfig};
pub use max_pool::MaxPool2d;
pub use mlp::Mlp;
pub use realnvp::{CouplingKind, InverseError, RealNvp, RealNvpConfig};
pub use residual::ResidualMlp;
pub use sequential::Sequential;

use mi_kernels::Scalar;

use crate::{Graph, NetworkSize, Var};

/// A network with one input and one output.
///
/// Implementors hold only parameter ids, so one module runs with parameters of both number types,
/// and `dyn Module<f32>` works.
pub trait Module<T: Scalar>: Debug + Send + Sync {
    /// Appends the network's operations.
    ///
    /// # Shapes
    /// n×[`Module::input_dim`] to n×[`Module::output_dim`]; a mistake becomes an error of the graph
    /// ([`Graph::check`]).
    fn forward(&self, graph: &mut Graph<'_, T>, x: Var) -> Var;

    /// The width of an input row.
    fn input_dim(&self) -> usize;

    /// The width of an output row.
    fn output_dim(&self) -> usize;

    /// The network's cost.
    fn size(&self) -> NetworkSize;
}
