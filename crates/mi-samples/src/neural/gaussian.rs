//! The starting point of critics: the log density ratio of a Gaussian copula.

use mi_kernels::Cholesky;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use super::saved::Tables;
use crate::SamplesError;
use crate::closed_form::{SMALLEST_PIVOT, orthogonal_columns};

/// Added to the diagonals of the covariances of scores, whose own entries are near 1.
const RIDGE: f64 = 1e-4;

/// Larger correlations would give scores of hundreds of nats.
const LARGEST: f64 = 0.9995;

/// The pointwise log ratio ln p(x, y)/(p(x) p(y)) of jointly Gaussian scores, fitted to some rows.
///
/// # Formula
/// With canonical variates u of x and v of y and their correlations ρ, the sum over directions of
/// `(ρ u v − ½ ρ² (u² + v²)) / (1 − ρ²) − ½ ln(1 − ρ²)`: an inner product of a function of x and
/// one of y.
///
/// Sample correlations are too large and their directions noisy. A direction whose correlation is
/// not above the largest one for independent columns of these dimensions (Wachter, 1980) is left
/// out; the other correlations are corrected by the limit of Bao, Hu, Pan and Zhou (2019, Annals of
/// Statistics 47, theorem 1.8), once for the sample and once more for rows outside it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GaussianRatio {
    pub(super) mean_x: Array1<f64>,
    pub(super) mean_y: Array1<f64>,
    /// Maps columns of x to canonical variates: dx × r.
    pub(super) of_x: Array2<f64>,
    /// Maps columns of y to canonical variates: dy × r.
    pub(super) of_y: Array2<f64>,
    pub(super) correlations: Vec<f64>,
    /// A constant added to every score.
    pub(super) offset: f64,
}

impl GaussianRatio {
    /// Fits to rows of scores; has no direction if there is nothing to fit.
    ///
    /// # Shapes
    /// `x`: n × dx, `y`: n × dy.
    pub(super) fn fit(x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>) -> Self {
        let (n, dx, dy) = (x.nrows() as f64, x.ncols(), y.ncols());
        let mean = |side: &ArrayView2<'_, f64>| {
            side.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(side.ncols()))
        };
        let (mean_x, mean_y) = (mean(&x), mean(&y));
        if dx == 0 || dy == 0 || n <= (dx + dy + 1) as f64 {
            return Self::none(dx, dy);
        }
        let (x, y) = (&x - &mean_x, &y - &mean_y);
        let covariance = |side: &Array2<f64>| {
            let mut matrix = side.t().dot(side) / n;
            matrix.diag_mut().mapv_inplace(|variance| variance + RIDGE);
            Cholesky::new(matrix.view(), SMALLEST_PIVOT)
        };
        let (Ok(root_x), Ok(root_y)) = (covariance(&x), covariance(&y)) else {
            return Self::none(dx, dy);
        };
        // C = Lx⁻¹ Σxy Ly⁻ᵀ; its singular vectors are the whitened canonical directions.
        let mut cross = x.t().dot(&y) / n;
        root_x.solve_lower_rows(cross.view_mut().reversed_axes());
        root_y.solve_lower_rows(cross.view_mut());
        let wide = dy > dx;
        let rotated = orthogonal_columns(if wide { cross.t() } else { cross.view() });
        let (gamma_x, gamma_y) = (dx as f64 / n, dy as f64 / n);
        let mut kept: Vec<(f64, f64, usize)> = rotated
            .columns()
            .into_iter()
            .enumerate()
            .filter_map(|(place, column)| {
                let found = column.dot(&column).sqrt();
                Some((shrunk(found, gamma_x, gamma_y)?, found, place))
            })
            .collect();
        kept.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut of_x, mut of_y) =
            (Array2::zeros((dx, kept.len())), Array2::zeros((dy, kept.len())));
        for (r, &(_, found, place)) in kept.iter().enumerate() {
            let first = &rotated.column(place) / found;
            let second = if wide { cross.dot(&first) } else { cross.t().dot(&first) } / found;
            let (mut x, mut y) = if wide {
                (second.to_vec(), first.to_vec())
            } else {
                (first.to_vec(), second.to_vec())
            };
            root_x.solve_upper(&mut x);
            root_y.solve_upper(&mut y);
            of_x.column_mut(r).assign(&ArrayView1::from(&x));
            of_y.column_mut(r).assign(&ArrayView1::from(&y));
        }
        let correlations = kept.into_iter().map(|(rho, ..)| rho).collect();
        Self { mean_x, mean_y, of_x, of_y, correlations, offset: 0.0 }
    }

    /// No direction: scores of 0.
    pub(super) fn none(dx: usize, dy: usize) -> Self {
        Self {
            mean_x: Array1::zeros(dx),
            mean_y: Array1::zeros(dy),
            of_x: Array2::zeros((dx, 0)),
            of_y: Array2::zeros((dy, 0)),
            correlations: Vec::new(),
            offset: 0.0,
        }
    }

    /// The same ratio plus a constant.
    pub(super) fn above(self, offset: f64) -> Self {
        Self { offset, ..self }
    }

    /// The fit as named tables.
    pub(super) fn tables(&self) -> Tables {
        let row = |values: &[f64]| Array2::from_shape_fn((1, values.len()), |(_, i)| values[i]);
        let mut tables = Tables::default();
        tables.put("mean_x", row(&self.mean_x.to_vec()));
        tables.put("mean_y", row(&self.mean_y.to_vec()));
        tables.put("of_x", self.of_x.clone());
        tables.put("of_y", self.of_y.clone());
        tables.put("correlations", row(&self.correlations));
        tables.put("offset", row(&[self.offset]));
        tables
    }

    /// The fit that [`GaussianRatio::tables`] wrote.
    pub(super) fn from_tables(tables: &Tables) -> Result<Self, SamplesError> {
        let table = |name: &str| {
            let missing = || SamplesError::SavedCritic { problem: format!("no table `{name}`") };
            tables.get(name).ok_or_else(missing)
        };
        let row = |name: &str| table(name).map(|table| table.iter().copied().collect::<Vec<f64>>());
        let found = Self {
            mean_x: row("mean_x")?.into(),
            mean_y: row("mean_y")?.into(),
            of_x: table("of_x")?.clone(),
            of_y: table("of_y")?.clone(),
            correlations: row("correlations")?,
            offset: row("offset")?.iter().sum(),
        };
        let r = found.correlations.len();
        let fits = found.of_x.dim() == (found.mean_x.len(), r)
            && found.of_y.dim() == (found.mean_y.len(), r);
        if fits {
            return Ok(found);
        }
        let problem = "the tables of the Gaussian ratio do not fit together".into();
        Err(SamplesError::SavedCritic { problem })
    }

    /// Columns of both sides whose inner products are the log ratios; `None` if no direction was
    /// kept.
    pub(super) fn columns(
        &self,
        x: ArrayView2<'_, f64>,
        y: ArrayView2<'_, f64>,
    ) -> Option<[Array2<f64>; 2]> {
        Some([self.columns_x(x)?, self.columns_y(y)?])
    }

    /// The columns of x: weighted variates, then its own term, then 1.
    pub(super) fn columns_x(&self, x: ArrayView2<'_, f64>) -> Option<Array2<f64>> {
        let r = self.correlations.len();
        let variates = (&x - &self.mean_x).dot(&self.of_x);
        let logarithms: f64 =
            self.correlations.iter().map(|rho| -0.5 * (1.0 - rho * rho).ln()).sum();
        let mut columns = Array2::ones((x.nrows(), r + 2));
        for (mut to, from) in columns.rows_mut().into_iter().zip(variates.rows()) {
            for (i, &rho) in self.correlations.iter().enumerate() {
                to[i] = rho / (1.0 - rho * rho) * from[i];
            }
            to[r] = self.offset + logarithms + self.own_term(from);
        }
        (r > 0 || self.offset != 0.0).then_some(columns)
    }

    /// The columns of y: variates, then 1, then its own term.
    pub(super) fn columns_y(&self, y: ArrayView2<'_, f64>) -> Option<Array2<f64>> {
        let r = self.correlations.len();
        let variates = (&y - &self.mean_y).dot(&self.of_y);
        let mut columns = Array2::ones((y.nrows(), r + 2));
        columns.slice_mut(s![.., ..r]).assign(&variates);
        for (mut to, from) in columns.rows_mut().into_iter().zip(variates.rows()) {
            to[r + 1] = self.own_term(from);
        }
        (r > 0 || self.offset != 0.0).then_some(columns)
    }

    fn own_term(&self, variates: ArrayView1<'_, f64>) -> f64 {
        let terms = self.correlations.iter().zip(variates);
        terms.map(|(rho, v)| -0.5 * rho * rho / (1.0 - rho * rho) * v * v).sum()
    }
}

/// The correlation to expect outside the sample along a direction in which the sample has
/// correlation `found`; `None` if independent columns can show as much.
fn shrunk(found: f64, gamma_x: f64, gamma_y: f64) -> Option<f64> {
    let edge = ((gamma_x * (1.0 - gamma_y)).sqrt() + (gamma_y * (1.0 - gamma_x)).sqrt()).powi(2);
    let square = found * found;
    if square <= edge {
        return None;
    }
    // λ r = ((1 − γx) r + γx) ((1 − γy) r + γy) for the true square r; the larger root.
    let a = (1.0 - gamma_x) * (1.0 - gamma_y);
    let b = (1.0 - gamma_x) * gamma_y + (1.0 - gamma_y) * gamma_x - square;
    let c = gamma_x * gamma_y;
    let root = (b * b - 4.0 * a * c).max(0.0).sqrt();
    let truth = ((root - b) / (2.0 * a)).clamp(0.0, 1.0).sqrt();
    let outside = (2.0 * truth - found).min(LARGEST);
    (outside > 0.0).then_some(outside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use mi_random::Stream;

    /// ln p(x, y) − ln p(x) − ln p(y) of standard Gaussians with correlation ρ.
    fn slow(x: f64, y: f64, rho: f64) -> f64 {
        let rest = 1.0 - rho * rho;
        let joint = -0.5 * (x * x - 2.0 * rho * x * y + y * y) / rest - 0.5 * rest.ln();
        joint + 0.5 * (x * x + y * y)
    }

    #[test]
    fn scores_are_log_ratios_of_the_pairs() {
        let mut stream = Stream::new(1, "ratio");
        let (n, rho) = (40_000, 0.6);
        let x = stream.normal_matrix((n, 3));
        let mut y = stream.normal_matrix((n, 2));
        let related = rho * &x.column(2) + 0.8 * &y.column(1);
        y.column_mut(1).assign(&related);
        let ratio = GaussianRatio::fit(x.view(), y.view());
        assert_eq!(ratio.correlations.len(), 1);
        let [of_x, of_y] = ratio.columns(x.view(), y.view()).unwrap();
        let scores = of_x.slice(s![..20, ..]).dot(&of_y.slice(s![..20, ..]).t());
        for ((i, j), &score) in scores.indexed_iter() {
            // The fit of 40,000 rows is within 1 %.
            assert_abs_diff_eq!(score, slow(x[[i, 2]], y[[j, 1]], rho), epsilon = 0.08);
        }
        assert_eq!(GaussianRatio::from_tables(&ratio.tables()).unwrap(), ratio);
    }

    #[test]
    fn independent_columns_have_no_direction_and_others_are_corrected() {
        let mut stream = Stream::new(2, "ratio");
        let (x, y) = (stream.normal_matrix((300, 20)), stream.normal_matrix((300, 20)));
        assert!(GaussianRatio::fit(x.view(), y.view()).correlations.len() <= 1);
        // A true square of ½ appears much larger with 60 and 60 columns of 300 rows.
        let (gamma, square) = (0.2, 0.5_f64);
        let seen = ((1.0 - gamma) * square + gamma).powi(2) / square;
        let found = shrunk(seen.sqrt(), gamma, gamma).unwrap();
        assert_abs_diff_eq!(found, 2.0 * square.sqrt() - seen.sqrt(), epsilon = 1e-12);
        assert!(shrunk(0.7, gamma, gamma).is_none());
    }
}
