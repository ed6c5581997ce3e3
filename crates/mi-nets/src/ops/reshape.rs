use mi_kernels::Scalar;

use super::Op;
use crate::backward::Backward;
use crate::{Graph, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Reshape {
    x: Var,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct CausalWindows {
    x: Var,
    steps: usize,
    kernel: usize,
}

impl<T: Scalar> Graph<'_, T> {
    /// The same values, row by row, in rows of another length: one row per sample becomes one row
    /// per location (n×(locations·d) to (n·locations)×d), or the reverse.
    ///
    /// # Shapes
    /// n×m to (n·m / columns)×columns.
    pub fn reshape(&mut self, x: Var, columns: usize) -> Var {
        let (rows, width) = self.shape(x);
        let length = rows * width;
        if columns == 0 || !length.is_multiple_of(columns) {
            return self.fail("reshape", (rows, columns.max(1)), || {
                format!("{rows}×{width} values do not divide into rows of {columns}")
            });
        }
        let (op, shape) = (Op::Reshape(Reshape { x }), (length / columns, columns));
        let needs = self.needs(x);
        if self.tape.recording {
            // The same memory: nothing is released or changed before the graph ends.
            return self.push_node(op, self.node(x).storage, shape, needs);
        }
        let (slot, mut buffer) = self.tape.values.take(length);
        buffer[..length].copy_from_slice(self.slice(x));
        self.push(op, slot, buffer, shape, needs)
    }

    /// The input of a causal convolution: for every step of a sequence the latest `kernel` steps,
    /// the oldest first and the step itself last, with zeros before the beginning. A dense layer on
    /// this is the convolution.
    ///
    /// # Shapes
    /// n×(steps·d) to (n·steps)×(kernel·d).
    pub fn causal_windows(&mut self, x: Var, steps: usize, kernel: usize) -> Var {
        let (rows, width) = self.shape(x);
        if steps == 0 || kernel == 0 || !width.is_multiple_of(steps) {
            return self.fail("causal_windows", (rows, width.max(1)), || {
                format!(
                    "{rows}×{width}, {steps} steps, kernel {kernel}: both ≥ 1, rows of whole steps"
                )
            });
        }
        let d = width / steps;
        let columns = kernel * d;
        let (slot, mut buffer) = self.tape.values.take(rows * steps * columns);
        let windows = buffer[..rows * steps * columns].chunks_exact_mut(steps * columns);
        for (windows, x) in windows.zip(self.slice(x).chunks_exact(width)) {
            for (step, window) in windows.chunks_exact_mut(columns).enumerate() {
                let seen = kernel.min(step + 1) * d;
                let (before, latest) = window.split_at_mut(columns - seen);
                before.fill(T::zero());
                latest.copy_from_slice(&x[(step + 1) * d - seen..(step + 1) * d]);
            }
        }
        let needs = self.needs(x);
        let op = Op::CausalWindows(CausalWindows { x, steps, kernel });
        self.push(op, slot, buffer, (rows * steps, columns), needs)
    }
}

impl Reshape {
    /// The value that is reshaped.
    pub(crate) fn operand(self) -> Var {
        self.x
    }

    /// dx = dy, row by row.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, dy: &[T]) {
        if let Some(target) = cx.target(self.x) {
            target.map(dy, |d| d);
        }
    }
}

impl CausalWindows {
    /// Every step gets the sum of its gradients in all windows that contain it.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, dy: &[T]) {
        let Self { x, steps, kernel } = *self;
        let width = cx.values.shape(x).1;
        let (d, columns) = (width / steps, width / steps * kernel);
        let Some(target) = cx.target(x) else { return };
        let samples = target.zeroed().values.chunks_exact_mut(width);
        for (dx, dy) in samples.zip(dy.chunks_exact(steps * columns)) {
            for (step, dy) in dy.chunks_exact(columns).enumerate() {
                let seen = kernel.min(step + 1) * d;
                let dx = &mut dx[(step + 1) * d - seen..(step + 1) * d];
                for (dx, &d) in dx.iter_mut().zip(&dy[columns - seen..]) {
                    *dx += d;
                }
            }
        }
    }
}
