//! Which columns are linear functions of others.

use ndarray::Array2;

use crate::moments::mean_and_squares;

/// For every column, `None`, or the earlier columns of which it is a linear function: the part of
/// its variance that they leave is at most `tolerance`. A constant is a function of no columns.
///
/// With fewer rows than columns + 2, every column would be a function of others: then only
/// constants are found.
pub(crate) fn linear_functions(columns: &[Vec<f64>], tolerance: f64) -> Vec<Option<Vec<usize>>> {
    let n = columns.first().map_or(0, Vec::len);
    let mut unit = Array2::zeros((columns.len(), n));
    let mut found: Vec<Option<Vec<usize>>> = vec![None; columns.len()];
    for ((mut row, values), found) in unit.rows_mut().into_iter().zip(columns).zip(&mut found) {
        let (mean, squares) = mean_and_squares(values);
        let length = squares.sqrt();
        let largest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        if length <= 1e-14 * largest * (n as f64).sqrt() {
            *found = Some(Vec::new());
        } else {
            row.iter_mut().zip(values).for_each(|(to, v)| *to = (v - mean) / length);
        }
    }
    if n < columns.len() + 2 {
        return found;
    }
    let correlations = unit.dot(&unit.t());
    // A row of the Cholesky factor for every column that is not a function of those before it.
    let (mut kept, mut lower): (Vec<usize>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
    for column in 0..columns.len() {
        if found[column].is_some() {
            continue;
        }
        let mut row: Vec<f64> = Vec::with_capacity(kept.len() + 1);
        for (&other, factor) in kept.iter().zip(&lower) {
            let sum = factor.iter().zip(&row).map(|(a, b)| a * b).sum::<f64>();
            row.push((correlations[[other, column]] - sum) / factor[row.len()]);
        }
        let rest = correlations[[column, column]] - row.iter().map(|v| v * v).sum::<f64>();
        if rest > tolerance {
            row.push(rest.sqrt());
            kept.push(column);
            lower.push(row);
        } else {
            let weights = solve_transposed(&lower, row);
            let counts = |weight: f64| weight.abs() > 1e-4;
            let of = kept.iter().zip(weights).filter(|(_, weight)| counts(*weight));
            found[column] = Some(of.map(|(&other, _)| other).collect());
        }
    }
    found
}

/// The solution w of Lᵀ w = b.
fn solve_transposed(lower: &[Vec<f64>], mut b: Vec<f64>) -> Vec<f64> {
    for i in (0..b.len()).rev() {
        let sum: f64 = (i + 1..b.len()).map(|j| lower[j][i] * b[j]).sum();
        b[i] = (b[i] - sum) / lower[i][i];
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closed_form::SMALLEST_PIVOT;
    use mi_random::Stream;

    #[test]
    fn functions_are_told_with_what_they_are_functions_of() {
        let mut stream = Stream::new(1, "functions");
        let mut draw = || -> Vec<f64> { (0..200).map(|_| 1e6 + stream.normal()).collect() };
        let (a, b, c) = (draw(), draw(), draw());
        let sum: Vec<f64> = a.iter().zip(&c).map(|(a, c)| a - 3.0 * c + 7.0).collect();
        let near: Vec<f64> = b.iter().zip(&a).map(|(b, a)| b + 0.01 * (a - 1e6)).collect();
        let columns = [a.clone(), b.clone(), c, sum, vec![4.2; 200], near, b];
        let found = linear_functions(&columns, 1e-10);
        let expected =
            [None, None, None, Some(vec![0, 2]), Some(vec![]), Some(vec![0, 1]), Some(vec![1])];
        assert_eq!(found, expected);
        // What is left of a column also counts.
        let noisy: Vec<f64> = a.iter().map(|a| a + 0.01 * stream.normal()).collect();
        assert_eq!(linear_functions(&[a.clone(), noisy.clone()], SMALLEST_PIVOT), [None, None]);
        assert_eq!(linear_functions(&[a, noisy], 1e-3), [None, Some(vec![0])]);
    }

    #[test]
    fn few_rows_tell_nothing() {
        let columns = [vec![1.0, 2.0, 4.0], vec![2.0, 4.0, 8.0], vec![5.0; 3]];
        assert_eq!(linear_functions(&columns, SMALLEST_PIVOT), [None, None, Some(vec![])]);
    }
}
