use mi_kernels::{Scalar, exp_shifted, log_add, maximum, origin_for, sum_exp_shifted};

use super::rows::{largest_negative, mean};
use super::{Bound, Counts, LearnedOf, Outcome, Row, RowStatistics};

/// TUBA with a number a between `InfoNCE`'s leave-one-out mean (α = 1) and the learned number
/// (α = 0) (Poole et al., 2019, eq. 9–10).
///
/// # Formula
/// With `e_ij = exp S_ij`, the learned number `a_i`, `M_i = mean_{k≠i} e_ik`, and `D_ij = α/(K−1)
/// Σ_{k≠j} e_ik + (1−α) a_i`, where the sum keeps the positive and leaves out one negative:
///
/// `1 + mean_i [S_ii − mean_{j≠i} log D_ij] − mean_i M_i / (α M_i + (1−α) a_i)`.
///
/// Needs one sweep, but each element costs a division and part of a logarithm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interpolated {
    pub(super) alpha: f64,
}

impl Interpolated {
    pub(super) const NAME: &str = "interpolated";
}

/// Number of elements that share the factors of a positive, which are computed once for all of
/// them.
const BLOCK: usize = 256;

/// The negatives of a row: the largest, and the others. The largest is kept apart because a sum
/// without it cannot be computed by subtraction.
struct Parts<'a, T> {
    row: Row<'a, T>,
    /// The largest negative; −∞ when there is none.
    star: f64,
    /// Its column; past the last column when there is none.
    star_at: usize,
    /// The largest of the other negatives; −∞ when there is none.
    second: f64,
}

impl<'a, T: Scalar> Parts<'a, T> {
    fn new(row: Row<'a, T>) -> Self {
        let star = largest_negative(&row);
        let at = |(part, columns): (&[T], &std::ops::Range<usize>)| {
            part.iter().position(|&s| s == star).map(|at| columns.start + at)
        };
        let star_at = row.negatives().zip(row.negative_columns()).find_map(at);
        let star_at = star_at.unwrap_or(usize::MAX);
        let mut parts = Self { row, star: star.to_f64(), star_at, second: f64::NEG_INFINITY };
        let mut second = T::neg_infinity();
        parts.others(|part| second = second.max(maximum(part)));
        parts.second = second.to_f64();
        parts
    }

    /// Calls `f` on the stretches of negatives except the largest.
    fn others(&mut self, mut f: impl FnMut(&mut [T])) {
        let columns = self.row.negative_columns();
        for (part, columns) in self.row.negatives_mut().zip(columns) {
            if columns.contains(&self.star_at) {
                let (left, right) = part.split_at_mut(self.star_at - columns.start);
                f(left);
                f(&mut right[1..]);
            } else {
                f(part);
            }
        }
    }

    /// Writes the weight of the largest negative.
    fn set_star(&mut self, weight: f64) {
        let columns = self.row.negative_columns();
        for (part, columns) in self.row.negatives_mut().zip(columns) {
            if columns.contains(&self.star_at) {
                part[self.star_at - columns.start] = T::from_f64(weight);
            }
        }
    }
}

/// A row's numbers relative to an origin, which is 0 for ordinary scores. Only differences within
/// the row matter.
#[derive(Clone, Copy)]
struct Terms {
    alpha: f64,
    /// Negatives.
    n: f64,
    star: f64,
    second: f64,
    log_a: f64,
    /// Σ exp(S − second) over all negatives except the largest.
    sum: f64,
}

/// The denominators of a positive: `D_ij` relative to exp(top), and the denominator that leaves out
/// the largest negative, relative to exp(rest).
#[derive(Clone, Copy)]
struct Denominators {
    rest: f64,
    top: f64,
    /// exp(second − top), exp(second − rest)
    f1: f64,
    f2: f64,
    /// exp(star − top)
    star: f64,
    /// exp(positive − top), exp(positive − rest)
    p1: f64,
    p2: f64,
    total: f64,
    /// exp(log a − top), exp(log a − rest)
    a1: f64,
    a2: f64,
    d_star: f64,
}

impl Terms {
    fn denominators(&self, positive: f64) -> Denominators {
        let Self { alpha, n, star, second, log_a, sum } = *self;
        let rest = second.max(positive).max(log_a);
        let top = rest.max(star);
        let (f1, f2) = ((second - top).exp(), (second - rest).exp());
        let (p1, p2) = ((positive - top).exp(), (positive - rest).exp());
        let (a1, a2) = ((log_a - top).exp(), (log_a - rest).exp());
        let star = (star - top).exp();
        let total = sum * f1 + star + p1;
        let d_star = alpha / n * (sum * f2 + p2) + a2;
        Denominators { rest, top, f1, f2, star, p1, p2, total, a1, a2, d_star }
    }
}

/// A positive's part in the weight of a negative e = exp(S − second), divided by e.
#[derive(Clone, Copy)]
struct Slope {
    own: Denominators,
    /// Σ 1/D over the negatives except the largest.
    inverse: f64,
    scale: f64,
    factor: f64,
    /// The parts that are the same for every negative: of the denominator that leaves out the
    /// largest one, and of M.
    from_star: f64,
    from_m: f64,
}

impl Slope {
    fn at(&self, e: f64) -> f64 {
        let own = 1.0 / (self.scale * (self.own.total - e * self.own.f1) + self.own.a1);
        self.factor * (self.inverse - own) + self.from_star + self.from_m
    }
}

impl<T: Scalar> Bound<T> for Interpolated {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn row(&self, row: Row<'_, T>, statistics: &mut [RowStatistics]) {
        let alpha = self.alpha;
        let n = row.negatives_count() as f64;
        let (weights, largest_positive) = (row.wants_weights(), row.largest_positive());
        let (learned, columns) = (row.learned(0), row.positives());
        let mut parts = Parts::new(row);
        // The other negatives as exp(S − second). This is exact, however large the positive and the
        // largest negative are.
        let second = parts.second;
        let shift = if second == f64::NEG_INFINITY { T::zero() } else { T::from_f64(second) };
        let origin = origin_for(largest_positive.max(parts.star));
        let (star, second) = (parts.star - origin, second - origin);
        let log_a = (1.0 - alpha).ln() + (learned - origin);
        let mut sum = 0.0;
        let all = T::infinity();
        parts.others(|part| {
            sum +=
                if weights { exp_shifted(part, shift) } else { sum_exp_shifted(part, all, shift) };
        });
        let terms = Terms { alpha, n, star, second, log_a, sum };

        // The marginal term M/(αM + (1−α)a).
        let log_m = star + (sum * (second - star).exp()).ln_1p() - n.ln();
        let log_m = if star == f64::NEG_INFINITY { star } else { log_m };
        let log_d_all = log_add(alpha.ln() + log_m, log_a);
        let ratio = if alpha == 1.0 { 1.0 } else { (log_m - log_d_all).exp() };
        // Gradients: of S_ik through every D_ij except its own, and through M. Weights are divided
        // by exp(log_weight), as the second part is unbounded for small α.
        let log_slope = if alpha == 1.0 { f64::NEG_INFINITY } else { log_a - 2.0 * log_d_all };
        let log_weight = (star + log_slope).max(0.0);

        let scale = alpha / n;
        // Those of the first positive, which is most often the only one, are kept.
        let mut first = None;
        for (p, (column, of_positive)) in columns.zip(&mut *statistics).enumerate() {
            let positive = parts.row.score(column) - origin;
            let own = terms.denominators(positive);
            first.get_or_insert(own);
            let Denominators { rest, top, f1, p1, p2, total, a1, a2, d_star, .. } = own;
            // Σ_j log D_ij and Σ_j 1/D_ij over the others; logarithms of products, so that few
            // logarithms are needed.
            let (mut log_d, mut product, mut inverse, mut count) = (0.0_f64, 1.0_f64, 0.0, 0.0);
            let shift = shift.to_f64();
            parts.others(|part| {
                for &s in &*part {
                    let s = s.to_f64();
                    let e = if weights { s } else { (s - shift).exp() };
                    let d = scale * (total - e * f1) + a1;
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
            let pull = p1 * inverse + p2 / d_star;
            let drawn = (a1 * inverse + a2 / d_star) / n;
            *of_positive = RowStatistics {
                // The position in which the weights below expect it; `origin` is finally 0.
                origin: inverse,
                positive,
                log_sum: positive - log_d / n,
                extra: ratio,
                // The weights of a row are the sum over all its positives.
                log_weight: if p == 0 { log_weight } else { f64::NEG_INFINITY },
                positive_gradient: 1.0 - scale * pull / n,
                learned_gradient: ratio * (log_a - log_d_all).exp() - drawn,
            };
        }
        if weights {
            let unit = (-log_weight).exp() / n;
            let from_m = (second + log_slope - log_weight).exp() / n;
            let slopes = || {
                statistics.iter().enumerate().map(|(p, of_positive)| {
                    let own = first.filter(|_| p == 0);
                    let own = own.unwrap_or_else(|| terms.denominators(of_positive.positive));
                    let inverse = of_positive.origin;
                    let from_star = scale * unit * own.f2 / own.d_star;
                    Slope { own, inverse, scale, factor: scale * unit * own.f1, from_star, from_m }
                })
            };
            let only = slopes().next().filter(|_| statistics.len() == 1);
            parts.others(|part| {
                if let Some(slope) = only {
                    for s in part {
                        let e = s.to_f64();
                        *s = T::from_f64(e * slope.at(e));
                    }
                    return;
                }
                for part in part.chunks_mut(BLOCK) {
                    let mut sums = [0.0; BLOCK];
                    for slope in slopes() {
                        for (sum, &s) in sums.iter_mut().zip(&*part) {
                            *sum += slope.at(s.to_f64());
                        }
                    }
                    for (s, &sum) in part.iter_mut().zip(&sums) {
                        *s = T::from_f64(s.to_f64() * sum);
                    }
                }
            });
            let star_slope = (star + log_slope - log_weight).exp() / n;
            let of_star = slopes()
                .map(|Slope { own, inverse, .. }| scale * unit * own.star * inverse + star_slope);
            parts.set_star(of_star.sum());
        }
        for of_positive in statistics {
            of_positive.origin = 0.0;
        }
    }

    fn finish(&self, rows: &mut [RowStatistics], _: Counts) -> Outcome {
        let k = rows.len() as f64;
        for row in &mut *rows {
            row.positive_gradient /= k;
            row.learned_gradient /= k;
        }
        let joint = mean(rows, |row| row.log_sum);
        Outcome::new(1.0 + joint - mean(rows, |row| row.extra), -k.ln())
    }

    fn learned(&self) -> Option<LearnedOf> {
        Some(LearnedOf::X)
    }

    fn cap(&self, negatives: usize) -> Option<f64> {
        match self.alpha {
            1.0 => Some((negatives as f64).ln()),
            alpha => Some(1.0 + (negatives as f64 / alpha).ln()),
        }
    }
}
