use std::sync::Arc;

use mi_data::{BatchSampler, DataError, Dataset, Piece, Shuffle, View};
use mi_nets::Params;
use mi_random::Stream;
use ndarray::Array2;

use super::evaluation::Features;
use super::network::Encoder;
use super::reference::Reference;

/// How training images are shuffled.
pub(crate) const SHUFFLE: Shuffle = Shuffle::Full;

/// One view of a data set's images.
pub(super) struct SingleView {
    pub(super) data: Arc<Dataset>,
    pub(super) x: Piece,
}

/// Batches of one view with labels, in buffers that are reused.
pub(super) struct Labelled {
    pub(super) sampler: BatchSampler,
    pub(super) x: Array2<f32>,
    pub(super) labels: Vec<usize>,
}

impl Labelled {
    /// Draws the next batch.
    pub(super) fn draw(&mut self, view: &SingleView) -> Result<(), DataError> {
        let rows = self.sampler.next_batch();
        let train = &view.data.train;
        view.x.gather(train.images.view(), rows, self.x.view_mut())?;
        for (label, &row) in self.labels.iter_mut().zip(rows) {
            *label = usize::from(train.labels[row]);
        }
        Ok(())
    }
}

impl SingleView {
    /// The given view of a data set; by default the top half.
    pub(super) fn new(data: Arc<Dataset>, view: Option<&View>) -> Result<Self, DataError> {
        let view = view.cloned().unwrap_or_else(View::top_half);
        Ok(Self { x: view.of(data.geometry)?, data })
    }

    /// An encoder of the view, with its weights and the images on which it is evaluated.
    pub(super) fn features<'a>(
        &'a self,
        (encoder, params): (&'a Encoder, &'a Params<f32>),
        streams: &'a Stream,
        seed: u64,
        reference: &'a Reference,
    ) -> Features<'a> {
        let (data, piece) = (&*self.data, &self.x);
        Features { data, piece, encoder, params, noise_sd: 0.0, streams, seed, reference }
    }

    /// Labelled training batches.
    pub(super) fn labelled(&self, size: usize, stream: &Stream) -> Result<Labelled, DataError> {
        Ok(Labelled {
            sampler: batches(&self.data, size, stream)?,
            x: Array2::zeros((size, self.x.geometry().len())),
            labels: vec![0; size],
        })
    }
}

/// A sampler of training batches.
pub(super) fn batches(
    data: &Dataset,
    size: usize,
    stream: &Stream,
) -> Result<BatchSampler, DataError> {
    BatchSampler::new(data.train.len(), size, SHUFFLE, stream)
}
