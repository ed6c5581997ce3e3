//! Checks, preparation and reports that both solvers share.

use std::fmt;

use ndarray::{ArrayView2, Axis, CowArray, Ix2};
use serde::{Deserialize, Serialize};

use crate::EvalError;
use crate::classes::{Classes, Label};
use crate::features;
use crate::kernel::Feature;
use crate::logistic::LogisticRegression;
use crate::objective::Objective;

/// A trained model and how its training ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit<L> {
    /// The model.
    pub model: LogisticRegression<L>,
    /// How the training ended.
    pub report: FitReport,
}

/// How a training ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitReport {
    /// Whether the solver's stopping rule was met. A model that did not converge is still returned.
    pub converged: bool,
    /// Passes over the data: epochs of SAGA, iterations of L-BFGS.
    pub epochs: usize,
    /// The penalty's C that was used.
    pub c: f64,
    /// Objective at the end, in nats: mean cross-entropy plus ‖w‖²/(2Cn).
    pub objective: f64,
    /// Largest absolute entry of the objective's gradient at the end.
    pub gradient_norm: f64,
    /// Warnings for the caller.
    pub warnings: Vec<Warning>,
}

/// A problem that did not stop a training, but that a reader should know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Warning {
    /// The solver stopped at its limit of epochs or could not improve further.
    NotConverged {
        /// Epochs or iterations done.
        epochs: usize,
        /// Largest absolute entry of the objective's gradient.
        gradient_norm: f64,
    },
    /// No training row has this class: its probability is 0 and its test rows count as wrong.
    MissingClass {
        /// The class, as `Debug` text.
        class: String,
    },
    /// The columns' scales (root mean squares) differ by more than a factor of 1000.
    UnevenScales {
        /// Largest scale over the smallest that is not 0.
        ratio: f64,
    },
    /// The best C is the first or last of those tried, so there may be a better one beyond.
    ValidationEdge {
        /// The C chosen.
        c: f64,
    },
}

impl Warning {
    /// A stable name for programs, in `snake_case`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotConverged { .. } => "not_converged",
            Self::MissingClass { .. } => "missing_class",
            Self::UnevenScales { .. } => "uneven_scales",
            Self::ValidationEdge { .. } => "validation_edge",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConverged { epochs, gradient_norm } => {
                write!(f, "not converged after {epochs} epochs (gradient norm {gradient_norm:.1e})")
            }
            Self::MissingClass { class } => {
                write!(f, "no training row has the class {class}; its rows count as wrong")
            }
            Self::UnevenScales { ratio } => {
                write!(f, "the scales of the columns differ by a factor of {ratio:.0}; scale them")
            }
            Self::ValidationEdge { c } => {
                write!(f, "the best C tried, {c}, is at the end of the list")
            }
        }
    }
}

/// Checked training data: row-major features, and labels as columns of the classes present.
pub(crate) struct Training<'a, T, L> {
    pub(crate) features: CowArray<'a, T, Ix2>,
    pub(crate) labels: Vec<u32>,
    classes: Classes<L>,
    /// Columns of `classes` that some row has, ascending.
    present: Vec<usize>,
    warnings: Vec<Warning>,
}

impl<'a, T: Feature, L: Label> Training<'a, T, L> {
    /// By default `classes` are the distinct labels.
    pub(crate) fn new(
        features: &'a ArrayView2<'_, T>,
        labels: &[L],
        classes: Option<&Classes<L>>,
    ) -> Result<Self, EvalError> {
        features::check("fit", features)?;
        check_labels("fit", features.nrows(), labels.len())?;
        let classes = match classes {
            Some(classes) => classes.clone(),
            None => Classes::from_labels(labels)?,
        };
        let indices = classes.code(labels)?;
        let mut count = vec![0_usize; classes.len()];
        for &index in &indices {
            count[index as usize] += 1;
        }
        let present: Vec<usize> = (0..classes.len()).filter(|&k| count[k] > 0).collect();
        if let [only] = present[..] {
            return Err(EvalError::OneClass {
                operation: "fit",
                class: format!("{:?}", classes.names()[only]),
            });
        }
        let mut warnings: Vec<Warning> = (0..classes.len())
            .filter(|&k| count[k] == 0)
            .map(|k| Warning::MissingClass { class: format!("{:?}", classes.names()[k]) })
            .collect();
        let mut column = vec![0; classes.len()];
        for (place, &k) in (0..).zip(&present) {
            column[k] = place;
        }
        let labels = indices.into_iter().map(|k| column[k as usize]).collect();
        let features = features::row_major(features);
        warnings.extend(uneven_scales(&features));
        Ok(Self { features, labels, classes, present, warnings })
    }

    /// Number of classes that some row has.
    pub(crate) fn class_count(&self) -> usize {
        self.present.len()
    }

    /// Numbers in the weights and intercepts of the classes present.
    pub(crate) fn parameter_count(&self) -> usize {
        (self.features.ncols() + 1) * self.class_count()
    }

    /// Some of the rows, with the same classes.
    pub(crate) fn rows(&self, rows: &[usize]) -> Training<'static, T, L> {
        Training {
            features: self.features.select(Axis(0), rows).into(),
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            classes: self.classes.clone(),
            present: self.present.clone(),
            warnings: Vec::new(),
        }
    }

    pub(crate) fn objective(&self, c: f64) -> Objective<'_, T> {
        let dim = self.features.ncols();
        let numbers = features::numbers(&self.features);
        Objective::new(numbers, dim, &self.labels, self.class_count(), c)
    }

    /// Builds the model and the report.
    ///
    /// `parameters` has (features + 1) × present classes numbers, the intercept last; `objective`
    /// and `gradient_norm` belong to them.
    pub(crate) fn finish(
        self,
        parameters: &[f64],
        c: f64,
        (converged, epochs): (bool, usize),
        (objective, gradient_norm): (f64, f64),
    ) -> Fit<L> {
        let mut warnings = self.warnings;
        if !converged {
            warnings.push(Warning::NotConverged { epochs, gradient_norm });
        }
        let model = LogisticRegression::new(self.classes, &self.present, parameters);
        let report = FitReport { converged, epochs, c, objective, gradient_norm, warnings };
        Fit { model, report }
    }
}

pub(crate) fn check_labels(
    operation: &'static str,
    rows: usize,
    labels: usize,
) -> Result<(), EvalError> {
    if rows == labels { Ok(()) } else { Err(EvalError::LabelCount { operation, rows, labels }) }
}

/// C of the penalty must be positive and finite.
pub(crate) fn check_positive(name: &'static str, value: f64) -> Result<(), EvalError> {
    if value > 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(EvalError::Setting { name, value: value.to_string(), range: "positive and finite" })
    }
}

/// SAGA and L-BFGS are both slow if scales differ much.
fn uneven_scales<T: Feature>(features: &CowArray<'_, T, Ix2>) -> Option<Warning> {
    let squares = features::squares(&features.view());
    let positive = squares.iter().copied().filter(|&s| s > 0.0);
    let (low, high) = positive.fold((f64::INFINITY, 0.0_f64), |(l, h), s| (l.min(s), h.max(s)));
    let ratio = (high / low).sqrt();
    (ratio > 1e3).then_some(Warning::UnevenScales { ratio })
}
