use mi_kernels::Scalar;

use super::Op;
use crate::backward::Backward;
use crate::{Graph, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct RunningMean {
    x: Var,
    steps: usize,
}

impl<T: Scalar> Graph<'_, T> {
    /// The mean of a sequence's steps so far: `y_t = (x_1 + … + x_t) / t`.
    ///
    /// # Shapes
    /// n×(steps·d) to n×(steps·d).
    pub fn running_mean(&mut self, x: Var, steps: usize) -> Var {
        let (rows, width) = self.shape(x);
        if steps == 0 || !width.is_multiple_of(steps) {
            return self.fail("running_mean", (rows, width), || {
                format!("{rows}×{width}: rows are not made of {steps} steps")
            });
        }
        let d = width / steps;
        let (slot, mut buffer) = self.tape.values.take(rows * width);
        let samples = buffer[..rows * width].chunks_exact_mut(width);
        for (y, x) in samples.zip(self.slice(x).chunks_exact(width)) {
            for column in 0..d {
                let mut sum = 0.0;
                for step in 0..steps {
                    sum += x[step * d + column].to_f64();
                    y[step * d + column] = T::from_f64(sum / (step + 1) as f64);
                }
            }
        }
        let needs = self.needs(x);
        let op = Op::RunningMean(RunningMean { x, steps });
        self.push(op, slot, buffer, (rows, width), needs)
    }
}

impl RunningMean {
    /// `dx_s = Σ_{t ≥ s} dy_t / t`.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, dy: &[T]) {
        let Self { x, steps } = *self;
        let width = cx.values.shape(x).1;
        let d = width / steps;
        let Some(target) = cx.target(x) else { return };
        let samples = target.zeroed().values.chunks_exact_mut(width);
        for (dx, dy) in samples.zip(dy.chunks_exact(width)) {
            for column in 0..d {
                let mut sum = 0.0;
                for step in (0..steps).rev() {
                    sum += dy[step * d + column].to_f64() / (step + 1) as f64;
                    dx[step * d + column] += T::from_f64(sum);
                }
            }
        }
    }
}
