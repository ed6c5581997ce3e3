//! Central differences, and inputs in every memory layout.

use mi_nets::{Gradients, Graph, ParamId, Params, Tape, Var};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2, s};
use proptest::test_runner::{Config, RngSeed};

/// Property tests see the same shapes in every run: a central difference across a kink of a `ReLU`
/// is wrong, and a test that fails once in a thousand runs is worse than no test.
pub(crate) fn config(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Config::default() }
}

pub(crate) fn normal(seed: u64, shape: (usize, usize)) -> Array2<f64> {
    Stream::new(seed, "normal").normal_matrix(shape)
}

pub(crate) fn add(
    params: &mut Params<f64>,
    name: &str,
    seed: u64,
    shape: (usize, usize),
) -> ParamId {
    params.add(name, Stream::new(seed, name).normal_matrix(shape)).unwrap()
}

/// The same matrix in C order, Fortran order, reversed on both axes, and with steps.
pub(crate) struct Layouts {
    stored: [Array2<f64>; 4],
}

impl Layouts {
    pub(crate) fn of(x: &Array2<f64>) -> Self {
        let (rows, columns) = x.dim();
        let fortran = x.t().as_standard_layout().to_owned();
        let reversed = x.slice(s![..;-1, ..;-1]).as_standard_layout().to_owned();
        let mut stepped = Array2::from_elem((2 * rows, 3 * columns), f64::NAN);
        stepped.slice_mut(s![..;2, ..;3]).assign(x);
        Self { stored: [x.clone(), fortran, reversed, stepped] }
    }

    pub(crate) fn views(&self) -> [ArrayView2<'_, f64>; 4] {
        let [c, fortran, reversed, stepped] = &self.stored;
        [c.view(), fortran.t(), reversed.slice(s![..;-1, ..;-1]), stepped.slice(s![..;2, ..;3])]
    }
}

struct Outcome {
    objective: f64,
    params: Vec<Option<Array2<f64>>>,
    inputs: Vec<Option<Array2<f64>>>,
}

/// Runs a graph under the objective Σ w ∘ sin(y) with fixed random weights w, so that the incoming
/// gradient depends on every value of y.
fn run(
    params: &Params<f64>,
    inputs: &[ArrayView2<'_, f64>],
    build: impl Fn(&mut Graph<'_, f64>, &[Var]) -> Var,
) -> Outcome {
    let mut tape = Tape::new();
    let mut gradients = Gradients::zeros_like(params);
    let mut graph = tape.begin(params);
    let vars: Vec<Var> = inputs.iter().map(|x| graph.input_with_gradient(*x)).collect();
    let y = build(&mut graph, &vars);
    graph.check().unwrap();
    let w = normal(99, graph.shape(y));
    let objective = (&w * &graph.value(y).mapv(f64::sin)).sum();
    let seed = w * graph.value(y).mapv(f64::cos);
    graph.backward(&[(y, seed.view())], &mut gradients).unwrap();
    Outcome {
        objective,
        params: params.ids().map(|id| gradients.view(id).map(|g| g.to_owned())).collect(),
        inputs: vars.iter().map(|&x| graph.gradient(x).map(|g| g.to_owned())).collect(),
    }
}

/// Compares all derivatives (for large matrices, those of about fifty elements) with central
/// differences, and checks that the memory layout of the inputs changes no bit of them.
///
/// The tolerance is 1e-7 · (1 + |difference quotient|): with h = 1e-5 the quotient itself is
/// off by about 1e-9.
pub(crate) fn check(
    params: &Params<f64>,
    inputs: &[Array2<f64>],
    build: impl Fn(&mut Graph<'_, f64>, &[Var]) -> Var,
) {
    let views: Vec<_> = inputs.iter().map(|x| x.view()).collect();
    let outcome = run(params, &views, &build);
    let compare = |name: &str,
                   gradient: &Option<Array2<f64>>,
                   x: ArrayView2<'_, f64>,
                   at: &dyn Fn((usize, usize), f64) -> f64| {
        if let Some(gradient) = gradient {
            assert_eq!(gradient.dim(), x.dim(), "{name} has its operand's shape");
        }
        let step = x.len().div_ceil(50);
        for (index, _) in x.indexed_iter().step_by(step) {
            let h = 1e-5;
            let quotient = (at(index, h) - at(index, -h)) / (2.0 * h);
            let derivative = gradient.as_ref().map_or(0.0, |g| g[index]);
            assert!(
                (derivative - quotient).abs() <= 1e-7 * (1.0 + quotient.abs()),
                "{name}{index:?}: derivative {derivative}, difference quotient {quotient}"
            );
        }
    };
    for (k, id) in params.ids().enumerate() {
        compare(params.name(id), &outcome.params[k], params.view(id), &|index, h| {
            let mut moved = params.clone();
            moved.view_mut(id)[index] += h;
            run(&moved, &views, &build).objective
        });
    }
    for k in 0..inputs.len() {
        compare(&format!("input {k}"), &outcome.inputs[k], inputs[k].view(), &|index, h| {
            let mut moved = inputs.to_vec();
            moved[k][index] += h;
            let views: Vec<_> = moved.iter().map(|x| x.view()).collect();
            run(params, &views, &build).objective
        });
    }
    let layouts: Vec<_> = inputs.iter().map(Layouts::of).collect();
    for layout in 1..4 {
        let views: Vec<_> = layouts.iter().map(|layouts| layouts.views()[layout]).collect();
        let other = run(params, &views, &build);
        assert_eq!(other.objective.to_bits(), outcome.objective.to_bits(), "layout {layout}");
        assert_eq!(other.params, outcome.params, "layout {layout}");
        assert_eq!(other.inputs, outcome.inputs, "layout {layout}");
    }
}
