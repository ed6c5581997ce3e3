//! The kinds of columns, which methods take them, and how ties are treated.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use mi_random::Stream;
use mi_samples::{
    ColumnKind, Declared, Estimate, Marginals, Method, NeuralSettings, Sample, SamplesError,
    Settings, Side, Warning, WayOut, conditional_mutual_information, mutual_information,
};
use ndarray::{Array2, Axis, concatenate};
use proptest::prelude::*;

fn column(values: impl IntoIterator<Item = f64>) -> Array2<f64> {
    let values: Vec<f64> = values.into_iter().collect();
    Array2::from_shape_vec((values.len(), 1), values).unwrap()
}

fn normals(seed: u64, n: usize) -> Array2<f64> {
    Stream::new(seed, "kinds").normal_matrix((n, 1))
}

fn declared(values: &Array2<f64>, declared: Declared) -> Sample {
    Sample::new(values.view(), &vec![declared; values.ncols()], 0).unwrap()
}

fn side(values: &Array2<f64>) -> Sample {
    declared(values, Declared::Auto)
}

fn by(method: impl Into<Option<Method>>) -> Settings {
    Settings { method: method.into(), interval: false, ..Settings::default() }
}

fn value(x: &Array2<f64>, y: &Array2<f64>) -> f64 {
    mutual_information(&side(x), &side(y), &by(None)).unwrap().value
}

/// Rounded to this many significant digits.
fn significant(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap()
}

/// Rounded to half precision: 11 binary digits.
fn half(value: f64) -> f64 {
    let unit = 2.0_f64.powi(value.abs().log2().floor() as i32 - 10).max(2.0_f64.powi(-24));
    (value / unit).round() * unit
}

#[test]
fn rounding_does_not_change_what_a_number_tells_about_a_label() {
    // A threshold of a noisy Gaussian: 0.1701 by quadrature.
    let n = 5000;
    let (x, noise) = (normals(1, n), normals(2, n));
    let label = column(x.iter().zip(&noise).map(|(x, e)| f64::from(u8::from(x + 0.3 * e > 1.6))));
    let maps: [(&str, &dyn Fn(f64) -> f64); 9] = [
        ("as it is", &|v| v),
        ("one decimal", &|v| (v * 10.0).round() / 10.0),
        ("three decimals", &|v| (v * 1e3).round() / 1e3),
        ("four decimals", &|v| (v * 1e4).round() / 1e4),
        ("milliseconds on a clock", &|v| 1.7e9 + (v * 1e3).round() / 1e3),
        ("three significant digits", &|v| significant((2.0 * v).exp(), 3)),
        ("half precision", &half),
        ("single precision", &|v| f64::from(v as f32)),
        ("degrees to a third", &|v| (v * 30.0).round() / 3.0),
    ];
    for (name, map) in maps {
        let found = value(&x.mapv(map), &label);
        assert!((found - 0.1701).abs() < 0.02, "{name}: {found}");
        // Independent of the label.
        let other = normals(3, n).mapv(map);
        assert!(value(&other, &label).abs() < 0.01, "{name}");
    }
    // One coincidental tie.
    let mut tied = x.clone();
    tied[[7, 0]] = tied[[8, 0]];
    assert_eq!(side(&tied).columns().next().unwrap().kind, ColumnKind::Tied { step: None });
    assert!((value(&tied, &label) - value(&x, &label)).abs() < 1e-3);
}

#[test]
fn atoms_beside_a_label_are_counted_and_the_rest_is_not_raised() {
    // Half of the rows are 0 by a coin that is independent of the label; the others are rounded.
    let n = 6000;
    let mut stream = Stream::new(4, "atoms");
    let rows: Vec<(f64, f64)> = (0..n)
        .map(|_| {
            let (x, e) = (stream.normal(), stream.normal());
            let seen = if stream.uniform() < 0.5 { 0.0 } else { (x * 100.0).round() / 100.0 };
            (seen, f64::from(u8::from(x + 0.3 * e > 1.6)))
        })
        .collect();
    let (x, y) = (column(rows.iter().map(|r| r.0)), column(rows.iter().map(|r| r.1)));
    let found = mutual_information(&side(&x), &side(&y), &by(None)).unwrap();
    // Atoms are broken like other ties, whether the column is declared continuous or not.
    assert_eq!(found.estimator.method, Method::Ross);
    assert!((found.value - 0.5 * 0.1701).abs() < 0.015, "{}", found.value);
    assert!(found.warnings.iter().any(|w| matches!(w, Warning::TiesBroken { .. })));
    let forced = declared(&x, Declared::Continuous);
    let again = mutual_information(&forced, &side(&y), &by(None)).unwrap();
    assert_eq!(again.value, found.value);
    // They keep their rank if no column is a label.
    let found = mutual_information(&side(&x), &side(&normals(5, n)), &by(None)).unwrap();
    assert_eq!(found.estimator.method, Method::Mixture);
    let atom = found.warnings.iter().find_map(|warning| match warning {
        Warning::Atoms { atoms, share, .. } => Some((atoms.clone(), *share)),
        _ => None,
    });
    assert!(atom.is_some_and(|(atoms, share)| atoms == [0.0] && (share - 0.5).abs() < 0.03));
}

/// A strictly increasing map, with its name.
fn strictly_increasing() -> impl Strategy<Value = (&'static str, fn(f64) -> f64)> {
    prop::sample::select(vec![
        ("times 1000", (|v| 1000.0 * v) as fn(f64) -> f64),
        ("times 1/3", |v| v / 3.0),
        ("plus 12345.6", |v| v + 12_345.6),
        ("Fahrenheit", |v| 1.8 * v + 32.0),
        ("exp", f64::exp),
        ("cube", |v| v * v * v),
        ("logistic", |v| 1.0 / (1.0 + (-v).exp())),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn strictly_increasing_maps_change_no_digit(
        seed in 0_u64..1000,
        decimals in 0_i32..6,
        (name, map) in strictly_increasing(),
        censor in any::<bool>(),
    ) {
        let n = 160;
        let unit = 10.0_f64.powi(decimals);
        let round = |v: f64| (v * unit).round() / unit;
        let (x, noise, z) = (normals(seed, n), normals(seed + 5000, n), normals(seed + 9000, n));
        let y = (0.8 * &x + 0.6 * &noise).mapv(round);
        let z = (0.5 * &x + &z).mapv(round);
        let x = x.mapv(|v| round(if censor { v.max(-0.5) } else { v }));
        let mapped = x.mapv(map);
        let strict = x.iter().zip(&mapped).all(|(a, fa)| {
            x.iter().zip(&mapped).all(|(b, fb)| a.partial_cmp(b) == fa.partial_cmp(fb))
        });
        prop_assume!(strict);
        let label = column(noise.iter().map(|e| f64::from(u8::from(*e > 0.3))));
        for method in [None, Some(Method::Ksg1), Some(Method::Ksg2), Some(Method::Mixture),
            Some(Method::MesnerShalizi), Some(Method::GaussianCopula)]
        {
            let of = |x: &Array2<f64>| {
                // With few decimals the numbers would be labels, which some methods do not take.
                let x = declared(x, if censor { Declared::Auto } else { Declared::Continuous });
                let y = declared(&y, Declared::Continuous);
                mutual_information(&x, &y, &by(method)).map(|found| found.value)
            };
            prop_assert_eq!(of(&x).ok(), of(&mapped).ok(), "{:?} {}", method, name);
        }
        let ross = |x: &Array2<f64>| {
            let x = declared(x, Declared::Continuous);
            mutual_information(&x, &side(&label), &by(Method::Ross)).unwrap().value
        };
        prop_assert_eq!(ross(&x), ross(&mapped));
        for method in [Method::FrenzelPompe, Method::MesnerShalizi] {
            let given = |x: &Array2<f64>| {
                let [x, y, z] = [x, &y, &z].map(|side| declared(side, Declared::Continuous));
                conditional_mutual_information(&x, &y, &z, &by(method)).unwrap().value
            };
            prop_assert_eq!(given(&x), given(&mapped));
        }
    }
}

#[test]
fn strictly_increasing_maps_change_no_digit_of_what_is_learnt() {
    let (x, noise) = (normals(10, 200), normals(11, 200));
    let round = |side: &Array2<f64>| side.mapv(|v| (v * 10.0).round() / 10.0);
    let (y, x) = (round(&(0.8 * &x + 0.6 * noise)), round(&x));
    let neural = NeuralSettings { steps: 20, folds: 2, ..NeuralSettings::default() };
    for method in [Method::Neural, Method::EntropyDifference] {
        let settings = Settings { neural: neural.clone(), ..by(method) };
        let of = |x: &Array2<f64>, y: &Array2<f64>| {
            mutual_information(&side(x), &side(y), &settings).unwrap().value
        };
        let mapped = of(&x.mapv(f64::exp), &y.mapv(|v| 1000.0 * v - 7.0));
        assert_eq!(of(&x, &y), mapped, "{method}");
    }
}

#[test]
fn how_ties_are_broken_is_said_with_its_effect() {
    let (x, noise) = (normals(12, 9000), normals(13, 9000));
    let y = 0.6 * &x + 0.8 * noise;
    let x = x.mapv(|v| (v * 10.0).round() / 10.0);
    let settings = Settings { interval: true, ..by(None) };
    let of = |seed| {
        let [x, y] = [&x, &y].map(|side| Sample::new(side.view(), &[], seed).unwrap());
        mutual_information(&x, &y, &settings).unwrap()
    };
    let found = of(0);
    let broken = |w: &Warning| matches!(w, Warning::TiesBroken { side: Side::X, step, .. } if *step == Some(0.1));
    assert_eq!(found.warnings.iter().filter(|w| broken(w)).count(), 1, "{found:?}");
    let deviation = found.tie_deviation.unwrap();
    let others: Vec<f64> = (1..7).map(|seed| of(seed).value).collect();
    let spread = others.iter().map(|v| (v - found.value).abs()).fold(0.0, f64::max);
    assert!(deviation > 0.0 && spread < 20.0 * deviation.max(1e-4), "{deviation} {others:?}");
    let few = mutual_information(&side(&x), &side(&y), &by(None)).unwrap();
    assert_eq!(few.tie_deviation, None, "a second way costs time and was not requested");
}

#[test]
fn raw_values_stay_raw_or_are_refused() {
    // Half precision, where most values repeat.
    let (x, noise) = (normals(14, 2000), normals(15, 2000));
    let (y, x) = ((0.6 * &x + 0.8 * noise).mapv(half), x.mapv(half));
    let settings = Settings { marginals: Marginals::Raw, ..by(None) };
    let found = mutual_information(&side(&x), &side(&y), &settings).unwrap();
    let kind = found.estimator.method;
    assert_eq!(kind, Method::Ksg1);
    let raw = mi_samples::ksg(x.view(), y.view(), mi_samples::KsgVariant::First, &[3], 0).unwrap();
    assert_eq!(found.value, raw[0]);
    assert!(found.warnings.iter().any(|w| matches!(w, Warning::TiesLeft { .. })));
    let coarse = x.mapv(|v| (v * 10.0).round() / 10.0);
    let error = mutual_information(&side(&coarse), &side(&coarse), &settings).unwrap_err();
    assert!(matches!(error, SamplesError::ZeroDistance { .. }), "{error}");
}

#[test]
fn methods_refuse_columns_that_they_do_not_fit() {
    let n = 300;
    let x = normals(16, n);
    let labels = declared(&column((0..n).map(|i| (i % 4) as f64)), Declared::Discrete);
    let unique = declared(&column((0..n).map(|i| i as f64)), Declared::Discrete);
    let few = side(&column((0..n).map(|i| (i % 4) as f64)));
    let zeros = side(&column((0..n).map(|i| if i % 20 == 0 { x[[i, 0]] } else { 0.0 })));
    let refused =
        |x: &Sample, y: &Sample, method| mutual_information(x, y, &by(method)).unwrap_err();
    for method in [Method::Ksg1, Method::Ksg2] {
        let error = refused(&side(&x), &labels, method);
        let way = WayOut::AnotherMethod;
        assert!(
            matches!(&error, SamplesError::ColumnKind { side: Side::Y, way: w, .. } if *w == way)
        );
        let error = refused(&few, &side(&x), method);
        assert!(error.to_string().contains("declare it continuous"), "{error}");
    }
    assert!(matches!(
        refused(&side(&x), &side(&x), Method::PlugIn),
        SamplesError::ColumnKind { way: WayOut::DeclareDiscrete, .. }
    ));
    for (x, y) in [(&labels, &few), (&side(&x), &side(&x))] {
        assert!(matches!(refused(x, y, Method::Ross), SamplesError::WrongColumns { .. }));
    }
    for method in [Method::Mixture, Method::MesnerShalizi] {
        let error = refused(&unique, &unique, method);
        assert!(matches!(error, SamplesError::UniqueCombinations { rows: 300, .. }), "{error}");
    }
    for y in [&labels, &few, &zeros] {
        let error = refused(&side(&x), y, Method::EntropyDifference);
        assert!(matches!(error, SamplesError::ColumnKind { .. }), "{error}");
    }
    let four = normals(17, 4);
    for method in [Method::Gaussian, Method::GaussianCopula] {
        let error = refused(&side(&four), &side(&normals(18, 4)), method);
        assert!(
            matches!(error, SamplesError::TooFewObservations { needed: 8, n: 4, .. }),
            "{error}"
        );
    }
    let two = side(&column([0.0, 0.0, 1.0, 1.0]));
    assert!(matches!(
        refused(&two, &two, Method::PlugIn),
        SamplesError::TooFewObservations { n: 4, .. }
    ));
}

/// Labels are names: other codes for them, in another order, change nothing. What is learnt may
/// start elsewhere.
#[test]
fn no_method_takes_labels_as_numbers() {
    let n = 400;
    let codes = |order: [f64; 4], shift: usize| {
        declared(&column((0..n).map(|i| order[(i + i / 7 * shift) % 4])), Declared::Discrete)
    };
    let (names, renamed) = ([0.0, 1.0, 2.0, 3.0], [2.0, 7.0, 0.0, 1.0]);
    let noise = normals(19, n);
    // Neither increasing nor decreasing in the codes.
    let means = [0.0, 2.0, 1.0, 3.0];
    let number = side(&column((0..n).map(|i| means[i % 4] + 0.5 * noise[[i, 0]])));
    let other = side(&normals(20, n));
    for &method in Method::ALL {
        let settings = Settings {
            neural: NeuralSettings { steps: 60, ..NeuralSettings::default() },
            ..by(method)
        };
        let values = [names, renamed].map(|order| {
            let (own, shifted) = (codes(order, 0), codes(order, 1));
            let pairs = [(&own, &number), (&number, &own), (&own, &shifted)];
            let pairs = pairs.map(|(x, y)| mutual_information(x, y, &settings));
            let given = conditional_mutual_information(&number, &other, &own, &settings);
            pairs.into_iter().chain([given]).map(|found| found.map(|found| found.value)).collect()
        });
        let [before, after]: [Vec<Result<f64, SamplesError>>; 2] = values;
        let tolerance = if method.trains() { 0.1 } else { 1e-9 };
        for (n, pair) in before.iter().zip(&after).enumerate() {
            match pair {
                (Ok(a), Ok(b)) => assert!((a - b).abs() < tolerance, "{method} {n}: {a} {b}"),
                (Err(_), Err(_)) => {}
                (a, b) => panic!("{method} {n}: {a:?} {b:?}"),
            }
        }
    }
}

#[test]
fn a_column_that_adds_nothing_to_its_side_is_left_out() {
    let n = 400;
    let [x, a, b] = [20, 21, 22].map(|seed| normals(seed, n));
    let y = concatenate![Axis(1), a, b, a];
    let plain = concatenate![Axis(1), a, b];
    let neural = NeuralSettings { steps: 30, ..NeuralSettings::default() };
    for method in [Method::Gaussian, Method::GaussianCopula, Method::EntropyDifference] {
        let settings = Settings { neural: neural.clone(), ..by(method) };
        let of = |y: &Array2<f64>| mutual_information(&side(&x), &side(y), &settings).unwrap();
        let found = of(&y);
        assert_eq!(found.value, of(&plain).value, "{method}");
        let redundant = Warning::Redundant { side: Side::Y, column: 2 };
        assert!(found.warnings.contains(&redundant), "{method} {:?}", found.warnings);
    }
    // The sum, for the method that sees sums; and columns that are already known.
    let sum = concatenate![Axis(1), a, b, &a + &b];
    let found = mutual_information(&side(&x), &side(&sum), &by(Method::Gaussian)).unwrap();
    assert!(found.value.abs() < 0.02, "{found:?}");
    let given = side(&plain);
    let known = side(&(&a - &b));
    let found =
        conditional_mutual_information(&known, &side(&x), &given, &by(Method::Gaussian)).unwrap();
    assert_eq!(found.value, 0.0);
    // Nearly a copy: refused, as the ridge would hide the difference. The column number counts all
    // of y, including the redundant column.
    let near = concatenate![Axis(1), a, b, a, &a + &(0.01 * &x)];
    let error =
        mutual_information(&side(&x), &side(&near), &by(Method::EntropyDifference)).unwrap_err();
    assert!(matches!(error, SamplesError::NearlySingular { column: 3, .. }), "{error}");
}

#[test]
fn a_linear_function_across_sides_is_said_to_be_infinite() {
    let n = 400;
    let [a, b, c] = [23, 24, 25].map(|seed| normals(seed, n));
    let x = concatenate![Axis(1), a, c, b];
    let y = concatenate![Axis(1), normals(26, n), &a - &b];
    let expected = Warning::LinearFunction { column: 1, of: vec![(Side::X, 0), (Side::X, 2)] };
    let neural = NeuralSettings { steps: 10, ..NeuralSettings::default() };
    let said = |found: &Estimate| found.warnings.contains(&expected);
    for method in [
        Method::Ksg1,
        Method::Ksg2,
        Method::Mixture,
        Method::MesnerShalizi,
        Method::Neural,
        Method::EntropyDifference,
    ] {
        let settings = Settings { neural: neural.clone(), ..by(method) };
        let found = mutual_information(&side(&x), &side(&y), &settings).unwrap();
        assert!(said(&found), "{method} {:?}", found.warnings);
    }
    let error = mutual_information(&side(&x), &side(&y), &by(Method::Gaussian)).unwrap_err();
    assert_eq!(error, SamplesError::Infinite { method: "gaussian", column: 4 });
    // Decimals that were subtracted and rounded again.
    let cents = |v: &Array2<f64>| v.mapv(|v| (v * 100.0).round() / 100.0);
    let x = concatenate![Axis(1), cents(&a), c, cents(&b)];
    let y = concatenate![Axis(1), normals(26, n), cents(&(cents(&a) - cents(&b)))];
    let found = mutual_information(&side(&x), &side(&y), &by(Method::Ksg1)).unwrap();
    assert!(said(&found), "{:?}", found.warnings);
    // Numbers that were subtracted first and then rounded, as in many tables.
    let fine = |v: &Array2<f64>| v.mapv(|v| (v * 1e4).round() / 1e4);
    let [x, y] = [concatenate![Axis(1), fine(&a), fine(&b)], fine(&(&a - &b))];
    let found = mutual_information(&side(&x), &side(&y), &by(Method::Ksg1)).unwrap();
    let expected = Warning::LinearFunction { column: 0, of: vec![(Side::X, 0), (Side::X, 1)] };
    assert!(found.warnings.contains(&expected), "{:?}", found.warnings);
    let found = mutual_information(&side(&fine(&a)), &side(&fine(&(&a / 3.0))), &by(Method::Ksg1));
    let of_one = Warning::LinearFunction { column: 0, of: vec![(Side::X, 0)] };
    assert!(found.unwrap().warnings.contains(&of_one));
    // A coarsely rounded column may follow from others, but its rounding error still carries
    // information.
    let [x, y] = [&a, &(&a + &(0.05 * &b))].map(|v| v.mapv(|v| (v * 10.0).round() / 10.0));
    let found = mutual_information(&side(&x), &side(&y), &by(Method::Ksg1)).unwrap();
    assert!(!found.warnings.iter().any(|w| matches!(w, Warning::LinearFunction { .. })));
    // A little noise on numbers that are not rounded makes it finite.
    let x = concatenate![Axis(1), a, c, b];
    let y = concatenate![Axis(1), normals(26, n), &a - &b];
    let y = &y + &(0.001 * Stream::new(27, "noise").normal_matrix((n, 2)));
    let found = mutual_information(&side(&x), &side(&y), &by(Method::Ksg1)).unwrap();
    assert!(!found.warnings.iter().any(|w| matches!(w, Warning::LinearFunction { .. })));
}

#[test]
fn a_linear_function_of_x_and_what_is_given_is_infinite_too() {
    let n = 400;
    let [a, b, c] = [41, 42, 43].map(|seed| normals(seed, n));
    let given = |y: &Array2<f64>| {
        let settings = Settings { interval: false, ..Settings::default() };
        conditional_mutual_information(&side(&a), &side(y), &side(&b), &settings).unwrap()
    };
    let found = given(&(&a - &b));
    let expected = Warning::LinearFunction { column: 0, of: vec![(Side::Given, 0), (Side::X, 0)] };
    assert!(found.warnings.contains(&expected), "{:?}", found.warnings);
    // A function of only the given columns, and no function at all.
    for y in [3.0 * &b + 1.0, &a - &c] {
        let found = given(&y);
        let says = |w: &Warning| matches!(w, Warning::LinearFunction { .. });
        assert!(!found.warnings.iter().any(says), "{:?}", found.warnings);
    }
}

#[test]
fn an_excess_over_the_entropy_is_sampling_error_within_three_standard_errors_only() {
    let x = normals(28, 3000);
    let label = x.mapv(|v| f64::from(u8::from(v > 0.0)));
    for k in [1, 3, 200] {
        let settings = Settings { neighbours: Some(k), ..by(Method::Ross) };
        let found = mutual_information(&side(&x), &side(&label), &settings).unwrap();
        let bound = found.entropy_bound.unwrap();
        for warning in &found.warnings {
            let Warning::AboveEntropy { entropy, standard_errors } = warning else { continue };
            assert!(*entropy == bound && found.value > bound);
            let by_chance = warning.to_string().contains("by sampling error");
            assert_eq!(by_chance, standard_errors.is_some_and(|errors| errors <= 3.0), "{warning}");
        }
    }
    let far = Warning::AboveEntropy { entropy: 0.69, standard_errors: Some(12.0) };
    assert!(far.to_string().contains("by 12 standard errors: that is an error of the method"));
}

#[test]
fn one_rule_chooses_methods() {
    use Method::{
        FrenzelPompe, GaussianCopula, Ksg1, MesnerShalizi, Mixture, Neural, PlugIn, Ross,
    };
    let n = 1000;
    let wide = side(&Stream::new(30, "wide").normal_matrix((n, 3)));
    let x = side(&normals(31, n));
    let label = side(&column((0..n).map(|i| (i % 3) as f64)));
    let zeros = side(&column((0..n).map(|i| if i % 2 == 0 { 0.0 } else { i as f64 })));
    let fitting = |x: &Sample, y: &Sample, z: Option<&Sample>| Method::fitting(x, y, z);
    assert_eq!(fitting(&wide, &wide, None), [Neural, Ksg1, GaussianCopula]);
    assert_eq!(fitting(&x, &x, None), [Ksg1, GaussianCopula]);
    assert_eq!(fitting(&x, &label, None), [Ross]);
    assert_eq!(fitting(&label, &label, None), [PlugIn]);
    assert_eq!(fitting(&zeros, &label, None), [Ross]);
    assert_eq!(fitting(&zeros, &x, None), [Mixture, GaussianCopula]);
    assert_eq!(fitting(&x, &x, Some(&x)), [FrenzelPompe, GaussianCopula]);
    assert_eq!(fitting(&x, &label, Some(&x)), [MesnerShalizi]);
    assert_eq!(fitting(&label, &label, Some(&label)), [PlugIn]);
    assert_eq!(Method::fitting_untrained(&wide, &wide, None), [Ksg1, GaussianCopula]);
    // Resolved settings contain a method, whichever was requested.
    let resolved = |settings: Settings| settings.resolve(&wide, &wide, None).unwrap().method;
    assert_eq!(resolved(by(None)), Neural);
    assert_eq!(resolved(Settings { extrapolate: true, ..by(None) }), Ksg1);
    assert_eq!(resolved(Settings { theiler: 5, ..by(None) }), Ksg1);
    assert_eq!(resolved(by(GaussianCopula)), GaussianCopula);
}

#[test]
fn frequencies_of_nearly_unique_labels_are_refused_and_rare_ones_stay_below_the_rows() {
    let n = 300;
    // `rare` in a hundred rows have a unique label.
    let labels = |rare: usize| {
        Array2::from_shape_fn((n, 1), |(row, _)| {
            if row % 100 < rare { row as f64 } else { (row % 5) as f64 + 0.5 }
        })
    };
    let discrete =
        |values: &Array2<f64>| Sample::new(values.view(), &[Declared::Discrete], 0).unwrap();
    let few = discrete(&Array2::from_shape_fn((n, 1), |(row, _)| (row % 3) as f64));
    for rare in [100, 98, 60] {
        let nearly = discrete(&labels(rare));
        for (x, y, side) in [(&nearly, &few, Side::X), (&few, &nearly, Side::Y)] {
            let error = mutual_information(x, y, &by(Method::PlugIn)).unwrap_err();
            let rows = 3 * rare;
            let (method, columns) = ("plug-in", vec![0]);
            let expected = SamplesError::UniqueLabels { method, side, columns, rows, n };
            assert_eq!(error, expected);
        }
        let given = conditional_mutual_information(&few, &few, &nearly, &by(Method::PlugIn));
        assert!(matches!(given, Err(SamplesError::UniqueLabels { side: Side::Given, .. })));
    }
    let half = discrete(&labels(50));
    let found = mutual_information(&half, &half, &by(Method::PlugIn)).unwrap();
    assert!(found.value <= (n as f64).ln(), "{}", found.value);
    assert!(found.warnings.iter().any(|w| matches!(w, Warning::SparseTable { .. })));
}

/// Independent counts, most of whose combinations occur once or twice.
fn geometric_counts(seed: u64, n: usize) -> Array2<f64> {
    let mut stream = Stream::new(seed, "geometric");
    Array2::from_shape_simple_fn((n, 1), || {
        (stream.uniform().max(1e-12).ln() / 0.8_f64.ln()).floor().min(18.0)
    })
}

#[test]
fn sparse_tables_of_independent_counts_tell_nothing() {
    let (mut sum, mut above) = (0.0, 0);
    let seeds = 20;
    for seed in 0..seeds {
        let (x, y) = (geometric_counts(seed, 300), geometric_counts(seed + 1000, 300));
        let found = mutual_information(&side(&x), &side(&y), &Settings::default()).unwrap();
        assert_eq!(found.estimator.method, Method::PlugIn);
        assert!(found.uncorrected.unwrap() > 0.2, "{found:?}");
        sum += found.value;
        above += usize::from(found.interval.unwrap().lower > 0.0);
    }
    let mean = sum / f64::from(seeds as u32);
    assert!(mean.abs() < 0.02 && above <= 2, "{mean} {above}");
}

#[test]
fn sparse_tables_of_dependent_counts_keep_their_information() {
    // Counts of which one equals the other with a probability of one half, and is otherwise
    // independent.
    let n = 300;
    let mixed =
        |seed: u64, n: usize| {
            let (x, other) = (geometric_counts(seed, n), geometric_counts(seed + 1000, n));
            let mut stream = Stream::new(seed, "mixed");
            let y = Array2::from_shape_fn((n, 1), |at| {
                if stream.uniform() < 0.5 { x[at] } else { other[at] }
            });
            [x, y].map(|values| Sample::new(values.view(), &[], 0).unwrap())
        };
    let value = |[x, y]: &[Sample; 2]| mutual_information(x, y, &by(None)).unwrap().value;
    let truth = value(&mixed(99, 100_000));
    let mean = (0..10).map(|seed| value(&mixed(seed, n))).sum::<f64>() / 10.0;
    assert!((mean - truth).abs() < 0.06, "{mean} {truth}");
}

#[test]
fn the_entropy_is_of_the_rows_that_are_used() {
    // Two labels with ten rows each, and ten rows with unique labels.
    let labels =
        column((0..30).map(|row| if row < 20 { f64::from(row % 2) } else { f64::from(row) }));
    let found = mutual_information(
        &side(&normals(3, 30)),
        &declared(&labels, Declared::Discrete),
        &by(None),
    )
    .unwrap();
    assert_eq!((found.estimator.method, found.n), (Method::Ross, 20));
    assert!((found.entropy_bound.unwrap() - 2.0_f64.ln()).abs() < 1e-12);
    // Without those, a single label is a constant.
    let one = column((0..30).map(|row| if row < 20 { 0.0 } else { f64::from(row) }));
    let (x, one) = (side(&normals(3, 30)), declared(&one, Declared::Discrete));
    for found in [mutual_information(&x, &one, &by(None)), mutual_information(&one, &x, &by(None))]
    {
        assert!(
            matches!(found, Err(SamplesError::OneLabelLeft { rows: 10, n: 30, .. })),
            "{found:?}"
        );
    }
}
