//! The difference of entropies: that of a learnt model of y minus that of a learnt model of y given
//! x.

use mi_kernels::{Cholesky, Scalar};
use mi_nets::{AdamConfig, BestState, Init, Learner, Mlp, Module, NetsError, Params, Tape};
use mi_random::Stream;
use ndarray::{Array1, Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::features::{Encoder, Features};
use super::settings::ENTROPIES_RATE;
use super::{NeuralSettings, Splits};
use crate::closed_form::{SMALLEST_PIVOT, linear_functions};
use crate::rows::{Gap, Part, RowStructure, standard_error};
use crate::sample::{Marginals, Sample};
use crate::{Method, SamplesError};

/// Added to the diagonals of covariances of scores.
const RIDGE: f64 = 1e-4;

/// The smallest part of a column's variance that must remain given the other columns of y: with
/// less, the ridge would be counted as information.
const LEAST_LEFT: f64 = 10.0 * RIDGE;

/// Hidden layers of the network that shifts and scales the conditional Gaussian.
const HIDDEN: [usize; 2] = [128, 128];

/// Logarithms of scales are kept within ± this, so that a single row cannot make a loss infinite.
const WIDEST: f64 = 6.0;

/// An estimate by the difference of entropies.
#[derive(Clone, Debug, PartialEq)]
pub struct EntropyDifference {
    /// `H(Y) − H(Y | X)`, each the mean of −ln of a model's density over rows that it was not
    /// fitted to, in nats. It is not a bound: a poor model of y given x lowers it, and a poor model
    /// of y raises it.
    pub value: f64,
    /// The standard error of `value` between rows (copies of a row count as one).
    pub standard_error: f64,
    /// Rows left out between fitted and held-out rows, if rows are ordered.
    pub gap: Gap,
    /// Each row's `ln q(y | x) − ln q(y)`, in nats.
    pub pointwise: Vec<f64>,
}

/// Mutual information in nats as a difference of learnt entropies (`McAllester` and Stratos, 2020,
/// section 4). It has no cap such as ln K, so it reaches high values from few rows.
///
/// For the normal scores of the columns of y, H(Y) is the entropy of a Gaussian. The model of y
/// given x is a linear-Gaussian regression, whose whitened residuals are shifted and scaled, column
/// by column, by a network of x. Folds, validation and copies are those of
/// [`neural`](super::neural); of the settings, only `folds`, `batch`, `steps`, `patience` and
/// `learning_rate` are used.
///
/// # Errors
/// Those of [`neural`](super::neural); also a side y with a discrete column or one with atoms, or
/// with columns that are nearly linear functions of one another.
///
/// ```
/// use mi_samples::{NeuralSettings, RowStructure, Sample, Staircase, difference_of_entropies};
///
/// // 8 nats, more than the logarithm of the 2000 rows.
/// let mut stream = mi_random::Stream::new(0, "example");
/// let (x, y) = Staircase::GAUSSIAN.sample(8.0, 2000, &mut stream)?;
/// let (x, y) = (Sample::new(x.view(), &[], 0)?, Sample::new(y.view(), &[], 0)?);
/// let settings = NeuralSettings { steps: 50, ..NeuralSettings::default() };
/// let found = difference_of_entropies(&x, &y, &settings, &RowStructure::Exchangeable, 0)?;
/// assert!((found.value - 8.0).abs() < 1.0);
/// # Ok::<(), mi_samples::SamplesError>(())
/// ```
pub fn difference_of_entropies(
    x: &Sample,
    y: &Sample,
    settings: &NeuralSettings,
    structure: &RowStructure,
    seed: u64,
) -> Result<EntropyDifference, SamplesError> {
    if y.columns().any(|column| !column.is_continuous()) {
        return Err(SamplesError::WrongColumns {
            method: "the difference of entropies",
            found: "a column of y that has no density (discrete, or with atoms)".into(),
            advice: "swap the sides, or use another method",
        });
    }
    let scores = y.marginal_columns(Marginals::NormalScores);
    let singular = linear_functions(&scores, LEAST_LEFT).iter().position(Option::is_some);
    if let Some(column) = singular {
        let method = Method::EntropyDifference.name();
        return Err(SamplesError::NearlySingular { method, column });
    }
    let Splits { parts, units, gap } = Splits::new(x, y, settings, structure, seed)?;
    let (x, y) = (Encoder::fit(x).of_sample(x), Encoder::fit(y).of_sample(y));
    let stream = Stream::new(seed, "entropies");
    let folds: Vec<Vec<f64>> = parts
        .par_iter()
        .enumerate()
        .map(|(fold, part)| judge(&x, &y, part, settings, &stream.child(&format!("fold {fold}"))))
        .collect::<Result<_, _>>()?;
    let mut pointwise = vec![0.0; units.len()];
    for (part, ratios) in parts.iter().zip(folds) {
        for (&row, ratio) in part.held_out.iter().zip(ratios) {
            pointwise[row] = ratio;
        }
    }
    Ok(EntropyDifference {
        value: pointwise.iter().sum::<f64>() / pointwise.len() as f64,
        standard_error: standard_error(&pointwise, &units),
        gap,
        pointwise,
    })
}

/// Log ratios of the held-out rows.
fn judge(
    x: &Features,
    y: &Features,
    part: &Part,
    settings: &NeuralSettings,
    stream: &Stream,
) -> Result<Vec<f64>, SamplesError> {
    let (train, validation, held_out) = (&part.train, &part.validation, &part.held_out);
    let scores = |side: &Features, rows: &[usize]| side.scores.select(Axis(0), rows);
    let start = Regression::fit(scores(x, train).view(), scores(y, train).view())?;
    let targets = |rows: &[usize]| start.residuals(&scores(x, rows), &scores(y, rows));
    let rows = |rows: &[usize]| {
        (x.inputs.select(Axis(0), rows), targets(rows).mapv(|residual| residual as f32))
    };
    let (net, params) = fit(&rows(train), &rows(validation), settings, stream)?;
    let (inputs, residuals) = rows(held_out);
    let mut tape = Tape::new();
    let mut graph = tape.begin_inference(&params);
    let input = graph.input(inputs.view());
    let output = net.forward(&mut graph, input);
    let conditional = row_losses(graph.value(output), residuals.view());
    let marginal = start.marginal_losses(&scores(y, held_out));
    let constant = start.log_determinant;
    Ok(conditional.iter().zip(&marginal).map(|(of_x, own)| own - of_x - constant).collect())
}

/// A linear-Gaussian model of y given x, and a Gaussian one of y.
struct Regression {
    mean_x: Array1<f64>,
    mean_y: Array1<f64>,
    /// dx × dy
    slopes: Array2<f64>,
    of_y: Cholesky,
    of_residuals: Cholesky,
    /// ½ (ln |Σ of residuals| − ln |Σ of y|): the part of the log ratio that is the same for all
    /// rows.
    log_determinant: f64,
}

impl Regression {
    fn fit(x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>) -> Result<Self, SamplesError> {
        let (n, columns) = (x.nrows(), x.ncols() + y.ncols());
        let mean = |side: &ArrayView2<'_, f64>| {
            side.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(side.ncols()))
        };
        let (mean_x, mean_y) = (mean(&x), mean(&y));
        let (x, y) = (&x - &mean_x, &y - &mean_y);
        let root = |side: &Array2<f64>| {
            let mut covariance = side.t().dot(side) / n as f64;
            covariance.diag_mut().mapv_inplace(|variance| variance + RIDGE);
            Cholesky::new(covariance.view(), SMALLEST_PIVOT)
                .map_err(|column| SamplesError::SingularCovariance { columns, n, column })
        };
        let mut slopes = x.t().dot(&y) / n as f64;
        if x.ncols() > 0 {
            let of_x = root(&x)?;
            for mut column in slopes.columns_mut() {
                let mut values = column.to_vec();
                of_x.solve(&mut values);
                column.assign(&Array1::from(values));
            }
        }
        let (of_y, of_residuals) = (root(&y)?, root(&(&y - &x.dot(&slopes)))?);
        let d = y.ncols();
        let log_determinant = 0.5 * (of_residuals.log_determinant(d) - of_y.log_determinant(d));
        Ok(Self { mean_x, mean_y, slopes, of_y, of_residuals, log_determinant })
    }

    /// Whitened residuals.
    fn residuals(&self, x: &Array2<f64>, y: &Array2<f64>) -> Array2<f64> {
        let mut rest = (y - &self.mean_y) - (x - &self.mean_x).dot(&self.slopes);
        self.of_residuals.solve_lower_rows(rest.view_mut());
        rest
    }

    /// Each row's −ln density of y under the Gaussian model, without the constants that are shared
    /// with the conditional model or included in `log_determinant`.
    fn marginal_losses(&self, y: &Array2<f64>) -> Vec<f64> {
        let mut rest = y - &self.mean_y;
        self.of_y.solve_lower_rows(rest.view_mut());
        rest.rows().into_iter().map(|row| 0.5 * row.dot(&row)).collect()
    }
}

/// Each row's −ln density of its residuals under Gaussians with these means and log scales, without
/// ½ ln 2π per column: `Σ_c ½ ((r_c − m_c) e^{−s_c})² + s_c`.
///
/// # Shapes
/// `output`: n × 2d, first means and then log scales; `residuals`: n × d.
fn row_losses<T: Scalar>(output: ArrayView2<'_, T>, residuals: ArrayView2<'_, T>) -> Vec<f64> {
    let (d, widest) = (residuals.ncols(), T::from_f64(WIDEST));
    let rows = output.rows().into_iter().zip(residuals.rows());
    rows.map(|(output, residuals)| {
        (0..d)
            .map(|c| {
                let log_scale = output[d + c].max(-widest).min(widest).to_f64();
                let z = (residuals[c] - output[c]).to_f64() * (-log_scale).exp();
                0.5 * z * z + log_scale
            })
            .sum()
    })
    .collect()
}

/// The gradient of the mean of [`row_losses`] with respect to `output`.
fn gradient<T: Scalar>(output: ArrayView2<'_, T>, residuals: ArrayView2<'_, T>) -> Array2<T> {
    let (n, d) = residuals.dim();
    let (rows, widest) = (T::from_f64(n as f64), T::from_f64(WIDEST));
    let mut gradient = Array2::zeros((n, 2 * d));
    for ((i, c), &residual) in residuals.indexed_iter() {
        let raw = output[[i, d + c]];
        let inverse = (-raw.max(-widest).min(widest)).exp();
        let z = (residual - output[[i, c]]) * inverse;
        gradient[[i, c]] = -z * inverse / rows;
        // Beyond the limit the scale is constant.
        if raw.abs() <= widest {
            gradient[[i, d + c]] = (T::one() - z * z) / rows;
        }
    }
    gradient
}

/// Rows of inputs and of residuals.
type Rows = (Array2<f32>, Array2<f32>);

/// Trains the network until validation rows no longer improve; it starts as the plain regression.
fn fit(
    train: &Rows,
    validation: &Rows,
    settings: &NeuralSettings,
    stream: &Stream,
) -> Result<(Mlp, Params<f32>), SamplesError> {
    let mut params = Params::new();
    let sizes = [train.0.ncols(), HIDDEN[0], HIDDEN[1], 2 * train.1.ncols()];
    let net =
        Mlp::new(&mut params, "head", &sizes, Init::GlorotUniform, &mut stream.child("init"))?;
    net.start_at_zero(&mut params);
    let lr = settings.learning_rate.unwrap_or(ENTROPIES_RATE);
    let mut learner = Learner::new(AdamConfig { lr, ..AdamConfig::default() }, params);
    let loss = |learner: &mut Learner<f32>| {
        let mut graph = learner.begin_inference();
        let input = graph.input(validation.0.view());
        let output = net.forward(&mut graph, input);
        let losses = row_losses(graph.value(output), validation.1.view());
        losses.iter().sum::<f64>() / losses.len() as f64
    };
    let n = train.0.nrows();
    let batch = settings.batch.min(n);
    let mut best = BestState::new();
    let start = loss(&mut learner);
    best.offer(-start, || learner.params.clone());
    let (mut waited, mut shuffles) = (0, stream.child("batches"));
    let passes = settings.steps.div_ceil(n / batch);
    'passes: for _ in 0..passes {
        for rows in shuffles.permutation(n).chunks_exact(batch) {
            let mut graph = learner.begin();
            let input = graph.input(train.0.select(Axis(0), rows).view());
            let output = net.forward(&mut graph, input);
            let residuals = train.1.select(Axis(0), rows);
            let of_output = gradient(graph.value(output), residuals.view());
            match learner.descend(&[(output, of_output.view())]) {
                // Training has diverged; the best state so far is kept.
                Err(NetsError::GradientNotFinite { .. }) => break 'passes,
                done => done?,
            }
        }
        let found = loss(&mut learner);
        if best.offer(-found, || learner.params.clone()) {
            waited = 0;
        } else {
            waited += 1;
            if waited >= settings.patience {
                break;
            }
        }
    }
    Ok((net, best.into_inner().map_or(learner.params, |(_, params)| params)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::s;

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let mut stream = Stream::new(1, "loss");
        let (output, residuals) = (stream.normal_matrix((3, 4)), stream.normal_matrix((3, 2)));
        let found = gradient(output.view(), residuals.view());
        let loss = |output: &Array2<f64>| {
            row_losses(output.view(), residuals.view()).iter().sum::<f64>() / 3.0
        };
        for ((i, j), &found) in found.indexed_iter() {
            let at = |step: f64| {
                let mut moved = output.clone();
                moved[[i, j]] += step;
                loss(&moved)
            };
            let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((slope - found).abs() < 1e-8, "{slope} {found}");
        }
        let mut wide = output.clone();
        wide.slice_mut(s![.., 2..]).fill(100.0);
        let beyond = gradient(wide.view(), residuals.view());
        assert!(beyond.iter().all(|g| g.is_finite()));
        assert!(beyond.slice(s![.., 2..]).iter().all(|&g| g == 0.0));
    }

    #[test]
    fn a_changing_spread_is_found_and_independence_too() {
        let mut stream = Stream::new(2, "spread");
        let x = stream.normal_matrix((3000, 1));
        let noise = stream.normal_matrix((3000, 1));
        // Given x, y is Gaussian with a scale that grows with x: correlations do not see this.
        let spread = x.mapv(|x| (0.5 * x).exp()) * &noise;
        let side = |values: &Array2<f64>| Sample::new(values.view(), &[], 0).unwrap();
        let settings = NeuralSettings { steps: 400, ..NeuralSettings::default() };
        let rows = RowStructure::Exchangeable;
        let by = |y: &Array2<f64>| {
            difference_of_entropies(&side(&x), &side(y), &settings, &rows, 0).unwrap()
        };
        let neighbours =
            crate::mutual_information(&side(&x), &side(&spread), &crate::Settings::default());
        let (found, other) = (by(&spread).value, neighbours.unwrap().value);
        // The scores of y are not exactly Gaussian given x, which loses part of it.
        assert!((found - other).abs() < 0.06 && found > 0.08, "{found} {other}");
        let none = by(&noise);
        assert!(none.value.abs() < 0.02, "{none:?}");
        let label = noise.mapv(|v| f64::from(u8::from(v > 0.0)));
        let error =
            difference_of_entropies(&side(&x), &side(&label), &settings, &rows, 0).unwrap_err();
        assert!(matches!(error, SamplesError::WrongColumns { .. }));
    }
}
