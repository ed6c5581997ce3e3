use mi_kernels::{GatedRow, Scalar, add_rows, gated_state, gated_state_gradient, matrix_product};
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

/// Rows whose inputs are multiplied at a time.
const ROW_BLOCK: usize = 256;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Gru {
    x: Var,
    steps: usize,
    weights: GruWeights,
    /// r, z and n of every sample and step.
    gates: Slot,
    /// h·`W_state` + `b_state`, step after step: each step's rows are read and written together.
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
        // The inputs of all steps, one row per sample and step. Rows start as the bias. A block has
        // so few rows that the product still finds them in the cache.
        let blocks = gates[..length].chunks_mut(ROW_BLOCK * 3 * h);
        for (gates, x) in blocks.zip(self.slice(x).chunks(ROW_BLOCK * d)) {
            for row in gates.chunks_exact_mut(3 * h) {
                row.copy_from_slice(input_bias);
            }
            let rows = x.len() / d;
            let (x, gates) = (matrix(rows, d, x), matrix_mut(rows, 3 * h, gates));
            matrix_product(T::one(), x, self.params.view(input), T::one(), gates);
        }
        let of_steps = from_state[..length].chunks_exact_mut(rows.max(1) * 3 * h);
        for (step, b) in of_steps.enumerate() {
            for row in b.chunks_exact_mut(3 * h) {
                row.copy_from_slice(state_bias);
            }
            if step > 0 {
                let before = block(rows, steps, h, &y[..rows * steps * h], step - 1);
                let b = matrix_mut(rows, 3 * h, b);
                matrix_product(T::one(), before, self.params.view(state), T::one(), b);
            }
            for (row, b) in b.chunks_exact(3 * h).enumerate() {
                let at = row * steps + step;
                let (before, y) = y[..(at + 1) * h].split_at_mut(at * h);
                let before = (step > 0).then(|| &before[(at - 1) * h..]);
                gated_state(&mut gates[at * 3 * h..(at + 1) * 3 * h], b, before, y);
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

impl Gru {
    pub(super) fn params(&self) -> [Option<ParamId>; 4] {
        self.weights.ids().map(Some)
    }

    /// The backward pass through time, where dh is the gradient of a step's state and h⁻ the
    /// previous state: dn = dh (1 − z)(1 − n²), dz = dh (h⁻ − n) z (1 − z), dr = dn b₃ r (1 − r);
    /// da = [dr, dz, dn], db = [dr, dz, dn ∘ r], dh⁻ += dh ∘ z + db·`W_state`ᵀ. Then `dW_input` =
    /// xᵀ·da, dx = da·`W_input`ᵀ, `dW_state` = Σ h⁻ᵀ·db, and the gradients of biases are the sums.
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
        // The rows of db are stored step after step, like those of b.
        let of_step = |step: usize| step * rows * 3 * h..(step + 1) * rows * 3 * h;
        for step in (0..steps).rev() {
            let (b, db) = (&from_state[of_step(step)], &mut db_values[of_step(step)]);
            for (row, db) in db.chunks_exact_mut(3 * h).enumerate() {
                let at = row * steps + step;
                let wide = at * 3 * h..(at + 1) * 3 * h;
                let (d_before, dh) = dy[..(at + 1) * h].split_at_mut(at * h);
                let row = GatedRow {
                    gates: &gates[wide.clone()],
                    gated: &b[row * 3 * h..(row + 1) * 3 * h][2 * h..],
                    before: (step > 0).then(|| &y[(at - 1) * h..at * h]),
                };
                let d_before = (step > 0).then(|| &mut d_before[(at - 1) * h..]);
                gated_state_gradient(row, dh, &mut da_values[wide], db, d_before);
            }
            if step > 0 {
                let mut dy = matrix_mut(rows, steps * h, dy);
                let before = dy.slice_mut(s![.., (step - 1) * h..step * h]);
                matrix_product(one, matrix(rows, 3 * h, db), w_state.t(), one, before);
            }
        }
        let all = matrix(rows * steps, 3 * h, da_values);
        if let Some(target) = cx.param_target(weights.input_bias) {
            add_rows(target.zeroed().values, da_values);
        }
        if let Some(target) = cx.param_target(weights.state_bias) {
            // Sample after sample.
            let sums = target.zeroed().values;
            for row in 0..rows {
                for step in 0..steps {
                    add_rows(sums, &db_values[(step * rows + row) * 3 * h..][..3 * h]);
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
                let db = matrix(rows, 3 * h, &db_values[of_step(step)]);
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
