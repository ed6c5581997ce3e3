//! Judges a claim by the results of its experiment.

use super::sequential::{MOST_LOST, SeedPlan};
use super::{
    Claim, Condition, Decision, Finding, Form, KnownSeeds, Planned, Readout, Verdict, version_1,
    version_2,
};
use crate::experiments::Experiment;
use crate::names;
use crate::numbers;
use crate::results::{Configuration, Results};

/// Judges the claim of an experiment on one data set. `departures` are those of the results from
/// the paper's protocol, and `planned` are the seeds planned for the setting.
pub(crate) fn judge(
    experiment: &Experiment,
    claim: &Claim,
    results: &Results<'_>,
    departures: Vec<String>,
    planned: Planned,
) -> Verdict {
    let run = results.planned_seeds().into_iter().collect();
    let seeds = SeedPlan::of(planned.seeds, run, results.ended_seeds());
    let papers = departures.is_empty().then_some(claim.seeds);
    let verdict = |dataset, finding, forms, [version_1, version_2]: [_; 2]| Verdict {
        id: claim.id,
        claim: claim.statement,
        rule: claim.rule,
        figure: experiment.figure.id,
        is_papers: experiment.is_papers(),
        paper_figures: claim.paper_figures,
        dataset,
        paper_dataset: results.published.dataset,
        setting: setting(results),
        departures,
        seeds: seeds.clone(),
        is_demonstration: planned.is_demonstration,
        finding,
        forms,
        version_1,
        version_2,
    };
    if results.own.is_empty() {
        let reason = format!("The experiment {} is not part of this run.", experiment.name);
        let old = (Decision::NotJudged, reason.clone());
        let finding = Finding { decision: Decision::NotJudged, reason, conditions: Vec::new() };
        return verdict(None, finding, Vec::new(), [old.clone(), old]);
    }
    let conditions = (claim.conditions)(results, Readout::LastFifth);
    let version_2 = version_2::decide(results, papers, conditions.clone());
    let mut finding = assess(results, &seeds, conditions);
    let counts = counts(results);
    if !counts.is_empty() {
        finding.reason = format!("{} ({}.)", finding.reason, counts.join("; "));
    }
    // A form is left out if one of its metrics was not measured.
    let forms = claim.forms.iter().filter_map(|form| {
        let conditions = (form.conditions)(results, Readout::LastFifth);
        let is_measured =
            !conditions.is_empty() && conditions.iter().all(|c| !c.by_seed().is_empty());
        let id = format!("{}{}", claim.id, form.letter);
        is_measured.then(|| (id, form.statement, assess_form(results, &seeds, form, conditions)))
    });
    let version_1 =
        version_1::decide(results, &(claim.conditions)(results, Readout::LastEvaluation));
    let dataset = Some(results.dataset.to_owned());
    verdict(dataset, finding, forms.collect(), [version_1, version_2])
}

/// Settles conditions and decides the verdict.
pub(super) fn assess(
    results: &Results<'_>,
    seeds: &SeedPlan,
    mut conditions: Vec<Condition>,
) -> Finding {
    let alternatives = conditions.iter().filter(|c| c.presupposed.is_none()).count();
    for condition in &mut conditions {
        condition.settled = seeds.settle(condition, alternatives);
        if condition.met().is_none() {
            condition.seeds_needed = seeds.seeds_needed(condition, alternatives);
        }
    }
    let (decision, reason) = decide(results, seeds, &conditions);
    Finding { decision, reason, conditions }
}

/// Judges a form of a claim by the seeds that were not known when it was written. The finding's
/// effects are of these seeds; its reason also gives the effects of the known ones.
fn assess_form(
    results: &Results<'_>,
    seeds: &SeedPlan,
    form: &Form,
    conditions: Vec<Condition>,
) -> Finding {
    let Some(KnownSeeds { seeds: first, run }) = form.known else {
        return assess(results, seeds, conditions);
    };
    let mut earlier = Vec::new();
    let split = |condition: Condition| {
        let (before, from) = condition.split_at(first);
        if before.seeds() > 0 {
            earlier.push(format!("{} is {}", before.what, before.effect_text()));
        }
        from
    };
    let judging: Vec<Condition> = conditions.into_iter().map(split).collect();
    let mut finding = assess(results, &seeds.from(first), judging);
    if !earlier.is_empty() {
        finding.reason = format!(
            "{} Effects are of seeds from {first} on: {run} had shown those before when the statement \
             was written. Here they show: {}.",
            finding.reason,
            earlier.join("; ")
        );
    }
    finding
}

/// The decision with its reason.
fn decide(results: &Results<'_>, seeds: &SeedPlan, conditions: &[Condition]) -> (Decision, String) {
    if let Some(lost) = lost(results, &seeds.ended) {
        return (Decision::Open, lost);
    }
    if !conditions.is_empty() && conditions.iter().all(|c| c.is_shown_only) {
        return (Decision::NotJudged, "Shown for comparison, and not judged.".to_owned());
    }
    let sentences = |of: &dyn Fn(&Condition) -> bool| -> String {
        let chosen: Vec<String> =
            conditions.iter().filter(|c| of(c)).map(Condition::sentence).collect();
        chosen.join("; ")
    };
    let refuted = |c: &Condition| c.met() == Some(false);
    if let Some(lacking) = conditions.iter().filter(|c| refuted(c)).find_map(|c| c.presupposed) {
        let which = sentences(&|c| refuted(c) && c.presupposed.is_some());
        return (Decision::Open, format!("Undecided, as {lacking}: {which}."));
    }
    let all = conditions.len();
    let unsettled: Vec<&Condition> = conditions.iter().filter(|c| c.met().is_none()).collect();
    if conditions.iter().any(refuted) {
        let refuted = sentences(&refuted);
        if unsettled.iter().any(|c| c.presupposed.is_some()) {
            let reason = format!(
                "It is open whether the claim's presuppositions are met; so far: {refuted}."
            );
            return (Decision::Open, reason);
        }
        return (Decision::DoesNotHold, format!("Refuted: {refuted}."));
    }
    if unsettled.is_empty() && all > 0 {
        let reason = match all {
            1 => "Its condition is confirmed.".to_owned(),
            2 => "Both conditions are confirmed.".to_owned(),
            _ => format!("All {all} conditions are confirmed."),
        };
        return (Decision::Holds, reason);
    }
    let missing: Vec<String> = unsettled.iter().map(|c| advice(c)).collect();
    let settled = all - unsettled.len();
    let shown = format!("Settled conditions: {settled} of {all}. Open: {}.", missing.join("; "));
    match (seeds.is_complete(), seeds.planned) {
        (true, 0 | 1) => {
            (Decision::Open, "An interval needs two seeds, but only one was planned.".to_owned())
        }
        (true, planned) => {
            (Decision::NotShown, format!("All {planned} planned seeds have ended. {shown}"))
        }
        (false, planned) => {
            let ended = seeds.ended.len();
            let have = if ended == 1 { "has" } else { "have" };
            let looks = match seeds.first_look() {
                first if ended < first => format!("; the first look is at {first}"),
                _ => String::new(),
            };
            let reason = format!("{ended} of {planned} planned seeds {have} ended{looks}. {shown}");
            (Decision::Open, reason)
        }
    }
}

/// An open condition, with the look that would settle it.
fn advice(condition: &Condition) -> String {
    match condition.outlook() {
        Some(outlook) => format!("{} (would be {outlook})", condition.what),
        None => condition.what.clone(),
    }
}

/// A sentence that names a configuration of which too many trials diverged, if there is one. Only
/// trials of these seeds, which have ended, are counted: the others may still diverge.
///
/// Each configuration is counted separately: one that mostly diverges biases every comparison,
/// however many others there are.
pub(super) fn lost(results: &Results<'_>, ended: &[u64]) -> Option<String> {
    let is_lost = |c: &&&Configuration<'_>| {
        let own = || c.trials.iter().filter(|trial| ended.contains(&trial.info.seed));
        own().filter(|trial| trial.is_diverged()).count() * MOST_LOST > own().count()
    };
    let lost = results.own.iter().find(is_lost)?;
    let name = names::row(lost, &results.own);
    Some(format!(
        "More than one trial in five of {name} diverged; the others may be a biased sample."
    ))
}

/// Data and steps in words.
fn setting(results: &Results<'_>) -> String {
    let steps = || results.own.iter().flat_map(|c| &c.trials).map(|t| t.info.steps);
    let data = match results.dataset {
        "none" => "synthetic samples".to_owned(),
        "digits" => "the embedded digits".to_owned(),
        other => names::dataset(other).to_owned(),
    };
    let Some((least, most)) = steps().min().zip(steps().max()) else {
        return format!("on {data}");
    };
    let most = numbers::grouped(most);
    let steps = match numbers::grouped(least) {
        least if least == most => most,
        least => format!("{least} to {most}"),
    };
    format!("at {steps} steps on {data}")
}

/// How many trials finished, and how many diverged; nothing if all finished.
fn counts(results: &Results<'_>) -> Vec<String> {
    let (asked, finished, diverged) =
        results.own.iter().fold((0, 0, 0), |(asked, finished, diverged), c| {
            (asked + c.asked(), finished + c.finished(), diverged + c.diverged())
        });
    let mut counts = Vec::new();
    if finished < asked {
        counts.push(format!("{finished} of {asked} trials finished"));
    }
    if diverged > 0 {
        counts.push(format!("{diverged} diverged, left out of the verdict"));
    }
    counts
}
