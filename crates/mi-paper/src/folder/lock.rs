use std::fs::{self, File, TryLockError};
use std::path::Path;

use crate::error::PaperError;

/// An exclusive lock on a run folder, held until it is dropped.
///
/// The system frees it when the process ends in whatever way, so a crash leaves no stale lock.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock `folder/name`, creating the folder if needed.
    ///
    /// # Errors
    /// [`PaperError::Locked`] when another process holds it.
    pub fn take(folder: &Path, name: &str) -> Result<Self, PaperError> {
        fs::create_dir_all(folder).map_err(PaperError::file("create", folder))?;
        let path = folder.join(name);
        let file = File::create(&path).map_err(PaperError::file("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(PaperError::Locked { folder: folder.into() }),
            Err(TryLockError::Error(source)) => Err(PaperError::file("lock", path)(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_refused_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path(), "lock").unwrap();
        assert!(matches!(Lock::take(folder.path(), "lock"), Err(PaperError::Locked { .. })));
        drop(first);
        Lock::take(folder.path(), "lock").unwrap();
    }
}
