//! `cargo xtask bench --compare [REF|FILE]`: the newest record next to an older one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::against::{self, Rules};
use super::comparison::{Evidence, Line, Verdict, compare};
use super::machine::Machine;
use super::record::{Commit, Kind, Measurement, Record};
use super::targets::{self, Bench};
use super::yardstick;
use crate::terminal::say;
use crate::workspace::Workspace;

/// Which records to compare, and how.
pub(crate) struct Request<'a> {
    pub(crate) records: &'a Path,
    pub(crate) kind: Kind,
    /// A commit or a file; by default the record before the newest.
    pub(crate) older: Option<&'a str>,
    pub(crate) filter: Option<&'a str>,
    pub(crate) rules: Rules,
    /// Whether to settle suspicions with alternating runs.
    pub(crate) confirm: bool,
}

/// The comparison, with its suspicions settled where possible.
pub(crate) fn run(workspace: &Workspace, request: &Request<'_>) -> Result<(Vec<Line>, String)> {
    let mut records = Record::read_all(request.records)?;
    records.retain(|(_, record)| record.kind == request.kind);
    let this_machine = Machine::this().fingerprint;
    let new = newest(&records, &this_machine).with_context(|| {
        format!("no record in {}; `cargo xtask bench` makes one", request.records.display())
    })?;
    let (old_path, old) = older(workspace, &records, new, request.older)?;
    say(format_args!("new: {}\nold: {} ({})", new.1.title(), old.title(), old_path.display()));
    let new = &new.1;
    if old.toolchain != new.toolchain {
        say(format_args!("the compilers differ: {} / {}", old.toolchain, new.toolchain));
    }

    let shared = |results: &[Measurement]| -> Vec<Measurement> {
        let wanted = |id: &str| request.filter.is_none_or(|filter| id.contains(filter));
        let covered = |id: &str| covers(&old, id) && covers(new, id) && wanted(id);
        results.iter().filter(|one| covered(&one.id)).cloned().collect()
    };
    let threshold = request.rules.threshold;
    let evidence = match request.kind {
        Kind::Time => Evidence::OnePair,
        Kind::Instructions => Evidence::Conclusive,
    };
    let mut lines = compare(&shared(&old.results), &shared(&new.results), threshold, evidence);
    let suspects: Vec<_> = suspects(&lines).cloned().collect();
    if !suspects.is_empty() && request.confirm {
        match settle(workspace, &old, new, &suspects, request.rules) {
            Ok(settled) => replace(&mut lines, settled),
            Err(error) => say(format_args!("suspicions stay unconfirmed: {error:#}")),
        }
    }
    Ok((lines, new.unit.clone()))
}

/// Ids of the lines that one pair of runs reports as slower.
pub(crate) fn suspects(lines: &[Line]) -> impl Iterator<Item = &String> {
    lines.iter().filter(|line| line.verdict == Verdict::Suspect).map(|line| &line.id)
}

fn replace(lines: &mut [Line], settled: Vec<Line>) {
    for new in settled {
        if let Some(line) = lines.iter_mut().find(|line| line.id == new.id) {
            *line = new;
        }
    }
}

/// Whether a run with the record's filter would have measured this id.
fn covers(record: &Record, id: &str) -> bool {
    let yardstick = format!("{}/{}/", yardstick::PACKAGE, yardstick::TARGET);
    let filter = record.filter.as_deref();
    id.starts_with(&yardstick) || filter.is_none_or(|filter| id.contains(filter))
}

type Found = (PathBuf, Record);

/// The newest record of this machine, or of any machine if this one has none.
fn newest<'a>(records: &'a [Found], this_machine: &str) -> Option<&'a Found> {
    let own = records.iter().rfind(|(_, record)| record.machine.fingerprint == this_machine);
    own.or(records.last())
}

/// The record to compare with: a file, the newest of a commit, or the one before `new`.
fn older(
    workspace: &Workspace,
    records: &[Found],
    new: &Found,
    wanted: Option<&str>,
) -> Result<Found> {
    let path = wanted.map(Path::new).filter(|path| path.is_file());
    if let Some(path) = path {
        let old = Record::read(path)?;
        let obstacles = new.1.obstacles(&old);
        if !obstacles.is_empty() {
            bail!(
                "{} is not comparable with the newest record (new / old): {}",
                path.display(),
                obstacles.join("; ")
            );
        }
        return Ok((path.to_owned(), old));
    }
    let titles = || -> Vec<_> { records.iter().map(|(_, record)| record.title()).collect() };
    let hash = match wanted {
        Some(reference) => Some(against::resolve(workspace, reference).with_context(|| {
            format!("`{reference}` is not a record file; records:\n{}", titles().join("\n"))
        })?),
        None => None,
    };
    let before = records.iter().rev().skip_while(|record| record.0 != new.0).skip(1);
    let candidates: Vec<_> = match &hash {
        Some(hash) => records
            .iter()
            .rev()
            .filter(|record| record.1.commit.hash == *hash && record.0 != new.0)
            .collect(),
        None => before.collect(),
    };
    if let Some(found) = candidates.iter().find(|record| new.1.obstacles(&record.1).is_empty()) {
        return Ok((*found).clone());
    }
    let what = wanted.map_or("older record".to_owned(), |name| format!("other record of `{name}`"));
    match candidates.first() {
        None => bail!("there is no {what} to compare with; records:\n{}", titles().join("\n")),
        Some((path, record)) => bail!(
            "no {what} is comparable; the nearest, {}, differs (new / old): {}",
            path.display(),
            new.1.obstacles(record).join("; ")
        ),
    }
}

/// Runs the suspects of both commits in alternation on this machine.
fn settle(
    workspace: &Workspace,
    old: &Record,
    new: &Record,
    suspects: &[String],
    rules: Rules,
) -> Result<Vec<Line>> {
    if new.machine.fingerprint != Machine::this().fingerprint {
        bail!("the records come from another machine");
    }
    let hashes = [old, new].map(|record| record.commit.hash.as_str());
    let keep = hashes;
    let here = Commit::of(workspace);
    let build = |commit: &Commit| -> Result<Vec<Bench>> {
        if *commit == here {
            targets::build(workspace, None, None)
        } else if commit.dirty {
            bail!("{} was measured with uncommitted changes, which are gone", commit.hash)
        } else {
            against::build_commit(workspace, &commit.hash, None, &keep)
        }
    };
    if old.commit == new.commit {
        bail!("both records are of commit {}", old.commit.hash);
    }
    say(format_args!(
        "{} suspects run again, {} rounds in alternation",
        suspects.len(),
        rules.rounds
    ));
    let (old, new) = (build(&old.commit)?, build(&new.commit)?);
    let chosen = |id: &str| suspects.iter().any(|suspect| suspect == id);
    against::alternate(workspace, &old, &new, chosen, rules)
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;

    struct Folder {
        files: tempfile::TempDir,
    }

    impl Folder {
        fn with(records: &[Record]) -> Self {
            let files = tempfile::tempdir().unwrap();
            for record in records {
                record.append(files.path()).unwrap();
            }
            Self { files }
        }

        fn compare(&self, older: Option<&str>) -> Result<Vec<Line>> {
            let request = Request {
                records: self.files.path(),
                kind: Kind::Time,
                older,
                filter: None,
                rules: Rules { rounds: 3, threshold: 0.05, quick: false },
                confirm: false,
            };
            Ok(run(&Workspace::find()?, &request)?.0)
        }
    }

    fn verdicts(lines: &[Line]) -> Vec<(&str, Verdict)> {
        lines.iter().map(|line| (line.id.as_str(), line.verdict)).collect()
    }

    #[test]
    fn the_record_before_on_the_same_machine_is_taken() {
        let folder = Folder::with(&[
            record("one", "2026-01-01T00:00:00Z", &[("p/t/a", 100.0, 1.0), ("p/t/b", 100.0, 1.0)]),
            record("two", "2026-01-02T00:00:00Z", &[("p/t/a", 1.0, 0.1)]),
            record("one", "2026-01-03T00:00:00Z", &[("p/t/a", 120.0, 1.0), ("p/t/b", 101.0, 1.0)]),
        ]);
        let lines = folder.compare(None).unwrap();
        assert_eq!(verdicts(&lines), [("p/t/a", Verdict::Suspect), ("p/t/b", Verdict::Same)]);
    }

    #[test]
    fn another_machine_is_refused_with_what_differs() {
        let folder = Folder::with(&[
            record("one", "2026-01-01T00:00:00Z", &[("p/t/a", 100.0, 1.0)]),
            record("two", "2026-01-02T00:00:00Z", &[("p/t/a", 200.0, 1.0)]),
        ]);
        let message = format!("{:#}", folder.compare(None).unwrap_err());
        assert!(message.contains("processor: two / one"), "{message}");

        let file = std::fs::read_dir(folder.files.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.to_string_lossy().contains("2026-01-01"))
            .unwrap();
        let message = format!("{:#}", folder.compare(file.to_str()).unwrap_err());
        assert!(message.contains("processor: two / one"), "{message}");
    }

    #[test]
    fn a_partial_run_makes_nothing_new_or_gone() {
        let old =
            record("one", "2026-01-01T00:00:00Z", &[("p/t/a", 1.0, 0.1), ("p/t/b", 1.0, 0.1)]);
        let mut new = record("one", "2026-01-02T00:00:00Z", &[("p/t/b", 1.0, 0.1)]);
        let folder = Folder::with(&[old.clone(), new.clone()]);
        assert_eq!(
            verdicts(&folder.compare(None).unwrap()),
            [("p/t/a", Verdict::Gone), ("p/t/b", Verdict::Same)]
        );
        new.filter = Some("/b".to_owned());
        let folder = Folder::with(&[old, new]);
        assert_eq!(verdicts(&folder.compare(None).unwrap()), [("p/t/b", Verdict::Same)]);
    }

    #[test]
    fn what_is_missing_is_said() {
        let empty = Folder::with(&[]);
        let message = format!("{:#}", empty.compare(None).unwrap_err());
        assert!(message.contains("cargo xtask bench"), "{message}");

        let one = Folder::with(&[record("one", "2026-01-01T00:00:00Z", &[])]);
        let message = format!("{:#}", one.compare(None).unwrap_err());
        assert!(message.contains("no older record"), "{message}");

        let message = format!("{:#}", one.compare(Some("no-such-commit")).unwrap_err());
        assert!(message.contains("2026-01-01T00:00:00Z commit 01234567"), "{message}");
        assert!(message.contains("no-such-commit` is not a commit"), "{message}");
    }

    #[test]
    fn settled_lines_take_the_place_of_suspicions() {
        let folder = Folder::with(&[
            record("one", "2026-01-01T00:00:00Z", &[("p/t/a", 100.0, 1.0), ("p/t/b", 1.0, 0.1)]),
            record("one", "2026-01-02T00:00:00Z", &[("p/t/a", 150.0, 1.0), ("p/t/b", 1.0, 0.1)]),
        ]);
        let mut lines = folder.compare(None).unwrap();
        assert_eq!(suspects(&lines).collect::<Vec<_>>(), ["p/t/a"]);
        let mut settled = lines[0].clone();
        settled.verdict = Verdict::Same;
        replace(&mut lines, vec![settled]);
        assert_eq!(verdicts(&lines), [("p/t/a", Verdict::Same), ("p/t/b", Verdict::Same)]);
    }
}
