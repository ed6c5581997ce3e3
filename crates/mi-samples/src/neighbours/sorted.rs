//! One dimension: counts neighbours in a sorted column.

use std::hint::select_unpredictable;

use super::marginal::Within;

/// A column in ascending order, with the place of every row.
#[derive(Clone, Debug)]
pub(super) struct SortedColumn {
    values: Vec<f64>,
    position: Vec<u32>,
}

/// How far the last search reached. The next one starts from this density of values, since
/// consecutive queries are close in space.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reach {
    left: f64,
    right: f64,
}

impl SortedColumn {
    /// `order`: the rows in ascending order of their values.
    pub(super) fn new(column: &[f64], order: &[u32]) -> Self {
        let values = order.iter().map(|&row| column[row as usize]).collect();
        let mut position = vec![0; order.len()];
        for (place, &row) in (0..).zip(order) {
            position[row as usize] = place;
        }
        Self { values, position }
    }

    /// The number of other values within `radius` of this row's value.
    #[inline]
    pub(super) fn count(&self, row: u32, radius: f64, within: Within, reach: &mut Reach) -> u32 {
        let at = self.position[row as usize] as usize;
        if within.is_closed(radius) {
            self.count_by(at, radius, reach, |difference| difference <= radius)
        } else {
            self.count_by(at, radius, reach, |difference| difference < radius)
        }
    }

    #[inline(always)]
    fn count_by(
        &self,
        at: usize,
        radius: f64,
        reach: &mut Reach,
        within: impl Fn(f64) -> bool,
    ) -> u32 {
        let value = self.values[at];
        let (left, right) = (&self.values[..at], &self.values[at + 1..]);
        // Differences, not shifted ends: they are rounded like the joint distances.
        let to_left = run_length(left.len(), (reach.left * radius) as usize, |i| {
            within(value - left[at - 1 - i])
        });
        let to_right =
            run_length(right.len(), (reach.right * radius) as usize, |i| within(right[i] - value));
        let inverse = 1.0 / radius;
        *reach = Reach { left: to_left as f64 * inverse, right: to_right as f64 * inverse };
        (to_left + to_right) as u32
    }
}

/// The length of the leading run of `true` of a predicate over 0..`n` that never returns to
/// `true`.
///
/// Two probes bracket it around `guess`, or more if the guess was poor; the bisection inside has no
/// unpredictable branch.
#[inline(always)]
fn run_length(n: usize, guess: usize, holds: impl Fn(usize) -> bool) -> usize {
    let guess = guess.min(n);
    let mut margin = guess / 8 + 8;
    let mut low = guess.saturating_sub(margin);
    let mut high = n.min(guess + margin);
    while low > 0 && !holds(low - 1) {
        high = low - 1;
        margin *= 2;
        low = low.saturating_sub(margin);
    }
    while high < n && holds(high) {
        low = high + 1;
        margin *= 2;
        high = n.min(high + margin);
    }
    let mut size = high - low;
    while size > 1 {
        let half = size / 2;
        low = select_unpredictable(holds(low + half - 1), low + half, low);
        size -= half;
    }
    low + usize::from(size == 1 && holds(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_from_every_guess() {
        for n in [0, 1, 2, 3, 17, 100] {
            for length in 0..=n {
                for guess in [0, 1, 2, length, length / 2, 2 * length, n, n + 50] {
                    assert_eq!(run_length(n, guess, |i| i < length), length, "{n} {guess}");
                }
            }
        }
    }
}
