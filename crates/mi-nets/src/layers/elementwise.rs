use mi_kernels::Scalar;

use super::Module;
use crate::{Graph, NetworkSize, Unary, Var};

/// A function of every element, such as GELU ([`Graph::unary`]).
///
/// # Shapes
/// n×width to n×width. No parameters.
#[derive(Clone, Copy, Debug)]
pub struct Elementwise {
    width: usize,
    function: Unary,
}

impl Elementwise {
    /// The function of rows of this width.
    pub fn new(width: usize, function: Unary) -> Self {
        Self { width, function }
    }
}

impl<T: Scalar> Module<T> for Elementwise {
    fn forward(&self, graph: &mut Graph<'_, T>, x: Var) -> Var {
        graph.unary(x, self.function)
    }

    fn input_dim(&self) -> usize {
        self.width
    }

    fn output_dim(&self) -> usize {
        self.width
    }

    fn size(&self) -> NetworkSize {
        NetworkSize { activations: self.width, ..NetworkSize::default() }
    }
}
