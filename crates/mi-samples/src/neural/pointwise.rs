//! Log density ratios of single pairs, from the scores of a critic.

use mi_critics::{PANEL_ROWS, Pairing, PairingBuffers};
use mi_kernels::{maximum, sum_exp_shifted};
use mi_nets::Params;
use ndarray::{Array2, ArrayView2, Axis};

use crate::SamplesError;

/// Each row's log ratio, `f(x_i, y_i) − log mean_j exp f(x_i, y_j)`: what `InfoNCE` averages. The
/// second term removes any offset that depends only on x.
///
/// # Shapes
/// Both are K×d.
pub(super) fn own_batch(
    pairing: &Pairing,
    params: &Params<f32>,
    ex: ArrayView2<'_, f32>,
    ey: ArrayView2<'_, f32>,
) -> Result<Vec<f64>, SamplesError> {
    let k = (ex.nrows() as f64).ln();
    Ok(sweep(pairing, params, ex, ey)?.into_iter().map(|(own, all)| own - all + k).collect())
}

/// Each row's log ratio against the y of other pairs: `f(x_i, y_i) − log mean_j exp f(x_i, r_j)`.
///
/// # Shapes
/// `ex` and `ey`: n×d, `reference`: R×d.
pub(super) fn against(
    pairing: &Pairing,
    params: &Params<f32>,
    (ex, ey): (ArrayView2<'_, f32>, ArrayView2<'_, f32>),
    reference: ArrayView2<'_, f32>,
) -> Result<Vec<f64>, SamplesError> {
    let (n, dim) = ex.dim();
    let size = reference.nrows();
    let mut ratios = Vec::with_capacity(n);
    // Batches are square: the last one is padded with zeros, whose results are dropped.
    let padded = |side: ArrayView2<'_, f32>, rows: std::ops::Range<usize>, size: usize| {
        let mut block = Array2::zeros((size, dim));
        let part = side.slice_axis(Axis(0), rows.clone().into());
        block.slice_axis_mut(Axis(0), (0..rows.len()).into()).assign(&part);
        block
    };
    for first in (0..n).step_by(PANEL_ROWS) {
        let rows = first..n.min(first + PANEL_ROWS);
        let x = ex.slice_axis(Axis(0), rows.clone().into());
        let y = ey.slice_axis(Axis(0), rows.clone().into());
        let own: Vec<f64> = sweep(pairing, params, x, y)?.into_iter().map(|(own, _)| own).collect();
        let mut all = Vec::with_capacity(rows.len());
        for start in rows.clone().step_by(size) {
            let part = start..rows.end.min(start + size);
            let block = padded(ex, part.clone(), size);
            let found = sweep(pairing, params, block.view(), reference)?;
            all.extend(found.into_iter().take(part.len()).map(|(_, all)| all));
        }
        let size = (size as f64).ln();
        ratios.extend(own.iter().zip(&all).map(|(own, all)| own - all + size));
    }
    Ok(ratios)
}

/// Every row's own score and the logarithm of the sum of its exponentials.
fn sweep(
    pairing: &Pairing,
    params: &Params<f32>,
    ex: ArrayView2<'_, f32>,
    ey: ArrayView2<'_, f32>,
) -> Result<Vec<(f64, f64)>, SamplesError> {
    let k = ex.nrows();
    let mut buffers = PairingBuffers::new();
    let mut scorer = pairing.scorer(params, ex, ey, &mut buffers)?;
    let mut panel = vec![0.0; PANEL_ROWS.min(k) * scorer.stride()];
    let mut found = vec![(0.0, 0.0); k];
    for first in (0..k).step_by(PANEL_ROWS) {
        let rows = first..k.min(first + PANEL_ROWS);
        let panel = &mut panel[..rows.len() * scorer.stride()];
        scorer.sweep(rows.clone(), panel, &mut found[rows], false, |row, scores, found| {
            let largest = maximum(scores);
            let sum = sum_exp_shifted(scores, f32::INFINITY, largest);
            found[0] = (f64::from(scores[row]), f64::from(largest) + sum.ln());
        });
    }
    Ok(found)
}
