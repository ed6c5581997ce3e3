use mi_kernels::Scalar;

use super::Op;
use crate::backward::Backward;
use crate::target::Target;
use crate::vector::{Rows, add_rows, chain};
use crate::{Graph, Var};

#[derive(Clone, Copy, Debug)]
enum Kind {
    Add,
    Subtract,
    Multiply,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Binary {
    kind: Kind,
    a: Var,
    b: Var,
}

impl<T: Scalar> Graph<'_, T> {
    /// a + b, elementwise.
    ///
    /// # Shapes
    /// a is n×m; b is n×m, or 1×m and added to every row. Each gradient has its operand's
    /// shape.
    pub fn add(&mut self, a: Var, b: Var) -> Var {
        self.binary("add", Kind::Add, a, b, |a, b| a + b)
    }

    /// a − b, elementwise.
    ///
    /// # Shapes
    /// Like [`Graph::add`].
    pub fn subtract(&mut self, a: Var, b: Var) -> Var {
        self.binary("subtract", Kind::Subtract, a, b, |a, b| a - b)
    }

    /// a · b, elementwise.
    ///
    /// # Shapes
    /// Like [`Graph::add`].
    pub fn multiply(&mut self, a: Var, b: Var) -> Var {
        self.binary("multiply", Kind::Multiply, a, b, |a, b| a * b)
    }

    fn binary(
        &mut self,
        operation: &'static str,
        kind: Kind,
        a: Var,
        b: Var,
        f: impl Fn(T, T) -> T,
    ) -> Var {
        let (rows, columns) = self.shape(a);
        let (b_rows, b_columns) = self.shape(b);
        if b_columns != columns || (b_rows != rows && b_rows != 1) {
            return self.fail(operation, (rows, columns), || {
                format!("{rows}×{columns} and {b_rows}×{b_columns}: the second has to be as large, or 1×{columns}")
            });
        }
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let (a_values, b_values) = (self.slice(a), self.slice(b));
        // One pass over everything if the shapes are equal, or one per row if b is a single row.
        let length = b_values.len().max(1);
        for (y, a) in buffer[..rows * columns].chunks_mut(length).zip(a_values.chunks(length)) {
            for ((y, &a), &b) in y.iter_mut().zip(a).zip(b_values) {
                *y = f(a, b);
            }
        }
        let needs = self.needs(a).or(self.needs(b));
        self.push(Op::Binary(Binary { kind, a, b }), slot, buffer, (rows, columns), needs)
    }
}

impl Binary {
    /// Add: da = dy, db = dy. Subtract: da = dy, db = −dy. Multiply: da = dy ∘ b, db = dy ∘ a.
    /// A broadcast b gets the sum over rows.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, dy: &[T]) {
        let (a, b) = (cx.values.slice(self.a), cx.values.slice(self.b));
        if let Some(target) = cx.target(self.a) {
            match self.kind {
                Kind::Add | Kind::Subtract => target.map(dy, |d| d),
                Kind::Multiply => {
                    let Target { values, fresh } = target;
                    let chunks = values.chunks_mut(b.len().max(1)).zip(dy.chunks(b.len().max(1)));
                    for (values, dy) in chunks {
                        Target { values, fresh }.map_pairs(dy, b, chain);
                    }
                }
            }
        }
        if let Some(target) = cx.target(self.b) {
            let (db, rows) = (target.zeroed().values, Rows::Samples);
            match self.kind {
                Kind::Add => add_rows(db, (dy, a), rows, |_, _, d, _| d),
                Kind::Subtract => add_rows(db, (dy, a), rows, |_, _, d, _| -d),
                Kind::Multiply => add_rows(db, (dy, a), rows, |_, _, d, a| chain(d, a)),
            }
        }
    }
}
