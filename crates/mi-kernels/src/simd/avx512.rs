#![allow(unsafe_code, clippy::wildcard_imports, reason = "processor intrinsics")]

use std::arch::x86_64::*;

use super::{Kernel, Simd};
use crate::exp::{Exp2, tanh};

/// Sixteen lanes of AVX-512. A value proves that the processor has `avx512f` and `avx512vl`.
#[derive(Clone, Copy, Debug)]
pub struct Avx512 {
    _proof: (),
}

impl Avx512 {
    /// The vectors, if the running processor has them.
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        // Of all processors with avx512f, only Xeon Phi has no avx512vl.
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma");
        found.then_some(Self { _proof: () })
    }

    /// Runs a kernel, compiled with the features of these vectors.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
        fn with_features<K: Kernel>(simd: Avx512, kernel: K) -> K::Output {
            kernel.run(simd)
        }
        // SAFETY: `self` exists, so `detect` found all of these features.
        unsafe { with_features(self, kernel) }
    }
}

/// The mask of the first `n` lanes.
#[inline(always)]
fn first(n: usize) -> __mmask16 {
    debug_assert!(n <= 16);
    ((1_u32 << n) - 1) as __mmask16
}

/// Calls intrinsics on registers.
macro_rules! intrinsics {
    ($($code:tt)*) => {{
        // SAFETY: they touch no memory and need avx512f, which the method's `self` proves.
        unsafe { $($code)* }
    }};
}

/// eˣ of eight numbers between −110 and 100, see [`Exp2`].
#[inline(always)]
unsafe fn exp_in_f64(x: __m512d) -> __m256 {
    let part = |n: usize| {
        let powers = &Exp2::POWERS[8 * n..8 * n + 8];
        // SAFETY: avx512f is there, as the caller promises, and so are eight numbers.
        unsafe { _mm512_loadu_epi64(powers.as_ptr().cast()) }
    };
    intrinsics! {
        let steps = _mm512_set1_pd(Exp2::STEPS);
        let shift = _mm512_set1_pd(Exp2::SHIFT);
        let shifted = _mm512_fmadd_pd(steps, x, shift);
        let n = _mm512_castpd_si512(shifted);
        let r = _mm512_fmsub_pd(steps, x, _mm512_sub_pd(shifted, shift));
        let low = _mm512_permutex2var_epi64(part(0), n, part(1));
        let high = _mm512_permutex2var_epi64(part(2), n, part(3));
        let upper = _mm512_test_epi64_mask(n, _mm512_set1_epi64(16));
        let power = _mm512_mask_blend_epi64(upper, low, high);
        let power = _mm512_add_epi64(power, _mm512_slli_epi64::<47>(n));
        let [a, b, c] = Exp2::COEFFICIENTS.map(|c| _mm512_set1_pd(c));
        let top = _mm512_fmadd_pd(a, r, b);
        let rest = _mm512_fmadd_pd(c, r, _mm512_set1_pd(1.0));
        let p = _mm512_fmadd_pd(top, _mm512_mul_pd(r, r), rest);
        _mm512_cvtpd_ps(_mm512_mul_pd(p, _mm512_castsi512_pd(power)))
    }
}

impl Simd for Avx512 {
    type V = __m512;
    type M = __mmask16;
    const LANES: usize = 16;
    const FMA: bool = true;
    const TILE_ROWS: usize = 8;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        intrinsics! { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, x: &[f32]) -> __m512 {
        assert!(x.len() >= 16);
        // SAFETY: avx512f is proved by `self`, and 16 numbers are there.
        unsafe { _mm512_loadu_ps(x.as_ptr()) }
    }

    #[inline(always)]
    fn load_part(self, x: &[f32], fill: f32) -> __m512 {
        let n = x.len().min(16);
        // SAFETY: avx512f is proved by `self`, and masked lanes are not read.
        unsafe { _mm512_mask_loadu_ps(_mm512_set1_ps(fill), first(n), x.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, x: &mut [f32], v: __m512) {
        assert!(x.len() >= 16);
        // SAFETY: avx512f is proved by `self`, and there is room for 16 numbers.
        unsafe { _mm512_storeu_ps(x.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn store_part(self, x: &mut [f32], v: __m512) {
        let n = x.len().min(16);
        // SAFETY: avx512f is proved by `self`, and masked lanes are not written.
        unsafe { _mm512_mask_storeu_ps(x.as_mut_ptr(), first(n), v) }
    }

    #[inline(always)]
    fn transpose(self, sources: &[&[f32]; 16], first: usize, to: &mut [f32], stride: usize) {
        let zero = self.splat(0.0);
        // Four rows at a time, separately in each quarter of a vector: quarter q of `fours[g][c]`
        // is column 4q + c of rows 4g..4g + 4.
        let mut fours = [[zero; 4]; 4];
        for (four, rows) in fours.iter_mut().zip(sources.chunks_exact(4)) {
            let row = |n: usize| self.load(&rows[n][first..first + 16]);
            let (a, b, c, d) = (row(0), row(1), row(2), row(3));
            intrinsics! {
                let low = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
                let high = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
                let low_2 = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
                let high_2 = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
                four[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, low_2));
                four[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, low_2));
                four[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high, high_2));
                four[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high, high_2));
            }
        }
        // Then quarters are combined: 0x88 takes the even ones of both, 0xdd the odd.
        for c in 0..4 {
            let [p, q, r, s] = [fours[0][c], fours[1][c], fours[2][c], fours[3][c]];
            let columns = intrinsics! {
                let even = _mm512_shuffle_f32x4::<0x88>(p, q);
                let even_2 = _mm512_shuffle_f32x4::<0x88>(r, s);
                let odd = _mm512_shuffle_f32x4::<0xdd>(p, q);
                let odd_2 = _mm512_shuffle_f32x4::<0xdd>(r, s);
                [
                    _mm512_shuffle_f32x4::<0x88>(even, even_2),
                    _mm512_shuffle_f32x4::<0x88>(odd, odd_2),
                    _mm512_shuffle_f32x4::<0xdd>(even, even_2),
                    _mm512_shuffle_f32x4::<0xdd>(odd, odd_2),
                ]
            };
            for (quarter, column) in columns.into_iter().enumerate() {
                self.store(&mut to[(4 * quarter + c) * stride..], column);
            }
        }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        intrinsics! { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        intrinsics! { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        intrinsics! { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        intrinsics! { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        intrinsics! { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        intrinsics! { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        intrinsics! { _mm512_min_ps(a, b) }
    }

    #[inline(always)]
    fn greater(self, a: __m512, b: __m512) -> __mmask16 {
        intrinsics! { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b) }
    }

    #[inline(always)]
    fn add_where(self, mask: __mmask16, a: __m512, b: __m512) -> __m512 {
        intrinsics! { _mm512_mask_add_ps(a, mask, a, b) }
    }

    #[inline(always)]
    fn select(self, mask: __mmask16, a: __m512, b: __m512) -> __m512 {
        intrinsics! { _mm512_mask_blend_ps(mask, b, a) }
    }

    #[inline(always)]
    fn round(self, v: __m512) -> __m512 {
        intrinsics! { _mm512_roundscale_ps::<0>(v) }
    }

    #[inline(always)]
    fn scale(self, v: __m512, n: __m512) -> __m512 {
        intrinsics! {
            let kept = _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(n, _mm512_set1_ps(-125.0));
            _mm512_maskz_scalef_ps(kept, v, n)
        }
    }

    #[inline(always)]
    fn exp_of_c(self, v: __m512) -> __m512 {
        let v = self.min(self.splat(100.0), self.max(self.splat(-110.0), v));
        intrinsics! {
            let low = exp_in_f64(_mm512_cvtps_pd(_mm512_castps512_ps256(v)));
            let high = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(v)));
            let high = exp_in_f64(_mm512_cvtps_pd(high));
            _mm512_castpd_ps(_mm512_insertf64x4::<1>(
                _mm512_castps_pd(_mm512_castps256_ps512(low)),
                _mm256_castps_pd(high),
            ))
        }
    }

    #[inline(always)]
    fn tanh_of_c(self, v: __m512) -> __m512 {
        tanh(self, v)
    }

    #[inline(always)]
    fn sum(self, v: __m512) -> f64 {
        intrinsics! {
            let low = _mm512_cvtps_pd(_mm512_castps512_ps256(v));
            let high = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(v)));
            _mm512_reduce_add_pd(_mm512_add_pd(low, _mm512_cvtps_pd(high)))
        }
    }

    #[inline(always)]
    fn largest(self, v: __m512) -> f32 {
        intrinsics! { _mm512_reduce_max_ps(v) }
    }
}
