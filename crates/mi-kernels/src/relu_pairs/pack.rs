use super::{PAIR_STRIP, PAIR_TILE};
use crate::Scalar;

/// Packs −b (k×h, row-major) for [`relu_pair_scores`](super::relu_pair_scores): tiles of
/// [`PAIR_TILE`] columns, with one line per hidden unit; the last tile is padded with zeros.
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

/// Packs `sign · x` (n×h, row-major) for [`relu_pair_gradients`](super::relu_pair_gradients): one
/// n×[`PAIR_STRIP`] matrix per strip, in order, the last padded with zeros.
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
