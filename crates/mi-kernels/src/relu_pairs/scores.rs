use super::PAIR_TILE;
use crate::simd::{Kernel, Simd};

/// See [`super::relu_pair_scores`].
pub(super) struct Scores<'a> {
    pub(super) a: &'a [f32],
    pub(super) minus_b: &'a [f32],
    pub(super) w: &'a [f32],
    pub(super) offset: &'a [f32],
    pub(super) out: &'a mut [f32],
    pub(super) stride: usize,
}

impl Kernel for Scores<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { a, minus_b, w, offset, out, stride } = self;
        let (h, k) = (w.len(), offset.len());
        if h == 0 || k == 0 {
            return;
        }
        let tiles = minus_b.chunks_exact(PAIR_TILE * h);
        for ((tile, offset), first) in
            tiles.zip(offset.chunks(PAIR_TILE)).zip((0..k).step_by(PAIR_TILE))
        {
            // As many rows and columns at a time as there are registers for their sums.
            if S::LANES == 16 {
                score_tile::<S, 6, 4>(s, a, tile, w, offset, out, stride, first);
            } else {
                score_tile::<S, 4, 2>(s, a, tile, w, offset, out, stride, first);
            }
        }
    }
}

/// All rows of one tile of columns.
#[inline(always)]
fn score_tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    s: S,
    a: &[f32],
    tile: &[f32],
    w: &[f32],
    offset: &[f32],
    out: &mut [f32],
    stride: usize,
    first: usize,
) {
    let h = w.len();
    let mut rows = a.chunks_exact(ROWS * h);
    let mut outs = out.chunks_exact_mut(ROWS * stride);
    for (a, out) in (&mut rows).zip(&mut outs) {
        score_rows::<S, ROWS, VECTORS>(s, a, tile, w, offset, out, stride, first);
    }
    for (a, out) in
        rows.remainder().chunks_exact(h).zip(outs.into_remainder().chunks_exact_mut(stride))
    {
        score_rows::<S, 1, VECTORS>(s, a, tile, w, offset, out, stride, first);
    }
}

#[inline(always)]
fn score_rows<S: Simd, const ROWS: usize, const VECTORS: usize>(
    s: S,
    a: &[f32],
    tile: &[f32],
    w: &[f32],
    offset: &[f32],
    out: &mut [f32],
    stride: usize,
    first: usize,
) {
    let h = w.len();
    let width = VECTORS * S::LANES;
    let a: [&[f32]; ROWS] = std::array::from_fn(|i| &a[i * h..][..h]);
    for start in (0..offset.len()).step_by(width) {
        let mut sums = [[s.splat(0.0); VECTORS]; ROWS];
        for (hidden, (line, &w)) in tile.chunks_exact(PAIR_TILE).zip(w).enumerate() {
            let line = &line[start..start + width];
            let w = s.splat(w);
            let mut minus_b = [w; VECTORS];
            for (v, minus_b) in minus_b.iter_mut().enumerate() {
                *minus_b = s.load(&line[v * S::LANES..(v + 1) * S::LANES]);
            }
            // `a` is the second operand of `max`, which wins over NaN: a NaN of `a` reaches its sum
            // here, one of `b` by the offset.
            for (sums, a) in sums.iter_mut().zip(&a) {
                let a = s.splat(a[hidden]);
                for (sum, &minus_b) in sums.iter_mut().zip(&minus_b) {
                    *sum = s.mul_add(w, s.max(minus_b, a), *sum);
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            let offset = &offset[start..];
            let out = &mut out[i * stride + first + start..][..offset.len().min(width)];
            let vectors = out.chunks_mut(S::LANES).zip(offset.chunks(S::LANES));
            for ((out, offset), &sum) in vectors.zip(sums) {
                s.store_part(out, s.add(sum, s.load_part(offset, 0.0)));
            }
        }
    }
}
