use std::ops::Range;

use mi_kernels::{Scalar, matrix_product};
use mi_nets::{Gradients, Params};
use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use super::dot::{matrix, matrix_mut};
use super::{ConcatHead, Embeddings, Scaling, add, scale, zeroed};

/// Pairs that go through the network at a time; bounds the memory for hidden layers.
const PAIRS: usize = 2048;

/// Shares of a panel's rows that keep sums of their own, so that threads need not wait for one
/// another. Fixed, so that sums do not depend on the number of threads.
const GROUPS: usize = 8;

#[derive(Debug, Default)]
pub(super) struct DeepBuffers<T> {
    dx: Vec<T>,
    groups: Vec<Group<T>>,
}

/// Sums and scratch memory of one share of the rows.
#[derive(Debug, Default)]
struct Group<T> {
    dy: Vec<T>,
    /// Gradients of weight and bias of each layer.
    layers: Vec<(Vec<T>, Vec<T>)>,
    /// Outputs of the hidden layers and the scores, for a block of pairs.
    values: Vec<Vec<T>>,
    /// The gradient of one layer's output, and of the next one's.
    delta: Vec<T>,
    next: Vec<T>,
}

/// A head with hidden layers of its own, block by block; hidden layers are computed again on
/// the way back.
#[derive(Debug)]
pub(super) struct Deep<'a, T> {
    net: Net<'a, T>,
    dx: &'a mut Vec<T>,
    groups: &'a mut [Group<T>],
}

#[derive(Clone, Copy, Debug)]
struct Net<'a, T> {
    batch: Embeddings<'a, T>,
    head: &'a ConcatHead,
    params: &'a Params<T>,
}

impl<'a, T: Scalar> Deep<'a, T> {
    pub(super) fn new(
        batch: Embeddings<'a, T>,
        head: &'a ConcatHead,
        params: &'a Params<T>,
        buffers: &'a mut DeepBuffers<T>,
    ) -> Self {
        let net = Net { batch, head, params };
        let count = if batch.parallel { GROUPS } else { 1 };
        zeroed(&mut buffers.dx, batch.x.len());
        buffers.groups.resize_with(count.max(buffers.groups.len()), Group::default);
        let groups = &mut buffers.groups[..count];
        for group in &mut *groups {
            zeroed(&mut group.dy, batch.y.len());
            group.layers.resize_with(head.layers.len(), Default::default);
            group.values.resize_with(head.sizes.len(), Vec::new);
            for (sizes, (weight, bias)) in head.sizes.windows(2).zip(&mut group.layers) {
                zeroed(weight, sizes[0] * sizes[1]);
                zeroed(bias, sizes[1]);
            }
        }
        Self { net, dx: &mut buffers.dx, groups }
    }

    pub(super) fn sweep<R: Send>(
        &mut self,
        rows: Range<usize>,
        panel: &mut [T],
        results: &mut [R],
        row: impl Fn(usize, &mut [T]) -> R + Sync,
    ) {
        let net = self.net;
        let k = net.batch.k;
        let share = rows.len().div_ceil(self.groups.len()).max(1);
        let work = |n: usize, panel: &mut [T], results: &mut [R], group: &mut Group<T>| {
            let first = rows.start + n * share;
            for (block, scores) in panel.chunks_mut(PAIRS).enumerate() {
                let pair = |p| (first + (block * PAIRS + p) / k, (block * PAIRS + p) % k);
                net.forward(group, scores.len(), pair);
                scores.copy_from_slice(&group.values[net.head.sizes.len() - 1]);
            }
            for ((i, scores), result) in (first..).zip(panel.chunks_mut(k)).zip(results) {
                *result = row(i, scores);
            }
        };
        if net.batch.parallel {
            let panels = panel.par_chunks_mut(share * k).zip(results.par_chunks_mut(share));
            let shares = panels.zip(&mut *self.groups).enumerate();
            shares.for_each(|(n, ((panel, results), group))| work(n, panel, results, group));
        } else {
            work(0, panel, results, &mut self.groups[0]);
        }
    }

    pub(super) fn accumulate(&mut self, rows: Range<usize>, panel: &mut [T], factors: &[T]) {
        let net = self.net;
        let Embeddings { k, dim, parallel, .. } = net.batch;
        let share = rows.len().div_ceil(self.groups.len()).max(1);
        let work = |n: usize, panel: &mut [T], dx: &mut [T], group: &mut Group<T>| {
            let first = rows.start + n * share;
            for (weights, &factor) in panel.chunks_mut(k).zip(&factors[n * share..]) {
                scale(weights, factor);
            }
            for (block, weights) in panel.chunks(PAIRS).enumerate() {
                let pair = |p| (first + (block * PAIRS + p) / k, (block * PAIRS + p) % k);
                net.forward(group, weights.len(), pair);
                net.backward(group, weights);
                for (p, gradient) in group.delta.chunks(dim).enumerate() {
                    let (i, j) = pair(p);
                    add(&mut dx[(i - first) * dim..][..dim], gradient);
                    add(&mut group.dy[j * dim..][..dim], gradient);
                }
            }
        };
        let dx = &mut self.dx[rows.start * dim..rows.end * dim];
        if parallel {
            let panels = panel.par_chunks_mut(share * k).zip(dx.par_chunks_mut(share * dim));
            let shares = panels.zip(&mut *self.groups).enumerate();
            shares.for_each(|(n, ((panel, dx), group))| work(n, panel, dx, group));
        } else {
            work(0, panel, dx, &mut self.groups[0]);
        }
    }

    pub(super) fn rescale(&mut self, factor: T) {
        for group in &mut *self.groups {
            let layers = group.layers.iter_mut().flat_map(|(weight, bias)| [weight, bias]);
            for sums in layers.chain([&mut group.dy]) {
                scale(sums, factor);
            }
        }
    }

    pub(super) fn finish(
        &mut self,
        scaling: Scaling<'_, T>,
        gx: &mut [T],
        gy: &mut [T],
        gradients: &mut Gradients<T>,
    ) {
        self.rescale(scaling.columns);
        let net = self.net;
        let Embeddings { k, dim, .. } = net.batch;
        for ((gx, dx), &row) in gx.chunks_mut(dim).zip(self.dx.chunks(dim)).zip(scaling.rows) {
            for (gx, &dx) in gx.iter_mut().zip(dx) {
                *gx = row * dx;
            }
        }
        gy.fill(T::zero());
        for group in &*self.groups {
            add(gy, &group.dy);
        }
        // The positives, a block of the diagonal at a time.
        let group = &mut self.groups[0];
        for (first, positives) in (0..k).step_by(PAIRS).zip(scaling.positives.chunks(PAIRS)) {
            net.forward(group, positives.len(), |p| (first + p, first + p));
            net.backward(group, positives);
            let span = first * dim..(first + positives.len()) * dim;
            add(&mut gx[span.clone()], &group.delta);
            add(&mut gy[span], &group.delta);
        }
        for (n, &(weight, bias)) in net.head.layers.iter().enumerate() {
            for group in &*self.groups {
                let (dw, db) = &group.layers[n];
                gradients.accumulate(weight).iter_mut().zip(dw).for_each(|(g, &d)| *g += d);
                gradients.accumulate(bias).iter_mut().zip(db).for_each(|(g, &d)| *g += d);
            }
        }
    }
}

impl<T: Scalar> Net<'_, T> {
    /// The layers of a block of pairs, from `relu(x_i + y_j)` to the scores.
    fn forward(self, group: &mut Group<T>, pairs: usize, pair: impl Fn(usize) -> (usize, usize)) {
        let Embeddings { x, y, dim, .. } = self.batch;
        let sums = &mut group.values[0];
        sums.clear();
        for p in 0..pairs {
            let (i, j) = pair(p);
            let rows = x[i * dim..][..dim].iter().zip(&y[j * dim..][..dim]);
            sums.extend(rows.map(|(&x, &y)| relu(x + y)));
        }
        let last = self.head.layers.len() - 1;
        for (n, &(weight, bias)) in self.head.layers.iter().enumerate() {
            let (inputs, outputs) = group.values.split_at_mut(n + 1);
            let (weight, bias) = (self.params.view(weight), self.params.view(bias));
            let width = bias.ncols();
            let out = &mut outputs[0];
            out.clear();
            (0..pairs).for_each(|_| out.extend(bias.iter()));
            let input = matrix(pairs, self.head.sizes[n], &inputs[n]);
            matrix_product(T::one(), input, weight, T::one(), matrix_mut(pairs, width, out));
            if n < last {
                for z in out {
                    *z = relu(*z);
                }
            }
        }
    }

    /// From the gradient of each score to that of each sum `x_i + y_j`, left in `group.delta`;
    /// `group.values` are those of the same pairs.
    fn backward(self, group: &mut Group<T>, gradient: &[T]) {
        let pairs = gradient.len();
        let Group { layers, values, delta, next, .. } = group;
        delta.clear();
        delta.extend_from_slice(gradient);
        for (n, &(weight, _)) in self.head.layers.iter().enumerate().rev() {
            let (inputs, outputs) = (self.head.sizes[n], self.head.sizes[n + 1]);
            let out: ArrayView2<'_, T> = matrix(pairs, outputs, delta);
            let input = matrix(pairs, inputs, &values[n]);
            let (dw, db) = &mut layers[n];
            matrix_product(T::one(), input.t(), out, T::one(), matrix_mut(inputs, outputs, dw));
            for row in out.axis_iter(Axis(0)) {
                db.iter_mut().zip(row).for_each(|(db, &d)| *db += d);
            }
            next.clear();
            next.resize(pairs * inputs, T::zero());
            let weight = self.params.view(weight);
            matrix_product(T::one(), out, weight.t(), T::zero(), matrix_mut(pairs, inputs, next));
            for (d, &value) in next.iter_mut().zip(&values[n]) {
                if value <= T::zero() {
                    *d = T::zero();
                }
            }
            std::mem::swap(delta, next);
        }
    }
}

fn relu<T: Scalar>(x: T) -> T {
    // NaN stays NaN.
    if x <= T::zero() { T::zero() } else { x }
}
