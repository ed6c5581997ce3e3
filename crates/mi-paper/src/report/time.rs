//! The time that trials took.

use std::collections::BTreeMap;
use std::ops::Add;

use crate::names;
use crate::numbers;
use crate::outcome::{Outcome, TrialInfo};
use crate::table::{Align, MISSING, Table};

/// The trials of an experiment on one data set.
struct Group<'a> {
    experiment: &'a str,
    dataset: &'a str,
    trials: Vec<&'a TrialInfo>,
}

/// A table with one row per experiment and data set, in plan order, and a row for all.
pub(crate) fn table(outcome: &Outcome) -> Table {
    let mut table = Table::new(
        "",
        &[
            ("experiment", Align::Left),
            ("data", Align::Left),
            ("finished", Align::Right),
            ("steps per trial", Align::Right),
            ("processor time", Align::Right),
            ("time per seed", Align::Right),
            ("share of a seed's time", Align::Right),
        ],
    );
    let groups = groups(outcome);
    let one_seed: Vec<Option<f64>> = groups.iter().map(Group::one_seed).collect();
    // While the total is unknown, shares would be misleading.
    let all: Option<f64> = one_seed.iter().copied().sum();
    for (group, &seconds) in groups.iter().zip(&one_seed) {
        let share = seconds.zip(all).filter(|&(_, all)| all > 0.0);
        table.row(vec![
            group.experiment.to_owned(),
            names::dataset(group.dataset).to_owned(),
            finished(&group.trials),
            group.steps(),
            text(spent(group.trials.iter().copied())),
            text(seconds),
            share.map_or(MISSING.to_owned(), |(one, all)| format!("{:.0} %", 100.0 * one / all)),
        ]);
    }
    if groups.len() > 1 {
        let trials: Vec<&TrialInfo> = outcome.trials.iter().collect();
        table.row(vec![
            "all".to_owned(),
            String::new(),
            finished(&trials),
            String::new(),
            text(spent(&outcome.trials)),
            text(all),
            String::new(),
        ]);
    }
    table
}

/// A time for a reader.
pub(super) fn text(seconds: Option<f64>) -> String {
    seconds.map_or(MISSING.to_owned(), numbers::duration)
}

/// The seconds that trials took. Times of zero are of trials from before times were kept; `None`
/// if there is no other.
pub(super) fn spent<'a>(trials: impl IntoIterator<Item = &'a TrialInfo>) -> Option<f64> {
    trials.into_iter().map(|trial| trial.seconds).filter(|&seconds| seconds > 0.0).reduce(Add::add)
}

fn groups(outcome: &Outcome) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for trial in &outcome.trials {
        let (experiment, dataset) = (trial.experiment.as_str(), trial.dataset.as_str());
        match groups.iter_mut().find(|g| (g.experiment, g.dataset) == (experiment, dataset)) {
            Some(group) => group.trials.push(trial),
            None => groups.push(Group { experiment, dataset, trials: vec![trial] }),
        }
    }
    groups
}

fn finished(trials: &[&TrialInfo]) -> String {
    let finished = trials.iter().filter(|trial| trial.state.is_finished()).count();
    format!("{finished}/{}", trials.len())
}

impl Group<'_> {
    /// The number of steps of a trial, or the range.
    fn steps(&self) -> String {
        let steps = || self.trials.iter().map(|trial| trial.steps);
        let [least, most] =
            [steps().min(), steps().max()].map(|n| numbers::grouped(n.unwrap_or(0)));
        if least == most { most } else { format!("{least} to {most}") }
    }

    /// The seconds that one seed takes: the sum over configurations of the mean over finished
    /// trials. `None` while a configuration has no finished trial whose time was kept.
    fn one_seed(&self) -> Option<f64> {
        let mut configurations: BTreeMap<[&str; 4], Vec<f64>> = BTreeMap::new();
        for trial in &self.trials {
            let key = [&trial.encoder, &trial.critic, &trial.bound, &trial.setting];
            let times = configurations.entry(key.map(String::as_str)).or_default();
            times.extend(spent([*trial]).filter(|_| trial.state.is_finished()));
        }
        let mean = |times: &Vec<f64>| {
            (!times.is_empty()).then(|| times.iter().sum::<f64>() / times.len() as f64)
        };
        configurations.values().map(mean).sum()
    }
}
