use mi_random::Stream;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::rows::{RowStructure, pieces};

/// The smallest parts whose estimates are fitted: quarters of the rows.
const MOST_PIECES: usize = 4;

/// A line through estimates from all rows, halves, thirds and quarters, against 1/n.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extrapolation {
    /// The line at 1/n = 0, in nats: the estimate without its bias of order 1/n.
    pub limit: f64,
    /// The line's slope, in nats times rows.
    pub slope: f64,
    /// Numbers of rows, and the mean estimate from that many, in nats.
    pub points: Vec<(f64, f64)>,
}

/// Fits value = limit + slope/n. Every point uses all rows once, so all have equal weight.
pub(crate) fn extrapolate(
    value: f64,
    n: usize,
    structure: &RowStructure,
    stream: &Stream,
    estimate: impl Fn(&[usize]) -> Option<f64> + Sync,
) -> Option<Extrapolation> {
    if n < 2 * MOST_PIECES {
        return None;
    }
    let mut points = vec![(n as f64, value)];
    for count in 2..=MOST_PIECES {
        let parts = pieces(structure, n, count, &mut stream.child(&format!("part {count}")))?;
        let values: Option<Vec<f64>> = parts.par_iter().map(|rows| estimate(rows)).collect();
        let mean = values?.iter().sum::<f64>() / count as f64;
        points.push((n as f64 / count as f64, mean));
    }
    let (limit, slope) = line(&points);
    Some(Extrapolation { limit, slope, points })
}

/// Least squares of y = a + b/n.
fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(n, _)| 1.0 / n).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let (mut xx, mut xy) = (0.0, 0.0);
    for (n, y) in points {
        xx += (1.0 / n - mean_x).powi(2);
        xy += (1.0 / n - mean_x) * (y - mean_y);
    }
    let slope = xy / xx;
    (mean_y - slope * mean_x, slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bias_of_one_over_n_is_removed() {
        let found = extrapolate(
            0.7 - 30.0 / 1200.0,
            1200,
            &RowStructure::Exchangeable,
            &Stream::new(0, "x"),
            |rows| Some(0.7 - 30.0 / rows.len() as f64),
        );
        let found = found.unwrap();
        assert!((found.limit - 0.7).abs() < 1e-12 && (found.slope + 30.0).abs() < 1e-8);
        let sizes: Vec<f64> = found.points.iter().map(|point| point.0).collect();
        assert_eq!(sizes, [1200.0, 600.0, 400.0, 300.0]);
        assert!(
            extrapolate(0.0, 9, &RowStructure::Ordered, &Stream::new(0, "x"), |_| None).is_none()
        );
    }
}
