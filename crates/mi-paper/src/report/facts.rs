//! The top of the report: what ran, and how it departs from the paper.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::TrialConfig;
use crate::experiments::{self, Experiment};
use crate::numbers;
use crate::origin::Origin;
use crate::outcome::{Outcome, TrialState};
use crate::protocol;
use crate::report::time;
use crate::table::{Align, Table};

const TITLE: &str =
    "Reproduction of “On Mutual Information Maximization for Representation Learning”";
const SUBTITLE: &str = "Tschannen, Djolonga, Rubenstein, Gelly and Lucic, ICLR 2020. \
    Each claim is judged by a dated rule; docs/verdicts.md says which runs existed at its date. \
    Each figure shows this run next to the published values.";
const OTHERS_TITLE: &str =
    "Beyond “On Mutual Information Maximization for Representation Learning”";
const OTHERS_SUBTITLE: &str = "Experiments on systems and measures that the paper (Tschannen, \
    Djolonga, Rubenstein, Gelly and Lucic, ICLR 2020) discusses without running them. Each claim is \
    judged by a dated rule; docs/verdicts.md says which runs existed at its date.";

/// The report's title.
pub(crate) fn title(outcome: &Outcome) -> String {
    if outcome.is_own() {
        let names: Vec<&str> = outcome.own.iter().map(|(name, _)| name.as_str()).collect();
        format!("Results of {}", names.join(", "))
    } else if runs_the_papers(outcome) {
        TITLE.to_owned()
    } else {
        OTHERS_TITLE.to_owned()
    }
}

/// The text under the title.
pub(crate) fn subtitle(outcome: &Outcome) -> String {
    if outcome.is_own() {
        let questions: Vec<&str> = outcome.own.iter().map(|(_, q)| q.as_str()).collect();
        questions.join(" ")
    } else if runs_the_papers(outcome) {
        SUBTITLE.to_owned()
    } else {
        OTHERS_SUBTITLE.to_owned()
    }
}

/// The departures from the paper's protocol: in configurations and data, and in how runs are made
/// and measured.
pub(crate) fn departures(outcome: &Outcome) -> Vec<String> {
    let mut departures = outcome.run.deviations.clone();
    if !outcome.is_own() {
        departures.extend(protocol::departures(outcome));
    }
    departures
}

/// The sentence above the departures. The paper has no protocol for systems that it only discusses.
pub(crate) fn departs(outcome: &Outcome) -> &'static str {
    if runs_the_papers(outcome) {
        "This run departs from the paper's protocol."
    } else {
        "This run differs from one with the preset “paper”."
    }
}

/// Whether a run has experiments of the paper. One without trials yet counts as such.
pub(crate) fn runs_the_papers(outcome: &Outcome) -> bool {
    let is_papers = |config: &TrialConfig| {
        experiments::find(&config.experiment).is_some_and(Experiment::is_papers)
    };
    outcome.configs.is_empty() || outcome.configs.iter().any(is_papers)
}

/// What ran, where, and for how long, as names and values.
pub(crate) fn facts(outcome: &Outcome) -> Vec<(&'static str, String)> {
    let run = &outcome.run;
    let Origin { version, commit, host } = &run.origin;
    let commit = commit.as_ref().map_or(String::new(), |c| format!(", source at revision {c}"));
    let other_hosts = others(outcome, "on", |origin| &origin.host);
    let other_commits = others(outcome, "at", |origin| origin.commit.as_deref().unwrap_or(""));
    vec![
        if outcome.is_own() {
            ("experiment", "from a file; its resolved form is next to this report".into())
        } else {
            ("preset", run.preset.clone())
        },
        ("data", run.data.join("; ")),
        ("seeds", seeds(outcome)),
        ("trials", trials(outcome)),
        ("processor time in trials", time::text(time::spent(&outcome.trials))),
        ("started", run.started.clone()),
        ("host", format!("{host}{other_hosts}")),
        ("program", format!("{version}{commit}{other_commits}")),
    ]
}

/// The number of trials that ran on another host, or at another revision, than the start of the
/// run.
fn others<'a>(outcome: &'a Outcome, word: &str, of: impl Fn(&'a Origin) -> &'a str) -> String {
    let start = of(&outcome.run.origin);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for trial in &outcome.trials {
        let found: BTreeSet<&str> = trial.origins.iter().map(&of).collect();
        for other in found.into_iter().filter(|&found| !found.is_empty() && found != start) {
            *counts.entry(other).or_default() += 1;
        }
    }
    let phrase = |(other, count): (&str, usize)| {
        let trials = if count == 1 { "trial" } else { "trials" };
        format!("; {count} {trials} {word} {other}")
    };
    counts.into_iter().map(phrase).collect()
}

/// The seeds; their numbers, if experiments have different ones.
fn seeds(outcome: &Outcome) -> String {
    let mut experiments: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for trial in &outcome.trials {
        experiments.entry(&trial.experiment).or_default().insert(trial.seed);
    }
    let mut own = experiments.values();
    let first = own.next();
    if own.all(|seeds| Some(seeds) == first) {
        return listed(&outcome.run.seeds);
    }
    let counts = || experiments.values().map(BTreeSet::len);
    match (counts().min().unwrap_or(0), counts().max().unwrap_or(0)) {
        (least, most) if least == most => format!("{most} for each experiment"),
        (least, most) => format!("between {least} and {most} for each experiment"),
    }
}

/// `3 (0, 1, 2)`, or the range of many.
fn listed(seeds: &[u64]) -> String {
    let consecutive = seeds.windows(2).all(|pair| pair[1] == pair[0] + 1);
    match seeds {
        [] => "none".to_owned(),
        [only] => format!("1 ({only})"),
        [first, .., last] if consecutive && seeds.len() > 3 => {
            format!("{} ({first} to {last})", seeds.len())
        }
        _ => {
            let all: Vec<String> = seeds.iter().map(u64::to_string).collect();
            format!("{} ({})", seeds.len(), all.join(", "))
        }
    }
}

/// The number of trials in each state.
fn count(outcome: &Outcome) -> [usize; 4] {
    let mut counts = [0; 4];
    for trial in &outcome.trials {
        let index = match trial.state {
            TrialState::Finished => 0,
            TrialState::Unfinished { .. } => 1,
            TrialState::Waiting => 2,
            TrialState::Diverged { .. } => 3,
        };
        counts[index] += 1;
    }
    counts
}

fn trials(outcome: &Outcome) -> String {
    let [finished, _, _, diverged] = count(outcome);
    let ratio = format!("{finished} of {} finished", outcome.trials.len());
    if diverged == 0 { ratio } else { format!("{ratio}, {diverged} diverged") }
}

/// A sentence on what is still missing; `None` once every trial has ended.
pub(crate) fn progress(outcome: &Outcome) -> Option<String> {
    let [_, unfinished, waiting, _] = count(outcome);
    if unfinished + waiting == 0 {
        return None;
    }
    let all = outcome.trials.len();
    let left = unfinished + waiting;
    let start = if left == 1 { "1 trial".to_owned() } else { format!("{left} trials") };
    let verb = if left == 1 { "has" } else { "have" };
    Some(format!(
        "This run is not complete: {start} of {all} {verb} not ended ({unfinished} begun, \
         {waiting} waiting). Means are over finished seeds; where none has finished, they are over \
         seeds under way. Claims are judged on finished trials only."
    ))
}

/// The trials that diverged; no row if none did.
pub(crate) fn diverged(outcome: &Outcome) -> Table {
    let columns = [("trial", Align::Left), ("step", Align::Right), ("reason", Align::Left)];
    let mut table = Table::new("Diverged trials, left out of every mean", &columns);
    for trial in &outcome.trials {
        if let TrialState::Diverged { step, reason } = &trial.state {
            table.row(vec![trial.id.clone(), numbers::grouped(*step), reason.clone()]);
        }
    }
    table
}
