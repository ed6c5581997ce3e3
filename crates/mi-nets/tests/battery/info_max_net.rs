//! The encoder of Deep `InfoMax`: derivatives, parts, sizes.

use mi_nets::{
    Activation, ConvGeometry, InfoMaxNet, InfoMaxNetConfig, Init, Mode, Module, NetworkSize,
    Padding, Params, Tape, Unary,
};
use mi_random::Stream;
use ndarray::Array2;

use crate::support::{check, normal};

const INIT: Init = Init::GlorotUniform;

fn mnist() -> InfoMaxNetConfig {
    InfoMaxNetConfig {
        height: 28,
        width: 28,
        channels: 1,
        filters: vec![64, 128],
        kernel: 5,
        hidden: 1024,
        output: 64,
    }
}

fn cifar() -> InfoMaxNetConfig {
    let filters = vec![64, 128, 256];
    InfoMaxNetConfig { height: 32, width: 32, channels: 3, filters, kernel: 4, ..mnist() }
}

fn small(filters: &[usize]) -> InfoMaxNetConfig {
    InfoMaxNetConfig {
        height: 6,
        width: 7,
        channels: 2,
        filters: filters.to_vec(),
        kernel: 3,
        hidden: 5,
        output: 3,
    }
}

fn build(config: &InfoMaxNetConfig) -> (Params<f64>, InfoMaxNet) {
    let mut params = Params::new();
    let net = InfoMaxNet::new(&mut params, "g", config, INIT, &mut Stream::new(7, "init")).unwrap();
    // Scales and shifts that do not hide one another.
    for (seed, id) in (0..).zip(params.ids()).collect::<Vec<_>>() {
        if !params.name(id).ends_with("running") {
            let noise = normal(seed, params.view(id).dim()) * 0.3;
            let mut values = params.view_mut(id);
            values += &noise;
        }
    }
    (params, net)
}

#[test]
fn derivatives_of_the_summary_and_the_map() {
    for filters in [&[3][..], &[3, 2], &[3, 2, 4]] {
        let (params, net) = build(&small(filters));
        check(&params, &[normal(5, (4, 84))], |g, x| {
            let (summary, map) = net.forward_with_map(g, x[0]);
            g.concat_columns(&[summary, map])
        });
    }
}

/// The network by its formula, from operations that have tests of their own.
#[test]
fn the_network_is_its_layers_one_after_the_other() {
    let (mut params, net) = build(&small(&[3, 2, 4]));
    let running = params.id("g.norms.1.running").unwrap();
    params.view_mut(running).row_mut(0).fill(0.2);
    params.view_mut(running).row_mut(1).fill(1.7);
    let x = normal(1, (4, 84));
    let id = |name: &str| params.id(&format!("g.{name}")).unwrap();
    let sizes = [(6, 7, 2), (3, 4, 3), (2, 2, 2)];
    for mode in [Mode::Training, Mode::Evaluation] {
        let mut tape = Tape::new();
        let mut graph = tape.begin(&params);
        graph.set_mode(mode);
        let input = graph.input(x.view());
        let mut h = input;
        let mut outputs = Vec::new();
        for (k, (height, width, channels)) in sizes.into_iter().enumerate() {
            let padding = Padding::Each(1);
            let geometry = ConvGeometry { height, width, channels, kernel: 3, stride: 2, padding };
            let weight = id(&format!("convs.{k}.weight"));
            h = graph.conv2d(h, weight, None, &geometry, Activation::Linear);
            let [scale, shift, running] =
                ["scale", "shift", "running"].map(|part| id(&format!("norms.{k}.{part}")));
            h = graph.batch_norm(h, scale, shift, running);
            h = graph.unary(h, Unary::Relu);
            outputs.push(h);
        }
        let hidden = graph.dense(h, id("hidden.weight"), None, Activation::Linear);
        let [scale, shift, running] =
            ["scale", "shift", "running"].map(|part| id(&format!("norms.hidden.{part}")));
        let hidden = graph.batch_norm(hidden, scale, shift, running);
        let hidden = graph.unary(hidden, Unary::Relu);
        let bias = Some(id("dense.bias"));
        let summary = graph.dense(hidden, id("dense.weight"), bias, Activation::Linear);
        let expected: [Array2<f64>; 2] =
            [summary, outputs[1]].map(|var| graph.value(var).to_owned());

        let (summary, map) = net.forward_with_map(&mut graph, input);
        assert_eq!([summary, map].map(|var| graph.value(var).to_owned()), expected);
        let alone = net.forward(&mut graph, input);
        graph.check().unwrap();
        assert_eq!(graph.value(alone), expected[0]);
        assert_eq!(net.config().map_shape(), (2, 2, 2));
        assert_eq!(expected[1].ncols(), 2 * 2 * 2);
    }
}

/// The values of an inference graph, which reuses memory, are those of one that keeps all.
#[test]
fn inference_reuses_no_memory_that_is_still_read() {
    for filters in [&[3][..], &[3, 2], &[3, 2, 4], &[3, 2, 4, 5]] {
        let (params, net) = build(&small(filters));
        let x = normal(1, (4, 84));
        let mut tape = Tape::new();
        let mut run = |inference: bool, with_map: bool| {
            let mut graph =
                if inference { tape.begin_inference(&params) } else { tape.begin(&params) };
            graph.set_mode(Mode::Evaluation);
            let input = graph.input(x.view());
            let found = if with_map {
                let (summary, map) = net.forward_with_map(&mut graph, input);
                [summary, map].map(|var| graph.value(var).to_owned())
            } else {
                let summary = net.forward(&mut graph, input);
                [summary, input].map(|var| graph.value(var).to_owned())
            };
            graph.check().unwrap();
            found
        };
        assert_eq!(run(true, true), run(false, true), "{filters:?}");
        assert_eq!(run(true, false), run(false, false), "{filters:?}");
    }
}

#[test]
fn sizes_are_those_of_the_published_networks() {
    // Weights by layer, then scales and shifts, then the biases of the summary.
    let of_mnist = 25 * 64 + 25 * 64 * 128 + 7 * 7 * 128 * 1024 + 1024 * 64;
    let of_cifar = 16 * (3 * 64 + 64 * 128 + 128 * 256) + 4 * 4 * 256 * 1024 + 1024 * 64;
    let expected = [
        (mnist(), of_mnist + 2 * (64 + 128 + 1024) + 64, (7, 7, 128)),
        (cifar(), of_cifar + 2 * (64 + 128 + 256 + 1024) + 64, (8, 8, 128)),
    ];
    assert_eq!(expected.each_ref().map(|(_, count, _)| *count), [6_696_960, 4_921_280]);
    for (config, count, map) in expected {
        let mut params = Params::<f32>::new();
        let net =
            InfoMaxNet::new(&mut params, "g", &config, INIT, &mut Stream::new(7, "init")).unwrap();
        assert_eq!(params.scalar_count(), count);
        assert_eq!(NetworkSize::info_max_net(&config).parameters, count);
        assert_eq!(config.map_shape(), map);
        let module: &dyn Module<f32> = &net;
        assert_eq!(module.size(), NetworkSize::info_max_net(&config));
        assert_eq!(module.output_dim(), 64);
    }
}

#[test]
fn multiply_adds_by_hand() {
    // Kernels of 3 with one zero on each side: 3 of 3 taps inside, or 2 at a margin.
    let config = small(&[3, 2]);
    // Rows 6 → 3 (2, 3, 3 taps), columns 7 → 4 (2, 3, 3, 2); then rows 3 → 2 (2, 2) and columns
    // 4 → 2 (2, 3).
    let convolutions = [8 * 10 * 2 * 3, 4 * 5 * 3 * 2];
    let dense = [2 * 2 * 2 * 5, 5 * 3];
    let size = NetworkSize::info_max_net(&config);
    let products: usize = convolutions.iter().chain(&dense).sum();
    assert_eq!((size.products, size.of_input), (products, convolutions[0]));
    // What each layer computes, twice more for the normalisation and ReLU.
    assert_eq!(size.activations, 3 * (3 * 4 * 3 + 2 * 2 * 2 + 5) + 3);
}

#[test]
fn networks_that_cannot_be_are_refused() {
    let configs = [
        InfoMaxNetConfig { filters: vec![], ..small(&[]) },
        small(&[3, 0]),
        InfoMaxNetConfig { kernel: 0, ..small(&[3, 2]) },
        InfoMaxNetConfig { kernel: 4, height: 1, ..small(&[3, 2]) },
        InfoMaxNetConfig { hidden: 0, ..small(&[3]) },
        InfoMaxNetConfig { output: 0, ..small(&[3]) },
        InfoMaxNetConfig { channels: 0, ..small(&[3]) },
        // 6 × 7, then 2 × 3, then smaller than the kernel.
        InfoMaxNetConfig { kernel: 4, ..small(&[2, 2, 2, 2]) },
    ];
    for config in configs {
        let mut params = Params::<f32>::new();
        let built = InfoMaxNet::new(&mut params, "g", &config, INIT, &mut Stream::new(7, "init"));
        assert!(built.is_err(), "{config:?}");
        config.map_shape();
    }
}
