//! Whatever bytes are in the files of a run, reading gives the recorded data or an error, never a
//! panic.

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use mi_paper::folder::RunFolder;
use mi_paper::record::Record;
use mi_paper::trial::{self, Control};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::corruption::stop_in_mid_trial;
use super::{Fate, Tally, copy_folder, count, files, reproduce};

/// A change to some bytes.
#[derive(Clone, Debug)]
enum Edit {
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Delete(Index, usize),
    /// Copies some of the bytes to another place.
    Copy(Index, Index, usize),
    Truncate(Index),
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |index: &Index, bytes: &[u8]| index.index(bytes.len() + 1);
        match self {
            Self::Flip(index, bit) if !bytes.is_empty() => {
                let at = index.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Self::Flip(..) => {}
            Self::Insert(index, more) => {
                let at = at(index, bytes);
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Delete(index, length) => {
                let at = at(index, bytes);
                bytes.drain(at..bytes.len().min(at + length));
            }
            Self::Copy(from, to, length) => {
                let from = at(from, bytes);
                let piece = bytes[from..bytes.len().min(from + length)].to_vec();
                let to = at(to, bytes);
                bytes.splice(to..to, piece);
            }
            Self::Truncate(index) => {
                let at = at(index, bytes);
                bytes.truncate(at);
            }
        }
    }
}

/// Edits of valid bytes or, one time in ten, of an empty file.
fn edits() -> impl Strategy<Value = (bool, Vec<Edit>)> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b"\"{}[],:09\n\x00\xff".to_vec())];
    let bytes = prop::collection::vec(byte, 0..12);
    let edit = prop_oneof![
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        (any::<Index>(), bytes).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (any::<Index>(), 1..200_usize).prop_map(|(at, length)| Edit::Delete(at, length)),
        (any::<Index>(), any::<Index>(), 1..200_usize)
            .prop_map(|(from, to, length)| Edit::Copy(from, to, length)),
        any::<Index>().prop_map(Edit::Truncate),
    ];
    (prop::bool::weighted(0.1), prop::collection::vec(edit, 1..4))
}

/// Edits a file in `cases` ways, always the same ones, and checks each result.
fn try_edits(
    (tally, what, cases): (&RefCell<Tally>, &Path, u64),
    path: &Path,
    fate: impl Fn() -> Fate,
) {
    let good = fs::read(path).unwrap();
    let config = Config { cases: cases as u32, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let result = TestRunner::new_with_rng(config, rng).run(&edits(), |(from_nothing, edits)| {
        let mut bytes = if from_nothing { Vec::new() } else { good.clone() };
        for edit in &edits {
            edit.apply(&mut bytes);
        }
        fs::write(path, &bytes).unwrap();
        let fate = fate();
        tally.borrow_mut().note(format!("{}: {edits:?}", what.display()), fate);
        prop_assert!(fate != Fate::SilentlyWrong, "{}", String::from_utf8_lossy(&bytes));
        Ok(())
    });
    fs::write(path, good).unwrap();
    result.unwrap_or_else(|error| panic!("{}: {error}", what.display()));
}

/// The result of reading a folder: the true records, or an error.
fn fate_of_reading(folder: &RunFolder, expected: &[Record]) -> Fate {
    let mut told = 0;
    match folder.outcome_and_lost(&mut |_| told += 1) {
        Err(_) => Fate::Refused,
        Ok((outcome, lost)) if lost.is_empty() => {
            if outcome.records == expected {
                Fate::Harmless
            } else {
                Fate::SilentlyWrong
            }
        }
        Ok((outcome, lost)) => {
            // Only the named trials may have lost rows.
            let rest = |records: &[Record]| -> Vec<Record> {
                records.iter().filter(|record| !lost.contains(&record.trial)).cloned().collect()
            };
            let named = told > 0 && rest(&outcome.records) == rest(expected);
            if named { Fate::Refused } else { Fate::SilentlyWrong }
        }
    }
}

fn is_text(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "csv" || extension == "json")
}

/// Edits `plan.json`, `run.json`, `records.csv` and `trials.json`, and the state and the records of
/// a trial: in a folder with both copies of the records, and in one with only the merged copy.
#[test]
fn any_bytes_in_a_runs_files_are_read_or_refused() {
    let root = tempfile::tempdir().unwrap();
    let whole = root.path().join("whole");
    assert!(reproduce(&whole, &[]).status.success());
    let kept = root.path().join("kept");
    fs::create_dir(&kept).unwrap();
    for path in files(&whole).into_iter().filter(|path| path.components().count() == 1) {
        fs::copy(whole.join(&path), kept.join(&path)).unwrap();
    }
    let tally = RefCell::new(Tally::new("bytes in files"));
    for root in [whole, kept] {
        let folder = RunFolder::new(&root);
        let expected = folder.outcome(&mut |_| ()).unwrap().records;
        let mut seen = std::collections::BTreeSet::new();
        // Of the trials' files, one of each kind.
        let mut paths = files(&root);
        paths.retain(|path| {
            let kind = (path.components().count(), path.file_name().unwrap().to_owned());
            is_text(path) && seen.insert(kind)
        });
        for path in paths {
            let fate = || fate_of_reading(&folder, &expected);
            try_edits((&tally, &path, count(40, 2_000)), &root.join(&path), fate);
        }
    }
    tally.into_inner().finish();
}

/// Edits the checkpoints, state and records of an unfinished trial: it then ends with its true
/// records, or with an error.
#[test]
fn any_bytes_in_a_trials_files_are_resumed_from_or_refused() {
    let root = tempfile::tempdir().unwrap();
    let (whole, stopped) = (root.path().join("whole"), root.path().join("stopped"));
    assert!(reproduce(&whole, &["--seeds", "2"]).status.success());
    stop_in_mid_trial(&stopped);
    let folder = RunFolder::new(&whole);
    let plan = folder.plan().unwrap();
    let config = &plan.trials[0];
    let id = config.id();
    let records = fs::read(whole.join("trials").join(&id).join("records.csv")).unwrap();
    let base = stopped.join("trials").join(&id);
    let scratch = root.path().join("scratch");
    let tally = RefCell::new(Tally::new("bytes in checkpoints"));
    for path in files(&base).into_iter().filter(|path| !path.ends_with("lock")) {
        let fate = || {
            let own = scratch.join("trials").join(&id);
            if scratch.exists() {
                fs::remove_dir_all(&scratch).unwrap();
            }
            copy_folder(&base, &own);
            let checkpoint_every = Control::CHECKPOINT_EVERY;
            let control = Control { interrupted: &|| false, checkpoint_every };
            let trial = RunFolder::new(&scratch).trial(&id);
            match trial::run(config, trial::Images::default(), &trial, control, &mut |_| ()) {
                Err(_) => Fate::Refused,
                Ok(_) if fs::read(own.join("records.csv")).unwrap() == records => Fate::Harmless,
                Ok(_) => Fate::SilentlyWrong,
            }
        };
        try_edits((&tally, &path, count(15, 500)), &base.join(&path), fate);
    }
    tally.into_inner().finish();
}
