use mi_kernels::Scalar;

use super::Op;
use crate::arena::Slot;
use crate::backward::Backward;
use crate::vector::{Rows, add_rows};
use crate::{Graph, Mode, ParamId, Var};

/// Added to the variance, as in `PyTorch`.
const EPS: f64 = 1e-5;

#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchNorm {
    x: Var,
    scale: ParamId,
    shift: ParamId,
    running: ParamId,
    mode: Mode,
    /// By channel: means, inverse standard deviations, variances.
    statistics: Slot,
}

impl<T: Scalar> Graph<'_, T> {
    /// Batch normalisation of every channel over all rows and positions (Ioffe and Szegedy, 2015).
    ///
    /// # Formula
    /// y = (x − mean) / √(variance + 10⁻⁵) · scale + shift. In [`Mode::Training`] mean and variance
    /// (divisor N) are those of the N = n · positions values of a channel in this batch; the next
    /// step moves the running statistics towards them (variance with divisor N − 1, as in
    /// `PyTorch`; with several uses in one graph, towards their average). In [`Mode::Evaluation`]
    /// the running statistics are used instead, and a row's value does not depend on the other rows
    /// of its batch.
    ///
    /// # Shapes
    /// x is n×(positions·c), the channel innermost; scale and shift are 1×c; `running` is made by
    /// [`crate::Params::add_running_statistics`]. In training a channel needs at least two values.
    pub fn batch_norm(&mut self, x: Var, scale: ParamId, shift: ParamId, running: ParamId) -> Var {
        let (rows, columns) = self.shape(x);
        let shapes = [scale, shift, running].map(|id| self.params.view(id).dim());
        let channels = shapes[0].1;
        let fits = shapes == [(1, channels), (1, channels), (3, channels)];
        if !fits || !columns.is_multiple_of(channels) {
            return self.fail("batch_norm", (rows, columns), || {
                let [scale, shift, running] = shapes;
                format!(
                    "x is {rows}×{columns}, the scale {scale:?}, the shift {shift:?}, the running \
                     statistics {running:?}: they must be 1×c, 1×c and 3×c, c a divisor of {columns}"
                )
            });
        }
        let (mode, count) = (self.mode(), rows * columns / channels);
        if mode == Mode::Training && count < 2 {
            return self.fail("batch_norm", (rows, columns), || {
                "one value per channel has no variance: train on larger batches, or evaluate".into()
            });
        }
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let (statistics_slot, mut statistics) = self.tape.values.take(3 * channels);
        let (mean, rest) = statistics[..3 * channels].split_at_mut(channels);
        let (inverse, variance) = rest.split_at_mut(channels);
        let x_values = self.slice(x);
        match mode {
            Mode::Training => batch_statistics(x_values, mean, variance),
            Mode::Evaluation => {
                let running = self.params.slice(running);
                mean.copy_from_slice(&running[..channels]);
                variance.copy_from_slice(&running[channels..2 * channels]);
            }
        }
        for (inverse, &variance) in inverse.iter_mut().zip(&*variance) {
            *inverse = (variance + T::from_f64(EPS)).sqrt().recip();
        }
        let (gain, offset) = (self.params.slice(scale), self.params.slice(shift));
        let y = &mut buffer[..rows * columns];
        for (y, x) in y.chunks_exact_mut(channels).zip(x_values.chunks_exact(channels)) {
            for (c, (y, &x)) in y.iter_mut().zip(x).enumerate() {
                *y = (x - mean[c]) * inverse[c] * gain[c] + offset[c];
            }
        }
        self.keep(statistics_slot, statistics);
        let needs = self.needs(x).or(self.trained([scale, shift]));
        let op = BatchNorm { x, scale, shift, running, mode, statistics: statistics_slot };
        self.push(Op::BatchNorm(op), slot, buffer, (rows, columns), needs)
    }
}

/// Means and variances (divisor N) by channel: the corrected two-pass algorithm (Chan et al.,
/// 1983), since one pass loses the variance of channels far from zero, and a long sum in `f32`
/// loses some digits of the mean.
fn batch_statistics<T: Scalar>(x: &[T], mean: &mut [T], variance: &mut [T]) {
    let channels = mean.len();
    let n = T::from_f64((x.len() / channels) as f64);
    let rough = &mut *variance;
    rough.fill(T::zero());
    add_rows(rough, (x, x), Rows::Samples, |_, _, x, _| x);
    for sum in &mut *rough {
        *sum /= n;
    }
    mean.fill(T::zero());
    add_rows(mean, (x, x), Rows::Samples, |_, c, x, _| x - rough[c]);
    for (mean, rough) in mean.iter_mut().zip(&*rough) {
        *mean = *rough + *mean / n;
    }
    variance.fill(T::zero());
    add_rows(variance, (x, x), Rows::Samples, |_, c, x, _| (x - mean[c]) * (x - mean[c]));
    for sum in variance {
        *sum /= n;
    }
}

impl BatchNorm {
    pub(super) fn params(&self) -> [Option<ParamId>; 3] {
        [Some(self.scale), Some(self.shift), Some(self.running)]
    }

    /// With x̂ = (x − mean) · inverse: dscale = Σ dy · x̂ and dshift = Σ dy over the N values of a
    /// channel; dx = scale · inverse · (dy − dshift / N − x̂ · dscale / N) in training, where mean
    /// and variance depend on x, and scale · inverse · dy in evaluation.
    pub(super) fn backward<T: Scalar>(&self, cx: &mut Backward<'_, T>, dy: &[T]) {
        let (x, gain) = (cx.values.slice(self.x), cx.values.param_slice(self.scale));
        let channels = gain.len();
        let statistics = cx.values.kept(self.statistics, 3 * channels);
        let (mean, rest) = statistics.split_at(channels);
        let (inverse, variance) = rest.split_at(channels);
        let count = T::from_f64((x.len() / channels) as f64);
        if self.mode == Mode::Training
            && let Some(target) = cx.statistics_target(self.running)
        {
            let unbiased = count / (count - T::one());
            let (means, rest) = target.zeroed().values.split_at_mut(channels);
            let (variances, batches) = rest.split_at_mut(channels);
            for c in 0..channels {
                means[c] += mean[c];
                variances[c] += variance[c] * unbiased;
                batches[c] += T::one();
            }
        }
        let (slot, mut sums) = cx.take(2 * channels);
        let (dscale, dshift) = sums[..2 * channels].split_at_mut(channels);
        dscale.fill(T::zero());
        dshift.fill(T::zero());
        add_rows(dscale, (dy, x), Rows::Samples, |_, c, d, x| d * ((x - mean[c]) * inverse[c]));
        add_rows(dshift, (dy, dy), Rows::Samples, |_, _, d, _| d);
        if let Some(target) = cx.param_target(self.scale) {
            target.map(dscale, |d| d);
        }
        if let Some(target) = cx.param_target(self.shift) {
            target.map(dshift, |d| d);
        }
        let through_batch = match self.mode {
            Mode::Training => count.recip(),
            Mode::Evaluation => T::zero(),
        };
        if let Some(target) = cx.target(self.x) {
            let dx = target.zeroed().values.chunks_exact_mut(channels);
            for ((dx, dy), x) in dx.zip(dy.chunks_exact(channels)).zip(x.chunks_exact(channels)) {
                for (c, ((dx, &d), &x)) in dx.iter_mut().zip(dy).zip(x).enumerate() {
                    let along = dshift[c] + (x - mean[c]) * inverse[c] * dscale[c];
                    *dx += gain[c] * inverse[c] * (d - along * through_batch);
                }
            }
        }
        cx.give(slot, sums);
    }
}

/// Moves running statistics by the fraction `momentum` towards the average of the statistics that
/// all uses of a batch normalisation stored in one step. Rows of both: means, variances, and a
/// count.
pub(crate) fn move_running_statistics<T: Scalar>(running: &mut [T], batch: &[T], momentum: f64) {
    let channels = running.len() / 3;
    let momentum = T::from_f64(momentum);
    let (values, steps) = running.split_at_mut(2 * channels);
    let (sums, uses) = batch.split_at(2 * channels);
    for (to, sums) in values.chunks_exact_mut(channels).zip(sums.chunks_exact(channels)) {
        for ((to, &sum), &uses) in to.iter_mut().zip(sums).zip(uses) {
            *to += momentum * (sum / uses - *to);
        }
    }
    for steps in steps {
        *steps += T::one();
    }
}
