//! Functions that the experiments on systems of many views share.

use mi_critics::CriticSpec;
use mi_data::{DataError, View};
use mi_estimators::bounds::BoundSpec;

use super::Variant;
use super::settings::probes;
use crate::claims::{Condition, Expected, Measure, Readout};
use crate::config::{EncoderSpec, Evaluation, Task};
use crate::figures::Panel;
use crate::figures::ends::ends;
use crate::figures::panels::over;
use crate::multi_view::{MultiView, NamedEncoder, NamedView, Net, ObjectiveSpec, Probed, ViewTerm};
use crate::names;
use crate::preset::Scale;
use crate::record::Metric;
use crate::results::{Configuration, Results};

/// A view from its text. A test parses the texts of every experiment, so that none can fail here.
pub(super) fn view(name: &str, piece: &str) -> NamedView {
    let parsed: Result<View, DataError> = piece.parse();
    let piece = parsed.unwrap_or_else(|error| unreachable!("{error}"));
    NamedView { name: name.to_owned(), piece }
}

pub(super) fn encoder(name: &str, view: &str, net: EncoderSpec) -> NamedEncoder {
    NamedEncoder { name: name.to_owned(), view: view.to_owned(), net: Net::Own(net) }
}

/// An encoder with the weights of another.
pub(super) fn same_encoder(name: &str, view: &str, of: &str) -> NamedEncoder {
    let net = Net::Same(of.to_owned());
    NamedEncoder { name: name.to_owned(), view: view.to_owned(), net }
}

/// A term with InfoNCE as its objective.
pub(super) fn info_nce(names: (&str, &str, &str), critic: CriticSpec) -> ViewTerm {
    ViewTerm::new(names, critic, ObjectiveSpec::Bound(BoundSpec::InfoNce))
}

pub(super) fn cosine(temperature: f64) -> CriticSpec {
    CriticSpec::Cosine { temperature, learned: false }
}

/// A task with these parts, evaluated by bounds and probes.
pub(super) fn task(
    scale: &Scale,
    (views, encoders): (Vec<NamedView>, Vec<NamedEncoder>),
    terms: Vec<ViewTerm>,
    probed: Vec<Probed>,
) -> MultiView {
    MultiView {
        sequences: None,
        views,
        encoders,
        contexts: Vec::new(),
        terms,
        prior: None,
        probes: probed,
        batch_size: scale.batch_size,
        learning_rate: scale.learning_rate,
        optimiser: None,
        evaluations: [vec![Evaluation::Bounds], probes(scale)].concat(),
    }
}

/// A variant of this name.
pub(super) fn named(scale: &Scale, name: &str, task: MultiView) -> Variant {
    Variant {
        steps: scale.view_steps,
        evaluate_every: scale.view_evaluate_every,
        task: Task::MultiView(task),
        setting: Some(name.to_owned()),
    }
}

/// The most configurations whose curves can be told apart in one chart.
const MOST_CURVES: usize = 8;

/// Charts of each metric: at the end, and over the steps if it has curves that can be told apart.
pub(super) fn end_panels(results: &Results<'_>, metrics: &[Metric]) -> Vec<Panel> {
    let panels = metrics.iter().flat_map(|&metric| {
        // Two points, the start and the end, are no curve; the tables have both.
        let shown = results.own.iter().filter(|c| c.has(metric));
        let has_curve = shown.clone().count() <= MOST_CURVES
            && shown.clone().any(|c| c.curve(metric).len() > 2);
        let over_steps = has_curve.then(|| over(metric).panel(results));
        [ends(results, metric), over_steps.flatten()]
    });
    panels.flatten().collect()
}

/// Whether a configuration has this name.
pub(super) fn is(name: &'static str) -> impl Fn(&Configuration<'_>) -> bool + Copy {
    move |configuration| configuration.is_named(name)
}

/// The condition on the difference of a metric between two configurations, by seed.
pub(super) fn difference(
    results: &Results<'_>,
    readout: Readout,
    (metric, measure): (Metric, Measure),
    (a, b): (&'static str, &'static str),
    expected: Expected,
) -> Condition {
    let of = |name| results.by_seed(is(name), readout.of(metric));
    let what = format!("{}: {a} − {b}", names::metric(metric));
    Condition::on_difference(what, measure, expected, &of(a), &of(b))
}
