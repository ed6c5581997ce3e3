//! Factors of rows in the logarithmic domain, relative to a running power of two.

use std::f64::consts::LN_2;

use mi_kernels::Scalar;

use crate::bounds::RowStatistics;

/// Beyond this, factors are as good as 0 or infinite, and sums of exponents stay finite.
const LARGEST: f64 = 1e9;

/// The exponent that factors of rows are divided by: high enough that none exceeds 2, and a power
/// of two, so that sums made under an earlier exponent can be brought to a later one exactly.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shift {
    exponent: Option<f64>,
}

impl Shift {
    /// Raises the exponent to the needs of more rows; returns what sums made so far must be
    /// multiplied by.
    pub(super) fn raise<T: Scalar>(&mut self, rows: &[RowStatistics]) -> Option<T> {
        let largest = rows.iter().map(|row| row.log_weight).fold(f64::NEG_INFINITY, f64::max);
        if largest == f64::NEG_INFINITY {
            return None;
        }
        let needed = split(largest).1;
        let old = self.exponent.filter(|&old| old >= needed);
        match (old, self.exponent.replace(old.unwrap_or(needed))) {
            (None, Some(old)) => Some(T::from_f64(power_of_two(old - needed))),
            _ => None,
        }
    }

    pub(super) fn exponent(self) -> f64 {
        self.exponent.unwrap_or(0.0)
    }

    /// A row's factor divided by 2 to the exponent.
    pub(super) fn factor<T: Scalar>(self, row: &RowStatistics) -> T {
        let (fraction, exponent) = split(row.log_weight);
        let factor = T::from_f64(fraction * power_of_two(exponent - self.exponent()));
        // Subnormal numbers would slow every product down, and are nothing beside the others.
        if factor < T::min_positive_value() { T::zero() } else { factor }
    }
}

/// exp(log) · 2^exponent
pub(super) fn power(log: f64, exponent: f64) -> f64 {
    let (fraction, own) = split(log);
    fraction * power_of_two(own + exponent)
}

/// exp(log) as a number near 1 and a power of two. NaN and −∞ are as good as 0.
fn split(log: f64) -> (f64, f64) {
    let log = if log.is_nan() { -LARGEST } else { log.clamp(-LARGEST, LARGEST) };
    let exponent = (log / LN_2).round();
    ((log - exponent * LN_2).exp(), exponent)
}

/// 2ⁿ for integral n, exactly: 0 below and infinity above the range of normal numbers.
fn power_of_two(n: f64) -> f64 {
    if n < -1022.0 {
        0.0
    } else if n > 1023.0 {
        f64::INFINITY
    } else {
        f64::from_bits(((n + 1023.0) as u64) << 52)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(log_weight: f64) -> RowStatistics {
        RowStatistics { log_weight, ..RowStatistics::default() }
    }

    #[test]
    fn factors_and_powers_make_the_weight() {
        for logs in [vec![0.0], vec![-3.0, 500.0, 499.0], vec![-400.0, -420.0], vec![300.0, 3.0]] {
            let rows: Vec<_> = logs.iter().map(|&log| row(log)).collect();
            let mut shift = Shift::default();
            assert_eq!(shift.raise::<f64>(&rows), None);
            for (&log, row) in logs.iter().zip(&rows) {
                let factor: f64 = shift.factor(row);
                assert!(factor <= 2.0);
                let whole = factor * power(-200.0, shift.exponent());
                let exact = (log - 200.0).exp();
                assert!((whole / exact - 1.0).abs() < 1e-12, "{log}: {whole} {exact}");
            }
        }
    }

    #[test]
    fn a_later_exponent_changes_no_bit() {
        let (first, second) = (row(1.3), row(80.0));
        let mut shift = Shift::default();
        shift.raise::<f32>(&[first]);
        let early: f32 = shift.factor(&first);
        let rescale: f32 = shift.raise(&[second]).unwrap();
        assert_eq!(early * rescale, shift.factor::<f32>(&first));
        assert_eq!(shift.raise::<f32>(&[first]), None);
    }

    #[test]
    fn nothing_is_not_a_number() {
        let mut shift = Shift::default();
        assert_eq!(shift.raise::<f64>(&[row(f64::NEG_INFINITY)]), None);
        assert_eq!(shift.factor::<f64>(&row(f64::NEG_INFINITY)), 0.0);
        assert_eq!(shift.raise::<f64>(&[row(f64::INFINITY)]), None);
        assert_eq!(shift.factor::<f64>(&row(3.0)), 0.0);
        assert!(power(f64::NEG_INFINITY, shift.exponent()).is_finite());
        assert_eq!(power(5.0, shift.exponent()), f64::INFINITY);
    }
}
