use mi_random::Stream;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::surrogate::{Groups, Surrogate};
use crate::SamplesError;

/// A test of independence by rearranged rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestSettings {
    /// How many rearrangements; the smallest p-value is 1/(1 + this).
    pub surrogates: usize,
    /// How rows are rearranged.
    pub surrogate: Surrogate,
}

/// The outcome of a test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// (1 + `at_least`)/(1 + `surrogates`).
    pub p_value: f64,
    /// Rearrangements whose estimate was at least that of the data.
    pub at_least: usize,
    /// Rearrangements made.
    pub surrogates: usize,
    /// How rows were rearranged.
    pub surrogate: Surrogate,
    /// The mean estimate of the rearrangements, in nats.
    pub null_mean: f64,
    /// Their standard deviation, in nats.
    pub null_deviation: f64,
}

/// Compares a value with those of rearranged rows; `estimate(rows)` gets, for every row, the row
/// whose x it is given.
pub(crate) fn permutation_test(
    value: f64,
    n: usize,
    settings: TestSettings,
    groups: Option<&Groups>,
    stream: &Stream,
    estimate: impl Fn(&[usize]) -> Result<f64, SamplesError> + Sync,
) -> Result<TestResult, SamplesError> {
    let TestSettings { surrogates, surrogate } = settings;
    if surrogates == 0 {
        let (setting, range) = ("the number of surrogates", "at least 1");
        return Err(SamplesError::Setting { setting, value: "0".into(), range });
    }
    surrogate.check(n)?;
    // Every rearrangement has its own stream, so that threads do not matter.
    let values: Vec<f64> = (0..surrogates)
        .into_par_iter()
        .map(|index| {
            let mut stream = stream.child(&format!("surrogate {index}"));
            estimate(&surrogate.rearrange(n, groups, &mut stream))
        })
        .collect::<Result<_, _>>()?;
    let at_least = values.iter().filter(|surrogate| **surrogate >= value).count();
    let count = surrogates as f64;
    let null_mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|v| (v - null_mean).powi(2)).sum();
    Ok(TestResult {
        p_value: (1 + at_least) as f64 / (1.0 + count),
        at_least,
        surrogates,
        surrogate,
        null_mean,
        null_deviation: (squares / (count - 1.0).max(1.0)).sqrt(),
    })
}
