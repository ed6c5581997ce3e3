//! Edge cases: constant rows, zero rows, extreme magnitudes, NaN, clamps.

use mi_nets::{
    Activation, AdamConfig, Gradients, Graph, LARGEST_LOG_SCALE, Learner, Params, Tape, Unary, Var,
};
use ndarray::{Array2, array};

/// The value and the input gradient under a seed.
fn value_and_gradient(
    x: &Array2<f64>,
    seed: &Array2<f64>,
    params: &Params<f64>,
    build: impl Fn(Var, &mut Graph<'_, f64>) -> Var,
) -> (Array2<f64>, Array2<f64>) {
    let mut tape = Tape::new();
    let mut graph = tape.begin(params);
    let input = graph.input_with_gradient(x.view());
    let y = build(input, &mut graph);
    graph.backward_to_inputs(&[(y, seed.view())]).unwrap();
    (graph.value(y).to_owned(), graph.gradient(input).unwrap().to_owned())
}

#[test]
fn layer_norm_of_a_constant_row_is_its_shift_and_its_gradient_is_finite() {
    let mut params = Params::new();
    let scale = params.add("scale", array![[2.0, 3.0]]).unwrap();
    let shift = params.add("shift", array![[0.5, -0.5]]).unwrap();
    let (x, seed) = (array![[7.0, 7.0, 7.0, 7.0]], array![[1.0, 0.0, 0.0, 0.0]]);
    let (y, dx) = value_and_gradient(&x, &seed, &params, |x, g| g.layer_norm(x, scale, shift));
    assert_eq!(y, array![[0.5, -0.5, 0.5, -0.5]]);
    // (g − mean g) · 10⁶ with g = (2, 0, 0, 0).
    let expected = array![[1.5e6, -0.5e6, -0.5e6, -0.5e6]];
    assert!((&dx - &expected).iter().all(|e| e.abs() < 1e-3), "{dx}");
}

#[test]
fn layer_norm_normalises_the_whole_row_and_scales_channels() {
    let mut params = Params::new();
    let scale = params.add("scale", array![[1.0, 10.0]]).unwrap();
    let shift = params.add("shift", array![[0.0, 100.0]]).unwrap();
    let (x, seed) = (array![[1.0, 2.0, 3.0, 4.0]], array![[0.0, 0.0, 0.0, 0.0]]);
    let (y, _) = value_and_gradient(&x, &seed, &params, |x, g| g.layer_norm(x, scale, shift));
    let s = 1.25_f64.sqrt() + 1e-6;
    let expected = array![[-1.5 / s, -5.0 / s + 100.0, 0.5 / s, 15.0 / s + 100.0]];
    assert!((&y - &expected).iter().all(|e| e.abs() < 1e-12), "{y}");
}

#[test]
fn zero_rows_stay_zero_and_pass_nothing_back() {
    let x = array![[0.0, 0.0], [3.0, 4.0], [-0.0, 0.0]];
    let seed = array![[1.0, -2.0], [0.0, 5.0], [1.0, 1.0]];
    let (y, dx) = value_and_gradient(&x, &seed, &Params::new(), |x, g| g.normalize_rows(x));
    assert_eq!((y.row(0).to_vec(), y.row(2).to_vec()), (vec![0.0, 0.0], vec![0.0, 0.0]));
    assert!((y[[1, 0]] - 0.6).abs() < 1e-15 && (y[[1, 1]] - 0.8).abs() < 1e-15);
    assert_eq!(dx.row(0).to_vec(), [0.0, 0.0]);
    assert_eq!(dx.row(2).to_vec(), [0.0, 0.0]);
    assert!((dx[[1, 0]] + 0.48).abs() < 1e-15 && (dx[[1, 1]] - 0.36).abs() < 1e-15);
}

#[test]
fn rows_whose_squares_leave_f32_are_normalised() {
    let x = array![[3e-30_f32, 4e-30], [3e30, 4e30], [1e-45, 0.0]];
    let params = Params::new();
    let mut tape = Tape::new();
    let mut graph = tape.begin_inference(&params);
    let input = graph.input(x.view());
    let y = graph.normalize_rows(input);
    let expected = array![[0.6, 0.8], [0.6, 0.8], [0.0, 0.0]];
    let error = &graph.value(y) - &expected;
    assert!(error.iter().all(|e| e.abs() < 1e-6), "{error}");
}

#[test]
fn nan_is_never_hidden() {
    let mut params = Params::new();
    let w = params.add("w", array![[1.0, 1.0]]).unwrap();
    let b = params.add("b", array![[0.0, 0.0]]).unwrap();
    let x = array![[f64::NAN]];
    let mut tape = Tape::new();
    let mut graph = tape.begin_inference(&params);
    let input = graph.input(x.view());
    let dense = graph.dense(input, w, Some(b), Activation::Relu);
    let relu = graph.unary(input, Unary::Relu);
    let normal = graph.normalize_rows(input);
    for y in [dense, relu, normal] {
        assert!(graph.value(y).iter().all(|y| y.is_nan()));
    }
}

#[test]
fn softplus_neither_overflows_nor_loses_small_values() {
    let x = array![[-800.0, -40.0, 0.0, 40.0, 800.0]];
    let (y, dx) = value_and_gradient(&x, &Array2::ones((1, 5)), &Params::new(), |x, g| {
        g.unary(x, Unary::Softplus)
    });
    let expected = [0.0, (-40.0_f64).exp(), 2.0_f64.ln(), 40.0, 800.0];
    for (y, expected) in y.iter().zip(expected) {
        assert!((y - expected).abs() <= 1e-15 * expected, "{y} for {expected}");
    }
    let expected = [0.0, (-40.0_f64).exp(), 0.5, 1.0, 1.0];
    for (dx, expected) in dx.iter().zip(expected) {
        assert!((dx - expected).abs() <= 1e-15 * expected, "{dx} for {expected}");
    }
}

#[test]
fn the_learned_scale_is_clamped_at_100_and_can_come_back_from_there() {
    let gradient_at = |log_scale: f64| {
        let mut params = Params::new();
        let p = params.add("p", array![[log_scale]]).unwrap();
        let mut gradients = Gradients::zeros_like(&params);
        let mut tape = Tape::new();
        let mut graph = tape.begin(&params);
        let x = graph.input(array![[1.0, 2.0]].view());
        let y = graph.scale_exp(x, p);
        graph.backward(&[(y, array![[1.0, 1.0]].view())], &mut gradients).unwrap();
        (graph.value(y)[[0, 0]], gradients.view(p).unwrap()[[0, 0]])
    };
    assert_eq!(gradient_at(0.0), (1.0, 3.0));
    let (value, gradient) = gradient_at(100.0_f64.ln());
    assert!((value - 100.0).abs() < 1e-12 && (gradient - 300.0).abs() < 1e-12);
    let (value, gradient) = gradient_at(9.0);
    assert!((value - 100.0).abs() < 1e-12 && gradient == 0.0);
}

/// Beyond the clamp there is no gradient, so only a limit of the parameter itself brings it back.
#[test]
fn a_limited_scale_that_started_beyond_the_clamp_comes_down() {
    let after = |limited: bool, steps: usize| {
        let mut params = Params::new();
        let p = params.add("p", array![[4.7]]).unwrap();
        if limited {
            params.limit(p, LARGEST_LOG_SCALE);
        }
        let mut learner = Learner::new(AdamConfig { lr: 0.01, ..AdamConfig::default() }, params);
        for _ in 0..steps {
            let mut graph = learner.begin();
            let x = graph.input(array![[1.0, 2.0]].view());
            let y = graph.scale_exp(x, p);
            learner.descend(&[(y, array![[1.0, 1.0]].view())]).unwrap();
        }
        learner.params.view(p)[[0, 0]]
    };
    assert_eq!(after(false, 30), 4.7);
    assert_eq!(after(true, 1), LARGEST_LOG_SCALE);
    assert!(after(true, 30) < LARGEST_LOG_SCALE - 0.1);
}

#[test]
fn nothing_comes_back_from_nothing_however_steep_the_function() {
    let zero = Array2::zeros((1, 1));
    let inf = f64::INFINITY;
    let functions =
        [(Unary::Ln, 0.0), (Unary::Exp, 1000.0), (Unary::Square, 1e300), (Unary::Exp, inf)];
    for (function, at) in functions {
        let x = array![[at]];
        let (_, dx) = value_and_gradient(&x, &zero, &Params::new(), |x, g| g.unary(x, function));
        assert_eq!(dx, zero, "{function:?} at {at}");
        let seed = array![[1.0]];
        let (_, dx) = value_and_gradient(&x, &seed, &Params::new(), |x, g| g.unary(x, function));
        assert!(dx[[0, 0]] > 1e300, "{function:?} at {at}: {dx}");
    }
    // A product with a mask of −∞ that gets no gradient.
    let mask = array![[3.0, -inf]];
    let seed = array![[2.0, 0.0]];
    for masked_first in [true, false] {
        let (_, dx) = value_and_gradient(&array![[1.0, 1.0]], &seed, &Params::new(), |x, g| {
            let mask = g.input(mask.view());
            if masked_first { g.multiply(mask, x) } else { g.multiply(x, mask) }
        });
        assert_eq!(dx, array![[6.0, 0.0]]);
    }
}

/// Cross-entropy of scores over a learned temperature, one of them excluded by −∞.
#[test]
fn a_masked_score_leaves_the_temperature_its_gradient() {
    let scores = array![[2.0, 1.0, f64::NEG_INFINITY], [0.0, 3.0, 1.0]];
    let t = 0.5_f64;
    let mut params = Params::new();
    let log_scale = params.add("log_scale", array![[-t.ln()]]).unwrap();
    let mut gradients = Gradients::zeros_like(&params);
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let x = graph.input(scores.view());
    let scaled = graph.scale_exp(x, log_scale);
    let (loss, gradient) =
        mi_nets::softmax_cross_entropy(graph.value(scaled), mi_nets::Targets::Labels(&[0, 1]))
            .unwrap();
    graph.backward(&[(scaled, gradient.view())], &mut gradients).unwrap();
    // d/dt = d/d(−log t) · (−1/t)
    let slope = -gradients.view(log_scale).unwrap()[[0, 0]] / t;
    assert!((loss - 0.073_754_6).abs() < 1e-7, "{loss}");
    assert!((slope - 0.324_745_5).abs() < 1e-7, "{slope}");
}

#[test]
fn cross_entropy_of_huge_logits_is_that_of_their_differences() {
    for size in [1e6_f64, 1e12, 1e17, -1e17] {
        let logits = Array2::from_elem((2, 5), size);
        let (loss, gradient) =
            mi_nets::softmax_cross_entropy(logits.view(), mi_nets::Targets::Labels(&[0, 4]))
                .unwrap();
        assert!((loss - 5_f64.ln()).abs() < 1e-12, "{size}: {loss}");
        assert!((gradient[[0, 0]] + 0.4).abs() < 1e-12 && (gradient[[0, 1]] - 0.1).abs() < 1e-12);
    }
}

/// Numbers of similar size, summed sequentially, would lose their last digits. A layer norm on them
/// needs the mean to within a tenth of 10⁻⁶.
#[test]
fn means_over_long_axes_keep_their_digits() {
    for n in [20_000, 60_000] {
        let x = Array2::from_shape_fn((1, n), |(_, j)| 1e6 + (j % 2) as f32);
        let mut params = Params::new();
        let scale = params.add("scale", array![[2.0_f32, 3.0]]).unwrap();
        let shift = params.add("shift", array![[-1.0_f32, 5.0]]).unwrap();
        let mut tape = Tape::new();
        let mut graph = tape.begin(&params);
        let row = graph.input(x.view());
        let sum = graph.row_sums(row);
        let pooled = graph.global_average_pool(row, 1);
        let norm = graph.layer_norm(row, scale, shift);
        let mean = f64::from(graph.value(sum)[[0, 0]]) / n as f64;
        assert!((mean / 1_000_000.5 - 1.0).abs() < 1e-7);
        assert_eq!(graph.value(pooled)[[0, 0]], 1_000_000.5);
        // The mean is half a step from either value, and so is the standard deviation.
        for (j, y) in graph.value(norm).iter().enumerate() {
            let expected = if j % 2 == 0 { -2.0 - 1.0 } else { 3.0 + 5.0 };
            assert!((y - expected).abs() < 1e-5, "{n}, {j}: {y} where {expected} is right");
        }
    }
}

/// The sums over a batch, at every size: bias of a dense layer, shift and scale of a layer norm and
/// of a batch norm, and the batch norm's statistics.
#[test]
fn sums_over_a_batch_keep_their_digits() {
    for n in [1_000, 2_048, 16_384, 60_000] {
        let x = Array2::from_shape_fn((n, 1), |(j, _)| 1e6 + (j % 2) as f32);
        let exact = n as f64 * 1_000_000.5;
        let mut params = Params::new();
        let weight = params.add("weight", array![[1.0_f32]]).unwrap();
        let bias = params.add("bias", array![[0.0_f32]]).unwrap();
        let names = ["layer.scale", "layer.shift", "batch.scale", "batch.shift"];
        let [scale, shift, gain, offset] =
            names.map(|name| params.add(name, array![[1.0_f32, 1.0]]).unwrap());
        let running = params.add_running_statistics("running", 2, 0.1).unwrap();
        let mut gradients = Gradients::zeros_like(&params);
        let mut tape = Tape::new();
        let mut graph = tape.begin(&params);
        let column = graph.input(x.view());
        let dense = graph.dense(column, weight, Some(bias), Activation::Relu);
        let pairs = graph.input(Array2::from_shape_fn((n, 2), |(_, c)| c as f32).view());
        let layer = graph.layer_norm(pairs, scale, shift);
        let twice = Array2::from_shape_fn((n, 2), |(j, _)| x[[j, 0]]);
        let both = graph.input(twice.view());
        let batch = graph.batch_norm(both, gain, offset, running);
        // Half a step from the mean on either side.
        for (j, y) in graph.value(batch).column(0).iter().enumerate() {
            assert!((y - if j % 2 == 0 { 0.0 } else { 2.0 }).abs() < 1e-4, "{n}, {j}: {y}");
        }
        let seeds = [(dense, x.view()), (layer, twice.view()), (batch, twice.view())];
        graph.backward(&seeds, &mut gradients).unwrap();
        for id in [bias, scale, shift, offset] {
            // The first column of the layer norm is −1, its second 1.
            let found = f64::from(*gradients.view(id).unwrap().last().unwrap());
            assert!((found / exact - 1.0).abs() < 2e-6, "{n}, {}: {found}", params.name(id));
        }
        // Σ dy · x̂ = n / 2, from terms of ±10⁶.
        let found = f64::from(gradients.view(gain).unwrap()[[0, 0]]);
        assert!((found - n as f64 / 2.0).abs() < 1e-6 * exact, "{n}: {found}");
    }
}
