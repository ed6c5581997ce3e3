use std::ops::Range;

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2};

use crate::{DataError, Geometry, View};

/// A [`View`] of images of one size: the columns that it takes from a batch matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    view: View,
    source: Geometry,
    geometry: Geometry,
    columns: Vec<usize>,
    /// The same columns as runs of neighbours, which are copied whole.
    runs: Vec<Range<usize>>,
}

impl Piece {
    pub(crate) fn new(
        view: View,
        source: Geometry,
        rows: &Range<usize>,
        columns: &Range<usize>,
        channels: &[usize],
    ) -> Self {
        let geometry = Geometry::new(rows.len(), columns.len(), channels.len());
        let mut taken = Vec::with_capacity(geometry.len());
        for y in rows.clone() {
            for x in columns.clone() {
                taken.extend(channels.iter().map(|&c| source.column(y, x, c)));
            }
        }
        let mut runs: Vec<Range<usize>> = Vec::new();
        for &column in &taken {
            match runs.last_mut() {
                Some(run) if run.end == column => run.end += 1,
                _ => runs.push(column..column + 1),
            }
        }
        Self { view, source, geometry, columns: taken, runs }
    }

    /// The view that this is a piece by.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The size of the piece.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// The columns of a batch matrix that the piece takes: H×W×C order of the piece.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// How many values the two pieces share. Views that share values share information whatever
    /// the data are; equal views share all.
    pub fn overlap(&self, other: &Self) -> usize {
        let mut taken = vec![false; self.source.len()];
        for &column in &self.columns {
            taken[column] = true;
        }
        other.columns.iter().filter(|&&column| taken.get(column) == Some(&true)).count()
    }

    /// The piece of every image.
    ///
    /// # Shapes
    /// n × source values → n × piece values.
    ///
    /// # Errors
    /// When the rows are not images of the size that the piece was made for.
    pub fn apply<T: Copy + Default>(
        &self,
        images: ArrayView2<'_, T>,
    ) -> Result<Array2<T>, DataError> {
        self.check_source(images.ncols())?;
        let mut out = Array2::from_elem((images.nrows(), self.columns.len()), T::default());
        for (from, to) in images.rows().into_iter().zip(out.rows_mut()) {
            self.copy(from, to);
        }
        Ok(out)
    }

    /// Writes the piece of the images `rows` into a caller's buffer. Allocates nothing.
    ///
    /// # Shapes
    /// `images` is n × source values, `out` is `rows.len()` × piece values; rows may repeat.
    ///
    /// # Errors
    /// When a shape does not fit or a row is beyond the images.
    pub fn gather<T: Copy>(
        &self,
        images: ArrayView2<'_, T>,
        rows: &[usize],
        mut out: ArrayViewMut2<'_, T>,
    ) -> Result<(), DataError> {
        self.check_source(images.ncols())?;
        if out.dim() != (rows.len(), self.columns.len()) {
            return Err(DataError::Shape {
                operation: "gathering rows of a view",
                expected: format!("a buffer of {} x {}", rows.len(), self.columns.len()),
                found: format!("{} x {}", out.nrows(), out.ncols()),
            });
        }
        if let Some(&row) = rows.iter().find(|&&row| row >= images.nrows()) {
            let operation = "gathering rows of a view";
            return Err(DataError::Row { operation, row, rows: images.nrows() });
        }
        for (&row, to) in rows.iter().zip(out.rows_mut()) {
            self.copy(images.row(row), to);
        }
        Ok(())
    }

    fn check_source(&self, columns: usize) -> Result<(), DataError> {
        if columns == self.source.len() {
            return Ok(());
        }
        Err(DataError::Shape {
            operation: "taking a view",
            expected: format!("images of {} = {} columns", self.source, self.source.len()),
            found: format!("{columns} columns"),
        })
    }

    fn copy<T: Copy>(&self, from: ArrayView1<'_, T>, mut to: ArrayViewMut1<'_, T>) {
        if let (Some(from), Some(mut to)) = (from.as_slice(), to.as_slice_mut()) {
            for run in &self.runs {
                let (head, rest) = to.split_at_mut(run.len());
                head.copy_from_slice(&from[run.clone()]);
                to = rest;
            }
        } else {
            for (value, &column) in to.iter_mut().zip(&self.columns) {
                *value = from[column];
            }
        }
    }
}
