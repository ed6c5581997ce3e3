//! A trained critic, kept after its training.

use mi_nets::{Params, Tape};
use ndarray::{Array2, ArrayView2};

use super::features::{Encoder, Features};
use super::gaussian::GaussianRatio;
use super::network::{Network, Rows};
use super::{NeuralSettings, pointwise};
use crate::SamplesError;

/// The critics of a neural estimate with everything they need to judge new rows: the maps from
/// columns to features, one network per fold, and pairs for comparison.
///
/// [`NeuralCritic::to_bytes`] and [`NeuralCritic::from_bytes`] keep it as a safetensors file.
#[derive(Clone, Debug)]
pub struct NeuralCritic {
    pub(super) settings: NeuralSettings,
    pub(super) of_x: Encoder,
    pub(super) of_y: Encoder,
    pub(super) members: Vec<Member>,
    /// The caller's note on the columns.
    pub(super) note: String,
}

/// The network of one fold.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) ratio: GaussianRatio,
    pub(super) network: Network,
    pub(super) params: Params<f32>,
    /// Features of the y with which scores are compared, and their part of the scores.
    pub(super) reference: Features,
}

impl Member {
    /// Rows as the network sees them.
    pub(super) fn rows(&self, x: &Features, y: &Features) -> Rows {
        rows(&self.ratio, x, y)
    }

    /// Log ratios of pairs.
    fn pointwise(&self, x: &Features, y: &Features) -> Result<Vec<f64>, SamplesError> {
        let (ex, ey) = self.embed(&self.rows(x, y))?;
        // The towers need an x for every y; which one does not matter.
        let first = |features: &Features, n: usize| {
            let row = |matrix_row: usize| matrix_row.min(features.inputs.nrows() - 1);
            let places: Vec<usize> = (0..n).map(row).collect();
            features.select(&places)
        };
        let reference = self.rows(&first(x, self.reference.inputs.nrows()), &self.reference);
        let (_, reference) = self.embed(&reference)?;
        let pairing = self.network.pairing();
        pointwise::against(pairing, &self.params, (ex.view(), ey.view()), reference.view())
    }

    pub(super) fn embed(&self, rows: &Rows) -> Result<(Array2<f32>, Array2<f32>), SamplesError> {
        let mut tape = Tape::new();
        let mut graph = tape.begin_inference(&self.params);
        let embedded = self.network.embed(&mut graph, rows);
        graph.check()?;
        Ok((graph.value(embedded.x).to_owned(), graph.value(embedded.y).to_owned()))
    }
}

impl NeuralCritic {
    /// The settings that it was trained with.
    pub fn settings(&self) -> &NeuralSettings {
        &self.settings
    }

    /// The columns of x and of y.
    pub fn columns(&self) -> (usize, usize) {
        (self.of_x.columns(), self.of_y.columns())
    }

    /// The text set by [`NeuralCritic::with_note`]; empty by default.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// The same critic with a text that is saved in the file, such as the names of the columns.
    #[must_use]
    pub fn with_note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// The pointwise mutual information ln p(x, y)/(p(x) p(y)) of each pair, in nats: the mean
    /// over the networks of `f(x, y) − ln mean_j exp f(x, y_j)`, with `y_j` from rows that the
    /// network was not trained on.
    ///
    /// Its mean over new pairs estimates their mutual information; over the rows of the estimate it
    /// is too large, as each network was trained on most of them.
    ///
    /// # Shapes
    /// `x`: n × columns of x, `y`: n × columns of y, as in the estimate; returns n numbers.
    ///
    /// # Errors
    /// Sides whose widths differ from those in training, or with different numbers of rows; no row;
    /// values that are not finite.
    pub fn pointwise(
        &self,
        x: ArrayView2<'_, f64>,
        y: ArrayView2<'_, f64>,
    ) -> Result<Vec<f64>, SamplesError> {
        if x.nrows() != y.nrows() {
            return Err(SamplesError::RowCounts { x: x.nrows(), y: y.nrows() });
        }
        if x.nrows() == 0 {
            return Err(SamplesError::EmptySide { rows: 0, columns: x.ncols() });
        }
        let (x, y) = (self.of_x.of_values(x)?, self.of_y.of_values(y)?);
        let mut mean = vec![0.0; x.inputs.nrows()];
        for member in &self.members {
            for (mean, ratio) in mean.iter_mut().zip(member.pointwise(&x, &y)?) {
                *mean += ratio / self.members.len() as f64;
            }
        }
        Ok(mean)
    }
}

/// Rows as a network sees them, with the columns of the Gaussian ratio.
pub(super) fn rows(ratio: &GaussianRatio, x: &Features, y: &Features) -> Rows {
    let start = ratio.columns(x.scores.view(), y.scores.view());
    let start = start.map(|sides| sides.map(|side| side.mapv(|value| value as f32)));
    Rows { x: x.inputs.clone(), y: y.inputs.clone(), start }
}
