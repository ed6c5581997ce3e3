//! The threads of parallel work.

use std::io;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rayon::{ThreadBuilder, ThreadPoolBuilder};

use crate::output::say;

/// Starts the threads of parallel work: the requested number, or one per core.
///
/// The system may refuse some (`ulimit -u`, a container's limit). The work then continues with
/// fewer, or with only the main thread; results do not depend on it. rayon itself would panic at
/// the first parallel loop.
pub fn start(asked: Option<u16>, quiet: bool) {
    let wanted = asked.map_or_else(default, usize::from);
    let found =
        start_with(wanted, |work| thread::Builder::new().name("mi".into()).spawn(work).map(drop));
    if found < wanted && !quiet {
        let now = if found == 0 { 1 } else { found };
        say(format_args!(
            "mi: the system allows {now} of {wanted} threads; the work continues with fewer, and takes \
             longer"
        ));
    }
}

/// `RAYON_NUM_THREADS`, or the number of cores.
fn default() -> usize {
    let named = std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok());
    named
        .filter(|&threads| threads > 0)
        .unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZeroUsize::get))
}

type Work = Box<dyn FnOnce() + Send>;

/// Makes the global pool of at most `wanted` threads and returns how many `spawn` gave it.
fn start_with(wanted: usize, spawn: impl FnMut(Work) -> io::Result<()>) -> usize {
    // The threads are started before the pool knows their number: a pool that fails to start cannot
    // be started again.
    let mut waiting = idle(wanted, spawn);
    let found = waiting.len();
    let builder = ThreadPoolBuilder::new().num_threads(found.max(1));
    // Both fail only if the pool already exists, which is then used.
    let _ = if found == 0 {
        builder.use_current_thread().build_global()
    } else {
        let hand_over = |thread: ThreadBuilder| match waiting.pop() {
            Some(sender) => {
                sender.send(thread).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
            }
            None => Err(io::ErrorKind::WouldBlock.into()),
        };
        builder.spawn_handler(hand_over).build_global()
    };
    found
}

/// Up to `wanted` threads that wait for the pool's work; one that never gets any ends.
fn idle(
    wanted: usize,
    mut spawn: impl FnMut(Work) -> io::Result<()>,
) -> Vec<Sender<ThreadBuilder>> {
    let mut waiting = Vec::new();
    for _ in 0..wanted {
        let (sender, receiver): (_, Receiver<ThreadBuilder>) = channel();
        let work = Box::new(move || {
            if let Ok(thread) = receiver.recv() {
                thread.run();
            }
        });
        if spawn(work).is_err() {
            break;
        }
        waiting.push(sender);
    }
    waiting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_threads_as_the_system_gives() {
        let mut left = 3;
        let waiting = idle(8, |work| {
            if left == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            left -= 1;
            thread::Builder::new().spawn(work).map(drop)
        });
        assert_eq!(waiting.len(), 3);
    }
}
