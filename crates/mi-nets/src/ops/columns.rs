use std::ops::Range;

use mi_kernels::Scalar;

use super::Op;
use crate::backward::Backward;
use crate::tape::Needs;
use crate::{Graph, Var};

#[derive(Clone, Debug)]
pub(crate) struct GatherColumns {
    x: Var,
    /// Position of the column numbers in the tape.
    indices: Range<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct SliceColumns {
    x: Var,
    start: usize,
    columns: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct ConcatColumns {
    /// Position of the operands in the tape.
    operands: Range<usize>,
}

impl<T: Scalar> Graph<'_, T> {
    /// Columns by number, in the given order: a permutation, a selection, repetitions.
    ///
    /// # Shapes
    /// n×m to n×(number of indices); every index is below m.
    pub fn gather_columns(&mut self, x: Var, indices: &[usize]) -> Var {
        let ((rows, width), columns) = (self.shape(x), indices.len());
        if columns == 0 || indices.iter().any(|&index| index >= width) {
            return self.fail("gather_columns", (rows, columns.max(1)), || {
                let largest = indices.iter().max();
                format!("{columns} indices, the largest {largest:?}, of {width} columns: at least one is needed, each below {width}")
            });
        }
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let y_rows = buffer[..rows * columns].chunks_exact_mut(columns);
        for (y, x) in y_rows.zip(self.slice(x).chunks_exact(width)) {
            for (y, &index) in y.iter_mut().zip(indices) {
                *y = x[index];
            }
        }
        let start = self.tape.indices.len();
        self.tape.indices.extend_from_slice(indices);
        let op = GatherColumns { x, indices: start..start + columns };
        let needs = self.needs(x);
        self.push(Op::GatherColumns(op), slot, buffer, (rows, columns), needs)
    }

    /// Consecutive columns.
    ///
    /// # Shapes
    /// n×m to n×(length of the range), which is not empty and ends at m or before.
    pub fn slice_columns(&mut self, x: Var, range: Range<usize>) -> Var {
        let ((rows, width), columns) = (self.shape(x), range.len());
        if columns == 0 || range.end > width {
            return self.fail("slice_columns", (rows, columns.max(1)), || {
                format!("columns {range:?} of {width}")
            });
        }
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let y_rows = buffer[..rows * columns].chunks_exact_mut(columns);
        for (y, x) in y_rows.zip(self.slice(x).chunks_exact(width)) {
            y.copy_from_slice(&x[range.clone()]);
        }
        let op = SliceColumns { x, start: range.start, columns };
        let needs = self.needs(x);
        self.push(Op::SliceColumns(op), slot, buffer, (rows, columns), needs)
    }

    /// Values side by side.
    ///
    /// # Shapes
    /// n×m₁, n×m₂, … (at least one) to n×(m₁ + m₂ + …).
    pub fn concat_columns(&mut self, parts: &[Var]) -> Var {
        let rows = parts.first().map_or(0, |&part| self.shape(part).0);
        let columns = parts.iter().map(|&part| self.shape(part).1).sum::<usize>();
        if parts.is_empty() || parts.iter().any(|&part| self.shape(part).0 != rows) {
            return self.fail("concat_columns", (rows, columns.max(1)), || match parts.len() {
                0 => "nothing to put side by side".into(),
                n => format!(
                    "the {n} values have different numbers of rows; all need {rows}, as the first"
                ),
            });
        }
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let y = &mut buffer[..rows * columns];
        let (mut start, mut needs) = (0, Needs::NONE);
        for &part in parts {
            let width = self.shape(part).1;
            let part_rows = self.slice(part).chunks_exact(width);
            for (y, part) in y.chunks_exact_mut(columns).zip(part_rows) {
                y[start..start + width].copy_from_slice(part);
            }
            start += width;
            needs = needs.or(self.needs(part));
        }
        let start = self.tape.operands.len();
        self.tape.operands.extend_from_slice(parts);
        let op = ConcatColumns { operands: start..start + parts.len() };
        self.push(Op::ConcatColumns(op), slot, buffer, (rows, columns), needs)
    }
}

impl GatherColumns {
    /// dx is zero except that dx[index] += dy[j] where column j came from index.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, dy: &[T]) {
        let indices = &cx.indices[self.indices.clone()];
        let width = cx.values.shape(self.x).1;
        let Some(target) = cx.target(self.x) else { return };
        let dx_rows = target.zeroed().values.chunks_exact_mut(width);
        for (dx, dy) in dx_rows.zip(dy.chunks_exact(indices.len())) {
            for (&d, &index) in dy.iter().zip(indices) {
                dx[index] += d;
            }
        }
    }
}

impl SliceColumns {
    /// dx is dy in the slice and zero elsewhere.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, dy: &[T]) {
        let width = cx.values.shape(self.x).1;
        let Some(target) = cx.target(self.x) else { return };
        let dx_rows = target.zeroed().values.chunks_exact_mut(width);
        for (dx, dy) in dx_rows.zip(dy.chunks_exact(self.columns)) {
            let dx = &mut dx[self.start..self.start + self.columns];
            for (dx, &d) in dx.iter_mut().zip(dy) {
                *dx += d;
            }
        }
    }
}

impl ConcatColumns {
    /// Each part gets its columns of dy.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, y: Var, dy: &[T]) {
        let operands = &cx.operands[self.operands.clone()];
        let columns = cx.values.shape(y).1;
        let mut start = 0;
        for &part in operands {
            let width = cx.values.shape(part).1;
            if let Some(target) = cx.target(part) {
                let fresh = target.fresh;
                let part_rows = target.values.chunks_exact_mut(width);
                for (values, dy) in part_rows.zip(dy.chunks_exact(columns)) {
                    crate::target::Target { values, fresh }.map(&dy[start..start + width], |d| d);
                }
            }
            start += width;
        }
    }
}
