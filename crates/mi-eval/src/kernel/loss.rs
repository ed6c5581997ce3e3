use mi_kernels::positive_part;
use mi_kernels::simd::{Kernel, Simd};

use super::lanes::{Feature, LANES, Lanes, softmax};

/// Rows processed together: their features stay in the first-level cache from logits to gradient.
const ROWS: usize = 32;
/// Rows, or features, whose sums are in registers at the same time: enough independent chains to
/// hide the latency of an addition, and few enough for the registers.
const GROUP: usize = 8;

/// A linear model laid out for the kernels.
#[derive(Clone, Debug)]
pub(crate) struct Linear<T> {
    dim: usize,
    /// Block b of the classes holds rows b·dim to (b + 1)·dim.
    weights: Vec<Lanes<T>>,
    intercept: Vec<Lanes<T>>,
}

impl<T: Feature> Linear<T> {
    /// `parameters` holds (dim + 1) × classes numbers, row-major; the last row is the intercept.
    pub(crate) fn new(parameters: &[f64], classes: usize) -> Self {
        let dim = parameters.len() / classes - 1;
        let blocks = classes.div_ceil(LANES);
        let mut weights = vec![Lanes::zero(); blocks * dim];
        let mut intercept = vec![Lanes::splat(T::neg_infinity()); blocks];
        for (j, row) in parameters.chunks_exact(classes).enumerate() {
            for (k, &value) in row.iter().enumerate() {
                let (b, lane) = (k / LANES, k % LANES);
                let block = if j < dim { &mut weights[b * dim + j] } else { &mut intercept[b] };
                block.0[lane] = T::from_f64(value);
            }
        }
        Self { dim, weights, intercept }
    }

    fn blocks(&self) -> usize {
        self.intercept.len()
    }

    /// Logits of `rows`, at most [`ROWS`] of them, into `scores` (row after row, block by block).
    #[inline(always)]
    fn scores<const FMA: bool>(&self, features: &[T], scores: &mut [Lanes<T>]) {
        let blocks = self.blocks();
        let blocks_of_weights = self.weights.chunks_exact(self.dim).zip(&self.intercept);
        for (b, (weights, intercept)) in blocks_of_weights.enumerate() {
            let mut groups = features.chunks_exact(GROUP * self.dim);
            let mut first = 0;
            for group in groups.by_ref() {
                let sums = dots::<T, FMA, GROUP>(weights, group, intercept);
                for (r, sum) in sums.into_iter().enumerate() {
                    scores[(first + r) * blocks + b] = sum;
                }
                first += GROUP;
            }
            for (r, row) in groups.remainder().chunks_exact(self.dim).enumerate() {
                let [sum] = dots::<T, FMA, 1>(weights, row, intercept);
                scores[(first + r) * blocks + b] = sum;
            }
        }
    }
}

/// `intercept + Σ_j x_rj w_j` for N rows.
#[inline(always)]
fn dots<T: Feature, const FMA: bool, const N: usize>(
    weights: &[Lanes<T>],
    features: &[T],
    intercept: &Lanes<T>,
) -> [Lanes<T>; N] {
    let dim = weights.len();
    let rows: [&[T]; N] = std::array::from_fn(|r| &features[r * dim..][..dim]);
    let mut sums = [*intercept; N];
    let (chunks, rest) = weights.as_chunks::<4>();
    for (j, chunk) in chunks.iter().enumerate() {
        // Four features of every row at a time: one check of bounds and one pointer for each.
        let chunk_of: [&[T; 4]; N] = std::array::from_fn(|r| {
            rows[r][4 * j..].first_chunk().unwrap_or_else(|| unreachable!())
        });
        for c in 0..4 {
            for r in 0..N {
                sums[r] = sums[r].plus_scaled::<FMA>(chunk_of[r][c], &chunk[c]);
            }
        }
    }
    for (j, weight) in (dim - rest.len()..).zip(rest) {
        for r in 0..N {
            sums[r] = sums[r].plus_scaled::<FMA>(rows[r][j], weight);
        }
    }
    sums
}

/// `sums_j += Σ_r x_rj δ_r` for features j..j + N of all rows.
#[inline(always)]
fn add_outer<T: Feature, const FMA: bool, const N: usize>(
    features: &[T],
    dim: usize,
    j: usize,
    changes: &[Lanes<T>],
    blocks: usize,
    sums: &mut [Lanes<T>],
) {
    let mut totals = [Lanes::zero(); N];
    for (row, change) in features.chunks_exact(dim).zip(changes.iter().step_by(blocks)) {
        let Some(values) = row[j..].first_chunk::<N>() else { return };
        for c in 0..N {
            totals[c] = totals[c].plus_scaled::<FMA>(values[c], change);
        }
    }
    for (sum, total) in sums.iter_mut().zip(&totals) {
        *sum = sum.map2(total, |a, b| a + b);
    }
}

/// Loss and gradient summed over some rows.
#[derive(Clone, Debug)]
pub(crate) struct LossSum<T> {
    /// Σ −ln p(label), in nats.
    pub(crate) loss: f64,
    dim: usize,
    weights: Vec<Lanes<T>>,
    intercept: Vec<Lanes<T>>,
}

impl<T: Feature> LossSum<T> {
    /// Adds the gradient to `total`, which has the layout of the parameters given to
    /// [`Linear::new`].
    pub(crate) fn add_gradient_to(&self, total: &mut [f64], classes: usize) {
        for (j, row) in total.chunks_exact_mut(classes).enumerate() {
            for (k, value) in row.iter_mut().enumerate() {
                let (b, lane) = (k / LANES, k % LANES);
                let block =
                    if j < self.dim { self.weights[b * self.dim + j] } else { self.intercept[b] };
                *value += block.0[lane].to_f64();
            }
        }
    }
}

/// Sums the cross-entropy and its gradient over rows of features (row-major) and labels.
pub(crate) struct LossAndGradient<'a, T> {
    pub(crate) model: &'a Linear<T>,
    pub(crate) features: &'a [T],
    pub(crate) labels: &'a [u32],
}

impl<T: Feature> Kernel for LossAndGradient<'_, T> {
    type Output = LossSum<T>;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> LossSum<T> {
        if S::FMA { self.sums::<true>() } else { self.sums::<false>() }
    }
}

impl<T: Feature> LossAndGradient<'_, T> {
    #[inline(always)]
    fn sums<const FMA: bool>(self) -> LossSum<T> {
        let Self { model, features, labels } = self;
        let (dim, blocks) = (model.dim, model.blocks());
        let mut sum = LossSum {
            loss: 0.0,
            dim,
            weights: vec![Lanes::zero(); blocks * dim],
            intercept: vec![Lanes::zero(); blocks],
        };
        let mut buffer = vec![Lanes::zero(); ROWS * blocks];
        for (x, y) in features.chunks(ROWS * dim).zip(labels.chunks(ROWS)) {
            let changes = &mut buffer[..y.len() * blocks];
            model.scores::<FMA>(x, changes);
            for (change, &label) in changes.chunks_exact_mut(blocks).zip(y) {
                let (b, lane) = (label as usize / LANES, label as usize % LANES);
                let own = change[b].0[lane].to_f64();
                let (largest, total) = softmax::<T, FMA>(change);
                // Not negative up to rounding, since its own term is part of the total. The NaN of
                // infinite logits stays: a line search that steps too far must see it.
                sum.loss += positive_part(largest.to_f64() - own + total.to_f64().ln());
                change[b].0[lane] -= T::one();
            }
            for b in 0..blocks {
                for change in changes.iter().skip(b).step_by(blocks) {
                    sum.intercept[b] = sum.intercept[b].map2(change, |a, c| a + c);
                }
                let sums = &mut sum.weights[b * dim..][..dim];
                let mut groups = sums.chunks_exact_mut(GROUP);
                let mut j = 0;
                for group in groups.by_ref() {
                    add_outer::<T, FMA, GROUP>(x, dim, j, &changes[b..], blocks, group);
                    j += GROUP;
                }
                for rest in groups.into_remainder().chunks_exact_mut(1) {
                    add_outer::<T, FMA, 1>(x, dim, j, &changes[b..], blocks, rest);
                    j += 1;
                }
            }
        }
        sum
    }
}

/// Logits of rows of features (row-major), row after row of `classes` numbers.
pub(crate) struct Logits<'a, T> {
    pub(crate) model: &'a Linear<T>,
    pub(crate) features: &'a [T],
    pub(crate) classes: usize,
}

impl<T: Feature> Kernel for Logits<'_, T> {
    type Output = Vec<T>;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Vec<T> {
        if S::FMA { self.rows::<true>() } else { self.rows::<false>() }
    }
}

impl<T: Feature> Logits<'_, T> {
    #[inline(always)]
    fn rows<const FMA: bool>(self) -> Vec<T> {
        let Self { model, features, classes } = self;
        let blocks = model.blocks();
        let mut logits = Vec::with_capacity(features.len() / model.dim * classes);
        let mut buffer = vec![Lanes::zero(); ROWS * blocks];
        for x in features.chunks(ROWS * model.dim) {
            let scores = &mut buffer[..x.len() / model.dim * blocks];
            model.scores::<FMA>(x, scores);
            for score in scores.chunks_exact(blocks) {
                let numbers = score.iter().flat_map(|block| block.0);
                logits.extend(numbers.take(classes));
            }
        }
        logits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_kernels::simd::Level;
    use mi_random::Stream;

    struct Case {
        features: Vec<f64>,
        labels: Vec<u32>,
        parameters: Vec<f64>,
        classes: usize,
    }

    fn case(rows: usize, dim: usize, classes: usize) -> Case {
        let mut stream = Stream::new(2, "loss kernel");
        let mut normals = |n: usize| (0..n).map(|_| stream.normal()).collect::<Vec<_>>();
        let (features, parameters) = (normals(rows * dim), normals((dim + 1) * classes));
        let labels = (0..rows).map(|_| stream.below(classes) as u32).collect();
        Case { features, labels, parameters, classes }
    }

    fn logits(case: &Case, parameters: &[f64], row: usize) -> Vec<f64> {
        let (dim, k) = (parameters.len() / case.classes - 1, case.classes);
        let x = &case.features[row * dim..][..dim];
        (0..k)
            .map(|c| {
                parameters[dim * k + c]
                    + (0..dim).map(|j| x[j] * parameters[j * k + c]).sum::<f64>()
            })
            .collect()
    }

    fn slow_loss(case: &Case, parameters: &[f64]) -> f64 {
        let row_loss = |(row, &label): (usize, &u32)| {
            let logits = logits(case, parameters, row);
            logits.iter().map(|l| l.exp()).sum::<f64>().ln() - logits[label as usize]
        };
        case.labels.iter().enumerate().map(row_loss).sum()
    }

    fn run<T: Feature>(case: &Case, level: Level) -> (f64, Vec<f64>, Vec<T>) {
        let features: Vec<T> = case.features.iter().map(|&v| T::from_f64(v)).collect();
        let model = Linear::new(&case.parameters, case.classes);
        let kernel = LossAndGradient { model: &model, features: &features, labels: &case.labels };
        let sum = level.run(kernel);
        let mut gradient = vec![0.0; case.parameters.len()];
        sum.add_gradient_to(&mut gradient, case.classes);
        let kernel = Logits { model: &model, features: &features, classes: case.classes };
        (sum.loss, gradient, level.run(kernel))
    }

    /// Rows around one group and one buffer, features around one group, classes around a block.
    const SHAPES: [(usize, usize, usize); 4] = [(3, 1, 2), (33, 9, 16), (71, 8, 17), (40, 13, 10)];

    #[test]
    fn loss_and_logits_are_the_obvious_ones() {
        for (rows, dim, classes) in SHAPES {
            let case = case(rows, dim, classes);
            let expected = slow_loss(&case, &case.parameters);
            for level in Level::available() {
                let (loss, _, found) = run::<f64>(&case, level);
                assert!((loss / expected - 1.0).abs() < 1e-13, "{level:?}: {loss} {expected}");
                let (loss, _, _) = run::<f32>(&case, level);
                assert!((loss / expected - 1.0).abs() < 1e-6, "{level:?}: {loss} {expected}");
                let slow = (0..rows).flat_map(|row| logits(&case, &case.parameters, row));
                assert_eq!(found.len(), rows * classes);
                assert!(found.iter().zip(slow).all(|(f, s)| (f - s).abs() < 1e-12));
            }
        }
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        for (rows, dim, classes) in SHAPES {
            let case = case(rows, dim, classes);
            for level in Level::available() {
                let (_, exact, _) = run::<f64>(&case, level);
                let (_, single, _) = run::<f32>(&case, level);
                for i in 0..case.parameters.len() {
                    let at = |h: f64| {
                        let mut moved = case.parameters.clone();
                        moved[i] += h;
                        slow_loss(&case, &moved)
                    };
                    let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                    assert!((exact[i] - slope).abs() < 1e-7, "{level:?} {i}: {} {slope}", exact[i]);
                    assert!(
                        (single[i] - slope).abs() < 1e-4,
                        "{level:?} {i}: {} {slope}",
                        single[i]
                    );
                }
            }
        }
    }

    /// A line search goes back only if it sees that a step was too long.
    #[test]
    fn infinite_and_undefined_logits_give_no_finite_loss() {
        fn check<T: Feature>(parameters: &[f64], features: &[f64]) {
            for label in 0..3 {
                let case = Case {
                    features: features.to_vec(),
                    labels: vec![label],
                    parameters: parameters.to_vec(),
                    classes: 3,
                };
                for level in Level::available() {
                    let (loss, _, _) = run::<T>(&case, level);
                    assert!(!loss.is_finite(), "{level:?}, label {label}: {loss}");
                }
            }
        }
        let intercepts = [0.5, -0.5, 1.0];
        for bad in [f64::INFINITY, f64::NAN] {
            for class in 0..3 {
                let mut parameters = vec![0.0; 3];
                parameters.extend(intercepts);
                parameters[3 + class] = bad;
                check::<f32>(&parameters, &[1.0]);
                check::<f64>(&parameters, &[1.0]);
            }
        }
        // Finite parameters whose products overflow: one logit is ∞, or ∞ − ∞.
        for weight in [1e30, -1e30] {
            let parameters = [[1e30, 0.0, 0.0], [weight, 0.0, 0.0], intercepts].concat();
            check::<f32>(&parameters, &[1e30, 1e30]);
        }
    }

    #[test]
    fn huge_logits_give_a_finite_loss() {
        let case = Case {
            features: vec![1.0, 1.0],
            labels: vec![0, 1],
            parameters: vec![500.0, -500.0, 0.0, 0.0],
            classes: 2,
        };
        for level in Level::available() {
            let (loss, gradient, _) = run::<f32>(&case, level);
            assert_eq!((loss, gradient), (1000.0, vec![1.0, -1.0, 1.0, -1.0]));
        }
    }
}
