//! Conditions and published values that several claims share.

use std::collections::BTreeMap;

use mi_estimators::bounds::BoundSpec;

use crate::claims::Condition;
use crate::record::Metric;
use crate::results::Results;

/// An encoder with a smaller inverse error loses nothing: pixels are multiples of 1/255, so an
/// error below half of that still identifies the grey level.
const HALF_GREY_LEVEL: f64 = 1.0 / 510.0;

/// The condition that the encoder of every finished run can be inverted.
pub(super) fn invertible(results: &Results<'_>) -> Condition {
    // `f64::max` ignores NaN.
    let larger = |a: f64, b: f64| if a.is_nan() || a > b { a } else { b };
    let mut by_seed: BTreeMap<u64, f64> = BTreeMap::new();
    for trial in results.own.iter().flat_map(|c| &c.trials).filter(|t| t.is_finished()) {
        for (_, error) in trial.curve(Metric::InverseError) {
            let worst = by_seed.entry(trial.info.seed).or_insert(error);
            *worst = larger(*worst, error);
        }
    }
    Condition::on_largest("largest inverse error of any run", HALF_GREY_LEVEL, &by_seed)
}

/// The rise of a metric in the paper's figures; a start below `floor` counts as `floor`.
pub(super) fn published_rise(
    results: &Results<'_>,
    bound: &BoundSpec,
    metric: Metric,
    floor: f64,
) -> Option<f64> {
    let configuration =
        results.find(|c| c.has_bound(bound) && results.published_end(c, metric).is_some())?;
    let end = results.published_end(configuration, metric)?.value;
    let start = results.published_curve(configuration, metric).find(|v| v.step == 0);
    Some(end - start.map_or(floor, |s| s.value.max(floor))).filter(|rise| rise.is_finite())
}
