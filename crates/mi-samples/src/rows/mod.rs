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
    /// The group (subject, site, batch) of every row, numbered from 0. Rows of different groups are
    /// independent; those of one group need not be.
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
        let of_row: Vec<usize> = groups.iter().map(|&group| group as usize).collect();
        Some(members(&of_row))
    }

    /// The structure of these rows, in this order.
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Grouped(groups) => Self::Grouped(rows.iter().map(|&row| groups[row]).collect()),
            other => other.clone(),
        }
    }
}

/// The rows of every unit, in ascending order; units in the order of their first rows.
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
