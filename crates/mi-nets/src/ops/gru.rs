use mi_kernels::{Scalar, matrix_product};
use ndarray::{ArrayView2, s};

use super::Op;
use crate::arena::Slot;
use crate::backward::Backward;
use crate::matrix::{matrix, matrix_mut};
use crate::{Graph, ParamId, Var};

/// The parameters of a gated recurrent unit of width h on inputs of width d. The columns of each
/// belong to the gates r, z and n, in this order: the transposes of `PyTorch`'s `weight_ih_l0` and
/// `weight_hh_l0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GruWeights {
    /// d×3h.
    pub input: ParamId,
    /// 1×3h.
    pub input_bias: ParamId,
    /// h×3h.
    pub state: ParamId,
    /// 1×3h.
    pub state_bias: ParamId,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Gru {
    x: Var,
    steps: usize,
    weights: GruWeights,
    /// r, z and n of every sample and step.
    gates: Slot,
    /// h·`W_state` + `b_state` of every sample and step.
    from_state: Slot,
}

impl<T: Scalar> Graph<'_, T> {
    /// A gated recurrent unit over a sequence (Cho et al., 2014, in `PyTorch`'s form, where r is
    /// outside the product): its state after every step, starting from zero. The state after step t
    /// depends on the inputs 0 to t.
    ///
    /// # Formula
    /// With a = x·`W_input` + `b_input` and b = h·`W_state` + `b_state`, whose thirds belong to the
    /// gates: r = σ(a₁ + b₁), z = σ(a₂ + b₂), n = tanh(a₃ + r ∘ b₃), h ← (1 − z) ∘ n + z ∘ h.
    ///
    /// # Shapes
    /// n×(steps·d) to n×(steps·h).
    pub fn gru(&mut self, x: Var, steps: usize, weights: &GruWeights) -> Var {
        let (rows, width) = self.shape(x);
        let GruWeights { input, input_bias, state, state_bias } = *weights;
        let shapes = [input, input_bias, state, state_bias].map(|id| self.params.view(id).dim());
        let (d, h) = (shapes[0].0, shapes[2].0);
        let fits = shapes == [(d, 3 * h), (1, 3 * h), (h, 3 * h), (1, 3 * h)];
        if !fits || steps == 0 || width != steps * d {
            return self.fail("gru", (rows, steps.max(1) * h), || {
                format!(
                    "x is {rows}×{width}, {steps} steps, the weights {shapes:?}: they must be d×3h, \
                     1×3h, h×3h and 1×3h, and a row of x steps·d long"
                )
            });
        }
        let length = rows * steps * 3 * h;
        let (slot, mut y) = self.tape.values.take(rows * steps * h);
        let (gates_slot, mut gates) = self.tape.values.take(length);
        let (from_state_slot, mut from_state) = self.tape.values.take(length);
        let [input_bias, state_bias] = [input_bias, state_bias].map(|id| self.params.slice(id));
        // All steps' inputs at once, with one row per sample and step.
        for row in gates[..length].chunks_exact_mut(3 * h) {
            row.copy_from_slice(input_bias);
        }
        let inputs = matrix(rows * steps, d, self.slice(x));
        let all = matrix_mut(rows * steps, 3 * h, &mut gates[..length]);
        matrix_product(T::one(), inputs, self.params.view(input), T::one(), all);
        for row in from_state[..length].chunks_exact_mut(3 * h) {
            row.copy_from_slice(state_bias);
        }
        for step in 0..steps {
            if step > 0 {
                let before = block(rows, steps, h, &y[..rows * steps * h], step - 1);
                let mut b = matrix_mut(rows, steps * 3 * h, &mut from_state[..length]);
                let b = b.slice_mut(s![.., step * 3 * h..(step + 1) * 3 * h]);
                matrix_product(T::one(), before, self.params.view(state), T::one(), b);
            }
            for row in 0..rows {
                let at = row * steps + step;
                let (before, y) = y[..(at + 1) * h].split_at_mut(at * h);
                let a = &mut gates[at * 3 * h..(at + 1) * 3 * h];
                let b = &from_state[at * 3 * h..(at + 1) * 3 * h];
                for j in 0..h {
                    let previous = if step > 0 { before[(at - 1) * h + j] } else { T::zero() };
                    let (r, z) = (sigmoid(a[j] + b[j]), sigmoid(a[h + j] + b[h + j]));
                    let n = (a[2 * h + j] + r * b[2 * h + j]).tanh();
                    (a[j], a[h + j], a[2 * h + j]) = (r, z, n);
                    y[j] = (T::one() - z) * n + z * previous;
                }
            }
        }
        self.keep(gates_slot, gates);
        self.keep(from_state_slot, from_state);
        let (weights, needs) = (*weights, self.needs(x).or(self.trained(weights.ids())));
        let op = Gru { x, steps, weights, gates: gates_slot, from_state: from_state_slot };
        self.push(Op::Gru(op), slot, y, (rows, steps * h), needs)
    }
}

impl GruWeights {
    fn ids(&self) -> [ParamId; 4] {
        [self.input, self.input_bias, self.state, self.state_bias]
    }
}

/// One step of a sequence matrix: rows×width of rows×(steps·width).
fn block<T>(
    rows: usize,
    steps: usize,
    width: usize,
    values: &[T],
    step: usize,
) -> ArrayView2<'_, T> {
    matrix(rows, steps * width, values).slice_move(s![.., step * width..(step + 1) * width])
}

fn sigmoid<T: Scalar>(x: T) -> T {
    (T::one() + (-x).exp()).recip()
}

impl Gru {
    pub(super) fn params(&self) -> [Option<ParamId>; 4] {
        self.weights.ids().map(Some)
    }

    /// Back through time, where dh is the gradient of a step's state and h⁻ the state before: dn =
    /// dh (1 − z)(1 − n²), dz = dh (h⁻ − n) z (1 − z), dr = dn b₃ r (1 − r); da = [dr, dz, dn], db
    /// = [dr, dz, dn ∘ r], dh⁻ += dh ∘ z + db·`W_state`ᵀ. Then `dW_input` = xᵀ·da, dx =
    /// da·`W_input`ᵀ, `dW_state` = Σ h⁻ᵀ·db, and the gradients of biases are the sums.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, y: Var, dy: &mut [T]) {
        let Self { x, steps, weights, .. } = *self;
        let (w_input, w_state) = (cx.values.param(weights.input), cx.values.param(weights.state));
        let (d, h) = (w_input.nrows(), w_state.nrows());
        let (rows, y) = (cx.values.shape(y).0, cx.values.slice(y));
        let length = rows * steps * 3 * h;
        let gates = cx.values.kept(self.gates, length);
        let from_state = cx.values.kept(self.from_state, length);
        let (a_slot, mut da) = cx.take(length);
        let (b_slot, mut db) = cx.take(length);
        let (da_values, db_values) = (&mut da[..length], &mut db[..length]);
        let one = T::one();
        for step in (0..steps).rev() {
            for row in 0..rows {
                let at = row * steps + step;
                let (gates, b) =
                    (&gates[at * 3 * h..][..3 * h], &from_state[at * 3 * h..][..3 * h]);
                let (da, db) =
                    (&mut da_values[at * 3 * h..][..3 * h], &mut db_values[at * 3 * h..][..3 * h]);
                for j in 0..h {
                    let (r, z, n) = (gates[j], gates[h + j], gates[2 * h + j]);
                    let dh = dy[at * h + j];
                    let previous = if step > 0 { y[(at - 1) * h + j] } else { T::zero() };
                    let dn = dh * (one - z) * (one - n * n);
                    let dz = dh * (previous - n) * z * (one - z);
                    let dr = dn * b[2 * h + j] * r * (one - r);
                    (da[j], da[h + j], da[2 * h + j]) = (dr, dz, dn);
                    (db[j], db[h + j], db[2 * h + j]) = (dr, dz, dn * r);
                    if step > 0 {
                        dy[(at - 1) * h + j] += dh * z;
                    }
                }
            }
            if step > 0 {
                let mut dy = matrix_mut(rows, steps * h, dy);
                let before = dy.slice_mut(s![.., (step - 1) * h..step * h]);
                let db = block(rows, steps, 3 * h, db_values, step);
                matrix_product(one, db, w_state.t(), one, before);
            }
        }
        let all = matrix(rows * steps, 3 * h, da_values);
        for (id, values) in [(weights.input_bias, &*da_values), (weights.state_bias, &*db_values)] {
            if let Some(target) = cx.param_target(id) {
                let sums = target.zeroed().values;
                for row in values.chunks_exact(3 * h) {
                    for (sum, &d) in sums.iter_mut().zip(row) {
                        *sum += d;
                    }
                }
            }
        }
        if let Some(target) = cx.target(x) {
            let beta = target.beta();
            let dx = matrix_mut(rows * steps, d, target.values);
            matrix_product(one, all, w_input.t(), beta, dx);
        }
        if let Some(target) = cx.param_target(weights.state) {
            let mut dw = matrix_mut(h, 3 * h, target.zeroed().values);
            for step in 1..steps {
                let before = block(rows, steps, h, y, step - 1);
                let db = block(rows, steps, 3 * h, db_values, step);
                matrix_product(one, before.t(), db, one, dw.view_mut());
            }
        }
        let inputs = matrix(rows * steps, d, cx.values.slice(x));
        if let Some(target) = cx.param_target(weights.input) {
            let beta = target.beta();
            let dw = matrix_mut(d, 3 * h, target.values);
            matrix_product(one, inputs.t(), all, beta, dw);
        }
        cx.give(a_slot, da);
        cx.give(b_slot, db);
    }
}
