use mi_kernels::Scalar;
use mi_random::Stream;

use super::Module;
use super::dense::DenseLayer;
use crate::{Activation, Graph, Init, NetsError, NetworkSize, Params, Var};

/// Causal (masked) convolutions over sequences of a fixed number of steps: the output at a step
/// depends only on that step and earlier ones (van den Oord et al., 2016). `ReLU` between layers;
/// the last one is linear.
///
/// # Shapes
/// n×(steps·first size) to n×(steps·last size). Parameters of layer k: `{name}.layers.{k}.weight`
/// (kernel·in×out, the oldest step first) and `{name}.layers.{k}.bias` (1×out).
#[derive(Clone, Debug)]
pub struct CausalConv {
    sizes: Vec<usize>,
    steps: usize,
    kernel: usize,
    layers: Vec<DenseLayer>,
}

impl CausalConv {
    /// Adds the parameters of convolutions of `kernel` steps between the given numbers of channels,
    /// the input's first.
    ///
    /// # Errors
    /// Fewer than two sizes; a size, kernel or number of steps of 0; a name that is taken.
    pub fn new<T: Scalar>(
        params: &mut Params<T>,
        name: &str,
        (steps, kernel): (usize, usize),
        sizes: &[usize],
        init: Init,
        stream: &mut Stream,
    ) -> Result<Self, NetsError> {
        if sizes.len() < 2 || sizes.contains(&0) || steps == 0 || kernel == 0 {
            let problem = format!(
                "sizes {sizes:?}, {steps} steps, kernel {kernel}: at least an input and an output \
                 size, all ≥ 1"
            );
            return Err(NetsError::Layer { layer: name.to_owned(), problem });
        }
        let layer = |(k, pair): (usize, &[usize])| {
            let name = format!("{name}.layers.{k}");
            DenseLayer::new(params, &name, (kernel * pair[0], pair[1]), init, stream)
        };
        let layers = sizes.windows(2).enumerate().map(layer).collect::<Result<_, _>>()?;
        Ok(Self { sizes: sizes.to_vec(), steps, kernel, layers })
    }
}

impl<T: Scalar> Module<T> for CausalConv {
    fn forward(&self, graph: &mut Graph<'_, T>, x: Var) -> Var {
        let last = self.layers.len() - 1;
        let mut h = x;
        for (k, layer) in self.layers.iter().enumerate() {
            let activation = if k == last { Activation::Linear } else { Activation::Relu };
            let windows = graph.causal_windows(h, self.steps, self.kernel);
            let y = layer.forward(graph, windows, activation);
            graph.release(windows);
            let next = graph.reshape(y, self.steps * self.sizes[k + 1]);
            graph.release(y);
            if k > 0 {
                graph.release(h);
            }
            h = next;
        }
        h
    }

    fn input_dim(&self) -> usize {
        self.steps * self.sizes[0]
    }

    fn output_dim(&self) -> usize {
        self.steps * self.sizes[self.sizes.len() - 1]
    }

    fn size(&self) -> NetworkSize {
        let layers = self
            .sizes
            .windows(2)
            .map(|pair| NetworkSize::layer(self.kernel * pair[0], pair[1], self.steps));
        layers.reduce(NetworkSize::then).unwrap_or_default()
    }
}
