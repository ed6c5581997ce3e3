//! The runs that are kept in the repository, finished before records had seals: they are read, go
//! on with nothing to run, and from then on damage to them is noticed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use mi_paper::folder::RunFolder;

/// Copies of what is kept, without figures and reports.
fn copies() -> Vec<(tempfile::TempDir, RunFolder)> {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench-results/reproduction");
    let Ok(entries) = fs::read_dir(&kept) else {
        eprintln!("skipped: there are no kept runs in {}", kept.display());
        return Vec::new();
    };
    let runs = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let copy = |run: PathBuf| {
        let root = tempfile::tempdir().unwrap();
        for name in ["plan.json", "run.json", "records.csv", "trials.json"] {
            if run.join(name).exists() {
                fs::copy(run.join(name), root.path().join(name)).unwrap();
            }
        }
        let folder = RunFolder::new(root.path());
        (root, folder)
    };
    runs.map(copy).collect()
}

#[test]
fn committed_runs_are_whole_and_go_on_with_nothing_to_run() {
    for (root, folder) in copies() {
        let mut told = Vec::new();
        let mut notice = |what: &str| told.push(what.to_owned());
        let read = || fs::read_to_string(root.path().join("records.csv")).unwrap();
        let records = read();
        let plan = folder.plan().unwrap();
        folder.check_ours().unwrap();
        folder.adopt(&plan, &mut notice).unwrap();
        let outcome = folder.outcome(&mut notice).unwrap();
        assert_eq!(outcome.records.len(), records.lines().count() - 1, "{told:?}");
        let unfinished: Vec<&str> = outcome
            .trials
            .iter()
            .filter(|trial| !trial.state.has_ended())
            .map(|trial| trial.id.as_str())
            .collect();
        assert!(unfinished.is_empty(), "{unfinished:?}: {told:?}");
        folder.merge(&outcome, &mut notice).unwrap();
        assert_eq!(read(), records);
        folder.unpack(&plan, &mut notice).unwrap();
        assert_eq!(folder.outcome(&mut notice).unwrap().records, outcome.records);
        assert!(told.is_empty(), "{told:?}");

        // From now on there are seals: an edited digit is noticed, and mended from the other copy.
        fs::write(root.path().join("records.csv"), records.replacen("0.8", "0.9", 1)).unwrap();
        let mut told = Vec::new();
        let mended = folder.outcome(&mut |what| told.push(what.to_owned())).unwrap();
        assert_eq!(mended.records, outcome.records);
        assert!(told.len() == 1 && told[0].contains("the trial's own folder counts"), "{told:?}");
    }
}

#[test]
fn rows_that_committed_runs_lack_are_noticed_without_seals() {
    for (root, folder) in copies() {
        let path = root.path().join("records.csv");
        let records = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = records.split_inclusive('\n').collect();
        let ended = || {
            let trials = folder.outcome(&mut |_| ()).unwrap().trials;
            trials.iter().filter(|trial| trial.state.has_ended()).count()
        };
        let all = ended();
        for at in [1, lines.len() / 2, lines.len() - 1] {
            let without = [&lines[..at], &lines[at + 1..]].concat().concat();
            fs::write(&path, without).unwrap();
            assert_eq!(ended(), all - 1, "line {}", at + 1);
        }
    }
}
