//! Turns a task of two views and one term into a general one.

use mi_data::View;

use crate::config::{Contrastive, Noise};
use crate::multi_view::{
    Candidates, MultiView, NamedEncoder, NamedView, Net, ObjectiveSpec, Probed, ViewTerm,
};

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
        let halves = [View::top_half(), View::bottom_half()];
        let [x, y] = task.views.as_deref().unwrap_or(&halves).clone();
        let second = task.encoder_y.as_ref().unwrap_or(&task.encoder);
        let view = |name: &str, piece| NamedView { name: name.to_owned(), piece };
        let encoder = |name: &str, view: &str, net| NamedEncoder {
            name: name.to_owned(),
            view: view.to_owned(),
            net: Net::Own(net),
        };
        let term = ViewTerm {
            name: "term".to_owned(),
            x: "g1".to_owned(),
            y: "g2".to_owned(),
            critic: task.critic.clone(),
            objective: ObjectiveSpec::Bound(task.bound.clone()),
            candidates: Candidates::OtherImages,
            weight: 1.0,
            l2: 0.0,
        };
        let task_of = MultiView {
            sequences: None,
            views: vec![view("x", x), view("y", y)],
            encoders: vec![
                encoder("g1", "x", task.encoder.clone()),
                encoder("g2", "y", second.clone()),
            ],
            contexts: Vec::new(),
            terms: vec![term],
            prior: None,
            probes: vec![Probed::new("g1", &["g1"])],
            batch_size: task.batch_size,
            learning_rate: task.learning_rate,
            optimiser: task.optimiser.clone(),
            evaluations: task.evaluations.clone(),
        };
        Self { task: task_of, target: task.target, noise: task.noise }
    }
}
