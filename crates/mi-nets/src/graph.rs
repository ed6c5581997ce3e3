use mi_kernels::Scalar;
use mi_random::Stream;
use ndarray::ArrayView2;

use crate::arena::Slot;
use crate::matrix::{matrix, matrix_mut};
use crate::ops::Op;
use crate::tape::{Needs, Node, Storage};
use crate::values::Values;
use crate::{NetsError, ParamId, Params, Tape, Var};

/// One computation on a [`Tape`]: operations compute at once and are remembered for the way
/// back.
///
/// An operation whose operands do not fit together yields NaN and is remembered as the graph's
/// error, which [`Graph::check`] and [`Graph::backward`] return: layers can be composed
/// without a `?` at every step, and a mistake is never silent.
///
/// # Panics
/// Every method that takes a [`Var`] panics when it belongs to another graph or was released.
#[derive(Debug)]
pub struct Graph<'a, T> {
    pub(crate) tape: &'a mut Tape<T>,
    pub(crate) params: &'a Params<T>,
    pub(crate) mode: Mode,
    /// Where random operations draw from.
    pub(crate) noise: Option<&'a mut Stream>,
}

/// Whether a graph trains or evaluates, which batch normalisation and dropout ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Statistics of the batch, random masks: where [`Tape::begin`] starts.
    Training,
    /// Running statistics, no masks: where [`Tape::begin_inference`] starts.
    Evaluation,
}

impl<'a, T: Scalar> Graph<'a, T> {
    /// Sets whether the operations that follow train or evaluate. Gradients do not depend on it:
    /// [`Tape::begin`] with [`Mode::Evaluation`] differentiates a network as it is used.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// Whether operations train or evaluate.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Gives random operations ([`Graph::dropout`]) the stream that they draw from. Its state
    /// belongs to the state of the training run.
    pub fn draw_from(&mut self, stream: &'a mut Stream) {
        self.noise = Some(stream);
    }

    /// Puts in a batch, which is copied; it gets no gradient.
    ///
    /// # Shapes
    /// n×m, m ≥ 1, one row a sample, in any memory layout.
    pub fn input(&mut self, x: ArrayView2<'_, T>) -> Var {
        self.put_in(x, Needs::NONE)
    }

    /// Puts in a batch that gets a gradient ([`Graph::gradient`]).
    ///
    /// # Shapes
    /// As [`Graph::input`].
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

    /// The parameters that this graph reads. They outlive the graph, so operations can be
    /// appended while one is being looked at.
    pub fn params(&self) -> &'a Params<T> {
        self.params
    }

    /// Declares that a value is not read any more. An inference graph reuses its memory; a
    /// graph for training keeps it for the way back. Reading it panics in both.
    pub fn release(&mut self, var: Var) {
        let storage = self.node(var).storage;
        self.tape.nodes[var.index].released = true;
        if let (false, Storage::Slot(slot)) = (self.tape.recording, storage) {
            self.tape.values.release(slot);
        }
    }

    /// Whether all operations so far were given operands that fit.
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

    /// Remembers a mistake and yields a value of NaN of the shape that it should have had.
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

    /// Keeps values that an operation needs on its way back beside its output.
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

    fn push_node(
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

    /// What parameters want of the value of an operation that reads them: a gradient, unless all
    /// are frozen.
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
