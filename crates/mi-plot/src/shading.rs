//! From values to shades, such that a few very large values do not wash out the others.

use crate::axis::LARGEST;

/// The shade at the end of a scale that does not reach the largest value.
const END_OF_SCALE: f64 = 0.85;

/// The share of the values that a scale may leave beyond its end.
const MOST_BEYOND: f64 = 0.05;

/// How many times larger than the others a value must be to be left beyond the scale.
const FAR: f64 = 3.0;

/// How values map to shades from 0 to 1.
///
/// The scale is linear from the smallest value (or zero, if none is negative) to the largest. If at
/// least one value, but at most a twentieth of them, are more than three times as large as the
/// others, it ends at the largest of the others, at shade 0.85, and values beyond have shade 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shading {
    low: f64,
    high: f64,
    /// The largest value, if it is beyond the scale.
    beyond: Option<f64>,
}

impl Shading {
    /// The scale of these values; values that are not finite, or beyond 1e300, are ignored.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().filter(|v| v.abs() <= LARGEST).collect();
        values.sort_by(|a, b| b.total_cmp(a));
        // A symmetric matrix has every value twice.
        values.dedup();
        let low = values.last().map_or(0.0, |least| least.min(0.0));
        let greatest = values.first().copied().unwrap_or(0.0);
        let most = ((values.len() as f64 * MOST_BEYOND) as usize).max(1);
        let others = values.get(most).copied().unwrap_or(greatest);
        // At least three values are needed to show that one of them is the exception.
        let far = values.len() > 2 && others > 0.0 && greatest > FAR * others;
        let high = if far {
            values.iter().copied().find(|v| *v <= FAR * others).unwrap_or(others)
        } else {
            greatest
        };
        let high = if high > low { high } else { low + low.abs().max(1.0) };
        Self { low, high, beyond: far.then_some(greatest) }
    }

    /// The scale of these values from zero on: negative ones count as zero, for quantities that
    /// cannot be negative, but whose estimates scatter around zero.
    pub fn from_zero(values: impl IntoIterator<Item = f64>) -> Self {
        // The larger of NaN and zero would be zero.
        Self::of(values.into_iter().filter(|v| !v.is_nan()).map(|v| v.max(0.0)))
    }

    /// The shade of a value; `None` for NaN.
    pub fn level(&self, value: f64) -> Option<f64> {
        if value.is_nan() {
            return None;
        }
        if self.beyond.is_some() && value > self.high {
            return Some(1.0);
        }
        let level = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        Some(level * self.end())
    }

    /// The ends of the scale.
    pub fn range(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// The largest value, if it is beyond the scale.
    pub fn beyond(&self) -> Option<f64> {
        self.beyond
    }

    /// The shade of the scale's end.
    pub fn end(&self) -> f64 {
        if self.beyond.is_some() { END_OF_SCALE } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_value_does_not_wash_out_the_others() {
        let mut values: Vec<f64> = (1..=100).map(|i| 0.01 * f64::from(i)).collect();
        values.extend([8.0, 9.0]);
        let shading = Shading::of(values);
        assert_eq!((shading.range(), shading.beyond()), ((0.0, 1.0), Some(9.0)));
        assert_eq!(shading.level(0.5), Some(0.425));
        assert_eq!((shading.level(8.0), shading.level(9.0)), (Some(1.0), Some(1.0)));
        let small = Shading::of([0.1, 0.1, 0.2, 0.2, 5.0, 5.0]);
        assert_eq!((small.range().1, small.beyond()), (0.2, Some(5.0)));
    }

    #[test]
    fn ordinary_values_have_one_linear_scale() {
        let shading = Shading::of((0..=10).map(f64::from));
        assert_eq!((shading.range(), shading.beyond()), ((0.0, 10.0), None));
        assert_eq!(shading.level(2.5), Some(0.25));
        assert_eq!(Shading::of([-1.0, 1.0]).level(0.0), Some(0.5));
        // Two values: neither is the exception.
        assert_eq!(Shading::of([0.1, 5.0]).beyond(), None);
        // A tenth of the values is not an exception either.
        let many = (0..90).map(|i| 0.1 + 0.001 * f64::from(i)).chain((0..10).map(f64::from));
        assert_eq!(Shading::of(many).beyond(), None);
    }

    #[test]
    fn odd_values_have_a_scale() {
        for values in [&[][..], &[f64::NAN], &[0.0], &[-2.0], &[3.0, f64::INFINITY]] {
            let shading = Shading::of(values.iter().copied());
            let (low, high) = shading.range();
            assert!(low < high && high.is_finite(), "{values:?}");
            assert_eq!(shading.level(f64::INFINITY), Some(1.0));
        }
        assert_eq!(Shading::of([1.0]).level(f64::NAN), None);
        let extreme = Shading::of([f64::MAX, -f64::MAX, 1.0, -1.0]);
        assert_eq!([-f64::MAX, f64::MAX].map(|v| extreme.level(v)), [Some(0.0), Some(1.0)]);
    }

    #[test]
    fn missing_values_are_no_zeros() {
        // Of two values, neither is the exception; of three, the largest would be.
        assert_eq!(Shading::from_zero([0.2, f64::NAN, 5.0]).beyond(), None);
        assert_eq!(Shading::from_zero([-0.5, 1.0]).range(), (0.0, 1.0));
    }
}
