use mi_nets::{Learner, Mlp, Module, Params, Tape, Targets, softmax_cross_entropy};
use mi_random::Stream;
use ndarray::Array2;

use super::evaluation::{self, Features};
use super::network::Encoder;
use super::optimise::{adam, check_weights, chosen, finite};
use super::reference::Reference;
use super::single_view::{Labelled, SingleView};
use super::snapshot::Snapshot;
use super::{Images, StepError, Training};
use crate::config::{Adversarial, Evaluation, TrialConfig};
use crate::error::PaperError;
use crate::record::Metric;

/// Trains a bijective encoder to make a linear classifier's output uniform, while the classifier is
/// trained to classify.
pub(super) struct AdversarialTraining {
    task: Adversarial,
    steps: u64,
    seed: u64,
    warm: bool,
    views: SingleView,
    streams: Stream,
    batches: Labelled,
    encoder: Encoder,
    encoding: Learner<f32>,
    classifier: Mlp,
    classifying: Learner<f32>,
    /// The uniform label.
    uniform: Array2<f32>,
    losses: Losses,
    reference: Reference,
}

/// The last value of each loss; NaN before the first step.
#[derive(Clone, Copy)]
struct Losses {
    classifier: f64,
    uniform: f64,
}

impl AdversarialTraining {
    pub(super) fn new(
        config: &TrialConfig,
        task: &Adversarial,
        images: &Images,
    ) -> Result<Self, PaperError> {
        let streams = Stream::new(config.seed, "trial");
        let views = SingleView::new(images.own(config)?, task.view.as_ref())?;
        let batches = views.labelled(task.batch_size, &streams.child("batches"))?;
        let mut encoder_params = Params::new();
        let encoder = Encoder::build(
            &task.encoder,
            &mut encoder_params,
            "g1",
            views.x.geometry(),
            &mut streams.child("init g1"),
        )?;
        let mut classifier_params = Params::new();
        let classifier = encoder.classifier(
            &mut classifier_params,
            views.data.classes,
            &mut streams.child("init classifier"),
        )?;
        Ok(Self {
            reference: Reference::new(config, images, &encoder_params)?,
            encoding: Learner::new(
                chosen(task.optimiser.as_deref(), task.encoder_learning_rate),
                encoder_params,
            ),
            classifying: Learner::new(adam(task.classifier_learning_rate), classifier_params),
            losses: Losses { classifier: f64::NAN, uniform: f64::NAN },
            uniform: Array2::from_elem((1, views.data.classes), 1.0 / views.data.classes as f32),
            task: task.clone(),
            steps: config.steps,
            seed: config.seed,
            warm: false,
            views,
            streams,
            batches,
            encoder,
            classifier,
        })
    }

    /// The encoder and the images on which it is evaluated, and its tape.
    fn features(&mut self) -> (Features<'_>, &mut Tape<f32>) {
        let (params, tape) = self.encoding.parts();
        let of = (&self.encoder, params);
        let features = self.views.features(of, &self.streams, self.seed, &self.reference);
        (features, tape)
    }

    /// Takes one step of the classifier on a fresh batch, with the encoder held fixed.
    fn classifier_step(&mut self) -> Result<(), StepError> {
        self.batches.draw(&self.views)?;
        let mut encoded = self.encoding.begin_inference();
        let x = encoded.input(self.batches.x.view());
        let features = self.encoder.module().forward(&mut encoded, x);
        encoded.check()?;
        let mut graph = self.classifying.begin();
        let input = graph.input(encoded.value(features));
        let logits = self.classifier.forward(&mut graph, input);
        let (loss, gradient) =
            softmax_cross_entropy(graph.value(logits), Targets::Labels(&self.batches.labels))?;
        finite("the classifier's cross-entropy", loss)?;
        self.losses.classifier = loss;
        Ok(self.classifying.descend(&[(logits, gradient.view())])?)
    }

    /// Takes one step of the encoder on a fresh batch, with the classifier held fixed.
    fn encoder_step(&mut self) -> Result<f64, StepError> {
        self.batches.draw(&self.views)?;
        let mut graph = self.encoding.begin();
        let x = graph.input(self.batches.x.view());
        let features = self.encoder.module().forward(&mut graph, x);
        graph.check()?;
        let mut head = self.classifying.begin();
        let input = head.input_with_gradient(graph.value(features));
        let logits = self.classifier.forward(&mut head, input);
        let (loss, gradient) =
            softmax_cross_entropy(head.value(logits), Targets::Distribution(self.uniform.view()))?;
        finite("the cross-entropy to the uniform label", loss)?;
        head.backward_to_inputs(&[(logits, gradient.view())])?;
        self.losses.uniform = loss;
        let seed = head.gradient(input).map(|seed| (features, seed));
        self.encoding.descend(seed.as_slice())?;
        Ok(loss)
    }
}

impl Training for AdversarialTraining {
    fn step(&mut self) -> Result<f64, StepError> {
        if !self.warm {
            for _ in 0..self.task.warm_up_steps {
                self.classifier_step()?;
            }
            self.warm = true;
        }
        for _ in 0..self.task.classifier_steps {
            self.classifier_step()?;
        }
        self.encoder_step()
    }

    fn evaluate(&mut self, step: u64) -> Result<Vec<(Metric, f64)>, StepError> {
        check_weights(&self.encoding.params)?;
        check_weights(&self.classifying.params)?;
        let Losses { classifier, uniform } = self.losses;
        let mut found = vec![(Metric::ClassifierLoss, classifier), (Metric::UniformLoss, uniform)];
        found.retain(|(_, value)| value.is_finite());
        let evaluations = self.task.evaluations.clone();
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
        let mut snapshot = Snapshot::new(&[
            (&self.encoding.params, &self.encoding.optimiser),
            (&self.classifying.params, &self.classifying.optimiser),
        ])?;
        snapshot.put("sampler", &self.batches.sampler)?;
        snapshot.put("warm", &self.warm)?;
        snapshot
            .put("losses", &(self.losses.classifier.to_bits(), self.losses.uniform.to_bits()))?;
        Ok(snapshot)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), PaperError> {
        let Self { encoding, classifying, .. } = self;
        snapshot.restore(&mut [
            (&mut encoding.params, &mut encoding.optimiser),
            (&mut classifying.params, &mut classifying.optimiser),
        ])?;
        self.batches.sampler = snapshot.get("sampler")?;
        self.warm = snapshot.get("warm")?;
        let (classifier, uniform) = snapshot.get("losses")?;
        self.losses =
            Losses { classifier: f64::from_bits(classifier), uniform: f64::from_bits(uniform) };
        Ok(())
    }
}
