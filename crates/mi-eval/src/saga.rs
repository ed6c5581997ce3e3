use mi_random::Stream;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::classes::{Classes, Label};
use crate::kernel::{Feature, SagaEpoch, SagaState, dispatch};
use crate::objective::max_norm;
use crate::training::{Fit, Training, check_positive};
use crate::{EvalError, features};

/// Multinomial logistic regression by SAGA with scikit-learn's step size and stopping rule: the
/// paper's probe.
///
/// | setting | default | purpose | range |
/// | --- | --- | --- | --- |
/// | `c` | 10 | weight of the loss against the penalty: C Σ loss + ½‖W‖² | > 0 |
/// | `tolerance` | 0.1 | stop when max\|Δw\| / max\|w\| over an epoch is at most this | ≥ 0 |
/// | `max_epochs` | 100 | stop after this many epochs, without convergence | ≥ 1 |
///
/// The defaults stop after a few epochs, long before the optimum: the early stop is part of the
/// paper's protocol, and the accuracy depends on the random order in its third digit. For the
/// optimum use [`Lbfgs`](crate::Lbfgs).
///
/// # Formula
/// SAGA (Defazio, Bach and Lacoste-Julien, 2014, eq. 1) with the step `γ = 1 / (2L + min(2nμ, L))`,
/// `μ = 1/(Cn)`, `L = ¼ (max_i ‖x_i‖² + 1) + μ`. Samples are drawn with replacement, n per epoch;
/// until all have been seen, the gradient average is over those seen (Schmidt, Le Roux and Bach,
/// 2017, section 4.4). Arithmetic is in the features' type.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Saga {
    /// Weight of the loss against the penalty.
    pub c: f64,
    /// Largest relative change of the weights over an epoch at which to stop.
    pub tolerance: f64,
    /// Epochs after which to stop in any case.
    pub max_epochs: usize,
}

impl Default for Saga {
    fn default() -> Self {
        Self { c: 10.0, tolerance: 0.1, max_epochs: 100 }
    }
}

impl Saga {
    /// Trains on rows of features and their labels.
    ///
    /// By default `classes` are the distinct labels. The features should be scaled (the report has
    /// a warning if their scales differ much); `stream` determines the order of the samples.
    ///
    /// # Shapes
    /// `features` is samples × features, with one label per row.
    ///
    /// # Errors
    /// No rows or columns; a NaN or infinite feature (named by row and column); only one class; a
    /// label outside the class list; a setting out of range; weights that overflow.
    pub fn fit<T: Feature, L: Label>(
        &self,
        features: ArrayView2<'_, T>,
        labels: &[L],
        classes: Option<&Classes<L>>,
        stream: &mut Stream,
    ) -> Result<Fit<L>, EvalError> {
        self.check()?;
        let training = Training::new(&features, labels, classes)?;
        let (samples, dim) = training.features.dim();
        let numbers = features::numbers(&training.features);
        let classes = training.class_count();
        let decay = 1.0 / (self.c * samples as f64);
        let step = step_size(numbers, dim, decay);

        let mut state = SagaState::new(samples, dim, classes);
        let mut previous = state.weights.clone();
        let mut order = vec![0; samples];
        let (mut converged, mut epochs) = (false, 0);
        while !converged && epochs < self.max_epochs {
            order.fill_with(|| stream.below(samples) as u32);
            dispatch(SagaEpoch {
                features: numbers,
                dim,
                labels: &training.labels,
                order: &order,
                step,
                decay,
                state: &mut state,
            });
            epochs += 1;
            let (mut weight, mut change) = (0.0_f64, 0.0_f64);
            let mut finite = true;
            for (new, old) in state.weights.iter().zip(&mut previous) {
                for (&new, old) in new.0.iter().zip(&mut old.0) {
                    finite &= new.is_finite();
                    weight = weight.max(new.to_f64().abs());
                    change = change.max((new - *old).to_f64().abs());
                    *old = new;
                }
            }
            if !finite {
                return Err(EvalError::Diverged { solver: "SAGA", epoch: epochs });
            }
            // Weights that are all 0 and unchanged have also converged.
            converged = change <= self.tolerance * weight;
        }

        let parameters = state.parameters(dim, classes);
        let mut gradient = vec![0.0; parameters.len()];
        let objective = training.objective(self.c).evaluate(&parameters, &mut gradient);
        let norm = max_norm(&gradient);
        Ok(training.finish(&parameters, self.c, (converged, epochs), (objective, norm)))
    }

    fn check(&self) -> Result<(), EvalError> {
        check_positive("c", self.c)?;
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            let value = self.tolerance.to_string();
            return Err(EvalError::Setting { name: "tolerance", value, range: "at least 0" });
        }
        if self.max_epochs == 0 {
            let value = "0".to_owned();
            return Err(EvalError::Setting { name: "max_epochs", value, range: "at least 1" });
        }
        Ok(())
    }
}

/// scikit-learn's automatic step size for SAGA.
fn step_size<T: Feature>(numbers: &[T], dim: usize, decay: f64) -> f64 {
    let samples = (numbers.len() / dim) as f64;
    let largest = numbers
        .chunks_exact(dim)
        .map(|row| row.iter().map(|&v| v.to_f64() * v.to_f64()).sum::<f64>())
        .fold(0.0, f64::max);
    let smoothness = 0.25 * (largest + 1.0) + decay;
    1.0 / (2.0 * smoothness + (2.0 * samples * decay).min(smoothness))
}
