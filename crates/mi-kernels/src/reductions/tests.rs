use super::*;
use crate::simd::Level;

/// Runs a kernel with all kinds of vectors of this machine, and passes each level's name and result
/// to `check`.
fn on_all<K: Kernel>(mut kernel: impl FnMut() -> K, mut check: impl FnMut(&str, K::Output)) {
    for level in Level::available() {
        check(level.name(), level.run(kernel()));
    }
}

/// A kernel that replaces a copy of `x` and returns it.
struct Replaced<'a, F>(&'a [f32], F);

/// What [`Replaced`] does to a vector.
trait Map: Copy {
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V;
}

impl<F: Map> Kernel for Replaced<'_, F> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Vec<f32> {
        let mut out = vec![0.0; self.0.len()];
        for (out, x) in out.chunks_mut(S::LANES).zip(self.0.chunks(S::LANES)) {
            s.store_part(out, self.1.map(s, s.load_part(x, 0.0)));
        }
        out
    }
}

#[derive(Clone, Copy)]
struct Exp;
impl Map for Exp {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V {
        exp(s, x)
    }
}

#[derive(Clone, Copy)]
struct Logistic;
impl Map for Logistic {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V {
        logistic_softplus(s, x).0
    }
}

#[derive(Clone, Copy)]
struct Softplus;
impl Map for Softplus {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V {
        logistic_softplus(s, x).1
    }
}

fn worst(x: &[f32], y: &[f32], exact: impl Fn(f64) -> f64) -> f64 {
    let error = |(&x, &y): (&f32, &f32)| {
        let exact = exact(f64::from(x));
        (f64::from(y) - exact).abs() / exact
    };
    x.iter().zip(y).map(error).fold(0.0, f64::max)
}

/// A dense grid that is not aligned with multiples of ln 2.
fn grid(low: f32, high: f32) -> Vec<f32> {
    (0..400_000).map(|i| low + (high - low) * i as f32 / 399_999.0).collect()
}

#[test]
fn exp_is_within_its_stated_error() {
    let x = grid(-86.9, 88.7);
    on_all(
        || Replaced(&x, Exp),
        |level, y| {
            let error = worst(&x, &y, f64::exp);
            assert!(error < 2.5e-7, "{level}: {error:e}");
        },
    );
}

#[test]
fn logistic_and_softplus_are_within_their_stated_error() {
    let x = grid(-85.0, 85.0);
    on_all(
        || Replaced(&x, Logistic),
        |level, y| {
            let error = worst(&x, &y, |x| 1.0 / (1.0 + (-x).exp()));
            assert!(error < 5e-7, "{level}: {error:e}");
        },
    );
    on_all(
        || Replaced(&x, Softplus),
        |level, y| {
            let error = worst(&x, &y, |x| x.max(0.0) + (-x.abs()).exp().ln_1p());
            assert!(error < 5e-7, "{level}: {error:e}");
        },
    );
}

#[test]
fn exp_keeps_the_edges() {
    let inf = f32::INFINITY;
    let x = [0.0, -0.0, -inf, inf, -1e30, 1e30, 88.8, -87.5, -104.0, f32::NAN, 88.72];
    on_all(
        || Replaced(&x, Exp),
        |level, y| {
            assert_eq!(y[..9], [1.0, 1.0, 0.0, inf, 0.0, inf, inf, 0.0, 0.0], "{level}");
            assert!(y[9].is_nan(), "{level}");
            assert!(y[10].is_finite(), "{level}");
        },
    );
    let x: Vec<f32> = (0..3000).map(|i| -86.0 - 0.01 * i as f32).collect();
    on_all(
        || Replaced(&x, Exp),
        |level, y| assert!(y.iter().all(|&y| y == 0.0 || y.is_normal()), "{level}: subnormal"),
    );
}

#[test]
fn softplus_keeps_the_edges() {
    let inf = f32::INFINITY;
    let x = [-inf, inf, f32::NAN, -1e30, 1e30];
    on_all(
        || Replaced(&x, Softplus),
        |level, y| {
            assert_eq!((y[0], y[1], y[3], y[4]), (0.0, inf, 0.0, 1e30), "{level}");
            assert!(y[2].is_nan(), "{level}");
        },
    );
    on_all(
        || Replaced(&x, Logistic),
        |level, y| {
            assert_eq!((y[0], y[1], y[3], y[4]), (0.0, 1.0, 0.0, 1.0), "{level}");
            assert!(y[2].is_nan(), "{level}");
        },
    );
}

/// Scattered numbers in ±`scale`.
fn scattered(n: usize, scale: f64) -> Vec<f32> {
    (0..n).map(|i| (scale * ((i * i + 7 * i) as f64 * 0.618_034).sin()) as f32).collect()
}

#[test]
fn sums_and_maxima_agree_with_f64_at_every_length() {
    for n in (0..70).chain([127, 128, 255, 256, 257, 1000, 4099]) {
        let x = scattered(n, 30.0);
        let exact: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let largest = exact.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        on_all(|| Maximum(&x), |level, y| assert_eq!(f64::from(y), largest, "{level} {n}"));
        let close = |level: &str, y: f64, exact: f64| {
            assert!((y - exact).abs() <= 4e-7 * exact, "{level} {n}: {y} {exact}");
        };
        let shift = if n == 0 { 0.0 } else { largest as f32 };
        let sum = |limit| f64::sum_exp_shifted(&exact, limit, f64::from(shift));
        on_all(
            || SumExpShifted { x: &x, limit: f32::INFINITY, shift },
            |level, y| close(level, y, sum(f64::INFINITY)),
        );
        on_all(|| SumExpShifted { x: &x, limit: 5.0, shift }, |level, y| close(level, y, sum(5.0)));
        on_all(|| SoftplusSum(&x), |level, y| close(level, y, f64::softplus_sum(&exact)));
        let (mut weights, mut exact_weights) = (x.clone(), exact.clone());
        let total = exp_shifted(&mut weights, shift);
        close("dispatched", total, exp_shifted(&mut exact_weights, f64::from(shift)));
        let (mut sigma, mut exact_sigma) = (x.clone(), exact.clone());
        let total = logistic_softplus_sum(&mut sigma);
        close("dispatched", total, logistic_softplus_sum(&mut exact_sigma));
        for i in 0..n {
            // x − shift is rounded to single precision before exp sees it.
            let tolerance = 4e-7 + 6e-8 * (exact[i] - largest).abs();
            let error = (f64::from(weights[i]) - exact_weights[i]).abs() / exact_weights[i];
            assert!(error <= tolerance, "weight {i} of {n}: {error:e}");
            close("sigma", f64::from(sigma[i]), exact_sigma[i]);
        }
    }
}

#[test]
fn maxima_pass_over_nan_in_every_lane() {
    let inf = f32::INFINITY;
    for n in [1, 2, 15, 16, 17, 64, 100, 257] {
        for at in 0..n {
            let mut x = scattered(n, 30.0);
            x[at] = f32::NAN;
            let numbers = x.iter().copied().filter(|x| !x.is_nan());
            let largest = numbers.fold(-inf, |largest, x| if x > largest { x } else { largest });
            on_all(|| Maximum(&x), |level, y| assert_eq!(y, largest, "{level}: NaN {at} of {n}"));
            let exact: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            assert_eq!(maximum(&exact), f64::from(largest), "NaN {at} of {n}");
        }
        let none = vec![f32::NAN; n];
        on_all(|| Maximum(&none), |level, y| assert_eq!(y, -inf, "{level} {n}"));
    }
    assert_eq!(maximum(&[f32::NAN, 1.0]), 1.0);
    assert_eq!(maximum(&[1.0, f32::NAN]), 1.0);
}

#[test]
fn log_sum_exp_of_infinities() {
    let inf = f32::INFINITY;
    assert_eq!(log_sum_exp::<f32>(&[]), f64::NEG_INFINITY);
    assert_eq!(log_sum_exp(&[-inf, -inf]), f64::NEG_INFINITY);
    assert_eq!(log_sum_exp(&[inf, 0.0]), f64::INFINITY);
    assert!(log_sum_exp(&[f32::NAN, 0.0]).is_nan());
    assert!(log_sum_exp(&[f32::NAN, inf]).is_nan());
    assert!(log_sum_exp(&[f64::NAN]).is_nan());
    assert_eq!(log_sum_exp(&[1e30_f64, 0.0]), 1e30);
    let x = scattered(1000, 50.0);
    let exact: f64 = x.iter().map(|&x| f64::from(x).exp()).sum::<f64>().ln();
    assert!((log_sum_exp(&x) - exact).abs() < 1e-6);
}

#[test]
fn nan_reaches_every_sum() {
    for n in [1, 15, 16, 17, 300] {
        for at in [0, n / 2, n - 1] {
            let mut x = scattered(n, 1.0);
            x[at] = f32::NAN;
            let y: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            assert!(sum_exp_shifted(&x, 3.0, 0.0).is_nan() && softplus_sum(&x).is_nan());
            assert!(sum_exp_shifted(&y, 3.0, 0.0).is_nan() && softplus_sum(&y).is_nan());
            assert!(exp_shifted(&mut x.clone(), 0.0).is_nan());
            assert!(logistic_softplus_sum(&mut x).is_nan());
        }
    }
}

#[test]
fn column_sums_take_one_row_after_the_other() {
    for n in [1, 7, 16, 33, 100] {
        let x = scattered(n, 20.0);
        let shifts: Vec<f32> = x.iter().map(|x| x.abs() * 0.5).collect();
        let mut sums = vec![0.25_f32; n];
        add_exp_shifted(&mut sums, &x, &shifts);
        let exact_x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let exact_shifts: Vec<f64> = shifts.iter().map(|&x| f64::from(x)).collect();
        let mut exact = vec![0.25_f64; n];
        add_exp_shifted(&mut exact, &exact_x, &exact_shifts);
        let (mut twice, mut exact_twice) = (x.clone(), exact_x.clone());
        exp_shifted_twice(&mut twice, 3.0, &shifts);
        exp_shifted_twice(&mut exact_twice, 3.0, &exact_shifts);
        for (found, exact) in sums.iter().zip(&exact).chain(twice.iter().zip(&exact_twice)) {
            assert!((f64::from(*found) - exact).abs() <= 3e-6 * exact, "{found} {exact}");
        }
    }
}
