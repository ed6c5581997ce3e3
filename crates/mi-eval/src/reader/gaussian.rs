//! Gaussian densities around a reader's predictions.

use mi_kernels::{Cholesky, Scalar};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::reading::Chosen;
use crate::{EvalError, StandardScaler};

/// A pivot of standardised columns below this counts as 0: the column is a linear function of those
/// before it.
const SMALLEST_PIVOT: f64 = 1e-12;

/// A standardised value is left out if less than this part of its variance remains given the values
/// before it: no density over both exists, or none that is stable under rounding.
const FUNCTION: f64 = 1e-6;

/// Added to the variance of whitened values and of residuals, since features may determine values.
const FLOOR: f64 = 1e-6;

/// Linear readers with Gaussian noise: N(W x + b, Σ) of y given x, and N(m, Σ₀) without x, all by
/// maximum likelihood except for a penalty on W.
///
/// The building block of linear V-information (Xu et al., 2020, proposition 1) for callers that
/// split rows differently: no column is scaled, and no penalty is chosen.
#[derive(Clone, Debug)]
pub struct LinearGaussian {
    mean_x: ndarray::Array1<f64>,
    mean_y: ndarray::Array1<f64>,
    weights: Array2<f64>,
    with: Cholesky,
    without: Cholesky,
}

impl LinearGaussian {
    /// Fits to n rows: `W = (Cov x + ridge · I)⁻¹ Cov(x, y)`.
    ///
    /// # Shapes
    /// `x`: n × d, `y`: n × e, the same n.
    ///
    /// # Errors
    /// A column of y, or of its residuals, that is a linear function of others (its variance given
    /// them is below 10⁻¹²); the same for x, if the penalty is too small to prevent it.
    ///
    /// # Panics
    /// If the numbers of rows of x and y differ.
    pub fn fit(
        x: ArrayView2<'_, f64>,
        y: ArrayView2<'_, f64>,
        ridge: f64,
    ) -> Result<Self, EvalError> {
        let n = x.nrows() as f64;
        let mean = |side: ArrayView2<'_, f64>| side.sum_axis(Axis(0)) / n;
        let (mean_x, mean_y) = (mean(x), mean(y));
        let (x, y) = (&x - &mean_x, &y - &mean_y);
        let of_x = Moments::of(&x).factor(ridge)?;
        let mut weights = x.t().dot(&y) / n;
        solve(&of_x, &mut weights);
        let without = Moments::of(&y).factor(0.0)?;
        let with = Moments::of(&(&y - &x.dot(&weights))).factor(0.0)?;
        Ok(Self { mean_x, mean_y, weights, with, without })
    }

    /// −ln p(y | x) and −ln p(y) of every row, in nats.
    ///
    /// # Panics
    /// If shapes differ from those of the fit.
    pub fn log_losses(
        &self,
        x: ArrayView2<'_, f64>,
        y: ArrayView2<'_, f64>,
    ) -> (Vec<f64>, Vec<f64>) {
        let (x, y) = (&x - &self.mean_x, &y - &self.mean_y);
        let with = losses(&(&y - &x.dot(&self.weights)), &self.with);
        (with, losses(&y, &self.without))
    }
}

/// Replaces every column b of a matrix by the solution of A z = b.
pub(super) fn solve(factor: &Cholesky, matrix: &mut Array2<f64>) {
    for mut column in matrix.columns_mut() {
        let mut values = column.to_vec();
        factor.solve(&mut values);
        column.iter_mut().zip(values).for_each(|(to, value)| *to = value);
    }
}

/// The second moments of some rows, and their factor with `floor` added to the diagonal.
pub(super) struct Moments {
    rows: usize,
    moments: Array2<f64>,
}

impl Moments {
    pub(super) fn of(rows: &Array2<f64>) -> Self {
        Self { rows: rows.nrows(), moments: rows.t().dot(rows) / rows.nrows() as f64 }
    }

    pub(super) fn factor(&self, floor: f64) -> Result<Cholesky, EvalError> {
        let mut moments = self.moments.clone();
        moments.diag_mut().mapv_inplace(|variance| variance + floor);
        Cholesky::new(moments.view(), SMALLEST_PIVOT).map_err(|column| {
            EvalError::SingularCovariance { columns: moments.ncols(), n: self.rows, column }
        })
    }
}

/// −ln N(0, L Lᵀ) of every row.
fn losses(rows: &Array2<f64>, factor: &Cholesky) -> Vec<f64> {
    let d = rows.ncols();
    let constant = 0.5 * (d as f64 * (2.0 * std::f64::consts::PI).ln() + factor.log_determinant(d));
    let whitened = lower(rows, factor);
    let square = |row: ArrayView1<'_, f64>| row.iter().map(|v| v * v).sum::<f64>();
    whitened.rows().into_iter().map(|row| constant + 0.5 * square(row)).collect()
}

/// Real values to be learnt, in coordinates in which the training rows have mean 0 and covariance
/// I. A reader that minimises squared errors there treats all directions equally, whatever the
/// units of the values.
#[derive(Clone, Debug)]
pub(crate) struct Whitened {
    scaler: StandardScaler,
    /// Columns that are neither constant nor functions of those before them.
    kept: Vec<usize>,
    columns: usize,
    factor: Cholesky,
    /// What the change of coordinates adds to −ln of a density.
    log_volume: f64,
    /// The factor of the training rows' covariance in the new coordinates, I, with the same floor
    /// as for residuals.
    own: Cholesky,
    /// The training rows.
    pub(super) train: Array2<f64>,
}

impl Whitened {
    pub(crate) fn new<T: Scalar>(
        operation: &'static str,
        values: &ArrayView2<'_, T>,
    ) -> Result<Self, EvalError> {
        let scaler = StandardScaler::fit(*values)?;
        let columns = values.ncols();
        let mut kept: Vec<usize> = (0..columns).filter(|&j| !scaler.is_constant(j)).collect();
        if kept.is_empty() {
            return Err(EvalError::NoSpread { operation });
        }
        let standard = scaler.transform(values.mapv(Scalar::to_f64).view())?;
        let covariance = standard.t().dot(&standard) / standard.nrows() as f64;
        let factor = loop {
            let of_kept = covariance.select(Axis(0), &kept).select(Axis(1), &kept);
            match Cholesky::new(of_kept.view(), FUNCTION) {
                Ok(factor) => break factor,
                Err(column) => drop(kept.remove(column)),
            }
        };
        let standard = standard.select(Axis(1), &kept);
        let deviations = scaler.deviations();
        let scales: f64 = kept.iter().map(|&j| deviations[j].ln()).sum();
        let log_volume = scales + 0.5 * factor.log_determinant(kept.len());
        let train = lower(&standard, &factor);
        let own = Moments::of(&train).factor(FLOOR)?;
        Ok(Self { scaler, kept, columns, factor, log_volume, own, train })
    }

    /// Columns of the values as they were given.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Other rows in the same coordinates.
    pub(super) fn whiten<T: Scalar>(
        &self,
        values: &ArrayView2<'_, T>,
    ) -> Result<Array2<f64>, EvalError> {
        let values = values.mapv(Scalar::to_f64);
        let standard = self.scaler.transform(values.view())?.select(Axis(1), &self.kept);
        Ok(lower(&standard, &self.factor))
    }

    /// −ln of the density at residuals, of covariance `factor`, in the values' own units.
    pub(super) fn losses(&self, residuals: &Array2<f64>, factor: &Cholesky) -> Vec<f64> {
        let mut found = losses(residuals, factor);
        for loss in &mut found {
            *loss += self.log_volume;
        }
        found
    }

    /// −ln of the training rows' own Gaussian.
    pub(super) fn losses_without(&self, whitened: &Array2<f64>) -> Vec<f64> {
        self.losses(whitened, &self.own)
    }
}

/// L⁻¹ times every row.
fn lower(rows: &Array2<f64>, factor: &Cholesky) -> Array2<f64> {
    let mut out = rows.clone();
    factor.solve_lower_rows(out.view_mut());
    out
}

/// A reader's predictions for some rows, in whitened coordinates.
#[derive(Clone, Debug)]
pub(crate) struct Predicted {
    pub(super) means: Array2<f64>,
    /// The factor of the residuals' covariance.
    pub(super) factor: Cholesky,
    pub(super) chosen: Chosen,
}

/// The factor of residuals' covariance, with the floor of whitened values.
///
/// # Errors
/// Fewer rows than columns + 2: in some direction there is no residual at all then, only the floor,
/// and other rows, which do differ there, would have losses of millions of nats.
pub(super) fn residual_factor(residuals: &Array2<f64>) -> Result<Cholesky, EvalError> {
    let (found, columns) = residuals.dim();
    let needed = columns + 2;
    if found < needed {
        let operation = "covariance of a reader's residuals (give more training or held-out rows, \
                         or values of fewer columns)";
        return Err(EvalError::TooFewRows { operation, needed, found });
    }
    Moments::of(residuals).factor(FLOOR)
}

/// The mean loss of residuals under their own Gaussian, by which a reader is chosen. No other rows
/// are judged by this Gaussian, so any number of rows will do.
pub(super) fn own_loss(residuals: &Array2<f64>) -> Result<f64, EvalError> {
    let d = residuals.ncols();
    Ok(0.5 * Moments::of(residuals).factor(FLOOR)?.log_determinant(d))
}
