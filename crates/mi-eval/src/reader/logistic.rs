use ndarray::{Array2, ArrayView2};

use super::prior::LabelPrior;
use crate::classes::{Classes, Label};
use crate::kernel::Feature;
use crate::{EvalError, Lbfgs, LogisticRegression};

/// A logistic reader that gives no class probability 0: one without training rows keeps its
/// frequency, by [`LabelPrior`].
///
/// The building block of V-information about labels for anyone who splits rows differently: no
/// column is scaled, no penalty chosen.
#[derive(Clone, Debug)]
pub struct LogisticReader<L = usize> {
    prior: LabelPrior,
    /// Of the classes seen; `None` if these are fewer than two.
    model: Option<LogisticRegression<L>>,
}

impl LogisticReader {
    /// Fits to rows with labels below `classes`.
    ///
    /// # Shapes
    /// `features`: n × d, `labels`: n.
    ///
    /// # Errors
    /// As [`Lbfgs::fit`]; rows of one class only are no error, and give the frequencies.
    ///
    /// # Panics
    /// When a label is not below `classes`.
    pub fn fit<T: Feature>(
        features: ArrayView2<'_, T>,
        labels: &[usize],
        classes: usize,
        solver: &Lbfgs,
    ) -> Result<Self, EvalError> {
        let prior = LabelPrior::new(labels, classes);
        let seen = prior.seen();
        let model = if seen.len() < 2 {
            None
        } else {
            Some(solver.fit(features, labels, Some(&Classes::declared(seen)?))?.model)
        };
        Ok(Self { prior, model })
    }
}

impl<L: Label> LogisticReader<L> {
    /// A model of exactly the classes that the prior has seen, in their order.
    pub(super) fn new(prior: LabelPrior, model: LogisticRegression<L>) -> Self {
        Self { prior, model: Some(model) }
    }

    /// The frequencies of the labels fitted to.
    pub fn prior(&self) -> &LabelPrior {
        &self.prior
    }

    /// ln p(class | row), rows × classes.
    ///
    /// # Errors
    /// Another number of columns than fitted to; a NaN or infinite feature.
    pub fn log_probabilities<T: Feature>(
        &self,
        features: ArrayView2<'_, T>,
    ) -> Result<Array2<f64>, EvalError> {
        match &self.model {
            Some(model) => Ok(self.prior.extend(model.log_probabilities(features)?.view())),
            None => Ok(self.prior.log_probabilities(features.nrows())),
        }
    }
}
