//! The number of rows over which a series depends on its own past.

use serde::{Deserialize, Serialize};

use super::{RowStructure, dense};

/// A product of autocorrelations below this does not count as dependence.
const FORGOTTEN: f64 = 0.05;

/// A gap longer than this share of the rows would leave too few to learn from.
const LONGEST_SHARE: f64 = 0.1;

/// A column as a time series.
pub(crate) enum Track {
    /// Numbers minus their mean.
    Centred(Vec<f64>),
    /// Labels, of which only equality counts.
    Labels(Vec<u32>),
}

impl Track {
    /// The numbers, and their distances from the mean: the second detects a changing spread, which
    /// the first may miss.
    pub(crate) fn of_numbers(values: &[f64]) -> [Self; 2] {
        let centred = |values: Vec<f64>| {
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            values.into_iter().map(|value| value - mean).collect::<Vec<f64>>()
        };
        let own = centred(values.to_vec());
        let spread = centred(own.iter().map(|value| value.abs()).collect());
        [Self::Centred(own), Self::Centred(spread)]
    }

    /// The autocorrelation at a lag. For labels: how much more frequent equal ones are at this lag
    /// than by chance, as a fraction of the maximum (Cohen's kappa of the series and the shifted
    /// series). 0 for a constant.
    pub(crate) fn autocorrelation(&self, lag: usize) -> f64 {
        match self {
            Self::Centred(values) => {
                let squares: f64 = values.iter().map(|value| value * value).sum();
                let later = values.get(lag..).unwrap_or_default();
                let products: f64 = values.iter().zip(later).map(|(a, b)| a * b).sum();
                if squares > 0.0 { products / squares } else { 0.0 }
            }
            Self::Labels(labels) => {
                let mut counts = vec![0.0; labels.len()];
                for place in dense(labels) {
                    counts[place] += 1.0;
                }
                let n = labels.len() as f64;
                let chance: f64 = counts.iter().map(|count| (count / n).powi(2)).sum();
                let later = labels.get(lag..).unwrap_or_default();
                if chance >= 1.0 || later.is_empty() {
                    return 0.0;
                }
                let equal = labels.iter().zip(later).filter(|(a, b)| a == b).count() as f64;
                (equal / later.len() as f64 - chance) / (1.0 - chance)
            }
        }
    }
}

/// Rows left out between fitted and held-out rows, so that dependence in time does not reach across
/// the gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Rows left out on each side.
    pub rows: usize,
    /// Whether the series remember their past for longer than that, a tenth of the rows.
    pub is_cut: bool,
}

impl Gap {
    /// No gap.
    pub(crate) const NONE: Self = Self { rows: 0, is_cut: false };

    /// The gap for rows of this structure; 0 unless they are ordered. `sides` are the tracks of the
    /// columns of x and of y.
    pub(crate) fn of(
        structure: &RowStructure,
        sides: impl FnOnce() -> [Vec<Track>; 2],
        n: usize,
    ) -> Self {
        if *structure != RowStructure::Ordered {
            return Self::NONE;
        }
        let [x, y] = sides();
        Self::between(&x, &y, n)
    }

    /// The gap of two sides, each given by the tracks of its columns: the rows over which the
    /// product of their largest autocorrelations is 0.05 or more.
    ///
    /// The product matters: by Bartlett (1946) the variance of a cross-correlation of independent
    /// series is Σ ρ(k) ρ′(k) / n, and rows in which one side has forgotten its past say nothing
    /// about a held-out pair. The lag is searched by doubling and halving, so that long series cost
    /// a few dozen passes.
    fn between(x: &[Track], y: &[Track], n: usize) -> Self {
        let largest = |side: &[Track], lag: usize| {
            side.iter().map(|track| track.autocorrelation(lag).abs()).fold(0.0, f64::max)
        };
        // A correlation that crosses 0, as for a random walk or a season, may return.
        let remembers = |lag: usize| {
            (0..4).map(|quarter| lag + quarter * lag / 4).any(|lag| {
                let of_x = largest(x, lag);
                of_x >= FORGOTTEN && of_x * largest(y, lag) >= FORGOTTEN
            })
        };
        let longest = (LONGEST_SHARE * n as f64) as usize;
        if !remembers(1) {
            return Self::NONE;
        }
        // Dependent at lag `near`, independent at lag `far`.
        let (mut near, mut far) = (1, 2);
        while far <= longest && remembers(far) {
            (near, far) = (far, 2 * far);
        }
        if far > longest {
            far = longest + 1;
            if near >= far || remembers(far) {
                return Self { rows: longest, is_cut: true };
            }
        }
        while far - near > 1 {
            let middle = usize::midpoint(near, far);
            if remembers(middle) {
                near = middle;
            } else {
                far = middle;
            }
        }
        Self { rows: near, is_cut: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mi_random::Stream;

    fn series(n: usize, memory: f64, seed: u64) -> Vec<f64> {
        let mut stream = Stream::new(seed, "series");
        let mut value = 0.0;
        let mut step = || {
            value = memory * value + stream.normal();
            value
        };
        (0..n).map(|_| step()).collect()
    }

    fn gap(x: &[f64], y: &[f64]) -> Gap {
        Gap::between(&Track::of_numbers(x), &Track::of_numbers(y), x.len())
    }

    #[test]
    fn the_gap_is_as_long_as_both_sides_remember() {
        // 0.9^2k = 0.05 at k = 14.2.
        let (slow, other, white) =
            (series(20_000, 0.9, 1), series(20_000, 0.9, 2), series(20_000, 0.0, 3));
        let found = gap(&slow, &other);
        assert!((11..=18).contains(&found.rows) && !found.is_cut, "{found:?}");
        assert_eq!(gap(&slow, &white).rows, 0);
        assert_eq!(gap(&white, &white).rows, 0);
        // A trend never forgets.
        let trend: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(gap(&trend, &trend), Gap { rows: 100, is_cut: true });
        assert_eq!(gap(&[1.0; 50], &[1.0; 50]).rows, 0);
    }

    #[test]
    fn labels_and_spreads_are_remembered_too() {
        let labels: Vec<u32> = series(20_000, 0.9, 5).iter().map(|&v| u32::from(v > 0.0)).collect();
        let track = Track::Labels(labels);
        // The arcsine law: the signs of two Gaussians of correlation r have correlation 2/π asin r.
        let expected = 2.0 / std::f64::consts::PI * 0.9_f64.asin();
        assert!((track.autocorrelation(1) - expected).abs() < 0.02);
        let mut stream = Stream::new(6, "noise");
        let spread: Vec<f64> =
            series(20_000, 0.9, 7).iter().map(|v| (0.5 * v).exp() * stream.normal()).collect();
        assert!(gap(&spread, &spread).rows >= 3);
    }
}
