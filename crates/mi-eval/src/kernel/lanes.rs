use mi_kernels::Scalar;

/// Classes in one block: one AVX-512 register of `f32`, one cache line.
pub(crate) const LANES: usize = 16;

/// Adjacent numbers of [`LANES`] classes. Padding lanes are kept at 0 in weights and gradients and
/// at −∞ in intercepts, so that their probability is exactly 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Lanes<T>(pub(crate) [T; LANES]);

/// The number types of features: `f32` and `f64`.
///
/// A sealed extension of [`Scalar`] by the exponential that the solvers need.
pub trait Feature: Scalar {
    /// `exp` of numbers that are at most 0, or −∞.
    #[doc(hidden)]
    fn exp_nonpositive<const FMA: bool>(lanes: Lanes<Self>) -> Lanes<Self>;
}

impl Feature for f32 {
    #[inline(always)]
    fn exp_nonpositive<const FMA: bool>(mut lanes: Lanes<f32>) -> Lanes<f32> {
        for value in &mut lanes.0 {
            *value = exp_nonpositive_f32::<FMA>(*value);
        }
        lanes
    }
}

impl Feature for f64 {
    #[inline(always)]
    fn exp_nonpositive<const FMA: bool>(mut lanes: Lanes<f64>) -> Lanes<f64> {
        for value in &mut lanes.0 {
            *value = value.exp();
        }
        lanes
    }
}

/// `exp(x)` for x ≤ 0 without branches, so that it runs in vector registers.
///
/// Cody and Waite's reduction x = n ln 2 + r, the Taylor series of degree 7 on |r| ≤ ½ ln 2
/// (remainder below 6·10⁻⁹), and 2ⁿ assembled from bits. Relative error below 3·10⁻⁷. Below −64 the
/// result is 0: such a probability (1.6·10⁻²⁸) changes no sum, but its products with features would
/// be subnormal, which processors handle a hundred times slower.
#[inline(always)]
fn exp_nonpositive_f32<const FMA: bool>(x: f32) -> f32 {
    /// Adding 1.5·2²³ rounds to an integer and leaves it in the low bits of the mantissa.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two pieces; the first has 9 bits, so that n times it is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Both comparisons are false for NaN, which must stay NaN.
    let clamped = if x < -64.0 { -64.0 } else { x };
    let shifted = multiply_add::<f32, FMA>(clamped, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = (clamped - n * LN2_HIGH) - n * LN2_LOW;
    let mut series = 1.0 / 5040.0;
    for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        series = multiply_add::<f32, FMA>(series, r, coefficient);
    }
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    if x < -64.0 { 0.0 } else { series * power }
}

/// a · b + c, rounded once if the processor has an instruction for it.
#[inline(always)]
fn multiply_add<T: Scalar, const FMA: bool>(a: T, b: T, c: T) -> T {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

impl<T: Scalar> Lanes<T> {
    #[inline(always)]
    pub(crate) fn splat(value: T) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    pub(crate) fn zero() -> Self {
        Self::splat(T::zero())
    }

    /// `self + factor · other`.
    #[inline(always)]
    pub(crate) fn plus_scaled<const FMA: bool>(mut self, factor: T, other: &Self) -> Self {
        for (value, &o) in self.0.iter_mut().zip(&other.0) {
            *value = multiply_add::<T, FMA>(factor, o, *value);
        }
        self
    }

    #[inline(always)]
    pub(crate) fn map2(mut self, other: &Self, f: impl Fn(T, T) -> T) -> Self {
        for (value, &o) in self.0.iter_mut().zip(&other.0) {
            *value = f(*value, o);
        }
        self
    }

    /// All lanes reduced to one number, as a tree of fixed shape.
    #[inline(always)]
    fn fold(self, f: impl Fn(T, T) -> T) -> T {
        let mut values = self.0;
        let mut half = LANES / 2;
        while half > 0 {
            for i in 0..half {
                values[i] = f(values[i], values[i + half]);
            }
            half /= 2;
        }
        values[0]
    }

    #[inline(always)]
    fn max(self) -> T {
        self.fold(|a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn sum(self) -> T {
        self.fold(|a, b| a + b)
    }
}

/// Logits of one sample (any number of blocks of classes) to probabilities, in place.
///
/// Returns the largest logit m and the sum Σ exp(logit − m), from which the caller computes the
/// log-sum-exp if it needs the loss. `mi_kernels`' functions of a row round differently, and probes
/// keep their bits.
#[inline(always)]
pub(crate) fn softmax<T: Feature, const FMA: bool>(logits: &mut [Lanes<T>]) -> (T, T) {
    let mut largest = T::neg_infinity();
    for block in logits.iter() {
        let candidate = block.max();
        largest = if candidate > largest { candidate } else { largest };
    }
    let shift = Lanes::splat(largest);
    let mut sum = T::zero();
    for block in logits.iter_mut() {
        *block = T::exp_nonpositive::<FMA>(block.map2(&shift, |a, b| a - b));
        sum += block.sum();
    }
    let inverse = Lanes::splat(sum.recip());
    for block in logits.iter_mut() {
        *block = block.map2(&inverse, |a, b| a * b);
    }
    (largest, sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_agrees_with_f64() {
        let mut worst: f64 = 0.0;
        for i in 0..200_000 {
            let x = -64.0 * i as f32 / 200_000.0;
            let exact = f64::from(x).exp();
            worst = worst.max((f64::from(exp_nonpositive_f32::<false>(x)) / exact - 1.0).abs());
        }
        assert!(worst < 3e-7, "{worst}");
        assert_eq!(exp_nonpositive_f32::<true>(0.0), 1.0);
        assert_eq!(exp_nonpositive_f32::<false>(-65.0), 0.0);
        assert_eq!(exp_nonpositive_f32::<false>(f32::NEG_INFINITY), 0.0);
        assert!(exp_nonpositive_f32::<false>(f32::NAN).is_nan());
    }

    fn check_softmax<T: Feature>(tolerance: f64) {
        let numbers: Vec<f64> = (0..21).map(|i| f64::from(i * i % 17) - 40.0).collect();
        let mut logits = [Lanes::<T>::splat(T::neg_infinity()); 2];
        for (i, &value) in numbers.iter().enumerate() {
            logits[i / LANES].0[i % LANES] = T::from_f64(value);
        }
        let (largest, sum) = softmax::<T, false>(&mut logits);
        let total: f64 = numbers.iter().map(|v| v.exp()).sum();
        assert!((largest.to_f64() + sum.to_f64().ln() - total.ln()).abs() < tolerance);
        for i in 0..2 * LANES {
            let expected = numbers.get(i).map_or(0.0, |v| v.exp() / total);
            let found = logits[i / LANES].0[i % LANES].to_f64();
            assert!((found - expected).abs() <= tolerance * expected, "{i}: {found} {expected}");
        }
    }

    #[test]
    fn softmax_spans_blocks_and_gives_padding_nothing() {
        check_softmax::<f32>(1e-6);
        check_softmax::<f64>(1e-13);
    }
}
