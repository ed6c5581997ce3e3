use mi_critics::{Critic, CriticSpec, Tower};
use mi_estimators::bounds::{BoundSpec, Objective, Scores, evaluate};
use mi_estimators::{LearnedNumber, Term, TrainingStep};
use mi_nets::{Graph, OptimiserConfig, Params};
use mi_random::Stream;
use ndarray::ArrayView2;

use super::StepError;
use super::frozen::critics::info_nce_at;
use super::optimise::{Trained, finite};
use super::snapshot::Snapshot;
use crate::error::PaperError;
use crate::record::Metric;

/// A critic of rows of numbers that is trained to maximise a bound.
pub(super) struct CriticTraining {
    scorer: Scorer,
    trained: Trained,
    step: TrainingStep<f32>,
    objective: Objective,
    /// Steps so far in which exponentials left the range of single precision: see
    /// [`Metric::OverflowSteps`].
    overflows: u64,
}

/// The critic, and the network for the number that some bounds learn for each row.
struct Scorer {
    critic: Critic,
    learned: Option<LearnedNumber>,
}

impl Scorer {
    /// Passes a batch through the critic's towers.
    fn term<'a>(
        &'a self,
        graph: &mut Graph<'_, f32>,
        (x, y): (ArrayView2<'_, f32>, ArrayView2<'_, f32>),
        objective: &'a mut Objective,
    ) -> Term<'a, f32> {
        let (x, y) = (graph.input(x), graph.input(y));
        let learned = self.learned.as_ref().map(|learned| learned.forward(graph, x, y));
        let embedded = self.critic.towers(graph, x, y);
        Term::new(embedded, self.critic.pairing(), objective).with_learned(learned)
    }
}

impl CriticTraining {
    /// Creates a critic of rows of these widths. Initial weights are drawn from children of
    /// `streams`.
    pub(super) fn new(
        (dim_x, dim_y): (usize, usize),
        spec: &CriticSpec,
        bound: &BoundSpec,
        optimiser: impl Into<OptimiserConfig>,
        streams: &Stream,
    ) -> Result<Self, PaperError> {
        let mut params = Params::new();
        let mut init = streams.child("init critic");
        let critic = Critic::new(&mut params, "critic", spec, dim_x, dim_y, &mut init)?;
        // Its stream and its parameters keep the name that they had in earlier versions, since
        // another name would change the draws.
        let mut init = streams.child("init baseline");
        let learned =
            LearnedNumber::new(&mut params, "baseline", bound, (dim_x, dim_y), &mut init)?;
        Ok(Self {
            step: TrainingStep::new(&params),
            trained: Trained::new(params, optimiser),
            objective: Objective::new(bound, None)?,
            overflows: 0,
            scorer: Scorer { critic, learned },
        })
    }

    /// Takes one optimiser step on a batch and returns the bound's estimate on it.
    pub(super) fn step(
        &mut self,
        x: ArrayView2<'_, f32>,
        y: ArrayView2<'_, f32>,
    ) -> Result<f64, StepError> {
        let Self { scorer, trained: Trained { params, optimiser }, step, objective, overflows } =
            self;
        let found = step.forward(params, |graph| [scorer.term(graph, (x, y), objective)])?;
        *overflows += u64::from(found[0].overflow);
        let estimate = finite("the bound", found[0].estimate)?;
        step.ascend(params, optimiser)?;
        Ok(estimate)
    }

    /// The bound's estimate on a batch, with scores and learned numbers clipped to ±`limit`. A
    /// clipped critic is still a critic, so a lower bound remains a lower bound.
    pub(super) fn clipped_estimate(
        &mut self,
        x: ArrayView2<'_, f32>,
        y: ArrayView2<'_, f32>,
        limit: f32,
    ) -> Result<f64, PaperError> {
        let Self { scorer: Scorer { critic, learned }, trained, step, objective, .. } = self;
        let params = &trained.params;
        let mut graph = step.tape().begin_inference(params);
        let (x, y) = (graph.input(x), graph.input(y));
        let learned = learned.as_ref().map(|learned| learned.forward(&mut graph, x, y));
        let (x, y) = critic.towers(&mut graph, x, y);
        graph.check()?;
        let mut scores = critic.pairing().scores(params, graph.value(x), graph.value(y))?;
        let clip = |number: f32| number.clamp(-limit, limit);
        scores.mapv_inplace(clip);
        let learned = learned.map(|learned| graph.value(learned).column(0).mapv(clip));
        let learned = learned.as_ref().map(|learned| learned.view());
        Ok(evaluate(&Scores::new(scores.view()).with_learned(learned), objective)?.estimate)
    }

    /// The mean `InfoNCE` of the critic over full batches of `k` rows.
    pub(super) fn info_nce_at(
        &mut self,
        k: usize,
        sides: (ArrayView2<'_, f32>, ArrayView2<'_, f32>),
    ) -> Result<f64, StepError> {
        info_nce_at(k, &self.scorer.critic, &self.trained.params, sides, &mut self.step)
    }

    /// Makes all scores 0 before the first step, if the critic can ([`Critic::start_at_zero`]).
    pub(super) fn start_at_zero(&mut self, tower: Tower) {
        self.scorer.critic.start_at_zero(&mut self.trained.params, tower);
    }

    /// The current weights.
    pub(super) fn weights(&self) -> &Params<f32> {
        &self.trained.params
    }

    /// Replaces the weights, for example with earlier ones.
    pub(super) fn set_weights(&mut self, weights: Params<f32>) {
        self.trained.params = weights;
    }

    /// The number of steps that lost parts of their gradients, if there were any.
    pub(super) fn overflows(&self) -> Option<(Metric, f64)> {
        (self.overflows > 0).then_some((Metric::OverflowSteps, self.overflows as f64))
    }

    pub(super) fn save(&self) -> Result<Snapshot, PaperError> {
        let mut snapshot = Snapshot::new(&[self.trained.state()])?;
        snapshot.put("objective", &self.objective)?;
        snapshot.put("overflows", &self.overflows)?;
        Ok(snapshot)
    }

    pub(super) fn restore(&mut self, snapshot: &Snapshot) -> Result<(), PaperError> {
        snapshot.restore(&mut [self.trained.state_mut()])?;
        self.objective = snapshot.get("objective")?;
        // Snapshots of earlier versions have no count.
        self.overflows = snapshot.get::<Option<u64>>("overflows")?.unwrap_or(0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::trial::adam;

    #[test]
    fn the_clipped_estimate_is_the_bound_of_the_clipped_scores() {
        let streams = Stream::new(0, "trial");
        let bound = BoundSpec::Nwj;
        let mut training =
            CriticTraining::new((1, 1), &CriticSpec::Bilinear, &bound, adam(1e-3), &streams)
                .unwrap();
        let weight = training.trained.params.ids().next().unwrap();
        training.trained.params.view_mut(weight).fill(1.0);
        let (x, y) = (array![[1.0_f32], [10.0], [-2.0]], array![[0.5_f32], [2.0], [3.0]]);
        let mut of = |limit: f32| training.clipped_estimate(x.view(), y.view(), limit).unwrap();
        let by_hand = |limit: f64| {
            let score = |i: usize, j: usize| f64::from(x[[i, 0]] * y[[j, 0]]).clamp(-limit, limit);
            let pairs = || (0..3).flat_map(|i| (0..3).map(move |j| (i, j)));
            let positive: f64 = (0..3).map(|i| score(i, i)).sum();
            let negative: f64 =
                pairs().filter(|(i, j)| i != j).map(|(i, j)| (score(i, j) - 1.0).exp()).sum();
            positive / 3.0 - negative / 6.0
        };
        for limit in [4.0_f32, 100.0] {
            let (found, expected) = (of(limit), by_hand(f64::from(limit)));
            assert!((found / expected - 1.0).abs() < 1e-5, "{limit}: {found} {expected}");
        }
    }

    /// In two steps the exponentials of one row are e⁷⁹ times those of the others, which vanish in
    /// the sum.
    #[test]
    fn steps_that_lose_gradients_are_counted_and_the_count_is_saved() {
        let new = || {
            let streams = Stream::new(0, "trial");
            CriticTraining::new(
                (1, 1),
                &CriticSpec::Bilinear,
                &BoundSpec::Nwj,
                adam(1e-6),
                &streams,
            )
        };
        let mut training = new().unwrap();
        let weight = training.trained.params.ids().next().unwrap();
        training.trained.params.view_mut(weight).fill(1.0);
        let y = array![[1.0_f32], [1.0], [1.0], [1.0]];
        let step = |training: &mut CriticTraining, high: f32| {
            training.step(array![[high], [5.0], [5.0], [5.0]].view(), y.view()).unwrap()
        };
        step(&mut training, 6.0);
        assert_eq!(training.overflows(), None);
        step(&mut training, 84.0);
        step(&mut training, 84.0);
        step(&mut training, 6.0);
        assert_eq!(training.overflows(), Some((Metric::OverflowSteps, 2.0)));
        let mut restored = new().unwrap();
        restored.restore(&training.save().unwrap()).unwrap();
        assert_eq!(restored.overflows(), training.overflows());
    }
}
