//! Copies of the right operand in the order in which tiles read it.

use std::ops::Range;

use ndarray::{ArrayView2, s};

use crate::simd::Simd;

/// Numbers in a cache line, to which the panel is aligned.
const LINE: usize = 16;

/// The most lanes of any vector.
const MOST_LANES: usize = 16;

/// Packs some rows (`inner`) and columns of b: for each row, `width` vectors, the last filled up
/// with zeros.
#[inline(always)]
pub(super) fn pack<'a, S: Simd>(
    simd: S,
    b: &ArrayView2<'_, f32>,
    inner: Range<usize>,
    columns: Range<usize>,
    width: usize,
    panel: &'a mut Vec<f32>,
) -> &'a [f32] {
    let stride = width * S::LANES;
    let length = inner.len() * stride;
    if panel.len() < length + LINE {
        panel.resize(length + LINE, 0.0);
    }
    let aligned = panel.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
    let packed = &mut panel[aligned..aligned + length];
    let part = b.slice(s![inner, columns]);
    if part.strides()[0] == 1 && part.strides()[1] != 1 {
        pack_columns(simd, part, packed, stride);
    } else {
        pack_rows(simd, part, packed, stride);
    }
    packed
}

#[inline(always)]
fn pack_rows<S: Simd>(simd: S, part: ArrayView2<'_, f32>, packed: &mut [f32], stride: usize) {
    for (row, to) in part.rows().into_iter().zip(packed.chunks_exact_mut(stride)) {
        if let Some(row) = row.to_slice() {
            for (to, from) in to.chunks_exact_mut(S::LANES).zip(row.chunks(S::LANES)) {
                if from.len() == S::LANES {
                    simd.store(to, simd.load(from));
                } else {
                    simd.store(to, simd.load_part(from, 0.0));
                }
            }
        } else {
            to.fill(0.0);
            to.iter_mut().zip(row).for_each(|(to, &from)| *to = from);
        }
    }
}

/// Columns that are contiguous: squares of them are transposed in registers.
#[inline(always)]
fn pack_columns<S: Simd>(simd: S, part: ArrayView2<'_, f32>, packed: &mut [f32], stride: usize) {
    let (inner, n) = part.dim();
    for first in (0..stride).step_by(S::LANES) {
        let mut sources: [&[f32]; MOST_LANES] = [&[]; MOST_LANES];
        let count = n.saturating_sub(first).min(S::LANES);
        for (source, column) in sources.iter_mut().zip(first..first + count) {
            *source = part.column(column).to_slice().unwrap_or_default();
        }
        let squares = if count == S::LANES { inner / S::LANES } else { 0 };
        for square in 0..squares {
            let row = square * S::LANES;
            simd.transpose(&sources, row, &mut packed[row * stride + first..], stride);
        }
        for row in squares * S::LANES..inner {
            let to = &mut packed[row * stride + first..][..S::LANES];
            for (to, source) in to.iter_mut().zip(&sources) {
                *to = source.get(row).copied().unwrap_or(0.0);
            }
        }
    }
}
