//! An estimate of MI between representations without a critic: nearest neighbours on the first
//! principal components of both sides.

use mi_random::Stream;
use mi_samples::{KsgVariant, ksg};
use ndarray::{Array2, ArrayView2, Axis, s};

use super::super::representation::Sides;

/// Principal components of each side: nearest neighbours are accurate in few dimensions only.
const COMPONENTS: usize = 3;

/// At most this many test images are used.
const ROWS: usize = 5_000;
/// Nearest neighbours of the estimate.
const NEIGHBOURS: usize = 3;

/// Iterations of the orthogonal iteration that finds the components.
const ITERATIONS: usize = 200;

/// The estimate of Kraskov, Stögbauer and Grassberger (2004, algorithm 1), in nats, between the
/// first principal components of two representations. The components are fitted to training images
/// and the estimate is made on test images. By the data-processing inequality, components share at
/// most the information that the representations share. `None` if a representation has collapsed,
/// or if neighbours coincide.
pub(in super::super) fn estimate(
    x: &Sides,
    y: &Sides,
    rows: &[usize],
    stream: &Stream,
) -> Option<f64> {
    let rows = &rows[..rows.len().min(ROWS)];
    let of = |side: &Sides, name: &str| {
        let test = side.test.select(Axis(0), rows);
        components(side.train.view(), test.view(), &mut stream.child(name))
    };
    let (x, y) = (of(x, "x")?, of(y, "y")?);
    let found = ksg(x.view(), y.view(), KsgVariant::First, &[NEIGHBOURS], 0).ok()?;
    found.first().copied().filter(|value| value.is_finite())
}

/// Projects `rows` onto the first principal components of `fitted`, scaled to unit variance on
/// `fitted`.
fn components(
    fitted: ArrayView2<'_, f32>,
    rows: ArrayView2<'_, f32>,
    stream: &mut Stream,
) -> Option<Array2<f64>> {
    let fitted = fitted.mapv(f64::from);
    let mean = fitted.mean_axis(Axis(0))?;
    let centred = &fitted - &mean;
    let covariance = centred.t().dot(&centred) / centred.nrows() as f64;
    let count = COMPONENTS.min(covariance.nrows());
    let mut basis = stream.normal_matrix((covariance.nrows(), count));
    for _ in 0..ITERATIONS {
        basis = covariance.dot(&basis);
        orthonormalise(&mut basis)?;
    }
    let variances = basis.t().dot(&covariance.dot(&basis)).diag().to_owned();
    if !variances.iter().all(|&variance| variance > 0.0) {
        return None;
    }
    let scores = (rows.mapv(f64::from) - &mean).dot(&basis);
    Some(scores / variances.mapv(f64::sqrt))
}

/// Makes columns orthonormal, one after another (Gram–Schmidt); `None` if one vanishes.
fn orthonormalise(basis: &mut Array2<f64>) -> Option<()> {
    for column in 0..basis.ncols() {
        for before in 0..column {
            let along = basis.column(before).dot(&basis.column(column));
            let (earlier, mut own) = basis.multi_slice_mut((s![.., before], s![.., column]));
            own.scaled_add(-along, &earlier);
        }
        let length = basis.column(column).dot(&basis.column(column)).sqrt();
        if !(length > 0.0 && length.is_finite()) {
            return None;
        }
        basis.column_mut(column).mapv_inplace(|value| value / length);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sides of ten numbers each. Two linear combinations carry the shared information and most
    /// of the variance.
    fn sides() -> (Sides, Sides, f64) {
        let mut stream = Stream::new(2, "sides");
        let mixing = stream.normal_matrix((2, 10));
        let (rho, count) = (0.9_f64, 6_000);
        let shared = stream.normal_matrix((count, 2));
        let own = stream.normal_matrix((count, 2));
        let mut side = |latent: &Array2<f64>| {
            let noise = stream.normal_matrix((count, 10));
            let all = (latent.dot(&mixing) + 1e-3 * noise).mapv(|value| value as f32);
            let (train, test) = all.view().split_at(Axis(0), count / 2);
            Sides { train: train.to_owned(), test: test.to_owned() }
        };
        let x = side(&shared);
        let y = side(&(rho * &shared + (1.0 - rho * rho).sqrt() * &own));
        (x, y, -(1.0 - rho * rho).ln())
    }

    #[test]
    fn the_information_of_shared_components_is_found() {
        let (x, y, truth) = sides();
        let rows: Vec<usize> = (0..x.test.nrows()).collect();
        let found = estimate(&x, &y, &rows, &Stream::new(1, "components")).unwrap();
        // The third component of each side is noise, which costs nearest neighbours some accuracy.
        assert!((found - truth).abs() < 0.2, "{found} of {truth}");
    }

    #[test]
    fn a_collapsed_representation_has_no_estimate() {
        let (x, _, _) = sides();
        let flat = Sides { train: Array2::ones((50, 4)), test: Array2::ones((50, 4)) };
        let rows: Vec<usize> = (0..50).collect();
        assert_eq!(estimate(&x, &flat, &rows, &Stream::new(1, "components")), None);
    }
}
