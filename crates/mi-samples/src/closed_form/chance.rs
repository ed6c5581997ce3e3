//! The information that frequencies find by chance in independent labels, and how an estimate is
//! corrected for it.

use statrs::function::factorial::ln_factorial;

/// An expectation below this, in nats, is ignored: estimates from well-filled tables are not
/// changed.
const NEGLIGIBLE: f64 = 0.01;

/// Probabilities below this one add nothing to a sum.
const IMPOSSIBLE: f64 = 1e-20;

/// The expectation, in nats, of the estimate after Miller and Madow over all ways to permute the
/// labels of `y` within rows of the same label of `z`: its bias if X and Y are independent given Z.
/// 0 if it is negligible.
///
/// Miller's correction counts the filled cells of the table. Where most of them have only one or
/// two rows, it is far too small.
///
/// Formula: for every pair of frequencies a and b, the cell has a hypergeometric frequency k, and
/// E\[I\] = Σ E\[k/n ln(n k / (a b))\] (Vinh, Epps and Bailey, 2010, equation 24a).
pub(crate) fn chance_information(x: &[u32], y: &[u32], z: &[u32]) -> f64 {
    let mut rows: Vec<(u32, u32, u32)> =
        x.iter().zip(y).zip(z).map(|((&x, &y), &z)| (z, x, y)).collect();
    rows.sort_unstable();
    let n = rows.len() as f64;
    let strata = rows.chunk_by(|a, b| a.0 == b.0);
    let sum: f64 = strata
        .map(|rows| {
            let labels = |of: fn(&(u32, u32, u32)) -> u32| {
                let mut labels: Vec<u32> = rows.iter().map(of).collect();
                labels.sort_unstable();
                labels
            };
            rows.len() as f64 * of_frequencies(&labels(|row| row.1), &labels(|row| row.2))
        })
        .sum();
    let mean = sum / n;
    if mean.abs() > NEGLIGIBLE { mean } else { 0.0 }
}

/// An estimate corrected for chance. If the labels are independent, all of the expectation is
/// subtracted; if one side determines the other, whose entropy is `most`, nothing is. In between,
/// the correction is linear, as in the adjusted mutual information of Vinh, Epps and Bailey (2010).
pub(crate) fn without_chance(value: f64, chance: f64, most: f64) -> f64 {
    let left = (most - value).max(0.0) / (most - chance).max(f64::MIN_POSITIVE);
    value - chance * left.min(1.0)
}

/// The expectation for labels in ascending order.
fn of_frequencies(x: &[u32], y: &[u32]) -> f64 {
    let n = x.len();
    let ((of_x, classes_x), (of_y, classes_y)) = (frequencies(x), frequencies(y));
    // The mean χ² of permutations is n (mx − 1)(my − 1) / (n − 1), and information is at most χ²/n.
    // As f64: products of counts may not fit 32 bits.
    let degrees = (classes_x - 1) as f64 * (classes_y - 1) as f64;
    if degrees <= NEGLIGIBLE * (n - 1) as f64 {
        return 0.0;
    }
    let (mut information, mut cells) = (0.0, 0.0);
    for &(a, times_a) in &of_x {
        for &(b, times_b) in &of_y {
            let (term, filled) = of_cell(a, b, n);
            let times = times_a as f64 * times_b as f64;
            information += times * term;
            cells += times * filled;
        }
    }
    information + ((classes_x + classes_y - 1) as f64 - cells) / (2.0 * n as f64)
}

/// How many labels have each frequency, and the total number of rows.
fn frequencies(labels: &[u32]) -> (Vec<(usize, usize)>, usize) {
    let mut counts: Vec<usize> = labels.chunk_by(PartialEq::eq).map(<[u32]>::len).collect();
    counts.sort_unstable();
    let of = counts.chunk_by(PartialEq::eq).map(|run| (run[0], run.len())).collect();
    (of, counts.len())
}

/// The expected information of a cell of a row of frequency a and a column of frequency b, and the
/// probability that it is filled.
fn of_cell(a: usize, b: usize, n: usize) -> (f64, f64) {
    let ln_choose = |n: usize, k: usize| {
        ln_factorial(n as u64) - ln_factorial(k as u64) - ln_factorial((n - k) as u64)
    };
    let (least, most) = ((a + b).saturating_sub(n), a.min(b));
    // From the most likely frequency to both sides: the smallest one may be too unlikely for a
    // double.
    let product = (a as u64 + 1) * (b as u64 + 1);
    let likeliest = ((product / (n as u64 + 2)) as usize).clamp(least, most);
    let start = (ln_choose(a, likeliest) + ln_choose(n - a, b - likeliest) - ln_choose(n, b)).exp();
    let size = n as f64;
    let (mut information, mut filled) = (0.0, 0.0);
    let mut add = |k: usize, probability: f64| {
        if k > 0 {
            let k = k as f64;
            information += probability * k / size * (size * k / (a as f64 * b as f64)).ln();
            filled += probability;
        }
        probability > IMPOSSIBLE
    };
    // The ratio of the probabilities of k + 1 and k.
    let ratio = |k: usize| {
        ((a - k) as f64 * (b - k) as f64) / ((k + 1) as f64 * ((n + k + 1) - a - b) as f64)
    };
    add(likeliest, start);
    let mut probability = start;
    for k in likeliest..most {
        probability *= ratio(k);
        if !add(k + 1, probability) {
            break;
        }
    }
    probability = start;
    for k in (least..likeliest).rev() {
        probability /= ratio(k);
        if !add(k, probability) {
            break;
        }
    }
    (information, filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closed_form::plug_in;
    use approx::assert_abs_diff_eq;
    use mi_random::Stream;

    /// The mean estimate over all permutations of y.
    fn by_all_permutations(x: &[u32], y: &[u32]) -> f64 {
        fn visit(x: &[u32], y: &mut Vec<u32>, fixed: usize, sum: &mut (f64, f64)) {
            if fixed == y.len() {
                let found = plug_in(x, y).unwrap();
                let cells = (found.x.values + found.y.values) as f64 - 1.0 - found.xy.values as f64;
                sum.0 += found.plug_in + cells / (2.0 * y.len() as f64);
                sum.1 += 1.0;
                return;
            }
            for other in fixed..y.len() {
                y.swap(fixed, other);
                visit(x, y, fixed + 1, sum);
                y.swap(fixed, other);
            }
        }
        let mut sum = (0.0, 0.0);
        visit(x, &mut y.to_vec(), 0, &mut sum);
        sum.0 / sum.1
    }

    #[test]
    fn the_expectation_is_that_of_all_permutations() {
        for (x, y) in [
            ([0, 0, 0, 1, 1, 2, 3], [0, 1, 1, 1, 2, 2, 2]),
            ([0, 0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 1, 2]),
            ([0, 1, 2, 3, 4, 5, 5], [0, 0, 1, 1, 2, 2, 3]),
        ] {
            let expected = by_all_permutations(&x, &y);
            let found = chance_information(&x, &y, &[0; 7]);
            assert_abs_diff_eq!(found, expected, epsilon = 1e-12);
            // The same table twice, in two strata.
            let found = chance_information(
                &x.repeat(2),
                &[&y[..], &y.map(|label| label + 3)].concat(),
                &[[0; 7], [1; 7]].concat(),
            );
            assert_abs_diff_eq!(found, expected, epsilon = 1e-12);
        }
    }

    #[test]
    fn frequent_labels_do_not_underflow() {
        // A cell of about 9000 of 18 000 rows, in which 0 rows are very unlikely.
        let (term, filled) = of_cell(12_000, 13_500, 18_000);
        assert_abs_diff_eq!(filled, 1.0, epsilon = 1e-9);
        assert!(term.abs() < 1e-4, "{term}");
    }

    #[test]
    fn well_filled_tables_are_left_alone() {
        let mut stream = Stream::new(1, "tables");
        let mut labels = || -> Vec<u32> { (0..1000).map(|_| stream.below(6) as u32).collect() };
        assert_eq!(chance_information(&labels(), &labels(), &[0; 1000]), 0.0);
    }

    #[test]
    fn what_chance_explains_ends_at_the_entropy() {
        assert_eq!(without_chance(0.25, 0.25, 2.0), 0.0);
        assert_eq!(without_chance(0.0, 0.25, 2.0), -0.25);
        assert_eq!(without_chance(2.0, 0.25, 2.0), 2.0);
        assert!((without_chance(1.125, 0.25, 2.0) - 1.0).abs() < 1e-12);
        assert_eq!(without_chance(1.0, 0.0, 0.5), 1.0);
    }
}
