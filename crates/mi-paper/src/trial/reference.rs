//! Compares a representation with its start, transfers it to another data set, and knows what other
//! trials have measured.

use std::sync::Arc;

use mi_data::{Dataset, Split};
use mi_eval::{Family, linear_cka, linear_cka_debiased};
use mi_nets::Params;
use ndarray::Array2;

use super::Images;
use super::memo::{Key, Memo};
use crate::config::{Evaluation, TrialConfig};
use crate::error::PaperError;
use crate::record::Metric;

/// Another data set, and the weights before the first step, each only if an evaluation asks for it;
/// and what other trials have measured.
pub(super) struct Reference {
    pub(super) memo: Memo,
    transfer: Option<Arc<Dataset>>,
    initial: Option<Params<f32>>,
}

impl Reference {
    /// `params` are the weights before the first step.
    pub(super) fn new(
        config: &TrialConfig,
        images: &Images,
        params: &Params<f32>,
    ) -> Result<Self, PaperError> {
        let asked = config.task.evaluations().contains(&Evaluation::CkaToStart);
        Ok(Self {
            memo: images.memo.clone(),
            transfer: images.transfer(config)?,
            initial: asked.then(|| params.clone()),
        })
    }

    /// Measures a representation. `encode` computes it, from given weights, of the images of a
    /// split; its last argument names the stream for noise.
    pub(super) fn measure(
        &self,
        params: &Params<f32>,
        own: (&Dataset, &Array2<f32>),
        seed: u64,
        mut encode: impl FnMut(&Params<f32>, &Split, &str) -> Result<Array2<f32>, PaperError>,
    ) -> Result<Vec<(Metric, f64)>, PaperError> {
        let (data, test) = own;
        let mut found = Vec::new();
        if let Some(initial) = &self.initial {
            let start = encode(initial, &data.test, "test")?;
            let (start, now) = (start.view(), test.view());
            found.extend([
                (Metric::CkaToStart.of_part("plain"), linear_cka(start, now)?),
                (Metric::CkaToStart.of_part("debiased"), linear_cka_debiased(start, now)?),
            ]);
        }
        if let Some(other) = &self.transfer {
            let train = encode(params, &other.train, "transfer train")?;
            let test = encode(params, &other.test, "transfer test")?;
            let (labels, of_test) = (&other.train.labels[..], &other.test.labels[..]);
            let key = Key::new("transfer", &(), seed).features(&train).features(&test);
            found.extend(self.memo.recall(key.bytes(labels).bytes(of_test), || {
                let reading =
                    Family::linear().read_labels(train.view(), labels, test.view(), None, seed)?;
                let accuracy = reading.accuracy(of_test)?;
                Ok::<_, PaperError>(vec![(Metric::TransferAccuracy, accuracy)])
            })?);
        }
        Ok(found)
    }
}
