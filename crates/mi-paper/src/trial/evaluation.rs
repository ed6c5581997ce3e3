//! Evaluations of an encoder other than the bound.

use mi_data::{Dataset, Piece, Split, add_noise};
use mi_eval::{Conditioning, TrainTest, jacobian_singular_values, log_condition};
use mi_nets::{Module, Params, Tape};
use mi_random::Stream;
use ndarray::{Array2, Axis, s};

use super::StepError;
use super::network::Encoder;
use super::probes;
use super::reference::Reference;
use super::representation::{self, Sides};
use crate::config::Evaluation;
use crate::error::PaperError;
use crate::record::Metric;

/// The number of rows that are encoded at a time, small enough that activations need little memory.
pub(super) const CHUNK: usize = 500;

/// The type of Jacobians, and of inputs whose inverse is checked.
type Exact = f64;
/// The binary digits of their numbers.
pub(crate) const EXACT_DIGITS: u32 = Exact::MANTISSA_DIGITS;

/// How percentiles of the condition number are combined over runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Percentiles {
    /// Over the inputs of all runs together.
    Pooled,
    /// Taken for each run, and averaged.
    Averaged,
}

/// A trial records percentiles over its own inputs ([`Features::conditioning`]); figures and claims
/// average the records.
pub(crate) const PERCENTILES: Percentiles = Percentiles::Averaged;

/// An encoder and the images on which it is evaluated.
pub(super) struct Features<'a> {
    pub(super) data: &'a Dataset,
    pub(super) piece: &'a Piece,
    pub(super) encoder: &'a Encoder,
    pub(super) params: &'a Params<f32>,
    pub(super) noise_sd: f64,
    pub(super) streams: &'a Stream,
    pub(super) seed: u64,
    pub(super) reference: &'a Reference,
}

/// Runs the evaluations that need only the encoder. `ends` says whether this is the first or the
/// last evaluation of the trial, or another that includes everything.
pub(super) fn run(
    features: &Features<'_>,
    evaluations: &[Evaluation],
    ends: bool,
    tape: &mut Tape<f32>,
) -> Result<Vec<(Metric, f64)>, StepError> {
    let mut found = Vec::new();
    let measures = if ends { representation::asked(evaluations) } else { Vec::new() };
    let refers = ends && evaluations.iter().any(Evaluation::needs_reference);
    if probes::any(evaluations, ends) || refers || !measures.is_empty() {
        let data = features.data;
        let train = features.encode(&data.train, "train", tape)?;
        let test = features.encode(&data.test, "test", tape)?;
        let (memo, seed) = (&features.reference.memo, features.seed);
        found.extend(probes::run(memo, evaluations, ends, data, (&train, &test), seed)?);
        if refers {
            let Features { encoder, params, reference, .. } = features;
            let own = (data, &test);
            found.extend(reference.measure(params, own, seed, |params, split, name| {
                encode(encoder.module(), params, features.inputs(split, name)?, tape)
            })?);
        }
        if !measures.is_empty() {
            let (main, base) = (
                Sides { train, test },
                Sides {
                    train: features.inputs(&data.train, "train")?,
                    test: features.inputs(&data.test, "test")?,
                },
            );
            let labels = TrainTest::new(&data.train.labels[..], &data.test.labels[..]);
            let of = (&main, None, Some(&base));
            found.extend(representation::measure(memo, &measures, of, labels, seed)?);
        }
    }
    found.extend(of_jacobians(features, evaluations)?);
    Ok(found)
}

/// Runs the evaluations of the encoder's Jacobian and inverse.
pub(super) fn of_jacobians(
    features: &Features<'_>,
    evaluations: &[Evaluation],
) -> Result<Vec<(Metric, f64)>, StepError> {
    let mut found = Vec::new();
    for &evaluation in evaluations {
        match evaluation {
            Evaluation::Conditioning { inputs } => features.conditioning(inputs, &mut found)?,
            Evaluation::Bijectivity { inputs } => features.bijectivity(inputs, &mut found)?,
            Evaluation::Bounds
            | Evaluation::Probe
            | Evaluation::ConvergedProbe
            | Evaluation::SinglePlaces
            | Evaluation::TiesCeiling
            | Evaluation::Retrieval
            | Evaluation::Measure { .. }
            | Evaluation::FrozenBounds
            | Evaluation::Transfer
            | Evaluation::CkaToStart
            | Evaluation::Representation
            | Evaluation::ProbeEpochs
            | Evaluation::ScaledProbe { .. }
            | Evaluation::LabelNoise { .. }
            | Evaluation::ReferenceReaders
            | Evaluation::NearestNeighbours
            | Evaluation::AlsoAt { .. } => {}
        }
    }
    Ok(found)
}

impl Features<'_> {
    /// The views of a split's images, with independent noise if training has noise.
    fn inputs(&self, split: &Split, name: &str) -> Result<Array2<f32>, PaperError> {
        // The same draw at every step, so that it does not add noise to the curve.
        let mut stream = self.streams.child(&format!("evaluation noise {name}"));
        let mut inputs = Array2::zeros((split.len(), self.piece.len()));
        let rows: Vec<usize> = (0..split.len()).collect();
        self.piece.draw(split.images.view(), &rows, inputs.view_mut(), &mut stream)?;
        if self.noise_sd > 0.0 {
            add_noise(inputs.view_mut(), self.noise_sd, &mut stream)?;
        }
        Ok(inputs)
    }

    /// The embeddings of the first test images.
    pub(super) fn first(
        &self,
        count: usize,
        tape: &mut Tape<f32>,
    ) -> Result<Array2<f32>, PaperError> {
        self.encode(&first(&self.data.test, count), "test", tape)
    }

    /// The embeddings of a split.
    fn encode(
        &self,
        split: &Split,
        name: &str,
        tape: &mut Tape<f32>,
    ) -> Result<Array2<f32>, PaperError> {
        encode(self.encoder.module(), self.params, self.inputs(split, name)?, tape)
    }

    /// The first test inputs, in double precision.
    fn few(&self, count: usize) -> Result<Array2<Exact>, PaperError> {
        Ok(self.inputs(&first(&self.data.test, count), "test")?.mapv(Exact::from))
    }

    /// Percentiles of `ln(σ_max/σ_min)` of the encoder's Jacobian over the first test inputs.
    fn conditioning(&self, count: usize, found: &mut Vec<(Metric, f64)>) -> Result<(), PaperError> {
        let params = self.params.cast::<Exact>();
        let mut tape = Tape::new();
        let inputs = self.few(count)?;
        let mut conditions = Vec::with_capacity(inputs.nrows());
        for (index, input) in inputs.axis_iter(Axis(0)).enumerate() {
            let jacobian = mi_nets::jacobian(&mut tape, self.encoder.module64(), &params, input)?;
            conditions.push(log_condition(&jacobian_singular_values(index, jacobian.view())?));
        }
        let conditions = Conditioning::new(conditions)?;
        let metrics = [
            (Metric::LogConditionP0, 0.0),
            (Metric::LogConditionP20, 20.0),
            (Metric::LogConditionP40, 40.0),
            (Metric::LogConditionP60, 60.0),
            (Metric::LogConditionP80, 80.0),
            (Metric::LogConditionP100, 100.0),
        ];
        found.extend(metrics.map(|(metric, percent)| (metric, conditions.percentile(percent))));
        found.push((Metric::SingularJacobians, conditions.infinite() as f64));
        Ok(())
    }

    /// Inverse error and mean log-determinant of a bijective encoder over the first test inputs.
    fn bijectivity(&self, count: usize, found: &mut Vec<(Metric, f64)>) -> Result<(), PaperError> {
        let Encoder::Bijective(encoder) = self.encoder else { return Ok(()) };
        let params = self.params.cast::<Exact>();
        let inputs = self.few(count)?;
        let mut tape = Tape::new();
        let error = encoder.inverse_error(&mut tape, &params, inputs.view())?;
        found.push((Metric::InverseError, error.whole));
        let log_det = encoder.log_det(&mut tape, &params, inputs.view())?;
        found.push((Metric::LogDet, log_det.mean().unwrap_or(f64::NAN)));
        Ok(())
    }
}

/// The first images of a split.
pub(super) fn first(split: &Split, count: usize) -> Split {
    let count = count.min(split.len());
    Split {
        images: split.images.slice(s![..count, ..]).to_owned(),
        labels: split.labels[..count].to_vec(),
    }
}

/// Computes a network's output for every row, in chunks.
pub(super) fn encode(
    module: &dyn Module<f32>,
    params: &Params<f32>,
    inputs: Array2<f32>,
    tape: &mut Tape<f32>,
) -> Result<Array2<f32>, PaperError> {
    let mut outputs = Array2::zeros((inputs.nrows(), module.output_dim()));
    for (rows, mut out) in
        inputs.axis_chunks_iter(Axis(0), CHUNK).zip(outputs.axis_chunks_iter_mut(Axis(0), CHUNK))
    {
        let mut graph = tape.begin_inference(params);
        let x = graph.input(rows);
        let y = module.forward(&mut graph, x);
        graph.check()?;
        out.assign(&graph.value(y));
    }
    Ok(outputs)
}
