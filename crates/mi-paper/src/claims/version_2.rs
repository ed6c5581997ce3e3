//! The rules of version 2, kept so that a report can show their verdict on the same records.
//!
//! They are those of today, except for the planned number of seeds. In a setting that departed from
//! the paper's protocol, it was the number of seeds with which the run was started, whichever seeds
//! these were. Such a plan was not binding: a new run with more seeds had a new plan.

use super::judge::assess;
use super::sequential::SeedPlan;
use super::{Condition, Decision};
use crate::results::Results;

/// The decision with its reason. `papers` is the number of seeds planned for the paper's protocol,
/// if the results do not depart from it.
pub(super) fn decide(
    results: &Results<'_>,
    papers: Option<usize>,
    conditions: Vec<Condition>,
) -> (Decision, String) {
    let run: Vec<u64> = results.planned_seeds().into_iter().collect();
    let planned = papers.unwrap_or(run.len());
    let seeds = SeedPlan { planned, run, ended: results.ended_seeds() };
    let finding = assess(results, &seeds, conditions);
    (finding.decision, finding.reason)
}
