use mi_kernels::positive_part;

/// The correlation of the bivariate Gaussian with this mutual information in nats:
/// √(1 − exp(−2I)), in [0, 1] (Linfoot, 1957). A negative estimate counts as 0; NaN stays NaN.
pub fn information_correlation(information: f64) -> f64 {
    (-(-2.0 * positive_part(information)).exp_m1()).sqrt()
}

/// Mutual information over the geometric mean of two discrete entropies, in [0, 1] (Strehl and
/// Ghosh, 2002); 0 if an entropy is 0, since a constant says nothing.
pub fn normalised_information(information: f64, entropy_x: f64, entropy_y: f64) -> f64 {
    if entropy_x <= 0.0 || entropy_y <= 0.0 {
        0.0
    } else {
        (information / (entropy_x * entropy_y).sqrt()).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closed_form::plug_in;
    use approx::assert_abs_diff_eq;

    #[test]
    fn normalised_values_stay_within_bounds() {
        // A label that is constant except in one row once had a normalised value of 3.99.
        let mut labels = vec![0; 50];
        labels.push(1);
        let found = plug_in(&labels, &labels).unwrap();
        let of = |e: f64| normalised_information(found.plug_in, e, found.y.plug_in);
        assert_abs_diff_eq!(of(found.x.plug_in), 1.0, epsilon = 1e-12);
        assert_eq!(of(0.0), 0.0);
        assert_eq!(normalised_information(-0.1, 1.0, 1.0), 0.0);
    }

    #[test]
    fn a_gaussian_gets_its_correlation_back() {
        let information = -0.5 * (1.0 - 0.75_f64 * 0.75).ln();
        assert_abs_diff_eq!(information_correlation(information), 0.75, epsilon = 1e-12);
        assert_eq!(information_correlation(-0.01), 0.0);
        assert_eq!(information_correlation(f64::INFINITY), 1.0);
        assert!(information_correlation(f64::NAN).is_nan());
    }
}
