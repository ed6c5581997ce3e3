//! From columns to the rows that an estimate uses.

use mi_samples::{Declared, Sample, SamplesError};
use ndarray::{Array2, Axis};

use crate::error::CliError;
use crate::lag::Lags;
use crate::options::MissingRule;
use crate::table::Column;
use crate::words::{cut, list};

/// One side of an estimate: the values of some columns, one row per observation.
#[derive(Clone, Debug)]
pub struct Side {
    /// The columns' names.
    pub names: Vec<String>,
    /// n × columns; text as label codes.
    pub values: Array2<f64>,
    /// The declared kind of each column.
    pub declared: Vec<Declared>,
}

impl Side {
    /// The columns' names, as in a formula.
    pub fn title(&self) -> String {
        list(&self.names)
    }

    /// Rows `rows` of the columns; row t of the side is row t − `lag` of the table.
    fn of(columns: &[&Column], rows: &[usize], lag: isize) -> Self {
        let columns: Vec<_> = columns.iter().map(|&column| (column, lag)).collect();
        Self {
            names: columns.iter().map(|(column, _)| column.name.clone()).collect(),
            ..Self::at(&columns, rows)
        }
    }

    /// Rows `rows` of columns with individual lags, which are part of their names.
    fn at(columns: &[(&Column, isize)], rows: &[usize]) -> Self {
        let value = |row: usize, (column, lag): (&Column, isize)| {
            row.checked_add_signed(-lag).map_or(f64::NAN, |row| column.values[row])
        };
        let name = |(column, lag): &(&Column, isize)| format!("{}[t-{lag}]", column.name);
        Self {
            names: columns.iter().map(name).collect(),
            values: Array2::from_shape_fn((rows.len(), columns.len()), |(i, j)| {
                value(rows[i], columns[j])
            }),
            declared: columns.iter().map(|(column, _)| column.declared).collect(),
        }
    }

    /// The columns typed and ranked, their ties broken by a seed.
    ///
    /// # Errors
    /// Those of [`Sample::new`].
    pub fn sample(&self, seed: u64) -> Result<Sample, SamplesError> {
        Sample::new(self.values.view(), &self.declared, seed)
    }

    /// These rows, in this order.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self { values: self.values.select(Axis(0), rows), ..self.clone() }
    }

    /// The columns of both sides, which have the same rows, as one side.
    pub fn beside(&self, other: &Self) -> Self {
        let (own, more) = (self.values.ncols(), other.values.ncols());
        let cell = |(i, j)| if j < own { self.values[[i, j]] } else { other.values[[i, j - own]] };
        Self {
            names: [&self.names[..], &other.names[..]].concat(),
            values: Array2::from_shape_fn((self.values.nrows(), own + more), cell),
            declared: [&self.declared[..], &other.declared[..]].concat(),
        }
    }
}

/// The rows of a table in which no used value is missing, and what was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The rows used.
    pub used: Vec<usize>,
    /// Rows of the table.
    pub total: usize,
    /// Rows left out because a value is missing.
    pub missing: usize,
    /// Rows left out because a lag reaches beyond the table.
    pub beyond: usize,
    /// Rows left out because they are copies of an earlier one (`--dedup`).
    pub copies: usize,
}

impl Rows {
    /// Only the used rows at these places, which are not copies.
    pub fn only(self, places: &[usize]) -> Self {
        let used: Vec<usize> = places.iter().map(|&place| self.used[place]).collect();
        Self { copies: self.used.len() - used.len(), used, ..self }
    }

    /// A sentence on what was left out, if anything.
    pub fn note(&self) -> Option<String> {
        let parts = [
            (self.missing, "with missing values"),
            (self.beyond, "at the ends, for the lags"),
            (self.copies, "that repeat an earlier row"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, why)| format!("{count} {why}"))
            .collect();
        let left_out = parts.join(", ");
        (!parts.is_empty()).then(|| {
            format!("{} of {} rows used; left out: {left_out}", self.used.len(), self.total)
        })
    }
}

/// The rows to use: those in which every lag of `x`, `others` and the history of `y` have values.
///
/// # Errors
/// If values are missing and `rule` does not allow it, a column has no values, or no row is left.
pub fn complete_rows(
    x: &[&Column],
    y: &[&Column],
    others: &[&Column],
    lags: &Lags,
    total: usize,
    rule: MissingRule,
) -> Result<Rows, CliError> {
    let columns: Vec<&Column> = x.iter().chain(y).chain(others).copied().collect();
    if let Some(empty) = columns.iter().find(|column| column.missing == column.values.len()) {
        return Err(CliError::Data(format!(
            "column `{}` has no values: all are missing",
            cut(&empty.name)
        )));
    }
    if rule == MissingRule::Error {
        refuse_missing(&columns, total)?;
    }
    let within: Vec<usize> = lags.rows(total).collect();
    let lagged = |row: usize, lag: isize| row.checked_add_signed(-lag);
    let present = |row: usize| {
        others.iter().all(|column| !column.values[row].is_nan())
            && (row - lags.history()..=row)
                .all(|row| y.iter().all(|column| !column.values[row].is_nan()))
            && lags
                .values()
                .iter()
                .filter_map(|&lag| lagged(row, lag))
                .all(|row| x.iter().all(|column| !column.values[row].is_nan()))
    };
    let used: Vec<usize> = within.iter().copied().filter(|&row| present(row)).collect();
    if used.is_empty() {
        return Err(CliError::Data(if within.is_empty() {
            format!("no rows are left: the lags reach beyond the {total} rows of the table")
        } else {
            "no row has a value in every column that is used".into()
        }));
    }
    let (missing, beyond) = (within.len() - used.len(), total - within.len());
    Ok(Rows { used, total, missing, beyond, copies: 0 })
}

/// Refuses columns with missing values.
///
/// # Errors
/// If there is one; the message gives the number for each column.
pub fn refuse_missing(columns: &[&Column], total: usize) -> Result<(), CliError> {
    let mut counts: Vec<String> = Vec::new();
    for column in columns.iter().filter(|column| column.missing > 0) {
        let count = format!("{} in `{}`", column.missing, cut(&column.name));
        if !counts.contains(&count) {
            counts.push(count);
        }
    }
    if counts.is_empty() {
        return Ok(());
    }
    let rows = (0..total).filter(|&row| columns.iter().any(|c| c.values[row].is_nan())).count();
    Err(CliError::Data(format!(
        "values are missing: {}; use `--missing drop` to leave out the {rows} of {total} rows that \
         miss one",
        counts.join(", ")
    )))
}

/// The sides of an estimate at one lag.
#[derive(Clone, Debug)]
pub struct Observations {
    /// The first side.
    pub x: Side,
    /// The second side.
    pub y: Side,
    /// The columns to condition on.
    pub given: Option<Side>,
}

impl Observations {
    /// Row t − `lag` of `x` with row t of `y` and `given`, for every t of `rows`.
    pub fn at_lag(
        x: &[&Column],
        y: &[&Column],
        given: &[&Column],
        rows: &[usize],
        lag: isize,
    ) -> Self {
        let given = (!given.is_empty()).then(|| Side::of(given, rows, 0));
        Self { x: Side::of(x, rows, lag), y: Side::of(y, rows, 0), given }
    }

    /// The same observations, also given y's own past, rows t − 1 to t − `history`. I(x; y | past,
    /// given) is then the transfer entropy from x to y (Schreiber, 2000).
    pub fn with_history(mut self, y: &[&Column], rows: &[usize], history: usize) -> Self {
        if history == 0 {
            return self;
        }
        let past: Vec<_> = (1..=history.cast_signed())
            .flat_map(|lag| y.iter().map(move |&column| (column, lag)))
            .collect();
        let mut past = Side::at(&past, rows);
        if let Some(given) = self.given.take() {
            past = past.beside(&given);
        }
        self.given = Some(past);
        self
    }

    /// How many there are.
    pub fn n(&self) -> usize {
        self.x.values.nrows()
    }

    /// Columns of all sides.
    pub fn dims(&self) -> usize {
        let given = self.given.as_ref().map_or(0, |side| side.names.len());
        self.x.names.len() + self.y.names.len() + given
    }

    /// Both sides, as in a formula: `x; y | z`.
    pub fn title(&self) -> String {
        let given = self.given.as_ref().map_or_else(String::new, |z| format!(" | {}", z.title()));
        format!("{}; {}{given}", self.x.title(), self.y.title())
    }

    /// The indices of those that are not copies of an earlier one, according to
    /// [`Sample::first_copies`].
    ///
    /// # Errors
    /// Those of [`Sample::new`].
    pub fn no_copies(&self, seed: u64) -> Result<Vec<usize>, SamplesError> {
        let mut all = self.x.sample(seed)?;
        for side in [Some(&self.y), self.given.as_ref()].into_iter().flatten() {
            all = all.beside(&side.sample(seed)?)?;
        }
        let first = all.first_copies();
        Ok((0..first.len()).filter(|&row| first[row] == row).collect())
    }

    /// These observations, in this order.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            x: self.x.select(rows),
            y: self.y.select(rows),
            given: self.given.as_ref().map(|side| side.select(rows)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, values: &[f64]) -> Column {
        Column::from_numbers(name.into(), values.to_vec(), Declared::Auto)
    }

    const NAN: f64 = f64::NAN;

    #[test]
    fn rows_with_missing_values_are_refused_or_dropped_with_a_count() {
        let (x, y) =
            (column("x", &[1.0, NAN, 3.0, NAN, 5.0]), column("y", &[NAN, 2.0, 3.0, 4.0, 5.0]));
        let rows = |rule| complete_rows(&[&x], &[&y], &[], &Lags::default(), 5, rule);
        let error = rows(MissingRule::Error).unwrap_err().to_string();
        assert_eq!(
            error,
            "values are missing: 2 in `x`, 1 in `y`; use `--missing drop` to leave out the 3 of 5 \
             rows that miss one"
        );
        let rows = rows(MissingRule::Drop).unwrap();
        assert_eq!((&rows.used[..], rows.missing), (&[2, 4][..], 3));
        assert_eq!(rows.note().unwrap(), "2 of 5 rows used; left out: 3 with missing values");
    }

    #[test]
    fn a_column_without_values_is_named() {
        let (x, y) = (column("x", &[NAN, NAN]), column("y", &[1.0, 2.0]));
        let error = complete_rows(&[&x], &[&y], &[], &Lags::default(), 2, MissingRule::Drop);
        assert_eq!(error.unwrap_err().to_string(), "column `x` has no values: all are missing");
        let (x, y) = (column("x", &[NAN, 1.0]), column("y", &[1.0, NAN]));
        let error = complete_rows(&[&x], &[&y], &[], &Lags::default(), 2, MissingRule::Drop);
        assert!(error.unwrap_err().to_string().starts_with("no row has a value in every column"));
    }

    #[test]
    fn a_positive_lag_pairs_y_with_earlier_x() {
        let (x, y) =
            (column("x", &[1.0, 2.0, NAN, 4.0, 5.0]), column("y", &[10.0, 20.0, 30.0, 40.0, 50.0]));
        let lags: Lags = "0:1".parse().unwrap();
        let rows = complete_rows(&[&x], &[&y], &[], &lags, 5, MissingRule::Drop).unwrap();
        // Row 0 has no row before it; rows 2 and 3 use the missing value at lags 0 and 1.
        assert_eq!((&rows.used[..], rows.beyond, rows.missing), (&[1, 4][..], 1, 2));
        let at = Observations::at_lag(&[&x], &[&y], &[], &rows.used, 1);
        assert_eq!(at.x.values.column(0).to_vec(), [1.0, 4.0]);
        assert_eq!(at.y.values.column(0).to_vec(), [20.0, 50.0]);
        assert_eq!(at.title(), "x; y");
    }

    #[test]
    fn atoms_that_repeat_are_no_copies() {
        // A third of the rows at (0, 0), and five copies.
        let mut values: Vec<f64> = (0..60).map(|i| (f64::from(i) * 0.37 + 0.1).sin()).collect();
        values.extend([0.0; 30]);
        values.extend_from_within(..5);
        let (x, y) = (column("x", &values), column("y", &values));
        let rows: Vec<usize> = (0..95).collect();
        let observations = Observations::at_lag(&[&x], &[&y], &[], &rows, 0);
        assert_eq!(observations.no_copies(0).unwrap(), rows[..90]);
    }
}
