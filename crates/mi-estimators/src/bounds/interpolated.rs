use mi_kernels::{Scalar, exp_shifted, log_add, maximum, origin_for, sum_exp_shifted};

use super::rows::{mean, split};
use super::{Bound, Outcome, Row, RowStatistics};

/// TUBA with a baseline between `InfoNCE`'s leave-one-out mean (α = 1) and the learned one
/// (α = 0) (Poole et al., 2019, eq. 9–10).
///
/// # Formula
/// With `e_ij = exp S_ij`, the learned baseline `a_i`, `M_i = mean_{k≠i} e_ik`, and
/// `D_ij = α/(K−1) Σ_{k≠j} e_ik + (1−α) a_i`, in which the sum keeps the positive and leaves one
/// negative out:
///
/// `1 + mean_i [S_ii − mean_{j≠i} log D_ij] − mean_i M_i / (α M_i + (1−α) a_i)`.
///
/// Streams in one sweep, but an element costs a division and a logarithm's share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interpolated {
    pub(super) alpha: f64,
}

/// A row apart from its positive: the largest negative alone, since leaving it out of a sum is
/// the one case in which the sum cannot be formed by subtraction, and the others.
struct Parts<'a, T> {
    positive: f64,
    star: f64,
    star_at: usize,
    /// The largest of the other negatives; −∞ when there is none.
    second: f64,
    scores: &'a mut [T],
    index: usize,
}

impl<'a, T: Scalar> Parts<'a, T> {
    fn new(scores: &'a mut [T], index: usize) -> Self {
        let (left, positive, right) = split(scores, index);
        let positive = positive.to_f64();
        let star = maximum(left).max(maximum(right));
        let at = |part: &[T]| part.iter().position(|&s| s == star);
        let star_at = at(left).or_else(|| at(right).map(|at| index + 1 + at)).unwrap_or(index);
        let mut parts = Self {
            positive,
            star: star.to_f64(),
            star_at,
            second: f64::NEG_INFINITY,
            scores,
            index,
        };
        let mut second = T::neg_infinity();
        parts.others(|part| second = second.max(maximum(part)));
        parts.second = second.to_f64();
        parts
    }

    /// Hands over the stretches between the positive and the largest negative.
    fn others(&mut self, mut f: impl FnMut(&mut [T])) {
        let (first, last) = (self.index.min(self.star_at), self.index.max(self.star_at));
        let (left, right) = self.scores.split_at_mut(last);
        let (left, middle) = left.split_at_mut(first);
        f(left);
        f(middle.get_mut(1..).unwrap_or_default());
        f(right.get_mut(1..).unwrap_or_default());
    }
}

impl<T: Scalar> Bound<T> for Interpolated {
    fn row(&self, row: Row<'_, T>) -> RowStatistics {
        let alpha = self.alpha;
        let n = (row.scores.len() - 1) as f64; // negatives
        let mut parts = Parts::new(row.scores, row.index);
        // The others as exp(S − second), which loses nothing however large the other two are.
        let second = parts.second;
        let shift = if second == f64::NEG_INFINITY { T::zero() } else { T::from_f64(second) };
        // From here on relative to an origin, which is 0 for ordinary scores: all that counts are
        // differences within the row.
        let origin = origin_for(parts.positive.max(parts.star));
        let (positive, star, second) =
            (parts.positive - origin, parts.star - origin, second - origin);
        let log_a = (1.0 - alpha).ln() + (row.learned - origin);
        let mut sum = 0.0;
        let all = T::infinity();
        parts.others(|part| {
            sum += if row.weights {
                exp_shifted(part, shift)
            } else {
                sum_exp_shifted(part, all, shift)
            };
        });

        // D_ij relative to exp(top); that of the largest negative, which leaves it out, relative
        // to exp(rest).
        let rest = second.max(positive).max(log_a);
        let top = rest.max(star);
        let (f1, f2) = ((second - top).exp(), (second - rest).exp());
        let total = sum * f1 + (star - top).exp() + (positive - top).exp();
        let a1 = (log_a - top).exp();
        let scale = alpha / n;
        let d_star = scale * (sum * f2 + (positive - rest).exp()) + (log_a - rest).exp();

        // Σ_j log D_ij and Σ_j 1/D_ij over the others; logarithms of products, to take few.
        let (mut log_d, mut product, mut inverse, mut count) = (0.0_f64, 1.0_f64, 0.0, 0.0);
        let weights = row.weights;
        let exponential = |s: T| {
            if weights { s.to_f64() } else { (s.to_f64() - shift.to_f64()).exp() }
        };
        parts.others(|part| {
            for &s in &*part {
                let d = scale * (total - exponential(s) * f1) + a1;
                inverse += 1.0 / d;
                product *= d;
                if !(1e-200..1e200).contains(&product) {
                    log_d += product.ln();
                    product = 1.0;
                }
            }
            count += part.len() as f64;
        });
        log_d += product.ln() + count * top + d_star.ln() + rest;

        // The marginal term M/(αM + (1−α)a).
        let log_m = star + (sum * (second - star).exp()).ln_1p() - n.ln();
        let log_m = if star == f64::NEG_INFINITY { star } else { log_m };
        let log_d_all = log_add(alpha.ln() + log_m, log_a);
        let ratio = if alpha == 1.0 { 1.0 } else { (log_m - log_d_all).exp() };

        // Gradients: of S_ik through all D_ij but its own, and through M. Weights are divided by
        // exp(log_weight), as the second part has no bound for small α.
        let log_slope = if alpha == 1.0 { f64::NEG_INFINITY } else { log_a - 2.0 * log_d_all };
        let log_weight = (star + log_slope).max(0.0);
        if row.weights {
            let unit = (-log_weight).exp() / n;
            let from_star = scale * unit * f2 / d_star;
            let from_m = (second + log_slope - log_weight).exp() / n;
            parts.others(|part| {
                for s in part {
                    let e = s.to_f64();
                    let own = 1.0 / (scale * (total - e * f1) + a1);
                    let slope = scale * unit * f1 * (inverse - own) + from_star + from_m;
                    *s = T::from_f64(e * slope);
                }
            });
            let star_weight = scale * unit * (star - top).exp() * inverse
                + (star + log_slope - log_weight).exp() / n;
            parts.scores[parts.star_at] = T::from_f64(star_weight);
            parts.scores[parts.index] = T::zero();
        }
        let pull = (positive - top).exp() * inverse + (positive - rest).exp() / d_star;
        let drawn = (a1 * inverse + (log_a - rest).exp() / d_star) / n;
        RowStatistics {
            origin: 0.0,
            positive,
            log_sum: positive - log_d / n,
            auxiliary: ratio,
            log_weight,
            positive_gradient: 1.0 - scale * pull / n,
            learned_gradient: ratio * (log_a - log_d_all).exp() - drawn,
        }
    }

    fn finish(&self, rows: &mut [RowStatistics]) -> Outcome {
        let k = rows.len() as f64;
        for row in &mut *rows {
            row.positive_gradient /= k;
            row.learned_gradient /= k;
        }
        let joint = mean(rows, |row| row.log_sum);
        Outcome::of(1.0 + joint - mean(rows, |row| row.auxiliary), -k.ln())
    }
}
