//! Columns rounded to a step.

/// A step this small beside the largest value is rounding error, not a step.
const SMALLEST_STEP: f64 = 1e-9;

/// The step of which all differences between these ascending levels are multiples, if there is
/// one: their greatest common divisor by Euclid's algorithm, with room for rounding errors.
pub(super) fn step(levels: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let largest = levels.clone().fold(0.0, |m: f64, v| m.max(v.abs()));
    let smallest = largest * SMALLEST_STEP;
    // Decimal fractions are off by half a unit in the last place, their differences by a unit,
    // and each division multiplies that by its quotient.
    let noise = largest * 1e-12;
    let mut step = 0.0;
    let mut previous = None;
    for level in levels.clone() {
        if let Some(previous) = previous.replace(level) {
            step = common_divisor(step, level - previous, noise);
            if step < smallest {
                return None;
            }
        }
    }
    // Euclid's remainders carry rounding errors; the whole range divided by its number of steps
    // does not.
    let (first, last) = (levels.clone().next()?, previous?);
    let steps = ((last - first) / step).round();
    let step = (last - first) / steps;
    let fits = |level: f64| {
        let at = (level - first) / step;
        (at - at.round()).abs() < 1e-3
    };
    (step.is_finite() && step > 0.0 && levels.clone().all(fits)).then_some(step)
}

fn common_divisor(a: f64, b: f64, noise: f64) -> f64 {
    let (mut large, mut small) = if a > b { (a, b) } else { (b, a) };
    while small > noise {
        // The remainder nearest to zero: 0.3 is three times 0.1 but for a rounding error below.
        let remainder = (large - small * (large / small).round()).abs();
        (large, small) = (small, remainder);
    }
    large
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_found_even_where_no_neighbours_stand() {
        let found = step([0.4, 0.6, 0.9, 2.1].into_iter()).unwrap();
        assert!((found - 0.1).abs() < 1e-12, "{found}");
        assert_eq!(step([-6.0, 3.0, 9.0].into_iter()), Some(3.0));
    }

    #[test]
    fn irrational_levels_have_none() {
        let levels = (1..40).map(|i| f64::from(i).sqrt());
        assert_eq!(step(levels), None);
        assert_eq!(step([1.0].into_iter()), None);
        assert_eq!(step(std::iter::empty()), None);
    }
}
