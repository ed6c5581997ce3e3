use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Half the width of a normal variable's 95 % interval, in standard errors.
const NORMAL: f64 = 1.959_963_985;

/// The value that Student's t with this many degrees of freedom exceeds with probability `tail`.
/// Infinite without degrees of freedom, and for a tail of 0 (of 1: minus infinite); NaN for a tail
/// that is not a probability, and if either number is NaN.
///
/// ```
/// // Half the width of a 95 % interval of a mean of six numbers, in standard errors.
/// assert!((mi_eval::t_quantile(5.0, 0.025) - 2.5706).abs() < 1e-4);
/// ```
pub fn t_quantile(freedom: f64, tail: f64) -> f64 {
    if !(0.0..=1.0).contains(&tail) || freedom.is_nan() {
        return f64::NAN;
    }
    if freedom > 1000.0 {
        // The normal value and its first correction, to within 3·10⁻⁶ at 95 %. The inverse below
        // loses digits with more degrees of freedom: at 10⁷ it is 1.91 instead of 1.96.
        let z = Normal::standard().inverse_cdf(1.0 - tail);
        return if freedom.is_finite() { z + (z.powi(3) + z) / (4.0 * freedom) } else { z };
    }
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |t| t.inverse_cdf(1.0 - tail))
}

/// Half the width of the 95 % interval of the mean of `n` numbers, in standard errors.
fn student(n: usize) -> f64 {
    t_quantile(n as f64 - 1.0, 0.025)
}

/// The mean of numbers that belong to independent rows, and its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Its standard error: the numbers' standard deviation over √n. It is infinite for a single
    /// number.
    pub standard_error: f64,
    /// How many numbers.
    pub n: usize,
}

impl Mean {
    /// The mean of some numbers; NaN if there are none.
    pub fn of(numbers: &[f64]) -> Self {
        let n = numbers.len();
        let value = numbers.iter().sum::<f64>() / n as f64;
        let squares: f64 = numbers.iter().map(|x| (x - value) * (x - value)).sum();
        let standard_error =
            if n > 1 { (squares / (n - 1) as f64 / n as f64).sqrt() } else { f64::INFINITY };
        Self { value, standard_error, n }
    }

    /// The 95 % interval, by Student's t: it is valid if the numbers are independent, and nearly
    /// normal or many.
    pub fn interval(&self) -> Interval {
        let width = student(self.n) * self.standard_error;
        Interval { low: self.value - width, high: self.value + width }
    }
}

/// A 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// The interval of a probability, from `count` cases in `n` (Wilson, 1927). Its width is
    /// positive even if all or none were counted.
    pub fn of_share(count: usize, n: usize) -> Self {
        let (n, share) = (n as f64, count as f64 / n as f64);
        let z2 = NORMAL * NORMAL;
        let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let width =
            NORMAL / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
        Self { low: (centre - width).max(0.0), high: (centre + width).min(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_random::Stream;

    #[test]
    fn intervals_cover_in_nineteen_of_twenty_cases() {
        let mut stream = Stream::new(1, "coverage");
        for n in [2, 5, 14, 20, 40] {
            let covered = (0..40_000)
                .filter(|_| {
                    let numbers: Vec<f64> = (0..n).map(|_| 3.0 + 2.0 * stream.normal()).collect();
                    let Interval { low, high } = Mean::of(&numbers).interval();
                    (low..high).contains(&3.0)
                })
                .count();
            // 38,000 are expected; the standard deviation is 44.
            assert!((37_850..=38_150).contains(&covered), "{n}: {covered}");
        }
        let covered = (0..4000)
            .filter(|_| {
                let count = (0..200).filter(|_| stream.uniform() < 0.03).count();
                let Interval { low, high } = Interval::of_share(count, 200);
                (low..high).contains(&0.03)
            })
            .count();
        assert!((3740..=3920).contains(&covered), "{covered}");
    }

    #[test]
    fn quantiles_agree_with_printed_tables() {
        let table = [(2, 12.706), (5, 2.776), (14, 2.160), (20, 2.093), (121, 1.980)];
        for (n, expected) in table {
            assert!((student(n) - expected).abs() < 6e-4, "{n}: {}", student(n));
        }
        // The two ways of computing meet.
        assert!((student(1001) - student(1002)).abs() < 6e-6);
        assert!((student(10_000_000) - NORMAL).abs() < 1e-6);
        // Other tails, also one as small as that of an early look at a few seeds.
        assert!((t_quantile(4.0, 0.005) - 4.6041).abs() < 1e-4);
        assert!((t_quantile(2.0, 0.001) - 22.327).abs() < 1e-3);
        assert!((t_quantile(1000.0, 0.001) - t_quantile(1001.0, 0.001)).abs() < 5e-5);
        assert_eq!(student(1), f64::INFINITY);
    }

    #[test]
    fn quantiles_of_what_is_no_probability_are_nan() {
        for freedom in [-1.0, 0.0, 1.0, 5.0, 1000.0, 1e7, f64::INFINITY] {
            for tail in [-1e-9, -1.0, 1.0 + 1e-9, 2.0, f64::INFINITY, f64::NAN] {
                assert!(t_quantile(freedom, tail).is_nan(), "{freedom} {tail}");
            }
            assert!(t_quantile(f64::NAN, 0.025).is_nan());
            assert_eq!(t_quantile(freedom, 0.0), f64::INFINITY, "{freedom}");
        }
        for freedom in [1.0, 5.0, 1000.0, 1e7, f64::INFINITY] {
            assert_eq!(t_quantile(freedom, 1.0), f64::NEG_INFINITY, "{freedom}");
            assert!(t_quantile(freedom, 0.5).abs() < 1e-9, "{freedom}");
        }
        assert!((t_quantile(f64::INFINITY, 0.025) - NORMAL).abs() < 1e-9);
        assert_eq!(t_quantile(0.0, 0.025), f64::INFINITY);
    }

    #[test]
    fn the_ends_are_known() {
        let mean = Mean::of(&[1.0, 2.0, 4.0]);
        assert!((mean.value - 7.0 / 3.0).abs() < 1e-15);
        assert!((mean.standard_error - (7.0_f64 / 9.0).sqrt()).abs() < 1e-12);
        assert_eq!(Mean::of(&[5.0]).interval().high, f64::INFINITY);
        // All of ten: Wilson's lower end is n / (n + z²).
        let all = Interval::of_share(10, 10);
        assert!((all.low - 10.0 / (10.0 + NORMAL * NORMAL)).abs() < 1e-12 && all.high == 1.0);
    }
}
