//! Detects tables that were pasted several times, from their complete rows.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A fingerprint of every row of a table, over all its columns, including those that were not
/// requested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprints {
    rows: Vec<u64>,
    /// The first column's part of each fingerprint.
    first: Vec<u64>,
    /// The number in the first row of the first column, while the column counts the rows.
    counts_from: Option<i64>,
}

/// The number of different rows above which repetition is not chance.
const FEWEST_ROWS: usize = 20;

/// The largest number of repetitions of a pasted table; more mean a table with few possible rows.
const MOST_TIMES: usize = 10;

/// The fraction of different rows that must occur a multiple of a number of times. Rows that repeat
/// by nature, such as those of a few labels, occur once, twice and more often in the same table.
const SHARE: f64 = 0.9;

/// The expected number of rows that occur three times, given how many occur once and twice, above
/// which their absence is not chance.
const TELLING_TRIPLES: f64 = 15.0;

/// The smallest fraction of the expected triples in rows that repeat by nature.
const FEWEST_TRIPLES: f64 = 0.25;

/// Rows that occur several times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pasted {
    /// How often the table occurs; `None` if only a part of it occurs twice.
    pub times: Option<usize>,
    /// The rows of the pasted table, in order, including those that repeat in it.
    pub first: Vec<usize>,
    /// Whether rows repeat in that table.
    pub has_repeats: bool,
}

impl Fingerprints {
    /// Adds a cell to a row's fingerprint; `number` is the cell as a number that can count rows.
    /// Cells of a row may come in any order, those of the first column in the order of the rows.
    pub(crate) fn add(
        &mut self,
        row: usize,
        column: usize,
        cell: impl Hash,
        number: impl FnOnce() -> Option<i64>,
    ) {
        let mut hasher = DefaultHasher::new();
        (column, cell).hash(&mut hasher);
        let part = hasher.finish();
        if self.rows.len() <= row {
            self.rows.resize(row + 1, 0);
        }
        self.rows[row] = self.rows[row].wrapping_add(part);
        if column > 0 {
            return;
        }
        self.first.push(part);
        if row == 0 || self.counts_from.is_some() {
            let start = number().and_then(|number| number.checked_sub_unsigned(row as u64));
            self.counts_from = start.filter(|start| row == 0 || self.counts_from == Some(*start));
        }
    }

    /// Adds a cell of text.
    pub(crate) fn add_text(&mut self, row: usize, column: usize, cell: &[u8]) {
        let number = || str::from_utf8(cell).ok().and_then(|text| text.parse().ok());
        self.add(row, column, cell, number);
    }

    /// The fingerprints without the first column if it numbers the rows, because it counts them or
    /// because it `is_unnamed`: copies of a row have different numbers.
    pub(crate) fn without_row_numbers(mut self, is_unnamed: bool) -> Self {
        if self.first.len() == self.rows.len() && (is_unnamed || self.counts_from.is_some()) {
            for (row, part) in self.rows.iter_mut().zip(self.first.drain(..)) {
                *row = row.wrapping_sub(part);
            }
        }
        self
    }

    /// The fingerprints of two tables placed next to each other.
    pub(crate) fn beside(mut self, other: &Self) -> Self {
        for (own, other) in self.rows.iter_mut().zip(&other.rows) {
            *own = own.rotate_left(1).wrapping_add(*other);
        }
        self
    }

    /// Detects a table that was pasted several times. Either nearly every row occurs a multiple of
    /// some number of times, which is two or more; or a part of the rows occurs twice, and hardly
    /// any row three times.
    ///
    /// A pasted table may have its own repeats: a row that occurs a multiple of `times` occurs
    /// 1/`times` as often in the table. Rows that repeat by nature also occur three times: for
    /// Poisson counts n₃ = ⅔ n₂² / n₁, and more if some rows are more likely than others.
    pub fn pasted(&self) -> Option<Pasted> {
        let mut counts: HashMap<u64, usize> = HashMap::new();
        for &fingerprint in &self.rows {
            *counts.entry(fingerprint).or_insert(0) += 1;
        }
        let different = counts.len();
        if different < FEWEST_ROWS {
            return None;
        }
        let share =
            |is: &dyn Fn(usize) -> bool| counts.values().filter(|&&count| is(count)).count() as f64;
        let is_large = 2.0 * share(&|count| count > MOST_TIMES) > different as f64;
        let times = (2..=MOST_TIMES)
            .rev()
            .find(|&times| share(&|count| count % times == 0) >= SHARE * different as f64)
            .filter(|_| !is_large);
        let (once, twice) = (share(&|count| count == 1), share(&|count| count == 2));
        let by_chance = 2.0 / 3.0 * twice * twice / once.max(1.0);
        let in_part =
            by_chance >= TELLING_TRIPLES && share(&|count| count > 2) < FEWEST_TRIPLES * by_chance;
        if times.is_none() && !in_part {
            return None;
        }
        let mut left: HashMap<u64, usize> = counts
            .into_iter()
            .map(|(fingerprint, count)| (fingerprint, times.map_or(1, |m| count.div_ceil(m))))
            .collect();
        let is_kept = |row: &usize| {
            let left = left.get_mut(&self.rows[*row]).filter(|left| **left > 0);
            left.map(|left| *left -= 1).is_some()
        };
        let first: Vec<usize> = (0..self.rows.len()).filter(is_kept).collect();
        Some(Pasted { times, has_repeats: first.len() > different, first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_random::Stream;

    fn fingerprints(rows: &[impl AsRef<[u32]>]) -> Fingerprints {
        let mut found = Fingerprints::default();
        for (row, cells) in rows.iter().enumerate() {
            for (column, cell) in cells.as_ref().iter().enumerate().rev() {
                found.add(row, column, cell, || Some((*cell).into()));
            }
        }
        found
    }

    fn random(rows: usize, values: usize) -> Vec<[u32; 3]> {
        let mut stream = Stream::new(1, "rows");
        (0..rows).map(|_| [(); 3].map(|()| stream.below(values) as u32)).collect()
    }

    #[test]
    fn a_table_pasted_twice_is_seen_in_any_order() {
        let once = random(200, 1000);
        assert_eq!(fingerprints(&once).pasted(), None);
        let mut twice = once.repeat(2);
        let found = fingerprints(&twice).pasted().unwrap();
        assert_eq!((found.times, found.first), (Some(2), (0..200).collect()));
        Stream::new(2, "order").shuffle(&mut twice);
        assert_eq!(fingerprints(&twice).pasted().unwrap().first.len(), 200);
        // One cell was corrected later.
        twice[7][1] += 1;
        assert_eq!(fingerprints(&twice).pasted().unwrap().times, Some(2));
        assert_eq!(fingerprints(&once.repeat(3)).pasted().unwrap().times, Some(3));
    }

    #[test]
    fn a_part_pasted_again_is_seen() {
        let once = random(300, 1000);
        for part in [100, 150, 200] {
            let pasted = fingerprints(&[&once[..], &once[..part]].concat()).pasted().unwrap();
            assert_eq!((pasted.times, pasted.first.len()), (None, 300), "{part}");
        }
        assert_eq!(fingerprints(&[&once[..], &once[..10]].concat()).pasted(), None);
    }

    #[test]
    fn rows_that_repeat_by_their_nature_are_not_pasted() {
        for values in [2, 3, 5, 6, 7, 8, 10, 15] {
            assert_eq!(fingerprints(&random(300, values)).pasted(), None, "{values}");
        }
        let labels: Vec<[u32; 1]> = (0..100).map(|row| [row % 4]).collect();
        assert_eq!(fingerprints(&labels).pasted(), None);
        // The same cells in other columns make different rows.
        let swapped: Vec<[u32; 2]> =
            random(50, 900).into_iter().flat_map(|[a, b, _]| [[a, b], [b, a]]).collect();
        assert_eq!(fingerprints(&swapped).pasted(), None);
    }

    #[test]
    fn a_pasted_table_keeps_its_own_repeats() {
        // Half of the rows occur once in the table, the others twice or three times.
        let own = random(300, 1000);
        let once = [&own[..], &own[..150], &own[..50]].concat();
        assert_eq!(fingerprints(&once).pasted(), None);
        for times in [2, 3] {
            let mut pasted = once.repeat(times);
            let found = fingerprints(&pasted).pasted().unwrap();
            assert!(found.has_repeats);
            assert_eq!((found.times, found.first), (Some(times), (0..500).collect()));
            Stream::new(2, "order").shuffle(&mut pasted);
            pasted[7][1] += 1000;
            let found = fingerprints(&pasted).pasted().unwrap();
            // The row before and after.
            assert_eq!((found.times, found.first.len()), (Some(times), 501));
        }
    }

    #[test]
    fn tables_side_by_side_are_one() {
        let (x, y) = (fingerprints(&random(40, 1000)), fingerprints(&random(40, 999)));
        let (x_twice, y_twice) = (random(40, 1000).repeat(2), random(80, 998));
        assert!(x.beside(&y).pasted().is_none());
        let both = fingerprints(&x_twice).beside(&fingerprints(&y_twice));
        assert!(both.pasted().is_none(), "the rows differ in the second table");
    }
}
