//! Layers that are one operation, and their composition.

use mi_nets::{
    Activation, BatchNorm, Conv2d, ConvGeometry, Dropout, Elementwise, Gradients, Graph, Init,
    MaxPool2d, Mlp, Mode, Module, NetsError, NetworkSize, Padding, Params, Sequential, Tape, Unary,
    Var, jacobian,
};
use mi_random::Stream;

use crate::support::{check, normal};

const IMAGE: ConvGeometry =
    ConvGeometry { height: 4, width: 5, channels: 2, kernel: 3, stride: 1, padding: Padding::Same };
const POOL: ConvGeometry =
    ConvGeometry { channels: 3, kernel: 2, stride: 2, padding: Padding::Valid, ..IMAGE };

/// Convolution, batch normalisation, GELU, max pooling, dropout, dense.
fn network(params: &mut Params<f64>) -> Sequential<f64> {
    let (init, mut stream) = (Init::GlorotUniform, Stream::new(7, "init"));
    let linear = Activation::Linear;
    let conv = Conv2d::new(params, "conv", IMAGE, 3, linear, init, &mut stream).unwrap();
    let net = Sequential::new(conv)
        .then(BatchNorm::new(params, "norm", (60, 3), 0.1).unwrap())
        .and_then(|net| net.then(Elementwise::new(60, Unary::Gelu)))
        .and_then(|net| net.then(MaxPool2d::new(POOL).unwrap()))
        .and_then(|net| net.then(Dropout::new(12, 0.4).unwrap()))
        .and_then(|net| net.then(Mlp::new(params, "dense", &[12, 2], init, &mut stream).unwrap()));
    // Scales and shifts start at special values.
    for (seed, id) in (0..).zip(params.ids()) {
        if !params.name(id).ends_with("running") {
            let noise = 0.3 * normal(seed, params.view(id).dim());
            params.view_mut(id).zip_mut_with(&noise, |value, noise| *value += noise);
        }
    }
    net.unwrap()
}

/// The network's operations, one by one.
fn by_hand(graph: &mut Graph<'_, f64>, x: Var) -> Var {
    let params = graph.params();
    let id = |name| params.id(name).unwrap();
    let bias = Some(id("conv.bias"));
    let h = graph.conv2d(x, id("conv.weight"), bias, &IMAGE, Activation::Linear);
    let h = graph.batch_norm(h, id("norm.scale"), id("norm.shift"), id("norm.running"));
    let h = graph.unary(h, Unary::Gelu);
    let h = graph.max_pool(h, &POOL);
    let h = graph.dropout(h, 0.4);
    let bias = Some(id("dense.layers.0.bias"));
    graph.dense(h, id("dense.layers.0.weight"), bias, Activation::Linear)
}

#[test]
fn derivatives_of_a_sequence_with_every_layer() {
    let mut params = Params::new();
    let net = network(&mut params);
    check(&params, &[normal(5, (3, net.input_dim()))], |graph, x| {
        // A new stream in every run, so that each draws the same mask.
        graph.draw_from(Box::leak(Box::new(Stream::new(3, "dropout"))));
        net.forward(graph, x[0])
    });
}

#[test]
fn a_sequence_has_the_bits_of_its_operations_in_both_modes() {
    let mut params = Params::new();
    let net = network(&mut params);
    let x = normal(5, (3, 40));
    let seed = normal(6, (3, 2));
    let mut tape = Tape::new();
    let mut run = |mode: Mode, forward: &dyn Fn(&mut Graph<'_, f64>, Var) -> Var| {
        let (mut noise, mut gradients) =
            (Stream::new(3, "dropout"), Gradients::zeros_like(&params));
        let mut graph = tape.begin(&params);
        graph.set_mode(mode);
        graph.draw_from(&mut noise);
        let input = graph.input(x.view());
        let y = forward(&mut graph, input);
        let value = graph.value(y).to_owned();
        graph.backward(&[(y, seed.view())], &mut gradients).unwrap();
        let of = |id| gradients.view(id).map(|gradient| gradient.to_owned());
        (value, params.ids().map(of).collect::<Vec<_>>())
    };
    for mode in [Mode::Training, Mode::Evaluation] {
        let found = run(mode, &|graph, x| net.forward(graph, x));
        assert_eq!(found, run(mode, &by_hand), "{mode:?}");
        let mut inference = Tape::new();
        let mut graph = inference.begin_inference(&params);
        let input = graph.input(x.view());
        let y = net.forward(&mut graph, input);
        assert_eq!(graph.value(y) == found.0, mode == Mode::Evaluation);
        assert_eq!(graph.value(input), x, "the caller's input is not released");
    }
    jacobian(&mut tape, &net, &params, x.row(0)).unwrap();
}

/// A layer that returns its operand does not make the sequence release it.
#[test]
fn dropout_in_front_leaves_the_callers_input() {
    let mut params = Params::<f64>::new();
    let (init, mut stream) = (Init::GlorotUniform, Stream::new(7, "init"));
    let dense = Mlp::new(&mut params, "dense", &[3, 2], init, &mut stream).unwrap();
    let net = Sequential::new(Dropout::new(3, 0.5).unwrap())
        .then(Dropout::new(3, 0.1).unwrap())
        .and_then(|net| net.then(dense))
        .and_then(|net| net.then(Dropout::new(2, 0.1).unwrap()));
    let net = net.unwrap();
    let x = normal(1, (2, 3));
    let mut tape = Tape::new();
    let mut graph = tape.begin_inference(&params);
    let input = graph.input(x.view());
    let y = net.forward(&mut graph, input);
    assert_eq!(graph.value(input), x);
    assert_eq!(graph.value(y).dim(), (2, 2));
}

#[test]
fn the_size_of_a_sequence_is_that_of_its_layers() {
    let mut params = Params::new();
    let net = network(&mut params);
    assert_eq!((net.input_dim(), net.output_dim()), (40, 2));
    let size = net.size();
    let running = params.view(params.id("norm.running").unwrap()).len();
    assert_eq!(size.parameters, params.scalar_count());
    assert_eq!(running, 9, "running statistics are not counted");
    // Each of the 3 · 3 · 2 weights of a filter without those over the margin.
    let convolution = IMAGE.covered() * 3;
    assert_eq!((size.products, size.of_input), (convolution + 24, convolution));
    assert_eq!(size.activations, 60 + 60 + 60 + 12 + 24 + 2);
    assert_eq!(NetworkSize::dense(&[12, 2]).products, 24);
}

#[test]
fn layers_that_cannot_be_are_refused() {
    let mut params = Params::<f64>::new();
    let (init, mut stream) = (Init::GlorotUniform, Stream::new(7, "init"));
    let mut conv = |geometry, filters| {
        let linear = Activation::Linear;
        Conv2d::new(&mut params, "conv", geometry, filters, linear, init, &mut stream)
    };
    for (geometry, filters) in [
        (IMAGE, 0),
        (ConvGeometry { kernel: 0, ..IMAGE }, 3),
        (ConvGeometry { stride: 0, ..POOL }, 3),
    ] {
        let error = conv(geometry, filters).unwrap_err();
        assert!(matches!(&error, NetsError::Layer { layer, .. } if layer == "conv"), "{error}");
    }
    assert!(MaxPool2d::new(ConvGeometry { kernel: 6, ..POOL }).is_err());
    assert!(Dropout::new(3, 1.0).is_err() && Dropout::new(3, f64::NAN).is_err());
    for (width, channels, momentum) in [(0, 1, 0.1), (7, 2, 0.1), (4, 0, 0.1), (4, 2, 0.0)] {
        assert!(BatchNorm::new(&mut params, "norm", (width, channels), momentum).is_err());
    }
    let two = Sequential::<f64>::new(Elementwise::new(3, Unary::Relu));
    let error = two.then(Elementwise::new(4, Unary::Tanh)).unwrap_err().to_string();
    assert!(error.contains("number 2") && error.contains("of 4 values, not of 3"), "{error}");
}
