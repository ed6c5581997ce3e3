//! Means, deviations and intervals over seeds.

use mi_eval::t_quantile;

/// Mean; NaN if there are no values.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Standard deviation of a sample (divisor n − 1); `None` for fewer than two values.
pub(crate) fn deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let centre = mean(values);
    let squares: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

/// Spearman's rank correlation; ties have their mean rank. `None` for fewer than three pairs, or if
/// one side is constant.
pub(crate) fn rank_correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() != b.len() || a.len() < 3 {
        return None;
    }
    let (a, b) = (ranks(a), ranks(b));
    let (centre_a, centre_b) = (mean(&a), mean(&b));
    let (mut product, mut square_a, mut square_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(&b) {
        product += (a - centre_a) * (b - centre_b);
        square_a += (a - centre_a).powi(2);
        square_b += (b - centre_b).powi(2);
    }
    (square_a > 0.0 && square_b > 0.0).then(|| product / (square_a * square_b).sqrt())
}

/// Spearman's partial rank correlation of `a` and `b` given `given`: the correlation of the parts
/// of their ranks that ranks of `given` do not predict linearly,
/// `(ρ_ab − ρ_ag ρ_bg) / √((1 − ρ_ag²) (1 − ρ_bg²))`. `None` where a rank correlation is not
/// defined, or if `given` has the ranks of `a` or `b`.
pub(crate) fn partial_rank_correlation(a: &[f64], b: &[f64], given: &[f64]) -> Option<f64> {
    let of_a = rank_correlation(a, given)?;
    let of_b = rank_correlation(b, given)?;
    let left = (1.0 - of_a * of_a) * (1.0 - of_b * of_b);
    // If the ranks are predicted entirely, rounding leaves about 1e-16.
    (left > 1e-12).then_some((rank_correlation(a, b)? - of_a * of_b) / left.sqrt())
}

/// Ranks from 1, equal values with their mean.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = below as f64 + f64::midpoint(equal.len() as f64, 1.0);
        for &place in equal {
            ranks[place] = rank;
        }
        below += equal.len();
    }
    ranks
}

/// A mean with a confidence interval, of 95 % unless stated otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Lower limit.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
    /// Number of values or pairs; for a difference of means, that of the smaller sample.
    pub n: usize,
}

/// The probability beyond each end of a 95 % interval.
pub(crate) const TAIL: f64 = 0.025;

impl Interval {
    /// Student's t-interval that leaves out a probability of `tail` on each side; `None` for fewer
    /// than two values.
    pub(crate) fn at(values: &[f64], tail: f64) -> Option<Self> {
        let n = values.len();
        let deviation = deviation(values)?;
        Some(Self::around(mean(values), deviation / (n as f64).sqrt(), (n - 1) as f64, n, tail))
    }

    /// Welch's 95 % interval of a difference of means (Welch 1947); `None` if either sample has
    /// fewer than two values.
    pub(crate) fn of_difference(a: &[f64], b: &[f64]) -> Option<Self> {
        let (da, db) = (deviation(a)?, deviation(b)?);
        let (va, vb) = (da * da / a.len() as f64, db * db / b.len() as f64);
        let difference = mean(a) - mean(b);
        let freedom =
            (va + vb).powi(2) / (va * va / (a.len() - 1) as f64 + vb * vb / (b.len() - 1) as f64);
        // For two constant samples this is 0/0, and any number of degrees will do.
        let freedom = if freedom.is_nan() { 1.0 } else { freedom };
        let n = a.len().min(b.len());
        Some(Self::around(difference, (va + vb).sqrt(), freedom, n, TAIL))
    }

    fn around(mean: f64, error: f64, freedom: f64, n: usize, tail: f64) -> Self {
        let margin = if error == 0.0 { 0.0 } else { t_quantile(freedom, tail) * error };
        Self { mean, low: mean - margin, high: mean + margin, n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn rank_correlations_by_hand() {
        let close = |a: &[f64], b: &[f64], expected: f64| {
            assert!((rank_correlation(a, b).unwrap() - expected).abs() < 1e-12);
        };
        close(&[1.0, 2.0, 30.0], &[-5.0, 0.0, 0.1], 1.0);
        close(&[1.0, 2.0, 30.0], &[3.0, 2.0, 1.0], -1.0);
        // 1 − 6 Σ d² / (n (n² − 1)) with Σ d² = 8.
        close(&[1.0, 2.0, 3.0, 4.0, 5.0], &[2.0, 1.0, 4.0, 5.0, 3.0], 1.0 - 6.0 * 8.0 / 120.0);
        // Ties: ranks 1.5, 1.5, 3.
        close(&[7.0, 7.0, 8.0], &[1.0, 2.0, 3.0], 0.75_f64.sqrt());
        assert_eq!(rank_correlation(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]), None);
        assert_eq!(rank_correlation(&[1.0, 2.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn partial_rank_correlation_is_that_of_residuals_of_ranks() {
        let a = [3.0, 1.0, 4.0, 15.0, 9.0, 2.6, 5.0];
        let b = [2.0, 7.0, 1.0, 8.0, 2.8, 1.8, 4.0];
        let given = [1.0, 6.0, 1.8, 0.3, 3.0, 9.0, 8.0];
        let residuals = |values: &[f64]| -> Vec<f64> {
            let (y, x) = (ranks(values), ranks(&given));
            let centre = mean(&y);
            let slope = y.iter().zip(&x).map(|(y, x)| (y - centre) * x).sum::<f64>()
                / x.iter().map(|x| (x - centre).powi(2)).sum::<f64>();
            y.iter().zip(&x).map(|(y, x)| y - centre - slope * (x - centre)).collect()
        };
        let (of_a, of_b) = (residuals(&a), residuals(&b));
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let expected =
            product(&of_a, &of_b) / (product(&of_a, &of_a) * product(&of_b, &of_b)).sqrt();
        let found = partial_rank_correlation(&a, &b, &given).unwrap();
        assert_abs_diff_eq!(found, expected, epsilon = 1e-12);
        assert!((found - rank_correlation(&a, &b).unwrap()).abs() > 0.01);
        let reversed: Vec<f64> = given.iter().map(|g| -g).collect();
        assert_eq!(partial_rank_correlation(&reversed, &b, &given), None);
    }

    #[test]
    fn an_interval_needs_two_values() {
        assert_eq!(Interval::at(&[1.0], TAIL), None);
        let interval = Interval::at(&[1.0, 2.0, 3.0], TAIL).unwrap();
        assert_abs_diff_eq!(interval.mean, 2.0);
        // 4.3027 · 1 / √3
        assert_abs_diff_eq!(interval.high, 2.0 + 2.4842, epsilon = 1e-4);
        assert_eq!(interval.n, 3);
    }

    #[test]
    fn welch_reduces_to_the_pooled_case_for_equal_variances() {
        let interval = Interval::of_difference(&[1.0, 2.0, 3.0], &[0.0, 1.0, 2.0]).unwrap();
        // Four degrees of freedom, error √(2/3).
        assert_abs_diff_eq!(interval.low, 1.0 - 2.776_445 * (2.0f64 / 3.0).sqrt(), epsilon = 1e-6);
        assert_eq!(Interval::of_difference(&[1.0], &[0.0, 1.0]), None);
        let constant = Interval::of_difference(&[1.0, 1.0], &[0.0, 0.0]).unwrap();
        assert_eq!((constant.low, constant.high), (1.0, 1.0));
    }
}
