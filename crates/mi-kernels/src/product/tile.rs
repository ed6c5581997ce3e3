//! Tiles of the result, in registers. The only module of the product that uses raw pointers: with
//! bounds checks the innermost loop would be twice as long.

#![allow(unsafe_code, reason = "the innermost loop uses raw pointers")]

use std::marker::PhantomData;
use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::panels;
use crate::simd::{Simd, prefetch};

/// Steps over the inner dimension between two prefetches of the operands: a cache line.
const GROUP: usize = 16;

/// How many steps ahead columns are prefetched.
const AHEAD: usize = 32;

/// The left operand, read element by element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left<'a> {
    first: *const f32,
    rows: usize,
    columns: usize,
    row_stride: isize,
    column_stride: isize,
    view: PhantomData<&'a f32>,
}

impl<'a> Left<'a> {
    pub(super) fn new(a: ArrayView2<'a, f32>) -> Self {
        Self {
            first: a.as_ptr(),
            rows: a.nrows(),
            columns: a.ncols(),
            row_stride: a.strides()[0],
            column_stride: a.strides()[1],
            view: PhantomData,
        }
    }

    /// Prefetches what is read after the next steps of a tile whose rows start at `a`. Operands are
    /// rarely in a near cache, and their rows are too far apart for processors to predict. If rows
    /// are contiguous, it prefetches the same stretch of the next tile's rows; if columns are
    /// contiguous, a later stretch of this tile's columns.
    #[inline(always)]
    fn fetch_ahead<const ROWS: usize>(&self, a: &[*const f32; ROWS], step: isize) {
        if self.column_stride == 1 {
            let down = ROWS.cast_signed() * self.row_stride;
            for a in a {
                prefetch(a.wrapping_offset(step + down));
            }
        } else {
            for line in AHEAD..AHEAD + GROUP {
                prefetch(a[0].wrapping_offset(step + line.cast_signed() * self.column_stride));
            }
        }
    }
}

/// The result, whose rows are contiguous.
#[derive(Debug)]
pub(super) struct Out<'a> {
    first: *mut f32,
    rows: usize,
    columns: usize,
    row_stride: isize,
    view: PhantomData<&'a mut f32>,
}

impl<'a> Out<'a> {
    /// `None` when rows are not contiguous.
    pub(super) fn new(c: &'a mut ArrayViewMut2<'_, f32>) -> Option<Self> {
        let (rows, columns) = c.dim();
        let [row_stride, column_stride] = [c.strides()[0], c.strides()[1]];
        (column_stride == 1 || columns == 1).then(|| Self {
            first: c.as_mut_ptr(),
            rows,
            columns,
            row_stride,
            view: PhantomData,
        })
    }
}

/// The factors of the product and of the old values of the result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factors {
    pub(super) alpha: f32,
    pub(super) beta: f32,
}

/// Adds the product of a's columns `inner` with packed panels of b to the columns `columns` of all
/// rows of the result.
///
/// Every row of tiles runs over all panels, so that the result is written in long stretches.
#[inline(always)]
pub(super) fn tiles<S: Simd>(
    s: S,
    left: &Left<'_>,
    inner: Range<usize>,
    packed: &[f32],
    factors: Factors,
    out: &mut Out<'_>,
    columns: Range<usize>,
) {
    assert!(inner.end <= left.columns && columns.end <= out.columns && left.rows == out.rows);
    assert!(packed.len() == inner.len() * columns.len().next_multiple_of(S::LANES));
    let mut row = 0;
    while row < left.rows {
        let height = match left.rows - row {
            8.. if S::TILE_ROWS >= 8 => 8,
            4.. => 4,
            2.. => 2,
            _ => 1,
        };
        let mut rest = packed;
        for (vector, width) in panels(s, columns.len()) {
            let first = columns.start + vector * S::LANES;
            let span = (row, inner.clone(), first..columns.end.min(first + width * S::LANES));
            let (panel, next) = rest.split_at(inner.len() * width * S::LANES);
            rest = next;
            // SAFETY: the rows `row..row + height` exist in `left` and `out`, as `height` is at
            // most the number of rows that are left; the rest was asserted above.
            unsafe {
                match (height, width) {
                    (8, 3) => tile::<S, 8, 3>(s, left, panel, factors, out, span),
                    (8, 2) => tile::<S, 8, 2>(s, left, panel, factors, out, span),
                    (8, _) => tile::<S, 8, 1>(s, left, panel, factors, out, span),
                    (4, 3) => tile::<S, 4, 3>(s, left, panel, factors, out, span),
                    (4, 2) => tile::<S, 4, 2>(s, left, panel, factors, out, span),
                    (4, _) => tile::<S, 4, 1>(s, left, panel, factors, out, span),
                    (2, 3) => tile::<S, 2, 3>(s, left, panel, factors, out, span),
                    (2, 2) => tile::<S, 2, 2>(s, left, panel, factors, out, span),
                    (2, _) => tile::<S, 2, 1>(s, left, panel, factors, out, span),
                    (_, 3) => tile::<S, 1, 3>(s, left, panel, factors, out, span),
                    (_, 2) => tile::<S, 1, 2>(s, left, panel, factors, out, span),
                    (_, _) => tile::<S, 1, 1>(s, left, panel, factors, out, span),
                }
            }
        }
        row += height;
    }
}

/// `ROWS` rows and one panel of [`tiles`].
///
/// # Safety
/// `row + ROWS` rows, the columns `inner` of `left` and the columns `columns` of `out` exist; the
/// panel has `inner.len()` × `VECTORS · LANES` numbers, and the last of its vectors covers the last
/// of `columns`.
#[inline(always)]
unsafe fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    s: S,
    left: &Left<'_>,
    panel: &[f32],
    factors: Factors,
    out: &mut Out<'_>,
    (row, inner, columns): (usize, Range<usize>, Range<usize>),
) {
    let mut a = [left.first; ROWS];
    for (i, a) in a.iter_mut().enumerate() {
        let offset = (row + i).cast_signed() * left.row_stride;
        // SAFETY: the element at this row and the first of `inner` exists.
        *a = unsafe { a.offset(offset + inner.start.cast_signed() * left.column_stride) };
    }
    for i in 0..ROWS {
        let offset = (row + i).cast_signed() * out.row_stride + columns.start.cast_signed();
        for v in 0..VECTORS {
            prefetch(out.first.wrapping_offset(offset + (v * S::LANES).cast_signed()));
        }
    }
    let mut sums = [[s.splat(0.0); VECTORS]; ROWS];
    let mut step = 0;
    for lines in panel.chunks(GROUP * VECTORS * S::LANES) {
        left.fetch_ahead(&a, step);
        for line in lines.chunks_exact(VECTORS * S::LANES) {
            let mut b = [s.splat(0.0); VECTORS];
            for (v, b) in b.iter_mut().enumerate() {
                *b = s.load(&line[v * S::LANES..(v + 1) * S::LANES]);
            }
            for (sums, a) in sums.iter_mut().zip(&a) {
                // SAFETY: the panel has as many lines as `inner` has columns.
                let a = s.splat(unsafe { *a.offset(step) });
                for (sum, &b) in sums.iter_mut().zip(&b) {
                    *sum = s.mul_add(a, b, *sum);
                }
            }
            step += left.column_stride;
        }
    }
    // A copy, so that the sums above can stay in registers even if `write` keeps its copy in
    // memory.
    let sums = sums;
    // SAFETY: as promised for this function; both branches are unrolled separately.
    unsafe {
        if factors.beta == 0.0 {
            write::<S, ROWS, VECTORS, false>(s, sums, factors, out, (row, columns));
        } else {
            write::<S, ROWS, VECTORS, true>(s, sums, factors, out, (row, columns));
        }
    }
}

/// Writes a tile's sums to the result; with `ADD`, adds them to the old values.
///
/// # Safety
/// Like [`tile`].
#[inline(always)]
unsafe fn write<S: Simd, const ROWS: usize, const VECTORS: usize, const ADD: bool>(
    s: S,
    sums: [[S::V; VECTORS]; ROWS],
    factors: Factors,
    out: &mut Out<'_>,
    (row, columns): (usize, Range<usize>),
) {
    let (alpha, beta) = (s.splat(factors.alpha), s.splat(factors.beta));
    let last = columns.len() - (VECTORS - 1) * S::LANES;
    for (i, sums) in sums.iter().enumerate() {
        let offset = (row + i).cast_signed() * out.row_stride + columns.start.cast_signed();
        // SAFETY: this row's `columns` exist in the result, whose rows are contiguous, and `out`
        // borrows it alone.
        let c = unsafe { std::slice::from_raw_parts_mut(out.first.offset(offset), columns.len()) };
        for (v, &sum) in sums.iter().enumerate() {
            let sum = s.mul(alpha, sum);
            if v + 1 < VECTORS || last == S::LANES {
                let c = &mut c[v * S::LANES..(v + 1) * S::LANES];
                s.store(c, if ADD { s.mul_add(beta, s.load(c), sum) } else { sum });
            } else {
                let c = &mut c[v * S::LANES..];
                let old = if ADD { s.load_part(c, 0.0) } else { sum };
                s.store_part(c, if ADD { s.mul_add(beta, old, sum) } else { sum });
            }
        }
    }
}
