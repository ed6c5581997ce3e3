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

/// Whether no element is NaN or infinite. No early exit: the loop then vectorises, and all
/// elements are finite in any step that matters for speed.
pub(crate) fn all_finite<T: Scalar>(x: &[T]) -> bool {
    x.chunks(1024).all(|chunk| chunk.iter().fold(true, |finite, x| finite & x.is_finite()))
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
    fn one_number_that_is_not_finite_is_found_anywhere() {
        let mut x = vec![1.0_f32; 2500];
        assert!(all_finite(&x) && all_finite::<f32>(&[]));
        for (k, bad) in [(0, f32::NAN), (1023, f32::INFINITY), (1024, f32::NAN), (2499, f32::NAN)] {
            x[k] = bad;
            assert!(!all_finite(&x));
            x[k] = 1.0;
        }
    }
}
