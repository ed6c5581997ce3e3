use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use mi_kernels::Scalar;
use ndarray::{ArrayView2, ArrayViewMut2};

use super::Op;
use crate::backward::Backward;
use crate::matrix::{matrix, matrix_mut};
use crate::tape::Needs;
use crate::values::Values;
use crate::{Graph, Var};

/// An operation defined outside this crate.
///
/// It is passed in an [`Arc`]: an operation without state is made once and costs no allocation in a
/// step.
///
/// ```
/// use std::sync::Arc;
///
/// use mi_nets::{CustomOp, Gradients, NetsError, Operands, Params, Tape};
/// use ndarray::{ArrayView2, ArrayViewMut2, array};
///
/// /// sin x, element by element.
/// #[derive(Debug)]
/// struct Sine;
///
/// impl CustomOp<f64> for Sine {
///     fn name(&self) -> &'static str {
///         "sine"
///     }
///
///     fn output_shape(&self, operands: &Operands<'_, f64>) -> Result<(usize, usize), String> {
///         Ok(operands.get(0).dim())
///     }
///
///     fn forward(&self, operands: &Operands<'_, f64>, mut output: ArrayViewMut2<'_, f64>) {
///         output.zip_mut_with(&operands.get(0), |y, x| *y = x.sin());
///     }
///
///     fn backward(
///         &self,
///         operands: &Operands<'_, f64>,
///         _: ArrayView2<'_, f64>,
///         output_gradient: ArrayView2<'_, f64>,
///         _: usize,
///         mut gradient: ArrayViewMut2<'_, f64>,
///     ) {
///         gradient += &(operands.get(0).mapv(f64::cos) * output_gradient);
///     }
/// }
///
/// let sine: Arc<dyn CustomOp<f64>> = Arc::new(Sine);
/// let mut params = Params::new();
/// let w = params.add("w", array![[0.5]])?;
/// let (mut tape, mut gradients) = (Tape::new(), Gradients::zeros_like(&params));
/// let mut graph = tape.begin(&params);
/// let x = graph.param(w);
/// let y = graph.custom(&[x], &sine);
/// graph.backward(&[(y, array![[1.0]].view())], &mut gradients)?;
/// assert_eq!(gradients.view(w), Some(array![[0.5_f64.cos()]].view()));
/// # Ok::<(), NetsError>(())
/// ```
pub trait CustomOp<T: Scalar>: Debug + Send + Sync {
    /// The name used in messages.
    fn name(&self) -> &'static str;

    /// The output's rows and columns (at least one column).
    ///
    /// # Errors
    /// A message with the shapes, if the operands do not fit.
    fn output_shape(&self, operands: &Operands<'_, T>) -> Result<(usize, usize), String>;

    /// Writes all of the output; its old values are undefined.
    fn forward(&self, operands: &Operands<'_, T>, output: ArrayViewMut2<'_, T>);

    /// Adds to `gradient` the gradient of operand number `index`, given that of the output.
    /// It is called once for every operand that needs one.
    fn backward(
        &self,
        operands: &Operands<'_, T>,
        output: ArrayView2<'_, T>,
        output_gradient: ArrayView2<'_, T>,
        index: usize,
        gradient: ArrayViewMut2<'_, T>,
    );
}

/// The operands of a [`CustomOp`].
#[derive(Debug)]
pub struct Operands<'a, T> {
    vars: &'a [Var],
    values: Values<'a, T>,
}

impl<'a, T: Scalar> Operands<'a, T> {
    /// Operand number `index`.
    ///
    /// # Panics
    /// If there are fewer operands.
    pub fn get(&self, index: usize) -> ArrayView2<'a, T> {
        self.values.view(self.vars[index])
    }

    /// The number of operands.
    pub fn len(&self) -> usize {
        self.vars.len()
    }

    /// Whether there is no operand.
    pub fn is_empty(&self) -> bool {
        self.vars.is_empty()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Custom<T> {
    function: Arc<dyn CustomOp<T>>,
    /// Position of the operands in the tape.
    operands: Range<usize>,
}

impl<T: Scalar> Graph<'_, T> {
    /// Applies an operation defined outside this crate.
    ///
    /// # Shapes
    /// Defined by the operation.
    pub fn custom(&mut self, operands: &[Var], function: &Arc<dyn CustomOp<T>>) -> Var {
        let needs = operands.iter().fold(Needs::NONE, |needs, &var| needs.or(self.needs(var)));
        let shape = function.output_shape(&Operands { vars: operands, values: self.values() });
        let (rows, columns) = match shape {
            Ok((rows, columns)) if columns > 0 => (rows, columns),
            Ok(_) => return self.fail(function.name(), (0, 1), || "no output column".into()),
            Err(problem) => return self.fail(function.name(), (0, 1), || problem),
        };
        let (slot, mut buffer) = self.tape.values.take(rows * columns);
        let output = matrix_mut(rows, columns, &mut buffer[..rows * columns]);
        function.forward(&Operands { vars: operands, values: self.values() }, output);
        let start = self.tape.operands.len();
        self.tape.operands.extend_from_slice(operands);
        let operands = start..start + operands.len();
        let op = Op::Custom(Custom { function: Arc::clone(function), operands });
        self.push(op, slot, buffer, (rows, columns), needs)
    }
}

impl<T: Scalar> Custom<T> {
    /// The operation adds to the gradient of each operand that needs one.
    pub(super) fn backward(&self, cx: &mut Backward<'_, T>, y: Var, dy: &[T]) {
        let vars = &cx.operands[self.operands.clone()];
        let operands = Operands { vars, values: cx.values };
        let output = cx.values.view(y);
        let (rows, columns) = output.dim();
        for (index, &var) in vars.iter().enumerate() {
            let (operand_rows, operand_columns) = cx.values.shape(var);
            if let Some(target) = cx.target(var) {
                let gradient = matrix_mut(operand_rows, operand_columns, target.zeroed().values);
                let dy = matrix(rows, columns, dy);
                self.function.backward(&operands, output, dy, index, gradient);
            }
        }
    }
}
