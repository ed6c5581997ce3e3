//! Usable information: what a reader of a chosen family can use in x about y.

mod linear;
mod logistic;

use mi_random::Stream;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::SamplesError;
use crate::moments;
use crate::rows::{self, Gap, RowStructure, Track, standard_error};
use crate::sample::columns_of;

/// An estimate of V-information.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VInformation {
    /// `H_V(Y) − H_V(Y | X)` on rows that no reader was fitted to, in nats. Negative if the fitted
    /// reader is worse there than one that ignores x.
    pub value: f64,
    /// `H_V(Y)`: the mean of −ln p(y) without x, in nats.
    pub without: f64,
    /// `H_V(Y | X)`: the mean of −ln p(y | x), in nats.
    pub with: f64,
    /// The standard error of `value` between rows, or between groups or stretches of rows.
    pub standard_error: f64,
    /// Number of rows, each held out once.
    pub n: usize,
    /// Number of parts.
    pub folds: usize,
    /// Rows left out between fitted and held-out rows, if rows are ordered.
    pub gap: Gap,
}

/// How readers are fitted to some rows and judged on others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrossFit {
    /// Number of parts; a reader fitted to the others is judged on each part. At least 2.
    pub folds: usize,
    /// How the rows depend on one another.
    pub rows: RowStructure,
    /// The seed of the split.
    pub seed: u64,
}

impl CrossFit {
    /// Five parts, drawn at random.
    pub fn at_random(seed: u64) -> Self {
        Self { folds: 5, rows: RowStructure::Exchangeable, seed }
    }
}

/// V-information (Xu et al., 2020, definition 2) of linear-Gaussian readers: p(y | x) = N(W x + b,
/// Σ), and N(m, Σ₀) without x. Cross-fitted: every row is judged with readers fitted to the other
/// parts.
///
/// It is what *linear* regression can use of x. It is not symmetric and, up to sampling error, at
/// most the mutual information. Columns of y are standardised first, which changes both terms
/// equally.
///
/// # Shapes
/// `x`: n × dx, `y`: n × dy.
///
/// # Errors
/// If the sides are empty, have different numbers of rows or a value that is not finite; if there
/// are fewer than 2 folds or too few rows for a fit; or if a column of y is constant or a linear
/// function of its other columns, or of x.
///
/// ```
/// let mut stream = mi_random::Stream::new(0, "example");
/// let x = stream.normal_matrix((2000, 1));
/// let noise = stream.normal_matrix((2000, 1));
/// let (line, parabola) = (&x + &noise, &x * &x + &noise);
/// let split = mi_samples::CrossFit::at_random(0);
/// let usable = |y: &ndarray::Array2<f64>| mi_samples::linear_v_information(x.view(), y.view(), &split);
/// assert!((usable(&line)?.value - 0.347).abs() < 0.05); // all of it: ½ ln 2
/// assert!(usable(&parabola)?.value.abs() < 0.05); // none, though y depends on x
/// # Ok::<(), mi_samples::SamplesError>(())
/// ```
pub fn linear_v_information(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    split: &CrossFit,
) -> Result<VInformation, SamplesError> {
    if x.nrows() != y.nrows() {
        return Err(SamplesError::RowCounts { x: x.nrows(), y: y.nrows() });
    }
    let (x, y) = (standardised(x)?, standardised(y)?);
    let smallest = x.ncols() + y.ncols() + 2;
    let sides = || [tracks(&x), tracks(&y)];
    cross_fit(x.nrows(), split, smallest, sides, |fit, held_out| {
        let rows = |side: &Array2<f64>, rows: &[usize]| side.select(Axis(0), rows);
        linear::losses(
            (rows(&x, fit).view(), rows(&y, fit).view()),
            (rows(&x, held_out).view(), rows(&y, held_out).view()),
        )
    })
}

/// V-information (Xu et al., 2020, definition 2) of logistic readers of a label: p(y | x) =
/// softmax(W x + b), and the frequencies without x. Cross-fitted like [`linear_v_information`].
///
/// Weights on standardised columns have a ridge penalty of `ridge`/2 times their squares, added to
/// the mean loss; 1/n is a weak penalty that keeps separable classes finite.
///
/// # Shapes
/// `x`: n × d, `labels`: n.
///
/// # Errors
/// If the side is empty, differs in length from the labels or has a value that is not finite; if
/// there are fewer than 2 folds or fewer rows than folds; or if the penalty is not positive.
pub fn logistic_v_information(
    x: ArrayView2<'_, f64>,
    labels: &[u32],
    ridge: f64,
    split: &CrossFit,
) -> Result<VInformation, SamplesError> {
    if x.nrows() != labels.len() {
        return Err(SamplesError::RowCounts { x: x.nrows(), y: labels.len() });
    }
    if !(ridge > 0.0 && ridge.is_finite()) {
        let (setting, value, range) = ("ridge", ridge.to_string(), "positive and finite");
        return Err(SamplesError::Setting { setting, value, range });
    }
    let x = standardised(x)?;
    let mut classes: Vec<u32> = labels.to_vec();
    classes.sort_unstable();
    classes.dedup();
    let dense: Vec<usize> =
        labels.iter().map(|label| classes.partition_point(|class| class < label)).collect();
    let sides = || [tracks(&x), vec![Track::Labels(dense.iter().map(|&c| c as u32).collect())]];
    cross_fit(x.nrows(), split, 1, sides, |fit, held_out| {
        let rows = |rows: &[usize]| x.select(Axis(0), rows);
        let labels =
            |rows: &[usize]| -> Vec<usize> { rows.iter().map(|&row| dense[row]).collect() };
        logistic::losses(
            (rows(fit).view(), &labels(fit)),
            (rows(held_out).view(), &labels(held_out)),
            classes.len(),
            ridge,
        )
    })
}

/// Losses without and with x, row by row, of the held-out rows.
type Losses = Vec<(f64, f64)>;

/// Fits on all parts except one, and judges on that one, for every part.
fn cross_fit(
    n: usize,
    split: &CrossFit,
    smallest: usize,
    sides: impl FnOnce() -> [Vec<Track>; 2],
    losses: impl Fn(&[usize], &[usize]) -> Result<Losses, SamplesError> + Sync,
) -> Result<VInformation, SamplesError> {
    let &CrossFit { folds, rows: ref structure, seed } = split;
    structure.check(n)?;
    if folds < 2 {
        let (setting, value, range) = ("folds", folds.to_string(), "at least 2");
        return Err(SamplesError::Setting { setting, value, range });
    }
    if n < folds || n - n.div_ceil(folds) < smallest {
        let needed = (smallest * folds).div_ceil(folds - 1).max(folds) + 1;
        return Err(SamplesError::TooFewObservations { operation: "cross-fitting", needed, n });
    }
    let gap = Gap::of(structure, sides, n);
    let units = rows::units(structure, (0..n).collect(), gap);
    let mut stream = Stream::new(seed, "v-information");
    let parts = rows::folds(structure, &units, gap, (folds, 0.0), &mut stream)
        .ok_or(SamplesError::TooFewGroups { operation: "cross-fitting", parts: folds })?;
    if let Some(part) = parts.iter().find(|part| part.train.len() < smallest) {
        let (operation, needed, n) = ("fitting a reader", smallest, part.train.len());
        return Err(SamplesError::TooFewObservations { operation, needed, n });
    }
    let found: Vec<Losses> = parts
        .par_iter()
        .map(|part| losses(&part.train, &part.held_out))
        .collect::<Result<_, _>>()?;
    let mut all: Losses = vec![(0.0, 0.0); n];
    for (part, found) in parts.iter().zip(found) {
        for (&row, loss) in part.held_out.iter().zip(found) {
            all[row] = loss;
        }
    }
    let size = n as f64;
    let without = all.iter().map(|loss| loss.0).sum::<f64>() / size;
    let with = all.iter().map(|loss| loss.1).sum::<f64>() / size;
    let value = without - with;
    let gains: Vec<f64> = all.iter().map(|loss| loss.0 - loss.1).collect();
    let standard_error = standard_error(&gains, &units);
    Ok(VInformation { value, without, with, standard_error, n, folds, gap })
}

/// What the columns of a side look like over time.
fn tracks(side: &Array2<f64>) -> Vec<Track> {
    side.columns().into_iter().flat_map(|column| Track::of_numbers(&column.to_vec())).collect()
}

/// Columns of mean 0 and variance 1; constant columns become 0.
fn standardised(side: ArrayView2<'_, f64>) -> Result<Array2<f64>, SamplesError> {
    let mut matrix = Array2::zeros(side.dim());
    for (mut to, values) in matrix.columns_mut().into_iter().zip(columns_of(side)?) {
        to.assign(&ArrayView1::from(&moments::standardised(&values)));
    }
    Ok(matrix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::s;

    fn folds(folds: usize) -> CrossFit {
        CrossFit { folds, ..CrossFit::at_random(0) }
    }

    #[test]
    fn linear_readers_find_the_gaussian_information() {
        let mut stream = Stream::new(0, "linear");
        let x = stream.normal_matrix((3000, 3));
        let y = 0.6 * &x.slice(s![.., ..2]) + 0.8 * stream.normal_matrix((3000, 2));
        let found = linear_v_information(x.view(), y.view(), &CrossFit::at_random(0)).unwrap();
        let truth = -(0.64_f64).ln();
        assert!((found.value - truth).abs() < 4.0 * found.standard_error, "{found:?}");
        assert!((found.value - (found.without - found.with)).abs() < 1e-12);
        // A hidden relation: y is a product of signs, which no linear reader can use.
        let y = Array2::from_shape_fn((3000, 1), |(i, _)| x[[i, 0]] * x[[i, 1]].signum());
        let found = linear_v_information(x.view(), y.view(), &CrossFit::at_random(0)).unwrap();
        assert!(found.value.abs() < 0.02, "{found:?}");
    }

    #[test]
    fn logistic_readers_find_what_their_model_says() {
        let mut stream = Stream::new(1, "logistic");
        let x = stream.normal_matrix((4000, 2));
        let chance = |x: f64| 1.0 / (1.0 + (-2.0 * x).exp());
        let labels: Vec<u32> =
            x.column(0).iter().map(|&x| if stream.uniform() < chance(x) { 7 } else { 3 }).collect();
        // ln 2 − E[h(σ(2x))] by Monte Carlo.
        let mut mean = 0.0;
        for _ in 0..200_000 {
            let p = chance(stream.normal());
            mean -= (p * p.ln() + (1.0 - p) * (1.0 - p).ln()) / 200_000.0;
        }
        let truth = 2.0_f64.ln() - mean;
        let found =
            logistic_v_information(x.view(), &labels, 1.0 / 4000.0, &CrossFit::at_random(0))
                .unwrap();
        assert!((found.value - truth).abs() < 4.0 * found.standard_error, "{found:?} {truth}");
        // Separable classes stay finite, and at most the entropy.
        let labels: Vec<u32> = x.column(0).iter().map(|&x| u32::from(x > 0.0)).collect();
        let found = logistic_v_information(x.view(), &labels, 1e-3, &folds(4)).unwrap();
        assert!(found.value > 0.5 && found.value < 2.0_f64.ln(), "{found:?}");
    }

    #[test]
    fn columns_of_x_that_add_nothing_are_passed_over() {
        let mut stream = Stream::new(3, "rare");
        let x = stream.normal_matrix((400, 1));
        let y = &x + stream.normal_matrix((400, 1));
        let plain =
            linear_v_information(x.view(), y.view(), &CrossFit::at_random(0)).unwrap().value;
        // An indicator of one row, a constant and a copy: some fit sees a singular covariance.
        let rare = Array2::from_shape_fn((400, 1), |(i, _)| f64::from(u8::from(i == 7)));
        let constant = Array2::ones((400, 1));
        let wide = ndarray::concatenate![Axis(1), x, rare, constant, x];
        let found =
            linear_v_information(wide.view(), y.view(), &CrossFit::at_random(0)).unwrap().value;
        assert!((found - plain).abs() < 0.02, "{found} {plain}");
    }

    #[test]
    fn mistakes_are_named() {
        let x = Stream::new(2, "mistakes").normal_matrix((10, 2));
        assert!(linear_v_information(x.view(), x.view(), &folds(1)).is_err());
        assert!(
            linear_v_information(x.slice(s![..5, ..]), x.slice(s![..5, ..]), &folds(2)).is_err()
        );
        assert!(logistic_v_information(x.view(), &[0; 9], 0.1, &folds(2)).is_err());
        assert!(logistic_v_information(x.view(), &[0; 10], 0.0, &folds(2)).is_err());
        let one_class = logistic_v_information(x.view(), &[4; 10], 0.1, &folds(2)).unwrap();
        assert_eq!(one_class.value, 0.0);
    }
}
