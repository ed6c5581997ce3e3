use mi_critics::{Critic, CriticSpec};
use mi_estimators::Baseline;
use mi_estimators::bounds::{BoundSpec, Objective};
use mi_estimators::engine::Engine;
use mi_nets::{Graph, Params, Var};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2, Axis};

use super::Halt;
use super::optimise::{Direction, Learner, finite};
use super::snapshot::Snapshot;
use crate::error::PaperError;

/// A critic, and whatever embeds its inputs, on the way up a bound.
pub(super) struct CriticTraining {
    scorer: Scorer,
    pub(super) learner: Learner,
    engine: Engine<f32>,
    objective: Objective,
}

/// The critic, and the network of the number that some bounds learn for each row. Both read what
/// is embedded.
struct Scorer {
    critic: Critic,
    baseline: Option<Baseline>,
}

/// A batch on its way from the critic's towers to the engine.
struct Embedded {
    x: Var,
    y: Var,
    /// K×1, for bounds that learn a number a row.
    baseline: Option<Var>,
}

/// How a batch becomes the critic's inputs.
pub(super) trait Embed {
    /// Appends the networks of both sides to a graph.
    fn embed(&self, graph: &mut Graph<'_, f32>, x: Var, y: Var) -> (Var, Var);
}

impl CriticTraining {
    /// Training of a critic of embedded rows of these widths, and of all that has parameters in
    /// `params` already. Where weights start comes from children of `streams`.
    pub(super) fn new(
        mut params: Params<f32>,
        (dim_x, dim_y): (usize, usize),
        spec: &CriticSpec,
        (bound, target): (&BoundSpec, Option<f64>),
        learning_rate: f64,
        streams: &Stream,
    ) -> Result<Self, PaperError> {
        let mut init = streams.child("init critic");
        let critic = Critic::new(&mut params, "critic", spec, dim_x, dim_y, &mut init)?;
        let mut init = streams.child("init baseline");
        let baseline = Baseline::new(&mut params, "baseline", bound, (dim_x, dim_y), &mut init)?;
        Ok(Self {
            scorer: Scorer { critic, baseline },
            learner: Learner::new(params, learning_rate),
            engine: Engine::new(),
            objective: Objective::new(bound, target)?,
        })
    }

    /// One optimiser step on a batch; returns the bound's estimate on it.
    pub(super) fn step(
        &mut self,
        embed: &dyn Embed,
        x: ArrayView2<'_, f32>,
        y: ArrayView2<'_, f32>,
    ) -> Result<f64, Halt> {
        let Learner { params, tape, gradients, .. } = &mut self.learner;
        gradients.clear();
        let mut graph = tape.begin(params);
        let Embedded { x, y, baseline } = self.scorer.embedded(&mut graph, embed, x, y)?;
        let learned = baseline.map(|var| graph.value(var));
        let evaluation = self.engine.evaluate_with_baseline(
            graph.value(x),
            graph.value(y),
            learned.as_ref().map(|column| column.index_axis(Axis(1), 0)),
            self.scorer.critic.pairing(),
            params,
            &mut self.objective,
            gradients,
        )?;
        finite("the bound", evaluation.estimate)?;
        let of_baseline = self.engine.gradient_baseline().insert_axis(Axis(1));
        let mut seeds = vec![(x, self.engine.gradient_x()), (y, self.engine.gradient_y())];
        seeds.extend(baseline.map(|var| (var, of_baseline)));
        self.learner.step(&seeds, Direction::Up)?;
        Ok(evaluation.estimate)
    }

    /// The bound's estimate on a batch.
    pub(super) fn estimate(
        &mut self,
        embed: &dyn Embed,
        x: &Array2<f32>,
        y: &Array2<f32>,
    ) -> Result<f64, PaperError> {
        let Learner { params, tape, .. } = &mut self.learner;
        let mut graph = tape.begin_inference(params);
        let Embedded { x, y, baseline } =
            self.scorer.embedded(&mut graph, embed, x.view(), y.view())?;
        let learned = baseline.map(|var| graph.value(var));
        let evaluation = self.engine.estimate_with_baseline(
            graph.value(x),
            graph.value(y),
            learned.as_ref().map(|column| column.index_axis(Axis(1), 0)),
            self.scorer.critic.pairing(),
            params,
            &self.objective,
        )?;
        Ok(evaluation.estimate)
    }

    /// Parameters, optimiser and the bound's own state.
    pub(super) fn save(&self) -> Result<Snapshot, PaperError> {
        let mut snapshot = Snapshot::new(&[&self.learner])?;
        snapshot.put("objective", &self.objective)?;
        Ok(snapshot)
    }

    /// Takes over what [`CriticTraining::save`] saved.
    pub(super) fn restore(&mut self, snapshot: &Snapshot) -> Result<(), PaperError> {
        snapshot.restore(&mut [&mut self.learner])?;
        self.objective = snapshot.get("objective")?;
        Ok(())
    }
}

impl Scorer {
    /// A batch through the networks and the critic's towers.
    fn embedded(
        &self,
        graph: &mut Graph<'_, f32>,
        embed: &dyn Embed,
        x: ArrayView2<'_, f32>,
        y: ArrayView2<'_, f32>,
    ) -> Result<Embedded, PaperError> {
        let (x, y) = (graph.input(x), graph.input(y));
        let (x, y) = embed.embed(graph, x, y);
        let baseline = self.baseline.as_ref().map(|baseline| baseline.forward(graph, x, y));
        let (x, y) = self.critic.towers(graph, x, y);
        graph.check()?;
        Ok(Embedded { x, y, baseline })
    }
}
