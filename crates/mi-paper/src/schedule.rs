//! Runs a plan's trials in parallel.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::Builder;
use std::time::Duration;

use mi_data::Dataset;

use crate::error::PaperError;
use crate::folder::{Lease, RunFolder, Watch};
use crate::outcome::TrialState;
use crate::plan::Plan;
use crate::trial::{self, Control, Event, Images, Memo};

/// Time between two looks at a trial that another process runs.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The loaded data sets, by name.
pub type DataSets = BTreeMap<String, Arc<Dataset>>;

/// How trials are shared with other processes, on this machine and on others.
#[derive(Clone, Copy, Debug)]
pub struct Sharing {
    /// How long this process may give no sign of life before others take over its trials.
    pub silence: Duration,
    /// Whether to wait for trials that another process runs, and to take them over if that process
    /// falls silent. If not, they end with [`PaperError::Locked`] once it is known to be alive.
    pub wait: bool,
}

impl Default for Sharing {
    fn default() -> Self {
        Self { silence: Lease::SILENCE, wait: false }
    }
}

/// Runs every trial of the plan, `jobs` at a time, each on its own thread, sharing a [`Memo`].
/// Returns the result of each, in plan order; `None` for trials that were not started because of an
/// interruption.
///
/// A trial that fails, or that another process runs, does not stop the others; trials that another
/// process runs are tried again last. If a trial finds no room to write, running trials save what
/// they can, and no further one is started. If the system refuses threads, the work is done on
/// those that it allows, or else on the calling thread. Records do not depend on `jobs`. The last
/// event of every trial that was attempted is [`Event::Ended`].
pub fn run_plan(
    plan: &Plan,
    folder: &RunFolder,
    data: &DataSets,
    jobs: usize,
    sharing: Sharing,
    control: Control<'_>,
    observe: &(dyn Fn(usize, &Event<'_>) + Sync),
) -> Vec<Option<Result<TrialState, PaperError>>> {
    let memo = Memo::default();
    let next = AtomicUsize::new(0);
    let no_room = AtomicBool::new(false);
    let interrupted = || (control.interrupted)() || no_room.load(Ordering::Relaxed);
    let control = Control { interrupted: &interrupted, ..control };
    let work = || {
        stay_on_this_thread();
        let mut done = Vec::new();
        let mut held = VecDeque::new();
        let mut attempt = |index: usize, mut watch: Watch, held: &mut VecDeque<(usize, Watch)>| {
            let observe = &mut |event: &Event<'_>| observe(index, event);
            let with = (sharing, &mut watch, control);
            let result = run_trial((plan, index), folder, (data, &memo), with, observe);
            let is_held = matches!(result, Err(PaperError::Locked { .. }));
            if is_held && (sharing.wait || !watch.is_alive()) {
                held.push_back((index, watch));
                return;
            }
            if result.as_ref().is_err_and(PaperError::is_out_of_room) {
                no_room.store(true, Ordering::Relaxed);
            }
            observe(&Event::Ended { result: result.as_ref() });
            done.push((index, result));
        };
        while !interrupted() {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= plan.trials.len() {
                break;
            }
            attempt(index, Watch::default(), &mut held);
        }
        while !interrupted() && !held.is_empty() {
            std::thread::sleep(POLL_INTERVAL);
            for _ in 0..held.len() {
                let Some((index, watch)) = held.pop_front() else { break };
                attempt(index, watch, &mut held);
            }
        }
        done
    };
    let mut results: Vec<Option<Result<TrialState, PaperError>>> =
        plan.trials.iter().map(|_| None).collect();
    for (index, result) in on_threads(jobs, Builder::new, work) {
        results[index] = Some(result);
    }
    results
}

/// Runs one trial to its end, unless it has ended or another process runs it.
fn run_trial(
    (plan, index): (&Plan, usize),
    folder: &RunFolder,
    (data, memo): (&DataSets, &Memo),
    (sharing, watch, control): (Sharing, &mut Watch, Control<'_>),
    observe: &mut dyn FnMut(&Event<'_>),
) -> Result<TrialState, PaperError> {
    let config = &plan.trials[index];
    let trial = folder.trial(&config.id());
    if let Some(state) = trial.examine(config, plan.data_of(config))?.ended() {
        return Ok(state.clone());
    }
    let lease = trial.take(sharing.silence, watch)?;
    let interrupted = || (control.interrupted)() || lease.is_lost();
    let control = Control { interrupted: &interrupted, ..control };
    let data = Images::of(config, data, memo.clone());
    let result = trial::run(config, data, lease.folder(), control, observe);
    // If the lease was lost, what was written here went to an older attempt and does not count.
    // Errors do not count either: the new holder may have removed files of that attempt.
    lease.confirm()?;
    result
}

/// Runs `work` on up to `jobs` threads, or on the calling thread if the system allows no other, and
/// returns all results in one list.
fn on_threads<T: Send>(
    jobs: usize,
    builder: impl Fn() -> Builder,
    work: impl Fn() -> Vec<T> + Sync,
) -> Vec<T> {
    std::thread::scope(|scope| {
        let start = |_| builder().spawn_scoped(scope, &work).ok();
        let workers: Vec<_> = (0..jobs.max(1)).map_while(start).collect();
        if workers.is_empty() {
            return work();
        }
        let joined = workers.into_iter().map(|worker| match worker.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.flatten().collect()
    })
}

/// Makes the calling thread do all of its parallel work itself from now on. Trials that run in
/// parallel would only compete for the other cores, and this way a thread's processor time is that
/// of its trial.
pub fn stay_on_this_thread() {
    // Fails if the thread already belongs to a pool, which it then keeps using.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::config::Task;
    use crate::plan::Request;
    use crate::preset::Preset;

    #[cfg(target_os = "linux")]
    #[test]
    fn work_is_done_on_the_threads_that_the_system_gives() {
        let next = AtomicUsize::new(0);
        let work = || {
            let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&taken| taken < 20);
            std::iter::from_fn(take).collect::<Vec<_>>()
        };
        // No machine has room for a stack of 1 << 60 bytes. The system reports the same error for a
        // thread beyond its limit.
        for allowed in [0, 1, 3] {
            next.store(0, Ordering::Relaxed);
            let asked = AtomicUsize::new(0);
            let builder = || {
                let size =
                    if asked.fetch_add(1, Ordering::Relaxed) < allowed { 1 << 16 } else { 1 << 60 };
                Builder::new().stack_size(size)
            };
            let mut done = on_threads(4, builder, work);
            done.sort_unstable();
            assert_eq!(done, (0..20).collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_trial_is_told_to_end_however_it_ends() {
        let mut plan = Plan::resolve(&Request {
            steps: Some(3),
            ..Request::new(&["dependent", "supervised"], Preset::Smoke)
        })
        .unwrap();
        if let Task::Dependent(task) = &mut plan.trials[1].task {
            task.learning_rate = 1e30;
        }
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(root.path());
        let ended = Mutex::new(BTreeMap::new());
        // Without images the supervised trials fail.
        let checkpoint_every = Control::CHECKPOINT_EVERY;
        let control = Control { interrupted: &|| false, checkpoint_every };
        let sharing = Sharing::default();
        run_plan(&plan, &folder, &DataSets::new(), 2, sharing, control, &|index, event| {
            if let Event::Ended { result } = event {
                ended.lock().unwrap().insert(index, result.ok().cloned());
            }
        });
        let ended = ended.into_inner().unwrap();
        assert_eq!(ended.len(), plan.trials.len());
        assert_eq!(ended[&0], Some(TrialState::Finished));
        assert!(matches!(ended[&1], Some(TrialState::Diverged { .. })), "{:?}", ended[&1]);
        assert_eq!(ended[&4], None);
    }
}
