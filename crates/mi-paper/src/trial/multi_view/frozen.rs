//! Bounds between frozen representations: at other batch sizes, and by critics that are trained anew.

use mi_critics::{Critic, CriticSpec};
use mi_data::BatchSampler;
use mi_estimators::bounds::{BoundSpec, Objective};
use mi_estimators::{Term, TrainingStep};
use mi_eval::StandardScaler;
use mi_nets::Params;
use mi_random::Stream;
use ndarray::{Array2, ArrayView2, Axis, s};

use super::super::StepError;
use super::super::critic_training::CriticTraining;
use super::super::optimise::mean;
use super::super::representation::Sides;
use super::super::single_view::SHUFFLE;
use crate::error::PaperError;

/// Steps that a critic of frozen representations is trained for, its batch, and Adam's rate.
const STEPS: usize = 1_000;
const BATCH: usize = 128;
const RATE: f64 = 1e-3;

/// Where scores are cut off when a bound is measured. A pair that the critic mistakes then costs NWJ at
/// most e⁷ of the 128 · 127 exponentials of its batch.
const LARGEST: f32 = 8.0;

/// Training rows by which its states are compared, and steps between two comparisons.
const VALIDATION: usize = 2_560;
const JUDGED_EVERY: usize = 50;

/// Standardised numbers are clipped to this many deviations. Features that hardly vary in training
/// images can lie a thousand deviations away in one of them, and one such batch throws the critic off.
/// Each side is changed by itself, so that a bound on what remains is a bound on all of it.
const FARTHEST: f32 = 5.0;

/// Batch sizes at which `InfoNCE` is measured, as far as there are test images.
pub(super) const SIZES: [usize; 3] = [128, 1_024, 10_000];

/// `InfoNCE` of a critic on test images, in batches of `k`.
pub(super) fn info_nce_at(
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

/// A frozen representation as [`trained_anew`] reads it: standardised, cut off, and divided by the square
/// root of the number of features, so that rows have a length of about 1.
pub(super) fn standardised(side: &Sides) -> Result<Sides, PaperError> {
    let scaler = StandardScaler::fit(side.train.view())?;
    let scaled = |rows: &Array2<f32>| -> Result<Array2<f32>, PaperError> {
        let length = (rows.ncols() as f32).sqrt();
        let cut = |value: f32| value.clamp(-FARTHEST, FARTHEST) / length;
        Ok(scaler.transform(rows.view())?.mapv_into(cut))
    };
    Ok(Sides { train: scaled(&side.train)?, test: scaled(&side.test)? })
}

/// The held-out estimate of a bound by a critic that is trained anew on [`standardised`] frozen
/// representations: a network of one hidden layer on both sides, so that no estimate rests on the
/// critic that the encoders were trained with. Of its states during training, that with the highest
/// bound on other training rows is the one: exponentials of a critic that has learned its rows by
/// heart would ruin the bound on new ones; scores are cut off for the same reason. `None` if no state has a finite bound, which says nothing of
/// the encoders.
pub(super) fn trained_anew(
    bound: &BoundSpec,
    (x, y): (&Sides, &Sides),
    stream: &Stream,
) -> Result<Option<f64>, StepError> {
    let (dims, spec) = (
        (x.train.ncols(), y.train.ncols()),
        CriticSpec::Separable { hidden: vec![200], embed: 100 },
    );
    let mut training = CriticTraining::new(dims, &spec, bound, RATE, stream)?;
    // Scores begin at 0: random ones would have exponentials from which NWJ and FLO hardly recover.
    training.clear("critic.y.layers.1.weight");
    let rows = x.train.nrows();
    let fitted = rows - VALIDATION.min(rows / 5);
    let [validation, test] = [
        (x.train.slice(s![fitted.., ..]), y.train.slice(s![fitted.., ..])),
        (x.test.view(), y.test.view()),
    ];
    let mut sampler = BatchSampler::new(fitted, BATCH, SHUFFLE, &stream.child("batches"))?;
    let mut best: Option<(f64, Params<f32>)> = None;
    for step in 0..=STEPS {
        if step % JUDGED_EVERY == 0 {
            let value = bound_on(&mut training, validation)?;
            if value.is_some_and(|value| best.as_ref().is_none_or(|(best, _)| value > *best)) {
                best = value.map(|value| (value, training.weights().clone()));
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
    let Some((_, weights)) = best else { return Ok(None) };
    training.set_weights(weights);
    bound_on(&mut training, test)
}

/// The mean of a critic's bound over batches; `None` where it is not finite.
fn bound_on(
    training: &mut CriticTraining,
    (x, y): (ArrayView2<'_, f32>, ArrayView2<'_, f32>),
) -> Result<Option<f64>, StepError> {
    let mut values = Vec::new();
    for (x, y) in x.axis_chunks_iter(Axis(0), BATCH).zip(y.axis_chunks_iter(Axis(0), BATCH)) {
        if x.nrows() < BATCH {
            break;
        }
        match training.clipped_estimate(x, y, LARGEST).map_err(StepError::from) {
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

    /// Correlated normal numbers of known information.
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
    fn critics_trained_anew_find_known_information() {
        let (x, y, truth) = sides(8_000);
        for bound in [BoundSpec::InfoNce, BoundSpec::Nwj, BoundSpec::Flo] {
            let found = trained_anew(&bound, (&x, &y), &Stream::new(1, "anew")).unwrap().unwrap();
            assert!(found > truth - 0.35 && found < truth + 0.1, "{bound:?}: {found} of {truth}");
        }
    }

    #[test]
    fn features_that_hardly_vary_end_no_training() {
        let (mut x, mut y, _) = sides(8_000);
        for side in [&mut x, &mut y] {
            // One feature is constant in all rows except one, where it is far away.
            for (rows, value) in [(&mut side.train, 1e6), (&mut side.test, 1e8)] {
                rows.column_mut(2).fill(0.5);
                rows[[7, 2]] = value;
            }
        }
        let (x, y) = (standardised(&x).unwrap(), standardised(&y).unwrap());
        assert!(x.train.iter().chain(&x.test).all(|value| value.abs() <= FARTHEST));
        // Two of three numbers are left.
        let truth = -(1.0 - 0.64_f64).ln();
        for bound in [BoundSpec::InfoNce, BoundSpec::Nwj, BoundSpec::Flo] {
            let found = trained_anew(&bound, (&x, &y), &Stream::new(1, "anew")).unwrap().unwrap();
            assert!(found > truth - 0.35 && found < truth + 0.1, "{bound:?}: {found} of {truth}");
        }
        // Without it no state of the critic has a finite bound, which is no failure of the trial.
        let mut wild = x;
        wild.train.mapv_inplace(|value| value * f32::MAX);
        let found = trained_anew(&BoundSpec::Nwj, (&wild, &y), &Stream::new(1, "anew")).unwrap();
        assert_eq!(found, None);
    }

    /// So few rows that the critic learns them by heart.
    #[test]
    fn critics_that_overfit_do_not_ruin_the_estimate() {
        let (x, y, truth) = sides(1_000);
        for bound in [BoundSpec::InfoNce, BoundSpec::Nwj, BoundSpec::Flo] {
            let found = trained_anew(&bound, (&x, &y), &Stream::new(1, "anew")).unwrap().unwrap();
            assert!(found > truth - 1.0 && found < truth + 0.1, "{bound:?}: {found} of {truth}");
        }
    }

    #[test]
    fn info_nce_in_batches_is_that_by_hand() {
        let (x, y, _) = sides(400);
        let mut params = Params::new();
        let spec = CriticSpec::Bilinear;
        let mut init = Stream::new(1, "critic");
        let critic = Critic::new(&mut params, "critic", &spec, 3, 3, &mut init).unwrap();
        let weight = params.ids().next().unwrap();
        let scores = x.test.dot(&params.view(weight)).dot(&y.test.t()).mapv(f64::from);
        let mut step = TrainingStep::new(&params);
        // A hundred test rows: three batches of 32, and a rest that is left out.
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
