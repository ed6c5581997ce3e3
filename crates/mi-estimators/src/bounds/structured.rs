//! Bounds that need log densities of y given x, not scores.
//!
//! `log_density[[i, j]] = log p(y_j | x_i)` in nats, pairs on the diagonal. The upper bounds hold
//! only for the true conditional density; with a fitted one they are estimates, which may fall
//! below the mutual information and below 0. A lower bound from the same matrix is
//! [`BoundSpec::InfoNce`](super::BoundSpec::InfoNce), capped at log K.

use mi_kernels::{Logarithm, Scalar};
use ndarray::{ArrayView1, ArrayView2};

use super::whole::check_matrix;
use crate::EstimatorError;

/// An upper bound in nats. A separate type prevents confusion with a lower bound.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct UpperBound(f64);

impl UpperBound {
    /// The number.
    pub fn nats(self) -> f64 {
        self.0
    }

    fn new(bound: &str, nats: f64) -> Result<Self, EstimatorError> {
        determinate(bound, nats).map(Self)
    }
}

/// The value of a bound, or an error if infinite log densities have cancelled.
fn determinate(bound: &str, nats: f64) -> Result<f64, EstimatorError> {
    if nats.is_nan() {
        return Err(EstimatorError::Indeterminate { bound: bound.to_owned() });
    }
    Ok(nats)
}

/// Barber and Agakov's lower bound (2003): `mean_i log q(y_i | x_i) + H(Y)`, for any model q.
///
/// # Errors
/// No element; NaN; infinities that cancel.
pub fn barber_agakov_lower<T: Scalar>(
    log_model: ArrayView1<'_, T>,
    entropy_y: f64,
) -> Result<f64, EstimatorError> {
    determinate("ba-lower", mean_of(log_model)? + entropy_y)
}

/// Barber and Agakov's upper bound: `mean_i (log p(y_i | x_i) − log m(y_i))`, for the true
/// conditional density p and any density m of y (Poole et al., 2019, eq. 1).
///
/// # Errors
/// Different lengths; no element; NaN; infinities that cancel.
pub fn barber_agakov_upper<T: Scalar>(
    log_conditional: ArrayView1<'_, T>,
    log_marginal: ArrayView1<'_, T>,
) -> Result<UpperBound, EstimatorError> {
    if log_conditional.len() != log_marginal.len() {
        let (x, y) = (log_conditional.len(), log_marginal.len());
        return Err(EstimatorError::RowCounts { x, y });
    }
    UpperBound::new("ba-upper", mean_of(log_conditional)? - mean_of(log_marginal)?)
}

/// The leave-one-out upper bound (Poole et al., 2019, eq. 11):
/// `mean_i [log p(y_i | x_i) − log mean_{j≠i} p(y_i | x_j)]`.
///
/// # Shapes
/// `log_density` is K×K, rows are x: the mean is over the other rows of a column.
///
/// # Errors
/// A matrix that is empty, not square, or holds NaN; K = 1; infinities that cancel, such as an own
/// log density of −∞ where all others of the column are −∞.
pub fn leave_one_out_upper<T: Scalar>(
    log_density: ArrayView2<'_, T>,
) -> Result<UpperBound, EstimatorError> {
    let k = check_matrix(log_density)?;
    if k < 2 {
        return Err(EstimatorError::TooFewPairs { bound: "l1out".to_owned(), needed: 2, found: k });
    }
    let term = |i: usize| {
        let column = log_density.column(i);
        let others = (0..k).filter(move |&j| j != i).map(move |j| column[j].to_f64());
        Logarithm::of_sum(others).below(log_density[[i, i]].to_f64()) + ((k - 1) as f64).ln()
    };
    UpperBound::new("l1out", (0..k).map(term).sum::<f64>() / k as f64)
}

/// CLUB (Cheng et al., 2020, eq. 3):
/// `mean_i log p(y_i | x_i) − mean_{i,j} log p(y_j | x_i)`.
///
/// With a model q in place of p(y | x) it is a bound only as far as q fits: with a bad model it can
/// fall below the mutual information, and below 0.
///
/// # Shapes
/// `log_density` is K×K.
///
/// # Errors
/// A matrix that is empty, not square, or holds NaN; infinities that cancel, such as an own log
/// density of −∞.
pub fn club<T: Scalar>(log_density: ArrayView2<'_, T>) -> Result<UpperBound, EstimatorError> {
    let k = check_matrix(log_density)?;
    let joint = mean_of(log_density.diag())?;
    let all = log_density.rows().into_iter().map(|row| row.iter().map(|x| wide(*x)).sum::<f64>());
    UpperBound::new("club", joint - all.sum::<f64>() / (k as f64 * k as f64))
}

fn wide<T: Scalar>(x: T) -> f64 {
    x.to_f64()
}

fn mean_of<T: Scalar>(x: ArrayView1<'_, T>) -> Result<f64, EstimatorError> {
    if x.is_empty() {
        return Err(EstimatorError::EmptySide { rows: 0, columns: 1 });
    }
    if let Some(row) = x.iter().position(|x| x.is_nan()) {
        return Err(EstimatorError::NanScore { row });
    }
    // Infinities of both signs add up to NaN, which the callers refuse.
    Ok(x.iter().map(|x| wide(*x)).sum::<f64>() / x.len() as f64)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2, array};

    use super::*;

    #[test]
    fn values_by_hand() {
        let density = array![[-1.0, -2.0], [-4.0, -0.5_f64]];
        // Each column has one other row: [−1 − (−4) + (−0.5) − (−2)] / 2.
        assert!((leave_one_out_upper(density.view()).unwrap().nats() - 2.25).abs() < 1e-12);
        // −1.5/2 − (−7.5)/4
        assert!((club(density.view()).unwrap().nats() - 1.125).abs() < 1e-12);
        let conditional = density.diag();
        assert!((barber_agakov_lower(conditional, 2.0).unwrap() - 1.25).abs() < 1e-12);
        let marginal = array![-2.0, -3.0];
        let upper = barber_agakov_upper(conditional, marginal.view()).unwrap();
        assert!((upper.nats() - 1.75).abs() < 1e-12);
    }

    /// ρ = 0.8: I = 0.5108 nats.
    #[test]
    fn they_enclose_the_truth_for_gaussians() {
        let (rho, k) = (0.8_f64, 1000);
        let mut stream = mi_random::Stream::new(3, "pairs");
        let x = Array1::from_shape_simple_fn(k, || stream.normal());
        let sd = (1.0 - rho * rho).sqrt();
        let y = x.mapv(|x| rho * x + sd * stream.normal());
        let log_normal = |z: f64, sd: f64| {
            -0.5 * (z / sd).powi(2) - sd.ln() - 0.5 * (2.0 * std::f64::consts::PI).ln()
        };
        let density = Array2::from_shape_fn((k, k), |(i, j)| log_normal(y[j] - rho * x[i], sd));
        let truth = -sd.ln();
        let within = |name: &str, value: f64, low: f64, high: f64| {
            assert!((low..high).contains(&(value - truth)), "{name}: {value} of {truth}");
        };
        // Sampling error of the mean of log ratios is about 0.03.
        within("l1out", leave_one_out_upper(density.view()).unwrap().nats(), -0.08, 0.08);
        // CLUB's bias for Gaussians is KL(p(x)p(y) ‖ p(x,y)): large.
        within("club", club(density.view()).unwrap().nats(), 0.5, 2.0);
        let conditional = density.diag();
        let marginal = y.mapv(|y| log_normal(y, 1.0));
        let upper = barber_agakov_upper(conditional, marginal.view()).unwrap();
        within("ba-upper", upper.nats(), -0.08, 0.08);
        let entropy = 0.5 * (2.0 * std::f64::consts::PI * std::f64::consts::E).ln();
        within("ba-lower", barber_agakov_lower(conditional, entropy).unwrap(), -0.08, 0.08);
    }

    #[test]
    fn infinities_that_cancel_leave_no_value() {
        let low = f64::NEG_INFINITY;
        let named = |found: Result<f64, EstimatorError>, name: &str| {
            let bound = name.to_owned();
            assert_eq!(found, Err(EstimatorError::Indeterminate { bound }), "{name}");
        };
        let nats = |found: Result<UpperBound, EstimatorError>| found.map(UpperBound::nats);
        // No x explains y_1, not even its own.
        let column = array![[-1.0, low, -2.0], [-3.0, low, -1.0], [-2.0, low, -1.5]];
        named(nats(leave_one_out_upper(column.view())), "l1out");
        named(nats(club(column.view())), "club");
        // Only its own x explains y_1: the bounds are +∞, a value.
        let own = array![[-1.0, low], [-3.0, -1.0]];
        assert_eq!(nats(leave_one_out_upper(own.view())), Ok(f64::INFINITY));
        assert_eq!(nats(club(own.view())), Ok(f64::INFINITY));
        let (all, some) = (array![low, low], array![-1.0, low]);
        named(nats(barber_agakov_upper(all.view(), some.view())), "ba-upper");
        named(barber_agakov_lower(all.view(), f64::INFINITY), "ba-lower");
        assert_eq!(barber_agakov_lower(all.view(), 1.0), Ok(low));
    }

    #[test]
    fn mistakes_are_named() {
        let one = array![[0.0_f64]];
        assert!(leave_one_out_upper(one.view()).is_err());
        // A model that prefers every other y to the row's own.
        assert!(club(array![[-3.0, 0.0], [0.0, -3.0]].view()).unwrap().nats() < 0.0);
        assert!(club(Array2::<f64>::zeros((0, 0)).view()).is_err());
        assert!(club(Array2::<f64>::zeros((2, 3)).view()).is_err());
        assert!(club(array![[f64::NAN]].view()).is_err());
        assert!(barber_agakov_lower(Array1::<f64>::zeros(0).view(), 0.0).is_err());
        assert!(barber_agakov_upper(one.row(0), Array1::zeros(2).view()).is_err());
    }
}
