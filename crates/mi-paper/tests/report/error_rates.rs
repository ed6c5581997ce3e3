//! Error rates of whole claims: many synthetic outcomes of known effects, each judged like a run.
//!
//! `cargo test -p mi-paper --test report error_rates -- --nocapture` prints the rates.

use mi_paper::claims::Decision;
use mi_paper::outcome::{Outcome, TrialInfo};
use mi_paper::record::Metric;
use mi_paper::report::judge;
use mi_random::Stream;

use crate::synthetic::Synthetic;

/// The number of outcomes for each situation.
const OUTCOMES: usize = 400;

/// The rates of wrong verdicts that the rules allow, both together.
const ALLOWED: f64 = 0.05;

/// The mean of a trial's metric, in standard deviations over seeds.
type Mean = fn(&TrialInfo, Metric) -> f64;

/// How a seed's value varies around the mean.
type Noise = fn(&TrialInfo, Metric, &mut Stream) -> f64;

/// How often C4 was found to hold, and not to hold.
#[derive(Debug)]
struct Rates {
    holds: f64,
    does_not_hold: f64,
}

/// A run of the paper's comparison of critics, with all planned seeds and one evaluation each.
fn one_evaluation() -> Outcome {
    let mut outcome = Synthetic::agreeing(20).only(&["critics"]).outcome();
    let judged = [Metric::Accuracy, Metric::BoundTrain];
    outcome.records.retain(|record| record.step == 21_000 && judged.contains(&record.metric));
    outcome
}

fn rates(situation: &str, mean: Mean, noise: Noise) -> Rates {
    let mut outcome = one_evaluation();
    let mut stream = Stream::new(11, situation);
    let (mut holds, mut does_not_hold) = (0, 0);
    for _ in 0..OUTCOMES {
        let mut trials = outcome.trials.iter();
        let mut trial = trials.next().unwrap();
        for record in &mut outcome.records {
            // Records are in the order of the trials.
            while trial.id != record.trial {
                trial = trials.next().unwrap();
            }
            record.value = mean(trial, record.metric) + noise(trial, record.metric, &mut stream);
        }
        match judge(&outcome).iter().find(|v| v.id == "C4").unwrap().decision() {
            Decision::Holds => holds += 1,
            Decision::DoesNotHold => does_not_hold += 1,
            _ => {}
        }
    }
    let rate = |count: usize| count as f64 / OUTCOMES as f64;
    let rates = Rates { holds: rate(holds), does_not_hold: rate(does_not_hold) };
    eprintln!("{situation}: {rates:?}");
    rates
}

fn normal(_: &TrialInfo, _: Metric, stream: &mut Stream) -> f64 {
    stream.normal()
}

/// Means by which every condition of C4 is true, each by `distance`.
fn ordered(trial: &TrialInfo, metric: Metric, distance: f64) -> f64 {
    let is_mlp = trial.critic == "mlp";
    match (metric, trial.bound.as_str(), trial.critic.as_str()) {
        (Metric::Accuracy, _, "bilinear") => 2.0 * distance,
        (Metric::Accuracy, _, "separable") => distance,
        (Metric::BoundTrain, "nwj", _) if is_mlp => distance,
        (Metric::BoundTrain, "infonce", _) if !is_mlp => distance,
        _ => 0.0,
    }
}

/// The mean of the condition on NWJ bounds, MLP − bilinear, is zero, so the claim is false by the
/// least amount. All others are true by far.
fn one_false(trial: &TrialInfo, metric: Metric) -> f64 {
    match (metric, trial.bound.as_str(), trial.critic.as_str()) {
        (Metric::BoundTrain, "nwj", "bilinear" | "mlp") => 0.0,
        (Metric::BoundTrain, "nwj", _) => -9.0,
        _ => ordered(trial, metric, 9.0),
    }
}

/// In one of ten seeds the NWJ bound of the MLP critic is lower by six standard deviations. The
/// mean is zero.
fn rare_dips(trial: &TrialInfo, metric: Metric, stream: &mut Stream) -> f64 {
    let dips = metric == Metric::BoundTrain && trial.bound == "nwj" && trial.critic == "mlp";
    let dip = if dips && stream.below(10) == 0 { -6.0 } else { 0.0 };
    let shift = if dips { 0.6 } else { 0.0 };
    stream.normal() + dip + shift
}

#[test]
fn a_claim_without_effects_is_rarely_decided() {
    let Rates { holds, does_not_hold } = rates("no effect", |_, _| 0.0, normal);
    assert!(holds + does_not_hold <= ALLOWED, "{holds} {does_not_hold}");
}

#[test]
fn a_claim_with_one_false_condition_rarely_holds() {
    let Rates { holds, does_not_hold } = rates("one condition false", one_false, normal);
    assert!(holds + does_not_hold <= ALLOWED, "{holds} {does_not_hold}");
    // The test could not fail if no outcome were decided.
    assert!(holds > 0.0);
}

#[test]
fn a_reversed_claim_never_holds_and_a_true_one_is_never_refuted() {
    let reversed = rates("reversed", |trial, metric| ordered(trial, metric, -2.0), normal);
    assert!(reversed.holds <= 0.0 && reversed.does_not_hold > 0.95, "{reversed:?}");
    let confirmed = rates("true", |trial, metric| ordered(trial, metric, 2.0), normal);
    assert!(confirmed.does_not_hold <= 0.0 && confirmed.holds > 0.95, "{confirmed:?}");
}

#[test]
fn rare_dips_break_the_error_rate_of_a_mean() {
    // docs/verdicts.md gives these rates. Early looks at few seeds often miss every dip.
    let Rates { holds, does_not_hold } = rates("rare dips", one_false, rare_dips);
    assert!(holds > ALLOWED && holds <= 0.15, "{holds}");
    assert!(does_not_hold <= ALLOWED, "{does_not_hold}");
}
