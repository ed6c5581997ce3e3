use mi_random::Stream;
use ndarray::{ArrayView2, ArrayViewMut2};

use crate::{DataError, Geometry, Piece, Split, View};

/// One batch of a data set: any number of views of the same images, and their labels, in memory
/// that is reused from batch to batch.
///
/// ```
/// use mi_data::{Batch, Geometry, Split, Stream, View, ndarray::Array2};
///
/// let split = Split::new(Array2::ones((10, 16)), (0..10).collect())?;
/// let mut batch = Batch::new(&[View::top_half(), View::patches(2, 2)], Geometry::new(4, 4, 1))?;
/// batch.draw(&split, &[3, 5, 8], &mut Stream::new(1, "noise"))?;
/// assert_eq!((batch.view(0).dim(), batch.view(1).dim()), ((3, 8), (3, 16)));
/// assert_eq!(batch.labels(), [3, 5, 8]);
/// # Ok::<(), mi_data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batch {
    pieces: Vec<Piece>,
    /// Row-major, one buffer per view.
    values: Vec<Vec<f32>>,
    labels: Vec<u8>,
}

impl Batch {
    /// An empty batch of these views of images of one size.
    ///
    /// # Errors
    /// If images of this size do not have a view ([`View::of`]).
    pub fn new(views: &[View], geometry: Geometry) -> Result<Self, DataError> {
        Ok(Self::of(views.iter().map(|view| view.of(geometry)).collect::<Result<_, _>>()?))
    }

    /// An empty batch of these pieces of an image.
    pub fn of(pieces: Vec<Piece>) -> Self {
        Self { values: vec![Vec::new(); pieces.len()], pieces, labels: Vec::new() }
    }

    /// Fills the batch with these rows of a split, view by view; views with noise draw from `noise`
    /// in that order. Allocates nothing once a batch of that size has been drawn.
    ///
    /// # Errors
    /// If the images have another size, or a row does not exist.
    pub fn draw(
        &mut self,
        split: &Split,
        rows: &[usize],
        noise: &mut Stream,
    ) -> Result<(), DataError> {
        // After an error the batch is empty.
        self.labels.clear();
        for (piece, values) in self.pieces.iter().zip(&mut self.values) {
            values.resize(rows.len() * piece.len(), 0.0);
            let Ok(out) = ArrayViewMut2::from_shape((rows.len(), piece.len()), values) else {
                unreachable!("the buffer was resized to this shape");
            };
            piece.draw(split.images.view(), rows, out, noise)?;
        }
        // The views have checked the rows; a batch without views still has labels.
        if let Some(&row) = rows.iter().find(|&&row| row >= split.len()) {
            return Err(DataError::Row { operation: "drawing a batch", row, rows: split.len() });
        }
        self.labels.extend(rows.iter().map(|&row| split.labels[row]));
        Ok(())
    }

    /// The pieces of an image, one per view.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Samples in the batch.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether nothing was drawn.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// View number `index`, n × values of its piece.
    ///
    /// # Panics
    /// If there are fewer views.
    pub fn view(&self, index: usize) -> ArrayView2<'_, f32> {
        let (rows, columns) = (self.len(), self.pieces[index].len());
        match ArrayView2::from_shape((rows, columns), &self.values[index][..rows * columns]) {
            Ok(view) => view,
            Err(error) => unreachable!("buffers have the shape that was drawn: {error}"),
        }
    }

    /// All views, to be changed; noise that two of them share is added here.
    pub fn views_mut(&mut self) -> impl Iterator<Item = ArrayViewMut2<'_, f32>> {
        let rows = self.labels.len();
        self.pieces.iter().zip(&mut self.values).map(move |(piece, values)| {
            match ArrayViewMut2::from_shape((rows, piece.len()), &mut values[..rows * piece.len()])
            {
                Ok(view) => view,
                Err(error) => unreachable!("buffers have the shape that was drawn: {error}"),
            }
        })
    }

    /// One class per row.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }
}
