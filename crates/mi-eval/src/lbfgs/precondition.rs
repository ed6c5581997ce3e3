use mi_kernels::matrix_product;
use ndarray::{Array2, ArrayView2, s};

use super::factor::Factor;
use crate::features;
use crate::kernel::Feature;

/// Above this many features the d³/3 operations of the factorisation are not worth it.
const MAX_FEATURES: usize = 2048;
/// Rows of the data used per feature, and the smallest number of rows.
const ROWS_PER_FEATURE: usize = 8;
const MIN_ROWS: usize = 4096;
/// Rows multiplied at a time.
const CHUNK_ROWS: usize = 1024;

/// An approximate inverse of the Hessian of the multinomial logistic loss.
///
/// # Formula
/// At `W = 0` the Hessian is `(1/n) XᵀX ⊗ (I − 11ᵀ/K)/K + I/(Cn)`, and `(1/n) XᵀX/2 ⊗ I + I/(Cn)`
/// bounds it everywhere (Böhning, 1992). So one matrix of features, X with a column of ones for the
/// intercept, is enough for every class: `M = (1/n) XᵀX (1 − 1/K)/K + I/(Cn)`, by Cholesky. It
/// removes the correlations of the features, which make plain L-BFGS slow: features with log
/// condition 5 to 7 (as of an encoder late in training) need the same few dozen iterations as
/// independent ones.
pub(crate) struct Preconditioner {
    factor: Option<Factor>,
    classes: usize,
}

/// The factor by which a feature's mean square over all rows may exceed that in the sample before
/// the sample counts as missing it.
const MISSED: f64 = 2.0;

/// `(1/n) XᵀX` with a column of ones, from an evenly spaced sample of the rows; for features that
/// the sample misses, the mean squares are those of all rows. A pixel that is lit in a few images
/// would otherwise seem to have no curvature, and steps along it would be thousands of times too
/// long.
pub(crate) struct Gram {
    matrix: Option<Array2<f64>>,
}

impl Gram {
    pub(crate) fn new<T: Feature>(features: ArrayView2<'_, T>) -> Self {
        let (rows, dim) = features.dim();
        if dim > MAX_FEATURES {
            return Self { matrix: None };
        }
        let wanted = (ROWS_PER_FEATURE * dim).max(MIN_ROWS);
        let stride = isize::try_from(rows / wanted).unwrap_or(isize::MAX).max(1);
        let sample = features.slice(s![..;stride, ..]);
        let mut sum = Array2::<f64>::zeros((dim + 1, dim + 1));
        let mut product = Array2::<T>::zeros((dim + 1, dim + 1));
        for chunk in sample.axis_chunks_iter(ndarray::Axis(0), CHUNK_ROWS) {
            let mut x = Array2::<T>::ones((chunk.nrows(), dim + 1));
            x.slice_mut(s![.., ..dim]).assign(&chunk);
            matrix_product(T::one(), x.t(), x.view(), T::zero(), product.view_mut());
            sum.zip_mut_with(&product, |sum, &p| *sum += p.to_f64());
        }
        sum /= sample.nrows() as f64;
        if stride > 1 {
            for (j, square) in features::squares(&features).into_iter().enumerate() {
                let mean = square / rows as f64;
                if mean > MISSED * sum[[j, j]] {
                    sum[[j, j]] = mean;
                }
            }
        }
        Self { matrix: Some(sum) }
    }
}

impl Preconditioner {
    /// `penalty` is 1/(Cn).
    pub(crate) fn new(gram: &Gram, classes: usize, penalty: f64) -> Self {
        let k = classes as f64;
        let curvature = (1.0 - 1.0 / k) / k;
        let factor = gram.matrix.as_ref().and_then(|gram| {
            let last = gram.nrows() - 1;
            Factor::new(gram.nrows(), |i, j| {
                let diagonal = if i == j && i < last { penalty } else { 0.0 };
                curvature * gram[[i, j]] + diagonal
            })
        });
        Self { factor, classes }
    }

    /// M⁻¹ times `direction`, (features + 1) × classes row-major; unchanged if there is no M.
    pub(crate) fn apply(&self, direction: &mut [f64]) {
        if let Some(factor) = &self.factor {
            factor.solve(direction, self.classes);
        }
    }
}
