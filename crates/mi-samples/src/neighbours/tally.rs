//! Means of ψ over neighbour counts.

use statrs::function::gamma::digamma;

/// The mean of ψ(count + `shift`).
///
/// Counts are tallied first and the tally summed in ascending order, so that not even the last bit
/// of the result depends on the order of the rows.
pub(super) fn mean_digamma(counts: &[u32], shift: u32) -> f64 {
    mean_of(counts, |count| digamma(f64::from(count) + f64::from(shift)))
}

/// The mean of a function of the counts, summed in ascending order of the counts.
pub(super) fn mean_of(counts: &[u32], value: impl Fn(u32) -> f64) -> f64 {
    let largest = counts.iter().copied().max().unwrap_or(0);
    let mut tally = vec![0_u32; largest as usize + 1];
    for &count in counts {
        tally[count as usize] += 1;
    }
    let sum: f64 = (0..)
        .zip(&tally)
        .filter(|(_, times)| **times > 0)
        .map(|(count, &times)| f64::from(times) * value(count))
        .sum();
    sum / counts.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn digammas_follow_the_harmonic_numbers() {
        let euler = 0.577_215_664_901_532_9;
        let harmonic: f64 = (1..100_000).map(|i| 1.0 / f64::from(i)).sum();
        assert_relative_eq!(mean_digamma(&[99_999], 1), harmonic - euler, max_relative = 1e-12);
        assert_relative_eq!(mean_digamma(&[0, 1], 1), 0.5 - euler, max_relative = 1e-12);
    }
}
