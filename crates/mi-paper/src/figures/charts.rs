//! Charts of configurations.

use mi_plot::{Axis, Dash, Limits, LineChart, Mark, Point, Scale, Series};

use crate::config::{EncoderSpec, Task};
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

    /// The accuracy of the pixel baseline on this data set, with the noise of the encoders' views.
    pub(super) fn pixel_accuracy(&self) -> Option<f64> {
        let has_noise = |c: &&Configuration<'_>| c.task.noise().is_some_and(|n| n.sd > 0.0);
        let baseline = self.pixel_baseline(self.own.iter().any(has_noise))?;
        baseline.end(Metric::Accuracy).map(|sample| sample.mean())
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
        let varies = Varies::among(&shown);
        let label = |c: &Configuration<'_>| labelled(c, varies);
        let mut chart = LineChart::new(&title, Axis::new("training step"), axis(metric));
        for configuration in &shown {
            let (colour, dash) = results.style_of(configuration);
            let points: Vec<Point> = configuration.curve(metric).iter().map(point).collect();
            // A line through only two points would suggest values that nobody measured.
            let dash = if points.len() > 2 { dash } else { Dash::None };
            if points.len() > 2 {
                for seed in runs(configuration, metric) {
                    chart = chart.series(seed.colour(colour));
                }
            }
            let series = Series::new(label(configuration), points).colour(colour).dash(dash);
            // A single line needs no name next to the chart's title.
            chart = chart.series(if shown.len() == 1 { series.quiet() } else { series });
        }
        for (value, label) in self.references {
            chart = chart.reference(*value, label.as_str());
        }
        if metric == Metric::Accuracy
            && shows_pixels(&shown)
            && let Some(pixels) = results.pixel_accuracy()
        {
            chart = chart.reference(pixels, "pixels, this run");
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

/// A thin line for each run behind a mean of several.
fn runs(configuration: &Configuration<'_>, metric: Metric) -> Vec<Series> {
    let several = configuration.counted().count() > 1;
    let series = |trial: &Trial<'_>| {
        let points = trial.curve(metric).map(|(step, value)| Point::new(step as f64, value));
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
fn axis(metric: Metric) -> Axis {
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

/// What lines, bands and diamonds mean.
pub(crate) fn key(results: &Results<'_>) -> String {
    let counted = results.own.iter().map(|c| c.counted().count()).max().unwrap_or(0);
    let mut words = match counted {
        0 | 1 => String::new(),
        n => format!(
            "Lines are means over up to {n} seeds; thin lines are single seeds. Bands reach from \
             the least to the greatest value. "
        ),
    };
    let has_any = |c: &&&Configuration<'_>| {
        Metric::ALL.iter().any(|metric| results.published_curve(c, *metric).next().is_some())
    };
    if results.own.iter().find(has_any).is_some() {
        let elsewhere = if results.published_elsewhere() {
            format!(" on {}", names::dataset(results.published.dataset))
        } else {
            String::new()
        };
        let diamonds = format!(
            "Hollow diamonds are the paper's values{elsewhere}, at the steps at which its figures \
             could be read, with its bands where these could be read. If a chart ends before the \
             paper's last step, the paper's last value is shown to the right."
        );
        words.push_str(&diamonds);
    }
    words
}
