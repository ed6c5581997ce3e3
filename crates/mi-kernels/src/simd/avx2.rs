#![allow(unsafe_code, clippy::wildcard_imports, reason = "processor intrinsics")]

use std::arch::x86_64::*;

use super::{Kernel, Simd};
use crate::exp::{Exp2, tanh};

/// Eight lanes of AVX2 with fused multiply-add. A value proves that the processor has them.
#[derive(Clone, Copy, Debug)]
pub struct Avx2 {
    _proof: (),
}

impl Avx2 {
    /// The vectors, if the running processor has them.
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        found.then_some(Self { _proof: () })
    }

    /// Runs a kernel, compiled with the features of these vectors.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        fn with_features<K: Kernel>(simd: Avx2, kernel: K) -> K::Output {
            kernel.run(simd)
        }
        // SAFETY: `self` exists, so `detect` found avx2 and fma.
        unsafe { with_features(self, kernel) }
    }
}

/// Calls intrinsics on registers.
macro_rules! intrinsics {
    ($($code:tt)*) => {{
        // SAFETY: they touch no memory and need avx2 or fma, which the method's `self` proves.
        unsafe { $($code)* }
    }};
}

/// eˣ of four numbers between −110 and 100, see [`Exp2`].
#[inline(always)]
unsafe fn exp_in_f64(x: __m256d) -> __m128 {
    intrinsics! {
        let steps = _mm256_set1_pd(Exp2::STEPS);
        let shift = _mm256_set1_pd(Exp2::SHIFT);
        let shifted = _mm256_fmadd_pd(steps, x, shift);
        let n = _mm256_castpd_si256(shifted);
        let r = _mm256_fmsub_pd(steps, x, _mm256_sub_pd(shifted, shift));
        // There are 32 powers, so every index is below 32.
        let index = _mm256_and_si256(n, _mm256_set1_epi64x(31));
        let power = _mm256_i64gather_epi64::<8>(Exp2::POWERS.as_ptr().cast(), index);
        let power = _mm256_add_epi64(power, _mm256_slli_epi64::<47>(n));
        let [a, b, c] = Exp2::COEFFICIENTS.map(|c| _mm256_set1_pd(c));
        let top = _mm256_fmadd_pd(a, r, b);
        let rest = _mm256_fmadd_pd(c, r, _mm256_set1_pd(1.0));
        let p = _mm256_fmadd_pd(top, _mm256_mul_pd(r, r), rest);
        _mm256_cvtpd_ps(_mm256_mul_pd(p, _mm256_castsi256_pd(power)))
    }
}

impl Simd for Avx2 {
    type V = __m256;
    type M = __m256;
    const LANES: usize = 8;
    const FMA: bool = true;
    const TILE_ROWS: usize = 4;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        intrinsics! { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, x: &[f32]) -> __m256 {
        assert!(x.len() >= 8);
        // SAFETY: avx2 is proved by `self`, and 8 numbers are there.
        unsafe { _mm256_loadu_ps(x.as_ptr()) }
    }

    #[inline(always)]
    fn load_part(self, x: &[f32], fill: f32) -> __m256 {
        let mut all = [fill; 8];
        let n = x.len().min(8);
        all[..n].copy_from_slice(&x[..n]);
        self.load(&all)
    }

    #[inline(always)]
    fn store(self, x: &mut [f32], v: __m256) {
        assert!(x.len() >= 8);
        // SAFETY: avx2 is proved by `self`, and there is room for 8 numbers.
        unsafe { _mm256_storeu_ps(x.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn store_part(self, x: &mut [f32], v: __m256) {
        let mut all = [0.0; 8];
        self.store(&mut all, v);
        let n = x.len().min(8);
        x[..n].copy_from_slice(&all[..n]);
    }

    #[inline(always)]
    fn transpose(self, sources: &[&[f32]; 16], first: usize, to: &mut [f32], stride: usize) {
        let zero = self.splat(0.0);
        // Four rows at a time, separately in each half of a vector: half h of `fours[g][c]` is
        // column 4h + c of rows 4g..4g + 4.
        let mut fours = [[zero; 4]; 2];
        for (four, rows) in fours.iter_mut().zip(sources.chunks_exact(4)) {
            let row = |n: usize| self.load(&rows[n][first..first + 8]);
            let (a, b, c, d) = (row(0), row(1), row(2), row(3));
            intrinsics! {
                let low = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
                let high = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
                let low_2 = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
                let high_2 = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
                four[0] = _mm256_castpd_ps(_mm256_unpacklo_pd(low, low_2));
                four[1] = _mm256_castpd_ps(_mm256_unpackhi_pd(low, low_2));
                four[2] = _mm256_castpd_ps(_mm256_unpacklo_pd(high, high_2));
                four[3] = _mm256_castpd_ps(_mm256_unpackhi_pd(high, high_2));
            }
        }
        for c in 0..4 {
            let (p, q) = (fours[0][c], fours[1][c]);
            let low = intrinsics! { _mm256_permute2f128_ps::<0x20>(p, q) };
            let high = intrinsics! { _mm256_permute2f128_ps::<0x31>(p, q) };
            self.store(&mut to[c * stride..], low);
            self.store(&mut to[(4 + c) * stride..], high);
        }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        intrinsics! { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        intrinsics! { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        intrinsics! { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        intrinsics! { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        intrinsics! { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        intrinsics! { _mm256_max_ps(a, b) }
    }

    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        intrinsics! { _mm256_min_ps(a, b) }
    }

    #[inline(always)]
    fn greater(self, a: __m256, b: __m256) -> __m256 {
        intrinsics! { _mm256_cmp_ps::<_CMP_GT_OQ>(a, b) }
    }

    #[inline(always)]
    fn add_where(self, mask: __m256, a: __m256, b: __m256) -> __m256 {
        intrinsics! { _mm256_add_ps(a, _mm256_and_ps(mask, b)) }
    }

    #[inline(always)]
    fn select(self, mask: __m256, a: __m256, b: __m256) -> __m256 {
        intrinsics! { _mm256_blendv_ps(b, a, mask) }
    }

    #[inline(always)]
    fn round(self, v: __m256) -> __m256 {
        intrinsics! { _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(v) }
    }

    #[inline(always)]
    fn scale(self, v: __m256, n: __m256) -> __m256 {
        intrinsics! {
            let kept = _mm256_cmp_ps::<_CMP_NLT_UQ>(n, _mm256_set1_ps(-125.0));
            let n = _mm256_cvtps_epi32(n);
            // In two steps: 2¹²⁸ is no float, though v · 2¹²⁸ may be one.
            let half = _mm256_srai_epi32::<1>(n);
            let rest = _mm256_sub_epi32(n, half);
            let bias = _mm256_set1_epi32(127);
            let half = _mm256_slli_epi32::<23>(_mm256_add_epi32(half, bias));
            let rest = _mm256_slli_epi32::<23>(_mm256_add_epi32(rest, bias));
            let scaled = _mm256_mul_ps(v, _mm256_castsi256_ps(half));
            _mm256_and_ps(kept, _mm256_mul_ps(scaled, _mm256_castsi256_ps(rest)))
        }
    }

    #[inline(always)]
    fn exp_of_c(self, v: __m256) -> __m256 {
        let v = self.min(self.splat(100.0), self.max(self.splat(-110.0), v));
        intrinsics! {
            let low = exp_in_f64(_mm256_cvtps_pd(_mm256_castps256_ps128(v)));
            let high = exp_in_f64(_mm256_cvtps_pd(_mm256_extractf128_ps::<1>(v)));
            _mm256_set_m128(high, low)
        }
    }

    #[inline(always)]
    fn tanh_of_c(self, v: __m256) -> __m256 {
        tanh(self, v)
    }

    #[inline(always)]
    fn sum(self, v: __m256) -> f64 {
        intrinsics! {
            let low = _mm256_cvtps_pd(_mm256_castps256_ps128(v));
            let high = _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(v));
            let four = _mm256_add_pd(low, high);
            let two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd::<1>(four));
            _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
        }
    }

    #[inline(always)]
    fn largest(self, v: __m256) -> f32 {
        intrinsics! {
            let four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }
}
