use std::sync::Arc;

use mi_data::{
    BatchSampler, DataError, Dataset, Piece, Shuffle, Split, View, add_noise, add_shared_noise,
};
use mi_random::Stream;
use ndarray::Array2;

use crate::config::Noise;

/// Top and bottom half of a data set's images, drawn batch by batch.
pub(super) struct Views {
    pub(super) data: Arc<Dataset>,
    pub(super) top: Piece,
    pub(super) bottom: Piece,
}

/// Batches of the first view with labels, in buffers that are used again.
pub(super) struct Labelled {
    pub(super) sampler: BatchSampler,
    pub(super) x: Array2<f32>,
    pub(super) labels: Vec<usize>,
}

impl Labelled {
    /// Draws the next batch.
    pub(super) fn draw(&mut self, views: &Views) -> Result<(), DataError> {
        let rows = self.sampler.next_batch();
        let train = &views.data.train;
        views.top.gather(train.images.view(), rows, self.x.view_mut())?;
        for (label, &row) in self.labels.iter_mut().zip(rows) {
            *label = usize::from(train.labels[row]);
        }
        Ok(())
    }
}

/// One batch of both views, in buffers that are used again.
pub(super) struct Pair {
    pub(super) x: Array2<f32>,
    pub(super) y: Array2<f32>,
}

impl Views {
    pub(super) fn new(data: Arc<Dataset>) -> Result<Self, DataError> {
        let top = View::top_half().of(data.geometry)?;
        let bottom = View::bottom_half().of(data.geometry)?;
        Ok(Self { data, top, bottom })
    }

    /// Buffers for batches of `rows`.
    pub(super) fn pair(&self, rows: usize) -> Pair {
        let empty = |piece: &Piece| Array2::zeros((rows, piece.geometry().len()));
        Pair { x: empty(&self.top), y: empty(&self.bottom) }
    }

    /// A sampler of training batches.
    pub(super) fn batches(&self, size: usize, stream: &Stream) -> Result<BatchSampler, DataError> {
        BatchSampler::new(self.data.train.len(), size, Shuffle::Full, stream)
    }

    /// Labelled training batches of the first view.
    pub(super) fn labelled(&self, size: usize, stream: &Stream) -> Result<Labelled, DataError> {
        Ok(Labelled {
            sampler: self.batches(size, stream)?,
            x: self.pair(size).x,
            labels: vec![0; size],
        })
    }

    /// Fills the buffers with both views of some images, and adds noise.
    pub(super) fn fill(
        &self,
        pair: &mut Pair,
        split: &Split,
        rows: &[usize],
        noise: Noise,
        stream: &mut Stream,
    ) -> Result<(), DataError> {
        self.top.gather(split.images.view(), rows, pair.x.view_mut())?;
        self.bottom.gather(split.images.view(), rows, pair.y.view_mut())?;
        if noise.sd > 0.0 && noise.shared {
            add_shared_noise(pair.x.view_mut(), pair.y.view_mut(), noise.sd, stream)
        } else if noise.sd > 0.0 {
            add_noise(pair.x.view_mut(), noise.sd, stream)?;
            add_noise(pair.y.view_mut(), noise.sd, stream)
        } else {
            Ok(())
        }
    }
}
