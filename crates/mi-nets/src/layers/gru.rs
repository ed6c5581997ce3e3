use mi_kernels::Scalar;
use mi_random::Stream;
use ndarray::Array2;

use super::Module;
use crate::{Graph, GruWeights, NetsError, NetworkSize, Params, Var};

/// A gated recurrent unit over sequences of a fixed number of steps ([`Graph::gru`]): a causal
/// context network.
///
/// Weights and biases are initially uniform on ±1/√width, as in `PyTorch`.
///
/// # Shapes
/// n×(steps·inputs) to n×(steps·width): the state after every step; [`Gru::last`] takes the last
/// one. Parameters: `{name}.input.weight` (inputs×3·width), `{name}.input.bias`,
/// `{name}.state.weight` (width×3·width), `{name}.state.bias`; columns are in the order of the
/// gates r, z, n.
#[derive(Clone, Copy, Debug)]
pub struct Gru {
    inputs: usize,
    width: usize,
    steps: usize,
    weights: GruWeights,
}

impl Gru {
    /// Adds the parameters of a unit of width `width` for sequences of `steps` steps of `inputs`
    /// values.
    ///
    /// # Errors
    /// A size 0; a name that is taken.
    pub fn new<T: Scalar>(
        params: &mut Params<T>,
        name: &str,
        (steps, inputs, width): (usize, usize, usize),
        stream: &mut Stream,
    ) -> Result<Self, NetsError> {
        if steps == 0 || inputs == 0 || width == 0 {
            let problem =
                format!("{steps} steps of {inputs} values, width {width}: all must be ≥ 1");
            return Err(NetsError::Layer { layer: name.to_owned(), problem });
        }
        let limit = (width as f64).sqrt().recip();
        let mut add = |part: &str, rows: usize| {
            let draw = || T::from_f64(limit * (2.0 * stream.uniform() - 1.0));
            let values = Array2::from_shape_simple_fn((rows, 3 * width), draw);
            params.add(format!("{name}.{part}"), values)
        };
        let weights = GruWeights {
            input: add("input.weight", inputs)?,
            state: add("state.weight", width)?,
            input_bias: add("input.bias", 1)?,
            state_bias: add("state.bias", 1)?,
        };
        Ok(Self { inputs, width, steps, weights })
    }

    /// The state after the last step.
    ///
    /// # Shapes
    /// The states n×(steps·width), as [`Module::forward`] returns them, to n×width.
    pub fn last<T: Scalar>(&self, graph: &mut Graph<'_, T>, states: Var) -> Var {
        graph.slice_columns(states, (self.steps - 1) * self.width..self.steps * self.width)
    }
}

impl<T: Scalar> Module<T> for Gru {
    fn forward(&self, graph: &mut Graph<'_, T>, x: Var) -> Var {
        graph.gru(x, self.steps, &self.weights)
    }

    fn input_dim(&self) -> usize {
        self.steps * self.inputs
    }

    fn output_dim(&self) -> usize {
        self.steps * self.width
    }

    fn size(&self) -> NetworkSize {
        let Self { inputs, width, steps, .. } = *self;
        let of_input = NetworkSize::layer(inputs, 3 * width, steps);
        of_input.then(NetworkSize::layer(width, 3 * width, steps))
    }
}
