//! Agreement with numpy, scipy and scikit-learn; the numbers come from `golden/make_measures.py`.

use mi_eval::{
    Chosen, EvalError, Family, Feature, LinearReader, LossDataCurve, NearestReader, Neighbours,
    TrainTest, alignment, class_separation, linear_cka, linear_cka_debiased, neighbour_purity,
    uniformity, v_information, v_information_about_values,
};
use ndarray::{Array2, ArrayView2, Axis, s};
use serde_json::Value;

/// One part of the golden file.
fn golden(part: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("golden/measures.json"))
        .expect("make_measures.py wrote it");
    all[part].clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("the script writes numbers")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("the script writes lists").iter().map(number).collect()
}

fn labels(value: &Value) -> Vec<u8> {
    numbers(value).into_iter().map(|label| label as u8).collect()
}

fn matrix<T: Feature>(value: &Value) -> Array2<T> {
    let rows: Vec<Vec<f64>> =
        value.as_array().expect("the script writes rows").iter().map(numbers).collect();
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| T::from_f64(rows[i][j]))
}

#[track_caller]
fn near(found: f64, expected: &Value, tolerance: f64) {
    let expected = number(expected);
    assert!((found - expected).abs() < tolerance, "{found}, not {expected}");
}

fn halves<'a, T>(features: &'a Array2<T>, part: &Value) -> TrainTest<ArrayView2<'a, T>> {
    let (train, test) = features.view().split_at(Axis(0), number(&part["train_rows"]) as usize);
    TrainTest::new(train, test)
}

/// A linear reader with a penalty that is not chosen.
fn fixed(c: f64) -> Family {
    Family::Linear(LinearReader { cs: vec![c], tolerance: 1e-8, ..LinearReader::default() })
}

#[test]
fn four_rows_give_the_known_values() {
    let part = golden("tiny");
    let (x, y) = (matrix::<f64>(&part["x"]), matrix::<f64>(&part["y"]));
    near(alignment(x.view(), y.view()).unwrap().value, &part["alignment"], 1e-9);
    near(uniformity(x.view(), 2.0).unwrap(), &part["uniformity_x"], 1e-9);
    near(uniformity(y.view(), 2.0).unwrap(), &part["uniformity_y"], 1e-9);
    near(linear_cka(x.view(), y.view()).unwrap(), &part["cka"], 1e-9);
    #[cfg(feature = "faer")]
    {
        near(mi_eval::rank_me(x.view()).unwrap(), &part["rank_me_x"], 1e-9);
        near(mi_eval::rank_me(y.view()).unwrap(), &part["rank_me_y"], 1e-9);
        near(mi_eval::effective_rank(x.view()).unwrap(), &part["effective_rank_x"], 1e-9);
    }
}

/// Common mistakes give values far from those of these functions.
#[test]
fn usual_slips_are_not_made() {
    let part = golden("tiny");
    let slips = part["slips"].as_object().expect("the script writes an object");
    let (x, y) = (matrix::<f64>(&part["x"]), matrix::<f64>(&part["y"]));
    let found = |slip: &str| match slip.split(' ').next() {
        Some("uniformity") => uniformity(x.view(), 2.0).unwrap(),
        Some("alignment") => alignment(x.view(), y.view()).unwrap().value,
        #[cfg(feature = "faer")]
        Some("RankMe") => mi_eval::rank_me(x.view()).unwrap(),
        Some("CKA") => linear_cka(x.view(), y.view()).unwrap(),
        _ => f64::INFINITY,
    };
    assert_eq!(slips.len(), 6);
    for (slip, value) in slips {
        assert!((found(slip) - number(value)).abs() > 5e-3, "{slip}");
    }
    // Making the first mistake on purpose gives its value, so the test would notice it.
    assert!(
        (uniformity(x.view(), 1.0).unwrap() - number(&slips["uniformity at t = 1"])).abs() < 1e-9
    );
}

fn check_cloud<T: Feature>(tolerance: f64) -> Result<(), EvalError> {
    let part = golden("cloud");
    let (x, y) = (matrix::<T>(&part["x"]), matrix::<T>(&part["y"]));
    let (x, y, noisy) = (x.view(), y.view(), matrix::<T>(&part["noisy"]));
    let labels = labels(&part["labels"]);
    near(alignment(x, noisy.view())?.value, &part["alignment"], tolerance);
    near(uniformity(x, 2.0)?, &part["uniformity"], tolerance);
    near(uniformity(x, 5.0)?, &part["uniformity_t5"], tolerance);
    near(linear_cka(x, y)?, &part["cka"], tolerance);
    near(linear_cka_debiased(x, y)?, &part["cka_debiased"], tolerance);
    let few = s![..number(&part["cka_rows"]) as usize, ..];
    near(linear_cka(x.slice(few), y.slice(few))?, &part["cka_few"], tolerance);
    let debiased = linear_cka_debiased(x.slice(few), y.slice(few))?;
    near(debiased, &part["cka_debiased_few"], tolerance);
    near(class_separation(x, &labels)?, &part["class_separation"], tolerance);
    let neighbours = Neighbours::within(x, 5)?;
    let purity = neighbour_purity(&neighbours, &labels, &labels)?.value;
    near(purity, &part["purity_5"], tolerance);
    #[cfg(feature = "faer")]
    {
        near(mi_eval::rank_me(x)?, &part["rank_me"], tolerance);
        near(mi_eval::effective_rank(x)?, &part["effective_rank"], tolerance);
        let exponent = mi_eval::Spectrum::centred(x)?.exponent(2..=10)?;
        near(exponent, &part["exponent_2_10"], 10.0 * tolerance);
    }
    Ok(())
}

#[test]
fn geometry_agrees_in_f64() {
    check_cloud::<f64>(1e-9).unwrap();
}

#[test]
fn geometry_agrees_in_f32() {
    check_cloud::<f32>(1e-5).unwrap();
}

/// Votes without the prior, from the neighbours.
fn votes(neighbours: &Neighbours, labels: &[u8], classes: usize) -> Array2<f64> {
    let mut shares = Array2::zeros((neighbours.len(), classes));
    for (i, mut row) in shares.rows_mut().into_iter().enumerate() {
        for (j, cosine) in neighbours.of_row(i) {
            row[usize::from(labels[j])] += (cosine / 0.07).exp();
        }
        row /= row.sum();
    }
    shares
}

#[test]
fn neighbours_vote_as_in_scikit_learn() {
    let part = golden("readers");
    let (x, labels) = (matrix::<f64>(&part["x"]), labels(&part["labels"]));
    let TrainTest { train, test } = halves(&x, &part);
    let (train_labels, test_labels) = labels.split_at(train.nrows());
    let expected = matrix::<f64>(&part["knn_probabilities"]);
    let found = votes(&Neighbours::of(test, train, 20).unwrap(), train_labels, 5);
    assert!((&found - &expected).iter().all(|d| d.abs() < 1e-9));
    let reading = Family::nearest().read_labels(train, train_labels, test, None, 1).unwrap();
    near(reading.accuracy(test_labels).unwrap(), &part["knn_accuracy"], 1e-12);
    // The reader's probabilities mix these votes with the frequencies.
    let Chosen::Mix(mix) = reading.chosen() else { panic!("{:?}", reading.chosen()) };
    let counts = |k: usize| train_labels.iter().filter(|&&l| usize::from(l) == k).count();
    for ((i, k), &p) in reading.log_probabilities().indexed_iter() {
        let prior = (counts(k) + 1) as f64 / (train_labels.len() + 5) as f64;
        let mixed = (1.0 - mix) * expected[[i, k]] + mix * prior;
        assert!((p.exp() - mixed).abs() < 1e-9);
    }
    let warmer = NearestReader { temperature: 0.7, ..NearestReader::default() };
    let other = Family::Nearest(warmer).read_labels(train, train_labels, test, None, 1).unwrap();
    assert_ne!(reading.log_probabilities(), other.log_probabilities());
}

#[test]
fn linear_v_information_is_that_of_scikit_learn() -> Result<(), EvalError> {
    let part = golden("readers");
    let (x, labels) = (matrix::<f64>(&part["x"]), labels(&part["labels"]));
    let features = halves(&x, &part);
    let (train_labels, test_labels) = labels.split_at(features.train.nrows());
    let labels = TrainTest::new(train_labels, test_labels);
    let found = v_information(&fixed(1.0), features, labels, 1)?;
    near(found.value, &part["linear_v_information"], 1e-6);
    near(found.with, &part["linear_log_loss"], 1e-6);
    assert_eq!(found.chosen, Chosen::C(1.0));
    let TrainTest { train, test } = features;
    let reading = fixed(1.0).read_labels(train, train_labels, test, None, 1)?;
    near(reading.accuracy(test_labels)?, &part["linear_accuracy"], 1e-12);
    Ok(())
}

#[test]
fn gaussian_v_information_is_that_of_ridge_regression() -> Result<(), EvalError> {
    let part = golden("values");
    let (x, y) = (matrix::<f64>(&part["x"]), matrix::<f64>(&part["y"]));
    let (features, values) = (halves(&x, &part), halves(&y, &part));
    let found = v_information_about_values(&fixed(1.0), features, values, 1)?;
    // The script penalises weights of raw values, the crate those of whitened ones; and the crate
    // adds a millionth to covariances.
    near(found.without, &part["without"], 2e-5);
    near(found.with, &part["with"], 2e-3);
    for (found, expected) in found.pointwise.iter().zip(numbers(&part["pointwise"])) {
        assert!((found - expected).abs() < 0.02, "{found} {expected}");
    }
    Ok(())
}

#[test]
fn an_online_code_is_as_long_as_in_scikit_learn() -> Result<(), EvalError> {
    let part = golden("curve");
    let (x, labels) = (matrix::<f64>(&part["x"]), labels(&part["labels"]));
    let features = halves(&x, &part);
    let (train_labels, test_labels) = labels.split_at(features.train.nrows());
    let labels = TrainTest::new(train_labels, test_labels);
    let sizes: Vec<usize> = numbers(&part["sizes"]).into_iter().map(|n| n as usize).collect();
    let curve = LossDataCurve::in_order(&fixed(1.0), features, labels, &sizes, 1)?;
    let code = curve.description_length();
    near(code.nats, &part["nats"], 1e-4);
    near(code.compression, &part["compression"], 1e-6);
    for (point, expected) in curve.points().iter().zip(numbers(&part["losses"])) {
        assert!((point.loss.value - expected).abs() < 1e-6, "{point:?} {expected}");
    }
    let epsilon = number(&part["epsilon"]);
    let found = curve.sample_complexity(epsilon).map(|n| n as u64);
    assert_eq!(found, part["sample_complexity"].as_u64());
    let surplus = curve.surplus(epsilon);
    near(surplus.nats, &part["surplus"], 1e-4);
    assert!(!surplus.is_bound && curve.surplus(0.5).is_bound);
    assert_eq!(curve.sample_complexity(0.5), None);
    // The same rows in another order give another code.
    let shuffled = LossDataCurve::fit(&fixed(1.0), features, labels, &sizes, 1)?;
    assert!((shuffled.description_length().nats - code.nats).abs() > 0.1);
    Ok(())
}
