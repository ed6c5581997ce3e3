use std::sync::{Mutex, PoisonError};

use mi_random::Stream;
use mi_samples::{STAIRCASE_STEPS, Sample, Staircase, TASKS, Task, mutual_information};
use rayon::prelude::*;

use super::bench_method::made_by;
use super::{BenchEstimate, BenchMethod, Estimates, Key, Setup, Store};
use crate::error::CliError;

/// A distribution whose mutual information is known.
#[derive(Clone, Copy, Debug)]
pub enum Truth {
    /// One of the 40 tasks of Czyż et al. (2023).
    Task(&'static Task),
    /// A step of a staircase of Poole et al. (2019).
    Step(Staircase, f64),
}

/// A named distribution.
#[derive(Clone, Debug)]
pub struct Benchmark {
    /// Its name.
    pub id: String,
    /// The distribution that is drawn.
    pub truth: Truth,
}

impl Benchmark {
    /// The mutual information in nats.
    pub fn mutual_information(&self) -> f64 {
        match self.truth {
            Truth::Task(task) => task.mutual_information(),
            Truth::Step(_, information) => information,
        }
    }

    /// The collection that it belongs to.
    pub fn group(&self) -> &'static str {
        match self.truth {
            Truth::Task(_) => "tasks",
            Truth::Step(..) => "staircases",
        }
    }

    /// Columns of x and of y.
    pub fn dims(&self) -> (usize, usize) {
        match self.truth {
            Truth::Task(task) => (task.dim_x(), task.dim_y()),
            Truth::Step(staircase, _) => (staircase.dims, staircase.dims),
        }
    }

    /// Draws both sides: the same for the same seed, independent of what else is measured.
    pub(super) fn sides(&self, rows: usize, seed: u64) -> Result<[Sample; 2], CliError> {
        let mut stream = Stream::new(seed, &self.id);
        let (x, y) = match self.truth {
            Truth::Task(task) => task.sample(rows, &mut stream),
            Truth::Step(staircase, information) => {
                staircase.sample(information, rows, &mut stream)?
            }
        };
        Ok([Sample::new(x.view(), &[], seed)?, Sample::new(y.view(), &[], seed)?])
    }
}

/// All distributions, in the order of the tables.
pub fn benchmarks() -> Vec<Benchmark> {
    let tasks =
        TASKS.iter().map(|task| Benchmark { id: task.id().into(), truth: Truth::Task(task) });
    let steps = [("gaussian", Staircase::GAUSSIAN), ("cubic", Staircase::CUBIC)];
    let steps = steps.into_iter().flat_map(|(name, staircase)| {
        STAIRCASE_STEPS.iter().map(move |&information| Benchmark {
            id: format!("staircase-{name}-{information}"),
            truth: Truth::Step(staircase, information),
        })
    });
    tasks.chain(steps).collect()
}

/// The estimates to make.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// Indices into [`benchmarks`].
    pub benchmarks: &'a [usize],
    /// The estimators.
    pub asked: &'a [BenchMethod],
    /// The seeds of the samples.
    pub seeds: &'a [u64],
}

impl Work<'_> {
    /// Indices of the estimators in [`BenchMethod::all`].
    fn methods(&self) -> Vec<usize> {
        let all = BenchMethod::all();
        let place = |asked: &BenchMethod| all.iter().position(|other| other == asked);
        self.asked.iter().filter_map(place).collect()
    }

    /// The samples, by distribution and seed, that lack an estimate. Those of one seed are
    /// adjacent, so that unfinished work can be used.
    pub fn missing(&self, store: &Store) -> Vec<(usize, u64)> {
        let methods = self.methods();
        let samples =
            self.seeds.iter().flat_map(|&seed| self.benchmarks.iter().map(move |&b| (b, seed)));
        let unknown = |&(benchmark, seed): &(usize, u64)| {
            methods.iter().any(|&method| !store.has(Key { benchmark, method, seed }))
        };
        samples.filter(unknown).collect()
    }
}

/// An estimate that could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    key: Key,
    /// The distribution's name.
    pub benchmark: String,
    /// The estimator's name.
    pub method: String,
    /// Why it failed.
    pub reason: String,
}

/// Makes the estimates that `store` does not have, and returns those that failed, in the order of
/// their keys. `step` is called when a sample is done.
///
/// If two estimators resolve to the same one, it is run once.
///
/// # Errors
/// If a distribution cannot be drawn or the store cannot be written; an estimator that fails leaves
/// a gap.
pub fn run(
    work: &Work<'_>,
    store: &Store,
    step: impl Fn() + Sync,
) -> Result<Vec<Failure>, CliError> {
    let all = benchmarks();
    let failures = Mutex::new(Vec::new());
    let methods = work.methods();
    let Setup { rows, neighbours, .. } = *store.setup();
    // In order from the front, not split into halves.
    work.missing(store).into_iter().par_bridge().try_for_each(|(benchmark, seed)| {
        let [x, y] = all[benchmark].sides(rows, seed)?;
        for (asked, &method) in work.asked.iter().zip(&methods) {
            let key = Key { benchmark, method, seed };
            if store.has(key) {
                continue;
            }
            let settings = asked.settings(neighbours, seed);
            let estimator = settings.resolve(&x, &y, None).map(|found| made_by(&found));
            let estimator = estimator.unwrap_or_default();
            let made = store.made_by(&estimator, key).unwrap_or_else(|| {
                let found = mutual_information(&x, &y, &settings);
                if let Err(error) = &found {
                    let (benchmark, method) = (all[benchmark].id.clone(), asked.name());
                    let failure = Failure { key, benchmark, method, reason: error.to_string() };
                    failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
                }
                BenchEstimate { estimator, nats: found.ok().map(|found| found.value) }
            });
            store.keep(key, made)?;
        }
        step();
        Ok::<(), CliError>(())
    })?;
    let mut failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.sort_by_key(|failure| failure.key);
    Ok(failures)
}

/// The estimates of one estimator for one distribution.
#[derive(Clone, Debug)]
pub struct Score {
    /// The estimator's name.
    pub method: String,
    /// One estimate per seed, in nats; `None` where the estimator failed.
    pub values: Vec<Option<f64>>,
}

impl Score {
    /// The estimates that exist.
    pub fn present(&self) -> Vec<f64> {
        self.values.iter().copied().flatten().collect()
    }

    /// Their mean, NaN if there is none.
    pub fn mean(&self) -> f64 {
        let values = self.present();
        values.iter().sum::<f64>() / values.len() as f64
    }

    /// Their standard deviation, 0 for a single one.
    pub fn deviation(&self) -> f64 {
        let (values, mean) = (self.present(), self.mean());
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        (squares / (values.len() as f64 - 1.0).max(1.0)).sqrt()
    }
}

/// The scores of every estimator for every distribution (outer: distributions), from the estimates
/// that exist.
pub fn scores(work: &Work<'_>, estimates: &Estimates) -> Vec<Vec<Score>> {
    let methods = work.methods();
    let score = |benchmark: usize, asked: &BenchMethod, method: usize| {
        let made =
            work.seeds.iter().filter_map(|&seed| estimates.get(&Key { benchmark, method, seed }));
        Score { method: asked.name(), values: made.map(|made| made.nats).collect() }
    };
    let of_benchmark = |&benchmark: &usize| {
        work.asked.iter().zip(&methods).map(|(asked, &m)| score(benchmark, asked, m)).collect()
    };
    work.benchmarks.iter().map(of_benchmark).collect()
}

/// The mean over the distributions of a group of |mean estimate − truth| of a method; NaN if it
/// failed on one of them, or there are none.
pub fn mean_absolute_error(
    benchmarks: &[Benchmark],
    scores: &[Vec<Score>],
    group: &str,
    method: usize,
) -> f64 {
    let of_group = benchmarks.iter().zip(scores).filter(|(b, _)| b.group() == group);
    let errors: Vec<f64> =
        of_group.map(|(b, s)| (s[method].mean() - b.mutual_information()).abs()).collect();
    errors.iter().sum::<f64>() / errors.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_tasks_and_two_staircases() {
        let all = benchmarks();
        assert_eq!(all.len(), 50);
        assert!((all[0].mutual_information() - 0.4133).abs() < 5e-5);
        assert_eq!(all[49].id, "staircase-cubic-10");
        assert_eq!(all[49].dims(), (20, 20));
    }

    fn asked(names: &[&str]) -> Vec<BenchMethod> {
        names.iter().map(|name| BenchMethod::parse(name).unwrap()).collect()
    }

    fn measured(work: &Work<'_>, rows: usize) -> (Vec<Vec<Score>>, Estimates) {
        let store = Store::in_memory(Setup::here(rows, None));
        run(work, &store, || {}).unwrap();
        let estimates = store.finish().unwrap();
        (scores(work, &estimates), estimates)
    }

    #[test]
    fn scores_are_near_the_truth_and_do_not_depend_on_company() {
        let asked = asked(&["ksg1", "gaussian-copula"]);
        let work = Work { benchmarks: &[0, 10], asked: &asked, seeds: &[0, 1, 2] };
        let some = [benchmarks()[0].clone(), benchmarks()[10].clone()];
        let both = measured(&work, 1000).0;
        for (benchmark, scores) in some.iter().zip(&both) {
            for score in scores {
                // Three samples of 1000 rows: standard deviations of about 0.03.
                let error = score.mean() - benchmark.mutual_information();
                assert!(error.abs() < 0.1 && score.deviation() < 0.1, "{benchmark:?} {score:?}");
            }
        }
        let alone = Work { benchmarks: &[10], asked: &asked[..1], seeds: &[1, 2] };
        assert_eq!(measured(&alone, 1000).0[0][0].values, both[1][0].values[1..]);
        let error = mean_absolute_error(&some, &both, "tasks", 0);
        assert!(error > 0.0 && error < 0.1, "{error}");
        assert!(mean_absolute_error(&some, &both, "staircases", 0).is_nan());
    }

    #[test]
    fn seeds_may_be_far_apart() {
        let asked = asked(&["ksg1"]);
        let method = BenchMethod::all().iter().position(|method| method == &asked[0]).unwrap();
        let made = |nats| BenchEstimate { estimator: "ksg1 k=3".into(), nats: Some(nats) };
        let key = |seed| Key { benchmark: 0, method, seed };
        let estimates = Estimates::from([(key(0), made(1.0)), (key(u64::MAX), made(3.0))]);
        let work = Work { benchmarks: &[0], asked: &asked, seeds: &[0, u64::MAX] };
        assert_eq!(scores(&work, &estimates)[0][0].values, [Some(1.0), Some(3.0)]);
    }

    #[test]
    fn a_method_that_fails_leaves_a_gap() {
        let asked = asked(&["ross"]);
        let work = Work { benchmarks: &[0], asked: &asked, seeds: &[0, 1] };
        let scores = measured(&work, 50).0;
        assert_eq!(scores[0][0].values, [None, None]);
        assert!(scores[0][0].mean().is_nan());
    }

    #[test]
    fn what_resolves_alike_is_made_once() {
        let asked = asked(&["auto", "ksg1", "ksg2"]);
        let work = Work { benchmarks: &[0], asked: &asked, seeds: &[0] };
        // An impossible value shows whether an estimate is made again.
        let store = Store::in_memory(Setup::here(100, None));
        let wrong = BenchEstimate { estimator: "ksg1 k=3".into(), nats: Some(-7.0) };
        store.keep(Key { benchmark: 0, method: 0, seed: 0 }, wrong).unwrap();
        assert_eq!(work.missing(&store), [(0, 0)]);
        run(&work, &store, || {}).unwrap();
        assert_eq!(work.missing(&store), []);
        let found = scores(&work, &store.finish().unwrap()).remove(0);
        let means: Vec<f64> = found.iter().map(Score::mean).collect();
        assert!(means[0] == -7.0 && means[1] == -7.0 && means[2] > -1.0, "{means:?}");
    }
}
