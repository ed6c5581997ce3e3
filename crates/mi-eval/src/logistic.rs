use mi_kernels::{Logarithm, argmax};
use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::classes::{Classes, Label};
use crate::kernel::{Feature, Linear, Logits, dispatch};
use crate::training::check_labels;
use crate::{EvalError, features};

/// Rows whose logits are computed together, so that memory stays small.
const CHUNK_ROWS: usize = 4096;

/// A trained multinomial logistic regression (softmax of a linear map).
///
/// # Formula
/// `p(k | x) = exp(x · w_k + b_k) / Σ_l exp(x · w_l + b_l)` over the classes that had training
/// rows; a class of the list without any has probability 0.
///
/// Trained by [`Saga`](crate::Saga) or [`Lbfgs`](crate::Lbfgs). Both minimise
/// `C Σ_i −ln p(y_i | x_i) + ½ ‖W‖²` with an unpenalised intercept, the convention of scikit-learn.
/// With two classes scikit-learn uses one column of weights, the difference between the two here;
/// its C must then be twice as large for the same model.
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticRegression<L> {
    classes: Classes<L>,
    weights: Array2<f64>,
    intercept: Array1<f64>,
    /// Columns of the classes that had training rows, ascending.
    present: Vec<usize>,
}

impl<L: Label> LogisticRegression<L> {
    pub(crate) fn new(classes: Classes<L>, present: &[usize], parameters: &[f64]) -> Self {
        let dim = parameters.len() / present.len() - 1;
        let mut weights = Array2::zeros((dim, classes.len()));
        let mut intercept = Array1::zeros(classes.len());
        for (j, row) in parameters.chunks_exact(present.len()).enumerate() {
            for (&k, &value) in present.iter().zip(row) {
                if j < dim {
                    weights[[j, k]] = value;
                } else {
                    intercept[k] = value;
                }
            }
        }
        Self { classes, weights, intercept, present: present.to_vec() }
    }

    /// The classes, in the order of the columns.
    pub fn classes(&self) -> &Classes<L> {
        &self.classes
    }

    /// Weights, features × classes; zeros for a class without training rows.
    pub fn weights(&self) -> ArrayView2<'_, f64> {
        self.weights.view()
    }

    /// One intercept for each class; 0 for a class without training rows.
    pub fn intercept(&self) -> &Array1<f64> {
        &self.intercept
    }

    /// Whether the class of a column had training rows.
    pub fn is_trained(&self, column: usize) -> bool {
        self.present.binary_search(&column).is_ok()
    }

    /// Probabilities of the classes.
    ///
    /// # Shapes
    /// `features` is samples × features; the result is samples × classes, columns in the order
    /// of the class list. Each row sums to 1.
    ///
    /// # Errors
    /// A number of columns that differs from that in training; a NaN or infinite feature.
    pub fn predict_proba<T: Feature>(
        &self,
        features: ArrayView2<'_, T>,
    ) -> Result<Array2<f64>, EvalError> {
        Ok(self.log_probabilities(features)?.mapv_into(f64::exp))
    }

    /// Logarithms of the probabilities, in nats; −∞ for a class without training rows. Where a
    /// probability underflows, its logarithm is still known.
    ///
    /// # Shapes
    /// Like [`predict_proba`](Self::predict_proba).
    ///
    /// # Errors
    /// Like [`predict_proba`](Self::predict_proba).
    pub fn log_probabilities<T: Feature>(
        &self,
        features: ArrayView2<'_, T>,
    ) -> Result<Array2<f64>, EvalError> {
        let shape = (features.nrows(), self.classes.len());
        let mut logarithms = Array2::from_elem(shape, f64::NEG_INFINITY);
        self.each_row("predict_proba", features, |i, logits| {
            let normaliser = Logarithm::of_sum_in_f64(logits);
            for (&k, &logit) in self.present.iter().zip(logits) {
                logarithms[[i, k]] = normaliser.below(logit.to_f64());
            }
        })?;
        Ok(logarithms)
    }

    /// The most probable class of each row; among equals, the first in the list.
    ///
    /// # Errors
    /// Like [`predict_proba`](Self::predict_proba).
    pub fn predict<T: Feature>(&self, features: ArrayView2<'_, T>) -> Result<Vec<L>, EvalError> {
        let names = self.classes.names();
        let mut predicted = Vec::with_capacity(features.nrows());
        self.each_row("predict", features, |_, logits| {
            predicted.push(names[self.present[argmax(logits.iter().copied())]].clone());
        })?;
        Ok(predicted)
    }

    /// The fraction of rows whose most probable class is their label. A label outside the class
    /// list, or of a class without training rows, counts as wrong.
    ///
    /// # Errors
    /// Like [`predict_proba`](Self::predict_proba), and if the numbers of labels and rows differ.
    pub fn accuracy<T: Feature>(
        &self,
        features: ArrayView2<'_, T>,
        labels: &[L],
    ) -> Result<f64, EvalError> {
        Ok(self.score("accuracy", features, labels)?.accuracy)
    }

    /// The mean of −ln p(label | row), in nats. It is infinite if a label is outside the class list
    /// or belongs to a class without training rows, since the model gives it probability 0.
    ///
    /// # Errors
    /// Those of [`accuracy`](Self::accuracy).
    pub fn mean_log_loss<T: Feature>(
        &self,
        features: ArrayView2<'_, T>,
        labels: &[L],
    ) -> Result<f64, EvalError> {
        Ok(self.score("mean_log_loss", features, labels)?.mean_log_loss)
    }

    /// −ln p(label | row) of every row, in nats; infinite where [`mean_log_loss`] is.
    ///
    /// # Errors
    /// Those of [`accuracy`](Self::accuracy).
    ///
    /// [`mean_log_loss`]: Self::mean_log_loss
    pub fn log_losses<T: Feature>(
        &self,
        features: ArrayView2<'_, T>,
        labels: &[L],
    ) -> Result<Vec<f64>, EvalError> {
        const OPERATION: &str = "log_losses";
        check_labels(OPERATION, features.nrows(), labels.len())?;
        let mut losses = Vec::with_capacity(labels.len());
        self.each_row(OPERATION, features, |i, logits| {
            let place = self.place_of(&labels[i]);
            losses.push(place.map_or(f64::INFINITY, |place| loss(logits, place)));
        })?;
        Ok(losses)
    }

    /// A label's index among the classes with training rows.
    fn place_of(&self, label: &L) -> Option<usize> {
        self.classes.index_of(label).and_then(|k| self.present.binary_search(&k).ok())
    }

    /// Accuracy and mean log loss in one pass.
    pub(crate) fn score<T: Feature>(
        &self,
        operation: &'static str,
        features: ArrayView2<'_, T>,
        labels: &[L],
    ) -> Result<Score, EvalError> {
        check_labels(operation, features.nrows(), labels.len())?;
        let (mut correct, mut sum) = (0_usize, 0.0);
        self.each_row(operation, features, |i, logits| match self.place_of(&labels[i]) {
            Some(place) => {
                correct += usize::from(argmax(logits.iter().copied()) == place);
                sum += loss(logits, place);
            }
            None => sum = f64::INFINITY,
        })?;
        let n = labels.len() as f64;
        Ok(Score { accuracy: correct as f64 / n, mean_log_loss: sum / n })
    }

    /// Calls `visit` with each row's index and its logits, one for each class with training rows.
    fn each_row<T: Feature>(
        &self,
        operation: &'static str,
        features: ArrayView2<'_, T>,
        mut visit: impl FnMut(usize, &[T]),
    ) -> Result<(), EvalError> {
        features::check_columns(operation, self.weights.nrows(), features.ncols())?;
        features::check(operation, &features)?;
        let present = self.present.len();
        let mut parameters = Vec::with_capacity((self.weights.nrows() + 1) * present);
        for row in self.weights.rows() {
            parameters.extend(self.present.iter().map(|&k| row[k]));
        }
        parameters.extend(self.present.iter().map(|&k| self.intercept[k]));
        let model = Linear::new(&parameters, present);
        let mut first = 0;
        for chunk in features.axis_chunks_iter(Axis(0), CHUNK_ROWS) {
            let chunk = features::row_major(&chunk);
            let numbers = features::numbers(&chunk);
            let logits = dispatch(Logits { model: &model, features: numbers, classes: present });
            for (row, logits) in logits.chunks_exact(present).enumerate() {
                visit(first + row, logits);
            }
            first += chunk.nrows();
        }
        Ok(())
    }
}

/// A model's accuracy and loss on some rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Score {
    pub(crate) accuracy: f64,
    /// In nats.
    pub(crate) mean_log_loss: f64,
}

/// −ln of the softmax's entry at `place`.
fn loss<T: Feature>(logits: &[T], place: usize) -> f64 {
    Logarithm::of_sum_in_f64(logits).above(logits[place].to_f64())
}
