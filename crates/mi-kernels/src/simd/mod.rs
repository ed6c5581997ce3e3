//! Vectors of the running processor, and the choice between them. This is the only place of the
//! workspace that chooses code by processor features.
//!
//! A [`Kernel`] is written once and compiled for every [`Level`]; [`dispatch`] runs it at the best
//! one that the processor has. A value of a [`Simd`] type is the proof that the processor has the
//! features, so kernels themselves are safe code. A kernel uses the operations of [`Simd`] on
//! vectors of `f32`, or plain Rust, which the compiler turns into vectors: kernels of other crates,
//! for which this module is public, do the latter, in `f32` and `f64`.

#![allow(unsafe_code, reason = "prefetches, which any address permits")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
#[cfg(target_arch = "aarch64")]
pub use neon::Neon;
pub use portable::Portable;

/// Vectors of [`Simd::LANES`] numbers and the operations that kernels use.
///
/// Every operation works lane by lane. If the second operand of `max` or `min` is NaN, so is the
/// result. If only the first is, the result is the second operand on x86-64 and NaN on NEON: a
/// kernel that must pass over NaN uses [`Simd::larger`], which is the same everywhere.
pub trait Simd: Copy {
    /// A vector.
    type V: Copy;
    /// One truth value per lane.
    type M: Copy;
    /// Lanes in a vector, at most 16.
    const LANES: usize;
    /// Whether a fused multiply-add is one instruction. Elsewhere `f32::mul_add` and `f64::mul_add`
    /// would be slow library calls.
    const FMA: bool;
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
    /// The larger of `x` and a number, `so_far`, which is the result where `x` is NaN.
    #[inline(always)]
    fn larger(self, x: Self::V, so_far: Self::V) -> Self::V {
        self.max(x, so_far)
    }
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
    /// eˣ with the bits of the C library that [`crate::gated_state`] names.
    fn exp_of_c(self, v: Self::V) -> Self::V {
        lane_by_lane(self, v, f32::exp)
    }
    /// tanh x, likewise.
    fn tanh_of_c(self, v: Self::V) -> Self::V {
        lane_by_lane(self, v, f32::tanh)
    }
    /// The sum of all lanes, in `f64`.
    fn sum(self, v: Self::V) -> f64;
    /// The largest lane; none may be NaN.
    fn largest(self, v: Self::V) -> f32;
}

/// Applies a function to each lane, where no function of whole vectors exists.
fn lane_by_lane<S: Simd>(s: S, v: S::V, f: impl Fn(f32) -> f32) -> S::V {
    let mut lanes = [0.0; 16];
    s.store(&mut lanes, v);
    for x in &mut lanes[..S::LANES] {
        *x = f(*x);
    }
    s.load(&lanes)
}

/// A computation that is compiled once for every level.
///
/// `run` must be `#[inline(always)]`, and so must every hot function that it calls: only inlined
/// code is compiled with the processor features of the vectors.
pub trait Kernel {
    /// The type of the result.
    type Output;
    /// The computation.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Vectors that the running processor has. Results of kernels that multiply and add differ in the
/// last bits between levels.
#[derive(Clone, Copy, Debug)]
pub enum Level {
    /// Sixteen lanes.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    /// Eight lanes.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// Four lanes.
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
    /// Plain Rust.
    Portable(Portable),
}

impl Level {
    /// The levels that this processor has, best first.
    pub fn available() -> impl Iterator<Item = Self> {
        let levels = [
            #[cfg(target_arch = "x86_64")]
            Avx512::detect().map(Self::Avx512),
            #[cfg(target_arch = "x86_64")]
            Avx2::detect().map(Self::Avx2),
            #[cfg(target_arch = "aarch64")]
            Neon::detect().map(Self::Neon),
            Some(Self::Portable(Portable)),
        ];
        levels.into_iter().flatten()
    }

    /// The level with the widest vectors.
    #[inline]
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = Avx512::detect() {
            return Self::Avx512(simd);
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = Avx2::detect() {
            return Self::Avx2(simd);
        }
        #[cfg(target_arch = "aarch64")]
        if let Some(simd) = Neon::detect() {
            return Self::Neon(simd);
        }
        Self::Portable(Portable)
    }

    /// `avx512`, `avx2`, `neon` or `portable`.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "neon",
            Self::Portable(_) => "portable",
        }
    }

    /// Runs a kernel at this level.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(simd) => simd.run(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => simd.run(kernel),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(simd) => simd.run(kernel),
            Self::Portable(simd) => simd.run(kernel),
        }
    }
}

/// Runs a kernel at the best level of the running processor.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    Level::best().run(kernel)
}

/// Runs a kernel at the best level with vectors of at most 256 bits, for kernels that gain nothing
/// from wider ones; they are not compiled for those.
#[inline]
pub fn dispatch_to_256_bits<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = Avx2::detect() {
        return simd.run(kernel);
    }
    #[cfg(target_arch = "aarch64")]
    if let Some(simd) = Neon::detect() {
        return simd.run(kernel);
    }
    Portable.run(kernel)
}

/// The vectors that single-precision kernels use on the running processor: `avx512`, `avx2`,
/// `neon` or `portable`. Results differ in the last bits between them.
pub fn simd_level() -> &'static str {
    Level::best().name()
}

/// Prefetches the cache line of an address that will be read or written soon. Does nothing on
/// processors other than x86-64.
#[inline(always)]
pub fn prefetch<T>(place: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch has no effect that the program can see, and any address is allowed.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// Prefetches the cache lines of a slice.
#[inline(always)]
pub fn prefetch_slice<T>(slice: &[T]) {
    let start = slice.as_ptr().cast::<u8>();
    for offset in (0..size_of_val(slice)).step_by(64) {
        prefetch(start.wrapping_add(offset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_level_is_the_first_that_is_available() {
        let names: Vec<_> = Level::available().map(Level::name).collect();
        assert_eq!(Level::best().name(), names[0]);
        assert_eq!(names.last(), Some(&"portable"));
    }

    struct Lanes;

    impl Kernel for Lanes {
        type Output = usize;

        fn run<S: Simd>(self, _: S) -> usize {
            S::LANES
        }
    }

    #[test]
    fn vectors_of_256_bits_are_the_widest_below_512() {
        let widest =
            Level::available().map(|level| level.run(Lanes)).find(|lanes| lanes * 32 <= 256);
        assert_eq!(Some(dispatch_to_256_bits(Lanes)), widest);
    }
}
