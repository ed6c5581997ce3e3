use mi_samples::{ColumnType, Declared, LARGEST, Sample};
use ndarray::ArrayView2;

use super::builder::TOO_LARGE;
use super::error::{Place, TableError};

/// One column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name: from the header, or `column_3`.
    pub name: String,
    /// One value per row: a finite number, the index of a label, or NaN if missing.
    pub values: Vec<f64>,
    /// The texts that the values stand for, if they are labels.
    pub labels: Option<Vec<String>>,
    /// Why the values are numbers, or labels.
    pub origin: Origin,
    /// The declared kind: labels are discrete, and the user may declare more.
    pub declared: Declared,
    /// How many values are missing.
    pub missing: usize,
    /// Cells that do not fit and were treated as missing, if that was requested.
    pub odd: Option<Odd>,
}

/// Why a column has numbers, or labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Its cells are numbers.
    Numbers,
    /// Its cells are text.
    Text,
    /// The user declared it discrete.
    Asked,
    /// It names the groups of the rows.
    Groups,
    /// It has few numbers, some of which are written in several ways (`7` and `007`).
    Spelling,
}

/// Cells that do not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Odd {
    /// How many there are.
    pub count: usize,
    /// Where the first one is, and what is wrong with it.
    pub first: String,
}

impl Column {
    /// A column of numbers, NaN where missing.
    pub(crate) fn from_numbers(name: String, values: Vec<f64>, declared: Declared) -> Self {
        let missing = values.iter().filter(|v| v.is_nan()).count();
        Self { name, values, labels: None, origin: Origin::Numbers, declared, missing, odd: None }
    }

    /// How the estimators treat the column, without missing values; `None` if no value is present.
    pub fn column_type(&self) -> Option<ColumnType> {
        let present: Vec<f64> = self.values.iter().copied().filter(|v| !v.is_nan()).collect();
        let matrix = ArrayView2::from_shape((present.len(), 1), &present).ok()?;
        Sample::new(matrix, &[self.declared], 0).ok()?.columns().next().cloned()
    }

    /// Refuses numbers that are too large for the estimators, or treats them as missing if cells
    /// that do not fit are reported. Labels can have any size.
    ///
    /// # Errors
    /// The first such number, unless `report_odd`.
    pub(crate) fn check_size(&mut self, file: &str, report_odd: bool) -> Result<(), TableError> {
        let is_too_large = |value: &f64| value.abs() >= LARGEST;
        let first = self.values.iter().position(is_too_large);
        let Some(row) = first.filter(|_| self.labels.is_none()) else { return Ok(()) };
        let line = format!("row {}", row + 1);
        let at = Place { file: file.to_owned(), line, column: self.name.clone() };
        let error = TableError::TooLarge { at, cell: format!("{:e}", self.values[row]) };
        if !report_odd {
            return Err(error);
        }
        let large = self.values.iter_mut().filter(|value| is_too_large(value));
        let count = large.map(|value| *value = f64::NAN).count();
        self.missing += count;
        self.odd.get_or_insert(Odd { count: 0, first: error.to_string() }).count += count;
        Ok(())
    }

    /// The column with missing values as an additional value, larger than all others.
    pub(crate) fn filled(&self) -> Self {
        let largest = self.values.iter().copied().fold(0.0, f64::max);
        let fill = |value: &f64| if value.is_nan() { 2.0 * largest + 1.0 } else { *value };
        Self { values: self.values.iter().map(fill).collect(), missing: 0, ..self.clone() }
    }

    /// Whether the column counts the rows: integers that increase by one in every row, from any
    /// start.
    pub fn counts_rows(&self) -> bool {
        /// In fewer rows numbers may be in order by chance, or in an example.
        const LEAST: usize = 5;
        let first = match (&self.labels, self.values.first()) {
            (None, Some(&first)) if self.values.len() >= LEAST => first,
            _ => return false,
        };
        first.fract() == 0.0
            && first.abs() < TOO_LARGE
            && self.values.iter().enumerate().all(|(row, value)| *value == first + row as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_are_left_out_of_the_type() {
        let values = [[1.0, 0.0, 1.0, f64::NAN]; 10].concat();
        let column = Column::from_numbers("x".into(), values, Declared::Auto);
        let found = column.column_type().unwrap();
        assert_eq!((column.missing, found.n, found.distinct), (10, 30, 2));
        assert!(found.is_discrete());
        let none = Column::from_numbers("x".into(), vec![f64::NAN; 3], Declared::Auto);
        assert_eq!(none.column_type(), None);
    }

    #[test]
    fn numbers_of_rows_are_recognised() {
        let counts = |values: &[f64]| {
            Column::from_numbers("x".into(), values.to_vec(), Declared::Auto).counts_rows()
        };
        assert!(counts(&[0.0, 1.0, 2.0, 3.0, 4.0]) && counts(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        assert!(!counts(&[1.0, 2.0, 3.0]) && !counts(&[]));
        assert!(counts(&[1000.0, 1001.0, 1002.0, 1003.0, 1004.0]));
        assert!(counts(&[-2.0, -1.0, 0.0, 1.0, 2.0]));
        assert!(!counts(&[0.5, 1.5, 2.5, 3.5, 4.5]) && !counts(&[5.0, 4.0, 3.0, 2.0, 1.0]));
        let huge = [0.0, 1.0, 2.0, 3.0, 4.0].map(|row| 1e17 + row);
        assert!(!counts(&huge), "doubles do not tell them apart");
        assert!(!counts(&[0.0, 1.0, 2.0, 4.0, 5.0]) && !counts(&[0.0, 1.0, f64::NAN, 3.0, 4.0]));
    }
}
