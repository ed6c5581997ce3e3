//! Neighbours among the observations that have the same labels.
//!
//! Different labels count as infinitely far apart. With a finite distance, such as 1, the k-th
//! neighbour of a row with a rare label has another label, and is as far away as a large part of
//! all rows. Then k is not the number of rows at that distance, and estimates are off by tenths of
//! a nat, upwards and, given other columns, downwards (`tests/rare_labels.rs`).

use super::joint::{Radii, joint_tree, kth_distances, neighbours_or_copies};
use crate::SamplesError;
use crate::rows::dense;
use crate::sample::{Coordinates, joint_labels};

/// Stands for an infinite distance: larger than any distance between numbers, but finite, so that
/// differences are finite.
const FAR: f64 = 1e305;

/// Sides whose labels are infinitely far apart, without the rows whose labels are unique.
pub(super) struct Apart<const SIDES: usize> {
    pub(super) sides: [Coordinates; SIDES],
    /// The labels of all sides, combined.
    labels: Vec<u32>,
    /// Rows with unique labels.
    pub(super) left_out: usize,
}

impl<const SIDES: usize> Apart<SIDES> {
    /// # Errors
    /// If the labels of every row are unique.
    pub(super) fn new(sides: [Coordinates; SIDES], n: usize) -> Result<Self, SamplesError> {
        let labels = sides.iter().filter_map(|side| side.label.as_ref());
        let labels: Vec<_> = labels.map(|label| (label.of_row.clone(), label.classes)).collect();
        let (labels, _) = joint_labels(&labels, n);
        let rows = not_alone(&labels)?;
        let left_out = n - rows.len();
        let sides = sides.map(|side| {
            let side = side.with_labels_apart(FAR);
            if left_out > 0 { side.select(&rows) } else { side }
        });
        let labels = rows.iter().map(|&row| labels[row]).collect();
        Ok(Self { sides, labels, left_out })
    }

    /// Whether a side has different labels.
    pub(super) fn has_labels(&self) -> bool {
        self.sides.iter().filter_map(|side| side.label.as_ref()).any(|label| label.classes > 1)
    }

    /// The neighbours of every row, by the numbers of all sides, among rows with the same labels.
    pub(super) fn nearest(&self, ks: &[usize], add: u32) -> InClasses {
        let columns: Vec<&[f64]> = self.sides.iter().flat_map(Coordinates::scaled).collect();
        InClasses::find(&columns, &self.labels, ks, add)
    }
}

/// The rows whose label also occurs in another row, in ascending order.
///
/// # Errors
/// If there is none.
pub(super) fn not_alone(labels: &[u32]) -> Result<Vec<usize>, SamplesError> {
    let places = dense(labels);
    let mut members = vec![0_u32; labels.len()];
    for &place in &places {
        members[place] += 1;
    }
    let rows: Vec<usize> = (0..labels.len()).filter(|&row| members[places[row]] > 1).collect();
    if rows.is_empty() {
        return Err(SamplesError::EveryLabelUnique { n: labels.len() });
    }
    Ok(rows)
}

/// The nearest neighbours of every observation in its class.
pub(super) struct InClasses {
    /// Class by class.
    pub(super) radii: Radii,
    /// For every k, slot by slot: k, or the number of other members if the class has at most k; or,
    /// if the k-th neighbour is at distance 0, the number of other members there plus `add`.
    pub(super) of_k: Vec<Vec<u32>>,
    /// Slot by slot, the members of its class.
    pub(super) of_class: Vec<u32>,
    /// The number of classes.
    pub(super) classes: usize,
}

impl InClasses {
    /// Searches by `columns`, of which there may be none; no label may be unique.
    pub(super) fn find(columns: &[&[f64]], labels: &[u32], ks: &[usize], add: u32) -> Self {
        let mut by_label: Vec<u32> = (0..labels.len() as u32).collect();
        by_label.sort_by_key(|&row| labels[row as usize]);
        let mut found = Self {
            radii: Radii::none(ks.len()),
            of_k: vec![Vec::with_capacity(labels.len()); ks.len()],
            of_class: Vec::with_capacity(labels.len()),
            classes: 0,
        };
        for class in by_label.chunk_by(|&a, &b| labels[a as usize] == labels[b as usize]) {
            let members = class.len() as u32;
            let of_class = |column: &&[f64]| -> Vec<f64> {
                class.iter().map(|&row| column[row as usize]).collect()
            };
            let columns: Vec<Vec<f64>> = columns.iter().map(of_class).collect();
            let of_k = if columns.is_empty() {
                found.radii.extend_by_zeros(class);
                vec![vec![members - 1 + add; class.len()]; ks.len()]
            } else {
                let ks: Vec<usize> = ks.iter().map(|&k| k.min(class.len() - 1)).collect();
                let tree = joint_tree(&[&columns]);
                let radii = kth_distances(&tree, &ks, 0);
                let of_k = neighbours_or_copies(&columns, tree, &radii, &ks, add);
                found.radii.extend(class, &radii);
                of_k
            };
            for (all, own) in found.of_k.iter_mut().zip(of_k) {
                all.extend(own);
            }
            found.of_class.extend(std::iter::repeat_n(members, class.len()));
            found.classes += 1;
        }
        found
    }
}
