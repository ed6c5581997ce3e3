//! Synthetic pairs whose mutual information is known exactly.

mod correlated_gaussian;
mod latent_pair;
mod latent_sequences;

pub use correlated_gaussian::{CorrelatedGaussian, rho_for_mi};
pub use latent_pair::{Covariance, LatentPair, Sampling};
pub use latent_sequences::LatentSequences;

use mi_random::Stream;
use ndarray::{Array2, ArrayViewMut2, NdFloat};

use crate::DataError;

/// A source of pairs (x, y) whose mutual information is known.
pub trait PairSource {
    /// Columns of x and of y.
    fn dims(&self) -> (usize, usize);

    /// I(X; Y) of one pair in nats.
    fn true_mi(&self) -> f64;

    /// Fills `x` and `y` with one batch: row i of both is pair i.
    ///
    /// The numbers are drawn in `f64` in one order, so they do not depend on the memory layout,
    /// and `f32` batches are the rounded `f64` ones.
    ///
    /// # Shapes
    /// `x` is n × `dims().0`, `y` is n × `dims().1`.
    ///
    /// # Errors
    /// If the shapes differ.
    fn sample_into<T: NdFloat>(
        &self,
        x: ArrayViewMut2<'_, T>,
        y: ArrayViewMut2<'_, T>,
        stream: &mut Stream,
    ) -> Result<(), DataError>;

    /// One batch of `count` pairs.
    ///
    /// # Shapes
    /// `count` × `dims().0` and `count` × `dims().1`.
    ///
    /// # Errors
    /// Those of [`PairSource::sample_into`].
    fn sample<T: NdFloat>(
        &self,
        count: usize,
        stream: &mut Stream,
    ) -> Result<(Array2<T>, Array2<T>), DataError> {
        let (dim_x, dim_y) = self.dims();
        let (mut x, mut y) = (Array2::zeros((count, dim_x)), Array2::zeros((count, dim_y)));
        self.sample_into(x.view_mut(), y.view_mut(), stream)?;
        Ok((x, y))
    }
}

/// Checks the buffers of [`PairSource::sample_into`].
fn check_shapes(
    (dim_x, dim_y): (usize, usize),
    x: (usize, usize),
    y: (usize, usize),
) -> Result<(), DataError> {
    if x.1 == dim_x && y.1 == dim_y && x.0 == y.0 {
        return Ok(());
    }
    Err(DataError::Shape {
        operation: "sampling pairs",
        expected: format!("n x {dim_x} and n x {dim_y}"),
        found: format!("{} x {} and {} x {}", x.0, x.1, y.0, y.1),
    })
}

/// −½ ln(1 − ρ²): the mutual information in nats of two jointly normal numbers with
/// correlation ρ (Cover and Thomas 2006, example 8.5.1).
fn gaussian_mi(rho: f64) -> f64 {
    -0.5 * (-rho * rho).ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn battery(source: &impl PairSource) {
        let (dim_x, dim_y) = source.dims();
        let stream = || Stream::new(4, "pairs");
        let (x, y) = source.sample::<f64>(50, &mut stream()).unwrap();
        assert_eq!((x.dim(), y.dim()), ((50, dim_x), (50, dim_y)));
        assert!(source.true_mi() > 0.0 && source.true_mi().is_finite());

        let (x32, y32) = source.sample::<f32>(50, &mut stream()).unwrap();
        assert_eq!(x32, x.mapv(|value| value as f32));
        assert_eq!(y32, y.mapv(|value| value as f32));

        // The layout of the buffers does not matter.
        let (mut tx, mut ty) = (Array2::zeros((dim_x, 50)), Array2::zeros((dim_y, 50)));
        let (vx, vy) = (tx.view_mut().reversed_axes(), ty.view_mut().reversed_axes());
        source.sample_into(vx, vy, &mut stream()).unwrap();
        assert_eq!((tx.t(), ty.t()), (x.view(), y.view()));

        // Each batch continues where the last one ended.
        let mut long = stream();
        let first = source.sample::<f64>(50, &mut long).unwrap();
        assert_eq!(first, (x, y));
        assert_ne!(source.sample::<f64>(50, &mut long).unwrap(), first);

        for (nx, cx, ny, cy) in [(2, dim_x, 3, dim_y), (2, dim_x + 1, 2, dim_y), (2, dim_x, 2, 0)] {
            let (mut x, mut y) = (Array2::<f64>::zeros((nx, cx)), Array2::zeros((ny, cy)));
            assert!(source.sample_into(x.view_mut(), y.view_mut(), &mut stream()).is_err());
        }
        assert_eq!(source.sample::<f64>(0, &mut stream()).unwrap().0.dim(), (0, dim_x));
    }

    #[test]
    fn every_source_passes_the_battery() {
        let gaussian = CorrelatedGaussian::new([0.5, -0.9, 0.0]).unwrap();
        battery(&gaussian);
        battery(&gaussian.cubic());
        battery(&LatentPair::figure_4c(Sampling::Independent));
        battery(&LatentPair::figure_4c(Sampling::Dependent));
    }

    #[test]
    fn sources_are_read_back() {
        let gaussian = CorrelatedGaussian::new([0.5, -0.9]).unwrap().cubic();
        let text = serde_json::to_string(&gaussian).unwrap();
        assert_eq!(serde_json::from_str::<CorrelatedGaussian>(&text).unwrap(), gaussian);
        let pair = LatentPair::figure_4c(Sampling::Dependent);
        let text = serde_json::to_string(&pair).unwrap();
        assert_eq!(serde_json::from_str::<LatentPair>(&text).unwrap(), pair);
        let sequences = LatentSequences::new(0.8, 0.5).unwrap();
        let text = serde_json::to_string(&sequences).unwrap();
        assert_eq!(serde_json::from_str::<LatentSequences>(&text).unwrap(), sequences);
        let error = serde_json::from_str::<LatentSequences>(&text.replace("0.8", "1.5"));
        assert!(error.unwrap_err().to_string().contains("between -1 and 1"));
    }
}
