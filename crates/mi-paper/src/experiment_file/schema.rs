//! The parts of an experiment file that differ from the resolved configuration.

use serde::{Deserialize, Serialize};

use crate::config::{EncoderSpec, Evaluation};
use crate::multi_view;

/// The network of an encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Net {
    Mlp {
        hidden: Vec<usize>,
        embed: usize,
    },
    Residual {
        layers: usize,
        init_sd: f64,
    },
    Convnet {
        channels: [usize; 2],
        embed: usize,
    },
    Realnvp {
        couplings: usize,
        hidden: Vec<usize>,
        affine: bool,
        init_sd: f64,
    },
    /// The architecture of another encoder, with weights of its own.
    Like(String),
    /// Another encoder's network, including its weights.
    Same(String),
}

impl Net {
    /// The encoder; `None` if it refers to another one.
    pub(super) fn encoder(self) -> Option<EncoderSpec> {
        Some(match self {
            Self::Mlp { hidden, embed } => EncoderSpec::Mlp { hidden, embed },
            Self::Residual { layers, init_sd } => EncoderSpec::Residual { layers, init_sd },
            Self::Convnet { channels, embed } => EncoderSpec::ConvNet { channels, embed },
            Self::Realnvp { couplings, hidden, affine, init_sd } => {
                EncoderSpec::RealNvp { couplings, hidden, affine, init_sd }
            }
            Self::Like(_) | Self::Same(_) => return None,
        })
    }

    /// Whether a network can have these sizes.
    pub(super) fn is_valid(&self) -> bool {
        let sd = |sd: f64| sd.is_finite() && sd > 0.0;
        match self {
            Self::Mlp { hidden, embed } => *embed > 0 && !hidden.contains(&0),
            Self::Residual { layers, init_sd } => *layers > 0 && sd(*init_sd),
            Self::Convnet { channels, embed } => *embed > 0 && !channels.contains(&0),
            Self::Realnvp { couplings, hidden, init_sd, .. } => {
                *couplings > 0 && !hidden.contains(&0) && sd(*init_sd)
            }
            Self::Like(_) | Self::Same(_) => true,
        }
    }
}

impl From<&EncoderSpec> for Net {
    fn from(encoder: &EncoderSpec) -> Self {
        match encoder.clone() {
            EncoderSpec::Mlp { hidden, embed } => Self::Mlp { hidden, embed },
            EncoderSpec::Residual { layers, init_sd } => Self::Residual { layers, init_sd },
            EncoderSpec::ConvNet { channels, embed } => Self::Convnet { channels, embed },
            EncoderSpec::RealNvp { couplings, hidden, affine, init_sd } => {
                Self::Realnvp { couplings, hidden, affine, init_sd }
            }
        }
    }
}

impl From<&multi_view::Net> for Net {
    fn from(net: &multi_view::Net) -> Self {
        match net {
            multi_view::Net::Own(encoder) => encoder.into(),
            multi_view::Net::Same(name) => Self::Same(name.clone()),
        }
    }
}

/// An encoder of a multi-view task.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewEncoder {
    pub(super) name: String,
    pub(super) view: String,
    pub(super) net: Net,
}

/// A measure of a representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Measure {
    Bounds,
    Probe,
    ConvergedProbe,
    Conditioning {
        inputs: usize,
    },
    Bijectivity {
        inputs: usize,
    },
    SinglePlaces,
    TiesCeiling,
    Retrieval,
    FrozenBounds,
    Transfer,
    CkaToStart,
    Representation,
    ProbeEpochs,
    ScaledProbe {
        constant: mi_eval::Constant,
    },
    LabelNoise {
        percent: u8,
    },
    ReferenceReaders,
    NearestNeighbours,
    AlsoAt {
        step: u64,
    },
    /// A measure of `mi-eval`.
    Of(mi_eval::Measure),
}

impl From<Measure> for Evaluation {
    fn from(measure: Measure) -> Self {
        match measure {
            Measure::Bounds => Self::Bounds,
            Measure::Probe => Self::Probe,
            Measure::ConvergedProbe => Self::ConvergedProbe,
            Measure::Conditioning { inputs } => Self::Conditioning { inputs },
            Measure::Bijectivity { inputs } => Self::Bijectivity { inputs },
            Measure::SinglePlaces => Self::SinglePlaces,
            Measure::TiesCeiling => Self::TiesCeiling,
            Measure::Retrieval => Self::Retrieval,
            Measure::FrozenBounds => Self::FrozenBounds,
            Measure::Transfer => Self::Transfer,
            Measure::CkaToStart => Self::CkaToStart,
            Measure::Representation => Self::Representation,
            Measure::ProbeEpochs => Self::ProbeEpochs,
            Measure::ScaledProbe { constant } => Self::ScaledProbe { constant },
            Measure::LabelNoise { percent } => Self::LabelNoise { percent },
            Measure::ReferenceReaders => Self::ReferenceReaders,
            Measure::NearestNeighbours => Self::NearestNeighbours,
            Measure::AlsoAt { step } => Self::AlsoAt { step },
            Measure::Of(of) => Self::Measure { of },
        }
    }
}

impl From<Evaluation> for Measure {
    fn from(evaluation: Evaluation) -> Self {
        match evaluation {
            Evaluation::Bounds => Self::Bounds,
            Evaluation::Probe => Self::Probe,
            Evaluation::ConvergedProbe => Self::ConvergedProbe,
            Evaluation::Conditioning { inputs } => Self::Conditioning { inputs },
            Evaluation::Bijectivity { inputs } => Self::Bijectivity { inputs },
            Evaluation::SinglePlaces => Self::SinglePlaces,
            Evaluation::TiesCeiling => Self::TiesCeiling,
            Evaluation::Retrieval => Self::Retrieval,
            Evaluation::FrozenBounds => Self::FrozenBounds,
            Evaluation::Transfer => Self::Transfer,
            Evaluation::CkaToStart => Self::CkaToStart,
            Evaluation::Representation => Self::Representation,
            Evaluation::ProbeEpochs => Self::ProbeEpochs,
            Evaluation::ScaledProbe { constant } => Self::ScaledProbe { constant },
            Evaluation::LabelNoise { percent } => Self::LabelNoise { percent },
            Evaluation::ReferenceReaders => Self::ReferenceReaders,
            Evaluation::NearestNeighbours => Self::NearestNeighbours,
            Evaluation::AlsoAt { step } => Self::AlsoAt { step },
            Evaluation::Measure { of } => Self::Of(of),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_lists_every_measure() {
        let error = serde_json::from_str::<Measure>("\"nothing\"").unwrap_err().to_string();
        let (_, names) = error.split_once("expected one of").unwrap();
        let names: Vec<&str> = names.split('`').skip(1).step_by(2).collect();
        assert!(names.len() > 15, "{error}");
        let readme = include_str!("../../README.md");
        for name in names {
            let listed = [format!("`\"{name}\"`"), format!("`{{ {name} =")];
            assert!(listed.iter().any(|entry| readme.contains(entry)), "{name} is not listed");
        }
    }
}
