//! A queue: the y of the images of earlier batches, as they were encoded then (He et al., 2020,
//! "`MoCo`"; Wang et al., 2020, "Cross-batch memory"). The oldest leave first.

use mi_nets::{NetsError, ParamId, Params};
use ndarray::{Array2, ArrayView2, s};

/// The encodings of a term's y, a row for each image, the oldest first.
pub(super) struct Queue {
    /// All rows, stored like parameters so that checkpoints include them.
    pub(super) rows: Params<f32>,
    id: ParamId,
    /// The images of the rows that are filled.
    images: Vec<usize>,
}

impl Queue {
    /// An empty queue for this many images of `width` values.
    pub(super) fn new(length: usize, width: usize) -> Result<Self, NetsError> {
        let mut rows = Params::new();
        let id = rows.add("y", Array2::zeros((length, width)))?;
        Ok(Self { rows, id, images: Vec::with_capacity(length) })
    }

    /// The number of images in the queue.
    pub(super) fn len(&self) -> usize {
        self.images.len()
    }

    /// The rows for a batch of these images. An image of the batch leaves the queue first: its own
    /// y would count as a negative.
    pub(super) fn read(&mut self, batch: &[usize]) -> ArrayView2<'_, f32> {
        let mut own = batch.to_vec();
        own.sort_unstable();
        self.keep(|_, image| own.binary_search(&image).is_err());
        self.rows.view(self.id).slice_move(s![..self.images.len(), ..])
    }

    /// Appends the y of a batch. If it does not fit, the oldest rows leave.
    pub(super) fn push(&mut self, batch: &[usize], y: ArrayView2<'_, f32>) {
        let length = self.rows.view(self.id).nrows();
        let first = batch.len().saturating_sub(length);
        let leave = (self.len() + batch.len() - first).saturating_sub(length);
        self.keep(|row, _| row >= leave);
        let start = self.len();
        self.images.extend_from_slice(&batch[first..]);
        let mut rows = self.rows.view_mut(self.id);
        rows.slice_mut(s![start..self.images.len(), ..]).assign(&y.slice(s![first.., ..]));
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

    fn contents(queue: &mut Queue, batch: &[usize]) -> Vec<(usize, usize)> {
        let rows = queue.read(batch);
        rows.rows().into_iter().map(|row| (row[0] as usize, row[1] as usize)).collect()
    }

    #[test]
    fn the_oldest_leave_and_images_of_the_batch_too() {
        let mut queue = Queue::new(5, 2).unwrap();
        assert_eq!(contents(&mut queue, &[0]), []);
        for (push, batch) in [[0, 1], [2, 3], [4, 5]].iter().enumerate() {
            queue.push(batch, encoded(batch, push).view());
        }
        assert_eq!(contents(&mut queue, &[0]), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)]);
        // Image 3 comes again: its old row leaves, and its new one is the last.
        assert_eq!(contents(&mut queue, &[3, 9]), [(1, 0), (2, 1), (4, 2), (5, 2)]);
        queue.push(&[3, 9], encoded(&[3, 9], 3).view());
        assert_eq!(contents(&mut queue, &[]), [(2, 1), (4, 2), (5, 2), (3, 3), (9, 3)]);
        // Of a batch longer than the queue, the last images stay.
        let long = [10, 11, 12, 13, 14, 15, 16];
        queue.push(&long, encoded(&long, 4).view());
        assert_eq!(contents(&mut queue, &[]), [12, 13, 14, 15, 16].map(|image| (image, 4)));
    }
}
