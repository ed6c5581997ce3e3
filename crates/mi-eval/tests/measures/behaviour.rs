//! The scalers, solvers and probes on ordinary, odd and broken data.

use mi_eval::{
    Classes, Constant, EvalError, Fit, Lbfgs, MinMaxScaler, Probe, Saga, StandardScaler, Warning,
};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2, ShapeBuilder, array, s};

/// Gaussian clusters around random centres of norm about `spread`.
fn clusters(rows: usize, features: usize, classes: usize, spread: f64) -> (Array2<f64>, Vec<u8>) {
    let mut stream = Stream::new(4, "clusters");
    let centres = stream.normal_matrix((classes, features)) * (spread / (features as f64).sqrt());
    let labels: Vec<u8> = (0..rows).map(|i| (i % classes) as u8).collect();
    let mut x = stream.normal_matrix((rows, features));
    for (mut row, &label) in x.rows_mut().into_iter().zip(&labels) {
        row += &centres.row(usize::from(label));
    }
    (x, labels)
}

fn saga(x: ArrayView2<'_, f64>, labels: &[u8]) -> Result<Fit<u8>, EvalError> {
    Saga::default().fit(x, labels, None, &mut Stream::new(1, "saga"))
}

#[test]
fn constant_and_nearly_constant_columns_scale_as_promised() {
    let x = array![[5.0], [5.0], [5.0]];
    let scaler = MinMaxScaler::fit(x.view()).unwrap();
    assert_eq!(scaler.transform(array![[5.0], [7.0]].view()).unwrap(), array![[0.0], [2.0]]);
    let rounding = Array2::from_elem((1000, 1), 14.62);
    let scaled = StandardScaler::fit(rounding.view()).unwrap().transform(rounding.view()).unwrap();
    assert!(scaled.iter().all(|&v| v == 0.0));
    let mut noisy = rounding.clone();
    noisy[[7, 0]] = 14.62 * (1.0 + f64::EPSILON);
    let scaled = StandardScaler::fit(noisy.view()).unwrap().transform(noisy.view()).unwrap();
    assert!(scaled.iter().all(|v| v.abs() < 1e-14));
    let scaled = MinMaxScaler::fit(noisy.view()).unwrap().transform(noisy.view()).unwrap();
    assert!(scaled.iter().all(|v| v.abs() < 1e-14));

    let mut stream = Stream::new(1, "small");
    let small = stream.normal_matrix((1000, 1)) * 1e-9;
    let shifted = &small + 3.0;
    // Around 3 the mean itself is rounded by 4·10⁻¹⁶, which is 4·10⁻⁷ deviations.
    for (x, tolerance) in [(&small, 1e-12), (&shifted, 1e-6)] {
        let scaled = StandardScaler::fit(x.view()).unwrap().transform(x.view()).unwrap();
        assert!((scaled.std(0.0) - 1.0).abs() < tolerance, "{}", scaled.std(0.0));
        assert!(scaled.mean().unwrap().abs() < tolerance, "{}", scaled.mean().unwrap());
        let scaled = MinMaxScaler::fit(x.view()).unwrap().transform(x.view()).unwrap();
        let largest = scaled.iter().copied().fold(0.0, f64::max);
        assert!((largest - 1.0).abs() < 1e-12, "{largest}");
    }
}

/// What counts as constant: exactly equal values; a spread that may be rounding; a spread below
/// 10 ε = 1.19·10⁻⁶ in single precision, around whatever value.
#[test]
fn three_rules_decide_which_columns_are_constant() {
    let one = 1.0_f32;
    // Columns: equal; one rounding unit apart around 1; 10⁻⁸ apart around 0; 10⁻⁵ apart around 0.
    let x = array![[7.0, one, 0.0, 0.0], [7.0, one + f32::EPSILON, 1e-8, 1e-5]];
    for (constant, scaled) in [
        (Constant::Rounding, [false, false, true, true]),
        (Constant::Exact, [false, true, true, true]),
        (Constant::TenEpsilon, [false, false, false, true]),
    ] {
        let scaler = MinMaxScaler::fit_with(x.view(), constant).unwrap();
        let found = scaler.transform(x.view()).unwrap();
        let is_scaled: Vec<bool> = found.row(1).iter().map(|&v| (v - 1.0).abs() < 1e-3).collect();
        assert_eq!(is_scaled, scaled, "{constant:?}: {found}");
        assert!(found.row(0).iter().all(|&v| v == 0.0));
    }
    assert_eq!(MinMaxScaler::fit(x.view()), MinMaxScaler::fit_with(x.view(), Constant::Rounding));
    assert_eq!(Probe::paper(), Probe::paper_with(Constant::default()));
}

#[test]
fn the_rule_for_constant_columns_reaches_the_probe() {
    // The labels are only in a column of range 10⁻⁷.
    let (features, labels) = clusters(400, 2, 2, 6.0);
    let tiny = features.mapv(|v| (v * 1e-8) as f32);
    let accuracy = |constant: Constant| {
        let (train, test) = tiny.view().split_at(ndarray::Axis(0), 300);
        let probe = Probe::paper_with(constant);
        probe.evaluate(train, &labels[..300], test, &labels[300..], 1).unwrap().accuracy
    };
    assert!(accuracy(Constant::Exact) > 0.9);
    assert!(accuracy(Constant::TenEpsilon) < 0.7);
}

#[test]
fn values_beyond_the_training_range_are_not_clipped() {
    let scaler = MinMaxScaler::fit(array![[0.0_f32], [4.0]].view()).unwrap();
    let scaled = scaler.transform(array![[8.0_f32], [-4.0]].view()).unwrap();
    assert_eq!(scaled, array![[2.0], [-1.0]]);
}

#[test]
fn scalers_refuse_what_they_cannot_scale() {
    let x = array![[1.0, 2.0], [3.0, f64::NAN]];
    let error = MinMaxScaler::fit(x.view()).unwrap_err().to_string();
    assert!(error.contains("row 1, column 1 is NaN"), "{error}");
    assert!(matches!(StandardScaler::fit(x.view()), Err(EvalError::NonFinite { .. })));
    let empty = Array2::<f32>::zeros((0, 3));
    assert!(matches!(StandardScaler::fit(empty.view()), Err(EvalError::Empty { .. })));
    let scaler = StandardScaler::fit(array![[1.0, 2.0], [3.0, 1.0]].view()).unwrap();
    let error = scaler.transform(array![[1.0]].view()).unwrap_err().to_string();
    assert!(error.contains("1 columns, but the fit had 2"), "{error}");
    let vast = array![[f64::MAX], [-f64::MAX]];
    let overflow = Err(EvalError::Overflow { operation: "min-max scaler, fit", column: 0 });
    assert_eq!(MinMaxScaler::fit(vast.view()), overflow);
}

#[test]
fn labels_keep_their_names() {
    let (x, labels) = clusters(300, 4, 3, 8.0);
    let names: Vec<String> =
        labels.iter().map(|l| ["cat", "dog", "eel"][usize::from(*l)].into()).collect();
    let fit = Lbfgs::default().fit(x.view(), &names, None).unwrap();
    assert_eq!(fit.model.classes().names(), ["cat", "dog", "eel"]);
    assert_eq!(fit.model.predict(x.view()).unwrap()[..3], ["cat", "dog", "eel"]);
    for mapped in [[3, 4, 5], [-1, 1, 7]] {
        let labels: Vec<i32> = labels.iter().map(|l| mapped[usize::from(*l)]).collect();
        let fit = Lbfgs::default().fit(x.view(), &labels, None).unwrap();
        assert_eq!(fit.model.predict(x.view()).unwrap()[..3], mapped);
    }
    let floats: Vec<f64> = labels.iter().map(|l| f64::from(*l) + 0.5).collect();
    let fit = Lbfgs::default().fit(x.view(), &floats, None).unwrap();
    assert!(fit.model.accuracy(x.view(), &floats).unwrap() > 0.99);
}

#[test]
fn ten_separable_classes_are_all_told_apart() {
    let (x, labels) = clusters(1000, 20, 10, 60.0);
    let scaled = MinMaxScaler::fit(x.view()).unwrap().transform(x.view()).unwrap();
    let fit = Lbfgs::default().fit(scaled.view(), &labels, None).unwrap();
    assert_eq!(fit.model.accuracy(scaled.view(), &labels).unwrap(), 1.0);
    let fit = saga(scaled.view(), &labels).unwrap();
    assert_eq!(fit.model.accuracy(scaled.view(), &labels).unwrap(), 1.0);
}

#[test]
fn a_missing_class_keeps_its_column_and_is_named() {
    let (x, labels) = clusters(200, 5, 4, 8.0);
    let classes = Classes::declared(vec![0, 1, 9, 2, 3]).unwrap();
    let mut stream = Stream::new(1, "saga");
    let fits = [
        Lbfgs::default().fit(x.view(), &labels, Some(&classes)).unwrap(),
        Saga::default().fit(x.view(), &labels, Some(&classes), &mut stream).unwrap(),
    ];
    for fit in fits {
        assert!(fit.report.warnings.contains(&Warning::MissingClass { class: "9".into() }));
        let probabilities = fit.model.predict_proba(x.view()).unwrap();
        assert_eq!(probabilities.ncols(), 5);
        assert!(probabilities.column(2).iter().all(|&p| p == 0.0));
        assert!(probabilities.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
        assert!(!fit.model.is_trained(2) && fit.model.is_trained(3));
        assert_eq!(fit.model.weights().dim(), (5, 5));
        assert!(fit.model.accuracy(x.view(), &labels).unwrap() > 0.95);
        assert_eq!(fit.model.accuracy(x.view(), &[9; 200]).unwrap(), 0.0);
        assert_eq!(fit.model.mean_log_loss(x.view(), &[9; 200]).unwrap(), f64::INFINITY);
    }
    // Columns of the classes present equal those of a fit without the missing one.
    let without = Lbfgs::default().fit(x.view(), &labels, None).unwrap();
    let with = Lbfgs::default().fit(x.view(), &labels, Some(&classes)).unwrap();
    assert_eq!(with.model.weights().column(3), without.model.weights().column(2));
}

#[test]
fn a_class_that_only_test_rows_have_counts_as_wrong() {
    let (x, labels) = clusters(400, 5, 4, 20.0);
    let kept: Vec<usize> = (0..400).filter(|&i| labels[i] != 3).collect();
    let train = x.select(ndarray::Axis(0), &kept);
    let train_labels: Vec<u8> = kept.iter().map(|&i| labels[i]).collect();
    for probe in [Probe::paper(), Probe::converged()] {
        let result = probe.evaluate(train.view(), &train_labels, x.view(), &labels, 1).unwrap();
        assert!((0.7..=0.75).contains(&result.accuracy), "{result:?}");
        assert!(result.warnings.contains(&Warning::MissingClass { class: "3".into() }));
    }
}

#[test]
fn one_class_is_an_error_that_names_it() {
    let x = array![[1.0], [2.0]];
    let error = Lbfgs::default().fit(x.view(), &["cat", "cat"], None).unwrap_err();
    assert_eq!(error, EvalError::OneClass { operation: "fit", class: "\"cat\"".into() });
    assert!(error.to_string().contains("every training row has the label \"cat\""));
}

#[test]
fn mistakes_are_errors() {
    let (x, labels) = clusters(40, 3, 2, 2.0);
    let solver = Lbfgs::default();
    let count = solver.fit(x.view(), &labels[..39], None);
    assert!(matches!(count, Err(EvalError::LabelCount { rows: 40, labels: 39, .. })));
    let classes = Classes::declared(vec![0, 2]).unwrap();
    let unknown = solver.fit(x.view(), &labels, Some(&classes)).unwrap_err().to_string();
    assert!(unknown.contains("row 1 has the label 1, which is not in the class list [0, 2]"));
    let mut broken = x.clone();
    broken[[3, 1]] = f64::INFINITY;
    let error = solver.fit(broken.view(), &labels, None).unwrap_err().to_string();
    assert!(error.contains("row 3, column 1 is inf"), "{error}");
    let fit = solver.fit(x.view(), &labels, None).unwrap();
    assert!(matches!(fit.model.predict(broken.view()), Err(EvalError::NonFinite { .. })));
    assert!(matches!(fit.model.predict(x.slice(s![.., ..2])), Err(EvalError::ColumnCount { .. })));
    for c in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let refused = Lbfgs { c, ..solver }.fit(x.view(), &labels, None);
        assert!(matches!(refused, Err(EvalError::Setting { name: "c", .. })));
        let mut stream = Stream::new(1, "saga");
        let refused = Saga { c, ..Saga::default() }.fit(x.view(), &labels, None, &mut stream);
        assert!(matches!(refused, Err(EvalError::Setting { name: "c", .. })));
    }
    let validate = |cs: &[f64], held_out: f64| {
        let mut stream = Stream::new(1, "validation");
        solver.fit_with_validation(x.view(), &labels, None, cs, held_out, &mut stream)
    };
    assert!(matches!(validate(&[], 0.1), Err(EvalError::Setting { name: "cs", .. })));
    for share in [0.0, 1.0, f64::NAN, 0.01] {
        assert!(matches!(
            validate(&[1.0], share),
            Err(EvalError::Setting { name: "held_out", .. })
        ));
    }
}

#[test]
fn features_too_large_for_f32_are_an_error_or_a_model() {
    let x = array![[1e30_f32], [-1e30], [2e30], [-2e30]];
    let labels = [0, 1, 0, 1];
    let mut stream = Stream::new(1, "saga");
    let results = [
        Saga::default().fit(x.view(), &labels, None, &mut stream),
        Lbfgs::default().fit(x.view(), &labels, None),
    ];
    for result in results {
        match result {
            Ok(fit) => assert!(fit.model.weights().iter().all(|w| w.is_finite())),
            Err(error) => assert!(matches!(error, EvalError::Diverged { .. }), "{error}"),
        }
    }
}

#[test]
fn identical_rows_with_different_labels_give_uniform_probabilities() {
    let mut x = Array2::ones((12, 2));
    x.slice_mut(s![4.., 1]).fill(0.0);
    let labels: Vec<u8> = (0..12).map(|i| i % 4).collect();
    let fit = Lbfgs::default().fit(x.view(), &labels, None).unwrap();
    assert!(fit.report.converged);
    let probabilities = fit.model.predict_proba(x.view()).unwrap();
    assert!(probabilities.iter().all(|p| (p - 0.25).abs() < 1e-9), "{probabilities}");
    let mut stream = Stream::new(1, "saga");
    let solver = Saga { tolerance: 1e-6, max_epochs: 10_000, ..Saga::default() };
    let fit = solver.fit(x.view(), &labels, None, &mut stream).unwrap();
    let probabilities = fit.model.predict_proba(x.view()).unwrap();
    assert!(probabilities.iter().all(|p| (p - 0.25).abs() < 0.01), "{probabilities}");
}

#[test]
fn constant_features_alone_give_the_class_frequencies() {
    let x = Array2::<f32>::from_elem((50, 3), 5.0);
    let labels: Vec<u8> = (0..50).map(|i| u8::from(i < 10)).collect();
    for probe in [Probe::paper(), Probe::converged()] {
        let result = probe.evaluate(x.view(), &labels, x.view(), &labels, 1).unwrap();
        assert_eq!(result.accuracy, 0.8, "{result:?}");
    }
    let fit = Lbfgs::default().fit(Array2::<f64>::zeros((50, 3)).view(), &labels, None).unwrap();
    let probabilities = fit.model.predict_proba(Array2::<f64>::zeros((1, 3)).view()).unwrap();
    assert!((probabilities[[0, 1]] - 0.2).abs() < 1e-4);
}

#[test]
fn twice_the_rows_at_half_the_c_leaves_the_weights() {
    let (x, labels) = clusters(120, 4, 3, 2.0);
    let doubled = ndarray::concatenate![ndarray::Axis(0), x, x];
    let labels_doubled = [labels.clone(), labels.clone()].concat();
    let solver = Lbfgs { c: 2.0, tolerance: 1e-10, max_iterations: 1000 };
    let once = solver.fit(x.view(), &labels, None).unwrap();
    let twice = Lbfgs { c: 1.0, ..solver }.fit(doubled.view(), &labels_doubled, None).unwrap();
    let difference = &once.model.weights() - &twice.model.weights();
    assert!(difference.iter().all(|d| d.abs() < 1e-7), "{difference}");
    let halved = Lbfgs { c: 1.0, ..solver }.fit(x.view(), &labels, None).unwrap();
    let difference = &once.model.weights() - &halved.model.weights();
    assert!(difference.iter().any(|d| d.abs() > 1e-3), "C has no effect");
}

#[test]
fn reports_say_what_happened() {
    let (x, labels) = clusters(300, 6, 3, 2.0);
    let short = Lbfgs { max_iterations: 1, ..Lbfgs::default() };
    let report = short.fit(x.view(), &labels, None).unwrap().report;
    assert!(!report.converged && report.epochs == 1 && report.gradient_norm > 1e-5);
    assert!(matches!(report.warnings[..], [Warning::NotConverged { epochs: 1, .. }]));
    assert!(report.warnings[0].to_string().starts_with("not converged after 1 epochs"));
    let report = saga(x.view(), &labels).unwrap().report;
    assert!(report.converged && report.warnings.is_empty() && report.gradient_norm > 1e-6);
    let mut stream = Stream::new(1, "saga");
    let strict = Saga { tolerance: 0.0, max_epochs: 3, ..Saga::default() };
    let report = strict.fit(x.view(), &labels, None, &mut stream).unwrap().report;
    assert!(!report.converged && report.epochs == 3);

    let uneven = &x * &array![[1.0, 1.0, 1e4, 1.0, 1.0, 0.0]];
    let report = Lbfgs::default().fit(uneven.view(), &labels, None).unwrap().report;
    let [Warning::UnevenScales { ratio }] = report.warnings[..] else {
        panic!("{report:?}");
    };
    assert!((8e3..1.3e4).contains(&ratio), "{ratio}");
}

#[test]
fn ill_conditioned_features_converge_in_few_iterations() {
    // Nearly one-dimensional features: condition number 10⁴, as for an encoder late in training.
    let (x, labels) = clusters(2000, 30, 5, 4.0);
    let mut stream = Stream::new(2, "mixing");
    let mut mixing = stream.normal_matrix((30, 1)).dot(&stream.normal_matrix((1, 30)));
    mixing += &(stream.normal_matrix((30, 30)) * 1e-3);
    let scaled = x.dot(&mixing);
    let scaled = StandardScaler::fit(scaled.view()).unwrap().transform(scaled.view()).unwrap();
    let solver = Lbfgs { c: 100.0, tolerance: 1e-6, max_iterations: 200 };
    let report = solver.fit(scaled.view(), &labels, None).unwrap().report;
    assert!(report.converged && report.epochs < 100, "{report:?}");
}

/// Like pixels at the edge of an image: they are zero in the rows that the preconditioner samples.
#[test]
fn features_of_a_few_rows_do_not_stop_the_solver() {
    let (x, labels) = clusters(20_000, 12, 4, 4.0);
    let mut x = x.mapv(|v| v as f32);
    for column in 6..12 {
        x.column_mut(column).fill(0.0);
        for row in 0..3 {
            x[[4001 + 600 * column + 4 * row, column]] = 1.0;
        }
    }
    let scaled = StandardScaler::fit(x.view()).unwrap().transform(x.view()).unwrap();
    for c in [0.1, 10.0] {
        let solver = Lbfgs { c, tolerance: 1e-4, ..Lbfgs::default() };
        let report = solver.fit(scaled.view(), &labels, None).unwrap().report;
        assert!(report.converged && report.epochs < 60, "C = {c}: {report:?}");
    }
}

#[test]
fn validation_takes_the_c_that_does_best_on_new_rows() {
    // Few rows and many features: a weak penalty fits noise, a strong one nothing.
    let (all, labels) = clusters(3000, 40, 4, 3.0);
    let (x, new) = all.view().split_at(ndarray::Axis(0), 400);
    let (labels, new_labels) = labels.split_at(400);
    let cs = [1e-6, 1e3, 1e-2, 1.0];
    let solver = Lbfgs::default();
    let loss = |c: f64| {
        let fit = Lbfgs { c, ..solver }.fit(x, labels, None).unwrap();
        fit.model.mean_log_loss(new, new_labels).unwrap()
    };
    let best = cs.into_iter().min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap();
    let mut stream = Stream::new(1, "validation");
    let fit = solver.fit_with_validation(x, labels, None, &cs, 0.25, &mut stream).unwrap();
    assert_eq!((fit.report.c, best), (1.0, 1.0), "{:?}", cs.map(loss));
    assert!(fit.report.warnings.is_empty());
    let direct = Lbfgs { c: best, ..solver }.fit(x, labels, None).unwrap();
    let difference = &fit.model.weights() - &direct.model.weights();
    assert!(difference.iter().all(|d| d.abs() < 1e-2), "not refitted on all rows");

    let mut stream = Stream::new(1, "validation");
    let fit = solver.fit_with_validation(x, labels, None, &[1e-6, 1.0], 0.25, &mut stream);
    assert_eq!(fit.unwrap().report.warnings, [Warning::ValidationEdge { c: 1.0 }]);
}

#[test]
fn same_seed_same_bits_for_any_number_of_threads_and_any_layout() {
    let (x, labels) = clusters(5000, 9, 4, 3.0);
    let x = x.mapv(|v| v as f32);
    let fortran = {
        let mut out = Array2::zeros(x.dim().f());
        out.assign(&x);
        out
    };
    let wide = {
        let mut out = Array2::zeros((5000, 18));
        out.slice_mut(s![..;-1, ..;2]).assign(&x);
        out
    };
    let layouts = [x.view(), fortran.view(), wide.slice(s![..;-1, ..;2])];
    for probe in [Probe::paper(), Probe::converged()] {
        let mut results = Vec::new();
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for layout in layouts {
                let evaluate = || probe.evaluate(layout, &labels, layout, &labels, 7).unwrap();
                results.push(pool.install(evaluate));
            }
        }
        assert!(results.iter().all(|r| r == &results[0]), "{results:?}");
        let other = probe.evaluate(x.view(), &labels, x.view(), &labels, 8).unwrap();
        assert_ne!(other, results[0], "the seed has no effect");
    }
}
