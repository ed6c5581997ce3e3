use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use super::column::Column;
use super::column_type::{ColumnKind, ColumnType, Declared};
use crate::SamplesError;
use crate::rows::Track;

/// Lag-1 autocorrelation above which rows do not count as independent.
const HIGH_AUTOCORRELATION: f64 = 0.5;

/// Estimators take values below this. They have finite differences, and so have sums of their
/// squares over all rows that a side can have (at most 2³² · 4 · 10²⁹⁰).
pub const LARGEST: f64 = 1e145;

/// How neighbour estimators transform a continuous column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Marginals {
    /// The normal score of every rank, so that no monotone map of a column changes the estimate.
    #[default]
    NormalScores,
    /// The values minus their mean, divided by their standard deviation.
    Standardised,
    /// The values as they are.
    Raw,
}

/// Typed columns of one side of an estimate, ready to be ranked, labelled and searched.
///
/// Ties of columns that are not discrete are broken at random within ranks, by a seed; a mixture's
/// atoms are not broken. A column that is a monotone function of another has its ties broken in the
/// same way, so that a copy of a column stays a copy; ties of other columns are broken
/// independently. With few rows, neighbour estimates average over several ways.
///
/// # Shapes
/// One row per observation, one column per variable.
///
/// ```
/// use mi_samples::{ColumnKind, Sample};
/// use ndarray::array;
///
/// let side = Sample::new(array![[0.1], [2.5], [0.7]].view(), &[], 0)?;
/// assert_eq!(side.columns().next().map(|column| &column.kind), Some(&ColumnKind::Continuous));
/// # Ok::<(), mi_samples::SamplesError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sample {
    pub(super) n: usize,
    pub(super) columns: Vec<Column>,
}

/// The coordinates of one side for a neighbour search.
#[derive(Clone, Debug)]
pub(crate) struct Coordinates {
    /// Column by column, one value per row; those of the label come first.
    pub(crate) columns: Vec<Vec<f64>>,
    /// The rows in ascending order, if there is a single column.
    pub(crate) order: Option<Vec<u32>>,
    /// The discrete columns of every row combined into one label, if there are any.
    pub(crate) label: Option<Label>,
}

impl Coordinates {
    /// The columns of numbers.
    pub(crate) fn scaled(&self) -> impl Iterator<Item = &[f64]> {
        let digits = self.label.as_ref().map_or(0, |label| label.digits);
        self.columns[digits..].iter().map(Vec::as_slice)
    }

    /// The same with different labels at this distance.
    pub(crate) fn with_labels_apart(mut self, distance: f64) -> Self {
        let digits = self.label.as_ref().map_or(0, |label| label.digits);
        let digits = self.columns[..digits].iter_mut().flatten();
        digits.filter(|digit| **digit != 0.0).for_each(|digit| *digit = distance);
        self
    }

    /// These rows, in this order.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let of = |column: &Vec<f64>| rows.iter().map(|&row| column[row]).collect();
        let columns: Vec<Vec<f64>> = self.columns.iter().map(of).collect();
        let label = self.label.as_ref().map(|label| {
            let of_row = rows.iter().map(|&row| label.of_row[row]).collect();
            Label { of_row, ..*label }
        });
        Self { columns, order: None, label }
    }
}

/// One label per row.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    /// Numbers from 0, row by row.
    pub(crate) of_row: Vec<u32>,
    /// The number of different labels.
    pub(crate) classes: usize,
    /// How many of the columns of the [`Coordinates`] encode it.
    pub(crate) digits: usize,
}

impl Sample {
    /// Determines the kinds and ranks of the columns, and breaks their ties.
    ///
    /// `declared` has one entry per column, or is empty for [`Declared::Auto`] throughout.
    ///
    /// # Errors
    /// If there is no row or no column, a value is not finite, or `declared` is neither empty nor
    /// has one entry per column.
    pub fn new(
        values: ArrayView2<'_, f64>,
        declared: &[Declared],
        seed: u64,
    ) -> Result<Self, SamplesError> {
        let columns = columns_of(values)?;
        if !declared.is_empty() && declared.len() != columns.len() {
            let (given, columns) = (declared.len(), columns.len());
            return Err(SamplesError::Declarations { given, columns });
        }
        let declared = declared.iter().copied().chain(std::iter::repeat(Declared::Auto));
        let columns = columns
            .into_iter()
            .zip(declared)
            .map(|(values, declared)| Column::new(values, declared, seed))
            .collect();
        Ok(Self { n: values.nrows(), columns })
    }

    /// The number of observations.
    pub fn n(&self) -> usize {
        self.n
    }

    /// The number of columns.
    pub fn dims(&self) -> usize {
        self.columns.len()
    }

    /// The kinds of the columns.
    pub fn columns(&self) -> impl Iterator<Item = &ColumnType> {
        self.columns.iter().map(|column| &column.kind)
    }

    /// Whether all columns are discrete or constant.
    pub fn is_discrete(&self) -> bool {
        self.columns().all(ColumnType::is_discrete)
    }

    /// Whether all columns are constant.
    pub fn is_constant(&self) -> bool {
        self.columns().all(|column| column.kind == ColumnKind::Constant)
    }

    /// Whether all columns except constant ones are continuous, possibly after ties are broken, and
    /// there is at least one.
    pub fn is_continuous(&self) -> bool {
        !self.is_constant()
            && self.columns().all(|c| c.is_continuous() || c.kind == ColumnKind::Constant)
    }

    /// Whether no column except constant ones is discrete, and there is at least one.
    pub(crate) fn has_scale(&self) -> bool {
        !self.is_constant()
            && self.columns().all(|c| !c.is_discrete() || c.kind == ColumnKind::Constant)
    }

    /// Whether a column is discrete.
    pub(crate) fn has_labels(&self) -> bool {
        self.columns().any(|column| column.kind == ColumnKind::Discrete)
    }

    /// The two sides' columns as one side.
    ///
    /// # Errors
    /// If the sides have different numbers of rows.
    pub fn beside(&self, other: &Self) -> Result<Self, SamplesError> {
        if self.n != other.n {
            return Err(SamplesError::RowCounts { x: self.n, y: other.n });
        }
        let columns = self.columns.iter().chain(&other.columns).cloned().collect();
        Ok(Self { n: self.n, columns })
    }

    /// These columns, followed by those of another side if there is one.
    pub(crate) fn beside_if(&self, other: Option<&Self>) -> Result<Self, SamplesError> {
        other.map_or_else(|| Ok(self.clone()), |other| self.beside(other))
    }

    /// The largest lag-1 autocorrelation of the ranks of a column that is not discrete; 0 if
    /// there is none.
    fn autocorrelation(&self) -> f64 {
        let columns = self.columns.iter().filter(|column| !column.kind.is_discrete());
        columns.map(Column::rank_autocorrelation).fold(0.0, f64::max)
    }

    /// The lag-1 autocorrelations of two sides (the largest over their columns' ranks), if both are
    /// so high that rows do not count as independent.
    pub fn alike_in_time(&self, other: &Self) -> Option<(f64, f64)> {
        let found = (self.autocorrelation(), other.autocorrelation());
        (found.0 > HIGH_AUTOCORRELATION && found.1 > HIGH_AUTOCORRELATION).then_some(found)
    }

    /// Whether values repeat in a column that is not discrete, so that an estimate depends on how
    /// ties are treated.
    pub(crate) fn has_ties(&self) -> bool {
        self.columns().any(|column| !column.is_discrete() && column.tied > 0)
    }

    /// The columns as time series.
    pub(crate) fn tracks(&self) -> Vec<Track> {
        self.columns.iter().flat_map(Column::tracks).collect()
    }

    /// The first pair of columns, one from each side, that are continuous and have the same or the
    /// reverse order.
    pub(crate) fn monotone_columns(&self, other: &Self) -> Option<(usize, usize)> {
        let telling = |side: &Self| -> Vec<usize> {
            (0..side.dims()).filter(|&index| side.columns[index].kind.is_continuous()).collect()
        };
        // Two or three rows often have the same order by chance.
        if self.n < 5 {
            return None;
        }
        let (own, others) = (telling(self), telling(other));
        own.iter().flat_map(|&a| others.iter().map(move |&b| (a, b))).find(|&(a, b)| {
            let (a, b) = (&self.columns[a].order, &other.columns[b].order);
            a == b || a.iter().eq(b.iter().rev())
        })
    }

    /// These rows, in this order, with the same kinds of columns.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let columns = self.columns.iter().map(|column| column.select(rows));
        Self { n: rows.len(), columns: columns.collect() }
    }

    /// Whether ties of some column were broken.
    pub(crate) fn has_broken_ties(&self) -> bool {
        self.columns.iter().any(Column::has_broken_ties)
    }

    /// The same observations with ties broken in another way; way 0 is the current one.
    pub(crate) fn ties_broken_again(&self, replicate: usize) -> Self {
        let columns = self.columns.iter().map(|column| column.ties_broken_again(replicate));
        Self { n: self.n, columns: columns.collect() }
    }

    /// The same observations with atoms broken like other ties.
    pub(crate) fn without_atoms(&self, seed: u64) -> Self {
        let columns = self.columns.iter().map(|column| column.without_atoms(seed));
        Self { n: self.n, columns: columns.collect() }
    }

    /// These columns, in this order.
    pub(crate) fn only(&self, columns: &[usize]) -> Self {
        let columns = columns.iter().map(|&column| self.columns[column].clone());
        Self { n: self.n, columns: columns.collect() }
    }

    /// A number for every row, equal for equal rows, and how many numbers there are.
    pub(crate) fn labels(&self) -> (Vec<u32>, usize) {
        joint_labels(&self.columns.iter().map(Column::labels).collect::<Vec<_>>(), self.n)
    }

    /// The coordinates for a neighbour search under the maximum norm.
    ///
    /// The discrete columns become the binary digits of their label: different labels are then at
    /// distance 1 and equal ones at distance 0, whatever the names.
    pub(crate) fn coordinates(&self, marginals: Marginals) -> Coordinates {
        let (discrete, scaled): (Vec<&Column>, Vec<&Column>) =
            self.columns.iter().partition(|column| column.kind.is_discrete());
        let label = (!discrete.is_empty()).then(|| {
            let labels: Vec<_> = discrete.iter().map(|column| column.labels()).collect();
            let (of_row, classes) = joint_labels(&labels, self.n);
            let digits = classes.next_power_of_two().trailing_zeros().max(1) as usize;
            Label { of_row, classes, digits }
        });
        let digits = label.iter().flat_map(|Label { of_row, digits, .. }| {
            (0..*digits)
                .map(|digit| of_row.iter().map(|label| f64::from(label >> digit & 1)).collect())
        });
        let scaled_columns = scaled.iter().map(|column| column.marginal(marginals));
        let columns = digits.chain(scaled_columns).collect();
        let order = match (&label, &scaled[..]) {
            (None, [column]) => Some(column.order.clone()),
            _ => None,
        };
        Coordinates { columns, order, label }
    }

    /// The values of a column, as given.
    pub(crate) fn values(&self, column: usize) -> &[f64] {
        &self.columns[column].values
    }

    /// The part of a column's variance that comes from rounding to its step; 0 if it has none.
    pub(crate) fn rounding(&self, column: usize) -> f64 {
        self.columns[column].rounding()
    }

    /// Kind, values and ascending order of every column.
    pub(crate) fn contents(&self) -> impl Iterator<Item = (&ColumnType, &[f64], &[u32])> {
        self.columns.iter().map(|column| (&column.kind, &column.values[..], &column.order[..]))
    }

    /// The columns as continuous numbers, column by column.
    pub(crate) fn marginal_columns(&self, marginals: Marginals) -> Vec<Vec<f64>> {
        self.columns.iter().map(|column| column.marginal(marginals)).collect()
    }
}

/// A number for every row, equal for rows that have equal labels in all columns, and how many
/// numbers there are.
pub(crate) fn joint_labels(columns: &[(Vec<u32>, usize)], n: usize) -> (Vec<u32>, usize) {
    let Some(((first, classes), others)) = columns.split_first() else {
        return (vec![0; n], 1);
    };
    let (mut labels, mut classes) = (first.clone(), *classes);
    for (own, _) in others {
        let mut pairs: Vec<(u32, u32, u32)> = labels
            .iter()
            .zip(own)
            .zip(0..)
            .map(|((&label, &own), row)| (label, own, row))
            .collect();
        pairs.sort_unstable();
        classes = 0;
        for pair in pairs.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            for &(.., row) in pair {
                labels[row as usize] = classes as u32;
            }
            classes += 1;
        }
    }
    (labels, classes)
}

/// The columns of a matrix, each contiguous, for any layout of the matrix.
///
/// # Errors
/// If there is no row or column, too many rows, or a value that is not finite.
pub(crate) fn columns_of(values: ArrayView2<'_, f64>) -> Result<Vec<Vec<f64>>, SamplesError> {
    let (rows, columns) = values.dim();
    if rows == 0 || columns == 0 {
        return Err(SamplesError::EmptySide { rows, columns });
    }
    let most = u32::MAX as usize - 1;
    if rows > most {
        return Err(SamplesError::TooManyObservations { n: rows, most });
    }
    // Row by row, so that the first bad row is named.
    let usable = |value: &f64| value.abs() < LARGEST;
    let bad = values.indexed_iter().find(|(_, value)| !usable(value));
    if let Some(((row, column), value)) = bad {
        return Err(SamplesError::NotFinite { row, column, value: value.to_string() });
    }
    Ok(values.columns().into_iter().map(|column| column.to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_random::Stream;
    use ndarray::{Array2, array, s};

    #[test]
    fn mistakes_are_named() {
        let no_rows = Sample::new(Array2::zeros((0, 2)).view(), &[], 0).unwrap_err();
        assert_eq!(no_rows, SamplesError::EmptySide { rows: 0, columns: 2 });
        let nan = array![[0.0, 1.0], [2.0, f64::NAN], [f64::INFINITY, 0.0]];
        let error = Sample::new(nan.view(), &[], 0).unwrap_err();
        assert!(error.to_string().starts_with("row 1, column 1 (counted from 0) is NaN"));
        for large in [1e145, -1e200, 1e300] {
            let error = Sample::new(array![[0.0, 1.0], [2.0, large]].view(), &[], 0).unwrap_err();
            assert!(error.to_string().starts_with("row 1, column 1 (counted from 0)"), "{error}");
            assert!(error.to_string().contains("scale the column"), "{error}");
        }
        let declared = Sample::new(array![[0.0, 1.0]].view(), &[Declared::Auto], 0).unwrap_err();
        assert_eq!(declared, SamplesError::Declarations { given: 1, columns: 2 });
    }

    #[test]
    fn layout_does_not_matter() {
        let matrix = Array2::from_shape_fn((7, 3), |(i, j)| ((i * 5 + j * 3) % 11) as f64);
        let mut reversed = matrix.slice(s![..;-1, ..]).to_owned();
        reversed.invert_axis(ndarray::Axis(0));
        let fortran = matrix.t().as_standard_layout().into_owned().reversed_axes();
        let expected = columns_of(matrix.view()).unwrap();
        assert_eq!(columns_of(reversed.view()).unwrap(), expected);
        assert_eq!(columns_of(fortran.view()).unwrap(), expected);
    }

    fn rounded(seed: u64, n: usize) -> Array2<f64> {
        let mut stream = Stream::new(seed, "values");
        Array2::from_shape_fn((n, 1), |_| (stream.normal() * 10.0).round() / 10.0)
    }

    fn only_column(values: &Array2<f64>, seed: u64) -> Column {
        Sample::new(values.view(), &[], seed).unwrap().columns.swap_remove(0)
    }

    #[test]
    fn ties_are_broken_within_ranks_and_a_copy_stays_a_copy() {
        let (first, second) = (rounded(2, 500), rounded(3, 500));
        let column = only_column(&first, 7);
        assert!(
            column
                .order
                .windows(2)
                .all(|pair| { column.values[pair[0] as usize] <= column.values[pair[1] as usize] })
        );
        let scores = column.marginal(Marginals::NormalScores);
        let mut sorted = scores.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]));
        // Another scale gives the same order. Reversed values give the reverse order and opposite
        // scores.
        for map in [|v: f64| 1e6 * v - 3.0, f64::exp, |v: f64| v.powi(3)] {
            assert_eq!(only_column(&first.mapv(map), 7).order, column.order);
        }
        let reversed = only_column(&first.mapv(|v| 5.0 - 2.0 * v), 7);
        let opposite: Vec<f64> = scores.iter().map(|score| -score).collect();
        assert_eq!(reversed.marginal(Marginals::NormalScores), opposite);
        // Another seed, or another column, breaks ties independently.
        assert_ne!(only_column(&first, 8).order, column.order);
        let other = only_column(&second, 7);
        assert_ne!(other.order, column.order);
        assert_ne!(column.ties_broken_again(1).order, column.order);
    }

    #[test]
    fn rows_that_are_moved_keep_how_their_ties_are_broken() {
        let column = only_column(&rounded(4, 300), 0);
        let rows: Vec<usize> = (0..300).map(|i| (7 * i + 3) % 300).collect();
        let (scores, moved) = (
            column.marginal(Marginals::NormalScores),
            column.select(&rows).marginal(Marginals::NormalScores),
        );
        assert!(rows.iter().zip(&moved).all(|(&row, &score)| scores[row] == score));
    }

    #[test]
    fn standardised_ties_are_spread_within_half_a_gap_and_raw_ones_are_raw() {
        let values = rounded(5, 400);
        let column = only_column(&values, 0);
        let spread = column.marginal(Marginals::Standardised);
        let scale = values.std(0.0);
        for (found, value) in spread.iter().zip(&values) {
            // Gaps in the tails are wider than a step.
            assert!((found * scale - value).abs() < 0.5, "{found} {value}");
        }
        let mut sorted = spread.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(column.marginal(Marginals::Raw), values.iter().copied().collect::<Vec<_>>());
    }

    #[test]
    fn atoms_share_a_rank_until_they_are_broken() {
        let values = rounded(6, 400).mapv(|v| v.max(0.0));
        let side = Sample::new(values.view(), &[], 0).unwrap();
        let classes = |side: &Sample| {
            let mut scores = side.columns[0].marginal(Marginals::NormalScores);
            scores.sort_unstable_by(f64::total_cmp);
            scores.dedup();
            scores.len()
        };
        let held = values.iter().filter(|v| **v == 0.0).count();
        assert_eq!(classes(&side), 400 - held + 1);
        assert_eq!(classes(&side.without_atoms(0)), 400);
    }

    #[test]
    fn labels_number_equal_rows_alike() {
        let rows = array![[1.0, 5.0], [0.0, 5.0], [1.0, 4.0], [1.0, 5.0], [0.0, 5.0], [1.0, 4.0]];
        let side = Sample::new(rows.view(), &[], 0).unwrap();
        let (labels, classes) = side.labels();
        assert_eq!((labels, classes), (vec![2, 0, 1, 2, 0, 1], 3));
    }

    #[test]
    fn categories_are_all_at_distance_one() {
        let column = Array2::from_shape_fn((60, 1), |(i, _)| (i % 5) as f64);
        let side = Sample::new(column.view(), &[], 0).unwrap();
        let coordinates = side.coordinates(Marginals::NormalScores).columns;
        for i in 0..60 {
            for j in 0..60 {
                let distance = coordinates.iter().map(|c| (c[i] - c[j]).abs()).fold(0.0, f64::max);
                assert_eq!(distance, f64::from(u8::from(i % 5 != j % 5)));
            }
        }
    }
}
