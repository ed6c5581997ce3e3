//! Finds the step of columns that are rounded to multiples of it.

/// Steps finer than this fraction of the range are digits of the numbers, not a step of the column.
const SMALLEST_STEP: f64 = 1e-10;

/// Up to this many steps from 0, whole numbers can be distinguished from others: doubles are then
/// 1/8 apart or less.
#[cfg(test)]
const LARGEST_WHOLE: f64 = (1_u64 << 50) as f64;

/// Adjacent numbers differ by at most this many times the precision, where whole numbers can be
/// distinguished from others: 1/8 at 2^50 for doubles.
const WIDEST_GAP: f64 = 0.25;

/// Binary steps finer than this fraction of the largest value come from the format (half or single
/// precision), not from the column.
const BINARY_STEPS: f64 = (1_u64 << 24) as f64;

/// The probability that levels pass by chance is below two to the power of minus this.
const EVIDENCE: f64 = 30.0;

/// The step of which all differences between these ascending, different levels are multiples, if
/// there is one: it is found whatever the offset or factor of the levels.
///
/// Decimal steps are exact: the levels times the smallest power of ten that makes all of them whole
/// have a greatest common divisor. Binary steps are found in the same way. Other factors (a unit of
/// 1/3) are found from the smallest gap, as far as the precision of the levels allows: that of
/// doubles, or of single precision if all levels are single-precision numbers or have no more
/// digits than one is printed with.
pub(super) fn step(levels: &[f64]) -> Option<f64> {
    let (first, last) = (*levels.first()?, *levels.last()?);
    let range = last - first;
    if levels.len() < 2 || !range.is_finite() {
        return None;
    }
    let exact = decimal(levels, f64::EPSILON).or_else(|| binary(levels));
    let [double, single] = [f64::EPSILON, f64::from(f32::EPSILON)];
    // Digits of a single-precision number have a step themselves, that of the last digit.
    let rounded = if may_be_single(levels) { decimal(levels, single) } else { None };
    let found = match (exact, rounded) {
        (Some(exact), Some(rounded)) => exact.max(rounded),
        (found, None) | (None, found) => found.or_else(|| by_gaps(levels, double))?,
    };
    (found >= SMALLEST_STEP * range).then_some(found)
}

/// The largest of the absolute values; they are ascending.
fn largest(levels: &[f64]) -> f64 {
    levels[0].abs().max(levels[levels.len() - 1].abs())
}

/// Whether this many levels within `tolerance` of whole numbers are more than chance.
fn is_evidence(levels: usize, tolerance: f64) -> bool {
    levels as f64 * -(2.0 * tolerance).log2() >= EVIDENCE
}

/// Whether all values are single-precision numbers, or have at most the 9 significant digits with
/// which such numbers are written to be read back.
fn may_be_single(values: &[f64]) -> bool {
    values.iter().all(|value| is_single(*value)) || values.iter().all(|value| has_digits(*value, 9))
}

/// Whether all values are written with at most 7 significant digits, or in single precision.
pub(super) fn has_few_digits(values: &[f64]) -> bool {
    values.iter().all(|value| is_single(*value)) || values.iter().all(|value| has_digits(*value, 7))
}

fn is_single(value: f64) -> bool {
    f64::from(value as f32) == value
}

fn has_digits(value: f64, digits: usize) -> bool {
    format!("{value:.*e}", digits - 1).parse() == Ok(value)
}

/// The step if it is a multiple of some power of ten, for levels that are correct to `epsilon`
/// times their size.
fn decimal(levels: &[f64], epsilon: f64) -> Option<f64> {
    let largest = largest(levels);
    // With fewer digits than this all levels would round to the same whole number.
    let least = -((levels[levels.len() - 1] - levels[0]).log10().ceil() as i32) - 1;
    for exponent in least..least + 20 {
        let scale = power_of_ten(exponent.abs())?;
        let scaled = |level: f64| if exponent < 0 { level / scale } else { level * scale };
        if scaled(largest) * epsilon > WIDEST_GAP {
            return None;
        }
        // A decimal fraction is off by half a unit in the last place, its product by another half,
        // and earlier computations add a little more.
        let tolerance = |value: f64| (4.0 * epsilon * value.abs()).min(0.25);
        let is_whole = |value: f64| (value - value.round()).abs() <= tolerance(value);
        if levels.iter().all(|&level| is_whole(scaled(level))) {
            if !is_evidence(levels.len(), tolerance(scaled(largest)).max(1e-9)) {
                return None;
            }
            let whole = levels.iter().map(|&level| scaled(level).round() as i64);
            let divisor = common_divisor(whole)? as f64;
            return Some(if exponent < 0 { divisor * scale } else { divisor / scale });
        }
    }
    None
}

/// 10 to a power, correctly rounded.
fn power_of_ten(exponent: i32) -> Option<f64> {
    format!("1e{exponent}").parse().ok().filter(|power: &f64| power.is_finite())
}

fn binary(levels: &[f64]) -> Option<f64> {
    let mut step = f64::INFINITY;
    for &level in levels.iter().filter(|level| **level != 0.0) {
        step = step.min(lowest_bit(level));
        if largest(levels) / step > BINARY_STEPS {
            return None;
        }
    }
    let whole = levels.iter().map(|&level| (level / step) as i64);
    Some(common_divisor(whole)? as f64 * step)
}

/// The largest power of two of which a double is a multiple.
fn lowest_bit(value: f64) -> f64 {
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7ff).max(1) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let zeros = if fraction == 0 { 52 } else { fraction.trailing_zeros().cast_signed() };
    2.0_f64.powi(exponent - 1075 + zeros)
}

/// The greatest common divisor of the differences.
fn common_divisor(mut whole: impl Iterator<Item = i64>) -> Option<u64> {
    let first = whole.next()?;
    let mut divisor = 0_u64;
    for value in whole {
        let (mut a, mut b) = (value.abs_diff(first), divisor);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        divisor = a;
        if divisor == 1 {
            break;
        }
    }
    (divisor > 0).then_some(divisor)
}

/// A step of which the smallest gap is a small multiple. It is measured over longer and longer
/// spans, so that rounding errors are divided by more and more steps.
fn by_gaps(levels: &[f64], epsilon: f64) -> Option<f64> {
    let gaps = levels.windows(2).map(|pair| pair[1] - pair[0]);
    let smallest = gaps.fold(f64::INFINITY, f64::min);
    let noise = 4.0 * epsilon * largest(levels);
    let fits = |parts: u32| {
        let mut step = smallest / f64::from(parts);
        let tolerance = 2.0 * noise / step;
        if tolerance > 0.2 || !is_evidence(levels.len(), tolerance.max(1e-9)) {
            return None;
        }
        // The uncertainty of the step is that of the longest span, divided by its number of steps.
        let mut most = f64::from(parts);
        for level in &levels[1..] {
            let span = level - levels[0];
            let steps = (span / step).round();
            let off = (span / step - steps).abs();
            if off > tolerance * (1.0 + steps / most) {
                return None;
            }
            if steps > most {
                (step, most) = (span / steps, steps);
            }
        }
        Some(step)
    };
    (1..=12).find_map(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_random::Stream;
    use proptest::prelude::*;

    #[test]
    fn a_step_is_found_even_where_no_neighbours_stand() {
        assert_eq!(step(&[0.4, 0.6, 0.9, 2.1]), Some(0.1));
        assert_eq!(step(&[-6.0, 3.0, 9.0]), Some(3.0));
        assert_eq!(step(&[1e25, 3e25, 7e25]), Some(2e25));
        assert_eq!(step(&[1000.25, 1000.5, 1003.0]), Some(0.25));
    }

    #[test]
    fn irrational_levels_have_none() {
        let levels: Vec<f64> = (1..40).map(|i| f64::from(i).sqrt()).collect();
        assert_eq!(step(&levels), None);
        assert_eq!(step(&[1.0]), None);
        assert_eq!(step(&[]), None);
        let mut stream = Stream::new(1, "levels");
        for _ in 0..50 {
            let mut levels: Vec<f64> = (0..300).map(|_| 1e7 + stream.normal()).collect();
            levels.sort_unstable_by(f64::total_cmp);
            assert_eq!(step(&levels), None);
        }
    }

    #[test]
    fn formats_have_no_step_and_converters_have_one() {
        let mut stream = Stream::new(2, "formats");
        let mut single: Vec<f64> = (0..500).map(|_| f64::from(stream.normal() as f32)).collect();
        single.sort_unstable_by(f64::total_cmp);
        single.dedup();
        assert_eq!(step(&single), None);
        let converter: Vec<f64> = (-700..900).step_by(7).map(|i| f64::from(i) / 4096.0).collect();
        assert_eq!(step(&converter), Some(7.0 / 4096.0));
    }

    /// Levels of a step, in single precision.
    fn single(step: f64, offset: f64) -> Vec<f32> {
        let mut stream = Stream::new(3, "single");
        let mut levels: Vec<f32> = (0..400)
            .map(|_| ((stream.normal() / step * 3.0).round() * step + offset) as f32)
            .collect();
        levels.sort_unstable_by(f32::total_cmp);
        levels.dedup();
        levels
    }

    #[test]
    fn steps_are_found_in_single_precision_and_in_its_prints() {
        for (expected, offset) in
            [(0.1, 0.0), (0.01, 20.0), (0.05, -3.0), (0.25, 0.0), (0.1, 1013.2)]
        {
            let levels = single(expected, offset);
            let as_doubles: Vec<f64> = levels.iter().map(|&level| f64::from(level)).collect();
            let print = |digits: usize| -> Vec<f64> {
                let mut read: Vec<f64> = as_doubles
                    .iter()
                    .map(|level| format!("{level:.*e}", digits - 1).parse().unwrap())
                    .collect();
                read.dedup();
                read
            };
            for levels in [as_doubles.clone(), print(9), print(8), print(7)] {
                assert_eq!(step(&levels), Some(expected), "{expected} {offset} {levels:?}");
            }
        }
        // A step that is exact in double precision is kept.
        assert_eq!(step(&[12_345.678_9, 12_345.679_1, 12_346.0, 12_399.123_4]), Some(1e-4));
    }

    #[test]
    fn few_digits_are_told_from_many() {
        assert!(has_few_digits(&[0.1, 1234.567, 1e-9, -3.25e20]));
        assert!(has_few_digits(&[f64::from(0.1_f32), 1.0 / 4096.0]));
        assert!(!has_few_digits(&[0.1, 0.123_456_78]));
    }

    /// Ascending levels of a rounded normal column, and its step.
    fn rounded(seed: u64, decimals: i32, offset: f64) -> Vec<f64> {
        let mut stream = Stream::new(seed, "rounded");
        // As from text: the nearest double to a number with this many decimals.
        let mut levels: Vec<f64> = (0..400)
            .map(|_| {
                let whole = (stream.normal() * 10.0_f64.powi(decimals)).round()
                    + offset * 10.0_f64.powi(decimals);
                format!("{whole}e-{decimals}").parse().unwrap()
            })
            .collect();
        levels.sort_unstable_by(f64::total_cmp);
        levels.dedup();
        levels
    }

    proptest! {
        #[test]
        fn an_offset_changes_nothing(
            seed in 0_u64..1000,
            decimals in 0_i32..10,
            magnitude in 0_i32..11,
            digit in -9_i32..10,
        ) {
            let offset = f64::from(digit) * 10.0_f64.powi(magnitude);
            // The nearest double.
            prop_assume!(offset.abs() * 10.0_f64.powi(decimals) < 0.9 * LARGEST_WHOLE);
            let expected: f64 = format!("1e-{decimals}").parse().unwrap();
            let levels = rounded(seed, decimals, offset);
            prop_assume!(levels.len() > 3);
            let found = step(&levels).unwrap();
            // By chance all whole numbers may be multiples of more than one step, but hardly of
            // ten.
            let ratio = found / expected;
            prop_assert!((ratio - ratio.round()).abs() < 1e-9 && ratio < 10.0, "{found} {expected}");
            if decimals < 3 {
                prop_assert_eq!(found, expected);
            }
        }

        #[test]
        fn a_factor_changes_nothing_else(
            seed in 0_u64..1000,
            decimals in 0_i32..5,
            factor in prop::sample::select(vec![1e3, 1e-12, 0.3048, 2.54, 1.8, 1.0 / 3.0, 0.7321, 1e6 / 7.0]),
            offset in prop::sample::select(vec![0.0, 32.0, -273.15, 1e6]),
        ) {
            let levels: Vec<f64> =
                rounded(seed, decimals, 0.0).iter().map(|level| level * factor + factor * offset).collect();
            prop_assume!(levels.len() > 15);
            let expected = factor * 10.0_f64.powi(-decimals);
            let found = step(&levels).unwrap();
            let ratio = found / expected;
            prop_assert!((ratio - ratio.round()).abs() < 1e-4 && (0.5..10.0).contains(&ratio), "{found} {expected}");
        }
    }
}
