//! Conditions: an effect, its interval over seeds, and where it should lie.

use std::collections::BTreeMap;

use super::sequential::Settled;
use crate::numbers;
use crate::statistics::{Interval, TAIL};

/// The kind of number an effect is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Measure {
    /// A difference of accuracies, shown in percentage points.
    Points,
    /// Nats.
    Nats,
    /// A difference of natural logarithms.
    Log,
    /// A rank correlation.
    Correlation,
    /// The largest value over the runs, which has no interval.
    Largest,
}

impl Measure {
    /// The unit in words.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Nats => "nats",
            Self::Log | Self::Correlation | Self::Largest => "",
        }
    }

    /// An effect in the measure's unit.
    pub(crate) fn scaled(self, value: f64) -> f64 {
        if self == Self::Points { 100.0 * value } else { value }
    }

    fn number(self, value: f64) -> String {
        match self {
            Self::Points | Self::Log | Self::Correlation => numbers::fixed(self.scaled(value), 2),
            Self::Nats => numbers::fixed(value, 3),
            Self::Largest => mi_plot::number(value),
        }
    }
}

/// Where an effect lies according to the claim.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Expected {
    /// Above a value.
    Above(f64),
    /// Below a value.
    Below(f64),
    /// Between two values.
    Within(f64, f64),
}

impl Expected {
    /// Whether a mean lies where it should.
    pub(crate) fn contains(self, mean: f64) -> bool {
        self.decide(mean, mean) == Some(true)
    }

    /// Whether an interval lies completely inside or completely outside; `None` if neither.
    fn decide(self, low: f64, high: f64) -> Option<bool> {
        let (met, refuted) = match self {
            Self::Above(limit) => (low > limit, high < limit),
            Self::Below(limit) => (high < limit, low > limit),
            Self::Within(least, most) => (low > least && high < most, high < least || low > most),
        };
        if met { Some(true) } else { refuted.then_some(false) }
    }
}

/// What a condition means in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brief {
    /// What it is about.
    pub name: &'static str,
    /// What follows if it is confirmed.
    pub confirmed: &'static str,
    /// What follows if it is refuted.
    pub refuted: &'static str,
    /// What follows while it is open.
    pub open: &'static str,
}

/// One condition of a claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What is compared, e.g. `InfoNCE: accuracy, bilinear − separable`.
    pub what: String,
    /// The kind of number.
    pub measure: Measure,
    /// The effect over seeds; `None` while fewer than two seeds finished.
    pub effect: Option<Interval>,
    /// The value of the only seed that finished, which has no interval.
    pub single: Option<f64>,
    /// The effect of each seed.
    by_seed: BTreeMap<u64, f64>,
    /// Where the effect should lie.
    pub expected: Expected,
    /// The effect in the paper, if its figures show it.
    pub published: Option<f64>,
    /// The result of the planned seeds so far.
    pub settled: Settled,
    /// The look, by its number of seeds, that would settle it, if it is open and one would.
    pub seeds_needed: Option<usize>,
    /// Whether the effect is only shown, and never settled.
    pub is_shown_only: bool,
    /// For a condition that a claim presupposes: a clause that describes the situation if the
    /// condition is not met. The claim is then undecided, never refuted.
    pub presupposed: Option<&'static str>,
    /// What it means in a few words, for a claim that is summed up in a sentence.
    pub brief: Option<Brief>,
}

impl Condition {
    /// A condition on a number that each seed has.
    pub(crate) fn on(
        what: impl Into<String>,
        measure: Measure,
        expected: Expected,
        by_seed: &BTreeMap<u64, f64>,
    ) -> Self {
        let values: Vec<f64> = by_seed.values().copied().collect();
        Self::new(what, measure, expected, interval(&values, TAIL), by_seed.clone())
    }

    /// A condition on the difference of two configurations, by seed. If fewer than two seeds are
    /// shared, the interval shown is that of the difference of means (Welch 1947), which settles
    /// nothing.
    pub(crate) fn on_difference(
        what: impl Into<String>,
        measure: Measure,
        expected: Expected,
        a: &BTreeMap<u64, f64>,
        b: &BTreeMap<u64, f64>,
    ) -> Self {
        let pairs: BTreeMap<u64, f64> =
            a.iter().filter_map(|(seed, value)| Some((*seed, value - b.get(seed)?))).collect();
        let differences: Vec<f64> = pairs.values().copied().collect();
        let effect = interval(&differences, TAIL).or_else(|| {
            let between = Interval::of_difference(&finite(a.values()), &finite(b.values()))?;
            let towards = a.values().copied().chain(b.values().map(|value| -value));
            Some(with_infinite_ends(between, towards))
        });
        Self::new(what, measure, expected, effect, pairs)
    }

    /// An estimate from all seeds together that is shown and settles nothing, with the pseudo-values
    /// of the jackknife (Tukey 1958), from which its interval follows.
    pub(crate) fn shown_only(
        what: impl Into<String>,
        measure: Measure,
        expected: Expected,
        estimate: f64,
        pseudo_values: &BTreeMap<u64, f64>,
    ) -> Self {
        let values: Vec<f64> = pseudo_values.values().copied().collect();
        let effect = interval(&values, TAIL).map(|of_pseudo| {
            let shift = estimate - of_pseudo.mean;
            let (low, high) = (of_pseudo.low + shift, of_pseudo.high + shift);
            Interval { mean: estimate, low, high, ..of_pseudo }
        });
        let condition = Self::new(what, measure, expected, effect, pseudo_values.clone());
        Self { is_shown_only: true, ..condition }
    }

    /// A condition on the largest value over all seeds.
    pub(crate) fn on_largest(
        what: impl Into<String>,
        limit: f64,
        by_seed: &BTreeMap<u64, f64>,
    ) -> Self {
        let values: Vec<f64> = by_seed.values().copied().collect();
        let largest = largest(&values);
        let effect = (values.len() >= 2).then_some(Interval {
            mean: largest,
            low: largest,
            high: largest,
            n: values.len(),
        });
        Self::new(what, Measure::Largest, Expected::Below(limit), effect, by_seed.clone())
    }

    fn new(
        what: impl Into<String>,
        measure: Measure,
        expected: Expected,
        effect: Option<Interval>,
        by_seed: BTreeMap<u64, f64>,
    ) -> Self {
        // A correlation lies between −1 and 1, which a t-interval does not know.
        let effect = effect.map(|e| match measure {
            Measure::Correlation => Interval { low: e.low.max(-1.0), high: e.high.min(1.0), ..e },
            _ => e,
        });
        let single = if by_seed.len() == 1 { by_seed.values().next().copied() } else { None };
        Self {
            what: what.into(),
            measure,
            effect,
            single,
            by_seed,
            expected,
            published: None,
            settled: Settled::Open,
            seeds_needed: None,
            is_shown_only: false,
            presupposed: None,
            brief: None,
        }
    }

    /// The same condition on the seeds before `first`, and on the others.
    pub(crate) fn split_at(self, first: u64) -> (Self, Self) {
        let mut before = self.by_seed.clone();
        let from = before.split_off(&first);
        let on = |by_seed: BTreeMap<u64, f64>| {
            let values: Vec<f64> = by_seed.values().copied().collect();
            let (what, effect) = (self.what.clone(), interval(&values, TAIL));
            let condition = Self::new(what, self.measure, self.expected, effect, by_seed);
            let (presupposed, brief) = (self.presupposed, self.brief);
            Self { presupposed, brief, ..condition.published(self.published) }
        };
        (on(before), on(from))
    }

    /// The effect of each seed.
    pub(crate) fn by_seed(&self) -> &BTreeMap<u64, f64> {
        &self.by_seed
    }

    /// The effects of those of these seeds that have one.
    pub(crate) fn values_of(&self, seeds: &[u64]) -> Vec<f64> {
        seeds.iter().filter_map(|seed| self.by_seed.get(seed).copied()).collect()
    }

    /// Whether values show that the effect lies where it should, by an interval that leaves out a
    /// probability of `tail` on each side; `None` if they do not decide.
    pub(crate) fn decide(&self, values: &[f64], tail: f64) -> Option<bool> {
        if self.measure == Measure::Largest {
            let largest = largest(values);
            return self.expected.decide(largest, largest);
        }
        interval(values, tail).and_then(|e| self.expected.decide(e.low, e.high))
    }

    /// Whether the effect's 95 % interval over all seeds lies where it should.
    pub(crate) fn interval_decides(&self) -> Option<bool> {
        self.effect.and_then(|e| self.expected.decide(e.low, e.high))
    }

    /// Whether it is settled that the effect lies where it should.
    pub fn met(&self) -> Option<bool> {
        match self.settled {
            Settled::Confirmed { .. } => Some(true),
            Settled::Refuted { .. } => Some(false),
            Settled::Open => None,
        }
    }

    /// At which look an open condition would be settled with a probability of about 80 %, and how,
    /// as part of a sentence; `None` if no planned look would.
    pub fn outlook(&self) -> Option<String> {
        let seeds = self.seeds_needed?;
        let mean = self.effect.map(|e| e.mean).or(self.single)?;
        let way = if self.expected.contains(mean) { "confirmed" } else { "refuted" };
        Some(format!("{way} at about {seeds} seeds"))
    }

    /// Sets the paper's value.
    pub(crate) fn published(mut self, value: Option<f64>) -> Self {
        self.published = value;
        self
    }

    /// Makes it a condition that the claim presupposes; `lacking` describes the situation if it is
    /// not met.
    pub(crate) fn presupposed(mut self, lacking: &'static str) -> Self {
        self.presupposed = Some(lacking);
        self
    }

    /// Says what it means in a few words.
    pub(crate) fn in_brief(mut self, brief: Brief) -> Self {
        self.brief = Some(brief);
        self
    }

    /// The number of seeds whose own effect lies where the mean should, of those that have one.
    pub fn as_claimed(&self) -> (usize, usize) {
        if self.is_shown_only {
            return (0, 0);
        }
        let lies = |value: &&f64| self.expected.decide(**value, **value) == Some(true);
        (self.by_seed.values().filter(lies).count(), self.by_seed.len())
    }

    /// The effect and its interval in words.
    pub fn effect_text(&self) -> String {
        let number = |value| self.measure.number(value);
        let unit = self.measure.unit();
        match (self.effect, self.single) {
            (Some(effect), _) if self.measure == Measure::Largest => number(effect.mean),
            (Some(e), _) => {
                let (low, high) = (number(e.low), number(e.high));
                let mean = format!("{} {unit}", number(e.mean));
                format!("{} [{low}, {high}]", mean.trim_end())
            }
            (None, Some(value)) => {
                let value = format!("{} {unit}", number(value));
                format!("{} (1 seed)", value.trim_end())
            }
            (None, None) => "not measured yet".to_owned(),
        }
    }

    /// Where the effect should lie, in words.
    pub fn expected_text(&self) -> String {
        let number = |value| {
            let text = self.measure.number(value);
            let trimmed = text.trim_end_matches('0').trim_end_matches('.');
            if text.contains('.') { trimmed.to_owned() } else { text }
        };
        match self.expected {
            Expected::Above(limit) => format!("above {}", number(limit)),
            Expected::Below(limit) => format!("below {}", number(limit)),
            Expected::Within(low, high) => format!("{} to {}", number(low), number(high)),
        }
    }

    /// The paper's value in words.
    pub fn published_text(&self) -> Option<String> {
        self.published.map(|value| self.measure.number(value))
    }

    /// Number of seeds, or of pairs of runs that share one.
    pub fn seeds(&self) -> usize {
        self.effect.map_or(usize::from(self.single.is_some()), |e| e.n)
    }

    /// The condition with its effect, as part of a sentence.
    pub(crate) fn sentence(&self) -> String {
        format!("{} is {}, expected {}", self.what, self.effect_text(), self.expected_text())
    }
}

/// The largest value. One that is not a number counts as infinite, since nothing shows it to be
/// small.
fn largest(values: &[f64]) -> f64 {
    let larger = |m: f64, &v: &f64| if v.is_nan() { f64::INFINITY } else { m.max(v) };
    values.iter().fold(f64::NEG_INFINITY, larger)
}

fn finite<'a>(values: impl IntoIterator<Item = &'a f64>) -> Vec<f64> {
    values.into_iter().copied().filter(|value| value.is_finite()).collect()
}

/// The t-interval of values that may be infinite, which leaves out a probability of `tail` on each
/// side.
///
/// Mean and ends are those of the finite values, but an end is infinite if a value on its side is
/// infinite (an unbounded bound or condition number), so that such a value never makes an interval
/// narrower. A value that is not a number (the difference of two infinite bounds) may lie on either
/// side. If all values are infinite on the same side, so is the interval.
fn interval(values: &[f64], tail: f64) -> Option<Interval> {
    let n = values.len();
    if let [first, _, ..] = values
        && first.is_infinite()
        && values.iter().all(|value| value == first)
    {
        return Some(Interval { mean: *first, low: *first, high: *first, n });
    }
    // A single finite value says nothing about the spread, which includes the infinite ones.
    let of_finite = Interval::at(&finite(values), tail)?;
    Some(Interval { n, ..with_infinite_ends(of_finite, values.iter().copied()) })
}

/// The interval, with an infinite end on each side on which one of the values may be infinite.
fn with_infinite_ends(interval: Interval, values: impl Iterator<Item = f64>) -> Interval {
    values.filter(|value| !value.is_finite()).fold(interval, |interval, value| {
        let (low, high) =
            if value.is_nan() { (f64::NEG_INFINITY, f64::INFINITY) } else { (value, value) };
        Interval { low: interval.low.min(low), high: interval.high.max(high), ..interval }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(values: &[f64]) -> BTreeMap<u64, f64> {
        (0..).zip(values.iter().copied()).collect()
    }

    fn above_zero(values: &[f64]) -> Condition {
        Condition::on("x", Measure::Nats, Expected::Above(0.0), &seeds(values))
    }

    #[test]
    fn the_interval_decides_not_the_mean() {
        assert_eq!(above_zero(&[1.0, 1.1, 0.9]).interval_decides(), Some(true));
        assert_eq!(above_zero(&[-1.0, -1.1, -0.9]).interval_decides(), Some(false));
        assert_eq!(above_zero(&[1.0, 3.0, -1.0]).interval_decides(), None);
        assert_eq!(above_zero(&[1.0]).interval_decides(), None);
        assert_eq!(above_zero(&[]).interval_decides(), None);
        let near = |v: &[f64]| {
            Condition::on("x", Measure::Nats, Expected::Within(-0.1, 0.1), &seeds(v))
                .interval_decides()
        };
        assert_eq!(near(&[0.01, -0.01]), None, "two seeds are too few for so wide an interval");
        assert_eq!(near(&[0.01, -0.01, 0.0]), Some(true));
        assert_eq!(near(&[0.5, 0.5]), Some(false));
    }

    #[test]
    fn intervals_of_correlations_stay_between_minus_one_and_one() {
        let of = |measure, values: &[f64]| {
            Condition::on("ρ", measure, Expected::Above(0.9), &seeds(values)).effect.unwrap()
        };
        let (as_nats, as_correlation) =
            (of(Measure::Nats, &[0.95, 0.99]), of(Measure::Correlation, &[0.95, 0.99]));
        assert!(as_nats.high > 1.0);
        assert_eq!((as_correlation.low, as_correlation.high), (as_nats.low, 1.0));
        assert_eq!(of(Measure::Correlation, &[-0.95, -0.99]).low, -1.0);
    }

    #[test]
    fn pairs_take_out_what_seeds_share() {
        let a = seeds(&[0.90, 0.80, 0.70]);
        let b = seeds(&[0.89, 0.79, 0.69]);
        let paired = Condition::on_difference("x", Measure::Points, Expected::Above(0.0), &a, &b);
        assert_eq!(paired.interval_decides(), Some(true));
        let shifted: BTreeMap<u64, f64> = b.iter().map(|(seed, v)| (seed + 10, *v)).collect();
        let unpaired =
            Condition::on_difference("x", Measure::Points, Expected::Above(0.0), &a, &shifted);
        assert!(unpaired.effect.is_some());
        assert_eq!(unpaired.interval_decides(), None);
    }

    #[test]
    fn infinite_effects_count_but_never_help() {
        let infinite = f64::INFINITY;
        assert_eq!(above_zero(&[infinite, infinite]).interval_decides(), Some(true));
        assert_eq!(above_zero(&[infinite, -infinite]).interval_decides(), None);
        let ends = |condition: &Condition| condition.effect.map(|e| (e.low, e.high, e.n)).unwrap();
        let (low, high, _) = ends(&above_zero(&[5.1, 5.3]));
        let lost = above_zero(&[5.1, 5.3, -infinite]);
        assert_eq!(ends(&lost), (-infinite, high, 3));
        assert_eq!(lost.interval_decides(), None);
        assert_eq!(ends(&above_zero(&[5.1, 5.3, infinite])), (low, infinite, 3));
        let unknown = above_zero(&[5.1, 5.3, f64::NAN]);
        assert_eq!(ends(&unknown), (-infinite, infinite, 3));
        assert_eq!((unknown.interval_decides(), unknown.as_claimed()), (None, (2, 3)));
        let below = |values: &[f64]| {
            Condition::on("x", Measure::Nats, Expected::Below(0.0), &seeds(values))
                .interval_decides()
        };
        assert_eq!(below(&[-5.1, -5.3, -5.2]), Some(true));
        assert_eq!(below(&[-5.1, -5.3, infinite]), None);
        assert_eq!(
            above_zero(&[1.0, infinite]).interval_decides(),
            None,
            "one finite value has no spread"
        );
    }

    #[test]
    fn infinite_values_of_unpaired_runs_count_too() {
        let (a, b) = (seeds(&[5.1, 5.3, 5.2, f64::NEG_INFINITY]), seeds(&[0.1, 0.2, 0.3]));
        let others: BTreeMap<u64, f64> = b.iter().map(|(seed, v)| (seed + 10, *v)).collect();
        let above = |a, b| Condition::on_difference("x", Measure::Nats, Expected::Above(0.0), a, b);
        assert_eq!(above(&a, &others).effect.unwrap().low, f64::NEG_INFINITY);
        assert_eq!(above(&a, &others).interval_decides(), None);
        assert_eq!(above(&others, &a).effect.unwrap().high, f64::INFINITY);
    }

    #[test]
    fn the_largest_of_runs_includes_what_is_not_a_number() {
        assert_eq!(
            Condition::on_largest("x", 1e-3, &seeds(&[1e-9, 1e-8])).interval_decides(),
            Some(true)
        );
        assert_eq!(
            Condition::on_largest("x", 1e-3, &seeds(&[1e-9, f64::NAN])).interval_decides(),
            Some(false)
        );
        assert_eq!(Condition::on_largest("x", 1e-3, &seeds(&[1e-9])).interval_decides(), None);
    }

    #[test]
    fn effects_read_well() {
        let condition =
            Condition::on("x", Measure::Points, Expected::Above(0.1), &seeds(&[0.30, 0.32, 0.31]));
        assert_eq!(condition.effect_text(), "31.00 points [28.52, 33.48]");
        assert_eq!(condition.expected_text(), "above 10");
    }
}
