//! Decides which of two measurements is slower, and when that is certain.

use std::collections::{BTreeMap, BTreeSet};

use super::record::Measurement;
use super::table::{table, value};

/// A number and the interval around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interval {
    pub(crate) point: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    pub(crate) fn of(measurement: &Measurement) -> Self {
        let &Measurement { value, low, high, .. } = measurement;
        Self { point: value, low, high }
    }

    /// The ratio `new / old` of two independent medians with its 95 % interval.
    ///
    /// The distances of the limits are added in quadrature on the logarithmic scale (method of
    /// variance estimates recovery: Zou, Donner 2008, eq. 7). That keeps skewed intervals skewed.
    pub(crate) fn ratio(new: Self, old: Self) -> Self {
        let down = (new.point / new.low).ln().hypot((old.high / old.point).ln());
        let up = (new.high / new.point).ln().hypot((old.point / old.low).ln());
        let point = new.point / old.point;
        Self { point, low: point * (-down).exp(), high: point * up.exp() }
    }

    /// The median of several rounds' ratios within the hull of their intervals. A verdict from the
    /// hull holds in every single round.
    pub(crate) fn of_rounds(rounds: &[Self]) -> Option<Self> {
        let mut points: Vec<f64> = rounds.iter().map(|round| round.point).collect();
        points.sort_by(f64::total_cmp);
        let (low, high) =
            (points.get((points.len().checked_sub(1)?) / 2)?, points.get(points.len() / 2)?);
        Some(Self {
            point: f64::midpoint(*low, *high),
            low: rounds.iter().map(|round| round.low).fold(f64::INFINITY, f64::min),
            high: rounds.iter().map(|round| round.high).fold(0.0, f64::max),
        })
    }
}

/// The result of a comparison for one benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Only the newer side has it.
    New,
    /// Only the older side has it.
    Gone,
    /// The interval of the ratio reaches within the threshold of 1.
    Same,
    Faster,
    /// The full interval is beyond the threshold, in one pair of runs.
    Suspect,
    /// The full interval is beyond the threshold, in every one of several alternating runs.
    Slower,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Same => "same",
            Self::Faster => "faster",
            Self::Suspect => "slower?",
            Self::Slower => "slower",
        }
    }
}

/// How much evidence the compared numbers carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// One run each, at different times: can only raise a suspicion.
    OnePair,
    /// Several runs in alternation, or exact counts.
    Conclusive,
}

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) old: Option<f64>,
    pub(crate) new: Option<f64>,
    pub(crate) ratio: Option<Interval>,
    pub(crate) verdict: Verdict,
}

impl Line {
    /// A line for a benchmark that both sides have.
    pub(crate) fn of_both(
        id: String,
        [old, new]: [f64; 2],
        ratio: Interval,
        threshold: f64,
        evidence: Evidence,
    ) -> Self {
        // Symmetric in the ratio: slower in one direction is faster in the other.
        let verdict = if ratio.low > 1.0 + threshold {
            if evidence == Evidence::Conclusive { Verdict::Slower } else { Verdict::Suspect }
        } else if ratio.high < 1.0 / (1.0 + threshold) {
            Verdict::Faster
        } else {
            Verdict::Same
        };
        Self { id, old: Some(old), new: Some(new), ratio: Some(ratio), verdict }
    }
}

/// Compares two sets of results, ordered by id.
pub(crate) fn compare(
    old: &[Measurement],
    new: &[Measurement],
    threshold: f64,
    evidence: Evidence,
) -> Vec<Line> {
    let by_id = |results: &[Measurement]| -> BTreeMap<String, Interval> {
        results.iter().map(|one| (one.id.clone(), Interval::of(one))).collect()
    };
    let (old, new) = (by_id(old), by_id(new));
    let ids: BTreeSet<_> = old.keys().chain(new.keys()).cloned().collect();
    ids.into_iter()
        .map(|id| match (old.get(&id), new.get(&id)) {
            (Some(&old), Some(&new)) => {
                let (points, ratio) = ([old.point, new.point], Interval::ratio(new, old));
                Line::of_both(id, points, ratio, threshold, evidence)
            }
            (old, new) => {
                let (old, new) = (old.map(|one| one.point), new.map(|one| one.point));
                let verdict = if old.is_none() { Verdict::New } else { Verdict::Gone };
                Line { id, old, new, ratio: None, verdict }
            }
        })
        .collect()
}

/// The comparison as text.
pub(crate) fn show(lines: &[Line], unit: &str) -> String {
    let cell = |number: Option<f64>| number.map_or("-".to_owned(), |number| value(number, unit));
    let rows: Vec<_> = lines
        .iter()
        .map(|Line { id, old, new, ratio, verdict }| {
            let shown = |text: fn(&Interval) -> String| ratio.as_ref().map_or("-".into(), text);
            vec![
                id.clone(),
                cell(*old),
                cell(*new),
                shown(|ratio| format!("{:.3}", ratio.point)),
                shown(|ratio| format!("{:.3} – {:.3}", ratio.low, ratio.high)),
                verdict.name().to_owned(),
            ]
        })
        .collect();
    table(&["benchmark", "old", "new", "new/old", "interval", "verdict"], &rows)
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;

    const DATE: &str = "2026-02-03T04:05:06Z";

    fn verdicts(old: &[(&str, f64, f64)], new: &[(&str, f64, f64)]) -> Vec<(String, Verdict)> {
        let (old, new) = (record("m", DATE, old).results, record("m", DATE, new).results);
        let lines = compare(&old, &new, 0.05, Evidence::Conclusive);
        lines.into_iter().map(|line| (line.id, line.verdict)).collect()
    }

    #[test]
    fn slower_needs_the_whole_interval_beyond_the_threshold() {
        for (old, new, expected) in [
            ((100.0, 1.0), (120.0, 1.0), Verdict::Slower),
            ((100.0, 1.0), (80.0, 1.0), Verdict::Faster),
            // Within the threshold, however precise.
            ((100.0, 0.01), (103.0, 0.01), Verdict::Same),
            ((100.0, 0.01), (97.0, 0.01), Verdict::Same),
            // Beyond it, but the interval is not.
            ((100.0, 8.0), (112.0, 8.0), Verdict::Same),
            ((100.0, 8.0), (90.0, 8.0), Verdict::Same),
        ] {
            let found = verdicts(&[("a", old.0, old.1)], &[("a", new.0, new.1)]);
            assert_eq!(found, [("a".to_owned(), expected)], "{old:?} {new:?}");
        }
    }

    #[test]
    fn rows_of_one_side_are_new_or_gone() {
        let found =
            verdicts(&[("a", 1.0, 0.1), ("b", 1.0, 0.1)], &[("b", 1.0, 0.1), ("c", 1.0, 0.1)]);
        let expected = [("a", Verdict::Gone), ("b", Verdict::Same), ("c", Verdict::New)];
        assert_eq!(found, expected.map(|(id, verdict)| (id.to_owned(), verdict)));

        let (old, new) =
            (record("m", DATE, &[("a", 1.0, 0.1)]), record("m", DATE, &[("c", 1.0, 0.1)]));
        let text = show(&compare(&old.results, &new.results, 0.05, Evidence::OnePair), "ns");
        assert!(text.contains("gone") && text.contains("new"), "{text}");
    }

    #[test]
    fn one_pair_only_raises_a_suspicion() {
        let (old, new) =
            (record("m", DATE, &[("a", 1.0, 0.01)]), record("m", DATE, &[("a", 2.0, 0.01)]));
        let lines = compare(&old.results, &new.results, 0.05, Evidence::OnePair);
        assert_eq!(lines[0].verdict, Verdict::Suspect);
    }

    #[test]
    fn the_ratio_turns_around_with_its_sides() {
        let a = Interval { point: 100.0, low: 97.0, high: 110.0 };
        let b = Interval { point: 130.0, low: 129.0, high: 140.0 };
        let (one, other) = (Interval::ratio(b, a), Interval::ratio(a, b));
        for (x, y) in [(one.point, other.point), (one.low, other.high), (one.high, other.low)] {
            assert!((x * y - 1.0).abs() < 1e-12);
        }
        assert!(one.low < one.point && one.point < one.high);
        // Compared with an exact number, only the other interval matters.
        let exact = Interval { point: 50.0, low: 50.0, high: 50.0 };
        let ratio = Interval::ratio(a, exact);
        assert!((ratio.low - 1.94).abs() < 1e-12 && (ratio.high - 2.2).abs() < 1e-12);
    }

    /// Realistic timings: a few percent of noise with a long tail, and a drift that both sides of a
    /// round only partly share.
    struct Machine(u64);

    impl Machine {
        fn uniform(&mut self) -> f64 {
            // Steele, Lea, Flood 2014: SplitMix64.
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut bits = self.0;
            bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        }

        fn interval(&mut self, time: f64) -> Interval {
            let drift = 1.0 + 0.04 * self.uniform();
            let mut samples: Vec<f64> =
                (0..50).map(|_| time * drift * (1.0 - 0.03 * self.uniform().ln())).collect();
            samples.sort_by(f64::total_cmp);
            // Order statistics around the median: binomial limits for 95 % at n = 50.
            Interval {
                point: f64::midpoint(samples[24], samples[25]),
                low: samples[17],
                high: samples[32],
            }
        }

        fn verdict(&mut self, slowdown: f64) -> Verdict {
            let rounds: Vec<_> = (0..3)
                .map(|_| Interval::ratio(self.interval(1e5 * slowdown), self.interval(1e5)))
                .collect();
            let ratio = Interval::of_rounds(&rounds).unwrap();
            Line::of_both("a".into(), [1.0, 1.0], ratio, 0.05, Evidence::Conclusive).verdict
        }
    }

    #[test]
    fn noise_does_not_flag_and_a_fifth_does() {
        let mut machine = Machine(7);
        let count = |machine: &mut Machine, slowdown: f64, verdict| {
            (0..1000).filter(|_| machine.verdict(slowdown) == verdict).count()
        };
        assert_eq!(count(&mut machine, 1.0, Verdict::Slower), 0);
        assert_eq!(count(&mut machine, 1.0, Verdict::Faster), 0);
        assert_eq!(count(&mut machine, 1.02, Verdict::Slower), 0);
        assert!(count(&mut machine, 1.2, Verdict::Slower) > 980);
        assert!(count(&mut machine, 1.0 / 1.2, Verdict::Faster) > 980);
    }

    #[test]
    fn the_hull_of_the_rounds_decides() {
        let round = |point: f64| Interval { point, low: point - 0.01, high: point + 0.02 };
        let pooled = Interval::of_rounds(&[round(1.2), round(1.04), round(1.3)]).unwrap();
        assert_eq!(pooled, Interval { point: 1.2, low: 1.03, high: 1.32 });
        let two = Interval::of_rounds(&[round(1.25), round(1.75)]).unwrap();
        assert_eq!(two.point, 1.5);
        assert_eq!(Interval::of_rounds(&[]), None);
    }
}
