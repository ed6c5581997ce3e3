//! Batches of all views of some images.

use std::sync::Arc;

use mi_data::{Batch, DataError, Dataset, Split, add_noise, add_shared_noise};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2};

use crate::config::Noise;
use crate::multi_view::Layout;

/// One batch of every view, with the noise of the task.
pub(super) struct Inputs {
    pub(super) data: Arc<Dataset>,
    batch: Batch,
    /// The random numbers of training: for noise and random pieces.
    pub(super) draws: Stream,
}

impl Inputs {
    pub(super) fn new(data: Arc<Dataset>, layout: &Layout, streams: &Stream) -> Self {
        Self { data, batch: Batch::of(layout.pieces.clone()), draws: streams.child("noise") }
    }

    /// The batch of every view.
    pub(super) fn views(&self) -> Vec<ArrayView2<'_, f32>> {
        (0..self.batch.pieces().len()).map(|index| self.batch.view(index)).collect()
    }

    /// Draws all views of some training images, with the noise of training.
    pub(super) fn fill_for_training(
        &mut self,
        rows: &[usize],
        noise: Noise,
    ) -> Result<(), DataError> {
        let Self { data, batch, draws } = self;
        fill(batch, &data.train, rows, (noise, draws))
    }

    /// Draws all views of some images, with noise from a stream.
    pub(super) fn fill(
        &mut self,
        split: &Split,
        rows: &[usize],
        noise: (Noise, &mut Stream),
    ) -> Result<(), DataError> {
        fill(&mut self.batch, split, rows, noise)
    }

    /// The views marked in `seen`, of all images of a split, each with independent noise. The other
    /// views are empty.
    pub(super) fn all(
        &self,
        split: &Split,
        seen: &[bool],
        (sd, stream): (f64, &mut Stream),
    ) -> Result<Vec<Array2<f32>>, DataError> {
        let rows: Vec<usize> = (0..split.len()).collect();
        let views = self.batch.pieces().iter().zip(seen).map(|(piece, &seen)| {
            if !seen {
                return Ok(Array2::zeros((split.len(), 0)));
            }
            let mut view = Array2::zeros((split.len(), piece.len()));
            piece.draw(split.images.view(), &rows, view.view_mut(), stream)?;
            if sd > 0.0 {
                add_noise(view.view_mut(), sd, stream)?;
            }
            Ok(view)
        });
        views.collect()
    }
}

fn fill(
    batch: &mut Batch,
    split: &Split,
    rows: &[usize],
    (noise, stream): (Noise, &mut Stream),
) -> Result<(), DataError> {
    batch.draw(split, rows, stream)?;
    if noise.sd == 0.0 {
        return Ok(());
    }
    let mut views: Vec<_> = batch.views_mut().collect();
    match &mut *views {
        [x, y] if noise.shared => add_shared_noise(x.view_mut(), y.view_mut(), noise.sd, stream),
        all => all.iter_mut().try_for_each(|view| add_noise(view.view_mut(), noise.sd, stream)),
    }
}
