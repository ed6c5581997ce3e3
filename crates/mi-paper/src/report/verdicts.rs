//! Verdicts for readers.

use maud::{Markup, PreEscaped, html};

use crate::claims::{self, Condition, Decision, Finding, Measure, SeedPlan, Settled, Verdict};
use crate::names;
use crate::outcome::Outcome;
use crate::report::effects::forests;
use crate::report::facts;
use crate::table::{Align, Table};

/// The sentence above verdicts that are only demonstrations; `None` if they are tests.
pub(crate) fn demonstration(verdicts: &[Verdict]) -> Option<&'static str> {
    verdicts.iter().any(|verdict| verdict.is_demonstration).then_some(
        "These verdicts are demonstrations, not tests: the sizes and the numbers of seeds of the \
         preset “quick” were chosen by the results of the same seeds. A verdict that such a choice \
         favours can be wrong with any probability.",
    )
}

/// The explanation of how verdicts are reached.
pub(crate) fn method(verdicts: &[Verdict]) -> String {
    let error = if demonstration(verdicts).is_some() {
        "That error probability does not apply to demonstrations."
    } else {
        "So each of the two wrong verdicts has a probability of at most 2.5 %, if effects are \
         normal over seeds."
    };
    let (version, date) = claims::VERSION;
    let [first, second] = claims::EARLIER_DATES;
    format!(
        "Claims are judged by version {version} of the rules ({date}); docs/verdicts.md has them in \
         full. A verdict is about the setting that ran. The value of a metric is its mean over the \
         last fifth of the steps; if training is so short that only the last evaluation is there, it \
         is that one. A claim holds if every condition is confirmed. It does not hold if \
         a condition is refuted, tested at its share of the error probability, and everything that \
         the claim presupposes is confirmed. The number of seeds is planned in advance, for each \
         claim and for every setting. Looks before the last planned seed, at 3, 5, 10 and 20 seeds, \
         spend a fifth of the error probability. Seeds beyond the plan or out of order decide \
         nothing. {error} The \
         intervals shown are Student's t intervals over seeds (95 %); comparisons are differences \
         within a seed. If more than one trial in five of a configuration diverged, its claim stays \
         open. Version 1 ({first}) read only the last evaluation. Version 2 ({second}) had no plan \
         for settings other than the paper's: any number of seeds was the planned one. Their \
         verdicts are shown next to each."
    )
}

/// The condition that represents a finding: the first that is not met, otherwise the first that is
/// open, otherwise the first with a published value for comparison.
pub(crate) fn headline(finding: &Finding) -> Option<&Condition> {
    let conditions = || finding.conditions.iter();
    let refuted = |c: &&Condition| c.met() == Some(false);
    let deciding = match finding.decision {
        Decision::DoesNotHold => conditions().find(refuted),
        Decision::Open | Decision::NotShown | Decision::NotJudged => conditions()
            .find(refuted)
            .or_else(|| conditions().find(|c| c.met().is_none() && c.effect.is_some()))
            .or_else(|| conditions().find(|c| c.single.is_some() && c.published.is_some())),
        Decision::Holds => None,
    };
    deciding
        .or_else(|| conditions().find(|c| c.published.is_some()))
        .or_else(|| conditions().next())
}

/// The anchor of a verdict's details.
pub(crate) fn anchor(verdict: &Verdict) -> String {
    let dataset = verdict.dataset.as_deref().unwrap_or("none");
    format!("rule-{}-{dataset}", verdict.id.to_lowercase())
}

/// The anchor of the details of another form of a claim.
pub(crate) fn form_anchor(verdict: &Verdict, id: &str) -> String {
    format!("{}-{}", anchor(verdict), id.to_lowercase())
}

/// The data set in words; `None` if the experiment did not run.
pub(crate) fn dataset(verdict: &Verdict) -> Option<&str> {
    verdict.dataset.as_deref().map(names::dataset)
}

/// A verdict as a coloured word with a sign, so that its meaning does not depend on colour.
pub(crate) fn badge(decision: Decision, text: &str) -> Markup {
    let (class, sign) = match decision {
        Decision::Holds => ("badge holds", "✓"),
        Decision::DoesNotHold => ("badge fails", "✗"),
        Decision::Open => ("badge open", "?"),
        Decision::NotShown | Decision::NotJudged => ("badge open", "–"),
    };
    html! { span class=(class) { span aria-hidden="true" { (sign) " " } (text) } }
}

/// How many conditions are confirmed, and at how many seeds the rest would be settled; `None` if all
/// are, or if nothing is judged.
pub(crate) fn settled(finding: &Finding) -> Option<String> {
    let all = &finding.conditions;
    let met = all.iter().filter(|c| c.met() == Some(true)).count();
    if met == all.len() || finding.decision == Decision::NotJudged {
        return None;
    }
    let counted = format!("{met} of {} conditions confirmed", all.len());
    let open = || all.iter().filter(|c| c.met().is_none());
    let needed = open().filter_map(|c| c.seeds_needed).max();
    let unknown = open().any(|c| c.seeds_needed.is_none());
    Some(match needed {
        Some(seeds) if !unknown => {
            format!("{counted}; the rest would be settled at about {seeds} seeds")
        }
        _ => counted,
    })
}

/// The verdict in one sentence, if the conditions say what they mean in a few words.
pub(crate) fn brief(verdict: &Verdict) -> Option<String> {
    let parts = verdict.conditions().iter().filter_map(|condition| {
        let brief = condition.brief?;
        let meaning = match condition.met() {
            Some(true) => brief.confirmed,
            Some(false) => brief.refuted,
            None => brief.open,
        };
        let symbol = if condition.measure == Measure::Correlation { "ρ = " } else { "" };
        Some(format!("{}: {meaning}, {symbol}{}", brief.name, condition.effect_text()))
    });
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| format!("{}.", parts.join("; ")))
}

/// The claims of a run in words: how many have each verdict.
pub(crate) fn tallies(verdicts: &[Verdict]) -> Vec<(Decision, String)> {
    let demonstrates = demonstration(verdicts).is_some();
    let counted = Decision::ALL.map(|decision| {
        let is_decided = matches!(decision, Decision::Holds | Decision::DoesNotHold);
        let suffix = if demonstrates && is_decided { " (demonstration)" } else { "" };
        let count = verdicts.iter().filter(|v| v.decision() == decision).count();
        (count > 0).then(|| (decision, format!("{count} {}{suffix}", tally(decision, count))))
    });
    counted.into_iter().flatten().collect()
}

/// The text for this many claims with a verdict.
fn tally(decision: Decision, count: usize) -> &'static str {
    match (decision, count) {
        (Decision::Holds, 1) => "claim holds",
        (Decision::Holds, _) => "claims hold",
        (Decision::DoesNotHold, 1) => "claim does not hold",
        (Decision::DoesNotHold, _) => "claims do not hold",
        (Decision::Open, 1) => "claim open",
        (Decision::Open, _) => "claims open",
        (Decision::NotShown, 1) => "claim not shown",
        (Decision::NotShown, _) => "claims not shown",
        (Decision::NotJudged, 1) => "claim not judged",
        (Decision::NotJudged, _) => "claims not judged",
    }
}

/// The heading above the contradictions.
pub(crate) fn contradiction_heading(outcome: &Outcome) -> &'static str {
    if !facts::runs_the_papers(outcome) {
        "What this run refutes"
    } else if facts::departures(outcome).is_empty() {
        "Where this run contradicts the paper"
    } else {
        "Where this run contradicts the paper, given its departures from the protocol"
    }
}

/// One plain sentence for each refuted condition of a claim that does not hold.
pub(crate) fn contradictions(verdicts: &[Verdict]) -> Vec<String> {
    let refuted = verdicts.iter().filter(|v| v.decision() == Decision::DoesNotHold);
    refuted
        .flat_map(|verdict| {
            let refuted = verdict.conditions().iter().filter(|c| c.met() == Some(false));
            refuted.map(move |condition| {
                let setting = &verdict.setting;
                let paper = condition.published_text().map_or(String::new(), |value| {
                    let value = format!("{value} {}", condition.measure.unit());
                    format!("; the paper has {}{}", value.trim_end(), elsewhere(verdict))
                });
                let demonstration = if verdict.is_demonstration { " (demonstration)" } else { "" };
                let (id, sentence) = (verdict.id, condition.sentence());
                format!("{id} {setting}{demonstration}: {sentence}{paper}.")
            })
        })
        .collect()
}

/// The paper's data set, if it differs from that of the run.
fn elsewhere(verdict: &Verdict) -> String {
    let papers = verdict.paper_dataset;
    let same = verdict.dataset.as_deref().is_none_or(|own| own == papers);
    if same { String::new() } else { format!(" on {}", names::dataset(papers)) }
}

/// The conditions of a finding.
pub(crate) fn conditions(finding: &Finding) -> Table {
    let mut table = Table::new(
        "",
        &[
            ("condition", Align::Left),
            ("effect [95 % interval]", Align::Right),
            ("seeds", Align::Right),
            ("expected", Align::Right),
            ("seeds as expected", Align::Right),
            ("paper", Align::Right),
            ("settled", Align::Left),
        ],
    );
    for condition in &finding.conditions {
        let settled = match condition.settled {
            Settled::Confirmed { seeds } => format!("✓ confirmed at {seeds} seeds"),
            Settled::Refuted { seeds } => format!("✗ refuted at {seeds} seeds"),
            Settled::Open if condition.is_shown_only => "not judged".to_owned(),
            Settled::Open => match condition.outlook() {
                Some(outlook) => format!("open; would be {outlook}"),
                None => "open".to_owned(),
            },
        };
        let presupposed = condition.presupposed.map_or("", |_| " (presupposed)");
        table.row(vec![
            format!("{}{presupposed}", condition.what),
            condition.effect_text(),
            condition.seeds().to_string(),
            condition.expected_text(),
            as_expected(condition),
            condition.published_text().unwrap_or_default(),
            settled,
        ]);
    }
    table.without_empty_columns()
}

/// How many of the seeds lie where their mean should.
fn as_expected(condition: &Condition) -> String {
    match condition.as_claimed() {
        (_, 0) => String::new(),
        (lie, all) => format!("{lie}/{all}"),
    }
}

/// The planned seeds and looks in words, and whether the run has other seeds.
pub(crate) fn seeds(verdict: &Verdict) -> String {
    let plan = &verdict.seeds;
    let looks: Vec<String> = plan.numbers().iter().map(usize::to_string).collect();
    let word = if looks.len() == 1 { "look" } else { "looks" };
    let (planned, ended) = (plan.planned, plan.ended.len());
    let planned = format!("{planned} planned, {word} at {}; {ended} ended.", looks.join(", "));
    match off_plan(plan, verdict.is_demonstration) {
        Some(off) => format!("{planned} {off}"),
        None => planned,
    }
}

/// What it means that the run has other seeds than those planned; `None` if it has these.
fn off_plan(plan: &SeedPlan, is_demonstration: bool) -> Option<String> {
    let counted = plan.in_order();
    if counted < plan.run.len() {
        return Some(format!(
            "Off plan: seeds count in order from 0, and this run has no seed {counted}, so that \
             later seeds decide nothing."
        ));
    }
    let seeds = if counted == 1 { "1 seed".to_owned() } else { format!("{counted} seeds") };
    let what = match plan.look_at_most(counted) {
        _ if counted == plan.planned => return None,
        None => "fewer than at the first look, so that it is not judged".to_owned(),
        Some(_) if counted > plan.planned => {
            "and those beyond the plan are shown but decide nothing".to_owned()
        }
        Some((look, level)) => {
            let level = mi_plot::number(100.0 * level);
            format!("and the last planned look is at {look}, which tests at {level} %")
        }
    };
    let off = format!("Off plan: this run has {seeds}, {what}.");
    if is_demonstration {
        return Some(off);
    }
    Some(format!(
        "{off} The looks do not depend on how many seeds a run has, so the error probability does \
         not grow."
    ))
}

/// The verdicts of earlier versions of the rules.
pub(crate) fn earlier(verdict: &Verdict) -> String {
    let sentence = |version, decision: String, reason: &str| {
        format!("Version {version} of the rules: {decision}: {}.", reason.trim_end_matches('.'))
    };
    let (first, reason) = &verdict.version_1;
    let first = match first {
        Decision::Open => "not enough runs to say".to_owned(),
        other => other.to_string(),
    };
    let first = sentence(1, first, reason);
    let second = match &verdict.version_2 {
        (second, _) if *second == verdict.decision() => {
            "Version 2: the same verdict as now.".to_owned()
        }
        (second, reason) => sentence(2, second.to_string(), reason),
    };
    format!("{first} {second}")
}

/// The verdict of version 2 of the rules, if it is another.
pub(crate) fn changed(verdict: &Verdict) -> Option<String> {
    let (second, _) = verdict.version_2;
    (second != verdict.decision()).then(|| format!("version 2 of the rules: {second}"))
}

/// The heading of a verdict's departures. The paper has no protocol for what it did not run.
pub(crate) fn departures_heading(verdict: &Verdict) -> &'static str {
    if verdict.is_papers {
        "Departures from the paper's protocol"
    } else {
        "Differences from the preset “paper”"
    }
}

/// The text of the link to a verdict's figure. It names the figure for readers of a printed report.
fn figure_name(verdict: &Verdict) -> String {
    let figures = verdict.paper_figures;
    let is_number = figures.starts_with(|c: char| c.is_ascii_digit());
    match (is_number, figures.contains([',', '–'])) {
        (false, _) => "Its figure".to_owned(),
        (true, false) => format!("Figure {figures}"),
        (true, true) => format!("Figures {figures}"),
    }
}

/// The rule, reason, conditions and effects of one verdict. `drawn` says whether the page has its
/// figure.
pub(crate) fn details(verdict: &Verdict, drawn: bool) -> Markup {
    let finding = &verdict.finding;
    html! {
        h3 id=(anchor(verdict)) {
            (verdict.id)
            @if let Some(dataset) = dataset(verdict) { " on " (dataset) }
            " " (badge(verdict.decision(), &verdict.words()))
        }
        p {
            (verdict.claim)
            @if drawn { " " a.nobreak href={ "#" (verdict.figure) } { (figure_name(verdict)) } }
        }
        p { strong { "Rule. " } (verdict.rule) }
        p { strong { "Result. " } (finding.reason) }
        @if let Some(brief) = brief(verdict) { p { strong { "In brief. " } (brief) } }
        @if !finding.conditions.is_empty() {
            p { strong { "Seeds. " } (seeds(verdict)) }
            @if !verdict.departures.is_empty() {
                details.departures {
                    summary { (departures_heading(verdict)) }
                    ul { @for departure in &verdict.departures { li { (departure) } } }
                }
            }
            (conditions(finding).to_html())
            div.pair {
                @for chart in forests(verdict.id, finding) {
                    div.forest { (PreEscaped(chart.draw().inline())) }
                }
            }
            @for (id, statement, finding) in &verdict.forms {
                p id=(form_anchor(verdict, id)) { strong { (id) ": " } (badge(finding.decision, &verdict.words_of(finding))) " "
                    (statement) " " (finding.reason) }
                (conditions(finding).to_html())
                div.pair {
                    @for chart in forests(id, finding) {
                        div.forest { (PreEscaped(chart.draw().inline())) }
                    }
                }
            }
            p.what { (earlier(verdict)) }
        }
    }
}
