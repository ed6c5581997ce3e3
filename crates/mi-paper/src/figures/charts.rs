//! Charts of configurations.

use mi_plot::{Axis, Dash, Limits, LineChart, Mark, Point, Scale, Series};

use crate::config::{EncoderSpec, Task};
use crate::figures::ends::before_and_after;
use crate::figures::subject::{Extent, Subject};
use crate::figures::{Panel, tables};
use crate::names::{self, Varies};
use crate::numbers;
use crate::published::Value;
use crate::record::Metric;
use crate::results::{Configuration, Results, Sample, Trial};

impl Results<'_> {
    /// The colour and stroke of a configuration, which are the same in every drawing.
    pub(super) fn style_of(&self, configuration: &Configuration<'_>) -> (usize, Dash) {
        let place = self.own.iter().position(|own| std::ptr::eq(*own, configuration)).unwrap_or(0);
        (self.style)(configuration, place)
    }

    /// Whether the paper's values are from a data set other than this one.
    fn published_elsewhere(&self) -> bool {
        self.published.dataset != self.dataset
    }

    /// The heading of the column of published values.
    pub(super) fn column_heading(&self) -> String {
        if self.published_elsewhere() {
            format!("paper, {}", names::dataset(self.published.dataset))
        } else {
            "paper".to_owned()
        }
    }

    /// The accuracy of a probe on the pixels of this data set, with the noise of the encoders'
    /// views, and its label. `None` for metrics that are not the accuracy of such a probe.
    pub(super) fn pixel_accuracy(&self, metric: Metric) -> Option<(f64, &'static str)> {
        if !matches!(metric, Metric::Accuracy | Metric::AccuracyConverged) {
            return None;
        }
        let has_noise = |c: &&Configuration<'_>| c.task.noise().is_some_and(|n| n.sd > 0.0);
        let is_noisy = self.own.iter().any(has_noise);
        let accuracy = self.pixel_baseline(is_noisy)?.end(metric)?.mean();
        Some((accuracy, if is_noisy { "pixels with noise, this run" } else { "pixels, this run" }))
    }

    /// The largest possible value of `InfoNCE`, with its label. `None` for tasks of many views,
    /// where each term has its own.
    pub(super) fn infonce_cap(&self) -> Option<(f64, String)> {
        if self.own.iter().any(|c| matches!(c.task, Task::MultiView(_))) {
            return None;
        }
        self.batch_size().map(|k| ((k as f64).ln(), format!("ln {k}")))
    }
}

/// A chart of one metric over the training steps.
pub(crate) struct OverSteps<'a> {
    pub(crate) subject: Subject<'a>,
    /// Values drawn as lines to compare with.
    pub(crate) references: &'a [(f64, String)],
}

impl OverSteps<'_> {
    /// The chart; `None` while no configuration has a value.
    pub(crate) fn panel(&self, results: &Results<'_>) -> Option<Panel> {
        let (metric, title) = (self.subject.metric, self.subject.title(Extent::All));
        let shown = self.subject.shown(results);
        if shown.is_empty() {
            return None;
        }
        let mut references = self.references.to_vec();
        if shows_pixels(&shown)
            && let Some((pixels, label)) = results.pixel_accuracy(metric)
        {
            references.push((pixels, label.to_owned()));
        }
        if is_measured_at_ends(results, &shown, metric) {
            return Some(before_and_after(results, self.subject, &references));
        }
        let varies = Varies::among(&shown);
        let label = |c: &Configuration<'_>| labelled(c, varies);
        let mut chart = LineChart::new(&title, Axis::new("training step"), axis(metric));
        for configuration in &shown {
            let (colour, dash) = results.style_of(configuration);
            let curve = drawn(configuration.curve(metric));
            let points: Vec<Point> = curve.iter().map(point).collect();
            // A line through only two points would suggest values that nobody measured.
            let dash = if points.len() > 2 { dash } else { Dash::None };
            if points.len() > 2 {
                for seed in runs(configuration, metric, &curve) {
                    chart = chart.series(seed.colour(colour));
                }
            }
            let series = Series::new(label(configuration), points).colour(colour).dash(dash);
            // A single line needs no name next to the chart's title.
            chart = chart.series(if shown.len() == 1 { series.quiet() } else { series });
        }
        for (value, label) in references {
            chart = chart.reference(value, label);
        }
        let mut marks: Vec<Mark> = Vec::new();
        for configuration in &shown {
            let (label, (colour, _)) = (label(configuration), results.style_of(configuration));
            let last = configuration.end(metric).map_or(0, |sample| sample.step);
            let (within, beyond): (Vec<&Value>, Vec<&Value>) = results
                .published_curve(configuration, metric)
                .partition(|value| value.step <= last);
            let over = within.iter().map(|v| (v.step as f64, mark(v, &label, colour))).collect();
            chart = chart.overlay(results.column_heading(), over);
            let end = beyond.iter().find(|value| value.step == results.published.last_step);
            marks.extend(end.map(|value| mark(value, &label, colour)));
        }
        if !marks.is_empty() {
            chart = chart.column(results.column_heading(), marks);
        }
        let curves: Vec<(String, Vec<Sample>)> =
            shown.iter().map(|c| (label(c), c.curve(metric))).collect();
        Some(Panel {
            name: self.subject.name(Extent::All),
            svg: chart.draw(),
            values: tables::by_step(&title, metric, &curves),
            is_result: false,
        })
    }
}

/// Whether a metric was measured before and after training only, and the paper has no values
/// between.
fn is_measured_at_ends(
    results: &Results<'_>,
    shown: &[&Configuration<'_>],
    metric: Metric,
) -> bool {
    let is_two = |c: &&Configuration<'_>| {
        let curve = c.curve(metric);
        curve.len() == 2 && curve[0].step == 0
    };
    shown.iter().all(is_two)
        && !shown.iter().any(|c| results.published_curve(c, metric).next().is_some())
}

/// The part of an evaluation interval below which two steps look like one.
const NEAR: f64 = 0.1;

/// The samples of a curve that are drawn: all but the last regular one if the end of training
/// follows it at once. A line between the two would be a jump that is not there.
fn drawn(mut curve: Vec<Sample>) -> Vec<Sample> {
    if let [.., a, b, c] = &curve[..]
        && ((c.step - b.step) as f64) < NEAR * (b.step - a.step) as f64
    {
        curve.remove(curve.len() - 2);
    }
    curve
}

/// A thin line for each run behind a mean of several, through the steps that are drawn.
fn runs(configuration: &Configuration<'_>, metric: Metric, drawn: &[Sample]) -> Vec<Series> {
    let several = configuration.counted().count() > 1;
    let series = |trial: &Trial<'_>| {
        let is_drawn = |step: u64| drawn.iter().any(|sample| sample.step == step);
        let points = trial.curve(metric).filter(|(step, _)| is_drawn(*step));
        let points = points.map(|(step, value)| Point::new(step as f64, value));
        Series::new(format!("seed {}", trial.info.seed), points.collect()).thin()
    };
    configuration.counted().filter(|_| several).map(series).collect()
}

/// Whether a chart shows the pixel baseline: it is for encoders that start near the identity.
fn shows_pixels(shown: &[&Configuration<'_>]) -> bool {
    shown.iter().any(|c| c.task.encoder().is_some_and(EncoderSpec::starts_near_identity))
}

/// The name of a series.
pub(super) fn labelled(configuration: &Configuration<'_>, varies: Varies) -> String {
    let label = names::configuration(configuration, varies);
    if label.is_empty() { names::unlabelled(configuration.task).to_owned() } else { label }
}

/// The mean and the band of a sample.
pub(super) fn point(sample: &Sample) -> Point {
    let point = Point::new(sample.step as f64, sample.mean()).note(seeds(sample));
    if sample.values.len() < 2 {
        return point;
    }
    point.between(sample.least(), sample.greatest())
}

pub(super) fn seeds(sample: &Sample) -> String {
    match sample.values.len() {
        1 => "1 seed".to_owned(),
        n => format!("{n} seeds"),
    }
}

pub(super) fn mark(published: &Value, label: &str, colour: usize) -> Mark {
    let step = numbers::grouped(published.step);
    let mark = Mark::new(format!("{label}, step {step},"), published.value, colour);
    match published.band {
        Some((low, high)) => mark.between(low, high),
        None => mark,
    }
}

/// The y axis of a metric.
pub(super) fn axis(metric: Metric) -> Axis {
    let axis = Axis::new(names::axis(metric));
    match metric.whole() {
        Metric::TargetLoss | Metric::InverseError => axis.scale(Scale::Log),
        // Networks trained on labels leave chance at once; they differ only above 0.9.
        Metric::AccuracyClassifier => axis.floor(0.9),
        // Bounds may start far below zero, where they say nothing: mutual information is never
        // negative.
        Metric::BoundTrain | Metric::BoundTest => axis.limits(Limits::Trimmed).floor(0.0),
        // Neither is that of the best reader, but a fitted one may fail on a few images.
        Metric::VInformation | Metric::VInformationOfView | Metric::ConditionalVInformation => {
            axis.limits(Limits::Trimmed).floor(0.0)
        }
        _ => axis,
    }
}

/// What the lines, bands, bars and diamonds of these drawings mean.
pub(crate) fn key(results: &Results<'_>, panels: &[Panel]) -> String {
    let has = |class: &str| panels.iter().any(|panel| panel.svg.has_class(class));
    let mut words: Vec<String> = Vec::new();
    let counted = results.own.iter().map(|c| c.counted().count()).max().unwrap_or(0);
    if counted > 1 && has("plot-line") {
        let single = if has("plot-thin") { "; thin lines are single seeds" } else { "" };
        words.push(format!("Lines are means over up to {counted} seeds{single}."));
    }
    if counted > 1 && has("plot-band") {
        words.push("Bands reach from the least to the greatest value.".to_owned());
    }
    if has("plot-mark") {
        let elsewhere = if results.published_elsewhere() {
            format!(" on {}", names::dataset(results.published.dataset))
        } else {
            String::new()
        };
        words.push(format!(
            "Hollow diamonds are the paper's values{elsewhere}, at the steps at which its figures \
             could be read, with its bands where these could be read."
        ));
        if has("plot-column") {
            words.push("To the right of a chart they are its last values.".to_owned());
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_evaluation_right_before_the_end_is_not_drawn() {
        let steps = |steps: &[u64]| -> Vec<u64> {
            let curve = steps.iter().map(|&step| Sample { step, values: vec![0.5] }).collect();
            drawn(curve).iter().map(|sample| sample.step).collect()
        };
        assert_eq!(steps(&[0, 2_000, 4_000, 4_001]), [0, 2_000, 4_001]);
        assert_eq!(steps(&[0, 1, 2, 3]), [0, 1, 2, 3]);
        assert_eq!(steps(&[0, 2_000, 3_000]), [0, 2_000, 3_000]);
        assert_eq!(steps(&[0, 1]), [0, 1]);
    }
}
