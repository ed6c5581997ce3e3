use mi_kernels::Scalar;
use ndarray::{Array2, ArrayView1};

use crate::{Mode, Module, NetsError, Params, Tape};

/// The Jacobian ∂y/∂x of a network at one input, in [`Mode::Evaluation`].
///
/// The input is repeated, one row per output, and row i gets the seed of output i: one forward and
/// one backward pass give all rows, without any work for parameters.
///
/// # Shapes
/// `x` has one element per input; the Jacobian is outputs×inputs.
///
/// # Errors
/// If `x` does not fit the network.
pub fn jacobian<T: Scalar>(
    tape: &mut Tape<T>,
    module: &dyn Module<T>,
    params: &Params<T>,
    x: ArrayView1<'_, T>,
) -> Result<Array2<T>, NetsError> {
    let outputs = module.output_dim();
    let shape = (outputs, x.len());
    let mut graph = tape.begin(params);
    graph.set_mode(Mode::Evaluation);
    let repeated = x.broadcast(shape).map(|rows| graph.input_with_gradient(rows));
    let Some(input) = repeated else {
        unreachable!("a row can be broadcast to any number of rows");
    };
    let y = module.forward(&mut graph, input);
    graph.backward_to_inputs(&[(y, Array2::eye(outputs).view())])?;
    // Without a gradient the output does not depend on the input at all.
    Ok(graph.gradient(input).map_or_else(|| Array2::zeros(shape), |g| g.to_owned()))
}
