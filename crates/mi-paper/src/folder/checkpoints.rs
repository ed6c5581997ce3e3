use std::fs;
use std::path::{Path, PathBuf};

use super::atomic::{TEMPORARY, write_atomically};
use crate::error::PaperError;

/// How many checkpoints are kept: the newest, and the previous one in case it is damaged.
const KEPT: usize = 2;
const EXTENSION: &str = "safetensors";

/// Writes a checkpoint taken after `step` steps, and removes the ones that are no longer needed.
/// The caller must hold the trial's lease.
pub(super) fn save(folder: &Path, step: u64, content: &[u8]) -> Result<(), PaperError> {
    // Leftovers are removed first, since they may be filling the disk.
    remove_leftovers(folder)?;
    write_atomically(&folder.join(format!("{step:012}.{EXTENSION}")), content)?;
    for (_, path) in list(folder)?.into_iter().skip(KEPT) {
        fs::remove_file(&path).map_err(PaperError::file("remove", &path))?;
    }
    Ok(())
}

/// Why a checkpoint is not used.
#[derive(Debug)]
pub enum Unusable {
    /// It is damaged, or belongs to another trial: an older one may be usable. The text says why.
    PassedOver(String),
    /// Only the user can decide what to do about it.
    Refused(PaperError),
}

/// The newest checkpoint that `parse` accepts. `parse` gets the step in its name, its path and its
/// content. `passed_over` is called for each rejected checkpoint, with the reason.
pub(super) fn newest<T>(
    folder: &Path,
    parse: impl Fn(u64, &Path, &[u8]) -> Result<T, Unusable>,
    passed_over: &mut dyn FnMut(&str),
) -> Result<Option<T>, PaperError> {
    for (step, path) in list(folder)? {
        if path.is_dir() {
            passed_over(&format!("{} is skipped: it is a folder", path.display()));
            continue;
        }
        let content = fs::read(&path).map_err(PaperError::file("read", &path))?;
        match parse(step, &path, &content) {
            Ok(parsed) => return Ok(Some(parsed)),
            Err(Unusable::PassedOver(reason)) => {
                passed_over(&format!("{} is skipped: {reason}", path.display()));
            }
            Err(Unusable::Refused(error)) => return Err(error),
        }
    }
    Ok(None)
}

/// Removes every checkpoint. The caller must hold the trial's lease.
pub(super) fn clear(folder: &Path) -> Result<(), PaperError> {
    for (_, path) in list(folder)?.into_iter().filter(|(_, path)| !path.is_dir()) {
        fs::remove_file(&path).map_err(PaperError::file("remove", &path))?;
    }
    remove_leftovers(folder)
}

/// Removes the temporary files of processes that were killed while writing.
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

/// The paths of all checkpoints, newest first.
pub(super) fn paths(folder: &Path) -> Result<Vec<PathBuf>, PaperError> {
    Ok(list(folder)?.into_iter().map(|(_, path)| path).collect())
}

/// The steps and paths of all checkpoints, newest first.
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
    fn the_newest_intact_checkpoint_is_found_and_two_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for step in [10, 20, 30] {
            save(folder, step, format!("state at {step}").as_bytes()).unwrap();
        }
        assert_eq!(fs::read_dir(folder).unwrap().count(), 2);
        let parse = |step: u64, _: &Path, content: &[u8]| {
            let text = String::from_utf8_lossy(content).into_owned();
            let whole = text == format!("state at {step}");
            if whole { Ok(step) } else { Err(Unusable::PassedOver("it is truncated".into())) }
        };
        let mut passed_over = Vec::new();
        let mut note = |why: &str| passed_over.push(why.to_owned());
        assert_eq!(newest(folder, parse, &mut note).unwrap(), Some(30));

        let (_, path) = list(folder).unwrap().remove(0);
        fs::write(&path, b"state at").unwrap();
        assert_eq!(newest(folder, parse, &mut note).unwrap(), Some(20));
        assert_eq!(passed_over.len(), 1);
        assert!(passed_over[0].contains("truncated") && passed_over[0].contains("30."));
        let refuse = |_: u64, _: &Path, _: &[u8]| -> Result<(), Unusable> {
            Err(Unusable::Refused(PaperError::NoPlan { folder: folder.into() }))
        };
        newest(folder, refuse, &mut |_| ()).unwrap_err();

        // A folder with a checkpoint's name is not a checkpoint.
        fs::create_dir(folder.join("000000000040.safetensors")).unwrap();
        let mut told = String::new();
        let found = newest(folder, parse, &mut |what| told.push_str(what)).unwrap();
        assert_eq!(found, Some(20));
        assert!(told.contains("it is a folder"), "{told}");

        clear(folder).unwrap();
        assert_eq!(newest(folder, parse, &mut |_| ()).unwrap(), None);
    }

    #[test]
    fn temporary_files_of_killed_processes_are_removed() {
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
