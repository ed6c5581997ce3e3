//! Element-wise operations on slices.

use std::ops::Range;

use crate::Scalar;
use crate::simd::{Kernel, Simd, dispatch};

/// max(0, v), and NaN for NaN: for hinges, and for what only rounding makes negative.
///
/// `f64::max` drops NaN: a loss, distance or estimate that has no value would become 0, often the
/// best one possible.
#[inline(always)]
pub fn positive_part(v: f64) -> f64 {
    if v <= 0.0 { 0.0 } else { v }
}

/// `out ← a · x + b · y`
///
/// # Panics
/// If the lengths differ: a mistake in the calling code, never in a user's input.
pub fn weighted_sum<T: Scalar>(out: &mut [T], a: T, x: &[T], b: T, y: &[T]) {
    assert!(out.len() == x.len() && out.len() == y.len());
    T::weighted_sum(out, a, x, b, y);
}

/// `out ← a · x`
///
/// # Panics
/// Like [`weighted_sum`].
pub fn scaled<T: Scalar>(out: &mut [T], a: T, x: &[T]) {
    assert!(out.len() == x.len());
    T::scaled(out, a, x);
}

/// `out ← out + a · x`
///
/// # Panics
/// Like [`weighted_sum`].
pub fn add_scaled<T: Scalar>(out: &mut [T], a: T, x: &[T]) {
    assert!(out.len() == x.len());
    T::add_scaled(out, a, x);
}

/// `out ← a · xᵀ`
///
/// # Shapes
/// `x` is m×n and `out` n×m, row-major.
///
/// # Panics
/// Like [`weighted_sum`].
pub fn scaled_transpose<T: Scalar>(out: &mut [T], a: T, x: &[T], n: usize) {
    assert!(out.len() == x.len() && (n == 0 || x.len().is_multiple_of(n)));
    T::scaled_transpose(out, a, x, n);
}

/// Whether no number is NaN or infinite.
pub fn all_finite<T: Scalar>(x: &[T]) -> bool {
    T::all_finite(x)
}

/// The kernels of a scalar type; public in name only, as a supertrait of [`Scalar`].
pub trait Elementwise: Sized {
    #[doc(hidden)]
    fn weighted_sum(out: &mut [Self], a: Self, x: &[Self], b: Self, y: &[Self]);
    #[doc(hidden)]
    fn scaled(out: &mut [Self], a: Self, x: &[Self]);
    #[doc(hidden)]
    fn add_scaled(out: &mut [Self], a: Self, x: &[Self]);
    #[doc(hidden)]
    fn scaled_transpose(out: &mut [Self], a: Self, x: &[Self], n: usize);
    #[doc(hidden)]
    fn all_finite(x: &[Self]) -> bool;
}

impl Elementwise for f64 {
    fn weighted_sum(out: &mut [f64], a: f64, x: &[f64], b: f64, y: &[f64]) {
        for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
            *out = a * x + b * y;
        }
    }

    fn scaled(out: &mut [f64], a: f64, x: &[f64]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out = a * x;
        }
    }

    fn add_scaled(out: &mut [f64], a: f64, x: &[f64]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out += a * x;
        }
    }

    fn scaled_transpose(out: &mut [f64], a: f64, x: &[f64], n: usize) {
        if n > 0 {
            transpose_part(out, a, x, n, 0..x.len() / n, 0..n);
        }
    }

    fn all_finite(x: &[f64]) -> bool {
        x.iter().all(|x| x.is_finite())
    }
}

impl Elementwise for f32 {
    fn weighted_sum(out: &mut [f32], a: f32, x: &[f32], b: f32, y: &[f32]) {
        dispatch(WeightedSum { out, a, x, b, y });
    }

    fn scaled(out: &mut [f32], a: f32, x: &[f32]) {
        dispatch(Scaled::<false> { out, a, x });
    }

    fn add_scaled(out: &mut [f32], a: f32, x: &[f32]) {
        dispatch(Scaled::<true> { out, a, x });
    }

    fn scaled_transpose(out: &mut [f32], a: f32, x: &[f32], n: usize) {
        dispatch(ScaledTranspose { out, a, x, n });
    }

    fn all_finite(x: &[f32]) -> bool {
        dispatch(AllFinite(x))
    }
}

struct WeightedSum<'a> {
    out: &'a mut [f32],
    a: f32,
    x: &'a [f32],
    b: f32,
    y: &'a [f32],
}

impl Kernel for WeightedSum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (a, b) = (s.splat(self.a), s.splat(self.b));
        let mut outs = self.out.chunks_exact_mut(S::LANES);
        let mut xs = self.x.chunks_exact(S::LANES);
        let mut ys = self.y.chunks_exact(S::LANES);
        for ((out, x), y) in (&mut outs).zip(&mut xs).zip(&mut ys) {
            s.store(out, s.mul_add(a, s.load(x), s.mul(b, s.load(y))));
        }
        let (x, y) = (s.load_part(xs.remainder(), 0.0), s.load_part(ys.remainder(), 0.0));
        s.store_part(outs.into_remainder(), s.mul_add(a, x, s.mul(b, y)));
    }
}

/// Adds to the old values, or replaces them.
struct Scaled<'a, const ADD: bool> {
    out: &'a mut [f32],
    a: f32,
    x: &'a [f32],
}

impl<const ADD: bool> Kernel for Scaled<'_, ADD> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let a = s.splat(self.a);
        let mut outs = self.out.chunks_exact_mut(S::LANES);
        let mut xs = self.x.chunks_exact(S::LANES);
        for (out, x) in (&mut outs).zip(&mut xs) {
            let x = s.load(x);
            s.store(out, if ADD { s.mul_add(a, x, s.load(out)) } else { s.mul(a, x) });
        }
        let out = outs.into_remainder();
        let x = s.load_part(xs.remainder(), 0.0);
        let old = if ADD { s.load_part(out, 0.0) } else { s.splat(0.0) };
        s.store_part(out, s.mul_add(a, x, old));
    }
}

/// [`scaled_transpose`] for some rows and columns of x.
fn transpose_part<T: Scalar>(
    out: &mut [T],
    a: T,
    x: &[T],
    n: usize,
    rows: Range<usize>,
    columns: Range<usize>,
) {
    let m = x.len() / n;
    for j in columns {
        for i in rows.clone() {
            out[j * m + i] = a * x[i * n + j];
        }
    }
}

struct ScaledTranspose<'a> {
    out: &'a mut [f32],
    a: f32,
    x: &'a [f32],
    n: usize,
}

impl Kernel for ScaledTranspose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { out, a, x, n } = self;
        if n == 0 {
            return;
        }
        let m = x.len() / n;
        let (whole_rows, whole_columns) = (m / S::LANES * S::LANES, n / S::LANES * S::LANES);
        let factor = s.splat(a);
        let mut square = [0.0; 16 * 16];
        for i in (0..whole_rows).step_by(S::LANES) {
            let mut sources: [&[f32]; 16] = [&[]; 16];
            for (source, row) in sources.iter_mut().zip(i..i + S::LANES) {
                *source = &x[row * n..][..n];
            }
            for j in (0..whole_columns).step_by(S::LANES) {
                s.transpose(&sources, j, &mut square, S::LANES);
                for (row, line) in square.chunks_exact(S::LANES).take(S::LANES).enumerate() {
                    s.store(&mut out[(j + row) * m + i..], s.mul(factor, s.load(line)));
                }
            }
        }
        transpose_part(out, a, x, n, 0..m, whole_columns..n);
        transpose_part(out, a, x, n, whole_rows..m, 0..whole_columns);
    }
}

struct AllFinite<'a>(&'a [f32]);

impl Kernel for AllFinite<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> bool {
        // 0 · x is 0, or NaN for NaN and infinities; no early exit, as all numbers are finite in
        // any computation whose speed matters.
        let zero = s.splat(0.0);
        let mut sums = [zero; 4];
        let mut blocks = self.0.chunks_exact(4 * S::LANES);
        for block in &mut blocks {
            for (sum, x) in sums.iter_mut().zip(block.chunks_exact(S::LANES)) {
                *sum = s.mul_add(zero, s.load(x), *sum);
            }
        }
        for x in blocks.remainder().chunks(S::LANES) {
            sums[0] = s.mul_add(zero, s.load_part(x, 0.0), sums[0]);
        }
        let [a, b, c, d] = sums;
        s.sum(s.add(s.add(a, b), s.add(c, d))) == 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_positive_part_keeps_nan() {
        let inf = f64::INFINITY;
        for (v, expected) in [(2.5, 2.5), (-2.5, 0.0), (inf, inf), (-inf, 0.0), (1e-320, 1e-320)] {
            assert_eq!(positive_part(v), expected);
        }
        assert!(positive_part(-0.0).is_sign_positive());
        assert!(positive_part(f64::NAN).is_nan() && positive_part(-f64::NAN).is_nan());
    }

    #[test]
    fn every_length_is_covered() {
        for n in 0..70 {
            let x: Vec<f32> = (0..n).map(|i| i as f32 - 20.0).collect();
            let y: Vec<f32> = (0..n).map(|i| (i * i) as f32).collect();
            let mut out = vec![f32::NAN; n];
            scaled(&mut out, 2.0, &x);
            assert!(out.iter().zip(&x).all(|(out, x)| *out == 2.0 * x));
            weighted_sum(&mut out, 3.0, &x, 0.5, &y);
            let sums = out.iter().zip(x.iter().zip(&y));
            assert!(sums.into_iter().all(|(out, (x, y))| *out == 3.0 * x + 0.5 * y));
            let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            let mut out = vec![f64::NAN; n];
            weighted_sum(&mut out, 1.0, &wide, 1.0, &wide);
            assert!(out.iter().zip(&wide).all(|(out, x)| *out == 2.0 * x));
            scaled(&mut out, -1.0, &wide);
            assert!(out.iter().zip(&wide).all(|(out, x)| *out == -x));
            add_scaled(&mut out, 3.0, &wide);
            assert!(out.iter().zip(&wide).all(|(out, x)| *out == 2.0 * x));
            let mut out = y.clone();
            add_scaled(&mut out, 3.0, &x);
            let sums = out.iter().zip(x.iter().zip(&y));
            assert!(sums.into_iter().all(|(out, (x, y))| *out == y + 3.0 * x));
        }
    }

    #[test]
    fn every_element_is_transposed() {
        for (m, n) in [(0, 3), (1, 1), (3, 20), (16, 16), (17, 33), (40, 100), (64, 5)] {
            let x: Vec<f32> = (0..m * n).map(|i| i as f32).collect();
            let mut out = vec![f32::NAN; m * n];
            scaled_transpose(&mut out, 2.0, &x, n);
            let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            let mut wide_out = vec![f64::NAN; m * n];
            scaled_transpose(&mut wide_out, 2.0, &wide, n);
            for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
                assert_eq!(out[j * m + i], 2.0 * x[i * n + j], "{m}×{n}");
                assert_eq!(wide_out[j * m + i], 2.0 * wide[i * n + j], "{m}×{n}");
            }
        }
    }

    #[test]
    fn one_number_that_is_not_finite_is_found_anywhere() {
        for n in [1, 15, 16, 17, 64, 70, 200] {
            let mut x = vec![1e30_f32; n];
            assert!(all_finite(&x) && all_finite(&[f64::MAX]));
            for at in [0, n / 2, n - 1] {
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    x[at] = bad;
                    assert!(!all_finite(&x), "{bad} at {at} of {n}");
                }
                x[at] = 0.0;
            }
        }
        assert!(all_finite::<f32>(&[]) && !all_finite(&[f64::NAN]));
    }
}
