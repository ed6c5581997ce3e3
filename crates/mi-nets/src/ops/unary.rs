use mi_kernels::Scalar;

use super::Op;
use super::activation::relu;
use super::gelu::{gelu, gelu_derivative};
use crate::backward::Backward;
use crate::vector::chain;
use crate::{Graph, Var};

/// A function applied to every element.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Unary {
    /// max(x, 0), derivative 0 at 0; NaN stays NaN.
    Relu,
    /// log(1 + eˣ), without overflow.
    Softplus,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// tanh x.
    Tanh,
    /// x · Φ(x), where Φ is the standard normal distribution function: the exact form with erf, not
    /// the approximation with tanh (Hendrycks and Gimpel, 2016).
    Gelu,
    /// eˣ.
    Exp,
    /// The natural logarithm.
    Ln,
    /// x².
    Square,
    /// factor · x + offset.
    Linear {
        /// The factor.
        factor: f64,
        /// The offset.
        offset: f64,
    },
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct UnaryOp {
    function: Unary,
    x: Var,
}

impl<T: Scalar> Graph<'_, T> {
    /// Applies a function to every element.
    ///
    /// # Shapes
    /// n×m to n×m.
    pub fn unary(&mut self, x: Var, function: Unary) -> Var {
        let (rows, columns) = self.shape(x);
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        function.forward(self.slice(x), &mut buffer[..rows * columns]);
        let needs = self.needs(x);
        self.push(Op::Unary(UnaryOp { function, x }), slot, buffer, (rows, columns), needs)
    }
}

impl Unary {
    // One loop per function, so that no loop branches on an element.
    fn forward<T: Scalar>(self, x: &[T], y: &mut [T]) {
        match self {
            Self::Relu => map(x, y, relu),
            Self::Softplus => map(x, y, |x| relu(x) + (-x.abs()).exp().ln_1p()),
            Self::Sigmoid => map(x, y, |x| (T::one() + (-x).exp()).recip()),
            Self::Tanh => map(x, y, T::tanh),
            Self::Gelu => map(x, y, gelu),
            Self::Exp => map(x, y, T::exp),
            Self::Ln => map(x, y, T::ln),
            Self::Square => map(x, y, |x| x * x),
            Self::Linear { factor, offset } => {
                let (factor, offset) = (T::from_f64(factor), T::from_f64(offset));
                map(x, y, |x| factor * x + offset);
            }
        }
    }
}

fn map<T: Scalar>(x: &[T], y: &mut [T], f: impl Fn(T) -> T) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = f(x);
    }
}

impl UnaryOp {
    /// dx = dy ∘ f'(x), with f' computed from the output where that is cheaper.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, y: Var, dy: &[T]) {
        let (x, y) = (cx.values.slice(self.x), cx.values.slice(y));
        let Some(target) = cx.target(self.x) else { return };
        let (zero, one) = (T::zero(), T::one());
        match self.function {
            Unary::Relu => target.map_pairs(dy, y, |d, y| if y > zero { d } else { zero }),
            // σ(x) = 1 − e⁻ʸ for y = log(1 + eˣ), exact for small y through expm1.
            Unary::Softplus => target.map_pairs(dy, y, |d, y| d * -(-y).exp_m1()),
            Unary::Sigmoid => target.map_pairs(dy, y, |d, y| d * y * (one - y)),
            Unary::Tanh => target.map_pairs(dy, y, |d, y| d * (one - y * y)),
            Unary::Gelu => target.map_pairs(dy, x, |d, x| d * gelu_derivative(x)),
            Unary::Exp => target.map_pairs(dy, y, chain),
            Unary::Ln => target.map_pairs(dy, x, |d, x| if d == zero { zero } else { d / x }),
            Unary::Square => target.map_pairs(dy, x, |d, x| chain(d, x + x)),
            Unary::Linear { factor, .. } => {
                let factor = T::from_f64(factor);
                target.map(dy, |d| d * factor);
            }
        }
    }
}
