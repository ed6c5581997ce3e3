use mi_kernels::Cholesky;
use ndarray::{Array2, ArrayView2, s};
use serde::{Deserialize, Serialize};
use statrs::function::gamma::digamma;

use super::SMALLEST_PIVOT;
use super::linear_algebra::singular_values;
use crate::SamplesError;
use crate::moments::mean_and_squares;
use crate::sample::{Marginals, Sample, columns_of};

/// Mutual information from a covariance matrix.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GaussianInformation {
    /// In nats, corrected for the bias of the logarithms of sample determinants.
    pub value: f64,
    /// In nats, directly from the sample covariance.
    pub uncorrected: f64,
    /// The standard error of `value`, from the contributions of the observations, so that it is
    /// also valid for non-Gaussian distributions.
    pub standard_error: f64,
}

/// Mutual information in nats of jointly Gaussian columns; for other columns, the part in their
/// covariance.
///
/// ½ (ln |Σx| + ln |Σy| − ln |Σxy|), the same as −½ Σ ln(1 − ρᵢ²) over the canonical correlations.
/// The logarithm of a sample determinant of d columns is biased by
/// Σ ψ((N − i)/2) + d ln(2/(N − 1)), i = 1…d; `value` is corrected for it (Misra, Singh and
/// Demchuk, 2005; Ince et al., 2017, Hum. Brain Mapp. 38, eq. 18).
///
/// # Shapes
/// `x`: n × dx, `y`: n × dy.
///
/// # Errors
/// If the sides are empty, have different numbers of rows or a value that is not finite; if
/// n ≤ dx + dy + 1; and if a column is constant or a linear function of the others (of x, then of
/// both).
pub fn gaussian(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
) -> Result<GaussianInformation, SamplesError> {
    if x.nrows() != y.nrows() {
        return Err(SamplesError::RowCounts { x: x.nrows(), y: y.nrows() });
    }
    gaussian_of(columns_of(x)?, columns_of(y)?)
}

/// Mutual information in nats of columns with a Gaussian copula: [`gaussian`] of the normal scores
/// of their ranks (Ince et al., 2017). For other copulas a lower bound, up to sampling error.
///
/// # Errors
/// Those of [`gaussian`].
pub fn gaussian_copula(x: &Sample, y: &Sample) -> Result<GaussianInformation, SamplesError> {
    if x.n() != y.n() {
        return Err(SamplesError::RowCounts { x: x.n(), y: y.n() });
    }
    let [x, y] = [x, y].map(|side| side.marginal_columns(Marginals::NormalScores));
    gaussian_of(x, y)
}

/// Conditional mutual information I(X; Y | Z) in nats of jointly Gaussian columns:
/// ½ (ln |Σxz| + ln |Σyz| − ln |Σz| − ln |Σxyz|), corrected for bias like [`gaussian`].
///
/// # Shapes
/// `x`: n × dx, `y`: n × dy, `z`: n × dz.
///
/// # Errors
/// Those of [`gaussian`].
pub fn gaussian_conditional(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    z: ArrayView2<'_, f64>,
) -> Result<GaussianInformation, SamplesError> {
    for other in [y, z] {
        if x.nrows() != other.nrows() {
            return Err(SamplesError::RowCounts { x: x.nrows(), y: other.nrows() });
        }
    }
    gaussian_conditional_of(columns_of(x)?, columns_of(y)?, columns_of(z)?)
}

/// Differential entropy in nats of Gaussian columns: ½ (d ln 2πe + ln |Σ|), corrected for bias.
///
/// # Shapes
/// `x`: n × d.
///
/// # Errors
/// Those of [`gaussian`].
pub fn gaussian_entropy(x: ArrayView2<'_, f64>) -> Result<f64, SamplesError> {
    let columns = columns_of(x)?;
    let d = columns.len();
    let (standardised, logarithms) = standardise(columns)?;
    let n = standardised.ncols();
    let factor = correlations(&standardised)?;
    let scale = (2.0 * std::f64::consts::PI * std::f64::consts::E).ln();
    let logarithm = factor.log_determinant(d) + 2.0 * logarithms.iter().sum::<f64>();
    Ok(0.5 * (d as f64 * scale + logarithm - bias(d, n)))
}

/// The canonical correlations of two sides, in descending order.
///
/// # Shapes
/// `x`: n × dx, `y`: n × dy; min(dx, dy) correlations.
///
/// # Errors
/// Those of [`gaussian`].
pub fn canonical_correlations(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
) -> Result<Vec<f64>, SamplesError> {
    if x.nrows() != y.nrows() {
        return Err(SamplesError::RowCounts { x: x.nrows(), y: y.nrows() });
    }
    let (dx, dy) = (x.ncols(), y.ncols());
    let (sides, _) = standardise([columns_of(x)?, columns_of(y)?].concat())?;
    let n = sides.ncols();
    let matrix = sides.dot(&sides.t()) / (n - 1) as f64;
    let singular = |column| SamplesError::SingularCovariance { columns: dx + dy, n, column };
    let of_x = Cholesky::new(matrix.slice(s![..dx, ..dx]), SMALLEST_PIVOT).map_err(singular)?;
    let of_y = Cholesky::new(matrix.slice(s![dx.., dx..]), SMALLEST_PIVOT)
        .map_err(|c| singular(dx + c))?;
    // Lx⁻¹ Σxy Ly⁻ᵀ, column by column and then row by row.
    let mut cross = matrix.slice(s![..dx, dx..]).to_owned();
    of_x.solve_lower_rows(cross.view_mut().reversed_axes());
    of_y.solve_lower_rows(cross.view_mut());
    Ok(singular_values(cross.view()).iter().map(|rho| rho.min(1.0)).collect())
}

fn gaussian_of(x: Vec<Vec<f64>>, y: Vec<Vec<f64>>) -> Result<GaussianInformation, SamplesError> {
    gaussian_conditional_of(x, y, Vec::new())
}

pub(crate) fn gaussian_conditional_of(
    x: Vec<Vec<f64>>,
    y: Vec<Vec<f64>>,
    z: Vec<Vec<f64>>,
) -> Result<GaussianInformation, SamplesError> {
    let (dx, dy, dz) = (x.len(), y.len(), z.len());
    // In the order z, x, y a factor of all columns contains those of z and of (z, x).
    let by_sides = |error| match error {
        SamplesError::SingularCovariance { columns, n, column } => {
            let column = if column < dz { dx + dy + column } else { column - dz };
            SamplesError::SingularCovariance { columns, n, column }
        }
        other => other,
    };
    let (sides, _) = standardise([z, x, y].concat()).map_err(by_sides)?;
    let n = sides.ncols();
    let all = correlations(&sides).map_err(by_sides)?;
    let mut rows: Vec<usize> = (0..dz).collect();
    rows.extend(dz + dx..dz + dx + dy);
    // Part of a matrix that has an inverse.
    let zy = correlations(&sides.select(ndarray::Axis(0), &rows))?;
    let uncorrected = 0.5
        * (all.log_determinant(dz + dx) + zy.log_determinant(dz + dy)
            - all.log_determinant(dz)
            - all.log_determinant(dz + dx + dy));
    let excess = 0.5 * (bias(dz + dx, n) + bias(dz + dy, n) - bias(dz, n) - bias(dz + dx + dy, n));
    // An observation's contribution is half the squared length of y given z minus that of y given
    // (z, x), both whitened: the derivative of the value with respect to the observation's weight.
    let mut contributions = Vec::with_capacity(n);
    for observation in sides.columns() {
        let mut whole = observation.to_vec();
        let mut part: Vec<f64> = rows.iter().map(|&row| whole[row]).collect();
        all.solve_lower(&mut whole);
        zy.solve_lower(&mut part);
        let square = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>();
        contributions.push(0.5 * (square(&part[dz..]) - square(&whole[dz + dx..])));
    }
    let spread = mean_and_squares(&contributions).1 / n as f64;
    // Near independence the first term vanishes, and 2 N I is about χ² with dx·dy degrees.
    let second = (dx * dy) as f64 / (2.0 * (n as f64).powi(2));
    let standard_error = (spread / n as f64 + second).sqrt();
    Ok(GaussianInformation { value: uncorrected - excess, uncorrected, standard_error })
}

/// The difference between the expected logarithm of a sample determinant and the true one.
fn bias(d: usize, n: usize) -> f64 {
    let digammas: f64 = (1..=d).map(|i| digamma((n - i) as f64 / 2.0)).sum();
    digammas + d as f64 * (2.0 / (n - 1) as f64).ln()
}

/// Columns of mean 0 and variance 1 as the rows of a matrix, and the logarithms of their
/// standard deviations.
fn standardise(columns: Vec<Vec<f64>>) -> Result<(Array2<f64>, Vec<f64>), SamplesError> {
    let (d, n) = (columns.len(), columns[0].len());
    if n < d + 2 {
        let operation = "a covariance of all columns";
        return Err(SamplesError::TooFewObservations { operation, needed: d + 2, n });
    }
    let mut matrix = Array2::zeros((d, n));
    let mut logarithms = Vec::with_capacity(d);
    for (column, (mut row, values)) in matrix.rows_mut().into_iter().zip(&columns).enumerate() {
        let (mean, squares) = mean_and_squares(values);
        let deviation = (squares / (n - 1) as f64).sqrt();
        let largest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        if deviation <= 1e-14 * largest {
            return Err(SamplesError::SingularCovariance { columns: d, n, column });
        }
        row.iter_mut().zip(values).for_each(|(to, v)| *to = (v - mean) / deviation);
        logarithms.push(deviation.ln());
    }
    Ok((matrix, logarithms))
}

/// The factor of the correlation matrix of standardised columns, given as rows.
fn correlations(sides: &Array2<f64>) -> Result<Cholesky, SamplesError> {
    let (columns, n) = sides.dim();
    let matrix = sides.dot(&sides.t()) / (n - 1) as f64;
    Cholesky::new(matrix.view(), SMALLEST_PIVOT)
        .map_err(|column| SamplesError::SingularCovariance { columns, n, column })
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use mi_random::Stream;

    fn pair(stream: &mut Stream, n: usize, d: usize, rho: f64) -> (Array2<f64>, Array2<f64>) {
        let x = stream.normal_matrix((n, d));
        let y = rho * &x + (1.0 - rho * rho).sqrt() * stream.normal_matrix((n, d));
        (x, y)
    }

    #[test]
    fn one_pair_is_the_logarithm_of_the_correlation() {
        let (x, y) = pair(&mut Stream::new(0, "gaussian"), 500, 1, 0.75);
        let (mx, my) = (x.mean().unwrap(), y.mean().unwrap());
        let cov = |a: &Array2<f64>, ma: f64, b: &Array2<f64>, mb: f64| {
            a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum::<f64>()
        };
        let rho2 = cov(&x, mx, &y, my).powi(2) / (cov(&x, mx, &x, mx) * cov(&y, my, &y, my));
        let found = gaussian(x.view(), y.view()).unwrap();
        assert_abs_diff_eq!(found.uncorrected, -0.5 * (1.0 - rho2).ln(), epsilon = 1e-12);
        let canonical = canonical_correlations(x.view(), y.view()).unwrap();
        assert_abs_diff_eq!(canonical[0].powi(2), rho2, epsilon = 1e-12);
        // Near the standard error of a Gaussian, ρ/√n.
        assert_abs_diff_eq!(found.standard_error, 0.75 / 500.0_f64.sqrt(), epsilon = 0.005);
    }

    #[test]
    fn scales_and_offsets_change_nothing() {
        let (x, y) = pair(&mut Stream::new(1, "gaussian"), 300, 3, 0.5);
        let plain = gaussian(x.view(), y.view()).unwrap();
        let scaled = gaussian((1e-12 * &x).view(), (1e7 * &y + 3e3).view()).unwrap();
        assert_abs_diff_eq!(plain.value, scaled.value, epsilon = 1e-9);
        let swapped = gaussian(y.view(), x.view()).unwrap();
        assert_abs_diff_eq!(plain.value, swapped.value, epsilon = 1e-12);
        let canonical = canonical_correlations(x.view(), y.view()).unwrap();
        let sum: f64 = canonical.iter().map(|rho| -0.5 * (1.0 - rho * rho).ln()).sum();
        assert_abs_diff_eq!(plain.uncorrected, sum, epsilon = 1e-12);
    }

    #[test]
    fn the_correction_removes_the_bias() {
        let mut stream = Stream::new(2, "gaussian");
        let (trials, n, d) = (300, 60, 4);
        let truth = -2.0 * (1.0 - 0.25_f64).ln();
        let (mut corrected, mut plain) = (0.0, 0.0);
        for _ in 0..trials {
            let (x, y) = pair(&mut stream, n, d, 0.5);
            let found = gaussian(x.view(), y.view()).unwrap();
            corrected += found.value / f64::from(trials);
            plain += found.uncorrected / f64::from(trials);
        }
        // Without the correction the bias is about d·d/(2n) = 0.13; the mean's standard error
        // is 0.01.
        assert!((corrected - truth).abs() < 0.03, "{corrected} {truth}");
        assert!(plain - truth > 0.1, "{plain} {truth}");
    }

    #[test]
    fn a_common_cause_is_conditioned_away() {
        let mut stream = Stream::new(3, "gaussian");
        let z = stream.normal_matrix((4000, 2));
        let x = stream.normal_matrix((4000, 2)) + &z;
        let y = stream.normal_matrix((4000, 2)) + &z;
        let given = gaussian_conditional(x.view(), y.view(), z.view()).unwrap();
        assert!(given.value.abs() < 4.0 * given.standard_error, "{given:?}");
        let without = gaussian(x.view(), y.view()).unwrap();
        assert!((without.value + (1.0 - 0.25_f64).ln()).abs() < 4.0 * without.standard_error);
    }

    #[test]
    fn entropy_of_a_scaled_gaussian() {
        let x = 3.0 * Stream::new(4, "gaussian").normal_matrix((5000, 2));
        let truth = (2.0 * std::f64::consts::PI * std::f64::consts::E).ln() + 2.0 * 3.0_f64.ln();
        assert_abs_diff_eq!(gaussian_entropy(x.view()).unwrap(), truth, epsilon = 0.06);
    }

    #[test]
    fn singular_columns_are_named() {
        let x = Stream::new(5, "gaussian").normal_matrix((50, 2));
        let error = gaussian(x.view(), x.view()).unwrap_err();
        assert!(matches!(error, SamplesError::SingularCovariance { column: 2, .. }));
        let constant = Array2::from_elem((50, 1), 1e6 + 0.1);
        let error = gaussian(constant.view(), x.view()).unwrap_err();
        assert!(matches!(error, SamplesError::SingularCovariance { column: 0, .. }));
        // Columns are counted over x, y and those given, in that order.
        let (a, b) = (x.slice(s![.., ..1]), x.slice(s![.., 1..]));
        let singular = |x: ArrayView2<'_, f64>, y, z| match gaussian_conditional(x, y, z) {
            Err(SamplesError::SingularCovariance { column, .. }) => column,
            other => panic!("{other:?}"),
        };
        assert_eq!((singular(a, b, a), singular(a, b, b)), (0, 1));
        assert_eq!((singular(b, b, a), singular(a, b, constant.view())), (1, 2));
        let error = gaussian(x.slice(s![..4, ..]), x.slice(s![..4, ..])).unwrap_err();
        assert!(matches!(error, SamplesError::TooFewObservations { needed: 6, .. }));
    }
}
