use mi_kernels::{Logarithm, Scalar};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::gaussian::{Predicted, Whitened, residual_factor};
use super::network::{Target, Trained, trained};
use super::prior::LabelPrior;
use super::reading::{Chosen, Read};
use crate::held_out::{HeldOut, split_classes, split_rows};
use crate::kernel::Feature;
use crate::training::check_positive;
use crate::{EvalError, StandardScaler};

/// Readers with one hidden layer of `ReLU` units, trained by Adam. Features are standardised on
/// the training rows.
///
/// | setting | default | purpose | range |
/// | --- | --- | --- | --- |
/// | `width` | 200 | hidden units | ≥ 1 |
/// | `lr` | 10⁻³ | Adam's step size | > 0 |
/// | `batch` | 256 | rows per step | ≥ 1 |
/// | `epochs` | 20 | passes over the rows | ≥ 1 |
/// | `held_out` | 0.1 | training rows to hold out for choosing the epoch: a share, or the last rows | |
/// | `refit` | true | train again on all training rows for that many epochs | |
///
/// The epoch with the smallest held-out log loss is taken. Weights are initialised Glorot uniform,
/// biases at 0. For real values the loss is half the squared error of whitened values. Without
/// `refit` the reader is the network of that epoch, which has not seen the held-out rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MlpReader {
    /// Hidden units.
    pub width: usize,
    /// Adam's step size.
    pub lr: f64,
    /// Rows per step.
    pub batch: usize,
    /// Passes over the rows.
    pub epochs: usize,
    /// Training rows to hold out for choosing the epoch.
    pub held_out: HeldOut,
    /// Whether to train again on all training rows.
    pub refit: bool,
}

impl Default for MlpReader {
    fn default() -> Self {
        let held_out = HeldOut::Share(0.1);
        Self { width: 200, lr: 1e-3, batch: 256, epochs: 20, held_out, refit: true }
    }
}

impl MlpReader {
    pub(super) fn read_labels<T: Feature>(
        &self,
        train: ArrayView2<'_, T>,
        (labels, classes): (&[u32], usize),
        rows: ArrayView2<'_, T>,
        stream: &mut Stream,
    ) -> Result<Read, EvalError> {
        self.check()?;
        let prior = LabelPrior::of(labels, classes);
        let seen = prior.seen();
        if seen.len() < 2 {
            return Ok(Read::new(prior.log_probabilities(rows.nrows()), Chosen::Prior));
        }
        let mut place = vec![0; classes];
        seen.iter().enumerate().for_each(|(index, &class)| place[class] = index);
        let dense: Vec<usize> = labels.iter().map(|&label| place[label as usize]).collect();
        let scaler = StandardScaler::fit(train)?;
        let train = scaler.transform(train)?;
        let (kept, held) = split_classes(labels, classes, self.held_out, stream)?;
        let target = Target::Labels { places: &dense, classes: seen.len() };
        let Trained { network, epoch, .. } =
            trained(self, &train, &target, (&kept, &held), stream)?;
        let logits = network.outputs(scaler.transform(rows)?.view());
        Ok(Read::new(prior.extend(log_softmax(&logits).view()), Chosen::Epoch(epoch)))
    }

    pub(super) fn read_values<T: Feature>(
        &self,
        train: ArrayView2<'_, T>,
        target: &Whitened,
        rows: ArrayView2<'_, T>,
        stream: &mut Stream,
    ) -> Result<Predicted, EvalError> {
        self.check()?;
        let scaler = StandardScaler::fit(train)?;
        let train = scaler.transform(train)?;
        let (kept, held) = split_rows(train.nrows(), self.held_out, stream)?;
        // Batches take rows, but whitened values are stored column by column.
        let values = target.train.mapv(T::from_f64).as_standard_layout().into_owned();
        let Trained { network, epoch, residuals } =
            trained(self, &train, &Target::Values(&values), (&kept, &held), stream)?;
        let means = network.outputs(scaler.transform(rows)?.view()).mapv(Scalar::to_f64);
        Ok(Predicted { means, factor: residual_factor(&residuals)?, chosen: Chosen::Epoch(epoch) })
    }

    fn check(&self) -> Result<(), EvalError> {
        check_positive("lr", self.lr)?;
        for (name, value) in [("width", self.width), ("batch", self.batch), ("epochs", self.epochs)]
        {
            if value == 0 {
                let value = "0".to_owned();
                return Err(EvalError::Setting { name, value, range: "at least 1" });
            }
        }
        Ok(())
    }
}

fn log_softmax<T: Scalar>(logits: &Array2<T>) -> Array2<f64> {
    let mut logarithms = logits.mapv(Scalar::to_f64);
    for mut row in logarithms.rows_mut() {
        let sum = Logarithm::of_sum(row.iter().copied());
        row.mapv_inplace(|logit| sum.below(logit));
    }
    logarithms
}
