use mi_kernels::simd::{Kernel, Simd, prefetch_slice};

use super::lanes::{Feature, LANES, Lanes, softmax};

/// The state that SAGA carries from one step to the next.
pub(crate) struct SagaState<T> {
    /// Weights divided by `scale`; block b holds rows b·d to (b + 1)·d.
    pub(crate) weights: Vec<Lanes<T>>,
    pub(crate) intercept: Vec<Lanes<T>>,
    /// Sums, over the samples, of their stored loss gradients.
    sum_gradient: Vec<Lanes<T>>,
    intercept_sum: Vec<Lanes<T>>,
    /// Probability minus indicator of each sample when it was last drawn. Multiplied by the
    /// features, this is the sample's gradient.
    memory: Vec<Lanes<T>>,
    seen: Vec<bool>,
    seen_count: usize,
    scale: f64,
}

impl<T: Feature> SagaState<T> {
    pub(crate) fn new(samples: usize, features: usize, classes: usize) -> Self {
        let blocks = classes.div_ceil(LANES);
        let mut intercept = vec![Lanes::zero(); blocks];
        for padding in classes..blocks * LANES {
            intercept[padding / LANES].0[padding % LANES] = T::neg_infinity();
        }
        Self {
            weights: vec![Lanes::zero(); blocks * features],
            intercept,
            sum_gradient: vec![Lanes::zero(); blocks * features],
            intercept_sum: vec![Lanes::zero(); blocks],
            memory: vec![Lanes::zero(); blocks * samples],
            seen: vec![false; samples],
            seen_count: 0,
            scale: 1.0,
        }
    }
}

/// One epoch of SAGA: one step per sample; the samples are drawn in advance into `order`.
pub(crate) struct SagaEpoch<'a, T> {
    /// Features, row after row.
    pub(crate) features: &'a [T],
    /// Number of features.
    pub(crate) dim: usize,
    /// Class of each row.
    pub(crate) labels: &'a [u32],
    pub(crate) order: &'a [u32],
    /// Step size γ.
    pub(crate) step: f64,
    /// The penalty is decay/2 · ‖w‖².
    pub(crate) decay: f64,
    pub(crate) state: &'a mut SagaState<T>,
}

impl<T: Feature> Kernel for SagaEpoch<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        if S::FMA { self.steps::<true>() } else { self.steps::<false>() }
    }
}

impl<T: Feature> SagaEpoch<'_, T> {
    /// With δ the change of a sample's gradient factor, m the number of samples seen so far and S
    /// the sum of stored gradients, one step is
    ///
    /// ```text
    /// w ← (1 − γ·decay) w − γ (1 − 1/m) x δ − γ/m · (S + x δ),   S ← S + x δ.
    /// ```
    ///
    /// Rows are dense, so each step changes every weight. The same pass also computes the next
    /// sample's logits: weights and sums are read and written once per step.
    #[inline(always)]
    fn steps<const FMA: bool>(self) {
        let Self { features, dim, labels, order, step, decay, state } = self;
        let blocks = state.intercept.len();
        let row = |sample: u32| &features[sample as usize * dim..][..dim];
        let Some(&first) = order.first() else { return };
        let mut scores: Vec<Lanes<T>> = state
            .weights
            .chunks_exact(dim)
            .map(|weights| dot::<T, FMA>(weights, row(first)))
            .collect();
        let mut factors = vec![Lanes::zero(); blocks];
        // In f64: for much data 1 − γ·decay is within rounding of 1 in f32.
        let shrink = 1.0 - step * decay;

        for (t, &sample) in order.iter().enumerate() {
            // Rows are drawn at random and are not in the cache; prefetch them.
            if let Some(&later) = order.get(t + 2) {
                prefetch_slice(row(later));
                prefetch_slice(&state.memory[later as usize * blocks..][..blocks]);
            }
            let index = sample as usize;
            if !state.seen[index] {
                state.seen[index] = true;
                state.seen_count += 1;
            }
            let scale = T::from_f64(state.scale);
            for ((factor, score), intercept) in
                factors.iter_mut().zip(&scores).zip(&state.intercept)
            {
                *factor = intercept.plus_scaled::<FMA>(scale, score);
            }
            softmax::<T, FMA>(&mut factors);
            let label = labels[index] as usize;
            factors[label / LANES].0[label % LANES] -= T::one();

            let average = step / state.seen_count as f64;
            let correction = step - average;
            state.scale *= shrink;
            let to_weights =
                (T::from_f64(-correction / state.scale), T::from_f64(-average / state.scale));
            let to_intercept = (T::from_f64(-correction), T::from_f64(-average));
            let next = row(order.get(t + 1).copied().unwrap_or(sample));
            let memory = &mut state.memory[index * blocks..][..blocks];
            for b in 0..blocks {
                let change = factors[b].map2(&memory[b], |new, old| new - old);
                memory[b] = factors[b];
                state.intercept_sum[b] =
                    state.intercept_sum[b].plus_scaled::<FMA>(T::one(), &change);
                state.intercept[b] = state.intercept[b]
                    .plus_scaled::<FMA>(to_intercept.0, &change)
                    .plus_scaled::<FMA>(to_intercept.1, &state.intercept_sum[b]);
                scores[b] = update_and_dot::<T, FMA>(
                    &mut state.weights[b * dim..][..dim],
                    &mut state.sum_gradient[b * dim..][..dim],
                    row(sample),
                    next,
                    &change,
                    to_weights,
                );
            }
            // Long before weight/scale would overflow f32.
            if state.scale < 1e-9 {
                // The scores also belong to the divided weights.
                let scale = Lanes::splat(T::from_f64(state.scale));
                for score in &mut scores {
                    *score = score.map2(&scale, |v, s| v * s);
                }
                state.apply_scale();
            }
        }
        state.apply_scale();
    }
}

impl<T: Feature> SagaState<T> {
    /// Weights and intercept as (dim + 1) × classes numbers, row-major, the intercept last.
    pub(crate) fn parameters(&self, dim: usize, classes: usize) -> Vec<f64> {
        let mut parameters = Vec::with_capacity((dim + 1) * classes);
        for j in 0..=dim {
            parameters.extend((0..classes).map(|k| {
                let b = k / LANES;
                let block = if j < dim { &self.weights[b * dim + j] } else { &self.intercept[b] };
                block.0[k % LANES].to_f64()
            }));
        }
        parameters
    }

    #[inline(always)]
    fn apply_scale(&mut self) {
        let scale = Lanes::splat(T::from_f64(self.scale));
        for weight in &mut self.weights {
            *weight = weight.map2(&scale, |w, s| w * s);
        }
        self.scale = 1.0;
    }
}

/// `Σ_j x_j w_j`, for a block of classes.
#[inline(always)]
fn dot<T: Feature, const FMA: bool>(weights: &[Lanes<T>], x: &[T]) -> Lanes<T> {
    let mut sum = Lanes::zero();
    for (weight, &value) in weights.iter().zip(x) {
        sum = sum.plus_scaled::<FMA>(value, weight);
    }
    sum
}

/// What one step adds to the rows of weights and gradient sums.
struct Update<'a, T> {
    /// δ, the change of the sample's gradient factor.
    change: &'a Lanes<T>,
    /// δ times the factor of x δ in the update of the weights.
    scaled: Lanes<T>,
    /// The factor of the gradient sum in the update of the weights.
    average: T,
}

impl<T: Feature> Update<'_, T> {
    /// Moves one feature's sums and weights; returns `total` plus `next` times the new weights.
    // A function and not a closure: closures are compiled without the caller's instructions
    // unless they happen to be inlined.
    #[inline(always)]
    fn apply<const FMA: bool>(
        &self,
        weight: &mut Lanes<T>,
        sum: &mut Lanes<T>,
        x: T,
        next: T,
        total: Lanes<T>,
    ) -> Lanes<T> {
        *sum = sum.plus_scaled::<FMA>(x, self.change);
        *weight = weight.plus_scaled::<FMA>(x, &self.scaled).plus_scaled::<FMA>(self.average, sum);
        total.plus_scaled::<FMA>(next, weight)
    }
}

/// `S ← S + x δ` and `w ← w + correction · x δ + average · S`; returns `Σ_j next_j w_j`.
#[inline(always)]
fn update_and_dot<T: Feature, const FMA: bool>(
    weights: &mut [Lanes<T>],
    sums: &mut [Lanes<T>],
    x: &[T],
    next: &[T],
    change: &Lanes<T>,
    (correction, average): (T, T),
) -> Lanes<T> {
    let scaled = change.map2(&Lanes::splat(correction), |a, b| a * b);
    let update = Update { change, scaled, average };
    // Four partial sums: one chain of additions would wait for each to finish.
    let mut totals = [Lanes::zero(); 4];
    let (weight_chunks, weight_rest) = weights.as_chunks_mut::<4>();
    let (sum_chunks, sum_rest) = sums.as_chunks_mut::<4>();
    let (x_chunks, x_rest) = x.as_chunks::<4>();
    let (next_chunks, next_rest) = next.as_chunks::<4>();
    for (((w, s), x), next) in
        weight_chunks.iter_mut().zip(sum_chunks).zip(x_chunks).zip(next_chunks)
    {
        for c in 0..4 {
            totals[c] = update.apply::<FMA>(&mut w[c], &mut s[c], x[c], next[c], totals[c]);
        }
    }
    let [a, b, c, d] = totals;
    let mut total = a.map2(&b, |a, b| a + b).map2(&c.map2(&d, |c, d| c + d), |ab, cd| ab + cd);
    for (((w, s), &x), &next) in weight_rest.iter_mut().zip(sum_rest).zip(x_rest).zip(next_rest) {
        total = update.apply::<FMA>(w, s, x, next, total);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_kernels::simd::Level;
    use mi_random::Stream;

    struct Problem {
        features: Vec<f64>,
        dim: usize,
        classes: usize,
        labels: Vec<u32>,
        orders: Vec<Vec<u32>>,
        step: f64,
        decay: f64,
    }

    fn problem(samples: usize, dim: usize, classes: usize, decay: f64) -> Problem {
        let mut stream = Stream::new(1, "saga kernel");
        let order = |stream: &mut Stream| {
            (0..samples).map(|_| stream.below(samples) as u32).collect::<Vec<_>>()
        };
        Problem {
            features: (0..samples * dim).map(|_| stream.normal()).collect(),
            dim,
            classes,
            labels: (0..samples).map(|_| stream.below(classes) as u32).collect(),
            orders: (0..3).map(|_| order(&mut stream)).collect(),
            step: 0.02,
            decay,
        }
    }

    fn run<T: Feature>(problem: &Problem, level: Level) -> Vec<f64> {
        let features: Vec<T> = problem.features.iter().map(|&v| T::from_f64(v)).collect();
        let mut state = SagaState::new(problem.labels.len(), problem.dim, problem.classes);
        for order in &problem.orders {
            let epoch = SagaEpoch {
                features: &features,
                dim: problem.dim,
                labels: &problem.labels,
                order,
                step: problem.step,
                decay: problem.decay,
                state: &mut state,
            };
            level.run(epoch);
        }
        state.parameters(problem.dim, problem.classes)
    }

    /// The update of the paper, with all stored gradients kept and averaged.
    fn slow(problem: &Problem) -> Vec<f64> {
        let Problem { dim, classes, step, decay, .. } = *problem;
        let size = (dim + 1) * classes;
        let mut w = vec![0.0; size];
        let mut memory: Vec<Option<Vec<f64>>> = vec![None; problem.labels.len()];
        for &sample in problem.orders.iter().flatten() {
            let sample = sample as usize;
            let mut x = problem.features[sample * dim..][..dim].to_vec();
            x.push(1.0);
            let logit = |k: usize| (0..=dim).map(|j| x[j] * w[j * classes + k]).sum::<f64>();
            let exps: Vec<f64> = (0..classes).map(|k| logit(k).exp()).collect();
            let total: f64 = exps.iter().sum();
            let gradient: Vec<f64> = (0..size)
                .map(|i| {
                    let (j, k) = (i / classes, i % classes);
                    let own = f64::from(u8::from(problem.labels[sample] as usize == k));
                    x[j] * (exps[k] / total - own)
                })
                .collect();
            let first = memory[sample].is_none();
            let seen = memory.iter().flatten().count() + usize::from(first);
            let old = memory[sample].take().unwrap_or_else(|| vec![0.0; size]);
            let mut average = vec![0.0; size];
            for remembered in memory.iter().flatten().chain([&old]) {
                for (a, r) in average.iter_mut().zip(remembered) {
                    *a += r / seen as f64;
                }
            }
            for i in 0..size {
                let shrink = if i < dim * classes { 1.0 - step * decay } else { 1.0 };
                w[i] = shrink * w[i] - step * (gradient[i] - old[i] + average[i]);
            }
            memory[sample] = Some(gradient);
        }
        w
    }

    #[test]
    fn the_fused_step_is_the_obvious_one() {
        // Class counts around one block of lanes, feature counts around one unrolled group, and a
        // decay so strong that the scale is folded into the weights during the epoch.
        for (dim, classes, decay) in [(1, 2, 0.1), (4, 10, 0.1), (7, 16, 0.0), (6, 19, 25.0)] {
            let problem = problem(40, dim, classes, decay);
            let expected = slow(&problem);
            for level in Level::available() {
                for (found, tolerance) in
                    [(run::<f64>(&problem, level), 1e-12), (run::<f32>(&problem, level), 2e-5)]
                {
                    for (f, e) in found.iter().zip(&expected) {
                        assert!((f - e).abs() < tolerance, "{level:?} {dim}×{classes}: {f} {e}");
                    }
                }
            }
        }
    }
}
