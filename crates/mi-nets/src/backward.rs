use std::ops::AddAssign;

use mi_kernels::Scalar;
use ndarray::ArrayView2;

use crate::arena::Slot;
use crate::matrix::{matrix, matrix_mut};
use crate::ops::Op;
use crate::params::Role;
use crate::tape::{Adjoint, Adjoints, Needs, Node};
use crate::target::Target;
use crate::values::Values;
use crate::{Gradients, Graph, NetsError, ParamId, Params, Tape, Var};

impl<T: Scalar> Graph<'_, T> {
    /// Backpropagates: for seeds (v, G) adds Σ ⟨G, ∂v/∂θ⟩ over the seeds to the gradient of every
    /// parameter θ, and stores the same for inputs that requested it ([`Graph::gradient`]).
    ///
    /// It can be called again with other seeds: parameter gradients add up until
    /// [`Gradients::clear`], and input gradients start from zero. A seed on a value that depends on
    /// no parameter and on no input with a gradient changes nothing.
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
        self.tape.backward(self.params, seeds, gradients)
    }

    /// Like [`Graph::backward`], but only for input gradients: no work is done for parameters.
    ///
    /// # Errors
    /// Those of [`Graph::backward`].
    pub fn backward_to_inputs(
        &mut self,
        seeds: &[(Var, ArrayView2<'_, T>)],
    ) -> Result<(), NetsError> {
        self.tape.check_seeds(seeds)?;
        self.tape.sweep(seeds, &mut Differentiate { params: self.params, gradients: None })
    }

    /// The gradient from the last [`Graph::backward`] of a value made by
    /// [`Graph::input_with_gradient`]; `None` for other values, or if the seeds do not depend on
    /// it.
    pub fn gradient(&self, var: Var) -> Option<ArrayView2<'_, T>> {
        let node = self.node(var);
        let Adjoint::Kept(slot) = *self.tape.adjoints.slots.get(var.index)? else { return None };
        let values = self.tape.adjoints.arena.slice(slot, node.rows * node.columns);
        Some(matrix(node.rows, node.columns, values))
    }
}

/// What the backward pass does with parameters.
pub(crate) trait WayBack<T> {
    /// The parameters, and where their gradients go: `None` if they are not needed.
    fn parts(&mut self) -> (&Params<T>, Option<&mut Gradients<T>>);

    /// Called when the backward pass is past every operation that reads a parameter: its gradient
    /// is complete, and its value is not read again.
    fn passed(&mut self, id: ParamId) -> Result<(), NetsError>;
}

/// A backward pass that computes gradients and changes no parameter.
struct Differentiate<'a, T> {
    params: &'a Params<T>,
    gradients: Option<&'a mut Gradients<T>>,
}

impl<T> WayBack<T> for Differentiate<'_, T> {
    fn parts(&mut self) -> (&Params<T>, Option<&mut Gradients<T>>) {
        (self.params, self.gradients.as_deref_mut())
    }

    fn passed(&mut self, _: ParamId) -> Result<(), NetsError> {
        Ok(())
    }
}

impl<T: Scalar> Tape<T> {
    /// [`Graph::backward`] on the last graph of the tape, for a caller that no longer holds it. The
    /// parameters must not have changed since.
    ///
    /// # Errors
    /// Those of [`Graph::backward`].
    pub fn backward(
        &mut self,
        params: &Params<T>,
        seeds: &[(Var, ArrayView2<'_, T>)],
        gradients: &mut Gradients<T>,
    ) -> Result<(), NetsError> {
        gradients.check_fits(params)?;
        self.check_seeds(seeds)?;
        self.sweep(seeds, &mut Differentiate { params, gradients: Some(gradients) })
    }

    /// Checks that a backward pass of the last graph can start from these seeds.
    pub(crate) fn check_seeds(&self, seeds: &[(Var, ArrayView2<'_, T>)]) -> Result<(), NetsError> {
        self.check()?;
        if !self.recording {
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
        Ok(())
    }

    /// The backward pass through the last graph; its seeds have been checked.
    pub(crate) fn sweep(
        &mut self,
        seeds: &[(Var, ArrayView2<'_, T>)],
        way: &mut impl WayBack<T>,
    ) -> Result<(), NetsError> {
        self.adjoints.arena.reset();
        self.adjoints.slots.clear();
        self.adjoints.slots.resize(self.nodes.len(), Adjoint::Absent);
        let mut cx = self.context(way, seeds);
        for (number, (var, seed)) in seeds.iter().enumerate() {
            if !cx.is_wanted(*var) {
                continue;
            }
            let (rows, columns) = cx.values.shape(*var);
            match cx.adjoints.slots[var.index] {
                Adjoint::Absent => cx.adjoints.slots[var.index] = Adjoint::Seed(number),
                Adjoint::Seed(_) | Adjoint::Kept(_) => {
                    if let Some(Target { values, .. }) = cx.target(*var) {
                        matrix_mut(rows, columns, values).add_assign(seed);
                    }
                }
            }
        }
        self.find_first_uses(way.parts().0);
        let graph = self.graph;
        for index in (0..self.nodes.len()).rev() {
            self.context(way, seeds).pass_on(Var { index, graph });
            for id in self.nodes[index].op.params() {
                if self.first_uses[id.0] == Some(index) {
                    way.passed(id)?;
                }
            }
        }
        Ok(())
    }

    fn context<'b>(
        &'b mut self,
        way: &'b mut impl WayBack<T>,
        seeds: &'b [(Var, ArrayView2<'b, T>)],
    ) -> Backward<'b, T> {
        let (params, gradients) = way.parts();
        let Tape { nodes, operands, indices, values: arena, adjoints, .. } = self;
        let values = Values { nodes, arena, params };
        Backward { values, operands, indices, seeds, adjoints, gradients }
    }

    /// Where each parameter is read first, which is where the backward pass sees it last.
    fn find_first_uses(&mut self, params: &Params<T>) {
        self.first_uses.clear();
        self.first_uses.resize(params.len(), None);
        for (index, node) in self.nodes.iter().enumerate() {
            for id in node.op.params() {
                self.first_uses[id.0].get_or_insert(index);
            }
        }
    }
}

/// What a vector–Jacobian product can read (`'b`: the graph and the parameters, which do not
/// change) and where it stores its results.
pub(crate) struct Backward<'b, T> {
    pub(crate) values: Values<'b, T>,
    pub(crate) operands: &'b [Var],
    pub(crate) indices: &'b [usize],
    seeds: &'b [(Var, ArrayView2<'b, T>)],
    adjoints: &'b mut Adjoints<T>,
    gradients: Option<&'b mut Gradients<T>>,
}

impl<T: Scalar> Backward<'_, T> {
    /// Runs one node's vector–Jacobian product, if it received a gradient from downstream.
    fn pass_on(&mut self, y: Var) {
        let nodes = self.values.nodes;
        let op = &nodes[y.index].op;
        if let Adjoint::Seed(number) = self.adjoints.slots[y.index] {
            let seed = self.seeds[number].1.reborrow().to_slice();
            if seed.is_some_and(|seed| op.backward_from(self, y, seed)) {
                self.adjoints.slots[y.index] = Adjoint::Absent;
                return;
            }
            self.target(y);
        }
        let Adjoint::Kept(slot) = self.adjoints.slots[y.index] else { return };
        match op {
            // `Graph::gradient` may ask for this gradient later, so it is kept.
            Op::Input => return,
            Op::Reshape(op) if self.hand_over(op.operand(), slot) => {}
            _ => {
                let (rows, columns) = self.values.shape(y);
                let mut buffer = self.adjoints.arena.borrow(slot);
                op.backward(self, y, &mut buffer[..rows * columns]);
                self.adjoints.arena.put(slot, buffer);
                self.adjoints.arena.release(slot);
            }
        }
        self.adjoints.slots[y.index] = Adjoint::Absent;
    }

    /// Reuses a gradient that is no longer needed as that of a value with as many elements, if
    /// nothing has contributed to the latter yet. Returns whether it did.
    fn hand_over(&mut self, to: Var, slot: Slot) -> bool {
        let free = self.is_wanted(to) && self.adjoints.slots[to.index] == Adjoint::Absent;
        if free {
            self.adjoints.slots[to.index] = Adjoint::Kept(slot);
        }
        free
    }

    /// A buffer of at least `length` elements for the duration of one product; [`Backward::give`]
    /// takes it back.
    pub(crate) fn take(&mut self, length: usize) -> (Slot, Vec<T>) {
        self.adjoints.arena.take(length)
    }

    pub(crate) fn give(&mut self, slot: Slot, buffer: Vec<T>) {
        self.adjoints.arena.put(slot, buffer);
        self.adjoints.arena.release(slot);
    }

    /// Whether a value's gradient is needed.
    fn is_wanted(&self, var: Var) -> bool {
        let Needs { inputs, params } = self.values.nodes[var.index].needs;
        inputs || params && self.gradients.is_some()
    }

    /// Where a value's gradient goes; `None` if it is not needed.
    pub(crate) fn target(&mut self, var: Var) -> Option<Target<'_, T>> {
        if !self.is_wanted(var) {
            return None;
        }
        let Node { rows, columns, .. } = self.values.nodes[var.index];
        let Adjoints { arena, slots } = &mut *self.adjoints;
        let before = slots[var.index];
        let slot = match before {
            Adjoint::Kept(slot) => slot,
            Adjoint::Absent | Adjoint::Seed(_) => {
                let (slot, mut buffer) = arena.take(rows * columns);
                if let Adjoint::Seed(number) = before {
                    let seed = &self.seeds[number].1;
                    matrix_mut(rows, columns, &mut buffer[..rows * columns]).assign(seed);
                }
                arena.put(slot, buffer);
                slots[var.index] = Adjoint::Kept(slot);
                slot
            }
        };
        let fresh = before == Adjoint::Absent;
        Some(Target { values: arena.slice_mut(slot, rows * columns), fresh })
    }

    /// Where a parameter's gradient goes; `None` if it is not needed or the parameter is frozen.
    pub(crate) fn param_target(&mut self, id: ParamId) -> Option<Target<'_, T>> {
        let trained = self.values.params.is_trained(id);
        self.gradients.as_mut().filter(|_| trained).map(|gradients| gradients.target(id))
    }

    /// Where a batch stores its statistics, towards which the running ones move; `None` if no step
    /// will follow.
    pub(crate) fn statistics_target(&mut self, id: ParamId) -> Option<Target<'_, T>> {
        let running = matches!(self.values.params.role(id), Role::Running { .. });
        self.gradients.as_mut().filter(|_| running).map(|gradients| gradients.target(id))
    }
}
