//! Batch normalisation, dropout, max pooling and GELU: derivatives, modes, state.

use mi_nets::{
    Checkpoint, ConvGeometry, Gradients, Graph, Mode, NetsError, Optimiser, Padding, ParamId,
    Params, SgdConfig, Tape, Unary, Var,
};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2, array, s};
use proptest::prelude::*;

use crate::support::{add, check, config, normal};

/// Scale, shift and running statistics of a batch normalisation.
struct Norm {
    params: Params<f64>,
    ids: [ParamId; 3],
}

impl Norm {
    fn new(channels: usize) -> Self {
        let mut params = Params::new();
        let scale = add(&mut params, "scale", 1, (1, channels));
        let shift = add(&mut params, "shift", 2, (1, channels));
        let running = params.add_running_statistics("running", channels, 0.1).unwrap();
        Self { params, ids: [scale, shift, running] }
    }

    fn apply(&self, graph: &mut Graph<'_, f64>, x: Var) -> Var {
        let [scale, shift, running] = self.ids;
        graph.batch_norm(x, scale, shift, running)
    }
}

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn batch_norm(n in 1_usize..6, positions in 1_usize..5, channels in 1_usize..5) {
        prop_assume!(n * positions > 2);
        let x = normal(3, (n, positions * channels));
        let mut norm = Norm::new(channels);
        // Running statistics are not parameters, so their row does not affect the value in
        // training.
        check(&norm.params, std::slice::from_ref(&x), |g, x| norm.apply(g, x[0]));
        let running = norm.ids[2];
        norm.params.view_mut(running).row_mut(0).fill(0.3);
        norm.params.view_mut(running).row_mut(1).fill(2.0);
        let build = |g: &mut Graph<'_, f64>, x: Var| {
            g.set_mode(Mode::Evaluation);
            norm.apply(g, x)
        };
        // Except the running statistics: here the value depends on them, but they have no gradient.
        let mut tape = Tape::new();
        let mut gradients = Gradients::zeros_like(&norm.params);
        let mut graph = tape.begin(&norm.params);
        let input = graph.input_with_gradient(x.view());
        let y = build(&mut graph, input);
        let seed = normal(4, x.dim());
        graph.backward(&[(y, seed.view())], &mut gradients).unwrap();
        let gain = norm.params.view(norm.ids[0]).to_owned();
        let found = graph.gradient(input).unwrap();
        for ((i, j), &found) in found.indexed_iter() {
            let expected = seed[[i, j]] * gain[[0, j % channels]] / (2.0_f64 + 1e-5).sqrt();
            assert!((found - expected).abs() < 1e-12);
        }
        assert!(gradients.view(running).is_none(), "evaluation stores no statistics");
    }

    #[test]
    fn dropout(n in 1_usize..6, m in 1_usize..6, rate in 0.0..0.9) {
        // A new stream in every run, so that each draws the same mask.
        check(&Params::new(), &[normal(1, (n, m))], |g, x| {
            g.draw_from(Box::leak(Box::new(Stream::new(3, "dropout"))));
            let h = g.dropout(x[0], rate);
            g.dropout(h, 0.3)
        });
    }

    #[test]
    fn max_pool(
        n in 1_usize..4,
        (height, width, channels) in (1_usize..7, 1_usize..7, 1_usize..4),
        (kernel, stride, same) in (1_usize..4, 1_usize..4, any::<bool>()),
    ) {
        let padding = if same { Padding::Same } else { Padding::Valid };
        let kernel = if same { kernel } else { kernel.min(height).min(width) };
        let geometry = ConvGeometry { height, width, channels, kernel, stride, padding };
        let x = normal(3, (n, geometry.input_dim()));
        check(&Params::new(), &[x], |g, x| g.max_pool(x[0], &geometry));
    }
}

fn run<const N: usize>(
    params: &Params<f64>,
    x: ArrayView2<'_, f64>,
    build: impl Fn(&mut Graph<'_, f64>, Var) -> [Var; N],
) -> Result<[Array2<f64>; N], NetsError> {
    let mut tape = Tape::new();
    let mut graph = tape.begin(params);
    let x = graph.input(x);
    let values = build(&mut graph, x).map(|var| graph.value(var).to_owned());
    graph.check().map(|()| values)
}

#[test]
fn batch_norm_is_its_formula_far_from_zero_too() {
    let norm = Norm::new(2);
    let (gain, offset) = (norm.params.view(norm.ids[0]), norm.params.view(norm.ids[1]));
    for far in [0.0, 1e4] {
        let x = normal(3, (5, 6)) + far;
        let [y] = run(&norm.params, x.view(), |g, x| [norm.apply(g, x)]).unwrap();
        for c in 0..2 {
            let channel = x.slice(s![.., c..;2]);
            let (mean, variance) = (channel.mean().unwrap(), channel.var(0.0));
            let expected = channel
                .mapv(|x| (x - mean) / (variance + 1e-5).sqrt() * gain[[0, c]] + offset[[0, c]]);
            let error = (&y.slice(s![.., c..;2]) - &expected).mapv(f64::abs);
            assert!(error.into_iter().fold(0.0, f64::max) < 1e-10 * (1.0 + far));
        }
    }
    // In single precision the variance of values around 1000 must not be lost.
    let params = norm.params.cast::<f32>();
    let x = (normal(3, (500, 2)) + 1000.0).mapv(|x| x as f32);
    let [scale, shift, running] = norm.ids;
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let input = graph.input(x.view());
    let y = graph.batch_norm(input, scale, shift, running);
    let y = graph.value(y).mapv(f64::from);
    let exact = x.mapv(f64::from);
    let [expected] = run(&norm.params, exact.view(), |g, x| [norm.apply(g, x)]).unwrap();
    let error = (y - expected).mapv(f64::abs).into_iter().fold(0.0, f64::max);
    assert!(error < 1e-3, "{error}");
}

/// One step over one or two uses of a batch normalisation.
fn step(norm: &mut Norm, batches: &[Array2<f64>], fused: bool) {
    let mut gradients = Gradients::zeros_like(&norm.params);
    let mut optimiser = Optimiser::new(SgdConfig::default(), &norm.params);
    let mut tape = Tape::new();
    let mut graph = tape.begin(&norm.params);
    let outputs: Vec<Var> = batches
        .iter()
        .map(|x| {
            let x = graph.input(x.view());
            norm.apply(&mut graph, x)
        })
        .collect();
    let ones: Vec<Array2<f64>> = batches.iter().map(|x| Array2::ones(x.dim())).collect();
    let seeds: Vec<_> = outputs.iter().zip(&ones).map(|(&y, seed)| (y, seed.view())).collect();
    if fused {
        let params = &mut norm.params;
        optimiser.backward_and_descend(&mut tape, &seeds, params, &mut gradients).unwrap();
    } else {
        graph.backward(&seeds, &mut gradients).unwrap();
        gradients.scale(0.5);
        optimiser.descend(&mut norm.params, &gradients).unwrap();
    }
}

#[test]
fn running_statistics_follow_the_batches_and_are_used_in_evaluation() {
    let (x, other) = (normal(1, (6, 4)) * 2.0 + 1.0, normal(2, (6, 4)));
    let statistics = |x: &Array2<f64>, c: usize| {
        let channel = x.slice(s![.., c..;2]);
        // Twelve values per channel; the running variance has divisor 11.
        (channel.mean().unwrap(), channel.var(0.0) * 12.0 / 11.0)
    };
    for fused in [false, true] {
        let mut norm = Norm::new(2);
        let running = norm.ids[2];
        step(&mut norm, std::slice::from_ref(&x), fused);
        let mut expected = [(0.0, 1.0); 2];
        for (c, (mean, variance)) in expected.iter_mut().enumerate() {
            let of_batch = statistics(&x, c);
            (*mean, *variance) =
                (0.9 * *mean + 0.1 * of_batch.0, 0.9 * *variance + 0.1 * of_batch.1);
        }
        // Two uses in one graph count as one step towards their average.
        step(&mut norm, &[x.clone(), other.clone()], fused);
        for (c, (mean, variance)) in expected.iter_mut().enumerate() {
            let (a, b) = (statistics(&x, c), statistics(&other, c));
            *mean += 0.1 * (f64::midpoint(a.0, b.0) - *mean);
            *variance += 0.1 * (f64::midpoint(a.1, b.1) - *variance);
            let found = norm.params.view(running);
            assert!((found[[0, c]] - *mean).abs() < 1e-12, "{found} {mean}");
            assert!((found[[1, c]] - *variance).abs() < 1e-12, "{found} {variance}");
            assert_eq!(found[[2, c]], 2.0);
        }

        // Evaluation: rows do not depend on other rows of the batch, and an inference graph gives
        // the same.
        let mut tape = Tape::new();
        let mut evaluate = |x: ArrayView2<'_, f64>, recorded: bool| {
            let params = &norm.params;
            let mut graph =
                if recorded { tape.begin(params) } else { tape.begin_inference(params) };
            graph.set_mode(Mode::Evaluation);
            let x = graph.input(x);
            let y = norm.apply(&mut graph, x);
            graph.value(y).to_owned()
        };
        let y = evaluate(x.view(), false);
        assert_eq!(evaluate(x.view(), true), y);
        assert_eq!(evaluate(x.slice(s![2..3, ..]), false).row(0), y.row(2));

        // A checkpoint includes them.
        let mut checkpoint = Checkpoint::new();
        checkpoint.put_params("g", &norm.params).unwrap();
        let mut fresh = Norm::new(2).params;
        assert_ne!(fresh, norm.params);
        let bytes = checkpoint.to_bytes().unwrap();
        Checkpoint::from_bytes(&bytes).unwrap().restore_params("g", &mut fresh).unwrap();
        assert_eq!(fresh, norm.params);
        assert_eq!(norm.params.scalar_count(), 4, "running statistics are not parameters");
    }
}

#[test]
fn a_frozen_batch_norm_does_not_move() {
    let mut norm = Norm::new(2);
    norm.params.freeze_network("scale").unwrap();
    norm.params.freeze_network("shift").unwrap();
    let before = norm.params.clone();
    step(&mut norm, &[normal(1, (6, 4))], true);
    assert_eq!(norm.params, before);
}

#[test]
fn batch_norm_says_what_does_not_fit() {
    let norm = Norm::new(2);
    let error = run(&norm.params, normal(1, (1, 2)).view(), |g, x| [norm.apply(g, x)]).unwrap_err();
    assert!(error.to_string().contains("larger batches"), "{error}");
    let error = run(&norm.params, normal(1, (4, 3)).view(), |g, x| [norm.apply(g, x)]).unwrap_err();
    assert!(error.to_string().contains("divisor of 3"), "{error}");
    let mut params = Params::<f32>::new();
    let error = params.add_running_statistics("running", 3, 0.0).unwrap_err();
    assert!(error.to_string().contains("`momentum` is 0"), "{error}");
}

#[test]
fn dropout_keeps_the_mean_and_draws_from_its_stream() {
    let params = Params::new();
    let x = Array2::ones((100, 100));
    let mut tape = Tape::new();
    let mut draw = |stream: &mut Stream, mode: Mode| {
        let mut graph = tape.begin(&params);
        graph.draw_from(stream);
        graph.set_mode(mode);
        let x = graph.input(x.view());
        let y = graph.dropout(x, 0.3);
        graph.value(y).to_owned()
    };
    let mut stream = Stream::new(1, "dropout");
    let first = draw(&mut stream, Mode::Training);
    let dropped = first.iter().filter(|&&y| y == 0.0).count() as f64 / 1e4;
    // The standard deviation is √(0.3 · 0.7 / 10⁴) = 0.0046.
    assert!((dropped - 0.3).abs() < 0.02, "{dropped}");
    assert!(first.iter().all(|&y: &f64| y == 0.0 || (y - 1.0 / 0.7).abs() < 1e-12));
    let state = stream.state();
    let second = draw(&mut stream, Mode::Training);
    assert_ne!(first, second);
    assert_eq!(draw(&mut Stream::from_state(&state), Mode::Training), second);
    let position = stream.state();
    assert_eq!(draw(&mut stream, Mode::Evaluation), x);
    assert_eq!(stream.state(), position, "evaluation draws nothing");
}

#[test]
fn dropout_without_a_stream_or_with_a_wrong_rate_is_an_error() {
    let x = normal(1, (2, 3));
    let error = run(&Params::new(), x.view(), |g, x| [g.dropout(x, 0.5)]).unwrap_err();
    assert!(error.to_string().contains("draw_from"), "{error}");
    for rate in [1.0, -0.1, f64::NAN] {
        let error = run(&Params::new(), x.view(), |g, x| [g.dropout(x, rate)]).unwrap_err();
        assert!(error.to_string().contains("[0, 1)"), "{error}");
    }
    assert!(run(&Params::new(), x.view(), |g, x| [g.dropout(x, 0.0)]).is_ok());
}

#[test]
fn max_pool_takes_the_largest_and_the_first_of_equals_gets_the_gradient() {
    let padding = Padding::Same;
    let geometry = ConvGeometry { height: 3, width: 3, channels: 1, kernel: 2, stride: 2, padding };
    let x = array![[-1.0, -2.0, -3.0, -4.0, -5.0, -6.0, 7.0, 7.0, f64::NAN]];
    let params = Params::new();
    let mut tape = Tape::new();
    let mut graph = tape.begin(&params);
    let input = graph.input_with_gradient(x.view());
    let y = graph.max_pool(input, &geometry);
    // Negative values are larger than the padding.
    assert_eq!(graph.value(y).slice(s![.., ..3]), array![[-1.0, -3.0, 7.0]]);
    assert!(graph.value(y)[[0, 3]].is_nan());
    graph.backward_to_inputs(&[(y, array![[1.0, 2.0, 3.0, 4.0]].view())]).unwrap();
    let expected = array![[1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 3.0, 0.0, 4.0]];
    assert_eq!(graph.gradient(input).unwrap(), expected);
    let x = normal(1, (2, 8));
    let error = run(&params, x.view(), |g, x| [g.max_pool(x, &geometry)]).unwrap_err();
    assert!(error.to_string().contains("2×8 for 9"), "{error}");
}

/// x Φ(x) from mpmath at 30 digits:
/// `[print(x, nstr(x * ncdf(x), 17)) for x in (-10, -3, -1, 0.5, 2)]`.
#[test]
fn gelu_is_the_exact_form_and_keeps_its_digits_in_the_tail() {
    let x = array![[-10.0, -3.0, -1.0, 0.5, 2.0]];
    let expected = [
        -7.619_853_024_160_526e-23,
        -0.004_049_694_094_890_283_6,
        -0.158_655_253_931_457_05,
        0.345_731_230_637_006_55,
        1.954_499_736_103_641_6,
    ];
    let [y] = run(&Params::new(), x.view(), |g, x| [g.unary(x, Unary::Gelu)]).unwrap();
    for (found, expected) in y.iter().zip(expected) {
        assert!((found / expected - 1.0).abs() < 1e-13, "{found} for {expected}");
    }
    check(&Params::new(), &[normal(1, (4, 5)) * 2.0], |g, x| g.unary(x[0], Unary::Gelu));
    let far = array![[f64::NEG_INFINITY, f64::INFINITY, f64::NAN]];
    let [y] = run(&Params::new(), far.view(), |g, x| [g.unary(x, Unary::Gelu)]).unwrap();
    assert!(y[[0, 1]] == f64::INFINITY && y[[0, 2]].is_nan());
}
