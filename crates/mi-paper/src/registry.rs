//! The experiments, as plain declarations in the order in which they run.

use mi_critics::CriticSpec;
use mi_estimators::bounds::BoundSpec;

use crate::config::{
    Adversarial, Contrastive, Dependent, EncoderSpec, Evaluation, Labels, Noise, Pixels,
    Supervised, Task,
};
use crate::preset::Scale;

/// An experiment of the paper, or one that uses the same machinery.
#[derive(Debug)]
pub struct Experiment {
    /// The name by which it is asked for.
    pub name: &'static str,
    /// The paper's figures that it reproduces; empty for experiments beyond the paper.
    pub figures: &'static str,
    /// The question that it answers, in one line.
    pub question: &'static str,
    /// What it runs on.
    pub data: DataKind,
    /// Its trials (one seed), at a given scale.
    pub variants: fn(&Scale) -> Vec<Variant>,
}

/// What an experiment runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    /// Grey images: the embedded digits, MNIST or Fashion-MNIST.
    Digits,
    /// CIFAR-10.
    Cifar,
    /// Synthetic pairs.
    Synthetic,
}

/// One configuration of an experiment, without data and seed.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Labels for records, tables and figures.
    pub labels: Labels,
    /// Optimiser steps.
    pub steps: u64,
    /// Steps between evaluations.
    pub evaluate_every: u64,
    /// What is trained and measured.
    pub task: Task,
}

/// Every experiment, in the order in which they run.
pub const EXPERIMENTS: &[Experiment] = &[
    Experiment {
        name: "critics",
        figures: "3, 6",
        question: "Do critics of higher capacity give better representations, or tighter bounds?",
        data: DataKind::Digits,
        variants: critics,
    },
    Experiment {
        name: "pixels",
        figures: "1b, 2b (baseline)",
        question: "How far does a linear probe get on the pixels of one view?",
        data: DataKind::Digits,
        variants: pixels,
    },
    Experiment {
        name: "dependent",
        figures: "4c",
        question: "Do the bounds still bound when the negatives of a batch depend on each other?",
        data: DataKind::Synthetic,
        variants: dependent,
    },
    Experiment {
        name: "encoders",
        figures: "4a, 4b, 7",
        question: "At the same value of the bound, what matters more: encoder or estimator?",
        data: DataKind::Digits,
        variants: encoders,
    },
    Experiment {
        name: "conditioning",
        figures: "2, 5",
        question: "Does an encoder that may become non-invertible become ill-conditioned?",
        data: DataKind::Digits,
        variants: conditioning,
    },
    Experiment {
        name: "invertible",
        figures: "1a, 1b",
        question: "Do representations improve while the true mutual information cannot change?",
        data: DataKind::Digits,
        variants: invertible,
    },
    Experiment {
        name: "adversarial",
        figures: "1c",
        question: "Can a bijective encoder be made useless for a linear probe?",
        data: DataKind::Digits,
        variants: adversarial,
    },
    Experiment {
        name: "supervised",
        figures: "references in the text",
        question: "What do the same encoders reach when they are trained on labels?",
        data: DataKind::Digits,
        variants: supervised,
    },
    Experiment {
        name: "cifar-critics",
        figures: "8",
        question: "The critics experiment on CIFAR-10.",
        data: DataKind::Cifar,
        variants: |scale| critics(&scale.cifar()),
    },
    Experiment {
        name: "cifar-encoders",
        figures: "9",
        question: "The encoders experiment on CIFAR-10.",
        data: DataKind::Cifar,
        variants: |scale| encoders(&scale.cifar()),
    },
    Experiment {
        name: "bounds",
        figures: "",
        question: "How do all bounds of the registry compare on the setting of figure 3?",
        data: DataKind::Digits,
        variants: bounds,
    },
    Experiment {
        name: "batch-size",
        figures: "",
        question: "How do bound and representation depend on the number of negatives?",
        data: DataKind::Digits,
        variants: batch_size,
    },
    Experiment {
        name: "cosine",
        figures: "",
        question: "What does a normalised critic with a temperature do?",
        data: DataKind::Digits,
        variants: cosine,
    },
];

/// The experiments that `paper` stands for, and that run when none is named: those of the paper on
/// one data set of grey images.
pub const PAPER: &[&str] = &[
    "critics",
    "pixels",
    "dependent",
    "encoders",
    "conditioning",
    "invertible",
    "adversarial",
    "supervised",
];

/// Both bounds that the paper compares, with their labels.
fn paper_bounds() -> [(&'static str, BoundSpec); 2] {
    [("infonce", BoundSpec::InfoNce), ("nwj", BoundSpec::Nwj)]
}

fn mlp() -> EncoderSpec {
    EncoderSpec::Mlp { hidden: vec![300, 300], embed: 100 }
}

fn conv_net(scale: &Scale) -> EncoderSpec {
    EncoderSpec::ConvNet { channels: scale.conv_channels, embed: 100 }
}

/// A contrastive task in the setting of figure 3: MLP encoders, bilinear critic.
fn contrastive(scale: &Scale, bound: BoundSpec) -> Contrastive {
    Contrastive {
        encoder: mlp(),
        critic: CriticSpec::Bilinear,
        bound,
        target: None,
        batch_size: scale.batch_size,
        learning_rate: scale.learning_rate,
        noise: Noise::NONE,
        evaluations: [vec![Evaluation::Bounds], probes(scale)].concat(),
    }
}

/// The probes of representations.
fn probes(scale: &Scale) -> Vec<Evaluation> {
    let converged = scale.converged_probe.then_some(Evaluation::ConvergedProbe);
    [Some(Evaluation::Probe), converged].into_iter().flatten().collect()
}

fn variant(scale: &Scale, labels: Labels, task: Contrastive) -> Variant {
    Variant {
        labels,
        steps: scale.steps,
        evaluate_every: scale.evaluate_every,
        task: Task::Contrastive(task),
    }
}

fn critics(scale: &Scale) -> Vec<Variant> {
    let critics = [
        ("bilinear", CriticSpec::Bilinear),
        ("separable", CriticSpec::Separable { hidden: vec![100], embed: 100 }),
        ("mlp", CriticSpec::Concat { hidden: vec![200] }),
    ];
    let mut variants = Vec::new();
    for (bound_name, bound) in paper_bounds() {
        for (critic_name, critic) in &critics {
            variants.push(variant(
                scale,
                Labels::new("mlp", critic_name, bound_name),
                Contrastive { critic: critic.clone(), ..contrastive(scale, bound.clone()) },
            ));
        }
    }
    variants
}

fn encoders(scale: &Scale) -> Vec<Variant> {
    let mut variants = Vec::new();
    for (bound_name, bound) in paper_bounds() {
        for (encoder_name, encoder, steps) in
            [("mlp", mlp(), scale.steps), ("convnet", conv_net(scale), scale.conv_steps)]
        {
            for target in [2.0, 4.0] {
                variants.push(Variant {
                    steps,
                    ..variant(
                        scale,
                        Labels::new(encoder_name, "bilinear", bound_name)
                            .with(format!("t={target}")),
                        Contrastive {
                            encoder: encoder.clone(),
                            target: Some(target),
                            ..contrastive(scale, bound.clone())
                        },
                    )
                });
            }
        }
    }
    variants
}

fn conditioning(scale: &Scale) -> Vec<Variant> {
    let mut variants = Vec::new();
    for (bound_name, bound) in paper_bounds() {
        for (setting, shared) in [("shared-noise", true), ("independent-noise", false)] {
            variants.push(variant(
                scale,
                Labels::new("residual", "bilinear", bound_name).with(setting),
                Contrastive {
                    encoder: EncoderSpec::Residual { layers: 5, init_sd: 1e-4 },
                    noise: Noise { sd: 0.05, shared },
                    evaluations: [
                        vec![Evaluation::Bounds],
                        probes(scale),
                        vec![Evaluation::Conditioning { inputs: scale.jacobian_inputs }],
                    ]
                    .concat(),
                    ..contrastive(scale, bound.clone())
                },
            ));
        }
    }
    variants
}

fn real_nvp(scale: &Scale, affine: bool) -> EncoderSpec {
    EncoderSpec::RealNvp {
        couplings: scale.couplings,
        hidden: scale.coupling_hidden.clone(),
        affine,
        init_sd: 1e-4,
    }
}

fn invertible(scale: &Scale) -> Vec<Variant> {
    paper_bounds()
        .into_iter()
        .map(|(bound_name, bound)| Variant {
            steps: scale.flow_steps,
            evaluate_every: scale.flow_evaluate_every,
            ..variant(
                scale,
                Labels::new("realnvp", "bilinear", bound_name),
                Contrastive {
                    encoder: real_nvp(scale, false),
                    evaluations: [
                        vec![Evaluation::Bounds],
                        probes(scale),
                        vec![Evaluation::Bijectivity { inputs: scale.bijectivity_inputs }],
                    ]
                    .concat(),
                    ..contrastive(scale, bound)
                },
            )
        })
        .collect()
}

fn adversarial(scale: &Scale) -> Vec<Variant> {
    vec![Variant {
        labels: Labels::new("realnvp", "none", "none").with(scale.adversarial_rates.label()),
        steps: scale.adversarial_steps,
        evaluate_every: scale.adversarial_evaluate_every,
        task: Task::Adversarial(Adversarial {
            encoder: real_nvp(scale, true),
            batch_size: scale.batch_size,
            encoder_learning_rate: scale.adversarial_rates.encoder(),
            classifier_learning_rate: scale.adversarial_rates.classifier(),
            warm_up_steps: scale.warm_up_steps,
            classifier_steps: 10,
            evaluations: [
                probes(scale),
                vec![Evaluation::Bijectivity { inputs: scale.bijectivity_inputs }],
            ]
            .concat(),
        }),
    }]
}

fn dependent(scale: &Scale) -> Vec<Variant> {
    let mut variants = Vec::new();
    for (bound_name, bound) in paper_bounds() {
        for (setting, dependent) in [("dependent", true), ("independent", false)] {
            variants.push(Variant {
                labels: Labels::new("none", "mlp", bound_name).with(setting),
                steps: scale.dependent_steps,
                // Means over a fifth of the deviation of the filter that the figure applies.
                evaluate_every: 20,
                task: Task::Dependent(Dependent {
                    dependent,
                    critic: CriticSpec::Concat { hidden: vec![10; 5] },
                    bound: bound.clone(),
                    batch_size: 128,
                    learning_rate: 1e-4,
                }),
            });
        }
    }
    variants
}

fn supervised(scale: &Scale) -> Vec<Variant> {
    [("mlp", mlp(), scale.steps), ("convnet", conv_net(scale), scale.conv_steps)]
        .into_iter()
        .map(|(name, encoder, steps)| Variant {
            labels: Labels::new(name, "none", "none"),
            steps,
            evaluate_every: scale.evaluate_every,
            task: Task::Supervised(Supervised {
                encoder,
                batch_size: scale.batch_size,
                learning_rate: scale.learning_rate,
            }),
        })
        .collect()
}

fn pixels(_: &Scale) -> Vec<Variant> {
    [("", 0.0), ("noise=0.05", 0.05)]
        .into_iter()
        .map(|(setting, noise_sd)| Variant {
            labels: Labels::new("none", "none", "none").with(setting),
            steps: 0,
            evaluate_every: 1,
            task: Task::Pixels(Pixels { noise_sd }),
        })
        .collect()
}

fn bounds(scale: &Scale) -> Vec<Variant> {
    mi_estimators::bounds::BOUNDS
        .iter()
        .filter_map(|entry| Some((entry.name, entry.usual()?.clone())))
        .map(|(name, bound)| {
            variant(scale, Labels::new("mlp", "bilinear", name), contrastive(scale, bound))
        })
        .collect()
}

fn batch_size(scale: &Scale) -> Vec<Variant> {
    let mut variants = Vec::new();
    for (bound_name, bound) in paper_bounds() {
        for k in [32, 64, 128, 256, 512] {
            variants.push(variant(
                scale,
                Labels::new("mlp", "bilinear", bound_name).with(format!("k={k}")),
                Contrastive { batch_size: k, ..contrastive(scale, bound.clone()) },
            ));
        }
    }
    variants
}

fn cosine(scale: &Scale) -> Vec<Variant> {
    let critics = [
        ("inner", "", CriticSpec::InnerProduct),
        ("cosine", "tau=0.07", CriticSpec::Cosine { temperature: 0.07, learned: false }),
        ("cosine", "tau=0.2", CriticSpec::Cosine { temperature: 0.2, learned: false }),
        ("cosine", "tau learned", CriticSpec::Cosine { temperature: 0.07, learned: true }),
    ];
    critics
        .into_iter()
        .map(|(name, setting, critic)| {
            variant(
                scale,
                Labels::new("mlp", name, "infonce").with(setting),
                Contrastive { critic, ..contrastive(scale, BoundSpec::InfoNce) },
            )
        })
        .collect()
}
