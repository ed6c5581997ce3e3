//! One battery for the engine: every critic × bound against the bound on a whole matrix of
//! scores (which its own battery compares with the formulas), in both number types, streamed and
//! in memory, for any number of threads.

use mi_critics::{Critic, CriticSpec, Pairing};
use mi_estimators::EstimatorError;
use mi_estimators::bounds::{BoundSpec, Evaluation, Objective, evaluate};
use mi_estimators::engine::{Batch, Driver, Engine};
use mi_kernels::Scalar;
use mi_nets::{Gradients, ParamId, Params};
use mi_random::Stream;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};

use crate::common::{all_bounds, close, gradient_of, objective, scattered};
use crate::reference;

/// Embedded batches, a pairing and its parameters.
struct Case<T> {
    x: Array2<T>,
    y: Array2<T>,
    learned: Array1<T>,
    pairing: Pairing,
    params: Params<T>,
}

fn pairings() -> Vec<(&'static str, Option<Vec<usize>>)> {
    vec![("dot", None), ("shallow", Some(vec![5])), ("deep", Some(vec![6, 4, 3]))]
}

/// Rows of x, and so of scores, of very different size.
fn case(hidden: Option<&[usize]>, k: usize) -> Case<f64> {
    let mut params = Params::new();
    let (pairing, d) = match hidden {
        None => (Pairing::Dot, 5),
        Some(hidden) => {
            let spec = CriticSpec::Concat { hidden: hidden.to_vec() };
            let mut stream = Stream::new(1, "critic");
            let critic = Critic::new(&mut params, "f", &spec, 2, 2, &mut stream).unwrap();
            for id in params.ids() {
                params.view_mut(id).mapv_inplace(|w| w + 0.3 * stream.normal());
            }
            (critic.pairing().clone(), hidden[0])
        }
    };
    let mut x = scattered((k, d), 1.0, 0.3);
    for (i, mut row) in x.rows_mut().into_iter().enumerate() {
        let scale = [1.0, 0.01, 8.0, 2.0][i % 4];
        row.mapv_inplace(|x| scale * x);
    }
    let y = scattered((k, d), 1.5, 0.7);
    Case { x, y, learned: scattered((1, k), 0.5, 0.1).row(0).to_owned(), pairing, params }
}

impl Case<f64> {
    fn single(&self) -> Case<f32> {
        let narrow = |x: &Array2<f64>| x.mapv(|x| x as f32);
        Case {
            x: narrow(&self.x),
            y: narrow(&self.y),
            learned: self.learned.mapv(|x| x as f32),
            pairing: self.pairing.clone(),
            params: self.params.cast(),
        }
    }
}

/// Everything that an evaluation leaves.
#[derive(Debug, PartialEq)]
struct Found<T> {
    evaluation: Evaluation,
    x: Array2<T>,
    y: Array2<T>,
    learned: Array1<T>,
    params: Vec<Array2<T>>,
}

impl<T: Scalar> Case<T> {
    fn run(&self, engine: &mut Engine<T>, state: &mut Objective) -> Found<T> {
        self.run_on(engine, state, self.x.view(), self.y.view())
    }

    fn run_on(
        &self,
        engine: &mut Engine<T>,
        state: &mut Objective,
        x: ArrayView2<'_, T>,
        y: ArrayView2<'_, T>,
    ) -> Found<T> {
        let learned = state.bound().learned().is_some().then(|| self.learned.view());
        let mut gradients = Gradients::zeros_like(&self.params);
        let batch = Batch::new(x, y).scored_by(&self.pairing, &self.params).with_learned(learned);
        let found = engine.differentiate(&batch, state, Some(&mut gradients)).unwrap();
        // The first two and the bias belong to the towers.
        let of_head = |id: &ParamId| !self.params.name(*id).contains("layers.0");
        let ids = self.params.ids().filter(of_head);
        Found {
            evaluation: found.evaluation,
            x: found.x.to_owned(),
            y: found.y.to_owned(),
            learned: found.learned.to_owned(),
            params: ids.map(|id| gradients.view(id).unwrap().to_owned()).collect(),
        }
    }

    /// By the whole matrix: gradients of scores, then each pair's derivative on its own.
    fn slow(&self, state: &mut Objective) -> Found<T> {
        let scores = self.pairing.scores(&self.params, self.x.view(), self.y.view()).unwrap();
        let learned = state.bound().learned().is_some().then(|| self.learned.view());
        let (evaluation, g, learned) = gradient_of(scores.view(), learned, state).unwrap();
        let (x, y, params) = self.pull_back(&g);
        Found { evaluation, x, y, learned, params }
    }

    fn pull_back(&self, g: &Array2<T>) -> (Array2<T>, Array2<T>, Vec<Array2<T>>) {
        if let Pairing::Dot = self.pairing {
            return (g.dot(&self.y), g.t().dot(&self.x), Vec::new());
        }
        let layers: Vec<ParamId> =
            self.params.ids().filter(|&id| !self.params.name(id).contains("layers.0")).collect();
        let views: Vec<_> = layers.iter().map(|&id| self.params.view(id)).collect();
        let (mut gx, mut gy) = (Array2::zeros(self.x.dim()), Array2::zeros(self.y.dim()));
        let mut params: Vec<Array2<T>> = views.iter().map(|v| Array2::zeros(v.dim())).collect();
        let relu = |x: T| if x > T::zero() { x } else { T::zero() };
        for ((i, j), &g) in g.indexed_iter() {
            let sums = self.x.row(i).into_iter().zip(self.y.row(j));
            let mut values: Vec<Vec<T>> = vec![sums.map(|(&x, &y)| relu(x + y)).collect()];
            for (n, pair) in views.chunks(2).enumerate() {
                let z = (0..pair[0].ncols()).map(|out| {
                    let terms = values[n].iter().enumerate().map(|(h, &v)| v * pair[0][[h, out]]);
                    terms.sum::<T>() + pair[1][[0, out]]
                });
                let z: Vec<T> = z.map(relu).collect();
                values.push(z);
            }
            // The last layer has no ReLU: its gradient passes whatever its value.
            let mut delta = vec![g];
            for n in (0..views.len() / 2).rev() {
                let weight = &views[2 * n];
                let mut below = vec![T::zero(); values[n].len()];
                for (out, &d) in delta.iter().enumerate() {
                    params[2 * n + 1][[0, out]] += d;
                    for (h, &v) in values[n].iter().enumerate() {
                        params[2 * n][[h, out]] += v * d;
                        if v > T::zero() {
                            below[h] += d * weight[[h, out]];
                        }
                    }
                }
                delta = below;
            }
            for (d, &delta) in delta.iter().enumerate() {
                gx[[i, d]] += delta;
                gy[[j, d]] += delta;
            }
        }
        (gx, gy, params)
    }
}

fn wide<T: Scalar>(x: T) -> f64 {
    x.to_f64()
}

fn largest<'a, T: Scalar>(x: impl IntoIterator<Item = &'a T>) -> f64 {
    x.into_iter().fold(0.0, |a: f64, &b| a.max(wide(b).abs()))
}

/// Gradients agree to `tolerance` of the largest element of their own array; those of the
/// pairing's parameters, of any of them (that of the last bias may be 0 by symmetry).
fn compare<T: Scalar, U: Scalar>(
    name: &str,
    found: &Found<T>,
    expected: &Found<U>,
    tolerance: f64,
) {
    close(name, found.evaluation.estimate, expected.evaluation.estimate, tolerance);
    close(name, found.evaluation.objective, expected.evaluation.objective, tolerance);
    let near = |what: &str, found: &[T], expected: &[U], scale: f64| {
        assert_eq!(found.len(), expected.len());
        for (&found, &expected) in found.iter().zip(expected) {
            let error = (wide(found) - wide(expected)).abs();
            assert!(error <= tolerance * scale, "{name} {what}: {found} {expected} of {scale:e}");
        }
    };
    let own = |what: &str, found: &Array2<T>, expected: &Array2<U>| {
        assert_eq!(found.dim(), expected.dim());
        near(what, found.as_slice().unwrap(), expected.as_slice().unwrap(), largest(expected));
    };
    own("x", &found.x, &expected.x);
    own("y", &found.y, &expected.y);
    let (learned, expected_learned) = (found.learned.to_vec(), expected.learned.to_vec());
    near("learned", &learned, &expected_learned, largest(&expected_learned));
    let flat = |params: &[Array2<U>]| params.iter().flatten().copied().collect::<Vec<U>>();
    let expected = flat(&expected.params);
    let found: Vec<T> = found.params.iter().flatten().copied().collect();
    near("parameters", &found, &expected, largest(&expected));
}

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
                // Scores reach ±60 and are rounded to 6·10⁻⁸ of that; exponentials of them to
                // the same number absolutely.
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
        // More pairs than are kept to one thread, and blocks that do not come out even.
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
    assert_eq!(serde_json::to_string(&state).unwrap(), before, "an estimate moves nothing on");
    case.run(&mut engine, &mut state);
    assert_ne!(serde_json::to_string(&state).unwrap(), before);

    // Scores of 10⁴: NWJ is −∞, gradients are cut and finite or infinite, never NaN.
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
    assert!(error.to_string().contains("3×2 and 4×2"), "{error}");
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

/// Scores so large that `f64` cannot tell x from x + log K, let alone `f32`: all that counts is
/// their differences.
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
        // Its objective, of which the gradient is, looks at more than differences.
        BoundSpec::Smile { clip } => *clip == f64::INFINITY,
        _ => false,
    };
    // All scores are `size`; the second column of x, of zeros, gets a gradient that says which
    // weight each pair had.
    let case = |size: f64| {
        let mut y = scattered((k, 2), 1.0, 0.2);
        y.column_mut(0).fill(1.0);
        let mut x = Array2::zeros((k, 2));
        x.column_mut(0).fill(size);
        Case { x, y, learned: Array1::zeros(k), pairing: Pairing::Dot, params: Params::new() }
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
    // A moving average goes on from huge batches.
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
    let case =
        Case { x, y, learned: Array1::zeros(5), pairing: Pairing::Dot, params: Params::new() };
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

/// Below e⁻⁸⁷ of others a row's exponentials are 0 in `f32`, although they may count for the row.
#[test]
fn negatives_lost_beside_others_are_reported() {
    let at = |high: f64| {
        let x = Array2::from_shape_fn((4, 1), |(i, _)| if i == 0 { high } else { 5.0 });
        let learned = Array1::zeros(4);
        Case { x, y: Array2::ones((4, 1)), learned, pairing: Pairing::Dot, params: Params::new() }
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
    // Normalised bounds lose nothing that counts.
    for bound in [BoundSpec::InfoNce, BoundSpec::DonskerVaradhan, BoundSpec::MlCpc { alpha: 1.0 }] {
        let found = at(99.0).single().run(&mut Engine::new(), &mut objective(&bound));
        assert!(!found.evaluation.overflow, "{bound:?}");
    }
}
