//! Neural estimates for which the answer is known.

use mi_critics::CriticSpec;
use mi_estimators::bounds::{BOUNDS, BoundSpec};
use mi_random::Stream;
use mi_samples::{
    IntervalMethod, Method, NeuralCritic, NeuralSettings, RowStructure, Sample, SamplesError,
    Settings, TASKS, Warning, mutual_information, mutual_information_and_critic, neural,
};
use ndarray::{Array2, ArrayView2, Axis, concatenate, s};

const INDEPENDENT: RowStructure = RowStructure::Exchangeable;

fn pair(n: usize, d: usize, rho: f64, seed: u64) -> (Array2<f64>, Array2<f64>) {
    let mut stream = Stream::new(seed, "pair");
    let x = stream.normal_matrix((n, d));
    let y = rho * &x + (1.0 - rho * rho).sqrt() * stream.normal_matrix((n, d));
    (x, y)
}

fn side(values: &Array2<f64>) -> Sample {
    Sample::new(values.view(), &[], 0).expect("test columns are finite")
}

/// Fewer steps than the default.
fn quick() -> NeuralSettings {
    NeuralSettings { steps: 300, patience: 3, ..NeuralSettings::default() }
}

#[test]
fn a_gaussian_pair_has_its_information_and_an_interval() {
    let (x, y) = pair(3000, 1, 0.75, 1);
    let settings =
        Settings { method: Some(Method::Neural), neural: quick(), ..Settings::default() };
    let found = mutual_information(&side(&x), &side(&y), &settings).unwrap();
    // The standard error of 3000 rows is 0.013.
    assert!((found.value - 0.4133).abs() < 0.05, "{found:?}");
    let interval = found.interval.unwrap();
    assert!(interval.lower < found.value && found.value < interval.upper);
    // Training on finitely many rows makes the bound too low, so the interval reaches further up.
    let (below, above) = (found.value - interval.lower, interval.upper - found.value);
    assert!(above > below && above < 3.0 * below && interval.method == IntervalMethod::HeldOut);
    assert!((0.008..0.02).contains(&interval.standard_error));
    let neural = found.estimator.neural.unwrap();
    assert_eq!(neural.critic, Some(CriticSpec::Concat { hidden: vec![64] }));
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
}

#[test]
fn independent_columns_have_none() {
    for (d, seed) in [(1, 2), (3, 3)] {
        let (x, y) = pair(2000, d, 0.0, seed);
        let found = neural(&side(&x), &side(&y), &quick(), &INDEPENDENT, 0).unwrap();
        assert!(found.value.abs() < 0.02, "{}", found.value);
        assert!(found.value < 3.0 * found.standard_error + 1e-3);
    }
}

#[test]
fn fifty_gaussian_columns_keep_their_information() {
    let task = TASKS.iter().find(|task| task.id() == "multinormal-dense-25-25-0.5").unwrap();
    let (x, y) = task.sample(4000, &mut Stream::new(1, "dense"));
    let found = neural(&side(&x), &side(&y), &quick(), &INDEPENDENT, 0).unwrap();
    assert!((found.value - 1.2922).abs() < 0.1, "{}", found.value);
    // Without the Gaussian start, a network learns only a part from few rows.
    let bare = NeuralSettings { gaussian_start: false, ..quick() };
    let bare = neural(&side(&x), &side(&y), &bare, &INDEPENDENT, 0).unwrap();
    assert!(bare.value < found.value - 0.1, "{} {}", bare.value, found.value);
}

/// A critic could memorise its training rows, but the estimate on held-out rows is not affected.
#[test]
fn forty_independent_columns_of_few_rows_have_none() {
    for bound in [BoundSpec::InfoNce, BoundSpec::Mine { rate: 0.01 }, BoundSpec::DonskerVaradhan] {
        let (x, y) = pair(500, 20, 0.0, 13);
        let settings = NeuralSettings { bound, ..quick() };
        let found = neural(&side(&x), &side(&y), &settings, &INDEPENDENT, 0).unwrap();
        assert!(found.value < 0.05 && found.value > -0.3, "{:?}: {}", settings.bound, found.value);
    }
}

/// I(X; S) for X = S + noise, S = ±1 with equal odds, by the trapezium rule.
fn two_classes() -> f64 {
    let density =
        |x: f64, s: f64| (-0.5 * (x - s).powi(2)).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let step = 1e-3;
    let term = |i: i32| {
        let x = f64::from(i) * step;
        let (a, b) = (density(x, 1.0), density(x, -1.0));
        let mean = 0.5 * (a + b);
        0.5 * (a * (a / mean).ln() + b * (b / mean).ln()) * step
    };
    (-9000..=9000).map(term).sum()
}

#[test]
fn a_label_and_a_number() {
    let mut stream = Stream::new(4, "classes");
    let label = Array2::from_shape_simple_fn((3000, 1), || stream.below(2) as f64);
    let x = label.mapv(|label| 2.0 * label - 1.0) + stream.normal_matrix((3000, 1));
    let found = neural(&side(&x), &side(&label), &quick(), &INDEPENDENT, 0).unwrap();
    assert!((found.value - two_classes()).abs() < 0.04, "{} {}", found.value, two_classes());
}

#[test]
fn copies_do_not_raise_the_estimate() {
    // Rounded, so that ties are broken.
    let (x, y) = pair(1000, 2, 0.6, 5);
    let [x, y] = [x, y].map(|side| side.mapv(|v| (v * 100.0).round() / 100.0));
    let once = neural(&side(&x), &side(&y), &quick(), &INDEPENDENT, 0).unwrap();
    let twice = |side: &Array2<f64>| concatenate![Axis(0), side.view(), side.view()];
    let (x, y) = (twice(&x), twice(&y));
    let doubled = neural(&side(&x), &side(&y), &quick(), &INDEPENDENT, 0).unwrap();
    // The truth is 0.446, with a standard error of 0.02; neighbours would see more than 1.
    assert!((doubled.value - 0.446).abs() < 0.08, "{}", doubled.value);
    let ratio = doubled.standard_error / once.standard_error;
    assert!((0.85..1.2).contains(&ratio), "copies count as one row: {ratio}");
    // Thirty different rows count as thirty, however often they are copied.
    let few = x.select(Axis(0), &(0..30).collect::<Vec<_>>().repeat(10));
    let error =
        neural(&side(&few), &side(&few), &quick(), &INDEPENDENT, 0).unwrap_err().to_string();
    assert!(error.starts_with("a neural estimate, not counting copies, needs 60 rows"), "{error}");
}

#[test]
fn bits_do_not_depend_on_threads() {
    let (x, y) = pair(900, 2, 0.5, 6);
    let settings = NeuralSettings { steps: 40, ..quick() };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found =
            pool.install(|| neural(&side(&x), &side(&y), &settings, &INDEPENDENT, 3).unwrap());
        (found.value, found.training_value, found.pointwise)
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn every_bound_trains_and_judges() {
    let (x, y) = pair(1500, 2, 0.7, 7);
    let (x, y) = (side(&x), side(&y));
    let truth = -(1.0 - 0.49_f64).ln();
    for bound in BOUNDS.iter().filter_map(|entry| entry.usual()) {
        let settings = NeuralSettings { bound: bound.clone(), steps: 80, ..quick() };
        let found = neural(&x, &y, &settings, &INDEPENDENT, 0).unwrap();
        let error = found.value - truth;
        assert!(error.abs() < 0.15, "{}: {} of {truth}", bound.name(), found.value);
    }
}

#[test]
fn every_critic_trains() {
    let (x, y) = pair(1000, 2, 0.7, 8);
    let (x, y) = (side(&x), side(&y));
    let by = |y: &Sample, critic: CriticSpec| {
        let settings = NeuralSettings { critic: Some(critic), steps: 150, ..quick() };
        neural(&x, y, &settings, &INDEPENDENT, 0).unwrap().value
    };
    // The truth is 0.673.
    for critic in [
        CriticSpec::Bilinear,
        CriticSpec::Separable { hidden: vec![16], embed: 8 },
        CriticSpec::Concat { hidden: vec![16, 8] },
    ] {
        let found = by(&y, critic.clone());
        assert!((0.5..0.85).contains(&found), "{critic:?}: {found}");
    }
    // An inner product of the features has nothing to learn. For independent sides the positive
    // scores are like the others; here they are larger, by E[x·y] = 2 ρ from the columns and by the
    // covariance of the radii, the other features.
    let apart = side(&pair(1000, 2, 0.0, 9).1);
    let found = by(&y, CriticSpec::InnerProduct) - by(&apart, CriticSpec::InnerProduct);
    assert!(found > 2.0 * 0.7 - 0.2 && found < 2.5, "{found}");
    // A cosine sees the angle between x and y. Its single parameter, here initially far too large,
    // is learnt: the final scale is better than the initial one.
    let cosine = |learned: bool| {
        let critic = Some(CriticSpec::Cosine { temperature: 0.1, learned });
        let settings = NeuralSettings { critic, learning_rate: Some(0.05), ..quick() };
        neural(&x, &y, &settings, &INDEPENDENT, 0).unwrap().value
    };
    let (fixed, learned) = (cosine(false), cosine(true));
    assert!(fixed < 0.0 && learned > 0.2 && learned < 0.673, "{fixed} {learned}");
}

#[test]
fn a_saved_critic_judges_new_rows_alike() {
    let (x, y) = pair(2000, 2, 0.7, 9);
    let (new_x, new_y) = pair(2000, 2, 0.7, 10);
    for bound in [BoundSpec::InfoNce, BoundSpec::Flo] {
        let neural = NeuralSettings { bound, ..quick() };
        let settings = Settings { neural, ..Settings::default() };
        let (estimate, critic) =
            mutual_information_and_critic(&side(&x), &side(&y), &settings).unwrap();
        let ratios = critic.pointwise(new_x.view(), new_y.view()).unwrap();
        let mean = ratios.iter().sum::<f64>() / 2000.0;
        assert!((mean - estimate.value).abs() < 0.08, "{mean} {}", estimate.value);
        // ln p(x, y)/(p(x) p(y)) of each pair, from the densities.
        let truth = |row: usize| -> f64 {
            let of = |side: ArrayView2<'_, f64>, c: usize| side[[row, c]];
            (0..2).map(|c| log_ratio(of(new_x.view(), c), of(new_y.view(), c), 0.7)).sum()
        };
        let squares: f64 = ratios.iter().enumerate().map(|(i, r)| (r - truth(i)).powi(2)).sum();
        assert!((squares / 2000.0).sqrt() < 0.25, "{}", (squares / 2000.0).sqrt());
        let again = NeuralCritic::from_bytes(&critic.to_bytes().unwrap()).unwrap();
        assert_eq!(again.pointwise(new_x.view(), new_y.view()).unwrap(), ratios);
        // A row's ratio does not depend on other rows.
        let few = again.pointwise(new_x.slice(s![7..8, ..]), new_y.slice(s![7..8, ..])).unwrap();
        assert!((few[0] - ratios[7]).abs() < 1e-4);
    }
}

fn log_ratio(x: f64, y: f64, rho: f64) -> f64 {
    let rest = 1.0 - rho * rho;
    -0.5 * (rho * rho * (x * x + y * y) - 2.0 * rho * x * y) / rest - 0.5 * rest.ln()
}

#[test]
fn little_and_much_are_said() {
    let (x, y) = pair(300, 20, 0.9, 11);
    let found = {
        let neural = NeuralSettings { bound: BoundSpec::DonskerVaradhan, ..quick() };
        let settings = Settings { method: Some(Method::Neural), neural, ..Settings::default() };
        mutual_information(&side(&x), &side(&y), &settings).unwrap()
    };
    let said = |wanted: fn(&Warning) -> bool| found.warnings.iter().any(wanted);
    assert!(said(|w| matches!(w, Warning::FewObservations { n: 300, advised: 1000 })));
    assert!(said(|w| matches!(w, Warning::BeyondConfidence { .. })), "{found:?}");
    let settings =
        Settings { method: Some(Method::Neural), neural: quick(), ..Settings::default() };
    let found = mutual_information(&side(&x), &side(&y), &settings).unwrap();
    // ln of 100 held-out rows is 4.6; the truth is 16.6.
    assert!(found.value < 4.61);
    assert!(found.warnings.iter().any(|w| matches!(w, Warning::NearCap { .. })), "{found:?}");
}

#[test]
fn mistakes_are_named() {
    let (x, y) = pair(50, 1, 0.5, 12);
    let few = neural(&side(&x), &side(&y), &quick(), &INDEPENDENT, 0).unwrap_err();
    assert!(matches!(few, SamplesError::TooFewObservations { needed: 60, n: 50, .. }));
    let (x, y) = pair(100, 1, 0.5, 12);
    for settings in [
        NeuralSettings { folds: 1, ..quick() },
        NeuralSettings { learning_rate: Some(f64::NAN), ..quick() },
        NeuralSettings { bound: BoundSpec::Smile { clip: -1.0 }, ..quick() },
    ] {
        let error = neural(&side(&x), &side(&y), &settings, &INDEPENDENT, 0).unwrap_err();
        let named = matches!(error, SamplesError::Setting { .. } | SamplesError::Estimator(_));
        assert!(named, "{error}");
    }
    assert!(NeuralCritic::from_bytes(b"no critic").is_err());
    let constant = Array2::zeros((100, 1));
    assert!(
        mutual_information_and_critic(&side(&x), &side(&constant), &Settings::default()).is_err()
    );
}
