use mi_random::Stream;
use ndarray::Array2;

use super::Base;
use crate::SamplesError;

/// Columns on each side of a staircase.
pub const STAIRCASE_DIMENSIONS: usize = 20;

/// Mutual information in nats of the steps of a staircase.
pub const STAIRCASE_STEPS: [f64; 5] = [2.0, 4.0, 6.0, 8.0, 10.0];

/// Pairs of correlated Gaussians with a given mutual information (Poole et al., 2019, section 4): y
/// = ρ x + √(1 − ρ²) ε column by column, with ρ = √(1 − exp(−2I/d)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Staircase {
    /// Columns on each side.
    pub dims: usize,
    /// Whether y is replaced by its cube, which preserves mutual information.
    pub cubic: bool,
}

impl Staircase {
    /// Twenty correlated pairs.
    pub const GAUSSIAN: Self = Self { dims: STAIRCASE_DIMENSIONS, cubic: false };
    /// Twenty correlated pairs with every column of y cubed.
    pub const CUBIC: Self = Self { dims: STAIRCASE_DIMENSIONS, cubic: true };

    /// The correlation of a pair at this mutual information in nats.
    pub fn correlation(self, information: f64) -> f64 {
        (-(-2.0 * information / self.dims as f64).exp_m1()).sqrt()
    }

    /// Draws n rows of x and of y with this mutual information in nats.
    ///
    /// # Shapes
    /// Both n × `dims`.
    ///
    /// # Errors
    /// If the information is negative or not finite, or there are no columns.
    pub fn sample(
        self,
        information: f64,
        n: usize,
        stream: &mut Stream,
    ) -> Result<(Array2<f64>, Array2<f64>), SamplesError> {
        if !(information >= 0.0 && information.is_finite()) || self.dims == 0 {
            return Err(SamplesError::Setting {
                setting: "the mutual information of a staircase",
                value: format!("{information} over {} columns", self.dims),
                range: "finite and not negative, over at least one column",
            });
        }
        let rho = self.correlation(information);
        let base = Base::Pairs { pairs: self.dims, others: 0, rho };
        let (x, mut y) = base.sample(n, stream);
        if self.cubic {
            y.mapv_inplace(|y| y.powi(3));
        }
        Ok((x, y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gaussian;

    #[test]
    fn correlations_are_those_of_the_notebook() {
        for (information, rho) in
            STAIRCASE_STEPS.into_iter().zip([0.4258, 0.5742, 0.6717, 0.7421, 0.7951])
        {
            assert!((Staircase::GAUSSIAN.correlation(information) - rho).abs() < 5e-5);
        }
    }

    #[test]
    fn samples_have_the_information_asked_for() {
        let mut stream = Stream::new(0, "stairs");
        for information in [0.0, 2.0, 10.0] {
            let (x, y) = Staircase::GAUSSIAN.sample(information, 5000, &mut stream).unwrap();
            let found = gaussian(x.view(), y.view()).unwrap();
            assert!((found.value - information).abs() < 4.0 * found.standard_error, "{found:?}");
            let (x, y) = Staircase::CUBIC.sample(information, 5000, &mut stream).unwrap();
            let found = gaussian(x.view(), y.mapv(f64::cbrt).view()).unwrap();
            assert!((found.value - information).abs() < 4.0 * found.standard_error, "{found:?}");
        }
        assert!(Staircase::GAUSSIAN.sample(-1.0, 5, &mut stream).is_err());
    }
}
