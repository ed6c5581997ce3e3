//! A critic with two additions: the Gaussian ratio, and the learned number of some bounds.

use mi_critics::{Critic, CriticSpec, Pairing, Tower};
use mi_estimators::bounds::{BoundSpec, LearnedOf, Objective};
use mi_estimators::{LearnedNumber, Term};
use mi_kernels::Scalar;
use mi_nets::{Graph, Params, Var};
use mi_random::Stream;
use ndarray::{Array2, Axis};

use crate::SamplesError;

/// Rows as input for a network.
#[derive(Clone, Debug)]
pub(super) struct Rows<T = f32> {
    /// n × width of x.
    pub(super) x: Array2<T>,
    /// n × width of y.
    pub(super) y: Array2<T>,
    /// Columns whose inner products are added to the scores.
    pub(super) start: Option<[Array2<T>; 2]>,
}

impl<T: Scalar> Rows<T> {
    /// These rows.
    pub(super) fn select(&self, rows: &[usize]) -> Self {
        let part = |side: &Array2<T>| side.select(Axis(0), rows);
        Self {
            x: part(&self.x),
            y: part(&self.y),
            start: self.start.as_ref().map(|[x, y]| [part(x), part(y)]),
        }
    }
}

/// The networks of one estimate; their parameters live in a [`Params`].
#[derive(Clone, Debug)]
pub(super) struct Network {
    critic: Critic,
    learned: Option<LearnedNumber>,
}

/// A batch between the towers and the engine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Embedded {
    pub(super) x: Var,
    pub(super) y: Var,
    /// n × 1, for bounds that take a learned number per row.
    pub(super) learned: Option<Var>,
}

impl Network {
    /// Adds parameters for sides of these widths. A critic that can starts at 0, so that scores
    /// initially equal the Gaussian ratio, or 0.
    pub(super) fn new<T: Scalar>(
        params: &mut Params<T>,
        spec: &CriticSpec,
        bound: &BoundSpec,
        (dim_x, dim_y): (usize, usize),
        stream: &mut Stream,
    ) -> Result<Self, SamplesError> {
        let critic = Critic::new(params, "critic", spec, dim_x, dim_y, stream)?;
        critic.start_at_zero(params, Tower::X);
        // Its name in saved critics.
        let learned = LearnedNumber::new(params, "baseline", bound, (dim_x, dim_y), stream)?;
        Ok(Self { critic, learned })
    }

    /// Whether columns can be added to the scores: if scores start at 0 and are inner products.
    pub(super) fn takes_start(spec: &CriticSpec) -> bool {
        matches!(spec, CriticSpec::Separable { .. } | CriticSpec::Bilinear)
    }

    /// The pairing that turns embedded rows into scores.
    pub(super) fn pairing(&self) -> &Pairing {
        self.critic.pairing()
    }

    /// Appends the towers.
    pub(super) fn embed<T: Scalar>(&self, graph: &mut Graph<'_, T>, rows: &Rows<T>) -> Embedded {
        let (x, y) = (graph.input(rows.x.view()), graph.input(rows.y.view()));
        let learned = self.learned.as_ref().map(|learned| {
            let number = learned.forward(graph, x, y);
            match (learned.of(), &rows.start) {
                // Its optimum is minus the log ratio of the pair, so it starts there.
                (LearnedOf::Pair, Some([of_x, of_y])) => {
                    let score = (of_x * of_y).sum_axis(Axis(1)).insert_axis(Axis(1));
                    let score = graph.input(score.view());
                    graph.subtract(number, score)
                }
                _ => number,
            }
        });
        let (mut ex, mut ey) = self.critic.towers(graph, x, y);
        if let Some([of_x, of_y]) = &rows.start {
            let (of_x, of_y) = (graph.input(of_x.view()), graph.input(of_y.view()));
            ex = graph.concat_columns(&[ex, of_x]);
            ey = graph.concat_columns(&[ey, of_y]);
        }
        Embedded { x: ex, y: ey, learned }
    }

    /// Appends the towers, as the one term of a training step.
    pub(super) fn term<'a, T: Scalar>(
        &'a self,
        graph: &mut Graph<'_, T>,
        rows: &Rows<T>,
        objective: &'a mut Objective,
    ) -> Term<'a, T> {
        let Embedded { x, y, learned } = self.embed(graph, rows);
        Term::new((x, y), self.pairing(), objective).with_learned(learned)
    }
}
