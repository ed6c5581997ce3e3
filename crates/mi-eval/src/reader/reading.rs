use std::fmt;
use std::sync::Arc;

use mi_kernels::argmax;
use ndarray::{Array2, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use super::gaussian::{Predicted, Whitened};
use crate::classes::{Classes, Label};
use crate::training::{Warning, check_labels};
use crate::{EvalError, Interval, Mean, features};

/// The setting of a reader that was chosen on held-out training rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Chosen {
    /// Nothing to choose: there were fewer than two classes, so the frequencies were used.
    Prior,
    /// The C of a linear reader's penalty.
    C(f64),
    /// The C used because there were too few rows to choose one.
    FixedC(f64),
    /// The epoch of a network, from 1.
    Epoch(usize),
    /// The share of the prior in the neighbours' vote.
    Mix(f64),
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prior => write!(f, "only the frequencies"),
            Self::C(c) => write!(f, "C = {c}"),
            Self::FixedC(c) => write!(f, "C = {c}, not chosen"),
            Self::Epoch(epoch) => write!(f, "epoch {epoch}"),
            Self::Mix(share) => write!(f, "{share} of the prior"),
        }
    }
}

/// A reader's predictions for numbered classes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Read {
    /// Rows × classes.
    pub(crate) log_probabilities: Array2<f64>,
    /// The class assigned to each row.
    pub(crate) decisions: Vec<usize>,
    pub(crate) chosen: Chosen,
    pub(crate) warnings: Vec<Warning>,
}

impl Read {
    /// For a reader that predicts the most probable class.
    pub(super) fn new(log_probabilities: Array2<f64>, chosen: Chosen) -> Self {
        let decisions = largest(&log_probabilities);
        Self { log_probabilities, decisions, chosen, warnings: Vec::new() }
    }
}

/// The column of each row's largest entry; the first among equals.
pub(super) fn largest(matrix: &Array2<f64>) -> Vec<usize> {
    matrix.rows().into_iter().map(|row| argmax(row.iter().copied())).collect()
}

/// A reader's predictions of the labels of some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelReading<L> {
    classes: Classes<L>,
    read: Read,
}

impl<L: Label> LabelReading<L> {
    pub(crate) fn new(classes: Classes<L>, read: Read) -> Self {
        Self { classes, read }
    }

    /// The classes, in the order of the columns.
    pub fn classes(&self) -> &Classes<L> {
        &self.classes
    }

    /// ln p(class | row), rows × classes; every row's probabilities sum to 1.
    pub fn log_probabilities(&self) -> ArrayView2<'_, f64> {
        self.read.log_probabilities.view()
    }

    /// The setting chosen on held-out training rows.
    pub fn chosen(&self) -> Chosen {
        self.read.chosen
    }

    /// Warnings: a fit that did not converge, a penalty at the end of its list.
    pub fn warnings(&self) -> &[Warning] {
        &self.read.warnings
    }

    /// −ln p(label | row) of every row, in nats; infinite for a label outside the class list.
    ///
    /// # Errors
    /// Different numbers of labels and rows.
    pub fn log_losses(&self, labels: &[L]) -> Result<Vec<f64>, EvalError> {
        check_labels("log losses", self.read.log_probabilities.nrows(), labels.len())?;
        let of = |(row, label): (ArrayView1<'_, f64>, &L)| {
            self.classes.index_of(label).map_or(f64::INFINITY, |class| -row[class])
        };
        Ok(self.read.log_probabilities.rows().into_iter().zip(labels).map(of).collect())
    }

    /// The mean of −ln p(label | row), in nats, and its error over rows.
    ///
    /// # Errors
    /// Different numbers of labels and rows.
    pub fn log_loss(&self, labels: &[L]) -> Result<Mean, EvalError> {
        Ok(Mean::of(&self.log_losses(labels)?))
    }

    /// The class assigned to each row: the most probable, or the first among equals (for nearest
    /// neighbours, the one with the most votes, whatever the prior).
    pub fn predict(&self) -> Vec<L> {
        self.read.decisions.iter().map(|&class| self.classes.names()[class].clone()).collect()
    }

    /// How many rows are assigned to the class of their label.
    ///
    /// # Errors
    /// Different numbers of labels and rows.
    pub fn correct(&self, labels: &[L]) -> Result<usize, EvalError> {
        check_labels("accuracy", self.read.decisions.len(), labels.len())?;
        Ok(self.correct_from(0, labels))
    }

    /// How many rows from `first` on are assigned to the class of their label.
    pub(crate) fn correct_from(&self, first: usize, labels: &[L]) -> usize {
        let pairs = self.read.decisions[first..].iter().zip(labels);
        pairs.filter(|&(&class, label)| self.classes.index_of(label) == Some(class)).count()
    }

    /// The fraction of rows that are assigned to the class of their label.
    ///
    /// # Errors
    /// Different numbers of labels and rows.
    pub fn accuracy(&self, labels: &[L]) -> Result<f64, EvalError> {
        Ok(self.correct(labels)? as f64 / labels.len() as f64)
    }

    /// The 95 % interval of [`accuracy`](Self::accuracy) over rows.
    ///
    /// # Errors
    /// Different numbers of labels and rows.
    pub fn accuracy_interval(&self, labels: &[L]) -> Result<Interval, EvalError> {
        Ok(Interval::of_share(self.correct(labels)?, labels.len()))
    }
}

/// A reader's predictions of the real values of some rows.
#[derive(Clone, Debug)]
pub struct ValueReading {
    target: Arc<Whitened>,
    predicted: Predicted,
}

impl ValueReading {
    pub(crate) fn new(target: Arc<Whitened>, predicted: Predicted) -> Self {
        Self { target, predicted }
    }

    /// The setting chosen on held-out training rows.
    pub fn chosen(&self) -> Chosen {
        self.predicted.chosen
    }

    /// −ln p(values | row) of every row in nats, with the features, and without them by the
    /// training values' own Gaussian.
    ///
    /// Densities are those of the values as given, so each loss may be negative and depends on
    /// their unit; differences do not.
    ///
    /// # Shapes
    /// `values`: rows × the number of columns learnt.
    ///
    /// # Errors
    /// Another number of rows or columns; a NaN or infinite value.
    pub fn log_losses<T: mi_kernels::Scalar>(
        &self,
        values: ArrayView2<'_, T>,
    ) -> Result<(Vec<f64>, Vec<f64>), EvalError> {
        const OPERATION: &str = "log losses";
        features::check(OPERATION, &values)?;
        features::check_columns(OPERATION, self.target.columns(), values.ncols())?;
        features::check_rows(OPERATION, self.predicted.means.nrows(), values.nrows())?;
        let whitened = self.target.whiten(&values)?;
        let with = self.target.losses(&(&whitened - &self.predicted.means), &self.predicted.factor);
        Ok((with, self.target.losses_without(&whitened)))
    }
}
