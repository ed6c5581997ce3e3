//! Agreement with scikit-learn on small data sets; the numbers come from `golden/make.py`.

use mi_eval::{Classes, EvalError, Feature, Lbfgs, MinMaxScaler, Saga, StandardScaler};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2, s};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    converged: Vec<Converged>,
    saga: EarlyStopped,
    scalers: Scalers,
}

#[derive(Deserialize)]
struct Converged {
    name: String,
    c: f64,
    features: Vec<Vec<f64>>,
    labels: Vec<u8>,
    probabilities: Vec<Vec<f64>>,
    accuracy: f64,
    log_loss: f64,
}

#[derive(Deserialize)]
struct EarlyStopped {
    features: Vec<Vec<f64>>,
    labels: Vec<u8>,
    train_rows: usize,
    accuracies: Vec<f64>,
    epochs: Vec<usize>,
}

#[derive(Deserialize)]
struct Scalers {
    train: Vec<Vec<f64>>,
    test: Vec<Vec<f64>>,
    min_max: Vec<Vec<f64>>,
    standard: Vec<Vec<f64>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/probes.json")).expect("make.py wrote it")
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

fn largest_difference(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> f64 {
    assert_eq!(a.dim(), b.dim());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The largest difference between a probability and scikit-learn's; also compares the scores.
fn check_converged<T: Feature>(
    case: &Converged,
    tolerance: f64,
    allowed: f64,
) -> Result<(), EvalError> {
    let features = matrix(&case.features).mapv(T::from_f64);
    let solver = Lbfgs { c: case.c, tolerance, ..Lbfgs::default() };
    let fit = solver.fit(features.view(), &case.labels, None)?;
    assert!(fit.report.converged, "{}: {:?}", case.name, fit.report);
    let expected = matrix(&case.probabilities);
    let found = fit.model.predict_proba(features.slice(s![..expected.nrows(), ..]))?;
    let difference = largest_difference(found.view(), expected.view());
    assert!(difference < allowed, "{}: {difference}", case.name);
    assert_eq!(fit.model.accuracy(features.view(), &case.labels)?, case.accuracy);
    let loss = fit.model.mean_log_loss(features.view(), &case.labels)?;
    assert!((loss - case.log_loss).abs() < allowed, "{}: {loss}", case.name);
    Ok(())
}

#[test]
fn converged_probabilities_agree_in_f64() {
    for case in &golden().converged {
        check_converged::<f64>(case, 1e-8, 1e-5).unwrap();
    }
}

#[test]
fn converged_probabilities_agree_in_f32() {
    for case in &golden().converged {
        // The weak penalty and the uneven scales leave flat directions, along which rounding in f32
        // moves the weights most.
        check_converged::<f32>(case, 1e-5, 1e-3).unwrap();
    }
}

/// SAGA, run until it converges, reaches the same optimum.
#[test]
fn saga_with_a_tight_tolerance_agrees() {
    let golden = golden();
    let case = golden.converged.iter().find(|case| case.name == "twenty classes").unwrap();
    let features = matrix(&case.features);
    let solver = Saga { c: case.c, tolerance: 1e-7, max_epochs: 5000 };
    let mut stream = Stream::new(1, "saga");
    let fit = solver.fit(features.view(), &case.labels, None, &mut stream).unwrap();
    assert!(fit.report.converged && fit.report.gradient_norm < 1e-6, "{:?}", fit.report);
    let expected = matrix(&case.probabilities);
    let found = fit.model.predict_proba(features.slice(s![..expected.nrows(), ..])).unwrap();
    assert!(largest_difference(found.view(), expected.view()) < 1e-4);
}

#[test]
fn early_stopped_saga_lies_in_the_range_over_seeds() {
    let case = golden().saga;
    let features = matrix(&case.features).mapv(|v| v as f32);
    let (train, test) = features.view().split_at(ndarray::Axis(0), case.train_rows);
    let (train_labels, test_labels) = case.labels.split_at(case.train_rows);
    let scaler = MinMaxScaler::fit(train).unwrap();
    let (train, test) = (scaler.transform(train).unwrap(), scaler.transform(test).unwrap());
    let classes = Classes::from_labels(train_labels).unwrap();
    let (mut accuracies, mut epochs) = (Vec::new(), Vec::new());
    for seed in 0..20 {
        let mut stream = Stream::new(seed, "saga");
        let fit =
            Saga::default().fit(train.view(), train_labels, Some(&classes), &mut stream).unwrap();
        assert!(fit.report.converged);
        accuracies.push(fit.model.accuracy(test.view(), test_labels).unwrap());
        epochs.push(fit.report.epochs);
    }
    let bounds = |values: &[f64]| {
        values.iter().fold((f64::INFINITY, 0.0_f64), |(l, h), &v| (l.min(v), h.max(v)))
    };
    let (low, high) = bounds(&case.accuracies);
    let (lowest, highest) = bounds(&accuracies);
    assert!(low <= lowest && highest <= high, "{lowest} to {highest}, not in {low} to {high}");
    assert!(epochs.iter().all(|e| case.epochs.contains(e)), "{epochs:?}");
    // The range alone would let a biased solver pass: compare the means, to four standard errors.
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let expected = mean(&case.accuracies);
    let squares: Vec<f64> = case.accuracies.iter().map(|a| (a - expected).powi(2)).collect();
    let error = (mean(&squares) / 20.0).sqrt();
    let found = mean(&accuracies);
    assert!((found - expected).abs() < 4.0 * error, "{found} {expected} ± {error}");
}

#[test]
fn scalers_agree() {
    let case = golden().scalers;
    let (train, test) = (matrix(&case.train), matrix(&case.test));
    let min_max = MinMaxScaler::fit(train.view()).unwrap().transform(test.view()).unwrap();
    let standard = StandardScaler::fit(train.view()).unwrap().transform(test.view()).unwrap();
    for (found, expected) in [(min_max, matrix(&case.min_max)), (standard, matrix(&case.standard))]
    {
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0));
        }
    }
}
