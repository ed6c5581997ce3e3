//! Passes over slices, written so that the compiler can use vector registers.

use mi_kernels::Scalar;

/// Independent partial sums: a sum in one variable is one long chain of dependent additions,
/// which the compiler may not reorder. It also rounds less.
const LANES: usize = 16;

/// Σ f(x), summed in a fixed order.
pub(crate) fn sum_of<T: Scalar>(x: &[T], f: impl Fn(T) -> T) -> T {
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
}
