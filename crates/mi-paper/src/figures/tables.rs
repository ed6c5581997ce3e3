//! The numbers of a figure.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::names;
use crate::numbers;
use crate::record::Metric;
use crate::results::{Results, Sample};
use crate::statistics;
use crate::table::{Align, Table};

/// Metrics in the order of a table's columns.
const METRICS: [Metric; 22] = [
    Metric::BoundTrain,
    Metric::BoundTest,
    Metric::LossTest,
    Metric::TargetLoss,
    Metric::Accuracy,
    Metric::AccuracyConverged,
    Metric::AccuracyScaled,
    Metric::AccuracyClassifier,
    Metric::ClassifierLoss,
    Metric::UniformLoss,
    Metric::LogConditionP0,
    Metric::LogConditionP40,
    Metric::LogConditionP100,
    Metric::SingularJacobians,
    Metric::LogDet,
    Metric::InverseError,
    Metric::TrueMi,
    Metric::Ceiling,
    Metric::TiesCeiling,
    Metric::Retrieval,
    Metric::NeighbourAccuracy,
    Metric::PriorLoss,
];

/// The most rows of a table of steps; longer tables are thinned evenly.
const MAX_ROWS: usize = 25;

/// The end values of every configuration next to the published ones.
pub(crate) fn ends(results: &Results<'_>) -> Table {
    let has = |metric: Metric| results.own.iter().any(|c| c.has(metric));
    // Metrics of the whole task, then of its parts. Parts on training batches are only in the CSV.
    let parts = results.metrics().into_iter().filter(|metric| {
        matches!(metric, Metric::Part(_))
            && METRICS.contains(&metric.whole())
            && metric.whole() != Metric::BoundTrain
    });
    let metrics: Vec<Metric> = METRICS.into_iter().filter(|m| has(*m)).chain(parts).collect();
    let names: Vec<Cow<'_, str>> = metrics.iter().map(|&metric| names::metric(metric)).collect();
    let published = |m: Metric| results.own.iter().any(|c| results.published_end(c, m).is_some());
    let mut columns = vec![("", Align::Left), ("finished", Align::Right), ("step", Align::Right)];
    if has(Metric::Estimate) {
        columns.extend([("estimate, last fifth (nats)", Align::Right), ("paper", Align::Right)]);
    }
    for (&metric, name) in metrics.iter().zip(&names) {
        columns.push((name.as_ref(), Align::Right));
        if published(metric) {
            columns.push(("paper", Align::Right));
        }
    }
    let mut table = Table::new("", &columns);
    for configuration in &results.own {
        let mut cells = vec![
            names::row(configuration, &results.own),
            numbers::finished(configuration),
            numbers::last_step(configuration),
        ];
        let paper = |metric: Metric| {
            let value = results.published_end(configuration, metric).map(|p| p.value);
            value.map_or(String::new(), |v| numbers::fixed(v, published_decimals(metric)))
        };
        if has(Metric::Estimate) {
            cells.push(numbers::mean_and_deviation(
                configuration.tails(Metric::Estimate).as_ref(),
                Metric::Estimate,
            ));
            cells.push(paper(Metric::Estimate));
        }
        for &metric in &metrics {
            let end = configuration.end(metric);
            cells.push(numbers::mean_and_deviation(end.as_ref(), metric));
            if published(metric) {
                cells.push(paper(metric));
            }
        }
        table.row(cells);
    }
    table
}

/// The decimals of published values, as far as they could be read off the paper's figures.
fn published_decimals(metric: Metric) -> usize {
    let decimals = numbers::decimals(metric);
    if metric == Metric::Estimate { decimals } else { decimals.min(3) }
}

/// Means of several curves, one row per step.
pub(crate) fn by_step(title: &str, metric: Metric, curves: &[(String, Vec<Sample>)]) -> Table {
    by(title, "step", metric, curves)
}

/// Means of several curves; `over` names what their steps stand for.
pub(crate) fn by(
    title: &str,
    over: &str,
    metric: Metric,
    curves: &[(String, Vec<Sample>)],
) -> Table {
    let mut columns = vec![(over, Align::Right)];
    columns.extend(curves.iter().map(|(label, _)| (label.as_str(), Align::Right)));
    let mut table = Table::new(title, &columns);
    let mut steps: Vec<u64> = curves.iter().flat_map(|(_, c)| c.iter().map(|s| s.step)).collect();
    steps.sort_unstable();
    steps.dedup();
    let stride = steps.len().div_ceil(MAX_ROWS).max(1);
    // Counted from the end, so that the last step is always there.
    let mut kept: Vec<u64> = steps.iter().rev().step_by(stride).copied().collect();
    kept.reverse();
    for step in kept {
        let mut cells = vec![numbers::grouped(step)];
        for (_, curve) in curves {
            let sample = curve.iter().find(|s| s.step == step);
            cells.push(numbers::mean_and_deviation(sample, metric));
        }
        table.row(cells);
    }
    table
}

/// The means of the figure as CSV, at no more than 200 steps of each curve.
pub(crate) fn csv(results: &Results<'_>) -> String {
    let mut csv =
        "encoder,critic,bound,setting,metric,step,seeds,mean,sd,least,greatest\n".to_owned();
    for configuration in &results.own {
        let labels = configuration.labels;
        for metric in results.metrics() {
            let curve = configuration.curve(metric);
            let stride = curve.len().div_ceil(200).max(1);
            for sample in curve.iter().rev().step_by(stride).rev() {
                let sd = statistics::deviation(&sample.values);
                // Writing to a String cannot fail.
                let _ = writeln!(
                    csv,
                    "{},{},{},{},{},{},{},{},{},{},{}",
                    quoted(&labels.encoder),
                    quoted(&labels.critic),
                    quoted(&labels.bound),
                    quoted(&labels.setting),
                    quoted(&metric.name()),
                    sample.step,
                    sample.values.len(),
                    short(sample.mean()),
                    sd.map_or(String::new(), short),
                    short(sample.least()),
                    short(sample.greatest()),
                );
            }
        }
    }
    csv
}

/// A number with six significant digits: enough for a figure, in a third of the space of all
/// digits.
fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    format!("{value:.5e}").parse::<f64>().map_or_else(|_| value.to_string(), |v| v.to_string())
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
