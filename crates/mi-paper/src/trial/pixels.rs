use std::sync::Arc;

use mi_data::{Dataset, Split, View, add_noise};
use mi_eval::TrainTest;
use mi_random::Stream;
use ndarray::Array2;

use super::representation::{self, Sides};
use super::snapshot::Snapshot;
use super::{Memo, StepError, Training, probes};
use crate::config::{Evaluation, Pixels, TrialConfig};
use crate::error::PaperError;
use crate::record::Metric;

/// Probes of the pixels of a view. There is nothing to train.
pub(super) struct PixelBaseline {
    noise_sd: f64,
    view: View,
    seed: u64,
    data: Arc<Dataset>,
    streams: Stream,
    /// Both probes, and what is asked for.
    evaluations: Vec<Evaluation>,
}

impl PixelBaseline {
    pub(super) fn new(config: &TrialConfig, task: &Pixels, data: Arc<Dataset>) -> Self {
        Self {
            noise_sd: task.noise_sd,
            view: task.view.clone().unwrap_or_else(View::top_half),
            seed: config.seed,
            data,
            evaluations: [Evaluation::Probe, Evaluation::ConvergedProbe]
                .into_iter()
                .chain(task.evaluations.iter().copied())
                .collect(),
            streams: Stream::new(config.seed, "trial"),
        }
    }

    fn inputs(&self, split: &Split, name: &str) -> Result<Array2<f32>, PaperError> {
        let mut inputs = self.view.of(self.data.geometry)?.apply(split.images.view())?;
        let mut stream = self.streams.child(&format!("evaluation noise {name}"));
        add_noise(inputs.view_mut(), self.noise_sd, &mut stream)?;
        Ok(inputs)
    }
}

impl Training for PixelBaseline {
    fn step(&mut self) -> Result<f64, StepError> {
        Ok(0.0)
    }

    fn evaluate(&mut self, _: u64) -> Result<Vec<(Metric, f64)>, StepError> {
        let train = self.inputs(&self.data.train, "train")?;
        let test = self.inputs(&self.data.test, "test")?;
        // All trials of pixels differ.
        let memo = &Memo::default();
        let mut found =
            probes::run(memo, &self.evaluations, true, &self.data, (&train, &test), self.seed)?;
        let measures = representation::asked(&self.evaluations);
        if !measures.is_empty() {
            let labels = TrainTest::new(&self.data.train.labels[..], &self.data.test.labels[..]);
            let pixels = Sides { train, test };
            let of = (&pixels, None, Some(&pixels));
            found.extend(representation::measure(memo, &measures, of, labels, self.seed)?);
        }
        Ok(found)
    }

    fn save(&self) -> Result<Snapshot, PaperError> {
        Snapshot::new(&[])
    }

    fn restore(&mut self, _: &Snapshot) -> Result<(), PaperError> {
        Ok(())
    }
}
