use mi_kernels::Scalar;
use mi_random::Stream;

use super::Module;
use super::dense::DenseLayer;
use crate::{Activation, Graph, Init, NetsError, NetworkSize, Params, Var};

/// A residual MLP: dense layers of one width with an identity shortcut around each, `ReLU` on
/// all but the last (figure 2 of Tschannen et al., 2020, with width 392 and depth 5).
///
/// # Formula
/// h ← h + `ReLU`(h·W + b), and in the last layer h ← h + h·W + b. With small weights the network
/// starts near the identity; it need not be invertible.
///
/// # Shapes
/// n×width to n×width. Parameters of layer k: `{name}.layers.{k}.weight` (width×width) and
/// `{name}.layers.{k}.bias` (1×width).
#[derive(Clone, Debug)]
pub struct ResidualMlp {
    width: usize,
    layers: Vec<DenseLayer>,
}

impl ResidualMlp {
    /// Adds the parameters of `depth` layers of width `width`.
    ///
    /// # Errors
    /// A width or a depth of 0; a name that is taken.
    pub fn new<T: Scalar>(
        params: &mut Params<T>,
        name: &str,
        width: usize,
        depth: usize,
        init: Init,
        stream: &mut Stream,
    ) -> Result<Self, NetsError> {
        if width == 0 || depth == 0 {
            let problem = format!("{depth} layers of width {width}: both must be ≥ 1");
            return Err(NetsError::Layer { layer: name.to_owned(), problem });
        }
        let layers = (0..depth)
            .map(|k| {
                let name = format!("{name}.layers.{k}");
                DenseLayer::new(params, &name, (width, width), init, stream)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { width, layers })
    }
}

impl<T: Scalar> Module<T> for ResidualMlp {
    fn forward(&self, graph: &mut Graph<'_, T>, x: Var) -> Var {
        let mut h = x;
        for (k, layer) in self.layers.iter().enumerate() {
            let last = k + 1 == self.layers.len();
            let activation = if last { Activation::Linear } else { Activation::Relu };
            let step = layer.forward(graph, h, activation);
            let next = graph.add(h, step);
            graph.release(step);
            if k > 0 {
                graph.release(h);
            }
            h = next;
        }
        h
    }

    fn input_dim(&self) -> usize {
        self.width
    }

    fn output_dim(&self) -> usize {
        self.width
    }

    fn size(&self) -> NetworkSize {
        NetworkSize::dense(&vec![self.width; self.layers.len() + 1])
    }
}
