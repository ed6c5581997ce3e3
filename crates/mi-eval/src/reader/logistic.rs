use ndarray::{Array2, ArrayView2};

use super::prior::LabelPrior;
use crate::classes::{Classes, Label};
use crate::kernel::Feature;
use crate::{EvalError, Lbfgs, LogisticRegression};

/// A logistic reader that gives no class probability 0: a class without training rows keeps its
/// frequency in [`LabelPrior`].
///
/// The building block of V-information about labels for callers that split rows differently: no
/// column is scaled, and no penalty is chosen.
#[derive(Clone, Debug)]
pub struct LogisticReader<L = usize> {
    prior: LabelPrior,
    /// For the classes seen; `None` if there are fewer than two.
    model: Option<LogisticRegression<L>>,
}

impl LogisticReader {
    /// Fits to rows with labels below `classes`.
    ///
    /// # Shapes
    /// `features`: n × d, `labels`: n.
    ///
    /// # Errors
    /// Those of [`Lbfgs::fit`]; rows of only one class are not an error, and give the frequencies.
    ///
    /// # Panics
    /// If a label is not below `classes`.
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

    /// The frequencies of the training labels.
    pub fn prior(&self) -> &LabelPrior {
        &self.prior
    }

    /// ln p(class | row), rows × classes.
    ///
    /// # Errors
    /// A number of columns that differs from that of the fit; a NaN or infinite feature.
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
