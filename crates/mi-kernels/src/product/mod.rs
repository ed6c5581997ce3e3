//! The matrix product.
//!
//! In single precision on AVX-512 and AVX2 this module has its own code. The right operand is
//! packed into panels three vectors wide (copied, or transposed in registers) in memory that each
//! thread keeps, the left one is read in place, and a tile of the result stays in registers over a
//! block of the inner dimension. Everything else uses `matrixmultiply`.

mod pack;
mod tile;

use std::cell::Cell;
use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, s};

use crate::Scalar;
use crate::simd::{Kernel, Simd, dispatch};
use pack::pack;
use tile::{Factors, Left, Out, tiles};

/// Rows of a packed panel: with three vectors of 16 lanes it fills the first-level cache.
const INNER_BLOCK: usize = 256;

/// Vectors in the width of a panel.
const PANEL_VECTORS: usize = 3;

/// Numbers that are packed at a time: enough for stretches of a row to be prefetched, and few
/// enough to stay in the second-level cache.
const CHUNK: usize = 1 << 16;

/// If all three dimensions are at least this large, it also pays to pack the left operand, which
/// the other library does.
const LARGE: usize = 768;

/// `c ← alpha · a · b + beta · c`, for matrices of any layout.
///
/// In `f32` on processors with AVX-512 or AVX2, each row of `c` has the same bits whatever other
/// rows are computed with it, with two exceptions: another library computes a product whose three
/// dimensions are all 768 or more, and one whose `c` has neither rows nor columns of adjacent
/// elements. A row of such a product may differ in the last bits from the same row of a smaller
/// one.
///
/// # Shapes
/// `a` is m×k, `b` is k×n and `c` is m×n. With `beta = 0` the old values of `c` are not read.
///
/// # Panics
/// If the shapes do not fit: a mistake in the calling code, never in a user's input.
pub fn matrix_product<T: Scalar>(
    alpha: T,
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
    beta: T,
    c: ArrayViewMut2<'_, T>,
) {
    assert_eq!(a.ncols(), b.nrows(), "the inner dimensions of a product differ");
    assert_eq!((a.nrows(), b.ncols()), c.dim(), "the result of a product has another shape");
    T::product(alpha, a, b, beta, c);
}

/// The product of a scalar type; public in name only, as a supertrait of [`Scalar`].
pub trait Product: Sized {
    #[doc(hidden)]
    fn product(
        alpha: Self,
        a: ArrayView2<'_, Self>,
        b: ArrayView2<'_, Self>,
        beta: Self,
        c: ArrayViewMut2<'_, Self>,
    );
}

impl Product for f64 {
    fn product(
        alpha: f64,
        a: ArrayView2<'_, f64>,
        b: ArrayView2<'_, f64>,
        beta: f64,
        mut c: ArrayViewMut2<'_, f64>,
    ) {
        general_mat_mul(alpha, &a, &b, beta, &mut c);
    }
}

impl Product for f32 {
    fn product(
        alpha: f32,
        a: ArrayView2<'_, f32>,
        b: ArrayView2<'_, f32>,
        beta: f32,
        mut c: ArrayViewMut2<'_, f32>,
    ) {
        // A column-major result is the row-major result of the transposed product.
        let (a, b) = if c.strides()[1] != 1 && c.strides()[0] == 1 {
            c = c.reversed_axes();
            (b.reversed_axes(), a.reversed_axes())
        } else {
            (a, b)
        };
        let (m, k) = a.dim();
        let large = m.min(k).min(b.ncols()) >= LARGE;
        let own = !a.is_empty()
            && !b.is_empty()
            && !large
            && dispatch(OwnProduct { alpha, a, b, beta, c: &mut c });
        if !own {
            general_mat_mul(alpha, &a, &b, beta, &mut c);
        }
    }
}

/// A product by this module's tiles; returns whether it was done, which depends on the available
/// vectors and on the result's layout.
struct OwnProduct<'a, 'c> {
    alpha: f32,
    a: ArrayView2<'a, f32>,
    b: ArrayView2<'a, f32>,
    beta: f32,
    c: &'a mut ArrayViewMut2<'c, f32>,
}

thread_local! {
    /// Packed panels.
    static MEMORY: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

impl Kernel for OwnProduct<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> bool {
        let Some(mut out) = Out::new(self.c).filter(|_| S::TILE_ROWS > 0) else {
            return false;
        };
        let left = Left::new(self.a);
        let (k, n) = self.b.dim();
        // Moved out rather than borrowed in a closure, which would be compiled without the features
        // of these vectors.
        let mut memory = MEMORY.take();
        let blocks = k.div_ceil(INNER_BLOCK);
        for inner in split(k, k.div_ceil(blocks)) {
            let beta = if inner.start == 0 { self.beta } else { 1.0 };
            let factors = Factors { alpha: self.alpha, beta };
            // As many complete panels as the memory for packing holds.
            let panel = PANEL_VECTORS * S::LANES;
            let width = (CHUNK / inner.len() / panel).max(1) * panel;
            for chunk in split(n, width) {
                let part = self.b.slice(s![inner.clone(), chunk.clone()]);
                let packed = pack(s, part, &mut memory);
                tiles(s, &left, inner.clone(), packed, factors, &mut out, chunk);
            }
        }
        MEMORY.set(memory);
        true
    }
}

/// 0..n in pieces of `size` and a remainder.
fn split(n: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(size).map(move |first| first..n.min(first + size))
}

/// The first vector and the number of vectors of each panel of some columns. A panel has three
/// vectors, but the last four vectors become two panels of two.
fn panels<S: Simd>(_: S, columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let vectors = columns.div_ceil(S::LANES);
    let mut first = 0;
    std::iter::from_fn(move || {
        let left = vectors - first;
        let width = if left == PANEL_VECTORS + 1 { 2 } else { left.min(PANEL_VECTORS) };
        first += width;
        (width > 0).then_some((first - width, width))
    })
}

#[cfg(test)]
mod tests;
