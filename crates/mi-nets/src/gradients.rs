use mi_kernels::Scalar;
use ndarray::{ArrayView2, ArrayViewMut2};

use crate::matrix::{matrix, matrix_mut};
use crate::target::Target;
use crate::{NetsError, ParamId, Params, vector};

#[derive(Clone, Debug)]
struct Gradient<T> {
    rows: usize,
    columns: usize,
    values: Vec<T>,
    /// Whether anything was added since the last `clear`; if not, `values` are stale.
    present: bool,
}

/// The gradients of [`Params`], kept by parameter id and reused from step to step.
///
/// A gradient that nothing was added to since [`Gradients::clear`] is absent, not zero: an
/// optimiser refuses a parameter that takes no part in the objective.
#[derive(Clone, Debug)]
pub struct Gradients<T> {
    gradients: Vec<Gradient<T>>,
}

impl<T: Scalar> Gradients<T> {
    /// Gradients for these parameters, all absent.
    pub fn zeros_like(params: &Params<T>) -> Self {
        let zeros = |id| {
            let (rows, columns) = params.view(id).dim();
            Gradient { rows, columns, values: vec![T::zero(); rows * columns], present: false }
        };
        Self { gradients: params.ids().map(zeros).collect() }
    }

    /// Marks every gradient as absent, at no cost in memory traffic.
    pub fn clear(&mut self) {
        for gradient in &mut self.gradients {
            gradient.present = false;
        }
    }

    /// A parameter's gradient; `None` when nothing was added to it.
    ///
    /// # Panics
    /// When `id` lies beyond the parameters that these gradients were made for.
    pub fn view(&self, id: ParamId) -> Option<ArrayView2<'_, T>> {
        let gradient = &self.gradients[id.0];
        gradient.present.then(|| matrix(gradient.rows, gradient.columns, &gradient.values))
    }

    /// A parameter's gradient, to be added to. It counts as present from now on, and starts
    /// from zero if it was absent.
    ///
    /// # Panics
    /// As [`Gradients::view`].
    pub fn accumulate(&mut self, id: ParamId) -> ArrayViewMut2<'_, T> {
        let gradient = &mut self.gradients[id.0];
        if !gradient.present {
            gradient.values.fill(T::zero());
            gradient.present = true;
        }
        matrix_mut(gradient.rows, gradient.columns, &mut gradient.values)
    }

    /// Multiplies every present gradient.
    pub fn scale(&mut self, factor: T) {
        for gradient in self.gradients.iter_mut().filter(|gradient| gradient.present) {
            for value in &mut gradient.values {
                *value *= factor;
            }
        }
    }

    /// Whether no present gradient holds NaN or an infinity.
    pub fn all_finite(&self) -> bool {
        self.gradients.iter().all(|g| !g.present || vector::all_finite(&g.values))
    }

    /// Where a contribution to a parameter's gradient goes; it counts as present from now on.
    pub(crate) fn target(&mut self, id: ParamId) -> Target<'_, T> {
        let gradient = &mut self.gradients[id.0];
        let fresh = !gradient.present;
        gradient.present = true;
        Target { values: &mut gradient.values, fresh }
    }

    /// Every parameter's id and, when present, its gradient.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (ParamId, Option<&[T]>)> {
        self.gradients.iter().enumerate().map(|(index, gradient)| {
            (ParamId(index), gradient.present.then_some(gradient.values.as_slice()))
        })
    }

    /// Whether these gradients were made for parameters of these shapes.
    pub(crate) fn check_fits(&self, params: &Params<T>) -> Result<(), NetsError> {
        let shapes = self.gradients.iter().map(|gradient| (gradient.rows, gradient.columns));
        let expected = params.entries().iter().map(|param| (param.rows, param.columns));
        if shapes.eq(expected) {
            return Ok(());
        }
        let problem = format!(
            "{} gradients do not have the shapes of the {} parameters: make them anew by \
             `Gradients::zeros_like`",
            self.gradients.len(),
            params.len()
        );
        Err(NetsError::Mismatch { operation: "gradients", problem })
    }
}
