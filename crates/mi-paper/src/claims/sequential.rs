//! Decides when seeds settle a condition. Looks at the seeds are planned in advance, and each
//! spends a part of the error probability.

use super::condition::{Condition, Expected, Measure};
use crate::statistics::{self, TAIL};

/// The numbers of seeds at the looks before the last planned seed.
const EARLY_LOOKS: [usize; 4] = [3, 5, 10, 20];

/// The part of the error probability that all early looks share.
const EARLY_SHARE: f64 = 0.2;

/// The fewest seeds that a test needs.
const MIN_SEEDS: usize = 2;

/// A look decides nothing if more than one in this many of its seeds has no value: the others may
/// be a biased sample.
pub(super) const MOST_LOST: usize = 5;

/// The normal quantile for a power of 80 %.
const POWER: f64 = 0.841_6;

/// The seeds of a claim: how many were planned in advance, which the run has, and which have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedPlan {
    /// The planned number of seeds.
    pub planned: usize,
    /// The seeds with which the run was started, in their order.
    pub run: Vec<u64>,
    /// The seeds that count so far, in their order: all trials of each have ended, and so have
    /// those of every seed before it.
    pub ended: Vec<u64>,
}

/// The result of the seeds so far for a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The mean lies where the condition says.
    Confirmed {
        /// The number of seeds at which it was settled.
        seeds: usize,
    },
    /// The mean lies elsewhere.
    Refuted {
        /// The number of seeds at which it was settled.
        seeds: usize,
    },
    /// Neither, at any look so far.
    Open,
}

impl SeedPlan {
    /// A plan for the seeds 0, 1, 2, … Seeds after the first that the run lacks do not count:
    /// otherwise seeds could be chosen by their results.
    pub(crate) fn of(planned: usize, run: Vec<u64>, ended: Vec<u64>) -> Self {
        let counted = in_order(&ended);
        Self { planned, run, ended: ended[..counted].to_vec() }
    }

    /// The number of seeds of the run that can count: those before the first that it lacks.
    pub(crate) fn in_order(&self) -> usize {
        in_order(&self.run)
    }

    /// Whether all planned seeds have been run.
    pub fn is_complete(&self) -> bool {
        self.ended.len() >= self.planned
    }

    /// The plan for judging only by the seeds from `first` on.
    pub(crate) fn from(&self, first: u64) -> Self {
        let before = usize::try_from(first).unwrap_or(usize::MAX);
        Self {
            planned: self.planned.saturating_sub(before),
            run: self.run.clone(),
            ended: self.ended.iter().copied().filter(|seed| *seed >= first).collect(),
        }
    }

    /// The numbers of seeds at the looks; the last one is the planned number.
    pub(crate) fn numbers(&self) -> Vec<usize> {
        self.looks().into_iter().map(|(seeds, _)| seeds).collect()
    }

    /// The number of seeds at the first look.
    pub(crate) fn first_look(&self) -> usize {
        self.looks().first().map_or(self.planned, |&(seeds, _)| seeds)
    }

    /// The last look at no more than this many seeds: its number of seeds, and the error
    /// probability that it spends on each side.
    pub(crate) fn look_at_most(&self, seeds: usize) -> Option<(usize, f64)> {
        let reached = self.looks().into_iter().rev().find(|&(look, _)| look <= seeds);
        reached.map(|(look, share)| (look, TAIL * share))
    }

    /// The looks: a number of seeds, and the part of the error probability that it spends.
    fn looks(&self) -> Vec<(usize, f64)> {
        let early: Vec<usize> = EARLY_LOOKS.into_iter().filter(|&n| n < self.planned).collect();
        if early.is_empty() {
            return vec![(self.planned, 1.0)];
        }
        let share = EARLY_SHARE / early.len() as f64;
        let early = early.into_iter().map(|n| (n, share));
        early.chain([(self.planned, 1.0 - EARLY_SHARE)]).collect()
    }

    /// Judges a condition.
    ///
    /// `alternatives` is the number of conditions of the claim that could be refuted: a refutation
    /// of one of them refutes the claim, so each is tested at its share of the error probability.
    pub(crate) fn settle(&self, condition: &Condition, alternatives: usize) -> Settled {
        if condition.is_shown_only {
            return Settled::Open;
        }
        if condition.measure == Measure::Largest {
            return self.settle_all(condition);
        }
        let refuting = TAIL / alternatives.max(1) as f64;
        for (seeds, share) in self.looks() {
            let Some(ended) = self.ended.get(..seeds) else { break };
            let values = condition.values_of(ended);
            let lost = ended.len() - values.len();
            if values.len() < MIN_SEEDS || lost * MOST_LOST > ended.len() {
                continue;
            }
            let decided = |tail: f64| condition.decide(&values, tail * share);
            if decided(TAIL) == Some(true) {
                return Settled::Confirmed { seeds };
            }
            if decided(refuting) == Some(false) {
                return Settled::Refuted { seeds };
            }
        }
        Settled::Open
    }

    /// Judges a condition on every run. A later run can still break it, so all seeds that have ended
    /// decide, from the first look on.
    fn settle_all(&self, condition: &Condition) -> Settled {
        let values = condition.values_of(&self.ended);
        if self.ended.len() < self.first_look() || values.len() < MIN_SEEDS {
            return Settled::Open;
        }
        let seeds = self.ended.len();
        match condition.decide(&values, TAIL) {
            Some(true) => Settled::Confirmed { seeds },
            Some(false) => Settled::Refuted { seeds },
            None => Settled::Open,
        }
    }

    /// The number of seeds at the first look to come that settles an open condition with a
    /// probability of about 80 %, if its mean and spread are those of the values so far; `None` if
    /// no planned look does, or if they are unknown.
    pub(crate) fn seeds_needed(&self, condition: &Condition, alternatives: usize) -> Option<usize> {
        if condition.is_shown_only {
            return None;
        }
        let mut to_come = self.looks().into_iter().filter(|&(n, _)| n > self.ended.len());
        if condition.measure == Measure::Largest {
            return to_come.next().map(|(n, _)| n);
        }
        let values: Vec<f64> = condition.by_seed().values().copied().collect();
        let spread = statistics::deviation(&values).filter(|s| s.is_finite())?;
        let mean = statistics::mean(&values);
        let tail = if condition.expected.contains(mean) {
            TAIL
        } else {
            TAIL / alternatives.max(1) as f64
        };
        let distance = distance(condition.expected, mean);
        let settles = |&(n, share): &(usize, f64)| {
            n >= MIN_SEEDS && {
                let critical = mi_eval::t_quantile((n - 1) as f64, tail * share);
                distance * (n as f64).sqrt() > (critical + POWER) * spread
            }
        };
        to_come.find(settles).map(|(n, _)| n)
    }
}

/// The number of seeds before the first gap: 0, 1, 2, …
fn in_order(seeds: &[u64]) -> usize {
    (0..).zip(seeds).take_while(|&(expected, seed)| expected == *seed).count()
}

/// The distance of a mean from the nearest limit of where it should lie.
fn distance(expected: Expected, mean: f64) -> f64 {
    match expected {
        Expected::Above(limit) | Expected::Below(limit) => (mean - limit).abs(),
        Expected::Within(low, high) => (mean - low).abs().min((high - mean).abs()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use mi_random::Stream;

    fn plan(planned: usize, ended: usize) -> SeedPlan {
        let seeds: Vec<u64> = (0..ended as u64).collect();
        SeedPlan::of(planned, seeds.clone(), seeds)
    }

    fn above(values: &[f64]) -> Condition {
        let by_seed: BTreeMap<u64, f64> = (0..).zip(values.iter().copied()).collect();
        Condition::on("effect", Measure::Nats, Expected::Above(0.0), &by_seed)
    }

    #[test]
    fn looks_spend_the_error_probability_once() {
        for planned in [2, 3, 4, 5, 6, 11, 20, 21, 50] {
            let looks = plan(planned, 0).looks();
            let spent: f64 = looks.iter().map(|(_, share)| share).sum();
            assert!((spent - 1.0).abs() < 1e-12, "{planned}: {looks:?}");
            assert_eq!(looks.last().unwrap().0, planned);
            assert!(looks.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
        assert_eq!(plan(20, 0).numbers(), [3, 5, 10, 20]);
        assert_eq!(plan(4, 0).numbers(), [3, 4]);
        assert_eq!(plan(2, 0).numbers(), [2]);
    }

    #[test]
    fn a_clear_effect_is_settled_at_the_first_look_and_a_faint_one_at_the_last() {
        let clear: Vec<f64> = (0..20).map(|i| 10.0 + 0.01 * f64::from(i % 3)).collect();
        assert_eq!(plan(20, 20).settle(&above(&clear), 1), Settled::Confirmed { seeds: 3 });
        let negative: Vec<f64> = clear.iter().map(|v| -v).collect();
        assert_eq!(plan(20, 20).settle(&above(&negative), 8), Settled::Refuted { seeds: 3 });
        let faint: Vec<f64> = (0..20).map(|i| if i % 2 == 0 { 1.6 } else { -0.4 }).collect();
        assert_eq!(plan(20, 10).settle(&above(&faint), 1), Settled::Open);
        assert_eq!(plan(20, 20).settle(&above(&faint), 1), Settled::Confirmed { seeds: 20 });
    }

    #[test]
    fn no_look_is_taken_between_planned_numbers_or_beyond_them() {
        let values: Vec<f64> = (0..20).map(|i| 1.0 + 0.3 * f64::from(i % 2)).collect();
        // Two seeds have ended, and the first look is at three.
        assert_eq!(plan(20, 2).settle(&above(&values), 1), Settled::Open);
        let turning: Vec<f64> = (0..20)
            .map(|i| if i < 5 { f64::from(i % 2) } else { 9.0 + f64::from(i % 2) })
            .collect();
        assert_eq!(plan(5, 20).settle(&above(&turning), 1), Settled::Open);
    }

    #[test]
    fn a_seed_that_did_not_end_holds_back_those_after_it() {
        let values = [1.0, 1.1, 0.9, 1.0];
        let waiting = SeedPlan::of(4, vec![0, 1, 2, 3], vec![0, 1]);
        assert_eq!(waiting.settle(&above(&values), 1), Settled::Open);
        assert_eq!(plan(4, 4).settle(&above(&values), 1), Settled::Confirmed { seeds: 3 });
    }

    #[test]
    fn seeds_after_one_that_the_run_lacks_do_not_count() {
        let chosen = SeedPlan::of(4, vec![0, 1, 4, 7, 9], vec![0, 1, 4, 7]);
        assert_eq!((chosen.in_order(), chosen.ended), (2, vec![0, 1]));
        assert_eq!(SeedPlan::of(3, vec![5, 6, 7], vec![5, 6, 7]).ended, Vec::<u64>::new());
    }

    #[test]
    fn a_look_at_seeds_of_which_many_are_lost_decides_nothing() {
        let with = |lost: &[u64]| {
            let by_seed = (0..10).filter(|seed| !lost.contains(seed));
            let by_seed = by_seed.map(|seed| (seed, 10.0 + seed as f64)).collect();
            Condition::on("effect", Measure::Nats, Expected::Above(0.0), &by_seed)
        };
        assert_eq!(plan(10, 10).settle(&with(&[]), 1), Settled::Confirmed { seeds: 3 });
        // Two of three at the first look, two of five at the second, two of ten at the last.
        assert_eq!(plan(10, 10).settle(&with(&[0, 1]), 1), Settled::Confirmed { seeds: 10 });
        assert_eq!(plan(10, 5).settle(&with(&[0, 1]), 1), Settled::Open);
    }

    #[test]
    fn a_condition_on_every_run_is_broken_by_a_later_one() {
        let with = |values: &[f64]| {
            let by_seed = (0..).zip(values.iter().copied()).collect();
            Condition::on_largest("error", 1e-3, &by_seed)
        };
        let good = [1e-9; 4];
        assert_eq!(plan(4, 2).settle(&with(&good), 1), Settled::Open);
        assert_eq!(plan(4, 4).settle(&with(&good), 1), Settled::Confirmed { seeds: 4 });
        let bad = [1e-9, 1e-9, 1e-9, 0.5];
        assert_eq!(plan(4, 3).settle(&with(&bad), 1), Settled::Confirmed { seeds: 3 });
        assert_eq!(plan(4, 4).settle(&with(&bad), 1), Settled::Refuted { seeds: 4 });
    }

    #[test]
    fn looks_do_not_depend_on_how_many_seeds_ran() {
        assert_eq!(plan(5, 2).look_at_most(2), None);
        let (seeds, level) = plan(5, 4).look_at_most(4).unwrap();
        assert!(seeds == 3 && (level - 0.2 * TAIL).abs() < 1e-12, "{level}");
        assert_eq!(plan(5, 9).look_at_most(9).map(|(seeds, _)| seeds), Some(5));
        assert_eq!((plan(20, 1).first_look(), plan(2, 1).first_look()), (3, 2));
    }

    #[test]
    fn later_seeds_alone_judge_what_earlier_ones_suggested() {
        let plan = plan(20, 7).from(3);
        assert_eq!((plan.planned, plan.ended), (17, vec![3, 4, 5, 6]));
    }

    #[test]
    fn advice_names_a_look_that_settles_a_condition() {
        let around = |mean: f64, n: i32| -> Condition {
            let one = |i: i32| mean + if i % 2 == 0 { 1.0 } else { -1.0 };
            above(&(0..n).map(one).collect::<Vec<f64>>())
        };
        // Early looks spend little: a mean of one standard deviation is seen at the last.
        assert_eq!(plan(20, 6).seeds_needed(&around(1.0, 6), 1), Some(20));
        assert_eq!(plan(5, 2).seeds_needed(&around(4.0, 2), 1), Some(5));
        assert_eq!(plan(5, 2).seeds_needed(&around(40.0, 2), 1), Some(3));
        // One of many conditions is refuted at its share of the error probability.
        assert_eq!(plan(5, 2).seeds_needed(&around(-4.0, 2), 1), Some(5));
        assert_eq!(plan(5, 2).seeds_needed(&around(-4.0, 2), 8), None);
        // Seeds beyond the plan decide nothing.
        assert_eq!(plan(5, 5).seeds_needed(&around(0.1, 5), 1), None);
        assert_eq!(plan(5, 1).seeds_needed(&around(4.0, 1), 1), None);
    }

    /// The fraction of runs in which a condition with this mean is settled wrongly, or rightly.
    fn rates(mean: f64, planned: usize, alternatives: usize) -> (f64, f64) {
        let runs = 20_000;
        let mut noise = Stream::new(7, "rates");
        let (mut confirmed, mut refuted) = (0, 0);
        for _ in 0..runs {
            let values: Vec<f64> = (0..planned).map(|_| mean + noise.normal()).collect();
            match plan(planned, planned).settle(&above(&values), alternatives) {
                Settled::Confirmed { .. } => confirmed += 1,
                Settled::Refuted { .. } => refuted += 1,
                Settled::Open => {}
            }
        }
        (f64::from(confirmed) / f64::from(runs), f64::from(refuted) / f64::from(runs))
    }

    #[test]
    fn error_rates_by_simulation_are_those_planned() {
        for planned in [3, 4, 5, 10, 20] {
            let (confirmed, refuted) = rates(0.0, planned, 1);
            // Three standard errors of a rate of 2.5 % over 20,000 runs are 0.33 points.
            assert!(confirmed <= 0.0284 && refuted <= 0.0284, "{planned}: {confirmed} {refuted}");
            let (_, refuted) = rates(0.0, planned, 10);
            assert!(refuted <= 0.0036, "{planned}: {refuted}");
        }
        // About 80 % power for a mean of one standard deviation.
        let (power, wrong) = rates(1.0, 11, 1);
        assert!(power > 0.75 && wrong < 1e-3, "{power} {wrong}");
    }
}
