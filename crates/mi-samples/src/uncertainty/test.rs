use mi_random::Stream;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::surrogate::{Exchange, Surrogate};
use crate::SamplesError;

/// A test of independence by rearranged rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestSettings {
    /// The largest number of rearrangements; the smallest p-value is 1/(1 + this).
    pub surrogates: usize,
    /// How rows are rearranged.
    pub surrogate: Surrogate,
    /// The test stops after this many rearrangements whose estimate is at least that of the data
    /// (Besag and Clifford, 1991, Biometrika 78, 301). `None`: all are made.
    ///
    /// Uninformative columns then need only a few dozen, and the others get as many as their
    /// p-values need.
    pub enough: Option<usize>,
}

impl TestSettings {
    /// A test with this many rearrangements, all of which are made.
    pub fn new(surrogates: usize, surrogate: Surrogate) -> Self {
        Self { surrogates, surrogate, enough: None }
    }
}

/// The outcome of a test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// `at_least`/`surrogates` if the test ended early, (1 + `at_least`)/(1 + `surrogates`)
    /// otherwise. If x and y are independent, it is at most α with a probability of at most α, for
    /// every α.
    pub p_value: f64,
    /// Rearrangements whose estimate was at least that of the data.
    pub at_least: usize,
    /// Rearrangements made.
    pub surrogates: usize,
    /// Rearrangements that would have been made without an early end: those requested, or all that
    /// exist.
    pub available: usize,
    /// How rows were rearranged.
    pub surrogate: Surrogate,
    /// The mean estimate of the rearrangements, in nats.
    pub null_mean: f64,
    /// Their standard deviation, in nats.
    pub null_deviation: f64,
}

impl TestResult {
    /// The smallest possible p-value.
    pub fn smallest_p_value(&self) -> f64 {
        1.0 / (1.0 + self.available as f64)
    }
}

/// Rearrangements estimated together, between checks whether a test can end.
const AT_ONCE: usize = 32;

/// Compares a value with those of rearranged rows; `estimate(rows)` gets, for every row, the row
/// whose x it receives.
pub(crate) fn permutation_test(
    value: f64,
    n: usize,
    settings: TestSettings,
    exchange: Option<&Exchange>,
    stream: &Stream,
    estimate: impl Fn(&[usize]) -> Result<f64, SamplesError> + Sync,
) -> Result<TestResult, SamplesError> {
    let TestSettings { surrogates, surrogate, enough } = settings;
    for (setting, count) in
        [("the number of surrogates", surrogates), ("the enough of a test", enough.unwrap_or(1))]
    {
        if count == 0 {
            let range = "at least 1";
            return Err(SamplesError::Setting { setting, value: "0".into(), range });
        }
    }
    surrogate.check(n)?;
    check_number("the estimate from the data", value)?;
    let rearrangements = surrogate.rearrangements(n, exchange, surrogates, stream);
    let available = rearrangements.len();
    let (mut values, mut ended) = (Vec::with_capacity(available), false);
    for some in rearrangements.chunks(enough.map_or(available.max(1), |_| AT_ONCE)) {
        let more: Vec<f64> = some
            .par_iter()
            .map(|&one| estimate(&surrogate.rows(one, n, exchange, stream)))
            .collect::<Result<_, _>>()?;
        more.iter().try_for_each(|&one| check_number("the estimate from rearranged rows", one))?;
        values.extend(more);
        // The last value that counts is the one that completes `enough`, however many were made at
        // once.
        let reaching = values.iter().enumerate().filter(|(_, other)| **other >= value);
        let last = enough.and_then(|enough| reaching.map(|(at, _)| at).nth(enough - 1));
        if let Some(last) = last {
            values.truncate(last + 1);
            ended = true;
            break;
        }
    }
    let at_least = values.iter().filter(|other| **other >= value).count();
    let count = values.len() as f64;
    let null_mean = values.iter().sum::<f64>() / count.max(1.0);
    let squares: f64 = values.iter().map(|v| (v - null_mean).powi(2)).sum();
    let p_value =
        if ended { at_least as f64 / count } else { (1 + at_least) as f64 / (1.0 + count) };
    Ok(TestResult {
        p_value,
        at_least,
        surrogates: values.len(),
        available,
        surrogate,
        null_mean,
        null_deviation: (squares / (count - 1.0).max(1.0)).sqrt(),
    })
}

/// Refuses NaN: no comparison with it is true, so it would count as smaller than all others, and
/// give the data the smallest p-value.
fn check_number(what: &'static str, value: f64) -> Result<(), SamplesError> {
    if value.is_nan() { Err(SamplesError::Undefined { what }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_that_is_no_number_has_no_p_value() {
        let test = |value: f64, estimate: &(dyn Fn(&[usize]) -> f64 + Sync), enough| {
            let settings = TestSettings { enough, ..TestSettings::new(40, Surrogate::default()) };
            let stream = Stream::new(1, "test");
            permutation_test(value, 20, settings, None, &stream, |rows| Ok(estimate(rows)))
        };
        for enough in [None, Some(5)] {
            let error = test(f64::NAN, &|_| 0.0, enough).unwrap_err();
            assert!(error.to_string().contains("from the data is NaN"), "{error}");
            let some = |rows: &[usize]| if rows[0].is_multiple_of(2) { f64::NAN } else { 0.0 };
            let error = test(1.0, &some, enough).unwrap_err();
            assert!(error.to_string().contains("from rearranged rows is NaN"), "{error}");
            // Infinite estimates can be compared.
            assert!(test(f64::INFINITY, &|_| f64::NEG_INFINITY, enough).is_ok());
        }
    }

    /// A test whose estimates, including that of the data, are uniform random numbers.
    fn p_value(seed: u64, surrogates: usize, enough: Option<usize>) -> TestResult {
        let settings =
            TestSettings { enough, ..TestSettings::new(surrogates, Surrogate::default()) };
        let of = |rows: &[usize]| Stream::new(seed, &format!("{rows:?}")).uniform();
        let n = 20;
        let value = Stream::new(seed, "data").uniform();
        permutation_test(value, n, settings, None, &Stream::new(seed, "test"), |r| Ok(of(r)))
            .unwrap()
    }

    #[test]
    fn p_values_of_a_test_that_ends_early_are_valid() {
        let tests = 2000;
        let found: Vec<TestResult> = (0..tests).map(|seed| p_value(seed, 199, Some(10))).collect();
        for level in [0.01, 0.05, 0.2, 0.5] {
            let share = found.iter().filter(|t| t.p_value <= level).count() as f64 / tests as f64;
            // At most three standard errors above the level, and not far below it.
            let error = (level * (1.0 - level) / tests as f64).sqrt();
            assert!(share < level + 3.0 * error && share > 0.6 * level, "{level} {share}");
        }
        // Besag and Clifford: about h (1 + ln (N/h)) rearrangements under independence.
        let made = found.iter().map(|t| t.surrogates).sum::<usize>() as f64 / tests as f64;
        assert!((made - 10.0 * (1.0 + 19.9_f64.ln())).abs() < 4.0, "{made}");
    }

    #[test]
    fn a_test_ends_at_the_value_that_makes_it_enough() {
        for seed in 0..20 {
            let (whole, early) = (p_value(seed, 199, None), p_value(seed, 199, Some(10)));
            assert_eq!(whole.surrogates, 199);
            if early.surrogates < 199 {
                assert_eq!(early.at_least, 10);
                assert!((early.p_value - 10.0 / early.surrogates as f64).abs() < 1e-15);
            } else {
                assert_eq!(early.p_value, whole.p_value);
            }
            assert_eq!(early.smallest_p_value(), 1.0 / 200.0);
        }
        assert!(
            permutation_test(
                0.0,
                10,
                TestSettings { enough: Some(0), ..TestSettings::new(9, Surrogate::default()) },
                None,
                &Stream::new(0, "test"),
                |_| Ok(0.0),
            )
            .is_err()
        );
    }
}
