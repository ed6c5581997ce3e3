use std::fs::{self, Metadata, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::CliError;

/// A file that a command will write, checked before the work begins.
///
/// It is written completely or not at all. It never replaces a file that the command reads, and
/// replaces another one only with `--force`.
#[derive(Debug)]
pub struct OutputFile {
    /// The name as given, for messages.
    name: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A regular file, new or replaced, with the permissions of the one that it replaces.
    File { path: PathBuf, replaces: Option<Permissions> },
    /// Something that cannot be replaced, such as `/dev/stdout` or a named pipe.
    Stream(PathBuf),
}

impl OutputFile {
    /// The file that `option` names, if it may be written.
    ///
    /// # Errors
    /// If it is one of `inputs`, already exists and `force` is false, is a folder, or is in a
    /// folder that does not exist.
    pub fn check(
        option: &str,
        path: &Path,
        inputs: &[impl AsRef<Path>],
        force: bool,
    ) -> Result<Self, CliError> {
        let name = path.display().to_string();
        let refuse = |why: &str| Err(CliError::Usage(format!("{option}: {name} {why}")));
        let failed = |source| CliError::Write { to: name.clone(), source };
        let found = match fs::metadata(path) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        let Some(found) = found else {
            // A dangling link would be replaced by the file, but its target is meant.
            if fs::symlink_metadata(path).is_ok() {
                return refuse("is a link to a missing file; name that file");
            }
            let folder = folder_of(path);
            if !folder.is_dir() {
                let folder = folder.display();
                return refuse(&format!(
                    "cannot be created: there is no folder {folder}; create it first"
                ));
            }
            if path.file_name().is_none() {
                return refuse("is not a file name");
            }
            let place = Place::File { path: path.to_owned(), replaces: None };
            return Ok(Self { name, place });
        };
        if found.is_dir() {
            return refuse("is a folder; name a file in it");
        }
        if inputs.iter().any(|input| is_same(input.as_ref(), path, &found)) {
            return refuse("is a file that this command reads; name another one");
        }
        // `/dev/stdout` is a file if it was redirected to one; it must not be replaced.
        if !found.is_file() || path.starts_with("/dev") {
            return Ok(Self { name, place: Place::Stream(path.to_owned()) });
        }
        if !force {
            return refuse("already exists; --force replaces it");
        }
        // Follows links: the target is replaced, and the links stay.
        let path = fs::canonicalize(path).map_err(failed)?;
        Ok(Self { name, place: Place::File { path, replaces: Some(found.permissions()) } })
    }

    /// The name as given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Refuses options that name one file.
    ///
    /// # Errors
    /// If two of them would write the same file.
    pub fn check_apart<const N: usize>(files: [(&str, Option<&Path>); N]) -> Result<(), CliError> {
        let named: Vec<(&str, PathBuf)> = files
            .into_iter()
            .filter_map(|(option, path)| Some((option, std::path::absolute(path?).ok()?)))
            .collect();
        for (i, (b, second)) in named.iter().enumerate() {
            if let Some((a, _)) = named[..i].iter().find(|(_, first)| first == second) {
                let name = second.display();
                return Err(CliError::Usage(format!("{a} and {b} name the same file, {name}")));
            }
        }
        Ok(())
    }

    /// Writes the file: a temporary one next to it replaces it once it is complete and on the disk.
    ///
    /// # Errors
    /// The system's errors, and if another process created the file meanwhile.
    pub fn write(self, content: &[u8]) -> Result<(), CliError> {
        let Self { name, place } = self;
        let written = match place {
            Place::Stream(path) => fs::OpenOptions::new()
                .write(true)
                .open(path)
                .and_then(|mut stream| stream.write_all(content)),
            Place::File { path, replaces } => replace(&path, content, replaces),
        };
        written.map_err(|source| CliError::Write { to: name, source })
    }
}

/// Writes a file completely or not at all, replacing one that may exist; a link to it stays.
///
/// # Errors
/// The system's errors.
pub fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) => replace(&fs::canonicalize(path)?, content, Some(found.permissions())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => replace(path, content, None),
        Err(error) => Err(error),
    }
}

fn replace(path: &Path, content: &[u8], replaces: Option<Permissions>) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".mi-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The permissions that the file would have got directly, without the bits of the umask.
        builder.permissions(Permissions::from_mode(0o666));
    }
    let mut beside: NamedTempFile = builder.tempfile_in(folder_of(path))?;
    beside.write_all(content)?;
    let replacing = replaces.is_some();
    if let Some(permissions) = replaces {
        beside.as_file().set_permissions(permissions)?;
    }
    beside.as_file().sync_all()?;
    let kept = if replacing { beside.persist(path) } else { beside.persist_noclobber(path) };
    kept.map(drop).map_err(|error| error.error)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether two paths lead to one file, even through links of either kind.
fn is_same(input: &Path, output: &Path, found: &Metadata) -> bool {
    // A table from standard input may also be a file.
    let input = if input == Path::new("-") { Path::new("/dev/stdin") } else { input };
    let Ok(read) = fs::metadata(input) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let _ = output;
        (read.dev(), read.ino()) == (found.dev(), found.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = (read, found);
        fs::canonicalize(input).ok() == fs::canonicalize(output).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &Path, inputs: &[&Path], force: bool) -> Result<OutputFile, String> {
        OutputFile::check("--svg", path, inputs, force).map_err(|error| error.to_string())
    }

    #[test]
    fn an_existing_file_is_replaced_by_force_only_and_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.svg");
        check(&path, &[], false).unwrap().write(b"one").unwrap();
        let error = check(&path, &[], false).unwrap_err();
        assert!(error.contains("a.svg already exists; --force"), "{error}");
        check(&path, &[], true).unwrap().write(b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        // Created by another process after the check.
        let late = folder.path().join("late.svg");
        let checked = check(&late, &[], false).unwrap();
        fs::write(&late, "theirs").unwrap();
        checked.write(b"ours").unwrap_err();
        assert_eq!(fs::read(&late).unwrap(), b"theirs");
    }

    #[test]
    fn folders_missing_and_found_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = check(folder.path(), &[], true).unwrap_err();
        assert!(error.contains("is a folder"), "{error}");
        let error = check(&folder.path().join("no/a.svg"), &[], true).unwrap_err();
        assert!(error.contains("there is no folder"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn an_input_is_never_replaced_under_any_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data.csv");
        fs::write(&data, "x,y").unwrap();
        let (soft, hard) = (folder.path().join("soft"), folder.path().join("hard"));
        std::os::unix::fs::symlink(&data, &soft).unwrap();
        fs::hard_link(&data, &hard).unwrap();
        for name in [&data, &soft, &hard, &folder.path().join("./data.csv")] {
            for force in [false, true] {
                let error = check(name, &[&data], force).unwrap_err();
                assert!(error.contains("is a file that this command reads"), "{error}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_devices_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        check(&link, &[], true).unwrap().write(b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        write_whole(&link, b"newer").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"newer");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        check(Path::new("/dev/null"), &[], false).unwrap().write(b"x").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn two_options_cannot_name_one_file() {
        let a = Path::new("a.svg");
        OutputFile::check_apart([("--svg", Some(a)), ("--heat", None)]).unwrap();
        let same = OutputFile::check_apart([("--svg", Some(a)), ("--heat", Some(a))]);
        assert!(same.unwrap_err().to_string().contains("--svg and --heat name the same file"));
    }
}
