//! Scores of a one-hidden-layer network on sums of pairs, `s_ij = β_j + Σ_h w_h relu(a_ih + b_jh)`,
//! and their gradients, without any array of pairs × h.
//!
//! Both directions work on −b: `relu(a + b) = max(a, −b) + b`, so only the first term depends on
//! the pair, and `a + b > 0` exactly where `a > −b`.

mod finish;
mod gradients;
mod pack;
mod scores;

pub use pack::{pack_pair_strips, pack_pair_tiles};

use crate::Scalar;
use crate::simd::dispatch;
use finish::Finish;
use gradients::Gradients;
use scores::Scores;

/// Columns of a tile of −b as [`relu_pair_scores`] reads it.
pub const PAIR_TILE: usize = 64;

/// Hidden units of a strip as [`relu_pair_gradients`] reads it.
pub const PAIR_STRIP: usize = 16;

/// `out_ij = offset_j + Σ_h w_h max(a_ih, −b_jh)`.
///
/// In `f32` the sum over h is rounded once per term: its error is of the order of
/// `6·10⁻⁸ · Σ_h |w_h| (|a_ih| + |b_jh|)`.
///
/// A row with a NaN in `a` has NaN scores. NaN in `minus_b` is passed over: the caller's offset,
/// which contains `Σ_h w_h b_jh`, is NaN then.
///
/// # Shapes
/// `a` is n×h row-major; `minus_b` is −b packed by [`pack_pair_tiles`]; `w` has h elements,
/// `offset` k; `out` has n rows that start every `stride` elements, of which k are written.
///
/// # Panics
/// If the lengths do not fit: a mistake in the calling code, never in a user's input.
pub fn relu_pair_scores<T: Scalar>(
    a: &[T],
    minus_b: &[T],
    w: &[T],
    offset: &[T],
    out: &mut [T],
    stride: usize,
) {
    let (h, k) = (w.len(), offset.len());
    assert_eq!(minus_b.len(), k.div_ceil(PAIR_TILE) * PAIR_TILE * h, "packed tiles of k×h");
    assert!(k <= stride && a.len() * stride == out.len() * h, "a of n×h, out of n×stride");
    T::relu_pair_scores(a, minus_b, w, offset, out, stride);
}

/// With `m_ij = 1` where `a_i > −b_j` for one strip of hidden units: `da_i ← da_i + Σ_j g_ij m_ij`
/// and `db_j ← db_j + Σ_i g_ij m_ij`, each sum in the order of its index.
///
/// # Shapes
/// `a` and `da` are n×[`PAIR_STRIP`], `minus_b` and `db` are k×[`PAIR_STRIP`], row-major; `g` has n
/// rows that start every `stride` elements, of which k are read.
///
/// # Panics
/// Like [`relu_pair_scores`].
pub fn relu_pair_gradients<T: Scalar>(
    a: &[T],
    minus_b: &[T],
    g: &[T],
    stride: usize,
    da: &mut [T],
    db: &mut [T],
) {
    assert!(
        a.len() == da.len() && minus_b.len() == db.len(),
        "gradients have their operand's size"
    );
    let (n, k) = (a.len() / PAIR_STRIP, minus_b.len() / PAIR_STRIP);
    assert!(a.len() == n * PAIR_STRIP && minus_b.len() == k * PAIR_STRIP, "whole strips");
    assert!(k <= stride && g.len() == n * stride, "g of n×stride");
    T::relu_pair_gradients(a, minus_b, g, stride, da, db);
}

/// Factors that turn the sums of [`relu_pair_gradients`] into gradients.
#[derive(Clone, Copy, Debug)]
pub struct PairScaling<'a, T> {
    /// The factor of each row's sums.
    pub rows: &'a [T],
    /// The factor of all columns' sums.
    pub columns: T,
    /// The gradient of each pair (i, i), which is not yet in any sum.
    pub diagonal: &'a [T],
}

/// Turns the sums of one strip of hidden units into gradients: with the sums `A_i` and `B_i`
/// scaled and the pairs (i, i) added, `da_i ← w ∘ A_i`, `db_i ← w ∘ B_i`, and
/// `Σ_i (a_i ∘ A_i + b_i ∘ B_i)` is added to `dw`, the gradient of w.
///
/// # Shapes
/// `a`, `minus_b`, `da` and `db` are n×[`PAIR_STRIP`]; `w` and `dw` have [`PAIR_STRIP`] elements.
///
/// # Panics
/// Like [`relu_pair_scores`].
pub fn relu_pair_finish<T: Scalar>(
    (a, minus_b): (&[T], &[T]),
    scaling: PairScaling<'_, T>,
    w: &[T; PAIR_STRIP],
    (da, db): (&mut [T], &mut [T]),
    dw: &mut [f64; PAIR_STRIP],
) {
    let n = scaling.rows.len();
    assert!(a.len() == n * PAIR_STRIP && minus_b.len() == a.len() && scaling.diagonal.len() == n);
    assert!(da.len() == a.len() && db.len() == a.len(), "gradients have their operand's size");
    T::relu_pair_finish((a, minus_b), scaling, w, (da, db), dw);
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
        stride: usize,
    );
    #[doc(hidden)]
    fn relu_pair_gradients(
        a: &[Self],
        minus_b: &[Self],
        g: &[Self],
        stride: usize,
        da: &mut [Self],
        db: &mut [Self],
    );
    #[doc(hidden)]
    fn relu_pair_finish(
        inputs: (&[Self], &[Self]),
        scaling: PairScaling<'_, Self>,
        w: &[Self; PAIR_STRIP],
        sums: (&mut [Self], &mut [Self]),
        dw: &mut [f64; PAIR_STRIP],
    );
}

impl ReluPairs for f64 {
    fn relu_pair_scores(
        a: &[f64],
        minus_b: &[f64],
        w: &[f64],
        offset: &[f64],
        out: &mut [f64],
        stride: usize,
    ) {
        let (h, k) = (w.len(), offset.len());
        if h == 0 || k == 0 {
            return;
        }
        for (a, out) in a.chunks(h).zip(out.chunks_mut(stride)) {
            let tiles = minus_b.chunks(PAIR_TILE * h);
            for ((out, offset), tile) in
                out[..k].chunks_mut(PAIR_TILE).zip(offset.chunks(PAIR_TILE)).zip(tiles)
            {
                out.copy_from_slice(offset);
                for ((&a, &w), line) in a.iter().zip(w).zip(tile.chunks(PAIR_TILE)) {
                    for (out, &minus_b) in out.iter_mut().zip(line) {
                        // A NaN of `a` is larger than nothing and must not be passed over.
                        *out += w * if minus_b > a { minus_b } else { a };
                    }
                }
            }
        }
    }

    fn relu_pair_gradients(
        a: &[f64],
        minus_b: &[f64],
        g: &[f64],
        stride: usize,
        da: &mut [f64],
        db: &mut [f64],
    ) {
        let k = minus_b.len() / PAIR_STRIP;
        if k == 0 {
            return;
        }
        let rows = a.chunks(PAIR_STRIP).zip(da.chunks_mut(PAIR_STRIP)).zip(g.chunks(stride));
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

    fn relu_pair_finish(
        (a, minus_b): (&[f64], &[f64]),
        scaling: PairScaling<'_, f64>,
        w: &[f64; PAIR_STRIP],
        (da, db): (&mut [f64], &mut [f64]),
        dw: &mut [f64; PAIR_STRIP],
    ) {
        let inputs = a.chunks_exact(PAIR_STRIP).zip(minus_b.chunks_exact(PAIR_STRIP));
        let sums = da.chunks_exact_mut(PAIR_STRIP).zip(db.chunks_exact_mut(PAIR_STRIP));
        let factors = scaling.rows.iter().zip(scaling.diagonal);
        for (((a, minus_b), (da, db)), (row, &diagonal)) in inputs.zip(sums).zip(factors) {
            for unit in 0..PAIR_STRIP {
                let own = if a[unit] > minus_b[unit] { diagonal } else { 0.0 };
                let (sum_a, sum_b) = (row * da[unit] + own, scaling.columns * db[unit] + own);
                dw[unit] += a[unit] * sum_a - minus_b[unit] * sum_b;
                (da[unit], db[unit]) = (w[unit] * sum_a, w[unit] * sum_b);
            }
        }
    }
}

impl ReluPairs for f32 {
    fn relu_pair_scores(
        a: &[f32],
        minus_b: &[f32],
        w: &[f32],
        offset: &[f32],
        out: &mut [f32],
        stride: usize,
    ) {
        dispatch(Scores { a, minus_b, w, offset, out, stride });
    }

    fn relu_pair_gradients(
        a: &[f32],
        minus_b: &[f32],
        g: &[f32],
        stride: usize,
        da: &mut [f32],
        db: &mut [f32],
    ) {
        dispatch(Gradients { a, minus_b, g, stride, da, db });
    }

    fn relu_pair_finish(
        (a, minus_b): (&[f32], &[f32]),
        scaling: PairScaling<'_, f32>,
        w: &[f32; PAIR_STRIP],
        (da, db): (&mut [f32], &mut [f32]),
        dw: &mut [f64; PAIR_STRIP],
    ) {
        dispatch(Finish { a, minus_b, scaling, w, da, db, dw });
    }
}

#[cfg(test)]
mod tests;
