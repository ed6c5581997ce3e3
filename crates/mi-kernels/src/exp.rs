//! The vector forms of exp, softplus and the logistic function, as one expression each.

use crate::simd::Simd;

/// exp(x) within 2.5·10⁻⁷ relative (two units in the last place); 0 below about −86.9 (no
/// subnormal results), infinity above 88.73, NaN for NaN.
///
/// # Formula
/// exp x = 2ⁿ · exp r with n = round(x / ln 2), r = x − n ln 2 in two steps (Cody and Waite, 1980),
/// and exp r ≈ 1 + r + r² q(r), where q of degree 4 was fitted by Remez exchange for the smallest
/// relative error of exp (3·10⁻⁹) on |r| ≤ ½ ln 2.
#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::V) -> S::V {
    // Beyond these the result is 0 or infinity anyway; inside, n stays within its bounds. `x` is
    // the second operand, so that NaN is kept.
    let x = s.min(s.splat(89.0), s.max(s.splat(-104.0), x));
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    // 355/512 has nine bits: its product with n is exact.
    let r = s.mul_add(n, s.splat(-0.693_359_4), x);
    let r = s.mul_add(n, s.splat(2.121_944_4e-4), r);
    let q = s.splat(1.381_459_9e-3);
    let q = s.mul_add(q, r, s.splat(8.368_717e-3));
    let q = s.mul_add(q, r, s.splat(4.166_839e-2));
    let q = s.mul_add(q, r, s.splat(0.166_665_21));
    let q = s.mul_add(q, r, s.splat(0.499_999_94));
    let one = s.splat(1.0);
    let p = s.add(s.mul_add(s.mul(r, r), q, r), one);
    s.scale(p, n)
}

/// The logistic function σ(x) = 1/(1 + e⁻ˣ) and softplus(x) = log(1 + eˣ), each within 5·10⁻⁷
/// relative where it exceeds 10⁻³⁷.
///
/// # Formula
/// With e = exp(−|x|): σ = 1/(1+e) or e/(1+e) by the sign of x, and
/// softplus = max(x, 0) + log(1+e), where log(1+e) = 2 artanh(t), t = e/(2+e) ≤ ⅓, and
/// artanh(t)/t is a polynomial of degree 4 in t² fitted by Remez exchange (4·10⁻⁹).
#[inline(always)]
pub(crate) fn logistic_softplus<S: Simd>(s: S, x: S::V) -> (S::V, S::V) {
    let zero = s.splat(0.0);
    let one = s.splat(1.0);
    let positive = s.greater(x, zero);
    let e = exp(s, s.select(positive, s.sub(zero, x), x));
    let inverse = s.div(one, s.add(one, e));
    let sigma = s.select(positive, inverse, s.mul(e, inverse));
    let t = s.div(e, s.add(s.splat(2.0), e));
    let u = s.mul(t, t);
    let p = s.splat(0.140_891_68);
    let p = s.mul_add(p, u, s.splat(0.139_803));
    let p = s.mul_add(p, u, s.splat(0.200_124_55));
    let p = s.mul_add(p, u, s.splat(0.333_331_58));
    let p = s.mul_add(p, u, one);
    let log = s.mul(s.add(t, t), p);
    (sigma, s.add(s.select(positive, x, zero), log))
}

/// The constants of glibc 2.36's `expf` (Szabolcs Nagy, Arm's optimised routines, 2017), which
/// computes eˣ in `f64`. With them the results have the same bits.
///
/// # Formula
/// eˣ = 2^(n/32) · 2^(r/32) with n = round(32 x / ln 2). The powers of 2^(1/32) are in a table, and
/// 2^(r/32) is a cubic polynomial of r, |r| ≤ ½.
#[cfg(target_arch = "x86_64")]
#[derive(Debug)]
pub(crate) struct Exp2;

#[cfg(target_arch = "x86_64")]
impl Exp2 {
    /// 32 / ln 2.
    pub(crate) const STEPS: f64 = 46.166_241_308_446_83;
    /// 1.5 · 2⁵². Adding it to a number rounds the number to an integer, which is then in the last
    /// bits of the sum.
    pub(crate) const SHIFT: f64 = 6_755_399_441_055_744.0;
    /// The coefficients of r³, r² and r.
    pub(crate) const COEFFICIENTS: [f64; 3] =
        [1.693_835_925_092_021_2e-6, 2.345_980_978_950_900_4e-4, 2.166_084_939_661_313_4e-2];
    /// The bits of 2^(n/32) minus n · 2⁴⁷, so that n · 2⁴⁷ can be added for every n.
    #[rustfmt::skip]
    pub(crate) const POWERS: [u64; 32] = [
        0x3ff0_0000_0000_0000, 0x3fef_d9b0_d315_8574, 0x3fef_b558_6cf9_890f, 0x3fef_9301_d012_5b51,
        0x3fef_72b8_3c7d_517b, 0x3fef_5487_3168_b9aa, 0x3fef_387a_6e75_6238, 0x3fef_1e9d_f51f_dee1,
        0x3fef_06fe_0a31_b715, 0x3fee_f1a7_373a_a9cb, 0x3fee_dea6_4c12_3422, 0x3fee_ce08_6061_892d,
        0x3fee_bfda_d536_2a27, 0x3fee_b42b_569d_4f82, 0x3fee_ab07_dd48_5429, 0x3fee_a47e_b03a_5585,
        0x3fee_a09e_667f_3bcd, 0x3fee_9f75_e8ec_5f74, 0x3fee_a114_73eb_0187, 0x3fee_a589_994c_ce13,
        0x3fee_ace5_422a_a0db, 0x3fee_b737_b0cd_c5e5, 0x3fee_c491_82a3_f090, 0x3fee_d503_b23e_255d,
        0x3fee_e89f_995a_d3ad, 0x3fee_ff76_f2fb_5e47, 0x3fef_199b_dd85_529c, 0x3fef_3720_dcef_9069,
        0x3fef_5818_dcfb_a487, 0x3fef_7c97_337b_9b5f, 0x3fef_a4af_a2a4_90da, 0x3fef_d076_5b6e_4540,
    ];
}

/// tanh x with the bits of glibc 2.36's `tanhf` (fdlibm, Sun Microsystems, 1993).
///
/// # Formula
/// With u = 2|x| and t = eᵘ − 1, tanh |x| = 1 − 2/(t + 2). If |x| is below 1, digits would cancel;
/// there t = e⁻ᵘ − 1, and tanh |x| = −t/(t + 2). eᵘ − 1 is computed from k = round(u / ln 2) and a
/// remainder v − c as 2ᵏ (1 − (e − v)) − 1, with a rational function e of v.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn tanh<S: Simd>(s: S, x: S::V) -> S::V {
    let (zero, one, two, half) = (s.splat(0.0), s.splat(1.0), s.splat(2.0), s.splat(0.5));
    let size = s.select(s.greater(zero, x), s.sub(zero, x), x);
    // From 9.02 on the result is 1. `size` is the second operand, so that NaN passes.
    let size = s.min(s.splat(9.5), size);
    let large = s.greater(size, s.splat(0.999_999_94));
    let u = s.add(size, size);
    let k = {
        let sum = s.add(s.mul(s.splat(std::f32::consts::LOG2_E), u), half);
        let near = s.round(sum);
        let k = s.select(s.greater(near, sum), s.sub(near, one), near);
        let k = s.select(s.greater(s.splat(1.039_720_8), u), one, k);
        s.select(s.greater(u, s.splat(0.346_573_6)), k, zero)
    };
    let (u, k) = (s.select(large, u, s.sub(zero, u)), s.select(large, k, s.sub(zero, k)));
    let high = s.sub(u, s.mul(k, s.splat(6.931_381e-1)));
    let low = s.mul(k, s.splat(9.058_001e-6));
    let v = s.sub(high, low);
    let c = s.sub(s.sub(high, v), low);
    let half_v = s.mul(half, v);
    let square = s.mul(v, half_v);
    let r = polynomial(s, square);
    let t = s.sub(s.splat(3.0), s.mul(r, half_v));
    let e = s.mul(square, s.div(s.sub(r, t), s.sub(s.splat(6.0), s.mul(v, t))));
    let e = s.sub(s.sub(s.mul(v, s.sub(e, c)), c), square);
    // eᵘ − 1, by a different expression for each range of k.
    let power = s.scale(one, k);
    let inverse = s.scale(one, s.sub(zero, k));
    let negative = s.sub(s.mul(s.sub(one, s.sub(e, v)), power), one);
    let first = s.sub(s.mul(half, s.sub(v, e)), half);
    let small = s.select(s.greater(s.splat(-1.5), k), negative, first);
    let small = s.select(s.greater(s.splat(-0.5), k), small, s.sub(v, e));
    let near = s.sub(s.sub(one, inverse), s.sub(e, v));
    let far = s.add(s.sub(v, s.add(e, inverse)), one);
    let big = s.mul(s.select(s.greater(s.splat(22.5), k), near, far), power);
    let t = s.select(large, big, small);
    let quotient = s.div(s.select(large, two, s.sub(zero, t)), s.add(t, two));
    let y = s.select(large, s.sub(one, quotient), quotient);
    let y = s.select(s.greater(zero, x), s.sub(zero, y), y);
    // Below this tanh x is x, with its sign.
    let tiny = s.greater(s.splat(1e-9), size);
    s.select(tiny, x, y)
}

/// 1 + Q₁h + Q₂h² + … of fdlibm's `expm1f`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn polynomial<S: Simd>(s: S, h: S::V) -> S::V {
    let sum = s.splat(-2.010_992_1e-7);
    let sum = s.add(s.splat(4.008_217_7e-6), s.mul(h, sum));
    let sum = s.add(s.splat(-7.936_507_6e-5), s.mul(h, sum));
    let sum = s.add(s.splat(1.587_301_6e-3), s.mul(h, sum));
    let sum = s.add(s.splat(-3.333_333_5e-2), s.mul(h, sum));
    s.add(s.splat(1.0), s.mul(h, sum))
}
