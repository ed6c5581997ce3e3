use mi_kernels::Scalar;

use super::Module;
use crate::{ConvGeometry, Graph, NetsError, NetworkSize, Var};

/// The largest value under a kernel, channel by channel ([`Graph::max_pool`]).
///
/// # Shapes
/// n×(H·W·C) to n×(H'·W'·C), H'×W' by [`ConvGeometry::output_size`]. No parameters.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2d {
    geometry: ConvGeometry,
}

impl MaxPool2d {
    /// The pooling of images of this geometry.
    ///
    /// # Errors
    /// A size 0; a kernel that does not fit.
    pub fn new(geometry: ConvGeometry) -> Result<Self, NetsError> {
        match geometry.problem() {
            None => Ok(Self { geometry }),
            Some(problem) => Err(NetsError::Layer { layer: "max pooling".to_owned(), problem }),
        }
    }
}

impl<T: Scalar> Module<T> for MaxPool2d {
    fn forward(&self, graph: &mut Graph<'_, T>, x: Var) -> Var {
        graph.max_pool(x, &self.geometry)
    }

    fn input_dim(&self) -> usize {
        self.geometry.input_dim()
    }

    fn output_dim(&self) -> usize {
        self.geometry.positions_count() * self.geometry.channels
    }

    fn size(&self) -> NetworkSize {
        NetworkSize { activations: Module::<T>::output_dim(self), ..NetworkSize::default() }
    }
}
