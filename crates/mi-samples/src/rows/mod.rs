//! How the rows of a data set depend on one another, and what follows for every split of them.

mod memory;
mod split;

use serde::{Deserialize, Serialize};

use crate::SamplesError;

pub use memory::Gap;

pub(crate) use memory::Track;
pub(crate) use split::{Part, folds, pieces, standard_error, units};

/// How rows depend on one another.
///
/// | structure | held-out rows | pieces for an interval |
/// | --- | --- | --- |
/// | exchangeable | drawn at random | drawn at random |
/// | ordered | successive, with a gap to the rows of a fit | successive |
/// | grouped | whole groups, drawn at random | whole groups, drawn at random |
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "groups", rename_all = "snake_case")]
pub enum RowStructure {
    /// Rows are independent observations.
    #[default]
    Exchangeable,
    /// Rows follow one another in time.
    Ordered,
    /// The group (subject, site, batch) of every row: any numbers, equal within a group. Rows of
    /// different groups are independent; those of one group need not be.
    Grouped(Vec<u32>),
}

impl RowStructure {
    /// Whether rows are independent observations.
    pub fn is_exchangeable(&self) -> bool {
        *self == Self::Exchangeable
    }

    /// The number of groups, if rows have groups.
    pub fn groups_count(&self) -> Option<usize> {
        self.groups().map(|groups| groups.len())
    }

    /// The number of groups that have as many rows as another one, so that they can be swapped, and
    /// the number of all groups; both 0 if rows have no groups.
    pub fn exchangeable_groups(&self) -> [usize; 2] {
        let mut sizes: Vec<usize> =
            self.groups().unwrap_or_default().iter().map(Vec::len).collect();
        sizes.sort_unstable();
        let alike = sizes.chunk_by(PartialEq::eq).filter(|alike| alike.len() > 1);
        [alike.map(<[usize]>::len).sum(), sizes.len()]
    }

    /// Numbers groups by the order in which their names first occur.
    ///
    /// ```
    /// use mi_samples::RowStructure;
    ///
    /// let rows = RowStructure::grouped_by(["ann", "bob", "ann"]);
    /// assert_eq!(rows, RowStructure::Grouped(vec![0, 1, 0]));
    /// ```
    pub fn grouped_by<K: Eq + std::hash::Hash>(names: impl IntoIterator<Item = K>) -> Self {
        let mut known = std::collections::HashMap::new();
        let number = |name| {
            let next = known.len() as u32;
            *known.entry(name).or_insert(next)
        };
        Self::Grouped(names.into_iter().map(number).collect())
    }

    /// Checks the structure against a number of rows.
    ///
    /// # Errors
    /// If the groups are not one for every row, or there is only one.
    pub(crate) fn check(&self, n: usize) -> Result<(), SamplesError> {
        let Self::Grouped(groups) = self else { return Ok(()) };
        if groups.len() != n {
            return Err(SamplesError::GroupCount { groups: groups.len(), rows: n });
        }
        if groups.iter().all(|group| *group == groups[0]) {
            return Err(SamplesError::OneGroup { n });
        }
        Ok(())
    }

    /// The rows of every group in ascending order, if there are groups; groups in the order of
    /// their first rows.
    pub(crate) fn groups(&self) -> Option<Vec<Vec<usize>>> {
        let Self::Grouped(groups) = self else { return None };
        Some(members(&dense(groups)))
    }

    /// The structure of these rows, in this order.
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Grouped(groups) => Self::Grouped(rows.iter().map(|&row| groups[row]).collect()),
            other => other.clone(),
        }
    }
}

/// Numbers below the number of rows that are equal where the given ones are, in the same order:
/// tables can be indexed by them, whatever numbers a caller gave.
pub(crate) fn dense(numbers: &[u32]) -> Vec<usize> {
    if numbers.iter().all(|&number| (number as usize) < numbers.len()) {
        return numbers.iter().map(|&number| number as usize).collect();
    }
    let mut distinct = numbers.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let place = |number: &u32| distinct.partition_point(|other| other < number);
    numbers.iter().map(place).collect()
}

/// The rows of every unit, in ascending order, given numbers like those of [`dense`]; units in the
/// order of their first rows.
fn members(unit_of_row: &[usize]) -> Vec<Vec<usize>> {
    let most = unit_of_row.iter().max().map_or(0, |most| most + 1);
    let mut place = vec![usize::MAX; most];
    let mut members: Vec<Vec<usize>> = Vec::new();
    for (row, &unit) in unit_of_row.iter().enumerate() {
        if place[unit] == usize::MAX {
            place[unit] = members.len();
            members.push(Vec::new());
        }
        members[place[unit]].push(row);
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Time stamps as groups would be a table of gigabytes if they were its indices.
    #[test]
    fn groups_of_any_numbers_are_those_of_small_ones() {
        let (small, large) = ([2, 0, 2, 1, 0], [u32::MAX, 7, u32::MAX, 1_700_000_000, 7]);
        assert_eq!(dense(&small), [2, 0, 2, 1, 0]);
        assert_eq!(dense(&large), [2, 0, 2, 1, 0]);
        assert!(dense(&[]).is_empty());
        let [small, large] = [small, large].map(|groups| RowStructure::Grouped(groups.to_vec()));
        assert_eq!(small.groups(), large.groups());
        assert_eq!(small.groups_count(), Some(3));
        let of = |structure| units(structure, (0..5).collect(), Gap::NONE);
        assert_eq!(of(&small), of(&large));
        let values = [0.5, 1.5, -2.0, 4.0, 0.25];
        assert_eq!(standard_error(&values, &of(&small)), standard_error(&values, &of(&large)),);
    }

    #[test]
    fn groups_are_checked_and_selected() {
        let rows = RowStructure::grouped_by(["b", "a", "b", "c"]);
        assert_eq!(rows, RowStructure::Grouped(vec![0, 1, 0, 2]));
        assert_eq!(rows.groups().unwrap(), [vec![0, 2], vec![1], vec![3]]);
        assert_eq!(rows.select(&[3, 0]), RowStructure::Grouped(vec![2, 0]));
        assert!(rows.check(4).is_ok() && rows.check(5).is_err());
        assert!(rows.select(&[0, 2]).check(2).is_err());
        assert!(RowStructure::Ordered.check(1).is_ok());
        assert_eq!(rows.exchangeable_groups(), [2, 3]);
        assert_eq!(RowStructure::Ordered.exchangeable_groups(), [0, 0]);
    }
}
