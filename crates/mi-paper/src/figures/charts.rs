//! Charts of configurations.

use mi_plot::{
    Axis, Dash, IntervalChart, IntervalRow, Limits, LineChart, Mark, Point, Scale, Series,
};

use crate::configurations::{Configuration, Key, Sample};
use crate::figures::style::style;
use crate::figures::{Panel, slug, tables};
use crate::names::{self, Varies};
use crate::published::{self, Published};
use crate::record::Metric;
use crate::report::numbers;

/// Standard deviation of the filter over the curves of figure 4c, in steps.
const SMOOTHING: f64 = 100.0;
/// Smoothed curves are drawn at this many steps at most.
const SMOOTHED_POINTS: u64 = 200;
/// Cap of `InfoNCE` with the paper's batches of 128.
const CAP: f64 = 4.852_030_263_919_617;

/// The configurations that one figure shows.
pub(crate) struct Scene<'a> {
    pub(crate) all: &'a [Configuration<'a>],
    pub(crate) own: Vec<&'a Configuration<'a>>,
    pub(crate) dataset: &'a str,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(all: &'a [Configuration<'a>], experiment: &str, dataset: &'a str) -> Self {
        let own = all
            .iter()
            .filter(|c| c.key.experiment == experiment && c.key.dataset == dataset)
            .collect();
        Self { all, own, dataset }
    }

    /// Those that `is` picks and that have the metric.
    fn with(&self, metric: Metric, is: impl Fn(&Key) -> bool) -> Vec<&'a Configuration<'a>> {
        self.own.iter().copied().filter(|c| is(&c.key) && c.has(metric)).collect()
    }

    fn style(&self, configuration: &Configuration<'_>) -> (usize, Dash) {
        let place = self.own.iter().position(|c| c.key == configuration.key).unwrap_or(0);
        style(&configuration.key, place)
    }

    /// Whether the paper's values are for another data set than this.
    fn published_elsewhere(&self, published: &Published) -> bool {
        published.dataset() != self.dataset
    }

    /// Heading of the column of published values.
    fn column_heading(&self, published: &Published) -> &'static str {
        match (self.published_elsewhere(published), published.dataset()) {
            (true, "cifar-10") => "paper, CIFAR-10",
            (true, _) => "paper, MNIST",
            (false, _) => "paper",
        }
    }

    /// End value of the pixel baseline on this data set, with the noise of the encoders' views.
    fn pixel_accuracy(&self) -> Option<f64> {
        let noisy = self.own.iter().any(|c| c.key.experiment == "conditioning");
        self.all
            .iter()
            .filter(|c| c.key.experiment == "pixels" && c.key.dataset == self.dataset)
            .filter(|c| c.key.setting.starts_with("noise=") == noisy)
            .find_map(|c| c.end(Metric::Accuracy))
            .map(|sample| sample.mean())
    }
}

/// A chart of one metric over the training steps.
pub(crate) struct OverSteps<'a> {
    pub(crate) name: &'a str,
    pub(crate) title: &'a str,
    pub(crate) metric: Metric,
    /// The only bound shown; all for `None`.
    pub(crate) bound: Option<&'a str>,
    /// Values drawn as lines to compare with.
    pub(crate) references: &'a [(f64, &'a str)],
}

impl OverSteps<'_> {
    /// The chart; `None` while no configuration has a value.
    pub(crate) fn panel(&self, scene: &Scene<'_>) -> Option<Panel> {
        let shown = scene.with(self.metric, |k| self.bound.is_none_or(|bound| k.bound == bound));
        if shown.is_empty() {
            return None;
        }
        let varies = Varies::among(shown.iter().map(|c| &c.key));
        let label = |c: &Configuration<'_>| labelled(&c.key, varies);
        let mut chart = LineChart::new(self.title, Axis::new("training step"), axis(self.metric));
        for configuration in &shown {
            let (colour, dash) = scene.style(configuration);
            let points = configuration.curve(self.metric).iter().map(point).collect();
            let series = Series::new(label(configuration), points).colour(colour).dash(dash);
            // A lone line needs no name beside the chart's title.
            chart = chart.series(if shown.len() == 1 { series.quiet() } else { series });
        }
        for &(value, label) in self.references {
            chart = chart.reference(value, label);
        }
        if self.metric == Metric::Accuracy
            && takes_pixels(&shown)
            && let Some(pixels) = scene.pixel_accuracy()
        {
            chart = chart.reference(pixels, "pixels, this run");
        }
        let ends: Vec<(&Published, Mark)> = shown
            .iter()
            .filter_map(|c| {
                let published = published::end(&c.key, self.metric)?;
                Some((published, mark(published, &label(c), scene.style(c).0)))
            })
            .collect();
        if let Some((first, _)) = ends.first() {
            let heading = scene.column_heading(first);
            chart = chart.column(heading, ends.into_iter().map(|(_, mark)| mark).collect());
        }
        let curves: Vec<(String, Vec<Sample>)> =
            shown.iter().map(|c| (label(c), c.curve(self.metric))).collect();
        Some(Panel {
            name: self.name.to_owned(),
            svg: chart.draw(),
            values: tables::by_step(self.title, self.metric, &curves),
        })
    }
}

/// The pixel baseline is a yardstick for encoders that begin near the identity.
fn takes_pixels(shown: &[&Configuration<'_>]) -> bool {
    let near_identity = |c: &&Configuration<'_>| {
        matches!(c.key.experiment.as_str(), "invertible" | "adversarial" | "conditioning")
    };
    shown.iter().any(near_identity)
}

/// Percentiles of the Jacobians' condition over the steps (figures 2c and 5).
pub(crate) fn percentiles(
    scene: &Scene<'_>,
    name: &str,
    title: &str,
    (bound, setting): (&str, &str),
) -> Option<Panel> {
    const PERCENTILES: [(Metric, &str, Dash); 6] = [
        (Metric::LogConditionP100, "greatest", Dash::Dotted),
        (Metric::LogConditionP80, "80 %", Dash::Dashed),
        (Metric::LogConditionP60, "60 %", Dash::Solid),
        (Metric::LogConditionP40, "40 %", Dash::Solid),
        (Metric::LogConditionP20, "20 %", Dash::Dashed),
        (Metric::LogConditionP0, "least", Dash::Dotted),
    ];
    let shown = scene.with(Metric::LogConditionP0, |k| k.bound == bound && k.setting == setting);
    let configuration = shown.first()?;
    let (colour, _) = scene.style(configuration);
    let mut chart = LineChart::new(
        title,
        Axis::new("training step"),
        Axis::new("ln(σmax/σmin) of the Jacobian, percentiles over inputs"),
    );
    let (mut marks, mut curves, mut heading) = (Vec::new(), Vec::new(), None);
    for (metric, label, dash) in PERCENTILES {
        let curve = configuration.curve(metric);
        let points = curve.iter().map(point).collect();
        chart = chart.series(Series::new(label, points).colour(colour).dash(dash));
        if let Some(published) = published::end(&configuration.key, metric) {
            heading = Some(scene.column_heading(published));
            marks.push(mark(published, label, colour));
        }
        curves.push((label.to_owned(), curve));
    }
    // One below the other: six marks side by side would read as six positions.
    if let Some(heading) = heading {
        chart = chart.stacked_column(heading, marks);
    }
    Some(Panel {
        name: name.to_owned(),
        svg: chart.draw(),
        values: tables::by_step(title, Metric::LogConditionP0, &curves),
    })
}

/// Estimates of one batch each, smoothed as in figure 4c.
pub(crate) fn estimates(scene: &Scene<'_>, name: &str, title: &str) -> Option<Panel> {
    let shown = scene.with(Metric::Estimate, |_| true);
    if shown.is_empty() {
        return None;
    }
    let varies = Varies::among(shown.iter().map(|c| &c.key));
    let mut chart = LineChart::new(
        title,
        Axis::new("training step"),
        Axis::new(names::axis(Metric::Estimate)).limits(Limits::Trimmed),
    );
    let (mut marks, mut curves) = (Vec::new(), Vec::new());
    for configuration in &shown {
        let (colour, dash) = scene.style(configuration);
        let label = labelled(&configuration.key, varies);
        let curve = smoothed(configuration);
        let points = curve.iter().map(point).collect();
        chart = chart.series(Series::new(&label, points).colour(colour).dash(dash));
        if let Some(published) = published::end(&configuration.key, Metric::Estimate) {
            marks.push(mark(published, &label, colour));
        }
        curves.push((label, curve));
    }
    for (metric, label) in [(Metric::TrueMi, "true"), (Metric::Ceiling, "ceiling")] {
        if let Some(sample) = shown.iter().find_map(|c| c.end(metric)) {
            chart = chart.reference(sample.mean(), label);
        }
    }
    let chart = chart.column("paper", marks);
    Some(Panel {
        name: name.to_owned(),
        svg: chart.draw(),
        values: tables::by_step(title, Metric::Estimate, &curves),
    })
}

/// The counted trials' estimates through a Gaussian filter.
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

/// A curve's value at a step after the filter; `None` beyond its reach.
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

/// The name of a series; a lone one is named after its bound or encoder.
fn labelled(key: &Key, varies: Varies) -> String {
    let label = names::configuration(key, varies);
    if !label.is_empty() {
        return label;
    }
    let candidates = [names::bound(&key.bound), names::encoder(&key.encoder).to_owned()];
    candidates.into_iter().find(|name| name != "none").unwrap_or_else(|| "all".to_owned())
}

/// Mean and band of a sample.
fn point(sample: &Sample) -> Point {
    let point = Point::new(sample.step as f64, sample.mean()).note(seeds(sample));
    if sample.values.len() < 2 {
        return point;
    }
    point.between(sample.least(), sample.greatest())
}

fn seeds(sample: &Sample) -> String {
    match sample.values.len() {
        1 => "1 seed".to_owned(),
        n => format!("{n} seeds"),
    }
}

fn mark(published: &Published, label: &str, colour: usize) -> Mark {
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
    match metric {
        Metric::TargetLoss | Metric::InverseError => axis.scale(Scale::Log),
        // Bounds may begin far below zero, where they say nothing: mutual information is not
        // negative.
        Metric::BoundTrain | Metric::BoundTest => axis.limits(Limits::Trimmed).floor(0.0),
        _ => axis,
    }
}

/// What lines, bands and diamonds are.
pub(crate) fn key(scene: &Scene<'_>) -> String {
    let counted = scene.own.iter().map(|c| c.counted().count()).max().unwrap_or(0);
    let mut words = match counted {
        0 | 1 => String::new(),
        n => format!(
            "Lines are means over up to {n} seeds, bands reach from the least to the greatest. "
        ),
    };
    let published = scene
        .own
        .iter()
        .find_map(|c| Metric::ALL.iter().find_map(|metric| published::end(&c.key, *metric)));
    if let Some(published) = published {
        let step = numbers::grouped(published.step);
        let elsewhere = if scene.published_elsewhere(published) {
            format!(", on {}", names::dataset(published.dataset()))
        } else {
            String::new()
        };
        let diamonds = format!(
            "Hollow diamonds are the paper's values at step {step}{elsewhere}, with its band \
             where it could be read."
        );
        words.push_str(&diamonds);
    }
    words
}

/// The reference line of the cap of `InfoNCE`.
pub(crate) const INFONCE_CAP: (f64, &str) = (CAP, "ln 128, cap");

/// File name part of a bound.
pub(crate) fn bound_slug(bound: &str) -> String {
    slug(bound)
}
