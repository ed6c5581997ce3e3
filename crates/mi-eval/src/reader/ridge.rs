//! Ridge regression of whitened values, with the penalty chosen on held-out rows.

use mi_random::Stream;
use ndarray::{Array1, Array2, Axis};

use super::gaussian::{Moments, Predicted, Whitened, own_loss, residual_factor, solve};
use super::reading::Chosen;
use crate::EvalError;
use crate::held_out::{HeldOut, split_rows};
use crate::training::check_positive;

/// Predicts `rows` from a fit to all training rows. `candidates` are the values of C to choose
/// from; if there are none, `chosen` is used.
pub(super) fn predict(
    train: &Array2<f64>,
    target: &Whitened,
    rows: &Array2<f64>,
    (candidates, only): (Option<&[f64]>, Chosen),
    held_out: HeldOut,
    stream: &mut Stream,
) -> Result<Predicted, EvalError> {
    let chosen = match candidates {
        Some(cs) => Chosen::C(choose(train, &target.train, cs, held_out, stream)?),
        None => only,
    };
    let (Chosen::C(c) | Chosen::FixedC(c)) = chosen else { unreachable!("the setting is a C") };
    check_positive("an entry of cs", c)?;
    let fit = Regression::new(train, &target.train).ridge(c)?;
    let residuals = &target.train - &fit.predict(train);
    Ok(Predicted { means: fit.predict(rows), factor: residual_factor(&residuals)?, chosen })
}

/// The C whose fit to some rows has the smallest loss on the others; the smaller among equals.
fn choose(
    train: &Array2<f64>,
    values: &Array2<f64>,
    cs: &[f64],
    held_out: HeldOut,
    stream: &mut Stream,
) -> Result<f64, EvalError> {
    let (kept, held) = split_rows(train.nrows(), held_out, stream)?;
    let rows = |matrix: &Array2<f64>, rows: &[usize]| matrix.select(Axis(0), rows);
    let (x, y) = (rows(train, &kept), rows(values, &kept));
    let (held_x, held_y) = (rows(train, &held), rows(values, &held));
    let regression = Regression::new(&x, &y);
    let mut cs = cs.to_vec();
    cs.sort_by(f64::total_cmp);
    let mut best = (f64::INFINITY, cs[0]);
    for &c in &cs {
        check_positive("an entry of cs", c)?;
        let loss = own_loss(&(&held_y - &regression.ridge(c)?.predict(&held_x)))?;
        if loss < best.0 {
            best = (loss, c);
        }
    }
    Ok(best.1)
}

/// What ridge regression needs of the rows, whatever the penalty.
struct Regression {
    rows: f64,
    mean_x: Array1<f64>,
    mean_y: Array1<f64>,
    moments_of_x: Moments,
    cross_moments: Array2<f64>,
}

impl Regression {
    fn new(x: &Array2<f64>, y: &Array2<f64>) -> Self {
        let rows = x.nrows() as f64;
        let (mean_x, mean_y) = (x.sum_axis(Axis(0)) / rows, y.sum_axis(Axis(0)) / rows);
        let (x, y) = (x - &mean_x, y - &mean_y);
        let cross_moments = x.t().dot(&y) / rows;
        Self { rows, mean_x, mean_y, moments_of_x: Moments::of(&x), cross_moments }
    }

    /// The minimum of `C ½ Σ ‖y − x W − b‖² + ½ ‖W‖²`.
    fn ridge(&self, c: f64) -> Result<Ridge, EvalError> {
        let factor = self.moments_of_x.factor(1.0 / (c * self.rows))?;
        let mut weights = self.cross_moments.clone();
        solve(&factor, &mut weights);
        Ok(Ridge { mean_x: self.mean_x.clone(), mean_y: self.mean_y.clone(), weights })
    }
}

/// A fit: y ≈ (x − mean of x) W + mean of y.
struct Ridge {
    mean_x: Array1<f64>,
    mean_y: Array1<f64>,
    weights: Array2<f64>,
}

impl Ridge {
    fn predict(&self, x: &Array2<f64>) -> Array2<f64> {
        (x - &self.mean_x).dot(&self.weights) + &self.mean_y
    }
}
