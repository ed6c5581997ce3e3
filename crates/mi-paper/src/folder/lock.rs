use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use crate::error::PaperError;

/// The name of the lock file.
const NAME: &str = "lock";
/// How often a lock is tried before it counts as held: [`Lock::is_held`] holds it briefly.
const ATTEMPTS: u32 = 3;

/// An exclusive lock on the folder of a run or of a trial, held until it is dropped.
///
/// The system releases it when the process ends, however that happens, so a crash leaves no stale
/// lock. The lock is only certain to exclude processes on this machine. On a file system without
/// locks it excludes none.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    excludes: bool,
}

impl Lock {
    /// Takes the lock of a folder, creating the folder if needed.
    ///
    /// # Errors
    /// [`PaperError::Locked`] if another process holds it.
    pub fn take(folder: &Path) -> Result<Self, PaperError> {
        fs::create_dir_all(folder).map_err(PaperError::file("create", folder))?;
        let path = folder.join(NAME);
        // Its contents are kept: only the lock on it matters.
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(PaperError::file("create", &path))?;
        for _ in 0..ATTEMPTS {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file, excludes: true }),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
                Err(TryLockError::Error(error)) if has_no_locks(&error) => {
                    return Ok(Self { _file: file, excludes: false });
                }
                Err(TryLockError::Error(source)) => {
                    return Err(PaperError::file("lock", path)(source));
                }
            }
        }
        Err(PaperError::Locked { folder: folder.into(), holder: "another process".into() })
    }

    /// Whether it excludes other processes of this machine; false on a file system without locks.
    pub(super) fn excludes(&self) -> bool {
        self.excludes
    }

    /// Whether a process is working in a folder. Changes nothing there.
    pub fn is_held(folder: &Path) -> bool {
        File::open(folder.join(NAME))
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

/// Whether an error says that the file system has no locks. Examples are Lustre when it is mounted
/// without them, and NFS without its lock service (`ENOLCK`).
fn has_no_locks(error: &io::Error) -> bool {
    const ENOLCK: i32 = 37;
    error.kind() == ErrorKind::Unsupported
        || (cfg!(target_os = "linux") && error.raw_os_error() == Some(ENOLCK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn errors_of_file_systems_without_locks_are_recognised() {
        // ENOSYS, EOPNOTSUPP, ENOLCK; EACCES, EIO.
        assert!([38, 95, 37].iter().all(|&code| has_no_locks(&io::Error::from_raw_os_error(code))));
        assert!(![13, 5].iter().any(|&code| has_no_locks(&io::Error::from_raw_os_error(code))));
    }

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_released() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!Lock::is_held(folder.path()));
        let first = Lock::take(folder.path()).unwrap();
        assert!(matches!(Lock::take(folder.path()), Err(PaperError::Locked { .. })));
        assert!(Lock::is_held(folder.path()));
        drop(first);
        assert!(!Lock::is_held(folder.path()));
        Lock::take(folder.path()).unwrap();
    }
}
