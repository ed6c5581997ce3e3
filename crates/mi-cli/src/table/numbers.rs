use mi_samples::Declared;

use super::builder::TOO_LARGE;
use super::column::{Column, Odd, Origin};
use super::error::{Place, TableError};
use super::labels::Labels;
use crate::words::count;

/// Collects a column of an array: doubles, and integers without loss if they may be labels.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    values: Vec<f64>,
    /// The integers, from the first one that is not an exact double; [`MISSING`] where missing.
    exact: Option<Vec<i128>>,
    /// The number of integers that may have been rounded.
    large: usize,
}

const MISSING: i128 = i128::MIN;

/// A number in the form that can count rows.
pub(super) fn as_count(value: f64) -> Option<i64> {
    (value.abs() < TOO_LARGE && value.fract() == 0.0).then_some(value as i64)
}

impl Numbers {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Makes room for `more` values; `false` if there is no memory.
    pub(super) fn reserve(&mut self, more: usize) -> bool {
        self.values.try_reserve(more).is_ok()
            && self.exact.as_mut().is_none_or(|exact| exact.try_reserve(more).is_ok())
    }

    /// Adds a double, NaN where the value is missing.
    pub(super) fn push(&mut self, value: f64) {
        self.values.push(value);
        if let Some(exact) = &mut self.exact {
            exact.push(if value.is_nan() { MISSING } else { value as i128 });
        }
    }

    /// Adds a whole number.
    pub(super) fn push_whole(&mut self, whole: i128) {
        let value = whole as f64;
        if value.abs() >= TOO_LARGE {
            self.large += 1;
            if self.exact.is_none() {
                let so_far = |v: &f64| if v.is_nan() { MISSING } else { *v as i128 };
                self.exact = Some(self.values.iter().map(so_far).collect());
            }
        }
        self.values.push(value);
        if let Some(exact) = &mut self.exact {
            exact.push(whole);
        }
    }

    /// A key that is equal for rows with the same value.
    #[cfg(feature = "parquet")]
    pub(super) fn cell(&self, row: usize) -> (u64, Option<i128>) {
        (self.values[row].to_bits(), self.exact.as_ref().map(|exact| exact[row]))
    }

    /// The value of a row, if it can count rows.
    #[cfg(feature = "parquet")]
    pub(super) fn count(&self, row: usize) -> Option<i64> {
        as_count(self.values[row])
    }

    #[cfg(feature = "parquet")]
    pub(super) fn into_values(self) -> Vec<f64> {
        self.values
    }

    /// Refuses infinite values, or treats them as missing if cells that do not fit are reported.
    ///
    /// # Errors
    /// The first infinite value, unless `report_odd`.
    pub(super) fn check_finite(
        &mut self,
        file: &str,
        column: &str,
        report_odd: bool,
    ) -> Result<Option<Odd>, TableError> {
        let first = self.values.iter().enumerate().find(|(_, value)| value.is_infinite());
        let Some((row, value)) = first else { return Ok(None) };
        let line = format!("row {}", row + 1);
        let at = Place { file: file.to_owned(), line, column: column.to_owned() };
        let error = TableError::NotFinite { at, cell: value.to_string() };
        if !report_odd {
            return Err(error);
        }
        let infinite = self.values.iter_mut().filter(|value| value.is_infinite());
        let count = infinite.map(|value| *value = f64::NAN).count();
        Ok(Some(Odd { count, first: error.to_string() }))
    }

    /// The column, and how many of its integers may have been rounded. Labels (declared, or too few
    /// values to be on a scale) are never rounded: they are the exact numbers.
    pub(super) fn into_column(self, name: String, declared: Declared) -> (Column, usize) {
        let column = Column::from_numbers(name, self.values, declared);
        let discrete = match declared {
            Declared::Discrete => true,
            Declared::Continuous => false,
            Declared::Auto => column.column_type().is_some_and(|found| found.is_discrete()),
        };
        let Some(exact) = self.exact.filter(|_| discrete) else { return (column, self.large) };
        let mut labels = Labels::default();
        let code = |whole: &i128| {
            if *whole == MISSING { f64::NAN } else { labels.code(&whole.to_string()) }
        };
        let codes = exact.iter().map(code).collect();
        let origin = if declared == Declared::Discrete { Origin::Asked } else { Origin::Spelling };
        (labels.into_column(column.name, codes, origin), 0)
    }
}

/// The note on integers that may have been rounded.
pub(super) fn rounded_note(file: &str, large: usize) -> Option<String> {
    (large > 0).then(|| {
        format!(
            "{file}: {} of 2^53 or more may have been rounded to float64; name their column in \
             `--discrete` if these are identifiers",
            count(large, "whole number")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinite_values_are_refused_or_reported_and_missing() {
        let mut numbers = Numbers::default();
        for value in [1.0, f64::NEG_INFINITY, f64::NAN, f64::INFINITY] {
            numbers.push(value);
        }
        let error = numbers.check_finite("a.npy", "x", false).unwrap_err().to_string();
        assert!(error.starts_with("a.npy, row 2, column `x`: `-inf` is not a finite"), "{error}");
        let odd = numbers.check_finite("a.npy", "x", true).unwrap().unwrap();
        assert_eq!((odd.count, odd.first), (2, error));
        let (column, _) = numbers.into_column("x".into(), Declared::Auto);
        assert_eq!(column.missing, 3);
    }

    #[test]
    fn large_whole_numbers_stay_different_labels() {
        let large = 9_007_199_254_740_992_i128;
        let column = |declared| {
            let mut numbers = Numbers::default();
            numbers.push_whole(7);
            numbers.push(f64::NAN);
            (0..40).for_each(|i| numbers.push_whole(large + i % 4));
            numbers.into_column("id".into(), declared)
        };
        for declared in [Declared::Discrete, Declared::Auto] {
            let (column, rounded) = column(declared);
            assert_eq!((column.labels.unwrap().len(), column.missing, rounded), (5, 1, 0));
        }
        let (column, rounded) = column(Declared::Continuous);
        assert_eq!((column.labels, rounded), (None, 40));
    }
}
