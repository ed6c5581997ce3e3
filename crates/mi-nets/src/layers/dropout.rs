use mi_kernels::Scalar;

use super::Module;
use crate::{Graph, NetsError, NetworkSize, Var};

/// Dropout ([`Graph::dropout`]): random only in a graph that trains, which needs a stream
/// ([`Graph::draw_from`]).
///
/// # Shapes
/// n×width to n×width. No parameters.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    width: usize,
    rate: f64,
}

impl Dropout {
    /// Dropout of rows of this width, where each value is set to 0 with probability `rate`.
    ///
    /// # Errors
    /// A rate outside [0, 1).
    pub fn new(width: usize, rate: f64) -> Result<Self, NetsError> {
        if (0.0..1.0).contains(&rate) {
            return Ok(Self { width, rate });
        }
        let problem = format!("the rate is {rate}: it must be in [0, 1)");
        Err(NetsError::Layer { layer: "dropout".to_owned(), problem })
    }
}

impl<T: Scalar> Module<T> for Dropout {
    fn forward(&self, graph: &mut Graph<'_, T>, x: Var) -> Var {
        graph.dropout(x, self.rate)
    }

    fn input_dim(&self) -> usize {
        self.width
    }

    fn output_dim(&self) -> usize {
        self.width
    }

    fn size(&self) -> NetworkSize {
        // The mask, and the result.
        NetworkSize { activations: 2 * self.width, ..NetworkSize::default() }
    }
}
