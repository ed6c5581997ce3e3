//! The report's tables as Markdown, for a README or a terminal.

use std::fmt::Write as _;

use crate::claims::{self, Condition, Finding};
use crate::outcome::Outcome;
use crate::report::drawn;
use crate::report::facts;
use crate::report::summary::summary;
use crate::report::time;
use crate::report::verdicts as judged;
use crate::table::{Align, Table, escape_html};

/// The report's facts and tables as Markdown.
pub fn markdown(outcome: &Outcome) -> String {
    let verdicts = drawn::judge(outcome);
    let mut text = format!("# {}\n\n", facts::title(outcome));
    // Writing to a String cannot fail.
    let mut line = |words: std::fmt::Arguments<'_>| {
        let _ = writeln!(text, "{words}");
    };
    let plain = |words: &dyn std::fmt::Display| escape_html(&words.to_string());
    line(format_args!("{}\n", plain(&facts::subtitle(outcome))));
    let tallies = judged::tallies(&verdicts);
    if !tallies.is_empty() {
        let words: Vec<String> = tallies.into_iter().map(|(_, words)| words).collect();
        line(format_args!("{}.\n", words.join(", ")));
    }
    for (name, value) in facts::facts(outcome) {
        line(format_args!("- {name}: {}", plain(&value)));
    }
    line(format_args!("- command: {}", code(&outcome.run.command)));
    if let Some(progress) = facts::progress(outcome) {
        line(format_args!("\n{}", plain(&progress)));
    }
    let departures = facts::departures(outcome);
    if !departures.is_empty() {
        line(format_args!("\n{}\n", facts::departs(outcome)));
        for departure in &departures {
            line(format_args!("- {}", plain(departure)));
        }
    }
    if verdicts.is_empty() {
        // A heading right below a list would be part of it.
        line(format_args!(""));
    } else {
        line(format_args!("\n## The claims\n"));
        if let Some(demonstration) = judged::demonstration(&verdicts) {
            line(format_args!("{demonstration}\n"));
        }
        line(format_args!("{}", claims_table(&verdicts).to_markdown()));
        line(format_args!("{}\n", judged::method(&verdicts)));
    }
    let contradictions = judged::contradictions(&verdicts);
    if !contradictions.is_empty() {
        line(format_args!("{}:\n", plain(&judged::contradiction_heading(outcome))));
        for sentence in contradictions {
            line(format_args!("- {}", plain(&sentence)));
        }
        line(format_args!(""));
    }
    for figure in drawn::figures(outcome) {
        line(format_args!("## {}\n\n{}\n", plain(&figure.heading), plain(&figure.caption)));
        for verdict in verdicts.iter().filter(|verdict| verdict.figure == figure.id) {
            let brief = judged::brief(verdict).map_or(String::new(), |brief| format!(" {brief}"));
            let (id, words) = (verdict.id, verdict.words());
            line(format_args!("Claim {id}: {}.{}\n", plain(&words), plain(&brief)));
        }
        line(format_args!("{}", figure.ends.to_markdown()));
        for panel in figure.panels.iter().filter(|panel| panel.is_result) {
            line(format_args!("{}", panel.values.to_markdown()));
        }
    }
    if !verdicts.is_empty() {
        line(format_args!("## How each claim was judged\n"));
    }
    for verdict in &verdicts {
        let dataset = judged::dataset(verdict).map_or(String::new(), |d| format!(" on {d}"));
        line(format_args!("### {}{}: {}\n", verdict.id, plain(&dataset), verdict.words()));
        let reason = &verdict.finding.reason;
        line(format_args!("Rule: {}\n\n{}\n", plain(&verdict.rule), plain(reason)));
        if verdict.conditions().is_empty() {
            continue;
        }
        line(format_args!("Seeds: {}\n", judged::seeds(verdict)));
        if !verdict.departures.is_empty() {
            line(format_args!("{}:\n", judged::departures_heading(verdict)));
            for departure in &verdict.departures {
                line(format_args!("- {}", plain(departure)));
            }
            line(format_args!(""));
        }
        line(format_args!("{}", judged::conditions(&verdict.finding).to_markdown()));
        for (id, statement, finding) in &verdict.forms {
            let (decision, reason) = (verdict.words_of(finding), plain(&finding.reason));
            line(format_args!("{id}: {decision}. {} {reason}\n", plain(statement)));
            line(format_args!("{}", judged::conditions(finding).to_markdown()));
        }
        line(format_args!("{}\n", plain(&judged::earlier(verdict))));
    }
    line(format_args!("## Every configuration\n\n{}", summary(outcome).to_markdown()));
    line(format_args!("## Trials and time\n\n{}", time::table(outcome).to_markdown()));
    let diverged = facts::diverged(outcome);
    if !diverged.is_empty() {
        line(format_args!("{}", diverged.to_markdown()));
    }
    text
}

/// A text as code, between more backticks than it contains in a row.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", mi_plot::plain(text))
}

/// The verdict, and what it was before if it has changed.
fn verdict_words(verdict: &claims::Verdict) -> String {
    match judged::changed(verdict) {
        Some(changed) => format!("{} ({changed})", verdict.words()),
        None => verdict.words(),
    }
}

/// The claims and their other forms, one row each.
fn claims_table(verdicts: &[claims::Verdict]) -> Table {
    let mut table = Table::new(
        "",
        &[
            ("", Align::Left),
            ("claim", Align::Left),
            ("data", Align::Left),
            ("verdict", Align::Left),
            ("settled", Align::Left),
            ("effect [95 % interval over seeds]", Align::Left),
            ("paper", Align::Right),
            ("figure", Align::Left),
        ],
    );
    for verdict in verdicts {
        let data = judged::dataset(verdict).unwrap_or_default();
        let mut row = |id: &str, statement: &str, words: String, finding: &Finding| {
            let headline = judged::headline(finding);
            let effect = headline.map(|c| format!("{}: {}", c.what, c.effect_text()));
            table.row(vec![
                id.to_owned(),
                statement.to_owned(),
                data.to_owned(),
                words,
                judged::settled(finding).unwrap_or_default(),
                effect.unwrap_or_default(),
                headline.and_then(Condition::published_text).unwrap_or_default(),
                verdict.paper_figures.to_owned(),
            ]);
        };
        row(verdict.id, verdict.claim, verdict_words(verdict), &verdict.finding);
        for (id, statement, finding) in &verdict.forms {
            row(id, statement, verdict.words_of(finding), finding);
        }
    }
    table
}
