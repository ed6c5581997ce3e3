use mi_kernels::Scalar;
use mi_random::Stream;
use ndarray::{Array1, Array2, ArrayView2, Axis, Zip};
use serde::{Deserialize, Serialize};

use super::{Mlp, Module};
use crate::{Graph, Init, NetsError, NetworkSize, Params, PermutationId, Tape, Unary, Var};

/// The smallest scale of an affine coupling: keeps its inverse finite.
const LEAST_SCALE: f64 = 1e-7;

/// What a coupling does to the half that it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CouplingKind {
    /// Adds a shift: the volume is preserved, log |det J| = 0.
    Additive,
    /// Multiplies by 10⁻⁷ + softplus(·) and adds a shift.
    Affine,
}

/// The configuration of a [`RealNvp`].
///
/// | field | figure 1 of the paper | purpose |
/// | --- | --- | --- |
/// | `dim` | 392 | width of the rows, ≥ 2 |
/// | `couplings` | 30 | number of coupling layers |
/// | `hidden` | 512, 512 | hidden layers of each coupling's MLP |
/// | `kind` | additive (1a, 1b), affine (1c) | see [`CouplingKind`] |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealNvpConfig {
    /// Width of the rows.
    pub dim: usize,
    /// Number of coupling layers.
    pub couplings: usize,
    /// Hidden layers of each coupling's MLP.
    pub hidden: Vec<usize>,
    /// What the couplings do.
    pub kind: CouplingKind,
}

/// A bijective network of coupling layers (Dinh, Sohl-Dickstein and Bengio, 2017).
///
/// # Formula
/// Each coupling permutes the columns of h, splits them into two halves a (⌊d/2⌋ columns) and b,
/// and yields [a, b + t(a)] (additive) or [a, b ∘ s(a) + t(a)] (affine), with t and s from an MLP.
/// Then log |det J| = Σ log s over all couplings and columns.
///
/// The permutations are drawn from a child stream with the network's name, and kept among the
/// parameters as `{name}.couplings.{k}.permutation`, so checkpoints include them.
///
/// # Shapes
/// n×dim to n×dim. Parameters of coupling k: those of the MLP `{name}.couplings.{k}`.
#[derive(Clone, Debug)]
pub struct RealNvp {
    dim: usize,
    kind: CouplingKind,
    couplings: Vec<Coupling>,
}

#[derive(Clone, Debug)]
struct Coupling {
    permutation: PermutationId,
    net: Mlp,
}

/// The error of the inverse of a [`RealNvp`]: the largest absolute difference over all rows and
/// columns. NaN if anything was NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct InverseError {
    /// Each coupling separately: its input compared with the inverse of its output.
    pub couplings: Vec<f64>,
    /// The complete network: its input compared with the inverse of its output.
    pub whole: f64,
}

impl RealNvp {
    /// Adds the parameters and permutations of a `RealNVP`.
    ///
    /// # Errors
    /// A `dim` below 2; no coupling; a hidden size 0; a name that is taken.
    pub fn new<T: Scalar>(
        params: &mut Params<T>,
        name: &str,
        config: &RealNvpConfig,
        init: Init,
        stream: &mut Stream,
    ) -> Result<Self, NetsError> {
        let RealNvpConfig { dim, couplings, ref hidden, kind } = *config;
        if dim < 2 || couplings == 0 {
            let problem = format!(
                "{couplings} couplings of {dim} columns: at least 1 coupling and 2 columns are needed"
            );
            return Err(NetsError::Layer { layer: name.to_owned(), problem });
        }
        let changed = dim - dim / 2;
        let outputs = if kind == CouplingKind::Affine { 2 * changed } else { changed };
        let sizes: Vec<usize> =
            [dim / 2].into_iter().chain(hidden.iter().copied()).chain([outputs]).collect();
        let mut permutations = stream.child(&format!("{name}.permutations"));
        let couplings = (0..couplings)
            .map(|k| {
                let name = format!("{name}.couplings.{k}");
                let order = permutations.permutation(dim);
                let permutation = params.add_permutation(format!("{name}.permutation"), order)?;
                let net = Mlp::new(params, &name, &sizes, init, stream)?;
                Ok(Coupling { permutation, net })
            })
            .collect::<Result<_, NetsError>>()?;
        Ok(Self { dim, kind, couplings })
    }

    /// Appends the network and its log |det J| (nats).
    ///
    /// # Shapes
    /// n×dim to n×dim and n×1.
    pub fn forward_with_log_det<T: Scalar>(&self, graph: &mut Graph<'_, T>, x: Var) -> (Var, Var) {
        let rows = graph.shape(x).0;
        let mut log_det = graph.input(Array2::zeros((rows, 1)).view());
        let mut h = x;
        for coupling in &self.couplings {
            let (next, scale) = self.couple(graph, coupling, h);
            if let Some(scale) = scale {
                let logs = graph.unary(scale, Unary::Ln);
                let sums = graph.row_sums(logs);
                let sum = graph.add(log_det, sums);
                for done in [scale, logs, sums, log_det] {
                    graph.release(done);
                }
                log_det = sum;
            }
            if h != x {
                graph.release(h);
            }
            h = next;
        }
        (h, log_det)
    }

    /// log |det J| of the network at every row of `x`, in nats; exactly 0 for additive
    /// couplings.
    ///
    /// # Shapes
    /// n×dim to n.
    ///
    /// # Errors
    /// If `x` has another width, or the parameters another shape.
    pub fn log_det<T: Scalar>(
        &self,
        tape: &mut Tape<T>,
        params: &Params<T>,
        x: ArrayView2<'_, T>,
    ) -> Result<Array1<T>, NetsError> {
        let mut graph = tape.begin_inference(params);
        let x = graph.input(x);
        let (_, log_det) = self.forward_with_log_det(&mut graph, x);
        graph.check()?;
        Ok(graph.value(log_det).column(0).to_owned())
    }

    /// The inverse of the network.
    ///
    /// # Shapes
    /// n×dim to n×dim.
    ///
    /// # Errors
    /// Those of [`RealNvp::log_det`].
    pub fn inverse<T: Scalar>(
        &self,
        tape: &mut Tape<T>,
        params: &Params<T>,
        y: ArrayView2<'_, T>,
    ) -> Result<Array2<T>, NetsError> {
        let start = y.to_owned();
        self.couplings
            .iter()
            .rev()
            .try_fold(start, |h, coupling| self.uncouple(tape, params, coupling, h.view()))
    }

    /// The error of the inverse at the rows of `x`, coupling by coupling, which shows which
    /// coupling cannot be inverted (because a scale or a shift has become too large).
    ///
    /// # Shapes
    /// `x` is n×dim.
    ///
    /// # Errors
    /// Those of [`RealNvp::log_det`].
    pub fn inverse_error<T: Scalar>(
        &self,
        tape: &mut Tape<T>,
        params: &Params<T>,
        x: ArrayView2<'_, T>,
    ) -> Result<InverseError, NetsError> {
        let mut h = x.to_owned();
        let mut couplings = Vec::with_capacity(self.couplings.len());
        for coupling in &self.couplings {
            let mut graph = tape.begin_inference(params);
            let input = graph.input(h.view());
            let (output, _) = self.couple(&mut graph, coupling, input);
            graph.check()?;
            let output = graph.value(output).to_owned();
            let back = self.uncouple(tape, params, coupling, output.view())?;
            couplings.push(largest_difference(h.view(), back.view()));
            h = output;
        }
        let back = self.inverse(tape, params, h.view())?;
        Ok(InverseError { couplings, whole: largest_difference(x, back.view()) })
    }

    /// One coupling, and its scale if it has one.
    fn couple<T: Scalar>(
        &self,
        graph: &mut Graph<'_, T>,
        coupling: &Coupling,
        x: Var,
    ) -> (Var, Option<Var>) {
        let (a_columns, b_columns) =
            graph.params().permutation(coupling.permutation).split_at(self.dim / 2);
        let a = graph.gather_columns(x, a_columns);
        let b = graph.gather_columns(x, b_columns);
        let (shift, scale) = self.shift_and_scale(graph, coupling, a);
        let scaled = scale.map_or(b, |scale| graph.multiply(b, scale));
        let moved = graph.add(scaled, shift);
        let y = graph.concat_columns(&[a, moved]);
        for part in [a, b, shift, moved] {
            graph.release(part);
        }
        if scaled != b {
            graph.release(scaled);
        }
        (y, scale)
    }

    /// What a coupling does to its second half, given the first.
    fn shift_and_scale<T: Scalar>(
        &self,
        graph: &mut Graph<'_, T>,
        coupling: &Coupling,
        a: Var,
    ) -> (Var, Option<Var>) {
        let net = coupling.net.forward(graph, a);
        if self.kind == CouplingKind::Additive {
            return (net, None);
        }
        let changed = self.dim - self.dim / 2;
        let shift = graph.slice_columns(net, 0..changed);
        let raw = graph.slice_columns(net, changed..2 * changed);
        let positive = graph.unary(raw, Unary::Softplus);
        let floor = Unary::Linear { factor: 1.0, offset: LEAST_SCALE };
        let scale = graph.unary(positive, floor);
        for part in [net, raw, positive] {
            graph.release(part);
        }
        (shift, Some(scale))
    }

    /// The inverse of one coupling.
    fn uncouple<T: Scalar>(
        &self,
        tape: &mut Tape<T>,
        params: &Params<T>,
        coupling: &Coupling,
        y: ArrayView2<'_, T>,
    ) -> Result<Array2<T>, NetsError> {
        let (rows, columns) = y.dim();
        if columns != self.dim {
            let problem = format!("y is {rows}×{columns}, the network is {} wide", self.dim);
            return Err(NetsError::Shape { operation: "RealNvp::inverse", problem });
        }
        let (a, moved) = y.split_at(Axis(1), self.dim / 2);
        let mut graph = tape.begin_inference(params);
        let input = graph.input(a);
        let (shift, scale) = self.shift_and_scale(&mut graph, coupling, input);
        graph.check()?;
        let mut b = &moved - &graph.value(shift);
        if let Some(scale) = scale {
            b /= &graph.value(scale);
        }
        let mut x = Array2::zeros((rows, columns));
        let order = params.permutation(coupling.permutation);
        for (&to, from) in order.iter().zip(a.columns().into_iter().chain(b.columns())) {
            x.column_mut(to).assign(&from);
        }
        Ok(x)
    }
}

impl<T: Scalar> Module<T> for RealNvp {
    fn forward(&self, graph: &mut Graph<'_, T>, x: Var) -> Var {
        let mut h = x;
        for coupling in &self.couplings {
            let (next, scale) = self.couple(graph, coupling, h);
            for done in scale.into_iter().chain((h != x).then_some(h)) {
                graph.release(done);
            }
            h = next;
        }
        h
    }

    fn input_dim(&self) -> usize {
        self.dim
    }

    fn output_dim(&self) -> usize {
        self.dim
    }

    fn size(&self) -> NetworkSize {
        let net = self.couplings.first().map(|coupling| Module::<T>::size(&coupling.net));
        NetworkSize::couplings(net.unwrap_or_default(), self.dim, self.couplings.len())
    }
}

/// The largest |a − b|; NaN if any difference is.
fn largest_difference<T: Scalar>(a: ArrayView2<'_, T>, b: ArrayView2<'_, T>) -> f64 {
    Zip::from(a).and(b).fold(0.0, |largest: f64, &a, &b| {
        let difference = (a.to_f64() - b.to_f64()).abs();
        if largest.is_nan() || difference <= largest { largest } else { difference }
    })
}
