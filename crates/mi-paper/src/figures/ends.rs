//! Charts of end values: one below the other, or over the batch size.

use mi_plot::{Axis, Dash, IntervalChart, IntervalRow, LineChart, Point, Scale, Series};

use crate::config::Task;
use crate::figures::charts::{axis, labelled, point, seeds};
use crate::figures::curves::known_values;
use crate::figures::subject::{Extent, Subject};
use crate::figures::{Panel, tables};
use crate::names::{self, Varies};
use crate::record::Metric;
use crate::results::{Configuration, Results, Sample};

/// Samples with the labels of their configurations.
type Labelled = Vec<(String, Vec<Sample>)>;

/// Whether the configuration has an end to show: a trial that is still running has none.
fn has_end(configuration: &Configuration<'_>) -> bool {
    configuration.finished() > 0
}

/// A chart of one value of each configuration, one below the other, and the values themselves;
/// `None` while there are none.
fn rows(
    results: &Results<'_>,
    (title, metric): (&str, Metric),
    shown: &[&Configuration<'_>],
    value: impl Fn(&Configuration<'_>) -> Option<Sample>,
) -> Option<(IntervalChart, Labelled)> {
    let varies = Varies::among(shown);
    let mut chart = IntervalChart::new(title, Axis::new(names::axis(metric)));
    let mut values = Vec::new();
    for &configuration in shown.iter().filter(|c| has_end(c)) {
        let Some(sample) = value(configuration) else { continue };
        let label = labelled(configuration, varies);
        let mut row = row(&label, &sample).colour(results.style_of(configuration).0);
        if let Some(published) = results.published_end(configuration, metric) {
            row = row.mark(published.value);
        }
        chart = chart.row(row);
        values.push((label, vec![sample]));
    }
    if shown.iter().any(|c| results.published_end(c, metric).is_some()) {
        chart = chart.note("Hollow diamonds: the paper.");
    }
    (!values.is_empty()).then_some((chart, values))
}

/// The mean of a sample, and its range.
fn row(label: &str, sample: &Sample) -> IntervalRow {
    let row = IntervalRow::new(label, sample.mean()).note(seeds(sample));
    if sample.values.len() < 2 {
        return row;
    }
    row.between(sample.least(), sample.greatest())
}

/// The colour of values before training.
const BEFORE: usize = 7;

/// A chart of the values after and before training, one below the other, for a metric that is
/// measured only then.
pub(super) fn before_and_after(
    results: &Results<'_>,
    subject: Subject<'_>,
    references: &[(f64, String)],
) -> Panel {
    let (metric, title) = (subject.metric, subject.title(Extent::All));
    let shown = subject.shown(results);
    let varies = Varies::among(&shown);
    let mut chart =
        IntervalChart::new(&title, axis(metric)).note("Grey, below each: before training.");
    let mut curves = Vec::new();
    for configuration in shown {
        let (label, curve) = (labelled(configuration, varies), configuration.curve(metric));
        let (colour, _) = results.style_of(configuration);
        for (place, sample) in curve.iter().rev().enumerate() {
            let row = row(&label, sample);
            let is_start = sample.step == 0;
            let row = row.colour(if is_start { BEFORE } else { colour });
            chart = chart.row(if place == 0 { row } else { row.below() });
        }
        curves.push((label, curve));
    }
    for (value, label) in references {
        chart = chart.reference(*value, label.as_str());
    }
    Panel {
        name: subject.name(Extent::All),
        svg: chart.draw(),
        values: tables::by_step(&title, metric, &curves),
        is_result: false,
    }
}

/// A chart of the end values of all configurations, one below the other.
pub(crate) fn ends(results: &Results<'_>, metric: Metric) -> Option<Panel> {
    let subject = Subject::of(metric);
    let shown = subject.shown(results);
    // A metric that is measured once has no other value to tell the end from.
    let has_curve = shown.iter().any(|c| c.curve(metric).len() > 1);
    let title = subject.title(if has_curve { Extent::End } else { Extent::All });
    let (mut chart, curves) = rows(results, (&title, metric), &shown, |c| c.end(metric))?;
    if matches!(metric, Metric::BoundTrain | Metric::BoundTest)
        && let Some((cap, label)) = results.infonce_cap()
    {
        chart = chart.reference(cap, label);
    }
    if !results.own.iter().any(|c| matches!(c.task, Task::Pixels(_)))
        && let Some((pixels, label)) = results.pixel_accuracy(metric)
    {
        chart = chart.reference(pixels, label);
    }
    Some(Panel {
        name: subject.name(Extent::End),
        svg: chart.draw(),
        values: tables::by_step(&title, metric, &curves),
        is_result: false,
    })
}

/// A chart of means over the last fifth of the steps, one below the other, on an axis that shows
/// their differences.
pub(crate) fn last_fifth(results: &Results<'_>, subject: Subject<'_>) -> Option<Panel> {
    let (metric, title) = (subject.metric, subject.title(Extent::LastFifth));
    let shown = subject.shown(results);
    let (mut chart, curves) = rows(results, (&title, metric), &shown, |c| c.tails(metric))?;
    if metric == Metric::Estimate {
        for (value, label) in known_values(&shown) {
            chart = chart.reference(value, label);
        }
    }
    Some(Panel {
        name: subject.name(Extent::LastFifth),
        svg: chart.draw(),
        values: tables::by_step(&title, metric, &curves),
        is_result: false,
    })
}

/// A chart of end values over the batch size.
pub(crate) fn over_batch_size(results: &Results<'_>, metric: Metric) -> Option<Panel> {
    let subject = Subject::of(metric);
    let title = subject.title(Extent::All);
    let curves = lines(results, metric, |configuration| {
        let objective = configuration.task.objective()?;
        let size = configuration.task.batch_size()? as u64;
        Some((Some(names::objective(&objective).to_owned()), size))
    });
    let mut sizes: Vec<u64> = curves.iter().flat_map(|(_, c)| c.iter().map(|s| s.step)).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let (first, last) = (*sizes.first()?, *sizes.last()?);
    let ticks: Vec<f64> = sizes.iter().map(|k| *k as f64).collect();
    let mut chart = LineChart::new(
        &title,
        Axis::new("batch size K").scale(Scale::Log).ticks(ticks),
        Axis::new(names::axis(metric)),
    );
    for (index, (label, curve)) in curves.iter().enumerate() {
        let drawn = curve.iter().map(point).collect();
        chart = chart.series(Series::new(label.as_str(), drawn).colour(index));
    }
    if matches!(metric, Metric::BoundTrain | Metric::BoundTest) {
        let cap =
            |k: u64| Point::new(k as f64, (k as f64).ln()).note("the largest possible InfoNCE");
        let cap = sizes.iter().filter(|k| (first..=last).contains(k)).map(|k| cap(*k)).collect();
        chart = chart.series(Series::new("ln K", cap).colour(7).dash(Dash::Dotted));
    }
    Some(Panel {
        name: subject.name(Extent::All),
        svg: chart.draw(),
        values: tables::by(&title, "K", metric, &curves),
        is_result: false,
    })
}

/// A chart of end values over the number of pixels that both views have. `place` gives the line
/// that a configuration belongs to, if it is not its own, and its number.
pub(crate) fn over_shared_pixels(
    results: &Results<'_>,
    metric: Metric,
    place: impl Fn(&Configuration<'_>) -> Option<(Option<String>, u64)>,
) -> Option<Panel> {
    const AXIS: &str = "pixels in both views";
    let subject = Subject::of(metric);
    let title = subject.title(Extent::SharedPixels);
    let curves = lines(results, metric, &place);
    curves.first()?;
    // Colours are those of the first configuration of a line in the experiment's other charts.
    let shown = results.with(metric, |_| true);
    let varies = Varies::among(&shown);
    let line_of = |c: &Configuration<'_>| {
        place(c).map(|(line, _)| line.unwrap_or_else(|| labelled(c, varies)))
    };
    let mut chart = LineChart::new(&title, Axis::new(AXIS), Axis::new(names::axis(metric)));
    for (label, curve) in &curves {
        let colour = shown.iter().position(|c| line_of(c).as_ref() == Some(label));
        let drawn: Vec<Point> = curve.iter().map(point).collect();
        let dash = if drawn.len() > 1 { Dash::Solid } else { Dash::None };
        let series = Series::new(label.as_str(), drawn).dash(dash);
        chart = chart.series(series.colour(colour.unwrap_or_default()));
    }
    Some(Panel {
        name: subject.name(Extent::SharedPixels),
        svg: chart.draw(),
        values: tables::by(&title, AXIS, metric, &curves),
        is_result: true,
    })
}

/// The end values of configurations as lines over a number that each of them has: the `step` of a
/// sample is this number.
fn lines(
    results: &Results<'_>,
    metric: Metric,
    place: impl Fn(&Configuration<'_>) -> Option<(Option<String>, u64)>,
) -> Labelled {
    let mut lines: Labelled = Vec::new();
    let shown = results.with(metric, |_| true);
    let varies = Varies::among(&shown);
    for configuration in shown.into_iter().filter(|c| has_end(c)) {
        let Some(((line, number), sample)) = place(configuration).zip(configuration.end(metric))
        else {
            continue;
        };
        let label = line.unwrap_or_else(|| labelled(configuration, varies));
        let sample = Sample { step: number, ..sample };
        match lines.iter_mut().find(|(other, _)| *other == label) {
            Some((_, curve)) => curve.push(sample),
            None => lines.push((label, vec![sample])),
        }
    }
    for (_, curve) in &mut lines {
        curve.sort_by_key(|sample| sample.step);
    }
    lines
}
