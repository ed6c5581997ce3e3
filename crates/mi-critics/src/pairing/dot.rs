use std::ops::Range;

use mi_kernels::{Scalar, add_scaled, matrix_product, scaled, scaled_transpose, weighted_sum};
use ndarray::{ArrayView2, ArrayViewMut2, Axis, s};
use rayon::prelude::*;

use super::{Embeddings, PANEL_ROWS, Positives, ROW_BLOCK, Scaling, scale, zeroed};

/// Rows per task if rows are wide: with fewer tasks, y is packed less often.
const TALL_BLOCK: usize = 2 * ROW_BLOCK;

const _: () = assert!(PANEL_ROWS.is_multiple_of(TALL_BLOCK), "blocks are as in one panel");

/// Columns of scores per task.
const COLUMN_BLOCK: usize = 192;

/// With this many columns or more, a block of rows does not fit the processor's cache anyway, so
/// tasks divide a panel's scores by columns: each then packs only its own rows of y.
const STAGED: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct DotBuffers<T> {
    dx: Vec<T>,
    /// Transposed, one block of columns of scores at a time: the wide side of the product then
    /// fills vectors, and weights are read in memory order.
    dy: Vec<T>,
    /// Rows of x times their factors.
    scaled: Vec<T>,
    /// The factors of all rows.
    factors: Vec<T>,
}

/// Inner products: with weights W and factors c, dx = c ∘ (W y) and dyᵀ = (c ∘ x)ᵀ W.
#[derive(Debug)]
pub(super) struct Dot<'a, T> {
    batch: Embeddings<'a, T>,
    buffers: &'a mut DotBuffers<T>,
}

impl<'a, T: Scalar> Dot<'a, T> {
    pub(super) fn new(batch: Embeddings<'a, T>, buffers: &'a mut DotBuffers<T>) -> Self {
        // `dx` is written before it is read.
        buffers.dx.resize(batch.x.len(), T::zero());
        buffers.factors.resize(batch.n, T::zero());
        zeroed(&mut buffers.dy, batch.y.len());
        Self { batch, buffers }
    }

    pub(super) fn stride(&self) -> usize {
        self.batch.stride
    }

    pub(super) fn sweep<R: Send>(
        &mut self,
        rows: Range<usize>,
        panel: &mut [T],
        results: &mut [R],
        gradient: bool,
        row: impl Fn(usize, &mut [T], &mut [R]) + Sync,
    ) {
        let Embeddings { x, y, m, dim, stride, parallel, .. } = self.batch;
        // The number of results of a row.
        let width = results.len() / rows.len();
        let y = matrix(m, dim, y);
        let digest = |first: usize, panel: &mut [T], results: &mut [R]| {
            let lines = panel.chunks_mut(stride).zip(results.chunks_mut(width));
            for (i, (line, results)) in (first..).zip(lines) {
                row(i, &mut line[..m], results);
            }
        };
        let dx_of = |panel: &[T], dx: &mut [T]| {
            let n = dx.len() / dim;
            let weights = matrix(n, stride, panel);
            let weights = weights.slice(s![.., ..m]);
            matrix_product(T::one(), weights, y, T::zero(), matrix_mut(n, dim, dx));
        };
        let block = |first: usize, panel: &mut [T], results: &mut [R], dx: &mut [T]| {
            let n = results.len() / width;
            let x = matrix(n, dim, &x[first * dim..][..n * dim]);
            let scores = matrix_mut(n, stride, panel).slice_move(s![.., ..m]);
            matrix_product(T::one(), x, y.t(), T::zero(), scores);
            digest(first, panel, results);
            if gradient {
                dx_of(panel, dx);
            }
        };
        let dx = &mut self.buffers.dx[rows.start * dim..rows.end * dim];
        if !parallel {
            block(rows.start, panel, results, dx);
        } else if m < STAGED {
            let height = if m < 1024 { ROW_BLOCK } else { TALL_BLOCK };
            let results = results.par_chunks_mut(height * width);
            let panels = panel.par_chunks_mut(height * stride).zip(results);
            let blocks = panels.zip(dx.par_chunks_mut(height * dim)).enumerate();
            blocks.for_each(|(n, ((panel, results), dx))| {
                block(rows.start + n * height, panel, results, dx);
            });
        } else {
            let x = matrix(rows.len(), dim, &x[rows.start * dim..rows.end * dim]);
            let mut scores = matrix_mut(rows.len(), stride, panel).slice_move(s![.., ..m]);
            let blocks: Vec<_> = scores.axis_chunks_iter_mut(Axis(1), COLUMN_BLOCK).collect();
            blocks.into_par_iter().enumerate().for_each(|(n, scores)| {
                let columns = n * COLUMN_BLOCK..n * COLUMN_BLOCK + scores.ncols();
                let y = y.slice(s![columns, ..]);
                matrix_product(T::one(), x, y.t(), T::zero(), scores);
            });
            let height = TALL_BLOCK;
            let results = results.par_chunks_mut(height * width);
            let blocks = panel.par_chunks_mut(height * stride).zip(results);
            let blocks = blocks.zip(dx.par_chunks_mut(height * dim)).enumerate();
            blocks.for_each(|(n, ((panel, results), dx))| {
                digest(rows.start + n * height, panel, results);
                if gradient {
                    dx_of(panel, dx);
                }
            });
        }
    }

    pub(super) fn accumulate(&mut self, rows: Range<usize>, panel: &[T], factors: &[T]) {
        let Embeddings { x, dim, stride, parallel, .. } = self.batch;
        let n = rows.len();
        let width = self.column_block();
        let DotBuffers { dy, scaled: lines, factors: all_factors, .. } = &mut *self.buffers;
        all_factors[rows.clone()].copy_from_slice(factors);
        lines.resize(n * dim, T::zero());
        let x = x[rows.start * dim..rows.end * dim].chunks(dim);
        for ((out, x), &factor) in lines.chunks_mut(dim).zip(x).zip(factors) {
            scaled(out, factor, x);
        }
        let (weights, scaled) = (matrix(n, stride, panel), matrix(n, dim, lines));
        let block = |first: usize, dy: &mut [T]| {
            let columns = dy.len() / dim;
            let weights = weights.slice(s![.., first..first + columns]);
            let sums = weights.axis_chunks_iter(Axis(0), PANEL_ROWS);
            for (weights, scaled) in sums.zip(scaled.axis_chunks_iter(Axis(0), PANEL_ROWS)) {
                let dy = matrix_mut(dim, columns, &mut *dy);
                matrix_product(T::one(), scaled.t(), weights, T::one(), dy);
            }
        };
        if parallel {
            let blocks = dy.par_chunks_mut(width * dim).enumerate();
            blocks.for_each(|(n, dy)| block(n * width, dy));
        } else {
            block(0, dy);
        }
    }

    /// Columns in a block of `dy`.
    fn column_block(&self) -> usize {
        if self.batch.parallel { COLUMN_BLOCK } else { self.batch.m }
    }

    pub(super) fn rescale(&mut self, factor: T) {
        scale(&mut self.buffers.dy, factor);
    }

    pub(super) fn finish(&self, scaling: Scaling<'_, T>, gx: &mut [T], gy: &mut [T]) {
        let Embeddings { x, y, dim, .. } = self.batch;
        let DotBuffers { dx, dy, factors, .. } = &*self.buffers;
        let row_scales = scaling.rows.iter().zip(factors).map(|(&row, &factor)| row * factor);
        let lines = gx.chunks_mut(dim).zip(dx.chunks(dim)).zip(row_scales);
        if let Positives::Diagonal(positives) = scaling.positives {
            for ((((gx, dx), scale), y), &positive) in lines.zip(y.chunks(dim)).zip(positives) {
                weighted_sum(gx, scale, dx, positive, y);
            }
        } else {
            for ((gx, dx), scale) in lines {
                scaled(gx, scale, dx);
            }
            for (i, j, positive) in scaling.positives.iter() {
                add_scaled(&mut gx[i * dim..][..dim], positive, &y[j * dim..][..dim]);
            }
        }
        let width = self.column_block();
        for (gy, dy) in gy.chunks_mut(width * dim).zip(dy.chunks(width * dim)) {
            scaled_transpose(gy, scaling.columns, dy, dy.len() / dim);
        }
        for (i, j, positive) in scaling.positives.iter() {
            add_scaled(&mut gy[j * dim..][..dim], positive, &x[i * dim..][..dim]);
        }
    }
}

pub(super) fn matrix<T>(rows: usize, columns: usize, values: &[T]) -> ArrayView2<'_, T> {
    match ArrayView2::from_shape((rows, columns), values) {
        Ok(view) => view,
        Err(_) => unreachable!("{} elements for a {rows}×{columns} matrix", values.len()),
    }
}

pub(super) fn matrix_mut<T>(rows: usize, columns: usize, values: &mut [T]) -> ArrayViewMut2<'_, T> {
    let length = values.len();
    match ArrayViewMut2::from_shape((rows, columns), values) {
        Ok(view) => view,
        Err(_) => unreachable!("{length} elements for a {rows}×{columns} matrix"),
    }
}
