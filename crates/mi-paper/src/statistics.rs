//! Means, deviations and intervals over seeds.

/// Mean; NaN of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Standard deviation of a sample (divisor n − 1); `None` of fewer than two values.
pub(crate) fn deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let centre = mean(values);
    let squares: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

/// A mean with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Lower limit.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
    /// Number of values, or of pairs.
    pub n: usize,
}

impl Interval {
    /// Student's t-interval; `None` of fewer than two values.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        let deviation = deviation(values)?;
        Some(Self::around(mean(values), deviation / (n as f64).sqrt(), (n - 1) as f64, n))
    }

    /// Welch's interval of a difference of means (Welch 1947); `None` if either sample has fewer
    /// than two values.
    pub(crate) fn of_difference(a: &[f64], b: &[f64]) -> Option<Self> {
        let (da, db) = (deviation(a)?, deviation(b)?);
        let (va, vb) = (da * da / a.len() as f64, db * db / b.len() as f64);
        let difference = mean(a) - mean(b);
        let freedom =
            (va + vb).powi(2) / (va * va / (a.len() - 1) as f64 + vb * vb / (b.len() - 1) as f64);
        // Two constant samples have no variance to share out.
        let freedom = if freedom.is_nan() { 1.0 } else { freedom };
        Some(Self::around(difference, (va + vb).sqrt(), freedom, a.len().min(b.len())))
    }

    fn around(mean: f64, error: f64, freedom: f64, n: usize) -> Self {
        let margin = t_quantile(freedom) * error;
        Self { mean, low: mean - margin, high: mean + margin, n }
    }
}

/// The 0.975 quantile of Student's t; degrees of freedom are rounded down.
fn t_quantile(freedom: f64) -> f64 {
    const TABLE: [f64; 30] = [
        12.706_2, 4.302_7, 3.182_4, 2.776_4, 2.570_6, 2.446_9, 2.364_6, 2.306_0, 2.262_2, 2.228_1,
        2.201_0, 2.178_8, 2.160_4, 2.144_8, 2.131_4, 2.119_9, 2.109_8, 2.100_9, 2.093_0, 2.086_0,
        2.079_6, 2.073_9, 2.068_7, 2.063_9, 2.059_5, 2.055_5, 2.051_8, 2.048_4, 2.045_2, 2.042_3,
    ];
    let whole = freedom.floor().max(1.0);
    if whole <= 30.0 {
        return TABLE[whole as usize - 1];
    }
    // Expansion around the normal quantile (Abramowitz and Stegun 1964, 26.7.5); from 30 degrees
    // of freedom on it is right to 1e-5.
    let z = 1.959_963_984_540_054_f64;
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    z + first / whole + second / (whole * whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn quantiles_agree_with_printed_tables() {
        for (freedom, expected) in
            [(1.0, 12.706), (2.9, 4.303), (30.0, 2.0423), (40.0, 2.0211), (120.0, 1.9799)]
        {
            assert_abs_diff_eq!(t_quantile(freedom), expected, epsilon = 5e-4);
        }
        assert_abs_diff_eq!(t_quantile(31.0), 2.0395, epsilon = 1e-4);
    }

    #[test]
    fn an_interval_needs_two_values() {
        assert_eq!(Interval::of(&[1.0]), None);
        let interval = Interval::of(&[1.0, 2.0, 3.0]).unwrap();
        assert_abs_diff_eq!(interval.mean, 2.0);
        // 4.3027 · 1 / √3
        assert_abs_diff_eq!(interval.high, 2.0 + 2.4842, epsilon = 1e-4);
        assert_eq!(interval.n, 3);
    }

    #[test]
    fn welch_reduces_to_the_pooled_case_for_equal_variances() {
        let interval = Interval::of_difference(&[1.0, 2.0, 3.0], &[0.0, 1.0, 2.0]).unwrap();
        // Four degrees of freedom, error √(2/3).
        assert_abs_diff_eq!(interval.low, 1.0 - 2.7764 * (2.0f64 / 3.0).sqrt(), epsilon = 1e-6);
        assert_eq!(Interval::of_difference(&[1.0], &[0.0, 1.0]), None);
        let constant = Interval::of_difference(&[1.0, 1.0], &[0.0, 0.0]).unwrap();
        assert_eq!((constant.low, constant.high), (1.0, 1.0));
    }
}
