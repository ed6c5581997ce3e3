//! Optimisers compared with slow, obvious versions and reference sequences; schedules, weight
//! decay, frozen parameters, checkpoints.

use mi_nets::{
    Activation, AdamConfig, Checkpoint, Decay, Gradients, Init, Mlp, Module, NetsError, Optimiser,
    OptimiserConfig, Params, Rule, Schedule, SgdConfig, Tape, WeightDecay,
};
use mi_random::Stream;
use ndarray::array;

use crate::support::normal;

/// Values of a parameter that starts at 1, after the gradients 1, −2, 0.5, 3.
fn sequence(config: &OptimiserConfig) -> Vec<f64> {
    let mut params = Params::<f64>::new();
    let id = params.add("w", array![[1.0]]).unwrap();
    let mut gradients = Gradients::zeros_like(&params);
    let mut optimiser = Optimiser::new(config.clone(), &params);
    let step = |g: &f64| {
        gradients.clear();
        gradients.accumulate(id)[[0, 0]] = *g;
        optimiser.descend(&mut params, &gradients).unwrap();
        params.view(id)[[0, 0]]
    };
    [1.0, -2.0, 0.5, 3.0].iter().map(step).collect()
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} for {expected}");
    }
}

/// The formulas of `PyTorch`'s documentation, written out in Python's `f64`:
///
/// ```python
/// from math import sqrt
/// G = [1.0, -2.0, 0.5, 3.0]
/// def adam(lr, wd, decoupled):
///     p, m, v, out = 1.0, 0.0, 0.0, []
///     for t, g in enumerate(G, 1):
///         if decoupled: p -= lr * wd * p
///         else: g += wd * p
///         m = .9 * m + .1 * g; v = .999 * v + .001 * g * g
///         p -= lr * (m / (1 - .9**t)) / (sqrt(v / (1 - .999**t)) + 1e-8)
///         out.append(p)
///     return out
/// def sgd(lr, mu, wd, decoupled, nesterov):
///     p, u, out = 1.0, None, []
///     for g in G:
///         if decoupled: p -= lr * wd * p
///         else: g += wd * p
///         u = g if u is None else mu * u + g
///         p -= lr * (g + mu * u if nesterov else u)
///         out.append(p)
///     return out
/// print(adam(.1, 0, False), adam(.1, .1, False), adam(.1, .1, True))
/// print(sgd(.1, 0, 0, False, False), sgd(.1, .9, .1, False, False))
/// print(sgd(.1, .9, .1, True, False), sgd(.1, .9, 0, False, True))
/// ```
#[test]
fn reference_sequences() {
    let adam = OptimiserConfig::from(AdamConfig { lr: 0.1, ..AdamConfig::default() });
    let (coupled, decoupled) = (WeightDecay::Coupled(0.1), WeightDecay::Decoupled(0.1));
    assert_close(&sequence(&adam), &ADAM);
    assert_close(&sequence(&adam.clone().with_weight_decay(coupled)), &ADAM_L2);
    assert_close(&sequence(&adam.with_weight_decay(decoupled)), &ADAMW);
    let plain = SgdConfig { lr: 0.1, ..SgdConfig::default() };
    let heavy = SgdConfig { momentum: 0.9, ..plain };
    let nesterov = SgdConfig { nesterov: true, ..heavy };
    assert_close(&sequence(&plain.into()), &SGD);
    let heavy = OptimiserConfig::from(heavy);
    assert_close(&sequence(&heavy.clone().with_weight_decay(coupled)), &SGD_L2);
    assert_close(&sequence(&heavy.with_weight_decay(decoupled)), &SGDW);
    assert_close(&sequence(&nesterov.into()), &NESTEROV);
}

#[test]
fn decay_shrinks_weights_up_and_down() {
    for decay in [WeightDecay::Coupled(0.5), WeightDecay::Decoupled(0.5)] {
        for rule in [Rule::Adam(AdamConfig::default()), Rule::Sgd(SgdConfig::default())] {
            let config = OptimiserConfig::from(rule).with_weight_decay(decay);
            for up in [false, true] {
                let mut params = Params::<f32>::new();
                let id = params.add("w", array![[2.0, -2.0]]).unwrap();
                let mut gradients = Gradients::zeros_like(&params);
                gradients.accumulate(id);
                let mut optimiser = Optimiser::new(config.clone(), &params);
                if up {
                    optimiser.ascend(&mut params, &gradients).unwrap();
                } else {
                    optimiser.descend(&mut params, &gradients).unwrap();
                }
                assert!(params.view(id).iter().all(|p| p.abs() < 2.0), "{config:?}");
            }
        }
    }
}

#[test]
fn schedules_follow_their_formulas() {
    let rates = |schedule: &Schedule, steps: &[u64]| -> Vec<f64> {
        steps.iter().map(|&step| schedule.factor(step)).collect()
    };
    assert_eq!(rates(&Schedule::constant(), &[0, 1, u64::MAX]), [1.0; 3]);
    let warm = Schedule { warm_up: 4, decay: Decay::Constant };
    assert_eq!(rates(&warm, &[0, 1, 3, 4]), [0.25, 0.5, 1.0, 1.0]);
    let decay = Decay::Milestones { at: vec![3, 5], factor: 0.1 };
    let steps = Schedule { warm_up: 0, decay };
    assert_close(&rates(&steps, &[0, 2, 3, 4, 5, 99]), &[1.0, 1.0, 0.1, 0.1, 0.01, 0.01]);
    let decay = Decay::Cosine { steps: 12, floor: 0.2 };
    let cosine = Schedule { warm_up: 2, decay };
    assert_close(&rates(&cosine, &[0, 1, 2, 7, 12, 13]), &[0.5, 1.0, 1.0, 0.6, 0.2, 0.2]);

    // A step uses the rate for its number, also after a restart.
    let sgd = SgdConfig { lr: 1.0, ..SgdConfig::default() };
    let config = OptimiserConfig::from(sgd).with_schedule(cosine.clone());
    let mut params = Params::<f64>::new();
    let id = params.add("w", array![[0.0]]).unwrap();
    let mut gradients = Gradients::zeros_like(&params);
    gradients.accumulate(id).fill(-1.0);
    let mut optimiser = Optimiser::new(config.clone(), &params);
    let mut expected = 0.0;
    for step in 0..6 {
        assert_eq!(optimiser.learning_rate(), cosine.factor(step));
        optimiser.descend(&mut params, &gradients).unwrap();
        expected += cosine.factor(step);
        assert!((params.view(id)[[0, 0]] - expected).abs() < 1e-12);
        let mut checkpoint = Checkpoint::new();
        checkpoint.put_optimiser("w", &params, &optimiser).unwrap();
        let mut restored = Optimiser::new(config.clone(), &params);
        checkpoint.restore_optimiser("w", &params, &mut restored).unwrap();
        assert_eq!(restored, optimiser);
    }
}

#[test]
fn settings_outside_their_range_are_named_and_nothing_moves() {
    let sgd = SgdConfig::default();
    let with = |decay| OptimiserConfig::from(sgd).with_schedule(Schedule { warm_up: 5, decay });
    for (config, named) in [
        (AdamConfig { lr: f64::NAN, ..AdamConfig::default() }.into(), "`lr`"),
        (AdamConfig { beta2: 1.0, ..AdamConfig::default() }.into(), "`beta2`"),
        (AdamConfig { eps: 0.0, ..AdamConfig::default() }.into(), "`eps`"),
        (SgdConfig { momentum: -0.1, ..sgd }.into(), "`momentum`"),
        (SgdConfig { nesterov: true, ..sgd }.into(), "`nesterov`"),
        (
            OptimiserConfig::from(sgd).with_weight_decay(WeightDecay::Coupled(-1.0)),
            "`weight_decay`",
        ),
        (with(Decay::Cosine { steps: 5, floor: 0.0 }), "`schedule.decay.steps`"),
        (with(Decay::Cosine { steps: 6, floor: 2.0 }), "`schedule.decay.floor`"),
        (with(Decay::Milestones { at: vec![1], factor: 0.0 }), "`schedule.decay.factor`"),
    ] {
        let config: OptimiserConfig = config;
        let error = config.check().unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
        let mut params = Params::<f32>::new();
        let id = params.add("w", array![[1.0]]).unwrap();
        let mut gradients = Gradients::zeros_like(&params);
        gradients.accumulate(id);
        let mut optimiser = Optimiser::new(config, &params);
        assert_eq!(optimiser.descend(&mut params, &gradients), Err(error));
        assert_eq!((params.view(id)[[0, 0]], optimiser.step()), (1.0, 0));
    }
}

#[test]
fn settings_are_read_from_text() {
    let text = r#"{
        "rule": {"sgd": {"lr": 0.03, "momentum": 0.9}},
        "weight_decay": {"coupled": 1e-4},
        "schedule": {"warm_up": 10, "decay": {"milestones": {"at": [120, 160], "factor": 0.1}}}
    }"#;
    let config: OptimiserConfig = serde_json::from_str(text).unwrap();
    let sgd = SgdConfig { lr: 0.03, momentum: 0.9, nesterov: false };
    let decay = Decay::Milestones { at: vec![120, 160], factor: 0.1 };
    let expected = OptimiserConfig::from(sgd)
        .with_weight_decay(WeightDecay::Coupled(1e-4))
        .with_schedule(Schedule { warm_up: 10, decay });
    assert_eq!(config, expected);
    let again = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<OptimiserConfig>(&again).unwrap(), config);
    assert_eq!(
        serde_json::from_str::<OptimiserConfig>("{}").unwrap(),
        AdamConfig::default().into()
    );
    assert!(serde_json::from_str::<OptimiserConfig>(r#"{"rule": {"sgd": {"beta": 1}}}"#).is_err());
}

/// A network of two layers whose first is frozen.
fn half_frozen() -> (Params<f64>, Mlp) {
    let mut params = Params::new();
    let init = Init::GlorotUniform;
    let net = Mlp::new(&mut params, "net", &[3, 4, 2], init, &mut Stream::new(1, "init")).unwrap();
    params.freeze_network("net.layers.0").unwrap();
    (params, net)
}

#[test]
fn frozen_parameters_get_no_gradient_and_stay() {
    for fused in [false, true] {
        let (mut params, net) = half_frozen();
        let before = params.clone();
        let mut gradients = Gradients::zeros_like(&params);
        let decay = WeightDecay::Decoupled(0.1);
        let config = OptimiserConfig::from(AdamConfig::default()).with_weight_decay(decay);
        let mut optimiser = Optimiser::new(config, &params);
        let mut tape = Tape::new();
        let mut graph = tape.begin(&params);
        let x = graph.input(normal(1, (5, 3)).view());
        let y = net.forward(&mut graph, x);
        let seed = normal(2, (5, 2));
        if fused {
            let seeds = [(y, seed.view())];
            let step =
                optimiser.backward_and_ascend(&mut tape, &seeds, &mut params, &mut gradients);
            step.unwrap();
        } else {
            graph.backward(&[(y, seed.view())], &mut gradients).unwrap();
            for id in params.ids() {
                assert_eq!(gradients.view(id).is_some(), params.is_trained(id));
            }
            optimiser.ascend(&mut params, &gradients).unwrap();
        }
        for id in params.ids() {
            let moved = params.view(id) != before.view(id);
            assert_eq!(moved, params.is_trained(id), "{}", params.name(id));
        }
        params.thaw_network("net").unwrap();
        assert!(params.ids().all(|id| params.is_trained(id)));
    }
}

#[test]
fn gradients_pass_through_frozen_layers_and_stop_where_nothing_is_trained() {
    let (mut params, net) = half_frozen();
    params.thaw_network("net.layers.0").unwrap();
    params.freeze_network("net.layers.1").unwrap();
    let mut gradients = Gradients::zeros_like(&params);
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let x = graph.input(normal(1, (5, 3)).view());
    let y = net.forward(&mut graph, x);
    graph.backward(&[(y, normal(2, (5, 2)).view())], &mut gradients).unwrap();
    let first = params.id("net.layers.0.weight").unwrap();
    assert!(gradients.view(first).unwrap().iter().any(|&g| g != 0.0));

    params.freeze_network("net").unwrap();
    let mut graph = tape.begin(&params);
    let x = graph.input_with_gradient(normal(1, (5, 3)).view());
    let y = net.forward(&mut graph, x);
    gradients.clear();
    graph.backward(&[(y, normal(2, (5, 2)).view())], &mut gradients).unwrap();
    assert!(graph.gradient(x).is_some());
    let mut optimiser = Optimiser::new(SgdConfig::default(), &params);
    let before = params.clone();
    optimiser.descend(&mut params, &gradients).unwrap();
    assert_eq!(params, before);
}

#[test]
fn freezing_what_does_not_exist_is_an_error() {
    let (mut params, _) = half_frozen();
    let error = params.freeze_network("net.layers.7").unwrap_err();
    assert!(error.to_string().contains("net.layers.7"), "{error}");
    // Only complete parts of a path count: `net.layers.1` does not match `net.layers.10`.
    assert!(params.freeze_network("net.layer").is_err());
}

#[test]
fn another_rules_memory_is_refused() {
    let (params, _) = half_frozen();
    let momentum = SgdConfig { momentum: 0.9, ..SgdConfig::default() };
    let mut checkpoint = Checkpoint::new();
    let saved = Optimiser::new(momentum, &params);
    checkpoint.put_optimiser("net", &params, &saved).unwrap();
    for other in [SgdConfig::default().into(), OptimiserConfig::default()] {
        let mut optimiser = Optimiser::new(other, &params);
        let before = optimiser.clone();
        let restored = checkpoint.restore_optimiser("net", &params, &mut optimiser);
        assert!(matches!(restored, Err(NetsError::Checkpoint { .. })));
        assert_eq!(optimiser, before);
    }
}

/// A gradient of NaN or infinity would stay in the parameters and in the memory of every rule.
#[test]
fn a_gradient_that_is_not_finite_changes_nothing() {
    let adam = || OptimiserConfig::from(AdamConfig::default());
    let sgd = || OptimiserConfig::from(SgdConfig { momentum: 0.9, ..SgdConfig::default() });
    for config in [adam(), sgd(), adam().with_weight_decay(WeightDecay::Decoupled(0.1))] {
        let mut params = Params::<f64>::new();
        let ids = ["first", "second"].map(|name| params.add(name, normal(1, (2, 3))).unwrap());
        let mut gradients = Gradients::zeros_like(&params);
        let mut optimiser = Optimiser::new(config, &params);
        let fill = |gradients: &mut Gradients<f64>, bad: f64| {
            gradients.clear();
            for id in ids {
                gradients.accumulate(id).fill(0.5);
            }
            gradients.accumulate(ids[1])[[1, 2]] = bad;
        };
        fill(&mut gradients, 1.0);
        optimiser.descend(&mut params, &gradients).unwrap();
        let before = (params.clone(), optimiser.clone());
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            fill(&mut gradients, bad);
            let named = Err(NetsError::GradientNotFinite { name: "second".into() });
            assert_eq!(optimiser.descend(&mut params, &gradients), named);
            assert_eq!(optimiser.ascend(&mut params, &gradients), named);
            assert_eq!((&params, &optimiser), (&before.0, &before.1));
        }
    }
}

/// Every rule gives the same bits, whether it waits for all gradients or not, and after a restart.
#[test]
fn every_rule_takes_the_same_steps_at_once_and_after_a_restart() {
    let cosine = Schedule { warm_up: 2, decay: Decay::Cosine { steps: 6, floor: 0.1 } };
    let nesterov = SgdConfig { lr: 0.1, momentum: 0.9, nesterov: true };
    for config in [
        OptimiserConfig::from(SgdConfig::default()),
        OptimiserConfig::from(nesterov).with_weight_decay(WeightDecay::Coupled(0.1)),
        OptimiserConfig::default()
            .with_weight_decay(WeightDecay::Decoupled(0.1))
            .with_schedule(cosine),
    ] {
        let mut params = Params::<f64>::new();
        let w = params.add("w", normal(1, (3, 3))).unwrap();
        let b = params.add("b", normal(2, (1, 3))).unwrap();
        let mut runs = [false, true].map(|fused| (fused, params.clone(), Tape::new()));
        let mut optimisers = [(); 2].map(|()| Optimiser::new(config.clone(), &params));
        let mut gradients = Gradients::zeros_like(&params);
        for step in 0..6 {
            for ((fused, params, tape), optimiser) in runs.iter_mut().zip(&mut optimisers) {
                let mut graph = tape.begin(params);
                let x = graph.input(normal(10 + step, (4, 3)).view());
                let h = graph.dense(x, w, Some(b), Activation::Relu);
                let y = graph.dense(h, w, Some(b), Activation::Linear);
                let seed = graph.value(y).to_owned();
                gradients.clear();
                if *fused {
                    let seeds = [(y, seed.view())];
                    let (params, gradients) = (&mut *params, &mut gradients);
                    optimiser.backward_and_descend(tape, &seeds, params, gradients).unwrap();
                } else {
                    graph.backward(&[(y, seed.view())], &mut gradients).unwrap();
                    optimiser.descend(params, &gradients).unwrap();
                }
                let mut checkpoint = Checkpoint::new();
                checkpoint.put_params("all", params).unwrap();
                checkpoint.put_optimiser("all", params, optimiser).unwrap();
                let bytes = checkpoint.to_bytes().unwrap();
                let read = Checkpoint::from_bytes(&bytes).unwrap();
                *optimiser = Optimiser::new(config.clone(), params);
                read.restore_params("all", params).unwrap();
                read.restore_optimiser("all", params, optimiser).unwrap();
            }
        }
        assert_eq!(runs[0].1, runs[1].1);
        assert_eq!(optimisers[0], optimisers[1]);
        assert_ne!(runs[0].1, params);
    }
}

// Printed by the script above.
const ADAM: [f64; 4] = [
    0.900_000_000_999_999_9,
    0.936_610_353_472_074_8,
    0.950_279_419_673_821_5,
    0.910_869_430_434_876_6,
];
const ADAM_L2: [f64; 4] = [
    0.900_000_000_909_090_8,
    0.931_064_294_839_192_1,
    0.937_642_154_937_360_9,
    0.894_057_830_815_356,
];
const ADAMW: [f64; 4] = [
    0.890_000_000_999_999_9,
    0.917_710_353_462_074_7,
    0.922_202_316_129_200_7,
    0.873_570_303_728_963_7,
];
const SGD: [f64; 4] = [0.9, 1.1, 1.05, 0.75];
const SGD_L2: [f64; 4] = [0.89, 0.982_1, 1.005_169, 0.715_879_409_999_999_9];
const SGDW: [f64; 4] = [0.89, 0.991_1, 1.030_189, 0.763_987_11];
const NESTEROV: [f64; 4] = [0.81, 1.109, 1.103_1, 0.572_79];
