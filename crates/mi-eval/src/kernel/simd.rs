//! Run-time choice of the instruction set: the only unsafe code of the crate.
#![allow(unsafe_code)]

/// A computation written once in plain Rust and compiled once for each instruction set.
///
/// `run` must be `#[inline(always)]`, and so must every hot function that it calls: only code that
/// is inlined into the wrapper is compiled with the wrapper's instructions.
pub(crate) trait Kernel {
    type Output;

    /// With `FMA` the processor has a fused multiply-add; without it `mul_add` would be a slow
    /// library call.
    fn run<const FMA: bool>(self) -> Self::Output;
}

/// The instruction sets that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// The instructions that the compilation target always has (NEON with fused multiply-add on
    /// aarch64).
    Baseline,
}

impl Level {
    /// The levels that this processor has, best first.
    pub(crate) fn available() -> impl Iterator<Item = Self> {
        let levels = [
            #[cfg(target_arch = "x86_64")]
            (Self::Avx512, has_avx512()),
            #[cfg(target_arch = "x86_64")]
            (Self::Avx2, has_avx2()),
            (Self::Baseline, true),
        ];
        levels.into_iter().filter_map(|(level, present)| present.then_some(level))
    }

    pub(crate) fn best() -> Self {
        Self::available().next().unwrap_or(Self::Baseline)
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") && has_avx2()
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// Runs a kernel with the best instructions that this processor has.
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    dispatch_at(Level::best(), kernel)
}

/// Runs a kernel at one level.
///
/// # Panics
/// If this processor lacks the level: levels come from [`Level::available`].
pub(crate) fn dispatch_at<K: Kernel>(level: Level, kernel: K) -> K::Output {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => {
            assert!(has_avx512(), "levels come from Level::available");
            // SAFETY: the processor has the instructions, as just asserted.
            unsafe { avx512(kernel) }
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => {
            assert!(has_avx2(), "levels come from Level::available");
            // SAFETY: the processor has the instructions, as just asserted.
            unsafe { avx2(kernel) }
        }
        Level::Baseline if cfg!(target_arch = "aarch64") => kernel.run::<true>(),
        Level::Baseline => kernel.run::<false>(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<true>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<true>()
}

/// Prefetches the cache lines of a slice that will be read soon.
#[inline(always)]
pub(crate) fn prefetch<T>(row: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let start = row.as_ptr().cast::<i8>();
        for offset in (0..size_of_val(row)).step_by(64) {
            // SAFETY: the offset lies inside the slice; a prefetch reads nothing.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.add(offset)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = row;
}
