//! Scores of a one-hidden-layer network on sums of pairs, `s_ij = β_j + Σ_h w_h relu(a_ih + b_jh)`,
//! and their gradients, without any array of pairs × h.
//!
//! Both directions work on −b: `relu(a + b) = max(a, −b) + b`, so the first term alone depends on
//! the pair, and `a + b > 0` exactly where `a > −b`.

use crate::Scalar;
use crate::simd::{Kernel, Simd, dispatch};

/// Columns of a tile of −b as [`relu_pair_scores`] reads it.
pub const PAIR_TILE: usize = 64;

/// Hidden units of a strip as [`relu_pair_gradients`] reads it.
pub const PAIR_STRIP: usize = 16;

/// Columns that stay in the first-level cache while the rows of a strip pass by.
const COLUMN_BLOCK: usize = 256;

/// `out_ij = offset_j + Σ_h w_h max(a_ih, −b_jh)`.
///
/// In `f32` the sum over h is rounded once a term: its error is of the order of
/// `6·10⁻⁸ · Σ_h |w_h| (|a_ih| + |b_jh|)`.
///
/// # Shapes
/// `a` is n×h row-major; `minus_b` is −b packed by [`pack_pair_tiles`]; `w` has h elements,
/// `offset` k; `out` is n×k row-major.
///
/// # Panics
/// When the lengths do not fit: a mistake in the calling code, never in a user's input.
pub fn relu_pair_scores<T: Scalar>(a: &[T], minus_b: &[T], w: &[T], offset: &[T], out: &mut [T]) {
    let (h, k) = (w.len(), offset.len());
    assert_eq!(minus_b.len(), k.div_ceil(PAIR_TILE) * PAIR_TILE * h, "packed tiles of k×h");
    assert_eq!(a.len() * k, out.len() * h, "a of n×h and out of n×k");
    T::relu_pair_scores(a, minus_b, w, offset, out);
}

/// With `m_ij = 1` where `a_i > −b_j` for one strip of hidden units: `da_i ← da_i + Σ_j g_ij m_ij`
/// and `db_j ← db_j + Σ_i g_ij m_ij`, each sum in the order of its index.
///
/// # Shapes
/// `a` and `da` are n×[`PAIR_STRIP`], `minus_b` and `db` are k×[`PAIR_STRIP`], `g` is n×k, all
/// row-major.
///
/// # Panics
/// As [`relu_pair_scores`].
pub fn relu_pair_gradients<T: Scalar>(a: &[T], minus_b: &[T], g: &[T], da: &mut [T], db: &mut [T]) {
    assert!(
        a.len() == da.len() && minus_b.len() == db.len(),
        "gradients have their operand's size"
    );
    let pairs = (a.len() / PAIR_STRIP) * (minus_b.len() / PAIR_STRIP);
    assert!(a.len().is_multiple_of(PAIR_STRIP) && g.len() == pairs, "g of n×k");
    T::relu_pair_gradients(a, minus_b, g, da, db);
}

/// Packs −b (k×h, row-major) for [`relu_pair_scores`]: tiles of [`PAIR_TILE`] columns, in a tile
/// one line a hidden unit; the last tile is filled up with zeros.
pub fn pack_pair_tiles<T: Scalar>(b: &[T], h: usize, packed: &mut Vec<T>) {
    let k = b.len().checked_div(h).unwrap_or(0);
    packed.clear();
    packed.resize(k.div_ceil(PAIR_TILE) * PAIR_TILE * h, T::zero());
    if h == 0 {
        return;
    }
    for (tile, rows) in packed.chunks_mut(PAIR_TILE * h).zip(b.chunks(PAIR_TILE * h)) {
        for (j, row) in rows.chunks(h).enumerate() {
            for (hidden, &b) in row.iter().enumerate() {
                tile[hidden * PAIR_TILE + j] = -b;
            }
        }
    }
}

/// Packs `sign · x` (n×h, row-major) for [`relu_pair_gradients`]: one n×[`PAIR_STRIP`] matrix a
/// strip, one after the other, the last filled up with zeros.
pub fn pack_pair_strips<T: Scalar>(x: &[T], h: usize, sign: T, packed: &mut Vec<T>) {
    let n = x.len().checked_div(h).unwrap_or(0);
    packed.clear();
    packed.resize(h.div_ceil(PAIR_STRIP) * n * PAIR_STRIP, T::zero());
    if n == 0 {
        return;
    }
    for (s, strip) in packed.chunks_mut(n * PAIR_STRIP).enumerate() {
        for (line, row) in strip.chunks_mut(PAIR_STRIP).zip(x.chunks(h)) {
            for (to, &from) in line.iter_mut().zip(&row[s * PAIR_STRIP..]) {
                *to = sign * from;
            }
        }
    }
}

/// The kernels of a scalar type; public in name only, as a supertrait of [`Scalar`].
pub trait ReluPairs: Sized {
    #[doc(hidden)]
    fn relu_pair_scores(
        a: &[Self],
        minus_b: &[Self],
        w: &[Self],
        offset: &[Self],
        out: &mut [Self],
    );
    #[doc(hidden)]
    fn relu_pair_gradients(
        a: &[Self],
        minus_b: &[Self],
        g: &[Self],
        da: &mut [Self],
        db: &mut [Self],
    );
}

impl ReluPairs for f64 {
    fn relu_pair_scores(a: &[f64], minus_b: &[f64], w: &[f64], offset: &[f64], out: &mut [f64]) {
        let (h, k) = (w.len(), offset.len());
        if h == 0 || k == 0 {
            return;
        }
        for (a, out) in a.chunks(h).zip(out.chunks_mut(k)) {
            let tiles = minus_b.chunks(PAIR_TILE * h);
            for ((out, offset), tile) in
                out.chunks_mut(PAIR_TILE).zip(offset.chunks(PAIR_TILE)).zip(tiles)
            {
                out.copy_from_slice(offset);
                for ((&a, &w), line) in a.iter().zip(w).zip(tile.chunks(PAIR_TILE)) {
                    for (out, &minus_b) in out.iter_mut().zip(line) {
                        *out += w * if a > minus_b { a } else { minus_b };
                    }
                }
            }
        }
    }

    fn relu_pair_gradients(a: &[f64], minus_b: &[f64], g: &[f64], da: &mut [f64], db: &mut [f64]) {
        let k = minus_b.len() / PAIR_STRIP;
        if k == 0 {
            return;
        }
        let rows = a.chunks(PAIR_STRIP).zip(da.chunks_mut(PAIR_STRIP)).zip(g.chunks(k));
        for ((a, da), g) in rows {
            let columns = minus_b.chunks(PAIR_STRIP).zip(db.chunks_mut(PAIR_STRIP)).zip(g);
            for ((minus_b, db), &g) in columns {
                for unit in 0..PAIR_STRIP {
                    let g = if a[unit] > minus_b[unit] { g } else { 0.0 };
                    da[unit] += g;
                    db[unit] += g;
                }
            }
        }
    }
}

impl ReluPairs for f32 {
    fn relu_pair_scores(a: &[f32], minus_b: &[f32], w: &[f32], offset: &[f32], out: &mut [f32]) {
        dispatch(Scores { a, minus_b, w, offset, out });
    }

    fn relu_pair_gradients(a: &[f32], minus_b: &[f32], g: &[f32], da: &mut [f32], db: &mut [f32]) {
        dispatch(Gradients { a, minus_b, g, da, db });
    }
}

struct Scores<'a> {
    a: &'a [f32],
    minus_b: &'a [f32],
    w: &'a [f32],
    offset: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Scores<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { a, minus_b, w, offset, out } = self;
        let (h, k) = (w.len(), offset.len());
        if h == 0 || k == 0 {
            return;
        }
        let tiles = minus_b.chunks_exact(PAIR_TILE * h);
        for ((tile, offset), first) in
            tiles.zip(offset.chunks(PAIR_TILE)).zip((0..k).step_by(PAIR_TILE))
        {
            // As many rows and columns at a time as sums fit in registers.
            if S::LANES == 16 {
                score_tile::<S, 6, 4>(s, a, tile, w, offset, out, k, first);
            } else {
                score_tile::<S, 4, 2>(s, a, tile, w, offset, out, k, first);
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
    k: usize,
    first: usize,
) {
    let h = w.len();
    let mut rows = a.chunks_exact(ROWS * h);
    let mut outs = out.chunks_exact_mut(ROWS * k);
    for (a, out) in (&mut rows).zip(&mut outs) {
        score_rows::<S, ROWS, VECTORS>(s, a, tile, w, offset, out, k, first);
    }
    for (a, out) in rows.remainder().chunks_exact(h).zip(outs.into_remainder().chunks_exact_mut(k))
    {
        score_rows::<S, 1, VECTORS>(s, a, tile, w, offset, out, k, first);
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
    k: usize,
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
            for (sums, a) in sums.iter_mut().zip(&a) {
                let a = s.splat(a[hidden]);
                for (sum, &minus_b) in sums.iter_mut().zip(&minus_b) {
                    *sum = s.mul_add(w, s.max(a, minus_b), *sum);
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            let offset = &offset[start..];
            let out = &mut out[i * k + first + start..][..offset.len().min(width)];
            let vectors = out.chunks_mut(S::LANES).zip(offset.chunks(S::LANES));
            for ((out, offset), &sum) in vectors.zip(sums) {
                s.store_part(out, s.add(sum, s.load_part(offset, 0.0)));
            }
        }
    }
}

struct Gradients<'a> {
    a: &'a [f32],
    minus_b: &'a [f32],
    g: &'a [f32],
    da: &'a mut [f32],
    db: &'a mut [f32],
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
    let Gradients { a, minus_b, g, da, db } = strip;
    let k = minus_b.len() / PAIR_STRIP;
    let block = COLUMN_BLOCK * PAIR_STRIP;
    for ((minus_b, db), first) in
        minus_b.chunks(block).zip(db.chunks_mut(block)).zip((0..k).step_by(COLUMN_BLOCK))
    {
        let mut rows = a.chunks_exact(ROWS * PAIR_STRIP);
        let mut sums = da.chunks_exact_mut(ROWS * PAIR_STRIP);
        let mut lines = g.chunks_exact(ROWS * k);
        for ((a, da), g) in (&mut rows).zip(&mut sums).zip(&mut lines) {
            gradient_rows::<S, ROWS>(s, a, minus_b, g, da, db, k, first);
        }
        let rows = rows.remainder().chunks_exact(PAIR_STRIP);
        let sums = sums.into_remainder().chunks_exact_mut(PAIR_STRIP);
        for ((a, da), g) in rows.zip(sums).zip(lines.remainder().chunks_exact(k)) {
            gradient_rows::<S, 1>(s, a, minus_b, g, da, db, k, first);
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
    k: usize,
    first: usize,
) {
    let columns = minus_b.len() / PAIR_STRIP;
    let g: [&[f32]; ROWS] = std::array::from_fn(|i| &g[i * k + first..][..columns]);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Portable;

    fn scattered(n: usize, phase: f64) -> Vec<f32> {
        (0..n).map(|i| ((i * i + 3 * i) as f64 * 0.7 + phase).sin() as f32).collect()
    }

    fn wide(x: &[f32]) -> Vec<f64> {
        x.iter().map(|&x| f64::from(x)).collect()
    }

    fn close(name: &str, found: &[f32], expected: &[f64], tolerance: f64) {
        for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            let error = (f64::from(found) - expected).abs();
            assert!(error <= tolerance, "{name} {i}: {found} {expected}");
        }
    }

    #[test]
    fn scores_equal_the_network_on_every_pair() {
        for (n, k, h) in [(1, 1, 1), (7, 5, 3), (13, 64, 16), (6, 65, 33), (12, 200, 20)] {
            let (a, b) = (scattered(n * h, 0.0), scattered(k * h, 1.0));
            let (w, bias) = (scattered(h, 2.0), 0.3);
            let mut exact = vec![bias; n * k];
            for i in 0..n {
                for j in 0..k {
                    for unit in 0..h {
                        let sum = f64::from(a[i * h + unit]) + f64::from(b[j * h + unit]);
                        exact[i * k + j] += f64::from(w[unit]) * sum.max(0.0);
                    }
                }
            }
            let offset: Vec<f32> = (0..k)
                .map(|j| bias as f32 + (0..h).map(|unit| w[unit] * b[j * h + unit]).sum::<f32>())
                .collect();
            let mut minus_b = Vec::new();
            pack_pair_tiles(&b, h, &mut minus_b);
            let mut out = vec![f32::NAN; n * k];
            relu_pair_scores(&a, &minus_b, &w, &offset, &mut out);
            close("dispatched", &out, &exact, 1e-5);
            let scores = Scores { a: &a, minus_b: &minus_b, w: &w, offset: &offset, out: &mut out };
            Portable.run(scores);
            close("portable", &out, &exact, 1e-5);
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = crate::simd::Avx2::detect() {
                out.fill(f32::NAN);
                let scores =
                    Scores { a: &a, minus_b: &minus_b, w: &w, offset: &offset, out: &mut out };
                simd.run(scores);
                close("avx2", &out, &exact, 1e-5);
            }
            let mut out = vec![f64::NAN; n * k];
            let offset: Vec<f64> = (0..k)
                .map(|j| {
                    let term = |unit| f64::from(w[unit]) * f64::from(b[j * h + unit]);
                    bias + (0..h).map(term).sum::<f64>()
                })
                .collect();
            relu_pair_scores(&wide(&a), &wide(&minus_b), &wide(&w), &offset, &mut out);
            for (found, expected) in out.iter().zip(&exact) {
                assert!((found - expected).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn gradients_equal_sums_over_every_pair() {
        for (n, k) in [(1, 1), (8, 3), (9, 5), (20, 300)] {
            let (a, b) = (scattered(n * PAIR_STRIP, 0.0), scattered(k * PAIR_STRIP, 1.0));
            let g = scattered(n * k, 2.0);
            let mut da = wide(&scattered(n * PAIR_STRIP, 3.0));
            let mut db = wide(&scattered(k * PAIR_STRIP, 4.0));
            for i in 0..n {
                for j in 0..k {
                    for unit in 0..PAIR_STRIP {
                        let (i_unit, j_unit) = (i * PAIR_STRIP + unit, j * PAIR_STRIP + unit);
                        if a[i_unit] + b[j_unit] > 0.0 {
                            da[i_unit] += f64::from(g[i * k + j]);
                            db[j_unit] += f64::from(g[i * k + j]);
                        }
                    }
                }
            }
            let minus_b: Vec<f32> = b.iter().map(|b| -b).collect();
            let start = || (scattered(n * PAIR_STRIP, 3.0), scattered(k * PAIR_STRIP, 4.0));
            let check = |name: &str, found: (Vec<f32>, Vec<f32>)| {
                close(name, &found.0, &da, 1e-4);
                close(name, &found.1, &db, 1e-4);
            };
            let mut found = start();
            relu_pair_gradients(&a, &minus_b, &g, &mut found.0, &mut found.1);
            check("dispatched", found);
            let mut found = start();
            let (da_out, db_out) = (&mut found.0, &mut found.1);
            Portable.run(Gradients { a: &a, minus_b: &minus_b, g: &g, da: da_out, db: db_out });
            check("portable", found);
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = crate::simd::Avx2::detect() {
                let mut found = start();
                let (da_out, db_out) = (&mut found.0, &mut found.1);
                simd.run(Gradients { a: &a, minus_b: &minus_b, g: &g, da: da_out, db: db_out });
                check("avx2", found);
            }
            let (mut da_out, mut db_out) = (wide(&start().0), wide(&start().1));
            relu_pair_gradients(&wide(&a), &wide(&minus_b), &wide(&g), &mut da_out, &mut db_out);
            let all = da_out.iter().chain(&db_out).zip(da.iter().chain(&db));
            assert!(all.into_iter().all(|(found, expected)| (found - expected).abs() < 1e-12));
        }
    }

    #[test]
    fn strips_hold_every_unit_once() {
        let x = scattered(3 * 20, 0.0);
        let mut packed = Vec::new();
        pack_pair_strips(&x, 20, -1.0, &mut packed);
        assert_eq!(packed.len(), 2 * 3 * PAIR_STRIP);
        assert_eq!(packed[PAIR_STRIP + 15], -x[20 + 15]);
        assert_eq!(packed[3 * PAIR_STRIP + 2 * PAIR_STRIP + 3], -x[2 * 20 + 19]);
        assert_eq!(packed[3 * PAIR_STRIP + 4], 0.0);
    }
}
