//! Checks that the runs in the repository are unchanged. A run of a version without seals is read,
//! continues with nothing to run, and has seals from then on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use mi_paper::config::TrialConfig;
use mi_paper::experiments::{self, DataKind};
use mi_paper::folder::RunFolder;
use mi_paper::outcome::TrialState;
use mi_paper::plan::{Plan, Request};
use mi_paper::preset::AdversarialRates;
use mi_paper::seeds::Seeds;

/// A copy of a run's plan and merged files, without figures and reports.
fn copy(run: &Path) -> (tempfile::TempDir, RunFolder) {
    let root = tempfile::tempdir().unwrap();
    for name in ["plan.json", "run.json", "records.csv", "trials.json"] {
        if run.join(name).exists() {
            fs::copy(run.join(name), root.path().join(name)).unwrap();
        }
    }
    let folder = RunFolder::new(root.path());
    (root, folder)
}

/// The runs in `bench-results`.
fn committed() -> Vec<PathBuf> {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench-results/reproduction");
    let Ok(entries) = fs::read_dir(&kept) else {
        eprintln!("skipped: there are no kept runs in {}", kept.display());
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
}

/// A small run of a version without seals, and the same without `trials.json`, as the earliest
/// versions wrote it.
fn unsealed() -> [(tempfile::TempDir, RunFolder); 2] {
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/unsealed-run");
    let [with, without] = [copy(&run), copy(&run)];
    fs::remove_file(without.0.path().join("trials.json")).unwrap();
    [with, without]
}

/// Reads a run and checks that nothing is reported except missing seals, if it has none, and that
/// the records are those in the file.
fn read_whole(root: &Path, folder: &RunFolder) -> mi_paper::outcome::Outcome {
    let sealed = is_sealed(root);
    let mut told = Vec::new();
    let (outcome, lost) = folder.outcome_and_lost(&mut |what| told.push(what.to_owned())).unwrap();
    assert!(lost.is_empty(), "{told:?}");
    assert_eq!(told.len(), usize::from(!sealed), "{told:?}");
    assert!(told.iter().all(|what| what.contains("no seal")), "{told:?}");
    let lines = fs::read_to_string(root.join("records.csv")).unwrap().lines().count();
    assert_eq!(outcome.records.len(), lines - 1);
    // A run may have trials that have not begun, but none that began and did not end.
    let begun = |trial: &&mi_paper::outcome::TrialInfo| {
        !trial.state.has_ended() && trial.state != TrialState::Waiting
    };
    let unfinished = outcome.trials.iter().find(begun);
    assert!(unfinished.is_none(), "{unfinished:?}");
    outcome
}

/// Whether every entry of `trials.json` has a checksum and a seal.
fn is_sealed(run: &Path) -> bool {
    let Ok(text) = fs::read_to_string(run.join("trials.json")) else { return false };
    let trials: serde_json::Value = serde_json::from_str(&text).unwrap();
    let trials = trials.as_array().unwrap();
    !trials.is_empty()
        && trials
            .iter()
            .all(|trial| trial.get("checksum").is_some() && trial.get("records").is_some())
}

#[test]
fn committed_runs_are_complete_and_edits_are_detected() {
    for run in committed() {
        let (root, folder) = copy(&run);
        let outcome = read_whole(root.path(), &folder);
        if !is_sealed(&run) {
            eprintln!("skipped: {} has no seals, so edits cannot be detected", run.display());
            continue;
        }
        let path = root.path().join("records.csv");
        let records = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = records.lines().collect();
        for at in [1, lines.len() / 3, lines.len() - 1] {
            let line = lines[at];
            let trial = line.split(',').nth(1).unwrap();
            let (rest, unit) = line.rsplit_once(',').unwrap();
            let edited = format!("{rest}1,{unit}");
            fs::write(&path, records.replacen(line, &edited, 1)).unwrap();
            let mut told = Vec::new();
            let (found, lost) =
                folder.outcome_and_lost(&mut |what| told.push(what.to_owned())).unwrap();
            assert!(lost.iter().any(|id| id == trial), "{edited}: {lost:?}, {told:?}");
            assert!(found.records.len() < outcome.records.len());
        }
    }
}

/// The request that made a plan. The file of an experiment that is not built in is in the run's
/// folder.
fn request(run: &Path, plan: &Plan) -> Request {
    let names: BTreeSet<&String> = plan.trials.iter().map(|trial| &trial.experiment).collect();
    let seeds = names.iter().map(|&name| {
        let own = plan.trials.iter().filter(|trial| trial.experiment == *name);
        let seeds: BTreeSet<u64> = own.map(|trial| trial.seed).collect();
        Seeds { experiment: Some(name.clone()), seeds: seeds.into_iter().collect() }
    });
    let own = |name: &str| plan.own.iter().find(|own| own.name == name);
    let experiment = |&name: &&String| match own(name) {
        Some(_) => run.join(format!("{name}.toml")).to_str().unwrap().to_owned(),
        None => name.clone(),
    };
    let data = |name: &str| match own(name) {
        Some(own) => own.data,
        None => experiments::find(name).unwrap().data,
    };
    let is_grey = |trial: &&TrialConfig| data(&trial.experiment) == DataKind::Grey;
    Request {
        experiments: names.iter().map(experiment).collect(),
        preset: plan.preset,
        seeds: seeds.collect(),
        data: Some("data".into()),
        dataset: plan.trials.iter().find(is_grey).map(|trial| trial.dataset.clone()),
        // Where a run was cut, at least one trial has as many steps as are allowed.
        steps: plan.trials.iter().map(|trial| trial.steps).max(),
        adversarial_rates: AdversarialRates::Notebook,
    }
}

#[test]
fn this_version_asks_for_the_same_trials() {
    for run in committed() {
        let plan = RunFolder::new(&run).plan().unwrap();
        let by_id = |plan: &Plan| -> BTreeMap<String, String> {
            plan.trials.iter().map(|trial| (trial.id(), trial.hash().unwrap())).collect()
        };
        let (kept, now) = (by_id(&plan), by_id(&Plan::resolve(&request(&run, &plan)).unwrap()));
        let name = run.display();
        assert_eq!(now.len(), kept.len(), "{name}");
        for (id, hash) in &kept {
            assert_eq!(now.get(id), Some(hash), "{id} of {name}");
        }
        // The hashes with which trials ran, for versions that stored them.
        let trials = fs::read_to_string(run.join("trials.json")).unwrap();
        let trials: Vec<serde_json::Value> = serde_json::from_str(&trials).unwrap();
        for trial in &trials {
            if let Some(hash) = trial.get("config").and_then(|hash| hash.as_str()) {
                let id = trial["id"].as_str().unwrap();
                assert_eq!(now[id], hash, "{id} of {name}");
            }
        }
    }
}

#[test]
fn a_run_without_seals_continues_and_is_sealed() {
    for (root, folder) in unsealed() {
        let mut told = Vec::new();
        let mut notice = |what: &str| told.push(what.to_owned());
        let read = || fs::read_to_string(root.path().join("records.csv")).unwrap();
        let records = read();
        assert!(!is_sealed(root.path()));
        let plan = folder.plan().unwrap();
        folder.check_ownership().unwrap();
        folder.adopt(&plan, &mut notice).unwrap();
        let outcome = read_whole(root.path(), &folder);
        folder.merge(&outcome, &mut notice).unwrap();
        assert_eq!(read(), records);
        assert!(is_sealed(root.path()));
        folder.unpack(&plan, &mut notice).unwrap();
        assert_eq!(folder.outcome(&mut notice).unwrap().records, outcome.records);
        assert!(told.is_empty(), "{told:?}");

        // From now on, an edited digit is detected, and the other copy counts.
        let edited = records.replacen("0.0", "0.1", 1);
        assert_ne!(edited, records);
        fs::write(root.path().join("records.csv"), edited).unwrap();
        let mut told = Vec::new();
        let (repaired, lost) =
            folder.outcome_and_lost(&mut |what| told.push(what.to_owned())).unwrap();
        assert_eq!(repaired.records, outcome.records);
        assert!(lost.is_empty());
        assert!(told.len() == 1 && told[0].contains("the trial's own folder counts"), "{told:?}");
    }
}

#[test]
fn missing_rows_of_a_run_without_seals_are_detected() {
    for (root, folder) in unsealed() {
        let path = root.path().join("records.csv");
        let records = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = records.split_inclusive('\n').collect();
        for at in [1, lines.len() / 2, lines.len() - 1] {
            fs::write(&path, [&lines[..at], &lines[at + 1..]].concat().concat()).unwrap();
            let mut told = Vec::new();
            let (outcome, lost) =
                folder.outcome_and_lost(&mut |what| told.push(what.to_owned())).unwrap();
            let ended = outcome.trials.iter().filter(|trial| trial.state.has_ended()).count();
            assert_eq!((ended, lost.len()), (outcome.trials.len() - 1, 1), "line {}", at + 1);
            assert!(told.iter().any(|what| what.contains("records.csv")), "{told:?}");
        }
    }
}
