use std::ops::Range;

use mi_kernels::Scalar;

use super::Op;
use crate::arena::Slot;
use crate::backward::Backward;
use crate::tape::Needs;
use crate::target::Target;
use crate::vector::{sum_of, sum_of_pairs};
use crate::{Graph, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct NormalizeRows {
    x: Var,
    /// 1 / ‖x‖ of every row; 0 for a row that counts as zero.
    inverse_norms: Slot,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct RowSums {
    x: Var,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct SliceRows {
    x: Var,
    start: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct ConcatRows {
    /// Position of the operands in the tape.
    operands: Range<usize>,
}

impl<T: Scalar> Graph<'_, T> {
    /// Rows divided by their Euclidean norm.
    ///
    /// A row of zeros stays zero and passes no gradient back. So does a row whose elements are all
    /// below the smallest normal number, since its inverse norm would overflow.
    ///
    /// # Shapes
    /// n×m to n×m.
    pub fn normalize_rows(&mut self, x: Var) -> Var {
        let (rows, columns) = self.shape(x);
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let (norms_slot, mut inverse_norms) = self.tape.values.take(rows);
        let y_rows = buffer[..rows * columns].chunks_exact_mut(columns);
        let x_rows = self.slice(x).chunks_exact(columns);
        for ((y, x), inverse) in y_rows.zip(x_rows).zip(&mut inverse_norms[..rows]) {
            *inverse = inverse_norm(x);
            for (y, &x) in y.iter_mut().zip(x) {
                *y = x * *inverse;
            }
        }
        self.keep(norms_slot, inverse_norms);
        let op = Op::NormalizeRows(NormalizeRows { x, inverse_norms: norms_slot });
        let needs = self.needs(x);
        self.push(op, slot, buffer, (rows, columns), needs)
    }

    /// The sum of every row.
    ///
    /// # Shapes
    /// n×m to n×1.
    pub fn row_sums(&mut self, x: Var) -> Var {
        let (rows, columns) = self.shape(x);
        let (slot, mut buffer) = self.tape.values.take(rows);
        for (y, x) in buffer[..rows].iter_mut().zip(self.slice(x).chunks_exact(columns)) {
            *y = sum_of(x, |x| x);
        }
        let needs = self.needs(x);
        self.push(Op::RowSums(RowSums { x }), slot, buffer, (rows, 1), needs)
    }

    /// Consecutive rows.
    ///
    /// # Shapes
    /// n×m to (length of the range)×m; the range is not empty and ends at n or before.
    pub fn slice_rows(&mut self, x: Var, range: Range<usize>) -> Var {
        let ((height, columns), rows) = (self.shape(x), range.len());
        if rows == 0 || range.end > height {
            return self.fail("slice_rows", (rows.max(1), columns), || {
                format!("rows {range:?} of {height}")
            });
        }
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let values = &self.slice(x)[range.start * columns..range.end * columns];
        buffer[..values.len()].copy_from_slice(values);
        let needs = self.needs(x);
        let op = SliceRows { x, start: range.start };
        self.push(Op::SliceRows(op), slot, buffer, (rows, columns), needs)
    }

    /// Values stacked vertically.
    ///
    /// # Shapes
    /// n₁×m, n₂×m, … (at least one) to (n₁ + n₂ + …)×m.
    pub fn concat_rows(&mut self, parts: &[Var]) -> Var {
        let columns = parts.first().map_or(1, |&part| self.shape(part).1);
        let rows = parts.iter().map(|&part| self.shape(part).0).sum::<usize>();
        if parts.is_empty() || parts.iter().any(|&part| self.shape(part).1 != columns) {
            return self.fail("concat_rows", (rows.max(1), columns), || match parts.len() {
                0 => "nothing to stack".into(),
                n => format!("the {n} values have different numbers of columns; all need {columns}, as the first"),
            });
        }
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let (mut start, mut needs) = (0, Needs::NONE);
        for &part in parts {
            let values = self.slice(part);
            buffer[start..start + values.len()].copy_from_slice(values);
            start += values.len();
            needs = needs.or(self.needs(part));
        }
        let start = self.tape.operands.len();
        self.tape.operands.extend_from_slice(parts);
        let op = ConcatRows { operands: start..start + parts.len() };
        self.push(Op::ConcatRows(op), slot, buffer, (rows, columns), needs)
    }
}

/// Squares of small or large elements leave the range of `f32` long before the norm does, so they
/// are computed relative to the largest.
fn inverse_norm<T: Scalar>(x: &[T]) -> T {
    let largest =
        x.iter().fold(T::zero(), |largest, x| if x.abs() > largest { x.abs() } else { largest });
    if largest < T::min_positive_value() && x.iter().all(|x| !x.is_nan()) {
        return T::zero();
    }
    let scale = largest.recip();
    scale / sum_of(x, |x| (x * scale) * (x * scale)).sqrt()
}

impl NormalizeRows {
    /// dx = (dy − y ⟨y, dy⟩) / ‖x‖.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, y: Var, dy: &[T]) {
        let (rows, columns) = cx.values.shape(y);
        let (y, inverse_norms) = (cx.values.slice(y), cx.values.kept(self.inverse_norms, rows));
        let Some(Target { values, fresh }) = cx.target(self.x) else { return };
        let dx_rows = values.chunks_exact_mut(columns);
        let rows = dx_rows.zip(y.chunks_exact(columns)).zip(dy.chunks_exact(columns));
        for (((values, y), dy), &inverse) in rows.zip(inverse_norms) {
            let along = sum_of_pairs(y, dy, |y, d| y * d);
            Target { values, fresh }.map_pairs(dy, y, |d, y| (d - y * along) * inverse);
        }
    }
}

impl RowSums {
    /// Every element of a row gets its dy.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, dy: &[T]) {
        let columns = cx.values.shape(self.x).1;
        let Some(target) = cx.target(self.x) else { return };
        for (dx, &d) in target.zeroed().values.chunks_exact_mut(columns).zip(dy) {
            for dx in dx {
                *dx += d;
            }
        }
    }
}

impl SliceRows {
    /// dx is dy in the slice and zero elsewhere.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, dy: &[T]) {
        let start = self.start * cx.values.shape(self.x).1;
        let Some(target) = cx.target(self.x) else { return };
        for (dx, &d) in target.zeroed().values[start..].iter_mut().zip(dy) {
            *dx += d;
        }
    }
}

impl ConcatRows {
    /// Each part gets its rows of dy.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, dy: &[T]) {
        let operands = &cx.operands[self.operands.clone()];
        let mut start = 0;
        for &part in operands {
            let (rows, columns) = cx.values.shape(part);
            let of_part = &dy[start..start + rows * columns];
            if let Some(target) = cx.target(part) {
                target.map(of_part, |d| d);
            }
            start += rows * columns;
        }
    }
}
