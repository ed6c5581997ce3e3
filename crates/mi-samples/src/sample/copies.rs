//! Rows that are copies of one another, as far as values alone can tell.

use super::Sample;
use super::column::Column;
use super::column_type::ColumnKind;
use super::side::joint_labels;

/// Rows of rounded columns coincide by chance. Among Gaussian columns pairs of rows do so e^I times
/// as often as among independent ones, I being their information: this leaves room for 2.3 nats.
const ROOM_FOR_DEPENDENCE: f64 = 10.0;

/// Standard deviations by which repeats must exceed those by chance.
const DEVIATIONS: f64 = 3.0;

impl Sample {
    /// For every row, the first row that it is a copy of: itself, or an earlier one with the same
    /// values in all columns.
    ///
    /// Rows that are alike in nothing but discrete values and atoms are no copies, as such values
    /// repeat by their nature. Nor are any rows where columns are rounded so coarsely that about
    /// as many would coincide by chance.
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
        let repeats = (telling.len() - different.len()) as f64;
        // Ties of rounded columns are chance; those of others, counted among rows that differ, not.
        let shares = self.columns.iter().zip(&by_column).map(|(column, labels)| {
            coincidence(labels, if column.is_rounded { &telling } else { &different })
        });
        let chance = shares.product::<f64>() * pairs(telling.len());
        let most = ROOM_FOR_DEPENDENCE * chance;
        if repeats > most + DEVIATIONS * most.sqrt() { first } else { (0..self.n).collect() }
    }

    /// The number of rows that are copies of an earlier one.
    pub(crate) fn copies(&self) -> usize {
        self.first_copies().into_iter().enumerate().filter(|&(row, first)| row != first).count()
    }

    /// Rows in which some column holds a value that does not repeat by its nature.
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

/// The share of pairs of these rows that are equal in a column, given by its labels.
fn coincidence((labels, classes): &(Vec<u32>, usize), rows: &[usize]) -> f64 {
    let mut counts = vec![0_usize; *classes];
    for &row in rows {
        counts[labels[row] as usize] += 1;
    }
    counts.into_iter().map(pairs).sum::<f64>() / pairs(rows.len()).max(1.0)
}

/// Pairs among n.
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
        Sample::new(values.view(), &[], 0).unwrap().copies()
    }

    #[test]
    fn copies_of_rounded_rows_are_seen() {
        let values = rounded(&pair(300, 1), 0.01);
        assert_eq!(copies(&values), 0);
        // The chance repeats among them count with the copies.
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
        assert_eq!(declared.copies(), 0);
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
