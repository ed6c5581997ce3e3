use mi_kernels::Scalar;
use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::{check_pair, double};
use crate::{EvalError, features};

/// Linear centred kernel alignment: how similar two representations of the same samples are, up to
/// rotation and one scale. 1 if they are equal up to these, 0 if every feature of one is
/// uncorrelated with every feature of the other. It is *not* invariant to invertible linear maps,
/// as mutual information is.
///
/// # Formula
/// `‖Yᵀ X‖²_F / (‖Xᵀ X‖_F ‖Yᵀ Y‖_F)` with columns centred (Kornblith et al., 2019, eq. 3 and
/// section 3). With fewer samples than features the same number is computed from the Gram matrices.
///
/// It is biased upwards by about (features / samples): with fewer than about ten samples per
/// feature use [`linear_cka_debiased`].
///
/// # Shapes
/// `x`: samples × features, `y`: samples × features; the numbers of features may differ.
///
/// # Errors
/// An empty matrix, a NaN or infinite feature, different numbers of rows, a matrix whose rows are
/// all equal.
pub fn linear_cka<T: Scalar, U: Scalar>(
    x: ArrayView2<'_, T>,
    y: ArrayView2<'_, U>,
) -> Result<f64, EvalError> {
    const OPERATION: &str = "linear CKA";
    check_pair(OPERATION, &x, &y)?;
    let (x, y) = (centred(OPERATION, &x)?, centred(OPERATION, &y)?);
    let [xy, xx, yy] = if x.nrows() < x.ncols().max(y.ncols()) {
        let (k, l) = (x.dot(&x.t()), y.dot(&y.t()));
        [inner(&k, &l), inner(&k, &k), inner(&l, &l)]
    } else {
        let squares = |a: &Array2<f64>, b: &Array2<f64>| a.t().dot(b).mapv(|v| v * v).sum();
        [squares(&y, &x), squares(&x, &x), squares(&y, &y)]
    };
    Ok(xy / (xx * yy).sqrt())
}

/// Linear CKA from unbiased estimates of the Hilbert–Schmidt independence criterion: if
/// representations have nothing in common it is near 0, as often below as above, for any number of
/// features.
///
/// # Formula
/// `H(K, L) / √(H(K, K) H(L, L))` with `K = X Xᵀ`, `L = Y Yᵀ`, their diagonals set to 0, and
///
/// `H(K, L) = [tr K L + (1ᵀK1)(1ᵀL1) / ((n−1)(n−2)) − 2 (1ᵀ K L 1) / (n−2)] / (n (n−3))`
///
/// (Song et al., 2012, eq. 5; Nguyen, Raghu and Kornblith, 2021, eq. 3 with the full sample as one
/// batch). For many samples all terms are computed from products of features, without a Gram
/// matrix.
///
/// # Shapes
/// As [`linear_cka`].
///
/// # Errors
/// Those of [`linear_cka`], and fewer than 4 rows. If an estimate of H(K, K) is not positive, as
/// for a few rows of noise, it has no root, and the result is NaN.
pub fn linear_cka_debiased<T: Scalar, U: Scalar>(
    x: ArrayView2<'_, T>,
    y: ArrayView2<'_, U>,
) -> Result<f64, EvalError> {
    const OPERATION: &str = "debiased linear CKA";
    check_pair(OPERATION, &x, &y)?;
    features::check_at_least(OPERATION, 4, x.nrows())?;
    // The estimate does not depend on the means; without them no digits are lost.
    let (x, y) = (centred(OPERATION, &x)?, centred(OPERATION, &y)?);
    let (of_x, of_y) = (Hollow::new(&x), Hollow::new(&y));
    let xy = hsic(&x, &of_x, &y, &of_y);
    let xx = hsic(&x, &of_x, &x, &of_x);
    let yy = hsic(&y, &of_y, &y, &of_y);
    Ok(xy / (xx * yy).sqrt())
}

/// The needed properties of a linear kernel's Gram matrix without its diagonal.
struct Hollow {
    diagonal: Array1<f64>,
    row_sums: Array1<f64>,
}

impl Hollow {
    fn new(x: &Array2<f64>) -> Self {
        let diagonal = x.map_axis(Axis(1), |row| row.dot(&row));
        let row_sums = x.dot(&x.sum_axis(Axis(0))) - &diagonal;
        Self { diagonal, row_sums }
    }
}

/// The estimate, times n (n − 3), which cancels.
fn hsic(x: &Array2<f64>, of_x: &Hollow, y: &Array2<f64>, of_y: &Hollow) -> f64 {
    let n = x.nrows() as f64;
    // tr K L with full diagonals is ‖Xᵀ Y‖², however it is computed.
    let full = if x.nrows() < x.ncols().max(y.ncols()) {
        inner(&x.dot(&x.t()), &y.dot(&y.t()))
    } else {
        x.t().dot(y).mapv(|v| v * v).sum()
    };
    let trace = full - of_x.diagonal.dot(&of_y.diagonal);
    let sums = of_x.row_sums.sum() * of_y.row_sums.sum() / ((n - 1.0) * (n - 2.0));
    trace + sums - 2.0 * of_x.row_sums.dot(&of_y.row_sums) / (n - 2.0)
}

/// ⟨K, L⟩, the sum of the products of the entries.
fn inner(k: &Array2<f64>, l: &Array2<f64>) -> f64 {
    k.iter().zip(l).map(|(k, l)| k * l).sum()
}

/// Columns without their means, divided by one number so that products cannot overflow.
fn centred<T: Scalar>(
    operation: &'static str,
    x: &ArrayView2<'_, T>,
) -> Result<Array2<f64>, EvalError> {
    let mut x = double(x);
    let n = x.nrows() as f64;
    let mean = x.map_axis(Axis(0), |column| column.iter().map(|v| v / n).sum::<f64>());
    x -= &mean;
    let largest = x.iter().fold(0.0_f64, |largest, v| largest.max(v.abs()));
    if largest == 0.0 {
        return Err(EvalError::NoSpread { operation });
    }
    x /= largest;
    Ok(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_random::Stream;

    /// Both estimates from n × n matrices, by definition.
    fn reference(x: &Array2<f64>, y: &Array2<f64>) -> (f64, f64) {
        let n = x.nrows();
        let gram = |x: &Array2<f64>| x.dot(&x.t());
        let (k, l) = (gram(x), gram(y));
        let centre = Array2::<f64>::eye(n) - 1.0 / n as f64;
        let plain = |k: &Array2<f64>, l: &Array2<f64>| {
            inner(&centre.dot(k).dot(&centre), &centre.dot(l).dot(&centre))
        };
        let hollow = |k: &Array2<f64>| {
            let mut k = k.clone();
            k.diag_mut().fill(0.0);
            k
        };
        let size = n as f64;
        let unbiased = |k: &Array2<f64>, l: &Array2<f64>| {
            let (k, l) = (hollow(k), hollow(l));
            let product = k.dot(&l);
            product.diag().sum() + k.sum() * l.sum() / ((size - 1.0) * (size - 2.0))
                - 2.0 * product.sum() / (size - 2.0)
        };
        let ratio = |h: &dyn Fn(&Array2<f64>, &Array2<f64>) -> f64| {
            h(&k, &l) / (h(&k, &k) * h(&l, &l)).sqrt()
        };
        (ratio(&plain), ratio(&unbiased))
    }

    #[test]
    fn both_forms_agree_with_the_definition() {
        let mut stream = Stream::new(1, "cka");
        for (n, dx, dy) in [(40, 3, 5), (12, 30, 4), (9, 11, 11), (200, 2, 1)] {
            let x = stream.normal_matrix((n, dx)) + 0.3;
            let y = x.dot(&stream.normal_matrix((dx, dy))) + stream.normal_matrix((n, dy));
            let (plain, unbiased) = reference(&x, &y);
            let found = linear_cka(x.view(), y.view()).unwrap();
            assert!((found - plain).abs() < 1e-12, "{n} {dx} {dy}: {found} {plain}");
            let found = linear_cka_debiased(x.view(), y.view()).unwrap();
            assert!((found - unbiased).abs() < 1e-11, "{n} {dx} {dy}: {found} {unbiased}");
        }
    }

    #[test]
    fn rotations_and_one_scale_change_nothing_other_maps_do() {
        let mut stream = Stream::new(2, "cka");
        let x = stream.normal_matrix((300, 2));
        let rotation = ndarray::array![[0.6, -0.8], [0.8, 0.6]];
        let turned = x.dot(&rotation) * 7.0 - 3.0;
        for cka in [linear_cka, linear_cka_debiased] {
            assert!((cka(x.view(), turned.view()).unwrap() - 1.0).abs() < 1e-12);
            let stretched = &x * &ndarray::array![1.0, 20.0];
            assert!(cka(x.view(), stretched.view()).unwrap() < 0.8);
        }
    }

    #[test]
    fn noise_of_many_features_looks_alike_to_the_biased_one_alone() {
        let mut stream = Stream::new(3, "cka");
        let (mut biased, mut debiased) = (0.0, 0.0);
        for _ in 0..40 {
            let (x, y) = (stream.normal_matrix((30, 60)), stream.normal_matrix((30, 60)));
            biased += linear_cka(x.view(), y.view()).unwrap() / 40.0;
            debiased += linear_cka_debiased(x.view(), y.view()).unwrap() / 40.0;
        }
        assert!(biased > 0.6 && debiased.abs() < 0.02, "{biased} {debiased}");
    }

    #[test]
    fn what_has_no_answer_is_refused() {
        let x = Array2::<f64>::ones((5, 2));
        let y = Stream::new(4, "cka").normal_matrix((5, 2));
        assert!(matches!(linear_cka(x.view(), y.view()), Err(EvalError::NoSpread { .. })));
        let short = y.slice(ndarray::s![..3, ..]);
        assert!(matches!(linear_cka(short, y.view()), Err(EvalError::RowCounts { .. })));
        assert!(matches!(linear_cka_debiased(short, short), Err(EvalError::TooFewRows { .. })));
    }
}
