//! Estimates the cost of a trial before it runs: floating-point operations and memory.
//!
//! The counts cover the matrix products and convolutions of training steps, which take most of the
//! time, and roughly the evaluations. `reproduce --dry-run` divides them by the measured rate of
//! the machine. They are good enough to compare trials; the times that follow from them are
//! estimates.

use mi_data::{Dataset, Geometry, View};
use mi_nets::NetworkSize;

use crate::config::{Evaluation, Task, TrialConfig};
use crate::multi_view::{Candidates, MultiView, Negatives, Origin};
use crate::published;

/// Height, width and channels of the images that a view is taken from, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSize {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// Values per pixel.
    pub channels: usize,
    /// Number of training images.
    pub count: usize,
}

impl ImageSize {
    /// The image size of the whole data set of this name, without loading it; `none` has no images.
    pub fn of(dataset: &str) -> Self {
        let (side, channels) = if dataset == "cifar-10" { (32, 3) } else { (28, 1) };
        let count = match (dataset, published::images(dataset)) {
            ("none", _) => return Self { height: 0, width: 0, channels: 0, count: 0 },
            (_, Some((train, _))) => train,
            // The embedded digits.
            (_, None) => 8_000,
        };
        Self { height: side, width: side, channels, count }
    }

    /// The image size of a data set that is loaded.
    pub fn loaded(set: &Dataset) -> Self {
        let Geometry { height, width, channels } = set.geometry;
        Self { height, width, channels, count: set.train.len() }
    }

    /// The size of a view. If there is none, or if it does not fit the images (which the trial then
    /// reports), the size of the top half.
    fn of_view(self, view: Option<&View>) -> Geometry {
        let whole = Geometry::new(self.height, self.width, self.channels);
        let piece = view.and_then(|view| view.of(whole).ok());
        piece.map_or(Geometry::new(self.height / 2, self.width, self.channels), |p| p.geometry())
    }
}

/// The cost of a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Floating-point operations over all steps and evaluations.
    pub flops: f64,
    /// Bytes of memory that it needs, without the data set, which trials share.
    pub bytes: f64,
}

/// The operations in a multiply–add.
const OPERATIONS: f64 = 2.0;

/// The cost of a trial on images of the given size.
pub fn estimate(config: &TrialConfig, image: ImageSize) -> Cost {
    let steps = config.steps as f64;
    let evaluations = steps / config.evaluate_every.max(1) as f64 + 1.0;
    let rows = image.count as f64;
    // An epoch of a probe goes over features × classes twice; both probes together take tens of
    // epochs.
    let probe = |features: usize| rows * features as f64 * 10.0 * 4.0 * 10.0;
    let (flops, parameters, activations) = match &config.task {
        Task::Contrastive(task) => of_multi_view(&task.into(), image, (steps, evaluations), probe),
        Task::MultiView(task) => of_multi_view(task, image, (steps, evaluations), probe),
        Task::Adversarial(task) => {
            let view = image.of_view(task.view.as_ref());
            let (size, width) = (task.encoder.size(view), task.encoder.output(view));
            let (forward, k) = (size.products as f64, task.batch_size as f64);
            let step = size.step_products() as f64;
            let classifier_steps = task.warm_up_steps as f64 + steps * task.classifier_steps as f64;
            (
                k * OPERATIONS * (steps * step + classifier_steps * forward)
                    + evaluations * (2.0 * rows * forward + probe(width)),
                size.parameters as f64,
                k * size.activations as f64,
            )
        }
        Task::Dependent(task) => {
            let products = task.critic.multiply_adds((1, 1), task.batch_size);
            let parameters = task.critic.parameters((1, 1)) as f64;
            (steps * OPERATIONS * 3.0 * products, parameters, products / 10.0)
        }
        Task::Supervised(task) => {
            let size = task.encoder.size(image.of_view(task.view.as_ref()));
            let k = task.batch_size as f64;
            (
                steps * k * OPERATIONS * size.step_products() as f64
                    + evaluations * 2.0 * rows * size.products as f64,
                size.parameters as f64,
                k * size.activations as f64,
            )
        }
        Task::Pixels(task) => (probe(image.of_view(task.view.as_ref()).len()), 0.0, 0.0),
    };
    let flops = flops + of_measures(config, rows);
    // Parameters and Adam's two moments; gradients are small in comparison, since the buffer of
    // each is reused once its layer is updated. Then activations with their gradients, and the
    // features of all images.
    let features = rows * image.of_view(None).len() as f64;
    Cost { flops, bytes: 4.0 * (3.0 * parameters + 2.0 * activations + 2.0 * features) }
}

/// Operations of the measures of representations before the first step, after the last one, and
/// after others that are asked for. They hardly depend on the encoder: readers, probes and critics
/// are trained on about 100 features.
fn of_measures(config: &TrialConfig, rows: f64) -> f64 {
    let evaluations = config.task.evaluations();
    let others = evaluations.iter().filter(|e| matches!(e, Evaluation::AlsoAt { .. })).count();
    // Without steps, both ends are the same.
    let ends = if config.steps == 0 { 1 } else { 2 + others };
    let of_row = |evaluation: &Evaluation| match evaluation {
        Evaluation::Measure { .. } | Evaluation::LabelNoise { .. } => 4e6,
        Evaluation::FrozenBounds => 2e7,
        Evaluation::Transfer => 1e7,
        Evaluation::ReferenceReaders => 1.2e7,
        Evaluation::NearestNeighbours => 2e6,
        // Next to nothing, or counted with the encoder.
        Evaluation::Bounds
        | Evaluation::Probe
        | Evaluation::ConvergedProbe
        | Evaluation::Conditioning { .. }
        | Evaluation::Bijectivity { .. }
        | Evaluation::SinglePlaces
        | Evaluation::TiesCeiling
        | Evaluation::Retrieval
        | Evaluation::CkaToStart
        | Evaluation::Representation
        | Evaluation::ProbeEpochs
        | Evaluation::ScaledProbe { .. }
        | Evaluation::AlsoAt { .. } => 0.0,
    };
    ends as f64 * rows * evaluations.iter().map(of_row).sum::<f64>()
}

/// Operations, parameters and activations of a multi-view task.
fn of_multi_view(
    task: &MultiView,
    image: ImageSize,
    (steps, evaluations): (f64, f64),
    probe: impl Fn(usize) -> f64,
) -> (f64, f64, f64) {
    let geometry = match task.sequences {
        Some(sequences) => Geometry::new(1, sequences.places, 1),
        None => Geometry::new(image.height, image.width, image.channels),
    };
    // The trial reports a task that does not fit its images.
    let Ok(layout) = task.layout(geometry) else { return (0.0, 0.0, 0.0) };
    let rows = image.count as f64;
    let k = task.batch_size;
    let (mut step, mut forward, mut parameters, mut activations) = (0.0, 0.0, 0.0, 0.0);
    // The size of the pieces that an encoder sees.
    let geometry_of = |index: usize| {
        let view = task.views.iter().position(|v| v.name == task.encoders[index].view);
        layout.pieces[view.unwrap_or_default()].geometry()
    };
    for representation in &layout.representations {
        let places = representation.shape.places();
        let (size, times) = match representation.origin {
            Origin::Summary(index) => {
                let Ok((owner, spec)) = task.network(index) else { continue };
                let size = spec.size(geometry_of(index));
                parameters += if owner == index { size.parameters as f64 } else { 0.0 };
                (size, places)
            }
            // Every context counts as a recurrent unit, which costs the most.
            Origin::Context(_) => {
                let width = representation.shape.width;
                let size = NetworkSize::dense(&[width, 3 * width, width]);
                parameters += size.parameters as f64;
                (size, places)
            }
            Origin::Map(_) | Origin::LocalMap(_) => continue,
        };
        step += (k * times * size.step_products()) as f64;
        forward += (times * size.products) as f64;
        activations += (k * times * size.activations) as f64;
    }
    for term in &task.terms {
        let (Ok(x), Ok(y)) = (layout.find(&term.x), layout.find(&term.y)) else { continue };
        let (x_shape, y_shape) = (layout.shape(x), layout.shape(y));
        // The widths of both sides, and the number of k × k squares of scores.
        let held = term.queue.map_or(0, |queue| queue.images);
        let queued = held.div_ceil(k);
        let (dims, squares) = match term.candidates {
            Candidates::OtherImages => ((x_shape.len(), y_shape.len()), 1 + queued),
            Candidates::BothViews => ((x_shape.len(), y_shape.len()), 4),
            Candidates::Bank { negatives, .. } => {
                ((x_shape.len(), y_shape.len()), 2 * (1 + negatives.div_ceil(k)))
            }
            Candidates::AllPlaces => {
                ((x_shape.width, y_shape.width), y_shape.places() * (1 + queued))
            }
            Candidates::Ahead { places, negatives } => {
                let pairs = task.ahead(x, places, &layout).len();
                let others = negatives == Negatives::OtherImages;
                let each = if others { 1 } else { y_shape.places() };
                let of_others = negatives.places_of_others(y_shape.places());
                ((x_shape.width, y_shape.width), pairs * (each + queued * of_others))
            }
        };
        step += 3.0 * squares as f64 * term.critic.multiply_adds(dims, k);
        parameters += term.critic.parameters(dims) as f64;
        activations += (k * k) as f64;
        // A memory bank has two vectors for each image; a queue is copied into the graph.
        activations += match term.candidates {
            Candidates::Bank { .. } => rows * x_shape.width as f64,
            _ => (held * y_shape.len()) as f64,
        };
    }
    // A slow copy of the networks for each y with a queue encodes every batch too.
    let mut keys: Vec<_> =
        task.terms.iter().filter_map(|t| t.queue.map(|queue| (&t.y, queue.images))).collect();
    keys.sort_unstable();
    keys.dedup();
    step += keys.len() as f64 * k as f64 * forward;
    parameters *= 1.0 + keys.len() as f64 / 3.0;
    let probes = task.probes.iter().map(|p| probe(layout.probed_width(p).unwrap_or_default()));
    let mut evaluation = rows * forward + probes.sum::<f64>();
    if let Ok((_, spec)) = task.network(0) {
        let view = geometry_of(0);
        let (d, products) = (view.len() as f64, spec.size(view).products as f64);
        for kind in &task.evaluations {
            if let Evaluation::Conditioning { inputs } = kind {
                evaluation += *inputs as f64 * (4.0 * d * products + 8.0 * d * d * d);
            }
        }
    }
    (steps * OPERATIONS * step + evaluations * evaluation, parameters, activations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::EncoderSpec;

    #[test]
    fn a_trial_without_images_holds_none() {
        let request = crate::plan::Request::new(&["dependent"], crate::preset::Preset::Paper);
        let plan = crate::plan::Plan::resolve(&request).unwrap();
        for trial in &plan.trials {
            let cost = estimate(trial, ImageSize::of(&trial.dataset));
            assert!(cost.flops > 0.0 && cost.bytes < 10e6, "{}: {cost:?}", trial.id());
        }
    }

    #[test]
    fn every_built_in_trial_has_a_cost() {
        let request = crate::plan::Request {
            seeds: vec!["1".parse().unwrap()],
            data: Some("anywhere".into()),
            ..crate::plan::Request::new(&["all"], crate::preset::Preset::Paper)
        };
        for trial in &crate::plan::Plan::resolve(&request).unwrap().trials {
            let cost = estimate(trial, ImageSize::of(&trial.dataset));
            // Sequences in place of images are not counted among the features.
            assert!(cost.flops > 1e6 && cost.bytes > 0.0, "{}: {cost:?}", trial.id());
        }
    }

    #[test]
    fn measures_of_representations_are_counted() {
        let scale = crate::preset::Scale::of(crate::preset::Preset::Reference);
        let experiment = crate::experiments::find("measures").unwrap();
        let variant = (experiment.variants)(&scale).swap_remove(0);
        let config = |task: Task| TrialConfig {
            experiment: "measures".into(),
            dataset: "mnist".into(),
            seed: 0,
            labels: crate::config::Labels::new("mlp", "bilinear", "infonce"),
            steps: variant.steps,
            evaluate_every: variant.evaluate_every,
            task,
        };
        let Task::Contrastive(task) = variant.task.clone() else { panic!("{variant:?}") };
        let bare = crate::config::Contrastive { evaluations: vec![Evaluation::Probe], ..task };
        let cost = |task| estimate(&config(task), ImageSize::of("mnist")).flops;
        // Measuring takes a minute at each end, training only seconds.
        assert!(cost(variant.task) > 5.0 * cost(Task::Contrastive(bare)));
    }

    #[test]
    fn sizes_are_the_papers() {
        let mnist = ImageSize::of("mnist").of_view(None);
        let mlp = EncoderSpec::Mlp { hidden: vec![300, 300], embed: 100 };
        assert_eq!(mlp.size(mnist).parameters, 238_300);
        // With the products by the zeros around the images there would be 5,904,000.
        let convnet = EncoderSpec::ConvNet { channels: [64, 128], embed: 100 };
        let convnet = convnet.size(mnist);
        assert_eq!((convnet.parameters, convnet.products), (219_748, 4_344_320));
        let flow = EncoderSpec::RealNvp {
            couplings: 30,
            hidden: vec![512, 512],
            affine: false,
            init_sd: 1e-4,
        };
        let flow = flow.size(mnist);
        assert_eq!(flow.parameters, 13_922_040);
        // The whole step of the bijective encoders takes about 26 GFLOP at 128 rows.
        let step = 2.0 * 128.0 * OPERATIONS * flow.step_products() as f64;
        assert!((2.0e10..2.7e10).contains(&step), "{step}");
    }
}
