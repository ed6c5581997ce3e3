//! Trains a network with one hidden layer, and chooses its epoch.

use mi_kernels::{Logarithm, Scalar};
use mi_nets::{
    AdamConfig, BestState, Init, Learner, Mlp, Module, NetsError, Params, Tape, Targets,
    softmax_cross_entropy_into,
};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

use super::MlpReader;
use super::gaussian::own_loss;
use crate::EvalError;

/// Rows read at a time in inference.
const CHUNK: usize = 1024;

/// The targets of a network for each training row.
pub(super) enum Target<'a, T> {
    /// The index of its class among those seen.
    Labels { places: &'a [usize], classes: usize },
    /// Whitened values.
    Values(&'a Array2<T>),
}

/// A trained network.
pub(super) struct Trained<T> {
    pub(super) network: Network<T>,
    /// The epoch with the smallest held-out loss, from 1.
    pub(super) epoch: usize,
    /// Values of held-out rows minus their predictions after that epoch, by a network that had not
    /// seen them; empty for labels.
    pub(super) residuals: Array2<f64>,
}

/// Trains on the kept rows, chooses the epoch on the held-out rows, and trains again on all rows
/// for that many epochs if the settings say so.
pub(super) fn trained<T: Scalar>(
    settings: &MlpReader,
    rows: &Array2<T>,
    target: &Target<'_, T>,
    (kept, held): (&[usize], &[usize]),
    stream: &Stream,
) -> Result<Trained<T>, EvalError> {
    let held_rows = rows.select(Axis(0), held);
    let mut training = Training::new(settings, rows, target, stream)?;
    let mut best = BestState::new();
    for epoch in 1..=settings.epochs {
        training.epoch(epoch, kept)?;
        let outputs = outputs(&training.learner.params, &training.layers, held_rows.view());
        let (loss, residuals) = judge(target, held, &outputs)?;
        if !loss.is_finite() {
            return Err(diverged(epoch));
        }
        best.offer(-loss, || Trained { network: training.network(), epoch, residuals });
    }
    let best = best.into_inner();
    let (_, mut best) = best.unwrap_or_else(|| unreachable!("there is at least one epoch"));
    if settings.refit {
        let all: Vec<usize> = (0..rows.nrows()).collect();
        let mut training = Training::new(settings, rows, target, stream)?;
        for epoch in 1..=best.epoch {
            training.epoch(epoch, &all)?;
        }
        best.network = training.network();
    }
    Ok(best)
}

/// The mean loss of outputs for some rows in nats (up to a constant for values), and the
/// residuals of values.
fn judge<T: Scalar>(
    target: &Target<'_, T>,
    rows: &[usize],
    outputs: &Array2<T>,
) -> Result<(f64, Array2<f64>), EvalError> {
    match target {
        Target::Labels { places, .. } => {
            let losses = rows.iter().zip(outputs.rows()).map(|(&row, logits)| {
                let sum = Logarithm::of_sum(logits.iter().map(|logit| (*logit).to_f64()));
                sum.above(logits[places[row]].to_f64())
            });
            Ok((losses.sum::<f64>() / rows.len() as f64, Array2::zeros((0, 0))))
        }
        Target::Values(values) => {
            let outputs = outputs.mapv(Scalar::to_f64);
            let residuals = values.select(Axis(0), rows).mapv(Scalar::to_f64) - outputs;
            Ok((own_loss(&residuals)?, residuals))
        }
    }
}

/// Parameters and layers.
#[derive(Clone)]
pub(super) struct Network<T> {
    params: Params<T>,
    layers: Mlp,
}

impl<T: Scalar> Network<T> {
    /// The outputs for some rows, in inference.
    pub(super) fn outputs(&self, rows: ArrayView2<'_, T>) -> Array2<T> {
        outputs(&self.params, &self.layers, rows)
    }
}

fn outputs<T: Scalar>(params: &Params<T>, layers: &Mlp, rows: ArrayView2<'_, T>) -> Array2<T> {
    let mut outputs = Array2::zeros((rows.nrows(), Module::<T>::output_dim(layers)));
    let mut tape = Tape::new();
    let chunks = rows.axis_chunks_iter(Axis(0), CHUNK);
    for (rows, mut out) in chunks.zip(outputs.axis_chunks_iter_mut(Axis(0), CHUNK)) {
        let mut graph = tape.begin_inference(params);
        let input = graph.input(rows);
        let output = layers.forward(&mut graph, input);
        out.assign(&graph.value(output));
    }
    outputs
}

/// A network during training.
struct Training<'a, T> {
    rows: &'a Array2<T>,
    target: &'a Target<'a, T>,
    batch: usize,
    layers: Mlp,
    learner: Learner<T>,
    order: Stream,
    /// Rows of a batch, and the gradient of its outputs.
    inputs: Array2<T>,
    seed: Array2<T>,
    places: Vec<usize>,
}

impl<'a, T: Scalar> Training<'a, T> {
    fn new(
        settings: &MlpReader,
        rows: &'a Array2<T>,
        target: &'a Target<'a, T>,
        stream: &Stream,
    ) -> Result<Self, EvalError> {
        let outputs = match target {
            Target::Labels { classes, .. } => *classes,
            Target::Values(values) => values.ncols(),
        };
        let mut params = Params::new();
        let mut init = stream.child("init");
        let sizes = [rows.ncols(), settings.width, outputs];
        let layers = Mlp::new(&mut params, "reader", &sizes, Init::GlorotUniform, &mut init)
            .map_err(failed)?;
        let adam = AdamConfig { lr: settings.lr, ..AdamConfig::default() };
        let batch = settings.batch.min(rows.nrows());
        Ok(Self {
            rows,
            target,
            batch,
            layers,
            learner: Learner::new(adam, params),
            order: stream.child("batches"),
            inputs: Array2::zeros((batch, rows.ncols())),
            seed: Array2::zeros((batch, outputs)),
            places: vec![0; batch],
        })
    }

    /// One pass over some rows in a new order; the last batch may be short.
    fn epoch(&mut self, number: usize, rows: &[usize]) -> Result<(), EvalError> {
        let mut order = rows.to_vec();
        self.order.shuffle(&mut order);
        for batch in order.chunks(self.batch) {
            self.step(batch).map_err(|error| match error {
                NetsError::GradientNotFinite { .. } => diverged(number),
                error => failed(error),
            })?;
        }
        Ok(())
    }

    /// The network as it is now.
    fn network(&self) -> Network<T> {
        Network { params: self.learner.params.clone(), layers: self.layers.clone() }
    }

    fn step(&mut self, batch: &[usize]) -> Result<(), NetsError> {
        for (mut to, &row) in self.inputs.rows_mut().into_iter().zip(batch) {
            to.assign(&self.rows.row(row));
        }
        let mut graph = self.learner.begin();
        let input = graph.input(self.inputs.slice(s![..batch.len(), ..]));
        let output = self.layers.forward(&mut graph, input);
        let value = graph.value(output);
        let mut seed = self.seed.slice_mut(s![..batch.len(), ..]);
        match self.target {
            Target::Labels { places, .. } => {
                for (to, &row) in self.places.iter_mut().zip(batch) {
                    *to = places[row];
                }
                let labels = Targets::Labels(&self.places[..batch.len()]);
                softmax_cross_entropy_into(value, labels, seed.view_mut())?;
            }
            Target::Values(values) => half_square(value, values, batch, seed.view_mut()),
        }
        self.learner.descend(&[(output, self.seed.slice(s![..batch.len(), ..]))])
    }
}

/// The gradient of half the mean squared distance of outputs from values.
fn half_square<T: Scalar>(
    outputs: ArrayView2<'_, T>,
    values: &Array2<T>,
    batch: &[usize],
    mut gradient: ArrayViewMut2<'_, T>,
) {
    let n = T::from_f64(batch.len() as f64);
    for ((mut to, output), &row) in gradient.rows_mut().into_iter().zip(outputs.rows()).zip(batch) {
        to.assign(&output);
        to -= &values.row(row);
        to /= n;
    }
}

fn diverged(epoch: usize) -> EvalError {
    EvalError::Diverged { solver: "Adam", epoch }
}

fn failed(source: NetsError) -> EvalError {
    EvalError::Network { reader: "reader with a hidden layer", source }
}
