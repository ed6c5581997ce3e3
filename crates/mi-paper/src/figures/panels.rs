//! Sets of drawings that several experiments share.

use mi_estimators::bounds::BoundSpec;

use crate::figures::Panel;
use crate::figures::charts::OverSteps;
use crate::figures::ends::ends;
use crate::figures::subject::Subject;
use crate::published::PAPER_BOUNDS;
use crate::record::Metric;
use crate::results::Results;

/// The accuracies of linear probes.
const PROBES: [Metric; 2] = [Metric::Accuracy, Metric::AccuracyConverged];

/// A chart over the steps of all configurations.
pub(crate) fn over<'a>(metric: Metric) -> OverSteps<'a> {
    OverSteps { subject: Subject::of(metric), references: &[] }
}

/// One chart for each of the paper's bounds.
pub(crate) fn for_each_bound(results: &Results<'_>, metric: Metric) -> Vec<Panel> {
    let panels = PAPER_BOUNDS.iter().filter_map(|bound| {
        let is_bound = matches!(metric, Metric::BoundTrain | Metric::BoundTest);
        let targets = targets(results);
        let references: Vec<(f64, String)> = if is_bound && !targets.is_empty() {
            targets.iter().map(|t| (*t, format!("target {t}"))).collect()
        } else if is_bound && *bound == BoundSpec::InfoNce {
            results
                .infonce_cap()
                .map(|(cap, label)| (cap, format!("{label}, cap")))
                .into_iter()
                .collect()
        } else {
            Vec::new()
        };
        let subject = Subject::of(metric).with_bound(bound);
        OverSteps { subject, references: &references }.panel(results)
    });
    panels.collect()
}

/// The targets of the bounds, largest first.
fn targets(results: &Results<'_>) -> Vec<f64> {
    let mut targets: Vec<f64> = results.own.iter().filter_map(|c| c.task.target()).collect();
    targets.sort_by(|a, b| b.total_cmp(a));
    targets.dedup();
    targets
}

/// Charts of both probes' accuracy over the steps.
pub(crate) fn accuracies(results: &Results<'_>) -> Vec<Panel> {
    PROBES.into_iter().filter_map(|metric| over(metric).panel(results)).collect()
}

/// Charts that show that an encoder is a bijection: its inverse's error and its log-determinant.
pub(crate) fn bijection(results: &Results<'_>) -> Vec<Panel> {
    let half = [(1.0 / 510.0, "half a grey level".to_owned())];
    let error = OverSteps { references: &half, ..over(Metric::InverseError) };
    [error, over(Metric::LogDet)].into_iter().filter_map(|chart| chart.panel(results)).collect()
}

/// Charts of both probes' accuracy at the end.
pub(crate) fn end_accuracies(results: &Results<'_>) -> Vec<Panel> {
    PROBES.into_iter().filter_map(|metric| ends(results, metric)).collect()
}

/// A chart of every metric, for experiments that define no figure.
pub(crate) fn every_metric(results: &Results<'_>) -> Vec<Panel> {
    results.metrics().into_iter().filter_map(|metric| over(metric).panel(results)).collect()
}
