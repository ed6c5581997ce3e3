//! Loops over slices, written so that the compiler can use vector registers.

use mi_kernels::Scalar;

/// The longest chain of additions in the element type: 1,024 numbers near 10⁶ have a relative error
/// of 5·10⁻⁷ in `f32`, 16,384 have 2·10⁻⁴. Longer sums are made in `f64`.
const CHAIN: usize = 1 << 10;

/// The kind of rows that a sum over rows adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// The samples of a batch.
    Samples,
    /// The positions of a batch of images. Up to 16,384 of them, as many as a convolution of the
    /// paper has on CIFAR-10, are added sequentially, so that records stay bit-identical. The terms
    /// are gradients of either sign, whose rounding errors do not add up.
    Positions,
}

impl Rows {
    /// The largest number of rows that are added sequentially.
    fn chain(self) -> usize {
        match self {
            Self::Samples => CHAIN,
            Self::Positions => 1 << 14,
        }
    }
}

/// A gradient times a derivative. A zero gradient stays zero, however steep the function is: 0 · ∞
/// counts as 0, not as NaN.
pub(crate) fn chain<T: Scalar>(gradient: T, derivative: T) -> T {
    if gradient == T::zero() { T::zero() } else { gradient * derivative }
}

/// Adds up rows: adds f(row, column, d, x) of every row to each column's sum.
///
/// # Shapes
/// `d` and `x` have the same length, a multiple of the number of sums.
pub(crate) fn add_rows<T: Scalar>(
    sums: &mut [T],
    (d, x): (&[T], &[T]),
    what: Rows,
    f: impl Fn(usize, usize, T, T) -> T,
) {
    let columns = sums.len().max(1);
    let rows = || d.chunks_exact(columns).zip(x.chunks_exact(columns)).enumerate();
    if d.len() / columns <= what.chain() {
        for (row, (d, x)) in rows() {
            for (column, ((sum, &d), &x)) in sums.iter_mut().zip(d).zip(x).enumerate() {
                *sum += f(row, column, d, x);
            }
        }
        return;
    }
    for (n, sums) in sums.chunks_mut(LANES).enumerate() {
        let mut lanes = [0.0; LANES];
        let first = n * LANES;
        let span = first..first + sums.len();
        for (row, (d, x)) in rows() {
            let terms = d[span.clone()].iter().zip(&x[span.clone()]).enumerate();
            for (lane, (column, (&d, &x))) in lanes.iter_mut().zip(terms) {
                *lane += f(row, first + column, d, x).to_f64();
            }
        }
        for (sum, lane) in sums.iter_mut().zip(lanes) {
            *sum = T::from_f64(sum.to_f64() + lane);
        }
    }
}

/// Adds up rows, as [`add_rows`] does.
pub(crate) fn add_up_rows<T: Scalar>(sums: &mut [T], rows: &[T], what: Rows) {
    if sums.is_empty() || rows.len() / sums.len() <= what.chain() {
        mi_kernels::add_rows(sums, rows);
    } else {
        mi_kernels::add_rows_in_f64(sums, rows);
    }
}

/// Independent partial sums: a sum in one variable is one long chain of dependent additions, which
/// the compiler may not reorder. Partial sums also round less.
const LANES: usize = 16;
/// The longest sum in the element type: a chain in every lane.
const LONG: usize = LANES * CHAIN;

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

    /// Numbers of similar size and equal sign, whose rounding errors add up.
    fn near_a_million(n: usize) -> (Vec<f32>, f64) {
        let x = (0..n).map(|j| 1e6 + (j % 2) as f32).collect();
        (x, (0..n).map(|j| 1e6 + (j % 2) as f64).sum())
    }

    #[test]
    fn sums_of_every_length_keep_their_digits() {
        for n in [100, CHAIN, CHAIN + 1, 4_096, LONG, LONG + 1, 60_000, 300_000] {
            let (x, exact) = near_a_million(n);
            let rows: Vec<f32> = x.iter().flat_map(|&x| [x, 1.0, -x]).collect();
            let (mut columns, mut plain) = ([0.0; 3], [0.0; 3]);
            add_rows(&mut columns, (&rows, &rows), Rows::Samples, |_, _, d, _| d);
            add_up_rows(&mut plain, &rows, Rows::Samples);
            let pairs = sum_of_pairs(&x, &vec![1.0; n], |x, y| x * y);
            for sum in [sum_of(&x, |x| x), pairs, columns[0], -columns[2], plain[0]] {
                let error = f64::from(sum) / exact - 1.0;
                assert!(error.abs() < 1e-6, "{n}: {error:e}");
            }
            assert_eq!((columns[1], plain[1]), (n as f32, n as f32));
        }
    }

    /// Convolutions of the paper's trials: the same bits as when their records were made.
    #[test]
    fn positions_of_the_papers_images_are_added_one_after_another() {
        for positions in [128 * 7 * 14, 128 * 8 * 16] {
            let (x, exact) = near_a_million(positions);
            let mut sum = [0.0];
            add_up_rows(&mut sum, &x, Rows::Positions);
            assert_eq!(sum[0].to_bits(), x.iter().fold(0.0, |sum, x| sum + x).to_bits());
            assert!((f64::from(sum[0]) / exact - 1.0).abs() < 2e-4);
        }
        let (x, exact) = near_a_million(128 * 8 * 16 + 1);
        let mut sum = [0.0];
        add_rows(&mut sum, (&x, &x), Rows::Positions, |_, _, d, _| d);
        assert!((f64::from(sum[0]) / exact - 1.0).abs() < 6e-8);
    }

    #[test]
    fn rows_are_added_column_by_column() {
        for columns in [1, 3, 16, 20, 40] {
            for rows in [0, 1, 5, CHAIN + 3] {
                let d: Vec<f64> = (0..rows * columns).map(|n| (n % 7) as f64).collect();
                let mut sums: Vec<f64> = (0..columns).map(|n| n as f64).collect();
                add_rows(&mut sums, (&d, &d), Rows::Samples, |row, column, d, x| {
                    d * x + (row + column) as f64
                });
                let squares: Vec<f64> = d.iter().map(|d| d * d).collect();
                let mut products = vec![0.0; columns];
                add_up_rows(&mut products, &squares, Rows::Samples);
                for (column, sum) in sums.iter().enumerate() {
                    let terms = d.iter().skip(column).step_by(columns).map(|d| d * d);
                    let terms = terms.sum::<f64>();
                    let numbers =
                        (column + (0..rows).map(|row| row + column).sum::<usize>()) as f64;
                    assert_eq!((*sum, products[column]), (numbers + terms, terms));
                }
            }
        }
    }
}
