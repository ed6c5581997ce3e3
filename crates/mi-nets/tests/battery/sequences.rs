//! Sequences and maps: the gated recurrent unit, causal convolutions, reshaping, a ConvNet's map.

use mi_nets::{CausalConv, ConvNet, ConvNetConfig, Graph, Gru, Init, Module, Params, Tape, Var};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2, s};
use proptest::prelude::*;

use crate::support::{check, config, normal};

fn moved(mut params: Params<f64>) -> Params<f64> {
    for (seed, id) in (0..).zip(params.ids()) {
        let noise = normal(seed, params.view(id).dim()) * 0.5;
        params.view_mut(id).zip_mut_with(&noise, |p, n| *p += n);
    }
    params
}

fn value(params: &Params<f64>, module: &dyn Module<f64>, x: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut tape = Tape::new();
    let mut graph = tape.begin_inference(params);
    let x = graph.input(x);
    let y = module.forward(&mut graph, x);
    graph.check().unwrap();
    graph.value(y).to_owned()
}

proptest! {
    #![proptest_config(config(8))]

    #[test]
    fn gru(n in 1_usize..4, steps in 1_usize..5, inputs in 1_usize..4, width in 1_usize..4) {
        let mut params = Params::new();
        let mut stream = Stream::new(1, "init");
        let net = Gru::new(&mut params, "gru", (steps, inputs, width), &mut stream).unwrap();
        let x = normal(5, (n, steps * inputs));
        check(&moved(params), &[x], |g, x| net.forward(g, x[0]));
    }

    #[test]
    fn reshape_running_mean_and_causal_windows(
        n in 1_usize..4, steps in 1_usize..5, d in 1_usize..4, kernel in 1_usize..6,
    ) {
        let x = normal(5, (n, steps * d));
        check(&Params::new(), std::slice::from_ref(&x), |g, x| g.reshape(x[0], d));
        check(&Params::new(), std::slice::from_ref(&x), |g, x| g.running_mean(x[0], steps));
        check(&Params::new(), &[x], |g, x| g.causal_windows(x[0], steps, kernel));
    }
}

/// One step after another, by the formulas of `PyTorch`'s documentation of `GRU`.
fn slow_gru(params: &Params<f64>, x: ArrayView2<'_, f64>, steps: usize) -> Array2<f64> {
    let of = |name: &str| params.view(params.id(&format!("gru.{name}")).unwrap());
    let (w_input, w_state) = (of("input.weight"), of("state.weight"));
    let (inputs, width) = (w_input.nrows(), w_state.nrows());
    let mut states = Array2::zeros((x.nrows(), steps * width));
    for i in 0..x.nrows() {
        let mut h = vec![0.0; width];
        for t in 0..steps {
            let from_input = |column: usize| {
                let sum: f64 =
                    (0..inputs).map(|k| x[[i, t * inputs + k]] * w_input[[k, column]]).sum();
                sum + of("input.bias")[[0, column]]
            };
            let from_state = |column: usize| {
                let sum: f64 = (0..width).map(|k| h[k] * w_state[[k, column]]).sum();
                sum + of("state.bias")[[0, column]]
            };
            let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
            let next = (0..width).map(|j| {
                let r = sigmoid(from_input(j) + from_state(j));
                let z = sigmoid(from_input(width + j) + from_state(width + j));
                let n = (from_input(2 * width + j) + r * from_state(2 * width + j)).tanh();
                (1.0 - z) * n + z * h[j]
            });
            let next: Vec<f64> = next.collect();
            h = next;
            for (j, &h) in h.iter().enumerate() {
                states[[i, t * width + j]] = h;
            }
        }
    }
    states
}

#[test]
fn a_gru_is_its_formulas() {
    let mut params = Params::new();
    let mut stream = Stream::new(1, "init");
    let net = Gru::new(&mut params, "gru", (4, 3, 5), &mut stream).unwrap();
    let params = moved(params);
    let x = normal(2, (6, 12));
    let found = value(&params, &net, x.view());
    let error = (&found - &slow_gru(&params, x.view(), 4)).mapv(f64::abs);
    assert!(error.into_iter().fold(0.0, f64::max) < 1e-14);
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let input = graph.input(x.view());
    let states = net.forward(&mut graph, input);
    let last = net.last(&mut graph, states);
    assert_eq!(graph.value(last), found.slice(s![.., 15..]));
}

/// The same formulas in numpy, gates in the order r, z, n and the state's bias inside r's product:
///
/// ```python
/// import numpy as np
/// wi = np.array([[.1, -.2, .3, .4, -.5, .6], [.7, .8, -.9, 1., -1.1, 1.2]])  # 2 inputs, width 2
/// wh = np.array([[-.3, .2, .1, -.4, .5, .6], [.2, -.1, .7, .3, -.6, .4]])
/// bi = np.array([.01, .02, .03, .04, .05, .06]); bh = np.array([-.1, .2, -.3, .4, -.5, .6])
/// s = lambda v: 1 / (1 + np.exp(-v)); h = np.zeros(2)
/// for x in np.array([[1., -1.], [.5, 2.], [-.25, .75]]):
///     a, b = x @ wi + bi, h @ wh + bh
///     r, z = s(a[:2] + b[:2]), s(a[2:4] + b[2:4]); n = np.tanh(a[4:] + r * b[4:])
///     h = (1 - z) * n + z * h; print(*map(repr, h.tolist()))
/// ```
#[test]
fn golden_states_of_a_gru() {
    let mut params = Params::new();
    let mut stream = Stream::new(1, "init");
    let net = Gru::new(&mut params, "gru", (3, 2, 2), &mut stream).unwrap();
    let mut set = |name: &str, values: &[f64]| {
        let id = params.id(&format!("gru.{name}")).unwrap();
        for (to, &from) in params.view_mut(id).iter_mut().zip(values) {
            *to = from;
        }
    };
    set("input.weight", &[0.1, -0.2, 0.3, 0.4, -0.5, 0.6, 0.7, 0.8, -0.9, 1.0, -1.1, 1.2]);
    set("state.weight", &[-0.3, 0.2, 0.1, -0.4, 0.5, 0.6, 0.2, -0.1, 0.7, 0.3, -0.6, 0.4]);
    set("input.bias", &[0.01, 0.02, 0.03, 0.04, 0.05, 0.06]);
    set("state.bias", &[-0.1, 0.2, -0.3, 0.4, -0.5, 0.6]);
    let x = ndarray::array![[1.0, -1.0, 0.5, 2.0, -0.25, 0.75]];
    let found = value(&params, &net, x.view());
    let golden = [
        0.126_928_453_168_593_33,
        -0.182_288_060_936_120_46,
        -0.861_066_573_410_993_2,
        -0.095_633_040_082_490_36,
        -0.845_502_903_290_656_2,
        0.058_260_898_439_466_496,
    ];
    for (found, expected) in found.iter().zip(golden) {
        assert!((found - expected).abs() < 1e-15, "{found} for {expected}");
    }
}

#[test]
fn a_gru_starts_as_pytorchs_and_says_what_does_not_fit() {
    let mut params = Params::<f64>::new();
    let mut stream = Stream::new(1, "init");
    let net = Gru::new(&mut params, "gru", (16, 64, 64), &mut stream).unwrap();
    // 3 · (64 · 64 + 64 · 64 + 64 + 64).
    assert_eq!(params.scalar_count(), 24_960);
    let size = Module::<f64>::size(&net);
    assert_eq!((size.parameters, size.products), (24_960, 16 * 2 * 3 * 64 * 64));
    assert_eq!(size.of_input, 16 * 3 * 64 * 64);
    for id in params.ids() {
        let w = params.view(id);
        assert!(w.iter().all(|w| w.abs() <= 0.125), "±1/√64");
        assert!((w.std(0.0) - 0.125 / 3.0_f64.sqrt()).abs() < 0.01, "{}", params.name(id));
    }
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let x = graph.input(normal(1, (2, 16 * 63)).view());
    net.forward(&mut graph, x);
    let error = graph.check().unwrap_err();
    assert!(error.to_string().contains("2×1008, 16 steps"), "{error}");
    for sizes in [(0, 1, 1), (1, 0, 1), (1, 1, 0)] {
        let error = Gru::new(&mut params, "other", sizes, &mut stream).unwrap_err();
        assert!(error.to_string().contains("≥ 1"), "{error}");
    }
}

#[test]
fn contexts_see_no_later_step() {
    let mut params = Params::new();
    let mut stream = Stream::new(1, "init");
    let init = Init::GlorotUniform;
    let gru = Gru::new(&mut params, "gru", (6, 3, 4), &mut stream).unwrap();
    let conv = CausalConv::new(&mut params, "conv", (6, 3), &[3, 5, 4], init, &mut stream).unwrap();
    let params = moved(params);
    let x = normal(1, (2, 18));
    let modules: [&dyn Module<f64>; 2] = [&gru, &conv];
    for module in modules {
        assert_eq!((module.input_dim(), module.output_dim()), (18, 24));
        let before = value(&params, module, x.view());
        for step in 0..6 {
            let mut other = x.clone();
            other.slice_mut(s![.., 3 * step..3 * (step + 1)]).fill(9.0);
            let after = value(&params, module, other.view());
            assert_eq!(after.slice(s![.., ..4 * step]), before.slice(s![.., ..4 * step]));
            let own = s![.., 4 * step..4 * (step + 1)];
            assert_ne!(after.slice(own), before.slice(own), "{module:?} sees its own step");
        }
    }
    check(&params, &[x], |g, x| {
        let h = conv.forward(g, x[0]);
        let h = g.reshape(h, 4);
        g.reshape(h, 24)
    });
}

#[test]
fn a_causal_convolution_is_its_sum_over_the_latest_steps() {
    let mut params = Params::<f64>::new();
    let mut stream = Stream::new(1, "init");
    let init = Init::GlorotUniform;
    let net = CausalConv::new(&mut params, "c", (5, 2), &[3, 4], init, &mut stream).unwrap();
    let (x, w) = (normal(1, (2, 15)), params.view(params.id("c.layers.0.weight").unwrap()));
    let found = value(&params, &net, x.view());
    for ((i, column), &found) in found.indexed_iter() {
        let (t, out) = (column / 4, column % 4);
        let mut expected = 0.0;
        for lag in 0..2.min(t + 1) {
            for c in 0..3 {
                expected += x[[i, (t - lag) * 3 + c]] * w[[(1 - lag) * 3 + c, out]];
            }
        }
        assert!((found - expected).abs() < 1e-14);
    }
    assert!(CausalConv::new(&mut params, "d", (0, 2), &[3, 4], init, &mut stream).is_err());
    assert!(CausalConv::new(&mut params, "d", (5, 2), &[3], init, &mut stream).is_err());
}

#[test]
fn a_convnets_map_is_what_its_summary_averages() {
    let mut params = Params::new();
    let config =
        ConvNetConfig { filters: vec![3, 4], output: 5, ..ConvNetConfig::paper(16, 15, 1) };
    let mut stream = Stream::new(1, "init");
    let net = ConvNet::new(&mut params, "net", &config, Init::GlorotUniform, &mut stream).unwrap();
    let (height, width, channels) = net.map_shape();
    assert_eq!((height, width, channels), (4, 4, 4));
    let params = moved(params);
    let x = normal(1, (3, 240));
    let summary = value(&params, &net, x.view());
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let input = graph.input(x.view());
    let outputs = net.forward_with_map(&mut graph, input);
    assert_eq!(graph.value(outputs.summary), summary);
    assert_eq!(graph.shape(outputs.map), (3, height * width * channels));
    // The mean of the map and the dense layer, computed by hand.
    let of = |name: &str| params.view(params.id(name).unwrap());
    let map = graph.value(outputs.map).to_owned();
    let mean = Array2::from_shape_fn((3, 4), |(i, c)| {
        map.row(i).iter().skip(c).step_by(4).sum::<f64>() / 16.0
    });
    let by_hand = mean.dot(&of("net.dense.weight")) + of("net.dense.bias");
    assert!((by_hand - summary).iter().all(|e| e.abs() < 1e-13));
    // A corner of the local map does not depend on the far corner of the image; the normalised one
    // does.
    let mut far = x.clone();
    far.column_mut(239).fill(5.0);
    let input = graph.input(far.view());
    let moved = net.forward_with_map(&mut graph, input);
    let corner = s![.., ..4];
    let (local, normal) = (graph.value(outputs.local_map), graph.value(moved.local_map));
    assert_eq!(local.slice(corner), normal.slice(corner));
    assert_ne!(local, normal);
    assert_ne!(map.slice(corner), graph.value(moved.map).slice(corner));
    let all = |g: &mut Graph<'_, f64>, x: &[Var]| {
        let o = net.forward_with_map(g, x[0]);
        g.concat_columns(&[o.summary, o.map, o.local_map])
    };
    check(&params, &[x], all);
}

/// The numbers of parameters of the published networks: `PyTorch`'s GRU of 64 units on 64 inputs, and
/// Deep `InfoMax`'s convolutions on images of 28 × 28 with the paper's layer norm and output.
#[test]
fn networks_have_the_published_numbers_of_parameters() {
    let mut stream = Stream::new(1, "sizes");
    let mut params = Params::<f64>::new();
    Gru::new(&mut params, "gru", (16, 64, 64), &mut stream).unwrap();
    assert_eq!(params.scalar_count(), 3 * 64 * (64 + 64) + 2 * 3 * 64);
    let mut params = Params::<f64>::new();
    let config = ConvNetConfig::paper(28, 28, 1);
    ConvNet::new(&mut params, "g", &config, Init::GlorotUniform, &mut stream).unwrap();
    let convolutions = (25 * 64 + 64) + (25 * 64 * 128 + 128);
    assert_eq!(params.scalar_count(), convolutions + 2 * 128 + (128 * 100 + 100));
}
