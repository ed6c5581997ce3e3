//! Maps of one side that preserve mutual information: each is one-to-one.

use ndarray::{Array2, ArrayViewMut1};

use crate::sample::normal_cdf;

/// Which side a map is applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    X,
    Y,
}

/// A pair of maps, one for each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Map {
    /// Φ of every column.
    NormalCdf,
    /// Φ, then the inverse distribution function of a mixture of two Gaussians.
    Bimodal,
    /// A sum of the identity and sines.
    Wiggly,
    /// t √|t| of every column.
    HalfCube,
    /// asinh of every column.
    Asinh,
    /// Φ, then x of one column wound up in two.
    SwissRoll,
    /// A rotation of two columns that grows with the distance from the origin.
    Spiral,
}

impl Map {
    /// The number of columns that a side of `d` columns is mapped to.
    pub(crate) fn dims(self, side: Side, d: usize) -> usize {
        if self == Self::SwissRoll && side == Side::X { d + 1 } else { d }
    }

    pub(crate) fn apply(self, side: Side, mut values: Array2<f64>) -> Array2<f64> {
        match (self, side) {
            (Self::NormalCdf, _) | (Self::SwissRoll, Side::Y) => values.mapv_inplace(normal_cdf),
            (Self::Bimodal, Side::X) => {
                values.mapv_inplace(|v| {
                    let p = normal_cdf(v);
                    invert(p, |t| 0.3 * normal_cdf(t) + 0.7 * normal_cdf(t - 5.0))
                });
            }
            (Self::Bimodal, Side::Y) => {
                values.mapv_inplace(|v| {
                    let p = normal_cdf(v);
                    invert(p, |t| 0.5 * normal_cdf(t + 1.0) + 0.5 * normal_cdf(t - 3.0))
                });
            }
            (Self::Wiggly, Side::X) => values.mapv_inplace(|t| {
                t + 0.4 * t.sin() + 0.2 * (1.7 * t + 1.0).sin() + 0.03 * (3.3 * t - 2.5).sin()
            }),
            (Self::Wiggly, Side::Y) => values.mapv_inplace(|t| {
                t - 0.4 * (0.4 * t).sin()
                    + 0.17 * (1.3 * t + 3.5).sin()
                    + 0.02 * (4.3 * t - 2.5).sin()
            }),
            (Self::HalfCube, _) => values.mapv_inplace(|t| t * t.abs().sqrt()),
            (Self::Asinh, _) => values.mapv_inplace(f64::asinh),
            (Self::SwissRoll, Side::X) => {
                return Array2::from_shape_fn((values.nrows(), 2), |(row, column)| {
                    let u = normal_cdf(values[[row, 0]]);
                    let t = 1.5 * std::f64::consts::PI * (1.0 + 2.0 * u);
                    let turn = if column == 0 { t.cos() } else { t.sin() };
                    t * turn / 21.0
                });
            }
            (Self::Spiral, side) => {
                let (first, second) = if side == Side::X { (0, 1) } else { (1, 2) };
                for row in values.rows_mut() {
                    wind(row, first, second);
                }
            }
        }
        values
    }
}

/// exp(A v ‖x‖²) x with v = 1/dim and A the generator of the plane of two columns, which turns by
/// the angle v ‖x‖².
fn wind(mut row: ArrayViewMut1<'_, f64>, first: usize, second: usize) {
    let angle = row.dot(&row) / row.len() as f64;
    let (sine, cosine) = angle.sin_cos();
    let (a, b) = (row[first], row[second]);
    row[first] = cosine * a - sine * b;
    row[second] = sine * a + cosine * b;
}

/// Where an increasing function takes a value, by bisection on [−10, 10].
fn invert(value: f64, function: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-10.0, 10.0);
    while high - low > 1e-12 {
        let middle = 0.5 * (low + high);
        if function(middle) < value { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::array;

    #[test]
    fn maps_are_those_of_the_benchmark() {
        // By hand from the formulas of the benchmark.
        let at = |map: Map, side, row: Array2<f64>| map.apply(side, row);
        let cdf = at(Map::NormalCdf, Side::X, array![[0.5]]);
        assert_abs_diff_eq!(cdf[[0, 0]], 0.691_462_461_274_013, epsilon = 1e-14);
        let half = at(Map::HalfCube, Side::Y, array![[-4.0]]);
        assert_eq!(half[[0, 0]], -8.0);
        let roll = at(Map::SwissRoll, Side::X, array![[0.0]]);
        // u = ½: t = 3π, so the point is (−3π, 0)/21.
        assert_abs_diff_eq!(roll[[0, 0]], -std::f64::consts::PI / 7.0, epsilon = 1e-14);
        assert_abs_diff_eq!(roll[[0, 1]], 0.0, epsilon = 1e-14);
        // ‖x‖² = 9, v = ⅓: an angle of 3 in the plane of columns 0 and 1.
        let spiral = at(Map::Spiral, Side::X, array![[2.0, 2.0, 1.0]]);
        let (s, c) = 3.0_f64.sin_cos();
        assert_abs_diff_eq!(spiral[[0, 0]], 2.0 * c - 2.0 * s, epsilon = 1e-14);
        assert_abs_diff_eq!(spiral[[0, 1]], 2.0 * s + 2.0 * c, epsilon = 1e-14);
        assert_eq!(spiral[[0, 2]], 1.0);
        let spiral = at(Map::Spiral, Side::Y, array![[2.0, 2.0, 1.0]]);
        assert_abs_diff_eq!(spiral[[0, 1]], 2.0 * c - s, epsilon = 1e-14);
        let bimodal = at(Map::Bimodal, Side::Y, array![[0.0]]);
        // Symmetric about 1.
        assert_abs_diff_eq!(bimodal[[0, 0]], 1.0, epsilon = 1e-10);
    }
}
