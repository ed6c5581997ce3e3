//! Edge cases of the engine: targets, state, weights, mistakes, and huge scores.

use mi_critics::Pairing;
use mi_estimators::EstimatorError;
use mi_estimators::bounds::{BoundSpec, Objective};
use mi_estimators::engine::{Batch, Driver, Engine};
use mi_kernels::Scalar;
use mi_nets::{Gradients, Params};
use ndarray::{Array1, Array2};

use crate::case::{Case, case, pairings};
use crate::common::{all_bounds, close, objective, scattered};

#[test]
fn targets_state_and_overflow_reach_the_engine() {
    let case = case(None, 6).single();
    let mut engine = Engine::new();
    let plain = case.run(&mut engine, &mut objective(&BoundSpec::Nwj));
    let mut target =
        Objective::new(&BoundSpec::Nwj, Some(plain.evaluation.estimate - 1.0)).unwrap();
    let found = case.run(&mut engine, &mut target);
    close("objective", found.evaluation.objective, -1.0, 1e-12);
    assert_eq!(found.x, -&plain.x);

    let mut state = objective(&BoundSpec::Mine { rate: 0.5 });
    let before = serde_json::to_string(&state).unwrap();
    let (x, y) = (case.x.view(), case.y.view());
    engine.estimate(&Batch::new(x, y).scored_by(&case.pairing, &case.params), &state).unwrap();
    assert_eq!(serde_json::to_string(&state).unwrap(), before, "an estimate changes no state");
    case.run(&mut engine, &mut state);
    assert_ne!(serde_json::to_string(&state).unwrap(), before);

    // Scores of 10⁴: NWJ is −∞, and gradients are clipped to finite values or infinite, but never
    // NaN.
    let large = Case { x: case.x.mapv(|x| 1e4 * x), ..case };
    let found = large.run(&mut engine, &mut objective(&BoundSpec::Nwj));
    assert!(found.evaluation.overflow && found.evaluation.estimate == f64::NEG_INFINITY);
    assert!(found.x.iter().chain(&found.y).all(|g| !g.is_nan()));
    let found = large.run(&mut engine, &mut objective(&BoundSpec::InfoNce));
    assert!(!found.evaluation.overflow && found.evaluation.estimate.is_finite());
}

#[test]
fn mistakes_are_named() {
    let mut engine = Engine::<f32>::new();
    let mut nce = objective(&BoundSpec::InfoNce);
    let zeros = |k: usize, d: usize| Array2::<f32>::zeros((k, d));
    let mut run = |x: Array2<f32>, y: Array2<f32>| {
        let batch = Batch::new(x.view(), y.view());
        engine.differentiate(&batch, &mut nce, None).map(|found| found.evaluation)
    };
    assert!(matches!(run(zeros(0, 3), zeros(0, 3)), Err(EstimatorError::EmptySide { .. })));
    assert!(matches!(run(zeros(3, 0), zeros(3, 0)), Err(EstimatorError::EmptySide { .. })));
    let error = run(zeros(3, 2), zeros(4, 2)).unwrap_err();
    assert!(error.to_string().contains("3 and 4 rows"), "{error}");
    assert!(run(zeros(3, 2), zeros(3, 5)).is_err());
    let mut x = zeros(4, 2);
    x[[2, 1]] = f32::NAN;
    assert_eq!(run(x, zeros(4, 2)), Err(EstimatorError::NanScore { row: 2 }));
    let one = run(zeros(1, 2), zeros(1, 2)).unwrap();
    assert!(one.no_negatives && one.estimate == 0.0);
    for bound in all_bounds() {
        let mut state = objective(&bound);
        let one = zeros(1, 2);
        let batch = Batch::new(one.view(), one.view());
        let mut engine = Engine::new();
        let found = engine.differentiate(&batch, &mut state, None);
        let nce = matches!(bound, BoundSpec::InfoNce | BoundSpec::InfoNceSymmetric);
        assert_eq!(found.is_ok(), nce, "{bound:?}");
    }
    let two = zeros(2, 2);
    let batch = Batch::new(two.view(), two.view());
    let error = Engine::new().estimate(&batch, &objective(&BoundSpec::Flo));
    assert!(matches!(error, Err(EstimatorError::Learned { .. })));
    let concat = case(Some(&[3]), 2).single();
    let batch =
        Batch::new(concat.x.view(), concat.y.view()).scored_by(&concat.pairing, &concat.params);
    let error =
        Engine::new().differentiate(&batch, &mut objective(&BoundSpec::InfoNce), None).err();
    assert_eq!(error, Some(EstimatorError::NoGradients));
}

#[test]
fn a_weight_multiplies_gradients_and_nothing_else() {
    for (name, hidden) in pairings() {
        let case = case(hidden.as_deref(), 9);
        let differentiate = |weight: f64| {
            let mut gradients = Gradients::zeros_like(&case.params);
            let batch = Batch::new(case.x.view(), case.y.view())
                .scored_by(&case.pairing, &case.params)
                .weighted(weight);
            let mut engine = Engine::new();
            let mut state = objective(&BoundSpec::InfoNceSymmetric);
            let found = engine.differentiate(&batch, &mut state, Some(&mut gradients)).unwrap();
            let params: Vec<_> =
                case.params.ids().filter_map(|id| gradients.view(id)).flatten().copied().collect();
            (found.evaluation, found.x.to_owned(), found.y.to_owned(), params)
        };
        let (plain, x, y, params) = differentiate(1.0);
        let (weighted, twice_x, twice_y, twice_params) = differentiate(-2.0);
        assert_eq!(plain, weighted, "{name}");
        assert_eq!((twice_x, twice_y), (-2.0 * x, -2.0 * y), "{name}");
        let expected: Vec<f64> = params.iter().map(|g| -2.0 * g).collect();
        assert_eq!(twice_params, expected, "{name}");
    }
}

/// Scores so large that `f64` cannot tell x from x + log K, let alone `f32`: only their differences
/// matter.
#[test]
fn huge_scores_leave_their_differences() {
    let k = 64;
    let of_differences = |bound: &BoundSpec| match bound {
        BoundSpec::InfoNce
        | BoundSpec::InfoNceSymmetric
        | BoundSpec::DonskerVaradhan
        | BoundSpec::Mine { .. }
        | BoundSpec::MlCpc { .. }
        | BoundSpec::Flo => true,
        BoundSpec::InterpolatedAlpha { alpha } => *alpha == 1.0,
        // The gradient is that of its objective, which depends on more than differences.
        BoundSpec::Smile { clip } => *clip == f64::INFINITY,
        _ => false,
    };
    // All scores are `size`; the second column of x, of zeros, gets a gradient that shows the
    // weight of each pair.
    let case = |size: f64| {
        let mut y = scattered((k, 2), 1.0, 0.2);
        y.column_mut(0).fill(1.0);
        let mut x = Array2::zeros((k, 2));
        x.column_mut(0).fill(size);
        Case {
            x,
            y,
            learned: Array1::zeros(k),
            pairs: None,
            pairing: Pairing::Dot,
            params: Params::new(),
        }
    };
    let near = |name: &str, found: &Array2<f64>, expected: &Array2<f64>| {
        if name.starts_with("Smile") {
            return;
        }
        for (found, expected) in found.column(1).iter().zip(expected.column(1)) {
            assert!((found - expected).abs() < 1e-5 * expected.abs(), "{name}: {found} {expected}");
        }
    };
    for bound in all_bounds().iter().filter(|bound| of_differences(bound)) {
        let expected = case(0.0).run(&mut Engine::new(), &mut objective(bound));
        for size in [1e5, 1e8, 1e12, 1e17, -1e17] {
            let name = format!("{bound:?} at {size}");
            let case = case(size);
            for driver in [Driver::Whole, Driver::Panels { rows: 7 }] {
                let found = case.run(&mut Engine::with_driver(driver), &mut objective(bound));
                close(&name, found.evaluation.estimate, 0.0, 1e-10);
                assert!(!found.evaluation.overflow, "{name}");
                near(&name, &found.x, &expected.x);
                let found =
                    case.single().run(&mut Engine::with_driver(driver), &mut objective(bound));
                close(&name, found.evaluation.estimate, 0.0, 1e-10);
                near(&name, &found.x.mapv(f64::from), &expected.x);
            }
            let slow = case.slow(&mut objective(bound));
            close(&name, slow.evaluation.estimate, 0.0, 1e-10);
            near(&name, &slow.x, &expected.x);
        }
    }
    // A moving average continues after huge batches.
    let mut state = objective(&BoundSpec::Mine { rate: 0.25 });
    for size in [1e17, 1e17, 1e17] {
        let found = case(size).run(&mut Engine::new(), &mut state);
        close("average", found.evaluation.objective, 1e17 - 1.0, 1e-15);
        let text = serde_json::to_string(&state).unwrap();
        state = serde_json::from_str(&text).unwrap();
        let expected =
            case(0.0).run(&mut Engine::new(), &mut objective(&BoundSpec::Mine { rate: 0.25 }));
        near("average", &found.x, &expected.x);
    }
}

/// A row of scores far above the others and one far below, both huge.
#[test]
fn rows_of_huge_scores_do_not_depend_on_one_another() {
    let sizes = [1e17, -1e17, 0.0, 1e12, 65_535.0];
    let x = Array2::from_shape_fn((5, 1), |(i, _)| sizes[i]);
    let mut y = Array2::ones((5, 1));
    y.fill(1.0);
    let case = Case {
        x,
        y,
        learned: Array1::zeros(5),
        pairs: None,
        pairing: Pairing::Dot,
        params: Params::new(),
    };
    for bound in [BoundSpec::InfoNce, BoundSpec::Flo, BoundSpec::InterpolatedAlpha { alpha: 1.0 }] {
        let found = case.run(&mut Engine::new(), &mut objective(&bound));
        close(&format!("{bound:?}"), found.evaluation.estimate, 0.0, 1e-10);
        assert!(!found.evaluation.overflow);
    }
    // The mean of all negatives is that of the first row.
    let found = case.run(&mut Engine::new(), &mut objective(&BoundSpec::DonskerVaradhan));
    let mean = sizes.iter().sum::<f64>() / 5.0;
    close("dv", found.evaluation.estimate, mean - 1e17 + 5_f64.ln(), 1e-15);
    assert!(found.x.iter().all(|g| g.is_finite()));
}

/// Below e⁻⁸⁷ of others a row's exponentials are 0 in `f32`, although they may matter for the row.
#[test]
fn negatives_lost_beside_others_are_reported() {
    let at = |high: f64| {
        let x = Array2::from_shape_fn((4, 1), |(i, _)| if i == 0 { high } else { 5.0 });
        let learned = Array1::zeros(4);
        Case {
            x,
            y: Array2::ones((4, 1)),
            learned,
            pairs: None,
            pairing: Pairing::Dot,
            params: Params::new(),
        }
    };
    for bound in [BoundSpec::Nwj, BoundSpec::Tuba] {
        let overflow = |high: f64| {
            let found = at(high).single().run(&mut Engine::new(), &mut objective(&bound));
            let exact = at(high).run(&mut Engine::new(), &mut objective(&bound));
            let same = (found.x[[3, 0]] / exact.x[[3, 0]] as f32 - 1.0).abs() < 1e-4;
            assert!(same || found.evaluation.overflow, "{bound:?} {high}");
            found.evaluation.overflow
        };
        assert!(overflow(88.0) || bound == BoundSpec::Nwj);
        assert!(!overflow(40.0), "{bound:?}");
        for high in [60.0, 80.0, 85.0, 90.0, 95.0, 99.0, 120.0] {
            overflow(high);
        }
    }
    // Normalised bounds lose nothing that matters.
    for bound in [BoundSpec::InfoNce, BoundSpec::DonskerVaradhan, BoundSpec::MlCpc { alpha: 1.0 }] {
        let found = at(99.0).single().run(&mut Engine::new(), &mut objective(&bound));
        assert!(!found.evaluation.overflow, "{bound:?}");
    }
}

/// Every pairing must let a NaN of either side through to its scores: a maximum of two numbers
/// hides one of its operands, so a diverged network would otherwise get an ordinary estimate.
#[test]
fn a_nan_in_either_side_is_named_by_every_pairing() {
    for (name, hidden) in pairings() {
        for driver in [Driver::Whole, Driver::Panels { rows: 7 }] {
            let case = case(hidden.as_deref(), 20);
            let column = case.x.ncols() - 1;
            let (mut of_x, mut of_y) = (case.clone(), case);
            of_x.x[[9, column]] = f64::NAN;
            of_y.y[[9, column]] = f64::NAN;
            // A row of y is a column of scores, which the first row of them shows.
            for (side, case, row) in [("x", of_x, 9), ("y", of_y, 0)] {
                refused(&format!("{name}, f64, {side}, {driver:?}"), &case, driver, row);
                refused(&format!("{name}, f32, {side}, {driver:?}"), &case.single(), driver, row);
            }
        }
    }
}

fn refused<T: Scalar>(name: &str, case: &Case<T>, driver: Driver, row: usize) {
    let batch = Batch::new(case.x.view(), case.y.view()).scored_by(&case.pairing, &case.params);
    let mut engine = Engine::with_driver(driver);
    let mut state = objective(&BoundSpec::InfoNce);
    let expected = Some(EstimatorError::NanScore { row });
    assert_eq!(engine.estimate(&batch, &state).err(), expected, "{name}");
    let mut gradients = Gradients::zeros_like(&case.params);
    let found = engine.differentiate(&batch, &mut state, Some(&mut gradients));
    assert_eq!(found.err(), expected, "{name}");
    let scores = case.pairing.scores(&case.params, case.x.view(), case.y.view()).unwrap();
    let nan = scores.rows().into_iter().position(|row| row.iter().any(|s| s.is_nan()));
    assert_eq!(nan, Some(row), "{name}");
}

/// Ids of other parameters, or gradients of others, must not reach an index: they are named.
#[test]
fn parameters_and_gradients_of_others_are_refused() {
    for (name, hidden) in pairings() {
        let Some(hidden) = hidden else { continue };
        let case = case(Some(&hidden), 6);
        let mut engine = Engine::new();
        let mut state = objective(&BoundSpec::InfoNce);
        let mut refused = |params: &Params<f64>, gradients: &mut Gradients<f64>, why: &str| {
            let batch = Batch::new(case.x.view(), case.y.view()).scored_by(&case.pairing, params);
            let error = engine.differentiate(&batch, &mut state, Some(gradients)).unwrap_err();
            assert!(error.to_string().contains(why), "{name}: {error}");
        };
        let none = Params::new();
        let mut other = Params::new();
        for id in case.params.ids() {
            other.add(case.params.name(id), Array2::zeros((1, 1))).unwrap();
        }
        let mut own = Gradients::zeros_like(&case.params);
        refused(&case.params, &mut Gradients::zeros_like(&none), "zeros_like");
        refused(&case.params, &mut Gradients::zeros_like(&other), "zeros_like");
        refused(&none, &mut Gradients::zeros_like(&none), "the same `Params`");
        refused(&other, &mut Gradients::zeros_like(&other), "the same `Params`");
        let found = case.pairing.scores(&other, case.x.view(), case.y.view());
        assert!(found.is_err(), "{name}");
        let batch = Batch::new(case.x.view(), case.y.view());
        // Inner products read no parameters: gradients of any may be passed.
        engine.differentiate(&batch, &mut state, Some(&mut own)).unwrap();
    }
}
