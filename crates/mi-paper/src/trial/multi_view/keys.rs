//! Keys: a y of this batch and of earlier ones, as a slow copy of the networks encodes it (He et al.,
//! 2020, "`MoCo`").

use mi_nets::{Mode, NetsError, ParamId, Params, Tape};
use ndarray::{Array2, ArrayView2, s};

use super::networks::Networks;
use super::terms::BuiltTerm;
use crate::multi_view::Queue;

/// The keys of a representation, and the networks that encode them.
///
/// If the trained networks encoded y, with a gradient, they would learn to make the current batch
/// differ from the queue: the objective raises the scores of new y above those of old ones, and the
/// representation collapses.
pub(super) struct Keys {
    spec: Queue,
    /// The representation that is encoded.
    of: usize,
    /// The slow copy: after each step w ← m · w + (1 − m) · now.
    pub(super) slow: Params<f32>,
    /// By representation, whether it is needed to encode the keys.
    needed: Vec<bool>,
    tape: Tape<f32>,
    /// The keys of the current batch.
    own: Array2<f32>,
    pub(super) earlier: Earlier,
}

impl Keys {
    /// Starts with networks equal to those that are trained, and an empty queue.
    pub(super) fn new(
        spec: Queue,
        of: usize,
        networks: &Networks,
        params: &Params<f32>,
    ) -> Result<Self, NetsError> {
        let width = networks.layout.shape(of).len();
        Ok(Self {
            spec,
            of,
            slow: params.clone(),
            needed: networks.needed(&[of]),
            tape: Tape::new(),
            own: Array2::zeros((0, width)),
            earlier: Earlier::new(spec.images, width)?,
        })
    }

    /// Whether a term has these keys in place of its y.
    pub(super) fn are_of(&self, term: &BuiltTerm) -> bool {
        term.y == self.of && term.spec.queue == Some(self.spec)
    }

    /// Encodes a batch, given its views, and takes its images out of the queue.
    pub(super) fn encode(
        &mut self,
        networks: &Networks,
        views: &[ArrayView2<'_, f32>],
        batch: &[usize],
    ) -> Result<(), NetsError> {
        let mut graph = self.tape.begin_inference(&self.slow);
        // Batch norm uses the statistics of the batch, as it does for x.
        graph.set_mode(Mode::Training);
        let represented = networks.forward(&mut graph, views, &self.needed);
        graph.check()?;
        let keys = graph.value(represented.of(self.of));
        if self.own.dim() == keys.dim() {
            self.own.assign(&keys);
        } else {
            self.own = keys.to_owned();
        }
        self.earlier.leave(batch);
        Ok(())
    }

    /// The keys of the batch, and those of earlier images.
    pub(super) fn both(&self) -> [ArrayView2<'_, f32>; 2] {
        [self.own.view(), self.earlier.rows()]
    }

    /// Puts the keys of a batch into the queue, and moves the slow copy towards the trained
    /// parameters.
    pub(super) fn advance(&mut self, batch: &[usize], params: &Params<f32>) {
        self.earlier.push(batch, self.own.view());
        let share = (1.0 - self.spec.momentum) as f32;
        for id in params.ids() {
            self.slow
                .view_mut(id)
                .zip_mut_with(&params.view(id), |slow, &now| *slow += share * (now - *slow));
        }
    }
}

/// The queue: the keys of earlier images, a row for each, the oldest first.
pub(super) struct Earlier {
    /// All rows, stored like parameters so that checkpoints include them.
    pub(super) rows: Params<f32>,
    id: ParamId,
    /// The images of the rows that are filled.
    images: Vec<usize>,
}

impl Earlier {
    fn new(length: usize, width: usize) -> Result<Self, NetsError> {
        let mut rows = Params::new();
        let id = rows.add("keys", Array2::zeros((length, width)))?;
        Ok(Self { rows, id, images: Vec::with_capacity(length) })
    }

    fn rows(&self) -> ArrayView2<'_, f32> {
        self.rows.view(self.id).slice_move(s![..self.images.len(), ..])
    }

    /// Removes the images of a batch, whose own keys would count as negatives.
    fn leave(&mut self, batch: &[usize]) {
        let mut own = batch.to_vec();
        own.sort_unstable();
        self.keep(|_, image| own.binary_search(&image).is_err());
    }

    /// Appends the keys of a batch. If they do not fit, the oldest leave.
    fn push(&mut self, batch: &[usize], keys: ArrayView2<'_, f32>) {
        let length = self.rows.view(self.id).nrows();
        let first = batch.len().saturating_sub(length);
        let leave = (self.images.len() + batch.len() - first).saturating_sub(length);
        self.keep(|row, _| row >= leave);
        let start = self.images.len();
        self.images.extend_from_slice(&batch[first..]);
        let mut rows = self.rows.view_mut(self.id);
        rows.slice_mut(s![start..self.images.len(), ..]).assign(&keys.slice(s![first.., ..]));
    }

    /// Keeps rows by their place and image, in order.
    fn keep(&mut self, keeps: impl Fn(usize, usize) -> bool) {
        let mut rows = self.rows.view_mut(self.id);
        let (mut row, mut kept) = (0, 0);
        self.images.retain(|&image| {
            let stays = keeps(row, image);
            if stays && kept < row {
                let (mut to, from) = rows.multi_slice_mut((s![kept, ..], s![row, ..]));
                to.assign(&from);
            }
            kept += usize::from(stays);
            row += 1;
            stays
        });
    }

    /// The images of the rows.
    pub(super) fn images(&self) -> &[usize] {
        &self.images
    }

    /// Restores the images of the rows.
    pub(super) fn restore_images(&mut self, images: Vec<usize>) {
        self.images = images;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that say which image and which push they come from.
    fn encoded(batch: &[usize], push: usize) -> Array2<f32> {
        Array2::from_shape_fn((batch.len(), 2), |(row, column)| {
            if column == 0 { batch[row] as f32 } else { push as f32 }
        })
    }

    fn contents(queue: &Earlier) -> Vec<(usize, usize)> {
        let rows = queue.rows();
        rows.rows().into_iter().map(|row| (row[0] as usize, row[1] as usize)).collect()
    }

    #[test]
    fn the_oldest_leave_and_images_of_the_batch_too() {
        let mut queue = Earlier::new(5, 2).unwrap();
        assert_eq!(contents(&queue), []);
        for (push, batch) in [[0, 1], [2, 3], [4, 5]].iter().enumerate() {
            queue.push(batch, encoded(batch, push).view());
        }
        assert_eq!(contents(&queue), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)]);
        // Image 3 comes again: its old row leaves, and its new one is the last.
        queue.leave(&[3, 9]);
        assert_eq!(contents(&queue), [(1, 0), (2, 1), (4, 2), (5, 2)]);
        queue.push(&[3, 9], encoded(&[3, 9], 3).view());
        assert_eq!(contents(&queue), [(2, 1), (4, 2), (5, 2), (3, 3), (9, 3)]);
        // Of a batch longer than the queue, the last images stay.
        let long = [10, 11, 12, 13, 14, 15, 16];
        queue.push(&long, encoded(&long, 4).view());
        assert_eq!(contents(&queue), [12, 13, 14, 15, 16].map(|image| (image, 4)));
    }
}
