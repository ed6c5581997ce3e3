use mi_random::Stream;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::classes::{Classes, Label};
use crate::kernel::Feature;
use crate::training::Warning;
use crate::{Constant, EvalError, Lbfgs, MinMaxScaler, Saga, StandardScaler};

/// Scales, fits and scores: the accuracy of a linear classifier on features.
///
/// The scaler is fitted only on the training rows. The final state of the fit is scored; the test
/// rows choose nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Probe {
    /// Min–max scaling, then SAGA.
    Saga {
        /// The solver.
        solver: Saga,
        /// Which columns are not scaled.
        constant: Constant,
    },
    /// Standardisation, then L-BFGS to the optimum, with C chosen on held-out training rows.
    Lbfgs {
        /// The solver. Its `c` is not used.
        solver: Lbfgs,
        /// Values of C to choose from.
        cs: Vec<f64>,
        /// Share of the training rows to hold out for choosing C.
        held_out: f64,
    },
}

/// The result of a [`Probe`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeResult {
    /// Fraction of test rows classified correctly.
    pub accuracy: f64,
    /// Fraction of training rows classified correctly.
    pub train_accuracy: f64,
    /// Mean of −ln p(label | row) over the test rows, in nats; infinite if the training rows lack a
    /// class that the test rows have.
    pub log_loss: f64,
    /// Whether the solver's stopping rule was met.
    pub converged: bool,
    /// Epochs of SAGA, iterations of the last L-BFGS fit.
    pub epochs: usize,
    /// The penalty's C.
    pub c: f64,
    /// Largest absolute entry of the objective's gradient at the end of the fit.
    pub gradient_norm: f64,
    /// Warnings: missing classes, a solver that did not converge, ….
    pub warnings: Vec<Warning>,
}

impl Probe {
    /// The paper's probe: min–max scaling and SAGA with C = 10, stopped at tolerance 0.1.
    pub fn paper() -> Self {
        Self::Saga { solver: Saga::default(), constant: Constant::Rounding }
    }

    /// Like [`paper`](Self::paper), with a choice of which columns are not scaled.
    pub fn paper_with(constant: Constant) -> Self {
        Self::Saga { solver: Saga::default(), constant }
    }

    /// The converged probe: standardised features, L-BFGS to a gradient of 10⁻⁴, C from
    /// {10⁻³, 10⁻², …, 10²} by log loss on a tenth of the training rows.
    pub fn converged() -> Self {
        Self::Lbfgs {
            solver: Lbfgs { tolerance: 1e-4, ..Lbfgs::default() },
            cs: vec![1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0],
            held_out: 0.1,
        }
    }

    /// Fits on the training rows and scores the test rows.
    ///
    /// The same seed gives the same bits. A class that only test rows have counts as wrong and
    /// is named in the warnings.
    ///
    /// # Shapes
    /// `train` and `test` are samples × features, with one label per row.
    ///
    /// # Errors
    /// Those of the scaler and the solver: empty or non-finite features, features or labels that do
    /// not fit together, only one class, settings out of range.
    pub fn evaluate<T: Feature, L: Label>(
        &self,
        train: ArrayView2<'_, T>,
        train_labels: &[L],
        test: ArrayView2<'_, T>,
        test_labels: &[L],
        seed: u64,
    ) -> Result<ProbeResult, EvalError> {
        let classes = Classes::from_labels(train_labels)?;
        let mut names = classes.names().to_vec();
        let tested = Classes::from_labels(test_labels)?;
        names.extend(tested.names().iter().filter(|l| classes.index_of(l).is_none()).cloned());
        let classes = Some(Classes::declared(names)?);
        let mut stream = Stream::new(seed, "probe");
        let (train, test, fit) = match self {
            Self::Saga { solver, constant } => {
                let scaler = MinMaxScaler::fit_with(train, *constant)?;
                let train = scaler.transform(train)?;
                let fit = solver.fit(train.view(), train_labels, classes.as_ref(), &mut stream)?;
                (train, scaler.transform(test)?, fit)
            }
            Self::Lbfgs { solver, cs, held_out } => {
                let scaler = StandardScaler::fit(train)?;
                let train = scaler.transform(train)?;
                let fit = solver.fit_with_validation(
                    train.view(),
                    train_labels,
                    classes.as_ref(),
                    cs,
                    *held_out,
                    &mut stream,
                )?;
                (train, scaler.transform(test)?, fit)
            }
        };
        let train_accuracy = fit.model.accuracy(train.view(), train_labels)?;
        let score = fit.model.score("probe", test.view(), test_labels)?;
        Ok(ProbeResult {
            accuracy: score.accuracy,
            train_accuracy,
            log_loss: score.mean_log_loss,
            converged: fit.report.converged,
            epochs: fit.report.epochs,
            c: fit.report.c,
            gradient_norm: fit.report.gradient_norm,
            warnings: fit.report.warnings,
        })
    }
}
