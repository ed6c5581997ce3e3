//! The paper's claims C1 to C8 and whether a run bears them out.
//!
//! Each claim has a rule, written down in words beside the code that applies it. A rule is a list
//! of [`Condition`]s: an effect with its 95 % interval over seeds, paired where runs share seeds,
//! and where the paper's claim says that it should lie.
//!
//! - *holds*: every condition's interval lies where it should.
//! - *does not hold*: some condition's interval lies wholly where it should not.
//! - *not enough runs to say*: all else. One seed has no interval, so it never decides; neither
//!   do runs of which more than one in five diverged, since the others may be a biased choice,
//!   nor runs of less than a fiftieth of the paper's steps.

mod condition;
mod effects;
mod rules;

pub use crate::statistics::Interval;
pub use condition::{Condition, Expected, Measure};

use std::fmt;

use crate::configurations::Configuration;
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
const SHORTEST: u64 = 50;

fn judge_one(scene: &rules::Scene<'_>) -> Verdict {
    let conditions = (scene.claim.conditions)(scene);
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
    let paper_steps = published::last_step(scene.claim.experiment);
    let steps = scene.configurations().flat_map(|c| &c.trials).map(|t| t.info.steps).min();
    let steps = steps.unwrap_or(0);
    if steps < paper_steps {
        let (steps, paper) = (numbers::grouped(steps), numbers::grouped(paper_steps));
        counts.push(format!("trials of {steps} steps, the paper's have {paper}"));
    }
    let refuted: Vec<String> =
        conditions.iter().filter(|c| c.met == Some(false)).map(Condition::sentence).collect();
    let open: Vec<String> =
        conditions.iter().filter(|c| c.met.is_none()).map(Condition::sentence).collect();
    let (decision, mut reason) = if steps * SHORTEST < paper_steps {
        let reason = "The trials are too short to say anything of a trained encoder.";
        (Decision::NotEnoughRuns, reason.to_owned())
    } else if diverged * 5 > asked {
        let reason = "More than one trial in five diverged; the others may be a biased choice.";
        (Decision::NotEnoughRuns, reason.to_owned())
    } else if !refuted.is_empty() {
        (Decision::DoesNotHold, format!("Contradicted: {}.", refuted.join("; ")))
    } else if !open.is_empty() {
        let (open, all) = (open.len(), conditions.len());
        let seeds = conditions.iter().filter_map(|c| c.effect.map(|e| e.n)).min().unwrap_or(0);
        let reason = match (open == all, seeds) {
            (true, 0 | 1) => {
                "An interval needs two finished seeds of each configuration.".to_owned()
            }
            _ => format!("{open} of {all} conditions are still open."),
        };
        (Decision::NotEnoughRuns, reason)
    } else {
        let all = conditions.len();
        let reason = match all {
            1 => "Its condition is met.".to_owned(),
            2 => "Both conditions are met.".to_owned(),
            _ => format!("All {all} conditions are met."),
        };
        (Decision::Holds, reason)
    };
    if !counts.is_empty() {
        reason = format!("{reason} ({}.)", counts.join("; "));
    }
    scene.claim.verdict(Some(scene.dataset.to_owned()), decision, reason, conditions)
}
