//! Charts of how far metrics have moved from their start.

use std::collections::BTreeMap;

use mi_estimators::bounds::BoundSpec;
use mi_plot::{Axis, LineChart, Point, Series};

use super::{Panel, charts, tables};
use crate::names;
use crate::record::Metric;
use crate::results::{Configuration, Results, Sample};

/// A metric minus its start, step by step, over the seeds of a configuration.
fn curve(configuration: &Configuration<'_>, metric: Metric) -> Vec<Sample> {
    let mut steps: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for trial in configuration.counted() {
        for (step, change) in moved(trial.curve(metric)) {
            steps.entry(step).or_default().push(change);
        }
    }
    let samples = steps.into_iter().map(|(step, values)| Sample { step, values });
    // A single point says nothing about a change.
    let samples: Vec<Sample> = samples.collect();
    if samples.len() > 1 { samples } else { Vec::new() }
}

/// The values of a curve that starts at step 0, minus the first of them. Values below zero count as
/// zero.
fn moved(curve: impl Iterator<Item = (u64, f64)>) -> Vec<(u64, f64)> {
    let curve: Vec<(u64, f64)> = curve.map(|(step, value)| (step, value.max(0.0))).collect();
    match curve[..] {
        [(0, start), ..] => curve.iter().map(|(step, value)| (*step, value - start)).collect(),
        _ => Vec::new(),
    }
}

/// One chart with a line for each metric of the configuration with this bound; `None` if none of
/// them was measured more than once.
pub(crate) fn changes(results: &Results<'_>, bound: &BoundSpec, shown: &[Metric]) -> Option<Panel> {
    let configuration = results.find(|c| c.has_bound(bound))?;
    let curves: Vec<(Metric, Vec<Sample>)> = shown
        .iter()
        .map(|&metric| (metric, curve(configuration, metric)))
        .filter(|(_, curve)| !curve.is_empty())
        .collect();
    let (first, _) = curves.first()?;
    let title = format!("Trained with {}: estimate minus its start", names::bound(bound));
    let axis = Axis::new("change since the start (nats)");
    let mut chart = LineChart::new(&title, Axis::new("training step"), axis).reference(0.0, "none");
    for (place, (metric, curve)) in curves.iter().enumerate() {
        let (colour, dash) = super::of_place(place);
        let points: Vec<Point> = curve.iter().map(charts::point).collect();
        chart =
            chart.series(Series::new(&*names::metric(*metric), points).colour(colour).dash(dash));
    }
    let named: Vec<(String, Vec<Sample>)> = curves
        .iter()
        .map(|(metric, curve)| (names::metric(*metric).into_owned(), curve.clone()))
        .collect();
    let values = tables::by_step(&title, *first, &named);
    let name = format!("changes-{}", bound.name());
    Some(Panel { name, svg: chart.draw(), values, is_result: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_below_zero_count_as_zero() {
        let curve = [(0, -3.0), (5, -1.0), (10, 2.0)];
        assert_eq!(moved(curve.into_iter()), [(0, 0.0), (5, 0.0), (10, 2.0)]);
        let curve = [(0, 1.0), (5, -1.0), (10, 3.0)];
        assert_eq!(moved(curve.into_iter()), [(0, 0.0), (5, -1.0), (10, 2.0)]);
        assert_eq!(moved(curve[1..].iter().copied()), []);
    }
}
