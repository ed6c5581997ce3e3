use std::fs::{self, File};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::PaperError;

/// The extension of temporary files.
pub(super) const TEMPORARY: &str = "tmp";

/// Replaces a file atomically: writes a temporary file next to it, flushes it to the disk, and
/// renames it. A reader of `path` sees either the old or the new content, at any time and after any
/// crash.
///
/// # Errors
/// The path and the system's reason.
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<(), PaperError> {
    let parent = path.parent().unwrap_or(Path::new("."));
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.{TEMPORARY}", nonce()));
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // A partial file would only take space on a disk that may be full.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(PaperError::file("write", path))?;
    sync_folder(parent);
    Ok(())
}

/// A new random number in hexadecimal, for a name that no other process uses. Process ids would not
/// do: two machines may use the same one.
pub(super) fn nonce() -> String {
    // The keys come from the system's random numbers.
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}

/// Keeps a copy of a file's content as `NAME.set-aside-N`, whatever happens to the file afterwards.
/// It is no second name of the same file: that could be cut or continued in place.
///
/// # Errors
/// The path and the system's reason.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, PaperError> {
    let content = fs::read(path).map_err(PaperError::file("read", path))?;
    let mut number = 1_u32;
    loop {
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".set-aside-{number}"));
        let aside = PathBuf::from(aside);
        // Of two processes that choose the same number, one goes on to the next.
        match File::create_new(&aside) {
            Ok(mut file) => {
                let written = file.write_all(&content).and_then(|()| file.sync_all());
                if written.is_err() {
                    // Part of the content would pass for all of it.
                    let _ = fs::remove_file(&aside);
                }
                return written.map(|()| aside.clone()).map_err(PaperError::file("write", &aside));
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(PaperError::file("create", &aside)(error)),
        }
    }
}

/// Flushes a folder's entries to the disk. Not every file system can do this, so errors are
/// ignored.
pub(super) fn sync_folder(folder: &Path) {
    if let Ok(handle) = File::open(folder) {
        let _ = handle.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_content_survives_a_failed_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        write_atomically(&path, b"old").unwrap();
        // A folder in place of the file makes the last step fail, even for root.
        let folder = folder.path().join("taken.json");
        fs::create_dir(&folder).unwrap();
        let error = write_atomically(&folder, b"new").unwrap_err().to_string();
        assert!(error.contains("taken.json"), "{error}");
        assert!(folder.is_dir());
        // A name that is too long for the temporary file, but not for the file.
        let long = path.with_file_name("n".repeat(250));
        fs::write(&long, b"old").unwrap();
        write_atomically(&long, b"new").unwrap_err();
        assert_eq!(fs::read(&long).unwrap(), b"old");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 3, "nothing is left");
    }

    #[test]
    fn contents_that_were_set_aside_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.csv");
        for content in ["first", "second"] {
            write_atomically(&path, content.as_bytes()).unwrap();
            set_aside(&path).unwrap();
        }
        // In place, as records are cut and continued.
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        fs::write(&path, "third").unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("records.csv"), "third");
        assert_eq!(read("records.csv.set-aside-1"), "first");
        assert_eq!(read("records.csv.set-aside-2"), "second");
    }

    #[test]
    fn no_temporary_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        write_atomically(&folder.path().join("a"), b"1").unwrap();
        write_atomically(&folder.path().join("a"), b"2").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
