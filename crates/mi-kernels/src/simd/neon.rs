#![allow(unsafe_code, clippy::wildcard_imports, reason = "processor intrinsics")]

use std::arch::aarch64::*;

use super::{Kernel, Simd};

/// Four lanes of NEON. A value proves that the processor has them.
#[derive(Clone, Copy, Debug)]
pub struct Neon {
    _proof: (),
}

impl Neon {
    /// The vectors, if the running processor has them.
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self { _proof: () })
    }

    /// Runs a kernel, compiled with the features of these vectors.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "neon")]
        fn with_features<K: Kernel>(simd: Neon, kernel: K) -> K::Output {
            kernel.run(simd)
        }
        // SAFETY: `self` exists, so `detect` found neon.
        unsafe { with_features(self, kernel) }
    }
}

/// Calls intrinsics on registers.
macro_rules! intrinsics {
    ($($code:tt)*) => {{
        // SAFETY: they touch no memory and need neon, which the method's `self` proves.
        #[allow(unused_unsafe)] // safe functions where neon is part of the target
        unsafe { $($code)* }
    }};
}

impl Simd for Neon {
    type V = float32x4_t;
    type M = uint32x4_t;
    const LANES: usize = 4;
    const FMA: bool = true;
    const TILE_ROWS: usize = 0;

    #[inline(always)]
    fn splat(self, x: f32) -> float32x4_t {
        intrinsics! { vdupq_n_f32(x) }
    }

    #[inline(always)]
    fn load(self, x: &[f32]) -> float32x4_t {
        assert!(x.len() >= 4);
        // SAFETY: neon is proved by `self`, and 4 numbers are there.
        unsafe { vld1q_f32(x.as_ptr()) }
    }

    #[inline(always)]
    fn load_part(self, x: &[f32], fill: f32) -> float32x4_t {
        let mut all = [fill; 4];
        let n = x.len().min(4);
        all[..n].copy_from_slice(&x[..n]);
        self.load(&all)
    }

    #[inline(always)]
    fn store(self, x: &mut [f32], v: float32x4_t) {
        assert!(x.len() >= 4);
        // SAFETY: neon is proved by `self`, and there is room for 4 numbers.
        unsafe { vst1q_f32(x.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn store_part(self, x: &mut [f32], v: float32x4_t) {
        let mut all = [0.0; 4];
        self.store(&mut all, v);
        let n = x.len().min(4);
        x[..n].copy_from_slice(&all[..n]);
    }

    #[inline(always)]
    fn transpose(self, sources: &[&[f32]; 16], first: usize, to: &mut [f32], stride: usize) {
        for (row, to) in to.chunks_mut(stride).take(4).enumerate() {
            for (to, source) in to.iter_mut().zip(&sources[..4]) {
                *to = source[first + row];
            }
        }
    }

    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        intrinsics! { vaddq_f32(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        intrinsics! { vsubq_f32(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        intrinsics! { vmulq_f32(a, b) }
    }

    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        intrinsics! { vdivq_f32(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        intrinsics! { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        intrinsics! { vmaxq_f32(a, b) }
    }

    #[inline(always)]
    fn larger(self, x: float32x4_t, so_far: float32x4_t) -> float32x4_t {
        // `max` of NEON returns NaN if either operand is; a comparison with NaN is false.
        self.select(self.greater(x, so_far), x, so_far)
    }

    #[inline(always)]
    fn min(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        intrinsics! { vminq_f32(a, b) }
    }

    #[inline(always)]
    fn greater(self, a: float32x4_t, b: float32x4_t) -> uint32x4_t {
        intrinsics! { vcgtq_f32(a, b) }
    }

    #[inline(always)]
    fn add_where(self, mask: uint32x4_t, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        intrinsics! {
            let b = vandq_u32(mask, vreinterpretq_u32_f32(b));
            vaddq_f32(a, vreinterpretq_f32_u32(b))
        }
    }

    #[inline(always)]
    fn select(self, mask: uint32x4_t, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        intrinsics! { vbslq_f32(mask, a, b) }
    }

    #[inline(always)]
    fn round(self, v: float32x4_t) -> float32x4_t {
        intrinsics! { vrndnq_f32(v) }
    }

    #[inline(always)]
    fn scale(self, v: float32x4_t, n: float32x4_t) -> float32x4_t {
        intrinsics! {
            let dropped = vcltq_f32(n, vdupq_n_f32(-125.0));
            let n = vcvtnq_s32_f32(n);
            // In two steps: 2¹²⁸ is no float, though v · 2¹²⁸ may be one.
            let half = vshrq_n_s32::<1>(n);
            let rest = vsubq_s32(n, half);
            let bias = vdupq_n_s32(127);
            let half = vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(half, bias)));
            let rest = vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(rest, bias)));
            let scaled = vreinterpretq_u32_f32(vmulq_f32(vmulq_f32(v, half), rest));
            vreinterpretq_f32_u32(vbicq_u32(scaled, dropped))
        }
    }

    #[inline(always)]
    fn sum(self, v: float32x4_t) -> f64 {
        intrinsics! {
            let low = vcvt_f64_f32(vget_low_f32(v));
            let high = vcvt_f64_f32(vget_high_f32(v));
            vaddvq_f64(vaddq_f64(low, high))
        }
    }

    #[inline(always)]
    fn largest(self, v: float32x4_t) -> f32 {
        intrinsics! { vmaxvq_f32(v) }
    }
}
