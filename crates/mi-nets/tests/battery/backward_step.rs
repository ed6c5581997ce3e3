//! A step during the backward pass, compared with a step after all gradients.

use mi_nets::{
    Activation, AdamConfig, CausalConv, ConvNet, ConvNetConfig, CouplingKind, Gradients, Graph,
    Gru, InfoMaxNet, InfoMaxNetConfig, Init, Mlp, Module, NetsError, Optimiser, Params, RealNvp,
    RealNvpConfig, ResidualMlp, Tape, Var,
};
use mi_random::Stream;
use ndarray::{Array2, array};

use crate::support::normal;

/// Three steps of both kinds give the same bits in parameters and optimiser.
fn check(params: &Params<f64>, columns: usize, forward: impl Fn(&mut Graph<'_, f64>, Var) -> Var) {
    let config = AdamConfig { lr: 0.1, ..AdamConfig::default() };
    for up in [false, true] {
        let (mut one, mut other) = (params.clone(), params.clone());
        let (mut adam_one, mut adam_other) =
            (Optimiser::new(config, params), Optimiser::new(config, params));
        let mut gradients = Gradients::zeros_like(params);
        let mut tape = Tape::new();
        for seed in 0..3 {
            let x = normal(seed, (4, columns));
            let mut graph = tape.begin(&one);
            let input = graph.input(x.view());
            let y = forward(&mut graph, input);
            let bent = graph.value(y).mapv(f64::sin);
            gradients.clear();
            graph.backward(&[(y, bent.view())], &mut gradients).unwrap();
            if up {
                adam_one.ascend(&mut one, &gradients).unwrap();
            } else {
                adam_one.descend(&mut one, &gradients).unwrap();
            }

            let mut graph = tape.begin(&other);
            let input = graph.input(x.view());
            let y = forward(&mut graph, input);
            gradients.clear();
            let seeds = [(y, bent.view())];
            if up {
                adam_other.backward_and_ascend(&mut tape, &seeds, &mut other, &mut gradients)
            } else {
                adam_other.backward_and_descend(&mut tape, &seeds, &mut other, &mut gradients)
            }
            .unwrap();
            assert!(
                params.ids().all(|id| gradients.view(id).is_none()),
                "they are absent after the step"
            );
        }
        assert_ne!(&one, params);
        assert_eq!(one, other);
        assert_eq!(adam_one, adam_other);
    }
}

#[test]
fn every_network_takes_the_same_steps() {
    let mut stream = Stream::new(1, "init");
    let init = Init::GlorotUniform;

    let mut params = Params::new();
    let net = Mlp::new(&mut params, "net", &[7, 5, 4], init, &mut stream).unwrap();
    check(&params, 7, |graph, x| net.forward(graph, x));

    let mut params = Params::new();
    let net = ResidualMlp::new(&mut params, "net", 6, 2, init, &mut stream).unwrap();
    check(&params, 6, |graph, x| net.forward(graph, x));

    let mut params = Params::new();
    let config = ConvNetConfig { output: 3, ..ConvNetConfig::paper(8, 8, 1) };
    let net = ConvNet::new(&mut params, "net", &config, init, &mut stream).unwrap();
    check(&params, 64, |graph, x| net.forward(graph, x));

    let mut params = Params::new();
    let config = InfoMaxNetConfig {
        height: 8,
        width: 8,
        channels: 1,
        filters: vec![2, 3],
        kernel: 3,
        hidden: 5,
        output: 3,
    };
    let net = InfoMaxNet::new(&mut params, "net", &config, init, &mut stream).unwrap();
    check(&params, 64, |graph, x| net.forward(graph, x));

    let mut params = Params::new();
    let net = Gru::new(&mut params, "net", (3, 4, 5), &mut stream).unwrap();
    check(&params, 12, |graph, x| net.forward(graph, x));

    let mut params = Params::new();
    let net = CausalConv::new(&mut params, "net", (3, 2), &[4, 5], init, &mut stream).unwrap();
    check(&params, 12, |graph, x| net.forward(graph, x));

    let mut params = Params::new();
    let scale = params.add("scale", array![[1.0, 2.0]]).unwrap();
    let shift = params.add("shift", array![[0.5, 0.0]]).unwrap();
    let running = params.add_running_statistics("running", 2, 0.1).unwrap();
    check(&params, 6, |graph, x| graph.batch_norm(x, scale, shift, running));

    for kind in [CouplingKind::Additive, CouplingKind::Affine] {
        let mut params = Params::new();
        let config = RealNvpConfig { dim: 8, couplings: 3, hidden: vec![5], kind };
        let net = RealNvp::new(&mut params, "net", &config, init, &mut stream).unwrap();
        check(&params, 8, |graph, x| net.forward(graph, x));
    }
}

/// A weight that is read in five places, once as a matrix, and a scale and a bias that are read in
/// two and three.
#[test]
fn a_parameter_that_is_read_again_changes_after_its_last_reader_on_the_way_back() {
    let mut params = Params::new();
    let scale = params.add("scale", array![[0.3]]).unwrap();
    let w = params.add("w", normal(5, (4, 4))).unwrap();
    let b = params.add("b", normal(6, (1, 4))).unwrap();
    check(&params, 4, |graph, x| {
        let h = graph.dense(x, w, Some(b), Activation::Relu);
        let h = graph.dense(h, w, Some(b), Activation::Linear);
        let h = graph.scale_exp(h, scale);
        let matrix = graph.param(w);
        let squared = graph.dense(matrix, w, None, Activation::Linear);
        let sum = graph.add(h, squared);
        let scaled = graph.scale_exp(sum, scale);
        graph.dense(scaled, w, Some(b), Activation::Linear)
    });
}

struct Small {
    params: Params<f64>,
    gradients: Gradients<f64>,
    adam: Optimiser<f64>,
    tape: Tape<f64>,
}

/// A layer, and a parameter `other` that the graph does not read.
fn small() -> (Small, Mlp) {
    let mut params = Params::new();
    let init = Init::GlorotUniform;
    let net = Mlp::new(&mut params, "net", &[3, 2], init, &mut Stream::new(1, "init")).unwrap();
    params.add("other", array![[1.0, 2.0]]).unwrap();
    let gradients = Gradients::zeros_like(&params);
    let adam = Optimiser::new(AdamConfig::default(), &params);
    (Small { params, gradients, adam, tape: Tape::new() }, net)
}

impl Small {
    fn step(&mut self, net: &Mlp, seed: &Array2<f64>) -> Result<(), NetsError> {
        let Self { params, gradients, adam, tape } = self;
        let mut graph = tape.begin(params);
        let x = graph.input(normal(1, (4, 3)).view());
        let y = net.forward(&mut graph, x);
        adam.backward_and_descend(tape, &[(y, seed.view())], params, gradients)
    }
}

#[test]
fn gradients_from_elsewhere_count() {
    let (mut small, net) = small();
    let other = small.params.id("other").unwrap();
    let weight = small.params.id("net.layers.0.weight").unwrap();
    let seed = normal(2, (4, 2));
    small.gradients.accumulate(other).fill(-3.0);
    small.gradients.accumulate(weight).fill(1e6);
    let before = small.params.clone();
    small.step(&net, &seed).unwrap();
    // A first step moves every element by the learning rate, against its gradient's sign.
    for id in [other, weight] {
        let sign = if id == other { 1.0 } else { -1.0 };
        for (now, then) in small.params.view(id).iter().zip(before.view(id)) {
            assert!(((now - then) / (sign * 1e-4) - 1.0).abs() < 1e-6, "{now} after {then}");
        }
    }
}

#[test]
fn a_parameter_without_a_gradient_is_named() {
    let (mut small, net) = small();
    let error = small.step(&net, &normal(2, (4, 2))).unwrap_err();
    assert_eq!(error, NetsError::UnusedParameter { name: "other".into() });
}

#[test]
fn a_gradient_that_is_not_finite_is_named_and_not_followed() {
    let (mut small, net) = small();
    let other = small.params.id("other").unwrap();
    small.gradients.accumulate(other).fill(1.0);
    let before = small.params.clone();
    let error = small.step(&net, &Array2::from_elem((4, 2), f64::NAN)).unwrap_err();
    assert_eq!(error, NetsError::GradientNotFinite { name: "net.layers.0.weight".into() });
    assert!(error.to_string().contains("learning rate"), "{error}");
    assert_eq!(small.params, before);
}

/// The gradients of an earlier step do not count for a later one, cleared or not.
#[test]
fn spent_gradients_do_not_hide_an_unused_parameter() {
    let (mut small, net) = small();
    let other = small.params.id("other").unwrap();
    let seed = normal(2, (4, 2));
    small.gradients.accumulate(other).fill(1.0);
    small.step(&net, &seed).unwrap();
    let error = small.step(&net, &seed).unwrap_err();
    assert_eq!(error, NetsError::UnusedParameter { name: "other".into() });
}

#[test]
fn other_mistakes_change_nothing() {
    let (mut small, net) = small();
    let (params, adam) = (small.params.clone(), small.adam.clone());
    let error = small.step(&net, &normal(2, (3, 2))).unwrap_err();
    assert!(matches!(error, NetsError::Shape { operation: "backward", .. }), "{error}");

    let Small { gradients, tape, .. } = &mut small;
    let mut graph = tape.begin_inference(&params);
    let x = graph.input(normal(1, (4, 3)).view());
    let y = net.forward(&mut graph, x);
    let (mut same, seed) = (params.clone(), normal(2, (4, 2)));
    let seeds = [(y, seed.view())];
    let mut stepped = adam.clone();
    let error = stepped.backward_and_descend(tape, &seeds, &mut same, gradients).unwrap_err();
    assert_eq!(error, NetsError::NotRecorded);
    assert_eq!((&small.params, &small.adam), (&params, &adam));
    assert_eq!((same, stepped), (params, adam));
}
