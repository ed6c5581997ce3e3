//! The rules of version 1, kept so that a report can show their verdict on the same records.
//!
//! Metrics were read at the last evaluation, except those of figure 4c. A claim held if the 95 %
//! interval of every effect lay where the claim says. It did not hold if the interval of any effect
//! lay completely elsewhere after at least 90 % of the paper's steps. Runs of less than a fiftieth
//! of the paper's steps decided nothing.

use super::judge::lost;
use super::{Condition, Decision};
use crate::results::Results;

/// Trials with less than 1/50 of the paper's steps decided nothing.
const SHORTEST: u64 = 50;

/// Trials with less than this percentage of the paper's steps refuted nothing.
const FULL_TRAINING: u64 = 90;

/// The decision with its reason.
pub(super) fn decide(results: &Results<'_>, conditions: &[Condition]) -> (Decision, String) {
    let open = |reason: &str| (Decision::Open, reason.to_owned());
    let steps = results.own.iter().flat_map(|c| &c.trials).map(|t| t.info.steps).min();
    let (own, papers) = (steps.unwrap_or(0), results.published.last_step);
    if own * SHORTEST < papers {
        return open("trials are too short");
    }
    let seeds: Vec<u64> = results.planned_seeds().into_iter().collect();
    if lost(results, &seeds).is_some() {
        return open("too many trials of a configuration diverged");
    }
    let count = |decided: Option<bool>, presupposed: bool| {
        let of = |c: &&Condition| {
            c.interval_decides() == decided && (!presupposed || c.presupposed.is_some())
        };
        conditions.iter().filter(of).count()
    };
    let (refuted, unknown) = (count(Some(false), false), count(None, false));
    let all = conditions.len();
    if count(Some(false), true) > 0 {
        return open("a presupposition of the claim is not met");
    }
    match (refuted, unknown) {
        (0, 0) => (Decision::Holds, format!("all {all} intervals lie where they should")),
        (0, _) => (Decision::Open, format!("undecided intervals: {unknown} of {all}")),
        _ if count(None, true) > 0 => {
            open("it is open whether the claim's presuppositions are met")
        }
        _ if own * 100 < papers * FULL_TRAINING => {
            open("an interval lies elsewhere, but trials this short refuted nothing")
        }
        _ => (Decision::DoesNotHold, format!("intervals that lie elsewhere: {refuted} of {all}")),
    }
}
