//! The neighbours of every observation in the joint space, from which all estimators here start.

use super::marginal::{Marginal, Within};
use super::nearest::{Distances, Neighbours};
use super::search::for_each_nearest;
use super::tree::Tree;
use crate::SamplesError;

/// Distances to neighbours, observation by observation in the order of `rows`. Close observations
/// are adjacent, which only makes later counts faster.
pub(super) struct Radii {
    /// The row of every slot.
    pub(super) rows: Vec<u32>,
    values: Vec<f64>,
    width: usize,
}

impl Radii {
    /// The radius of a slot for the `index`-th number of neighbours.
    #[inline]
    pub(super) fn at(&self, slot: usize, index: usize) -> f64 {
        self.values[slot * self.width + index]
    }

    /// No observations yet, and this many numbers of neighbours.
    pub(super) fn none(width: usize) -> Self {
        Self { rows: Vec::new(), values: Vec::new(), width }
    }

    /// Adds the radii of some rows: those of `found` are indices into these.
    pub(super) fn extend(&mut self, rows: &[u32], found: &Self) {
        self.rows.extend(found.rows.iter().map(|&place| rows[place as usize]));
        self.values.extend(&found.values);
    }

    /// Adds radii of 0 for some rows.
    pub(super) fn extend_by_zeros(&mut self, rows: &[u32]) {
        self.rows.extend(rows);
        self.values.extend(std::iter::repeat_n(0.0, rows.len() * self.width));
    }
}

/// A tree over the columns of several sides.
pub(super) fn joint_tree(sides: &[&[Vec<f64>]]) -> Tree {
    Tree::new(&sides.iter().copied().flatten().map(Vec::as_slice).collect::<Vec<_>>())
}

/// For every slot and k, the number of neighbours to use: k, or, if the k-th neighbour is at
/// distance 0, the number of other points there plus `add`.
pub(super) fn neighbours_or_copies(
    columns: &[Vec<f64>],
    tree: Tree,
    radii: &Radii,
    ks: &[usize],
    add: u32,
) -> Vec<Vec<u32>> {
    let zero = |slot: &usize, index| radii.at(*slot, index) == 0.0;
    let most = ks.len();
    let slots: Vec<usize> =
        (0..radii.rows.len()).filter(|slot| (0..most).any(|index| zero(slot, index))).collect();
    let rows: Vec<u32> = slots.iter().map(|&slot| radii.rows[slot]).collect();
    let copies = Marginal::with_tree(columns, tree).counts(&rows, &|_| 0.0, Within::Closed, 0);
    ks.iter()
        .enumerate()
        .map(|(index, &k)| {
            let mut found = vec![k as u32; radii.rows.len()];
            for (slot, &copies) in slots.iter().zip(&copies) {
                if zero(slot, index) {
                    found[*slot] = copies + add;
                }
            }
            found
        })
        .collect()
}

/// The distance to the k-th neighbour, for every k of `ks`.
pub(super) fn kth_distances(tree: &Tree, ks: &[usize], window: u32) -> Radii {
    let most = ks.iter().copied().max().unwrap_or(1);
    let nearest = Distances::new(most, window);
    let values = for_each_nearest(tree, &nearest, ks.len(), |_row, nearest, values| {
        for (value, &k) in values.iter_mut().zip(ks) {
            *value = nearest.sorted()[k - 1];
        }
    });
    Radii { rows: tree.rows()[..tree.points].to_vec(), values, width: ks.len() }
}

/// For every k of `ks` and every side in turn, the largest distance in that side to the k nearest
/// neighbours and those as near as the k-th: half the edges of the rectangle around them.
pub(super) fn kth_rectangles(
    tree: &Tree,
    sides: &[&[Vec<f64>]],
    ks: &[usize],
    window: u32,
) -> Radii {
    let most = ks.iter().copied().max().unwrap_or(1);
    let width = ks.len() * sides.len();
    let nearest = Neighbours::new(most, window);
    let values = for_each_nearest(tree, &nearest, width, |row, nearest, values: &mut [f64]| {
        for (values, &k) in values.chunks_exact_mut(sides.len()).zip(ks) {
            for (value, side) in values.iter_mut().zip(sides) {
                for column in *side {
                    for &(_, other) in nearest.within(k) {
                        let difference = column[other as usize] - column[row as usize];
                        *value = value.max(difference.abs());
                    }
                }
            }
        }
    });
    Radii { rows: tree.rows()[..tree.points].to_vec(), values, width }
}

/// For every row, the rows of its k nearest neighbours.
///
/// # Errors
/// If k is 0 or not below the number of rows.
pub(crate) fn nearest_rows(
    columns: &[Vec<f64>],
    k: usize,
) -> Result<Vec<Vec<usize>>, SamplesError> {
    check_counts(&[k], columns[0].len(), 0)?;
    let tree = joint_tree(&[columns]);
    // A row's number, at most 2³², is exact as a floating-point number.
    let found = for_each_nearest(&tree, &Neighbours::new(k, 0), k, |_row, nearest, values| {
        for (value, &(_, other)) in values.iter_mut().zip(nearest.within(k)) {
            *value = f64::from(other);
        }
    });
    let mut rows = vec![Vec::new(); tree.points];
    for (&row, near) in tree.rows().iter().zip(found.chunks_exact(k)) {
        rows[row as usize] = near.iter().map(|&other| other as usize).collect();
    }
    Ok(rows)
}

/// Checks numbers of neighbours against the number of observations that can be neighbours.
pub(super) fn check_counts(ks: &[usize], n: usize, window: usize) -> Result<(), SamplesError> {
    if ks.is_empty() {
        return Err(SamplesError::NoNeighbourCount);
    }
    // An observation in the middle loses `window` others on each side.
    let available = n.saturating_sub(window.saturating_mul(2));
    let wrong = |k: &&usize| **k == 0 || **k >= available;
    match ks.iter().find(wrong) {
        Some(&k) if window == 0 || k == 0 || k >= n => Err(SamplesError::NeighbourCount { k, n }),
        Some(_) => Err(SamplesError::Setting {
            setting: "theiler",
            value: window.to_string(),
            range: "so small that every row has more rows beyond it than requested neighbours",
        }),
        None => Ok(()),
    }
}

/// For every row, the number of rows farther than `window` from it, plus one for the row itself:
/// replaces N if neighbours in time do not count.
pub(super) fn admissible(n: usize, window: usize) -> Vec<u32> {
    (0..n)
        .map(|row| {
            let beside = row.min(window) + (n - 1 - row).min(window);
            (n - beside) as u32
        })
        .collect()
}
