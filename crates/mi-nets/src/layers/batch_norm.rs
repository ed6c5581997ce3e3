use mi_kernels::Scalar;
use ndarray::Array2;

use super::Module;
use crate::{Graph, NetsError, NetworkSize, ParamId, Params, Var};

/// Batch normalisation of every channel, with a scale and a shift ([`Graph::batch_norm`], which
/// depends on the graph's [`Mode`](crate::Mode)).
///
/// # Shapes
/// n×(positions·channels) to the same, the channel innermost. Parameters: `{name}.scale` (1 at
/// first) and `{name}.shift` (0), 1×channels; the running statistics are `{name}.running`.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm {
    width: usize,
    channels: usize,
    scale: ParamId,
    shift: ParamId,
    running: ParamId,
}

impl BatchNorm {
    /// Adds the parameters for rows of `width` values of `channels` channels. In each step, running
    /// statistics move by the fraction `momentum` towards those of the batch; 0.1 is common.
    ///
    /// # Errors
    /// A width that is not a multiple of the channels; a momentum outside (0, 1]; a name that is
    /// taken.
    pub fn new<T: Scalar>(
        params: &mut Params<T>,
        name: &str,
        (width, channels): (usize, usize),
        momentum: f64,
    ) -> Result<Self, NetsError> {
        if channels == 0 || width == 0 || !width.is_multiple_of(channels) {
            let problem = format!("rows of {width} values are not made of {channels} channels");
            return Err(NetsError::Layer { layer: name.to_owned(), problem });
        }
        Ok(Self {
            width,
            channels,
            scale: params.add(format!("{name}.scale"), Array2::ones((1, channels)))?,
            shift: params.add(format!("{name}.shift"), Array2::zeros((1, channels)))?,
            running: params.add_running_statistics(
                format!("{name}.running"),
                channels,
                momentum,
            )?,
        })
    }
}

impl<T: Scalar> Module<T> for BatchNorm {
    fn forward(&self, graph: &mut Graph<'_, T>, x: Var) -> Var {
        graph.batch_norm(x, self.scale, self.shift, self.running)
    }

    fn input_dim(&self) -> usize {
        self.width
    }

    fn output_dim(&self) -> usize {
        self.width
    }

    fn size(&self) -> NetworkSize {
        NetworkSize {
            parameters: 2 * self.channels,
            activations: self.width,
            ..NetworkSize::default()
        }
    }
}
