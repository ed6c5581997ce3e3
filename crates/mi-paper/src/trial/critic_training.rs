use mi_critics::Critic;
use mi_estimators::bounds::{BoundSpec, Objective};
use mi_estimators::engine::Engine;
use mi_nets::{Adam, Gradients, Graph, Params, Tape, Var};
use ndarray::{Array2, ArrayView2};

use super::Halt;
use super::optimise::{Direction, adam_config, finite, update};
use super::snapshot::Snapshot;
use crate::error::PaperError;

/// A critic, and whatever embeds its inputs, on the way up a bound.
pub(super) struct CriticTraining {
    critic: Critic,
    pub(super) params: Params<f32>,
    gradients: Gradients<f32>,
    adam: Adam<f32>,
    pub(super) tape: Tape<f32>,
    engine: Engine<f32>,
    objective: Objective,
}

/// How a batch becomes the critic's inputs.
pub(super) trait Embed {
    /// Appends the networks of both sides to a graph.
    fn embed(&self, graph: &mut Graph<'_, f32>, x: Var, y: Var) -> (Var, Var);
}

impl CriticTraining {
    /// Training of `critic` and all else that has parameters in `params`.
    pub(super) fn new(
        critic: Critic,
        params: Params<f32>,
        bound: &BoundSpec,
        target: Option<f64>,
        learning_rate: f64,
    ) -> Result<Self, PaperError> {
        Ok(Self {
            gradients: Gradients::zeros_like(&params),
            adam: Adam::new(adam_config(learning_rate), &params),
            tape: Tape::new(),
            engine: Engine::new(),
            objective: Objective::new(bound, target)?,
            critic,
            params,
        })
    }

    /// One optimiser step on a batch; returns the bound's estimate on it.
    pub(super) fn step(
        &mut self,
        embed: &dyn Embed,
        x: ArrayView2<'_, f32>,
        y: ArrayView2<'_, f32>,
    ) -> Result<f64, Halt> {
        self.gradients.clear();
        let mut graph = self.tape.begin(&self.params);
        let (x, y) = embedded(&mut graph, embed, &self.critic, x, y)?;
        let evaluation = self.engine.evaluate(
            graph.value(x),
            graph.value(y),
            self.critic.pairing(),
            &self.params,
            &mut self.objective,
            &mut self.gradients,
        )?;
        finite("the bound", evaluation.estimate)?;
        let seeds = [(x, self.engine.gradient_x()), (y, self.engine.gradient_y())];
        graph.backward(&seeds, &mut self.gradients)?;
        update(&mut self.adam, &mut self.params, &self.gradients, Direction::Up)?;
        Ok(evaluation.estimate)
    }

    /// The bound's estimate on a batch.
    pub(super) fn estimate(
        &mut self,
        embed: &dyn Embed,
        x: &Array2<f32>,
        y: &Array2<f32>,
    ) -> Result<f64, PaperError> {
        let mut graph = self.tape.begin_inference(&self.params);
        let (x, y) = embedded(&mut graph, embed, &self.critic, x.view(), y.view())?;
        let evaluation = self.engine.estimate(
            graph.value(x),
            graph.value(y),
            self.critic.pairing(),
            &self.params,
            &self.objective,
        )?;
        Ok(evaluation.estimate)
    }

    /// Parameters, optimiser and the bound's own state.
    pub(super) fn save(&self) -> Result<Snapshot, PaperError> {
        let mut snapshot = Snapshot::new(&[(&self.params, &self.adam)])?;
        snapshot.put("objective", &self.objective)?;
        Ok(snapshot)
    }

    /// Takes over what [`CriticTraining::save`] saved.
    pub(super) fn restore(&mut self, snapshot: &Snapshot) -> Result<(), PaperError> {
        snapshot.restore(&mut [(&mut self.params, &mut self.adam)])?;
        self.objective = snapshot.get("objective")?;
        Ok(())
    }
}

/// A batch through the networks and the critic's towers.
fn embedded(
    graph: &mut Graph<'_, f32>,
    embed: &dyn Embed,
    critic: &Critic,
    x: ArrayView2<'_, f32>,
    y: ArrayView2<'_, f32>,
) -> Result<(Var, Var), PaperError> {
    let (x, y) = (graph.input(x), graph.input(y));
    let (x, y) = embed.embed(graph, x, y);
    let (x, y) = critic.towers(graph, x, y);
    graph.check()?;
    Ok((x, y))
}
