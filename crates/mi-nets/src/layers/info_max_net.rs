use mi_kernels::Scalar;
use mi_random::Stream;
use serde::{Deserialize, Serialize};

use super::dense::DenseLayer;
use super::{BatchNorm, Conv2d, Module};
use crate::{
    Activation, ConvGeometry, Graph, Init, NetsError, NetworkSize, Padding, ParamId, Params, Unary,
    Var,
};

/// By how much running statistics move towards those of a batch, as in `PyTorch`.
const MOMENTUM: f64 = 0.1;

/// The configuration of an [`InfoMaxNet`].
///
/// | field | MNIST | CIFAR-10 | purpose |
/// | --- | --- | --- | --- |
/// | `height`, `width`, `channels` | 28, 28, 1 | 32, 32, 3 | the images, rows H×W×C |
/// | `filters` | 64, 128 | 64, 128, 256 | output channels of each convolution |
/// | `kernel` | 5 | 4 | side of the square kernels |
/// | `hidden` | 1024 | 1024 | width of the layer that reads the last convolution |
/// | `output` | 64 | 64 | width of the summary |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InfoMaxNetConfig {
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
    /// Width of the hidden layer.
    pub hidden: usize,
    /// Width of the summary.
    pub output: usize,
}

impl InfoMaxNetConfig {
    /// What is wrong with the configuration, if anything.
    pub fn problem(&self) -> Option<String> {
        let Self { filters, kernel, hidden, output, height, width, channels } = self;
        if filters.is_empty() || filters.contains(&0) || *kernel.min(hidden).min(output) == 0 {
            let problem = "filters, kernel, hidden and output must be given and ≥ 1";
            return Some(format!("{self:?}: {problem}"));
        }
        let (number, smallest) = (filters.len(), self.geometries().last()?);
        let fits = self.geometries().count() == number && smallest.problem().is_none();
        (!fits).then(|| {
            format!(
                "images of {height}×{width}×{channels} are too small for {number} convolutions of \
                 stride 2 with kernels of {kernel}×{kernel}"
            )
        })
    }

    /// The geometry of each convolution: stride 2, and ⌊(kernel − 1) / 2⌋ zeros on each side. The
    /// iterator ends after an image that is too small for its kernel.
    pub fn geometries(&self) -> impl Iterator<Item = ConvGeometry> + '_ {
        let kernel = self.kernel;
        let mut previous: Option<(ConvGeometry, usize)> = None;
        self.filters.iter().map_while(move |&filters| {
            let ((height, width), channels) = match previous {
                None => ((self.height, self.width), self.channels),
                Some((geometry, _)) if geometry.problem().is_some() => return None,
                Some((geometry, filters)) => (geometry.output_size(), filters),
            };
            let padding = Padding::Each(kernel.saturating_sub(1) / 2);
            let geometry = ConvGeometry { height, width, channels, kernel, stride: 2, padding };
            previous = Some((geometry, filters));
            Some(geometry)
        })
    }

    /// Rows, columns and channels of the map of locations: the outputs of the second convolution,
    /// or of the only one.
    pub fn map_shape(&self) -> (usize, usize, usize) {
        let of = self.geometries().zip(&self.filters).take(2).last();
        let size = of.filter(|(geometry, _)| geometry.problem().is_none());
        size.map_or((0, 0, 0), |(geometry, &filters)| {
            let (rows, columns) = geometry.output_size();
            (rows, columns, filters)
        })
    }
}

/// The encoder of Deep `InfoMax` (Hjelm et al., 2019): convolutions of stride 2 and a dense layer,
/// all with batch normalisation and `ReLU`, and a linear layer.
///
/// # Shapes
/// n×(H·W·C) to n×output. Parameters: `{name}.convs.{k}.weight` (kernel·kernel·in×out) and
/// `{name}.norms.{k}` of each convolution; `{name}.hidden.weight` and `{name}.norms.hidden`;
/// `{name}.dense.weight` and `{name}.dense.bias`. What a normalisation follows has no bias. For
/// MNIST these are 6,696,960 numbers, for CIFAR-10 4,921,280.
#[derive(Clone, Debug)]
pub struct InfoMaxNet {
    config: InfoMaxNetConfig,
    convs: Vec<(Conv2d, BatchNorm)>,
    hidden: ParamId,
    hidden_norm: BatchNorm,
    dense: DenseLayer,
}

impl InfoMaxNet {
    /// Adds the parameters of the network.
    ///
    /// # Errors
    /// No filters; a size 0; an image that is too small for a kernel; a name that is taken.
    pub fn new<T: Scalar>(
        params: &mut Params<T>,
        name: &str,
        config: &InfoMaxNetConfig,
        init: Init,
        stream: &mut Stream,
    ) -> Result<Self, NetsError> {
        let InfoMaxNetConfig { ref filters, hidden, output, .. } = *config;
        if let Some(problem) = config.problem() {
            return Err(NetsError::Layer { layer: name.to_owned(), problem });
        }
        let mut convs = Vec::new();
        let mut width = 0;
        for (k, (geometry, &filters)) in config.geometries().zip(filters).enumerate() {
            let conv = format!("{name}.convs.{k}");
            let conv = Conv2d::without_bias(params, &conv, geometry, filters, init, stream)?;
            width = geometry.positions_count() * filters;
            let norm = format!("{name}.norms.{k}");
            convs.push((conv, BatchNorm::new(params, &norm, (width, filters), MOMENTUM)?));
        }
        let weight = init.draw((width, hidden), (width, hidden), stream);
        Ok(Self {
            config: config.clone(),
            convs,
            hidden: params.add(format!("{name}.hidden.weight"), weight)?,
            hidden_norm: BatchNorm::new(
                params,
                &format!("{name}.norms.hidden"),
                (hidden, hidden),
                MOMENTUM,
            )?,
            dense: DenseLayer::new(
                params,
                &format!("{name}.dense"),
                (hidden, output),
                init,
                stream,
            )?,
        })
    }

    /// The network's configuration.
    pub fn config(&self) -> &InfoMaxNetConfig {
        &self.config
    }

    /// The network's summary, n×output, and its map of locations, n×(rows·columns·channels) by
    /// [`InfoMaxNetConfig::map_shape`], from one pass.
    pub fn forward_with_map<T: Scalar>(&self, graph: &mut Graph<'_, T>, x: Var) -> (Var, Var) {
        let (map, last) = self.convolve(graph, x);
        (self.summarise(graph, last), map)
    }

    /// The outputs of the second convolution, or of the only one, and those of the last.
    fn convolve<T: Scalar>(&self, graph: &mut Graph<'_, T>, x: Var) -> (Var, Var) {
        let (mut h, mut map) = (x, x);
        for (k, (conv, norm)) in self.convs.iter().enumerate() {
            let convolved = conv.forward(graph, h);
            // The image and the map are the caller's.
            if k == 1 || k > 2 {
                graph.release(h);
            }
            h = normalised(graph, norm, convolved);
            if k < 2 {
                map = h;
            }
        }
        (map, h)
    }

    fn summarise<T: Scalar>(&self, graph: &mut Graph<'_, T>, h: Var) -> Var {
        let hidden = graph.dense(h, self.hidden, None, Activation::Linear);
        let hidden = normalised(graph, &self.hidden_norm, hidden);
        let y = self.dense.forward(graph, hidden, Activation::Linear);
        graph.release(hidden);
        y
    }
}

/// Batch normalisation and `ReLU`; the operand is released.
fn normalised<T: Scalar>(graph: &mut Graph<'_, T>, norm: &BatchNorm, x: Var) -> Var {
    let centred = norm.forward(graph, x);
    graph.release(x);
    let y = graph.unary(centred, Unary::Relu);
    graph.release(centred);
    y
}

impl<T: Scalar> Module<T> for InfoMaxNet {
    fn forward(&self, graph: &mut Graph<'_, T>, x: Var) -> Var {
        let (map, last) = self.convolve(graph, x);
        let y = self.summarise(graph, last);
        graph.release(last);
        if map != last {
            graph.release(map);
        }
        y
    }

    fn input_dim(&self) -> usize {
        self.config.height * self.config.width * self.config.channels
    }

    fn output_dim(&self) -> usize {
        self.config.output
    }

    fn size(&self) -> NetworkSize {
        NetworkSize::info_max_net(&self.config)
    }
}
