//! Passes over slices, written so that the compiler can use vector registers.

use mi_kernels::Scalar;

/// Sums of more terms than this are made in `f64`: added one after another in `f32`, so many
/// numbers of one sign lose up to half of their digits.
const LONG: usize = 1 << 14;

/// A gradient times a derivative. Where nothing comes in, nothing goes out, however steep the
/// function is there: 0 · ∞ counts as 0, and not as NaN.
pub(crate) fn chain<T: Scalar>(gradient: T, derivative: T) -> T {
    if gradient == T::zero() { T::zero() } else { gradient * derivative }
}

/// Adds up rows: to each column's sum its f(row, d, x) of every row.
///
/// # Shapes
/// `d` and `x` are as long, a multiple of the number of sums.
pub(crate) fn add_rows<T: Scalar>(sums: &mut [T], d: &[T], x: &[T], f: impl Fn(usize, T, T) -> T) {
    let columns = sums.len().max(1);
    let rows = || d.chunks_exact(columns).zip(x.chunks_exact(columns)).enumerate();
    if d.len() / columns <= LONG {
        for (row, (d, x)) in rows() {
            for ((sum, &d), &x) in sums.iter_mut().zip(d).zip(x) {
                *sum += f(row, d, x);
            }
        }
        return;
    }
    for (n, sums) in sums.chunks_mut(LANES).enumerate() {
        let mut lanes = [0.0; LANES];
        let span = n * LANES..n * LANES + sums.len();
        for (row, (d, x)) in rows() {
            for ((lane, &d), &x) in lanes.iter_mut().zip(&d[span.clone()]).zip(&x[span.clone()]) {
                *lane += f(row, d, x).to_f64();
            }
        }
        for (sum, lane) in sums.iter_mut().zip(lanes) {
            *sum = T::from_f64(sum.to_f64() + lane);
        }
    }
}

/// Replaces every d by f(d, x), and adds the results up as [`add_rows`] does.
pub(crate) fn map_and_add_rows<T: Scalar>(
    sums: &mut [T],
    d: &mut [T],
    x: &[T],
    f: impl Fn(T, T) -> T,
) {
    let columns = sums.len().max(1);
    if d.len() / columns <= LONG {
        for (d, x) in d.chunks_exact_mut(columns).zip(x.chunks_exact(columns)) {
            for ((sum, d), &x) in sums.iter_mut().zip(d).zip(x) {
                *d = f(*d, x);
                *sum += *d;
            }
        }
    } else {
        for (d, &x) in d.iter_mut().zip(x) {
            *d = f(*d, x);
        }
        add_rows(sums, d, d, |_, d, _| d);
    }
}

/// Independent partial sums: a sum in one variable is one long chain of dependent additions,
/// which the compiler may not reorder. It also rounds less.
const LANES: usize = 16;

/// Σ f(x), summed in a fixed order.
pub(crate) fn sum_of<T: Scalar>(x: &[T], f: impl Fn(T) -> T) -> T {
    if x.len() > LONG {
        return T::from_f64(sum_in_f64(x.iter().map(|&x| f(x))));
    }
    let mut lanes = [T::zero(); LANES];
    let mut chunks = x.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f(x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(chunks.remainder()) {
        *lane += f(x);
    }
    lanes.into_iter().sum()
}

/// Σ f(x, y), summed in a fixed order.
pub(crate) fn sum_of_pairs<T: Scalar>(x: &[T], y: &[T], f: impl Fn(T, T) -> T) -> T {
    if x.len() > LONG {
        return T::from_f64(sum_in_f64(x.iter().zip(y).map(|(&x, &y)| f(x, y))));
    }
    let mut lanes = [T::zero(); LANES];
    let mut xs = x.chunks_exact(LANES);
    let mut ys = y.chunks_exact(LANES);
    for (x, y) in (&mut xs).zip(&mut ys) {
        for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += f(x, y);
        }
    }
    for ((lane, &x), &y) in lanes.iter_mut().zip(xs.remainder()).zip(ys.remainder()) {
        *lane += f(x, y);
    }
    lanes.into_iter().sum()
}

fn sum_in_f64<T: Scalar>(mut terms: impl ExactSizeIterator<Item = T>) -> f64 {
    let mut lanes = [0.0; LANES];
    while terms.len() > 0 {
        for (lane, term) in lanes.iter_mut().zip(&mut terms) {
            *lane += term.to_f64();
        }
    }
    lanes.into_iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_every_length_are_whole() {
        for n in 0..70 {
            let x: Vec<f64> = (0..n).map(|k| f64::from(k * k)).collect();
            let y: Vec<f64> = (0..n).map(|k| f64::from(3 * k + 1)).collect();
            // Integers, so that the order of summation does not matter.
            assert_eq!(sum_of(&x, |x| 2.0 * x), x.iter().map(|x| 2.0 * x).sum::<f64>());
            let expected: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
            assert_eq!(sum_of_pairs(&x, &y, |x, y| x * y), expected);
        }
    }

    #[test]
    fn long_sums_keep_their_digits() {
        for n in [LONG, LONG + 1, 60_000, 300_000] {
            let x: Vec<f32> = (0..n).map(|j| 1e6 + (j % 2) as f32).collect();
            let ones = vec![1.0; n];
            let exact = (0..n).map(|j| 1e6 + (j % 2) as f64).sum::<f64>();
            let rows: Vec<f32> = x.iter().flat_map(|&x| [x, 1.0, -x]).collect();
            let mut columns = [0.0; 3];
            add_rows(&mut columns, &rows, &rows, |_, d, _| d);
            let sums = [sum_of(&x, |x| x), sum_of_pairs(&x, &ones, |x, y| x * y), columns[0]];
            for sum in sums.into_iter().chain([-columns[2]]) {
                // Up to LONG terms by rounding of 16 sums each, which these numbers are hard for.
                let tolerance = if n > LONG { 6e-8 } else { 1e-3 };
                assert!((f64::from(sum) / exact - 1.0).abs() < tolerance, "{n}: {sum} {exact}");
            }
            assert_eq!(columns[1], n as f32);
        }
    }

    #[test]
    fn rows_are_added_column_by_column() {
        for columns in [1, 3, 16, 20, 40] {
            for rows in [0, 1, 5, LONG + 3] {
                let d: Vec<f64> = (0..rows * columns).map(|n| (n % 7) as f64).collect();
                let mut sums: Vec<f64> = (0..columns).map(|n| n as f64).collect();
                add_rows(&mut sums, &d, &d, |row, d, x| d * x + row as f64);
                let mut mapped = d.clone();
                let mut products = vec![0.0; columns];
                map_and_add_rows(&mut products, &mut mapped, &d, |d, x| d * x);
                let rows = (0..rows).sum::<usize>() as f64;
                for (column, sum) in sums.iter().enumerate() {
                    let terms = d.iter().skip(column).step_by(columns).map(|d| d * d);
                    let terms = terms.sum::<f64>();
                    assert_eq!((*sum, products[column]), (column as f64 + rows + terms, terms));
                }
            }
        }
    }
}
