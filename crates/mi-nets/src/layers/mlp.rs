use mi_kernels::Scalar;
use mi_random::Stream;

use super::Module;
use super::dense::DenseLayer;
use crate::{Activation, Graph, Init, NetsError, NetworkSize, Params, Var};

/// A multilayer perceptron: dense layers with `ReLU` between them; the last one is linear.
///
/// # Shapes
/// n×first size to n×last size. Parameters of layer k: `{name}.layers.{k}.weight` (in×out) and
/// `{name}.layers.{k}.bias` (1×out).
#[derive(Clone, Debug)]
pub struct Mlp {
    sizes: Vec<usize>,
    layers: Vec<DenseLayer>,
}

impl Mlp {
    /// Adds the parameters of an MLP of the given layer sizes, input first.
    ///
    /// # Errors
    /// Fewer than two sizes; a size 0; a name that is taken.
    pub fn new<T: Scalar>(
        params: &mut Params<T>,
        name: &str,
        sizes: &[usize],
        init: Init,
        stream: &mut Stream,
    ) -> Result<Self, NetsError> {
        if sizes.len() < 2 || sizes.contains(&0) {
            let problem = format!("sizes {sizes:?}: at least an input and an output, all ≥ 1");
            return Err(NetsError::Layer { layer: name.to_owned(), problem });
        }
        let layers = sizes
            .windows(2)
            .enumerate()
            .map(|(k, pair)| {
                let name = format!("{name}.layers.{k}");
                DenseLayer::new(params, &name, (pair[0], pair[1]), init, stream)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { sizes: sizes.to_vec(), layers })
    }

    /// Sets the last layer's weights to 0 before training, so that every output is 0 at first.
    ///
    /// ```
    /// use mi_nets::{Init, Mlp, Module, NetsError, Params, Stream, Tape};
    /// use ndarray::array;
    ///
    /// let mut params = Params::<f32>::new();
    /// let mut stream = Stream::new(1, "init");
    /// let net = Mlp::new(&mut params, "net", &[2, 8, 1], Init::GlorotUniform, &mut stream)?;
    /// net.start_at_zero(&mut params);
    /// let mut tape = Tape::new();
    /// let mut graph = tape.begin_inference(&params);
    /// let x = graph.input(array![[3.0, -1.0]].view());
    /// let y = net.forward(&mut graph, x);
    /// assert_eq!(graph.value(y), array![[0.0]]);
    /// # Ok::<(), NetsError>(())
    /// ```
    ///
    /// # Panics
    /// Like [`Params::view`].
    pub fn start_at_zero<T: Scalar>(&self, params: &mut Params<T>) {
        if let Some(last) = self.layers.last() {
            last.zero_weight(params);
        }
    }
}

impl<T: Scalar> Module<T> for Mlp {
    fn forward(&self, graph: &mut Graph<'_, T>, x: Var) -> Var {
        let last = self.layers.len() - 1;
        let mut h = x;
        for (k, layer) in self.layers.iter().enumerate() {
            let activation = if k == last { Activation::Linear } else { Activation::Relu };
            let next = layer.forward(graph, h, activation);
            if k > 0 {
                graph.release(h);
            }
            h = next;
        }
        h
    }

    fn input_dim(&self) -> usize {
        self.sizes[0]
    }

    fn output_dim(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }

    fn size(&self) -> NetworkSize {
        NetworkSize::dense(&self.sizes)
    }
}
