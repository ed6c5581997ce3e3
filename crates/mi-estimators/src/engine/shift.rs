//! Factors of rows in the logarithmic domain, relative to a running power of two.

use std::f64::consts::LN_2;

use mi_kernels::{Scalar, origin_for};

use crate::bounds::RowStatistics;

/// Stands for +∞ and, negated, for −∞ and NaN: factors that far apart are effectively 0 or
/// infinite, and sums of exponents stay finite.
const INFINITE: f64 = 1e9;

/// The divisor of rows' factors: `exp(base) · 2^exponent`, large enough that no factor exceeds 2.
///
/// The base is 0 for ordinary factors. The divisor is then a power of two, so that sums made under
/// an earlier shift can be converted exactly to a later one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Shift {
    base: f64,
    exponent: f64,
}

/// The shift of the rows so far; none before the first row with weights.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RunningShift(Option<Shift>);

impl RunningShift {
    /// Raises the shift as more rows require; returns the factor by which the sums so far must be
    /// multiplied.
    pub(super) fn raise<T: Scalar>(&mut self, rows: &[RowStatistics]) -> Option<T> {
        let largest = rows.iter().map(|row| row.log_weight).fold(f64::NEG_INFINITY, f64::max);
        if largest == f64::NEG_INFINITY {
            return None;
        }
        let needed = Shift::of(largest);
        let Some(old) = self.0 else {
            self.0 = Some(needed);
            return None;
        };
        if old.log() >= needed.log() {
            return None;
        }
        self.0 = Some(needed);
        Some(T::from_f64(needed.divide(old.base, old.exponent)))
    }

    pub(super) fn shift(self) -> Shift {
        self.0.unwrap_or_default()
    }
}

impl Shift {
    fn of(log: f64) -> Self {
        let base = origin_for(log);
        Self { base, exponent: split(log - base).1 }
    }

    /// The approximate logarithm of the divisor.
    pub(super) fn log(self) -> f64 {
        if self.exponent > INFINITE { f64::INFINITY } else { self.base + self.exponent * LN_2 }
    }

    /// `exp(base) · 2^exponent` divided by this shift.
    fn divide(self, base: f64, exponent: f64) -> f64 {
        if self.base == base {
            return power_of_two(exponent - self.exponent);
        }
        let (fraction, own) = split(base - self.base);
        fraction * power_of_two(own + exponent - self.exponent)
    }

    /// A row's factor divided by this shift.
    pub(super) fn factor<T: Scalar>(self, row: &RowStatistics) -> T {
        let (fraction, exponent) = split(row.log_weight - self.base);
        let factor = T::from_f64(fraction * power_of_two(exponent - self.exponent));
        // Subnormal numbers would slow down every product, and are negligible next to the others.
        if factor < T::min_positive_value() { T::zero() } else { factor }
    }

    /// The factor of a row's weights: the sum of its positives' factors.
    pub(super) fn factor_of<T: Scalar>(self, positives: &[RowStatistics]) -> T {
        positives.iter().map(|row| self.factor::<T>(row)).sum()
    }

    /// `exp(log − origin)` times this shift.
    pub(super) fn power(self, log: f64, origin: f64) -> f64 {
        let (fraction, own) = split(log + (self.base - origin));
        fraction * power_of_two(own + self.exponent)
    }
}

/// exp(log) as a number near 1 and a power of two. NaN and −∞ count as 0.
fn split(log: f64) -> (f64, f64) {
    let log = match log {
        f64::INFINITY => INFINITE,
        log if log.is_nan() => -INFINITE,
        // Half of it, so that infinite factors exceed all others.
        log => log.clamp(-INFINITE, 0.5 * INFINITE),
    };
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
        let cases = [
            vec![0.0],
            vec![-3.0, 500.0, 499.0],
            vec![-400.0, -420.0],
            vec![300.0, 3.0],
            vec![1e12, 1e12 - 3.0],
            vec![-1e17],
        ];
        for logs in cases {
            let rows: Vec<_> = logs.iter().map(|&log| row(log)).collect();
            let mut running = RunningShift::default();
            assert_eq!(running.raise::<f64>(&rows), None);
            let shift = running.shift();
            for (&log, row) in logs.iter().zip(&rows) {
                let factor: f64 = shift.factor(row);
                assert!(factor <= 2.0);
                let origin = logs[0];
                let whole = factor * shift.power(-200.0, origin);
                let exact = ((log - origin) - 200.0).exp();
                assert!((whole / exact - 1.0).abs() < 1e-12, "{log}: {whole} {exact}");
            }
        }
    }

    #[test]
    fn a_later_exponent_changes_no_bit() {
        let (first, second) = (row(1.3), row(80.0));
        let mut running = RunningShift::default();
        running.raise::<f32>(&[first]);
        let early: f32 = running.shift().factor(&first);
        let rescale: f32 = running.raise(&[second]).unwrap();
        assert_eq!(early * rescale, running.shift().factor::<f32>(&first));
        assert_eq!(running.raise::<f32>(&[first]), None);
    }

    #[test]
    fn sums_follow_to_another_base() {
        for (first, second) in
            [(65_530.0, 65_540.0), (1e17, 1e17 + 32.0), (-1e12, -9e11), (0.0, 1e6)]
        {
            let mut running = RunningShift::default();
            running.raise::<f64>(&[row(first)]);
            let early: f64 = running.shift().factor(&row(first));
            let rescale: f64 = running.raise(&[row(second)]).unwrap();
            let late: f64 = running.shift().factor(&row(first));
            assert!((early * rescale - late).abs() <= 1e-11 * late, "{first} {second}");
            let own: f64 = running.shift().factor(&row(second));
            assert!((late / own - (first - second).exp()).abs() < 1e-11);
        }
    }

    #[test]
    fn nothing_is_not_a_number() {
        let mut running = RunningShift::default();
        assert_eq!(running.raise::<f64>(&[row(f64::NEG_INFINITY)]), None);
        assert_eq!(running.shift().factor::<f64>(&row(f64::NEG_INFINITY)), 0.0);
        assert_eq!(running.raise::<f64>(&[row(1e17)]), None);
        // Next to an infinite factor the others vanish.
        assert_eq!(running.raise::<f64>(&[row(f64::INFINITY)]), Some(0.0));
        let shift = running.shift();
        assert_eq!(shift.factor::<f64>(&row(3.0)), 0.0);
        assert_eq!(shift.factor::<f64>(&row(1e17)), 0.0);
        let share = shift.factor::<f64>(&row(f64::INFINITY)) * shift.power(f64::NEG_INFINITY, 0.0);
        assert!((share - 1.0).abs() < 1e-6);
        assert_eq!(shift.power(5.0, 0.0), f64::INFINITY);
    }
}
