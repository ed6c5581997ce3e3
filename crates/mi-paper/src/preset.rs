//! Presets: the sizes of the experiments.

use serde::{Deserialize, Serialize};

use crate::experiments::Experiment;

/// The size of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Preset {
    /// A few steps of everything: does it run?
    Smoke,
    /// Smaller images and networks, with enough seeds for a verdict on each claim in minutes.
    Quick,
    /// Short training of the paper's networks (RealNVP smaller): do the curves start as in the
    /// figures?
    Short,
    /// Short training at the paper's sizes, to compare with runs of other programs.
    Reference,
    /// The paper's protocol.
    Paper,
}

impl Preset {
    /// The default seeds of a built-in experiment; for `None`, of one from a file.
    pub fn seeds(self, experiment: Option<&Experiment>) -> Vec<u64> {
        let count = match self {
            Self::Smoke | Self::Paper => 1,
            Self::Reference => 2,
            Self::Short => 3,
            Self::Quick => experiment.map_or(3, |experiment| experiment.quick_seeds),
        };
        (0..count).collect()
    }

    /// The preset's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Quick => "quick",
            Self::Short => "short",
            Self::Reference => "reference",
            Self::Paper => "paper",
        }
    }
}

/// The learning rates of figure 1c: the notebook and the paper's text disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum AdversarialRates {
    /// Classifier 1e-3, encoder 1e-5: the notebook.
    Notebook,
    /// Classifier 1e-4, encoder 1e-6: the paper's text.
    Text,
}

impl AdversarialRates {
    /// The encoder's learning rate.
    pub fn encoder(self) -> f64 {
        match self {
            Self::Notebook => 1e-5,
            Self::Text => 1e-6,
        }
    }

    /// The classifier's learning rate.
    pub fn classifier(self) -> f64 {
        match self {
            Self::Notebook => 1e-3,
            Self::Text => 1e-4,
        }
    }

    /// The label in records.
    pub fn label(self) -> &'static str {
        match self {
            Self::Notebook => "notebook rates",
            Self::Text => "paper's text rates",
        }
    }
}

/// All sizes that presets and options change.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Scale {
    /// Side of the squares of pixels that are averaged; `None` to keep all pixels.
    pub pool: Option<usize>,
    /// Widths of the hidden layers of MLP encoders.
    pub mlp_hidden: Vec<usize>,
    /// Optimiser steps.
    pub steps: u64,
    /// Steps between evaluations.
    pub evaluate_every: u64,
    /// Optimiser steps of convolutional encoders.
    pub conv_steps: u64,
    /// Channels of the convolutional encoder.
    pub conv_channels: [usize; 2],
    /// The values in nats to which bounds are driven when encoders are compared.
    pub targets: [f64; 2],
    /// Rows in a batch.
    pub batch_size: usize,
    /// Adam's learning rate.
    pub learning_rate: f64,
    /// Optimiser steps of residual encoders.
    pub residual_steps: u64,
    /// Steps between evaluations of residual encoders.
    pub residual_evaluate_every: u64,
    /// Optimiser steps of bijective encoders.
    pub flow_steps: u64,
    /// Steps between evaluations of bijective encoders.
    pub flow_evaluate_every: u64,
    /// Coupling layers of bijective encoders.
    pub couplings: usize,
    /// Hidden widths in each coupling.
    pub coupling_hidden: Vec<usize>,
    /// Encoder steps of the adversarial experiment.
    pub adversarial_steps: u64,
    /// Steps between evaluations of the adversarial experiment.
    pub adversarial_evaluate_every: u64,
    /// Classifier steps before the first encoder step.
    pub warm_up_steps: u64,
    /// Learning rates of the adversarial experiment.
    pub adversarial_rates: AdversarialRates,
    /// The factor by which these learning rates are multiplied.
    pub adversarial_rate_factor: f64,
    /// Steps of the dependent-negatives experiment.
    pub dependent_steps: u64,
    /// Learning rate of the dependent-negatives experiment.
    pub dependent_learning_rate: f64,
    /// Whether the converged probe is used too, which takes seconds for any number of steps.
    pub converged_probe: bool,
    /// Whether every measure of representations is used, which takes up to a minute for each.
    pub every_measure: bool,
    /// Whether the adversarial experiment also uses the converged probe.
    pub adversarial_converged_probe: bool,
    /// Number of inputs at which Jacobians are computed.
    pub jacobian_inputs: usize,
    /// Number of inputs at which bijectivity is checked.
    pub bijectivity_inputs: usize,
    /// Optimiser steps of multi-view tasks.
    pub view_steps: u64,
    /// Steps between evaluations of multi-view tasks.
    pub view_evaluate_every: u64,
    /// Optimiser steps of triplet losses, which may stall at first.
    pub triplet_steps: u64,
    /// Optimiser steps of the encoders whose representations are diagnosed.
    pub diagnosed_steps: u64,
    /// Number of synthetic sequences to train on.
    pub sequences: usize,
    /// Optimiser steps on CIFAR-10.
    pub cifar_steps: u64,
    /// Learning rate on CIFAR-10.
    pub cifar_learning_rate: f64,
}

impl Scale {
    /// The sizes of a preset.
    pub fn of(preset: Preset) -> Self {
        match preset {
            Preset::Paper => Self::paper(),
            Preset::Reference => Self {
                steps: 2_000,
                conv_steps: 2_000,
                residual_steps: 2_000,
                flow_steps: 2_000,
                adversarial_steps: 2_000,
                dependent_steps: 2_000,
                cifar_steps: 2_000,
                view_steps: 2_000,
                view_evaluate_every: 1_000,
                triplet_steps: 5_000,
                diagnosed_steps: 5_000,
                ..Self::paper()
            },
            Preset::Quick => Self {
                pool: Some(2),
                learning_rate: 5e-4,
                steps: 500,
                evaluate_every: 50,
                conv_steps: 500,
                conv_channels: [16, 32],
                targets: [1.0, 2.0],
                residual_steps: 900,
                residual_evaluate_every: 100,
                flow_steps: 900,
                flow_evaluate_every: 90,
                couplings: 4,
                coupling_hidden: vec![128, 128],
                adversarial_steps: 300,
                adversarial_evaluate_every: 30,
                warm_up_steps: 200,
                adversarial_rate_factor: 10.0,
                dependent_steps: 1_200,
                dependent_learning_rate: 2e-3,
                converged_probe: false,
                jacobian_inputs: 16,
                bijectivity_inputs: 8,
                cifar_steps: 2_000,
                cifar_learning_rate: 1e-4,
                view_steps: 600,
                view_evaluate_every: 200,
                triplet_steps: 600,
                diagnosed_steps: 600,
                ..Self::paper()
            },
            Preset::Short => Self {
                steps: 2_400,
                residual_steps: 2_400,
                residual_evaluate_every: 200,
                evaluate_every: 200,
                conv_steps: 600,
                flow_steps: 600,
                flow_evaluate_every: 150,
                couplings: 6,
                coupling_hidden: vec![256, 256],
                adversarial_steps: 240,
                adversarial_evaluate_every: 40,
                warm_up_steps: 200,
                dependent_steps: 5_000,
                jacobian_inputs: 16,
                bijectivity_inputs: 8,
                cifar_steps: 2_000,
                cifar_learning_rate: 1e-4,
                view_steps: 600,
                view_evaluate_every: 200,
                triplet_steps: 600,
                diagnosed_steps: 600,
                ..Self::paper()
            },
            Preset::Smoke => Self {
                steps: 20,
                residual_steps: 20,
                residual_evaluate_every: 10,
                adversarial_converged_probe: false,
                every_measure: false,
                evaluate_every: 10,
                conv_steps: 4,
                conv_channels: [8, 16],
                flow_steps: 4,
                flow_evaluate_every: 2,
                couplings: 2,
                coupling_hidden: vec![32, 32],
                adversarial_steps: 4,
                adversarial_evaluate_every: 2,
                warm_up_steps: 4,
                dependent_steps: 200,
                converged_probe: false,
                jacobian_inputs: 2,
                bijectivity_inputs: 2,
                cifar_steps: 4,
                view_steps: 4,
                view_evaluate_every: 2,
                triplet_steps: 4,
                diagnosed_steps: 5,
                sequences: 2_000,
                ..Self::paper()
            },
        }
    }

    /// The paper's protocol. The notebook trains for 21,000 steps and shows 20,000.
    pub(crate) fn paper() -> Self {
        Self {
            pool: None,
            mlp_hidden: vec![300, 300],
            steps: 21_000,
            evaluate_every: 1_000,
            conv_steps: 21_000,
            conv_channels: [64, 128],
            targets: [2.0, 4.0],
            batch_size: 128,
            learning_rate: 1e-4,
            residual_steps: 21_000,
            residual_evaluate_every: 1_000,
            flow_steps: 21_000,
            flow_evaluate_every: 1_000,
            couplings: 30,
            coupling_hidden: vec![512, 512],
            adversarial_steps: 4_001,
            adversarial_evaluate_every: 400,
            warm_up_steps: 1_000,
            adversarial_rates: AdversarialRates::Notebook,
            adversarial_rate_factor: 1.0,
            dependent_steps: 20_000,
            dependent_learning_rate: 1e-4,
            converged_probe: true,
            every_measure: true,
            adversarial_converged_probe: true,
            jacobian_inputs: 128,
            bijectivity_inputs: 16,
            view_steps: 20_000,
            view_evaluate_every: 1_000,
            triplet_steps: 20_000,
            diagnosed_steps: 20_000,
            sequences: 20_000,
            cifar_steps: 60_000,
            cifar_learning_rate: 1e-5,
        }
    }

    /// The scale of the same experiments on CIFAR-10.
    pub fn cifar(&self) -> Self {
        Self {
            steps: self.cifar_steps,
            conv_steps: self.cifar_steps,
            evaluate_every: self.evaluate_every.max(self.cifar_steps / 20),
            learning_rate: self.cifar_learning_rate,
            ..self.clone()
        }
    }

    /// The same scale, with no experiment longer than `steps`.
    pub fn cut(mut self, steps: u64) -> Self {
        for own in [
            &mut self.steps,
            &mut self.conv_steps,
            &mut self.residual_steps,
            &mut self.flow_steps,
            &mut self.adversarial_steps,
            &mut self.dependent_steps,
            &mut self.cifar_steps,
            &mut self.view_steps,
            &mut self.triplet_steps,
            &mut self.diagnosed_steps,
        ] {
            *own = (*own).min(steps);
        }
        self
    }
}
