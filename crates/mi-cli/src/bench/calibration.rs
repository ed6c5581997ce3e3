use mi_random::Stream;
use mi_samples::{Sample, Settings, Surrogate, TestSettings, mutual_information};
use ndarray::Array2;
use rayon::prelude::*;

use super::{BenchMethod, benchmarks};
use crate::error::CliError;

/// Rearrangements of a test: the smallest p-value is 0.05.
const SURROGATES: usize = 19;
/// The correlation of successive rows of the slow series.
const SLOW: f64 = 0.99;

/// How often an interval covers the truth, or a test is wrong.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// What was counted.
    pub what: String,
    /// The expected fraction.
    pub nominal: f64,
    /// The observed fraction.
    pub share: f64,
    /// Repetitions.
    pub trials: usize,
}

impl Calibration {
    /// The standard error of the fraction if the nominal one is true.
    pub fn error(&self) -> f64 {
        (self.nominal * (1.0 - self.nominal) / self.trials as f64).sqrt()
    }
}

/// Coverage of the intervals of `asked` for distributions (indices into [`benchmarks`]), and false
/// positives of the tests for independent rows and independent slow series. `step` is called after
/// every trial; there are `trials` of each of the [`kinds`].
///
/// # Errors
/// If a distribution cannot be drawn or an estimator fails.
pub fn calibrate(
    places: &[usize],
    asked: &[BenchMethod],
    setup: (usize, Option<usize>),
    trials: usize,
    step: impl Fn() + Sync,
) -> Result<Vec<Calibration>, CliError> {
    let (rows, neighbours) = setup;
    let all = benchmarks();
    let mut found = Vec::new();
    let pairs = places.iter().flat_map(|&place| asked.iter().map(move |asked| (place, asked)));
    for (place, asked) in pairs {
        let benchmark = &all[place];
        let truth = benchmark.mutual_information();
        let share = share(trials, &step, |trial| {
            let [x, y] = benchmark.sides(rows, trial)?;
            let settings = Settings { interval: true, ..asked.settings(neighbours, trial) };
            let interval = mutual_information(&x, &y, &settings)?.interval;
            Ok(interval.is_some_and(|ends| ends.lower <= truth && truth <= ends.upper))
        })?;
        let what =
            format!("{}, {}: 95 % intervals that cover the truth", benchmark.id, asked.name());
        found.push(Calibration { what, nominal: 0.95, share, trials });
    }
    let shift = Surrogate::Shift { least: ((rows as f64).sqrt() as usize).max(1) };
    for (what, slow, surrogate) in [
        ("independent rows, permuted: p <= 0.05", 0.0, Surrogate::Permutation),
        ("independent slow series, permuted: p <= 0.05", SLOW, Surrogate::Permutation),
        ("independent slow series, shifted: p <= 0.05", SLOW, shift),
    ] {
        let test = Some(TestSettings::new(SURROGATES, surrogate));
        let settings = Settings { interval: false, test, ..Settings::default() };
        let share = share(trials, &step, |trial| {
            let mut stream = Stream::new(trial, "false positives");
            let side = |stream: &mut Stream| Sample::new(series(rows, slow, stream).view(), &[], 0);
            let (x, y) = (side(&mut stream)?, side(&mut stream)?);
            let test = mutual_information(&x, &y, &settings)?.test;
            Ok(test.is_some_and(|test| test.p_value <= 0.05))
        })?;
        found.push(Calibration { what: what.into(), nominal: 0.05, share, trials });
    }
    Ok(found)
}

/// The kinds of trials of [`calibrate`].
pub fn kinds(places: &[usize], asked: &[BenchMethod]) -> usize {
    places.len() * asked.len() + 3
}

/// The fraction of trials for which a condition holds.
fn share(
    trials: usize,
    step: &(impl Fn() + Sync),
    holds: impl Fn(u64) -> Result<bool, CliError> + Sync + Send,
) -> Result<f64, CliError> {
    let trial = |trial| holds(trial).inspect(|_| step());
    let held: Vec<bool> =
        (0..trials as u64).into_par_iter().map(trial).collect::<Result<_, _>>()?;
    Ok(held.iter().filter(|held| **held).count() as f64 / trials as f64)
}

/// An autoregressive series of order 1: independent rows if `slow` is 0.
fn series(rows: usize, slow: f64, stream: &mut Stream) -> Array2<f64> {
    // It starts in its stationary distribution.
    let mut last = stream.normal() / (1.0 - slow * slow).sqrt();
    Array2::from_shape_simple_fn((rows, 1), || {
        let value = last;
        last = slow * last + stream.normal();
        value
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_keep_their_level_where_permutations_do_not() {
        let asked: Vec<BenchMethod> = ["ksg1", "gaussian-copula", "neural"]
            .iter()
            .map(|name| BenchMethod::parse(name).unwrap())
            .collect();
        let steps = std::sync::atomic::AtomicUsize::new(0);
        let step = || {
            steps.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        };
        let found = calibrate(&[0], &asked, (400, None), 40, step).unwrap();
        assert_eq!(steps.into_inner(), 40 * kinds(&[0], &asked));
        let share = |text: &str| found.iter().find(|c| c.what.contains(text)).unwrap().share;
        // 40 trials: a nominal 0.95 is below 0.8, and a nominal 0.05 above 0.2, once in 10,000.
        for method in &asked {
            assert!(share(&method.name()) >= 0.8, "{found:?}");
        }
        assert!(share("independent rows, permuted") <= 0.2, "{found:?}");
        assert!(share("series, permuted") >= 0.8, "{found:?}");
        assert!(share("series, shifted") <= 0.25, "{found:?}");
    }
}
