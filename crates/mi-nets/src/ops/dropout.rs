use mi_kernels::Scalar;

use super::Op;
use crate::arena::Slot;
use crate::backward::Backward;
use crate::{Graph, Mode, Var};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropout {
    x: Var,
    /// 0 or 1 / (1 − rate) for every element.
    mask: Slot,
}

impl<T: Scalar> Graph<'_, T> {
    /// Dropout (Srivastava et al., 2014, inverted): in [`Mode::Training`] every element is set to
    /// zero with probability `rate`, and the others are multiplied by 1 / (1 − rate). In
    /// [`Mode::Evaluation`], and with rate 0, the result is the same [`Var`] `x`.
    ///
    /// The draws come, row by row, from the stream given by [`Graph::draw_from`].
    ///
    /// # Shapes
    /// n×m to n×m; 0 ≤ rate < 1.
    pub fn dropout(&mut self, x: Var, rate: f64) -> Var {
        let (rows, columns) = self.shape(x);
        if !(0.0..1.0).contains(&rate) {
            return self.fail("dropout", (rows, columns), || {
                format!("the rate is {rate}: it must be in [0, 1)")
            });
        }
        if rate == 0.0 || self.mode() == Mode::Evaluation {
            return x;
        }
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let (mask_slot, mut mask) = self.tape.values.take(rows * columns);
        let Some(noise) = self.noise.as_deref_mut() else {
            self.keep(slot, buffer);
            self.keep(mask_slot, mask);
            return self.fail("dropout", (rows, columns), || {
                "it has no stream to draw from: call `graph.draw_from(&mut stream)` first".into()
            });
        };
        let kept = T::from_f64(1.0 / (1.0 - rate));
        for mask in &mut mask[..rows * columns] {
            *mask = if noise.uniform() < rate { T::zero() } else { kept };
        }
        for ((y, &x), &mask) in buffer.iter_mut().zip(self.slice(x)).zip(&mask) {
            *y = x * mask;
        }
        self.keep(mask_slot, mask);
        let needs = self.needs(x);
        let op = Op::Dropout(Dropout { x, mask: mask_slot });
        self.push(op, slot, buffer, (rows, columns), needs)
    }
}

impl Dropout {
    /// dx = dy ∘ mask.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, dy: &[T]) {
        let mask = cx.values.kept(self.mask, dy.len());
        if let Some(target) = cx.target(self.x) {
            target.map_pairs(dy, mask, |d, m| d * m);
        }
    }
}
