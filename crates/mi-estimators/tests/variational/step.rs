//! The training step: the gradient of a weighted sum of terms reaches every parameter, and a step
//! is the backward pass followed by the optimiser.

use mi_critics::{Critic, CriticSpec};
use mi_estimators::bounds::{BoundSpec, Objective, Pairs};
use mi_estimators::{EstimatorError, LearnedNumber, Term, TrainingStep};
use mi_nets::{AdamConfig, Graph, Init, Mlp, Module, NetsError, Optimiser, Params};
use mi_random::Stream;
use ndarray::Array2;

use crate::common::{close, objective, scattered};

/// Two encoders with two critics on their embeddings, one of them with a bound that learns a number
/// per row.
struct Model {
    params: Params<f64>,
    g: [Mlp; 2],
    critics: [Critic; 2],
    learned: LearnedNumber,
    objectives: [Objective; 2],
    x: Array2<f64>,
    y: Array2<f64>,
}

const WEIGHTS: [f64; 2] = [1.0, -0.3];

impl Model {
    fn new() -> Self {
        let mut stream = Stream::new(1, "step");
        let mut params = Params::new();
        let mut encoder = |name: &str| {
            Mlp::new(&mut params, name, &[3, 5, 4], Init::GlorotUniform, &mut stream).unwrap()
        };
        let g = [encoder("g1"), encoder("g2")];
        let bounds = [BoundSpec::InfoNceSymmetric, BoundSpec::Flo];
        let specs = [CriticSpec::Bilinear, CriticSpec::Concat { hidden: vec![6] }];
        let mut critic = |name: &str, spec: &CriticSpec| {
            Critic::new(&mut params, name, spec, 4, 4, &mut stream).unwrap()
        };
        let critics = [critic("first", &specs[0]), critic("second", &specs[1])];
        let learned = LearnedNumber::new(&mut params, "u", &bounds[1], (4, 4), &mut stream);
        for id in params.ids() {
            params.view_mut(id).mapv_inplace(|w| w + 0.2 * stream.normal());
        }
        Self {
            params,
            g,
            critics,
            learned: learned.unwrap().unwrap(),
            objectives: bounds.map(|bound| objective(&bound)),
            x: scattered((7, 3), 1.0, 0.1),
            y: scattered((7, 3), 1.0, 0.8),
        }
    }
}

fn terms<'a>(
    graph: &mut Graph<'_, f64>,
    (g, critics, learned): (&[Mlp; 2], &'a [Critic; 2], &LearnedNumber),
    objectives: &'a mut [Objective; 2],
    (x, y): (&Array2<f64>, &Array2<f64>),
) -> [Term<'a, f64>; 2] {
    let (x, y) = (graph.input(x.view()), graph.input(y.view()));
    let (x, y) = (g[0].forward(graph, x), g[1].forward(graph, y));
    let number = learned.forward(graph, x, y);
    let [first, second] = objectives;
    let embedded = critics.each_ref().map(|critic| critic.towers(graph, x, y));
    [
        Term::new(embedded[0], critics[0].pairing(), first).weighted(WEIGHTS[0]),
        Term::new(embedded[1], critics[1].pairing(), second)
            .with_learned(Some(number))
            .weighted(WEIGHTS[1]),
    ]
}

#[test]
fn the_gradient_of_a_weighted_sum_equals_central_differences() {
    let Model { mut params, g, critics, learned, mut objectives, x, y } = Model::new();
    let nets = (&g, &critics, &learned);
    let mut step = TrainingStep::new(&params);
    let forward = step.forward(&params, |graph| terms(graph, nets, &mut objectives, (&x, &y)));
    assert_eq!(forward.unwrap().len(), 2);
    let gradients = step.backward(&params).unwrap();
    let found: Vec<_> = params.ids().map(|id| gradients.view(id).unwrap().to_owned()).collect();
    let mut value = |params: &Params<f64>| -> f64 {
        let found = step.estimate(params, |graph| terms(graph, nets, &mut objectives, (&x, &y)));
        found.unwrap().iter().zip(WEIGHTS).map(|(found, weight)| weight * found.objective).sum()
    };
    for (id, found) in params.ids().collect::<Vec<_>>().into_iter().zip(found) {
        for (at, &g) in found.indexed_iter() {
            let mut at_step = |step: f64| {
                params.view_mut(id)[at] += step;
                let value = value(&params);
                params.view_mut(id)[at] -= step;
                value
            };
            let slope = (at_step(1e-6) - at_step(-1e-6)) / 2e-6;
            close(params.name(id), g, slope, 1e-7);
        }
    }
}

#[test]
fn a_step_is_the_backward_pass_and_the_optimiser() {
    let Model { params, g, critics, learned, mut objectives, x, y } = Model::new();
    let nets = (&g, &critics, &learned);
    let config = || AdamConfig { lr: 0.01, ..AdamConfig::default() };
    let mut step = TrainingStep::new(&params);
    let (mut fused, mut apart) = (params.clone(), params.clone());
    let mut optimisers = [Optimiser::new(config(), &params), Optimiser::new(config(), &params)];
    let mut first = None;
    for _ in 0..20 {
        let found =
            step.forward(&fused, |graph| terms(graph, nets, &mut objectives, (&x, &y))).unwrap();
        first.get_or_insert(found[0].objective);
        step.ascend(&mut fused, &mut optimisers[0]).unwrap();
        step.forward(&apart, |graph| terms(graph, nets, &mut objectives, (&x, &y))).unwrap();
        let gradients = step.backward(&apart).unwrap();
        optimisers[1].ascend(&mut apart, gradients).unwrap();
    }
    for id in params.ids() {
        assert_eq!(fused.view(id), apart.view(id));
    }
    let last = step.estimate(&fused, |graph| terms(graph, nets, &mut objectives, (&x, &y)));
    assert!(last.unwrap()[0].objective > first.unwrap() + 0.1);
}

#[test]
fn mistakes_change_nothing() {
    let Model { mut params, g, critics, learned, mut objectives, x, y } = Model::new();
    let nets = (&g, &critics, &learned);
    let before = params.clone();
    let mut optimiser = Optimiser::new(AdamConfig::default(), &params);
    let mut step = TrainingStep::new(&params);
    let wide = scattered((7, 4), 1.0, 0.0);
    let error = step.forward(&params, |graph| terms(graph, nets, &mut objectives, (&wide, &y)));
    assert!(matches!(error, Err(EstimatorError::Nets(NetsError::Shape { .. }))));
    // Only one of two terms: the parameters of the other have no gradient.
    step.forward(&params, |graph| {
        let [first, _] = terms(graph, nets, &mut objectives, (&x, &y));
        [first]
    })
    .unwrap();
    let error = step.ascend(&mut params, &mut optimiser);
    assert!(matches!(error, Err(EstimatorError::Nets(NetsError::UnusedParameter { .. }))));
    // Parameters that were added after the step was made.
    let mut more = before.clone();
    more.add("late", scattered((1, 1), 1.0, 0.0)).unwrap();
    let error = step.forward(&more, |graph| terms(graph, nets, &mut objectives, (&x, &y)));
    assert!(matches!(error, Err(EstimatorError::Nets(NetsError::Mismatch { .. }))));
}

/// A second half follows one first half; otherwise nothing changes, not even the number of steps.
#[test]
fn a_second_half_needs_a_first() {
    let Model { mut params, g, critics, learned, mut objectives, x, y } = Model::new();
    let nets = (&g, &critics, &learned);
    let mut optimiser = Optimiser::new(AdamConfig::default(), &params);
    let mut step = TrainingStep::new(&params);
    let refused =
        |step: &mut TrainingStep<f64>, params: &mut Params<f64>, optimiser: &mut Optimiser<f64>| {
            let before = (params.clone(), optimiser.clone());
            assert_eq!(step.backward(params).err(), Some(EstimatorError::NoForward));
            assert_eq!(step.ascend(params, optimiser).err(), Some(EstimatorError::NoForward));
            assert!((&*params, &*optimiser) == (&before.0, &before.1));
        };
    refused(&mut step, &mut params, &mut optimiser);
    let mut forward = |step: &mut TrainingStep<f64>, params: &Params<f64>| {
        step.forward(params, |graph| terms(graph, nets, &mut objectives, (&x, &y)))
            .map(<[_]>::len)
            .unwrap()
    };
    forward(&mut step, &params);
    step.ascend(&mut params, &mut optimiser).unwrap();
    refused(&mut step, &mut params, &mut optimiser);
    forward(&mut step, &params);
    step.backward(&params).unwrap();
    refused(&mut step, &mut params, &mut optimiser);
    // Another graph on the tape.
    forward(&mut step, &params);
    let mut graph = step.tape().begin(&params);
    let other = graph.input(x.view());
    step.add_gradient(other, x.clone());
    refused(&mut step, &mut params, &mut optimiser);
    assert_eq!(optimiser.step(), 1);
}

fn both_terms<'a>(
    graph: &mut Graph<'_, f64>,
    (g, critic): (&Mlp, &'a Critic),
    pairs: [&'a Pairs; 2],
    objectives: &'a mut [Objective; 2],
    (views, keys): (&Array2<f64>, &Array2<f64>),
) -> [Term<'a, f64>; 2] {
    let (views, keys) = (graph.input(views.view()), graph.input(keys.view()));
    let z = g.forward(graph, views);
    let both = critic.towers(graph, z, z);
    let [first, second] = objectives;
    [
        Term::new(both, critic.pairing(), first).paired_by(pairs[0]),
        Term::new((z, keys), &mi_critics::Pairing::Dot, second).paired_by(pairs[1]),
    ]
}

/// NT-Xent's two views as one stack of embeddings, which is both sides of its term, next to a term
/// over a queue of constants.
#[test]
fn terms_may_share_embeddings_and_choose_their_pairs() {
    let mut params = Params::<f64>::new();
    let mut stream = Stream::new(2, "views");
    let g = Mlp::new(&mut params, "g", &[3, 5, 4], Init::GlorotUniform, &mut stream).unwrap();
    let spec = CriticSpec::Cosine { temperature: 0.5, learned: true };
    let critic = Critic::new(&mut params, "f", &spec, 4, 4, &mut stream).unwrap();
    let (both, queue) = (Pairs::both_views(4), Pairs::with_queue(8, 6));
    let (views, keys) = (scattered((8, 3), 1.0, 0.3), scattered((14, 4), 1.0, 0.9));
    let mut objectives = [objective(&BoundSpec::InfoNce), objective(&BoundSpec::JensenShannon)];
    let (nets, pairs, data) = ((&g, &critic), [&both, &queue], (&views, &keys));
    let mut step = TrainingStep::new(&params);
    let found = step
        .forward(&params, |graph| both_terms(graph, nets, pairs, &mut objectives, data))
        .unwrap();
    close("candidates", found[0].cap.unwrap(), 7_f64.ln(), 1e-15);
    let gradients = step.backward(&params).unwrap();
    let found: Vec<_> = params.ids().map(|id| gradients.view(id).unwrap().to_owned()).collect();
    let mut value = |params: &Params<f64>| -> f64 {
        let found =
            step.estimate(params, |graph| both_terms(graph, nets, pairs, &mut objectives, data));
        found.unwrap().iter().map(|found| found.objective).sum()
    };
    for (id, found) in params.ids().collect::<Vec<_>>().into_iter().zip(found) {
        for (at, &g) in found.indexed_iter() {
            let mut at_step = |step: f64| {
                params.view_mut(id)[at] += step;
                let value = value(&params);
                params.view_mut(id)[at] -= step;
                value
            };
            let slope = (at_step(1e-6) - at_step(-1e-6)) / 2e-6;
            close(params.name(id), g, slope, 1e-7);
        }
    }
}
