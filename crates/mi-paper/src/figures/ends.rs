//! Charts of end values: one below the other, or over the batch size.

use mi_plot::{Axis, Dash, IntervalChart, IntervalRow, LineChart, Point, Scale, Series};

use crate::configurations::{Configuration, Sample};
use crate::figures::charts::{CAP, Scene, labelled, point, seeds};
use crate::figures::{Panel, tables};
use crate::names::{self, Varies};
use crate::record::Metric;

/// End values of configurations, one below the other.
pub(crate) fn ends(scene: &Scene<'_>, name: &str, title: &str, metric: Metric) -> Option<Panel> {
    let shown = scene.with(metric, |_| true);
    if shown.is_empty() {
        return None;
    }
    let varies = Varies::among(shown.iter().map(|c| &c.key));
    let mut chart = IntervalChart::new(title, Axis::new(names::axis(metric)));
    let mut curves = Vec::new();
    for configuration in &shown {
        let label = labelled(&configuration.key, varies);
        let Some(sample) = configuration.end(metric) else { continue };
        let mut row = IntervalRow::new(&label, sample.mean())
            .colour(scene.style(configuration).0)
            .note(seeds(&sample));
        if sample.values.len() > 1 {
            row = row.between(sample.least(), sample.greatest());
        }
        chart = chart.row(row);
        curves.push((label, vec![sample]));
    }
    if metric == Metric::BoundTrain || metric == Metric::BoundTest {
        chart = chart.reference(CAP, "ln 128");
    }
    if metric == Metric::Accuracy
        && scene.own.iter().all(|c| c.key.experiment != "pixels")
        && let Some(pixels) = scene.pixel_accuracy()
    {
        chart = chart.reference(pixels, "pixels");
    }
    Some(Panel {
        name: name.to_owned(),
        svg: chart.draw(),
        values: tables::by_step(title, metric, &curves),
    })
}

/// End values over the batch size, which settings name as `k=…`.
pub(crate) fn over_batch_size(
    scene: &Scene<'_>,
    name: &str,
    title: &str,
    metric: Metric,
) -> Option<Panel> {
    let size = |c: &Configuration<'_>| -> Option<u64> {
        c.key.setting.split(',').find_map(|part| part.trim().strip_prefix("k=")?.parse().ok())
    };
    let mut lines: Vec<(String, Vec<(u64, Sample)>)> = Vec::new();
    for configuration in scene.with(metric, |_| true) {
        let (Some(k), Some(sample)) = (size(configuration), configuration.end(metric)) else {
            continue;
        };
        let label = names::bound(&configuration.key.bound);
        match lines.iter_mut().find(|(other, _)| *other == label) {
            Some((_, points)) => points.push((k, sample)),
            None => lines.push((label, vec![(k, sample)])),
        }
    }
    let mut sizes: Vec<u64> = lines.iter().flat_map(|(_, p)| p.iter().map(|(k, _)| *k)).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let (first, last) = (*sizes.first()?, *sizes.last()?);
    let ticks: Vec<f64> = sizes.iter().map(|k| *k as f64).collect();
    let mut chart = LineChart::new(
        title,
        Axis::new("batch size K").scale(Scale::Log).ticks(ticks),
        Axis::new(names::axis(metric)),
    );
    let mut curves = Vec::new();
    for (index, (label, points)) in lines.iter_mut().enumerate() {
        points.sort_by_key(|(k, _)| *k);
        let curve: Vec<Sample> = points
            .iter()
            .map(|(k, sample)| Sample { step: *k, values: sample.values.clone() })
            .collect();
        let drawn = curve.iter().map(point).collect();
        chart = chart.series(Series::new(label.as_str(), drawn).colour(index));
        curves.push((label.clone(), curve));
    }
    if matches!(metric, Metric::BoundTrain | Metric::BoundTest) {
        let cap = |k: u64| Point::new(k as f64, (k as f64).ln()).note("the most InfoNCE can say");
        let cap = sizes.iter().filter(|k| (first..=last).contains(k)).map(|k| cap(*k)).collect();
        chart = chart.series(Series::new("ln K", cap).colour(7).dash(Dash::Dotted));
    }
    Some(Panel {
        name: name.to_owned(),
        svg: chart.draw(),
        values: tables::by(title, "K", metric, &curves),
    })
}
