//! Rank correlations between two metrics of trials, and scatter charts of the same points.

use mi_plot::{Axis, Dash, IntervalChart, IntervalRow, Limits, LineChart, Point, Series};
use mi_random::Stream;

use crate::figures::Panel;
use crate::figures::charts::labelled;
use crate::figures::subject::{Extent, Subject, file_name};
use crate::names::{self, Varies};
use crate::numbers;
use crate::record::Metric;
use crate::results::{Configuration, Results, Trial};
use crate::statistics::rank_correlation;
use crate::table::{Align, Table};

/// The fewest configurations whose values are ranked. Some metrics have fewer: for example, only
/// the encoders trained against a classifier have a cross-entropy to the uniform label.
const FEWEST: usize = 5;

/// The number of bootstrap samples.
const DRAWS: usize = 1_000;

/// Spearman's rank correlation of two metrics over trained encoders, with an interval.
pub(crate) struct Correlated {
    metric: Metric,
    value: f64,
    /// The 2.5 % and 97.5 % quantiles of the bootstrap distribution.
    interval: (f64, f64),
    points: usize,
}

/// The values of two metrics of a configuration's finished trials that `read` finds and that are
/// finite.
fn points(
    configuration: &Configuration<'_>,
    (a, b): (Metric, Metric),
    read: impl Fn(&Trial<'_>, Metric) -> Option<f64>,
) -> Vec<(f64, f64)> {
    let trials = configuration.trials.iter().filter(|trial| trial.is_finished());
    let both = trials.filter_map(|trial| read(trial, a).zip(read(trial, b)));
    both.filter(|(a, b)| a.is_finite() && b.is_finite()).collect()
}

/// The value after training; `None` if it was measured only before.
fn end(trial: &Trial<'_>, metric: Metric) -> Option<f64> {
    trial.last(metric).filter(|(step, _)| *step > 0).map(|(_, value)| value)
}

/// The value before training. The method alone is not a function of trials of any lifetime.
fn start(trial: &Trial<'_>, metric: Metric) -> Option<f64> {
    trial.first(metric)
}

impl Correlated {
    /// The correlation over all trials at the end of training; `None` if fewer than [`FEWEST`]
    /// configurations have both metrics, if there are fewer than three points, or if a metric is
    /// the same everywhere.
    pub(crate) fn of(
        results: &Results<'_>,
        metrics: (Metric, Metric),
        stream: &mut Stream,
    ) -> Option<Self> {
        let groups: Vec<Vec<(f64, f64)>> = results
            .own
            .iter()
            .map(|c| points(c, metrics, end))
            .filter(|own| !own.is_empty())
            .collect();
        if groups.len() < FEWEST {
            return None;
        }
        let correlation = |points: &[(f64, f64)]| {
            let (a, b): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
            rank_correlation(&a, &b)
        };
        let all = groups.concat();
        let value = correlation(&all)?;
        // Configurations are drawn first, then points of each: points of one are not independent.
        let mut drawn: Vec<f64> = (0..DRAWS)
            .filter_map(|_| {
                let mut sample = Vec::with_capacity(all.len());
                for _ in 0..groups.len() {
                    let group = &groups[stream.below(groups.len())];
                    sample.extend((0..group.len()).map(|_| group[stream.below(group.len())]));
                }
                correlation(&sample)
            })
            .collect();
        drawn.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (share * (drawn.len().max(1) - 1) as f64).round() as usize;
            drawn.get(place).copied().unwrap_or(value)
        };
        let interval = (at(0.025), at(0.975));
        Some(Self { metric: metrics.0, value, interval, points: all.len() })
    }
}

/// A chart of correlations over trained encoders, the strongest first; `None` if there are none.
/// `with` is the metric that the measures are correlated with.
pub(crate) fn correlation_panel(with: Metric, correlated: &[Correlated]) -> Option<Panel> {
    let mut sorted: Vec<&Correlated> = correlated.iter().collect();
    sorted.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
    sorted.first()?;
    let title = format!("Rank correlation: {}", names::subject(with));
    let mut chart = IntervalChart::new(&title, Axis::new("Spearman's ρ")).reference(0.0, "none");
    let columns = [
        ("measure", Align::Left),
        ("ρ", Align::Right),
        ("95 % interval", Align::Right),
        ("points", Align::Right),
    ];
    let mut table = Table::new(&title, &columns);
    for Correlated { metric, value, interval: (low, high), points } in sorted {
        let label = names::metric(*metric);
        chart = chart.row(
            IntervalRow::new(&*label, *value)
                .between(low.min(*value), high.max(*value))
                .note(format!("{points} points")),
        );
        let fixed = |number: f64| numbers::fixed(number, 2);
        let interval = format!("{} to {}", fixed(*low), fixed(*high));
        table.row(vec![label.into_owned(), fixed(*value), interval, points.to_string()]);
    }
    let name = format!("ranks-{}", file_name(with));
    Some(Panel { name, svg: chart.draw(), values: table, is_result: true })
}

/// A scatter chart of one metric over another: each finished trial has a point for its end and a
/// hollow one for its start, in the colour of its kind.
pub(crate) fn scatter(
    results: &Results<'_>,
    metric: Metric,
    over: Metric,
    kind: impl Fn(&Configuration<'_>) -> String,
) -> Option<Panel> {
    let metrics = (metric, over);
    let shown: Vec<&Configuration<'_>> =
        results.own.iter().copied().filter(|c| !points(c, metrics, end).is_empty()).collect();
    shown.first()?;
    let varies = Varies::among(&shown);
    let (x, y) = (names::metric(metric), names::metric(over));
    let title = Subject::of(metric).title(Extent::All);
    // One encoder far off would squeeze all others into a line.
    let axis = Axis::new(&*x).limits(Limits::Trimmed);
    let mut chart = LineChart::new(&title, axis, Axis::new(&*y));
    let columns = [
        ("", Align::Left),
        ("training", Align::Left),
        (x.as_ref(), Align::Right),
        (y.as_ref(), Align::Right),
    ];
    let mut table = Table::new(&title, &columns);
    let mut by_kind: Vec<(String, [Vec<Point>; 2])> = Vec::new();
    for configuration in shown {
        let (label, kind) = (labelled(configuration, varies), kind(configuration));
        let place = by_kind.iter().position(|(other, _)| *other == kind).unwrap_or_else(|| {
            by_kind.push((kind, [Vec::new(), Vec::new()]));
            by_kind.len() - 1
        });
        let both = [points(configuration, metrics, end), points(configuration, metrics, start)];
        for ((found, when), drawn) in
            both.into_iter().zip(["end", "start"]).zip(&mut by_kind[place].1)
        {
            for (a, b) in found {
                let cells = [label.as_str(), when, &numbers::fixed(a, 3), &numbers::fixed(b, 4)];
                table.row(cells.map(str::to_owned).to_vec());
                drawn.push(Point::new(a, b));
            }
        }
    }
    let mut has_starts = false;
    for (colour, (kind, mut drawn)) in by_kind.into_iter().enumerate() {
        for points in &mut drawn {
            points.sort_by(|a, b| a.x.total_cmp(&b.x));
        }
        let [ends, starts] = drawn;
        has_starts |= !starts.is_empty();
        let untrained = Series::new(format!("{kind}, before training"), starts);
        chart = chart
            .series(Series::new(kind, ends).colour(colour).dash(Dash::None))
            .series(untrained.colour(colour).dash(Dash::None).hollow());
    }
    if has_starts {
        chart = chart.note("Hollow: before training.");
    }
    let name = format!("scatter-{}", file_name(metric));
    Some(Panel { name, svg: chart.draw(), values: table, is_result: false })
}
