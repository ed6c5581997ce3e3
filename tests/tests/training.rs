//! Encoders, critic, bound and optimiser together, which no single crate can test.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use mi_critics::{Critic, CriticSpec};
use mi_data::{CorrelatedGaussian, PairSource, View};
use mi_estimators::bounds::{BoundSpec, Objective};
use mi_estimators::{Term, TrainingStep};
use mi_eval::Probe;
use mi_nets::{AdamConfig, Init, Mlp, Module, Optimiser, Params};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2, Axis};

/// Two MLP encoders and a critic.
struct Model {
    params: Params<f32>,
    g1: Mlp,
    g2: Mlp,
    critic: Critic,
    optimiser: Optimiser<f32>,
    step: TrainingStep<f32>,
    objective: Objective,
}

impl Model {
    fn new(sizes: &[usize], critic: &CriticSpec, bound: &BoundSpec, lr: f64) -> Self {
        let mut params = Params::new();
        let mut init = Stream::new(3, "init");
        let g1 = Mlp::new(&mut params, "g1", sizes, Init::GlorotUniform, &mut init).unwrap();
        let g2 = Mlp::new(&mut params, "g2", sizes, Init::GlorotUniform, &mut init).unwrap();
        let dim = sizes[sizes.len() - 1];
        let critic = Critic::new(&mut params, "critic", critic, dim, dim, &mut init).unwrap();
        Self {
            optimiser: Optimiser::new(AdamConfig { lr, ..AdamConfig::default() }, &params),
            step: TrainingStep::new(&params),
            objective: Objective::new(bound, None).unwrap(),
            params,
            g1,
            g2,
            critic,
        }
    }

    fn step(&mut self, x: ArrayView2<'_, f32>, y: ArrayView2<'_, f32>) -> f64 {
        let Self { params, g1, g2, critic, optimiser, step, objective } = self;
        let found = step.forward(params, |graph| {
            let (x, y) = (graph.input(x), graph.input(y));
            let (x, y) = (g1.forward(graph, x), g2.forward(graph, y));
            let embedded = critic.towers(graph, x, y);
            [Term::new(embedded, critic.pairing(), objective)]
        });
        let estimate = found.unwrap()[0].estimate;
        step.ascend(params, optimiser).unwrap();
        estimate
    }
}

/// Trains on new samples of pairs whose mutual information is known, so that the mean of the last
/// estimates is a held-out estimate.
fn learned(critic: &CriticSpec, bound: &BoundSpec) -> f64 {
    let pairs = CorrelatedGaussian::with_mi(4, 1.0).unwrap();
    let mut samples = Stream::new(5, "samples");
    let mut model = Model::new(&[4, 32, 8], critic, bound, 2e-3);
    let estimates: Vec<f64> = (0..1200)
        .map(|_| {
            let (x, y) = pairs.sample::<f32>(128, &mut samples).unwrap();
            model.step(x.view(), y.view())
        })
        .collect();
    estimates[900..].iter().sum::<f64>() / 300.0
}

#[test]
fn trained_bounds_come_near_the_known_value_from_below() {
    let critics = [
        CriticSpec::Separable { hidden: vec![32], embed: 16 },
        CriticSpec::Concat { hidden: vec![64] },
    ];
    for critic in &critics {
        for bound in [BoundSpec::InfoNce, BoundSpec::Nwj] {
            let value = learned(critic, &bound);
            assert!((0.7..1.05).contains(&value), "{critic:?} {bound:?}: {value}");
        }
    }
}

#[test]
fn representations_of_digits_improve_with_training() {
    let digits = mi_data::embedded().unwrap();
    let top = View::top_half().of(digits.geometry).unwrap();
    let bottom = View::bottom_half().of(digits.geometry).unwrap();
    let (x, y) = (
        top.apply(digits.train.images.view()).unwrap(),
        bottom.apply(digits.train.images.view()).unwrap(),
    );
    let mut model = Model::new(&[392, 100, 50], &CriticSpec::Bilinear, &BoundSpec::InfoNce, 1e-3);
    let accuracy = |model: &mut Model| {
        let mut encode = |x: ArrayView2<'_, f32>| -> Array2<f32> {
            let mut graph = model.step.tape().begin_inference(&model.params);
            let input = graph.input(x);
            let output = model.g1.forward(&mut graph, input);
            graph.value(output).to_owned()
        };
        let (train, test) = (encode(x.view()), top.apply(digits.test.images.view()).unwrap());
        let test = encode(test.view());
        let (train_labels, test_labels) = (&digits.train.labels, &digits.test.labels);
        Probe::paper()
            .evaluate(train.view(), train_labels, test.view(), test_labels, 0)
            .unwrap()
            .accuracy
    };
    let before = accuracy(&mut model);
    let mut order = Stream::new(1, "batches");
    let mut bound = 0.0;
    for _ in 0..400 {
        let rows: Vec<usize> = (0..128).map(|_| order.below(x.nrows())).collect();
        bound = model.step(x.select(Axis(0), &rows).view(), y.select(Axis(0), &rows).view());
    }
    let after = accuracy(&mut model);
    assert!(bound > 3.0 && bound < 128_f64.ln(), "{bound}");
    assert!(after > before + 0.02, "{before} before, {after} after");
}

#[test]
fn training_gives_the_same_bits_on_any_number_of_threads() {
    // A batch large enough for several blocks of rows and columns.
    let pairs = CorrelatedGaussian::with_mi(4, 1.0).unwrap();
    let weights = |threads: usize, critic: &CriticSpec| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut samples = Stream::new(5, "samples");
            let mut model = Model::new(&[4, 16, 8], critic, &BoundSpec::Nwj, 1e-2);
            for _ in 0..3 {
                let (x, y) = pairs.sample::<f32>(1500, &mut samples).unwrap();
                model.step(x.view(), y.view());
            }
            let bits = |id| model.params.view(id).iter().map(|v: &f32| v.to_bits()).collect();
            model.params.ids().map(bits).collect::<Vec<Vec<u32>>>()
        })
    };
    for critic in [CriticSpec::Bilinear, CriticSpec::Concat { hidden: vec![16] }] {
        let one = weights(1, &critic);
        assert!(one == weights(2, &critic) && one == weights(7, &critic), "{critic:?}");
    }
}
