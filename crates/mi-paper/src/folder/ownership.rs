//! Checks that a folder belongs to a run or is new, so that a run may write to it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::atomic::TEMPORARY;
use super::run::{RUN, read_plan};
use super::{json, merged};
use crate::error::PaperError;
use crate::outcome::RunInfo;

/// Checks that a run would not overwrite unrelated files. The folder must not exist, or be empty,
/// or have a plan, or have the merged files or the `run.json` of a run whose plan is lost. Changes
/// nothing.
pub(super) fn check(folder: &Path) -> Result<(), PaperError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(PaperError::file("list", folder)(error)),
    };
    if read_plan(folder)?.is_some() {
        return Ok(());
    }
    // Reports, figures and scripts may be there too: these files are a run's own.
    if merged::are_ours(folder)?
        || json::read::<RunInfo>(&folder.join(RUN)).is_ok_and(|info| info.is_some())
    {
        return Ok(());
    }
    for entry in entries {
        let entry = entry.map_err(PaperError::file("list", folder))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !may_be_ours(&entry.path(), &name) {
            return Err(PaperError::NotARun { folder: folder.into(), found: name.into_owned() });
        }
    }
    Ok(())
}

/// Whether a file may be left from a run that was killed before it had a plan, or whose plan is
/// lost.
fn may_be_ours(path: &Path, name: &str) -> bool {
    let is_empty = fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0);
    match name {
        "lock" => is_empty,
        // `lost+found` belongs to the file system; it and hidden files do not matter.
        "trials" | "lost+found" => path.is_dir(),
        _ if name.starts_with('.') => true,
        // Temporary files are named `NAME.json.NUMBER.tmp`. The number is random and hexadecimal;
        // in earlier versions it was the process id.
        _ => name.strip_suffix(TEMPORARY).is_some_and(|rest| {
            let mut parts = rest.trim_end_matches('.').rsplit('.');
            parts.next().is_some_and(|number| u64::from_str_radix(number, 16).is_ok())
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_with_unrelated_files_are_refused() {
        let root = tempfile::tempdir().unwrap();
        check(&root.path().join("new")).unwrap();
        check(root.path()).unwrap();
        for (name, content) in [
            ("report.html", "mine"),
            ("lock", "my pid"),
            ("plan.json", "{\"plan\": \"mine\"}"),
            ("records.csv", "a,b\n1,2\n"),
            ("trials.json", "[]"),
            ("notes.txt", ""),
        ] {
            let path = root.path().join(name);
            fs::write(&path, content).unwrap();
            let message = check(root.path()).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains("--out"), "{message}");
            fs::remove_file(path).unwrap();
        }
        fs::write(root.path().join("lock"), "").unwrap();
        fs::write(root.path().join("plan.json.17.tmp"), "{").unwrap();
        fs::write(root.path().join("plan.json.00c0ffee00c0ffee.tmp"), "{").unwrap();
        check(root.path()).unwrap();
        let file = root.path().join("lock");
        assert!(check(&file).unwrap_err().to_string().contains("lock"));
    }
}
