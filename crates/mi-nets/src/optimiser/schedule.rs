use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// How the learning rate changes from step to step: a linear warm-up, then a decay.
///
/// # Formula
/// Step t = 0, 1, … takes the rule's learning rate times min((t + 1) / `warm_up`, 1) times the
/// decay's factor. The first step of a warm-up is therefore small, not zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// Steps until the full learning rate is reached; 0 for none.
    pub warm_up: u64,
    /// The decay after the warm-up.
    pub decay: Decay,
}

/// The learning rate after the warm-up, as a factor of the full one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
#[non_exhaustive]
pub enum Decay {
    /// 1.
    #[default]
    Constant,
    /// `factor`ᵏ once k of the milestones have been reached.
    Milestones {
        /// Steps, counted from 0, at which one more factor applies.
        at: Vec<u64>,
        /// The factor.
        factor: f64,
    },
    /// Half a cosine from 1 at the end of the warm-up down to `floor` at step `steps`, and `floor`
    /// afterwards (Loshchilov and Hutter, 2017, eq. 5, without restarts): floor + (1 − floor) · ½
    /// (1 + cos(π · (t − `warm_up`) / (`steps` − `warm_up`))).
    Cosine {
        /// The step, counted from 0 and with the warm-up, at which the floor is reached.
        steps: u64,
        /// The final factor.
        floor: f64,
    },
}

impl Schedule {
    /// A constant learning rate.
    pub fn constant() -> Self {
        Self::default()
    }

    /// The factor of the learning rate at a step, counted from 0.
    pub fn factor(&self, step: u64) -> f64 {
        let warm =
            if step < self.warm_up { (step as f64 + 1.0) / self.warm_up as f64 } else { 1.0 };
        warm * match &self.decay {
            Decay::Constant => 1.0,
            Decay::Milestones { at, factor } => {
                let reached = at.iter().filter(|&&milestone| step >= milestone).count();
                factor.powi(i32::try_from(reached).unwrap_or(i32::MAX))
            }
            Decay::Cosine { steps, floor } => {
                let length = steps.saturating_sub(self.warm_up);
                let progress = match step.saturating_sub(self.warm_up) {
                    0 => 0.0,
                    done if done >= length => 1.0,
                    done => done as f64 / length as f64,
                };
                floor + (1.0 - floor) * 0.5 * (1.0 + (PI * progress).cos())
            }
        }
    }

    /// Settings with their values, whether they are in their range, and the range.
    pub(super) fn checks(&self) -> [(&'static str, f64, bool, &'static str); 2] {
        let fine = ("schedule", 0.0, true, "");
        match self.decay {
            Decay::Constant => [fine; 2],
            Decay::Milestones { factor, .. } => {
                let inside = factor.is_finite() && factor > 0.0;
                [("schedule.decay.factor", factor, inside, "above 0"), fine]
            }
            Decay::Cosine { steps, floor } => {
                let range = "above `warm_up`";
                [
                    ("schedule.decay.steps", steps as f64, steps > self.warm_up, range),
                    ("schedule.decay.floor", floor, (0.0..=1.0).contains(&floor), "in [0, 1]"),
                ]
            }
        }
    }
}
