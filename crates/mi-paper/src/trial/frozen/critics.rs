//! Bounds by critics: at other batch sizes, and with critics that are newly trained.

use mi_critics::{Critic, CriticSpec, Tower};
use mi_data::BatchSampler;
use mi_estimators::bounds::{BoundSpec, Objective};
use mi_estimators::{Term, TrainingStep};
use mi_eval::StandardScaler;
use mi_nets::{BestState, Params};
use mi_random::Stream;
use ndarray::{Array2, ArrayView2, Axis, s};

use super::super::StepError;
use super::super::critic_training::CriticTraining;
use super::super::optimise::{adam, mean};
use super::super::representation::Sides;
use super::super::single_view::SHUFFLE;
use crate::error::PaperError;

/// Training of a critic of frozen representations: its steps, batch size and learning rate.
pub(super) const STEPS: usize = 1_000;
pub(super) const BATCH: usize = 128;
const RATE: f64 = 1e-3;

/// Scores are clipped to ± this value when a bound is measured. A negative pair with far too high a
/// score then lowers NWJ by at most e⁷ / (128 · 127).
const LARGEST_SCORE: f32 = 8.0;

/// At most this many training rows are held out to choose among the critic's states.
const VALIDATION: usize = 2_560;
/// Steps between two states that are compared.
const VALIDATED_EVERY: usize = 50;

/// Features are clipped to this many standard deviations. A feature that hardly varies can be a
/// thousand deviations from its mean in one training image, and a batch with this image would ruin
/// the critic. Each side is clipped on its own, so a lower bound after clipping is also one before
/// it.
const LARGEST_DEVIATION: f32 = 5.0;

/// The mean `InfoNCE` of a critic over full batches of `k` test images.
pub(in super::super) fn info_nce_at(
    k: usize,
    critic: &Critic,
    params: &Params<f32>,
    (x, y): (ArrayView2<'_, f32>, ArrayView2<'_, f32>),
    step: &mut TrainingStep<f32>,
) -> Result<f64, StepError> {
    let mut objective = Objective::new(&BoundSpec::InfoNce, None)?;
    let mut values = Vec::new();
    for start in (0..x.nrows() / k).map(|batch| batch * k) {
        let rows = s![start..start + k, ..];
        let found = step.estimate(params, |graph| {
            let (x, y) = (graph.input(x.slice(rows)), graph.input(y.slice(rows)));
            let embedded = critic.towers(graph, x, y);
            [Term::new(embedded, critic.pairing(), &mut objective)]
        })?;
        values.push(found[0].estimate);
    }
    Ok(mean(&values))
}

/// Scales a frozen representation for [`trained_anew`]: standardises it, clips it, and divides it
/// by the square root of the number of features, so that rows have a length of about 1.
pub(in super::super) fn standardised(side: &Sides) -> Result<Sides, PaperError> {
    let scaler = StandardScaler::fit(side.train.view())?;
    let scaled = |rows: &Array2<f32>| -> Result<Array2<f32>, PaperError> {
        let length = (rows.ncols() as f32).sqrt();
        let clip = |value: f32| value.clamp(-LARGEST_DEVIATION, LARGEST_DEVIATION) / length;
        Ok(scaler.transform(rows.view())?.mapv_into(clip))
    };
    Ok(Sides { train: scaled(&side.train)?, test: scaled(&side.test)? })
}

/// The estimate of a bound on test images with a critic that is newly trained on [`standardised`]
/// frozen representations, so that it does not depend on the critic that the encoders were trained
/// with. `None` if [`train`] has no critic, or this one has no finite bound on test images.
pub(in super::super) fn trained_anew(
    bound: &BoundSpec,
    (x, y): (&Sides, &Sides),
    stream: &Stream,
) -> Result<Option<f64>, StepError> {
    let Some(mut critic) = train(bound, (x, y), stream, &mut |_| {})? else { return Ok(None) };
    bound_on(&mut critic, (x.test.view(), y.test.view()))
}

/// Trains a critic on the training rows of [`standardised`] frozen representations.
///
/// It has a network with one hidden layer on each side. Of its states during training, the one with
/// the highest bound on held-out training rows is used: an overfitted critic would give some new
/// pairs huge exponentials. Scores are clipped for the same reason. `None` if no state has a finite
/// bound, which says nothing about the encoders. `progress` is called with the number of steps
/// done.
pub(super) fn train(
    bound: &BoundSpec,
    (x, y): (&Sides, &Sides),
    stream: &Stream,
    progress: &mut dyn FnMut(usize),
) -> Result<Option<CriticTraining>, StepError> {
    let (dims, spec) = (
        (x.train.ncols(), y.train.ncols()),
        CriticSpec::Separable { hidden: vec![200], embed: 100 },
    );
    let mut training = CriticTraining::new(dims, &spec, bound, adam(RATE), stream)?;
    // Scores start at 0: NWJ and FLO would hardly recover from the exponentials of random scores.
    training.start_at_zero(Tower::Y);
    let fitted = x.train.nrows() - held_out(x.train.nrows());
    let validation = (x.train.slice(s![fitted.., ..]), y.train.slice(s![fitted.., ..]));
    let mut sampler = BatchSampler::new(fitted, BATCH, SHUFFLE, &stream.child("batches"))?;
    let mut best = BestState::new();
    for step in 0..=STEPS {
        if step % VALIDATED_EVERY == 0 {
            progress(step);
            if let Some(value) = bound_on(&mut training, validation)? {
                best.offer(value, || training.weights().clone());
            }
        }
        if step == STEPS {
            break;
        }
        let rows = sampler.next_batch();
        let (x, y) = (x.train.select(Axis(0), rows), y.train.select(Axis(0), rows));
        match training.step(x.view(), y.view()) {
            Ok(_) => {}
            Err(StepError::Diverged(_)) => break,
            Err(failed) => return Err(failed),
        }
    }
    let Some((_, weights)) = best.into_inner() else { return Ok(None) };
    training.set_weights(weights);
    Ok(Some(training))
}

/// How many of the training rows are held out.
pub(super) fn held_out(rows: usize) -> usize {
    VALIDATION.min(rows / 5)
}

/// The mean of a critic's bound over batches; `None` if it is not finite.
pub(super) fn bound_on(
    training: &mut CriticTraining,
    (x, y): (ArrayView2<'_, f32>, ArrayView2<'_, f32>),
) -> Result<Option<f64>, StepError> {
    let mut values = Vec::new();
    for (x, y) in x.axis_chunks_iter(Axis(0), BATCH).zip(y.axis_chunks_iter(Axis(0), BATCH)) {
        if x.nrows() < BATCH {
            break;
        }
        match training.clipped_estimate(x, y, LARGEST_SCORE).map_err(StepError::from) {
            Ok(value) => values.push(value),
            Err(StepError::Diverged(_)) => return Ok(None),
            Err(failed) => return Err(failed),
        }
    }
    Ok(Some(mean(&values)).filter(|value| value.is_finite()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Correlated normal variables and their mutual information.
    fn sides(count: usize) -> (Sides, Sides, f64) {
        let (rho, dim) = (0.8_f64, 3);
        let mut stream = Stream::new(4, "sides");
        let mut side = |noise: Option<&Sides>, count: usize, test: bool| {
            let own = stream.normal_matrix((count, dim)).mapv(|value| value as f32);
            match noise {
                None => own,
                Some(x) => {
                    let x = if test { &x.test } else { &x.train };
                    rho as f32 * x + (1.0 - rho * rho).sqrt() as f32 * &own
                }
            }
        };
        let x = Sides { train: side(None, count, false), test: side(None, count / 4, true) };
        let train = side(Some(&x), count, false);
        let test = side(Some(&x), count / 4, true);
        (x, Sides { train, test }, -0.5 * dim as f64 * (1.0 - rho * rho).ln())
    }

    #[test]
    fn newly_trained_critics_find_known_information() {
        let (x, y, truth) = sides(8_000);
        for bound in [BoundSpec::InfoNce, BoundSpec::Nwj, BoundSpec::Flo] {
            let found = trained_anew(&bound, (&x, &y), &Stream::new(1, "anew")).unwrap().unwrap();
            assert!(found > truth - 0.35 && found < truth + 0.1, "{bound:?}: {found} of {truth}");
        }
    }

    #[test]
    fn features_that_hardly_vary_do_not_stop_the_training() {
        let (mut x, mut y, _) = sides(8_000);
        for side in [&mut x, &mut y] {
            // One feature is constant in all rows except one, where it is far away.
            for (rows, value) in [(&mut side.train, 1e6), (&mut side.test, 1e8)] {
                rows.column_mut(2).fill(0.5);
                rows[[7, 2]] = value;
            }
        }
        let (x, y) = (standardised(&x).unwrap(), standardised(&y).unwrap());
        assert!(x.train.iter().chain(&x.test).all(|value| value.abs() <= LARGEST_DEVIATION));
        // The other two features still carry information.
        let truth = -(1.0 - 0.64_f64).ln();
        for bound in [BoundSpec::InfoNce, BoundSpec::Nwj, BoundSpec::Flo] {
            let found = trained_anew(&bound, (&x, &y), &Stream::new(1, "anew")).unwrap().unwrap();
            assert!(found > truth - 0.35 && found < truth + 0.1, "{bound:?}: {found} of {truth}");
        }
        // Without scaling, no state of the critic has a finite bound; the trial does not fail.
        let mut wild = x;
        wild.train.mapv_inplace(|value| value * f32::MAX);
        let found = trained_anew(&BoundSpec::Nwj, (&wild, &y), &Stream::new(1, "anew")).unwrap();
        assert_eq!(found, None);
    }

    /// With so few rows, the critic overfits.
    #[test]
    fn critics_that_overfit_do_not_ruin_the_estimate() {
        let (x, y, truth) = sides(1_000);
        for bound in [BoundSpec::InfoNce, BoundSpec::Nwj, BoundSpec::Flo] {
            let found = trained_anew(&bound, (&x, &y), &Stream::new(1, "anew")).unwrap().unwrap();
            assert!(found > truth - 1.0 && found < truth + 0.1, "{bound:?}: {found} of {truth}");
        }
    }

    #[test]
    fn info_nce_in_batches_matches_the_sum_by_hand() {
        let (x, y, _) = sides(400);
        let mut params = Params::new();
        let spec = CriticSpec::Bilinear;
        let mut init = Stream::new(1, "critic");
        let critic = Critic::new(&mut params, "critic", &spec, 3, 3, &mut init).unwrap();
        let weight = params.ids().next().unwrap();
        let scores = x.test.dot(&params.view(weight)).dot(&y.test.t()).mapv(f64::from);
        let mut step = TrainingStep::new(&params);
        // A hundred test rows: three batches of 32; the rest is left out.
        for (k, batches) in [(32, 3), (100, 1)] {
            let sides = (x.test.view(), y.test.view());
            let found = info_nce_at(k, &critic, &params, sides, &mut step).unwrap();
            let rows = (0..k * batches).map(|i| {
                let start = i / k * k;
                let sum: f64 = (start..start + k).map(|j| scores[[i, j]].exp()).sum();
                (k as f64).ln() + scores[[i, i]] - sum.ln()
            });
            let expected = rows.sum::<f64>() / (k * batches) as f64;
            assert!((found - expected).abs() < 1e-4, "{k}: {found} {expected}");
        }
    }
}
