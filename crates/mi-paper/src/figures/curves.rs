//! Charts of curves that are not the means of one metric: percentiles and smoothed estimates.

use mi_estimators::bounds::BoundSpec;
use mi_plot::{Axis, Dash, Limits, LineChart, Series};

use crate::figures::charts::{labelled, mark, point};
use crate::figures::subject::{Extent, Group, Subject};
use crate::figures::{Panel, tables};
use crate::names::{self, Varies};
use crate::record::Metric;
use crate::results::{Configuration, Results, Sample};

/// Standard deviation of the filter over the curves of figure 4c, in steps.
const SMOOTHING: f64 = 100.0;
/// Smoothed curves are drawn at this many steps at most.
const SMOOTHED_POINTS: u64 = 200;

/// A chart of percentiles of the Jacobians' condition number over the steps (figures 2c and 5).
pub(crate) fn percentiles(results: &Results<'_>, bound: &BoundSpec, group: Group) -> Option<Panel> {
    const PERCENTILES: [(Metric, &str, Dash); 6] = [
        (Metric::LogConditionP100, "greatest", Dash::Dotted),
        (Metric::LogConditionP80, "80 %", Dash::Dashed),
        (Metric::LogConditionP60, "60 %", Dash::Solid),
        (Metric::LogConditionP40, "40 %", Dash::Solid),
        (Metric::LogConditionP20, "20 %", Dash::Dashed),
        (Metric::LogConditionP0, "least", Dash::Dotted),
    ];
    let subject = Subject::of(Metric::LogConditionP0).with_bound(bound).in_group(group);
    let title = subject.title_of("condition number", Extent::All);
    let shown = subject.shown(results);
    let configuration = shown.first()?;
    let (colour, _) = results.style_of(configuration);
    let mut chart = LineChart::new(
        &title,
        Axis::new("training step"),
        Axis::new("ln(σmax/σmin) of the Jacobian, percentiles over inputs"),
    );
    let (mut marks, mut curves) = (Vec::new(), Vec::new());
    for (metric, label, dash) in PERCENTILES {
        let curve = configuration.curve(metric);
        let points = curve.iter().map(point).collect();
        chart = chart.series(Series::new(label, points).colour(colour).dash(dash));
        if let Some(published) = results.published_end(configuration, metric) {
            marks.push(mark(published, label, colour));
        }
        curves.push((label.to_owned(), curve));
    }
    // One below the other: six marks side by side would read as six positions.
    if !marks.is_empty() {
        chart = chart.stacked_column(results.column_heading(), marks);
    }
    Some(Panel {
        name: subject.name_of("condition", Extent::All),
        svg: chart.draw(),
        values: tables::by_step(&title, Metric::LogConditionP0, &curves),
        is_result: false,
    })
}

/// A chart of estimates on single batches, smoothed as in figure 4c.
pub(crate) fn estimates(results: &Results<'_>) -> Option<Panel> {
    let subject = Subject::of(Metric::Estimate);
    let title = subject.title(Extent::All);
    let shown = subject.shown(results);
    if shown.is_empty() {
        return None;
    }
    let varies = Varies::among(&shown);
    let mut chart = LineChart::new(
        &title,
        Axis::new("training step"),
        Axis::new(names::axis(Metric::Estimate)).limits(Limits::Trimmed),
    );
    let (mut marks, mut curves) = (Vec::new(), Vec::new());
    for configuration in &shown {
        let (colour, dash) = results.style_of(configuration);
        let label = labelled(configuration, varies);
        let curve = smoothed(configuration);
        let points = curve.iter().map(point).collect();
        chart = chart.series(Series::new(&label, points).colour(colour).dash(dash));
        if let Some(published) = results.published_end(configuration, Metric::Estimate) {
            marks.push(mark(published, &label, colour));
        }
        curves.push((label, curve));
    }
    for (value, label) in known_values(&shown) {
        chart = chart.reference(value, label);
    }
    let chart = chart.column("paper", marks);
    Some(Panel {
        name: subject.name(Extent::All),
        svg: chart.draw(),
        values: tables::by_step(&title, Metric::Estimate, &curves),
        is_result: false,
    })
}

/// The true mutual information of synthetic samples, and the most that an estimate can be, with their
/// labels.
pub(super) fn known_values(shown: &[&Configuration<'_>]) -> Vec<(f64, &'static str)> {
    let known = [(Metric::TrueMi, "true"), (Metric::Ceiling, "ceiling")];
    let value = |metric| shown.iter().find_map(|c| c.end(metric)).map(|sample| sample.mean());
    known.into_iter().filter_map(|(metric, label)| Some((value(metric)?, label))).collect()
}

/// The estimates of the counted trials, smoothed by a Gaussian filter.
fn smoothed(configuration: &Configuration<'_>) -> Vec<Sample> {
    let raw: Vec<Vec<(u64, f64)>> = configuration
        .counted()
        .map(|trial| trial.curve(Metric::Estimate).collect())
        .filter(|curve: &Vec<_>| !curve.is_empty())
        .collect();
    let end = raw.iter().filter_map(|curve| curve.last()).map(|(step, _)| *step).max().unwrap_or(0);
    let stride = (end / SMOOTHED_POINTS).max(1);
    let steps = (0..=end).step_by(stride as usize);
    steps
        .map(|step| {
            let values = raw.iter().filter_map(|curve| filtered(curve, step)).collect();
            Sample { step, values }
        })
        .filter(|sample| !sample.values.is_empty())
        .collect()
}

/// The filtered value of a curve at a step; `None` if no value is within the filter's reach.
fn filtered(curve: &[(u64, f64)], step: u64) -> Option<f64> {
    let reach = (4.0 * SMOOTHING) as u64;
    let first = curve.partition_point(|(s, _)| *s + reach < step);
    let near = curve[first..].iter().take_while(|(s, _)| *s <= step + reach);
    let (sum, weight) = near.fold((0.0, 0.0), |(sum, weight), (s, value)| {
        let z = (*s as f64 - step as f64) / SMOOTHING;
        let w = (-0.5 * z * z).exp();
        (sum + w * value, weight + w)
    });
    (weight > 0.0).then_some(sum / weight)
}
