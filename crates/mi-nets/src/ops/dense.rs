use mi_kernels::{Scalar, matrix_product};

use super::{Activation, Op};
use crate::backward::Backward;
use crate::matrix::{matrix, matrix_mut};
use crate::vector::Rows;
use crate::{Graph, ParamId, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Dense {
    x: Var,
    weight: ParamId,
    bias: Option<ParamId>,
    activation: Activation,
}

impl<T: Scalar> Graph<'_, T> {
    /// A dense layer: y = activation(x·W + b), the bias and the activation in one pass.
    ///
    /// # Shapes
    /// x is n×in, W is in×out, b is 1×out; y is n×out.
    pub fn dense(
        &mut self,
        x: Var,
        weight: ParamId,
        bias: Option<ParamId>,
        activation: Activation,
    ) -> Var {
        let (rows, inputs) = self.shape(x);
        let w = self.params.view(weight);
        let b = bias.map(|id| self.params.view(id));
        let columns = w.ncols();
        if inputs != w.nrows() || b.is_some_and(|b| b.dim() != (1, columns)) {
            return self.fail("dense", (rows, columns), || {
                let bias = b.map_or("none".into(), |b| format!("{}×{}", b.nrows(), b.ncols()));
                format!("x is {rows}×{inputs}, W is {}×{columns}, the bias {bias}", w.nrows())
            });
        }
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let y = &mut buffer[..rows * columns];
        let product = matrix_mut(rows, columns, y);
        matrix_product(T::one(), self.value(x), w, T::zero(), product);
        activation.forward(y, bias.map(|id| self.params.slice(id)));
        let op = Dense { x, weight, bias, activation };
        let needs = self.needs(x).or(self.trained(bias.into_iter().chain([weight])));
        self.push(Op::Dense(op), slot, buffer, (rows, columns), needs)
    }
}

impl Dense {
    pub(super) fn params(&self) -> [Option<ParamId>; 2] {
        [Some(self.weight), self.bias]
    }

    /// dz = dy ∘ activation'(z), db = Σ dz, dW = xᵀ·dz, dx = dz·Wᵀ.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, y: Var, dy: &mut [T]) {
        let (rows, columns) = cx.values.shape(y);
        let (x, w, y) = (cx.values.view(self.x), cx.values.param(self.weight), cx.values.slice(y));
        let bias = self.bias.and_then(|id| cx.param_target(id));
        self.activation.backward(dy, y, bias, Rows::Samples);
        let dz = matrix(rows, columns, dy);
        if let Some(target) = cx.target(self.x) {
            let beta = target.beta();
            let dx = matrix_mut(rows, w.nrows(), target.values);
            matrix_product(T::one(), dz, w.t(), beta, dx);
        }
        // Last, so that the next step finds it in the cache.
        if let Some(target) = cx.param_target(self.weight) {
            let beta = target.beta();
            let dw = matrix_mut(w.nrows(), columns, target.values);
            matrix_product(T::one(), x.t(), dz, beta, dw);
        }
    }
}
