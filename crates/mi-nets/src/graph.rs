use mi_kernels::Scalar;
use mi_random::Stream;
use ndarray::ArrayView2;

use crate::arena::Slot;
use crate::matrix::{matrix, matrix_mut};
use crate::ops::Op;
use crate::tape::{Needs, Node, Storage};
use crate::values::Values;
use crate::{NetsError, ParamId, Params, Tape, Var};

/// One computation on a [`Tape`]: operations compute at once and are recorded for the backward
/// pass.
///
/// An operation whose operands do not fit together yields NaN and is recorded as the graph's error,
/// which [`Graph::check`] and [`Graph::backward`] return: layers can be composed without a `?` at
/// every step, and a mistake is never silent.
///
/// # Panics
/// Every method that takes a [`Var`] panics if it belongs to another graph or was released.
#[derive(Debug)]
pub struct Graph<'a, T> {
    pub(crate) tape: &'a mut Tape<T>,
    pub(crate) params: &'a Params<T>,
    pub(crate) mode: Mode,
    /// The stream for random operations.
    pub(crate) noise: Option<&'a mut Stream>,
}

/// Whether a graph trains or evaluates. Affects batch normalisation and dropout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Statistics of the batch and random masks: the initial mode of [`Tape::begin`].
    Training,
    /// Running statistics and no masks: the initial mode of [`Tape::begin_inference`].
    Evaluation,
}

impl<'a, T: Scalar> Graph<'a, T> {
    /// Sets the mode of subsequent operations. Gradients do not depend on it: [`Tape::begin`] with
    /// [`Mode::Evaluation`] differentiates a network in the form in which it is used.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// Whether operations train or evaluate.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Sets the stream for random operations ([`Graph::dropout`]). Its state is part of the state
    /// of the training run.
    pub fn draw_from(&mut self, stream: &'a mut Stream) {
        self.noise = Some(stream);
    }

    /// Adds a batch, which is copied; it gets no gradient.
    ///
    /// # Shapes
    /// n×m, m ≥ 1, one row per sample, in any memory layout.
    pub fn input(&mut self, x: ArrayView2<'_, T>) -> Var {
        self.put_in(x, Needs::NONE)
    }

    /// Adds a batch that gets a gradient ([`Graph::gradient`]).
    ///
    /// # Shapes
    /// Like [`Graph::input`].
    pub fn input_with_gradient(&mut self, x: ArrayView2<'_, T>) -> Var {
        self.put_in(x, Needs::INPUTS)
    }

    /// A parameter's matrix as a value.
    pub fn param(&mut self, id: ParamId) -> Var {
        let (rows, columns) = self.params.view(id).dim();
        let needs = self.trained([id]);
        self.push_node(Op::Param(id), Storage::Param(id), (rows, columns), needs)
    }

    /// A computed value.
    pub fn value(&self, var: Var) -> ArrayView2<'_, T> {
        let (rows, columns) = self.shape(var);
        matrix(rows, columns, self.slice(var))
    }

    /// The number of rows and of columns of a value.
    pub fn shape(&self, var: Var) -> (usize, usize) {
        let node = self.node(var);
        (node.rows, node.columns)
    }

    /// The parameters that this graph reads. They outlive the graph, so operations can be appended
    /// while a parameter is borrowed.
    pub fn params(&self) -> &'a Params<T> {
        self.params
    }

    /// Declares that a value is no longer needed. An inference graph reuses its memory; a graph for
    /// training keeps it for the backward pass. Reading it panics in both.
    pub fn release(&mut self, var: Var) {
        let storage = self.node(var).storage;
        self.tape.nodes[var.index].released = true;
        if let (false, Storage::Slot(slot)) = (self.tape.recording, storage) {
            self.tape.values.release(slot);
        }
    }

    /// Checks that all operations so far were given operands that fit.
    ///
    /// # Errors
    /// The first mistake.
    pub fn check(&self) -> Result<(), NetsError> {
        self.tape.check()
    }

    fn put_in(&mut self, x: ArrayView2<'_, T>, needs: Needs) -> Var {
        let (rows, columns) = x.dim();
        if columns == 0 {
            return self.fail("input", (rows, 1), || format!("{rows}×0: a row has no element"));
        }
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        matrix_mut(rows, columns, &mut buffer[..rows * columns]).assign(&x);
        self.push(Op::Input, slot, buffer, (rows, columns), needs)
    }

    /// Records a mistake and yields NaN in the shape that the value should have had.
    pub(crate) fn fail(
        &mut self,
        operation: &'static str,
        (rows, columns): (usize, usize),
        problem: impl FnOnce() -> String,
    ) -> Var {
        if self.tape.error.is_none() {
            self.tape.error = Some(NetsError::Shape { operation, problem: problem() });
        }
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        buffer.fill(T::nan());
        self.push(Op::Input, slot, buffer, (rows, columns), Needs::NONE)
    }

    /// Keeps values that an operation needs for its backward pass in addition to its output.
    pub(crate) fn keep(&mut self, slot: Slot, buffer: Vec<T>) {
        self.tape.values.put(slot, buffer);
        if !self.tape.recording {
            self.tape.values.release(slot);
        }
    }

    /// Appends an operation whose value was computed into a buffer of the tape.
    pub(crate) fn push(
        &mut self,
        op: Op<T>,
        slot: Slot,
        buffer: Vec<T>,
        shape: (usize, usize),
        needs: Needs,
    ) -> Var {
        self.tape.values.put(slot, buffer);
        self.push_node(op, Storage::Slot(slot), shape, needs)
    }

    pub(crate) fn push_node(
        &mut self,
        op: Op<T>,
        storage: Storage,
        (rows, columns): (usize, usize),
        needs: Needs,
    ) -> Var {
        let needs = if self.tape.recording { needs } else { Needs::NONE };
        self.tape.nodes.push(Node { op, rows, columns, storage, needs, released: false });
        Var { index: self.tape.nodes.len() - 1, graph: self.tape.graph }
    }

    pub(crate) fn node(&self, var: Var) -> &Node<T> {
        self.tape.node(var)
    }

    pub(crate) fn needs(&self, var: Var) -> Needs {
        self.node(var).needs
    }

    /// Whether an operation's value needs a gradient for the parameters that it reads: yes, unless
    /// all are frozen.
    pub(crate) fn trained(&self, ids: impl IntoIterator<Item = ParamId>) -> Needs {
        let any = ids.into_iter().any(|id| self.params.is_trained(id));
        if any { Needs::PARAMS } else { Needs::NONE }
    }

    /// A value, row by row.
    pub(crate) fn slice(&self, var: Var) -> &[T] {
        self.node(var);
        self.values().slice(var)
    }

    pub(crate) fn values(&self) -> Values<'_, T> {
        Values { nodes: &self.tape.nodes, arena: &self.tape.values, params: self.params }
    }
}
