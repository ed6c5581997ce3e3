//! Networks: derivatives, parameter counts, names and initial values.

use mi_nets::{
    Activation, CausalConv, ConvGeometry, ConvNet, ConvNetConfig, CouplingKind, Gradients, Graph,
    Gru, InfoMaxNet, InfoMaxNetConfig, Init, Mlp, Mode, Module, NetsError, NetworkSize, Padding,
    Params, RealNvp, RealNvpConfig, ResidualMlp, Tape, jacobian,
};
use mi_random::Stream;
use ndarray::{Array2, s};

use crate::support::{check, normal};

fn stream() -> Stream {
    Stream::new(7, "init")
}

/// Moves all parameters, including biases: with zero biases a unit whose inputs are all dead is
/// exactly at its kink, where a difference quotient is not the derivative.
fn moved(mut params: Params<f64>) -> Params<f64> {
    for (seed, id) in (0..).zip(params.ids()) {
        let noise = normal(seed, params.view(id).dim()) * 0.3;
        let mut values = params.view_mut(id);
        values += &noise;
    }
    params
}

fn check_module(params: Params<f64>, module: &dyn Module<f64>, n: usize) {
    let x = normal(5, (n, module.input_dim()));
    check(&moved(params), &[x], |g, x| module.forward(g, x[0]));
}

#[test]
fn derivatives_of_an_mlp() {
    let mut params = Params::new();
    let net =
        Mlp::new(&mut params, "net", &[3, 6, 5, 2], Init::GlorotUniform, &mut stream()).unwrap();
    check_module(params, &net, 4);
}

#[test]
fn derivatives_of_a_residual_mlp() {
    let mut params = Params::new();
    let init = Init::TruncatedNormal { sd: 0.1 };
    let net = ResidualMlp::new(&mut params, "net", 4, 5, init, &mut stream()).unwrap();
    check_module(params, &net, 3);
}

#[test]
fn derivatives_of_a_convnet() {
    let mut params = Params::new();
    let config = ConvNetConfig {
        height: 5,
        width: 6,
        channels: 2,
        filters: vec![3, 4],
        kernel: 5,
        stride: 2,
        output: 3,
    };
    let net =
        ConvNet::new(&mut params, "net", &config, Init::GlorotUniform, &mut stream()).unwrap();
    check_module(params, &net, 3);
}

#[test]
fn derivatives_of_realnvp_and_its_log_det() {
    for kind in [CouplingKind::Additive, CouplingKind::Affine] {
        let mut params = Params::new();
        let config = RealNvpConfig { dim: 5, couplings: 3, hidden: vec![4, 6], kind };
        let net =
            RealNvp::new(&mut params, "net", &config, Init::GlorotUniform, &mut stream()).unwrap();
        check_module(params.clone(), &net, 3);
        check(&moved(params), &[normal(5, (3, 5))], |g, x| {
            let (y, log_det) = net.forward_with_log_det(g, x[0]);
            g.concat_columns(&[y, log_det])
        });
    }
}

#[test]
fn parameter_counts_are_the_papers() {
    let size = |net: &dyn Module<f32>| net.size();
    let count = |add: &dyn Fn(&mut Params<f32>) -> NetworkSize| {
        let mut params = Params::new();
        assert_eq!(add(&mut params).parameters, params.scalar_count());
        params.scalar_count()
    };
    let mlp = |params: &mut Params<f32>| {
        let sizes = [392, 300, 300, 100];
        size(&Mlp::new(params, "g1", &sizes, Init::GlorotUniform, &mut stream()).unwrap())
    };
    assert_eq!(count(&mlp), 238_300);
    let convnet = |params: &mut Params<f32>| {
        let config = ConvNetConfig::paper(14, 28, 1);
        size(&ConvNet::new(params, "g1", &config, Init::GlorotUniform, &mut stream()).unwrap())
    };
    assert_eq!(count(&convnet), 219_748);
    let realnvp = |kind, couplings| {
        move |params: &mut Params<f32>| {
            let config = RealNvpConfig { dim: 392, couplings, hidden: vec![512, 512], kind };
            let init = Init::TruncatedNormal { sd: 1e-4 };
            size(&RealNvp::new(params, "g1", &config, init, &mut stream()).unwrap())
        }
    };
    // 13.92 million in 30 couplings; one coupling is enough to check this.
    assert_eq!(count(&realnvp(CouplingKind::Additive, 1)) * 30, 13_922_040);
    assert_eq!(count(&realnvp(CouplingKind::Affine, 1)), 464_068 + 513 * 196);
    let residual = |params: &mut Params<f32>| {
        let init = Init::TruncatedNormal { sd: 1e-4 };
        size(&ResidualMlp::new(params, "g1", 392, 5, init, &mut stream()).unwrap())
    };
    assert_eq!(count(&residual), 5 * (392 * 392 + 392));
}

/// Pairs of an output position and a kernel position that lie on the axis, not on its margins.
fn taps_on_axis(length: usize, kernel: usize, stride: usize) -> usize {
    let outputs = length.div_ceil(stride);
    let margin = ((outputs - 1) * stride + kernel).saturating_sub(length) / 2;
    let on_axis = |at: usize| (margin..margin + length).contains(&at);
    (0..outputs)
        .flat_map(|o| (0..kernel).map(move |t| o * stride + t))
        .filter(|&at| on_axis(at))
        .count()
}

/// Products of each layer, counted from its shapes, and those of the first layer.
#[test]
fn multiply_adds_by_hand() {
    let (init, mut params) = (Init::GlorotUniform, Params::<f32>::new());
    let mut stream = stream();
    let nvp = |kind| RealNvpConfig { dim: 9, couplings: 3, hidden: vec![5, 6], kind };
    let configs = [CouplingKind::Additive, CouplingKind::Affine].map(nvp);
    let image = ConvNetConfig {
        height: 14,
        width: 28,
        channels: 2,
        filters: vec![3, 4],
        kernel: 5,
        stride: 2,
        output: 7,
    };
    let first = taps_on_axis(14, 5, 2) * taps_on_axis(28, 5, 2) * 2 * 3;
    let second = taps_on_axis(7, 5, 2) * taps_on_axis(14, 5, 2) * 3 * 4;
    let mlp = Mlp::new(&mut params, "mlp", &[8, 6, 5], init, &mut stream).unwrap();
    let residual = ResidualMlp::new(&mut params, "residual", 6, 4, init, &mut stream).unwrap();
    let conv = ConvNet::new(&mut params, "conv", &image, init, &mut stream).unwrap();
    let additive = RealNvp::new(&mut params, "additive", &configs[0], init, &mut stream).unwrap();
    let affine = RealNvp::new(&mut params, "affine", &configs[1], init, &mut stream).unwrap();
    let gru = Gru::new(&mut params, "gru", (4, 12, 5), &mut stream).unwrap();
    let causal =
        CausalConv::new(&mut params, "causal", (6, 2), &[3, 5, 4], init, &mut stream).unwrap();
    let layers: [(&str, &dyn Module<f32>, usize, usize); 7] = [
        ("mlp", &mlp, 8 * 6 + 6 * 5, 8 * 6),
        ("residual", &residual, 4 * 6 * 6, 6 * 6),
        ("conv", &conv, first + second + 4 * 7, first),
        // Four of nine values enter the network of a coupling, which changes the other five.
        ("additive", &additive, 3 * (4 * 5 + 5 * 6 + 6 * 5), 4 * 5),
        ("affine", &affine, 3 * (4 * 5 + 5 * 6 + 6 * 10), 4 * 5),
        ("gru", &gru, 4 * 3 * 5 * (12 + 5), 4 * 3 * 5 * 12),
        ("causal", &causal, 6 * 2 * (3 * 5 + 5 * 4), 6 * 2 * 3 * 5),
    ];
    for (name, layer, products, of_input) in layers {
        let size = layer.size();
        assert_eq!((size.products, size.of_input), (products, of_input), "{name}");
        // Forward, to the parameters, and to the inputs of all layers but the first.
        assert_eq!(size.step_products(), 3 * products - of_input, "{name}");
    }
    // The same from a configuration alone.
    for (config, net) in configs.iter().zip([&additive, &affine]) {
        assert_eq!(NetworkSize::realnvp(config), Module::<f32>::size(net));
    }
}

#[test]
fn parameters_are_named_by_path() {
    let mut params = Params::<f32>::new();
    let mut stream = stream();
    Mlp::new(&mut params, "g1", &[3, 4, 2], Init::GlorotUniform, &mut stream).unwrap();
    let id = params.id("g1.layers.0.weight").unwrap();
    assert_eq!((params.view(id).dim(), params.name(id)), ((3, 4), "g1.layers.0.weight"));
    assert_eq!(params.view(params.id("g1.layers.1.bias").unwrap()).dim(), (1, 2));
    assert_eq!(params.id("g1.layers.2.bias"), None);
    let again = Mlp::new(&mut params, "g1", &[3, 4, 2], Init::GlorotUniform, &mut stream);
    assert!(matches!(again, Err(NetsError::DuplicateName { .. })));
}

#[test]
fn layers_that_cannot_be_are_refused() {
    let mut params = Params::<f32>::new();
    let mut stream = stream();
    let init = Init::GlorotUniform;
    for sizes in [&[][..], &[3], &[3, 0, 2]] {
        assert!(Mlp::new(&mut params, "net", sizes, init, &mut stream).is_err());
    }
    assert!(ResidualMlp::new(&mut params, "net", 4, 0, init, &mut stream).is_err());
    for config in [
        ConvNetConfig { filters: vec![], ..ConvNetConfig::paper(4, 4, 1) },
        ConvNetConfig { stride: 0, ..ConvNetConfig::paper(4, 4, 1) },
        ConvNetConfig::paper(0, 4, 1),
    ] {
        let error = ConvNet::new(&mut params, "net", &config, init, &mut stream).unwrap_err();
        assert!(error.to_string().contains("net"), "{error}");
    }
    let kind = CouplingKind::Additive;
    let config = RealNvpConfig { dim: 1, couplings: 3, hidden: vec![4], kind };
    assert!(RealNvp::new(&mut params, "net", &config, init, &mut stream).is_err());
    assert!(params.is_empty());
}

#[test]
fn initial_values_have_the_asked_distribution() {
    let mut params = Params::<f64>::new();
    let mut stream = stream();
    let sizes = [300, 200];
    Mlp::new(&mut params, "glorot", &sizes, Init::GlorotUniform, &mut stream).unwrap();
    let truncated = Init::TruncatedNormal { sd: 1e-4 };
    Mlp::new(&mut params, "truncated", &sizes, truncated, &mut stream).unwrap();
    let of = |name: &str| params.view(params.id(name).unwrap()).to_owned();
    let (w, limit) = (of("glorot.layers.0.weight"), (6.0_f64 / 500.0).sqrt());
    assert!(w.iter().all(|w| w.abs() <= limit));
    // Standard errors at 60,000 draws: below 0.5 % of the limit for the mean, 0.3 % for the sd.
    assert!(w.mean().unwrap().abs() < 0.01 * limit);
    assert!((w.std(0.0) / (limit / 3.0_f64.sqrt()) - 1.0).abs() < 0.01);
    let w = of("truncated.layers.0.weight");
    assert!(w.iter().all(|w| w.abs() <= 2e-4) && w.iter().any(|w| w.abs() > 1.9e-4));
    assert!((w.std(0.0) / (1e-4 * 0.773_741_f64.sqrt()) - 1.0).abs() < 0.01);
    assert!(of("glorot.layers.0.bias").iter().all(|&b| b == 0.0));
    // A convolution's fans count its kernel's positions.
    let config = ConvNetConfig::paper(14, 28, 1);
    ConvNet::new(&mut params, "conv", &config, Init::GlorotUniform, &mut stream).unwrap();
    let w = params.view(params.id("conv.convs.1.weight").unwrap());
    let limit = (6.0_f64 / (25.0 * (64.0 + 128.0))).sqrt();
    let largest = w.iter().fold(0.0_f64, |m, w| m.max(w.abs()));
    assert!(largest <= limit && largest > 0.999 * limit, "{largest} of {limit}");
}

#[test]
fn both_number_types_start_with_the_same_weights() {
    let single = {
        let mut params = Params::<f32>::new();
        Mlp::new(&mut params, "net", &[3, 4], Init::GlorotUniform, &mut stream()).unwrap();
        params
    };
    let mut double = Params::<f64>::new();
    Mlp::new(&mut double, "net", &[3, 4], Init::GlorotUniform, &mut stream()).unwrap();
    assert_eq!(double.cast::<f32>(), single);
}

#[test]
fn a_convnet_is_its_layers() {
    let mut params = Params::<f64>::new();
    let config = ConvNetConfig::paper(14, 28, 1);
    let net =
        ConvNet::new(&mut params, "net", &config, Init::GlorotUniform, &mut stream()).unwrap();
    let module: &dyn Module<f64> = &net;
    assert_eq!((module.input_dim(), module.output_dim()), (392, 100));
    let x = normal(1, (3, 392));
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let input = graph.input(x.view());
    let y = net.forward(&mut graph, input);
    let y = graph.value(y).to_owned();
    let id = |name: &str| params.id(name).unwrap();
    let same = |height, width, channels| ConvGeometry {
        height,
        width,
        channels,
        kernel: 5,
        stride: 2,
        padding: Padding::Same,
    };
    let conv = |g: &mut Graph<'_, f64>, x, k: usize, geometry| {
        let (w, b) = (id(&format!("net.convs.{k}.weight")), id(&format!("net.convs.{k}.bias")));
        g.conv2d(x, w, Some(b), &geometry, Activation::Relu)
    };
    let h = conv(&mut graph, input, 0, same(14, 28, 1));
    let h = conv(&mut graph, h, 1, same(7, 14, 64));
    assert_eq!(graph.shape(h), (3, 4 * 7 * 128));
    let h = graph.layer_norm(h, id("net.norm.scale"), id("net.norm.shift"));
    let h = graph.global_average_pool(h, 128);
    let by_hand =
        graph.dense(h, id("net.dense.weight"), Some(id("net.dense.bias")), Activation::Linear);
    assert_eq!(graph.value(by_hand), y);
}

#[test]
fn embeddings_do_not_depend_on_batch_mates() {
    let mut params = Params::<f32>::new();
    let mut stream = stream();
    let init = Init::GlorotUniform;
    let config = ConvNetConfig { output: 10, ..ConvNetConfig::paper(6, 8, 1) };
    let nvp = RealNvpConfig { dim: 48, couplings: 2, hidden: vec![8], kind: CouplingKind::Affine };
    let info_max = InfoMaxNetConfig {
        height: 6,
        width: 8,
        channels: 1,
        filters: vec![2, 3],
        kernel: 3,
        hidden: 5,
        output: 4,
    };
    let modules: [Box<dyn Module<f32>>; 7] = [
        Box::new(Mlp::new(&mut params, "mlp", &[48, 20, 7], init, &mut stream).unwrap()),
        Box::new(ResidualMlp::new(&mut params, "res", 48, 3, init, &mut stream).unwrap()),
        Box::new(ConvNet::new(&mut params, "conv", &config, init, &mut stream).unwrap()),
        Box::new(InfoMaxNet::new(&mut params, "dim", &info_max, init, &mut stream).unwrap()),
        Box::new(RealNvp::new(&mut params, "nvp", &nvp, init, &mut stream).unwrap()),
        Box::new(Gru::new(&mut params, "gru", (4, 12, 5), &mut stream).unwrap()),
        Box::new(
            CausalConv::new(&mut params, "causal", (4, 2), &[12, 5], init, &mut stream).unwrap(),
        ),
    ];
    let x = normal(1, (9, 48)).mapv(|x| x as f32);
    let mut others = normal(2, (9, 48)).mapv(|x| 100.0 * x as f32);
    others.slice_mut(s![4, ..]).assign(&x.row(4));
    let mut tape = Tape::new();
    for module in modules {
        let mut run = |x: &Array2<f32>, recorded: bool| {
            let mut graph =
                if recorded { tape.begin(&params) } else { tape.begin_inference(&params) };
            // In training, batch normalisation depends on the whole batch.
            graph.set_mode(Mode::Evaluation);
            let x = graph.input(x.view());
            let y = module.forward(&mut graph, x);
            graph.check().unwrap();
            graph.value(y).to_owned()
        };
        let expected = run(&x, true);
        assert_eq!(run(&others, true).row(4), expected.row(4), "{module:?}");
        assert_eq!(run(&x, false), expected, "inference of {module:?}");
    }
}

#[test]
fn single_precision_follows_double() {
    let mut params = Params::<f32>::new();
    let config = ConvNetConfig::paper(14, 28, 1);
    let net =
        ConvNet::new(&mut params, "net", &config, Init::GlorotUniform, &mut stream()).unwrap();
    let double = params.cast::<f64>();
    let x = normal(1, (2, 392)).mapv(|x| x as f32);
    let seed = normal(2, (2, 100)).mapv(|x| x as f32);
    let mut gradients = Gradients::zeros_like(&params);
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let input = graph.input(x.view());
    let y = net.forward(&mut graph, input);
    graph.backward(&[(y, seed.view())], &mut gradients).unwrap();
    let mut expected = Gradients::zeros_like(&double);
    let mut tape = Tape::new();
    let mut graph = tape.begin(&double);
    let input = graph.input(x.mapv(f64::from).view());
    let y = net.forward(&mut graph, input);
    graph.backward(&[(y, seed.mapv(f64::from).view())], &mut expected).unwrap();
    for id in params.ids() {
        let (g, expected) = (gradients.view(id).unwrap(), expected.view(id).unwrap());
        let scale = expected.iter().fold(0.0_f64, |m, e| m.max(e.abs()));
        let error = (g.mapv(f64::from) - expected).iter().fold(0.0_f64, |m, e| m.max(e.abs()));
        assert!(error < 1e-4 * scale, "{}: {error} of {scale}", params.name(id));
    }
}

#[test]
fn a_near_identity_network_has_a_near_identity_jacobian() {
    let mut params = Params::<f64>::new();
    let init = Init::TruncatedNormal { sd: 1e-4 };
    let net = ResidualMlp::new(&mut params, "net", 20, 5, init, &mut stream()).unwrap();
    let x = normal(1, (1, 20));
    let j = jacobian(&mut Tape::new(), &net, &params, x.row(0)).unwrap();
    let error = (&j - &Array2::<f64>::eye(20)).mapv(f64::abs).into_iter().fold(0.0, f64::max);
    assert!(error > 0.0 && error < 1e-3, "{error}");
}

#[test]
fn a_jacobian_is_made_of_difference_quotients() {
    let mut params = Params::<f64>::new();
    let net = Mlp::new(&mut params, "net", &[4, 9, 3], Init::GlorotUniform, &mut stream()).unwrap();
    let x = normal(1, (1, 4));
    let mut tape = Tape::new();
    let j = jacobian(&mut tape, &net, &params, x.row(0)).unwrap();
    let mut value = |x: &Array2<f64>| {
        let mut graph = tape.begin_inference(&params);
        let x = graph.input(x.view());
        let y = net.forward(&mut graph, x);
        graph.value(y).row(0).to_owned()
    };
    for (column, of_input) in j.columns().into_iter().enumerate() {
        let moved = |h: f64| {
            let mut x = x.clone();
            x[[0, column]] += h;
            x
        };
        let quotient = (value(&moved(1e-5)) - value(&moved(-1e-5))) / 2e-5;
        assert!((&quotient - &of_input).iter().all(|e| e.abs() < 1e-8));
    }
    let wrong = jacobian(&mut tape, &net, &params, normal(1, (1, 5)).row(0));
    assert!(matches!(wrong, Err(NetsError::Shape { .. })));
}
