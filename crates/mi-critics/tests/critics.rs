//! One battery for all critics: scores compared with f written out per pair, gradients compared
//! with central differences, the orientation of scores, and a user's possible mistakes.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use mi_critics::{Critic, CriticSpec, CriticsError, PairingBuffers, Positives, Scaling, Tower};
use mi_nets::{AdamConfig, Gradients, LARGEST_LOG_SCALE, Optimiser, ParamId, Params, Tape};
use mi_random::Stream;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

const SPECS: fn() -> Vec<CriticSpec> = || {
    vec![
        CriticSpec::InnerProduct,
        CriticSpec::Bilinear,
        CriticSpec::Separable { hidden: vec![7], embed: 5 },
        CriticSpec::Separable { hidden: vec![], embed: 3 },
        CriticSpec::Cosine { temperature: 0.3, learned: false },
        CriticSpec::Cosine { temperature: 0.3, learned: true },
        CriticSpec::NegativeDistance { unit: false },
        CriticSpec::NegativeDistance { unit: true },
        CriticSpec::Concat { hidden: vec![9] },
        CriticSpec::Concat { hidden: vec![20, 6] },
        CriticSpec::Concat { hidden: vec![6, 5, 4, 3] },
    ]
};

/// The variants are those that serde names in the message about an unknown one.
#[test]
fn the_battery_has_every_critic() {
    let message = serde_json::from_str::<CriticSpec>("\"?\"").unwrap_err().to_string();
    let (_, variants) = message.split_once("expected one of").unwrap();
    let variants: Vec<&str> = variants.split('`').skip(1).step_by(2).collect();
    let tested = |variant: &&str| {
        SPECS().iter().any(|spec| match serde_json::to_value(spec).unwrap() {
            serde_json::Value::Object(fields) => fields.contains_key(*variant),
            text => text == **variant,
        })
    };
    let missing: Vec<_> = variants.iter().filter(|variant| !tested(variant)).collect();
    assert!(variants.len() > 1 && missing.is_empty(), "not in SPECS: {missing:?}");
}

/// Critics that take x and y of different widths.
fn takes_any_width(spec: &CriticSpec) -> bool {
    use CriticSpec::{Cosine, InnerProduct, NegativeDistance};
    !matches!(spec, InnerProduct | Cosine { .. } | NegativeDistance { .. })
}

struct Case {
    spec: CriticSpec,
    params: Params<f64>,
    critic: Critic,
    x: Array2<f64>,
    y: Array2<f64>,
}

fn case(spec: CriticSpec, k: usize) -> Case {
    let (dim_x, dim_y) = if takes_any_width(&spec) { (4, 3) } else { (4, 4) };
    let mut params = Params::new();
    let mut stream = Stream::new(5, "critic");
    let critic = Critic::new(&mut params, "f", &spec, dim_x, dim_y, &mut stream).unwrap();
    // Biases start at zero; move everything so that nothing is tested at a special point.
    for id in params.ids() {
        params.view_mut(id).mapv_inplace(|w| w + 0.3 * stream.normal());
    }
    let (x, y) = (stream.normal_matrix((k, dim_x)), stream.normal_matrix((k, dim_y)));
    Case { spec, params, critic, x, y }
}

fn id(params: &Params<f64>, name: &str) -> ParamId {
    params.id(name).unwrap_or_else(|| panic!("no parameter {name}"))
}

/// The layers of a network one after the other, `ReLU` between.
fn network(params: &Params<f64>, prefix: &str, first: usize, x: Array1<f64>) -> Array1<f64> {
    let mut h = x;
    let mut k = first;
    while let Some(weight) = params.id(&format!("{prefix}.layers.{k}.weight")) {
        if k > 0 {
            h.mapv_inplace(|h| h.max(0.0));
        }
        let bias = params.view(id(params, &format!("{prefix}.layers.{k}.bias")));
        h = h.dot(&params.view(weight)) + bias.row(0);
        k += 1;
    }
    h
}

/// f(x, y) by its definition.
fn score(case: &Case, x: ArrayView1<'_, f64>, y: ArrayView1<'_, f64>) -> f64 {
    let params = &case.params;
    match &case.spec {
        CriticSpec::InnerProduct => x.dot(&y),
        CriticSpec::Bilinear => x.dot(&params.view(id(params, "f.weight"))).dot(&y),
        CriticSpec::Separable { .. } => {
            let phi = network(params, "f.x", 0, x.to_owned());
            phi.dot(&network(params, "f.y", 0, y.to_owned()))
        }
        CriticSpec::Cosine { temperature, learned } => {
            let scale = if *learned {
                params.view(id(params, "f.log_scale"))[[0, 0]].exp()
            } else {
                1.0 / temperature
            };
            scale * x.dot(&y) / (x.dot(&x) * y.dot(&y)).sqrt()
        }
        CriticSpec::NegativeDistance { unit } => {
            let norm = |v: ArrayView1<'_, f64>| if *unit { v.dot(&v).sqrt() } else { 1.0 };
            let apart = &x / norm(x) - &y / norm(y);
            -apart.dot(&apart)
        }
        CriticSpec::Concat { .. } => {
            let (wx, wy) = (id(params, "f.layers.0.weight_x"), id(params, "f.layers.0.weight_y"));
            let bias = params.view(id(params, "f.layers.0.bias"));
            let h = x.dot(&params.view(wx)) + y.dot(&params.view(wy)) + bias.row(0);
            network(params, "f", 1, h)[0]
        }
        spec => panic!("no definition of {spec:?}"),
    }
}

fn scores(case: &Case, x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut tape = Tape::new();
    let mut graph = tape.begin_inference(&case.params);
    let (x, y) = (graph.input(x), graph.input(y));
    let (x, y) = case.critic.towers(&mut graph, x, y);
    graph.check().unwrap();
    case.critic.pairing().scores(&case.params, graph.value(x), graph.value(y)).unwrap()
}

#[test]
fn rows_are_x_and_every_score_is_f() {
    for spec in SPECS() {
        for k in [1, 2, 3, 67] {
            let case = case(spec.clone(), k);
            let found = scores(&case, case.x.view(), case.y.view());
            for ((i, j), &found) in found.indexed_iter() {
                let expected = score(&case, case.x.row(i), case.y.row(j));
                let error = (found - expected).abs();
                assert!(
                    error < 1e-12 * (1.0 + expected.abs()),
                    "{spec:?} {i} {j}: {found} {expected}"
                );
            }
            // f is not symmetric, so a transposed matrix would be noticed.
            if k > 1 && takes_any_width(&spec) {
                assert!((found[[0, 1]] - found[[1, 0]]).abs() > 1e-6, "{spec:?}");
            }
        }
    }
}

#[test]
fn single_precision_agrees() {
    for spec in SPECS() {
        let case = case(spec.clone(), 130);
        let expected = scores(&case, case.x.view(), case.y.view());
        let params: Params<f32> = case.params.cast();
        let mut tape = Tape::new();
        let mut graph = tape.begin_inference(&params);
        let narrow = |x: &Array2<f64>| x.mapv(|x| x as f32);
        let (x, y) = (graph.input(narrow(&case.x).view()), graph.input(narrow(&case.y).view()));
        let (x, y) = case.critic.towers(&mut graph, x, y);
        let pairing = case.critic.pairing();
        let found = pairing.scores(&params, graph.value(x), graph.value(y)).unwrap();
        let scale = expected.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-5 * scale, "{spec:?}");
        }
    }
}

/// Gradients of Σ g ∘ scores through pairing and towers. Positives are the diagonal, or these pairs.
fn backward(
    case: &Case,
    g: &Array2<f64>,
    panel_rows: usize,
    listed: Option<&[(usize, usize)]>,
) -> (Array2<f64>, Array2<f64>, Gradients<f64>) {
    let k = g.nrows();
    let diagonal: Vec<(usize, usize)> = (0..k).map(|i| (i, i)).collect();
    let pairs = listed.unwrap_or(&diagonal);
    let mut tape = Tape::new();
    let mut graph = tape.begin(&case.params);
    let x = graph.input_with_gradient(case.x.view());
    let y = graph.input_with_gradient(case.y.view());
    let (ex, ey) = case.critic.towers(&mut graph, x, y);
    let mut gradients = Gradients::zeros_like(&case.params);
    let dim = graph.value(ex).ncols();
    let (mut gx, mut gy) = (Array2::zeros((k, dim)), Array2::zeros((k, dim)));
    {
        let mut buffers = PairingBuffers::new();
        let (vx, vy) = (graph.value(ex), graph.value(ey));
        let mut scorer = case.critic.pairing().scorer(&case.params, vx, vy, &mut buffers).unwrap();
        // Factors of rows, of everything, and of y only are used, as in a bound.
        let factors: Vec<f64> = (0..k).map(|i| 0.5 + i as f64 / 10.0).collect();
        let rows: Vec<f64> = (0..k).map(|i| if i < panel_rows { 8.0 } else { 2.0 }).collect();
        let stride = scorer.stride();
        let mut panel = vec![0.0; panel_rows * stride];
        for first in (0..k).step_by(panel_rows) {
            let span = first..k.min(first + panel_rows);
            let panel = &mut panel[..span.len() * stride];
            let weights = |i: usize, row: &mut [f64], _: &mut [()]| {
                for (j, w) in row.iter_mut().enumerate() {
                    let positive = pairs.contains(&(i, j));
                    *w = if positive { 0.0 } else { g[[i, j]] / (factors[i] * rows[i]) };
                }
            };
            scorer.sweep(span.clone(), panel, &mut vec![(); span.len()], true, weights);
            // Sums with the first factor are rescaled to the second.
            if first > 0 && rows[first] != rows[first - 1] {
                scorer.rescale(rows[first - 1] / rows[first]);
            }
            scorer.accumulate(span.clone(), panel, &factors[span]);
        }
        let positives: Vec<f64> = pairs.iter().map(|&pair| g[pair]).collect();
        let positives = match listed {
            Some(pairs) => Positives::Listed(pairs, &positives),
            None => Positives::Diagonal(&positives),
        };
        let scaling = Scaling { rows: &rows, columns: rows[k - 1], positives };
        let (gx, gy) = (gx.as_slice_mut().unwrap(), gy.as_slice_mut().unwrap());
        scorer.finish(scaling, gx, gy, &mut gradients);
    }
    graph.backward(&[(ex, gx.view()), (ey, gy.view())], &mut gradients).unwrap();
    let (gx, gy) = (graph.gradient(x).unwrap().to_owned(), graph.gradient(y).unwrap().to_owned());
    (gx, gy, gradients)
}

/// Pairs of which rows and columns have two, one, or none, in no order.
fn scattered(k: usize) -> Vec<(usize, usize)> {
    let first = (0..k).rev().filter(|i| i % 3 != 1).map(move |i| (i, (i + 1) % k));
    first.chain((0..k).step_by(2).map(|i| (i, (i + 3) % k))).collect()
}

#[test]
fn gradients_equal_central_differences() {
    for spec in SPECS() {
        let of_diagonal = [(2, 1), (6, 6), (6, 3), (66, 33)].map(|(k, rows)| (k, rows, None));
        let of_listed = [(5, 5), (67, 33)].map(|(k, rows)| (k, rows, Some(scattered(k))));
        for (k, panel_rows, listed) in of_diagonal.into_iter().chain(of_listed) {
            let mut case = case(spec.clone(), k);
            let g = Stream::new(9, "weights").normal_matrix((k, k));
            let (gx, gy, gradients) = backward(&case, &g, panel_rows, listed.as_deref());
            let step = 1e-6;
            let objective = |case: &Case| (&g * &scores(case, case.x.view(), case.y.view())).sum();
            let mut check = |name: &str, found: f64, change: &dyn Fn(&mut Case, f64)| {
                let mut at = |step: f64| {
                    change(&mut case, step);
                    let value = objective(&case);
                    change(&mut case, -step);
                    value
                };
                let difference = (at(step) - at(-step)) / (2.0 * step);
                let error = (found - difference).abs();
                assert!(
                    error < 3e-7 * (1.0 + difference.abs()) * k as f64,
                    "{spec:?} K={k}/{panel_rows} {name}: {found} {difference}"
                );
            };
            for i in 0..k.min(6) {
                for d in 0..3 {
                    check("x", gx[[i, d]], &|case, step| case.x[[i, d]] += step);
                    check("y", gy[[k - 1 - i, d]], &|case, step| case.y[[k - 1 - i, d]] += step);
                }
            }
            let ids: Vec<ParamId> = gradients_of(&spec, &gradients);
            for id in ids {
                let gradient = gradients.view(id).unwrap().to_owned();
                let steps = gradient.len().div_ceil(7).max(1);
                for (at, &found) in gradient.indexed_iter().step_by(steps) {
                    check("parameter", found, &|case, step| case.params.view_mut(id)[at] += step);
                }
            }
        }
    }
}

/// The ids of all parameters, each of which must have got a gradient.
fn gradients_of(spec: &CriticSpec, gradients: &Gradients<f64>) -> Vec<ParamId> {
    let ids: Vec<ParamId> = case(spec.clone(), 1).params.ids().collect();
    assert!(ids.iter().all(|&id| gradients.view(id).is_some()), "{spec:?}");
    ids
}

#[test]
fn layout_does_not_matter() {
    let (k, d) = (5, 4);
    let mut stream = Stream::new(2, "x");
    let (x, y) = (stream.normal_matrix((k, d)), stream.normal_matrix((k, d)));
    let mut fortran = Array2::zeros((d, k));
    fortran.assign(&x.t());
    let mut stepped = Array2::zeros((k * 2, d * 3));
    stepped.slice_mut(s![..;2, ..;3]).assign(&x);
    let mut reversed = x.clone();
    reversed.invert_axis(Axis(0));
    reversed.invert_axis(Axis(1));
    let reversed = reversed.as_standard_layout().into_owned();
    for hidden in [vec![4], vec![4, 3]] {
        let mut params = Params::new();
        let spec = CriticSpec::Concat { hidden };
        let concat = Critic::new(&mut params, "f", &spec, d, d, &mut stream).unwrap();
        for pairing in [&mi_critics::Pairing::Dot, concat.pairing()] {
            let expected = pairing.scores(&params, x.view(), y.view()).unwrap();
            for view in
                [fortran.t(), stepped.slice(s![..;2, ..;3]), reversed.slice(s![..;-1, ..;-1])]
            {
                assert_eq!(pairing.scores(&params, view, y.view()).unwrap(), expected);
                let swapped = pairing.scores(&params, y.view(), view).unwrap();
                assert_eq!(swapped, pairing.scores(&params, y.view(), x.view()).unwrap());
            }
        }
    }
}

/// The other tower, biases and inner layers keep their values.
#[test]
fn scores_can_start_at_zero() {
    for spec in SPECS() {
        for tower in [Tower::X, Tower::Y] {
            let mut case = case(spec.clone(), 5);
            // Last layers start without biases.
            for id in case.params.ids() {
                if case.params.name(id).ends_with("bias") {
                    case.params.view_mut(id).fill(0.0);
                }
            }
            let before = case.params.clone();
            let starts = case.critic.start_at_zero(&mut case.params, tower);
            let found = scores(&case, case.x.view(), case.y.view());
            assert_eq!(starts, takes_any_width(&spec), "{spec:?}");
            assert_eq!(starts, found.iter().all(|&score| score == 0.0), "{spec:?}");
            let changed = |id: &ParamId| case.params.view(*id) != before.view(*id);
            let changed: Vec<&str> =
                case.params.ids().filter(changed).map(|id| case.params.name(id)).collect();
            assert_eq!(changed.len(), usize::from(starts), "{spec:?} {changed:?}");
            if matches!(spec, CriticSpec::Separable { .. }) {
                let side = if tower == Tower::X { "f.x." } else { "f.y." };
                assert!(changed[0].starts_with(side), "{changed:?}");
            }
        }
    }
}

#[test]
fn parameter_counts_are_the_papers() {
    let count = |spec: CriticSpec| {
        let mut params = Params::<f32>::new();
        Critic::new(&mut params, "f", &spec, 100, 100, &mut Stream::new(0, "f")).unwrap();
        assert_eq!(spec.parameters((100, 100)), params.scalar_count());
        params.scalar_count()
    };
    for spec in SPECS() {
        let case = case(spec, 1);
        let dims = (case.x.ncols(), case.y.ncols());
        assert_eq!(case.spec.parameters(dims), case.params.scalar_count(), "{:?}", case.spec);
    }
    assert_eq!(count(CriticSpec::InnerProduct), 0);
    assert_eq!(count(CriticSpec::NegativeDistance { unit: true }), 0);
    assert_eq!(count(CriticSpec::Bilinear), 10_000);
    assert_eq!(count(CriticSpec::Separable { hidden: vec![100], embed: 100 }), 40_400);
    assert_eq!(count(CriticSpec::Concat { hidden: vec![200] }), 40_401);
    assert_eq!(count(CriticSpec::Cosine { temperature: 0.1, learned: true }), 1);
}

/// For ten rows of x and ten of y: rows times layers, and 100 pairs times what each takes.
#[test]
fn multiply_adds_by_hand() {
    let by_hand = [
        100 * 4,
        10 * 4 * 3 + 100 * 3,
        10 * (4 * 7 + 7 * 5 + 3 * 7 + 7 * 5) + 100 * 5,
        10 * (4 * 3 + 3 * 3) + 100 * 3,
        100 * 4,
        100 * 4,
        // The squared lengths are two further columns.
        10 * (4 + 4) + 100 * (4 + 2),
        10 * (4 + 4) + 100 * (4 + 2),
        10 * 7 * 9 + 100 * 9,
        10 * 7 * 20 + 100 * (20 * 6 + 6),
        10 * 7 * 6 + 100 * (6 * 5 + 5 * 4 + 4 * 3 + 3),
    ];
    let specs = SPECS();
    assert_eq!(specs.len(), by_hand.len());
    for (spec, expected) in specs.into_iter().zip(by_hand) {
        let case = case(spec, 1);
        let found = case.spec.multiply_adds((case.x.ncols(), case.y.ncols()), 10);
        assert_eq!(found, f64::from(expected), "{:?}", case.spec);
    }
}

/// A temperature counts from the first step, also where it is trained.
#[test]
fn untrained_cosines_have_the_temperature_of_their_settings() {
    for temperature in [0.07, 2.0] {
        for learned in [false, true] {
            let mut params = Params::new();
            let spec = CriticSpec::Cosine { temperature, learned };
            let mut stream = Stream::new(1, "f");
            let critic = Critic::new(&mut params, "f", &spec, 2, 2, &mut stream).unwrap();
            let (x, y) = (ndarray::array![[3.0, 4.0]], ndarray::array![[0.0, 0.5]]);
            let case = Case { spec, params, critic, x, y };
            let found = scores(&case, case.x.view(), case.y.view())[[0, 0]];
            assert!((found - 0.8 / temperature).abs() < 1e-12, "{:?}: {found}", case.spec);
        }
    }
}

/// A step past the largest scale ends at it, where the temperature still has a gradient.
#[test]
fn a_learned_temperature_does_not_leave_its_range() {
    let mut params = Params::<f64>::new();
    let spec = CriticSpec::Cosine { temperature: 0.0101, learned: true };
    Critic::new(&mut params, "f", &spec, 2, 2, &mut Stream::new(1, "f")).unwrap();
    let scale = id(&params, "f.log_scale");
    let mut optimiser = Optimiser::new(AdamConfig { lr: 0.1, ..AdamConfig::default() }, &params);
    let mut gradients = Gradients::zeros_like(&params);
    for _ in 0..5 {
        gradients.clear();
        gradients.accumulate(scale).fill(1.0);
        optimiser.ascend(&mut params, &gradients).unwrap();
    }
    assert_eq!(params.view(scale)[[0, 0]], LARGEST_LOG_SCALE);
}

#[test]
fn the_split_first_layer_is_drawn_as_one() {
    let mut params = Params::<f64>::new();
    let spec = CriticSpec::Concat { hidden: vec![50] };
    Critic::new(&mut params, "f", &spec, 30, 70, &mut Stream::new(0, "f")).unwrap();
    // Glorot's limit for 100 inputs and 50 outputs is 0.2; for 30 and 50 it would be 0.27.
    for name in ["f.layers.0.weight_x", "f.layers.0.weight_y"] {
        let largest = params.view(id(&params, name)).fold(0.0, |a: f64, b| a.max(b.abs()));
        assert!((0.19..=0.2).contains(&largest), "{name}: {largest}");
    }
}

#[test]
fn mistakes_are_named() {
    let build = |spec: &CriticSpec, dims: (usize, usize)| {
        let mut params = Params::<f64>::new();
        Critic::new(&mut params, "f", spec, dims.0, dims.1, &mut Stream::new(0, "f")).map(|_| ())
    };
    let widths = build(&CriticSpec::InnerProduct, (3, 4)).unwrap_err();
    assert!(widths.to_string().contains("3 and 4"), "{widths}");
    assert!(build(&CriticSpec::Cosine { temperature: 0.1, learned: false }, (3, 4)).is_err());
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        for learned in [false, true] {
            let found = build(&CriticSpec::Cosine { temperature, learned }, (3, 3));
            assert!(matches!(found, Err(CriticsError::Temperature { .. })), "{temperature}");
        }
    }
    assert!(build(&CriticSpec::Cosine { temperature: 0.01, learned: true }, (3, 3)).is_ok());
    assert!(build(&CriticSpec::Cosine { temperature: 0.001, learned: true }, (3, 3)).is_err());
    assert!(build(&CriticSpec::Cosine { temperature: 0.001, learned: false }, (3, 3)).is_ok());
    for hidden in [vec![], vec![0], vec![3, 0]] {
        assert!(build(&CriticSpec::Concat { hidden }, (3, 3)).is_err());
    }
    assert!(build(&CriticSpec::Separable { hidden: vec![0], embed: 2 }, (3, 3)).is_err());
    assert!(build(&CriticSpec::Separable { hidden: vec![], embed: 0 }, (3, 3)).is_err());
    assert!(build(&CriticSpec::Bilinear, (0, 3)).is_err());

    let mut params = Params::<f64>::new();
    let spec = CriticSpec::Concat { hidden: vec![4] };
    let critic = Critic::new(&mut params, "f", &spec, 2, 2, &mut Stream::new(0, "f")).unwrap();
    assert!(Critic::new(&mut params, "f", &spec, 2, 2, &mut Stream::new(0, "f")).is_err());
    let scores = |x: (usize, usize), y: (usize, usize)| {
        let (x, y) = (Array2::zeros(x), Array2::zeros(y));
        critic.pairing().scores(&params, x.view(), y.view())
    };
    assert!(scores((3, 4), (3, 4)).is_ok());
    assert_eq!(scores((3, 4), (2, 4)).unwrap().dim(), (3, 2));
    assert!(scores((3, 4), (3, 5)).is_err());
    let wrong = scores((3, 5), (3, 5)).unwrap_err();
    assert!(wrong.to_string().contains("4 columns"), "{wrong}");
    let x = Array2::<f64>::zeros((3, 0));
    assert!(mi_critics::Pairing::Dot.scores(&params, x.view(), x.view()).is_err());
}

#[test]
fn specs_survive_text() {
    for spec in SPECS() {
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<CriticSpec>(&text).unwrap(), spec, "{text}");
    }
    let text = r#"{ "cosine": { "temperature": 0.07, "learned": true } }"#;
    assert!(serde_json::from_str::<CriticSpec>(text).is_ok());
    assert!(serde_json::from_str::<CriticSpec>(r#""inner-product""#).is_ok());
    assert!(serde_json::from_str::<CriticSpec>(r#"{ "concat": { "hiden": [3] } }"#).is_err());
}
