use mi_kernels::Scalar;

use super::conv2d::Run;
use super::{ConvGeometry, Op};
use crate::backward::Backward;
use crate::target::Target;
use crate::vector::{Rows, add_rows};
use crate::{Graph, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct GlobalAveragePool {
    x: Var,
    channels: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct MaxPool {
    x: Var,
    geometry: ConvGeometry,
}

impl<T: Scalar> Graph<'_, T> {
    /// The largest value under the kernel, channel by channel. Padding never counts; NaN under the
    /// kernel gives NaN.
    ///
    /// Among equal values the first (row by row) gets the gradient.
    ///
    /// # Shapes
    /// n×(H·W·C), the channel innermost, to n×(H'·W'·C), H'×W' by [`ConvGeometry::output_size`].
    pub fn max_pool(&mut self, x: Var, geometry: &ConvGeometry) -> Var {
        let (rows, width) = self.shape(x);
        if let Some(problem) = geometry.problem() {
            return self.fail("max_pool", (rows, width), || problem);
        }
        let (positions, channels) = (geometry.positions_count(), geometry.channels);
        let columns = positions * channels;
        if width != geometry.input_dim() {
            return self.fail("max_pool", (rows, columns), || {
                format!("x is {rows}×{width} for {} values per image", geometry.input_dim())
            });
        }
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let images = self.slice(x).chunks_exact(width);
        for (y, x) in buffer[..rows * columns].chunks_exact_mut(columns).zip(images) {
            y.fill(T::neg_infinity());
            for Run { position, pixels, .. } in geometry.runs() {
                let y = &mut y[position * channels..(position + 1) * channels];
                for x in x[pixels].chunks_exact(channels) {
                    for (y, &x) in y.iter_mut().zip(x) {
                        if x > *y || x.is_nan() {
                            *y = x;
                        }
                    }
                }
            }
        }
        let needs = self.needs(x);
        let op = Op::MaxPool(MaxPool { x, geometry: *geometry });
        self.push(op, slot, buffer, (rows, columns), needs)
    }

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
            add_rows(y, (x, x), Rows::Samples, |_, _, x, _| x);
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

impl MaxPool {
    /// The first value under the kernel that equals the output gets dy; later ones get nothing.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, y: Var, dy: &mut [T]) {
        let (columns, channels) = (cx.values.shape(y).1, self.geometry.channels);
        let (x, y) = (cx.values.slice(self.x), cx.values.slice(y));
        let width = self.geometry.input_dim();
        let Some(target) = cx.target(self.x) else { return };
        let images = target.zeroed().values.chunks_exact_mut(width).zip(x.chunks_exact(width));
        let outputs = dy.chunks_exact_mut(columns).zip(y.chunks_exact(columns));
        for ((dx, x), (dy, y)) in images.zip(outputs) {
            for Run { position, pixels, .. } in self.geometry.runs() {
                let output = position * channels..(position + 1) * channels;
                let (dy, y) = (&mut dy[output.clone()], &y[output]);
                let (dx, x) = (&mut dx[pixels.clone()], &x[pixels]);
                for (dx, x) in dx.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
                    for (c, (dx, &x)) in dx.iter_mut().zip(x).enumerate() {
                        if x == y[c] || x.is_nan() {
                            *dx += std::mem::take(&mut dy[c]);
                        }
                    }
                }
            }
        }
    }
}
