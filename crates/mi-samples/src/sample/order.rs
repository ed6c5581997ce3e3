//! Ascending orders, ranks and normal scores of a column.

use std::ops::Range;

use rayon::prelude::*;
use statrs::function::erf::{erfc, erfc_inv};

/// Longer columns are sorted on all threads.
const PARALLEL_SORT: usize = 1 << 16;

/// The rows in ascending order of their values; rows of equal values in ascending order.
pub(crate) fn ascending(values: &[f64]) -> Vec<u32> {
    // Adding 0 turns -0, which the total order would put first, into 0.
    let mut keys: Vec<(f64, u32)> = values.iter().map(|value| value + 0.0).zip(0..).collect();
    let compare = |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1));
    // The order is total, so every sorting algorithm gives the same result.
    if keys.len() > PARALLEL_SORT && rayon::current_num_threads() > 1 {
        keys.par_sort_unstable_by(compare);
    } else {
        keys.sort_unstable_by(compare);
    }
    keys.into_iter().map(|(_, row)| row).collect()
}

/// The rows in ascending order of their values; rows of equal values in ascending order of their
/// keys.
pub(super) fn ascending_by_keys(values: &[f64], keys: &[u32]) -> Vec<u32> {
    let mut rows: Vec<(f64, u32, u32)> = values
        .iter()
        .zip(keys)
        .zip(0..)
        .map(|((value, &key), row)| (value + 0.0, key, row))
        .collect();
    let compare = |a: &(f64, u32, u32), b: &(f64, u32, u32)| {
        a.0.total_cmp(&b.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2)))
    };
    if rows.len() > PARALLEL_SORT && rayon::current_num_threads() > 1 {
        rows.par_sort_unstable_by(compare);
    } else {
        rows.sort_unstable_by(compare);
    }
    rows.into_iter().map(|(.., row)| row).collect()
}

/// The runs of equal values in an ascending order, as ranges of places.
pub(crate) fn runs<'a>(
    values: &'a [f64],
    order: &'a [u32],
) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut start = 0;
    std::iter::from_fn(move || {
        let value = values[*order.get(start)? as usize];
        let length = order[start..].iter().take_while(|row| values[**row as usize] == value);
        let run = start..start + length.count();
        start = run.end;
        Some(run)
    })
}

/// [`scores_of_runs`] if equal values share a rank.
pub(crate) fn normal_scores(values: &[f64], order: &[u32]) -> Vec<f64> {
    scores_of_runs(order, runs(values, order))
}

/// The normal score of every row: Φ⁻¹(r / (n + 1)) of its rank r = 1…n (van der Waerden, 1952).
/// Rows in the same run share the mean of their ranks.
///
/// Scores depend only on the order of the values, so that no monotone map of a column (scale,
/// offset, logarithm, an outlier moved further out) changes them.
pub(super) fn scores_of_runs(order: &[u32], runs: impl Iterator<Item = Range<usize>>) -> Vec<f64> {
    let n = order.len();
    let mut scores = vec![0.0; n];
    for run in runs {
        // Twice the mean rank is a whole number, and scores of mirrored ranks are exactly opposite.
        let twice = run.start + run.end + 1;
        let score = half_rank_score(twice, n);
        for &row in &order[run] {
            scores[row as usize] = score;
        }
    }
    scores
}

fn half_rank_score(twice_rank: usize, n: usize) -> f64 {
    let mirrored = 2 * (n + 1) - twice_rank;
    let tail = normal_quantile(twice_rank.min(mirrored) as f64 / (2 * (n + 1)) as f64);
    if twice_rank <= mirrored { tail } else { -tail }
}

/// The quantile Φ⁻¹(p) of the standard normal distribution, for 0 < p < 1.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    -std::f64::consts::SQRT_2 * erfc_inv(2.0 * p)
}

/// Φ(z). The GELU of `mi-nets`, a crate without statistics, computes Φ with another erfc; the last
/// bits of trained networks depend on that one.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn order_is_by_value_then_by_row_and_zero_has_no_sign() {
        assert_eq!(ascending(&[2.0, 0.0, -0.0, 2.0, -1.0, 0.0]), [4, 1, 2, 5, 0, 3]);
        assert_eq!(ascending(&[]), [0_u32; 0]);
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // Wichura (1988), table of test values of algorithm AS 241.
        for (p, expected) in [
            (0.25, -0.674_489_750_196_081_7),
            (0.001, -3.090_232_306_167_813_5),
            (1e-20, -9.262_340_089_798_408),
        ] {
            assert_abs_diff_eq!(normal_quantile(p), expected, epsilon = 1e-13);
        }
    }

    #[test]
    fn ties_share_a_score_and_scores_are_symmetric() {
        let values = [3.0, 1.0, 2.0, 2.0, 9.0];
        let scores = normal_scores(&values, &ascending(&values));
        assert_eq!(scores[2], scores[3]);
        assert_abs_diff_eq!(scores[2], normal_quantile(2.5 / 6.0), epsilon = 1e-15);
        assert_eq!(scores[1], -scores[4]);
        let odd = normal_scores(&[1.0, 2.0, 3.0], &[0, 1, 2]);
        assert_eq!(odd[1], 0.0);
    }

    #[test]
    fn scores_ignore_monotone_maps() {
        let values: Vec<f64> = (0..200).map(|i| f64::from(i * 7919 % 200) / 10.0).collect();
        let mapped: Vec<f64> = values.iter().map(|v| (0.3 * v).exp() * 1e-9 + 5.0).collect();
        let scores = |v: &[f64]| normal_scores(v, &ascending(v));
        assert_eq!(scores(&values), scores(&mapped));
    }
}
