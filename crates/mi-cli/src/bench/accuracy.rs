use mi_estimators::{
    Method, STAIRCASE_STEPS, Sample, Settings, Staircase, TASKS, Task, mutual_information,
};
use mi_random::Stream;
use rayon::prelude::*;

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
    /// What is drawn.
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

    /// Draws both sides: the same for the same seed, whatever else is measured.
    fn sides(&self, rows: usize, seed: u64) -> Result<[Sample; 2], CliError> {
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

/// The estimates of one method for one distribution.
#[derive(Clone, Debug)]
pub struct Score {
    /// The method asked for.
    pub method: Method,
    /// One estimate a seed, in nats; `None` where the method failed.
    pub values: Vec<Option<f64>>,
}

impl Score {
    /// The estimates that there are.
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

/// The scores of every method for every distribution (outer: distributions). `seeds` counts
/// from 0; `step` is called when a distribution is done for a seed.
///
/// # Errors
/// When a distribution cannot be drawn; an estimator that fails leaves a gap.
pub fn run(
    benchmarks: &[Benchmark],
    methods: &[Method],
    neighbours: Option<usize>,
    rows: usize,
    seeds: u64,
    step: impl Fn() + Sync,
) -> Result<Vec<Vec<Score>>, CliError> {
    let jobs: Vec<(usize, u64)> =
        (0..benchmarks.len()).flat_map(|b| (0..seeds).map(move |seed| (b, seed))).collect();
    let found: Vec<Vec<Option<f64>>> = jobs
        .par_iter()
        .map(|&(b, seed)| -> Result<Vec<Option<f64>>, CliError> {
            let [x, y] = benchmarks[b].sides(rows, seed)?;
            let estimate = |&method: &Method| {
                let settings =
                    Settings { method, neighbours, interval: false, seed, ..Settings::default() };
                mutual_information(&x, &y, &settings).ok().map(|estimate| estimate.value)
            };
            let values = methods.iter().map(estimate).collect();
            step();
            Ok(values)
        })
        .collect::<Result<_, _>>()?;
    let per_benchmark = found.chunks(seeds.max(1) as usize);
    Ok(per_benchmark
        .map(|by_seed| {
            let of_method = |m: usize| by_seed.iter().map(|values| values[m]).collect();
            let scores = methods.iter().enumerate();
            scores.map(|(m, &method)| Score { method, values: of_method(m) }).collect()
        })
        .collect())
}

/// The mean over the distributions of a group of |mean estimate − truth| of a method; NaN where
/// it failed on one of them, or there are none.
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

    #[test]
    fn scores_are_near_the_truth_and_do_not_depend_on_company() {
        let all = benchmarks();
        let methods = [Method::Ksg1, Method::GaussianCopula];
        let some = [all[0].clone(), all[10].clone()];
        let both = run(&some, &methods, None, 1000, 3, || {}).unwrap();
        for (benchmark, scores) in some.iter().zip(&both) {
            for score in scores {
                // Three samples of 1000 rows: standard deviations of about 0.03.
                let error = score.mean() - benchmark.mutual_information();
                assert!(error.abs() < 0.1 && score.deviation() < 0.1, "{benchmark:?} {score:?}");
            }
        }
        let alone = run(&some[1..], &methods[..1], None, 1000, 3, || {}).unwrap();
        assert_eq!(alone[0][0].values, both[1][0].values);
        let error = mean_absolute_error(&some, &both, "tasks", 0);
        assert!(error > 0.0 && error < 0.1, "{error}");
        assert!(mean_absolute_error(&some, &both, "staircases", 0).is_nan());
    }

    #[test]
    fn a_method_that_fails_leaves_a_gap() {
        let all = benchmarks();
        let scores = run(&all[..1], &[Method::Ross], None, 50, 2, || {}).unwrap();
        assert_eq!(scores[0][0].values, [None, None]);
        assert!(scores[0][0].mean().is_nan());
    }
}
