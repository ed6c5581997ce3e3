//! Multinomial logistic readers.

use ndarray::{Array2, ArrayView2, Axis, s};

use super::Losses;

/// Steps after which a fit is taken as it is; strong convexity needs far fewer.
const MOST_STEPS: usize = 500;

/// The largest entry of the gradient of the mean loss at which a fit ends.
const TOLERANCE: f64 = 1e-7;

/// Steps that the minimiser remembers.
const MEMORY: usize = 10;

type Labelled<'a> = (ArrayView2<'a, f64>, &'a [usize]);

/// Losses on held-out rows: of the classes' frequencies, one row added to every class so that
/// none has probability 0, and of a fitted reader.
pub(super) fn losses(
    fit: Labelled<'_>,
    held_out: Labelled<'_>,
    classes: usize,
    ridge: f64,
) -> Losses {
    let mut counts = vec![1.0_f64; classes];
    for &label in fit.1 {
        counts[label] += 1.0;
    }
    let total: f64 = counts.iter().sum();
    let weights = minimise(fit, classes, ridge);
    let scores = scores(held_out.0, &weights);
    held_out
        .1
        .iter()
        .zip(scores.rows())
        .map(|(&label, scores)| {
            let without = (total / counts[label]).ln();
            let largest = scores.fold(f64::NEG_INFINITY, |m, v| m.max(*v));
            let sum: f64 = scores.iter().map(|score| (score - largest).exp()).sum();
            (without, if classes == 1 { without } else { largest + sum.ln() - scores[label] })
        })
        .collect()
}

/// x W + b: the last row of the weights is b.
fn scores(x: ArrayView2<'_, f64>, weights: &Array2<f64>) -> Array2<f64> {
    let d = x.ncols();
    x.dot(&weights.slice(s![..d, ..])) + weights.row(d)
}

/// The mean loss plus the penalty, and its gradient.
fn objective((x, labels): Labelled<'_>, weights: &Array2<f64>, ridge: f64) -> (f64, Array2<f64>) {
    let (n, d) = (x.nrows() as f64, x.ncols());
    let mut residuals = scores(x, weights);
    let mut loss = 0.0;
    for (mut row, &label) in residuals.rows_mut().into_iter().zip(labels) {
        let largest = row.fold(f64::NEG_INFINITY, |m, v| m.max(*v));
        let own = row[label];
        row.mapv_inplace(|score| (score - largest).exp());
        let sum = row.sum();
        loss += sum.ln() + largest - own;
        row /= sum;
        row[label] -= 1.0;
    }
    let penalised = weights.slice(s![..d, ..]);
    let mut gradient = Array2::zeros(weights.dim());
    gradient.slice_mut(s![..d, ..]).assign(&(x.t().dot(&residuals) / n + ridge * &penalised));
    gradient.row_mut(d).assign(&(residuals.sum_axis(Axis(0)) / n));
    let penalty = 0.5 * ridge * penalised.iter().map(|w| w * w).sum::<f64>();
    (loss / n + penalty, gradient)
}

/// The minimum by L-BFGS (Nocedal and Wright, 2006, algorithm 7.5) with a backtracking search.
fn minimise(data: Labelled<'_>, classes: usize, ridge: f64) -> Array2<f64> {
    let dot = |a: &Array2<f64>, b: &Array2<f64>| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut weights = Array2::zeros((data.0.ncols() + 1, classes));
    let (mut value, mut gradient) = objective(data, &weights, ridge);
    let mut memory: Vec<(Array2<f64>, Array2<f64>)> = Vec::new();
    for _ in 0..MOST_STEPS {
        if gradient.iter().all(|g| g.abs() <= TOLERANCE) {
            break;
        }
        let mut direction = gradient.clone();
        let mut factors = Vec::with_capacity(memory.len());
        for (step, change) in memory.iter().rev() {
            let factor = dot(step, &direction) / dot(step, change);
            direction.scaled_add(-factor, change);
            factors.push(factor);
        }
        if let Some((step, change)) = memory.last() {
            direction *= dot(step, change) / dot(change, change);
        }
        for ((step, change), factor) in memory.iter().zip(factors.into_iter().rev()) {
            let other = dot(change, &direction) / dot(step, change);
            direction.scaled_add(factor - other, step);
        }
        let slope = dot(&gradient, &direction);
        let mut length = 1.0;
        let next = loop {
            let candidate = &weights - &(length * &direction);
            let (found, at) = objective(data, &candidate, ridge);
            if found <= value - 1e-4 * length * slope {
                break Some((candidate, found, at));
            }
            length *= 0.5;
            if length < 1e-12 {
                break None;
            }
        };
        // No descent is left within rounding.
        let Some((candidate, found, at)) = next else { break };
        let (step, change) = (&candidate - &weights, &at - &gradient);
        if dot(&step, &change) > 0.0 {
            memory.push((step, change));
            if memory.len() > MEMORY {
                memory.remove(0);
            }
        }
        (weights, value, gradient) = (candidate, found, at);
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_random::Stream;

    #[test]
    fn the_gradient_is_that_of_central_differences() {
        let mut stream = Stream::new(0, "gradient");
        let x = stream.normal_matrix((20, 3));
        let labels: Vec<usize> = (0..20).map(|_| stream.below(4)).collect();
        let weights = stream.normal_matrix((4, 4));
        let (_, gradient) = objective((x.view(), &labels), &weights, 0.3);
        for i in 0..4 {
            for j in 0..4 {
                let at = |h: f64| {
                    let mut shifted = weights.clone();
                    shifted[[i, j]] += h;
                    objective((x.view(), &labels), &shifted, 0.3).0
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((slope - gradient[[i, j]]).abs() < 1e-9);
            }
        }
        let fitted = minimise((x.view(), &labels), 4, 0.3);
        let (_, gradient) = objective((x.view(), &labels), &fitted, 0.3);
        assert!(gradient.iter().all(|g| g.abs() <= TOLERANCE));
    }
}
