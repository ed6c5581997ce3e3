use ndarray::ArrayView2;
use statrs::function::gamma::digamma;

use super::classes::{Apart, InClasses};
use super::joint::{Radii, check_counts, joint_tree, kth_distances};
use super::marginal::{Marginal, Within};
use super::tally::{mean_digamma, mean_of};
use super::{side, sides};
use crate::SamplesError;
use crate::sample::{Coordinates, Marginals, Sample};

/// Conditional mutual information I(X; Y | Z) in nats of continuous columns, by Frenzel and Pompe
/// (2007, Phys. Rev. Lett. 99, 204101, eq. 2), one estimate for every number of neighbours in
/// `ks`.
///
/// `ψ(k) − ⟨ψ(n_xz + 1) + ψ(n_yz + 1) − ψ(n_z + 1)⟩`, where `n_xz(i)` counts the other observations
/// whose (x, z) is strictly nearer than the k-th neighbour in (x, y, z), under the maximum norm.
///
/// `theiler`: observations at most this many rows apart are not neighbours; 0 in general.
///
/// # Shapes
/// `x`: n × dx, `y`: n × dy, `z`: n × dz.
///
/// # Errors
/// Those of [`ksg`](crate::ksg).
pub fn conditional_ksg(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    z: ArrayView2<'_, f64>,
    ks: &[usize],
    theiler: usize,
) -> Result<Vec<f64>, SamplesError> {
    let (x, y) = sides(x, y)?;
    if z.nrows() != x.columns[0].len() {
        return Err(SamplesError::RowCounts { x: x.columns[0].len(), y: z.nrows() });
    }
    conditional_ksg_of(x, y, side(z)?, ks, theiler)
}

pub(crate) fn conditional_ksg_of(
    x: Coordinates,
    y: Coordinates,
    z: Coordinates,
    ks: &[usize],
    theiler: usize,
) -> Result<Vec<f64>, SamplesError> {
    let spaces = Spaces::new(x, y, z);
    let n = spaces.columns[0].len();
    check_counts(ks, n, theiler)?;
    let window = theiler as u32;
    let radii = kth_distances(&joint_tree(&[&spaces.columns]), ks, window);
    for (index, &k) in ks.iter().enumerate() {
        let rows = (0..n).filter(|&slot| radii.at(slot, index) == 0.0).count();
        if rows > 0 {
            let estimator = "the Frenzel–Pompe estimator";
            return Err(SamplesError::ZeroDistance { estimator, rows, n, k });
        }
    }
    let mean = |counts: &[u32]| mean_digamma(counts, 1);
    let [of_xz, of_yz, of_z] = spaces.means(&radii, ks.len(), Within::Strict, window, mean);
    Ok(ks
        .iter()
        .enumerate()
        .map(|(i, &k)| digamma(k as f64) + of_z[i] - (of_xz[i] + of_yz[i]))
        .collect())
}

/// Conditional mutual information I(X; Y | Z) in nats of columns of any kind, by Mesner and
/// Shalizi (2021, IEEE Trans. Inf. Theory 67(1), algorithm 1), one estimate for every number of
/// neighbours in `ks`; without `z`, mutual information.
///
/// `⟨ψ(k̃) − ψ(n_xz) − ψ(n_yz) + ψ(n_z)⟩`, where `n_xz(i)` counts the other observations whose
/// (x, z) is at most as far as the k-th neighbour in (x, y, z), and k̃ = k, or, where that
/// neighbour is at distance 0, the number of other observations there.
///
/// With labels it departs from the authors, who put different labels at distance 1. Here they are
/// infinitely far apart: neighbours have the same labels as the row, there may be fewer than k, and
/// a row with unique labels is left out. Counts then enter as ψ of one more than the number of
/// strictly nearer rows, as in Frenzel and Pompe. With a distance of 1, the k-th neighbour of a row
/// with a rare label would have another label, and k would not be the number of rows at that
/// distance. The authors' last step, which replaces negative estimates by 0, is left to the caller.
///
/// # Errors
/// If the sides have different numbers of rows, a k is 0 or not below n, or the labels of every row
/// are unique.
pub fn mesner_shalizi(
    x: &Sample,
    y: &Sample,
    z: Option<&Sample>,
    marginals: Marginals,
    ks: &[usize],
) -> Result<Vec<f64>, SamplesError> {
    for other in [Some(y), z].into_iter().flatten() {
        if other.n() != x.n() {
            return Err(SamplesError::RowCounts { x: x.n(), y: other.n() });
        }
    }
    let [x, y] = [x, y].map(|side| side.coordinates(marginals));
    let z = z.map(|z| z.coordinates(marginals));
    mesner_shalizi_of(x, y, z, ks).map(|(values, _)| values)
}

/// The estimates, and the rows that are left out because their labels are unique.
pub(crate) fn mesner_shalizi_of(
    x: Coordinates,
    y: Coordinates,
    z: Option<Coordinates>,
    ks: &[usize],
) -> Result<(Vec<f64>, usize), SamplesError> {
    let n = x.columns[0].len();
    check_counts(ks, n, 0)?;
    let nothing = || Coordinates { columns: Vec::new(), order: None, label: None };
    let apart = Apart::new([x, y, z.unwrap_or_else(nothing)], n)?;
    let (has_labels, left_out) = (apart.has_labels(), apart.left_out);
    let InClasses { radii, of_k, .. } = apart.nearest(ks, u32::from(has_labels));
    let [x, y, z] = apart.sides;
    let spaces = Spaces::new(x, y, z);
    let [of_xz, of_yz, of_z] = if has_labels {
        let mean = |counts: &[u32]| mean_digamma(counts, 1);
        spaces.means(&radii, ks.len(), Within::StrictOrEqual, 0, mean)
    } else {
        // Every count includes the k-th neighbour, so ψ is never taken of 0.
        let mean = |counts: &[u32]| mean_of(counts, |count| digamma(f64::from(count.max(1))));
        spaces.means(&radii, ks.len(), Within::Closed, 0, mean)
    };
    let value = |i: usize| mean_digamma(&of_k[i], 0) + of_z[i] - (of_xz[i] + of_yz[i]);
    Ok(((0..ks.len()).map(value).collect(), left_out))
}

/// Columns in the order x, z, y, so that (x, z), z and (z, y) are each contiguous.
struct Spaces {
    columns: Vec<Vec<f64>>,
    dx: usize,
    dz: usize,
}

impl Spaces {
    fn new(x: Coordinates, y: Coordinates, z: Coordinates) -> Self {
        let (dx, dz) = (x.columns.len(), z.columns.len());
        Self { columns: [x.columns, z.columns, y.columns].concat(), dx, dz }
    }

    /// The means over the counts in (x, z), (y, z) and z, for every k; ψ(N) for an empty z.
    fn means(
        &self,
        radii: &Radii,
        ks: usize,
        within: Within,
        window: u32,
        mean: impl Fn(&[u32]) -> f64,
    ) -> [Vec<f64>; 3] {
        [
            &self.columns[..self.dx + self.dz],
            &self.columns[self.dx..],
            &self.columns[self.dx..self.dx + self.dz],
        ]
        .map(|columns| {
            if columns.is_empty() {
                return vec![digamma(self.columns[0].len() as f64); ks];
            }
            let marginal = Marginal::new(columns, None);
            let of = |index| {
                let radius = |slot| radii.at(slot, index);
                mean(&marginal.counts(&radii.rows, &radius, within, window))
            };
            (0..ks).map(of).collect()
        })
    }
}
