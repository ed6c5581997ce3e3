//! The architectures of encoders.

use mi_data::Geometry;
use mi_nets::{
    ConvGeometry, ConvNetConfig, CouplingKind, InfoMaxNetConfig, NetworkSize, RealNvpConfig,
};
use serde::{Deserialize, Serialize};

/// An encoder's architecture; input and output sizes that follow from the data are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EncoderSpec {
    /// A multilayer perceptron with `ReLU` between its layers.
    Mlp {
        /// Widths of the hidden layers.
        hidden: Vec<usize>,
        /// Width of the output.
        embed: usize,
    },
    /// Square layers with an identity shortcut around each, `ReLU` on all but the last.
    Residual {
        /// Number of layers.
        layers: usize,
        /// Standard deviation of the initial weights (truncated normal).
        init_sd: f64,
    },
    /// Two 5×5 convolutions of stride 2, layer norm, global average pooling and a dense layer.
    ConvNet {
        /// Channels after each convolution.
        channels: [usize; 2],
        /// Width of the output.
        embed: usize,
    },
    /// The encoder of Deep `InfoMax`: convolutions of stride 2 and a dense layer, all with batch
    /// normalisation and `ReLU`, and a linear layer.
    InfoMax {
        /// Channels after each convolution.
        filters: Vec<usize>,
        /// Side of the kernels.
        kernel: usize,
        /// Width of the dense layer.
        hidden: usize,
        /// Width of the output.
        embed: usize,
    },
    /// Coupling layers, each behind a random permutation: a bijection.
    RealNvp {
        /// Number of coupling layers.
        couplings: usize,
        /// Widths of the hidden layers of each coupling's network.
        hidden: Vec<usize>,
        /// Whether couplings also scale (softplus), or only shift.
        affine: bool,
        /// Standard deviation of the initial weights (truncated normal).
        init_sd: f64,
    },
}

/// The kind of an encoder: its architecture without sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncoderKind {
    /// See [`EncoderSpec::Mlp`].
    Mlp,
    /// See [`EncoderSpec::Residual`].
    Residual,
    /// See [`EncoderSpec::ConvNet`].
    ConvNet,
    /// See [`EncoderSpec::InfoMax`].
    InfoMax,
    /// See [`EncoderSpec::RealNvp`].
    RealNvp,
}

impl EncoderKind {
    /// The label in records.
    pub fn label(self) -> &'static str {
        match self {
            Self::Mlp => "mlp",
            Self::Residual => "residual",
            Self::ConvNet => "convnet",
            Self::InfoMax => "infomax",
            Self::RealNvp => "realnvp",
        }
    }
}

/// The most parameters of a network: with gradients and moments, 16 GB.
const MOST_PARAMETERS: usize = 1_000_000_000;

/// Refuses a network that is too large to be meant.
///
/// # Errors
/// A sentence with its number of parameters.
pub(crate) fn check_parameters(parameters: usize) -> Result<(), String> {
    if parameters <= MOST_PARAMETERS {
        return Ok(());
    }
    Err(format!(
        "a network of {} parameters is too large; the most are {}",
        mi_plot::grouped(parameters as u64),
        mi_plot::grouped(MOST_PARAMETERS as u64)
    ))
}

impl EncoderSpec {
    /// The kind of the architecture.
    pub fn kind(&self) -> EncoderKind {
        match self {
            Self::Mlp { .. } => EncoderKind::Mlp,
            Self::Residual { .. } => EncoderKind::Residual,
            Self::ConvNet { .. } => EncoderKind::ConvNet,
            Self::InfoMax { .. } => EncoderKind::InfoMax,
            Self::RealNvp { .. } => EncoderKind::RealNvp,
        }
    }

    /// The architecture's label in records.
    pub fn label(&self) -> &'static str {
        self.kind().label()
    }

    /// The configuration of a ConvNet for images of this size; `None` for other encoders.
    pub(crate) fn conv_config(&self, image: Geometry) -> Option<ConvNetConfig> {
        let Self::ConvNet { channels, embed } = self else { return None };
        Some(ConvNetConfig {
            filters: channels.to_vec(),
            output: *embed,
            ..ConvNetConfig::paper(image.height, image.width, image.channels)
        })
    }

    /// The configuration of Deep `InfoMax`'s encoder for images of this size; `None` for other
    /// encoders.
    pub(crate) fn info_max_config(&self, image: Geometry) -> Option<InfoMaxNetConfig> {
        let Self::InfoMax { filters, kernel, hidden, embed } = self else { return None };
        let Geometry { height, width, channels, .. } = image;
        let (filters, kernel, hidden, output) = (filters.clone(), *kernel, *hidden, *embed);
        Some(InfoMaxNetConfig { height, width, channels, filters, kernel, hidden, output })
    }

    /// The convolutions up to the map of locations, and the map's channels; `None` for encoders
    /// without a map, or if the image is too small.
    pub(crate) fn map(&self, image: Geometry) -> Option<(Vec<ConvGeometry>, usize)> {
        if let Some(config) = self.info_max_config(image) {
            let convolutions: Vec<ConvGeometry> = config.geometries().take(2).collect();
            let (rows, columns, channels) = config.map_shape();
            return (rows * columns > 0).then_some((convolutions, channels));
        }
        let config = self.conv_config(image)?;
        Some((config.geometries().collect(), *config.filters.last()?))
    }

    /// The widths of an MLP's layers for images of this size, its input included; `None` for other
    /// encoders.
    pub(crate) fn mlp_widths(&self, image: Geometry) -> Option<Vec<usize>> {
        let Self::Mlp { hidden, embed } = self else { return None };
        Some([&[image.len()], hidden.as_slice(), &[*embed]].concat())
    }

    /// The configuration of a RealNVP for images of this size; `None` for other encoders.
    pub(crate) fn flow_config(&self, image: Geometry) -> Option<RealNvpConfig> {
        let Self::RealNvp { couplings, hidden, affine, .. } = self else { return None };
        let kind = if *affine { CouplingKind::Affine } else { CouplingKind::Additive };
        let (dim, couplings, hidden) = (image.len(), *couplings, hidden.clone());
        Some(RealNvpConfig { dim, couplings, hidden, kind })
    }

    /// Whether images of this size fit the network.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub(crate) fn check(&self, image: Geometry) -> Result<(), String> {
        if let Some(problem) = self.info_max_config(image).and_then(|config| config.problem()) {
            return Err(problem);
        }
        // Sizes are computed layer by layer, of which there may be too many for that.
        let layer = image.len().saturating_mul(image.len() + 1);
        check_parameters(match self {
            Self::Residual { layers, .. } => layers.saturating_mul(layer),
            Self::RealNvp { couplings, .. } => couplings.saturating_mul(image.len()),
            _ => 0,
        })?;
        check_parameters(self.size(image).parameters)
    }

    /// The size of the network for images of this size.
    pub(crate) fn size(&self, image: Geometry) -> NetworkSize {
        let size = match self {
            Self::Mlp { .. } => self.mlp_widths(image).map(|widths| NetworkSize::dense(&widths)),
            Self::Residual { layers, .. } => {
                Some(NetworkSize::dense(&vec![image.len(); layers + 1]))
            }
            Self::ConvNet { .. } => {
                self.conv_config(image).map(|config| NetworkSize::convnet(&config))
            }
            Self::InfoMax { .. } => {
                self.info_max_config(image).map(|config| NetworkSize::info_max_net(&config))
            }
            Self::RealNvp { .. } => {
                self.flow_config(image).map(|config| NetworkSize::realnvp(&config))
            }
        };
        size.unwrap_or_default()
    }

    /// The width of the encoder's output for an image of this size.
    pub(crate) fn output(&self, image: Geometry) -> usize {
        match self {
            Self::Mlp { embed, .. } | Self::ConvNet { embed, .. } | Self::InfoMax { embed, .. } => {
                *embed
            }
            Self::Residual { .. } | Self::RealNvp { .. } => image.len(),
        }
    }

    /// Whether the encoder is initialised close to the identity, so that its first features are
    /// pixels.
    pub fn starts_near_identity(&self) -> bool {
        matches!(self, Self::Residual { .. } | Self::RealNvp { .. })
    }
}
