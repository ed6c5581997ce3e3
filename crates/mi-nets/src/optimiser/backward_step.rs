use mi_kernels::Scalar;
use ndarray::ArrayView2;

use super::{Direction, Optimiser, Step, check_finite};
use crate::backward::WayBack;
use crate::{Gradients, NetsError, ParamId, Params, Tape, Var};

impl<T: Scalar> Optimiser<T> {
    /// [`crate::Graph::backward`] on the tape's last graph combined with [`Optimiser::descend`]:
    /// each parameter is updated as soon as its gradient is complete, while both are in the cache.
    /// The results are bit-identical. Gradients need the memory of one layer instead of the
    /// network, which matters for networks of several megabytes or more.
    ///
    /// Values already in `gradients` are added, as in `backward`; afterwards all gradients are
    /// absent.
    ///
    /// # Shapes
    /// A seed has its value's shape.
    ///
    /// # Errors
    /// Those of [`crate::Graph::backward`] and [`Optimiser::descend`]. If a parameter has no
    /// gradient or one that is not finite, others have already been updated: continue from a
    /// checkpoint. After any other error nothing has changed.
    pub fn backward_and_descend(
        &mut self,
        tape: &mut Tape<T>,
        seeds: &[(Var, ArrayView2<'_, T>)],
        params: &mut Params<T>,
        gradients: &mut Gradients<T>,
    ) -> Result<(), NetsError> {
        self.backward_and_step(tape, seeds, (params, gradients), Direction::Down)
    }

    /// [`Optimiser::backward_and_descend`] with the gradient's sign flipped.
    ///
    /// # Errors
    /// Those of [`Optimiser::backward_and_descend`].
    pub fn backward_and_ascend(
        &mut self,
        tape: &mut Tape<T>,
        seeds: &[(Var, ArrayView2<'_, T>)],
        params: &mut Params<T>,
        gradients: &mut Gradients<T>,
    ) -> Result<(), NetsError> {
        self.backward_and_step(tape, seeds, (params, gradients), Direction::Up)
    }

    fn backward_and_step(
        &mut self,
        tape: &mut Tape<T>,
        seeds: &[(Var, ArrayView2<'_, T>)],
        (params, gradients): (&mut Params<T>, &mut Gradients<T>),
        direction: Direction,
    ) -> Result<(), NetsError> {
        gradients.check_fits(params)?;
        self.check_fits(params)?;
        tape.check_seeds(seeds)?;
        gradients.forget_spent();
        let mut stepping = Stepping { params, gradients, step: self.begin_step(direction)? };
        tape.sweep(seeds, &mut stepping)?;
        // Parameters that the graph did not read have gradients from elsewhere.
        for id in stepping.params.ids() {
            stepping.passed(id)?;
        }
        match gradients.first_absent(params) {
            Some(id) => Err(NetsError::UnusedParameter { name: params.name(id).to_owned() }),
            None => Ok(()),
        }
    }
}

/// A backward pass that updates each parameter once it is past all its uses.
struct Stepping<'a, T> {
    params: &'a mut Params<T>,
    gradients: &'a mut Gradients<T>,
    step: Step<'a, T>,
}

impl<T: Scalar> WayBack<T> for Stepping<'_, T> {
    fn parts(&mut self) -> (&Params<T>, Option<&mut Gradients<T>>) {
        (self.params, Some(self.gradients))
    }

    fn passed(&mut self, id: ParamId) -> Result<(), NetsError> {
        let Some(gradient) = self.gradients.slice(id) else { return Ok(()) };
        check_finite(self.params, id, gradient)?;
        self.step.update(self.params, id, gradient);
        self.gradients.spend(id);
        Ok(())
    }
}
