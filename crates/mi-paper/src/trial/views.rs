use std::sync::Arc;

use mi_data::{
    BatchSampler, DataError, Dataset, Piece, Shuffle, Split, View, add_noise, add_shared_noise,
};
use mi_random::Stream;
use ndarray::Array2;

use crate::config::Noise;

/// How training images are shuffled.
pub(crate) const SHUFFLE: Shuffle = Shuffle::Full;

/// Two views of a data set's images, by default top and bottom half, drawn batch by batch.
pub(super) struct Views {
    pub(super) data: Arc<Dataset>,
    pub(super) x: Piece,
    pub(super) y: Piece,
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
        views.x.gather(train.images.view(), rows, self.x.view_mut())?;
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
    pub(super) fn new(data: Arc<Dataset>, views: Option<&[View; 2]>) -> Result<Self, DataError> {
        let halves = [View::top_half(), View::bottom_half()];
        let [x, y] = views.unwrap_or(&halves);
        Ok(Self { x: x.of(data.geometry)?, y: y.of(data.geometry)?, data })
    }

    /// A single view, by default the top half, in the place of the first.
    pub(super) fn single(data: Arc<Dataset>, view: Option<&View>) -> Result<Self, DataError> {
        let view = view.cloned().unwrap_or_else(View::top_half);
        Self::new(data, Some(&[view.clone(), view]))
    }

    /// Buffers for batches of `rows`.
    pub(super) fn pair(&self, rows: usize) -> Pair {
        let empty = |piece: &Piece| Array2::zeros((rows, piece.geometry().len()));
        Pair { x: empty(&self.x), y: empty(&self.y) }
    }

    /// A sampler of training batches.
    pub(super) fn batches(&self, size: usize, stream: &Stream) -> Result<BatchSampler, DataError> {
        BatchSampler::new(self.data.train.len(), size, SHUFFLE, stream)
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
        self.x.gather(split.images.view(), rows, pair.x.view_mut())?;
        self.y.gather(split.images.view(), rows, pair.y.view_mut())?;
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
