use mi_kernels::Scalar;
use mi_random::Stream;
use ndarray::Array2;

use super::Module;
use crate::{Activation, ConvGeometry, Graph, Init, NetsError, NetworkSize, ParamId, Params, Var};

/// A convolution with an activation, and with a bias unless it is built without one.
///
/// # Shapes
/// n×(H·W·C) to n×(H'·W'·filters), the channel innermost, H'×W' by [`ConvGeometry::output_size`].
/// Parameters: `{name}.weight` (kernel·kernel·C×filters) and, if there is one, `{name}.bias` (1×filters).
#[derive(Clone, Copy, Debug)]
pub struct Conv2d {
    geometry: ConvGeometry,
    filters: usize,
    activation: Activation,
    weight: ParamId,
    bias: Option<ParamId>,
}

impl Conv2d {
    /// Adds the parameters of a convolution with a bias.
    ///
    /// # Errors
    /// A size 0; a kernel that does not fit; a name that is taken.
    pub fn new<T: Scalar>(
        params: &mut Params<T>,
        name: &str,
        geometry: ConvGeometry,
        filters: usize,
        activation: Activation,
        init: Init,
        stream: &mut Stream,
    ) -> Result<Self, NetsError> {
        let conv = Self::without_bias(params, name, geometry, filters, init, stream)?;
        let bias = params.add(format!("{name}.bias"), Array2::zeros((1, filters)))?;
        Ok(Self { activation, bias: Some(bias), ..conv })
    }

    /// Adds the parameters of a convolution without bias or activation, as before a normalisation,
    /// which removes the mean and has a shift of its own.
    ///
    /// # Errors
    /// Like [`Conv2d::new`].
    pub fn without_bias<T: Scalar>(
        params: &mut Params<T>,
        name: &str,
        geometry: ConvGeometry,
        filters: usize,
        init: Init,
        stream: &mut Stream,
    ) -> Result<Self, NetsError> {
        let no_filters = || (filters == 0).then(|| "0 filters: it needs at least one".to_owned());
        if let Some(problem) = geometry.problem().or_else(no_filters) {
            return Err(NetsError::Layer { layer: name.to_owned(), problem });
        }
        let fans = (geometry.patch_dim(), geometry.kernel * geometry.kernel * filters);
        let weight = init.draw((geometry.patch_dim(), filters), fans, stream);
        let weight = params.add(format!("{name}.weight"), weight)?;
        Ok(Self { geometry, filters, activation: Activation::Linear, weight, bias: None })
    }
}

impl<T: Scalar> Module<T> for Conv2d {
    fn forward(&self, graph: &mut Graph<'_, T>, x: Var) -> Var {
        graph.conv2d(x, self.weight, self.bias, &self.geometry, self.activation)
    }

    fn input_dim(&self) -> usize {
        self.geometry.input_dim()
    }

    fn output_dim(&self) -> usize {
        self.geometry.positions_count() * self.filters
    }

    fn size(&self) -> NetworkSize {
        let size = NetworkSize::convolution(&self.geometry, self.filters);
        let biases = if self.bias.is_some() { 0 } else { self.filters };
        NetworkSize { parameters: size.parameters - biases, ..size }
    }
}
