//! Every operation's derivative compared with central differences.

use std::ops::Range;
use std::slice::from_ref;
use std::sync::Arc;

use mi_nets::{Activation, ConvGeometry, CustomOp, Graph, Operands, Padding, Params, Unary, Var};
use ndarray::{ArrayView2, ArrayViewMut2, array};
use proptest::prelude::*;

use crate::support::{add, check, config, normal};

const SIDE: Range<usize> = 1..7;

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn dense(n in SIDE, inputs in SIDE, outputs in SIDE, bias: bool, relu: bool) {
        let mut params = Params::new();
        let w = add(&mut params, "w", 1, (inputs, outputs));
        let b = bias.then(|| add(&mut params, "b", 2, (1, outputs)));
        let activation = if relu { Activation::Relu } else { Activation::Linear };
        check(&params, &[normal(3, (n, inputs))], |g, x| g.dense(x[0], w, b, activation));
    }

    #[test]
    fn conv2d(
        n in 1_usize..4,
        (height, width, channels) in (1_usize..7, 1_usize..7, 1_usize..4),
        (kernel, stride, outputs) in (1_usize..6, 1_usize..4, 1_usize..4),
        (padding, bias, relu) in (0..3, any::<bool>(), any::<bool>()),
    ) {
        let (padding, kernel) = match padding {
            0 => (Padding::Same, kernel),
            1 => (Padding::Valid, kernel.min(height).min(width)),
            _ => (Padding::Each(kernel / 2), kernel),
        };
        let geometry = ConvGeometry { height, width, channels, kernel, stride, padding };
        let mut params = Params::new();
        let w = add(&mut params, "w", 1, (geometry.patch_dim(), outputs));
        let b = bias.then(|| add(&mut params, "b", 2, (1, outputs)));
        let activation = if relu { Activation::Relu } else { Activation::Linear };
        let x = normal(3, (n, geometry.input_dim()));
        check(&params, &[x], |g, x| g.conv2d(x[0], w, b, &geometry, activation));
    }

    #[test]
    fn layer_norm(n in SIDE, positions in 1_usize..9, channels in 1_usize..9) {
        prop_assume!(positions * channels > 1);
        let mut params = Params::new();
        let scale = add(&mut params, "scale", 1, (1, channels));
        let shift = add(&mut params, "shift", 2, (1, channels));
        let x = normal(3, (n, positions * channels));
        check(&params, &[x], |g, x| g.layer_norm(x[0], scale, shift));
    }

    #[test]
    fn global_average_pool(n in SIDE, positions in SIDE, channels in SIDE) {
        let x = normal(3, (n, positions * channels));
        check(&Params::new(), &[x], |g, x| g.global_average_pool(x[0], channels));
    }

    #[test]
    fn binary(n in SIDE, m in SIDE, broadcast: bool) {
        let (a, b) = (normal(1, (n, m)), normal(2, (if broadcast { 1 } else { n }, m)));
        let inputs = [a, b];
        check(&Params::new(), &inputs, |g, x| g.add(x[0], x[1]));
        check(&Params::new(), &inputs, |g, x| g.subtract(x[0], x[1]));
        check(&Params::new(), &inputs, |g, x| g.multiply(x[0], x[1]));
        check(&Params::new(), &inputs[..1], |g, x| g.multiply(x[0], x[0]));
    }

    #[test]
    fn unary(n in SIDE, m in SIDE) {
        let x = normal(1, (n, m));
        let linear = Unary::Linear { factor: -1.5, offset: 0.25 };
        let everywhere =
            [Unary::Relu, Unary::Softplus, Unary::Sigmoid, Unary::Tanh, Unary::Exp, Unary::Square];
        for function in everywhere.into_iter().chain([linear]) {
            check(&Params::new(), from_ref(&x), |g, x| g.unary(x[0], function));
        }
        let positive = x.mapv(|x| x.abs() + 0.1);
        check(&Params::new(), &[positive], |g, x| g.unary(x[0], Unary::Ln));
    }

    #[test]
    fn columns(n in SIDE, m in 2_usize..7, seed: u64) {
        let (a, b) = (normal(1, (n, m)), normal(2, (n, m + 1)));
        let mut stream = mi_random::Stream::new(seed, "columns");
        let indices: Vec<usize> = (0..2 * m).map(|_| stream.below(m)).collect();
        let (start, end) = (stream.below(m), m);
        check(&Params::new(), from_ref(&a), |g, x| g.gather_columns(x[0], &indices));
        check(&Params::new(), from_ref(&a), |g, x| g.slice_columns(x[0], start..end));
        check(&Params::new(), &[a, b], |g, x| g.concat_columns(&[x[0], x[1], x[0]]));
    }

    #[test]
    fn rows(n in SIDE, m in 1_usize..40) {
        let x = normal(1, (n, m)) * 0.1 + 0.05;
        check(&Params::new(), from_ref(&x), |g, x| g.normalize_rows(x[0]));
        check(&Params::new(), from_ref(&x), |g, x| g.row_sums(x[0]));
        // Every row once, and the first in two slices.
        check(&Params::new(), from_ref(&x), |g, x| {
            let (first, all) = (g.slice_rows(x[0], 0..1), g.slice_rows(x[0], 0..n));
            g.concat_rows(&[first, all])
        });
        check(&Params::new(), from_ref(&x), |g, x| g.slice_rows(x[0], n / 2..n));
        let other = normal(2, (n + 1, m));
        check(&Params::new(), &[x, other], |g, x| g.concat_rows(&[x[0], x[1], x[0]]));
    }

    #[test]
    fn scale_exp(n in SIDE, m in SIDE, log_scale in -2.0..2.0) {
        let mut params = Params::new();
        let p = params.add("p", array![[log_scale]]).unwrap();
        check(&params, &[normal(1, (n, m))], |g, x| g.scale_exp(x[0], p));
    }

    /// A value with several consumers, parameters as values, gradients that merge.
    #[test]
    fn a_graph_that_branches(n in SIDE, m in SIDE) {
        let mut params = Params::new();
        let w = add(&mut params, "w", 1, (m, m));
        let b = add(&mut params, "b", 2, (1, m));
        check(&params, &[normal(3, (n, m)), normal(4, (n, m))], |g, x| {
            let h = g.dense(x[0], w, Some(b), Activation::Relu);
            let row = g.param(b);
            let shifted = g.add(h, row);
            let twice = g.dense(shifted, w, None, Activation::Linear);
            let product = g.multiply(twice, h);
            let norm = g.normalize_rows(x[1]);
            let sum = g.add(product, norm);
            let sums = g.row_sums(h);
            let both = g.concat_columns(&[sum, h, sums, x[1]]);
            g.unary(both, Unary::Tanh)
        });
    }

    #[test]
    fn custom(n in SIDE, m in SIDE) {
        let op: Arc<dyn CustomOp<f64>> = Arc::new(ScaledSquare);
        check(&Params::new(), &[normal(1, (n, m)), normal(2, (1, 1))], |g, x| {
            let once = g.custom(&[x[0], x[1]], &op);
            g.custom(&[once, x[1]], &op)
        });
    }
}

/// a² · s, s a 1×1 matrix.
#[derive(Debug)]
struct ScaledSquare;

impl CustomOp<f64> for ScaledSquare {
    fn name(&self) -> &'static str {
        "scaled square"
    }

    fn output_shape(&self, operands: &Operands<'_, f64>) -> Result<(usize, usize), String> {
        match (operands.len(), operands.get(1).dim()) {
            (2, (1, 1)) => Ok(operands.get(0).dim()),
            (n, shape) => Err(format!("{n} operands, the scale is {shape:?}")),
        }
    }

    fn forward(&self, operands: &Operands<'_, f64>, mut output: ArrayViewMut2<'_, f64>) {
        let scale = operands.get(1)[[0, 0]];
        output.zip_mut_with(&operands.get(0), |y, a| *y = a * a * scale);
    }

    fn backward(
        &self,
        operands: &Operands<'_, f64>,
        _: ArrayView2<'_, f64>,
        output_gradient: ArrayView2<'_, f64>,
        index: usize,
        mut gradient: ArrayViewMut2<'_, f64>,
    ) {
        let (a, scale) = (operands.get(0), operands.get(1)[[0, 0]]);
        if index == 0 {
            gradient += &(&output_gradient * &a * 2.0 * scale);
        } else {
            gradient[[0, 0]] += (&output_gradient * &a * a).sum();
        }
    }
}

/// The test harness itself: a wrong derivative does not pass.
#[test]
#[should_panic(expected = "difference quotient")]
fn central_differences_find_a_wrong_derivative() {
    #[derive(Debug)]
    struct Wrong;
    impl CustomOp<f64> for Wrong {
        fn name(&self) -> &'static str {
            "wrong"
        }
        fn output_shape(&self, operands: &Operands<'_, f64>) -> Result<(usize, usize), String> {
            Ok(operands.get(0).dim())
        }
        fn forward(&self, operands: &Operands<'_, f64>, mut output: ArrayViewMut2<'_, f64>) {
            output.assign(&operands.get(0));
        }
        fn backward(
            &self,
            _: &Operands<'_, f64>,
            _: ArrayView2<'_, f64>,
            output_gradient: ArrayView2<'_, f64>,
            _: usize,
            mut gradient: ArrayViewMut2<'_, f64>,
        ) {
            gradient.scaled_add(1.0 + 1e-5, &output_gradient);
        }
    }
    let op: Arc<dyn CustomOp<f64>> = Arc::new(Wrong);
    let build = |g: &mut Graph<'_, f64>, x: &[Var]| g.custom(&[x[0]], &op);
    check(&Params::new(), &[normal(1, (2, 3))], build);
}
