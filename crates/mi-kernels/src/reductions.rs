//! Row reductions: maximum, sums of exponentials and softplus, some of which also replace the row.
//!
//! The public functions are generic; [`Reductions`] chooses the code: vectors for `f32`, plain
//! loops over the standard library's functions for `f64`. Sums are `f64` in both: vectors add at
//! most [`FLUSH`] numbers per lane before the lanes are added up in `f64`.

use crate::Scalar;
use crate::exp::{exp, logistic_softplus};
use crate::simd::{Kernel, Simd, dispatch};

/// Vectors that are added in single precision before the sum continues in `f64`.
const FLUSH: usize = 16;

/// The largest number of a slice; −∞ for an empty one. NaN is skipped, since sums detect it.
pub fn maximum<T: Scalar>(x: &[T]) -> T {
    T::maximum(x)
}

/// The place of the largest number; of equal ones, the first. 0 if there are none, or if the first
/// is NaN, since nothing is larger than that.
///
/// ```
/// assert_eq!(mi_kernels::argmax([1.0, 3.0, 3.0]), 1);
/// ```
pub fn argmax<T: PartialOrd + Copy>(x: impl IntoIterator<Item = T>) -> usize {
    let mut numbers = x.into_iter().enumerate();
    let Some(first) = numbers.next() else { return 0 };
    numbers.fold(first, |best, next| if next.1 > best.1 { next } else { best }).0
}

/// Replaces every x by exp(x − shift) and returns the sum of the results.
///
/// In `f32` the difference x − shift is rounded once (a relative error of up to
/// 6·10⁻⁸ |x − shift|), exp itself is within 2.5·10⁻⁷, and results that would be subnormal are 0.
pub fn exp_shifted<T: Scalar>(x: &mut [T], shift: T) -> f64 {
    T::exp_shifted(x, shift)
}

/// Σ exp(min(max(x, −limit), limit) − shift); pass an infinite limit to leave x as it is.
pub fn sum_exp_shifted<T: Scalar>(x: &[T], limit: T, shift: T) -> f64 {
    T::sum_exp_shifted(x, limit, shift)
}

/// Adds exp(x − shift) to every sum, element by element: one row's contribution to sums over
/// columns.
///
/// In `f32` each term is within the error that [`exp_shifted`] states.
///
/// # Panics
/// If the lengths differ.
pub fn add_exp_shifted<T: Scalar>(sums: &mut [T], x: &[T], shifts: &[T]) {
    assert!(sums.len() == x.len() && x.len() == shifts.len(), "slices of different lengths");
    T::add_exp_shifted(sums, x, shifts);
}

/// Replaces every x by exp(x − shift) + exp(x − its own shift): a row's weights in a bound that is
/// normalised over both rows and columns.
///
/// In `f32` each term is within the error that [`exp_shifted`] states.
///
/// # Panics
/// If the lengths differ.
pub fn exp_shifted_twice<T: Scalar>(x: &mut [T], shift: T, shifts: &[T]) {
    assert!(x.len() == shifts.len(), "slices of different lengths");
    T::exp_shifted_twice(x, shift, shifts);
}

/// Replaces every x by the logistic function 1/(1 + e⁻ˣ) and returns Σ softplus(x), where
/// softplus(x) = log(1 + eˣ).
///
/// In `f32` both are within 5·10⁻⁷ relative of exact.
pub fn logistic_softplus_sum<T: Scalar>(x: &mut [T]) -> f64 {
    T::logistic_softplus_sum(x)
}

/// Σ log(1 + eˣ), like [`logistic_softplus_sum`], but without changing x.
pub fn softplus_sum<T: Scalar>(x: &[T]) -> f64 {
    T::softplus_sum(x)
}

/// log Σ exp x: −∞ for an empty slice or if all are −∞, +∞ if any x is +∞, NaN if any x is NaN.
///
/// ```
/// assert_eq!(mi_kernels::log_sum_exp(&[1000.0_f32, 1000.0]), 1000.0 + f64::ln(2.0));
/// ```
pub fn log_sum_exp<T: Scalar>(x: &[T]) -> f64 {
    let largest = maximum(x);
    if largest.is_infinite() || x.is_empty() {
        let nan = x.iter().any(|x| x.is_nan());
        return if nan { f64::NAN } else { largest.to_f64() };
    }
    largest.to_f64() + sum_exp_shifted(x, T::infinity(), largest).ln()
}

/// The kernels of a scalar type; public in name only, as a supertrait of [`Scalar`].
pub trait Reductions: Sized {
    #[doc(hidden)]
    fn maximum(x: &[Self]) -> Self;
    #[doc(hidden)]
    fn exp_shifted(x: &mut [Self], shift: Self) -> f64;
    #[doc(hidden)]
    fn sum_exp_shifted(x: &[Self], limit: Self, shift: Self) -> f64;
    #[doc(hidden)]
    fn add_exp_shifted(sums: &mut [Self], x: &[Self], shifts: &[Self]);
    #[doc(hidden)]
    fn exp_shifted_twice(x: &mut [Self], shift: Self, shifts: &[Self]);
    #[doc(hidden)]
    fn logistic_softplus_sum(x: &mut [Self]) -> f64;
    #[doc(hidden)]
    fn softplus_sum(x: &[Self]) -> f64;
}

impl Reductions for f64 {
    fn maximum(x: &[f64]) -> f64 {
        x.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    fn exp_shifted(x: &mut [f64], shift: f64) -> f64 {
        x.iter_mut().fold(0.0, |sum, x| {
            *x = (*x - shift).exp();
            sum + *x
        })
    }

    fn sum_exp_shifted(x: &[f64], limit: f64, shift: f64) -> f64 {
        // Not `clamp`, which refuses a NaN limit and is no faster.
        x.iter()
            .map(|&x| (if x.is_nan() { x } else { x.max(-limit).min(limit) } - shift).exp())
            .sum()
    }

    fn add_exp_shifted(sums: &mut [f64], x: &[f64], shifts: &[f64]) {
        for ((sum, x), shift) in sums.iter_mut().zip(x).zip(shifts) {
            *sum += (x - shift).exp();
        }
    }

    fn exp_shifted_twice(x: &mut [f64], shift: f64, shifts: &[f64]) {
        for (x, own) in x.iter_mut().zip(shifts) {
            *x = (*x - shift).exp() + (*x - own).exp();
        }
    }

    fn logistic_softplus_sum(x: &mut [f64]) -> f64 {
        let sum = Self::softplus_sum(x);
        for x in x {
            let e = (-x.abs()).exp();
            *x = if *x > 0.0 { 1.0 } else { e } / (1.0 + e);
        }
        sum
    }

    fn softplus_sum(x: &[f64]) -> f64 {
        // `max` would drop NaN, the second term keeps it.
        x.iter().map(|&x| x.max(0.0) + (-x.abs()).exp().ln_1p()).sum()
    }
}

impl Reductions for f32 {
    fn maximum(x: &[f32]) -> f32 {
        dispatch(Maximum(x))
    }

    fn exp_shifted(x: &mut [f32], shift: f32) -> f64 {
        dispatch(ExpShifted { x, shift })
    }

    fn sum_exp_shifted(x: &[f32], limit: f32, shift: f32) -> f64 {
        dispatch(SumExpShifted { x, limit, shift })
    }

    fn add_exp_shifted(sums: &mut [f32], x: &[f32], shifts: &[f32]) {
        dispatch(AddExpShifted { sums, x, shifts });
    }

    fn exp_shifted_twice(x: &mut [f32], shift: f32, shifts: &[f32]) {
        dispatch(ExpShiftedTwice { x, shift, shifts });
    }

    fn logistic_softplus_sum(x: &mut [f32]) -> f64 {
        dispatch(LogisticSoftplusSum(x))
    }

    fn softplus_sum(x: &[f32]) -> f64 {
        dispatch(SoftplusSum(x))
    }
}

struct Maximum<'a>(&'a [f32]);

impl Kernel for Maximum<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let low = s.splat(f32::NEG_INFINITY);
        // Four chains hide the latency of the comparison.
        let mut largest = [low; 4];
        let mut blocks = self.0.chunks_exact(4 * S::LANES);
        for block in &mut blocks {
            for (largest, x) in largest.iter_mut().zip(block.chunks_exact(S::LANES)) {
                *largest = s.larger(s.load(x), *largest);
            }
        }
        let mut vectors = blocks.remainder().chunks_exact(S::LANES);
        for x in &mut vectors {
            largest[0] = s.larger(s.load(x), largest[0]);
        }
        let part = s.load_part(vectors.remainder(), f32::NEG_INFINITY);
        let [a, b, c, d] = largest;
        s.largest(s.max(s.max(s.larger(part, a), b), s.max(c, d)))
    }
}

struct ExpShifted<'a> {
    x: &'a mut [f32],
    shift: f32,
}

impl Kernel for ExpShifted<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        let shift = s.splat(self.shift);
        let mut total = 0.0;
        for block in self.x.chunks_mut(FLUSH * S::LANES) {
            let mut sum = s.splat(0.0);
            let mut vectors = block.chunks_exact_mut(S::LANES);
            for x in &mut vectors {
                let e = exp(s, s.sub(s.load(x), shift));
                sum = s.add(sum, e);
                s.store(x, e);
            }
            let part = vectors.into_remainder();
            if !part.is_empty() {
                let e = exp(s, s.sub(s.load_part(part, f32::NEG_INFINITY), shift));
                sum = s.add(sum, e);
                s.store_part(part, e);
            }
            total += s.sum(sum);
        }
        total
    }
}

struct SumExpShifted<'a> {
    x: &'a [f32],
    limit: f32,
    shift: f32,
}

impl Kernel for SumExpShifted<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        let shift = s.splat(self.shift);
        let (low, high) = (s.splat(-self.limit), s.splat(self.limit));
        let mut total = 0.0;
        for block in self.x.chunks(FLUSH * S::LANES) {
            let mut sum = s.splat(0.0);
            let mut vectors = block.chunks_exact(S::LANES);
            for x in &mut vectors {
                let x = s.min(high, s.max(low, s.load(x)));
                sum = s.add(sum, exp(s, s.sub(x, shift)));
            }
            let part = vectors.remainder();
            if !part.is_empty() {
                let x = s.min(high, s.max(low, s.load_part(part, 0.0)));
                let mut e = [0.0; 16];
                s.store(&mut e, exp(s, s.sub(x, shift)));
                sum = s.add(sum, s.load_part(&e[..part.len()], 0.0));
            }
            total += s.sum(sum);
        }
        total
    }
}

struct AddExpShifted<'a> {
    sums: &'a mut [f32],
    x: &'a [f32],
    shifts: &'a [f32],
}

impl Kernel for AddExpShifted<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut sums = self.sums.chunks_exact_mut(S::LANES);
        let mut x = self.x.chunks_exact(S::LANES);
        let mut shifts = self.shifts.chunks_exact(S::LANES);
        for ((sum, x), shift) in (&mut sums).zip(&mut x).zip(&mut shifts) {
            let term = exp(s, s.sub(s.load(x), s.load(shift)));
            let total = s.add(s.load(sum), term);
            s.store(sum, total);
        }
        let sum = sums.into_remainder();
        let (x, shift) = (x.remainder(), shifts.remainder());
        if !sum.is_empty() {
            let term = exp(s, s.sub(s.load_part(x, 0.0), s.load_part(shift, 0.0)));
            let total = s.add(s.load_part(sum, 0.0), term);
            s.store_part(sum, total);
        }
    }
}

struct ExpShiftedTwice<'a> {
    x: &'a mut [f32],
    shift: f32,
    shifts: &'a [f32],
}

impl Kernel for ExpShiftedTwice<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let shift = s.splat(self.shift);
        let mut x = self.x.chunks_exact_mut(S::LANES);
        let mut shifts = self.shifts.chunks_exact(S::LANES);
        for (x, own) in (&mut x).zip(&mut shifts) {
            let v = s.load(x);
            s.store(x, s.add(exp(s, s.sub(v, shift)), exp(s, s.sub(v, s.load(own)))));
        }
        let (x, own) = (x.into_remainder(), shifts.remainder());
        if !x.is_empty() {
            let v = s.load_part(x, 0.0);
            let own = s.load_part(own, 0.0);
            s.store_part(x, s.add(exp(s, s.sub(v, shift)), exp(s, s.sub(v, own))));
        }
    }
}

struct LogisticSoftplusSum<'a>(&'a mut [f32]);

impl Kernel for LogisticSoftplusSum<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        let mut total = 0.0;
        for block in self.0.chunks_mut(FLUSH * S::LANES) {
            let mut sum = s.splat(0.0);
            let mut vectors = block.chunks_exact_mut(S::LANES);
            for x in &mut vectors {
                let (sigma, softplus) = logistic_softplus(s, s.load(x));
                sum = s.add(sum, softplus);
                s.store(x, sigma);
            }
            let part = vectors.into_remainder();
            if !part.is_empty() {
                // softplus(−∞) = 0
                let (sigma, softplus) = logistic_softplus(s, s.load_part(part, f32::NEG_INFINITY));
                sum = s.add(sum, softplus);
                s.store_part(part, sigma);
            }
            total += s.sum(sum);
        }
        total
    }
}

struct SoftplusSum<'a>(&'a [f32]);

impl Kernel for SoftplusSum<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        let mut total = 0.0;
        for block in self.0.chunks(FLUSH * S::LANES) {
            let mut sum = s.splat(0.0);
            let mut vectors = block.chunks_exact(S::LANES);
            for x in &mut vectors {
                sum = s.add(sum, logistic_softplus(s, s.load(x)).1);
            }
            let part = s.load_part(vectors.remainder(), f32::NEG_INFINITY);
            total += s.sum(s.add(sum, logistic_softplus(s, part).1));
        }
        total
    }
}

#[cfg(test)]
mod tests;
