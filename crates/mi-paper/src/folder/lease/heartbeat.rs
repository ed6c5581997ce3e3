//! The heartbeat of a lease's holder: signs of life, which others can see.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// Gives signs of life for a lease on a separate thread until it is dropped, and checks whether the
/// lease still counts.
#[derive(Debug)]
pub(super) struct Heartbeat {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    lease: PathBuf,
    /// The file that the next holder would create.
    next: PathBuf,
    every: Duration,
    last: Mutex<Instant>,
    is_lost: AtomicBool,
    has_ended: Mutex<bool>,
    wake: Condvar,
}

impl Heartbeat {
    pub(super) fn begin(lease: PathBuf, next: PathBuf, every: Duration) -> Self {
        let shared = Arc::new(Shared {
            lease,
            next,
            every,
            last: Mutex::new(Instant::now()),
            is_lost: AtomicBool::new(false),
            has_ended: Mutex::new(false),
            wake: Condvar::new(),
        });
        let own = shared.clone();
        let thread = Builder::new()
            .name("lease".into())
            .stack_size(64 << 10)
            .spawn(move || own.beat_until_ended());
        Self { shared, thread: thread.ok() }
    }

    pub(super) fn lease(&self) -> &Path {
        &self.shared.lease
    }

    /// Gives a sign, and checks whether the lease still counts.
    pub(super) fn beat(&self) {
        self.shared.beat();
    }

    /// Whether the lease no longer counted when the last sign was given.
    pub(super) fn is_lost(&self) -> bool {
        if self.shared.last().elapsed() > 2 * self.shared.every {
            // There is no thread, since the system refused one, or this process was stopped for a
            // while.
            self.beat();
        }
        self.shared.is_lost.load(Ordering::Relaxed)
    }

    /// Stops giving signs.
    pub(super) fn end(&mut self) {
        *self.shared.has_ended() = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn last(&self) -> MutexGuard<'_, Instant> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_ended(&self) -> MutexGuard<'_, bool> {
        self.has_ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn beat(&self) {
        let given = OpenOptions::new().append(true).open(&self.lease);
        let is_gone = match given.and_then(|mut file| file.write_all(b"\n")) {
            Ok(()) => self.next.exists(),
            // If the disk is full, the holder seems silent, and the trial may be taken over, which
            // is safe.
            Err(error) => {
                matches!(error.kind(), ErrorKind::NotFound | ErrorKind::StaleNetworkFileHandle)
            }
        };
        if is_gone {
            self.is_lost.store(true, Ordering::Relaxed);
        }
        *self.last() = Instant::now();
    }

    fn beat_until_ended(&self) {
        let mut has_ended = self.has_ended();
        while !*has_ended {
            let waited = self.wake.wait_timeout(has_ended, self.every);
            let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            has_ended = guard;
            if timeout.timed_out() && !*has_ended {
                self.beat();
            }
        }
    }
}
