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
    InfoMax {
        filters: Vec<usize>,
        kernel: usize,
        hidden: usize,
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
            Self::InfoMax { filters, kernel, hidden, embed } => {
                EncoderSpec::InfoMax { filters, kernel, hidden, embed }
            }
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
            Self::InfoMax { filters, kernel, hidden, embed } => {
                !filters.is_empty() && !filters.contains(&0) && *kernel.min(hidden).min(embed) > 0
            }
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
            EncoderSpec::InfoMax { filters, kernel, hidden, embed } => {
                Self::InfoMax { filters, kernel, hidden, embed }
            }
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
    use serde::de::DeserializeOwned;

    use super::*;

    /// The variants, from serde's message about an unknown one.
    fn variants<T: DeserializeOwned>() -> Vec<String> {
        let error = serde_json::from_str::<T>("\"nothing\"").err().unwrap().to_string();
        let (_, names) = error.split_once("expected one of").unwrap();
        names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    fn net(toml: &str) -> (String, Net) {
        let table: std::collections::BTreeMap<String, Net> = toml::from_str(toml).unwrap();
        (toml.to_owned(), table.into_values().next().unwrap())
    }

    /// Every field has a value of its own, so that none can take another's place.
    #[test]
    fn every_encoder_is_the_same_from_a_file() {
        let of_files = [
            "net.mlp = { hidden = [7, 6], embed = 5 }",
            "net.residual = { layers = 3, init_sd = 0.25 }",
            "net.convnet = { channels = [3, 4], embed = 5 }",
            "net.info-max = { filters = [3, 4], kernel = 5, hidden = 6, embed = 7 }",
            "net.realnvp = { couplings = 3, hidden = [6, 7], affine = true, init_sd = 0.5 }",
        ];
        let specs = [
            EncoderSpec::Mlp { hidden: vec![7, 6], embed: 5 },
            EncoderSpec::Residual { layers: 3, init_sd: 0.25 },
            EncoderSpec::ConvNet { channels: [3, 4], embed: 5 },
            EncoderSpec::InfoMax { filters: vec![3, 4], kernel: 5, hidden: 6, embed: 7 },
            EncoderSpec::RealNvp { couplings: 3, hidden: vec![6, 7], affine: true, init_sd: 0.5 },
        ];
        assert_eq!(variants::<Net>().len(), specs.len() + ["like", "same"].len());
        for (text, spec) in of_files.into_iter().zip(specs) {
            let (_, net) = net(text);
            assert!(net.is_valid());
            assert_eq!(Net::from(&spec), net);
            assert_eq!(net.encoder(), Some(spec));
        }
    }

    #[test]
    fn a_single_impossible_size_makes_a_net_invalid() {
        for text in [
            "net.mlp = { hidden = [7, 0], embed = 5 }",
            "net.mlp = { hidden = [7], embed = 0 }",
            "net.residual = { layers = 0, init_sd = 0.25 }",
            "net.residual = { layers = 3, init_sd = 0.0 }",
            "net.residual = { layers = 3, init_sd = inf }",
            "net.convnet = { channels = [0, 4], embed = 5 }",
            "net.convnet = { channels = [3, 4], embed = 0 }",
            "net.info-max = { filters = [], kernel = 5, hidden = 6, embed = 7 }",
            "net.info-max = { filters = [3, 0], kernel = 5, hidden = 6, embed = 7 }",
            "net.info-max = { filters = [3], kernel = 0, hidden = 6, embed = 7 }",
            "net.info-max = { filters = [3], kernel = 5, hidden = 0, embed = 7 }",
            "net.info-max = { filters = [3], kernel = 5, hidden = 6, embed = 0 }",
            "net.realnvp = { couplings = 0, hidden = [6], affine = true, init_sd = 0.5 }",
            "net.realnvp = { couplings = 3, hidden = [0], affine = true, init_sd = 0.5 }",
            "net.realnvp = { couplings = 3, hidden = [6], affine = true, init_sd = nan }",
        ] {
            let (text, net) = net(text);
            assert!(!net.is_valid(), "{text}");
        }
    }

    /// A measure without settings has the same name in files and in configurations.
    #[test]
    fn no_measure_becomes_another() {
        let mut without_settings = 0;
        for name in variants::<Measure>() {
            let Ok(measure) = serde_json::from_value::<Measure>(name.as_str().into()) else {
                continue;
            };
            let evaluation = Evaluation::from(measure);
            assert_eq!(Measure::from(evaluation), measure);
            let in_configurations = serde_json::to_value(evaluation).unwrap();
            let text = in_configurations.to_string().replace('_', "-");
            assert!(text.contains(&format!("\"{name}\"")), "{name}: {text}");
            without_settings += 1;
        }
        assert!(without_settings > 10);
    }

    #[test]
    fn the_readme_lists_every_measure() {
        let names = variants::<Measure>();
        assert!(names.len() > 15, "{names:?}");
        let readme = include_str!("../../README.md");
        for name in names {
            let listed = [format!("`\"{name}\"`"), format!("`{{ {name} =")];
            assert!(listed.iter().any(|entry| readme.contains(entry)), "{name} is not listed");
        }
    }
}
