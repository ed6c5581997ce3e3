//! A memory bank: a unit vector for every training image and view, updated whenever the image is in
//! a batch (Wu et al., 2018; Tian et al., 2020, "CMC").

use mi_nets::{NetsError, ParamId, Params};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2, Axis};

/// The vectors of both sides of a term.
pub(super) struct Bank {
    /// The banks of x and of y, stored like parameters so that checkpoints include them.
    pub(super) vectors: Params<f32>,
    sides: [ParamId; 2],
    momentum: f64,
    negatives: usize,
    /// Draws the images that are negatives.
    draws: Stream,
    /// The rows that were read for the current batch.
    gathered: [Array2<f32>; 2],
}

impl Bank {
    /// Starts with random unit vectors for this many images.
    pub(super) fn new(
        images: usize,
        width: usize,
        (negatives, momentum): (usize, f64),
        stream: &Stream,
    ) -> Result<Self, NetsError> {
        let mut vectors = Params::new();
        let mut side = |name: &str| {
            let drawn = stream.child(name).normal_matrix((images, width));
            let mut drawn = drawn.mapv(|value| value as f32);
            drawn.axis_iter_mut(Axis(0)).for_each(|mut row| {
                let length = row.dot(&row).sqrt().max(f32::MIN_POSITIVE);
                row /= length;
            });
            vectors.add(name, drawn)
        };
        let sides = [side("x")?, side("y")?];
        let draws = stream.child("negatives");
        let gathered = [Array2::zeros((0, width)), Array2::zeros((0, width))];
        Ok(Self { vectors, sides, momentum, negatives, draws, gathered })
    }

    /// Reads the vectors of a batch's images, followed by those of negatives. Negatives are drawn
    /// from the images outside the batch, and are the same images for both sides.
    pub(super) fn read(&mut self, rows: &[usize]) -> [ArrayView2<'_, f32>; 2] {
        let images = self.vectors.view(self.sides[0]).nrows();
        let mut taken: Vec<usize> = rows.to_vec();
        taken.sort_unstable();
        let mut all = rows.to_vec();
        while all.len() < rows.len() + self.negatives {
            let drawn = self.draws.below(images);
            if taken.binary_search(&drawn).is_err() {
                all.push(drawn);
            }
        }
        for (to, side) in self.gathered.iter_mut().zip(self.sides) {
            *to = self.vectors.view(side).select(Axis(0), &all);
        }
        let [x, y] = &self.gathered;
        [x.view(), y.view()]
    }

    /// Moves the vectors of a batch's images towards their current representations z, scaled to
    /// length 1: bank ← (m · bank + (1 − m) · z) / |m · bank + (1 − m) · z|.
    pub(super) fn update(&mut self, rows: &[usize], now: [ArrayView2<'_, f32>; 2]) {
        let m = self.momentum as f32;
        for (side, now) in self.sides.into_iter().zip(now) {
            let mut bank = self.vectors.view_mut(side);
            for (&row, z) in rows.iter().zip(now.rows()) {
                let length = z.dot(&z).sqrt().max(f32::MIN_POSITIVE);
                let mut kept = bank.row_mut(row);
                kept.zip_mut_with(&z, |kept, &z| *kept = m * *kept + (1.0 - m) * z / length);
                let length = kept.dot(&kept).sqrt().max(f32::MIN_POSITIVE);
                kept /= length;
            }
        }
    }

    /// The stream of draws of negatives.
    pub(super) fn draws(&self) -> &Stream {
        &self.draws
    }

    /// Restores the stream of draws.
    pub(super) fn restore_draws(&mut self, draws: Stream) {
        self.draws = draws;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_the_batch_are_no_negatives_and_vectors_keep_unit_length() {
        let mut bank = Bank::new(20, 3, (40, 0.5), &Stream::new(1, "bank")).unwrap();
        let rows = [4, 0, 19];
        let before = bank.vectors.view(bank.sides[1]).to_owned();
        let read = bank.read(&rows).map(|side| side.to_owned());
        assert_eq!(read[0].dim(), (43, 3));
        for (index, &row) in rows.iter().enumerate() {
            assert_eq!(read[1].row(index), before.row(row));
            for negative in read[1].rows().into_iter().skip(3) {
                assert_ne!(negative, before.row(row));
            }
        }
        let z = Array2::from_shape_fn((3, 3), |(i, j)| (i + 2 * j) as f32 + 1.0);
        bank.update(&rows, [z.view(), z.view()]);
        let after = bank.vectors.view(bank.sides[1]);
        for row in after.rows() {
            assert!((row.dot(&row) - 1.0).abs() < 1e-5);
        }
        let unit = |row: ndarray::ArrayView1<'_, f32>| &row / row.dot(&row).sqrt();
        let expected = unit((0.5 * &before.row(4) + 0.5 * &unit(z.row(0))).view());
        assert!((&after.row(4) - &expected).iter().all(|d| d.abs() < 1e-6));
        assert_eq!(after.row(1), before.row(1));
    }
}
