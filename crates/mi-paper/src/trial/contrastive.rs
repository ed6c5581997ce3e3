use std::sync::Arc;

use mi_data::{BatchSampler, Dataset, Split};
use mi_nets::{Graph, Params, Var};
use mi_random::Stream;

use super::critic_training::{CriticTraining, Embed};
use super::evaluation::{self, Features};
use super::network::Encoder;
use super::optimise::{check_weights, mean};
use super::snapshot::Snapshot;
use super::views::{Pair, Views};
use super::{Halt, Training};
use crate::config::{Contrastive, EncoderSpec, Evaluation, Noise, TrialConfig};
use crate::error::PaperError;
use crate::record::Metric;

/// Batches over which the notebook averages its bound.
const NOTEBOOK_BATCHES: usize = 20;

/// Two encoders and a critic that maximise a bound between the halves of an image.
pub(super) struct ContrastiveTraining {
    task: Contrastive,
    steps: u64,
    seed: u64,
    views: Views,
    streams: Stream,
    sampler: BatchSampler,
    noise: Stream,
    pair: Pair,
    encoders: Encoders,
    training: CriticTraining,
}

/// The encoder of each view.
struct Encoders {
    g1: Encoder,
    g2: Encoder,
}

impl Embed for Encoders {
    fn embed(&self, graph: &mut Graph<'_, f32>, x: Var, y: Var) -> (Var, Var) {
        (self.g1.module().forward(graph, x), self.g2.module().forward(graph, y))
    }
}

impl ContrastiveTraining {
    pub(super) fn new(
        config: &TrialConfig,
        task: &Contrastive,
        data: Arc<Dataset>,
    ) -> Result<Self, PaperError> {
        let streams = Stream::new(config.seed, "trial");
        let views = Views::new(data, task.views.as_deref())?;
        let sampler = views.batches(task.batch_size, &streams.child("batches"))?;
        if views.data.test.len() < task.batch_size {
            return Err(PaperError::Unsuitable {
                dataset: config.dataset.clone(),
                trial: config.id(),
                reason: format!(
                    "{} test images are fewer than a batch of {}",
                    views.data.test.len(),
                    task.batch_size
                ),
            });
        }
        let mut params = Params::new();
        let mut build = |name: &str, spec: &EncoderSpec, piece: &mi_data::Piece| {
            let mut stream = streams.child(&format!("init {name}"));
            Encoder::build(spec, &mut params, name, piece.geometry(), &mut stream)
        };
        let g1 = build("g1", &task.encoder, &views.x)?;
        let g2 = build("g2", task.encoder_y.as_ref().unwrap_or(&task.encoder), &views.y)?;
        let training = CriticTraining::new(
            params,
            (g1.module().output_dim(), g2.module().output_dim()),
            &task.critic,
            (&task.bound, task.target),
            task.learning_rate,
            &streams,
        )?;
        Ok(Self {
            pair: views.pair(task.batch_size),
            noise: streams.child("noise"),
            encoders: Encoders { g1, g2 },
            task: task.clone(),
            steps: config.steps,
            seed: config.seed,
            views,
            streams,
            sampler,
            training,
        })
    }

    /// The bound's estimate on some images.
    fn estimate(
        &mut self,
        split: &Split,
        rows: &[usize],
        (noise, stream): (Noise, &mut Stream),
    ) -> Result<f64, PaperError> {
        self.views.fill(&mut self.pair, split, rows, noise, stream)?;
        self.training.estimate(&self.encoders, &self.pair.x, &self.pair.y)
    }

    fn bounds(&mut self, step: u64) -> Result<Vec<(Metric, f64)>, PaperError> {
        let stream = self.streams.child(&format!("evaluation {step}"));
        let mut draws = stream.child("noise");
        let data = self.views.data.clone();

        let mut sampler = self.views.batches(self.task.batch_size, &stream)?;
        let mut values = Vec::new();
        for _ in 0..NOTEBOOK_BATCHES {
            // With the noise of training, since the notebook evaluates the graph that it trains.
            let noise = (self.task.noise, &mut draws);
            values.push(self.estimate(&data.train, sampler.next_batch(), noise)?);
        }
        let mut found = vec![(Metric::BoundTrain, mean(&values))];
        if let Some(target) = self.task.target {
            let distances: Vec<f64> = values.iter().map(|value| (value - target).abs()).collect();
            found.push((Metric::TargetLoss, mean(&distances)));
        }

        // The same test batches at every step, in an order that mixes classes.
        let order = self.streams.child("test batches").permutation(data.test.len());
        values.clear();
        for rows in order.chunks_exact(self.task.batch_size) {
            let independent = Noise { shared: false, ..self.task.noise };
            values.push(self.estimate(&data.test, rows, (independent, &mut draws))?);
        }
        found.push((Metric::BoundTest, mean(&values)));
        Ok(found)
    }
}

impl Training for ContrastiveTraining {
    fn step(&mut self) -> Result<f64, Halt> {
        let train = &self.views.data.train;
        let rows = self.sampler.next_batch();
        self.views.fill(&mut self.pair, train, rows, self.task.noise, &mut self.noise)?;
        self.training.step(&self.encoders, self.pair.x.view(), self.pair.y.view())
    }

    fn evaluate(&mut self, step: u64) -> Result<Vec<(Metric, f64)>, Halt> {
        check_weights(&self.training.trained.params)?;
        let mut found = Vec::new();
        if self.task.evaluations.contains(&Evaluation::Bounds) {
            found.extend(self.bounds(step)?);
        }
        let features = Features {
            data: &self.views.data,
            piece: &self.views.x,
            encoder: &self.encoders.g1,
            params: &self.training.trained.params,
            noise_sd: self.task.noise.sd,
            streams: &self.streams,
            seed: self.seed,
        };
        let ends = step == 0 || step == self.steps;
        let tape = self.training.step.tape();
        found.extend(evaluation::run(&features, &self.task.evaluations, ends, tape)?);
        found.extend(self.training.overflows());
        Ok(found)
    }

    fn save(&self) -> Result<Snapshot, PaperError> {
        let mut snapshot = self.training.save()?;
        snapshot.put("sampler", &self.sampler)?;
        snapshot.put("noise", &self.noise.state())?;
        Ok(snapshot)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), PaperError> {
        self.training.restore(snapshot)?;
        self.sampler = snapshot.get("sampler")?;
        self.noise = Stream::from_state(&snapshot.get("noise")?);
        Ok(())
    }
}
