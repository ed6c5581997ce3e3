//! Charts of configurations.

use mi_plot::{Axis, Dash, Limits, LineChart, Mark, Point, Scale, Series};

use crate::configurations::{Configuration, Key, Sample};
use crate::figures::style::style;
use crate::figures::{Panel, tables};
use crate::names::{self, Varies};
use crate::published::{self, Published};
use crate::record::Metric;
use crate::report::numbers;

/// Cap of `InfoNCE` with the paper's batches of 128.
pub(super) const CAP: f64 = 4.852_030_263_919_617;

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
    pub(super) fn with(
        &self,
        metric: Metric,
        is: impl Fn(&Key) -> bool,
    ) -> Vec<&'a Configuration<'a>> {
        self.own.iter().copied().filter(|c| is(&c.key) && c.has(metric)).collect()
    }

    pub(super) fn style(&self, configuration: &Configuration<'_>) -> (usize, Dash) {
        let place = self.own.iter().position(|c| c.key == configuration.key).unwrap_or(0);
        style(&configuration.key, place)
    }

    /// Whether the paper's values are for another data set than this.
    fn published_elsewhere(&self, published: &Published) -> bool {
        published.dataset() != self.dataset
    }

    /// Heading of the column of published values.
    pub(super) fn column_heading(&self, published: &Published) -> &'static str {
        match (self.published_elsewhere(published), published.dataset()) {
            (true, "cifar-10") => "paper, CIFAR-10",
            (true, _) => "paper, MNIST",
            (false, _) => "paper",
        }
    }

    /// End value of the pixel baseline on this data set, with the noise of the encoders' views.
    pub(super) fn pixel_accuracy(&self) -> Option<f64> {
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

/// The name of a series; a lone one is named after its bound or encoder.
pub(super) fn labelled(key: &Key, varies: Varies) -> String {
    let label = names::configuration(key, varies);
    if !label.is_empty() {
        return label;
    }
    let candidates = [names::bound(&key.bound), names::encoder(&key.encoder).to_owned()];
    candidates.into_iter().find(|name| name != "none").unwrap_or_else(|| "all".to_owned())
}

/// Mean and band of a sample.
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

pub(super) fn mark(published: &Published, label: &str, colour: usize) -> Mark {
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
