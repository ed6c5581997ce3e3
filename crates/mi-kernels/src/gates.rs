//! The elementwise part of a gated recurrent unit, a row at a time.

use crate::Scalar;
use crate::simd::{Kernel, Simd, dispatch};

/// Computes a row's gates and its new state. With σ the logistic function, r = σ(a₁ + b₁), z =
/// σ(a₂ + b₂) and n = tanh(a₃ + r ∘ b₃) replace the thirds of `a`, and `state` ← (1 − z) ∘ n + z ∘
/// `before`.
///
/// In `f32` on AVX-512 and AVX2, exp and tanh have the same bits as those of glibc 2.36 on such
/// processors, whatever C library the system has. Elsewhere, the system's functions are used.
///
/// # Shapes
/// `a` and `b` are three times as long as `state`. `before` is as long as `state`, or `None` if the
/// previous state is zero.
///
/// # Panics
/// When the lengths do not fit: a mistake in the calling code, never in a user's input.
pub fn gated_state<T: Scalar>(a: &mut [T], b: &[T], before: Option<&[T]>, state: &mut [T]) {
    let h = state.len();
    assert!(a.len() == 3 * h && b.len() == 3 * h && before.is_none_or(|before| before.len() == h));
    T::gated_state(a, b, before, state);
}

/// The results of [`gated_state`] for a row that [`gated_state_gradient`] needs.
#[derive(Clone, Copy, Debug)]
pub struct GatedRow<'a, T> {
    /// r, z and n.
    pub gates: &'a [T],
    /// b₃.
    pub gated: &'a [T],
    /// The previous state, if it was not zero.
    pub before: Option<&'a [T]>,
}

/// The backward pass of [`gated_state`]. From the gradient `dh` of the state it writes the
/// gradients of a and b, and it adds dh ∘ z to the gradient of the previous state.
///
/// # Formula
/// dn = dh (1 − z)(1 − n²), dz = dh (h⁻ − n) z (1 − z), dr = dn b₃ r (1 − r);
/// da = [dr, dz, dn], db = [dr, dz, dn ∘ r].
///
/// # Shapes
/// `da`, `db` and the gates are three times as long as the others.
///
/// # Panics
/// As [`gated_state`].
pub fn gated_state_gradient<T: Scalar>(
    row: GatedRow<'_, T>,
    dh: &[T],
    da: &mut [T],
    db: &mut [T],
    d_before: Option<&mut [T]>,
) {
    let (h, threefold) = (dh.len(), 3 * dh.len());
    assert!(row.gates.len() == threefold && da.len() == threefold && db.len() == threefold);
    assert!(row.gated.len() == h && row.before.is_none_or(|before| before.len() == h));
    assert!(d_before.as_ref().is_none_or(|d| d.len() == h));
    T::gated_state_gradient(row, dh, da, db, d_before);
}

/// The kernels of a scalar type; public in name only, as a supertrait of [`Scalar`].
pub trait Gates: Sized {
    #[doc(hidden)]
    fn gated_state(a: &mut [Self], b: &[Self], before: Option<&[Self]>, state: &mut [Self]);
    #[doc(hidden)]
    fn gated_state_gradient(
        row: GatedRow<'_, Self>,
        dh: &[Self],
        da: &mut [Self],
        db: &mut [Self],
        d_before: Option<&mut [Self]>,
    );
}

impl Gates for f32 {
    fn gated_state(a: &mut [f32], b: &[f32], before: Option<&[f32]>, state: &mut [f32]) {
        dispatch(Forward { a, b, before, state });
    }

    fn gated_state_gradient(
        row: GatedRow<'_, f32>,
        dh: &[f32],
        da: &mut [f32],
        db: &mut [f32],
        d_before: Option<&mut [f32]>,
    ) {
        dispatch(Gradient { row, dh, da, db, d_before });
    }
}

impl Gates for f64 {
    fn gated_state(a: &mut [f64], b: &[f64], before: Option<&[f64]>, state: &mut [f64]) {
        let h = state.len();
        let sigmoid = |x: f64| (1.0 + (-x).exp()).recip();
        for j in 0..h {
            let (r, z) = (sigmoid(a[j] + b[j]), sigmoid(a[h + j] + b[h + j]));
            let n = (a[2 * h + j] + r * b[2 * h + j]).tanh();
            (a[j], a[h + j], a[2 * h + j]) = (r, z, n);
            state[j] = (1.0 - z) * n + z * before.map_or(0.0, |before| before[j]);
        }
    }

    fn gated_state_gradient(
        GatedRow { gates, gated, before }: GatedRow<'_, f64>,
        dh: &[f64],
        da: &mut [f64],
        db: &mut [f64],
        mut d_before: Option<&mut [f64]>,
    ) {
        let h = dh.len();
        for j in 0..h {
            let (r, z, n) = (gates[j], gates[h + j], gates[2 * h + j]);
            let dn = dh[j] * (1.0 - z) * (1.0 - n * n);
            let dz = dh[j] * (before.map_or(0.0, |before| before[j]) - n) * z * (1.0 - z);
            let dr = dn * gated[j] * r * (1.0 - r);
            (da[j], da[h + j], da[2 * h + j]) = (dr, dz, dn);
            (db[j], db[h + j], db[2 * h + j]) = (dr, dz, dn * r);
            if let Some(d) = &mut d_before {
                d[j] += dh[j] * z;
            }
        }
    }
}

struct Forward<'a> {
    a: &'a mut [f32],
    b: &'a [f32],
    before: Option<&'a [f32]>,
    state: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { a, b, before, state } = self;
        let h = state.len();
        let (a_r, rest) = a.split_at_mut(h);
        let (a_z, a_n) = rest.split_at_mut(h);
        let (b_r, b_z, b_n) = (&b[..h], &b[h..2 * h], &b[2 * h..]);
        let one = s.splat(1.0);
        for j in (0..h).step_by(S::LANES) {
            let r = logistic(s, s.add(part(s, a_r, j), part(s, b_r, j)));
            let z = logistic(s, s.add(part(s, a_z, j), part(s, b_z, j)));
            let n = s.tanh_of_c(s.add(part(s, a_n, j), s.mul(r, part(s, b_n, j))));
            let before = before.map_or(s.splat(0.0), |before| part(s, before, j));
            put(s, a_r, j, r);
            put(s, a_z, j, z);
            put(s, a_n, j, n);
            put(s, state, j, s.add(s.mul(s.sub(one, z), n), s.mul(z, before)));
        }
    }
}

struct Gradient<'a> {
    row: GatedRow<'a, f32>,
    dh: &'a [f32],
    da: &'a mut [f32],
    db: &'a mut [f32],
    d_before: Option<&'a mut [f32]>,
}

impl Kernel for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { row: GatedRow { gates, gated, before }, dh, da, db, mut d_before } = self;
        let h = dh.len();
        let one = s.splat(1.0);
        let (r, z, n) = (&gates[..h], &gates[h..2 * h], &gates[2 * h..]);
        let (da_r, rest) = da.split_at_mut(h);
        let (da_z, da_n) = rest.split_at_mut(h);
        let (db_r, rest) = db.split_at_mut(h);
        let (db_z, db_n) = rest.split_at_mut(h);
        for j in (0..h).step_by(S::LANES) {
            let (r, z, n) = (part(s, r, j), part(s, z, j), part(s, n, j));
            let (dh, b) = (part(s, dh, j), part(s, gated, j));
            let before = before.map_or(s.splat(0.0), |before| part(s, before, j));
            let open = s.sub(one, z);
            let dn = s.mul(s.mul(dh, open), s.sub(one, s.mul(n, n)));
            let dz = s.mul(s.mul(s.mul(dh, s.sub(before, n)), z), open);
            let dr = s.mul(s.mul(s.mul(dn, b), r), s.sub(one, r));
            put(s, da_r, j, dr);
            put(s, da_z, j, dz);
            put(s, da_n, j, dn);
            put(s, db_r, j, dr);
            put(s, db_z, j, dz);
            put(s, db_n, j, s.mul(dn, r));
            if let Some(d) = &mut d_before {
                let sum = s.add(part(s, d, j), s.mul(dh, z));
                put(s, d, j, sum);
            }
        }
    }
}

/// 1 / (1 + e⁻ˣ), with the same rounding as in scalar code.
#[inline(always)]
fn logistic<S: Simd>(s: S, x: S::V) -> S::V {
    let one = s.splat(1.0);
    s.div(one, s.add(one, s.exp_of_c(s.sub(s.splat(0.0), x))))
}

/// The vector from element `j` on; lanes beyond the slice's end are 0.
#[inline(always)]
fn part<S: Simd>(s: S, x: &[f32], j: usize) -> S::V {
    let x = &x[j..];
    if x.len() >= S::LANES { s.load(x) } else { s.load_part(x, 0.0) }
}

/// Writes the vector from element `j` on; lanes beyond the slice's end are dropped.
#[inline(always)]
fn put<S: Simd>(s: S, x: &mut [f32], j: usize, v: S::V) {
    let x = &mut x[j..];
    if x.len() >= S::LANES {
        s.store(x, v);
    } else {
        s.store_part(x, v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Level;

    /// Computes exp and tanh of every number of a slice.
    struct Functions<'a>(&'a [f32], &'a mut [f32], &'a mut [f32]);

    impl Kernel for Functions<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            for j in (0..self.0.len()).step_by(S::LANES) {
                let x = part(s, self.0, j);
                put(s, self.1, j, s.exp_of_c(x));
                put(s, self.2, j, s.tanh_of_c(x));
            }
        }
    }

    fn functions(level: Level, x: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (mut exp, mut tanh) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        level.run(Functions(x, &mut exp, &mut tanh));
        (exp, tanh)
    }

    #[test]
    fn exp_and_tanh_are_close_everywhere() {
        let x: Vec<f32> = (0..=u32::MAX).step_by(9973).map(f32::from_bits).collect();
        for level in Level::available() {
            let (exp, tanh) = functions(level, &x);
            for ((&x, exp), tanh) in x.iter().zip(exp).zip(tanh) {
                let close = |found: f32, exact: f64| {
                    let tolerance = 2e-7 * exact.abs() + f64::from(f32::from_bits(1));
                    found.is_nan() && exact.is_nan()
                        || f64::from(found) == exact
                        || found.is_infinite() && exact > f64::from(f32::MAX)
                        || (f64::from(found) - exact).abs() <= tolerance
                };
                let wide = f64::from(x);
                assert!(close(exp, wide.exp()) && close(tanh, wide.tanh()), "{level:?}: {x:e}");
                assert!(x.is_nan() || tanh.is_sign_negative() == x.is_sign_negative());
            }
        }
    }

    /// Digests of the exp and tanh with which the records of trials were made.
    const DIGESTS: (u64, u64) = (18_399_914_639_096_324_379, 6_239_651_534_939_038_729);

    #[test]
    fn exp_and_tanh_keep_their_bits() {
        let x: Vec<f32> = (0..=u32::MAX).step_by(9973).map(f32::from_bits).collect();
        // The others use the system's functions, whose bits differ between C libraries.
        let own = |level: &Level| matches!(level.name(), "avx512" | "avx2");
        for level in Level::available().filter(own) {
            let (exp, tanh) = functions(level, &x);
            let digest = |values: &[f32]| {
                let bits = values.iter().filter(|x| !x.is_nan()).map(|x| u64::from(x.to_bits()));
                bits.fold(0_u64, |sum, bits| (sum ^ bits).wrapping_mul(0x0100_0000_01b3))
            };
            assert_eq!((digest(&exp), digest(&tanh)), DIGESTS, "{level:?}");
        }
    }

    /// Checks all 2³² numbers, which takes some minutes. It needs glibc 2.36: another C library may
    /// round differently.
    #[test]
    fn exp_and_tanh_have_the_bits_of_the_c_library() {
        if std::env::var_os("MI_LONG_TESTS").is_none() {
            eprintln!("skipped: MI_LONG_TESTS is not set");
            return;
        }
        for first in (0..1_u64 << 32).step_by(1 << 16) {
            let x: Vec<f32> =
                (first..first + (1 << 16)).map(|x| f32::from_bits(x as u32)).collect();
            for level in Level::available() {
                let (exp, tanh) = functions(level, &x);
                for ((&x, exp), tanh) in x.iter().zip(exp).zip(tanh) {
                    let same =
                        |a: f32, b: f32| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
                    assert!(same(exp, x.exp()) && same(tanh, x.tanh()), "{level:?}: {x:e}");
                }
            }
        }
    }

    #[test]
    fn rows_of_every_width_agree_with_f64() {
        let numbers = |n: usize, phase: f64| -> Vec<f64> {
            (0..n).map(|i| f64::from((2.0 * (i as f64 + phase).sin()) as f32)).collect()
        };
        let narrow = |x: &[f64]| -> Vec<f32> { x.iter().map(|&x| x as f32).collect() };
        let close = |found: &[f32], exact: &[f64]| {
            found.iter().zip(exact).all(|(x, y)| (f64::from(*x) - y).abs() < 2e-6)
        };
        for h in [1, 3, 8, 16, 20, 64] {
            for first in [false, true] {
                let (a, b) = (numbers(3 * h, 0.0), numbers(3 * h, 0.3));
                let (before, dh) = (numbers(h, 0.7), numbers(h, 1.1));
                let (mut gates, mut state) = (a.clone(), vec![f64::NAN; h]);
                gated_state(&mut gates, &b, (!first).then_some(&before[..]), &mut state);
                let (b_32, before_32) = (narrow(&b), narrow(&before));
                let (mut gates_32, mut state_32) = (narrow(&a), vec![f32::NAN; h]);
                let of_32 = (!first).then_some(&before_32[..]);
                gated_state(&mut gates_32, &b_32, of_32, &mut state_32);
                assert!(close(&gates_32, &gates) && close(&state_32, &state), "{h}");

                let (mut da, mut db) = (vec![f64::NAN; 3 * h], vec![f64::NAN; 3 * h]);
                let mut d_before = dh.clone();
                let before = (!first).then_some(&before[..]);
                let row = GatedRow { gates: &gates, gated: &b[2 * h..], before };
                let place = (!first).then_some(&mut d_before[..]);
                gated_state_gradient(row, &dh, &mut da, &mut db, place);
                let (mut da_32, mut db_32) = (vec![f32::NAN; 3 * h], vec![f32::NAN; 3 * h]);
                let mut d_before_32 = narrow(&dh);
                let row = GatedRow { gates: &gates_32, gated: &b_32[2 * h..], before: of_32 };
                let place = (!first).then_some(&mut d_before_32[..]);
                gated_state_gradient(row, &narrow(&dh), &mut da_32, &mut db_32, place);
                assert!(close(&da_32, &da) && close(&db_32, &db), "{h}");
                assert!(close(&d_before_32, &d_before), "{h}");
            }
        }
    }
}
