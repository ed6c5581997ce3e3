use std::fs;
use std::path::{Path, PathBuf};

use super::atomic::{TEMPORARY, write_atomically};
use crate::error::PaperError;

/// How many checkpoints are kept: the newest, and the one before in case it is damaged.
const KEPT: usize = 2;
const EXTENSION: &str = "safetensors";

/// Writes a checkpoint taken after `step` steps and removes the ones that are no longer needed.
/// The caller holds the trial's lock.
pub(super) fn save(folder: &Path, step: u64, content: &[u8]) -> Result<(), PaperError> {
    // Before anything is written, since they may be what fills the disk.
    remove_leftovers(folder)?;
    write_atomically(&folder.join(format!("{step:012}.{EXTENSION}")), content)?;
    for (_, path) in list(folder)?.into_iter().skip(KEPT) {
        fs::remove_file(&path).map_err(PaperError::file("remove", &path))?;
    }
    Ok(())
}

/// The newest checkpoint that `parse` accepts, with its step; `damaged` is told of each that is
/// passed over. Checkpoints carry a checksum, so `parse` notices any damage.
pub(super) fn newest<T, E>(
    folder: &Path,
    parse: impl Fn(&[u8]) -> Result<T, E>,
    damaged: &mut dyn FnMut(&Path),
) -> Result<Option<(u64, T)>, PaperError> {
    for (step, path) in list(folder)? {
        let content = fs::read(&path).map_err(PaperError::file("read", &path))?;
        match parse(&content) {
            Ok(parsed) => return Ok(Some((step, parsed))),
            Err(_) => damaged(&path),
        }
    }
    Ok(None)
}

/// Removes every checkpoint. The caller holds the trial's lock.
pub(super) fn clear(folder: &Path) -> Result<(), PaperError> {
    for (_, path) in list(folder)? {
        fs::remove_file(&path).map_err(PaperError::file("remove", &path))?;
    }
    remove_leftovers(folder)
}

/// Removes the temporary files of processes that were killed while they wrote.
fn remove_leftovers(folder: &Path) -> Result<(), PaperError> {
    let entries = fs::read_dir(folder).map_err(PaperError::file("list", folder))?;
    for entry in entries {
        let path = entry.map_err(PaperError::file("list", folder))?.path();
        if path.extension().is_some_and(|extension| extension == TEMPORARY) {
            fs::remove_file(&path).map_err(PaperError::file("remove", &path))?;
        }
    }
    Ok(())
}

/// All checkpoints, newest first.
fn list(folder: &Path) -> Result<Vec<(u64, PathBuf)>, PaperError> {
    let entries = fs::read_dir(folder).map_err(PaperError::file("list", folder))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(PaperError::file("list", folder))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if let Some((step, EXTENSION)) = name.split_once('.')
            && let Ok(step) = step.parse()
        {
            found.push((step, path));
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_whole_checkpoint_is_found_and_two_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for step in [10, 20, 30] {
            save(folder, step, format!("state at {step}").as_bytes()).unwrap();
        }
        assert_eq!(fs::read_dir(folder).unwrap().count(), 2);
        let parse = |content: &[u8]| {
            let text = String::from_utf8_lossy(content).into_owned();
            if text.len() == "state at 30".len() { Ok(text) } else { Err(()) }
        };
        let mut damaged = Vec::new();
        let mut note = |path: &Path| damaged.push(path.to_path_buf());
        assert_eq!(newest(folder, parse, &mut note).unwrap().unwrap(), (30, "state at 30".into()));

        let (_, path) = list(folder).unwrap().remove(0);
        fs::write(&path, b"state at").unwrap();
        assert_eq!(newest(folder, parse, &mut note).unwrap().unwrap(), (20, "state at 20".into()));
        assert_eq!(damaged, [path]);

        clear(folder).unwrap();
        assert_eq!(newest(folder, parse, &mut |_| ()).unwrap(), None);
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let leave = || fs::write(folder.join("000000000010.safetensors.4711.tmp"), "half").unwrap();
        fs::write(folder.join("records.csv"), "kept").unwrap();
        leave();
        save(folder, 20, b"state at 20").unwrap();
        assert_eq!(fs::read_dir(folder).unwrap().count(), 2);
        leave();
        clear(folder).unwrap();
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
        assert!(folder.join("records.csv").exists());
    }
}
