//! The report as one self-contained HTML page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::claims::Verdict;
use crate::figures::{DrawnFigure, Panel};
use crate::outcome::Outcome;
use crate::report::drawn;
use crate::report::facts;
use crate::report::records;
use crate::report::summary::summary;
use crate::report::time;
use crate::report::verdicts::{self as judged, headline};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("hover.js");

/// The complete report as one self-contained HTML page.
///
/// The page needs no network and no other file. It links to `records.csv` next to it, and includes
/// the records if they are small.
pub fn html(outcome: &Outcome) -> String {
    let verdicts = drawn::judge(outcome);
    let figures = drawn::figures(outcome);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (facts::title(outcome)) }
                // An empty icon keeps browsers from asking the server for one.
                link rel="icon" href="data:,";
                style { (PreEscaped(mi_plot::stylesheet())) (PreEscaped(STYLE)) }
            }
            body {
                header { (top(outcome, &verdicts)) }
                main {
                    @if !verdicts.is_empty() {
                        section id="claims" {
                            h2 { "The claims" }
                            @if !facts::departures(outcome).is_empty() {
                                p { "The verdicts are on this run, with the departures listed above." }
                            }
                            (claims_table(&verdicts, &figures))
                            (contradictions(outcome, &verdicts))
                        }
                    }
                    (contents(&figures, &verdicts))
                    @for figure in &figures { (figure_section(figure, &verdicts)) }
                    @if !verdicts.is_empty() {
                        section id="rules" {
                            h2 { "How each claim was judged" }
                            p { (judged::method(&verdicts)) }
                            @for verdict in &verdicts { (judged::details(verdict, is_drawn(verdict, &figures))) }
                        }
                    }
                    section id="summary" {
                        h2 { "Every configuration" }
                        (summary(outcome).to_html())
                    }
                    section id="trials" {
                        h2 { "Trials and time" }
                        (time::table(outcome).to_html())
                        @let diverged = facts::diverged(outcome);
                        @if !diverged.is_empty() { (diverged.to_html()) }
                    }
                    section id="records" {
                        h2 { "Records" }
                        (downloads(outcome))
                    }
                }
                footer {
                    "Drawn only from records, by " (outcome.run.origin.version) ". Colours are \
                     chosen for colour-blind readers; series also differ in marker or stroke."
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    mi_plot::plain_lines(&page.into_string()).into_owned()
}

fn top(outcome: &Outcome, verdicts: &[Verdict]) -> Markup {
    let progress = facts::progress(outcome);
    let departures = facts::departures(outcome);
    html! {
        h1 { (facts::title(outcome)) }
        p.lead { (facts::subtitle(outcome)) }
        p.tally {
            @for (decision, words) in judged::tallies(verdicts) { (judged::badge(decision, &words)) }
        }
        @if let Some(demonstration) = judged::demonstration(verdicts) {
            div.note.warn { p { (demonstration) } }
        }
        @if let Some(progress) = progress { div.note { p { (progress) } } }
        dl.facts {
            @for (name, value) in facts::facts(outcome) {
                dt { (name) } dd { (value) }
            }
            dt { "command" } dd { code { (outcome.run.command) } }
        }
        @if !departures.is_empty() {
            div.note.warn {
                p { strong { (facts::departs(outcome)) } }
                ul { @for departure in &departures { li { (departure) } } }
            }
        }
    }
}

fn claims_table(verdicts: &[Verdict], figures: &[DrawnFigure]) -> Markup {
    html! {
        table.claims {
            thead { tr {
                th scope="col" { "" }
                th scope="col" { "claim" }
                th scope="col" { "verdict" }
                th scope="col" { "effect [95 % interval over seeds]" }
                th scope="col" { "paper" }
                th scope="col" { "figure" }
            } }
            tbody { @for verdict in verdicts {
                tr {
                    td.id { a href={ "#" (judged::anchor(verdict)) } { (verdict.id) } }
                    td {
                        (verdict.claim)
                        @if let Some(dataset) = judged::dataset(verdict) {
                            span.what { "on " (dataset) }
                        }
                    }
                    td {
                        (judged::badge(verdict.decision(), &verdict.words()))
                        @if let Some(settled) = judged::settled(&verdict.finding) { span.what { (settled) } }
                        @if let Some(changed) = judged::changed(verdict) { span.what { (changed) } }
                        @for (id, _, finding) in &verdict.forms {
                            span.what {
                                a href={ "#" (judged::form_anchor(verdict, id)) } { (id) }
                                ": " (verdict.words_of(finding))
                            }
                        }
                    }
                    @match headline(&verdict.finding) {
                        Some(condition) => {
                            td data-label="effect" {
                                span.nobreak { (condition.effect_text()) }
                                span.what { (condition.what) }
                            }
                            td data-label="paper" { (condition.published_text().unwrap_or_else(|| "–".to_owned())) }
                        }
                        None => { td data-label="effect" { "–" } td data-label="paper" { "–" } }
                    }
                    td data-label="figure" {
                        @if is_drawn(verdict, figures) {
                            a href={ "#" (verdict.figure) } { (figure_name(verdict, figures)) }
                        } @else { span.nobreak { (figure_name(verdict, figures)) } }
                    }
                }
            } }
        }
    }
}

fn contradictions(outcome: &Outcome, verdicts: &[Verdict]) -> Markup {
    let sentences = judged::contradictions(verdicts);
    html! {
        @if !sentences.is_empty() {
            div.note.warn {
                p { strong { (judged::contradiction_heading(outcome)) } }
                ul { @for sentence in &sentences { li { (sentence) } } }
            }
        }
    }
}

fn contents(figures: &[DrawnFigure], verdicts: &[Verdict]) -> Markup {
    html! {
        nav aria-label="Contents" { ul {
            @for figure in figures {
                li { a href={ "#" (figure.id) } { (figure.title) } }
            }
            @if !verdicts.is_empty() {
                li { a href="#rules" { "How each claim was judged" } }
            }
            li { a href="#summary" { "Every configuration" } }
            li { a href="#trials" { "Trials and time" } }
            li { a href="#records" { "Records" } }
        } }
    }
}

/// Whether a drawing can be taller than a printed page, which must then be able to break inside it.
fn is_tall(panel: &Panel) -> bool {
    let (width, height) = panel.svg.size();
    height > 1.5 * width
}

/// What the link to a verdict's figure says: the numbers of the paper's figures, or what an
/// experiment beyond the paper is about.
fn figure_name(verdict: &Verdict, figures: &[DrawnFigure]) -> String {
    let own = figures.iter().find(|figure| figure.id == verdict.figure && !verdict.is_papers);
    own.map_or(verdict.paper_figures, |figure| &figure.title).to_owned()
}

/// Whether the page has a verdict's figure.
fn is_drawn(verdict: &Verdict, figures: &[DrawnFigure]) -> bool {
    figures.iter().any(|figure| figure.id == verdict.figure)
}

fn figure_section(figure: &DrawnFigure, verdicts: &[Verdict]) -> Markup {
    html! {
        section id=(figure.id) {
            h2 { (figure.heading) }
            p { (figure.caption) " " (figure.key) }
            @for verdict in verdicts.iter().filter(|verdict| verdict.figure == figure.id) {
                p { a href={ "#" (judged::anchor(verdict)) } { "Claim " (verdict.id) } " "
                    (judged::badge(verdict.decision(), &verdict.words()))
                    @if let Some(brief) = judged::brief(verdict) { " " (brief) } }
                @for (id, _, finding) in &verdict.forms {
                    p { a href={ "#" (judged::form_anchor(verdict, id)) } { "Claim " (id) } " "
                        (judged::badge(finding.decision, &verdict.words_of(finding))) }
                }
            }
            @if figure.panels.is_empty() {
                div.note { p { "No trial of this experiment has reached its first evaluation yet." } }
            } @else {
                div.panels {
                    @for panel in &figure.panels {
                        figure class=[is_tall(panel).then_some("tall")] {
                            (PreEscaped(panel.svg.inline()))
                        }
                    }
                }
            }
            (figure.ends.to_html())
            @if !figure.panels.is_empty() {
                details.steps {
                    summary { "The numbers of every chart" }
                    @for panel in &figure.panels { (panel.values.to_html()) }
                }
                p.downloads {
                    a href=(records::data_uri("text/csv", &figure.csv))
                        download={ (figure.id) ".csv" } { "Download these numbers (CSV)" }
                }
            }
        }
    }
}

fn downloads(outcome: &Outcome) -> Markup {
    let count = outcome.records.len();
    html! {
        p {
            "Every number on this page comes from " (crate::numbers::grouped(count as u64))
            " records, one row each, in "
            a href="records.csv" { code { "records.csv" } }
            " next to this page."
        }
        @if let Some(csv) = records::embedded(outcome) {
            p.downloads {
                a href=(records::data_uri("text/csv", &csv)) download="records.csv" {
                    "Download the records included in this page (CSV)"
                }
            }
        }
    }
}
