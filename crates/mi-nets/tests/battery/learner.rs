//! A learner's steps, compared with those of its parts.

use mi_nets::{
    AdamConfig, Gradients, Init, Learner, Mlp, Module, NetsError, Optimiser, Params, SgdConfig,
    Stream, Tape,
};
use ndarray::array;

use crate::support::normal;

/// `backward` and then `descend` or `ascend`, with memory of its own in every step.
#[test]
fn a_step_has_the_bits_of_backward_followed_by_the_optimiser() {
    for up in [false, true] {
        let mut params = Params::<f64>::new();
        let mut init = Stream::new(1, "init");
        let net = Mlp::new(&mut params, "net", &[3, 5, 2], Init::GlorotUniform, &mut init).unwrap();
        let config = AdamConfig { lr: 0.1, ..AdamConfig::default() };
        let mut optimiser = Optimiser::new(config, &params);
        let mut learner = Learner::new(config, params.clone());
        for step in 0..3 {
            let x = normal(step, (4, 3));
            let (mut tape, mut gradients) = (Tape::new(), Gradients::zeros_like(&params));
            let mut graph = tape.begin(&params);
            let input = graph.input(x.view());
            let y = net.forward(&mut graph, input);
            let bent = graph.value(y).mapv(f64::sin);
            graph.backward(&[(y, bent.view())], &mut gradients).unwrap();
            if up {
                optimiser.ascend(&mut params, &gradients).unwrap();
            } else {
                optimiser.descend(&mut params, &gradients).unwrap();
            }

            let mut graph = learner.begin();
            let input = graph.input(x.view());
            let y = net.forward(&mut graph, input);
            assert_eq!(graph.value(y).mapv(f64::sin), bent);
            let seeds = [(y, bent.view())];
            if up { learner.ascend(&seeds) } else { learner.descend(&seeds) }.unwrap();
            assert_eq!(learner.params, params);
            assert_eq!(learner.optimiser, optimiser);
        }
    }
}

fn one_weight() -> (Learner<f64>, mi_nets::ParamId) {
    let mut params = Params::new();
    let w = params.add("w", array![[1.0]]).unwrap();
    (Learner::new(SgdConfig { lr: 0.5, ..SgdConfig::default() }, params), w)
}

#[test]
fn a_step_without_a_seed_is_an_error() {
    let (mut learner, w) = one_weight();
    learner.begin();
    let error = learner.descend(&[]).unwrap_err();
    assert!(matches!(error, NetsError::UnusedParameter { name } if name == "w"));
    assert_eq!(learner.params.view(w), array![[1.0]]);
}

#[test]
#[should_panic(expected = "belongs to another graph")]
fn a_second_step_on_the_same_graph_panics() {
    let (mut learner, w) = one_weight();
    let mut graph = learner.begin();
    let y = graph.param(w);
    let seed = array![[1.0]];
    learner.descend(&[(y, seed.view())]).unwrap();
    assert_eq!(learner.params.view(w), array![[0.5]]);
    let _ = learner.descend(&[(y, seed.view())]);
}
