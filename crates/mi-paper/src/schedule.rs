//! Running a plan's trials side by side.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mi_data::Dataset;

use crate::error::PaperError;
use crate::folder::{Lock, RunFolder};
use crate::outcome::TrialState;
use crate::plan::Plan;
use crate::trial::{self, Event};

/// The loaded data sets, by name.
pub type DataSets = BTreeMap<String, Arc<Dataset>>;

/// Runs every trial of the plan, `jobs` at a time, each on one thread of its own, and returns what
/// became of each, in plan order; `None` for trials that were not started because of an
/// interruption.
///
/// A trial that fails, or that another process runs, does not stop the others. Records do not depend on `jobs`.
pub fn run_plan(
    plan: &Plan,
    folder: &RunFolder,
    data: &DataSets,
    jobs: usize,
    interrupted: &(dyn Fn() -> bool + Sync),
    observe: &(dyn Fn(usize, &Event<'_>) + Sync),
) -> Vec<Option<Result<TrialState, PaperError>>> {
    let next = AtomicUsize::new(0);
    let work = || {
        stay_on_this_thread();
        let mut done = Vec::new();
        while !interrupted() {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(config) = plan.trials.get(index) else { break };
            let own = folder.trial(&config.id());
            let result = Lock::take(own.path()).and_then(|_lock| {
                let data = data.get(&config.dataset).cloned();
                trial::run(config, data, &own, &interrupted, &mut |event| observe(index, event))
            });
            done.push((index, result));
        }
        done
    };
    let mut results: Vec<Option<Result<TrialState, PaperError>>> =
        plan.trials.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            match worker.join() {
                Ok(done) => {
                    for (index, result) in done {
                        results[index] = Some(result);
                    }
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    results
}

/// Makes the calling thread do all of its parallel work itself, from now on. Trials side by side
/// would only take turns at the other cores, and a thread's time is then the trial's.
pub fn stay_on_this_thread() {
    // Fails when the thread belongs to a pool already, whose work it then goes on with.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
}
