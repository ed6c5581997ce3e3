//! Single-precision vectors of the running processor.
//!
//! A kernel is written once, over [`Simd`]; [`dispatch`] runs it with the widest vectors that
//! the processor has. A value of a `Simd` type is the proof that the processor has them, so
//! kernels themselves are safe code.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
pub(crate) use portable::Portable;

/// Vectors of [`Simd::LANES`] numbers and the operations that kernels use.
///
/// Every operation works lane by lane. `max` and `min` return their second operand, or NaN,
/// when either is NaN.
pub(crate) trait Simd: Copy {
    /// A vector.
    type V: Copy;
    /// One truth value per lane.
    type M: Copy;
    /// Lanes in a vector, at most 16.
    const LANES: usize;
    /// Rows of a tile of a matrix product; their sums, of three vectors each, fill the processor's
    /// registers. 0 where another library's product is faster.
    const TILE_ROWS: usize;

    /// The same number in every lane.
    fn splat(self, x: f32) -> Self::V;
    /// The first `LANES` numbers of `x`, which must have that many.
    fn load(self, x: &[f32]) -> Self::V;
    /// All numbers of `x`, at most `LANES`; `fill` in the other lanes.
    fn load_part(self, x: &[f32], fill: f32) -> Self::V;
    /// Writes the first `LANES` numbers of `x`, which must have that many.
    fn store(self, x: &mut [f32], v: Self::V);
    /// Writes all numbers of `x`, at most `LANES`.
    fn store_part(self, x: &mut [f32], v: Self::V);
    /// Asks for the cache line of a place that will be read or written soon, if it exists.
    fn prefetch(self, place: *const f32) {
        let _ = place;
    }
    /// Transposes a square: number `first + i` of the j-th source becomes number j of the row
    /// that starts at `i · stride` of `to`.
    fn transpose(self, sources: &[&[f32]; 16], first: usize, to: &mut [f32], stride: usize);
    /// a + b
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// a − b
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// a · b
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// a / b
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// a · b + c, with one rounding where the processor can.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger of both.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller of both.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// a > b
    fn greater(self, a: Self::V, b: Self::V) -> Self::M;
    /// a + b where the mask is true, a elsewhere.
    fn add_where(self, mask: Self::M, a: Self::V, b: Self::V) -> Self::V;
    /// a where the mask is true, b elsewhere.
    fn select(self, mask: Self::M, a: Self::V, b: Self::V) -> Self::V;
    /// The nearest integer, for |v| < 2²².
    fn round(self, v: Self::V) -> Self::V;
    /// v · 2ⁿ for v in [½, 2] and integral n up to 254; 0 where n < −125, so that no result is
    /// subnormal (products of subnormal numbers are a hundred times slower).
    fn scale(self, v: Self::V, n: Self::V) -> Self::V;
    /// eˣ to the bit as the C library has it ([`crate::gated_state`] says which).
    fn exp_of_c(self, v: Self::V) -> Self::V {
        lane_by_lane(self, v, f32::exp)
    }
    /// tanh x, likewise.
    fn tanh_of_c(self, v: Self::V) -> Self::V {
        lane_by_lane(self, v, f32::tanh)
    }
    /// The sum of all lanes, in `f64`.
    fn sum(self, v: Self::V) -> f64;
    /// The largest lane.
    fn largest(self, v: Self::V) -> f32;
}

/// A function of every lane, where there is none of whole vectors.
fn lane_by_lane<S: Simd>(s: S, v: S::V, f: impl Fn(f32) -> f32) -> S::V {
    let mut lanes = [0.0; 16];
    s.store(&mut lanes, v);
    for x in &mut lanes[..S::LANES] {
        *x = f(*x);
    }
    s.load(&lanes)
}

/// A computation that can run on any vectors. `run` must be `#[inline(always)]`, so that it is
/// compiled with the processor features of the vectors.
pub(crate) trait Kernel {
    /// The type of the result.
    type Output;
    /// The computation.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs a kernel on the widest vectors of the running processor.
#[inline]
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = Avx512::detect() {
            return simd.run(kernel);
        }
        if let Some(simd) = Avx2::detect() {
            return simd.run(kernel);
        }
    }
    #[cfg(target_arch = "aarch64")]
    if let Some(simd) = Neon::detect() {
        return simd.run(kernel);
    }
    #[allow(unreachable_code)]
    Portable.run(kernel)
}

/// The vectors that single-precision kernels use on the running processor: `avx512`, `avx2`,
/// `neon` or `portable`. Results differ in the last bits between them.
pub fn simd_level() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if Avx512::detect().is_some() {
            return "avx512";
        }
        if Avx2::detect().is_some() {
            return "avx2";
        }
    }
    #[cfg(target_arch = "aarch64")]
    if Neon::detect().is_some() {
        return "neon";
    }
    "portable"
}
