use mi_kernels::{Scalar, all_finite};
use ndarray::{ArrayView2, ArrayViewMut2};

use crate::arena::{Arena, Slot};
use crate::matrix::{matrix, matrix_mut};
use crate::params::Role;
use crate::target::Target;
use crate::{NetsError, ParamId, Params};

#[derive(Clone, Copy, Debug)]
struct Gradient {
    rows: usize,
    columns: usize,
    state: State,
    /// Whether this is a batch's statistics rather than a gradient.
    statistics: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was added since the last `clear`.
    Absent,
    Present(Slot),
    /// An optimiser took a step along it; its memory is reused.
    Spent,
}

/// The gradients of [`Params`], kept by parameter id; their memory is reused from step to step.
///
/// A gradient to which nothing was added since [`Gradients::clear`] is absent, not zero: an
/// optimiser refuses a parameter that the objective does not depend on.
#[derive(Clone, Debug)]
pub struct Gradients<T> {
    gradients: Vec<Gradient>,
    values: Arena<T>,
}

impl<T: Scalar> Gradients<T> {
    /// Gradients for these parameters, all absent.
    pub fn zeros_like(params: &Params<T>) -> Self {
        let absent = |id| {
            let (rows, columns) = params.view(id).dim();
            let statistics = matches!(params.role(id), Role::Running { .. });
            Gradient { rows, columns, state: State::Absent, statistics }
        };
        Self { gradients: params.ids().map(absent).collect(), values: Arena::new() }
    }

    /// Marks every gradient as absent, at no cost in memory traffic.
    pub fn clear(&mut self) {
        self.values.reset();
        for gradient in &mut self.gradients {
            gradient.state = State::Absent;
        }
    }

    /// A parameter's gradient; `None` if nothing was added to it, if `id` is frozen or is running
    /// statistics rather than a parameter, or if an optimiser has used it
    /// ([`crate::Optimiser::backward_and_descend`]).
    ///
    /// # Panics
    /// If `id` is beyond the parameters that these gradients were made for.
    pub fn view(&self, id: ParamId) -> Option<ArrayView2<'_, T>> {
        let Gradient { rows, columns, statistics, .. } = self.gradients[id.0];
        self.slice(id).filter(|_| !statistics).map(|values| matrix(rows, columns, values))
    }

    /// A parameter's gradient, to add to. It counts as present from now on, and starts from zero if
    /// it was absent.
    ///
    /// # Panics
    /// Like [`Gradients::view`].
    pub fn accumulate(&mut self, id: ParamId) -> ArrayViewMut2<'_, T> {
        let Gradient { rows, columns, .. } = self.gradients[id.0];
        matrix_mut(rows, columns, self.target(id).zeroed().values)
    }

    /// Multiplies every present gradient.
    pub fn scale(&mut self, factor: T) {
        for gradient in &self.gradients {
            if let (State::Present(slot), false) = (gradient.state, gradient.statistics) {
                for value in self.values.slice_mut(slot, gradient.rows * gradient.columns) {
                    *value *= factor;
                }
            }
        }
    }

    /// Whether all present gradients are finite.
    pub fn all_finite(&self) -> bool {
        self.entries().all(|(_, gradient)| gradient.is_none_or(all_finite))
    }

    /// Where a contribution to a parameter's gradient goes; it counts as present from now on.
    pub(crate) fn target(&mut self, id: ParamId) -> Target<'_, T> {
        let Gradient { rows, columns, ref mut state, .. } = self.gradients[id.0];
        let length = rows * columns;
        let (slot, fresh) = match *state {
            State::Present(slot) => (slot, false),
            State::Absent | State::Spent => {
                let (slot, buffer) = self.values.take(length);
                self.values.put(slot, buffer);
                *state = State::Present(slot);
                (slot, true)
            }
        };
        Target { values: self.values.slice_mut(slot, length), fresh }
    }

    /// A parameter's gradient, row by row, if it is present.
    pub(crate) fn slice(&self, id: ParamId) -> Option<&[T]> {
        let Gradient { rows, columns, state, .. } = self.gradients[id.0];
        let State::Present(slot) = state else { return None };
        Some(self.values.slice(slot, rows * columns))
    }

    /// Makes spent gradients absent, so that a step cannot mistake those of an earlier one for its
    /// own.
    pub(crate) fn forget_spent(&mut self) {
        for gradient in &mut self.gradients {
            if gradient.state == State::Spent {
                gradient.state = State::Absent;
            }
        }
    }

    /// Declares that an optimiser has taken its step along this gradient.
    pub(crate) fn spend(&mut self, id: ParamId) {
        if let State::Present(slot) = self.gradients[id.0].state {
            self.values.release(slot);
        }
        self.gradients[id.0].state = State::Spent;
    }

    /// The first trained parameter without a gradient, present or spent.
    pub(crate) fn first_absent(&self, params: &Params<T>) -> Option<ParamId> {
        let absent = |&id: &ParamId| self.gradients[id.0].state == State::Absent;
        params.ids().filter(|&id| params.is_trained(id)).find(absent)
    }

    /// Every parameter's id and, when present, its gradient.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (ParamId, Option<&[T]>)> {
        (0..self.gradients.len()).map(ParamId).map(|id| (id, self.slice(id)))
    }

    /// Checks that these gradients were made for parameters of these shapes.
    ///
    /// # Errors
    /// [`NetsError::Mismatch`] if not.
    pub fn check_fits(&self, params: &Params<T>) -> Result<(), NetsError> {
        let shapes = self.gradients.iter().map(|gradient| (gradient.rows, gradient.columns));
        let expected = params.entries().iter().map(|param| (param.rows, param.columns));
        if shapes.eq(expected) {
            return Ok(());
        }
        let problem = format!(
            "{} gradients do not have the shapes of the {} parameters: make new ones by \
             `Gradients::zeros_like`",
            self.gradients.len(),
            params.len()
        );
        Err(NetsError::Mismatch { operation: "gradients", problem })
    }
}
