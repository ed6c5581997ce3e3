//! Sums of exponentials in the logarithmic domain, in `f64`.

use crate::Scalar;

/// Logarithms of this size or more have a separate origin: below it `f64` rounds them by less than
/// 10⁻¹¹.
const FAR: f64 = 65536.0;

/// The logarithm of a number in two parts, which is exact however large it is.
///
/// The logarithm is `origin + rest`. For numbers near 0 the origin is 0. Near 10¹⁷, where one `f64`
/// cannot tell `x` from `x + log 2`, the origin is the large part and `rest` the small one, so that
/// differences of logarithms lose nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logarithm {
    /// The large part: 0 unless the logarithm's magnitude is at least 65,536.
    pub origin: f64,
    /// The logarithm minus the origin.
    pub rest: f64,
}

/// The origin for logarithms near this one: 0 for ordinary numbers and for infinite ones.
#[inline]
pub fn origin_for(log: f64) -> f64 {
    if log.is_finite() && log.abs() >= FAR { log } else { 0.0 }
}

impl Logarithm {
    /// A logarithm relative to a suitable origin.
    #[inline]
    pub fn new(log: f64) -> Self {
        let origin = origin_for(log);
        Self { origin, rest: log - origin }
    }

    /// `log Σ exp x`: −∞ if there are no numbers or all are −∞, +∞ if any is +∞, NaN if any is NaN.
    ///
    /// ```
    /// use mi_kernels::Logarithm;
    ///
    /// let equal = [1e17; 64];
    /// let all = Logarithm::of_sum(equal.into_iter());
    /// assert_eq!(all.above(1e17), 64_f64.ln());
    /// ```
    pub fn of_sum(logs: impl Iterator<Item = f64> + Clone) -> Self {
        let largest = logs.clone().fold(f64::NEG_INFINITY, f64::max);
        if largest.is_infinite() {
            let nan = logs.into_iter().any(f64::is_nan);
            return Self { origin: 0.0, rest: if nan { f64::NAN } else { largest } };
        }
        let origin = origin_for(largest);
        let sum = logs.map(|log| (log - largest).exp()).sum::<f64>();
        Self { origin, rest: (largest - origin) + sum.ln() }
    }

    /// [`Logarithm::of_sum`] over a slice, computed entirely in `f64`.
    pub fn of_sum_in_f64<T: Scalar>(logs: &[T]) -> Self {
        Self::of_sum(logs.iter().map(|&log| log.to_f64()))
    }

    /// The logarithm as one number, rounded.
    #[inline]
    pub fn value(self) -> f64 {
        self.origin + self.rest
    }

    /// The logarithm minus another.
    #[inline]
    pub fn above(self, log: f64) -> f64 {
        self.rest - (log - self.origin)
    }

    /// Another logarithm minus this one: for a term of a sum, the logarithm of its share.
    #[inline]
    pub fn below(self, log: f64) -> f64 {
        (log - self.origin) - self.rest
    }

    /// The logarithm minus a given origin.
    #[inline]
    pub fn from_origin(self, origin: f64) -> f64 {
        (self.origin - origin) + self.rest
    }
}

/// log(eᵃ + eᵇ), with −∞ as the logarithm of 0; NaN if either is NaN.
#[inline]
pub fn log_add(a: f64, b: f64) -> f64 {
    let (large, small) = if a > b { (a, b) } else { (b, a) };
    // The formula would give ∞ − ∞ for an infinite `large`; it gives NaN for a NaN, as it should.
    if large.is_infinite() && !small.is_nan() {
        large
    } else {
        large + (small - large).exp().ln_1p()
    }
}

/// log(1 + eˣ)
#[inline]
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_infinities() {
        let inf = f64::INFINITY;
        let sum = |logs: &[f64]| Logarithm::of_sum_in_f64(logs).value();
        assert_eq!(log_add(-inf, -inf), -inf);
        assert_eq!(log_add(inf, 0.0), inf);
        assert_eq!(log_add(-inf, 3.0), 3.0);
        assert!((log_add(1000.0, 1000.0) - 1000.0 - 2_f64.ln()).abs() < 1e-12);
        assert_eq!(sum(&[]), -inf);
        assert_eq!(sum(&[-inf, -inf]), -inf);
        assert_eq!(sum(&[inf, 0.0]), inf);
        assert!(sum(&[f64::NAN, 0.0]).is_nan() && sum(&[f64::NAN, inf]).is_nan());
        assert!((sum(&[-1000.0, -1000.0]) + 1000.0 - 2_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn nan_reaches_both_sums_of_two_in_either_order() {
        let nan = f64::NAN;
        for other in [f64::NEG_INFINITY, -1e300, -1.0, 0.0, 1.0, 1e300, f64::INFINITY, nan] {
            assert!(log_add(nan, other).is_nan(), "NaN and {other}");
            assert!(log_add(other, nan).is_nan(), "{other} and NaN");
        }
        assert!(softplus(nan).is_nan());
    }

    #[test]
    fn differences_of_large_logarithms_lose_nothing() {
        for size in [1.0, 65535.0, 65536.0, 1e12, 1e17, 1e300] {
            for sign in [1.0, -1.0] {
                let log = sign * size;
                let sum = Logarithm::of_sum([log; 50].into_iter());
                let tolerance = 1e-11;
                assert!((sum.above(log) - 50_f64.ln()).abs() < tolerance, "{log}");
                assert!((sum.below(log) + 50_f64.ln()).abs() < tolerance, "{log}");
                let other = Logarithm::new(log);
                assert!(
                    (sum.from_origin(log) - other.from_origin(log) - 50_f64.ln()).abs() < tolerance
                );
                // Ordinary logarithms are one number.
                assert_eq!(sum.origin == 0.0, size < FAR);
            }
        }
    }
}
