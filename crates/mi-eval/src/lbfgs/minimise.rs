use std::collections::VecDeque;

use crate::objective::max_norm;

/// Number of steps and gradient changes kept.
const HISTORY: usize = 10;
/// Trial points of one line search.
const MAX_TRIALS: usize = 30;
/// After this many trials without a better point, a search reduces its bracket to a tenth. Where a
/// loss grows linearly far out, the secant of the slopes would otherwise stay there.
const SECANT_TRIALS: usize = 6;
/// A step must reach this fraction of the decrease that the slope predicts …
const SUFFICIENT_DECREASE: f64 = 1e-4;
/// … and leave at most this fraction of the slope (weak Wolfe conditions).
const CURVATURE: f64 = 0.9;

/// A smooth convex function to minimise.
pub(crate) trait Smooth {
    /// Writes the gradient at `x` and returns the value.
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64;

    /// Multiplies by an approximate inverse of the Hessian, in place. Its scale does not matter.
    fn precondition(&self, direction: &mut [f64]);

    /// Relative rounding error of the value.
    fn value_error(&self) -> f64;
}

/// Where a minimisation ended.
pub(crate) struct Minimum {
    pub(crate) x: Vec<f64>,
    pub(crate) value: f64,
    /// Largest absolute entry of the gradient.
    pub(crate) gradient_norm: f64,
    pub(crate) iterations: usize,
    pub(crate) converged: bool,
}

/// Limited-memory BFGS (Nocedal, 1980; Nocedal and Wright, 2006, algorithm 7.4) until no entry
/// of the gradient exceeds `tolerance`.
///
/// If a search finds no better point, the minimisation ends at the best point without convergence.
/// Near the optimum of a function computed in `f32` this is caused by rounding and is not an error.
pub(crate) fn minimise(
    function: &mut impl Smooth,
    start: Vec<f64>,
    tolerance: f64,
    max_iterations: usize,
) -> Minimum {
    let n = start.len();
    let mut x = start;
    let mut gradient = vec![0.0; n];
    let mut value = function.evaluate(&x, &mut gradient);
    let mut pairs: VecDeque<Pair> = VecDeque::with_capacity(HISTORY);
    let mut direction = vec![0.0; n];
    let mut iterations = 0;
    let mut norm = max_norm(&gradient);
    while norm > tolerance && iterations < max_iterations && value.is_finite() {
        newton_direction(function, &gradient, &pairs, &mut direction);
        if dot(&direction, &gradient) >= 0.0 {
            // Rounding has spoilt the history; start again from the preconditioned gradient.
            pairs.clear();
            newton_direction(function, &gradient, &pairs, &mut direction);
        }
        let Some(found) = search(function, &x, value, &gradient, &direction) else {
            if pairs.is_empty() {
                break;
            }
            pairs.clear();
            continue;
        };
        let pair = Pair::new(difference(&found.x, &x), difference(&found.gradient, &gradient));
        if let Some(pair) = pair {
            if pairs.len() == HISTORY {
                pairs.pop_front();
            }
            pairs.push_back(pair);
        }
        Point { x, value, gradient } = found;
        iterations += 1;
        norm = max_norm(&gradient);
    }
    Minimum { x, value, gradient_norm: norm, iterations, converged: norm <= tolerance }
}

struct Point {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

/// A step s and the change y of the gradient along it.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// s · y, positive.
    curvature: f64,
}

impl Pair {
    /// `None` if the curvature is lost to rounding.
    fn new(step: Vec<f64>, change: Vec<f64>) -> Option<Self> {
        let curvature = dot(&step, &change);
        let scale = (dot(&step, &step) * dot(&change, &change)).sqrt();
        (curvature > 1e-12 * scale).then_some(Self { step, change, curvature })
    }
}

/// The two-loop recursion: −H g, where H₀ is the preconditioner times s·y / y·(H₀ y).
fn newton_direction(
    function: &impl Smooth,
    gradient: &[f64],
    pairs: &VecDeque<Pair>,
    direction: &mut Vec<f64>,
) {
    direction.clear();
    direction.extend(gradient.iter().map(|g| -g));
    let mut alphas = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let alpha = dot(&pair.step, direction) / pair.curvature;
        add_scaled(direction, -alpha, &pair.change);
        alphas.push(alpha);
    }
    function.precondition(direction);
    if let Some(last) = pairs.back() {
        let mut image = last.change.clone();
        function.precondition(&mut image);
        let scale = last.curvature / dot(&last.change, &image);
        if scale.is_finite() && scale > 0.0 {
            for d in direction.iter_mut() {
                *d *= scale;
            }
        }
    }
    for (pair, alpha) in pairs.iter().zip(alphas.into_iter().rev()) {
        let beta = dot(&pair.change, direction) / pair.curvature;
        add_scaled(direction, alpha - beta, &pair.step);
    }
}

/// A point along the direction that meets the weak Wolfe conditions, by bracketing and secant steps
/// on the slope. Always ends; `None` if no trial lowered the value.
///
/// Where the value's change is within rounding, only the slope decides (the approximate conditions
/// of Hager and Zhang, 2005): a convex function's slope keeps its digits there.
fn search(
    function: &mut impl Smooth,
    x: &[f64],
    value: f64,
    gradient: &[f64],
    direction: &[f64],
) -> Option<Point> {
    let slope = dot(gradient, direction);
    let slack = function.value_error() * value.abs();
    let (mut low, mut low_slope) = (0.0, slope);
    let mut high: Option<(f64, f64)> = None;
    let mut best: Option<Point> = None;
    let mut length = 1.0;
    for trials in 1..=MAX_TRIALS {
        let mut trial = Point { x: x.to_vec(), value: 0.0, gradient: vec![0.0; x.len()] };
        add_scaled(&mut trial.x, length, direction);
        trial.value = function.evaluate(&trial.x, &mut trial.gradient);
        let trial_slope = dot(&trial.gradient, direction);
        let decrease = trial.value <= value + SUFFICIENT_DECREASE * length * slope;
        let approximate = trial.value <= value + slack
            && trial_slope <= (2.0 * SUFFICIENT_DECREASE - 1.0) * slope;
        if !(decrease || approximate) {
            // Too far, or not a number there.
            high = Some((length, trial_slope));
        } else if trial_slope < CURVATURE * slope {
            (low, low_slope) = (length, trial_slope);
            best = Some(trial);
        } else {
            return Some(trial);
        }
        length = match high {
            None => {
                // The secant's zero of the slope, but at least twice and at most ten times.
                let secant = length * slope / (slope - low_slope);
                if secant.is_finite() {
                    secant.clamp(2.0 * length, 10.0 * length)
                } else {
                    2.0 * length
                }
            }
            Some((end, end_slope)) => {
                let width = end - low;
                let secant = low + width * low_slope / (low_slope - end_slope);
                if best.is_none() && trials >= SECANT_TRIALS {
                    low + 0.1 * width
                } else if end_slope > 0.0 && secant.is_finite() {
                    secant.clamp(low + 0.1 * width, end - 0.1 * width)
                } else {
                    low + 0.3 * width
                }
            }
        };
    }
    best
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add_scaled(a: &mut [f64], factor: f64, b: &[f64]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a += factor * b;
    }
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Σ_i w_i (√(1 + (x_i − i)²) − 1)`: convex, with curvature that vanishes far out.
    struct Hyperbolas {
        weights: Vec<f64>,
        evaluations: usize,
    }

    impl Smooth for Hyperbolas {
        fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            self.evaluations += 1;
            let mut value = 0.0;
            for (i, (x, w)) in x.iter().zip(&self.weights).enumerate() {
                let distance = x - i as f64;
                let root = (1.0 + distance * distance).sqrt();
                value += w * (root - 1.0);
                gradient[i] = w * distance / root;
            }
            value
        }

        fn precondition(&self, _: &mut [f64]) {}

        fn value_error(&self) -> f64 {
            1e-15
        }
    }

    #[test]
    fn finds_the_minimum_from_far_away_and_badly_scaled() {
        let weights = (0..20).map(|i| 10_f64.powf(f64::from(i) / 10.0 - 1.0)).collect();
        let mut function = Hyperbolas { weights, evaluations: 0 };
        let minimum = minimise(&mut function, vec![-20.0; 20], 1e-9, 300);
        assert!(minimum.converged, "{} {}", minimum.iterations, minimum.gradient_norm);
        for (i, x) in minimum.x.iter().enumerate() {
            assert!((x - i as f64).abs() < 1e-7, "{i}: {x}");
        }
        // One evaluation per step is normal; a search that wanders would fail here.
        assert!(function.evaluations < 2 * minimum.iterations, "{}", function.evaluations);
    }

    /// x⁴/4 − x is flat at 0; its minimum is 1.
    struct Quartic;

    impl Smooth for Quartic {
        fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            gradient[0] = x[0].powi(3) - 1.0;
            x[0].powi(4) / 4.0 - x[0]
        }

        fn precondition(&self, direction: &mut [f64]) {
            // Wrong by a factor of 10⁶, like a poor preconditioner.
            direction[0] *= 1e6;
        }

        fn value_error(&self) -> f64 {
            1e-15
        }
    }

    #[test]
    fn a_step_that_is_far_too_long_is_cut_back() {
        let minimum = minimise(&mut Quartic, vec![0.0], 1e-10, 100);
        assert!(minimum.converged && (minimum.x[0] - 1.0).abs() < 1e-9, "{}", minimum.x[0]);
    }

    /// |x| rounded at 0, steep on one side: (1 + x²)^½ − 1 where x > 0, a million times that
    /// elsewhere.
    struct Kinked;

    impl Smooth for Kinked {
        fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            let scale = if x[0] > 0.0 { 1.0 } else { 1e6 };
            let root = (1.0 + x[0] * x[0]).sqrt();
            gradient[0] = scale * x[0] / root;
            scale * (root - 1.0)
        }

        fn precondition(&self, direction: &mut [f64]) {
            direction[0] *= 1e3;
        }

        fn value_error(&self) -> f64 {
            1e-15
        }
    }

    #[test]
    fn a_search_gets_out_of_where_the_loss_grows_linearly() {
        // From −1 the first step is about 10⁹ long, and the slope there is a millionth of the slope
        // at the start, so that the secant of the slopes leads there again.
        let minimum = minimise(&mut Kinked, vec![-1.0], 1e-9, 100);
        assert!(minimum.converged && minimum.x[0].abs() < 1e-9, "{}", minimum.x[0]);
    }

    #[test]
    fn the_limit_of_iterations_holds() {
        let mut function = Hyperbolas { weights: vec![1.0; 3], evaluations: 0 };
        let minimum = minimise(&mut function, vec![50.0; 3], 0.0, 2);
        assert_eq!((minimum.iterations, minimum.converged), (2, false));
    }
}
