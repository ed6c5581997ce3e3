use mi_kernels::Scalar;
use mi_random::Stream;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::dense::DenseLayer;
use super::{Conv2d, Module};
use crate::{
    Activation, ConvGeometry, Graph, Init, NetsError, NetworkSize, Padding, ParamId, Params, Var,
};

/// The configuration of a [`ConvNet`].
///
/// | field | figure 4 of the paper | purpose |
/// | --- | --- | --- |
/// | `height`, `width`, `channels` | 14, 28, 1 | the images, rows H×W×C |
/// | `filters` | 64, 128 | output channels of each convolution |
/// | `kernel` | 5 | side of the square kernels |
/// | `stride` | 2 | step of the kernels |
/// | `output` | 100 | width of the embedding |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvNetConfig {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels per row.
    pub width: usize,
    /// Channels of a pixel.
    pub channels: usize,
    /// Output channels of each convolution.
    pub filters: Vec<usize>,
    /// Side of the square kernels.
    pub kernel: usize,
    /// Step of the kernels.
    pub stride: usize,
    /// Width of the embedding.
    pub output: usize,
}

impl ConvNetConfig {
    /// The network of figure 4 of Tschannen et al. (2020) for images of this size.
    pub fn paper(height: usize, width: usize, channels: usize) -> Self {
        let filters = vec![64, 128];
        Self { height, width, channels, filters, kernel: 5, stride: 2, output: 100 }
    }

    /// The geometry of each convolution: the outputs of one are the pixels of the next. After one
    /// that does not fit its images, which [`ConvNet::new`] refuses, all images are 0×0.
    pub fn geometries(&self) -> impl Iterator<Item = ConvGeometry> + '_ {
        let Self { kernel, stride, .. } = *self;
        let mut previous: Option<(ConvGeometry, usize)> = None;
        self.filters.iter().map(move |&filters| {
            let ((height, width), channels) = previous
                .map_or(((self.height, self.width), self.channels), |(geometry, filters)| {
                    (geometry.output_size(), filters)
                });
            let padding = Padding::Same;
            let geometry = ConvGeometry { height, width, channels, kernel, stride, padding };
            previous = Some((geometry, filters));
            geometry
        })
    }
}

/// A small convolutional network: "same" convolutions with `ReLU`, layer normalisation over
/// all positions and channels with a scale and a shift per channel, the mean over positions,
/// and a dense layer.
///
/// # Shapes
/// n×(H·W·C) to n×output. Parameters: `{name}.convs.{k}.weight` (kernel·kernel·in×out),
/// `{name}.convs.{k}.bias` (1×out), `{name}.norm.scale` and `{name}.norm.shift` (1×channels),
/// `{name}.dense.weight` and `{name}.dense.bias`.
#[derive(Clone, Debug)]
pub struct ConvNet {
    config: ConvNetConfig,
    convs: Vec<Conv2d>,
    scale: ParamId,
    shift: ParamId,
    dense: DenseLayer,
}

impl ConvNet {
    /// Adds the parameters of a convolutional network.
    ///
    /// # Errors
    /// No filters; a size 0; a name that is taken.
    pub fn new<T: Scalar>(
        params: &mut Params<T>,
        name: &str,
        config: &ConvNetConfig,
        init: Init,
        stream: &mut Stream,
    ) -> Result<Self, NetsError> {
        if config.filters.is_empty() || config.filters.contains(&0) || config.output == 0 {
            let problem = format!("{config:?}: filters and output must be given and ≥ 1");
            return Err(NetsError::Layer { layer: name.to_owned(), problem });
        }
        let (mut convs, mut channels) = (Vec::new(), config.channels);
        for (k, (geometry, &filters)) in config.geometries().zip(&config.filters).enumerate() {
            let name = format!("{name}.convs.{k}");
            let relu = Activation::Relu;
            // An error ends the loop before the next geometry, which depends on this one.
            convs.push(Conv2d::new(params, &name, geometry, filters, relu, init, stream)?);
            channels = filters;
        }
        let scale = params.add(format!("{name}.norm.scale"), Array2::ones((1, channels)))?;
        let shift = params.add(format!("{name}.norm.shift"), Array2::zeros((1, channels)))?;
        let sizes = (channels, config.output);
        let dense = DenseLayer::new(params, &format!("{name}.dense"), sizes, init, stream)?;
        Ok(Self { config: config.clone(), convs, scale, shift, dense })
    }
}

/// A [`ConvNet`]'s summary of an image and its map of locations.
#[derive(Clone, Copy, Debug)]
pub struct ConvNetOutputs {
    /// n×output: what [`Module::forward`] returns.
    pub summary: Var,
    /// n×(locations·channels), the channel innermost. The summary is a dense layer on the mean of
    /// the map. Layer normalisation mixes statistics of the whole image into every location.
    pub map: Var,
    /// The map before layer normalisation: a location depends only on its receptive field.
    pub local_map: Var,
}

impl ConvNet {
    /// The network's configuration.
    pub fn config(&self) -> &ConvNetConfig {
        &self.config
    }

    /// Rows, columns and channels of the map of locations.
    pub fn map_shape(&self) -> (usize, usize, usize) {
        let geometry = self.config.geometries().last().map(|last| last.output_size());
        let (height, width) = geometry.unwrap_or_default();
        (height, width, self.config.filters.last().copied().unwrap_or_default())
    }

    /// The network's summary and its map of locations, from one pass.
    ///
    /// ```
    /// use mi_nets::{ConvNet, ConvNetConfig, Init, NetsError, Params, Stream, Tape};
    /// use ndarray::Array2;
    ///
    /// let mut params = Params::<f32>::new();
    /// let config = ConvNetConfig { output: 10, ..ConvNetConfig::paper(8, 8, 1) };
    /// let mut stream = Stream::new(1, "init");
    /// let net = ConvNet::new(&mut params, "net", &config, Init::GlorotUniform, &mut stream)?;
    /// let mut tape = Tape::new();
    /// let mut graph = tape.begin(&params);
    /// let images = graph.input(Array2::ones((5, 64)).view());
    /// let outputs = net.forward_with_map(&mut graph, images);
    /// assert_eq!(graph.shape(outputs.summary), (5, 10));
    /// assert_eq!(net.map_shape(), (2, 2, 128));
    /// assert_eq!(graph.shape(outputs.map), (5, 2 * 2 * 128));
    /// # Ok::<(), NetsError>(())
    /// ```
    ///
    /// # Shapes
    /// See [`ConvNetOutputs`]; locations and channels are those of [`ConvNet::map_shape`].
    pub fn forward_with_map<T: Scalar>(&self, graph: &mut Graph<'_, T>, x: Var) -> ConvNetOutputs {
        let local_map = self.convolve(graph, x);
        let map = graph.layer_norm(local_map, self.scale, self.shift);
        let summary = self.summarise(graph, map);
        ConvNetOutputs { summary, map, local_map }
    }

    fn convolve<T: Scalar>(&self, graph: &mut Graph<'_, T>, x: Var) -> Var {
        let mut h = x;
        for (k, conv) in self.convs.iter().enumerate() {
            let next = conv.forward(graph, h);
            if k > 0 {
                graph.release(h);
            }
            h = next;
        }
        h
    }

    fn summarise<T: Scalar>(&self, graph: &mut Graph<'_, T>, map: Var) -> Var {
        let channels = graph.params().view(self.scale).ncols();
        let pooled = graph.global_average_pool(map, channels);
        let y = self.dense.forward(graph, pooled, Activation::Linear);
        graph.release(pooled);
        y
    }
}

impl<T: Scalar> Module<T> for ConvNet {
    fn forward(&self, graph: &mut Graph<'_, T>, x: Var) -> Var {
        let h = self.convolve(graph, x);
        let map = graph.layer_norm(h, self.scale, self.shift);
        graph.release(h);
        let y = self.summarise(graph, map);
        graph.release(map);
        y
    }

    fn input_dim(&self) -> usize {
        self.config.height * self.config.width * self.config.channels
    }

    fn output_dim(&self) -> usize {
        self.config.output
    }

    fn size(&self) -> NetworkSize {
        NetworkSize::convnet(&self.config)
    }
}
