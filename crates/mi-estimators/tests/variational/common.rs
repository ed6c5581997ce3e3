//! Helpers shared by the batteries of tests.

use mi_estimators::EstimatorError;
use mi_estimators::bounds::{self, BOUNDS, BoundSpec, Evaluation, Objective, Scores, gradient};
use mi_kernels::Scalar;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

/// Every bound with its usual settings, and with others that exercise more of it.
pub(crate) fn all_bounds() -> Vec<BoundSpec> {
    let usual = BOUNDS.iter().filter_map(|entry| entry.usual().cloned());
    let others = [
        BoundSpec::Smile { clip: 1.0 },
        BoundSpec::Smile { clip: f64::INFINITY },
        BoundSpec::InterpolatedAlpha { alpha: 0.0 },
        BoundSpec::InterpolatedAlpha { alpha: 0.01 },
        BoundSpec::InterpolatedAlpha { alpha: 1.0 },
        BoundSpec::MlCpc { alpha: 0.2 },
    ];
    usual.chain(others).collect()
}

/// A bound's value, and its gradients of scores and of learned numbers.
pub(crate) fn gradient_of<T: Scalar>(
    scores: ArrayView2<'_, T>,
    learned: Option<ArrayView1<'_, T>>,
    objective: &mut Objective,
) -> Result<(Evaluation, Array2<T>, Array1<T>), EstimatorError> {
    let (evaluation, found) = gradient(&Scores::new(scores).with_learned(learned), objective)?;
    Ok((evaluation, found.scores, found.learned))
}

/// A bound's value on a matrix of scores.
pub(crate) fn evaluate<T: Scalar>(
    scores: ArrayView2<'_, T>,
    learned: Option<ArrayView1<'_, T>>,
    objective: &Objective,
) -> Result<Evaluation, EstimatorError> {
    bounds::evaluate(&Scores::new(scores).with_learned(learned), objective)
}

pub(crate) fn objective(bound: &BoundSpec) -> Objective {
    Objective::new(bound, None).unwrap()
}

/// Numbers without order in ±`scale`, different for every phase.
pub(crate) fn scattered((rows, columns): (usize, usize), scale: f64, phase: f64) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns), |(i, j)| {
        let n = (i * columns + j) as f64;
        scale * (n * (1.7 + 0.13 * n.sin()) + 2.3 * phase).sin()
    })
}

/// Equal within `tolerance`, relative to the larger of 1 and the expected value.
pub(crate) fn close(name: &str, found: f64, expected: f64, tolerance: f64) {
    let same = found == expected || (found - expected).abs() <= tolerance * expected.abs().max(1.0);
    assert!(same, "{name}: {found} instead of {expected}");
}
