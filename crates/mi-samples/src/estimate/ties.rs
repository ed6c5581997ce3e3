//! Checks an estimate on tied values in a case where the truth is known.

use mi_random::Stream;
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::Warning;
use super::run::Run;
use crate::SamplesError;
use crate::moments::mean_and_squares;
use crate::sample::Sample;
use crate::uncertainty::{Surrogate, TestResult};

/// Permutations of y whose estimates are averaged: fewer for many rows, whose estimates vary less.
const PERMUTATIONS: std::ops::RangeInclusive<usize> = 4..=20;

/// The largest total number of rows of those permutations.
const PERMUTED_ROWS: usize = 100_000;

/// A mean of this size under permutation is negligible, in nats.
const NEGLIGIBLE: f64 = 0.01;

/// Whether an estimate on tied values differs from 0 if y is permuted, where the truth is 0.
///
/// A permutation test already has the numbers; otherwise some permutations are made. The mean must
/// be within the limit that Student's t exceeds once in 1000.
pub(super) fn off_when_permuted(
    x: &Sample,
    y: &Sample,
    run: &Run,
    test: Option<&TestResult>,
    stream: &Stream,
) -> Result<Option<Warning>, SamplesError> {
    if !x.has_ties() && !y.has_ties() {
        return Ok(None);
    }
    let n = x.n();
    let permuted = |test: &&TestResult| {
        test.surrogate == Surrogate::Permutation && test.surrogates >= *PERMUTATIONS.start()
    };
    let (mean, deviation, count) = if let Some(test) = test.filter(permuted) {
        (test.null_mean, test.null_deviation, test.surrogates as f64)
    } else {
        let count = (PERMUTED_ROWS / n).clamp(*PERMUTATIONS.start(), *PERMUTATIONS.end());
        let values: Vec<f64> = (0..count)
            .into_par_iter()
            .map(|index| {
                let order = stream.child(&format!("permutation {index}")).permutation(n);
                run.evaluate(x, &y.select(&order), None).map(|found| found.value)
            })
            .collect::<Result<_, _>>()?;
        let count = values.len() as f64;
        let (mean, squares) = mean_and_squares(&values);
        (mean, (squares / (count - 1.0)).sqrt(), count)
    };
    let standard_error = deviation / count.sqrt();
    let most = StudentsT::new(0.0, 1.0, count - 1.0)
        .map_or(f64::INFINITY, |t| t.inverse_cdf(0.9995) * standard_error);
    let is_off = mean.abs() > most.max(NEGLIGIBLE);
    Ok(is_off.then_some(Warning::OffWhenPermuted { mean, standard_error }))
}
