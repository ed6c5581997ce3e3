//! Any bytes in any file of a run: a result or an error, never a panic.

use std::fs;

use mi_paper::folder::RunFolder;
use mi_random::Stream;

use super::{Fate, Tally, count, files, reproduce};

/// Bytes that are often close to what is expected: pieces of a good file with noise in between.
fn mixture(good: &[u8], draws: &mut Stream) -> Vec<u8> {
    let mut below = |limit: usize| (draws.uniform() * limit as f64) as usize;
    let mut bytes = Vec::new();
    for _ in 0..=below(6) {
        match below(4) {
            0 => bytes.extend((0..below(40)).map(|i| (i * 37) as u8)),
            1 => bytes.extend([b'"', b'{', 0xff, b'\n', 0, b'9'].iter().skip(below(6))),
            _ => {
                let from = below(good.len() + 1);
                bytes.extend(&good[from..from + below(good.len() - from + 1)]);
            }
        }
    }
    bytes
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    let root = tempfile::tempdir().unwrap();
    assert!(reproduce(root.path(), &[]).status.success());
    let mut draws = Stream::new(15, "bytes");
    let mut tally = Tally::new("bytes in files");
    let folder = RunFolder::new(root.path());
    let plan = folder.plan().unwrap();
    let read = |path: &std::path::PathBuf| {
        path.extension().is_some_and(|extension| extension == "csv" || extension == "json")
    };
    let expected = folder.outcome(&mut |_| ()).unwrap().records;
    for path in files(root.path()).into_iter().filter(read) {
        let good = fs::read(root.path().join(&path)).unwrap();
        for round in 0..count(10, 1_000) {
            fs::write(root.path().join(&path), mixture(&good, &mut draws)).unwrap();
            let mut told = 0;
            let found = folder.outcome(&mut |_| told += 1);
            let fate = match found {
                Err(_) => Fate::Refused,
                // The other copy of the records, or all but those of one trial with a warning.
                Ok(outcome) if outcome.records == expected || told > 0 => Fate::Harmless,
                Ok(_) => Fate::SilentlyWrong,
            };
            tally.note(format!("{} {round}", path.display()), fate);
        }
        fs::write(root.path().join(&path), good).unwrap();
    }
    assert_eq!(folder.plan().unwrap(), plan);
    tally.finish();
}
