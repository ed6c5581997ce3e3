//! `RealNVP`: inverse, log-determinant, permutations.

use mi_nets::{
    AdamConfig, CouplingKind, Gradients, Init, Module, Optimiser, Params, RealNvp, RealNvpConfig,
    Tape, Unary, jacobian,
};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2};

use crate::support::normal;

fn network(kind: CouplingKind, init: Init) -> (Params<f64>, RealNvp) {
    let mut params = Params::new();
    let config = RealNvpConfig { dim: 11, couplings: 6, hidden: vec![16, 16], kind };
    let mut stream = Stream::new(3, "init");
    let net = RealNvp::new(&mut params, "g1", &config, init, &mut stream).unwrap();
    (params, net)
}

const KINDS: [CouplingKind; 2] = [CouplingKind::Additive, CouplingKind::Affine];

fn forward(net: &RealNvp, params: &Params<f64>, x: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut tape = Tape::new();
    let mut graph = tape.begin_inference(params);
    let x = graph.input(x);
    let y = net.forward(&mut graph, x);
    graph.check().unwrap();
    graph.value(y).to_owned()
}

/// Steps that pull the outputs together, so that weights and scales change.
fn train(net: &RealNvp, params: &mut Params<f64>, steps: usize) {
    let config = AdamConfig { lr: 1e-2, ..AdamConfig::default() };
    let mut adam = Optimiser::new(config, params);
    let mut gradients = Gradients::zeros_like(params);
    let mut tape = Tape::new();
    for step in 0..steps {
        let x = normal(step as u64, (32, 11));
        let mut graph = tape.begin(params);
        let x = graph.input(x.view());
        let y = net.forward(&mut graph, x);
        let bent = graph.unary(y, Unary::Tanh);
        let seed = graph.value(bent).mapv(|y| y / 32.0);
        gradients.clear();
        graph.backward(&[(bent, seed.view())], &mut gradients).unwrap();
        adam.descend(params, &gradients).unwrap();
    }
}

#[test]
fn the_inverse_is_exact_at_the_start_and_after_training() {
    for (kind, init) in [
        (CouplingKind::Additive, Init::TruncatedNormal { sd: 1e-4 }),
        (CouplingKind::Affine, Init::TruncatedNormal { sd: 1e-4 }),
        (CouplingKind::Additive, Init::GlorotUniform),
        (CouplingKind::Affine, Init::GlorotUniform),
    ] {
        let (mut params, net) = network(kind, init);
        let x = normal(100, (20, 11));
        let mut tape = Tape::new();
        for steps in [0, 50] {
            let before = params.clone();
            train(&net, &mut params, steps);
            assert_eq!(params == before, steps == 0);
            let y = forward(&net, &params, x.view());
            let back = net.inverse(&mut tape, &params, y.view()).unwrap();
            let error = (&back - &x).mapv(f64::abs).into_iter().fold(0.0, f64::max);
            assert!(error < 1e-6, "{kind:?} after {steps} steps: {error}");
            let report = net.inverse_error(&mut tape, &params, x.view()).unwrap();
            assert_eq!(report.whole, error);
            assert_eq!(report.couplings.len(), 6);
            assert!(report.couplings.iter().all(|&e| e < 1e-9), "{report:?}");
        }
    }
}

#[test]
fn a_coupling_that_cannot_be_inverted_is_known_by_its_number() {
    let (mut params, net) = network(CouplingKind::Additive, Init::GlorotUniform);
    let last = params.id("g1.couplings.2.layers.2.weight").unwrap();
    params.view_mut(last).mapv_inplace(|w| w * 1e14);
    let report = net.inverse_error(&mut Tape::new(), &params, normal(1, (5, 11)).view()).unwrap();
    let worst = report.couplings.iter().position(|&e| e > 1e-6);
    assert_eq!(worst, Some(2), "{report:?}");
    assert!(report.whole > 1e-6);
    params.view_mut(last).fill(f64::NAN);
    let report = net.inverse_error(&mut Tape::new(), &params, normal(1, (5, 11)).view()).unwrap();
    assert!(report.couplings[2].is_nan() && report.whole.is_nan() && report.couplings[1] < 1e-9);
}

#[test]
fn an_additive_network_keeps_the_volume_exactly() {
    let (mut params, net) = network(CouplingKind::Additive, Init::GlorotUniform);
    train(&net, &mut params, 5);
    let x = normal(1, (7, 11));
    let log_det = net.log_det(&mut Tape::new(), &params, x.view()).unwrap();
    assert!(log_det.len() == 7 && log_det.iter().all(|&l| l == 0.0));
    let j = jacobian(&mut Tape::new(), &net, &params, x.row(0)).unwrap();
    assert!(log_abs_det(j).abs() < 1e-10);
}

#[test]
fn log_det_is_that_of_the_jacobian() {
    let (mut params, net) = network(CouplingKind::Affine, Init::GlorotUniform);
    for steps in [0, 20] {
        train(&net, &mut params, steps);
        let x = normal(1, (4, 11));
        let mut tape = Tape::new();
        let log_dets = net.log_det(&mut tape, &params, x.view()).unwrap();
        for (x, log_det) in x.rows().into_iter().zip(log_dets) {
            let j = jacobian(&mut tape, &net, &params, x).unwrap();
            let expected = log_abs_det(j);
            assert!((log_det - expected).abs() < 1e-9, "{log_det} for {expected}");
            assert!(expected.abs() > 0.1);
        }
    }
}

/// log |det| by Gaussian elimination with row pivots.
fn log_abs_det(mut a: Array2<f64>) -> f64 {
    let n = a.nrows();
    let mut sum = 0.0;
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| a[[i, k]].abs().total_cmp(&a[[j, k]].abs())).unwrap();
        for j in 0..n {
            a.swap([k, j], [pivot, j]);
        }
        sum += a[[k, k]].abs().ln();
        for i in k + 1..n {
            let factor = a[[i, k]] / a[[k, k]];
            for j in k..n {
                a[[i, j]] -= factor * a[[k, j]];
            }
        }
    }
    sum
}

#[test]
fn couplings_do_what_the_formula_says() {
    for kind in KINDS {
        let mut params = Params::<f64>::new();
        let config = RealNvpConfig { dim: 3, couplings: 1, hidden: vec![], kind };
        let mut stream = Stream::new(5, "init");
        let net =
            RealNvp::new(&mut params, "g", &config, Init::GlorotUniform, &mut stream).unwrap();
        let x = normal(1, (4, 3));
        let y = forward(&net, &params, x.view());
        let (_, order) = params.permutations().next().unwrap();
        let w = params.view(params.id("g.couplings.0.layers.0.weight").unwrap());
        for (x, y) in x.rows().into_iter().zip(y.rows()) {
            let a = x[order[0]];
            assert_eq!(y[0], a);
            for k in 0..2 {
                let scale = match kind {
                    CouplingKind::Additive => 1.0,
                    _ => 1e-7 + (a * w[[0, 2 + k]]).exp().ln_1p(),
                };
                let expected = x[order[1 + k]] * scale + a * w[[0, k]];
                assert!((y[1 + k] - expected).abs() < 1e-14);
            }
        }
    }
}

#[test]
fn permutations_depend_on_seed_and_name_and_differ_between_couplings() {
    let orders = |seed: u64, name: &str, draws: usize| {
        let mut params = Params::<f64>::new();
        let kind = CouplingKind::Additive;
        let config = RealNvpConfig { dim: 8, couplings: 3, hidden: vec![2], kind };
        let mut stream = Stream::new(seed, "init");
        for _ in 0..draws {
            stream.uniform();
        }
        RealNvp::new(&mut params, name, &config, Init::GlorotUniform, &mut stream).unwrap();
        params.permutations().map(|(_, order)| order.to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(orders(1, "g1", 0), orders(1, "g1", 5));
    assert_ne!(orders(1, "g1", 0), orders(2, "g1", 0));
    assert_ne!(orders(1, "g1", 0), orders(1, "g2", 0));
    let three = orders(1, "g1", 0);
    assert!(three[0] != three[1] && three[1] != three[2]);
}
