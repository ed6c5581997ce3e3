//! The operations: each family in its own file, with the forward and backward pass next to each
//! other.

mod activation;
mod batch_norm;
mod binary;
mod columns;
mod conv2d;
mod custom;
mod dense;
mod dropout;
mod gelu;
mod gru;
mod layer_norm;
mod pool;
mod reshape;
mod rows;
mod scale_exp;
mod sequence;
mod unary;

pub use activation::Activation;
pub(crate) use batch_norm::move_running_statistics;
pub use conv2d::{ConvGeometry, Padding};
pub use custom::{CustomOp, Operands};
pub use gru::GruWeights;
pub use scale_exp::LARGEST_LOG_SCALE;
pub use unary::Unary;

use mi_kernels::Scalar;

use crate::backward::Backward;
use crate::{ParamId, Var};

/// How a value was computed, and what its backward pass needs.
#[derive(Debug)]
pub(crate) enum Op<T> {
    Input,
    Param(ParamId),
    Dense(dense::Dense),
    Conv2d(conv2d::Conv2d),
    LayerNorm(layer_norm::LayerNorm),
    BatchNorm(batch_norm::BatchNorm),
    GlobalAveragePool(pool::GlobalAveragePool),
    MaxPool(pool::MaxPool),
    Dropout(dropout::Dropout),
    Gru(gru::Gru),
    Reshape(reshape::Reshape),
    RunningMean(sequence::RunningMean),
    CausalWindows(reshape::CausalWindows),
    Binary(binary::Binary),
    Unary(unary::UnaryOp),
    GatherColumns(columns::GatherColumns),
    SliceColumns(columns::SliceColumns),
    ConcatColumns(columns::ConcatColumns),
    SliceRows(rows::SliceRows),
    ConcatRows(rows::ConcatRows),
    NormalizeRows(rows::NormalizeRows),
    RowSums(rows::RowSums),
    ScaleExp(scale_exp::ScaleExp),
    Custom(custom::Custom<T>),
}

impl<T> Op<T> {
    /// The parameters that the operation reads.
    pub(crate) fn params(&self) -> impl Iterator<Item = ParamId> + use<T> {
        let two = |[a, b]: [Option<ParamId>; 2]| [a, b, None, None];
        let three = |[a, b, c]: [Option<ParamId>; 3]| [a, b, c, None];
        let ids = match self {
            Op::Param(id) => two([Some(*id), None]),
            Op::Dense(op) => two(op.params()),
            Op::Conv2d(op) => two(op.params()),
            Op::LayerNorm(op) => two(op.params()),
            Op::ScaleExp(op) => two(op.params()),
            Op::BatchNorm(op) => three(op.params()),
            Op::Gru(op) => op.params(),
            Op::Input
            | Op::MaxPool(_)
            | Op::Dropout(_)
            | Op::Reshape(_)
            | Op::CausalWindows(_)
            | Op::RunningMean(_)
            | Op::SliceRows(_)
            | Op::ConcatRows(_)
            | Op::GlobalAveragePool(_)
            | Op::Binary(_)
            | Op::Unary(_)
            | Op::GatherColumns(_)
            | Op::SliceColumns(_)
            | Op::ConcatColumns(_)
            | Op::NormalizeRows(_)
            | Op::RowSums(_)
            | Op::Custom(_) => [None; 4],
        };
        ids.into_iter().flatten()
    }
}

impl<T: Scalar> Op<T> {
    /// The vector–Jacobian product: from the gradient `dy` of the value `y` to those of its
    /// operands. `dy` may be overwritten.
    pub(crate) fn backward(&self, cx: &mut Backward<'_, T>, y: Var, dy: &mut [T]) {
        match self {
            Op::Dense(op) => op.backward(cx, y, dy),
            Op::Conv2d(op) => op.backward(cx, y, dy),
            Op::LayerNorm(op) => op.backward(cx, dy),
            Op::MaxPool(op) => op.backward(cx, y, dy),
            Op::Gru(op) => op.backward(cx, y, dy),
            _ => _ = self.backward_from(cx, y, dy),
        }
    }

    /// The vector–Jacobian product of operations that leave `dy` unchanged. Does nothing for the
    /// others; returns whether it was one of these operations.
    pub(crate) fn backward_from(&self, cx: &mut Backward<'_, T>, y: Var, dy: &[T]) -> bool {
        match self {
            Op::Input
            | Op::Dense(_)
            | Op::Conv2d(_)
            | Op::LayerNorm(_)
            | Op::MaxPool(_)
            | Op::Gru(_) => return false,
            Op::Param(id) => {
                if let Some(target) = cx.param_target(*id) {
                    target.map(dy, |d| d);
                }
            }
            Op::BatchNorm(op) => op.backward(cx, dy),
            Op::GlobalAveragePool(op) => op.backward(cx, dy),
            Op::Dropout(op) => op.backward(cx, dy),
            Op::Reshape(op) => op.backward(cx, dy),
            Op::CausalWindows(op) => op.backward(cx, dy),
            Op::RunningMean(op) => op.backward(cx, dy),
            Op::Binary(op) => op.backward(cx, dy),
            Op::Unary(op) => op.backward(cx, y, dy),
            Op::GatherColumns(op) => op.backward(cx, dy),
            Op::SliceColumns(op) => op.backward(cx, dy),
            Op::ConcatColumns(op) => op.backward(cx, y, dy),
            Op::SliceRows(op) => op.backward(cx, dy),
            Op::ConcatRows(op) => op.backward(cx, dy),
            Op::NormalizeRows(op) => op.backward(cx, y, dy),
            Op::RowSums(op) => op.backward(cx, dy),
            Op::ScaleExp(op) => op.backward(cx, y, dy),
            Op::Custom(op) => op.backward(cx, y, dy),
        }
        true
    }
}
