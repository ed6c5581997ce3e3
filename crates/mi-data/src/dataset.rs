use ndarray::Array2;

use crate::{DataError, Geometry, Provenance};

/// Images and their labels, one row per sample.
///
/// # Shapes
/// `images` is n × (height · width · channels) with values in [0, 1]; `labels` has n entries.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// One flattened image per row.
    pub images: Array2<f32>,
    /// One class per row.
    pub labels: Vec<u8>,
}

impl Split {
    /// Pairs images with labels.
    ///
    /// # Errors
    /// If their numbers differ.
    pub fn new(images: Array2<f32>, labels: Vec<u8>) -> Result<Self, DataError> {
        if images.nrows() == labels.len() {
            Ok(Self { images, labels })
        } else {
            Err(DataError::Shape {
                operation: "pairing images with labels",
                expected: format!("{} labels", images.nrows()),
                found: format!("{} labels", labels.len()),
            })
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Samples of each class 0..`classes`; larger labels are not counted.
    ///
    /// ```
    /// use mi_data::Split;
    /// use mi_data::ndarray::Array2;
    ///
    /// let split = Split { images: Array2::zeros((4, 9)), labels: vec![2, 0, 2, 7] };
    /// assert_eq!(split.class_counts(3), [1, 0, 2]);
    /// ```
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for &label in &self.labels {
            if let Some(count) = counts.get_mut(usize::from(label)) {
                *count += 1;
            }
        }
        counts
    }
}

/// A labelled set of images, split into a training and a test part.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The set's name in tables.
    pub name: String,
    /// The training part.
    pub train: Split,
    /// The test part.
    pub test: Split,
    /// The size of one image.
    pub geometry: Geometry,
    /// Labels are in 0..`classes`. A class may have no sample.
    pub classes: usize,
    /// Where the data came from, with the hash of every file's content.
    pub provenance: Provenance,
}
