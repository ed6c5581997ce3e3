//! Estimates the cost of a trial before it runs: floating-point operations and memory.
//!
//! The counts cover the matrix products and convolutions of training steps, which take most of the
//! time, and roughly the evaluations. `reproduce --dry-run` divides them by the measured rate of
//! the machine. They are good enough to compare trials; the times that follow from them are
//! estimates.

use mi_critics::CriticSpec;
use mi_data::{Geometry, View};
use mi_nets::{CouplingKind, NetworkSize, RealNvpConfig};

use crate::config::{EncoderSpec, Evaluation, Task, TrialConfig};
use crate::multi_view::{Candidates, MultiView, Negatives, Origin};

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
    /// The image size of the data set with this name, without loading it; `none` has no images.
    pub fn of(dataset: &str) -> Self {
        match dataset {
            "cifar-10" => Self { height: 32, width: 32, channels: 3, count: 50_000 },
            "digits" => Self { height: 28, width: 28, channels: 1, count: 8_000 },
            "none" => Self { height: 0, width: 0, channels: 0, count: 0 },
            _ => Self { height: 28, width: 28, channels: 1, count: 60_000 },
        }
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

/// The size of an encoder of a view, and the width of its output.
pub(crate) fn encoder(spec: &EncoderSpec, view: Geometry) -> (NetworkSize, usize) {
    let pixels = view.len();
    match spec {
        EncoderSpec::Mlp { hidden, embed } => {
            (NetworkSize::dense(&[&[pixels], hidden.as_slice(), &[*embed]].concat()), *embed)
        }
        EncoderSpec::Residual { layers, .. } => {
            (NetworkSize::dense(&vec![pixels; layers + 1]), pixels)
        }
        EncoderSpec::ConvNet { embed, .. } => {
            let size = spec.conv_config(view).map(|config| NetworkSize::convnet(&config));
            (size.unwrap_or_default(), *embed)
        }
        EncoderSpec::RealNvp { couplings, hidden, affine, .. } => {
            let kind = if *affine { CouplingKind::Affine } else { CouplingKind::Additive };
            let hidden = hidden.clone();
            let config = RealNvpConfig { dim: pixels, couplings: *couplings, hidden, kind };
            (NetworkSize::realnvp(&config), pixels)
        }
    }
}

/// Multiply–adds and parameters of a critic on a whole batch of `k` pairs.
fn critic(spec: &CriticSpec, dim: usize, k: usize) -> (f64, f64) {
    let parameters = spec.parameters((dim, dim)) as f64;
    (spec.multiply_adds((dim, dim), k), parameters)
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
        Task::Contrastive(task) => {
            let views = task.views.as_deref();
            let first = image.of_view(views.map(|[x, _]| x));
            let (size, width) = encoder(&task.encoder, first);
            let (other, _) = encoder(
                task.encoder_y.as_ref().unwrap_or(&task.encoder),
                image.of_view(views.map(|[_, y]| y)),
            );
            let k = task.batch_size;
            let (products, critic_parameters) = critic(&task.critic, width, k);
            let both = (size.products + other.products) as f64;
            let step = (k * (size.step_products() + other.step_products())) as f64;
            let mut evaluation = rows * both + probe(width);
            for kind in &task.evaluations {
                if let Evaluation::Conditioning { inputs } = kind {
                    let d = first.len() as f64;
                    evaluation +=
                        *inputs as f64 * (4.0 * d * size.products as f64 + 8.0 * d * d * d);
                }
            }
            (
                steps * OPERATIONS * (step + 3.0 * products) + evaluations * evaluation,
                (size.parameters + other.parameters) as f64 + critic_parameters,
                (k * (size.activations + other.activations + k)) as f64,
            )
        }
        Task::MultiView(task) => of_multi_view(task, image, (steps, evaluations), probe),
        Task::Adversarial(task) => {
            let (size, width) = encoder(&task.encoder, image.of_view(task.view.as_ref()));
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
            let (products, parameters) = critic(&task.critic, 1, task.batch_size);
            (steps * OPERATIONS * 3.0 * products, parameters, products / 10.0)
        }
        Task::Supervised(task) => {
            let (size, _) = encoder(&task.encoder, image.of_view(task.view.as_ref()));
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

/// Operations of the measures of representations before the first and after the last step. They
/// hardly depend on the encoder: readers, probes and critics are trained on about 100 features.
fn of_measures(config: &TrialConfig, rows: f64) -> f64 {
    let of_row = |evaluation: &Evaluation| match evaluation {
        Evaluation::Measure { .. } => 4e6,
        Evaluation::FrozenBounds => 2e7,
        Evaluation::Transfer => 1e7,
        _ => 0.0,
    };
    2.0 * rows * config.task.evaluations().iter().map(of_row).sum::<f64>()
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
    for representation in &layout.representations {
        let places = representation.shape.places();
        let (size, times) = match representation.origin {
            Origin::Summary(index) => {
                let Ok((owner, spec)) = task.network(index) else { continue };
                let view = task.views.iter().position(|v| v.name == task.encoders[index].view);
                let piece = &layout.pieces[view.unwrap_or_default()];
                let (size, _) = encoder(spec, piece.geometry());
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
        let (dims, squares) = match term.candidates {
            Candidates::OtherImages => ((x_shape.len(), y_shape.len()), 1),
            Candidates::BothViews => ((x_shape.len(), y_shape.len()), 4),
            Candidates::Bank { negatives, .. } => {
                ((x_shape.len(), y_shape.len()), 2 * (1 + negatives.div_ceil(k)))
            }
            Candidates::AllPlaces => ((x_shape.width, y_shape.width), y_shape.places()),
            Candidates::Ahead { places, negatives } => {
                let pairs = task.ahead(x, places, &layout).len();
                let others = negatives == Negatives::OtherImages;
                let each = if others { 1 } else { y_shape.places() };
                ((x_shape.width, y_shape.width), pairs * each)
            }
        };
        step += 3.0 * squares as f64 * term.critic.multiply_adds(dims, k);
        parameters += term.critic.parameters(dims) as f64;
        activations += (k * k) as f64;
    }
    let probes = task.probes.iter().map(|p| probe(layout.probed_width(p).unwrap_or_default()));
    let evaluation = rows * forward + probes.sum::<f64>();
    (steps * OPERATIONS * step + evaluations * evaluation, parameters, activations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_without_images_holds_none() {
        let request = crate::plan::Request {
            experiments: vec!["dependent".into()],
            preset: crate::preset::Preset::Paper,
            seeds: vec![],
            data: None,
            dataset: None,
            steps: None,
            adversarial_rates: crate::preset::AdversarialRates::Notebook,
        };
        let plan = crate::plan::Plan::resolve(&request).unwrap();
        for trial in &plan.trials {
            let cost = estimate(trial, ImageSize::of(&trial.dataset));
            assert!(cost.flops > 0.0 && cost.bytes < 10e6, "{}: {cost:?}", trial.id());
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
        assert_eq!(encoder(&mlp, mnist).0.parameters, 238_300);
        // With the products by the zeros around the images there would be 5,904,000.
        let convnet = EncoderSpec::ConvNet { channels: [64, 128], embed: 100 };
        let (convnet, _) = encoder(&convnet, mnist);
        assert_eq!((convnet.parameters, convnet.products), (219_748, 4_344_320));
        let flow = EncoderSpec::RealNvp {
            couplings: 30,
            hidden: vec![512, 512],
            affine: false,
            init_sd: 1e-4,
        };
        let (flow, _) = encoder(&flow, mnist);
        assert_eq!(flow.parameters, 13_922_040);
        // The whole step of the bijective encoders takes about 26 GFLOP at 128 rows.
        let step = 2.0 * 128.0 * OPERATIONS * flow.step_products() as f64;
        assert!((2.0e10..2.7e10).contains(&step), "{step}");
    }
}
