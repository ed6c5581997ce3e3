//! Adam compared with known answers and with a slow, obvious version.

use mi_nets::{AdamConfig, EpsPlacement, Gradients, Optimiser, Params};
use mi_random::Stream;
use ndarray::array;

/// The first step from 0 along one gradient.
fn first_step<T: mi_kernels::Scalar>(gradient: f64, eps_placement: EpsPlacement) -> f64 {
    let mut params = Params::<T>::new();
    let id = params.add("w", array![[T::zero()]]).unwrap();
    let mut gradients = Gradients::zeros_like(&params);
    gradients.accumulate(id)[[0, 0]] = T::from_f64(gradient);
    let mut adam = Optimiser::new(AdamConfig { eps_placement, ..AdamConfig::default() }, &params);
    adam.descend(&mut params, &gradients).unwrap();
    mi_kernels::Scalar::to_f64(params.view(id)[[0, 0]])
}

#[test]
fn the_first_step_of_a_gradient_as_small_as_eps() {
    // Algorithm 1: lr · 1e-8 / (1e-8 + 1e-8). TensorFlow 1: with m = 1e-9, √v = √1e-19 and the
    // factor lr √0.001 / 0.1, 3.07e-6.
    let root = 1e-19_f64.sqrt();
    let tensorflow = 1e-4 * 0.001_f64.sqrt() / 0.1 * 1e-9 / (root + 1e-8);
    assert!((tensorflow - 3.07e-6).abs() < 0.005e-6);
    for (placement, expected) in
        [(EpsPlacement::AfterCorrection, 5e-5), (EpsPlacement::BeforeCorrection, tensorflow)]
    {
        assert!((first_step::<f64>(1e-8, placement) / -expected - 1.0).abs() < 1e-12);
        assert!((first_step::<f32>(1e-8, placement) / -expected - 1.0).abs() < 1e-5);
        // A gradient of ordinary size moves by lr, whatever its size.
        assert!((first_step::<f64>(-3.0, placement) / 1e-4 - 1.0).abs() < 1e-6);
    }
}

/// The two formulas, written out.
fn reference(config: &AdamConfig, gradients: &[f64]) -> f64 {
    let (mut theta, mut m, mut v) = (0.0, 0.0, 0.0);
    for (t, g) in (1..).zip(gradients) {
        m = config.beta1 * m + (1.0 - config.beta1) * g;
        v = config.beta2 * v + (1.0 - config.beta2) * g * g;
        let (c1, c2) = (1.0 - config.beta1.powi(t), 1.0 - config.beta2.powi(t));
        theta -= match config.eps_placement {
            EpsPlacement::AfterCorrection => config.lr * (m / c1) / ((v / c2).sqrt() + config.eps),
            EpsPlacement::BeforeCorrection => {
                config.lr * c2.sqrt() / c1 * m / (v.sqrt() + config.eps)
            }
            other => panic!("no formula of {other:?}"),
        };
    }
    theta
}

#[test]
fn many_steps_follow_the_formulas_up_and_down() {
    let mut stream = Stream::new(1, "gradients");
    let drawn: Vec<f64> = (0..300).map(|_| 1e-7 * stream.normal() + 5e-8).collect();
    for eps_placement in [EpsPlacement::AfterCorrection, EpsPlacement::BeforeCorrection] {
        let config = AdamConfig { lr: 1e-3, beta1: 0.8, beta2: 0.95, eps: 1e-7, eps_placement };
        let expected = reference(&config, &drawn);
        for up in [false, true] {
            let mut params = Params::<f64>::new();
            let id = params.add("w", array![[0.0, 1.0]]).unwrap();
            let mut gradients = Gradients::zeros_like(&params);
            let mut adam = Optimiser::new(config, &params);
            for &g in &drawn {
                gradients.clear();
                gradients.accumulate(id).fill(g);
                if up {
                    adam.ascend(&mut params, &gradients).unwrap();
                } else {
                    adam.descend(&mut params, &gradients).unwrap();
                }
            }
            let moved = if up { -params.view(id)[[0, 0]] } else { params.view(id)[[0, 0]] };
            assert!((moved / expected - 1.0).abs() < 1e-12, "{moved} for {expected}");
            assert_eq!(adam.step(), 300);
        }
    }
}

/// Interrupted runs must continue with the same bits, so the order of operations is fixed.
#[test]
fn single_precision_steps_have_these_bits() {
    let config = AdamConfig { lr: 1e-3, ..AdamConfig::default() };
    let mut params = Params::<f32>::new();
    let id = params.add("w", array![[0.5]]).unwrap();
    let mut gradients = Gradients::zeros_like(&params);
    let mut adam = Optimiser::new(config, &params);
    let (mut p, mut m, mut v) = (0.5_f32, 0.0_f32, 0.0_f32);
    let mut stream = Stream::new(2, "gradients");
    for t in 1..=200 {
        let g = stream.normal() as f32;
        gradients.clear();
        gradients.accumulate(id).fill(g);
        adam.ascend(&mut params, &gradients).unwrap();
        let root = (1.0 - 0.999_f64.powi(t)).sqrt();
        m = 0.9 * m + (1.0 - 0.9_f64) as f32 * g;
        v = 0.999 * v + (1.0 - 0.999_f64) as f32 * g * g;
        let rate = (1e-3 * root / (1.0 - 0.9_f64.powi(t))) as f32;
        p += rate * m / (v.sqrt() + (1e-8 * root) as f32);
        assert_eq!(params.view(id)[[0, 0]].to_bits(), p.to_bits(), "step {t}");
    }
}

/// The first moment of the only element of `w`, as in checkpoints.
fn first_moment(params: &Params<f32>, adam: &Optimiser<f32>) -> f32 {
    let mut checkpoint = mi_nets::Checkpoint::new();
    checkpoint.put_optimiser("w", params, adam).unwrap();
    let bytes = checkpoint.to_bytes().unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    f32::from_le_bytes(tensors.tensor("w/adam/first/w").unwrap().data().try_into().unwrap())
}

#[test]
fn moments_of_a_dead_weight_reach_zero_instead_of_subnormal_numbers() {
    let mut params = Params::<f32>::new();
    let id = params.add("w", array![[0.0]]).unwrap();
    let mut gradients = Gradients::zeros_like(&params);
    let mut adam = Optimiser::new(AdamConfig::default(), &params);
    gradients.accumulate(id)[[0, 0]] = 1e-3;
    adam.descend(&mut params, &gradients).unwrap();
    gradients.accumulate(id)[[0, 0]] = 0.0;
    let mut last = f32::INFINITY;
    for _ in 0..2000 {
        adam.descend(&mut params, &gradients).unwrap();
        let moment = first_moment(&params, &adam);
        // Times a rate of 10⁻⁶ it is still a normal number.
        assert!(moment == 0.0 || moment * 1e-6 >= f32::MIN_POSITIVE, "{moment:e}");
        assert!(moment < last || moment == 0.0);
        last = moment;
    }
    let settled = params.view(id)[[0, 0]];
    // The last moments were 1e-4 · 0.9ᵏ; 0.9 times the smallest subnormal number rounds to itself,
    // so without flushing the moment would never be zero.
    assert_eq!(last, 0.0);
    adam.descend(&mut params, &gradients).unwrap();
    assert_eq!(params.view(id)[[0, 0]], settled);
}

#[test]
fn an_optimiser_of_other_parameters_is_refused() {
    let mut params = Params::<f64>::new();
    params.add("w", array![[0.0, 1.0]]).unwrap();
    let mut adam = Optimiser::new(AdamConfig::default(), &Params::new());
    let gradients = Gradients::zeros_like(&params);
    let error = adam.descend(&mut params, &gradients).unwrap_err();
    assert!(error.to_string().contains("Optimiser::new"), "{error}");
    let mut others = Params::<f64>::new();
    let error = adam.descend(&mut others, &gradients).unwrap_err();
    assert!(error.to_string().contains("zeros_like"), "{error}");
}

#[test]
fn settings_are_read_with_defaults_and_without_unknown_fields() {
    let config: AdamConfig =
        serde_json::from_str(r#"{"lr": 1e-5, "eps_placement": "before-correction"}"#).unwrap();
    let expected = AdamConfig {
        lr: 1e-5,
        eps_placement: EpsPlacement::BeforeCorrection,
        ..AdamConfig::default()
    };
    assert_eq!(config, expected);
    assert!(serde_json::from_str::<AdamConfig>(r#"{"learning_rate": 1}"#).is_err());
}
