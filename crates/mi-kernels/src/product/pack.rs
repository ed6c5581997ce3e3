//! Copies the right operand into the order in which tiles read it.

use ndarray::{ArrayView2, s};

use super::panels;
use crate::simd::Simd;

/// Numbers in a cache line, to which the panel is aligned.
const LINE: usize = 16;

/// The largest number of lanes of any vector.
const MOST_LANES: usize = 16;

/// Packs a part of b into consecutive panels: for each row, the panel's vectors, the last one
/// padded with zeros.
#[inline(always)]
pub(super) fn pack<'a, S: Simd>(
    simd: S,
    part: ArrayView2<'_, f32>,
    memory: &'a mut Vec<f32>,
) -> &'a [f32] {
    let length = part.nrows() * part.ncols().div_ceil(S::LANES) * S::LANES;
    if memory.len() < length + LINE {
        memory.resize(length + LINE, 0.0);
    }
    let aligned = memory.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
    let packed = &mut memory[aligned..aligned + length];
    if part.strides()[0] == 1 && part.strides()[1] != 1 {
        let mut rest = &mut *packed;
        for (vector, width) in panels(simd, part.ncols()) {
            let first = vector * S::LANES;
            let columns = first..part.ncols().min(first + width * S::LANES);
            let (panel, next) = rest.split_at_mut(part.nrows() * width * S::LANES);
            pack_columns(simd, part.slice(s![.., columns]), panel, width * S::LANES);
            rest = next;
        }
    } else {
        pack_rows(simd, part, packed);
    }
    packed
}

/// Row by row over all panels, since rows are contiguous in memory.
#[inline(always)]
fn pack_rows<S: Simd>(simd: S, part: ArrayView2<'_, f32>, packed: &mut [f32]) {
    let inner = part.nrows();
    for (n, row) in part.rows().into_iter().enumerate() {
        for (vector, width) in panels(simd, part.ncols()) {
            let first = vector * S::LANES;
            let columns = first..part.ncols().min(first + width * S::LANES);
            let to = &mut packed[inner * first + n * width * S::LANES..][..width * S::LANES];
            if let Some(row) = row.to_slice() {
                let vectors = row[columns].chunks(S::LANES);
                for (to, from) in to.chunks_exact_mut(S::LANES).zip(vectors) {
                    if from.len() == S::LANES {
                        simd.store(to, simd.load(from));
                    } else {
                        simd.store(to, simd.load_part(from, 0.0));
                    }
                }
            } else {
                to.fill(0.0);
                to.iter_mut().zip(row.slice(s![columns])).for_each(|(to, &from)| *to = from);
            }
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
