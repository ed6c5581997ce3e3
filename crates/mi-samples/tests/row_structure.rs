//! Dependent rows: series and groups.

use mi_random::Stream;
use mi_samples::{
    CrossFit, Method, NeuralSettings, RowStructure, Sample, SamplesError, Settings, Surrogate,
    TestSettings, Warning, difference_of_entropies, linear_v_information, mutual_information,
    neural,
};
use ndarray::Array2;

fn side(values: &Array2<f64>) -> Sample {
    Sample::new(values.view(), &[], 0).expect("test columns are finite")
}

/// A first-order autoregressive series.
fn series(n: usize, memory: f64, stream: &mut Stream) -> Array2<f64> {
    let mut value = 0.0;
    Array2::from_shape_simple_fn((n, 1), || {
        value = memory * value + stream.normal();
        value
    })
}

fn quick() -> NeuralSettings {
    NeuralSettings { steps: 200, ..NeuralSettings::default() }
}

/// The mean over seeds of the estimate for two independent slow series.
fn mean_of_slow(
    seeds: u64,
    found: impl Fn(&Array2<f64>, &Array2<f64>, &RowStructure) -> f64,
) -> [f64; 2] {
    [RowStructure::Exchangeable, RowStructure::Ordered].map(|rows| {
        let each = (0..seeds).map(|seed| {
            let mut stream = Stream::new(seed, "slow");
            let (x, y) = (series(2000, 0.99, &mut stream), series(2000, 0.99, &mut stream));
            found(&x, &y, &rows)
        });
        each.sum::<f64>() / seeds as f64
    })
}

#[test]
fn held_out_rows_of_slow_independent_series_tell_nothing() {
    let [shuffled, in_time] =
        mean_of_slow(4, |x, y, rows| neural(&side(x), &side(y), &quick(), rows, 0).unwrap().value);
    assert!(in_time <= 0.0 && shuffled > 0.03, "neural {shuffled} {in_time}");
    let [shuffled, in_time] = mean_of_slow(4, |x, y, rows| {
        difference_of_entropies(&side(x), &side(y), &quick(), rows, 0).unwrap().value
    });
    assert!(in_time <= 0.0 && shuffled > 0.03, "entropies {shuffled} {in_time}");
    let [shuffled, in_time] = mean_of_slow(40, |x, y, rows| {
        let split = CrossFit { rows: rows.clone(), ..CrossFit::at_random(0) };
        linear_v_information(x.view(), y.view(), &split).unwrap().value
    });
    assert!(in_time <= 0.0 && shuffled > 0.03, "v-information {shuffled} {in_time}");
}

#[test]
fn a_series_that_never_forgets_is_warned_of() {
    let mut stream = Stream::new(1, "trends");
    let mut trend = || Array2::from_shape_fn((600, 1), |(row, _)| row as f64 + stream.normal());
    let (x, y) = (trend(), trend());
    let settings = Settings {
        method: Some(Method::Neural),
        neural: NeuralSettings { steps: 20, ..NeuralSettings::default() },
        rows: RowStructure::Ordered,
        ..Settings::default()
    };
    let found = mutual_information(&side(&x), &side(&y), &settings).unwrap();
    assert!(found.warnings.contains(&Warning::LongMemory { rows: 60 }), "{:?}", found.warnings);
    // Rows that are known to be ordered get no advice to treat them as a series.
    let advises =
        |found: &[Warning]| found.iter().any(|w| matches!(w, Warning::Autocorrelated { .. }));
    assert!(!advises(&found.warnings));
    let plain = Settings { rows: RowStructure::Exchangeable, ..settings };
    assert!(advises(&mutual_information(&side(&x), &side(&y), &plain).unwrap().warnings));
}

/// Subjects with unrelated levels of x and y that hardly change: rows repeat the subjects.
fn subjects(count: usize, each: usize, seed: u64) -> (Array2<f64>, Array2<f64>, RowStructure) {
    let mut stream = Stream::new(seed, "subjects");
    let levels = stream.normal_matrix((count, 2));
    let side = |column: usize, stream: &mut Stream| {
        Array2::from_shape_fn((count * each, 1), |(row, _)| {
            levels[[row / each, column]] + 0.1 * stream.normal()
        })
    };
    let (x, y) = (side(0, &mut stream), side(1, &mut stream));
    (x, y, RowStructure::grouped_by((0..count * each).map(|row| row / each)))
}

#[test]
fn subjects_stay_together_in_splits_tests_and_intervals() {
    let (x, y, rows) = subjects(30, 20, 2);
    let (x, y) = (side(&x), side(&y));
    let held_out = |rows: &RowStructure| neural(&x, &y, &quick(), rows, 0).unwrap().value;
    let (apart, together) = (held_out(&RowStructure::Exchangeable), held_out(&rows));
    assert!(apart > 0.3 && together < 0.05, "{apart} {together}");
    let found = |method: Method, rows: &RowStructure, surrogate: Surrogate| {
        let test = Some(TestSettings::new(39, surrogate));
        let settings =
            Settings { method: Some(method), rows: rows.clone(), test, ..Settings::default() };
        mutual_information(&x, &y, &settings).unwrap()
    };
    for method in [Method::Ksg1, Method::GaussianCopula] {
        let alone = found(method, &RowStructure::Exchangeable, Surrogate::Permutation);
        let grouped = found(method, &rows, Surrogate::WholeGroups);
        let error = |found: &mi_samples::Estimate| found.interval.unwrap().standard_error;
        // For nearest neighbours every piece has the same number of subjects, so that their
        // estimates hardly vary; a correlation of 30 subjects differs between pieces.
        if method == Method::GaussianCopula {
            assert!(error(&grouped) > 1.5 * error(&alone));
        }
        assert!(grouped.test.unwrap().p_value > 0.05, "{method}");
        assert_eq!(alone.value, grouped.value);
    }
    assert_eq!(
        found(Method::Ksg1, &RowStructure::Exchangeable, Surrogate::Permutation)
            .test
            .unwrap()
            .at_least,
        0,
        "rows of a subject treated as independent"
    );
    // Here a subject's rows say nothing about one another.
    let within = found(Method::GaussianCopula, &rows, Surrogate::WithinGroups).test.unwrap();
    assert!(within.p_value > 0.05, "{within:?}");
}

#[test]
fn a_relation_within_or_between_subjects_is_found_by_its_own_surrogates() {
    let mut stream = Stream::new(3, "within");
    let (count, each) = (40, 5);
    let rows = RowStructure::grouped_by((0..count * each).map(|row| row / each));
    let levels = stream.normal_matrix((count, 2));
    let moves = stream.normal_matrix((count * each, 2));
    let level = |row: usize, column: usize| levels[[row / each, column]];
    let p_value = |x: &Array2<f64>, y: &Array2<f64>, surrogate: Surrogate| {
        let settings = Settings {
            method: Some(Method::GaussianCopula),
            rows: rows.clone(),
            test: Some(TestSettings::new(99, surrogate)),
            ..Settings::default()
        };
        mutual_information(&side(x), &side(y), &settings).unwrap().test.unwrap().p_value
    };
    let of = |value: &dyn Fn(usize) -> f64| {
        Array2::from_shape_fn((count * each, 1), |(row, _)| value(row))
    };
    // Related row by row, but not by level.
    let x = of(&|row| level(row, 0) + moves[[row, 0]]);
    let y = of(&|row| level(row, 1) + 0.8 * moves[[row, 0]] + 0.6 * moves[[row, 1]]);
    assert_eq!(p_value(&x, &y, Surrogate::WithinGroups), 0.01);
    // Related only by their levels.
    let x = of(&|row| level(row, 0) + 0.5 * moves[[row, 0]]);
    let y = of(&|row| level(row, 0) + 0.5 * moves[[row, 1]]);
    assert_eq!(p_value(&x, &y, Surrogate::WholeGroups), 0.01);
    assert!(p_value(&x, &y, Surrogate::WithinGroups) > 0.05);
}

#[test]
fn mistakes_with_groups_are_named() {
    let (x, y, _) = subjects(2, 50, 4);
    let of = |rows: RowStructure, method: Method| {
        let settings = Settings { rows, method: Some(method), ..Settings::default() };
        mutual_information(&side(&x), &side(&y), &settings)
    };
    let one = of(RowStructure::Grouped(vec![3; 100]), Method::Ksg1).unwrap_err();
    assert_eq!(one, SamplesError::OneGroup { n: 100 });
    let short = of(RowStructure::Grouped(vec![0, 1]), Method::Ksg1).unwrap_err();
    assert_eq!(short, SamplesError::GroupCount { groups: 2, rows: 100 });
    // Two groups cannot make three folds, or six pieces of an interval.
    let two = RowStructure::grouped_by((0..100).map(|row| row / 50));
    let folds = of(two.clone(), Method::Neural).unwrap_err();
    assert_eq!(folds, SamplesError::TooFewGroups { operation: "a neural estimate", parts: 3 });
    let found = of(two, Method::Ksg1).unwrap();
    assert!(found.interval.is_none() && found.warnings.contains(&Warning::NoInterval));
}

#[test]
fn few_rearrangements_are_all_made_and_said() {
    let mut stream = Stream::new(5, "few");
    let x = stream.normal_matrix((60, 1));
    let y = &x + 0.1 * stream.normal_matrix((60, 1));
    let settings = Settings {
        rows: RowStructure::Ordered,
        test: Some(TestSettings::new(9999, Surrogate::Shift { least: 7 })),
        ..Settings::default()
    };
    let found = mutual_information(&side(&x), &side(&y), &settings).unwrap();
    let test = found.test.unwrap();
    assert_eq!((test.surrogates, test.p_value), (47, 1.0 / 48.0));
    assert!(found.warnings.contains(&Warning::FewSurrogates {
        asked: 9999,
        available: 47,
        surrogate: Surrogate::Shift { least: 7 },
    }));
}

#[test]
fn an_atom_is_not_alike_in_time() {
    // Nine in ten independent rows are 0.
    let mut stream = Stream::new(5, "atoms");
    let mut rare = || {
        Array2::from_shape_simple_fn((600, 1), || {
            let value = stream.normal().abs();
            if stream.uniform() < 0.9 { 0.0 } else { value }
        })
    };
    let (x, y) = (rare(), rare());
    assert_eq!(side(&x).alike_in_time(&side(&y)), None);
    // A series is still recognised after rounding.
    let slow = |seed: u64| series(600, 0.95, &mut Stream::new(seed, "series"));
    for step in [1e-9, 0.5] {
        let rounded = |seed: u64| side(&slow(seed).mapv(|v| (v / step).round() * step));
        let (x, y) = rounded(1).alike_in_time(&rounded(2)).expect("slow series are autocorrelated");
        assert!(x > 0.9 && y > 0.9, "{x} {y}");
    }
}
