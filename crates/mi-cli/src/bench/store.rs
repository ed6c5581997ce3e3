//! The estimates made so far, optionally kept in a file between runs.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::records::{BenchEstimate, Estimates, HEADER, Key, Lines, Recorded, Setup};
use crate::error::CliError;
use crate::messages::Warning;
use crate::output::write_whole;

/// Estimates of one [`Setup`].
///
/// With a file, every estimate is appended as a line as soon as it is made; [`Store::finish`] sorts
/// the lines. A run that is stopped in any way only loses the estimates in progress: an incomplete
/// line is made again.
#[derive(Debug)]
pub struct Store {
    setup: Setup,
    lines: Lines,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    estimates: Estimates,
    kept: Option<LockedFile>,
}

/// An open file, locked against other runs.
#[derive(Debug)]
struct LockedFile {
    path: PathBuf,
    file: File,
}

impl Store {
    /// A store that only lasts until the program ends.
    pub fn in_memory(setup: Setup) -> Self {
        Self::new(setup, Estimates::new(), None)
    }

    /// The store in this file, which is created if it does not exist.
    ///
    /// # Errors
    /// If the file cannot be read or written, another run is writing it, it is not a record, or its
    /// estimates come from another setup.
    pub fn open(path: &Path, setup: Setup) -> Result<Self, CliError> {
        let name = path.display().to_string();
        let failed = |source| CliError::Write { to: name.clone(), source };
        if path.is_dir() {
            return Err(CliError::Usage(format!(
                "--records: {name} is a folder; name a file, such as {}",
                path.join("records.csv").display()
            )));
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(CliError::Data(format!(
                    "another `mi bench` is writing {name}; wait until it ends, or choose another file"
                )));
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(failed)?;
        // The line that was being written when a run was stopped.
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let torn = bytes.split_off(whole);
        if whole == 0 && !HEADER.as_bytes().starts_with(&torn) {
            return Err(CliError::Data(format!(
                "{name} is not a record of `mi bench`; choose another file"
            )));
        }
        let lines = Lines::new();
        let estimates =
            if whole == 0 { Estimates::new() } else { read(&lines, bytes, &name, &setup)? };
        if !torn.is_empty() {
            file.set_len(whole as u64).map_err(failed)?;
        }
        if whole == 0 {
            file.write_all(HEADER.as_bytes()).map_err(failed)?;
        }
        Ok(Self::new(setup, estimates, Some(LockedFile { path: path.to_owned(), file })))
    }

    fn new(setup: Setup, estimates: Estimates, kept: Option<LockedFile>) -> Self {
        Self { setup, lines: Lines::new(), state: Mutex::new(State { estimates, kept }) }
    }

    /// What all estimates share.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Only complete estimates are inserted, so a thread that panicked left the others intact.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this estimate exists.
    pub fn has(&self, key: Key) -> bool {
        self.state().estimates.contains_key(&key)
    }

    /// The result of a resolved estimator for the same sample, under any name.
    pub(super) fn made_by(&self, estimator: &str, key: Key) -> Option<BenchEstimate> {
        let first = Key { method: 0, seed: 0, ..key };
        let state = self.state();
        let same =
            state.estimates.range(first..).take_while(|(at, _)| at.benchmark == key.benchmark);
        let mut same = same.filter(|(at, made)| at.seed == key.seed && made.estimator == estimator);
        same.next().map(|(_, made)| made.clone())
    }

    /// Adds an estimate.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn keep(&self, key: Key, made: BenchEstimate) -> Result<(), CliError> {
        let mut state = self.state();
        if let Some(kept) = &mut state.kept {
            let line = self.lines.line(&self.setup, key, &made);
            kept.file.write_all(line.as_bytes()).map_err(|source| kept.failed(source))?;
        }
        state.estimates.insert(key, made);
        Ok(())
    }

    /// All estimates. Sorts the file, so that its bytes do not depend on how often the work was
    /// stopped, or on the number of threads.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(self) -> Result<Estimates, CliError> {
        let State { estimates, kept } =
            self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept {
            let ordered =
                estimates.iter().map(|(&key, made)| self.lines.line(&self.setup, key, made));
            let text: String = std::iter::once(HEADER.to_owned()).chain(ordered).collect();
            write_whole(&kept.path, text.as_bytes()).map_err(|source| kept.failed(source))?;
        }
        Ok(estimates)
    }
}

impl LockedFile {
    fn failed(&self, source: std::io::Error) -> CliError {
        CliError::Write { to: self.path.display().to_string(), source }
    }
}

/// The estimates of a file's complete lines, all of this setup.
fn read(lines: &Lines, bytes: Vec<u8>, name: &str, setup: &Setup) -> Result<Estimates, CliError> {
    let Recorded { setups, estimates, is_sealed } = lines.read(&text(bytes, name)?, name)?;
    let Some(other) = setups.into_iter().find(|other| other != setup) else {
        if is_sealed {
            return Ok(estimates);
        }
        return Err(CliError::Data(format!(
            "{name} has no checksums, like records of earlier versions: choose another file, or draw \
             this one with --from {name}"
        )));
    };
    let k = |k: Option<usize>| k.map_or("its own".to_owned(), |k| k.to_string());
    let differences: Vec<String> = [
        ("rows", other.rows.to_string(), setup.rows.to_string()),
        ("k", k(other.neighbours), k(setup.neighbours)),
        ("version", other.version, setup.version.clone()),
        ("system", other.system, setup.system.clone()),
    ]
    .into_iter()
    .filter(|(_, theirs, ours)| theirs != ours)
    .map(|(what, theirs, ours)| format!("{what} {theirs}, not {ours}"))
    .collect();
    Err(CliError::Data(format!(
        "{name} has estimates of another setup ({}), which are not mixed; continue with that setup, \
         choose another file, or draw this one with --from {name}",
        differences.join("; ")
    )))
}

/// The combined estimates of finished or unfinished files of any version, and warnings about them.
///
/// # Errors
/// Files that cannot be read, are not records, have samples with different numbers of rows or
/// different k, or have different values for the same estimate.
pub fn read_records(paths: &[PathBuf]) -> Result<(Setup, Estimates, Vec<Warning>), CliError> {
    let lines = Lines::new();
    let (mut first, mut all): (Option<Setup>, _) = (None, Estimates::new());
    let mut warnings = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let mut bytes = fs::read(path)
            .map_err(|error| CliError::Data(format!("cannot read {name}: {error}")))?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        if whole < bytes.len() {
            let line = bytes.split(|&byte| byte == b'\n').count();
            warnings.push(Warning::new(
                "torn_record",
                format!(
                    "{name}, line {line}: it has no line end, so it may be truncated and is left out; \
                     `mi bench --records {name}` computes what is missing"
                ),
            ));
        }
        bytes.truncate(whole);
        let Recorded { setups, estimates, is_sealed } = lines.read(&text(bytes, &name)?, &name)?;
        if !is_sealed {
            warnings.push(Warning::new(
                "no_checksums",
                format!(
                    "{name} has no checksums, like records of earlier versions: values edited in it \
                     would pass unseen"
                ),
            ));
        }
        for setup in setups {
            let first = first.get_or_insert_with(|| setup.clone());
            if (first.rows, first.neighbours) != (setup.rows, setup.neighbours) {
                return Err(CliError::Data(format!(
                    "{name}: samples of {} rows together with samples of {}, or another k: draw each on \
                     its own",
                    setup.rows, first.rows
                )));
            }
        }
        for (key, made) in estimates {
            if let Some(other) = all.insert(key, made.clone())
                && other.nats != made.nats
            {
                return Err(CliError::Data(format!(
                    "{name}: it has another value than an earlier file for the same estimate \
                     (`{}`); draw each on its own",
                    lines.name(key)
                )));
            }
        }
    }
    match first {
        Some(setup) => Ok((setup, all, warnings)),
        None => Err(CliError::Data("--from: the file has no estimate yet".into())),
    }
}

fn text(bytes: Vec<u8>, name: &str) -> Result<String, CliError> {
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.split(|&byte| byte == b'\n').count();
        CliError::Data(format!("{name}, line {line}: it is not text; delete the line"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u64) -> Key {
        Key { benchmark: 1, method: 0, seed }
    }

    fn made(nats: f64) -> BenchEstimate {
        BenchEstimate { estimator: "ksg1 k=3".into(), nats: Some(nats) }
    }

    #[test]
    fn what_was_kept_is_there_again_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/r.csv");
        let open = || Store::open(&path, Setup::here(10, None));
        let store = open().unwrap();
        store.keep(key(2), made(0.5)).unwrap();
        store.keep(key(1), made(0.25)).unwrap();
        let busy = open().unwrap_err().to_string();
        assert!(busy.contains("another `mi bench` is writing"), "{busy}");
        // Not finished, as after a kill.
        drop(store);
        let whole = fs::read_to_string(&path).unwrap();
        let ends: Vec<usize> = whole.match_indices('\n').map(|(end, _)| end + 1).collect();
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let store = open().unwrap();
            assert_eq!([store.has(key(2)), store.has(key(1))], [cut >= ends[1], cut >= ends[2]]);
            let kept = store.made_by("ksg1 k=3", key(1));
            assert_eq!(kept, (cut >= ends[2]).then(|| made(0.25)));
            store.keep(key(2), made(0.5)).unwrap();
            store.keep(key(1), made(0.25)).unwrap();
            store.finish().unwrap();
            let ordered = [&whole[..ends[0]], &whole[ends[1]..], &whole[ends[0]..ends[1]]];
            assert_eq!(fs::read_to_string(&path).unwrap(), ordered.concat(), "{cut}");
        }
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
    }

    #[test]
    fn nothing_but_the_lines_so_far_is_left_where_the_end_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.csv");
        let store = Store::open(&path, Setup::here(10, None)).unwrap();
        store.keep(key(0), made(0.5)).unwrap();
        // A folder at that path cannot be replaced by a file, not even by root.
        fs::rename(&path, folder.path().join("moved.csv")).unwrap();
        fs::create_dir(&path).unwrap();
        let error = store.finish().unwrap_err().to_string();
        assert!(error.contains("r.csv"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_without_checksums_is_drawn_and_not_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.csv");
        let store = Store::open(&path, Setup::here(10, None)).unwrap();
        store.keep(key(0), made(0.5)).unwrap();
        store.finish().unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        let edited = whole.replace(",0.5,", ",0.6,");
        fs::write(&path, &edited).unwrap();
        let refused = || Store::open(&path, Setup::here(10, None)).unwrap_err().to_string();
        let error = refused();
        assert!(error.contains("r.csv, line 2: its checksum differs"), "{error}");
        assert!(read_records(std::slice::from_ref(&path)).is_err());
        let old: String =
            edited.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n").collect();
        fs::write(&path, old).unwrap();
        let error = refused();
        assert!(error.contains("no checksums") && error.contains("--from"), "{error}");
        let (_, _, warnings) = read_records(&[path]).unwrap();
        assert_eq!(warnings[0].code, "no_checksums");
    }

    #[test]
    fn other_setups_and_other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.csv");
        let store = Store::open(&path, Setup::here(10, None)).unwrap();
        store.keep(key(0), made(0.5)).unwrap();
        store.finish().unwrap();
        let refused = |setup: Setup, part: &str| {
            let error = Store::open(&path, setup).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("--from"), "{error}");
        };
        let here = Setup::here(10, None);
        refused(Setup::here(20, Some(4)), "rows 10, not 20; k its own, not 4");
        refused(Setup { version: "9".into(), ..here.clone() }, ", not 9)");
        let error = Store::open(folder.path(), here.clone()).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("is a folder"), "{error}");
        // A file of another kind is not touched.
        for other in ["precious", "a,b\n1,2\n"] {
            fs::write(&path, other).unwrap();
            Store::open(&path, here.clone()).unwrap_err();
            assert_eq!(fs::read_to_string(&path).unwrap(), other);
        }
    }

    #[test]
    fn records_of_several_files_stand_side_by_side() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, rows: usize, seed: u64, nats: f64| {
            let path = folder.path().join(name);
            let setup = Setup { version: name.into(), ..Setup::here(rows, None) };
            let store = Store::open(&path, setup).unwrap();
            store.keep(key(seed), made(nats)).unwrap();
            store.finish().unwrap();
            path
        };
        let (a, b) = (file("a", 10, 0, 0.5), file("b", 10, 1, 0.25));
        let (setup, all, warnings) = read_records(&[a.clone(), b]).unwrap();
        assert_eq!((setup.rows, all.len(), warnings), (10, 2, Vec::new()));
        for (other, part) in [
            (file("c", 20, 2, 0.5), "samples of 20 rows together with samples of 10"),
            (file("d", 10, 0, 0.75), "another value than an earlier file"),
            (folder.path().join("none"), "cannot read"),
        ] {
            let error = read_records(&[a.clone(), other]).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
