//! A batch evaluated by the engine, and by the slow method that the engine is compared with.

use mi_critics::{Critic, CriticSpec, Pairing};
use mi_estimators::bounds::{Bound, Evaluation, Pairs, Scores, gradient};
use mi_estimators::engine::{Batch, Engine};
use mi_kernels::Scalar;
use mi_nets::{Gradients, ParamId, Params};
use mi_random::Stream;
use ndarray::{Array1, Array2, ArrayView2};

use crate::common::{close, scattered};

/// Embedded batches, a pairing and its parameters.
#[derive(Clone)]
pub(crate) struct Case<T> {
    pub(crate) x: Array2<T>,
    pub(crate) y: Array2<T>,
    pub(crate) learned: Array1<T>,
    /// None for a square with positives on the diagonal.
    pub(crate) pairs: Option<Pairs>,
    pub(crate) pairing: Pairing,
    pub(crate) params: Params<T>,
}

pub(crate) fn pairings() -> Vec<(&'static str, Option<Vec<usize>>)> {
    vec![("dot", None), ("shallow", Some(vec![5])), ("deep", Some(vec![6, 4, 3]))]
}

/// Rows of x, and so of scores, with very different magnitudes.
pub(crate) fn case(hidden: Option<&[usize]>, k: usize) -> Case<f64> {
    case_of(hidden, (k, k))
}

/// The same with another number of rows of y.
pub(crate) fn case_of(hidden: Option<&[usize]>, (n, m): (usize, usize)) -> Case<f64> {
    let mut params = Params::new();
    let (pairing, d) = match hidden {
        None => (Pairing::Dot, 5),
        Some(hidden) => {
            let spec = CriticSpec::Concat { hidden: hidden.to_vec() };
            let mut stream = Stream::new(1, "critic");
            let critic = Critic::new(&mut params, "f", &spec, 2, 2, &mut stream).unwrap();
            for id in params.ids() {
                params.view_mut(id).mapv_inplace(|w| w + 0.3 * stream.normal());
            }
            (critic.pairing().clone(), hidden[0])
        }
    };
    let mut x = scattered((n, d), 1.0, 0.3);
    for (i, mut row) in x.rows_mut().into_iter().enumerate() {
        let scale = [1.0, 0.01, 8.0, 2.0][i % 4];
        row.mapv_inplace(|x| scale * x);
    }
    let y = scattered((m, d), 1.5, 0.7);
    let learned = scattered((1, n), 0.5, 0.1).row(0).to_owned();
    Case { x, y, learned, pairs: None, pairing, params }
}

impl Case<f64> {
    pub(crate) fn single(&self) -> Case<f32> {
        let narrow = |x: &Array2<f64>| x.mapv(|x| x as f32);
        Case {
            x: narrow(&self.x),
            y: narrow(&self.y),
            learned: self.learned.mapv(|x| x as f32),
            pairs: self.pairs.clone(),
            pairing: self.pairing.clone(),
            params: self.params.cast(),
        }
    }
}

/// Everything that an evaluation returns.
#[derive(Debug, PartialEq)]
pub(crate) struct Evaluated<T> {
    pub(crate) evaluation: Evaluation,
    pub(crate) x: Array2<T>,
    pub(crate) y: Array2<T>,
    pub(crate) learned: Array1<T>,
    pub(crate) params: Vec<Array2<T>>,
}

impl<T: Scalar> Case<T> {
    pub(crate) fn run(&self, engine: &mut Engine<T>, state: &mut dyn Bound<T>) -> Evaluated<T> {
        self.run_on(engine, state, self.x.view(), self.y.view())
    }

    pub(crate) fn run_on(
        &self,
        engine: &mut Engine<T>,
        state: &mut dyn Bound<T>,
        x: ArrayView2<'_, T>,
        y: ArrayView2<'_, T>,
    ) -> Evaluated<T> {
        let learned = state.learned().is_some().then(|| self.learned.view());
        let mut gradients = Gradients::zeros_like(&self.params);
        let batch = Batch::new(x, y)
            .paired_by(self.pairs.as_ref())
            .scored_by(&self.pairing, &self.params)
            .with_learned(learned);
        let found = engine.differentiate(&batch, state, Some(&mut gradients)).unwrap();
        // The first two and the bias belong to the towers.
        let of_head = |id: &ParamId| !self.params.name(*id).contains("layers.0");
        let ids = self.params.ids().filter(of_head);
        Evaluated {
            evaluation: found.evaluation,
            x: found.x.to_owned(),
            y: found.y.to_owned(),
            learned: found.learned.to_owned(),
            params: ids.map(|id| gradients.view(id).unwrap().to_owned()).collect(),
        }
    }

    /// From the full matrix: gradients of scores, then each pair's derivative separately.
    pub(crate) fn slow(&self, state: &mut dyn Bound<T>) -> Evaluated<T> {
        let scores = self.pairing.scores(&self.params, self.x.view(), self.y.view()).unwrap();
        let learned = state.learned().is_some().then(|| self.learned.view());
        let scores = Scores::new(scores.view()).paired_by(self.pairs.as_ref());
        let (evaluation, g) = gradient(&scores.with_learned(learned), state).unwrap();
        let (x, y, params) = self.pull_back(&g.scores);
        Evaluated { evaluation, x, y, learned: g.learned, params }
    }

    fn pull_back(&self, g: &Array2<T>) -> (Array2<T>, Array2<T>, Vec<Array2<T>>) {
        if let Pairing::Dot = self.pairing {
            return (g.dot(&self.y), g.t().dot(&self.x), Vec::new());
        }
        let layers: Vec<ParamId> =
            self.params.ids().filter(|&id| !self.params.name(id).contains("layers.0")).collect();
        let views: Vec<_> = layers.iter().map(|&id| self.params.view(id)).collect();
        let (mut gx, mut gy) = (Array2::zeros(self.x.dim()), Array2::zeros(self.y.dim()));
        let mut params: Vec<Array2<T>> = views.iter().map(|v| Array2::zeros(v.dim())).collect();
        let relu = |x: T| if x > T::zero() { x } else { T::zero() };
        for ((i, j), &g) in g.indexed_iter() {
            let sums = self.x.row(i).into_iter().zip(self.y.row(j));
            let mut values: Vec<Vec<T>> = vec![sums.map(|(&x, &y)| relu(x + y)).collect()];
            for (n, pair) in views.chunks(2).enumerate() {
                let z = (0..pair[0].ncols()).map(|out| {
                    let terms = values[n].iter().enumerate().map(|(h, &v)| v * pair[0][[h, out]]);
                    terms.sum::<T>() + pair[1][[0, out]]
                });
                let z: Vec<T> = z.map(relu).collect();
                values.push(z);
            }
            // The last layer has no ReLU: its gradient passes for any value.
            let mut delta = vec![g];
            for n in (0..views.len() / 2).rev() {
                let weight = &views[2 * n];
                let mut below = vec![T::zero(); values[n].len()];
                for (out, &d) in delta.iter().enumerate() {
                    params[2 * n + 1][[0, out]] += d;
                    for (h, &v) in values[n].iter().enumerate() {
                        params[2 * n][[h, out]] += v * d;
                        if v > T::zero() {
                            below[h] += d * weight[[h, out]];
                        }
                    }
                }
                delta = below;
            }
            for (d, &delta) in delta.iter().enumerate() {
                gx[[i, d]] += delta;
                gy[[j, d]] += delta;
            }
        }
        (gx, gy, params)
    }
}

fn wide<T: Scalar>(x: T) -> f64 {
    x.to_f64()
}

fn largest<'a, T: Scalar>(x: impl IntoIterator<Item = &'a T>) -> f64 {
    x.into_iter().fold(0.0, |a: f64, &b| a.max(wide(b).abs()))
}

/// Gradients agree to `tolerance` times the largest element of their own array; for the pairing's
/// parameters, times the largest element of all of them (that of the last bias may be 0 by
/// symmetry).
pub(crate) fn compare<T: Scalar, U: Scalar>(
    name: &str,
    found: &Evaluated<T>,
    expected: &Evaluated<U>,
    tolerance: f64,
) {
    close(name, found.evaluation.estimate, expected.evaluation.estimate, tolerance);
    close(name, found.evaluation.objective, expected.evaluation.objective, tolerance);
    let near = |what: &str, found: &[T], expected: &[U], scale: f64| {
        assert_eq!(found.len(), expected.len());
        for (&found, &expected) in found.iter().zip(expected) {
            let error = (wide(found) - wide(expected)).abs();
            assert!(error <= tolerance * scale, "{name} {what}: {found} {expected} of {scale:e}");
        }
    };
    let own = |what: &str, found: &Array2<T>, expected: &Array2<U>| {
        assert_eq!(found.dim(), expected.dim());
        near(what, found.as_slice().unwrap(), expected.as_slice().unwrap(), largest(expected));
    };
    own("x", &found.x, &expected.x);
    own("y", &found.y, &expected.y);
    let (learned, expected_learned) = (found.learned.to_vec(), expected.learned.to_vec());
    near("learned", &learned, &expected_learned, largest(&expected_learned));
    let flat = |params: &[Array2<U>]| params.iter().flatten().copied().collect::<Vec<U>>();
    let expected = flat(&expected.params);
    let found: Vec<T> = found.params.iter().flatten().copied().collect();
    near("parameters", &found, &expected, largest(&expected));
}
