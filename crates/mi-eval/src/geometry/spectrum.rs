use faer::Mat;
use mi_kernels::Scalar;
use ndarray::{Array2, ArrayView2, Axis};
use std::ops::RangeInclusive;

use super::double;
use crate::{EvalError, features};

/// What [`rank_me`] adds to every share.
const RANK_ME_EPS: f64 = 1e-7;

/// The singular values of a feature matrix, raw or centred, in descending order.
///
/// ```
/// use mi_eval::Spectrum;
///
/// let features = ndarray::array![[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]];
/// let raw = Spectrum::raw(features.view())?;
/// assert!((raw.values()[0] - 2.0).abs() < 1e-12 && (raw.values()[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), mi_eval::EvalError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    values: Vec<f64>,
}

impl Spectrum {
    /// The singular values of the raw matrix.
    ///
    /// # Shapes
    /// `features` is samples × features; there are min(samples, features) values.
    ///
    /// # Errors
    /// An empty matrix, a NaN or infinite feature, a matrix of zeros.
    pub fn raw<T: Scalar>(features: ArrayView2<'_, T>) -> Result<Self, EvalError> {
        const OPERATION: &str = "spectrum";
        features::check(OPERATION, &features)?;
        Self::of(OPERATION, double(&features))
    }

    /// The singular values of the matrix minus its column means. Their squares divided by the
    /// number of rows are the covariance's eigenvalues.
    ///
    /// # Errors
    /// Those of [`raw`](Self::raw).
    pub fn centred<T: Scalar>(features: ArrayView2<'_, T>) -> Result<Self, EvalError> {
        const OPERATION: &str = "spectrum of the centred matrix";
        features::check(OPERATION, &features)?;
        let mut matrix = double(&features);
        let n = matrix.nrows() as f64;
        let mean = matrix.map_axis(Axis(0), |column| column.iter().map(|v| v / n).sum::<f64>());
        matrix -= &mean;
        Self::of(OPERATION, matrix)
    }

    fn of(operation: &'static str, matrix: Array2<f64>) -> Result<Self, EvalError> {
        let largest = matrix.iter().fold(0.0_f64, |largest, v| largest.max(v.abs()));
        if largest == 0.0 {
            return Err(EvalError::NoSpread { operation });
        }
        // Divided by the largest entry, so that squares of any finite numbers are finite.
        let scaled = Mat::from_fn(matrix.nrows(), matrix.ncols(), |i, j| matrix[[i, j]] / largest);
        let found = scaled.singular_values().map_err(|_| EvalError::Decomposition { operation })?;
        let mut values: Vec<f64> = found.iter().map(|value| value * largest).collect();
        values.sort_by(|a, b| b.total_cmp(a));
        Ok(Self { values })
    }

    /// The singular values, largest first.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// `RankMe`: see [`rank_me`]. Use the raw matrix.
    pub fn rank_me(&self) -> f64 {
        self.exp_entropy(RANK_ME_EPS)
    }

    /// The effective rank: see [`effective_rank`].
    pub fn effective_rank(&self) -> f64 {
        self.exp_entropy(0.0)
    }

    fn exp_entropy(&self, eps: f64) -> f64 {
        let sum: f64 = self.values.iter().sum();
        let entropy: f64 = self
            .values
            .iter()
            .map(|value| value / sum + eps)
            .filter(|&share| share > 0.0)
            .map(|share| -share * share.ln())
            .sum();
        entropy.exp()
    }

    /// The exponent α of a power law `λ_j ∝ j^−α` of the covariance's eigenvalues. Use the centred
    /// matrix.
    ///
    /// # Formula
    /// The slope of `−ln λ_j` on `ln j` by least squares with weights 1/j over the j of `range`,
    /// counted from 1 (Stringer et al., 2019; Agrawal et al., 2022, α-ReQ). The value depends on
    /// the range: state it. Public code of α-ReQ uses 11..=100.
    ///
    /// # Errors
    /// A range of fewer than two values, or one that goes beyond the eigenvalues above rounding:
    /// a representation of 64 features has no exponent over 11..=100.
    pub fn exponent(&self, range: RangeInclusive<usize>) -> Result<f64, EvalError> {
        let (first, last) = (*range.start(), *range.end());
        let rounding = self.values[0] * f64::EPSILON * self.values.len() as f64;
        let rank = self.values.iter().take_while(|&&value| value > rounding).count();
        if first == 0 || last <= first || last > rank {
            return Err(EvalError::SpectrumRange { first, last, rank });
        }
        let (mut weight, mut x_sum, mut y_sum, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for j in range {
            let (w, x, y) = (1.0 / j as f64, (j as f64).ln(), -2.0 * self.values[j - 1].ln());
            weight += w;
            x_sum += w * x;
            y_sum += w * y;
            xx += w * x * x;
            xy += w * x * y;
        }
        Ok((xy - x_sum * y_sum / weight) / (xx - x_sum * x_sum / weight))
    }
}

/// `RankMe`: how many directions a representation uses, between 1 and the number of features.
///
/// Compare numbers of one method on equal numbers of samples; there must be many more samples than
/// features.
///
/// # Formula
/// `exp(−Σ_k p_k ln p_k)`, `p_k = σ_k / Σ_l σ_l + 10⁻⁷`, with σ the singular values of the raw
/// matrix, neither centred nor squared (Garrido et al., 2023, eq. 1 and 2).
///
/// # Errors
/// Those of [`Spectrum::raw`].
pub fn rank_me<T: Scalar>(features: ArrayView2<'_, T>) -> Result<f64, EvalError> {
    Ok(Spectrum::raw(features)?.rank_me())
}

/// The effective rank of Roy and Vetterli (2007, eq. 3 and 4): [`rank_me`] without the 10⁻⁷.
///
/// # Errors
/// Those of [`Spectrum::raw`].
pub fn effective_rank<T: Scalar>(features: ArrayView2<'_, T>) -> Result<f64, EvalError> {
    Ok(Spectrum::raw(features)?.effective_rank())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_random::Stream;

    #[test]
    fn a_power_law_has_its_exponent() {
        // An orthogonal frame times j^(−α/2): one row per direction, centred by adding its
        // negative.
        let d = 120;
        let mut x = Array2::<f64>::zeros((2 * d, d));
        for j in 0..d {
            let size = ((j + 1) as f64).powf(-0.35);
            x[[2 * j, j]] = size;
            x[[2 * j + 1, j]] = -size;
        }
        let spectrum = Spectrum::centred(x.view()).unwrap();
        for range in [11..=100, 1..=120, 5..=6] {
            assert!((spectrum.exponent(range).unwrap() - 0.7).abs() < 1e-10);
        }
        let error = spectrum.exponent(11..=121).unwrap_err().to_string();
        assert!(error.contains("11..=121") && error.contains("120"), "{error}");
        for range in [0..=5, 7..=7] {
            assert!(spectrum.exponent(range).is_err());
        }
    }

    #[test]
    fn directions_without_variance_carry_no_exponent() {
        let x = Stream::new(1, "spectrum").normal_matrix((500, 3));
        let wide = x.dot(&Stream::new(2, "spectrum").normal_matrix((3, 40)));
        let error = Spectrum::centred(wide.view()).unwrap().exponent(1..=4).unwrap_err();
        assert_eq!(error, EvalError::SpectrumRange { first: 1, last: 4, rank: 3 });
        assert!((effective_rank(wide.view()).unwrap()) <= 3.0 + 1e-9);
    }

    #[test]
    fn equal_directions_count_one_each() {
        let x = Array2::<f32>::eye(30) * 1e30;
        assert!((effective_rank(x.view()).unwrap() - 30.0).abs() < 1e-9);
        assert!((rank_me(x.view()).unwrap() - 30.0).abs() < 1e-3);
        let zeros = Array2::<f32>::zeros((3, 3));
        assert!(matches!(rank_me(zeros.view()), Err(EvalError::NoSpread { .. })));
    }
}
