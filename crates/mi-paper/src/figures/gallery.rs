//! Which figures there are and what each of them shows.

use crate::configurations::Configuration;
use crate::figures::charts::{INFONCE_CAP, OverSteps, Scene};
use crate::figures::curves::{estimates, percentiles};
use crate::figures::ends::{ends, over_batch_size};
use crate::figures::{Panel, slug};
use crate::names;
use crate::published;
use crate::record::Metric;

/// A figure of the gallery.
pub(crate) struct Entry {
    pub(crate) experiment: String,
    pub(crate) id: String,
    pub(crate) heading: String,
    pub(crate) caption: String,
    pub(crate) panels: fn(&Scene<'_>) -> Vec<Panel>,
}

/// One line of the gallery: experiment, anchor, heading, caption, panels.
type Line = (&'static str, &'static str, &'static str, &'static str, fn(&Scene<'_>) -> Vec<Panel>);

const GALLERY: &[Line] = &[
    (
        "invertible",
        "fig-1",
        "Figures 1a and 1b: bijective encoders",
        "RealNVP encoders lose nothing, whatever their weights: the mutual information of the \
         two views cannot change. The bound and the accuracy are shown over training, with the \
         pixel baseline, and what shows that the encoder is a bijection.",
        invertible,
    ),
    (
        "adversarial",
        "fig-1c",
        "Figure 1c: a bijective encoder trained to be useless",
        "A RealNVP encoder trained so that a linear classifier cannot tell digits apart, probed \
         afresh at every evaluation.",
        adversarial,
    ),
    (
        "conditioning",
        "fig-2",
        "Figures 2 and 5: encoders free to be invertible or not",
        "Residual encoders begin near the identity. The paper adds the same noise to both halves \
         of an image in training, which the two views then have in common; independent noise is \
         shown beside it. Bounds on training batches are measured with the noise of training, \
         those on held-out data always with independent noise. The condition of the Jacobian is \
         shown as percentiles over inputs, each averaged over seeds.",
        conditioning,
    ),
    (
        "critics",
        "fig-3",
        "Figures 3 and 6: critics of different capacity",
        "MLP encoders with bilinear, separable and MLP critics.",
        critics,
    ),
    (
        "encoders",
        "fig-4",
        "Figures 4a, 4b and 7: encoders at the same value of the bound",
        "ConvNet and MLP encoders trained to bring the bound to t = 2 or t = 4 nats.",
        encoders,
    ),
    (
        "dependent",
        "fig-4c",
        "Figure 4c: dependent negatives",
        "Estimates on one batch of fresh samples each, through a Gaussian filter of 100 steps as \
         in the paper. Batches whose pairs share a latent variable have dependent negatives.",
        dependent,
    ),
    (
        "cifar-critics",
        "fig-8",
        "Figure 8: critics of different capacity, CIFAR-10",
        "As figure 3, on the halves of CIFAR-10 images.",
        critics,
    ),
    (
        "cifar-encoders",
        "fig-9",
        "Figure 9: encoders at the same value of the bound, CIFAR-10",
        "As figure 4, on the halves of CIFAR-10 images.",
        encoders,
    ),
    (
        "supervised",
        "supervised",
        "Supervised references",
        "The same encoders trained with labels on one view: what the architectures can do.",
        supervised,
    ),
    (
        "pixels",
        "pixels",
        "Pixel baselines",
        "The probes on the raw pixels of one view.",
        end_accuracies,
    ),
    (
        "bounds",
        "bounds",
        "Every bound in the setting of figure 3",
        "Beyond the paper: MLP encoders trained with each bound of the registry.",
        by_bound,
    ),
    (
        "batch-size",
        "batch-size",
        "Batch size",
        "Beyond the paper: the setting of figure 3 over the number K of pairs in a batch.",
        by_batch_size,
    ),
    (
        "cosine",
        "cosine",
        "Normalised critics",
        "Beyond the paper: cosine critics at several temperatures.",
        by_setting,
    ),
];

/// The figures of an outcome's experiments: those of the paper in its order, then any other.
pub(crate) fn gallery(configurations: &[Configuration<'_>]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = GALLERY
        .iter()
        .map(|&(experiment, id, heading, caption, panels)| Entry {
            experiment: experiment.to_owned(),
            id: id.to_owned(),
            heading: heading.to_owned(),
            caption: caption.to_owned(),
            panels,
        })
        .collect();
    for configuration in configurations {
        let experiment = &configuration.key.experiment;
        if entries.iter().all(|entry| entry.experiment != *experiment) {
            entries.push(Entry {
                experiment: experiment.clone(),
                id: slug(experiment),
                heading: format!("Experiment {experiment}"),
                caption: "Every metric that was recorded.".to_owned(),
                panels: every_metric,
            });
        }
    }
    entries
}

const BOUNDS: [&str; 2] = ["infonce", "nwj"];

/// A chart of all configurations.
fn over<'a>(name: &'a str, title: &'a str, metric: Metric) -> OverSteps<'a> {
    OverSteps { name, title, metric, bound: None, references: &[] }
}

/// One chart for each of the two bounds.
fn for_each_bound(scene: &Scene<'_>, name: &str, title: &str, metric: Metric) -> Vec<Panel> {
    let panels = BOUNDS.iter().filter_map(|&bound| {
        let is_bound = matches!(metric, Metric::BoundTrain | Metric::BoundTest);
        let has_targets = scene.own.iter().any(|c| c.key.setting.starts_with("t="));
        let references: &[(f64, &str)] = match (is_bound, has_targets) {
            (true, true) => &[(4.0, "target 4"), (2.0, "target 2")],
            (true, false) if bound == "infonce" => &[INFONCE_CAP],
            _ => &[],
        };
        OverSteps {
            name: &format!("{name}-{}", slug(bound)),
            title: &format!("{}: {title}", names::bound(bound)),
            metric,
            bound: Some(bound),
            references,
        }
        .panel(scene)
    });
    panels.collect()
}

fn invertible(scene: &Scene<'_>) -> Vec<Panel> {
    let mut panels =
        for_each_bound(scene, "bound", "bound on training batches", Metric::BoundTrain);
    panels.extend(
        [
            over("accuracy", "Accuracy of the paper's probe", Metric::Accuracy).panel(scene),
            over("accuracy-converged", "Accuracy of a converged probe", Metric::AccuracyConverged)
                .panel(scene),
        ]
        .into_iter()
        .flatten(),
    );
    panels.extend(for_each_bound(scene, "bound-test", "bound on held-out data", Metric::BoundTest));
    panels.extend(bijection(scene));
    panels
}

/// What shows that an encoder is a bijection.
fn bijection(scene: &Scene<'_>) -> Vec<Panel> {
    let error = OverSteps {
        references: &[(1.0 / 510.0, "half a grey level")],
        ..over("inverse-error", "Largest error of the inverse", Metric::InverseError)
    };
    let log_det = over("log-det", "Log-determinant of the Jacobian", Metric::LogDet);
    [error.panel(scene), log_det.panel(scene)].into_iter().flatten().collect()
}

fn adversarial(scene: &Scene<'_>) -> Vec<Panel> {
    let uniform = OverSteps {
        references: &[(std::f64::consts::LN_10, "ln 10, chance")],
        ..over("uniform-loss", "What the encoder minimises", Metric::UniformLoss)
    };
    let classifier = OverSteps {
        references: &[(std::f64::consts::LN_10, "ln 10, chance")],
        ..over("classifier-loss", "What the classifier minimises", Metric::ClassifierLoss)
    };
    let mut panels: Vec<Panel> = [
        over("accuracy", "Accuracy of the paper's probe", Metric::Accuracy).panel(scene),
        over("accuracy-converged", "Accuracy of a converged probe", Metric::AccuracyConverged)
            .panel(scene),
        uniform.panel(scene),
        classifier.panel(scene),
    ]
    .into_iter()
    .flatten()
    .collect();
    panels.extend(bijection(scene));
    panels
}

fn conditioning(scene: &Scene<'_>) -> Vec<Panel> {
    let condition = |name: &str, bound: &str, which: (&str, &str)| {
        let title = format!("{bound}: condition, {}", names::setting(which.1));
        percentiles(scene, name, &title, which)
    };
    let mut panels =
        for_each_bound(scene, "bound", "bound on training batches", Metric::BoundTrain);
    panels.extend(for_each_bound(scene, "bound-test", "bound on held-out data", Metric::BoundTest));
    panels.extend(
        [
            over("accuracy", "Accuracy of the paper's probe", Metric::Accuracy).panel(scene),
            over("accuracy-converged", "Accuracy of a converged probe", Metric::AccuracyConverged)
                .panel(scene),
            condition("condition-infonce", "InfoNCE", ("infonce", "shared-noise")),
            condition("condition-nwj", "NWJ", ("nwj", "shared-noise")),
            condition("condition-infonce-independent", "InfoNCE", ("infonce", "independent-noise")),
            condition("condition-nwj-independent", "NWJ", ("nwj", "independent-noise")),
        ]
        .into_iter()
        .flatten(),
    );
    panels
}

fn critics(scene: &Scene<'_>) -> Vec<Panel> {
    [
        ("accuracy", "accuracy of the paper's probe", Metric::Accuracy),
        ("bound", "bound on training batches", Metric::BoundTrain),
        ("bound-test", "bound on held-out data", Metric::BoundTest),
        ("accuracy-converged", "accuracy of a converged probe", Metric::AccuracyConverged),
    ]
    .into_iter()
    .flat_map(|(name, title, metric)| for_each_bound(scene, name, title, metric))
    .collect()
}

fn encoders(scene: &Scene<'_>) -> Vec<Panel> {
    [
        ("accuracy", "accuracy of the paper's probe", Metric::Accuracy),
        ("target-loss", "distance to the target", Metric::TargetLoss),
        ("accuracy-converged", "accuracy of a converged probe", Metric::AccuracyConverged),
        ("bound-test", "bound on held-out data", Metric::BoundTest),
    ]
    .into_iter()
    .flat_map(|(name, title, metric)| for_each_bound(scene, name, title, metric))
    .collect()
}

fn dependent(scene: &Scene<'_>) -> Vec<Panel> {
    let title = "Estimates with dependent and independent negatives";
    estimates(scene, "estimates", title).into_iter().collect()
}

fn supervised(scene: &Scene<'_>) -> Vec<Panel> {
    let accuracy = OverSteps {
        references: &[(published::SUPERVISED_ACCURACY, "paper, MNIST")],
        ..over("accuracy", "Accuracy of the classifier", Metric::AccuracyClassifier)
    };
    let loss = over("classifier-loss", "Loss of the classifier", Metric::ClassifierLoss);
    [accuracy.panel(scene), loss.panel(scene)].into_iter().flatten().collect()
}

fn end_accuracies(scene: &Scene<'_>) -> Vec<Panel> {
    [
        ends(scene, "accuracy", "Accuracy of the paper's probe", Metric::Accuracy),
        ends(
            scene,
            "accuracy-converged",
            "Accuracy of a converged probe",
            Metric::AccuracyConverged,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn by_bound(scene: &Scene<'_>) -> Vec<Panel> {
    let mut panels = end_accuracies(scene);
    panels.extend(
        [
            ends(scene, "bound", "Estimate on training batches", Metric::BoundTrain),
            ends(scene, "bound-test", "Estimate on held-out data", Metric::BoundTest),
            over("bound-steps", "Estimates over training", Metric::BoundTrain).panel(scene),
            over("accuracy-steps", "Accuracy over training", Metric::Accuracy).panel(scene),
        ]
        .into_iter()
        .flatten(),
    );
    panels
}

fn by_batch_size(scene: &Scene<'_>) -> Vec<Panel> {
    [
        over_batch_size(scene, "accuracy", "Accuracy of the paper's probe", Metric::Accuracy),
        over_batch_size(scene, "bound", "Bound on training batches", Metric::BoundTrain),
        over_batch_size(scene, "bound-test", "Bound on held-out data", Metric::BoundTest),
        over_batch_size(
            scene,
            "accuracy-converged",
            "Accuracy of a converged probe",
            Metric::AccuracyConverged,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn by_setting(scene: &Scene<'_>) -> Vec<Panel> {
    let mut panels = end_accuracies(scene);
    panels.extend(
        [
            ends(scene, "bound", "Bound on training batches", Metric::BoundTrain),
            ends(scene, "bound-test", "Bound on held-out data", Metric::BoundTest),
        ]
        .into_iter()
        .flatten(),
    );
    panels
}

fn every_metric(scene: &Scene<'_>) -> Vec<Panel> {
    let panels = Metric::ALL
        .iter()
        .filter_map(|&metric| over(metric.name(), names::metric(metric), metric).panel(scene));
    panels.collect()
}
