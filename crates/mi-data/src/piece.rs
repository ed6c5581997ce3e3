use std::collections::HashSet;
use std::ops::Range;

use mi_random::Stream;
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, NdFloat};

use crate::view::{Noise, Patches};
use crate::{DataError, Geometry, View, add_noise};

/// A [`View`] for images of one size: the columns that it takes from a batch matrix, and how it
/// converts them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    view: View,
    source: Geometry,
    /// The size of one patch.
    geometry: Geometry,
    /// Rows and columns of patches.
    grid: (usize, usize),
    columns: Vec<usize>,
    /// How many consecutive columns of the list are averaged to one value.
    averaged: usize,
    /// The same columns as runs of adjacent columns, which are copied as runs if nothing is
    /// averaged.
    runs: Vec<Range<usize>>,
}

impl Piece {
    /// Squares of `side` lines, and patches of them, that fit into rows × columns without a
    /// remainder.
    pub(crate) fn new(
        view: View,
        source: Geometry,
        (rows, columns, channels): (&[usize], &[usize], &[usize]),
        side: usize,
        Patches { height, width, strides }: Patches,
    ) -> Self {
        let geometry = Geometry::new(height, width, channels.len());
        let (rows, columns): (Vec<&[usize]>, Vec<&[usize]>) =
            (rows.chunks_exact(side).collect(), columns.chunks_exact(side).collect());
        let grid = ((rows.len() - height) / strides.0 + 1, (columns.len() - width) / strides.1 + 1);
        let averaged = side * side;
        let mut taken = Vec::with_capacity(grid.0 * grid.1 * geometry.len() * averaged);
        for (down, right) in (0..grid.0).flat_map(|i| (0..grid.1).map(move |j| (i, j))) {
            for &ys in &rows[down * strides.0..][..height] {
                for &xs in &columns[right * strides.1..][..width] {
                    for &c in channels {
                        let square = ys.iter().flat_map(|&y| xs.iter().map(move |&x| (y, x)));
                        taken.extend(square.map(|(y, x)| source.column(y, x, c)));
                    }
                }
            }
        }
        let mut runs: Vec<Range<usize>> = Vec::new();
        for &column in &taken {
            match runs.last_mut() {
                Some(run) if run.end == column => run.end += 1,
                _ => runs.push(column..column + 1),
            }
        }
        Self { view, source, geometry, grid, columns: taken, averaged, runs }
    }

    /// The view of this piece.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The size of the piece, or of one patch if the view is cut into patches.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Rows and columns of patches: 1 and 1 if the view is not cut.
    pub fn grid(&self) -> (usize, usize) {
        self.grid
    }

    /// The width of a row: patches × values of a patch.
    pub fn len(&self) -> usize {
        self.columns.len() / self.averaged
    }

    /// Whether the piece has no value, which [`View::of`] refuses.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The columns of a batch matrix that the piece takes: patch by patch, row by row of the grid,
    /// and H×W×C order in each; the columns of a square that is averaged are consecutive. In a
    /// colour space, column (y, x, 1) stands for the pixel's second channel there, which depends on
    /// all three of the source.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// How many values of the source the two pieces share; a value that several patches take counts
    /// once. Views that share values share information, whatever the data; equal views share all.
    pub fn overlap(&self, other: &Self) -> usize {
        let own: HashSet<&usize> = self.columns.iter().collect();
        let others: HashSet<&usize> = other.columns.iter().collect();
        own.intersection(&others).count()
    }

    /// The piece of every image.
    ///
    /// # Shapes
    /// n × source values → n × piece values.
    ///
    /// # Errors
    /// If the rows are not images of the piece's source size, or the view has noise, which needs
    /// [`Piece::draw`].
    pub fn apply<T: NdFloat>(&self, images: ArrayView2<'_, T>) -> Result<Array2<T>, DataError> {
        self.check_source(images.ncols())?;
        self.check_no_noise()?;
        let mut out = Array2::zeros((images.nrows(), self.len()));
        for (from, to) in images.rows().into_iter().zip(out.rows_mut()) {
            self.copy(from, to);
        }
        Ok(out)
    }

    /// Writes the piece of the images `rows` into a caller's buffer, and adds the view's noise, if
    /// it has any, from `noise`. Allocates nothing.
    ///
    /// # Shapes
    /// Like [`Piece::gather`].
    ///
    /// # Errors
    /// If a shape does not fit or a row does not exist.
    pub fn draw<T: NdFloat>(
        &self,
        images: ArrayView2<'_, T>,
        rows: &[usize],
        mut out: ArrayViewMut2<'_, T>,
        noise: &mut Stream,
    ) -> Result<(), DataError> {
        self.write(images, rows, out.view_mut())?;
        match self.view.noise {
            Some(Noise(sd)) => add_noise(out, sd, noise),
            None => Ok(()),
        }
    }

    /// Writes the piece of the images `rows` into a caller's buffer. Allocates nothing.
    ///
    /// # Shapes
    /// `images` is n × source values, `out` is `rows.len()` × piece values; rows may repeat.
    ///
    /// # Errors
    /// If a shape does not fit or a row does not exist; if the view has noise, which needs
    /// [`Piece::draw`].
    pub fn gather<T: NdFloat>(
        &self,
        images: ArrayView2<'_, T>,
        rows: &[usize],
        out: ArrayViewMut2<'_, T>,
    ) -> Result<(), DataError> {
        self.check_no_noise()?;
        self.write(images, rows, out)
    }

    fn write<T: NdFloat>(
        &self,
        images: ArrayView2<'_, T>,
        rows: &[usize],
        mut out: ArrayViewMut2<'_, T>,
    ) -> Result<(), DataError> {
        self.check_source(images.ncols())?;
        if out.dim() != (rows.len(), self.len()) {
            return Err(DataError::Shape {
                operation: "gathering rows of a view",
                expected: format!("a buffer of {} x {}", rows.len(), self.len()),
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

    fn check_no_noise(&self) -> Result<(), DataError> {
        if self.view.noise.is_none() {
            return Ok(());
        }
        Err(DataError::View {
            view: self.view.to_string(),
            geometry: self.source.to_string(),
            reason: "its noise needs a random stream: call `Piece::draw`".into(),
        })
    }

    fn copy<T: NdFloat>(&self, from: ArrayView1<'_, T>, mut to: ArrayViewMut1<'_, T>) {
        if let Some(colour) = self.view.colour {
            // Channels of a pixel are adjacent, so each pixel is converted once.
            let mut last = (usize::MAX, [T::zero(); 3]);
            self.fill(to, |column| {
                let (pixel, channel) = (column / 3, column % 3);
                if last.0 != pixel {
                    let rgb = [0, 1, 2].map(|c| from[3 * pixel + c]);
                    last = (pixel, colour.of_rgb(rgb));
                }
                last.1[channel]
            });
        } else if self.averaged > 1 {
            self.fill(to, |column| from[column]);
        } else if let (Some(from), Some(mut to)) = (from.as_slice(), to.as_slice_mut()) {
            for run in &self.runs {
                let (head, rest) = to.split_at_mut(run.len());
                head.copy_from_slice(&from[run.clone()]);
                to = rest;
            }
        } else {
            self.fill(to, |column| from[column]);
        }
    }

    /// Fills a row with the mean of each value's columns.
    fn fill<T: NdFloat>(&self, mut to: ArrayViewMut1<'_, T>, mut of: impl FnMut(usize) -> T) {
        let share = (0..self.averaged).fold(T::zero(), |count, _| count + T::one()).recip();
        for (value, square) in to.iter_mut().zip(self.columns.chunks_exact(self.averaged)) {
            let sum = square.iter().fold(T::zero(), |sum, &column| sum + of(column));
            *value = sum * share;
        }
    }
}
