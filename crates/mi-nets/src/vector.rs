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
