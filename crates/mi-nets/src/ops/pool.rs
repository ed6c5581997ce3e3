use mi_kernels::Scalar;

use super::Op;
use crate::backward::Backward;
use crate::target::Target;
use crate::{Graph, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct GlobalAveragePool {
    x: Var,
    channels: usize,
}

impl<T: Scalar> Graph<'_, T> {
    /// The mean over all positions of an image, channel by channel.
    ///
    /// # Shapes
    /// n×(H·W·channels), the channel innermost, to n×channels.
    pub fn global_average_pool(&mut self, x: Var, channels: usize) -> Var {
        let (rows, width) = self.shape(x);
        if channels == 0 || !width.is_multiple_of(channels) {
            return self.fail("global_average_pool", (rows, channels.max(1)), || {
                format!("{rows}×{width}: rows are not made of {channels} channels")
            });
        }
        let (slot, mut buffer) = self.tape.values.take(rows * channels);
        let share = T::from_f64(channels as f64 / width as f64);
        let y_rows = buffer[..rows * channels].chunks_exact_mut(channels);
        for (y, x) in y_rows.zip(self.slice(x).chunks_exact(width)) {
            y.fill(T::zero());
            for x in x.chunks_exact(channels) {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y += x;
                }
            }
            for y in y {
                *y *= share;
            }
        }
        let op = Op::GlobalAveragePool(GlobalAveragePool { x, channels });
        let needs = self.needs(x);
        self.push(op, slot, buffer, (rows, channels), needs)
    }
}

impl GlobalAveragePool {
    /// Every position gets dy / (number of positions).
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, dy: &[T]) {
        let width = cx.values.shape(self.x).1;
        let share = T::from_f64(self.channels as f64 / width as f64);
        let Some(Target { values, fresh }) = cx.target(self.x) else { return };
        for (dx, dy) in values.chunks_exact_mut(width).zip(dy.chunks_exact(self.channels)) {
            for values in dx.chunks_exact_mut(self.channels) {
                Target { values, fresh }.map(dy, |d| d * share);
            }
        }
    }
}
