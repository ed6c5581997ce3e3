use crate::claims::{Claim, Condition, Decision, Verdict};
use crate::names;
use crate::numbers;
use crate::results::Results;

/// Trials of fewer than one in so many of the paper's steps decide nothing.
pub(crate) const SHORTEST: u64 = 50;

/// Trials of fewer than this share of the paper's steps, in percent, refute nothing: what a claim
/// says of trained networks may yet come.
///
/// A tenth may be missing, since over the last tenth the curves move about as much as from one
/// evaluation to the next (see the records in `bench-results/reproduction/paper-mnist`). The
/// paper's steps are those that its figures show: 20,000 of the 21,000 that the notebook trains.
pub(crate) const FULL_TRAINING: u64 = 90;

/// Judges the claim of an experiment, shown by the figure with this anchor, on one data set; it is
/// *not enough runs to say* where the experiment is not part of the run.
pub(crate) fn judge(
    claim: &Claim,
    (experiment, figure): (&str, &'static str),
    results: &Results<'_>,
) -> Verdict {
    let verdict = |dataset, decision, reason, conditions| Verdict {
        id: claim.id,
        claim: claim.statement,
        rule: claim.rule,
        figure,
        paper_figures: claim.paper_figures,
        dataset,
        paper_dataset: results.published.dataset,
        decision,
        reason,
        conditions,
    };
    if results.own.is_empty() {
        let reason = format!("The experiment `{experiment}` is not part of this run.");
        return verdict(None, Decision::NotEnoughRuns, reason, Vec::new());
    }
    let conditions = (claim.conditions)(results);
    let steps = results.own.iter().flat_map(|c| &c.trials).map(|t| t.info.steps).min();
    let steps = Steps { own: steps.unwrap_or(0), papers: results.published.last_step };
    let (decision, mut reason) = decide(results, &conditions, steps);
    let counts = counts(results, steps);
    if !counts.is_empty() {
        reason = format!("{reason} ({}.)", counts.join("; "));
    }
    verdict(Some(results.dataset.to_owned()), decision, reason, conditions)
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
fn decide(results: &Results<'_>, conditions: &[Condition], steps: Steps) -> (Decision, String) {
    let open = |reason: String| (Decision::NotEnoughRuns, reason);
    if steps.own * SHORTEST < steps.papers {
        return open("The trials are too short to say anything of a trained encoder.".to_owned());
    }
    // Of each configuration by itself: one that mostly diverges is a biased choice in whatever it
    // is compared with, however many others there are.
    if let Some(lost) = results.own.iter().find(|c| c.diverged() * 5 > c.asked()) {
        let name = names::row(lost, &results.own);
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
fn counts(results: &Results<'_>, steps: Steps) -> Vec<String> {
    let (asked, finished, diverged) =
        results.own.iter().fold((0, 0, 0), |(asked, finished, diverged), c| {
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
