//! The paper's claims C1 to C8 and whether a run bears them out.
//!
//! Each claim has a rule, written down in words beside the code that applies it. A rule is a list
//! of [`Condition`]s: an effect with its 95 % interval over seeds, paired where runs share seeds,
//! and where the paper's claim says that it should lie.
//!
//! - *holds*: every condition's interval lies where it should.
//! - *does not hold*: some condition's interval lies wholly where it should not, after (about) as
//!   many steps as the paper's, and all that the claim presupposes is met.
//! - *not enough runs to say*: all else. One seed has no interval, so it never decides; neither
//!   do runs with a configuration of which more than one in five trials diverged, since the others
//!   may be a biased choice, nor runs of less than a fiftieth of the paper's steps.

mod condition;
mod judge;

pub use crate::statistics::Interval;
pub use condition::{Condition, Expected, Measure};
pub(crate) use judge::{FULL_TRAINING, SHORTEST, judge};

use std::fmt;

use crate::results::Results;

/// A claim of the paper with its rule, which was fixed before any result was seen.
///
/// Since then rules have only grown more careful: that bounds are at their targets, which C5 and
/// C8 presuppose, used to be one of their effects, so that a bound elsewhere refuted them; and
/// short training used to refute as long training does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    /// `C1` to `C8`.
    pub(crate) id: &'static str,
    /// The paper's figures that show it.
    pub(crate) paper_figures: &'static str,
    /// The claim in a sentence.
    pub(crate) statement: &'static str,
    /// What decides it.
    pub(crate) rule: &'static str,
    /// The effects that the rule looks at.
    pub(crate) conditions: fn(&Results<'_>) -> Vec<Condition>,
}

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
    /// The data set of the paper's figures, as in records.
    pub paper_dataset: &'static str,
    /// The verdict.
    pub decision: Decision,
    /// Why, in a sentence or two.
    pub reason: String,
    /// Each condition with its effect.
    pub conditions: Vec<Condition>,
}
