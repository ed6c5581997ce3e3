//! Estimates compared with known values, their intervals, and their independence of threads.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use mi_random::Stream;
use mi_samples::{
    Estimate, IntervalMethod, KsgVariant, Method, Sample, Settings, Surrogate, TASKS, Task,
    TestSettings, conditional_mutual_information, ksg, mutual_information,
};
use ndarray::{Array2, ArrayView2, s};

fn side(values: ArrayView2<'_, f64>) -> Sample {
    Sample::new(values, &[], 0).unwrap()
}

fn task(id: &str) -> &'static Task {
    TASKS.iter().find(|task| task.id() == id).unwrap()
}

fn pair(stream: &mut Stream, n: usize, rho: f64) -> (Array2<f64>, Array2<f64>) {
    let x = stream.normal_matrix((n, 1));
    let y = rho * &x + (1.0 - rho * rho).sqrt() * stream.normal_matrix((n, 1));
    (x, y)
}

#[test]
fn every_task_of_one_column_a_side_is_within_its_goal() {
    let settings = Settings { interval: false, ..Settings::default() };
    for task in TASKS.iter().filter(|task| task.dim_x() <= 2 && task.dim_y() == 1) {
        let (x, y) = task.sample(10_000, &mut Stream::new(0, task.id()));
        let found = mutual_information(&side(x.view()), &side(y.view()), &settings).unwrap();
        let error = found.value - task.mutual_information();
        // Four standard deviations at this size are 0.035 for the Gaussian tasks.
        assert!(error.abs() < 0.035, "{}: {error}", task.id());
    }
}

#[test]
fn heavy_tails_are_no_trouble() {
    let task = task("student-identity-2-2-1");
    let (x, y) = task.sample(10_000, &mut Stream::new(1, task.id()));
    let settings = Settings { interval: false, ..Settings::default() };
    let found = mutual_information(&side(x.view()), &side(y.view()), &settings).unwrap();
    assert!((found.value - task.mutual_information()).abs() < 0.05, "{}", found.value);
}

#[test]
fn the_second_estimator_and_the_copula_agree_on_a_gaussian() {
    let (x, y) = pair(&mut Stream::new(2, "agree"), 4000, 0.75);
    let (x, y) = (side(x.view()), side(y.view()));
    for method in
        [Method::Ksg1, Method::Ksg2, Method::Mixture, Method::Gaussian, Method::GaussianCopula]
    {
        let settings = Settings { method: Some(method), ..Settings::default() };
        let found = mutual_information(&x, &y, &settings).unwrap();
        assert!((found.value - 0.4133).abs() < 0.05, "{method}: {}", found.value);
        let interval = found.interval.unwrap();
        assert!(interval.lower < found.value && found.value < interval.upper);
        assert!(interval.standard_error < 0.03);
    }
}

#[test]
fn conditional_information_of_a_chain_and_of_a_collider() {
    let mut stream = Stream::new(3, "chain");
    let n = 3000;
    let z = stream.normal_matrix((n, 1));
    let x = &z + &stream.normal_matrix((n, 1));
    let y = &z + &stream.normal_matrix((n, 1));
    let collider = &x + &y + 0.5 * stream.normal_matrix((n, 1));
    // Correlation of x and y given x + y + noise of variance ¼, by the covariance's inverse.
    let given = |x: &Array2<f64>, y: &Array2<f64>, z: &Array2<f64>, method| {
        let sides = [x, y, z].map(|values| side(values.view()));
        let settings = Settings { method, interval: false, ..Settings::default() };
        conditional_mutual_information(&sides[0], &sides[1], &sides[2], &settings).unwrap().value
    };
    for method in [None, Some(Method::MesnerShalizi), Some(Method::GaussianCopula)] {
        let chain = given(&x, &y, &z, method);
        assert!(chain.abs() < 0.06, "{method:?}: {chain}");
        let exact = given(&x, &y, &collider, Some(Method::Gaussian));
        let found = given(&x, &y, &collider, method);
        // Mesner and Shalizi's estimate has the larger bias towards 0.
        assert!((found - exact).abs() < 0.25 * exact + 0.03, "{method:?}: {found} {exact}");
    }
    let labels = z.mapv(|z| f64::from(u8::from(z > 0.0)));
    let (a, b) = (&labels + &stream.normal_matrix((n, 1)), labels.mapv(|l| 3.0 - l));
    let found = given(&a, &b, &labels, None);
    assert!(found.abs() < 0.02, "{found}");
}

#[test]
fn intervals_cover_and_are_of_the_right_width() {
    let mut stream = Stream::new(4, "coverage");
    let (repeats, n) = (60, 400);
    let truth = -0.5 * (1.0 - 0.36_f64).ln();
    for (method, expected) in [
        (None, IntervalMethod::DisjointSubsamples),
        (Some(Method::GaussianCopula), IntervalMethod::Analytic),
    ] {
        let (mut covered, mut width, mut values) = (0, 0.0, Vec::new());
        for _ in 0..repeats {
            let (x, y) = pair(&mut stream, n, 0.6);
            let settings = Settings { method, ..Settings::default() };
            let found = mutual_information(&side(x.view()), &side(y.view()), &settings).unwrap();
            let interval = found.interval.unwrap();
            assert_eq!(interval.method, expected);
            covered += usize::from(interval.lower <= truth && truth <= interval.upper);
            width += interval.standard_error / f64::from(repeats);
            values.push(found.value);
        }
        let mean = values.iter().sum::<f64>() / f64::from(repeats);
        let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>()
            / f64::from(repeats - 1))
        .sqrt();
        // 57 of 60 expected; fewer than 51 has a probability below 1 %.
        assert!(covered >= 51, "{method:?}: {covered} of {repeats}");
        assert!((0.7..1.5).contains(&(width / spread)), "{method:?}: {width} {spread}");
    }
}

#[test]
fn extrapolation_lessens_the_bias() {
    // Dependence in five columns per side, where nearest neighbours find too little.
    let task = task("multinormal-sparse-5-5-2-2.0");
    let (x, y) = task.sample(2000, &mut Stream::new(5, task.id()));
    let settings = Settings { interval: false, extrapolate: true, ..Settings::default() };
    let found = mutual_information(&side(x.view()), &side(y.view()), &settings).unwrap();
    let limit = found.extrapolation.unwrap().limit;
    let truth = task.mutual_information();
    assert!((limit - truth).abs() < (found.value - truth).abs(), "{limit} {}", found.value);
}

fn everything() -> (Estimate, Vec<f64>, Estimate) {
    let mut stream = Stream::new(6, "threads");
    let x = stream.normal_matrix((1500, 2));
    let y = stream.normal_matrix((1500, 1)) + x.slice(s![.., ..1]);
    let z = stream.normal_matrix((1500, 1)) + &y;
    let settings = Settings {
        extrapolate: true,
        test: Some(TestSettings::new(9, Surrogate::Shift { least: 10 })),
        ..Settings::default()
    };
    let [sx, sy, sz] = [&x, &y, &z].map(|values| side(values.view()));
    let first = mutual_information(&sx, &sy, &settings).unwrap();
    let test = TestSettings::new(5, Surrogate::Local { neighbours: 5 });
    let settings = Settings { test: Some(test), ..settings };
    let conditional = conditional_mutual_information(&sx, &sy, &sz, &settings).unwrap();
    let large = stream.normal_matrix((80_000, 1));
    let other = stream.normal_matrix((80_000, 1)) + &large;
    let mut values = ksg(large.view(), other.view(), KsgVariant::First, &[3, 5], 0).unwrap();
    values.extend(ksg(x.view(), y.view(), KsgVariant::Second, &[3], 2).unwrap());
    (first, values, conditional)
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(everything)
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(7));
}

#[test]
fn the_order_of_rows_and_the_layout_do_not_matter() {
    let (x, y) = pair(&mut Stream::new(7, "layout"), 700, 0.7);
    let expected = ksg(x.view(), y.view(), KsgVariant::First, &[3], 0).unwrap();
    let backwards = |side: &Array2<f64>| side.slice(s![..;-1, ..]).to_owned();
    let (xb, yb) = (backwards(&x), backwards(&y));
    assert_eq!(ksg(xb.view(), yb.view(), KsgVariant::First, &[3], 0).unwrap(), expected);
    let stepped = ndarray::concatenate![ndarray::Axis(1), x, y];
    let (xs, ys) = (stepped.slice(s![.., ..1]), stepped.slice(s![.., 1..]));
    assert_eq!(ksg(xs, ys, KsgVariant::First, &[3], 0).unwrap(), expected);
    assert_eq!(ksg(ys, xs, KsgVariant::First, &[3], 0).unwrap(), expected);
}

#[test]
fn estimates_survive_json() {
    let (x, y) = pair(&mut Stream::new(8, "json"), 300, 0.7);
    let x = x.mapv(|v| (v * 20.0).round());
    let settings = Settings {
        extrapolate: true,
        test: Some(TestSettings::new(5, Surrogate::Blocks { length: 10 })),
        ..Settings::default()
    };
    let found = mutual_information(&side(x.view()), &side(y.view()), &settings).unwrap();
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Estimate>(&text).unwrap(), found);
    assert!(text.contains(r#""kind":"ties_broken""#), "{text}");
    let parsed: Settings = serde_json::from_str(r#"{"method":"ksg2","neighbours":4}"#).unwrap();
    assert_eq!((parsed.method, parsed.neighbours), (Some(Method::Ksg2), Some(4)));
    assert!(serde_json::from_str::<Settings>(r#"{"neighbors":4}"#).is_err());
}
