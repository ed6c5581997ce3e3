use mi_kernels::argmax;
use mi_nets::{Learner, Mlp, Module, Params, Tape, Targets, Var, softmax_cross_entropy};
use mi_random::Stream;
use ndarray::Array2;

use super::evaluation::{self, Features, encode};
use super::network::Encoder;
use super::optimise::{check_weights, chosen, finite};
use super::reference::Reference;
use super::single_view::{Labelled, SingleView};
use super::snapshot::Snapshot;
use super::{Images, StepError, Training};
use crate::config::{Evaluation, Supervised, TrialConfig};
use crate::error::PaperError;
use crate::record::Metric;

/// Trains an encoder of one view, with a linear classifier on top, on labels.
pub(super) struct SupervisedTraining {
    views: SingleView,
    batches: Labelled,
    network: Classifier,
    learner: Learner<f32>,
    loss: f64,
    steps: u64,
    seed: u64,
    streams: Stream,
    evaluations: Vec<Evaluation>,
    reference: Reference,
}

/// An encoder followed by a linear layer.
#[derive(Debug)]
struct Classifier {
    encoder: Encoder,
    linear: Mlp,
}

impl Module<f32> for Classifier {
    fn forward(&self, graph: &mut mi_nets::Graph<'_, f32>, x: Var) -> Var {
        let features = self.encoder.module().forward(graph, x);
        self.linear.forward(graph, features)
    }

    fn input_dim(&self) -> usize {
        self.encoder.module().input_dim()
    }

    fn output_dim(&self) -> usize {
        Module::<f32>::output_dim(&self.linear)
    }

    fn size(&self) -> mi_nets::NetworkSize {
        self.encoder.module().size().then(Module::<f32>::size(&self.linear))
    }
}

impl SupervisedTraining {
    pub(super) fn new(
        config: &TrialConfig,
        task: &Supervised,
        images: &Images,
    ) -> Result<Self, PaperError> {
        let streams = Stream::new(config.seed, "trial");
        let views = SingleView::new(images.own(config)?, task.view.as_ref())?;
        let batches = views.labelled(task.batch_size, &streams.child("batches"))?;
        let mut params = Params::new();
        let encoder = Encoder::build(
            &task.encoder,
            &mut params,
            "g1",
            views.x.geometry(),
            &mut streams.child("init g1"),
        )?;
        let linear = encoder.classifier(
            &mut params,
            views.data.classes,
            &mut streams.child("init classifier"),
        )?;
        Ok(Self {
            reference: Reference::new(config, images, &params)?,
            steps: config.steps,
            seed: config.seed,
            evaluations: task.evaluations.clone(),
            streams,
            learner: Learner::new(chosen(task.optimiser.as_deref(), task.learning_rate), params),
            network: Classifier { encoder, linear },
            views,
            batches,
            loss: f64::NAN,
        })
    }
}

impl SupervisedTraining {
    /// The encoder and the images on which it is evaluated, and its tape.
    fn features(&mut self) -> (Features<'_>, &mut Tape<f32>) {
        let (params, tape) = self.learner.parts();
        let of = (&self.network.encoder, params);
        let features = self.views.features(of, &self.streams, self.seed, &self.reference);
        (features, tape)
    }
}

impl Training for SupervisedTraining {
    fn step(&mut self) -> Result<f64, StepError> {
        self.batches.draw(&self.views)?;
        let mut graph = self.learner.begin();
        let x = graph.input(self.batches.x.view());
        let logits = self.network.forward(&mut graph, x);
        graph.check()?;
        let (loss, gradient) =
            softmax_cross_entropy(graph.value(logits), Targets::Labels(&self.batches.labels))?;
        finite("the cross-entropy", loss)?;
        self.learner.descend(&[(logits, gradient.view())])?;
        self.loss = loss;
        Ok(loss)
    }

    fn evaluate(&mut self, step: u64) -> Result<Vec<(Metric, f64)>, StepError> {
        let (params, tape) = self.learner.parts();
        check_weights(params)?;
        let test = &self.views.data.test;
        let inputs = self.views.x.apply(test.images.view())?;
        let logits = encode(&self.network, params, inputs, tape)?;
        let mut found = vec![(Metric::AccuracyClassifier, accuracy(&logits, &test.labels))];
        if self.loss.is_finite() {
            found.push((Metric::ClassifierLoss, self.loss));
        }
        let evaluations = self.evaluations.clone();
        let ends = Evaluation::include_all(&evaluations, step, self.steps);
        let (features, tape) = self.features();
        found.extend(evaluation::run(&features, &evaluations, ends, tape)?);
        Ok(found)
    }

    fn representation(&mut self, count: usize) -> Result<Option<Array2<f32>>, PaperError> {
        let (features, tape) = self.features();
        features.first(count, tape).map(Some)
    }

    fn save(&self) -> Result<Snapshot, PaperError> {
        let mut snapshot = Snapshot::new(&[(&self.learner.params, &self.learner.optimiser)])?;
        snapshot.put("sampler", &self.batches.sampler)?;
        snapshot.put("loss", &self.loss.to_bits())?;
        Ok(snapshot)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), PaperError> {
        let Learner { params, optimiser, .. } = &mut self.learner;
        snapshot.restore(&mut [(params, optimiser)])?;
        self.batches.sampler = snapshot.get("sampler")?;
        self.loss = f64::from_bits(snapshot.get("loss")?);
        Ok(())
    }
}

/// The share of rows whose largest logit is that of their label. Of equal logits, the first counts
/// as the largest.
pub(super) fn accuracy(logits: &Array2<f32>, labels: &[u8]) -> f64 {
    let right = logits
        .rows()
        .into_iter()
        .zip(labels)
        .filter(|(row, label)| argmax(row.iter().copied()) == usize::from(**label))
        .count();
    right as f64 / labels.len().max(1) as f64
}
