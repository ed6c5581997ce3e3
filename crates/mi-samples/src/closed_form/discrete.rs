use serde::{Deserialize, Serialize};

use crate::SamplesError;

/// The entropy of a discrete variable.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiscreteEntropy {
    /// −Σ p ln p of the frequencies, in nats.
    pub plug_in: f64,
    /// `plug_in` plus (m − 1)/(2N) for the m values seen (Miller, 1955).
    pub miller_madow: f64,
    /// The number m of values seen.
    pub values: usize,
}

/// Mutual information from the frequencies of discrete values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlugIn {
    /// From the frequencies themselves, in nats: not negative, and too high by about (mx − 1)(my −
    /// 1)/(2N).
    pub plug_in: f64,
    /// From entropies corrected by Miller (1955), in nats; at most ln n for n observations, which
    /// the correction would exceed if nearly every label were unique.
    pub miller_madow: f64,
    /// The standard error, from the contributions of the observations.
    pub standard_error: f64,
    /// The entropy of the first variable.
    pub x: DiscreteEntropy,
    /// The entropy of the second variable.
    pub y: DiscreteEntropy,
    /// The entropy of the pair.
    pub xy: DiscreteEntropy,
}

/// The entropy in nats of labels, 0 for a single value.
///
/// # Errors
/// If there are no labels.
pub fn discrete_entropy(labels: &[u32]) -> Result<DiscreteEntropy, SamplesError> {
    if labels.is_empty() {
        return Err(SamplesError::EmptySide { rows: 0, columns: 1 });
    }
    Ok(entropy(&counts(labels.iter().map(|&label| (label, 0)).collect()), labels.len()))
}

/// Mutual information in nats of two discrete variables, given as labels.
///
/// H(X) + H(Y) − H(X, Y) with the entropies of the frequencies, and with those corrected by Miller
/// (1955) and Madow.
///
/// # Shapes
/// `x` and `y`: n labels each.
///
/// # Errors
/// If there are no labels or their numbers differ.
///
/// ```
/// let found = mi_samples::plug_in(&[1, 1, 1, 0, 0], &[1, 0, 1, 1, 0])?;
/// assert!((found.plug_in - 0.01384).abs() < 5e-6); // nats; 0.01997 bits
/// # Ok::<(), mi_samples::SamplesError>(())
/// ```
pub fn plug_in(x: &[u32], y: &[u32]) -> Result<PlugIn, SamplesError> {
    if x.len() != y.len() {
        return Err(SamplesError::RowCounts { x: x.len(), y: y.len() });
    }
    if x.is_empty() {
        return Err(SamplesError::EmptySide { rows: 0, columns: 1 });
    }
    Ok(plug_in_of(x, y))
}

pub(crate) fn plug_in_of(x: &[u32], y: &[u32]) -> PlugIn {
    let n = x.len();
    let of_x = counts(x.iter().map(|&label| (label, 0)).collect());
    let of_y = counts(y.iter().map(|&label| (label, 0)).collect());
    let of_xy = counts(x.iter().copied().zip(y.iter().copied()).collect());
    let [hx, hy, hxy] = [&of_x, &of_y, &of_xy].map(|counts| entropy(counts, n));
    // Not computed as a difference of entropies: every term is then exact for independent
    // frequencies.
    let count_of = |counts: &[((u32, u32), usize)], label| {
        counts.binary_search_by_key(&(label, 0), |entry| entry.0).map_or(0, |at| counts[at].1)
    };
    let (mut mean, mut square) = (0.0, 0.0);
    for &((x, y), count) in &of_xy {
        let expected = count_of(&of_x, x) as f64 * count_of(&of_y, y) as f64;
        // As f64: the product of two counts may not fit 32 bits.
        let term = (count as f64 * n as f64 / expected).ln();
        let share = count as f64 / n as f64;
        mean += share * term;
        square += share * term * term;
    }
    let degrees = (hx.values - 1) as f64 * (hy.values - 1) as f64;
    let size = n as f64;
    let variance = (square - mean * mean).max(0.0) / size + degrees / (2.0 * size * size);
    let correction = (hx.values + hy.values) as f64 - 1.0 - hxy.values as f64;
    PlugIn {
        plug_in: mean.max(0.0),
        miller_madow: (mean + correction / (2.0 * size)).min(size.ln()),
        standard_error: variance.sqrt(),
        x: hx,
        y: hy,
        xy: hxy,
    }
}

/// How often every pair occurs, in ascending order.
fn counts(mut pairs: Vec<(u32, u32)>) -> Vec<((u32, u32), usize)> {
    pairs.sort_unstable();
    pairs.chunk_by(PartialEq::eq).map(|run| (run[0], run.len())).collect()
}

fn entropy(counts: &[((u32, u32), usize)], n: usize) -> DiscreteEntropy {
    let n = n as f64;
    let terms = counts.iter().map(|&(_, count)| {
        let share = count as f64 / n;
        // ln(1/p) of the only value is +0, not −0.
        share * (n / count as f64).ln()
    });
    let plug_in: f64 = terms.sum();
    let values = counts.len();
    DiscreteEntropy { plug_in, miller_madow: plug_in + (values - 1) as f64 / (2.0 * n), values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use mi_random::Stream;

    #[test]
    fn a_bijection_has_the_entropy() {
        let y: Vec<u32> = [1, 0, 1, 1].repeat(10);
        let x: Vec<u32> = y.iter().map(|y| 3 * y).collect();
        let found = plug_in(&x, &y).unwrap();
        assert_abs_diff_eq!(found.plug_in, 0.5623, epsilon = 5e-5);
        assert_abs_diff_eq!(found.plug_in, found.x.plug_in, epsilon = 1e-15);
    }

    #[test]
    fn a_constant_has_none() {
        let found = plug_in(&[5; 6], &[0, 1, 2, 0, 1, 2]).unwrap();
        assert_eq!((found.plug_in, found.miller_madow, found.x.plug_in), (0.0, 0.0, 0.0));
        assert!(found.x.plug_in.is_sign_positive());
        assert!(plug_in(&[], &[]).is_err() && plug_in(&[1], &[1, 2]).is_err());
    }

    #[test]
    fn labels_of_their_own_are_no_more_than_the_logarithm_of_their_number() {
        let labels: Vec<u32> = (0..300).collect();
        let found = plug_in(&labels, &labels).unwrap();
        assert_eq!(found.miller_madow, 300_f64.ln());
        assert!(found.miller_madow - found.plug_in < 1e-12);
    }

    #[test]
    fn the_correction_centres_independent_labels() {
        let mut stream = Stream::new(0, "labels");
        let mut draw = || -> Vec<u32> { (0..2000).map(|_| stream.below(5) as u32).collect() };
        let (mut plain, mut corrected) = (0.0, 0.0);
        for _ in 0..100 {
            let found = plug_in(&draw(), &draw()).unwrap();
            plain += found.plug_in / 100.0;
            corrected += found.miller_madow / 100.0;
        }
        // 16/(2·2000); the standard error of the mean is 0.00014.
        assert_abs_diff_eq!(plain, 0.004, epsilon = 5e-4);
        assert_abs_diff_eq!(corrected, 0.0, epsilon = 5e-4);
    }

    #[test]
    fn the_standard_error_is_the_spread_of_repetitions() {
        let mut stream = Stream::new(1, "labels");
        let (mut values, mut error) = (Vec::new(), 0.0);
        for _ in 0..400 {
            let x: Vec<u32> = (0..500).map(|_| stream.below(3) as u32).collect();
            let y: Vec<u32> =
                x.iter().map(|&x| if stream.uniform() < 0.6 { x } else { 0 }).collect();
            let found = plug_in(&x, &y).unwrap();
            values.push(found.plug_in);
            error += found.standard_error / 400.0;
        }
        let mean = values.iter().sum::<f64>() / 400.0;
        let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 399.0).sqrt();
        assert!((error / spread - 1.0).abs() < 0.15, "{error} {spread}");
    }
}
