use std::sync::atomic::{AtomicU64, Ordering};

use mi_kernels::Scalar;

use crate::arena::{Arena, Slot};
use crate::ops::Op;
use crate::{Graph, Mode, NetsError, ParamId, Params};

/// A value on a [`Graph`]: a matrix that was added or computed.
///
/// It is valid until the graph's tape begins another graph; a later use, or a use on another
/// graph, panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Var {
    pub(crate) index: usize,
    pub(crate) graph: u64,
}

/// Why the gradient of a value is needed: what is upstream of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needs {
    /// Inputs made by `input_with_gradient`.
    pub(crate) inputs: bool,
    pub(crate) params: bool,
}

impl Needs {
    pub(crate) const NONE: Self = Self { inputs: false, params: false };
    pub(crate) const INPUTS: Self = Self { inputs: true, params: false };
    pub(crate) const PARAMS: Self = Self { inputs: false, params: true };

    pub(crate) fn or(self, other: Self) -> Self {
        Self { inputs: self.inputs || other.inputs, params: self.params || other.params }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Storage {
    Slot(Slot),
    Param(ParamId),
}

#[derive(Debug)]
pub(crate) struct Node<T> {
    pub(crate) op: Op<T>,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) storage: Storage,
    pub(crate) needs: Needs,
    /// The value is no longer read, except in the backward pass.
    pub(crate) released: bool,
}

/// Gradients of values during the backward pass: they exist from their first contribution until
/// their node has passed them on.
#[derive(Debug)]
pub(crate) struct Adjoints<T> {
    pub(crate) arena: Arena<T>,
    pub(crate) slots: Vec<Adjoint>,
}

/// The state of a value's gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Adjoint {
    /// Nothing contributed to it yet.
    #[default]
    Absent,
    /// Only the seed with this index, which is read in place until something else contributes.
    Seed(usize),
    /// A sum in its own buffer.
    Kept(Slot),
}

/// The memory of graphs: nodes and buffers, kept and reused from one graph to the next, so
/// that a steady training step allocates nothing.
///
/// One tape serves one graph at a time. It has the memory that its largest graph needed.
#[derive(Debug)]
pub struct Tape<T> {
    pub(crate) nodes: Vec<Node<T>>,
    /// Operands of operations that take any number of them.
    pub(crate) operands: Vec<Var>,
    /// Column numbers of gather operations.
    pub(crate) indices: Vec<usize>,
    pub(crate) values: Arena<T>,
    pub(crate) adjoints: Adjoints<T>,
    /// For each parameter: the first node that reads it. Valid during the backward pass.
    pub(crate) first_uses: Vec<Option<usize>>,
    pub(crate) recording: bool,
    /// The first mistake made on this graph.
    pub(crate) error: Option<NetsError>,
    pub(crate) graph: u64,
}

impl<T: Scalar> Default for Tape<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar> Tape<T> {
    /// A tape without any buffer yet.
    pub fn new() -> Self {
        Self {
            nodes: Vec::new(),
            operands: Vec::new(),
            indices: Vec::new(),
            values: Arena::new(),
            adjoints: Adjoints { arena: Arena::new(), slots: Vec::new() },
            first_uses: Vec::new(),
            recording: true,
            error: None,
            graph: 0,
        }
    }

    /// Starts a graph that keeps what [`Graph::backward`] needs, in [`Mode::Training`]. All values
    /// of the previous graph are dropped.
    pub fn begin<'a>(&'a mut self, params: &'a Params<T>) -> Graph<'a, T> {
        self.start(params, true)
    }

    /// Starts a graph for values only, in [`Mode::Evaluation`]: the same values bit for bit, but
    /// layers release the memory of intermediate values as they go.
    pub fn begin_inference<'a>(&'a mut self, params: &'a Params<T>) -> Graph<'a, T> {
        self.start(params, false)
    }

    /// Ends the last graph: its values no longer exist.
    pub(crate) fn end(&mut self) {
        self.graph = 0;
        self.nodes.clear();
    }

    /// Checks that all operations of the last graph were given operands that fit.
    pub(crate) fn check(&self) -> Result<(), NetsError> {
        self.error.clone().map_or(Ok(()), Err)
    }

    pub(crate) fn node(&self, var: Var) -> &Node<T> {
        assert_eq!(var.graph, self.graph, "this Var belongs to another graph");
        let node = &self.nodes[var.index];
        assert!(!node.released, "this Var was released");
        node
    }

    fn start<'a>(&'a mut self, params: &'a Params<T>, recording: bool) -> Graph<'a, T> {
        // One counter for all tapes, so that a `Var` of another tape is also detected.
        static GRAPHS: AtomicU64 = AtomicU64::new(1);
        self.graph = GRAPHS.fetch_add(1, Ordering::Relaxed);
        self.nodes.clear();
        self.operands.clear();
        self.indices.clear();
        self.values.reset();
        self.adjoints.arena.reset();
        self.adjoints.slots.clear();
        self.recording = recording;
        self.error = None;
        let mode = if recording { Mode::Training } else { Mode::Evaluation };
        Graph { tape: self, params, mode, noise: None }
    }
}
