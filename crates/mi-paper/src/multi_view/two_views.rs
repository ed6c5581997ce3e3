//! A task of two views and one term as a general one.

use mi_data::View;

use super::{Candidates, MultiView, NamedEncoder, NamedView, Net, ObjectiveSpec, Probed, ViewTerm};
use crate::config::Contrastive;

/// Without the target and the noise, which general tasks do not have.
impl From<&Contrastive> for MultiView {
    fn from(task: &Contrastive) -> Self {
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
            name: ViewTerm::NAME.to_owned(),
            x: "g1".to_owned(),
            y: "g2".to_owned(),
            critic: task.critic.clone(),
            objective: ObjectiveSpec::Bound(task.bound.clone()),
            candidates: Candidates::OtherImages,
            queue: None,
            weight: 1.0,
            l2: 0.0,
        };
        Self {
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
        }
    }
}
