use mi_data::Geometry;
use mi_nets::{
    ConvNet, Graph, InfoMaxNet, Init, Mlp, Module, NetsError, Params, RealNvp, ResidualMlp, Var,
};
use mi_random::Stream;

use crate::config::EncoderSpec;

/// An encoder of any architecture, in single and double precision.
pub(super) trait Encode: Module<f32> + Module<f64> {}

impl<M: Module<f32> + Module<f64>> Encode for M {}

/// An encoder. Some types are kept apart, since evaluations need more of them than their output:
/// the maps of a convolutional network, and the inverse of a bijection.
#[derive(Debug)]
pub(super) enum Encoder {
    /// Any other network.
    Plain(Box<dyn Encode>),
    /// A convolutional network, which also has feature maps.
    Conv(Box<ConvNet>),
    /// Deep `InfoMax`'s network, which has one, too.
    InfoMax(Box<InfoMaxNet>),
    /// A bijection.
    Bijective(Box<RealNvp>),
}

/// What an encoder makes of a batch in one pass.
pub(super) struct Encoded {
    pub(super) summary: Var,
    /// n × (places · channels).
    pub(super) map: Option<Var>,
    /// The map before a normalisation that mixes its places, if there is one.
    pub(super) local_map: Option<Var>,
}

impl Encoder {
    /// Builds an encoder of images of the given size and adds its parameters under `name`.
    pub(super) fn build(
        spec: &EncoderSpec,
        params: &mut Params<f32>,
        name: &str,
        image: Geometry,
        stream: &mut Stream,
    ) -> Result<Self, NetsError> {
        let pixels = image.len();
        Ok(match spec {
            EncoderSpec::Mlp { .. } => {
                let sizes = spec.mlp_widths(image).unwrap_or_else(|| unreachable!("it is one"));
                Self::Plain(Box::new(Mlp::new(params, name, &sizes, Init::GlorotUniform, stream)?))
            }
            EncoderSpec::Residual { layers, init_sd } => {
                let init = Init::TruncatedNormal { sd: *init_sd };
                Self::Plain(Box::new(ResidualMlp::new(
                    params, name, pixels, *layers, init, stream,
                )?))
            }
            EncoderSpec::ConvNet { .. } => {
                let config = spec.conv_config(image).unwrap_or_else(|| unreachable!("it is one"));
                let init = Init::GlorotUniform;
                Self::Conv(Box::new(ConvNet::new(params, name, &config, init, stream)?))
            }
            EncoderSpec::InfoMax { .. } => {
                let config =
                    spec.info_max_config(image).unwrap_or_else(|| unreachable!("it is one"));
                let init = Init::GlorotUniform;
                Self::InfoMax(Box::new(InfoMaxNet::new(params, name, &config, init, stream)?))
            }
            EncoderSpec::RealNvp { init_sd, .. } => {
                let config = spec.flow_config(image).unwrap_or_else(|| unreachable!("it is one"));
                let init = Init::TruncatedNormal { sd: *init_sd };
                Self::Bijective(Box::new(RealNvp::new(params, name, &config, init, stream)?))
            }
        })
    }

    /// Appends the encoder to a graph; keeps its maps, if it has any.
    pub(super) fn forward_with_maps(&self, graph: &mut Graph<'_, f32>, x: Var) -> Encoded {
        match self {
            Self::Conv(network) => {
                let all = network.forward_with_map(graph, x);
                let (map, local_map) = (Some(all.map), Some(all.local_map));
                Encoded { summary: all.summary, map, local_map }
            }
            Self::InfoMax(network) => {
                let (summary, map) = network.forward_with_map(graph, x);
                Encoded { summary, map: Some(map), local_map: None }
            }
            Self::Plain(_) | Self::Bijective(_) => {
                let summary = self.module().forward(graph, x);
                Encoded { summary, map: None, local_map: None }
            }
        }
    }

    /// The encoder as a module of single precision.
    pub(super) fn module(&self) -> &dyn Module<f32> {
        match self {
            Self::Plain(encoder) => &**encoder as &dyn Module<f32>,
            Self::Conv(encoder) => &**encoder,
            Self::InfoMax(encoder) => &**encoder,
            Self::Bijective(encoder) => &**encoder,
        }
    }

    /// The encoder as a module of double precision.
    pub(super) fn module64(&self) -> &dyn Module<f64> {
        match self {
            Self::Plain(encoder) => &**encoder as &dyn Module<f64>,
            Self::Conv(encoder) => &**encoder,
            Self::InfoMax(encoder) => &**encoder,
            Self::Bijective(encoder) => &**encoder,
        }
    }

    /// Builds a linear classifier of the encoder's output and adds its parameters.
    pub(super) fn classifier(
        &self,
        params: &mut Params<f32>,
        classes: usize,
        stream: &mut Stream,
    ) -> Result<Mlp, NetsError> {
        let sizes = [self.module().output_dim(), classes];
        Mlp::new(params, "classifier", &sizes, Init::GlorotUniform, stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The variants are those that serde names in the message about an unknown one.
    #[test]
    fn the_size_of_every_encoder_is_that_of_its_network() {
        let init_sd = 0.1;
        let specs = [
            EncoderSpec::Mlp { hidden: vec![5], embed: 3 },
            EncoderSpec::Residual { layers: 2, init_sd },
            EncoderSpec::ConvNet { channels: [3, 4], embed: 5 },
            EncoderSpec::InfoMax { filters: vec![3, 4], kernel: 3, hidden: 6, embed: 5 },
            EncoderSpec::RealNvp { couplings: 3, hidden: vec![7], affine: true, init_sd },
        ];
        let message = serde_json::from_str::<EncoderSpec>("{\"kind\": \"?\"}");
        let message = message.unwrap_err().to_string();
        let (_, variants) = message.split_once("expected one of").unwrap();
        for variant in variants.split('`').skip(1).step_by(2) {
            let listed = |spec| serde_json::to_value(spec).unwrap()["kind"] == variant;
            assert!(specs.iter().any(listed), "{variant} is not in the list above");
        }
        let image = Geometry::new(6, 8, 1);
        for spec in specs {
            let mut params = Params::new();
            let mut stream = Stream::new(1, "init");
            let built = Encoder::build(&spec, &mut params, "g", image, &mut stream).unwrap();
            let module = built.module();
            let size = spec.size(image);
            assert_eq!(size, module.size(), "{spec:?}");
            assert_eq!(spec.output(image), module.output_dim(), "{spec:?}");
            assert_eq!(size.parameters, params.scalar_count(), "{spec:?}");
        }
    }
}
