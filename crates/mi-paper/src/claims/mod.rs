//! The paper's claims C1 to C8, claims about other systems and measures (V, M), and whether a run
//! confirms them.
//!
//! Each claim has a rule, written in words next to the code that applies it. A rule is a list of
//! [`Condition`]s: an effect over seeds, and where its mean should lie according to the claim.
//! `docs/verdicts.md` defines how conditions are settled and how they determine the verdict;
//! `VERSION` is the version that this module applies. The verdicts of earlier versions are kept
//! next to it.

mod condition;
mod judge;
mod readout;
mod sequential;
mod version_1;
mod version_2;

pub use crate::statistics::Interval;
pub use condition::{Brief, Condition, Expected, Measure};
pub(crate) use judge::judge;
pub(crate) use readout::Readout;
pub use sequential::{SeedPlan, Settled};

use std::fmt;

use crate::results::Results;

/// The version of the rules, and its date.
pub(crate) const VERSION: (u32, &str) = (3, "2026-11-29");

/// The dates of versions 1 and 2.
pub(crate) const EARLIER_DATES: [&str; 2] = ["2026-11-25", "2026-11-28"];

/// Measures the conditions of a rule.
pub(crate) type Conditions = fn(&Results<'_>, Readout) -> Vec<Condition>;

/// A claim with its rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    /// `C1` to `C8` for those of the paper, `V…` and `M…` for others.
    pub(crate) id: &'static str,
    /// The paper's figures or section that it is about.
    pub(crate) paper_figures: &'static str,
    /// The claim in a sentence.
    pub(crate) statement: &'static str,
    /// The rule that decides it, in words.
    pub(crate) rule: &'static str,
    /// The planned number of seeds. It holds in every setting, except in that of the quick preset,
    /// which has its own.
    pub(crate) seeds: usize,
    /// The same rule as code.
    pub(crate) conditions: Conditions,
    /// Other forms of the claim. Each is judged separately and does not affect the claim.
    pub(crate) forms: &'static [Form],
}

/// A claim in another form: with another probe, on held-out images, …
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// The letter that follows the claim's id.
    pub(crate) letter: &'static str,
    /// Its statement.
    pub(crate) statement: &'static str,
    /// The seeds that were known when the statement was written, and so do not judge it.
    pub(crate) known: Option<KnownSeeds>,
    /// Its conditions.
    pub(crate) conditions: Conditions,
}

/// The seeds of a run that suggested a statement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownSeeds {
    /// How many: seeds 0 to this minus one.
    pub(crate) seeds: u64,
    /// The run that had them, as part of a sentence.
    pub(crate) run: &'static str,
}

/// The number of seeds planned for a claim in a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// The number of seeds.
    pub(crate) seeds: usize,
    /// Whether the setting and the number were chosen by the results of the same seeds. Verdicts
    /// are then demonstrations, and their error probability is unknown.
    pub(crate) is_demonstration: bool,
}

/// A decision about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decision {
    /// Every condition is confirmed.
    Holds,
    /// Some condition is refuted, and what the claim presupposes is confirmed.
    DoesNotHold,
    /// Neither, and more seeds are planned or needed.
    Open,
    /// Neither, and all planned seeds have been run.
    NotShown,
    /// The experiment is not part of the run, or its effects are only shown.
    NotJudged,
}

impl Decision {
    /// Every decision.
    pub(crate) const ALL: [Self; 5] =
        [Self::Holds, Self::DoesNotHold, Self::Open, Self::NotShown, Self::NotJudged];
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::Open => "open",
            Self::NotShown => "not shown",
            Self::NotJudged => "not judged",
        })
    }
}

/// A decision with its reason and effects.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The decision.
    pub decision: Decision,
    /// Why, in a sentence or two.
    pub reason: String,
    /// Each condition with its effect.
    pub conditions: Vec<Condition>,
}

/// A claim judged on one data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The claim's id, e.g. `C1`.
    pub id: &'static str,
    /// The claim in a sentence.
    pub claim: &'static str,
    /// The rule that decides it, in words.
    pub rule: &'static str,
    /// The anchor of its figure.
    pub figure: &'static str,
    /// The paper's figures or section that it is about.
    pub paper_figures: &'static str,
    /// Whether the paper makes it about one of its experiments.
    pub is_papers: bool,
    /// The data set, as in records; `None` if the experiment is not part of the run.
    pub dataset: Option<String>,
    /// The data set of the paper's figures, as in records.
    pub paper_dataset: &'static str,
    /// The setting of the verdict: data and steps.
    pub setting: String,
    /// How the setting departs from the paper's protocol, one sentence each.
    pub departures: Vec<String>,
    /// The seeds that judge it.
    pub seeds: SeedPlan,
    /// Whether the setting and the number of seeds were chosen by the results of the same seeds.
    pub is_demonstration: bool,
    /// The finding of the run.
    pub finding: Finding,
    /// The findings on other forms of the claim: id, statement and finding.
    pub forms: Vec<(String, &'static str, Finding)>,
    /// The decision of version 1 of the rules, with its reason.
    pub version_1: (Decision, String),
    /// The decision of version 2 of the rules, with its reason.
    pub version_2: (Decision, String),
}

impl Verdict {
    /// The decision.
    pub fn decision(&self) -> Decision {
        self.finding.decision
    }

    /// Each condition with its effect.
    pub fn conditions(&self) -> &[Condition] {
        &self.finding.conditions
    }

    /// The verdict in words: what was decided, for which setting, and whether it only demonstrates.
    pub fn words(&self) -> String {
        self.words_of(&self.finding)
    }

    /// The same for the finding on another form of the claim.
    pub fn words_of(&self, finding: &Finding) -> String {
        let demonstration = if self.is_demonstration { " (demonstration)" } else { "" };
        match finding.decision {
            Decision::Holds | Decision::DoesNotHold => {
                format!("{} {}{demonstration}", finding.decision, self.setting)
            }
            Decision::Open | Decision::NotShown | Decision::NotJudged => {
                finding.decision.to_string()
            }
        }
    }
}
