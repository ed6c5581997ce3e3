use super::PAIR_STRIP;
use crate::simd::{Kernel, Simd};

/// Columns that stay in the first-level cache while the rows of a strip are processed.
const COLUMN_BLOCK: usize = 256;

/// See [`super::relu_pair_gradients`].
pub(super) struct Gradients<'a> {
    pub(super) a: &'a [f32],
    pub(super) minus_b: &'a [f32],
    pub(super) g: &'a [f32],
    pub(super) stride: usize,
    pub(super) da: &'a mut [f32],
    pub(super) db: &'a mut [f32],
}

impl Kernel for Gradients<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        if S::LANES == 16 {
            gradient_strip::<S, 8>(s, self);
        } else {
            gradient_strip::<S, 4>(s, self);
        }
    }
}

#[inline(always)]
fn gradient_strip<S: Simd, const ROWS: usize>(s: S, strip: Gradients<'_>) {
    let Gradients { a, minus_b, g, stride, da, db } = strip;
    let k = minus_b.len() / PAIR_STRIP;
    let block = COLUMN_BLOCK * PAIR_STRIP;
    for ((minus_b, db), first) in
        minus_b.chunks(block).zip(db.chunks_mut(block)).zip((0..k).step_by(COLUMN_BLOCK))
    {
        let mut rows = a.chunks_exact(ROWS * PAIR_STRIP);
        let mut sums = da.chunks_exact_mut(ROWS * PAIR_STRIP);
        let mut lines = g.chunks_exact(ROWS * stride);
        for ((a, da), g) in (&mut rows).zip(&mut sums).zip(&mut lines) {
            gradient_rows::<S, ROWS>(s, a, minus_b, g, da, db, stride, first);
        }
        let rows = rows.remainder().chunks_exact(PAIR_STRIP);
        let sums = sums.into_remainder().chunks_exact_mut(PAIR_STRIP);
        for ((a, da), g) in rows.zip(sums).zip(lines.remainder().chunks_exact(stride)) {
            gradient_rows::<S, 1>(s, a, minus_b, g, da, db, stride, first);
        }
    }
}

#[inline(always)]
fn gradient_rows<S: Simd, const ROWS: usize>(
    s: S,
    a: &[f32],
    minus_b: &[f32],
    g: &[f32],
    da: &mut [f32],
    db: &mut [f32],
    stride: usize,
    first: usize,
) {
    let columns = minus_b.len() / PAIR_STRIP;
    let g: [&[f32]; ROWS] = std::array::from_fn(|i| &g[i * stride + first..][..columns]);
    for lane in (0..PAIR_STRIP).step_by(S::LANES) {
        let mut units = [s.splat(0.0); ROWS];
        let mut sums = units;
        for i in 0..ROWS {
            units[i] = s.load(&a[i * PAIR_STRIP + lane..]);
            sums[i] = s.load(&da[i * PAIR_STRIP + lane..]);
        }
        let lines = minus_b.chunks_exact(PAIR_STRIP).zip(db.chunks_exact_mut(PAIR_STRIP));
        for (j, (minus_b, db)) in lines.enumerate() {
            let minus_b = s.load(&minus_b[lane..lane + S::LANES]);
            let db = &mut db[lane..lane + S::LANES];
            let mut column = s.load(db);
            for i in 0..ROWS {
                let active = s.greater(units[i], minus_b);
                let g = s.splat(g[i][j]);
                sums[i] = s.add_where(active, sums[i], g);
                column = s.add_where(active, column, g);
            }
            s.store(db, column);
        }
        for i in 0..ROWS {
            s.store(&mut da[i * PAIR_STRIP + lane..], sums[i]);
        }
    }
}
