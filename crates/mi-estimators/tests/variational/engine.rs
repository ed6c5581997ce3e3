//! One battery for the engine: every critic × bound compared with the bound on a full matrix of
//! scores (which its own battery compares with the formulas), in both number types, streamed and in
//! memory, for any number of threads.

use mi_estimators::bounds::BoundSpec;
use mi_estimators::engine::{Batch, Driver, Engine};
use ndarray::{Array2, Axis, s};

use crate::case::{Case, case, compare, pairings};
use crate::common::{all_bounds, close, evaluate, objective};
use crate::reference;

#[test]
fn every_critic_and_bound_equals_the_whole_matrix() {
    for (name, hidden) in pairings() {
        for k in [1, 2, 3, 60, 127, 128] {
            let case = case(hidden.as_deref(), k);
            let single = case.single();
            let mut engine = Engine::new();
            let mut engine_single = Engine::new();
            for bound in all_bounds() {
                let name = format!("{name} {bound:?} K={k}");
                let infonce = matches!(bound, BoundSpec::InfoNce | BoundSpec::InfoNceSymmetric);
                if k == 1 && !infonce || k > 60 && name.starts_with("deep") {
                    continue;
                }
                let expected = case.slow(&mut objective(&bound));
                let found = case.run(&mut engine, &mut objective(&bound));
                compare(&name, &found, &expected, 1e-10);
                let found = single.run(&mut engine_single, &mut objective(&bound));
                // Scores reach ±60 and have a relative rounding error of 6·10⁻⁸; their absolute
                // error is the relative error of their exponentials.
                compare(&format!("{name} f32"), &found, &expected, 6e-5);
                let learned = bound.learned().is_some().then(|| case.learned.view());
                let batch = Batch::new(case.x.view(), case.y.view())
                    .scored_by(&case.pairing, &case.params)
                    .with_learned(learned);
                let forward = engine.estimate(&batch, &objective(&bound)).unwrap();
                close(&name, forward.estimate, expected.evaluation.estimate, 1e-10);
                close(&name, forward.objective, expected.evaluation.objective, 1e-10);
            }
        }
    }
}

#[test]
fn thousand_rows_equal_the_whole_matrix() {
    for (name, hidden) in [("dot", None), ("shallow", Some([5]))] {
        let case = case(hidden.as_ref().map(<[usize; 1]>::as_slice), 1000);
        let single = case.single();
        for bound in [
            BoundSpec::InfoNce,
            BoundSpec::InfoNceSymmetric,
            BoundSpec::DonskerVaradhan,
            BoundSpec::Nwj,
            BoundSpec::InterpolatedAlpha { alpha: 0.5 },
            BoundSpec::Smile { clip: 5.0 },
        ] {
            let name = format!("{name} {bound:?}");
            let expected = case.slow(&mut objective(&bound));
            let found = case.run(&mut Engine::new(), &mut objective(&bound));
            compare(&name, &found, &expected, 1e-10);
            let found = single.run(&mut Engine::new(), &mut objective(&bound));
            compare(&name, &found, &expected, 6e-5);
        }
    }
}

#[test]
fn gradients_equal_central_differences() {
    for (name, hidden) in pairings() {
        let mut case = case(hidden.as_deref(), 5);
        case.x.mapv_inplace(|x| x.clamp(-2.0, 2.0));
        for bound in all_bounds() {
            let name = format!("{name} {bound:?}");
            let found = case.run(&mut Engine::new(), &mut objective(&bound));
            let start = case.pairing.scores(&case.params, case.x.view(), case.y.view()).unwrap();
            let value = |case: &Case<f64>| {
                let scores =
                    case.pairing.scores(&case.params, case.x.view(), case.y.view()).unwrap();
                if let BoundSpec::Mine { .. } = bound {
                    return reference::mine_surrogate(&scores, &start);
                }
                let learned = bound.learned().is_some().then(|| case.learned.view());
                let state = objective(&bound);
                evaluate(scores.view(), learned, &state).unwrap().objective
            };
            let step = 1e-6;
            let mut check = |what: &str, found: f64, change: &dyn Fn(&mut Case<f64>, f64)| {
                let mut at = |step: f64| {
                    change(&mut case, step);
                    let value = value(&case);
                    change(&mut case, -step);
                    value
                };
                let difference = (at(step) - at(-step)) / (2.0 * step);
                close(&format!("{name} {what}"), found, difference, 1e-7);
            };
            for (at, &g) in found.x.indexed_iter() {
                check("x", g, &|case, step| case.x[at] += step);
            }
            for (at, &g) in found.y.indexed_iter() {
                check("y", g, &|case, step| case.y[at] += step);
            }
            let names = [
                "f.layers.1.weight",
                "f.layers.1.bias",
                "f.layers.2.weight",
                "f.layers.2.bias",
                "f.layers.3.weight",
                "f.layers.3.bias",
            ];
            for (path, gradient) in names.iter().zip(&found.params) {
                for (at, &g) in gradient.indexed_iter() {
                    check(path, g, &|case, step| {
                        let id = case.params.id(path).unwrap();
                        case.params.view_mut(id)[at] += step;
                    });
                }
            }
        }
    }
}

#[test]
fn streamed_and_in_memory_agree() {
    let k = 400;
    for (name, hidden) in pairings() {
        let case = case(hidden.as_deref(), k);
        let single = case.single();
        for bound in all_bounds() {
            let run = |driver| single.run(&mut Engine::with_driver(driver), &mut objective(&bound));
            let whole = run(Driver::Whole);
            let name = format!("{name} {bound:?}");
            if name.starts_with("deep") {
                compare(&name, &run(Driver::Panels { rows: 192 }), &whole, 2e-5);
                continue;
            }
            for rows in [192, 384] {
                assert_eq!(run(Driver::Panels { rows }), whole, "{name}, panels of {rows}");
            }
            assert_eq!(run(Driver::BySize), whole);
            for rows in [1, 7, 100] {
                compare(&name, &run(Driver::Panels { rows }), &whole, 2e-5);
            }
            let double =
                |driver| case.run(&mut Engine::with_driver(driver), &mut objective(&bound));
            let whole = double(Driver::Whole);
            compare(&name, &double(Driver::Panels { rows: 77 }), &whole, 1e-12);
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for (name, hidden) in pairings() {
        // More pairs than one thread handles, and blocks of unequal size.
        let case = case(hidden.as_deref(), 331).single();
        for bound in [BoundSpec::InfoNce, BoundSpec::InfoNceSymmetric, BoundSpec::Nwj] {
            for driver in [Driver::Whole, Driver::Panels { rows: 192 }] {
                let run = |threads| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                    let mut engine = Engine::with_driver(driver);
                    pool.unwrap().install(|| case.run(&mut engine, &mut objective(&bound)))
                };
                let one = run(1);
                for threads in [2, 7] {
                    assert_eq!(run(threads), one, "{name} {bound:?} {threads}");
                }
            }
        }
    }
}

#[test]
fn layout_does_not_matter() {
    for (name, hidden) in pairings() {
        let case = case(hidden.as_deref(), 30).single();
        let (k, d) = case.x.dim();
        let mut engine = Engine::new();
        let fortran = case.x.t().as_standard_layout().into_owned();
        let mut stepped = Array2::zeros((2 * k, 3 * d));
        stepped.slice_mut(s![..;2, ..;3]).assign(&case.x);
        let mut reversed = case.x.clone();
        reversed.invert_axis(Axis(0));
        reversed.invert_axis(Axis(1));
        let reversed = reversed.as_standard_layout().into_owned();
        for bound in all_bounds() {
            let expected = case.run(&mut engine, &mut objective(&bound));
            for x in [fortran.t(), stepped.slice(s![..;2, ..;3]), reversed.slice(s![..;-1, ..;-1])]
            {
                let found = case.run_on(&mut engine, &mut objective(&bound), x, case.y.view());
                assert_eq!(found, expected, "{name} {bound:?}");
            }
        }
    }
}

#[test]
fn an_engine_can_change_batches_and_critics() {
    let mut engine = Engine::new();
    for (name, hidden) in pairings() {
        for k in [40, 3, 300] {
            let case = case(hidden.as_deref(), k).single();
            let bound = BoundSpec::InfoNceSymmetric;
            let fresh = case.run(&mut Engine::new(), &mut objective(&bound));
            assert_eq!(case.run(&mut engine, &mut objective(&bound)), fresh, "{name} {k}");
        }
    }
}
