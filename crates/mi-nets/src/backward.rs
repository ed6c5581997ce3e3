use mi_kernels::Scalar;
use ndarray::ArrayView2;

use crate::matrix::{matrix, matrix_mut};
use crate::ops::Op;
use crate::tape::{Adjoints, Needs, Node};
use crate::target::Target;
use crate::values::Values;
use crate::{Gradients, Graph, NetsError, ParamId, Tape, Var};

impl<T: Scalar> Graph<'_, T> {
    /// Backpropagates: for seeds (v, G) adds Σ ⟨G, ∂v/∂θ⟩ over the seeds to the gradient of every
    /// parameter θ, and leaves the same for inputs that asked ([`Graph::gradient`]).
    ///
    /// It can be called again with other seeds: parameter gradients add up until
    /// [`Gradients::clear`], input gradients start anew. A seed on a value that depends on no
    /// parameter and on no input with gradient changes nothing.
    ///
    /// # Shapes
    /// A seed has its value's shape.
    ///
    /// # Errors
    /// The graph's first mistake; a seed of another shape; gradients that were made for other
    /// parameters; an inference graph.
    pub fn backward(
        &mut self,
        seeds: &[(Var, ArrayView2<'_, T>)],
        gradients: &mut Gradients<T>,
    ) -> Result<(), NetsError> {
        gradients.check_fits(self.params)?;
        self.sweep(seeds, Some(gradients))
    }

    /// As [`Graph::backward`], but for input gradients only: no work is done for parameters.
    ///
    /// # Errors
    /// As [`Graph::backward`].
    pub fn backward_to_inputs(
        &mut self,
        seeds: &[(Var, ArrayView2<'_, T>)],
    ) -> Result<(), NetsError> {
        self.sweep(seeds, None)
    }

    /// The gradient that the last [`Graph::backward`] left for a value made by
    /// [`Graph::input_with_gradient`]; `None` for other values, or when the seeds do not depend
    /// on it.
    pub fn gradient(&self, var: Var) -> Option<ArrayView2<'_, T>> {
        let node = self.node(var);
        let slot = self.tape.adjoints.slots.get(var.index).copied().flatten()?;
        let values = self.tape.adjoints.arena.slice(slot, node.rows * node.columns);
        Some(matrix(node.rows, node.columns, values))
    }

    fn sweep(
        &mut self,
        seeds: &[(Var, ArrayView2<'_, T>)],
        gradients: Option<&mut Gradients<T>>,
    ) -> Result<(), NetsError> {
        self.check()?;
        if !self.tape.recording {
            return Err(NetsError::NotRecorded);
        }
        for (var, seed) in seeds {
            let node = self.node(*var);
            if seed.dim() != (node.rows, node.columns) {
                let ((rows, columns), (n, m)) = (seed.dim(), (node.rows, node.columns));
                let problem = format!("a {rows}×{columns} seed for a {n}×{m} value");
                return Err(NetsError::Shape { operation: "backward", problem });
            }
        }
        let graph = self.tape.graph;
        let Tape { nodes, operands, indices, values, adjoints, .. } = &mut *self.tape;
        adjoints.arena.reset();
        adjoints.slots.clear();
        adjoints.slots.resize(nodes.len(), None);
        let values = Values { nodes, arena: values, params: self.params };
        let mut cx = Backward { values, operands, indices, adjoints, gradients };
        for (var, seed) in seeds {
            let (rows, columns) = values.shape(*var);
            if let Some(Target { values, fresh }) = cx.target(*var) {
                let mut sum = matrix_mut(rows, columns, values);
                if fresh {
                    sum.assign(seed);
                } else {
                    sum += seed;
                }
            }
        }
        for index in (0..nodes.len()).rev() {
            cx.pass_on(Var { index, graph });
        }
        Ok(())
    }
}

/// What a vector–Jacobian product can read (`'b`: the graph and the parameters, which stay
/// as they are) and where it leaves its results.
pub(crate) struct Backward<'b, T> {
    pub(crate) values: Values<'b, T>,
    pub(crate) operands: &'b [Var],
    pub(crate) indices: &'b [usize],
    adjoints: &'b mut Adjoints<T>,
    gradients: Option<&'b mut Gradients<T>>,
}

impl<T: Scalar> Backward<'_, T> {
    /// Runs one node's vector–Jacobian product, if anything downstream gave it a gradient.
    fn pass_on(&mut self, y: Var) {
        let nodes = self.values.nodes;
        let op = &nodes[y.index].op;
        let Some(slot) = self.adjoints.slots[y.index] else { return };
        if matches!(op, Op::Input) {
            return; // The gradient stays, to be asked for.
        }
        let (rows, columns) = self.values.shape(y);
        let mut buffer = self.adjoints.arena.borrow(slot);
        op.backward(self, y, &mut buffer[..rows * columns]);
        self.adjoints.arena.put(slot, buffer);
        self.adjoints.arena.release(slot);
        self.adjoints.slots[y.index] = None;
    }

    /// Where a value's gradient goes; `None` when nobody needs it.
    pub(crate) fn target(&mut self, var: Var) -> Option<Target<'_, T>> {
        let Node { needs: Needs { inputs, params }, rows, columns, .. } =
            self.values.nodes[var.index];
        if !(inputs || params && self.gradients.is_some()) {
            return None;
        }
        let Adjoints { arena, slots } = &mut *self.adjoints;
        let fresh = slots[var.index].is_none();
        let slot = *slots[var.index].get_or_insert_with(|| {
            let (slot, buffer) = arena.take(rows * columns);
            arena.put(slot, buffer);
            slot
        });
        Some(Target { values: arena.slice_mut(slot, rows * columns), fresh })
    }

    /// Where a parameter's gradient goes; `None` when nobody needs it.
    pub(crate) fn param_target(&mut self, id: ParamId) -> Option<Target<'_, T>> {
        self.gradients.as_mut().map(|gradients| gradients.target(id))
    }
}
