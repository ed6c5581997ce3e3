//! Turns a task of two views and one term into a general one.

use crate::config::{Contrastive, Noise};
use crate::multi_view::MultiView;

/// A general task, and the settings that only tasks of two views have.
pub(in super::super) struct Setup {
    pub(super) task: MultiView,
    /// The value to which the bound is driven.
    pub(super) target: Option<f64>,
    /// Noise on the pixels of all views.
    pub(super) noise: Noise,
}

impl Setup {
    /// A general task, without a target or noise.
    pub(super) fn of(task: MultiView) -> Self {
        Self { task, target: None, noise: Noise::NONE }
    }

    /// Two views, an encoder of each, and one term.
    pub(super) fn of_two_views(task: &Contrastive) -> Self {
        Self { task: task.into(), target: task.target, noise: task.noise }
    }
}
