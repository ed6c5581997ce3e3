//! The paper's claims C1 to C8 and whether a run bears them out.
//!
//! Each claim has a rule, written down in words beside the code that applies it. A rule is a list
//! of [`Condition`]s: an effect with its 95 % interval over seeds, paired where runs share seeds,
//! and where the paper's claim says that it should lie.
//!
//! - *holds*: every condition's interval lies where it should.
//! - *does not hold*: some condition's interval lies wholly where it should not, after (about) as
//!   many steps as the paper's, and all that the claim presupposes is met.
//! - *not enough runs to say*: all else. One seed has no interval, so it never decides; neither
//!   do runs with a configuration of which more than one in five trials diverged, since the others
//!   may be a biased choice, nor runs of less than a fiftieth of the paper's steps.

mod condition;
mod effects;
mod rules;

pub use crate::statistics::Interval;
pub use condition::{Condition, Expected, Measure};

use std::fmt;

use crate::configurations::Configuration;
use crate::names;
use crate::outcome::Outcome;
use crate::published;
use crate::report::numbers;

/// What a run says about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Every condition is met.
    Holds,
    /// Some condition is contradicted.
    DoesNotHold,
    /// Neither.
    NotEnoughRuns,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::NotEnoughRuns => "not enough runs to say",
        })
    }
}

/// A claim judged on one data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The claim's id, `C1` to `C8`.
    pub id: &'static str,
    /// The claim in a sentence.
    pub claim: &'static str,
    /// What decides it.
    pub rule: &'static str,
    /// Anchor of the figure that shows it.
    pub figure: &'static str,
    /// The figures of the paper.
    pub paper_figures: &'static str,
    /// The data set, as in records; `None` if the experiment is not part of the run.
    pub dataset: Option<String>,
    /// The data set of the paper's figures, as in records.
    pub paper_dataset: &'static str,
    /// The verdict.
    pub decision: Decision,
    /// Why, in a sentence or two.
    pub reason: String,
    /// Each condition with its effect.
    pub conditions: Vec<Condition>,
}

/// Judges every claim on every data set its experiment ran on.
///
/// A claim whose experiment is not part of the run is *not enough runs to say*.
pub fn judge(outcome: &Outcome) -> Vec<Verdict> {
    let configurations = Configuration::all(outcome);
    let mut verdicts = Vec::new();
    for claim in rules::CLAIMS {
        let own = configurations.iter().filter(|c| c.key.experiment == claim.experiment);
        let mut datasets: Vec<&str> = Vec::new();
        for configuration in own {
            if !datasets.contains(&configuration.key.dataset.as_str()) {
                datasets.push(&configuration.key.dataset);
            }
        }
        if datasets.is_empty() {
            let reason = format!("The experiment `{}` is not part of this run.", claim.experiment);
            verdicts.push(claim.verdict(None, Decision::NotEnoughRuns, reason, Vec::new()));
        }
        for dataset in datasets {
            let scene = rules::Scene { all: &configurations, claim, dataset };
            verdicts.push(judge_one(&scene));
        }
    }
    verdicts
}

/// Trials of fewer than one in so many of the paper's steps decide nothing.
pub(crate) const SHORTEST: u64 = 50;

/// Trials of fewer than this share of the paper's steps, in percent, refute nothing: what a claim
/// says of trained networks may yet come.
///
/// A tenth may be missing, since over the last tenth the curves move about as much as from one
/// evaluation to the next (see the records in `bench-results/reproduction/paper-mnist`). The
/// paper's steps are those that its figures show: 20,000 of the 21,000 that the notebook trains.
pub(crate) const FULL_TRAINING: u64 = 90;

fn judge_one(scene: &rules::Scene<'_>) -> Verdict {
    let conditions = (scene.claim.conditions)(scene);
    let steps = scene.configurations().flat_map(|c| &c.trials).map(|t| t.info.steps).min();
    let steps =
        Steps { own: steps.unwrap_or(0), papers: published::last_step(scene.claim.experiment) };
    let (decision, mut reason) = decide(scene, &conditions, steps);
    let counts = counts(scene, steps);
    if !counts.is_empty() {
        reason = format!("{reason} ({}.)", counts.join("; "));
    }
    scene.claim.verdict(Some(scene.dataset.to_owned()), decision, reason, conditions)
}

/// How long trials are.
#[derive(Clone, Copy)]
struct Steps {
    /// Steps of the shortest trial.
    own: u64,
    /// Steps that the paper's figures show.
    papers: u64,
}

/// The decision with its reason.
fn decide(scene: &rules::Scene<'_>, conditions: &[Condition], steps: Steps) -> (Decision, String) {
    let open = |reason: String| (Decision::NotEnoughRuns, reason);
    if steps.own * SHORTEST < steps.papers {
        return open("The trials are too short to say anything of a trained encoder.".to_owned());
    }
    // Of each configuration by itself: one that mostly diverges is a biased choice in whatever it
    // is compared with, however many others there are.
    if let Some(lost) = scene.configurations().find(|c| c.diverged() * 5 > c.asked()) {
        let name = names::row(&lost.key, scene.configurations().map(|c| &c.key));
        return open(format!(
            "More than one trial in five of {name} diverged; the others may be a biased choice."
        ));
    }
    let sentences = |of: &dyn Fn(&Condition) -> bool| -> String {
        let chosen: Vec<String> =
            conditions.iter().filter(|c| of(c)).map(Condition::sentence).collect();
        chosen.join("; ")
    };
    let misses = |c: &Condition| c.met == Some(false);
    if let Some(lacking) = conditions.iter().filter(|c| misses(c)).find_map(|c| c.presupposed) {
        let which = sentences(&|c| misses(c) && c.presupposed.is_some());
        return open(format!("Undecided, as {lacking}: {which}."));
    }
    let all = conditions.len();
    let unknown = conditions.iter().filter(|c| c.met.is_none()).count();
    if conditions.iter().any(misses) {
        let refuted = sentences(&misses);
        if conditions.iter().any(|c| c.presupposed.is_some() && c.met.is_none()) {
            return open(format!(
                "It is open whether what the claim presupposes is met; so far: {refuted}."
            ));
        }
        if steps.own * 100 < steps.papers * FULL_TRAINING {
            let percent = steps.own * 100 / steps.papers;
            return open(format!(
                "Trained for {percent} % of the paper's steps; so far: {refuted}."
            ));
        }
        return (Decision::DoesNotHold, format!("Contradicted: {refuted}."));
    }
    if unknown > 0 {
        let seeds = conditions.iter().filter_map(|c| c.effect.map(|e| e.n)).min().unwrap_or(0);
        return open(match (unknown == all, seeds) {
            (true, 0 | 1) => {
                "An interval needs two finished seeds of each configuration.".to_owned()
            }
            _ => format!("{unknown} of {all} conditions are still open."),
        });
    }
    let reason = match all {
        1 => "Its condition is met.".to_owned(),
        2 => "Both conditions are met.".to_owned(),
        _ => format!("All {all} conditions are met."),
    };
    (Decision::Holds, reason)
}

/// What a reader of the verdict has to know of the trials.
fn counts(scene: &rules::Scene<'_>, steps: Steps) -> Vec<String> {
    let (asked, finished, diverged) =
        scene.configurations().fold((0, 0, 0), |(asked, finished, diverged), c| {
            (asked + c.asked(), finished + c.finished(), diverged + c.diverged())
        });
    let mut counts = Vec::new();
    if finished < asked {
        counts.push(format!("{finished} of {asked} trials finished"));
    }
    if diverged > 0 {
        counts.push(format!("{diverged} diverged and count for nothing"));
    }
    if steps.own < steps.papers {
        let (own, papers) = (numbers::grouped(steps.own), numbers::grouped(steps.papers));
        counts.push(format!("trials of {own} steps, the paper's have {papers}"));
    }
    counts
}
