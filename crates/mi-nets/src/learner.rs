use mi_kernels::Scalar;
use ndarray::ArrayView2;

use crate::{Gradients, Graph, NetsError, Optimiser, OptimiserConfig, Params, Tape, Var};

/// Parameters to be trained on any loss, with their optimiser and the memory of a step.
///
/// A step has two halves. [`Learner::begin`] starts a graph, on which the caller runs networks and
/// turns values into gradients of a loss. [`Learner::descend`] takes these gradients back to the
/// parameters and moves each parameter. Between the halves the caller may look at the loss, and
/// stop.
///
/// ```
/// use mi_nets::{AdamConfig, Init, Learner, Mlp, Module, NetsError, Params, Stream};
///
/// // Fit y = x₁ · x₂.
/// let mut params = Params::<f32>::new();
/// let mut stream = Stream::new(1, "product");
/// let net = Mlp::new(&mut params, "net", &[2, 32, 1], Init::GlorotUniform, &mut stream)?;
/// let mut learner = Learner::new(AdamConfig { lr: 1e-2, ..AdamConfig::default() }, params);
/// let mut loss = f32::INFINITY;
/// for _ in 0..300 {
///     let x = stream.normal_matrix((64, 2)).mapv(|x| x as f32);
///     let mut graph = learner.begin();
///     let input = graph.input(x.view());
///     let output = net.forward(&mut graph, input);
///     let mut error = graph.value(output).to_owned();
///     for (error, x) in error.iter_mut().zip(x.rows()) {
///         *error -= x[0] * x[1];
///     }
///     loss = error.iter().map(|e| e * e).sum::<f32>() / 64.0;
///     error *= 2.0 / 64.0; // the gradient of the loss
///     learner.descend(&[(output, error.view())])?;
/// }
/// assert!(loss < 0.5); // the variance of x₁ · x₂ is 1
/// # Ok::<(), NetsError>(())
/// ```
#[derive(Debug)]
pub struct Learner<T> {
    /// The parameters.
    pub params: Params<T>,
    /// Their optimiser. A checkpoint saves both.
    pub optimiser: Optimiser<T>,
    tape: Tape<T>,
    gradients: Gradients<T>,
}

impl<T: Scalar> Learner<T> {
    /// A learner of these parameters, with an optimiser that has seen no gradient yet.
    pub fn new(config: impl Into<OptimiserConfig>, params: Params<T>) -> Self {
        Self {
            optimiser: Optimiser::new(config, &params),
            tape: Tape::new(),
            gradients: Gradients::zeros_like(&params),
            params,
        }
    }

    /// Starts the graph of a step ([`Tape::begin`]).
    pub fn begin(&mut self) -> Graph<'_, T> {
        self.gradients.clear();
        self.tape.begin(&self.params)
    }

    /// Starts a graph for values only ([`Tape::begin_inference`]).
    pub fn begin_inference(&mut self) -> Graph<'_, T> {
        self.tape.begin_inference(&self.params)
    }

    /// Moves every parameter one step down the gradient of a loss, given the loss's gradient with
    /// respect to values of the graph that [`Learner::begin`] started
    /// ([`Optimiser::backward_and_descend`]). The step ends that graph.
    ///
    /// # Shapes
    /// A seed has its value's shape.
    ///
    /// # Errors
    /// Those of [`Optimiser::backward_and_descend`].
    ///
    /// # Panics
    /// If a seed's value is not of that graph, or the graph has ended.
    pub fn descend(&mut self, seeds: &[(Var, ArrayView2<'_, T>)]) -> Result<(), NetsError> {
        let Self { params, optimiser, tape, gradients } = self;
        let done = optimiser.backward_and_descend(tape, seeds, params, gradients);
        tape.end();
        done
    }

    /// [`Learner::descend`] with the gradient's sign flipped.
    ///
    /// # Errors
    /// Those of [`Learner::descend`].
    ///
    /// # Panics
    /// Like [`Learner::descend`].
    pub fn ascend(&mut self, seeds: &[(Var, ArrayView2<'_, T>)]) -> Result<(), NetsError> {
        let Self { params, optimiser, tape, gradients } = self;
        let done = optimiser.backward_and_ascend(tape, seeds, params, gradients);
        tape.end();
        done
    }

    /// The parameters, and the tape for graphs between steps.
    pub fn parts(&mut self) -> (&Params<T>, &mut Tape<T>) {
        (&self.params, &mut self.tape)
    }
}
