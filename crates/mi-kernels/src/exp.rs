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
