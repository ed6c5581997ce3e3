use mi_kernels::Scalar;
use mi_nets::{
    Activation, Graph, Init, LARGEST_LOG_SCALE, Mlp, Module, ParamId, Params, Unary, Var,
};
use mi_random::Stream;
use ndarray::{Array2, s};

use crate::{ConcatHead, CriticSpec, CriticsError, Pairing};

/// A critic whose parameters live in a [`Params`]: towers on the tape, then a [`Pairing`].
///
/// Weights are drawn as [`Init::GlorotUniform`], biases are zero.
#[derive(Clone, Debug)]
pub struct Critic {
    towers: Towers,
    pairing: Pairing,
}

/// One of the two networks of a [`Critic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tower {
    /// The one that embeds x.
    X,
    /// The one that embeds y.
    Y,
}

#[derive(Clone, Debug)]
enum Towers {
    Identity,
    /// x W
    Bilinear {
        weight: ParamId,
    },
    Separable {
        x: Mlp,
        y: Mlp,
    },
    /// Rows of length one, those of x times the inverse temperature.
    Cosine {
        scale: Scale,
    },
    /// [2x, |x|², 1] and [y, −1, −|y|²], whose inner product is −|x − y|².
    NegativeDistance {
        unit: bool,
    },
    /// The two halves of the first layer of a network on [x, y].
    Concat {
        weight_x: ParamId,
        weight_y: ParamId,
        bias: ParamId,
    },
}

#[derive(Clone, Copy, Debug)]
enum Scale {
    Fixed(f64),
    Learned(ParamId),
}

impl Critic {
    /// Adds the parameters of a critic for x of `dim_x` and y of `dim_y` columns.
    ///
    /// | critic | parameters |
    /// | --- | --- |
    /// | bilinear | `{name}.weight` (`dim_x`×`dim_y`) |
    /// | separable | `{name}.x.layers.{k}.{weight,bias}`, the same with `y` |
    /// | cosine, learned | `{name}.log_scale` (1×1) |
    /// | inner product, cosine, distance | none |
    /// | concat | `{name}.layers.0.{weight_x,weight_y,bias}`, `{name}.layers.{k}.{weight,bias}` |
    ///
    /// # Errors
    /// Different widths where the critic needs equal ones, a temperature that is not above 0 (or
    /// below 0.01 when learned), layer sizes of 0, a concat critic without a hidden layer, a name
    /// that is taken.
    pub fn new<T: Scalar>(
        params: &mut Params<T>,
        name: &str,
        spec: &CriticSpec,
        dim_x: usize,
        dim_y: usize,
        stream: &mut Stream,
    ) -> Result<Self, CriticsError> {
        if dim_x == 0 || dim_y == 0 {
            let problem = format!("x and y have {dim_x} and {dim_y} columns; both need one");
            return Err(CriticsError::Sizes { name: name.to_owned(), problem });
        }
        let same_width = |critic| {
            if dim_x == dim_y {
                return Ok(());
            }
            Err(CriticsError::Widths { name: name.to_owned(), critic, dim_x, dim_y })
        };
        let init = Init::GlorotUniform;
        let (towers, pairing) = match spec {
            CriticSpec::InnerProduct => {
                same_width("the inner product")?;
                (Towers::Identity, Pairing::Dot)
            }
            CriticSpec::Bilinear => {
                let weight = init.draw((dim_x, dim_y), (dim_x, dim_y), stream);
                let weight = params.add(format!("{name}.weight"), weight)?;
                (Towers::Bilinear { weight }, Pairing::Dot)
            }
            CriticSpec::Separable { hidden, embed } => {
                let mut tower = |side: &str, dim: usize| {
                    let sizes: Vec<_> =
                        [dim].into_iter().chain(hidden.iter().copied()).chain([*embed]).collect();
                    Mlp::new(params, &format!("{name}.{side}"), &sizes, init, stream)
                };
                (Towers::Separable { x: tower("x", dim_x)?, y: tower("y", dim_y)? }, Pairing::Dot)
            }
            CriticSpec::Cosine { temperature, learned } => {
                same_width("the cosine")?;
                let scale = cosine_scale(params, name, *temperature, *learned)?;
                (Towers::Cosine { scale }, Pairing::Dot)
            }
            CriticSpec::NegativeDistance { unit } => {
                same_width("the distance")?;
                (Towers::NegativeDistance { unit: *unit }, Pairing::Dot)
            }
            CriticSpec::Concat { hidden } => concat(params, name, hidden, (dim_x, dim_y), stream)?,
        };
        Ok(Self { towers, pairing })
    }

    /// Sets weights to 0 before training, so that every score is 0 at first. For a separable critic
    /// these are the weights of the last layer of one tower; for a concat critic, those of the
    /// network's last layer; for a bilinear critic, all weights. Other critics have no such
    /// weights. Returns whether the critic has them.
    ///
    /// A tower whose last layer is 0 changes in the first step. The other tower changes from the
    /// second step on.
    ///
    /// ```
    /// use mi_critics::{Critic, CriticSpec, CriticsError, Stream, Tower};
    /// use mi_nets::{Params, Tape};
    /// use ndarray::array;
    ///
    /// let mut params = Params::<f64>::new();
    /// let spec = CriticSpec::Concat { hidden: vec![16] };
    /// let critic = Critic::new(&mut params, "critic", &spec, 1, 1, &mut Stream::new(1, "init"))?;
    /// assert!(critic.start_at_zero(&mut params, Tower::X));
    /// let mut tape = Tape::new();
    /// let mut graph = tape.begin(&params);
    /// let x = graph.input(array![[1.0], [-2.0]].view());
    /// let (x, y) = critic.towers(&mut graph, x, x);
    /// let scores = critic.pairing().scores(&params, graph.value(x), graph.value(y))?;
    /// assert_eq!(scores, array![[0.0, 0.0], [0.0, 0.0]]);
    /// # Ok::<(), CriticsError>(())
    /// ```
    pub fn start_at_zero<T: Scalar>(&self, params: &mut Params<T>, tower: Tower) -> bool {
        let weight = match (&self.towers, &self.pairing) {
            (Towers::Separable { x, y }, _) => {
                match tower {
                    Tower::X => x.start_at_zero(params),
                    Tower::Y => y.start_at_zero(params),
                }
                return true;
            }
            (Towers::Bilinear { weight }, _) => Some(*weight),
            (Towers::Concat { .. }, Pairing::Concat(head)) => head.last_weight(),
            _ => None,
        };
        if let Some(weight) = weight {
            params.view_mut(weight).fill(T::zero());
        }
        weight.is_some()
    }

    /// Appends the towers, which embed the two batches.
    ///
    /// # Shapes
    /// x is n×`dim_x`, y is m×`dim_y`; returns n×e and m×e for the pairing. A mistake becomes an
    /// error of the graph ([`Graph::check`]).
    pub fn towers<T: Scalar>(&self, graph: &mut Graph<'_, T>, x: Var, y: Var) -> (Var, Var) {
        match &self.towers {
            Towers::Identity => (x, y),
            Towers::Bilinear { weight } => (graph.dense(x, *weight, None, Activation::Linear), y),
            Towers::Separable { x: phi, y: psi } => (phi.forward(graph, x), psi.forward(graph, y)),
            Towers::Cosine { scale } => {
                let (x, y) = (graph.normalize_rows(x), graph.normalize_rows(y));
                let x = match *scale {
                    Scale::Fixed(factor) => graph.unary(x, Unary::Linear { factor, offset: 0.0 }),
                    Scale::Learned(log_scale) => graph.scale_exp(x, log_scale),
                };
                (x, y)
            }
            Towers::NegativeDistance { unit } => {
                let (x, y) =
                    if *unit { (graph.normalize_rows(x), graph.normalize_rows(y)) } else { (x, y) };
                let linear = |factor, offset| Unary::Linear { factor, offset };
                let [of_x, of_y] = [x, y].map(|side| {
                    let squares = graph.unary(side, Unary::Square);
                    graph.row_sums(squares)
                });
                let one = graph.unary(of_x, linear(0.0, 1.0));
                let minus_one = graph.unary(of_y, linear(0.0, -1.0));
                let (twice_x, minus_y) =
                    (graph.unary(x, linear(2.0, 0.0)), graph.unary(of_y, linear(-1.0, 0.0)));
                (
                    graph.concat_columns(&[twice_x, of_x, one]),
                    graph.concat_columns(&[y, minus_one, minus_y]),
                )
            }
            Towers::Concat { weight_x, weight_y, bias } => (
                graph.dense(x, *weight_x, Some(*bias), Activation::Linear),
                graph.dense(y, *weight_y, None, Activation::Linear),
            ),
        }
    }

    /// The pairing that turns embedded batches into scores.
    pub fn pairing(&self) -> &Pairing {
        &self.pairing
    }
}

fn cosine_scale<T: Scalar>(
    params: &mut Params<T>,
    name: &str,
    temperature: f64,
    learned: bool,
) -> Result<Scale, CriticsError> {
    let fail = |range| Err(CriticsError::Temperature { name: name.to_owned(), temperature, range });
    // Written so that NaN fails.
    if !(temperature > 0.0 && temperature.is_finite()) {
        return fail("it must be above 0; 0.07 is common");
    }
    if !learned {
        return Ok(Scale::Fixed(1.0 / temperature));
    }
    if temperature < 0.01 {
        return fail("a learned one must start at 0.01 or above, as its scale is limited to 100");
    }
    let log_scale = T::from_f64(-temperature.ln());
    let log_scale =
        params.add(format!("{name}.log_scale"), Array2::from_elem((1, 1), log_scale))?;
    // Beyond the limit the temperature would have no gradient and never change again.
    params.limit(log_scale, T::from_f64(LARGEST_LOG_SCALE));
    Ok(Scale::Learned(log_scale))
}

/// A network on [x, y] whose first layer is split into two halves: `[x, y] W = x W_x + y W_y`.
fn concat<T: Scalar>(
    params: &mut Params<T>,
    name: &str,
    hidden: &[usize],
    (dim_x, dim_y): (usize, usize),
    stream: &mut Stream,
) -> Result<(Towers, Pairing), CriticsError> {
    let Some(&first) = hidden.first().filter(|_| !hidden.contains(&0)) else {
        let problem = format!(
            "hidden layers {hidden:?}; a network on [x, y] needs at least one, of size 1 or more"
        );
        return Err(CriticsError::Sizes { name: name.to_owned(), problem });
    };
    // One draw for both halves: the fan-in is that of the complete layer.
    let init = Init::GlorotUniform;
    let weight: Array2<T> = init.draw((dim_x + dim_y, first), (dim_x + dim_y, first), stream);
    let half = |range| weight.slice(s![range, ..]).to_owned();
    let towers = Towers::Concat {
        weight_x: params.add(format!("{name}.layers.0.weight_x"), half(0..dim_x))?,
        weight_y: params.add(format!("{name}.layers.0.weight_y"), half(dim_x..dim_x + dim_y))?,
        bias: params.add(format!("{name}.layers.0.bias"), Array2::zeros((1, first)))?,
    };
    let mut layers = Vec::new();
    let sizes: Vec<_> = hidden.iter().copied().chain([1]).collect();
    for (k, pair) in (1..).zip(sizes.windows(2)) {
        let shape = (pair[0], pair[1]);
        let weight =
            params.add(format!("{name}.layers.{k}.weight"), init.draw(shape, shape, stream))?;
        let bias = params.add(format!("{name}.layers.{k}.bias"), Array2::zeros((1, pair[1])))?;
        layers.push((weight, bias));
    }
    Ok((towers, Pairing::Concat(ConcatHead::new(sizes, layers))))
}
