//! The network behind the number that some bounds learn for each row.

use mi_kernels::Scalar;
use mi_nets::{Graph, Init, Mlp, Module, NetsError, Params, Var};
use mi_random::Stream;

use crate::bounds::{BoundSpec, LearnedOf};

/// Hidden layers of the network.
const HIDDEN: [usize; 2] = [64, 64];

/// A network with two hidden layers for the number that a bound reads in addition to scores: `log
/// a(x)` of TUBA (Poole et al., 2019, eq. 6), `u(x, y)` of FLO (Guo et al., 2022).
///
/// Its last layer starts at 0, so the number is initially 0 for every row.
#[derive(Clone, Debug)]
pub struct LearnedNumber {
    of: LearnedOf,
    net: Mlp,
}

impl LearnedNumber {
    /// Adds the network's parameters under `name`, for rows of these widths; `None` for a bound
    /// that reads only scores.
    ///
    /// # Errors
    /// A name that is taken, or a width of 0.
    pub fn new<T: Scalar>(
        params: &mut Params<T>,
        name: &str,
        bound: &BoundSpec,
        (dim_x, dim_y): (usize, usize),
        stream: &mut Stream,
    ) -> Result<Option<Self>, NetsError> {
        let Some(of) = bound.learned() else { return Ok(None) };
        let [first, second] = HIDDEN;
        let width = match of {
            LearnedOf::X => dim_x,
            LearnedOf::Pair => dim_x + dim_y,
        };
        let sizes = [width, first, second, 1];
        let net = Mlp::new(params, name, &sizes, Init::GlorotUniform, stream)?;
        net.start_at_zero(params);
        Ok(Some(Self { of, net }))
    }

    /// What the number depends on.
    pub fn of(&self) -> LearnedOf {
        self.of
    }

    /// Appends the network to a graph.
    ///
    /// # Shapes
    /// `x` is K×`dim_x`, `y` is K×`dim_y`, pairs in the same row; the result is K×1.
    pub fn forward<T: Scalar>(&self, graph: &mut Graph<'_, T>, x: Var, y: Var) -> Var {
        let input = match self.of {
            LearnedOf::X => x,
            LearnedOf::Pair => graph.concat_columns(&[x, y]),
        };
        self.net.forward(graph, input)
    }
}
