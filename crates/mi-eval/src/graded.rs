//! Singular values of matrices whose rows differ by many orders of magnitude.

use faer::Mat;

/// Sweeps over all pairs of rows; a handful are enough.
const SWEEPS: usize = 40;

/// The singular values of a matrix D B, where D is diagonal and the rows of B have length one, to
/// the precision that B allows: those of diag(10²⁰⁰, 1) are 10²⁰⁰ and 1. `None` if B itself is, up
/// to rounding, of lower rank than its number of rows, or if there is no convergence.
///
/// The method is one-sided Jacobi rotation of pairs of rows (Demmel and Veselić, 1992: its relative
/// error depends on the condition of B and not on that of D), with the length of each row kept
/// separate from its direction, so that no square underflows.
pub(crate) fn singular_values(matrix: &Mat<f64>) -> Option<Vec<f64>> {
    let mut rows: Vec<Row> =
        (0..matrix.nrows()).map(|i| Row::new(matrix, i)).collect::<Option<_>>()?;
    if !is_full_rank(&rows, matrix.ncols()) {
        return None;
    }
    for _ in 0..SWEEPS {
        let mut rotated = false;
        for j in 1..rows.len() {
            let (before, rest) = rows.split_at_mut(j);
            for row in before {
                rotated |= orthogonalise(row, &mut rest[0]);
            }
        }
        if !rotated {
            return Some(rows.iter().map(|row| row.length).collect());
        }
    }
    None
}

/// A row of a matrix as a direction of length one, times its length.
struct Row {
    length: f64,
    direction: Vec<f64>,
}

impl Row {
    /// `None` for a row of zeros.
    fn new(matrix: &Mat<f64>, i: usize) -> Option<Self> {
        let direction: Vec<f64> = (0..matrix.ncols()).map(|j| matrix[(i, j)]).collect();
        let largest = direction.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        let mut row = Self { length: largest, direction };
        row.direction.iter_mut().for_each(|x| *x /= largest);
        (largest > 0.0).then(|| {
            row.normalise();
            row
        })
    }

    fn normalise(&mut self) {
        let norm = dot(&self.direction, &self.direction).sqrt();
        self.length *= norm;
        self.direction.iter_mut().for_each(|x| *x /= norm);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn is_full_rank(rows: &[Row], columns: usize) -> bool {
    let directions = Mat::from_fn(rows.len(), columns, |i, j| rows[i].direction[j]);
    let Ok(values) = directions.singular_values() else { return false };
    let largest = values.iter().copied().fold(0.0, f64::max);
    let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
    smallest > largest * f64::EPSILON * rows.len().max(columns) as f64
}

/// Rotates two rows in their plane until they are orthogonal; whether they were not.
fn orthogonalise(a: &mut Row, b: &mut Row) -> bool {
    let (long, short) = if a.length >= b.length { (a, b) } else { (b, a) };
    let cosine = dot(&long.direction, &short.direction);
    if cosine.abs() <= f64::EPSILON * (long.direction.len() as f64).sqrt() {
        return false;
    }
    let ratio = short.length / long.length;
    // The tangent of the angle divided by the ratio, which does not underflow with it.
    let w = (ratio * ratio - 1.0) / (2.0 * cosine);
    let tangent = f64::copysign(1.0, w) / (w.abs() + ratio.hypot(w));
    let cos = (ratio * tangent).hypot(1.0).recip();
    let back = ratio * ratio * tangent;
    for (x, y) in long.direction.iter_mut().zip(&mut short.direction) {
        (*x, *y) = (cos * (*x - back * *y), cos * (*y + tangent * *x));
    }
    long.normalise();
    short.normalise();
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_length_keep_their_digits() {
        // D B with B = [[1, 1], [0, 1]]: the product of both values is the determinant, and the
        // larger is the length of the long row where D differs much.
        for size in [1.0, 1e3, 1e20, 1e150] {
            let rows = [[size, size], [0.0, 1.0 / size]];
            let matrix = Mat::from_fn(2, 2, |i, j| rows[i][j]);
            let values = singular_values(&matrix).unwrap();
            let (large, small) = (values[0].max(values[1]), values[0].min(values[1]));
            assert!((large * small - 1.0).abs() < 1e-14, "{values:?}");
            if size > 1.0 {
                assert!((large / (2_f64.sqrt() * size) - 1.0).abs() < 1e-6, "{values:?}");
            } else {
                // The golden ratio and its inverse.
                assert!((large - f64::midpoint(1.0, 5_f64.sqrt())).abs() < 1e-14);
            }
        }
        let twice = Mat::from_fn(2, 2, |i, j| [[3e100, 1e100], [3.0, 1.0]][i][j]);
        assert!(singular_values(&twice).is_none());
    }
}
