use mi_kernels::Scalar;

use super::Op;
use crate::backward::Backward;
use crate::vector::{chain, sum_of_pairs};
use crate::{Graph, ParamId, Var};

/// ln 100, the largest logarithm of a factor that [`Graph::scale_exp`] applies (Radford et al.,
/// 2021, section 2.5).
pub const LARGEST_LOG_SCALE: f64 = 4.605_170_185_988_092;

#[derive(Clone, Copy, Debug)]
pub(crate) struct ScaleExp {
    x: Var,
    log_scale: ParamId,
}

impl<T: Scalar> Graph<'_, T> {
    /// x · exp(min(p, ln 100)), where p is the learned logarithm of an inverse temperature. The
    /// limit keeps the factor from growing without bound.
    ///
    /// Above ln 100 the gradient of p is zero, as the formula says, so that p would stay there for
    /// ever: keep it at ln 100 or below by [`crate::Params::limit`] with [`LARGEST_LOG_SCALE`].
    ///
    /// # Shapes
    /// x is n×m, p is 1×1; the value is n×m.
    pub fn scale_exp(&mut self, x: Var, log_scale: ParamId) -> Var {
        let (rows, columns) = self.shape(x);
        let shape = self.params.view(log_scale).dim();
        if shape != (1, 1) {
            return self.fail("scale_exp", (rows, columns), || {
                format!("the logarithm of the scale is {}×{}, not 1×1", shape.0, shape.1)
            });
        }
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let factor = factor(self.params.slice(log_scale));
        for (y, &x) in buffer[..rows * columns].iter_mut().zip(self.slice(x)) {
            *y = x * factor;
        }
        let needs = self.needs(x).or(self.trained([log_scale]));
        let op = Op::ScaleExp(ScaleExp { x, log_scale });
        self.push(op, slot, buffer, (rows, columns), needs)
    }
}

fn factor<T: Scalar>(log_scale: &[T]) -> T {
    let largest = T::from_f64(LARGEST_LOG_SCALE);
    log_scale.iter().map(|&p| if p > largest { largest } else { p }).sum::<T>().exp()
}

impl ScaleExp {
    pub(super) fn params(&self) -> [Option<ParamId>; 2] {
        [Some(self.log_scale), None]
    }

    /// dx = dy · factor; dp = Σ dy ∘ y, or 0 above the clamp.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, y: Var, dy: &[T]) {
        let (y, log_scale) = (cx.values.slice(y), cx.values.param_slice(self.log_scale));
        if let Some(target) = cx.param_target(self.log_scale) {
            let free = log_scale.iter().all(|&p| p <= T::from_f64(LARGEST_LOG_SCALE));
            let dp = if free { sum_of_pairs(dy, y, chain) } else { T::zero() };
            target.map(&[dp], |dp| dp);
        }
        if let Some(target) = cx.target(self.x) {
            let factor = factor(log_scale);
            target.map(dy, |d| d * factor);
        }
    }
}
