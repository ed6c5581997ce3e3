use mi_kernels::Scalar;
use mi_random::Stream;
use ndarray::Array2;

use crate::{Activation, Graph, Init, NetsError, ParamId, Params, Var};

/// A dense layer's parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct DenseLayer {
    weight: ParamId,
    bias: ParamId,
}

impl DenseLayer {
    pub(super) fn new<T: Scalar>(
        params: &mut Params<T>,
        name: &str,
        (inputs, outputs): (usize, usize),
        init: Init,
        stream: &mut Stream,
    ) -> Result<Self, NetsError> {
        let weight = init.draw((inputs, outputs), (inputs, outputs), stream);
        Ok(Self {
            weight: params.add(format!("{name}.weight"), weight)?,
            bias: params.add(format!("{name}.bias"), Array2::zeros((1, outputs)))?,
        })
    }

    /// Makes every output 0, whatever the input, as long as the bias is.
    pub(super) fn zero_weight<T: Scalar>(self, params: &mut Params<T>) {
        params.view_mut(self.weight).fill(T::zero());
    }

    pub(super) fn forward<T: Scalar>(
        self,
        graph: &mut Graph<'_, T>,
        x: Var,
        activation: Activation,
    ) -> Var {
        graph.dense(x, self.weight, Some(self.bias), activation)
    }
}
