//! The names in records, in prose.

use std::borrow::Cow;

use mi_critics::{CriticKind, CriticSpec};
use mi_estimators::bounds::{BOUNDS, BoundSpec};

use crate::config::{EncoderKind, Task};
use crate::labels::{self, Kinds};
use crate::multi_view::ObjectiveSpec;
use crate::record::{Metric, Unit};
use crate::results::Configuration;

/// A bound's name in prose.
pub(crate) fn bound(bound: &BoundSpec) -> &'static str {
    let entry = BOUNDS.iter().find(|entry| entry.name == bound.name());
    entry.map_or(bound.name(), |entry| entry.title)
}

/// The name of a bound or loss in prose.
pub(crate) fn objective(objective: &ObjectiveSpec) -> &'static str {
    match objective {
        ObjectiveSpec::Bound(bound) => self::bound(bound),
        ObjectiveSpec::JensenShannon => "Jensen–Shannon divergence",
        ObjectiveSpec::Triplet { .. } => "triplet loss",
        ObjectiveSpec::Contrastive { .. } => "contrastive loss",
        ObjectiveSpec::LiftedStructure { .. } => "lifted structure",
        ObjectiveSpec::NoiseContrastive { .. } => "noise-contrastive estimation",
    }
}

/// An encoder's name in prose.
pub(crate) fn encoder(kind: EncoderKind) -> &'static str {
    match kind {
        EncoderKind::Mlp => "MLP",
        EncoderKind::ConvNet => "ConvNet",
        EncoderKind::InfoMax => "Deep InfoMax's ConvNet",
        EncoderKind::RealNvp => "RealNVP",
        EncoderKind::Residual => "residual MLP",
    }
}

/// A critic's name in prose.
pub(crate) fn critic(kind: CriticKind) -> &'static str {
    match kind {
        CriticKind::Concat => "MLP",
        CriticKind::InnerProduct => "inner product",
        other => other.label(),
    }
}

/// A data set's name in prose.
pub(crate) fn dataset(name: &str) -> &str {
    match name {
        "mnist" => "MNIST",
        "fashion-mnist" => "Fashion-MNIST",
        "cifar-10" => "CIFAR-10",
        "digits" => "embedded digits",
        "none" => "synthetic samples",
        other => other,
    }
}

/// A metric's name in prose, with its unit if it has one.
pub(crate) fn metric(metric: Metric) -> Cow<'static, str> {
    match metric {
        Metric::Part(part) => {
            return format!("{}: {}", self::metric(part.whole()), part.name()).into();
        }
        Metric::BoundTrain => "bound, training batches (nats)",
        Metric::BoundTest => "bound, held out (nats)",
        Metric::LossTrain => "loss, training batches",
        Metric::LossTest => "loss, held out",
        Metric::TargetLoss => "distance to the target, |I − t| (nats)",
        Metric::Accuracy => "probe accuracy",
        Metric::AccuracyConverged => "probe accuracy, converged",
        Metric::AccuracyClassifier => "classifier accuracy",
        Metric::ClassifierLoss => "cross-entropy of the classifier (nats)",
        Metric::UniformLoss => "cross-entropy to the uniform label (nats)",
        Metric::LogConditionP0 => "log condition, least",
        Metric::LogConditionP20 => "log condition, 20 %",
        Metric::LogConditionP40 => "log condition, 40 %",
        Metric::LogConditionP60 => "log condition, 60 %",
        Metric::LogConditionP80 => "log condition, 80 %",
        Metric::LogConditionP100 => "log condition, greatest",
        Metric::SingularJacobians => "singular Jacobians",
        Metric::LogDet => "log-determinant of the Jacobian (nats)",
        Metric::InverseError => "inverse error",
        Metric::Estimate => "estimate (nats)",
        Metric::TrueMi => "true mutual information (nats)",
        Metric::Ceiling => "ceiling with shared negatives (nats)",
        Metric::TiesCeiling => "ceiling given equal patches (nats)",
        Metric::Retrieval => "recall@1 among 1,000",
        Metric::ReaderAccuracy => "accuracy of readers",
        Metric::VInformation => "V-information about labels (nats)",
        Metric::VInformationOfView => "V-information about the other view (nats)",
        Metric::ConditionalVInformation => "V-information beyond the pixels (nats)",
        Metric::FewLabelAccuracy => "accuracy with few labels",
        Metric::DescriptionLength => "description length of labels (nats)",
        Metric::SampleComplexity => "labels until a loss is reached",
        Metric::Surplus => "surplus description length (nats)",
        Metric::Alignment => "alignment",
        Metric::Uniformity => "uniformity",
        Metric::RankMe => "RankMe",
        Metric::EffectiveRank => "effective rank",
        Metric::SpectrumExponent => "exponent of the spectrum",
        Metric::CkaToView => "CKA to the other view",
        Metric::CkaToBase => "CKA to the pixels",
        Metric::CkaToStart => "CKA to the start of training",
        Metric::TransferAccuracy => "accuracy on another data set",
        Metric::ClassSeparation => "class separation",
        Metric::NeighbourAccuracy => "accuracy of nearest neighbours",
        Metric::NeighbourPurity => "purity of nearest neighbours",
        Metric::DeadUnits => "dead units",
        Metric::BoundAnew => "bound of a critic trained anew, held out (nats)",
        Metric::ComponentsMi => "nearest neighbours on principal components (nats)",
        Metric::PriorLoss => "loss of the prior's discriminator (nats)",
        Metric::ProbeEpochs => "epochs of the probe",
        Metric::AccuracyScaled => "probe accuracy, other scaling",
        Metric::NoisyLabelAccuracy => "accuracy with noisy labels",
        Metric::OverflowSteps => "steps with overflow in the gradients",
    }
    .into()
}

/// What a chart of a metric shows, for its title: the axis has the unit. Without the metric's part
/// if it would be too long.
pub(crate) fn subject(metric: Metric) -> Cow<'static, str> {
    const LONGEST: usize = 80;
    match metric {
        Metric::Part(part) => {
            let whole = subject(part.whole());
            let with_part = format!("{whole}: {}", part.name());
            if with_part.chars().count() <= LONGEST { with_part.into() } else { whole }
        }
        Metric::BoundTrain => "bound on training batches".into(),
        Metric::BoundTest => "bound on held-out data".into(),
        Metric::TargetLoss => "distance to the target".into(),
        Metric::Accuracy => "accuracy of the paper's probe".into(),
        Metric::AccuracyConverged => "accuracy of a converged probe".into(),
        Metric::AccuracyClassifier => "accuracy of the classifier".into(),
        Metric::InverseError => "largest error of the inverse".into(),
        other => match self::metric(other) {
            Cow::Borrowed(name) => name.strip_suffix(" (nats)").unwrap_or(name).into(),
            owned @ Cow::Owned(_) => owned,
        },
    }
}

/// Words with a capital at the start.
pub(crate) fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The label of an axis for a metric: its unit, or what is measured.
pub(crate) fn axis(metric: Metric) -> Cow<'static, str> {
    match metric.whole() {
        Metric::Accuracy
        | Metric::AccuracyConverged
        | Metric::AccuracyScaled
        | Metric::AccuracyClassifier => "share of test images labelled correctly".into(),
        Metric::TargetLoss => "|I − t| (nats), logarithmic".into(),
        Metric::InverseError => "largest |x − g⁻¹(g(x))|, logarithmic".into(),
        Metric::LogDet => "mean of ln |det J| (nats)".into(),
        whole if whole.unit() == Unit::Nats => "nats".into(),
        whole => self::metric(whole),
    }
}

/// A metric's name where space is short.
pub(crate) fn short_metric(metric: Metric) -> Cow<'static, str> {
    match metric {
        Metric::AccuracyClassifier => "classifier".into(),
        Metric::TargetLoss => "|I − t|".into(),
        Metric::LogConditionP60 => "log condition, 60 %".into(),
        Metric::InverseError => "inverse error".into(),
        other => self::metric(other),
    }
}

/// One of the labels that identify a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    Encoder,
    Critic,
    Objective,
    Settings,
}

impl Label {
    const ALL: [Self; 4] = [Self::Encoder, Self::Critic, Self::Objective, Self::Settings];

    /// Whether two configurations differ in it.
    fn differs(self, a: &Configuration<'_>, b: &Configuration<'_>) -> bool {
        let (kinds, others) = (Kinds::of(a.task), Kinds::of(b.task));
        match self {
            Self::Encoder => kinds.encoder != others.encoder,
            Self::Critic => kinds.critic != others.critic,
            Self::Objective => kinds.objective != others.objective,
            Self::Settings => a.settings != b.settings,
        }
    }
}

/// Which labels differ among configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Varies([bool; 4]);

impl Varies {
    /// All labels, for a table that stands alone.
    pub(crate) const ALL: Self = Self([true; 4]);

    pub(crate) fn among(configurations: &[&Configuration<'_>]) -> Self {
        Self(Label::ALL.map(|label| {
            let first = configurations.first();
            first.is_some_and(|first| configurations.iter().any(|c| label.differs(c, first)))
        }))
    }
}

/// A configuration in prose, without the labels that do not vary.
pub(crate) fn configuration(configuration: &Configuration<'_>, varies: Varies) -> String {
    let task = configuration.task;
    let settings = Some(labels::prose(&configuration.settings)).filter(|text| !text.is_empty());
    // Multi-view tasks are named by hand, and the name says what differs.
    if let (Task::MultiView(_), Some(name)) = (task, &settings) {
        return name.clone();
    }
    let named = Label::ALL.iter().zip(varies.0).filter(|(_, varies)| *varies);
    let labels: Vec<Label> = named.map(|(label, _)| *label).collect();
    let critic = |spec: &CriticSpec| match critic(spec.kind()) {
        // If only the critic varies, `MLP` is clear enough.
        name if labels.len() == 1 => name.to_owned(),
        name => format!("{name} critic"),
    };
    let words = labels.iter().filter_map(|label| match label {
        Label::Encoder => task.encoder().map(|spec| encoder(spec.kind()).to_owned()),
        Label::Critic => task.critic().map(critic),
        Label::Objective => task.objective().map(|spec| objective(&spec).to_owned()),
        Label::Settings => settings.clone(),
    });
    words.collect::<Vec<String>>().join(", ")
}

/// What a configuration without labels is called: what it is trained with or, of pixels, what it is.
pub(crate) fn unlabelled(task: &Task) -> &'static str {
    let of_encoder = || task.encoder().map(|spec| encoder(spec.kind()));
    task.objective().map(|spec| objective(&spec)).or_else(of_encoder).unwrap_or("pixels")
}

/// The first cell of a configuration's row: the labels that distinguish it from its siblings, or
/// all of them if none do.
pub(crate) fn row(of: &Configuration<'_>, siblings: &[&Configuration<'_>]) -> String {
    let names = [configuration(of, Varies::among(siblings)), configuration(of, Varies::ALL)];
    let unlabelled = || unlabelled(of.task).to_owned();
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_else(unlabelled)
}
