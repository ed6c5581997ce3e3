mod factor;
mod minimise;
mod precondition;

use mi_random::Stream;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use self::minimise::{Minimum, Smooth, minimise};
use self::precondition::{Gram, Preconditioner};
use crate::EvalError;
use crate::classes::{Classes, Label};
use crate::held_out::{HeldOut, split_classes};
use crate::kernel::Feature;
use crate::objective::Objective;
use crate::training::{Fit, Training, Warning, check_positive};

/// Multinomial logistic regression trained to the optimum by preconditioned L-BFGS.
///
/// | setting | default | purpose | range |
/// | --- | --- | --- | --- |
/// | `c` | 1 | weight of the loss against the penalty: C Σ loss + ½‖W‖² | > 0 |
/// | `tolerance` | 10⁻⁵ | largest absolute entry of the gradient at which to stop | > 0 |
/// | `max_iterations` | 1000 | stop after this many iterations, without convergence | any |
///
/// The gradient is that of the mean objective, (1/n) Σ loss + ‖W‖²/(2Cn), so the tolerance means
/// the same for any number of samples. With `f32` features the gradient has rounding errors of
/// about 10⁻⁷; tolerances below 10⁻⁶ need `f64`. Features should be standardised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lbfgs {
    /// Weight of the loss against the penalty.
    pub c: f64,
    /// Largest absolute entry of the mean objective's gradient at which to stop.
    pub tolerance: f64,
    /// Iterations after which to stop in any case.
    pub max_iterations: usize,
}

impl Default for Lbfgs {
    fn default() -> Self {
        Self { c: 1.0, tolerance: 1e-5, max_iterations: 1000 }
    }
}

impl Lbfgs {
    /// Trains on rows of features and their labels.
    ///
    /// By default `classes` are the distinct labels.
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
    ) -> Result<Fit<L>, EvalError> {
        self.check()?;
        let training = Training::new(&features, labels, classes)?;
        let gram = Gram::new(training.features.view());
        let start = vec![0.0; training.parameter_count()];
        let minimum = self.minimise(&training, &gram, self.c, start)?;
        Ok(finish(training, self.c, minimum))
    }

    /// Trains with each of `cs` on part of the rows, and again on all rows with the C that has the
    /// smallest mean log loss on the others.
    ///
    /// A share `held_out` is drawn by `stream` from the rows of each class (none of a class with
    /// fewer than two rows); [`HeldOut::Last`] takes the last rows. The values of C are tried in
    /// ascending order, each starting from the previous optimum, until the held-out loss rises: as
    /// a function of C it falls and then rises. For equal losses the smaller C is kept. `self.c` is
    /// not used.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit); also an empty list of C, a C that is not positive, a share
    /// outside (0, 1) or too small to hold out a single row, and last rows that are none or all.
    pub fn fit_with_validation<T: Feature, L: Label>(
        &self,
        features: ArrayView2<'_, T>,
        labels: &[L],
        classes: Option<&Classes<L>>,
        cs: &[f64],
        held_out: impl Into<HeldOut>,
        stream: &mut Stream,
    ) -> Result<Fit<L>, EvalError> {
        self.check()?;
        let cs = ascending(cs)?;
        let training = Training::new(&features, labels, classes)?;
        let (kept, held) =
            split_classes(&training.labels, training.class_count(), held_out.into(), stream)?;
        let part = training.rows(&kept);
        let rest = training.rows(&held);
        let gram = Gram::new(part.features.view());
        let mut best: Option<(f64, f64, Vec<f64>)> = None;
        let mut start = vec![0.0; training.parameter_count()];
        for &c in &cs {
            let minimum = self.minimise(&part, &gram, c, start)?;
            let loss = rest.objective(c).mean_loss(&minimum.x);
            if best.as_ref().is_some_and(|(_, least, _)| loss > *least) {
                break;
            }
            if best.as_ref().is_none_or(|(_, least, _)| loss < *least) {
                best = Some((c, loss, minimum.x.clone()));
            }
            start = minimum.x;
        }
        drop((part, rest));
        let (c, _, start) = best.unwrap_or_else(|| unreachable!("the list of C is not empty"));
        let gram = Gram::new(training.features.view());
        let minimum = self.minimise(&training, &gram, c, start)?;
        let mut fit = finish(training, c, minimum);
        if cs.len() > 1 && (c == cs[0] || c == cs[cs.len() - 1]) {
            fit.report.warnings.push(Warning::ValidationEdge { c });
        }
        Ok(fit)
    }

    fn minimise<T: Feature, L: Label>(
        &self,
        training: &Training<'_, T, L>,
        gram: &Gram,
        c: f64,
        start: Vec<f64>,
    ) -> Result<Minimum, EvalError> {
        let objective = training.objective(c);
        let preconditioner = Preconditioner::new(gram, training.class_count(), objective.penalty);
        let mut function = Preconditioned { objective, preconditioner };
        let minimum = minimise(&mut function, start, self.tolerance, self.max_iterations);
        if minimum.value.is_finite() && minimum.gradient_norm.is_finite() {
            Ok(minimum)
        } else {
            Err(EvalError::Diverged { solver: "L-BFGS", epoch: minimum.iterations })
        }
    }

    fn check(&self) -> Result<(), EvalError> {
        check_positive("c", self.c)?;
        check_positive("tolerance", self.tolerance)
    }
}

fn finish<T: Feature, L: Label>(training: Training<'_, T, L>, c: f64, minimum: Minimum) -> Fit<L> {
    let Minimum { x, value, gradient_norm, iterations, converged } = minimum;
    training.finish(&x, c, (converged, iterations), (value, gradient_norm))
}

struct Preconditioned<'a, T> {
    objective: Objective<'a, T>,
    preconditioner: Preconditioner,
}

impl<T: Feature> Smooth for Preconditioned<'_, T> {
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.objective.evaluate(x, gradient)
    }

    fn precondition(&self, direction: &mut [f64]) {
        self.preconditioner.apply(direction);
    }

    /// Logits have a few rounding errors of `T`, and so does the loss.
    fn value_error(&self) -> f64 {
        8.0 * T::epsilon().to_f64()
    }
}

fn ascending(cs: &[f64]) -> Result<Vec<f64>, EvalError> {
    if cs.is_empty() {
        let value = "empty".to_owned();
        return Err(EvalError::Setting { name: "cs", value, range: "at least one C" });
    }
    for &c in cs {
        check_positive("an entry of cs", c)?;
    }
    let mut cs = cs.to_vec();
    cs.sort_by(f64::total_cmp);
    cs.dedup();
    Ok(cs)
}
