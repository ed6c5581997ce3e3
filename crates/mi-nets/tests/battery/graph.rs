//! The graph: seeds, unwanted gradients, mistakes, inference, reuse of memory.

use std::ops::AddAssign;

use mi_nets::{
    Activation, AdamConfig, Gradients, Graph, Init, Mlp, Module, NetsError, Optimiser, Params,
    Tape, Unary, Var,
};
use mi_random::Stream;
use ndarray::{Array1, Array2, array, s};

use crate::support::{add, normal};

fn mlp(params: &mut Params<f64>) -> Mlp {
    Mlp::new(params, "net", &[3, 5, 2], Init::GlorotUniform, &mut Stream::new(1, "init")).unwrap()
}

#[test]
fn several_seeds_and_several_calls_add_up() {
    let mut params = Params::new();
    let net = mlp(&mut params);
    let x = normal(1, (4, 3));
    let (seed_h, seed_y) = (normal(2, (4, 2)), normal(3, (4, 2)));
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let input = graph.input_with_gradient(x.view());
    let h = net.forward(&mut graph, input);
    let y = graph.unary(h, Unary::Tanh);

    let mut at_once = Gradients::zeros_like(&params);
    graph.backward(&[(h, seed_h.view()), (y, seed_y.view())], &mut at_once).unwrap();
    let input_at_once = graph.gradient(input).unwrap().to_owned();

    let mut one_by_one = Gradients::zeros_like(&params);
    graph.backward(&[(h, seed_h.view())], &mut one_by_one).unwrap();
    let of_h = graph.gradient(input).unwrap().to_owned();
    graph.backward(&[(y, seed_y.view())], &mut one_by_one).unwrap();
    let of_y = graph.gradient(input).unwrap().to_owned();

    let close = |a: &Array2<f64>, b: &Array2<f64>| (a - b).iter().all(|e| e.abs() < 1e-14);
    for id in params.ids() {
        let (a, b) = (at_once.view(id).unwrap(), one_by_one.view(id).unwrap());
        assert!(close(&a.to_owned(), &b.to_owned()), "{}", params.name(id));
    }
    assert!(close(&input_at_once, &(of_h + of_y)));

    graph.backward_to_inputs(&[(h, seed_h.view()), (y, seed_y.view())]).unwrap();
    assert_eq!(graph.gradient(input).unwrap(), input_at_once);
}

/// A seed is read where it lies, and a gradient of the same elements changes hands, only where nothing
/// else is to be added.
#[test]
fn seeds_and_shared_memory_leave_nothing_out() {
    let params = Params::new();
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let x = graph.input_with_gradient(normal(1, (4, 6)).view());
    let wide = graph.reshape(x, 12);
    let (left, right) = (graph.slice_columns(wide, 0..5), graph.slice_columns(wide, 3..12));
    let narrow = graph.reshape(x, 3);
    let twice = graph.unary(narrow, Unary::Linear { factor: 2.0, offset: 0.0 });
    let seeds =
        [(left, (2, 5)), (right, (2, 9)), (narrow, (8, 3)), (twice, (8, 3)), (wide, (2, 12))];
    let seeds: Vec<_> = (2..).zip(seeds).map(|(n, (var, dim))| (var, normal(n, dim))).collect();
    let gradient = |graph: &mut Graph<'_, f64>, seeds: &[(Var, Array2<f64>)]| {
        let views: Vec<_> = seeds.iter().map(|(var, seed)| (*var, seed.view())).collect();
        graph.backward_to_inputs(&views).unwrap();
        graph.gradient(x).unwrap().to_owned()
    };
    let flat = |matrix: Array2<f64>| matrix.into_shape_with_order(24).unwrap();
    let expected = |seeds: &[(Var, Array2<f64>)]| {
        let mut sum = Array2::zeros((2, 12));
        let mut rest = Array1::zeros(24);
        for (var, seed) in seeds {
            match *var {
                var if var == left => sum.slice_mut(s![.., 0..5]).add_assign(seed),
                var if var == right => sum.slice_mut(s![.., 3..12]).add_assign(seed),
                var if var == wide => sum += seed,
                var if var == narrow => rest += &flat(seed.clone()),
                var if var == twice => rest += &flat(2.0 * seed),
                _ => rest += &flat(seed.clone()),
            }
        }
        flat(sum) + rest
    };
    // Every set of seeds, some of them twice, in both orders, and with one on the input itself.
    for chosen in 1_usize..1 << seeds.len() {
        let mut some: Vec<_> =
            (0..seeds.len()).filter(|n| chosen >> n & 1 == 1).map(|n| seeds[n].clone()).collect();
        some.push(some[0].clone());
        for _ in 0..2 {
            some.reverse();
            let found = flat(gradient(&mut graph, &some));
            assert!((found - expected(&some)).iter().all(|e| e.abs() < 1e-14), "{chosen:b}");
        }
        some.push((x, normal(9, (4, 6))));
        let found = flat(gradient(&mut graph, &some));
        assert!((found - expected(&some)).iter().all(|e| e.abs() < 1e-14), "{chosen:b}");
    }
}

#[test]
fn seeds_of_any_layout_give_the_same_bits() {
    let mut params = Params::new();
    let net = mlp(&mut params);
    let layouts = crate::support::Layouts::of(&normal(2, (4, 2)));
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let x = normal(1, (4, 3));
    let input = graph.input_with_gradient(x.view());
    let y = net.forward(&mut graph, input);
    let mut results = layouts.views().map(|seed| {
        graph.backward_to_inputs(&[(y, seed)]).unwrap();
        graph.gradient(input).unwrap().to_owned()
    });
    results.rotate_left(1);
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn inputs_get_a_gradient_only_when_asked() {
    let mut params = Params::new();
    let net = mlp(&mut params);
    let x = normal(1, (4, 3));
    let mut gradients = Gradients::zeros_like(&params);
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let plain = graph.input(x.view());
    let asked = graph.input_with_gradient(x.view());
    let unused = graph.input_with_gradient(x.view());
    let sum = graph.add(plain, asked);
    let y = net.forward(&mut graph, sum);
    let seed = normal(2, (4, 2));
    graph.backward(&[(y, seed.view()), (plain, x.view())], &mut gradients).unwrap();
    assert!(graph.gradient(plain).is_none() && graph.gradient(unused).is_none());
    assert!(graph.gradient(asked).is_some() && graph.gradient(y).is_none());
}

#[test]
fn an_unused_parameter_is_an_error_that_names_it() {
    let mut params = Params::new();
    let net = mlp(&mut params);
    add(&mut params, "spare.weight", 1, (2, 2));
    let mut gradients = Gradients::zeros_like(&params);
    let mut adam = Optimiser::new(AdamConfig::default(), &params);
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let x = graph.input(normal(1, (4, 3)).view());
    let y = net.forward(&mut graph, x);
    graph.backward(&[(y, normal(2, (4, 2)).view())], &mut gradients).unwrap();
    let before = params.clone();
    let error = adam.descend(&mut params, &gradients).unwrap_err();
    assert_eq!(error, NetsError::UnusedParameter { name: "spare.weight".into() });
    assert!(error.to_string().contains("spare.weight"));
    assert_eq!((params, adam.step()), (before, 0));
}

#[test]
fn mistakes_are_reported_by_check_and_backward_and_yield_nan() {
    let mut params = Params::new();
    let net = mlp(&mut params);
    let mut gradients = Gradients::zeros_like(&params);
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let x = graph.input(normal(1, (4, 7)).view());
    let y = net.forward(&mut graph, x);
    assert_eq!(graph.shape(y), (4, 2));
    assert!(graph.value(y).iter().all(|y| y.is_nan()));
    let error = graph.check().unwrap_err();
    assert!(error.to_string().contains("x is 4×7, W is 3×5"), "{error}");
    assert_eq!(graph.backward(&[(y, normal(2, (4, 2)).view())], &mut gradients), Err(error));
    // The next graph starts without the error.
    assert_eq!(tape.begin(&params).check(), Ok(()));
}

#[test]
fn every_operation_reports_operands_that_do_not_fit() {
    let mut params = Params::new();
    let w = add(&mut params, "w", 1, (3, 2));
    let row = add(&mut params, "row", 2, (1, 2));
    let geometry = mi_nets::ConvGeometry {
        height: 2,
        width: 2,
        channels: 1,
        kernel: 3,
        stride: 1,
        padding: mi_nets::Padding::Valid,
    };
    let x = normal(1, (4, 5));
    let fails = |build: &dyn Fn(&mut Graph<'_, f64>, Var) -> Var| {
        let mut tape = Tape::new();
        let mut graph = tape.begin(&params);
        let x = graph.input(x.view());
        let y = build(&mut graph, x);
        let nan = graph.value(y).iter().all(|y| y.is_nan());
        nan && matches!(graph.check(), Err(NetsError::Shape { .. }))
    };
    assert!(fails(&|g, _| g.input(Array2::zeros((3, 0)).view())));
    assert!(fails(&|g, x| g.dense(x, w, None, Activation::Relu)));
    assert!(fails(&|g, x| g.conv2d(x, w, None, &geometry, Activation::Relu)));
    assert!(fails(&|g, x| g.layer_norm(x, row, row)));
    assert!(fails(&|g, x| g.global_average_pool(x, 2)));
    assert!(fails(&|g, x| g.global_average_pool(x, 0)));
    assert!(fails(&|g, x| {
        let row = g.param(row);
        g.add(x, row)
    }));
    assert!(fails(&|g, x| g.gather_columns(x, &[0, 5])));
    assert!(fails(&|g, x| g.gather_columns(x, &[])));
    assert!(fails(&|g, x| g.slice_columns(x, 3..6)));
    #[allow(clippy::reversed_empty_ranges, reason = "the test is about a mistake")]
    let backwards = 3..2;
    assert!(fails(&|g, x| g.slice_columns(x, backwards.clone())));
    assert!(fails(&|g, x| g.slice_rows(x, 0..0)));
    assert!(fails(&|g, x| {
        let end = g.shape(x).0 + 1;
        g.slice_rows(x, 1..end)
    }));
    assert!(fails(&|g, x| g.running_mean(x, 0)));
    assert!(fails(&|g, x| g.running_mean(x, 4)));
    assert!(fails(&|g, _| g.concat_rows(&[])));
    assert!(fails(&|g, x| {
        let other = g.slice_columns(x, 0..1);
        g.concat_rows(&[x, other])
    }));
    assert!(fails(&|g, _| g.concat_columns(&[])));
    assert!(fails(&|g, x| {
        let other = g.param(w);
        g.concat_columns(&[x, other])
    }));
    assert!(fails(&|g, x| g.scale_exp(x, row)));
}

#[test]
fn a_seed_of_another_shape_or_gradients_of_other_parameters_are_errors() {
    let mut params = Params::new();
    let net = mlp(&mut params);
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let x = graph.input(normal(1, (4, 3)).view());
    let y = net.forward(&mut graph, x);
    let mut gradients = Gradients::zeros_like(&params);
    let error = graph.backward(&[(y, normal(2, (2, 4)).view())], &mut gradients).unwrap_err();
    assert!(error.to_string().contains("a 2×4 seed for a 4×2 value"), "{error}");
    let mut others = Gradients::zeros_like(&Params::new());
    let error = graph.backward(&[(y, normal(2, (4, 2)).view())], &mut others).unwrap_err();
    assert!(matches!(error, NetsError::Mismatch { .. }));
}

#[test]
fn inference_gives_the_same_bits_and_no_way_back() {
    let mut params = Params::new();
    let net = mlp(&mut params);
    let x = normal(1, (9, 3));
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let input = graph.input(x.view());
    let y = net.forward(&mut graph, input);
    let expected = graph.value(y).to_owned();
    let mut graph = tape.begin_inference(&params);
    let input = graph.input(x.view());
    let y = net.forward(&mut graph, input);
    assert_eq!(graph.value(y), expected);
    assert_eq!(graph.value(input), x);
    let seed = normal(2, (9, 2));
    let mut gradients = Gradients::zeros_like(&params);
    let result = graph.backward(&[(y, seed.view())], &mut gradients);
    assert_eq!(result, Err(NetsError::NotRecorded));
}

#[test]
fn a_rows_value_does_not_depend_on_its_batch_mates() {
    let mut params = Params::new();
    let net = mlp(&mut params);
    let mut tape = Tape::new();
    let mut run = |x: &Array2<f64>| {
        let mut graph = tape.begin_inference(&params);
        let x = graph.input(x.view());
        let y = net.forward(&mut graph, x);
        graph.value(y).to_owned()
    };
    let x = normal(1, (9, 3));
    let mut others = normal(2, (9, 3)) * 100.0;
    others.row_mut(4).assign(&x.row(4));
    assert_eq!(run(&x).row(4), run(&others).row(4));
    let alone = run(&x.slice(s![4..5, ..]).to_owned());
    assert!((&alone.row(0) - &run(&x).row(4)).iter().all(|e| e.abs() < 1e-14));
}

#[test]
fn stale_values_of_a_larger_graph_do_not_show_in_a_smaller_one() {
    let mut params = Params::new();
    let net = mlp(&mut params);
    let mut tape = Tape::new();
    let step = |tape: &mut Tape<f64>, n: usize| {
        let x = normal(n as u64, (n, 3));
        let mut gradients = Gradients::zeros_like(&params);
        let mut graph = tape.begin(&params);
        let input = graph.input_with_gradient(x.view());
        let y = net.forward(&mut graph, input);
        let squares = graph.unary(y, Unary::Square);
        let seed = Array2::ones((n, 2));
        graph.backward(&[(squares, seed.view())], &mut gradients).unwrap();
        let first = params.ids().next().unwrap();
        (graph.gradient(input).unwrap().to_owned(), gradients.view(first).unwrap().to_owned())
    };
    let fresh = step(&mut Tape::new(), 3);
    step(&mut tape, 50);
    assert_eq!(step(&mut tape, 3), fresh);
}

#[test]
#[should_panic(expected = "belongs to another graph")]
fn a_value_of_an_earlier_graph_cannot_be_read() {
    let params = Params::<f64>::new();
    let mut tape = Tape::new();
    let stale = tape.begin(&params).input(array![[1.0]].view());
    let mut graph = tape.begin(&params);
    graph.input(array![[1.0]].view());
    graph.value(stale);
}

#[test]
#[should_panic(expected = "was released")]
fn a_released_value_cannot_be_read() {
    let params = Params::<f64>::new();
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let x = graph.input(array![[1.0]].view());
    graph.release(x);
    graph.value(x);
}

#[test]
fn an_empty_batch_has_zero_gradients() {
    let mut params = Params::new();
    let net = mlp(&mut params);
    let mut gradients = Gradients::zeros_like(&params);
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let x = graph.input(Array2::zeros((0, 3)).view());
    let y = net.forward(&mut graph, x);
    graph.backward(&[(y, Array2::zeros((0, 2)).view())], &mut gradients).unwrap();
    assert!(params.ids().all(|id| gradients.view(id).unwrap().iter().all(|&g| g == 0.0)));
}

#[test]
fn gradients_are_absent_until_something_is_added() {
    let mut params = Params::new();
    let id = add(&mut params, "w", 1, (2, 2));
    let mut gradients = Gradients::zeros_like(&params);
    assert!(gradients.view(id).is_none());
    gradients.accumulate(id)[[0, 1]] += 3.0;
    gradients.scale(2.0);
    assert_eq!(gradients.view(id).unwrap(), array![[0.0, 6.0], [0.0, 0.0]]);
    gradients.accumulate(id)[[0, 0]] = f64::INFINITY;
    assert!(!gradients.all_finite());
    gradients.clear();
    assert!(gradients.all_finite() && gradients.view(id).is_none());
    assert!(gradients.accumulate(id).iter().all(|&g| g == 0.0));
}

#[test]
fn parameters_keep_their_values_whatever_the_layout() {
    let mut params = Params::new();
    let x = normal(1, (3, 4));
    for (k, view) in crate::support::Layouts::of(&x).views().into_iter().enumerate() {
        // `to_owned` keeps Fortran order.
        let id = params.add(format!("w{k}"), view.to_owned()).unwrap();
        assert_eq!(params.view(id), x);
        assert_eq!(params.view(id).as_slice().unwrap(), x.as_slice().unwrap());
    }
    let single: Params<f32> = params.cast();
    assert_eq!(single.cast::<f64>().name(params.ids().last().unwrap()), "w3");
    assert!(matches!(params.add("w0", x), Err(NetsError::DuplicateName { .. })));
    assert!(matches!(params.add("none", Array2::zeros((0, 2))), Err(NetsError::Shape { .. })));
    let twice = params.add_permutation("p", vec![0, 0]);
    assert!(matches!(twice, Err(NetsError::Mismatch { .. })));
    assert_eq!((params.len(), params.scalar_count(), params.all_finite()), (4, 48, true));
}
