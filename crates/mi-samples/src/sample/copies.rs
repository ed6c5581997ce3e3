//! Finds rows that are copies of one another, as far as values can show it.

use std::collections::HashSet;

use statrs::distribution::{DiscreteCDF, Poisson};

use super::Sample;
use super::column::Column;
use super::column_type::ColumnKind;
use super::side::joint_labels;

/// Rows of rounded columns coincide by chance. In Gaussian columns with information I, pairs of
/// rows coincide e^I times as often as in independent ones: this factor allows for 2.3 nats.
const ROOM_FOR_DEPENDENCE: f64 = 10.0;

/// Rows of dependent columns coincide even more often, but then about as many rows differ by one
/// value of one column. This factor allows for adjacent values that are not equally likely, such as
/// round numbers.
const ROOM_FOR_UNEVENNESS: f64 = 2.0;

/// If the probability of this many repeats by chance is below this level, they count as copies.
const LEVEL: f64 = 1e-3;

/// The smallest number of copies, relative to the square root of the number of rows: fewer change
/// an estimate by a small part of its standard error.
const FEWEST_COPIES: f64 = 0.2;

impl Sample {
    /// For every row, the first row that it is a copy of: itself, or an earlier one with the same
    /// values in all columns.
    ///
    /// Rows that only share discrete values and atoms are not copies, since such values repeat by
    /// nature. Nor are rows whose columns are rounded so coarsely that about as many would coincide
    /// by chance. Chance is estimated from independent columns, and from rows that differ by one
    /// value of one column.
    ///
    /// ```
    /// use mi_samples::Sample;
    /// use ndarray::array;
    ///
    /// let rows = array![[2_f64], [3.0], [2.0], [5.0]].mapv(f64::sqrt);
    /// let side = Sample::new(rows.view(), &[], 0)?;
    /// assert_eq!(side.first_copies(), [0, 1, 0, 3]);
    /// # Ok::<(), mi_samples::SamplesError>(())
    /// ```
    pub fn first_copies(&self) -> Vec<usize> {
        let mut first: Vec<usize> = (0..self.n).collect();
        // A column that never repeats settles it at once.
        if self.columns.iter().any(|column| column.kind.tied == 0) {
            return first;
        }
        let telling = self.telling_rows();
        let by_column: Vec<_> = self.columns.iter().map(Column::labels).collect();
        let (labels, classes) = joint_labels(&by_column, self.n);
        let mut firsts: Vec<Option<usize>> = vec![None; classes];
        for &row in &telling {
            first[row] = *firsts[labels[row] as usize].get_or_insert(row);
        }
        let different: Vec<usize> = firsts.into_iter().flatten().collect();
        let repeats = telling.len() - different.len();
        if repeats == 0 {
            return first;
        }
        // Ties of rounded columns are chance; those of other columns, counted among rows that
        // differ, are not.
        let shares = self.columns.iter().zip(&by_column).map(|(column, labels)| {
            coincidence(labels, if column.is_rounded { &telling } else { &different })
        });
        let independent = ROOM_FOR_DEPENDENCE * shares.product::<f64>() * pairs(telling.len());
        let near = self.near_misses(&by_column, &telling, &different);
        let most = independent.max(ROOM_FOR_UNEVENNESS * near);
        // If it cannot happen by chance, a single repeat is a copy.
        let by_chance = Poisson::new(most).map_or(0.0, |count| count.sf(repeats as u64 - 1));
        if by_chance < LEVEL { first } else { (0..self.n).collect() }
    }

    /// The number of rows that are copies of an earlier one, if there are enough to change an
    /// estimate.
    pub(crate) fn copies(&self) -> Option<usize> {
        let first = self.first_copies();
        let copies = first.into_iter().enumerate().filter(|&(row, first)| row != first).count();
        (copies as f64 > FEWEST_COPIES * (self.n as f64).sqrt()).then_some(copies)
    }

    /// An estimate of the largest number of pairs of `rows` that can be equal by chance, from pairs
    /// that are equal in all columns except one, in which they have adjacent values: for columns
    /// with smooth distributions there are twice as many of these. `different` are the rows without
    /// their copies.
    fn near_misses(
        &self,
        by_column: &[(Vec<u32>, usize)],
        rows: &[usize],
        different: &[usize],
    ) -> f64 {
        let (mut misses, mut columns) = (0.0, 0.0);
        for (place, column) in self.columns.iter().enumerate() {
            let Some(is_beside) = Beside::of(column, &by_column[place], different) else {
                continue;
            };
            let mut others: Vec<_> = by_column.to_vec();
            others.remove(place);
            let (others, _) = joint_labels(&others, self.n);
            let mut cells: Vec<(u32, u32, usize)> =
                rows.iter().map(|&row| (others[row], by_column[place].0[row], row)).collect();
            cells.sort_unstable();
            let equal: Vec<&[_]> = cells.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).collect();
            for pair in equal.windows(2) {
                let (a, b) = (pair[0][0], pair[1][0]);
                let is_next = match is_beside {
                    Beside::Step(step) => column.values[b.2] - column.values[a.2] < 1.5 * step,
                    Beside::Level => a.1 + 1 == b.1,
                };
                if a.0 == b.0 && is_next {
                    misses += (pair[0].len() * pair[1].len()) as f64;
                }
            }
            columns += 1.0;
        }
        if columns == 0.0 {
            return 0.0;
        }
        (misses + 3.0 * misses.sqrt()) / (2.0 * columns)
    }

    /// Rows in which some column has a value that does not repeat by nature.
    fn telling_rows(&self) -> Vec<usize> {
        let is_telling = |column: &Column, row: usize| match &column.kind.kind {
            ColumnKind::Mixture { atoms, .. } => !atoms.contains(&column.values[row]),
            ColumnKind::Tied { .. } | ColumnKind::Continuous => true,
            ColumnKind::Discrete | ColumnKind::Constant => false,
        };
        let telling = |row: &usize| self.columns.iter().any(|column| is_telling(column, *row));
        (0..self.n).filter(telling).collect()
    }
}

/// Which values of a column are adjacent.
enum Beside {
    /// Those a step apart.
    Step(f64),
    /// Those that no other value separates.
    Level,
}

impl Beside {
    /// `None` for a column that is discrete, or whose values hardly repeat except in copies.
    fn of(column: &Column, (labels, _): &(Vec<u32>, usize), different: &[usize]) -> Option<Self> {
        if column.kind.is_discrete() {
            return None;
        }
        if let Some(step) = column.kind.step() {
            return Some(Self::Step(step));
        }
        let levels: HashSet<u32> = different.iter().map(|&row| labels[row]).collect();
        (2 * levels.len() < different.len()).then_some(Self::Level)
    }
}

/// The fraction of pairs of these rows that are equal in a column, given by its labels.
fn coincidence((labels, classes): &(Vec<u32>, usize), rows: &[usize]) -> f64 {
    let mut counts = vec![0_usize; *classes];
    for &row in rows {
        counts[labels[row] as usize] += 1;
    }
    counts.into_iter().map(pairs).sum::<f64>() / pairs(rows.len()).max(1.0)
}

/// The number of pairs among n rows.
fn pairs(n: usize) -> f64 {
    n as f64 * n.saturating_sub(1) as f64 / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Declared;
    use mi_random::Stream;
    use ndarray::{Array2, Axis, concatenate};

    fn pair(rows: usize, seed: u64) -> Array2<f64> {
        let mut stream = Stream::new(seed, "copies");
        let x = stream.normal_matrix((rows, 1));
        let y = 0.75 * &x + 0.66 * stream.normal_matrix((rows, 1));
        concatenate![Axis(1), x, y]
    }

    fn rounded(values: &Array2<f64>, step: f64) -> Array2<f64> {
        values.mapv(|v| (v / step).round() * step)
    }

    fn twice(values: &Array2<f64>) -> Array2<f64> {
        concatenate![Axis(0), *values, *values]
    }

    fn copies(values: &Array2<f64>) -> usize {
        Sample::new(values.view(), &[], 0).unwrap().copies().unwrap_or(0)
    }

    #[test]
    fn copies_of_rounded_rows_are_seen() {
        let values = rounded(&pair(300, 1), 0.01);
        assert_eq!(copies(&values), 0);
        // Chance repeats among them count as copies.
        let found = copies(&twice(&values));
        assert!((300..305).contains(&found), "{found}");
    }

    #[test]
    fn rows_that_coincide_by_chance_are_no_copies() {
        for step in [0.01, 0.03, 0.1, 0.3] {
            let values = rounded(&pair(5000, 2), step);
            assert_eq!(copies(&values), 0, "{step}");
        }
    }

    #[test]
    fn ties_of_rounding_beside_a_label_are_no_copies() {
        let pair = pair(3000, 6);
        for digits in [2, 3, 4, 6] {
            let mut values = pair.mapv(|v| format!("{:.*e}", digits, v.exp()).parse().unwrap());
            values.column_mut(1).assign(&pair.column(1).mapv(f64::signum));
            assert_eq!(copies(&values), 0, "{digits}");
        }
    }

    #[test]
    fn a_label_beside_a_copied_number_changes_nothing() {
        let mut values = pair(200, 3);
        values.column_mut(1).mapv_inplace(f64::signum);
        assert_eq!(copies(&values), 0);
        assert_eq!(copies(&twice(&values)), 200);
    }

    #[test]
    fn labels_and_atoms_repeat_by_their_nature() {
        let censored = pair(400, 4).mapv(|v| v.max(0.0));
        assert_eq!(copies(&censored), 0);
        let labels = Array2::from_shape_fn((60, 2), |(i, j)| ((i + j) % 3) as f64);
        assert_eq!(copies(&labels), 0);
        let declared = Sample::new(labels.view(), &[Declared::Discrete; 2], 0).unwrap();
        assert_eq!(declared.copies(), None);
    }

    #[test]
    fn rows_of_strongly_dependent_columns_coincide_by_chance() {
        // Lengths of the same animals to a tenth, with a few labels: independent columns would hardly
        // ever coincide in all five.
        let animals = |seed: u64, spread: f64| {
            let mut stream = Stream::new(seed, "animals");
            let (size, noise) = (stream.normal_matrix((2000, 1)), stream.normal_matrix((2000, 4)));
            let lengths = rounded(&(size.clone() + spread * noise), 0.1);
            let label = size.mapv(|size| (2.0 * size).round().clamp(-2.0, 2.0));
            concatenate![Axis(1), lengths, label]
        };
        for seed in 0..20 {
            let repeats = animals(seed, 0.1);
            let different: HashSet<Vec<u64>> =
                repeats.rows().into_iter().map(|row| row.mapv(f64::to_bits).to_vec()).collect();
            assert!(different.len() < 1900, "the test needs repeats");
            assert_eq!(copies(&repeats), 0, "{seed}");
            let values = animals(seed, 0.3);
            let pasted = concatenate![Axis(0), values, values.slice(ndarray::s![..600, ..])];
            assert!(copies(&pasted) >= 600, "{seed}");
        }
    }

    #[test]
    fn one_repeated_row_is_no_alarm() {
        // In 200 tables of two columns with two decimals a few rows coincide by chance.
        let alarms = (0..200).filter(|&seed| copies(&rounded(&pair(300, seed), 0.01)) > 0).count();
        assert_eq!(alarms, 0);
        let mut values = pair(300, 1);
        let row = values.row(7).to_owned();
        values.row_mut(9).assign(&row);
        assert_eq!(copies(&values), 0, "one copy changes nothing");
    }

    #[test]
    fn the_first_of_the_copies_stands_for_them() {
        let mut values = pair(100, 5);
        for (from, to) in [(3, 20), (3, 50), (20, 99)] {
            let row = values.row(from).to_owned();
            values.row_mut(to).assign(&row);
        }
        let first = Sample::new(values.view(), &[], 0).unwrap().first_copies();
        let moved: Vec<_> = (0..100).filter(|&row| first[row] != row).collect();
        assert_eq!(moved, [20, 50, 99]);
        assert!(moved.iter().all(|&row| first[row] == 3));
    }
}
