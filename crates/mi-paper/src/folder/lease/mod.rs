//! Decides who may write to a trial's folder, even if several machines share it.
//!
//! A lease is a file, `lease-TOKEN.json`. Tokens only grow, and the largest counts. It is created
//! by an exclusive operation of the file system, so that only one of two processes gets it. Its
//! holder appends an empty line to it from time to time as a sign of life. A process that wants the
//! trial watches the file's length with its own clock, so that clocks of two machines are never
//! compared.
//!
//! A holder may be silent and yet alive: stopped, cut off from the others, or slow. So a process
//! that takes over a trial never writes to the files of a holder that may be alive. The new holder
//! copies them to its own folder, `attempt-TOKEN`, and continues there; the newest attempt counts.
//! Anything that the former holder still writes goes to an older attempt, which is ignored. The
//! former holder learns of the takeover at its next sign of life, and stops.

mod file;
mod heartbeat;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::atomic::nonce;
use super::lock::Lock;
use super::process::Process;
use super::trial::TrialFolder;
use crate::error::PaperError;
use file::{HELD, NewestLease, RELEASED, Terms, claim, leases, newest, path_of};
use heartbeat::Heartbeat;

/// How many signs of life a holder gives in the time after which it counts as gone.
const BEATS: u32 = 6;

/// What a process knows about the holder of a lease that it is waiting for.
#[derive(Debug, Default)]
pub struct Watch {
    /// The lease, its length, and the time since which it has had that length.
    seen: Option<(PathBuf, u64, Instant)>,
    alive: bool,
}

impl Watch {
    /// Whether the holder is known to be alive: it gave a sign, or the system says so.
    pub fn is_alive(&self) -> bool {
        self.alive
    }

    /// How long the lease has not changed.
    fn silence(&mut self, found: &NewestLease) -> Duration {
        match &self.seen {
            Some((path, length, since)) if *path == found.path => {
                if *length == found.length {
                    return since.elapsed();
                }
                self.alive = true;
            }
            _ => self.alive = false,
        }
        self.seen = Some((found.path.clone(), found.length, Instant::now()));
        Duration::ZERO
    }
}

/// The right to write to a trial's folder, until it is dropped or lost.
#[derive(Debug)]
pub struct Lease {
    folder: TrialFolder,
    heartbeat: Heartbeat,
    /// Lets other processes on this machine have the trial as soon as this process ends, however
    /// that happens.
    _lock: Option<Lock>,
}

impl Lease {
    /// How long a holder may be silent by default.
    pub const SILENCE: Duration = Duration::from_mins(2);

    /// The trial's folder, in the attempt that this lease is for.
    pub fn folder(&self) -> &TrialFolder {
        &self.folder
    }

    /// Whether another process has taken over the trial, as of the last sign of life.
    pub fn is_lost(&self) -> bool {
        self.heartbeat.is_lost()
    }

    /// Asks the file system whether another process has taken over the trial. Call this before
    /// anything is made final.
    ///
    /// # Errors
    /// [`PaperError::Locked`] naming that process.
    pub fn confirm(&self) -> Result<(), PaperError> {
        self.heartbeat.beat();
        let root = self.folder.root();
        if self.is_lost() { Err(locked(root, newest(root)?.as_ref())) } else { Ok(()) }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.heartbeat.end();
        // If it is lost, the file is gone or belongs to an older lease, which does not count.
        let lease = self.heartbeat.lease();
        let _ = fs::rename(lease, lease.with_extension(RELEASED));
    }
}

/// Takes the lease of a trial. `silence` is how long this process may give no sign of life before
/// others may take over the trial. Pass the same `watch` at every attempt.
///
/// # Errors
/// [`PaperError::Locked`] if another process holds it, or may hold it.
pub(super) fn take(root: &Path, silence: Duration, watch: &mut Watch) -> Result<Lease, PaperError> {
    let (lock, locked_here) = match Lock::take(root) {
        Ok(lock) => (Some(lock), false),
        Err(PaperError::Locked { .. }) => (None, true),
        Err(error) => return Err(error),
    };
    let found = newest(root)?;
    let excludes = lock.as_ref().is_some_and(Lock::excludes);
    let held = || Err(locked(root, found.as_ref()));
    let newest_attempt = attempts(root).into_iter().max().unwrap_or(0);
    let same_attempt = match &found {
        _ if locked_here && found.as_ref().is_none_or(NewestLease::is_of_this_machine) => {
            watch.alive = true;
            return held();
        }
        None | Some(NewestLease { released: true, .. }) => true,
        Some(NewestLease { terms: None, .. }) => false,
        Some(NewestLease { terms: Some(terms), .. }) if terms.holder.is_of_this_machine() => {
            if terms.holder.is_alive() {
                watch.alive = true;
                return held();
            }
            // The system released the lock, so the holder has ended. Without locks, a process id
            // from another container may mislead.
            excludes
        }
        Some(found) => {
            let allowed = found.terms.as_ref().map_or(0, |terms| terms.silence);
            if watch.silence(found) < Duration::from_millis(allowed) {
                return held();
            }
            false
        }
    };
    let token = found.as_ref().map_or(0, |found| found.token).max(newest_attempt) + 1;
    let attempt = if same_attempt { newest_attempt } else { token };
    let terms = Terms {
        token,
        attempt,
        holder: Process::this(),
        silence: u64::try_from(silence.as_millis()).unwrap_or(u64::MAX),
    };
    let Some(path) = claim(root, &terms)? else {
        *watch = Watch::default();
        return Err(locked(root, newest(root)?.as_ref()));
    };
    // Signs of life start here, since large checkpoints take a while to copy.
    let heartbeat = Heartbeat::begin(path, path_of(root, token + 1, HELD), silence / BEATS);
    let lease = Lease { folder: TrialFolder::at_attempt(root, attempt), heartbeat, _lock: lock };
    if !same_attempt {
        begin_attempt(&TrialFolder::at_attempt(root, newest_attempt), lease.folder(), token)?;
    }
    remove_older(root, token);
    Ok(lease)
}

/// What is known about the process that runs a trial, for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The machine that it runs on.
    pub host: String,
    /// Whether that is this machine.
    pub is_here: bool,
    /// How long it has given no sign of life, if that is longer than it may be silent. This
    /// compares the clocks of the file server and of this machine, which may differ, so no decision
    /// depends on it.
    pub silent: Option<Duration>,
}

/// Who holds the lease of a trial, if anyone seems to. Changes nothing.
pub(super) fn holder(root: &Path) -> Option<Holder> {
    let locked = Lock::is_held(root);
    let found = newest(root).ok().flatten().filter(|found| !found.released);
    if let Some(NewestLease { terms: Some(terms), path, .. }) = &found
        && !terms.holder.is_of_this_machine()
    {
        let changed = fs::metadata(path).ok()?.modified().ok()?;
        let silent = changed.elapsed().unwrap_or_default();
        let is_silent = silent > Duration::from_millis(terms.silence);
        let host = terms.holder.host.clone();
        return Some(Holder { host, is_here: false, silent: is_silent.then_some(silent) });
    }
    let terms = found.and_then(|found| found.terms);
    let runs = locked || terms.is_some_and(|terms| terms.holder.is_alive());
    runs.then(|| Holder { host: Process::this().host, is_here: true, silent: None })
}

fn locked(root: &Path, found: Option<&NewestLease>) -> PaperError {
    let terms = found.filter(|found| !found.released).and_then(|found| found.terms.as_ref());
    let holder = match terms {
        Some(terms) if !terms.holder.is_of_this_machine() => {
            format!("a process on {} (pid {})", terms.holder.host, terms.holder.pid)
        }
        _ => "another process".into(),
    };
    PaperError::Locked { folder: root.into(), holder }
}

/// The attempts of a trial, without the one in its own folder.
pub(super) fn attempts(root: &Path) -> Vec<u64> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("attempt-")?.parse().ok())
        .collect()
}

/// Copies the saved state of a trial's former holder to a new attempt, which appears atomically.
fn begin_attempt(former: &TrialFolder, new: &TrialFolder, token: u64) -> Result<(), PaperError> {
    let preparing = new.root().join(format!("preparing-{token}-{}", nonce()));
    let copied = fs::create_dir(&preparing)
        .map_err(PaperError::file("create", &preparing))
        .and_then(|()| former.copy_to(&preparing))
        .and_then(|()| {
            fs::rename(&preparing, new.path()).map_err(PaperError::file("create", new.path()))
        });
    if copied.is_err() {
        let _ = fs::remove_dir_all(&preparing);
    }
    copied
}

/// Removes leases that no longer count, and leftovers of killed processes. A later holder may be
/// preparing its attempt already.
fn remove_older(root: &Path, token: u64) {
    for (other, path) in leases(root).unwrap_or_default() {
        if other < token {
            let _ = fs::remove_file(path);
        }
    }
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let of = name.to_str().and_then(|name| name.strip_prefix("preparing-")?.split('-').next());
        if of.is_some_and(|of| of.parse().is_ok_and(|other: u64| other < token)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::super::json;
    use super::file::create;
    use super::*;

    /// Long enough that a busy machine delays no sign of life by as much.
    const SHORT: Duration = Duration::from_secs(1);

    fn take_at(root: &Path) -> Result<Lease, PaperError> {
        take(root, SHORT, &mut Watch::default())
    }

    fn names(root: &Path) -> Vec<String> {
        let entries = fs::read_dir(root).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Changes the newest lease into one of another machine, whose locks are not visible here.
    fn move_elsewhere(root: &Path) {
        let found = newest(root).unwrap().unwrap();
        let mut terms = found.terms.unwrap();
        terms.holder.host = "elsewhere".into();
        json::write(&found.path, &terms).unwrap();
        fs::remove_file(root.join("lock")).unwrap();
    }

    /// Takes a lease once its holder has been silent for long enough.
    fn take_over(root: &Path) -> Lease {
        let mut watch = Watch::default();
        let begun = Instant::now();
        loop {
            match take(root, SHORT, &mut watch) {
                Ok(lease) => {
                    assert!(begun.elapsed() >= SHORT);
                    return lease;
                }
                Err(error) => assert!(error.to_string().contains("elsewhere (pid "), "{error}"),
            }
            assert!(begun.elapsed() < 20 * SHORT);
            std::thread::sleep(SHORT / 20);
        }
    }

    #[test]
    fn one_process_holds_the_lease_until_it_is_released() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for token in 1..4 {
            let lease = take_at(root).unwrap();
            assert_eq!(lease.folder().path(), root);
            assert_eq!(names(root), [format!("lease-{token}.json"), "lock".into()]);
            let refused = take_at(root).unwrap_err().to_string();
            assert!(refused.starts_with("another process works in"), "{refused}");
            assert!(holder(root).is_some_and(|holder| holder.is_here && holder.silent.is_none()));
            lease.confirm().unwrap();
            drop(lease);
            assert_eq!(names(root), [format!("lease-{token}.released"), "lock".into()]);
            assert_eq!(holder(root), None);
        }
    }

    #[test]
    fn the_lease_of_a_killed_process_on_this_machine_is_taken_over_at_once() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let killed = Process { pid: 4_000_000, ..Process::this() };
        let terms = Terms { token: 7, attempt: 0, holder: killed, silence: 1_000_000 };
        assert!(create(&path_of(root, 7, HELD), &terms).unwrap());
        let lease = take_at(root).unwrap();
        assert_eq!(lease.folder().path(), root);
        assert_eq!(names(root), ["lease-8.json", "lock"]);
    }

    #[test]
    fn a_silent_holder_elsewhere_keeps_its_files_and_loses_the_lease() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let mut former = take_at(root).unwrap();
        fs::write(root.join("records.csv"), "a\n").unwrap();
        fs::write(root.join("000000000002.safetensors"), "checkpoint").unwrap();
        // No sign of life, as if it were stopped.
        former.heartbeat.end();
        move_elsewhere(root);
        assert!(holder(root).is_some_and(|holder| !holder.is_here));
        let lease = take_over(root);
        let now = lease.folder().path().to_owned();
        assert_eq!(now, root.join("attempt-2"));
        assert_eq!(names(&now), ["000000000002.safetensors", "records.csv"]);
        assert_eq!(TrialFolder::new(root.to_owned()).path(), now);
        // The former holder wakes up and writes to a folder that is ignored; then it learns of the
        // takeover.
        fs::write(former.folder().path().join("records.csv"), "a\nb\n").unwrap();
        assert!(former.confirm().is_err() && former.is_lost());
        drop(former);
        assert_eq!(fs::read_to_string(now.join("records.csv")).unwrap(), "a\n");
        lease.confirm().unwrap();
        drop(lease);
        // The next holder continues where the last one stopped.
        let next = take_at(root).unwrap();
        assert_eq!(next.folder().path(), now);
        // No checkpoint is left in any attempt.
        next.folder().clear_checkpoints().unwrap();
        drop(next);
        assert_eq!(names(root), ["attempt-2", "lease-3.released", "lock", "records.csv"]);
        assert_eq!(names(&now), ["records.csv"]);
    }

    #[test]
    fn a_sign_of_life_keeps_the_lease() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let mut holder = take_at(root).unwrap();
        move_elsewhere(root);
        let (mut watch, begun) = (Watch::default(), Instant::now());
        while begun.elapsed() < 3 * SHORT {
            take(root, SHORT, &mut watch).unwrap_err();
            std::thread::sleep(SHORT / 20);
        }
        assert!(watch.is_alive() && !holder.is_lost());
        // The user is shown the same.
        let now = super::holder(root).unwrap();
        assert_eq!((&*now.host, now.is_here, now.silent), ("elsewhere", false, None));
        holder.heartbeat.end();
        let hour = Duration::from_hours(1);
        let file = OpenOptions::new().append(true).open(holder.heartbeat.lease()).unwrap();
        file.set_modified(std::time::SystemTime::now() - hour).unwrap();
        assert!(super::holder(root).unwrap().silent.is_some_and(|silent| silent >= hour));
    }

    #[test]
    fn a_damaged_lease_is_taken_over_in_a_new_attempt() {
        for damage in ["", "{", "{\"token\": 2}"] {
            let root = tempfile::tempdir().unwrap();
            let root = root.path();
            fs::write(root.join("lease-2.json"), damage).unwrap();
            let lease = take_at(root).unwrap();
            assert_eq!(lease.folder().path(), root.join("attempt-3"));
        }
    }

    #[test]
    fn a_token_that_was_released_meanwhile_is_not_taken_again() {
        for later in ["lease-2.json", "lease-2.released", "lease-3.json", "lease-3.released"] {
            let root = tempfile::tempdir().unwrap();
            let root = root.path();
            let terms =
                |token| Terms { token, attempt: 0, holder: Process::this(), silence: 1_000 };
            let token = later.as_bytes()["lease-".len()] - b'0';
            json::write(&root.join(later), &terms(token.into())).unwrap();
            // This process saw the first lease before the other one took the second.
            assert_eq!(claim(root, &terms(2)).unwrap(), None, "{later}");
            assert_eq!(names(root), [later]);
        }
    }

    #[test]
    fn only_one_of_many_concurrent_requests_gets_the_lease() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let working = AtomicBool::new(false);
        let ask = || {
            let mut taken = 0;
            while taken < 12 {
                // Without the lock, as on a file system without locks.
                let _ = fs::remove_file(root.join("lock"));
                let Ok(lease) = take_at(root) else { continue };
                assert!(!working.swap(true, Ordering::SeqCst), "two at once");
                lease.confirm().unwrap();
                working.store(false, Ordering::SeqCst);
                drop(lease);
                taken += 1;
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(ask);
            }
        });
        assert_eq!(names(root).len(), 2, "{:?}", names(root));
    }
}
