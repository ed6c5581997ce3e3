use std::ops::Range;

use mi_kernels::{Scalar, matrix_product};
use mi_nets::{Gradients, Params};
use rayon::prelude::*;

use super::dot::{matrix, matrix_mut};
use super::{ConcatHead, Embeddings, Scaling, add, scale, sum_of, zeroed};

/// Pairs that go through the network at a time; this limits the memory for hidden layers.
const PAIRS: usize = 2048;

/// Number of groups of a panel's rows. Each group has separate sums, so that threads need not wait
/// for one another. The number is fixed, so that sums do not depend on the number of threads.
const GROUPS: usize = 8;

#[derive(Debug, Default)]
pub(super) struct DeepBuffers<T> {
    /// y transposed: units × M.
    y: Vec<T>,
    dx: Vec<T>,
    groups: Vec<Group<T>>,
}

/// Sums and scratch memory of one group of rows.
#[derive(Debug, Default)]
struct Group<T> {
    /// Transposed, like y.
    dy: Vec<T>,
    /// Gradients of weight and bias of each layer.
    layers: Vec<(Vec<T>, Vec<T>)>,
    /// Outputs of the hidden layers and the scores of a block of pairs, units × pairs.
    values: Vec<Vec<T>>,
    /// The gradient of one layer's output, and of the next one's, units × pairs.
    delta: Vec<T>,
    next: Vec<T>,
    /// Rows and columns of the current positives.
    pairs: Vec<(usize, usize)>,
}

/// A head with further hidden layers, evaluated block by block. The backward pass computes the
/// hidden layers again. Everything is stored as units × pairs: hidden layers are narrow, but there
/// are enough pairs to fill vectors.
#[derive(Debug)]
pub(super) struct Deep<'a, T> {
    net: Net<'a, T>,
    dx: &'a mut Vec<T>,
    groups: &'a mut [Group<T>],
}

#[derive(Clone, Copy, Debug)]
struct Net<'a, T> {
    batch: Embeddings<'a, T>,
    /// y transposed.
    y: &'a [T],
    head: &'a ConcatHead,
    params: &'a Params<T>,
}

/// Some rows of x paired with some rows of y, or the pairs listed in the group.
#[derive(Clone, Debug)]
enum Block {
    Rectangle { rows: Range<usize>, columns: Range<usize> },
    Listed,
}

/// Rectangles that cover some rows, each of at most [`PAIRS`] pairs.
fn rectangles(rows: Range<usize>, m: usize) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let height = (PAIRS / m.max(1)).max(1);
    rows.clone().step_by(height).flat_map(move |first| {
        let rows = first..rows.end.min(first + height);
        (0..m).step_by(PAIRS).map(move |column| (rows.clone(), column..m.min(column + PAIRS)))
    })
}

impl<'a, T: Scalar> Deep<'a, T> {
    pub(super) fn new(
        batch: Embeddings<'a, T>,
        head: &'a ConcatHead,
        params: &'a Params<T>,
        buffers: &'a mut DeepBuffers<T>,
    ) -> Self {
        let DeepBuffers { y, dx, groups } = buffers;
        y.resize(batch.y.len(), T::zero());
        mi_kernels::scaled_transpose(y, T::one(), batch.y, batch.dim);
        zeroed(dx, batch.x.len());
        let count = if batch.parallel { GROUPS } else { 1 };
        groups.resize_with(count.max(groups.len()), Group::default);
        let groups = &mut groups[..count];
        for group in &mut *groups {
            zeroed(&mut group.dy, batch.y.len());
            group.layers.resize_with(head.layers.len(), Default::default);
            group.values.resize_with(head.sizes.len(), Vec::new);
            for (sizes, (weight, bias)) in head.sizes.windows(2).zip(&mut group.layers) {
                zeroed(weight, sizes[0] * sizes[1]);
                zeroed(bias, sizes[1]);
            }
        }
        Self { net: Net { batch, y, head, params }, dx, groups }
    }

    pub(super) fn stride(&self) -> usize {
        self.net.batch.stride
    }

    pub(super) fn sweep<R: Send>(
        &mut self,
        rows: Range<usize>,
        panel: &mut [T],
        results: &mut [R],
        row: impl Fn(usize, &mut [T], &mut [R]) + Sync,
    ) {
        let net = self.net;
        let Embeddings { m, stride, .. } = net.batch;
        // The number of results of a row.
        let width = results.len() / rows.len();
        let share = rows.len().div_ceil(self.groups.len()).max(1);
        let work = |n: usize, panel: &mut [T], results: &mut [R], group: &mut Group<T>| {
            let first = rows.start + n * share;
            for (rows, columns) in rectangles(first..first + results.len() / width, m) {
                net.forward(
                    group,
                    &Block::Rectangle { rows: rows.clone(), columns: columns.clone() },
                );
                let scores = &group.values[net.head.sizes.len() - 1];
                for (i, scores) in rows.zip(scores.chunks(columns.len())) {
                    panel[(i - first) * stride..][columns.clone()].copy_from_slice(scores);
                }
            }
            let lines = panel.chunks_mut(stride).zip(results.chunks_mut(width));
            for (i, (line, results)) in (first..).zip(lines) {
                row(i, &mut line[..m], results);
            }
        };
        if net.batch.parallel {
            let results = results.par_chunks_mut(share * width);
            let panels = panel.par_chunks_mut(share * stride).zip(results);
            let shares = panels.zip(&mut *self.groups).enumerate();
            shares.for_each(|(n, ((panel, results), group))| work(n, panel, results, group));
        } else {
            work(0, panel, results, &mut self.groups[0]);
        }
    }

    pub(super) fn accumulate(&mut self, rows: Range<usize>, panel: &mut [T], factors: &[T]) {
        let net = self.net;
        let Embeddings { m, dim, stride, parallel, .. } = net.batch;
        let share = rows.len().div_ceil(self.groups.len()).max(1);
        let work = |n: usize, panel: &mut [T], dx: &mut [T], group: &mut Group<T>| {
            let first = rows.start + n * share;
            for (weights, &factor) in panel.chunks_mut(stride).zip(&factors[n * share..]) {
                scale(weights, factor);
            }
            for (rows, columns) in rectangles(first..first + dx.len() / dim, m) {
                let block = Block::Rectangle { rows: rows.clone(), columns: columns.clone() };
                net.forward(group, &block);
                group.delta.clear();
                for i in rows.clone() {
                    group.delta.extend_from_slice(&panel[(i - first) * stride..][columns.clone()]);
                }
                net.backward(group);
                let Group { delta, dy, .. } = group;
                for (unit, delta) in delta.chunks(rows.len() * columns.len()).enumerate() {
                    let dy = &mut dy[unit * m..][columns.clone()];
                    for (i, delta) in rows.clone().zip(delta.chunks(columns.len())) {
                        add(dy, delta);
                        dx[(i - first) * dim + unit] += sum_of(delta);
                    }
                }
            }
        };
        let dx = &mut self.dx[rows.start * dim..rows.end * dim];
        if parallel {
            let panels = panel.par_chunks_mut(share * stride).zip(dx.par_chunks_mut(share * dim));
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
        let Embeddings { m, dim, .. } = net.batch;
        for ((gx, dx), &row) in gx.chunks_mut(dim).zip(self.dx.chunks(dim)).zip(scaling.rows) {
            mi_kernels::scaled(gx, row, dx);
        }
        // The positives, some at a time.
        let group = &mut self.groups[0];
        let mut positives = scaling.positives.iter().peekable();
        while positives.peek().is_some() {
            group.pairs.clear();
            let mut own = std::mem::take(&mut group.delta);
            own.clear();
            for (i, j, positive) in positives.by_ref().take(PAIRS) {
                group.pairs.push((i, j));
                own.push(positive);
            }
            net.forward(group, &Block::Listed);
            group.delta = own;
            net.backward(group);
            let Group { delta, dy, pairs, .. } = &mut *group;
            for (unit, delta) in delta.chunks(pairs.len()).enumerate() {
                for (&(i, j), &delta) in pairs.iter().zip(delta) {
                    dy[unit * m + j] += delta;
                    gx[i * dim + unit] += delta;
                }
            }
        }
        let (first, others) = self.groups.split_at_mut(1);
        for group in others {
            add(&mut first[0].dy, &group.dy);
        }
        mi_kernels::scaled_transpose(gy, T::one(), &first[0].dy, m);
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
    fn forward(self, group: &mut Group<T>, block: &Block) {
        let Embeddings { x, m, dim, .. } = self.batch;
        let pairs = match block {
            Block::Rectangle { rows, columns } => rows.len() * columns.len(),
            Block::Listed => group.pairs.len(),
        };
        let sums = &mut group.values[0];
        sums.resize(dim * pairs, T::zero());
        for (unit, sums) in sums.chunks_mut(pairs).enumerate() {
            let y = &self.y[unit * m..][..m];
            match block {
                Block::Rectangle { rows, columns } => {
                    let y = &y[columns.clone()];
                    for (i, sums) in rows.clone().zip(sums.chunks_mut(y.len())) {
                        let x = x[i * dim + unit];
                        for (sum, &y) in sums.iter_mut().zip(y) {
                            *sum = relu(x + y);
                        }
                    }
                }
                Block::Listed => {
                    for (&(i, j), sum) in group.pairs.iter().zip(sums) {
                        *sum = relu(x[i * dim + unit] + y[j]);
                    }
                }
            }
        }
        let last = self.head.layers.len() - 1;
        for (n, &(weight, bias)) in self.head.layers.iter().enumerate() {
            let (inputs, outputs) = group.values.split_at_mut(n + 1);
            let (weight, bias) = (self.params.view(weight), self.params.view(bias));
            let width = bias.ncols();
            let out = &mut outputs[0];
            out.resize(width * pairs, T::zero());
            let input = matrix(self.head.sizes[n], pairs, &inputs[n]);
            matrix_product(T::one(), weight.t(), input, T::zero(), matrix_mut(width, pairs, out));
            for (out, &bias) in out.chunks_mut(pairs).zip(bias) {
                if n < last {
                    for z in out {
                        *z = relu(*z + bias);
                    }
                } else {
                    for z in out {
                        *z += bias;
                    }
                }
            }
        }
    }

    /// Replaces the gradient of each score, in `group.delta`, by that of each sum `x_i + y_j`.
    /// `group.values` must belong to the same pairs.
    fn backward(self, group: &mut Group<T>) {
        let Group { layers, values, delta, next, .. } = group;
        let pairs = delta.len();
        for (n, &(weight, _)) in self.head.layers.iter().enumerate().rev() {
            let (inputs, outputs) = (self.head.sizes[n], self.head.sizes[n + 1]);
            let out = matrix(outputs, pairs, delta);
            let input = matrix(inputs, pairs, &values[n]);
            let (dw, db) = &mut layers[n];
            matrix_product(T::one(), input, out.t(), T::one(), matrix_mut(inputs, outputs, dw));
            for (db, delta) in db.iter_mut().zip(delta.chunks(pairs)) {
                *db += sum_of(delta);
            }
            next.resize(inputs * pairs, T::zero());
            let weight = self.params.view(weight);
            matrix_product(T::one(), weight, out, T::zero(), matrix_mut(inputs, pairs, next));
            for (d, &value) in next.iter_mut().zip(&values[n]) {
                *d = if value > T::zero() { *d } else { T::zero() };
            }
            std::mem::swap(delta, next);
        }
    }
}

fn relu<T: Scalar>(x: T) -> T {
    // NaN stays NaN.
    if x <= T::zero() { T::zero() } else { x }
}
