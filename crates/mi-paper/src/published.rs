//! The paper's published values as data.
//!
//! Tschannen, Djolonga, Rubenstein, Gelly and Lucic, "On Mutual Information Maximization for
//! Representation Learning", ICLR 2020 (arXiv 1907.13625v2). The paper prints curves without
//! tables, so most of these numbers were read off its vector figures: means over its 20 runs,
//! with the figure's band where it could be read.

use crate::configurations::Key;
use crate::record::Metric;

/// One value read off a figure of the paper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// The figure, e.g. `3` or `4a`.
    pub figure: &'static str,
    /// The experiment's name in the registry.
    pub experiment: &'static str,
    /// The encoder, as in records.
    pub encoder: &'static str,
    /// The critic, as in records.
    pub critic: &'static str,
    /// The bound, as in records.
    pub bound: &'static str,
    /// The setting, as in records, or [`ANY_SETTING`].
    pub setting: &'static str,
    /// What was measured.
    pub metric: Metric,
    /// The training step.
    pub step: u64,
    /// The value.
    pub value: f64,
    /// The band's ends, where the figure shows them.
    pub band: Option<(f64, f64)>,
}

/// Stands for every setting: the paper's text and its notebook differ, and the figure does not
/// say which it shows.
pub const ANY_SETTING: &str = "*";
/// The last step of the paper's figures on MNIST.
pub const LAST_STEP: u64 = 20_000;
/// The last step of its figures on CIFAR-10.
pub const LAST_STEP_CIFAR: u64 = 60_000;
/// The last step of figure 1c.
pub const LAST_STEP_ADVERSARIAL: u64 = 4_000;
/// Accuracy of the paper's supervised references on MNIST, "about 94 %" (section 3.1).
pub const SUPERVISED_ACCURACY: f64 = 0.94;
/// Accuracy of a linear probe on the pixels of a noisy half image, "about 85 %" (section 3.1).
pub const PIXEL_ACCURACY: f64 = 0.85;
/// Accuracy at the start of figure 1c.
pub const ADVERSARIAL_START: f64 = 0.861;
/// True mutual information of the pair of figure 4c, in nats.
pub const DEPENDENT_TRUE_MI: f64 = 0.020_41;

/// The configurations whose values one figure shows.
#[derive(Clone, Copy)]
struct Curve {
    figure: &'static str,
    experiment: &'static str,
    encoder: &'static str,
    critic: &'static str,
    bound: &'static str,
    setting: &'static str,
}

/// A curve of a figure: experiment, encoder, critic, bound, setting.
const fn curve(
    figure: &'static str,
    experiment: &'static str,
    encoder: &'static str,
    critic: &'static str,
    bound: &'static str,
    setting: &'static str,
) -> Curve {
    Curve { figure, experiment, encoder, critic, bound, setting }
}

impl Curve {
    const fn at(self, metric: Metric, step: u64, value: f64) -> Published {
        Published {
            figure: self.figure,
            experiment: self.experiment,
            encoder: self.encoder,
            critic: self.critic,
            bound: self.bound,
            setting: self.setting,
            metric,
            step,
            value,
            band: None,
        }
    }
}

impl Published {
    const fn within(mut self, low: f64, high: f64) -> Self {
        self.band = Some((low, high));
        self
    }

    /// Band of the same width to both sides.
    const fn give_or_take(self, margin: f64) -> Self {
        self.within(self.value - margin, self.value + margin)
    }

    /// The data set it was published for.
    pub fn dataset(&self) -> &'static str {
        dataset(self.experiment)
    }

    /// Whether it is the value at the end of its curve.
    pub fn is_last(&self) -> bool {
        self.step == last_step(self.experiment)
    }
}

/// The values published for a configuration, whatever its data set, by step.
pub(crate) fn of(key: &Key, metric: Metric) -> impl Iterator<Item = &'static Published> {
    VALUES.iter().filter(move |v| {
        v.metric == metric
            && v.experiment == key.experiment
            && v.encoder == key.encoder
            && v.critic == key.critic
            && v.bound == key.bound
            && (v.setting == key.setting || v.setting == ANY_SETTING)
    })
}

/// The value published for the end of a configuration's curve.
pub(crate) fn end(key: &Key, metric: Metric) -> Option<&'static Published> {
    of(key, metric).find(|v| v.is_last())
}

/// The data set of an experiment's figures, as in records; for one beyond the paper, that of the
/// figures whose setting it shares.
pub fn dataset(experiment: &str) -> &'static str {
    match experiment {
        "cifar-critics" | "cifar-encoders" => "cifar-10",
        "dependent" => "none",
        _ => "mnist",
    }
}

/// Numbers of images to train and to test on in a data set as it was published; `None` for one
/// that was not.
pub fn images(dataset: &str) -> Option<(usize, usize)> {
    match dataset {
        "mnist" | "fashion-mnist" => Some((60_000, 10_000)),
        "cifar-10" => Some((50_000, 10_000)),
        _ => None,
    }
}

/// The last step shown in the figures of an experiment.
pub fn last_step(experiment: &str) -> u64 {
    match experiment {
        "cifar-critics" | "cifar-encoders" => LAST_STEP_CIFAR,
        "adversarial" => LAST_STEP_ADVERSARIAL,
        _ => LAST_STEP,
    }
}

const BIJECTIVE_INFONCE: Curve =
    curve("1a, 1b", "invertible", "realnvp", "bilinear", "infonce", "");
const BIJECTIVE_NWJ: Curve = curve("1a, 1b", "invertible", "realnvp", "bilinear", "nwj", "");
const ADVERSARIAL: Curve = curve("1c", "adversarial", "realnvp", "none", "none", ANY_SETTING);
const CONDITION_INFONCE: Curve =
    curve("2", "conditioning", "residual", "bilinear", "infonce", "shared-noise");
const CONDITION_NWJ: Curve =
    curve("2, 5", "conditioning", "residual", "bilinear", "nwj", "shared-noise");
const BILINEAR_INFONCE: Curve = curve("3, 6", "critics", "mlp", "bilinear", "infonce", "");
const SEPARABLE_INFONCE: Curve = curve("3, 6", "critics", "mlp", "separable", "infonce", "");
const MLP_INFONCE: Curve = curve("3, 6", "critics", "mlp", "mlp", "infonce", "");
const BILINEAR_NWJ: Curve = curve("3", "critics", "mlp", "bilinear", "nwj", "");
const SEPARABLE_NWJ: Curve = curve("3", "critics", "mlp", "separable", "nwj", "");
const MLP_NWJ: Curve = curve("3", "critics", "mlp", "mlp", "nwj", "");
const CONVNET_T2_INFONCE: Curve =
    curve("4a, 7", "encoders", "convnet", "bilinear", "infonce", "t=2");
const CONVNET_T4_INFONCE: Curve =
    curve("4a, 7", "encoders", "convnet", "bilinear", "infonce", "t=4");
const MLP_T2_INFONCE: Curve = curve("4a, 7", "encoders", "mlp", "bilinear", "infonce", "t=2");
const MLP_T4_INFONCE: Curve = curve("4a, 7", "encoders", "mlp", "bilinear", "infonce", "t=4");
const CONVNET_T2_NWJ: Curve = curve("4b, 7", "encoders", "convnet", "bilinear", "nwj", "t=2");
const CONVNET_T4_NWJ: Curve = curve("4b, 7", "encoders", "convnet", "bilinear", "nwj", "t=4");
const MLP_T2_NWJ: Curve = curve("4b, 7", "encoders", "mlp", "bilinear", "nwj", "t=2");
const MLP_T4_NWJ: Curve = curve("4b, 7", "encoders", "mlp", "bilinear", "nwj", "t=4");
const DEPENDENT_INFONCE: Curve = curve("4c", "dependent", "none", "mlp", "infonce", "dependent");
const DEPENDENT_NWJ: Curve = curve("4c", "dependent", "none", "mlp", "nwj", "dependent");
const INDEPENDENT_INFONCE: Curve =
    curve("4c", "dependent", "none", "mlp", "infonce", "independent");
const INDEPENDENT_NWJ: Curve = curve("4c", "dependent", "none", "mlp", "nwj", "independent");
const CIFAR_BILINEAR_INFONCE: Curve = curve("8", "cifar-critics", "mlp", "bilinear", "infonce", "");
const CIFAR_SEPARABLE_INFONCE: Curve =
    curve("8", "cifar-critics", "mlp", "separable", "infonce", "");
const CIFAR_MLP_INFONCE: Curve = curve("8", "cifar-critics", "mlp", "mlp", "infonce", "");
const CIFAR_BILINEAR_NWJ: Curve = curve("8", "cifar-critics", "mlp", "bilinear", "nwj", "");
const CIFAR_SEPARABLE_NWJ: Curve = curve("8", "cifar-critics", "mlp", "separable", "nwj", "");
const CIFAR_MLP_NWJ: Curve = curve("8", "cifar-critics", "mlp", "mlp", "nwj", "");
const CIFAR_CONVNET_T2_INFONCE: Curve =
    curve("9", "cifar-encoders", "convnet", "bilinear", "infonce", "t=2");
const CIFAR_CONVNET_T4_INFONCE: Curve =
    curve("9", "cifar-encoders", "convnet", "bilinear", "infonce", "t=4");
const CIFAR_MLP_T2_INFONCE: Curve =
    curve("9", "cifar-encoders", "mlp", "bilinear", "infonce", "t=2");
const CIFAR_MLP_T4_INFONCE: Curve =
    curve("9", "cifar-encoders", "mlp", "bilinear", "infonce", "t=4");
const CIFAR_CONVNET_T2_NWJ: Curve =
    curve("9", "cifar-encoders", "convnet", "bilinear", "nwj", "t=2");
const CIFAR_CONVNET_T4_NWJ: Curve =
    curve("9", "cifar-encoders", "convnet", "bilinear", "nwj", "t=4");
const CIFAR_MLP_T2_NWJ: Curve = curve("9", "cifar-encoders", "mlp", "bilinear", "nwj", "t=2");
const CIFAR_MLP_T4_NWJ: Curve = curve("9", "cifar-encoders", "mlp", "bilinear", "nwj", "t=4");

/// Every value, figure by figure.
pub const VALUES: &[Published] = &[
    // Figure 1a
    BIJECTIVE_INFONCE.at(Metric::BoundTrain, 0, -1.41),
    BIJECTIVE_INFONCE.at(Metric::BoundTrain, 1_000, 4.415),
    BIJECTIVE_INFONCE.at(Metric::BoundTrain, LAST_STEP, 4.771).within(4.761, 4.78),
    BIJECTIVE_NWJ.at(Metric::BoundTrain, 1_000, 3.5),
    BIJECTIVE_NWJ.at(Metric::BoundTrain, LAST_STEP, 5.69).within(5.28, 6.11),
    // Figure 1b
    BIJECTIVE_INFONCE.at(Metric::Accuracy, 0, 0.862),
    BIJECTIVE_INFONCE.at(Metric::Accuracy, 1_000, 0.873),
    BIJECTIVE_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.896).within(0.894, 0.898),
    BIJECTIVE_NWJ.at(Metric::Accuracy, 0, 0.862),
    BIJECTIVE_NWJ.at(Metric::Accuracy, 1_000, 0.866),
    BIJECTIVE_NWJ.at(Metric::Accuracy, LAST_STEP, 0.89).within(0.885, 0.895),
    // Figure 1c, one run
    ADVERSARIAL.at(Metric::Accuracy, 0, ADVERSARIAL_START),
    ADVERSARIAL.at(Metric::Accuracy, 400, 0.769),
    ADVERSARIAL.at(Metric::Accuracy, 800, 0.453),
    ADVERSARIAL.at(Metric::Accuracy, 2_400, 0.409),
    ADVERSARIAL.at(Metric::Accuracy, LAST_STEP_ADVERSARIAL, 0.48),
    // Figure 2a; the NWJ curve is very noisy
    CONDITION_INFONCE.at(Metric::BoundTrain, 0, -1.43),
    CONDITION_INFONCE.at(Metric::BoundTrain, 1_000, 4.41),
    CONDITION_INFONCE.at(Metric::BoundTrain, LAST_STEP, 4.843),
    CONDITION_NWJ.at(Metric::BoundTrain, 1_000, 3.18),
    CONDITION_NWJ.at(Metric::BoundTrain, LAST_STEP, 5.0).within(1.5, 7.6),
    // Figure 2b
    CONDITION_INFONCE.at(Metric::Accuracy, 0, 0.841),
    CONDITION_INFONCE.at(Metric::Accuracy, 1_000, 0.869),
    CONDITION_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.88).within(0.877, 0.884),
    CONDITION_NWJ.at(Metric::Accuracy, 0, 0.841),
    CONDITION_NWJ.at(Metric::Accuracy, 1_000, 0.86),
    CONDITION_NWJ.at(Metric::Accuracy, LAST_STEP, 0.878).within(0.873, 0.882),
    // Figure 2c
    CONDITION_INFONCE.at(Metric::LogConditionP0, 0, 0.008),
    CONDITION_INFONCE.at(Metric::LogConditionP0, 1_000, 1.44),
    CONDITION_INFONCE.at(Metric::LogConditionP0, LAST_STEP, 3.92),
    CONDITION_INFONCE.at(Metric::LogConditionP20, 0, 0.008),
    CONDITION_INFONCE.at(Metric::LogConditionP20, LAST_STEP, 4.46),
    CONDITION_INFONCE.at(Metric::LogConditionP40, 0, 0.008),
    CONDITION_INFONCE.at(Metric::LogConditionP40, LAST_STEP, 4.64),
    CONDITION_INFONCE.at(Metric::LogConditionP60, 0, 0.008),
    CONDITION_INFONCE.at(Metric::LogConditionP60, LAST_STEP, 4.81),
    CONDITION_INFONCE.at(Metric::LogConditionP80, 0, 0.008),
    CONDITION_INFONCE.at(Metric::LogConditionP80, LAST_STEP, 5.07),
    CONDITION_INFONCE.at(Metric::LogConditionP100, 0, 0.008),
    CONDITION_INFONCE.at(Metric::LogConditionP100, 1_000, 2.09),
    CONDITION_INFONCE.at(Metric::LogConditionP100, LAST_STEP, 6.8),
    // Figure 5
    CONDITION_NWJ.at(Metric::LogConditionP0, 0, 0.008),
    CONDITION_NWJ.at(Metric::LogConditionP0, 1_000, 0.98),
    CONDITION_NWJ.at(Metric::LogConditionP0, LAST_STEP, 2.59),
    CONDITION_NWJ.at(Metric::LogConditionP20, 0, 0.008),
    CONDITION_NWJ.at(Metric::LogConditionP20, LAST_STEP, 3.15),
    CONDITION_NWJ.at(Metric::LogConditionP40, 0, 0.008),
    CONDITION_NWJ.at(Metric::LogConditionP40, LAST_STEP, 3.35),
    CONDITION_NWJ.at(Metric::LogConditionP60, 0, 0.008),
    CONDITION_NWJ.at(Metric::LogConditionP60, LAST_STEP, 3.56),
    CONDITION_NWJ.at(Metric::LogConditionP80, 0, 0.008),
    CONDITION_NWJ.at(Metric::LogConditionP80, LAST_STEP, 3.89),
    CONDITION_NWJ.at(Metric::LogConditionP100, 0, 0.008),
    CONDITION_NWJ.at(Metric::LogConditionP100, 1_000, 1.86),
    CONDITION_NWJ.at(Metric::LogConditionP100, LAST_STEP, 5.41),
    // Figure 3, accuracy
    BILINEAR_INFONCE.at(Metric::Accuracy, 0, 0.8),
    BILINEAR_INFONCE.at(Metric::Accuracy, 1_000, 0.854),
    BILINEAR_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.88).give_or_take(0.003),
    SEPARABLE_INFONCE.at(Metric::Accuracy, 0, 0.8),
    SEPARABLE_INFONCE.at(Metric::Accuracy, 1_000, 0.851),
    SEPARABLE_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.877).give_or_take(0.003),
    MLP_INFONCE.at(Metric::Accuracy, 0, 0.8),
    MLP_INFONCE.at(Metric::Accuracy, 1_000, 0.815),
    MLP_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.857).give_or_take(0.003),
    BILINEAR_NWJ.at(Metric::Accuracy, 0, 0.8),
    BILINEAR_NWJ.at(Metric::Accuracy, 1_000, 0.854),
    BILINEAR_NWJ.at(Metric::Accuracy, LAST_STEP, 0.87).give_or_take(0.004),
    SEPARABLE_NWJ.at(Metric::Accuracy, 0, 0.8),
    SEPARABLE_NWJ.at(Metric::Accuracy, 1_000, 0.849),
    SEPARABLE_NWJ.at(Metric::Accuracy, LAST_STEP, 0.866).give_or_take(0.004),
    MLP_NWJ.at(Metric::Accuracy, 0, 0.8),
    MLP_NWJ.at(Metric::Accuracy, 1_000, 0.816),
    MLP_NWJ.at(Metric::Accuracy, LAST_STEP, 0.855).give_or_take(0.004),
    // Figure 3 (NWJ) and figure 6 (InfoNCE), bound
    BILINEAR_NWJ.at(Metric::BoundTrain, 1_000, 3.35),
    BILINEAR_NWJ.at(Metric::BoundTrain, LAST_STEP, 5.52),
    SEPARABLE_NWJ.at(Metric::BoundTrain, 1_000, 3.47),
    SEPARABLE_NWJ.at(Metric::BoundTrain, LAST_STEP, 5.41),
    MLP_NWJ.at(Metric::BoundTrain, 1_000, 3.82),
    MLP_NWJ.at(Metric::BoundTrain, LAST_STEP, 6.22),
    BILINEAR_INFONCE.at(Metric::BoundTrain, 1_000, 4.135),
    BILINEAR_INFONCE.at(Metric::BoundTrain, LAST_STEP, 4.733),
    SEPARABLE_INFONCE.at(Metric::BoundTrain, 1_000, 4.099),
    SEPARABLE_INFONCE.at(Metric::BoundTrain, LAST_STEP, 4.72),
    MLP_INFONCE.at(Metric::BoundTrain, 1_000, 3.824),
    MLP_INFONCE.at(Metric::BoundTrain, LAST_STEP, 4.706),
    // Figure 4a
    CONVNET_T2_INFONCE.at(Metric::Accuracy, 0, 0.82),
    CONVNET_T2_INFONCE.at(Metric::Accuracy, 1_000, 0.864),
    CONVNET_T2_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.895),
    CONVNET_T4_INFONCE.at(Metric::Accuracy, 0, 0.82),
    CONVNET_T4_INFONCE.at(Metric::Accuracy, 1_000, 0.89),
    CONVNET_T4_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.906),
    MLP_T2_INFONCE.at(Metric::Accuracy, 0, 0.8),
    MLP_T2_INFONCE.at(Metric::Accuracy, 1_000, 0.836),
    MLP_T2_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.85),
    MLP_T4_INFONCE.at(Metric::Accuracy, 0, 0.8),
    MLP_T4_INFONCE.at(Metric::Accuracy, 1_000, 0.856),
    MLP_T4_INFONCE.at(Metric::Accuracy, LAST_STEP, 0.87),
    // Figure 4b
    CONVNET_T2_NWJ.at(Metric::Accuracy, 0, 0.82),
    CONVNET_T2_NWJ.at(Metric::Accuracy, 1_000, 0.862),
    CONVNET_T2_NWJ.at(Metric::Accuracy, LAST_STEP, 0.897),
    CONVNET_T4_NWJ.at(Metric::Accuracy, 0, 0.82),
    CONVNET_T4_NWJ.at(Metric::Accuracy, 1_000, 0.861),
    CONVNET_T4_NWJ.at(Metric::Accuracy, LAST_STEP, 0.905),
    MLP_T2_NWJ.at(Metric::Accuracy, 0, 0.8),
    MLP_T2_NWJ.at(Metric::Accuracy, 1_000, 0.843),
    MLP_T2_NWJ.at(Metric::Accuracy, LAST_STEP, 0.856),
    MLP_T4_NWJ.at(Metric::Accuracy, 0, 0.8),
    MLP_T4_NWJ.at(Metric::Accuracy, 1_000, 0.853),
    MLP_T4_NWJ.at(Metric::Accuracy, LAST_STEP, 0.869),
    // Figure 7
    CONVNET_T2_INFONCE.at(Metric::TargetLoss, 1_000, 0.083),
    CONVNET_T2_INFONCE.at(Metric::TargetLoss, LAST_STEP, 0.036),
    CONVNET_T4_INFONCE.at(Metric::TargetLoss, 1_000, 0.178),
    CONVNET_T4_INFONCE.at(Metric::TargetLoss, LAST_STEP, 0.054),
    MLP_T2_INFONCE.at(Metric::TargetLoss, 1_000, 0.058),
    MLP_T2_INFONCE.at(Metric::TargetLoss, LAST_STEP, 0.038),
    MLP_T4_INFONCE.at(Metric::TargetLoss, 1_000, 0.077),
    MLP_T4_INFONCE.at(Metric::TargetLoss, LAST_STEP, 0.06),
    CONVNET_T2_NWJ.at(Metric::TargetLoss, 1_000, 0.253),
    CONVNET_T2_NWJ.at(Metric::TargetLoss, LAST_STEP, 0.049),
    CONVNET_T4_NWJ.at(Metric::TargetLoss, 1_000, 1.98),
    CONVNET_T4_NWJ.at(Metric::TargetLoss, LAST_STEP, 0.093),
    MLP_T2_NWJ.at(Metric::TargetLoss, 1_000, 0.075),
    MLP_T2_NWJ.at(Metric::TargetLoss, LAST_STEP, 0.044),
    MLP_T4_NWJ.at(Metric::TargetLoss, 1_000, 0.678),
    MLP_T4_NWJ.at(Metric::TargetLoss, LAST_STEP, 0.091),
    // Figure 4c, mean of the last fifth
    DEPENDENT_INFONCE.at(Metric::Estimate, LAST_STEP, 0.19),
    DEPENDENT_NWJ.at(Metric::Estimate, LAST_STEP, 0.099),
    INDEPENDENT_INFONCE.at(Metric::Estimate, LAST_STEP, 0.02),
    INDEPENDENT_NWJ.at(Metric::Estimate, LAST_STEP, 0.0195),
    // Figure 8
    CIFAR_BILINEAR_INFONCE.at(Metric::Accuracy, 0, 0.32),
    CIFAR_BILINEAR_INFONCE.at(Metric::Accuracy, LAST_STEP_CIFAR, 0.349),
    CIFAR_SEPARABLE_INFONCE.at(Metric::Accuracy, 0, 0.32),
    CIFAR_SEPARABLE_INFONCE.at(Metric::Accuracy, LAST_STEP_CIFAR, 0.339),
    CIFAR_MLP_INFONCE.at(Metric::Accuracy, 0, 0.32),
    CIFAR_MLP_INFONCE.at(Metric::Accuracy, LAST_STEP_CIFAR, 0.313),
    CIFAR_BILINEAR_NWJ.at(Metric::Accuracy, LAST_STEP_CIFAR, 0.339),
    CIFAR_SEPARABLE_NWJ.at(Metric::Accuracy, LAST_STEP_CIFAR, 0.337),
    CIFAR_MLP_NWJ.at(Metric::Accuracy, LAST_STEP_CIFAR, 0.313),
    CIFAR_BILINEAR_INFONCE.at(Metric::BoundTrain, 6_000, 3.56),
    CIFAR_BILINEAR_INFONCE.at(Metric::BoundTrain, LAST_STEP_CIFAR, 4.68),
    CIFAR_BILINEAR_NWJ.at(Metric::BoundTrain, LAST_STEP_CIFAR, 3.13),
    CIFAR_SEPARABLE_INFONCE.at(Metric::BoundTrain, 6_000, 3.56),
    CIFAR_SEPARABLE_INFONCE.at(Metric::BoundTrain, LAST_STEP_CIFAR, 4.67),
    CIFAR_SEPARABLE_NWJ.at(Metric::BoundTrain, LAST_STEP_CIFAR, 4.2),
    CIFAR_MLP_INFONCE.at(Metric::BoundTrain, 6_000, 3.38),
    CIFAR_MLP_INFONCE.at(Metric::BoundTrain, LAST_STEP_CIFAR, 4.53),
    CIFAR_MLP_NWJ.at(Metric::BoundTrain, LAST_STEP_CIFAR, 6.07),
    // Figure 9
    CIFAR_CONVNET_T2_INFONCE.at(Metric::Accuracy, 0, 0.345),
    CIFAR_CONVNET_T2_INFONCE.at(Metric::Accuracy, LAST_STEP_CIFAR, 0.389),
    CIFAR_CONVNET_T4_INFONCE.at(Metric::Accuracy, 0, 0.344),
    CIFAR_CONVNET_T4_INFONCE.at(Metric::Accuracy, LAST_STEP_CIFAR, 0.406),
    CIFAR_MLP_T2_INFONCE.at(Metric::Accuracy, 0, 0.319),
    CIFAR_MLP_T2_INFONCE.at(Metric::Accuracy, LAST_STEP_CIFAR, 0.341),
    CIFAR_MLP_T4_INFONCE.at(Metric::Accuracy, 0, 0.32),
    CIFAR_MLP_T4_INFONCE.at(Metric::Accuracy, LAST_STEP_CIFAR, 0.344),
    CIFAR_CONVNET_T2_NWJ.at(Metric::Accuracy, LAST_STEP_CIFAR, 0.395),
    CIFAR_CONVNET_T4_NWJ.at(Metric::Accuracy, LAST_STEP_CIFAR, 0.416),
    CIFAR_MLP_T2_NWJ.at(Metric::Accuracy, LAST_STEP_CIFAR, 0.337),
    CIFAR_MLP_T4_NWJ.at(Metric::Accuracy, LAST_STEP_CIFAR, 0.342),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_stands_twice_and_bands_hold_their_value() {
        for (index, value) in VALUES.iter().enumerate() {
            let same = |other: &&Published| {
                (other.experiment, other.encoder, other.critic, other.bound)
                    == (value.experiment, value.encoder, value.critic, value.bound)
                    && (other.setting, other.metric, other.step)
                        == (value.setting, value.metric, value.step)
            };
            assert_eq!(VALUES[..index].iter().find(same), None);
            if let Some((low, high)) = value.band {
                assert!(low <= value.value && value.value <= high, "{value:?}");
            }
            assert!(value.step <= last_step(value.experiment), "{value:?}");
        }
    }

    #[test]
    fn every_curve_has_its_end_value() {
        for value in VALUES {
            let ends = |other: &Published| {
                (other.experiment, other.encoder, other.critic, other.bound, other.setting)
                    == (value.experiment, value.encoder, value.critic, value.bound, value.setting)
                    && other.metric == value.metric
                    && other.is_last()
            };
            assert!(VALUES.iter().any(ends), "{value:?}");
        }
    }
}
