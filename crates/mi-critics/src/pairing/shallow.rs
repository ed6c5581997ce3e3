use std::ops::Range;

use mi_kernels::{
    PAIR_STRIP, PairScaling, Scalar, pack_pair_strips, pack_pair_tiles, relu_pair_finish,
    relu_pair_gradients, relu_pair_scores,
};
use mi_nets::{Gradients, ParamId, Params};
use rayon::prelude::*;

use super::{Embeddings, Positives, ROW_BLOCK, Scaling, scale, sum_of, zeroed};

#[derive(Debug, Default)]
pub(super) struct ShallowBuffers<T> {
    /// The output layer's weights.
    w: Vec<T>,
    /// `β_j = bias + Σ_h w_h b_jh`
    offset: Vec<T>,
    /// −b in tiles, for scores.
    tiles: Vec<T>,
    /// a and −b in strips, for gradients.
    a: Vec<T>,
    minus_b: Vec<T>,
    /// Sums of weights over active pairs, in the same strips.
    da: Vec<T>,
    db: Vec<T>,
    /// The sum of each row's weights.
    row_sums: Vec<T>,
    /// Gradient of the output weights.
    dw: Vec<f64>,
}

/// One hidden layer: `s_ij = bias + Σ_h w_h relu(a_ih + b_jh)`.
///
/// With `m_ijh = [a_ih + b_jh > 0]`, the sums `A_ih = Σ_j g_ij m_ijh` and
/// `B_jh = Σ_i g_ij m_ijh` are all that the backward pass needs: da = w ∘ A, db = w ∘ B and
/// `dw_h = Σ_ij g_ij relu(a_ih + b_jh) = Σ_i a_ih A_ih + Σ_j b_jh B_jh`.
#[derive(Debug)]
pub(super) struct Shallow<'a, T> {
    batch: Embeddings<'a, T>,
    layer: (ParamId, ParamId),
    buffers: &'a mut ShallowBuffers<T>,
}

impl<'a, T: Scalar> Shallow<'a, T> {
    pub(super) fn new(
        batch: Embeddings<'a, T>,
        layer: (ParamId, ParamId),
        params: &Params<T>,
        buffers: &'a mut ShallowBuffers<T>,
    ) -> Self {
        let h = batch.dim;
        buffers.w.clear();
        buffers.w.extend(params.view(layer.0).iter());
        let bias: T = params.view(layer.1).iter().copied().sum();
        buffers.offset.clear();
        // In f64: these sums may cancel against those over the maxima.
        buffers.offset.extend(batch.y.chunks(h).map(|b| {
            // In interleaved sums, which vectors can hold.
            let mut lanes = [0.0; 8];
            for (b, w) in b.chunks(8).zip(buffers.w.chunks(8)) {
                for ((lane, &b), &w) in lanes.iter_mut().zip(b).zip(w) {
                    *lane += b.to_f64() * w.to_f64();
                }
            }
            T::from_f64(bias.to_f64() + lanes.iter().sum::<f64>())
        }));
        pack_pair_tiles(batch.y, h, &mut buffers.tiles);
        pack_pair_strips(batch.x, h, T::one(), &mut buffers.a);
        pack_pair_strips(batch.y, h, -T::one(), &mut buffers.minus_b);
        zeroed(&mut buffers.da, buffers.a.len());
        zeroed(&mut buffers.db, buffers.minus_b.len());
        zeroed(&mut buffers.row_sums, batch.n);
        Self { batch, layer, buffers }
    }

    pub(super) fn stride(&self) -> usize {
        self.batch.stride
    }

    pub(super) fn sweep<R: Send>(
        &mut self,
        rows: Range<usize>,
        panel: &mut [T],
        results: &mut [R],
        row: impl Fn(usize, &mut [T], &mut [R]) + Sync,
    ) {
        let Embeddings { x, m, dim, stride, parallel, .. } = self.batch;
        let ShallowBuffers { w, offset, tiles, .. } = &*self.buffers;
        // The number of results of a row.
        let width = results.len() / rows.len();
        let block = |first: usize, panel: &mut [T], results: &mut [R]| {
            let a = &x[first * dim..][..results.len() / width * dim];
            relu_pair_scores(a, tiles, w, offset, panel, stride);
            let lines = panel.chunks_mut(stride).zip(results.chunks_mut(width));
            for (i, (line, results)) in (first..).zip(lines) {
                row(i, &mut line[..m], results);
            }
        };
        if parallel {
            let blocks = panel.par_chunks_mut(ROW_BLOCK * stride);
            let blocks = blocks.zip(results.par_chunks_mut(ROW_BLOCK * width)).enumerate();
            blocks.for_each(|(n, (panel, results))| {
                block(rows.start + n * ROW_BLOCK, panel, results);
            });
        } else {
            block(rows.start, panel, results);
        }
    }

    pub(super) fn accumulate(&mut self, rows: Range<usize>, panel: &mut [T], factors: &[T]) {
        let Embeddings { n, m, stride, parallel, .. } = self.batch;
        let ShallowBuffers { a, minus_b, da, db, row_sums, .. } = &mut *self.buffers;
        let sums = &mut row_sums[rows.clone()];
        let scaled = |((weights, &factor), sum): ((&mut [T], &T), &mut T)| {
            let weights = &mut weights[..m];
            scale(weights, factor);
            *sum = T::from_f64(weights.chunks(256).map(|w| sum_of(w).to_f64()).sum());
        };
        let (strip, strip_b) = (n * PAIR_STRIP, m * PAIR_STRIP);
        let span = rows.start * PAIR_STRIP..rows.end * PAIR_STRIP;
        if parallel {
            panel.par_chunks_mut(stride).zip(factors).zip(sums).for_each(scaled);
            let inputs = a.par_chunks(strip).zip(minus_b.par_chunks(strip_b));
            let sums = da.par_chunks_mut(strip).zip(db.par_chunks_mut(strip_b));
            inputs.zip(sums).for_each(|((a, minus_b), (da, db))| {
                let (a, da) = (&a[span.clone()], &mut da[span.clone()]);
                relu_pair_gradients(a, minus_b, panel, stride, da, db);
            });
        } else {
            panel.chunks_mut(stride).zip(factors).zip(sums).for_each(scaled);
            let inputs = a.chunks(strip).zip(minus_b.chunks(strip_b));
            let sums = da.chunks_mut(strip).zip(db.chunks_mut(strip_b));
            for ((a, minus_b), (da, db)) in inputs.zip(sums) {
                let (a, da) = (&a[span.clone()], &mut da[span.clone()]);
                relu_pair_gradients(a, minus_b, panel, stride, da, db);
            }
        }
    }

    pub(super) fn rescale(&mut self, factor: T) {
        scale(&mut self.buffers.db, factor);
    }

    pub(super) fn finish(
        &mut self,
        scaling: Scaling<'_, T>,
        gx: &mut [T],
        gy: &mut [T],
        gradients: &mut Gradients<T>,
    ) {
        let Embeddings { n, m, dim, .. } = self.batch;
        let ShallowBuffers { w, a, minus_b, da, db, row_sums, dw, .. } = &mut *self.buffers;
        dw.clear();
        let (strip, strip_b) = (n * PAIR_STRIP, m * PAIR_STRIP);
        let inputs = a.chunks(strip).zip(minus_b.chunks(strip_b));
        let sums = da.chunks_mut(strip).zip(db.chunks_mut(strip_b));
        for ((number, inputs), (da, db)) in inputs.enumerate().zip(sums) {
            let first = number * PAIR_STRIP;
            let units = PAIR_STRIP.min(dim - first);
            let (mut own_w, mut own_dw) = ([T::zero(); PAIR_STRIP], [0.0; PAIR_STRIP]);
            own_w[..units].copy_from_slice(&w[first..first + units]);
            if let Positives::Diagonal(diagonal) = scaling.positives {
                let pairs = PairScaling { rows: scaling.rows, columns: scaling.columns, diagonal };
                relu_pair_finish(inputs, pairs, &own_w, (&mut *da, &mut *db), &mut own_dw);
            } else {
                finish_listed(inputs, scaling, &own_w, (&mut *da, &mut *db), &mut own_dw);
            }
            dw.extend_from_slice(&own_dw[..units]);
            for (to, from) in [(&mut *gx, da), (&mut *gy, db)] {
                for (to, from) in to.chunks_mut(dim).zip(from.chunks(PAIR_STRIP)) {
                    to[first..first + units].copy_from_slice(&from[..units]);
                }
            }
        }
        let row_sums = scaling.rows.iter().zip(&*row_sums).map(|(&row, &sum)| row * sum);
        let dbias = match scaling.positives {
            Positives::Diagonal(positives) => {
                let terms = row_sums.zip(positives);
                terms.map(|(sum, &own)| sum.to_f64() + own.to_f64()).sum::<f64>()
            }
            Positives::Listed(_, positives) => {
                row_sums.map(Scalar::to_f64).sum::<f64>()
                    + positives.iter().map(|&own| own.to_f64()).sum::<f64>()
            }
        };
        for (gradient, &dw) in gradients.accumulate(self.layer.0).iter_mut().zip(&*dw) {
            *gradient += T::from_f64(dw);
        }
        gradients.accumulate(self.layer.1).iter_mut().for_each(|g| *g += T::from_f64(dbias));
    }
}

/// [`relu_pair_finish`] for sides of different sizes and positives anywhere.
fn finish_listed<T: Scalar>(
    (a, minus_b): (&[T], &[T]),
    scaling: Scaling<'_, T>,
    w: &[T; PAIR_STRIP],
    (da, db): (&mut [T], &mut [T]),
    dw: &mut [f64; PAIR_STRIP],
) {
    for (da, &row) in da.chunks_mut(PAIR_STRIP).zip(scaling.rows) {
        scale(da, row);
    }
    scale(db, scaling.columns);
    let line = |i: usize| i * PAIR_STRIP..(i + 1) * PAIR_STRIP;
    for (i, j, positive) in scaling.positives.iter() {
        let inputs = a[line(i)].iter().zip(&minus_b[line(j)]);
        let sums = da[line(i)].iter_mut().zip(&mut db[line(j)]);
        for ((a, minus_b), (da, db)) in inputs.zip(sums) {
            let own = if a > minus_b { positive } else { T::zero() };
            *da += own;
            *db += own;
        }
    }
    for (inputs, sums, sign) in [(a, da, 1.0), (minus_b, db, -1.0)] {
        for (inputs, sums) in inputs.chunks(PAIR_STRIP).zip(sums.chunks_mut(PAIR_STRIP)) {
            for (((&input, sum), dw), &w) in inputs.iter().zip(sums).zip(&mut *dw).zip(w) {
                *dw += sign * input.to_f64() * sum.to_f64();
                *sum *= w;
            }
        }
    }
}
