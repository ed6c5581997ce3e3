use mi_kernels::Scalar;

use super::Op;
use crate::arena::Slot;
use crate::backward::Backward;
use crate::target::Target;
use crate::vector::{Rows, add_rows, sum_of, sum_of_pairs};
use crate::{Graph, ParamId, Var};

/// Added to the standard deviation.
const EPS: f64 = 1e-6;

#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerNorm {
    x: Var,
    scale: ParamId,
    shift: ParamId,
    /// Mean and standard deviation of every row.
    statistics: Slot,
}

impl<T: Scalar> Graph<'_, T> {
    /// Layer normalisation over the full row (Ba, Kiros and Hinton, 2016), with a scale and a shift
    /// for every channel.
    ///
    /// # Formula
    /// y = (x − mean) / (sd + 10⁻⁶) · scale + shift, with the mean and sd (divisor m) of the row.
    ///
    /// The derivative of sd does not exist at sd = 0, that is, for a constant row. There it counts
    /// as 0, so dx = (g − mean g) · 10⁶ with g = dy · scale, which is finite, unlike automatic
    /// differentiation of the same formula.
    ///
    /// # Shapes
    /// x is n×m; scale and shift are 1×c, c a divisor of m, the channel innermost in the row;
    /// y is n×m.
    pub fn layer_norm(&mut self, x: Var, scale: ParamId, shift: ParamId) -> Var {
        let (rows, columns) = self.shape(x);
        let (gain, offset) = (self.params.view(scale), self.params.view(shift));
        let channels = gain.ncols();
        let fits = gain.nrows() == 1 && gain.dim() == offset.dim();
        if !fits || !columns.is_multiple_of(channels) {
            return self.fail("layer_norm", (rows, columns), || {
                let (gain, offset) = (gain.dim(), offset.dim());
                format!("x is {rows}×{columns}, the scale {gain:?}, the shift {offset:?}")
            });
        }
        let (gain, offset) = (self.params.slice(scale), self.params.slice(shift));
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let (statistics_slot, mut statistics) = self.tape.values.take(2 * rows);
        let y_rows = buffer[..rows * columns].chunks_exact_mut(columns);
        let x_rows = self.slice(x).chunks_exact(columns);
        for ((y, x), kept) in y_rows.zip(x_rows).zip(statistics.chunks_exact_mut(2)) {
            let n = T::from_f64(columns as f64);
            let mean = sum_of(x, |x| x) / n;
            let sd = (sum_of(x, |x| (x - mean) * (x - mean)) / n).sqrt();
            let inverse = (sd + T::from_f64(EPS)).recip();
            for (y, x) in y.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
                for (((y, &x), &gain), &offset) in y.iter_mut().zip(x).zip(gain).zip(offset) {
                    *y = (x - mean) * inverse * gain + offset;
                }
            }
            kept.copy_from_slice(&[mean, sd]);
        }
        self.keep(statistics_slot, statistics);
        let op = LayerNorm { x, scale, shift, statistics: statistics_slot };
        let needs = self.needs(x).or(self.trained([scale, shift]));
        self.push(Op::LayerNorm(op), slot, buffer, (rows, columns), needs)
    }
}

impl LayerNorm {
    pub(super) fn params(&self) -> [Option<ParamId>; 2] {
        [Some(self.scale), Some(self.shift)]
    }

    /// With c = x − mean, s = sd + ε and g = dy · scale:
    /// dx = (g − mean g) / s − c · ⟨g, c⟩ / (m · sd · s²), the second term 0 at sd = 0;
    /// dscale = Σ dy · c / s and dshift = Σ dy over rows and positions.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, dy: &mut [T]) {
        let (rows, columns) = cx.values.shape(self.x);
        let (x, gain) = (cx.values.slice(self.x), cx.values.param_slice(self.scale));
        let statistics = cx.values.kept(self.statistics, 2 * rows);
        let channels = gain.len();
        let positions = columns / channels;
        let what = if positions == 1 { Rows::Samples } else { Rows::Positions };
        if let Some(target) = cx.param_target(self.scale) {
            let sums = target.zeroed().values;
            add_rows(sums, (dy, x), what, |row, _, d, x| {
                let kept = &statistics[row / positions * 2..][..2];
                let (mean, inverse) = (kept[0], (kept[1] + T::from_f64(EPS)).recip());
                d * ((x - mean) * inverse)
            });
        }
        if let Some(target) = cx.param_target(self.shift) {
            let sums = target.zeroed().values;
            add_rows(sums, (dy, dy), what, |_, _, d, _| d);
        }
        let Some(Target { values, fresh }) = cx.target(self.x) else { return };
        for g in dy.chunks_exact_mut(channels) {
            for (g, &gain) in g.iter_mut().zip(gain) {
                *g *= gain;
            }
        }
        let n = T::from_f64(columns as f64);
        let dx_rows = values.chunks_exact_mut(columns).zip(statistics.chunks_exact(2));
        for ((values, kept), (g, x)) in dx_rows.zip(chunks(dy, x, columns)) {
            let (mean, sd) = (kept[0], kept[1]);
            let inverse = (sd + T::from_f64(EPS)).recip();
            let mean_g = sum_of(g, |g| g) / n;
            let along = if sd > T::zero() {
                sum_of_pairs(g, x, |g, x| g * (x - mean)) / (n * sd) * inverse * inverse
            } else {
                T::zero()
            };
            Target { values, fresh }
                .map_pairs(g, x, |g, x| (g - mean_g) * inverse - (x - mean) * along);
        }
    }
}

fn chunks<'a, T>(
    a: &'a [T],
    b: &'a [T],
    length: usize,
) -> impl Iterator<Item = (&'a [T], &'a [T])> {
    a.chunks_exact(length).zip(b.chunks_exact(length))
}
