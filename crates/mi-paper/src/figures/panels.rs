//! Sets of drawings that several experiments share.

use mi_estimators::bounds::BoundSpec;

use crate::figures::Panel;
use crate::figures::charts::OverSteps;
use crate::figures::ends::ends;
use crate::names;
use crate::published::PAPER_BOUNDS;
use crate::record::Metric;
use crate::results::Results;

/// A chart of all configurations.
pub(crate) fn over<'a>(name: &'a str, title: &'a str, metric: Metric) -> OverSteps<'a> {
    OverSteps { name, title, metric, bound: None, references: &[] }
}

/// One chart for each of the paper's bounds.
pub(crate) fn for_each_bound(
    results: &Results<'_>,
    name: &str,
    title: &str,
    metric: Metric,
) -> Vec<Panel> {
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
        OverSteps {
            name: &format!("{name}-{}", bound.name()),
            title: &format!("{}: {title}", names::bound(bound)),
            metric,
            bound: Some(bound),
            references: &references,
        }
        .panel(results)
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
    let paper = over("accuracy", "Accuracy of the paper's probe", Metric::Accuracy);
    let converged =
        over("accuracy-converged", "Accuracy of a converged probe", Metric::AccuracyConverged);
    [paper.panel(results), converged.panel(results)].into_iter().flatten().collect()
}

/// Charts that show that an encoder is a bijection: its inverse's error and its log-determinant.
pub(crate) fn bijection(results: &Results<'_>) -> Vec<Panel> {
    let half = [(1.0 / 510.0, "half a grey level".to_owned())];
    let error = OverSteps {
        references: &half,
        ..over("inverse-error", "Largest error of the inverse", Metric::InverseError)
    };
    let log_det = over("log-det", "Log-determinant of the Jacobian", Metric::LogDet);
    [error.panel(results), log_det.panel(results)].into_iter().flatten().collect()
}

/// Charts of both probes' accuracy at the end.
pub(crate) fn end_accuracies(results: &Results<'_>) -> Vec<Panel> {
    let paper = ends(results, "accuracy", "Accuracy of the paper's probe", Metric::Accuracy);
    let title = "Accuracy of a converged probe";
    let converged = ends(results, "accuracy-converged", title, Metric::AccuracyConverged);
    [paper, converged].into_iter().flatten().collect()
}

/// A metric's name as part of a file name.
pub(crate) fn file_name(metric: Metric) -> String {
    let name = metric.name();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// A chart of every metric, for experiments that define no figure.
pub(crate) fn every_metric(results: &Results<'_>) -> Vec<Panel> {
    let panels = results.metrics().into_iter().filter_map(|metric| {
        over(&file_name(metric), &names::metric(metric), metric).panel(results)
    });
    panels.collect()
}
