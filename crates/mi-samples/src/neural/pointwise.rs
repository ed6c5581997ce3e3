//! Log density ratios of single pairs, from the scores of a critic.

use mi_critics::{PANEL_ROWS, Pairing, PairingBuffers};
use mi_kernels::{maximum, sum_exp_shifted};
use mi_nets::Params;
use ndarray::{ArrayView2, Axis};

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
    let n = ex.nrows();
    let size = (reference.nrows() as f64).ln();
    let mut ratios = Vec::with_capacity(n);
    for first in (0..n).step_by(PANEL_ROWS) {
        let rows = first..n.min(first + PANEL_ROWS);
        let x = ex.slice_axis(Axis(0), rows.clone().into());
        let y = ey.slice_axis(Axis(0), rows.into());
        let own = sweep(pairing, params, x, y)?;
        let all = sweep(pairing, params, x, reference)?;
        ratios.extend(own.iter().zip(&all).map(|((own, _), (_, all))| own - all + size));
    }
    Ok(ratios)
}

/// Every row's own score, which is that with the same row of y (NaN if there is none), and the
/// logarithm of the sum of its exponentials.
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
            let own = scores.get(row).copied().unwrap_or(f32::NAN);
            found[0] = (f64::from(own), f64::from(largest) + sum.ln());
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use mi_critics::{Critic, CriticSpec};
    use mi_random::Stream;
    use ndarray::Array2;

    use super::*;

    /// References of fewer rows than a panel, and of more, and a last panel that is not full.
    #[test]
    fn every_pair_is_compared_with_all_references() {
        let mut stream = Stream::new(1, "pointwise");
        let specs = [vec![5], vec![6, 4]].map(|hidden| CriticSpec::Concat { hidden });
        for spec in specs.into_iter().chain([CriticSpec::InnerProduct]) {
            let mut params = Params::<f32>::new();
            let critic = Critic::new(&mut params, "f", &spec, 3, 3, &mut stream).unwrap();
            let width = match &spec {
                CriticSpec::Concat { hidden } => hidden[0],
                _ => 3,
            };
            let mut side = |rows: usize| -> Array2<f32> {
                stream.normal_matrix((rows, width)).mapv(|v| v as f32)
            };
            let n = PANEL_ROWS + 7;
            let (ex, ey) = (side(n), side(n));
            let scores = |y: &Array2<f32>| {
                let scores = critic.pairing().scores(&params, ex.view(), y.view()).unwrap();
                scores.mapv(f64::from)
            };
            for size in [1, 5, PANEL_ROWS + 30] {
                let reference = side(size);
                let views = (ex.view(), ey.view());
                let found = against(critic.pairing(), &params, views, reference.view()).unwrap();
                let (own, all) = (scores(&ey), scores(&reference));
                for (i, found) in found.iter().enumerate() {
                    let mean = all.row(i).mapv(f64::exp).mean().unwrap();
                    let expected = own[[i, i]] - mean.ln();
                    assert!((found - expected).abs() < 1e-5, "{spec:?} {size}: {found} {expected}");
                }
            }
        }
    }
}
