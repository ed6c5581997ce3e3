//! One battery for all bounds on a matrix of scores: values and gradients compared with a slow and
//! obvious version written here, and the edge cases that broke other implementations.

use mi_estimators::EstimatorError;
use mi_estimators::bounds::{BoundSpec, Evaluation, Objective};
use mi_kernels::Scalar;
use ndarray::{Array1, Array2, ArrayView2, array, s};

use crate::common::{all_bounds, close, evaluate, gradient_of, objective, scattered};
use crate::reference;

fn value<T: Scalar>(
    bound: &BoundSpec,
    scores: ArrayView2<'_, T>,
) -> Result<Evaluation, EstimatorError> {
    let learned = bound.learned().is_some().then(|| Array1::zeros(scores.nrows()));
    evaluate(scores, learned.as_ref().map(|b| b.view()), &objective(bound))
}

fn estimate(bound: &BoundSpec, scores: &Array2<f64>) -> f64 {
    value(bound, scores.view()).unwrap().estimate
}

/// Scores in which rows, and elements of a row, differ by orders of magnitude.
fn wild(k: usize) -> Array2<f64> {
    let mut scores = scattered((k, k), 3.0, 0.0);
    for (i, mut row) in scores.rows_mut().into_iter().enumerate() {
        let (scale, shift) = match i % 4 {
            0 => (1.0, 0.0),
            1 => (0.01, -30.0),
            2 => (5.0, 20.0),
            _ => (1.0, -80.0),
        };
        row.mapv_inplace(|s| scale * s + shift);
    }
    scores
}

#[test]
fn values_and_gradients_equal_the_obvious_version() {
    for bound in all_bounds() {
        for k in [2, 3, 7, 127, 128] {
            for scores in [scattered((k, k), 2.0, 1.0), wild(k)] {
                let learned = bound
                    .learned()
                    .is_some()
                    .then(|| scattered((1, k), 1.5, 2.0).row(0).to_owned());
                let view = learned.as_ref().map(|b| b.view());
                let expected = reference::evaluate(&bound, &scores, learned.as_ref());
                let mut state = objective(&bound);
                let forward = evaluate(scores.view(), view, &state).unwrap();
                let (found, g, gb) = gradient_of(scores.view(), view, &mut state).unwrap();
                let name = format!("{bound:?} K={k}");
                close(&name, found.estimate, expected.estimate, 1e-10);
                close(&name, found.objective, expected.objective, 1e-10);
                close(&name, forward.estimate, expected.estimate, 1e-10);
                close(&name, forward.objective, expected.objective, 1e-10);
                let scale = expected.gradient.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
                for (at, &g) in g.indexed_iter() {
                    let exact = expected.gradient[at];
                    let error = (g - exact).abs();
                    assert!(
                        error <= 1e-9 * exact.abs() + 1e-13 * scale,
                        "{name} {at:?}: {g} {exact}"
                    );
                }
                for (g, exact) in gb.iter().zip(&expected.learned_gradient) {
                    close(&name, *g, *exact, 1e-9);
                }
                // The same in single precision: scores are rounded to 6·10⁻⁸ of up to 100.
                let single = scores.mapv(|s| s as f32);
                let rounded =
                    reference::evaluate(&bound, &single.mapv(f64::from), learned.as_ref());
                let learned = learned.map(|b| b.mapv(|b| b as f32));
                let view = learned.as_ref().map(|b| b.view());
                let (found, g, _) =
                    gradient_of(single.view(), view, &mut objective(&bound)).unwrap();
                close(&name, found.estimate, rounded.estimate, 2e-5);
                for (at, &g) in g.indexed_iter() {
                    let exact = rounded.gradient[at];
                    let error = (f64::from(g) - exact).abs();
                    assert!(
                        error <= 4e-5 * exact.abs() + 1e-6 * scale,
                        "{name} {at:?}: {g} {exact}"
                    );
                }
            }
        }
    }
}

#[test]
fn gradients_equal_central_differences() {
    for bound in all_bounds() {
        for k in [2, 3, 6] {
            let scores = scattered((k, k), 1.5, 3.0);
            let learned = scattered((1, k), 1.0, 4.0).row(0).to_owned();
            let learned = bound.learned().is_some().then_some(learned);
            for target in [None, Some(100.0), Some(-100.0)] {
                let fresh = || Objective::new(&bound, target).unwrap();
                let differs = !matches!(
                    bound,
                    BoundSpec::JensenShannon | BoundSpec::Smile { .. } | BoundSpec::Mine { .. }
                );
                if target.is_some() && !differs {
                    continue;
                }
                let (_, g, gb) =
                    gradient_of(scores.view(), learned.as_ref().map(|b| b.view()), &mut fresh())
                        .unwrap();
                let at = |scores: &Array2<f64>, learned: Option<&Array1<f64>>| {
                    let state = fresh();
                    if let BoundSpec::Mine { .. } = bound {
                        return reference::mine_surrogate(scores, &scattered((k, k), 1.5, 3.0));
                    }
                    evaluate(scores.view(), learned.map(|b| b.view()), &state).unwrap().objective
                };
                let step = 1e-5;
                for (place, &g) in g.indexed_iter() {
                    let (mut up, mut down) = (scores.clone(), scores.clone());
                    up[place] += step;
                    down[place] -= step;
                    let difference =
                        (at(&up, learned.as_ref()) - at(&down, learned.as_ref())) / (2.0 * step);
                    close(&format!("{bound:?} K={k} {place:?}"), g, difference, 2e-8);
                }
                if let Some(learned) = &learned {
                    for (i, &g) in gb.indexed_iter() {
                        let (mut up, mut down) = (learned.clone(), learned.clone());
                        up[i] += step;
                        down[i] -= step;
                        let difference =
                            (at(&scores, Some(&up)) - at(&scores, Some(&down))) / (2.0 * step);
                        close(&format!("{bound:?} K={k} learned {i}"), g, difference, 2e-8);
                    }
                }
            }
        }
    }
}

#[test]
fn layout_does_not_matter() {
    let k = 5;
    let scores = scattered((k, k), 2.0, 0.0);
    let transposed = scores.t().as_standard_layout().into_owned();
    let mut stepped = Array2::zeros((2 * k, 3 * k));
    stepped.slice_mut(s![..;2, ..;3]).assign(&scores);
    let mut reversed = scores.clone();
    reversed.invert_axis(ndarray::Axis(0));
    reversed.invert_axis(ndarray::Axis(1));
    let reversed = reversed.as_standard_layout().into_owned();
    for bound in all_bounds() {
        let expected = estimate(&bound, &scores);
        for view in
            [transposed.t(), stepped.slice(s![..;2, ..;3]), reversed.slice(s![..;-1, ..;-1])]
        {
            assert_eq!(value(&bound, view).unwrap().estimate, expected, "{bound:?}");
        }
    }
}

#[test]
fn bounds_take_their_published_values() {
    // Cases in which other implementations were wrong, computed by hand.
    let infonce = BoundSpec::InfoNce;
    let scores = array![[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0]];
    close("rows", estimate(&infonce, &scores), 0.340_13, 1e-5);
    let columns = scores.t().to_owned();
    close("columns", estimate(&infonce, &columns), 0.364_78, 1e-5);
    close(
        "both",
        estimate(&BoundSpec::InfoNceSymmetric, &scores),
        f64::midpoint(0.340_13, 0.364_78),
        1e-5,
    );

    let mut apart = Array2::from_elem((4, 4), -20.0);
    apart.diag_mut().fill(5.0);
    close("nwj", estimate(&BoundSpec::Nwj, &apart), 5.0, 1e-8);
    close("dv", estimate(&BoundSpec::DonskerVaradhan, &apart), 25.0, 1e-12);
    let high = &apart + 100.0;
    close("dv", estimate(&BoundSpec::DonskerVaradhan, &high), 25.0, 1e-12);
    let nwj = estimate(&BoundSpec::Nwj, &high);
    assert!((nwj / -2.04e34 - 1.0).abs() < 0.01, "{nwj:e}");
    // No finite replacement for −∞ on the diagonal: log-mean-exp of the negatives is −20, not
    // −11.098.
    let mut equal = Array2::from_elem((4, 4), -20.0);
    close("dv", estimate(&BoundSpec::DonskerVaradhan, &equal), 0.0, 1e-12);
    equal.diag_mut().fill(0.0);
    close("dv", estimate(&BoundSpec::DonskerVaradhan, &equal), 20.0, 1e-12);
    let zeros = Array2::zeros((8, 8));
    close("nwj of zeros", estimate(&BoundSpec::Nwj, &zeros), -0.367_88, 1e-5);
    close("dv of zeros", estimate(&BoundSpec::DonskerVaradhan, &zeros), 0.0, 1e-12);

    // Two copies each of four distinct pairs, perfect critic: log 4, and all the same: 0.
    let twins = Array2::from_shape_fn((8, 8), |(i, j)| if i / 2 == j / 2 { 50.0 } else { 0.0 });
    close("twins", estimate(&infonce, &twins), 4_f64.ln(), 1e-12);
    close("one", estimate(&infonce, &Array2::from_elem((8, 8), 3.0)), 0.0, 1e-12);

    // log(softmax + 1e-8) would say 18.4.
    let loss =
        value(&infonce, array![[-208.0, 0.0], [0.0, 0.0]].view()).unwrap().n_pair_loss().unwrap();
    close("loss", loss.nats(), f64::midpoint(208.0, 2_f64.ln()), 1e-12);
}

#[test]
fn rows_may_shift_where_the_bound_says_so() {
    let k = 6;
    let scores = scattered((k, k), 2.0, 5.0);
    let rows = &scores + &scattered((k, 1), 30.0, 1.0);
    let columns = &scores + &scattered((1, k), 30.0, 1.0);
    let all = &scores + 1000.0;
    let moved = |bound: &BoundSpec, other: &Array2<f64>| {
        (estimate(bound, other) - estimate(bound, &scores)).abs() > 1e-9
    };
    assert!(!moved(&BoundSpec::InfoNce, &rows) && moved(&BoundSpec::InfoNce, &columns));
    assert!(moved(&BoundSpec::InfoNceSymmetric, &rows));
    for bound in all_bounds() {
        let invariant = match bound {
            BoundSpec::InfoNce
            | BoundSpec::InfoNceSymmetric
            | BoundSpec::DonskerVaradhan
            | BoundSpec::Mine { .. }
            | BoundSpec::MlCpc { .. }
            | BoundSpec::Flo => true,
            BoundSpec::InterpolatedAlpha { alpha } => alpha == 1.0,
            BoundSpec::Smile { clip } => clip == f64::INFINITY, // is DV then
            _ => false,
        };
        assert_eq!(!moved(&bound, &all), invariant, "{bound:?}");
    }
    let flo = BoundSpec::Flo;
    assert!(!moved(&flo, &rows) && moved(&flo, &columns));
}

#[test]
fn caps_hold_and_are_reached() {
    for bound in all_bounds() {
        for k in [2, 5, 64] {
            let Some(cap) = bound.cap(k) else { continue };
            let mut perfect = Array2::zeros((k, k));
            perfect.diag_mut().fill(60.0);
            let found = value(&bound, perfect.view()).unwrap();
            assert!(found.estimate <= cap + 1e-9, "{bound:?}: {} > {cap}", found.estimate);
            assert_eq!(found.cap, Some(cap));
            // The interpolated bound comes close to its cap only when the learned number is far off.
            if !matches!(bound, BoundSpec::InterpolatedAlpha { .. }) {
                assert!(found.near_cap() && found.estimate > cap - 1e-9, "{bound:?}");
            }
            for seed in 0..20 {
                let scores = scattered((k, k), 20.0, f64::from(seed));
                assert!(estimate(&bound, &scores) <= cap + 1e-9);
            }
        }
    }
}

#[test]
fn one_pair_has_no_negatives() {
    let one = array![[3.0]];
    for bound in all_bounds() {
        let result = value(&bound, one.view());
        if matches!(bound, BoundSpec::InfoNce | BoundSpec::InfoNceSymmetric) {
            let found = result.unwrap();
            assert!(found.no_negatives && found.estimate == 0.0);
            let (_, g, _) = gradient_of(one.view(), None, &mut objective(&bound)).unwrap();
            assert_eq!(g, array![[0.0]]);
        } else {
            assert!(matches!(result, Err(EstimatorError::TooFewPairs { needed: 2, found: 1, .. })));
        }
    }
}

#[test]
fn mistakes_are_named() {
    for bound in all_bounds() {
        let empty = value(&bound, Array2::<f64>::zeros((0, 0)).view());
        assert!(matches!(empty, Err(EstimatorError::ScoreShape { rows: 0, columns: 0 })));
        let wide = value(&bound, Array2::<f64>::zeros((2, 3)).view());
        assert!(matches!(wide, Err(EstimatorError::ScoreShape { rows: 2, columns: 3 })));
        for at in [[1, 1], [1, 0]] {
            let mut scores = Array2::<f32>::zeros((4, 4));
            scores[at] = f32::NAN;
            assert!(matches!(
                value(&bound, scores.view()),
                Err(EstimatorError::NanScore { row: 1 })
            ));
        }
        let two = Array2::<f64>::zeros((2, 2));
        let wrong = Array1::zeros(3);
        let wrong = evaluate(two.view(), Some(wrong.view()), &objective(&bound));
        assert!(matches!(wrong, Err(EstimatorError::Learned { .. })));
    }
    let flo = evaluate(Array2::<f64>::zeros((2, 2)).view(), None, &objective(&BoundSpec::Flo));
    assert!(matches!(flo, Err(EstimatorError::Learned { .. })));
    let nan = f64::NAN;
    let impossible = [
        BoundSpec::Mine { rate: 0.0 },
        BoundSpec::Mine { rate: 1.5 },
        BoundSpec::Mine { rate: nan },
        BoundSpec::Smile { clip: 0.0 },
        BoundSpec::Smile { clip: nan },
        BoundSpec::InterpolatedAlpha { alpha: -0.1 },
        BoundSpec::InterpolatedAlpha { alpha: nan },
        BoundSpec::MlCpc { alpha: 0.0 },
        BoundSpec::MlCpc { alpha: nan },
    ];
    for bound in &impossible {
        assert!(matches!(Objective::new(bound, None), Err(EstimatorError::Setting { .. })));
    }
    // Every bound with settings is among them, with NaN.
    for bound in all_bounds() {
        let has_settings = serde_json::to_value(&bound).unwrap().is_object();
        let is_listed = impossible
            .iter()
            .any(|other| other.name() == bound.name() && format!("{other:?}").contains("NaN"));
        assert!(!has_settings || is_listed, "{bound:?}");
    }
    assert!(Objective::new(&BoundSpec::Nwj, Some(f64::NAN)).is_err());
    let large = evaluate(
        Array2::<f64>::zeros((2, 2)).view(),
        None,
        &objective(&BoundSpec::MlCpc { alpha: 3.0 }),
    );
    assert!(matches!(large, Err(EstimatorError::Setting { .. })));
}

#[test]
fn infinite_scores_give_limits_or_errors_but_never_nan() {
    let inf = f64::INFINITY;
    for bound in all_bounds() {
        for at in [[0, 0], [0, 1], [2, 0]] {
            for infinity in [inf, -inf] {
                for base in [0.0, 50.0] {
                    let mut scores = scattered((4, 4), 1.0, base);
                    scores[at] = infinity;
                    let learned = bound.learned().is_some().then(|| Array1::zeros(4));
                    let view = learned.as_ref().map(|b| b.view());
                    let result = gradient_of(scores.view(), view, &mut objective(&bound));
                    match result {
                        Ok((found, g, _)) => {
                            assert!(!found.estimate.is_nan() && !found.objective.is_nan());
                            assert!(
                                g.iter().all(|g| !g.is_nan()),
                                "{bound:?} {at:?} {infinity} {g}"
                            );
                            assert!(found.overflow || found.estimate.is_finite());
                        }
                        Err(error) => {
                            assert!(
                                matches!(error, EstimatorError::Indeterminate { .. }),
                                "{error}"
                            );
                        }
                    }
                }
            }
        }
    }
    // The limits themselves.
    let infonce = |scores: Array2<f64>| {
        gradient_of(scores.view(), None, &mut objective(&BoundSpec::InfoNce)).unwrap()
    };
    let (found, g, _) = infonce(array![[0.0, inf], [0.0, 0.0]]);
    assert_eq!(found.estimate, -inf);
    assert!(found.overflow);
    assert_eq!(g.row(0).to_vec(), vec![0.5, -0.5]);
    let (found, g, _) = infonce(array![[0.0, -inf], [-inf, 0.0]]);
    assert_eq!((found.estimate, g), (2_f64.ln(), Array2::zeros((2, 2))));
    let (found, g, _) = infonce(array![[inf, 0.0], [-inf, 0.0]]);
    assert_eq!((found.estimate, g), (2_f64.ln(), Array2::zeros((2, 2))));
    // All negatives at −∞: their log-mean-exp is −∞.
    let none = array![[1.0, -inf], [-inf, 1.0]];
    assert_eq!(estimate(&BoundSpec::Nwj, &none), 1.0);
    assert_eq!(estimate(&BoundSpec::DonskerVaradhan, &none), inf);
    assert_eq!(estimate(&BoundSpec::Nwj, &array![[1.0, inf], [0.0, 1.0]]), -inf);
}

#[test]
fn overflow_is_reported_and_huge_equal_scores_are_harmless() {
    for bound in all_bounds() {
        let mut scores = Array2::from_elem((5, 5), 100_f32);
        let learned = bound.learned().is_some().then(|| Array1::zeros(5));
        let view = learned.as_ref().map(|b| b.view());
        let run = |scores: &Array2<f32>| {
            gradient_of(scores.view(), view, &mut objective(&bound)).unwrap()
        };
        let (found, g, _) = run(&scores);
        assert!(!found.estimate.is_nan() && g.iter().all(|g| !g.is_nan()), "{bound:?}");
        scores.fill(1e4);
        let (found, g, _) = run(&scores);
        assert!(g.iter().all(|g| !g.is_nan()), "{bound:?}");
        match bound {
            BoundSpec::InfoNce
            | BoundSpec::InfoNceSymmetric
            | BoundSpec::DonskerVaradhan
            | BoundSpec::Mine { .. }
            | BoundSpec::MlCpc { .. }
            | BoundSpec::Flo => {
                close(&format!("{bound:?}"), found.estimate, 0.0, 1e-9);
                assert!(!found.overflow, "{bound:?}");
            }
            BoundSpec::Nwj | BoundSpec::Tuba | BoundSpec::JensenShannon => {
                assert!(found.overflow && found.estimate == f64::NEG_INFINITY, "{bound:?}");
            }
            BoundSpec::InterpolatedAlpha { alpha } if alpha > 0.0 => {
                assert!(found.estimate.is_finite(), "{bound:?}");
            }
            _ => {}
        }
    }
}

#[test]
fn a_target_turns_the_gradient_around() {
    let scores = scattered((5, 5), 2.0, 7.0);
    for bound in all_bounds() {
        let run = |target| {
            let learned = bound.learned().is_some().then(|| Array1::zeros(5));
            let mut state = Objective::new(&bound, target).unwrap();
            let view = learned.as_ref().map(|b| b.view());
            let (found, g, _) = gradient_of(scores.view(), view, &mut state).unwrap();
            (found, g)
        };
        let (plain, g) = run(None);
        let (above, up) = run(Some(plain.estimate + 2.0));
        let (below, down) = run(Some(plain.estimate - 2.0));
        assert_eq!((above.estimate, below.estimate), (plain.estimate, plain.estimate));
        close("objective", above.objective, -2.0, 1e-12);
        close("objective", below.objective, -2.0, 1e-12);
        assert_eq!(above.loss().nats(), -above.objective);
        assert_eq!(up, g);
        assert_eq!(down, -&g);
        let (there, none) = run(Some(plain.estimate));
        assert_eq!((there.objective, none.sum()), (0.0, 0.0), "{bound:?}");
    }
}

#[test]
fn mine_keeps_a_moving_average() {
    let bound = BoundSpec::Mine { rate: 0.25 };
    let mut state = objective(&bound);
    let (first, second) = (scattered((6, 6), 1.0, 0.0), scattered((6, 6), 3.0, 1.0));
    let mean_exp = |scores: &Array2<f64>| {
        let sum: f64 =
            scores.indexed_iter().filter(|((i, j), _)| i != j).map(|(_, s)| s.exp()).sum();
        sum / 30.0
    };
    let run = |scores: &Array2<f64>, state: &mut Objective| {
        gradient_of(scores.view(), None, state).unwrap()
    };
    run(&first, &mut state);
    let text = serde_json::to_string(&state).unwrap();
    let mut restored: Objective = serde_json::from_str(&text).unwrap();
    let before = evaluate(second.view(), None, &state).unwrap();
    let (found, g, _) = run(&second, &mut state);
    assert_eq!(before, found, "an estimate changes no state");
    let average = 0.75 * mean_exp(&first) + 0.25 * mean_exp(&second);
    let expected = second.diag().sum() / 6.0 - mean_exp(&second) / average;
    close("surrogate", found.objective, expected, 1e-12);
    close("gradient", g[[0, 1]], -second[[0, 1]].exp() / (30.0 * average), 1e-12);
    let (again, same, _) = run(&second, &mut restored);
    assert_eq!((again, same), (found, g), "a restored state continues with the same bits");
    assert_ne!(serde_json::to_string(&state).unwrap(), text);
}

#[test]
fn temperature_scales_scores_and_nothing_else() {
    let scores = scattered((6, 6), 2.0, 0.0);
    for t in [0.01, 3.0] {
        let scaled = &(&scores * t) / t;
        close(
            "nce",
            estimate(&BoundSpec::InfoNce, &scaled),
            estimate(&BoundSpec::InfoNce, &scores),
            1e-12,
        );
    }
    // 1/0.01 on cosines: exp(100) does not overflow here.
    let cosines = scores.mapv(|s| (100.0 * s.tanh()) as f32);
    assert!(value(&BoundSpec::InfoNce, cosines.view()).unwrap().estimate.is_finite());
}
