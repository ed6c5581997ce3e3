//! Data for which other tools were reported to be wrong, each with the right answer.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use mi_random::Stream;
use mi_samples::{
    ColumnKind, Declared, Estimate, KsgVariant, Marginals, Method, Sample, SamplesError, Settings,
    Surrogate, TestSettings, Warning, conditional_mutual_information, ksg, mixture,
    mutual_information,
};
use ndarray::{Array2, Axis, array, concatenate};

/// ½ ln 1/(1 − 0.75²)
const TRUTH: f64 = 0.413_339;

fn column(values: impl IntoIterator<Item = f64>) -> Array2<f64> {
    let values: Vec<f64> = values.into_iter().collect();
    Array2::from_shape_vec((values.len(), 1), values).unwrap()
}

fn pair(seed: u64, n: usize, rho: f64) -> (Array2<f64>, Array2<f64>) {
    let mut stream = Stream::new(seed, "pair");
    let x = stream.normal_matrix((n, 1));
    let y = rho * &x + (1.0 - rho * rho).sqrt() * stream.normal_matrix((n, 1));
    (x, y)
}

fn quick() -> Settings {
    Settings { interval: false, ..Settings::default() }
}

fn side(values: &Array2<f64>) -> Sample {
    Sample::new(values.view(), &[], 0).unwrap()
}

fn auto(x: &Array2<f64>, y: &Array2<f64>) -> Estimate {
    mutual_information(&side(x), &side(y), &quick()).unwrap()
}

fn warned(estimate: &Estimate, is: impl Fn(&Warning) -> bool) -> bool {
    estimate.warnings.iter().any(is)
}

#[test]
fn a_constant_column_tells_nothing_of_a_rare_label() {
    let n = 20_000;
    let x = column((0..n).map(|_| 1.0));
    let y = column((0..n).map(|i| f64::from(u8::from(i < 20))));
    for found in [auto(&x, &y), auto(&y, &x)] {
        assert_eq!(found.value, 0.0);
        assert!(warned(&found, |w| matches!(w, Warning::Constant { .. })));
    }
    let one_class = column((0..6).map(|_| 7.0));
    assert_eq!(auto(&column((0..6).map(f64::from)), &one_class).value, 0.0);
}

#[test]
fn whole_numbers_and_swapped_sides_give_the_same() {
    let x = column((0..100).map(f64::from).chain([1000.0]));
    let y = pair(0, 101, 0.0).0 + &x / 500.0;
    assert_eq!(auto(&x, &y).value, auto(&y, &x).value);
    let label = column((0..101).map(|i| f64::from(i % 3)));
    assert_eq!(auto(&x, &label).value, auto(&label, &x).value);
}

#[test]
fn a_column_with_itself_is_said_to_be_deterministic() {
    for n in [100, 1000] {
        let x = pair(1, n, 0.0).0;
        for y in [x.clone(), x.mapv(|v| (-v).exp())] {
            let found = auto(&x, &y);
            assert!(warned(&found, |w| matches!(w, Warning::Deterministic { x: 0, y: 0 })));
            assert!(warned(&found, |w| matches!(w, Warning::NearCap { .. })));
        }
    }
    // No column has fewer than k rows in the rectangles of KSG-2: it ends 1/k lower.
    let x = pair(1, 100, 0.0).0;
    let settings = Settings { method: Some(Method::Ksg2), ..quick() };
    let found = mutual_information(&side(&x), &side(&x), &settings).unwrap();
    let cap = found.warnings.iter().find_map(|warning| match warning {
        Warning::NearCap { cap } => Some(*cap),
        _ => None,
    });
    // ψ(100) − ψ(3) − 1/3
    assert!((cap.unwrap() - 3.344).abs() < 1e-3 && found.value <= cap.unwrap() + 1e-9, "{found:?}");
    // Not one-to-one, but still a function.
    let x = pair(2, 1000, 0.0).0;
    assert!(warned(&auto(&x, &(&x * &x)), |w| matches!(w, Warning::NearCap { .. })));
    let (x, y) = pair(3, 1000, 0.75);
    assert!(auto(&x, &y).warnings.is_empty());
}

#[test]
fn few_rows_are_said_to_be_few() {
    let x = column((0..10).map(f64::from));
    let found = auto(&x, &(2.0 * &x));
    assert!(warned(&found, |w| matches!(w, Warning::FewObservations { n: 10, .. })));
    let three = array![[0.0], [1.0], [2.5]];
    let error = mutual_information(&side(&three), &side(&three), &quick()).unwrap_err();
    assert_eq!(error, SamplesError::NeighbourCount { k: 3, n: 3 });
    let unique = Sample::new(x.view(), &[Declared::Discrete], 0).unwrap();
    let error = mutual_information(&unique, &side(&pair(1, 10, 0.0).0), &quick()).unwrap_err();
    assert!(error.to_string().contains("labels is unique"), "{error}");
}

#[test]
fn tiny_samples_give_values_or_messages_never_a_crash() {
    let settings = Settings {
        extrapolate: true,
        test: Some(TestSettings::new(3, Surrogate::Permutation)),
        ..Settings::default()
    };
    for n in 1..9 {
        let numbers = pair(30, n, 0.0).0;
        let labels = column((0..n).map(|i| (i % 2) as f64));
        let repeated = column((0..n).map(|i| (i / 3) as f64 * 0.7));
        for x in [&numbers, &labels, &repeated] {
            for y in [&numbers, &labels, &repeated] {
                for method in Method::ALL.iter().copied().map(Some).chain([None]) {
                    let settings = Settings { method, ..settings.clone() };
                    let (x, y) = (side(x), side(y));
                    if let Ok(found) = mutual_information(&x, &y, &settings) {
                        assert!(found.value.is_finite(), "{method:?} {found:?}");
                    }
                    let given = conditional_mutual_information(&x, &y, &x, &settings);
                    assert!(given.is_err() || given.is_ok_and(|found| found.value.is_finite()));
                }
            }
        }
    }
}

#[test]
fn the_number_of_neighbours_matters() {
    let (x, y) = pair(4, 500, 0.75);
    let with = |k| {
        let settings = Settings { neighbours: Some(k), ..quick() };
        mutual_information(&side(&x), &side(&y), &settings).unwrap().value
    };
    assert_ne!(with(2), with(3));
    let label = column(x.iter().map(|x| x.signum()));
    let with = |k| {
        let settings = Settings { neighbours: Some(k), ..quick() };
        mutual_information(&side(&label), &side(&y), &settings).unwrap().value
    };
    assert_ne!(with(2), with(3));
}

#[test]
fn the_unit_is_nats() {
    let x = array![[1.0], [1.0], [1.0], [0.0], [0.0]];
    let y = array![[1.0], [0.0], [1.0], [1.0], [0.0]];
    let found = auto(&x, &y);
    assert!((found.uncorrected.unwrap() - 0.01384).abs() < 5e-6);
    assert!((found.bits() - found.value / 2.0_f64.ln()).abs() < 1e-15);
}

#[test]
fn scales_offsets_outliers_and_monotone_maps_change_nothing() {
    let (x, y) = pair(5, 2000, 0.75);
    let plain = auto(&x, &y).value;
    assert!((plain - TRUTH).abs() < 0.06, "{plain}");
    let same = |x: &Array2<f64>, y: &Array2<f64>| (auto(x, y).value - plain).abs() < 1e-9;
    assert!(same(&(&x * 1e-12), &y));
    assert!(same(&(&x + 1e6), &y));
    // Doubles near 10⁹ are 10⁻⁷ apart: a few neighbours change.
    assert!((auto(&(&x + 1e9), &y).value - plain).abs() < 1e-3);
    assert!(same(&x.mapv(|v| (5.0 * v).exp()), &y.mapv(f64::exp)));
    assert!(same(&x.mapv(|v| v.powi(3)), &(&y * -100.0)));
    // Appending one wild row moves the estimate like any other row.
    let x = concatenate![Axis(0), x, array![[1e6]]];
    let y = concatenate![Axis(0), y, array![[0.0]]];
    assert!((auto(&x, &y).value - plain).abs() < 0.02);
}

#[test]
fn a_column_of_noise_on_a_large_scale_does_not_drown_the_others() {
    let (x, y) = pair(6, 2000, 0.75);
    let noise = 1000.0 * Stream::new(6, "noise").normal_matrix((2000, 1));
    let found = auto(&concatenate![Axis(1), x, noise], &y);
    assert!((found.value - TRUTH).abs() < 0.08, "{}", found.value);
}

#[test]
fn a_scaled_sum_of_uniforms_keeps_its_information() {
    let mut stream = Stream::new(7, "uniforms");
    let x = Array2::from_shape_simple_fn((1000, 1), || stream.uniform());
    let y = Array2::from_shape_simple_fn((1000, 1), || stream.uniform());
    let z = 0.5 * &x + 0.5 * &y;
    let values = [1.0, 10.0, 100.0].map(|scale| auto(&(scale * &x), &z).value);
    assert!((values[0] - values[1]).abs() < 1e-9 && (values[0] - values[2]).abs() < 1e-9);
    assert!((values[0] - 0.5).abs() < 0.07, "{values:?}");
}

#[test]
fn independent_columns_may_be_slightly_negative() {
    let values: Vec<f64> = (0..20)
        .map(|seed| {
            let (x, y) = pair(100 + seed, 1000, 0.0);
            auto(&x, &y).value
        })
        .collect();
    let mean = values.iter().sum::<f64>() / 20.0;
    assert!(mean.abs() < 0.025, "{mean}");
    assert!(values.iter().any(|value| *value < 0.0));
    let (x, y) = pair(100, 1000, 0.0);
    let mut found = auto(&x, &y);
    assert_eq!(found.clamped(), found.value.max(0.0));
    found.value = f64::NAN;
    for bound in [None, Some(1.5)] {
        found.entropy_bound = bound;
        assert!(found.clamped().is_nan(), "no value is not 0 nats, nor the entropy");
    }
}

#[test]
fn values_that_chance_puts_below_zero_are_no_error_of_the_method() {
    let mut below = 0;
    for seed in 0..200 {
        let (x, y) = pair(1000 + seed, 60, 0.0);
        let settings = Settings { interval: true, ..quick() };
        let found = mutual_information(&side(&x), &side(&y), &settings).unwrap();
        below += usize::from(found.value < -0.05);
        assert!(!warned(&found, |w| matches!(w, Warning::BelowZero { .. })), "{seed}: {found:?}");
    }
    assert!(below > 20, "the test sees such values: {below}");
}

#[test]
fn many_columns_are_warned_of_and_the_others_are_right() {
    let mut stream = Stream::new(8, "many");
    let x = stream.normal_matrix((5000, 16));
    let y = 0.5 * &x + 0.75_f64.sqrt() * stream.normal_matrix((5000, 16));
    let by = |method| {
        let settings = Settings { method: Some(method), ..Settings::default() };
        mutual_information(&side(&x), &side(&y), &settings).unwrap()
    };
    let neighbours = by(Method::Ksg1);
    assert!(warned(&neighbours, |w| matches!(w, Warning::ManyColumns { columns: 32 })));
    let copula = by(Method::GaussianCopula);
    assert!((copula.value - 2.3015).abs() < 0.08, "{}", copula.value);
    assert!(neighbours.value < copula.value - 1.0);
    let found = auto(&x, &y);
    assert_eq!(found.estimator.method, Method::Neural);
    assert!((found.value - 2.3015).abs() < 0.15, "{}", found.value);
}

#[test]
fn repeated_rows_are_warned_of() {
    let (x, y) = pair(9, 1000, 0.8);
    let twice = |side: &Array2<f64>| concatenate![Axis(0), *side, *side];
    let found = auto(&twice(&x), &twice(&y));
    assert!(warned(&found, |w| *w == Warning::DuplicateRows { rows: 1000 }));
    assert!(!warned(&auto(&x, &y), |w| matches!(w, Warning::DuplicateRows { .. })));
    // Ties of rounded columns are broken, which must not hide the copies.
    let [x, y] = [x, y].map(|side| side.mapv(|v| (v * 100.0).round() / 100.0));
    let copies = |found: &Estimate| {
        let rows = found.warnings.iter().filter_map(|warning| match warning {
            Warning::DuplicateRows { rows } => Some(*rows),
            _ => None,
        });
        rows.sum::<usize>()
    };
    let found = copies(&auto(&twice(&x), &twice(&y)));
    assert!((1000..1020).contains(&found), "{found}");
    assert_eq!(copies(&auto(&x, &y)), 0);
}

#[test]
fn numbers_that_are_names_have_no_covariance() {
    let (x, y) = pair(26, 100, 0.5);
    let label = Sample::new(y.view(), &[Declared::Discrete], 0).unwrap();
    for method in [Method::Gaussian, Method::GaussianCopula] {
        let settings = Settings { method: Some(method), ..quick() };
        let error = mutual_information(&side(&x), &label, &settings).unwrap_err();
        assert!(error.to_string().contains("discrete: "), "{error}");
    }
}

#[test]
fn a_window_in_time_leaves_neighbours() {
    let (x, y) = pair(27, 300, 0.5);
    let by = |theiler| mutual_information(&side(&x), &side(&y), &Settings { theiler, ..quick() });
    assert!(by(20).is_ok());
    for theiler in [149, 200, usize::MAX] {
        let error = by(theiler).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("theiler is {theiler}; it must be so small")),
            "{error}"
        );
    }
    // Many columns and rows would otherwise train a critic, which has no neighbours.
    let wide = Stream::new(28, "wide").normal_matrix((1200, 3));
    let settings = Settings { theiler: 3, ..quick() };
    let found = mutual_information(&side(&wide), &side(&wide.mapv(f64::exp)), &settings).unwrap();
    assert_eq!(found.estimator.method, Method::Ksg1);
}

#[test]
fn ties_of_rounded_columns_are_broken_and_said_to_be() {
    let (x, y) = pair(10, 2000, 0.75);
    let plain = auto(&x, &y).value;
    let round = |side: &Array2<f64>, step: f64| side.mapv(|v| (v / step).round() * step);
    let found = auto(&round(&x, 0.1), &round(&y, 0.1));
    assert!((found.value - plain).abs() < 0.03, "{} {plain}", found.value);
    let broken = found.warnings.iter().filter(|w| matches!(w, Warning::TiesBroken { .. })).count();
    assert_eq!(broken, 2);
    // So coarse that it is discrete, and less information is left.
    let coarse = auto(&round(&x, 1.0), &round(&y, 1.0));
    assert_eq!(coarse.estimator.method, Method::PlugIn);
    assert!((coarse.value - 0.327).abs() < 0.04, "{}", coarse.value);
}

#[test]
fn how_ties_are_broken_hardly_moves_estimates_from_few_rows() {
    let (x, y) = pair(23, 300, 0.75);
    let rounded = x.mapv(|v| (v * 10.0).round() / 10.0);
    let label = y.mapv(f64::signum);
    let spread = |other: &Array2<f64>| {
        let values: Vec<f64> = (0..12)
            .map(|seed| {
                let [a, b] =
                    [&rounded, other].map(|side| Sample::new(side.view(), &[], seed).unwrap());
                mutual_information(&a, &b, &quick()).unwrap().value
            })
            .collect();
        let mean = values.iter().sum::<f64>() / 12.0;
        (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 11.0).sqrt()
    };
    // Compared with sampling errors of 0.05 (Kraskov) and 0.03 (Ross).
    assert!(spread(&y) < 0.01, "{}", spread(&y));
    assert!(spread(&label) < 0.007, "{}", spread(&label));
}

#[test]
fn censored_columns_have_a_finite_value() {
    let (x, y) = pair(11, 3000, 0.8);
    let censored = |side: &Array2<f64>| side.mapv(|v| (v + 0.5).max(0.0));
    let found = auto(&censored(&x), &censored(&y));
    assert_eq!(found.estimator.method, Method::Mixture);
    assert!((found.value - 0.425).abs() < 0.06, "{}", found.value);
}

#[test]
fn zero_inflated_pairs() {
    let (mut x, mut y) = pair(12, 4000, 0.75);
    let mut stream = Stream::new(12, "zeros");
    for (x, y) in x.iter_mut().zip(&mut y) {
        if stream.uniform() < 0.5 {
            (*x, *y) = (0.0, 0.0);
        }
    }
    let truth = 2.0_f64.ln() + 0.5 * TRUTH;
    let found = auto(&x, &y);
    assert!((found.value - truth).abs() < 0.04, "{} {truth}", found.value);
    assert!(!warned(&found, |w| matches!(w, Warning::DuplicateRows { .. })));
}

#[test]
fn a_label_never_gives_more_than_its_entropy() {
    let x = pair(13, 2000, 0.0).0;
    let y = x.mapv(|v| f64::from(u8::from(v > 0.0)));
    let found = auto(&x, &y);
    assert_eq!(found.estimator.method, Method::Ross);
    assert!((found.value - 2.0_f64.ln()).abs() < 2e-3, "{}", found.value);
    assert!(found.clamped() <= 2.0_f64.ln());
    assert!(
        warned(&found, |w| matches!(w, Warning::AboveEntropy { .. }))
            == (found.value > found.entropy_bound.unwrap() + 1e-9)
    );
}

#[test]
fn few_valued_columns_are_discrete() {
    let y = column([1.0, 0.0, 1.0, 1.0].repeat(10));
    let found = auto(&(3.0 * &y), &y);
    assert_eq!(found.columns[0][0].kind, ColumnKind::Discrete);
    assert!((found.uncorrected.unwrap() - 0.5623).abs() < 5e-5);
    let mut stream = Stream::new(14, "labels");
    let mut draw = || column((0..2000).map(|_| stream.below(5) as f64));
    // (4·4)/(2·2000) = 0.004 before the correction; its standard deviation is 0.0014.
    let found = auto(&draw(), &draw());
    assert!(found.value.abs() < 0.004 && found.uncorrected.unwrap() > found.value, "{found:?}");
    // The converse: thousands of values treated as categories.
    let (x, y) = pair(15, 2000, 0.0);
    let round = |side: &Array2<f64>, step: f64| {
        let rounded = side.mapv(|v| (v / step).round() * step);
        Sample::new(rounded.view(), &[Declared::Discrete], 0).unwrap()
    };
    let of = |step| mutual_information(&round(&x, step), &round(&y, step), &quick());
    assert!(warned(&of(0.01).unwrap(), |w| matches!(w, Warning::SparseTable { .. })));
    let error = of(0.001).unwrap_err();
    assert!(error.to_string().contains("have a label of x that no other row has"), "{error}");
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let (x, y) = pair(16, 600, 0.5);
    let x = x.mapv(|v| (v * 50.0).round());
    let settings = Settings {
        extrapolate: true,
        test: Some(TestSettings::new(9, Surrogate::Permutation)),
        ..Settings::default()
    };
    let run = |seed| {
        let side = |values: &Array2<f64>| Sample::new(values.view(), &[], seed).unwrap();
        let settings = Settings { seed, ..settings.clone() };
        mutual_information(&side(&x), &side(&y), &settings).unwrap()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).value, run(2).value);
    // Without ties there is nothing random in the value.
    let (x, y) = pair(17, 600, 0.5);
    let value = |seed| {
        let side = |values: &Array2<f64>| Sample::new(values.view(), &[], seed).unwrap();
        mutual_information(&side(&x), &side(&y), &quick()).unwrap().value
    };
    assert_eq!(value(1), value(2));
}

fn autoregressive(seed: u64, n: usize) -> Array2<f64> {
    let mut stream = Stream::new(seed, "series");
    let mut state = stream.normal() * 7.0;
    column((0..n).map(|_| {
        state = 0.99 * state + stream.normal();
        state
    }))
}

#[test]
fn time_series_need_shifted_surrogates() {
    let (mut by_permutation, mut by_shift) = (0, 0);
    for seed in 0..8 {
        let (x, y) = (autoregressive(2 * seed, 500), autoregressive(2 * seed + 1, 500));
        let p_value = |surrogate| {
            let test = Some(TestSettings::new(19, surrogate));
            let settings = Settings { test, ..quick() };
            let found = mutual_information(&side(&x), &side(&y), &settings).unwrap();
            assert!(warned(&found, |w| matches!(w, Warning::Autocorrelated { .. })));
            found.test.unwrap().p_value
        };
        by_permutation += usize::from(p_value(Surrogate::Permutation) <= 0.05);
        by_shift += usize::from(p_value(Surrogate::Shift { least: 50 }) <= 0.05);
    }
    assert!(by_permutation >= 7, "{by_permutation} of 8 by permutation");
    assert!(by_shift <= 3, "{by_shift} of 8 by shift");
}

#[test]
fn p_values_count_the_data_too() {
    let (x, y) = pair(18, 200, 0.9);
    let test = |surrogates| Some(TestSettings::new(surrogates, Surrogate::Permutation));
    let settings = Settings { test: test(49), ..quick() };
    let found = mutual_information(&side(&x), &side(&y), &settings).unwrap().test.unwrap();
    assert_eq!((found.p_value, found.at_least), (1.0 / 50.0, 0));
    let settings = Settings { test: test(0), ..quick() };
    assert!(mutual_information(&side(&x), &side(&y), &settings).is_err());
}

#[test]
fn a_copy_is_significant_given_an_independent_column() {
    let (x, z) = pair(19, 300, 0.0);
    let test = TestSettings::new(19, Surrogate::Local { neighbours: 5 });
    let settings = Settings { test: Some(test), ..quick() };
    let given = |x: &Array2<f64>, y: &Array2<f64>| {
        let sides = [x, y, &z].map(side);
        conditional_mutual_information(&sides[0], &sides[1], &sides[2], &settings).unwrap()
    };
    let found = given(&x, &x);
    assert_eq!(found.estimator.method, Method::FrenzelPompe);
    assert_eq!(found.test.unwrap().p_value, 0.05);
    // But a common cause is not.
    let mut stream = Stream::new(20, "effects");
    let mut effect = || &z + &stream.normal_matrix((300, 1));
    let found = given(&effect(), &effect());
    assert!(found.test.unwrap().p_value > 0.05 && found.value.abs() < 0.1);
}

#[test]
fn information_is_not_a_difference_of_entropies() {
    // Three neighbour biases do not cancel: 0.45 nats apart for this line with little noise.
    let mut stream = Stream::new(21, "line");
    let x = column((0..1000).map(|i| f64::from(i) / 999.0));
    let y = &x + &(0.01 * stream.normal_matrix((1000, 1)));
    let direct = ksg(x.view(), y.view(), KsgVariant::First, &[3], 0).unwrap()[0];
    // h(Y) − h(Y | X) for noise of deviation 0.01: about −½ ln(2πe·0.01²).
    let truth = -0.5 * (2.0 * std::f64::consts::PI * std::f64::consts::E * 1e-4).ln();
    assert!((direct - truth).abs() < 0.2, "{direct} {truth}");
}

#[test]
fn information_of_numbers_may_exceed_their_differential_entropy() {
    // h(X) = 1.419 nats, a density's entropy, is not a bound; the truth is ½ ln(1 + 100).
    let x = pair(24, 1000, 0.0).0;
    let y = &x + &(0.1 * Stream::new(24, "noise").normal_matrix((1000, 1)));
    let found = auto(&x, &y);
    assert!((found.value - 2.308).abs() < 0.12, "{}", found.value);
    assert_eq!(found.entropy_bound, None);
    assert!(!warned(&found, |w| matches!(w, Warning::AboveEntropy { .. })));
}

#[test]
fn ties_are_never_bare() {
    let tied = array![[0.0], [0.0], [0.0], [0.0], [1.0], [1.0], [1.0], [1.0]];
    let found = auto(&tied, &tied);
    assert_eq!(found.estimator.method, Method::PlugIn);
    assert!((found.uncorrected.unwrap() - 2.0_f64.ln()).abs() < 1e-12);
    let asked = Settings { method: Some(Method::Ksg1), ..quick() };
    let error = mutual_information(&side(&tied), &side(&tied), &asked).unwrap_err();
    assert!(matches!(error, SamplesError::ColumnKind { .. }), "{error}");
}

#[test]
fn values_that_are_not_numbers_are_named() {
    let x = array![[0.0], [f64::NAN]];
    let error = Sample::new(x.view(), &[], 0).unwrap_err();
    assert!(error.to_string().contains("row 1, column 0"), "{error}");
}

#[test]
fn raw_values_are_used_on_request() {
    let (x, y) = pair(22, 500, 0.75);
    let settings = Settings { marginals: Marginals::Raw, ..quick() };
    let found = mutual_information(&side(&x), &side(&y), &settings).unwrap();
    let direct = ksg(x.view(), y.view(), KsgVariant::First, &[3], 0).unwrap();
    assert_eq!(found.value, direct[0]);
    assert_eq!(found.estimator.marginals, Some(Marginals::Raw));
    // A constant with a rare label, low level: also exactly 0.
    let constant = Array2::from_elem((500, 1), 1.0);
    assert_eq!(mixture(constant.view(), x.view(), &[5]).unwrap(), [0.0]);
}
