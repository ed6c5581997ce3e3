use mi_kernels::Scalar;
use ndarray::ArrayView2;

use crate::arena::{Arena, Slot};
use crate::matrix::matrix;
use crate::tape::{Node, Storage};
use crate::{ParamId, Params, Var};

/// Read access to all computed values and to the parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values<'a, T> {
    pub(crate) nodes: &'a [Node<T>],
    pub(crate) arena: &'a Arena<T>,
    pub(crate) params: &'a Params<T>,
}

impl<'a, T: Scalar> Values<'a, T> {
    pub(crate) fn shape(&self, var: Var) -> (usize, usize) {
        let node = &self.nodes[var.index];
        (node.rows, node.columns)
    }

    /// A value, row by row.
    pub(crate) fn slice(&self, var: Var) -> &'a [T] {
        let node = &self.nodes[var.index];
        match node.storage {
            Storage::Slot(slot) => self.arena.slice(slot, node.rows * node.columns),
            Storage::Param(id) => self.params.slice(id),
        }
    }

    pub(crate) fn view(&self, var: Var) -> ArrayView2<'a, T> {
        let (rows, columns) = self.shape(var);
        matrix(rows, columns, self.slice(var))
    }

    /// The values that an operation kept in addition to its output.
    pub(crate) fn kept(&self, slot: Slot, length: usize) -> &'a [T] {
        self.arena.slice(slot, length)
    }

    pub(crate) fn param(&self, id: ParamId) -> ArrayView2<'a, T> {
        self.params.view(id)
    }

    pub(crate) fn param_slice(&self, id: ParamId) -> &'a [T] {
        self.params.slice(id)
    }
}
