//! Interval charts of the effects that decide a claim.

use mi_plot::{Axis, IntervalChart, IntervalRow};

use crate::claims::{Condition, Expected, Finding, Measure};

/// How many times smaller than the largest effect of a chart those are that get a chart of their
/// own, since they would be points at zero in it.
const MUCH_SMALLER: f64 = 10.0;

/// The effects as interval charts, one for each kind of number.
pub(crate) fn forests(id: &str, finding: &Finding) -> Vec<IntervalChart> {
    let kinds = [
        (Measure::Points, "effects on accuracy", "difference of accuracies (percentage points)"),
        (Measure::Nats, "effects in nats", "nats"),
        (Measure::Log, "growth of the condition number", "ln(σmax/σmin), end − start"),
        (Measure::Correlation, "rank correlations", "Spearman's ρ"),
    ];
    let charts = kinds.iter().flat_map(|&(measure, title, label)| {
        let is_shown =
            |c: &&Condition| c.measure == measure && (c.effect.is_some() || c.single.is_some());
        let own: Vec<&Condition> = finding.conditions.iter().filter(is_shown).collect();
        let largest = own.iter().map(|c| extent(c)).fold(0.0, f64::max);
        let (small, large): (Vec<&Condition>, Vec<&Condition>) =
            own.into_iter().partition(|c| extent(c) * MUCH_SMALLER < largest);
        let parts = [(large, format!("{id}: {title}")), (small, format!("{id}: small {title}"))];
        parts.map(|(own, title)| forest(title, label, &own))
    });
    charts.flatten().collect()
}

/// The largest absolute value that a condition's row shows.
fn extent(condition: &Condition) -> f64 {
    let effect = condition.effect.map_or([f64::NAN; 3], |e| [e.mean, e.low, e.high]);
    let others = [condition.single, condition.published].map(|value| value.unwrap_or(f64::NAN));
    let values = effect.into_iter().chain(others).filter(|value| value.is_finite());
    values.fold(0.0, |largest, value| largest.max(value.abs()))
}

/// A chart of effects; `None` without any. A limit that all share is a line across the rows; others
/// are ticks.
fn forest(title: String, label: &str, conditions: &[&Condition]) -> Option<IntervalChart> {
    let first = conditions.first()?;
    let shared = conditions.iter().all(|c| c.expected == first.expected);
    let mut chart = IntervalChart::new(title, Axis::new(label));
    for condition in conditions {
        let limits = if shared { Vec::new() } else { limits(condition.expected) };
        let scaled = limits.into_iter().map(|limit| condition.measure.scaled(limit));
        chart = chart.row(scaled.fold(row(condition), IntervalRow::limit));
    }
    if conditions.iter().any(|c| c.published.is_some()) {
        chart = chart.note("Hollow diamonds: the paper.");
    }
    Some(match first.expected {
        Expected::Above(limit) if shared => {
            chart.reference(first.measure.scaled(limit), "claimed: to the right")
        }
        Expected::Below(limit) if shared => {
            chart.reference(first.measure.scaled(limit), "claimed: to the left")
        }
        Expected::Within(low, high) if shared => {
            let [low, high] = [low, high].map(|limit| first.measure.scaled(limit));
            chart.reference(low, "claimed: between").reference(high, "")
        }
        _ => chart.note("Dotted ticks: the limits of the claim in each row."),
    })
}

/// The limits of where an effect should lie.
fn limits(expected: Expected) -> Vec<f64> {
    match expected {
        Expected::Above(limit) | Expected::Below(limit) => vec![limit],
        Expected::Within(low, high) => vec![low, high],
    }
}

fn row(condition: &Condition) -> IntervalRow {
    let scaled = |value| condition.measure.scaled(value);
    let colour = match condition.met() {
        Some(true) => 2,
        Some(false) => 1,
        None => 7,
    };
    let value = condition.effect.map(|e| e.mean).or(condition.single).unwrap_or(f64::NAN);
    let mut row = IntervalRow::new(condition.what.as_str(), scaled(value))
        .colour(colour)
        .note(format!("expected {}", condition.expected_text()));
    if let Some(effect) = condition.effect {
        row = row.between(scaled(effect.low), scaled(effect.high));
    }
    if let Some(published) = condition.published {
        row = row.mark(scaled(published));
    }
    row
}
