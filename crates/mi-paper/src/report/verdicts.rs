//! Verdicts for readers.

use maud::{Markup, PreEscaped, html};
use mi_plot::{Axis, IntervalChart, IntervalRow};

use crate::claims::{self, Condition, Decision, Expected, Measure, Verdict};
use crate::names;
use crate::outcome::Outcome;
use crate::table::{Align, Table};

/// How verdicts come about.
pub(crate) fn method() -> String {
    format!(
        "A claim holds if the 95 % interval of every effect lies where the claim says. It does \
         not hold if that of some effect lies wholly elsewhere, all that the claim presupposes is \
         met, and the trials have at least {full} % of the paper's steps: shorter ones may yet \
         come to it. Else there are not enough runs to say. Intervals are Student's t over seeds, \
         of paired differences where runs share seeds. One seed has no interval and decides \
         nothing; nor do trials of less than {least} % of the paper's steps, nor a run with a \
         configuration of which more than one trial in five diverged.",
        full = claims::FULL_TRAINING,
        least = 100 / claims::SHORTEST,
    )
}

/// The condition that stands for a verdict: the first that is not met, else the first that is
/// open, else the first with a published value to compare with.
pub(crate) fn headline(verdict: &Verdict) -> Option<&Condition> {
    let conditions = || verdict.conditions.iter();
    let deciding = match verdict.decision {
        Decision::DoesNotHold => conditions().find(|c| c.met == Some(false)),
        Decision::NotEnoughRuns => conditions()
            .find(|c| c.met == Some(false))
            .or_else(|| conditions().find(|c| c.met.is_none() && c.effect.is_some()))
            .or_else(|| conditions().find(|c| c.single.is_some() && c.published.is_some())),
        Decision::Holds => None,
    };
    deciding
        .or_else(|| conditions().find(|c| c.published.is_some()))
        .or_else(|| conditions().next())
}

/// Anchor of a verdict's details.
pub(crate) fn anchor(verdict: &Verdict) -> String {
    let dataset = verdict.dataset.as_deref().unwrap_or("none");
    format!("rule-{}-{dataset}", verdict.id.to_lowercase())
}

/// The data set in prose; `None` where there is none to tell apart.
pub(crate) fn dataset(verdict: &Verdict) -> Option<&str> {
    verdict.dataset.as_deref().map(names::dataset)
}

/// A verdict as a coloured word with a sign, so that colour is not all that tells it.
pub(crate) fn badge(decision: Decision, text: &str) -> Markup {
    let (class, sign) = match decision {
        Decision::Holds => ("badge holds", "✓"),
        Decision::DoesNotHold => ("badge fails", "✗"),
        Decision::NotEnoughRuns => ("badge open", "?"),
    };
    html! { span class=(class) { span aria-hidden="true" { (sign) " " } (text) } }
}

/// How many conditions are met, where they are not all.
pub(crate) fn met(verdict: &Verdict) -> Option<String> {
    let all = verdict.conditions.len();
    let met = verdict.conditions.iter().filter(|c| c.met == Some(true)).count();
    (met < all).then(|| format!("{met} of {all} conditions met"))
}

/// What so many claims of a verdict do.
pub(crate) fn tally(decision: Decision, count: usize) -> &'static str {
    match (decision, count) {
        (Decision::Holds, 1) => "claim holds",
        (Decision::Holds, _) => "claims hold",
        (Decision::DoesNotHold, 1) => "claim does not hold",
        (Decision::DoesNotHold, _) => "claims do not hold",
        (Decision::NotEnoughRuns, 1) => "claim: not enough runs to say",
        (Decision::NotEnoughRuns, _) => "claims: not enough runs to say",
    }
}

/// What stands over the contradictions.
pub(crate) fn contradiction_heading(outcome: &Outcome) -> &'static str {
    if outcome.run.deviations.is_empty() {
        "Where this run contradicts the paper"
    } else {
        "Where this run contradicts the paper, given its departures from the protocol"
    }
}

/// One plain sentence for each condition that contradicts the paper.
pub(crate) fn contradictions(verdicts: &[Verdict]) -> Vec<String> {
    let refuted = verdicts.iter().filter(|v| v.decision == Decision::DoesNotHold);
    refuted
        .flat_map(|verdict| {
            verdict.conditions.iter().filter(|c| c.met == Some(false)).map(move |condition| {
                let dataset = dataset(verdict).map_or(String::new(), |d| format!(" on {d}"));
                let paper = condition.published_text().map_or(String::new(), |value| {
                    let value = format!("{value} {}", condition.measure.unit());
                    format!("; the paper has {}{}", value.trim_end(), elsewhere(verdict))
                });
                format!("{}{dataset}: {}{paper}.", verdict.id, condition.sentence())
            })
        })
        .collect()
}

/// The paper's data set, where it is another than that of the run.
fn elsewhere(verdict: &Verdict) -> String {
    let papers = verdict.paper_dataset;
    let same = verdict.dataset.as_deref().is_none_or(|own| own == papers);
    if same { String::new() } else { format!(" on {}", names::dataset(papers)) }
}

/// A verdict's conditions.
pub(crate) fn conditions(verdict: &Verdict) -> Table {
    let mut table = Table::new(
        "",
        &[
            ("condition", Align::Left),
            ("effect [95 % interval]", Align::Right),
            ("seeds", Align::Right),
            ("expected", Align::Right),
            ("paper", Align::Right),
            ("met", Align::Left),
        ],
    );
    for condition in &verdict.conditions {
        let met = match condition.met {
            Some(true) => "✓ yes",
            Some(false) => "✗ no",
            None => "open",
        };
        let presupposed = condition.presupposed.map_or("", |_| " (presupposed)");
        table.row(vec![
            format!("{}{presupposed}", condition.what),
            condition.effect_text(),
            condition.seeds().to_string(),
            condition.expected_text(),
            condition.published_text().unwrap_or_default(),
            met.to_owned(),
        ]);
    }
    table.without_empty_columns()
}

/// Rule, reason, conditions and effects of one verdict.
pub(crate) fn details(verdict: &Verdict) -> Markup {
    html! {
        h3 id=(anchor(verdict)) {
            (verdict.id)
            @if let Some(dataset) = dataset(verdict) { " on " (dataset) }
            " " (badge(verdict.decision, &verdict.decision.to_string()))
        }
        p { (verdict.claim) }
        p { strong { "Rule. " } (verdict.rule) }
        p { strong { "Here. " } (verdict.reason) }
        @if !verdict.conditions.is_empty() {
            (conditions(verdict).to_html())
            div.pair {
                @for chart in forests(verdict) {
                    div.forest { (PreEscaped(chart.draw().inline())) }
                }
            }
        }
    }
}

/// The effects as interval charts, one for each kind of number.
fn forests(verdict: &Verdict) -> Vec<IntervalChart> {
    let kinds = [
        (Measure::Points, "Effects on accuracy", "difference of accuracies (percentage points)"),
        (Measure::Nats, "Effects in nats", "nats"),
        (Measure::Log, "Growth of the condition", "ln(σmax/σmin), end − start"),
    ];
    let charts = kinds.iter().filter_map(|&(measure, title, label)| {
        let own: Vec<&Condition> =
            verdict.conditions.iter().filter(|c| c.measure == measure).collect();
        if own.iter().all(|c| c.effect.is_none() && c.single.is_none()) {
            return None;
        }
        let title = format!("{}: {}", verdict.id, lower_first(title));
        let mut chart = IntervalChart::new(title, Axis::new(label));
        for condition in &own {
            chart = chart.row(row(condition));
        }
        if own.iter().any(|c| c.published.is_some()) {
            chart = chart.note("Hollow diamonds: the paper.");
        }
        let shared = own.iter().all(|c| c.expected == own[0].expected);
        Some(match own[0].expected {
            Expected::Above(limit) if shared => {
                chart.reference(measure.scaled(limit), "claimed: to the right")
            }
            Expected::Below(limit) if shared => {
                chart.reference(measure.scaled(limit), "claimed: to the left")
            }
            _ => chart.reference(0.0, "0"),
        })
    });
    charts.collect()
}

fn row(condition: &Condition) -> IntervalRow {
    let scaled = |value| condition.measure.scaled(value);
    let colour = match condition.met {
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

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}
