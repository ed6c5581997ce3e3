use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicU64, Ordering};

use mi_paper::folder::RunFolder;
use mi_paper::outcome::RunInfo;
use mi_paper::trial::{self, Control, Event};
use mi_random::Stream;

use super::{Fate, Tally, copy_folder, count, files, mi_paper, records, reproduce, text};

/// A way to damage a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Remove,
    Empty,
    Truncate,
    Append,
    FlipBit,
    EditDigit,
    EditLetter,
    DropLine,
    DoubleLine,
    /// The content of a sibling: the same file of another trial.
    Foreign,
    /// Under the name of another step.
    Rename,
}

use Damage::{
    Append, DoubleLine, DropLine, EditDigit, EditLetter, Empty, FlipBit, Foreign, Remove, Rename,
    Truncate,
};

const OF_TEXT: [Damage; 9] =
    [Remove, Empty, Truncate, Append, FlipBit, EditDigit, EditLetter, DropLine, DoubleLine];
const OF_BYTES: [Damage; 7] = [Remove, Empty, Truncate, Append, FlipBit, Foreign, Rename];

impl Damage {
    /// Damages a file somewhere; false where there is nothing to damage in this way.
    fn apply(self, path: &Path, draws: &mut Stream) -> bool {
        let mut bytes = fs::read(path).unwrap();
        let mut below = |limit: usize| (draws.uniform() * limit as f64) as usize;
        let pick = |wanted: fn(&u8) -> bool, below: &mut dyn FnMut(usize) -> usize| {
            let places: Vec<usize> = (0..bytes.len()).filter(|&i| wanted(&bytes[i])).collect();
            (!places.is_empty()).then(|| places[below(places.len())])
        };
        match self {
            Self::Remove => {
                fs::remove_file(path).unwrap();
                return true;
            }
            Self::Empty => bytes.clear(),
            Self::Truncate => bytes.truncate(below(bytes.len())),
            Self::Append => bytes.extend(b"critics,critics.digits"),
            Self::FlipBit => {
                if bytes.is_empty() {
                    return false;
                }
                let (at, bit) = (below(bytes.len()), below(8));
                bytes[at] ^= 1 << bit;
            }
            Self::EditDigit => match pick(u8::is_ascii_digit, &mut below) {
                Some(at) => bytes[at] = b'0' + (bytes[at] - b'0' + 1) % 10,
                None => return false,
            },
            Self::EditLetter => match pick(u8::is_ascii_lowercase, &mut below) {
                Some(at) => bytes[at] = b'a' + (bytes[at] - b'a' + 1) % 26,
                None => return false,
            },
            Self::DropLine | Self::DoubleLine => {
                let text = String::from_utf8(bytes).unwrap();
                let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
                if lines.is_empty() {
                    return false;
                }
                let at = below(lines.len());
                if matches!(self, Self::DropLine) {
                    lines.remove(at);
                } else {
                    lines.insert(at, lines[at]);
                }
                bytes = lines.concat().into_bytes();
            }
            Self::Foreign => {
                let (folder, name) = (path.parent().unwrap(), path.file_name().unwrap());
                let siblings = fs::read_dir(folder.parent().unwrap()).unwrap();
                let mut siblings: Vec<PathBuf> =
                    siblings.map(|entry| entry.unwrap().path().join(name)).collect();
                siblings.retain(|other| other.exists() && other != path);
                if siblings.is_empty() {
                    return false;
                }
                bytes = fs::read(&siblings[below(siblings.len())]).unwrap();
            }
            Self::Rename => {
                let step = 3 + below(8);
                fs::rename(path, path.with_file_name(format!("{step:012}.safetensors"))).unwrap();
                return true;
            }
        }
        fs::write(path, bytes).unwrap();
        true
    }
}

/// The run that is damaged has two seeds, so that every checkpoint has siblings.
const MORE: [&str; 2] = ["--seeds", "2"];

/// Stops every trial of a planned run at step 2, with checkpoints there and at step 1.
fn stop_in_mid_trial(out: &Path) {
    assert!(reproduce(out, &[&MORE[..], &["--dry-run"]].concat()).status.success());
    let folder = RunFolder::new(out);
    for config in &folder.plan().unwrap().trials {
        for stop in [1, 2] {
            let done = AtomicU64::new(0);
            let interrupted = || done.load(Ordering::Relaxed) >= stop;
            let control =
                Control { interrupted: &interrupted, checkpoint_every: Control::CHECKPOINT_EVERY };
            trial::run(config, None, &folder.trial(&config.id()), control, &mut |event| {
                if let Event::Started { step } | Event::Stepped { step, .. } = event {
                    done.store(*step, Ordering::Relaxed);
                }
            })
            .unwrap();
        }
    }
    // The merged files, half-way too.
    assert!(redraw(out).status.success());
}

fn redraw(out: &Path) -> Output {
    mi_paper().args(["reproduce", "--redraw", "--out"]).arg(out).output().unwrap()
}

/// What `trials.json` and `run.json` say that a run from the start would say too.
fn facts(out: &Path) -> Option<(serde_json::Value, RunInfo)> {
    let text = fs::read(out.join("trials.json")).ok()?;
    let mut trials: serde_json::Value = serde_json::from_slice(&text).ok()?;
    for trial in trials.as_array_mut()? {
        for key in ["seconds", "checksum", "origins"] {
            trial.as_object_mut()?.remove(key);
        }
    }
    let run = RunFolder::new(out).run_info().ok()??;
    let (started, command) = (String::new(), String::new());
    Some((trials, RunInfo { started, command, ..run }))
}

/// What the usual command makes of a damaged folder, in the end.
fn fate(out: &Path, damaged: &Path, expected: &str, whole: &Path) -> Fate {
    let output = reproduce(out, &MORE);
    let message = text(&output.stderr);
    let name = damaged.file_name().unwrap().to_string_lossy();
    if !output.status.success() {
        let told = message.contains("error: ") && message.contains(&*name);
        return if told { Fate::Refused } else { Fate::SilentlyWrong };
    }
    let same = records(out) == expected && facts(out) == facts(whole);
    if same { Fate::Harmless } else { Fate::SilentlyWrong }
}

/// What drawing again makes of it: it runs nothing, so that it has to say what it leaves out.
fn fate_redrawn(out: &Path, damaged: &Path, before: &str) -> Fate {
    let output = redraw(out);
    let message = text(&output.stderr);
    let name = damaged.file_name().unwrap().to_string_lossy();
    let told = message.contains(&*name);
    match (output.status.success(), told) {
        (false, true) => Fate::Refused,
        (true, _) if records(out) == before => Fate::Harmless,
        (true, true) => Fate::Harmless,
        _ => Fate::SilentlyWrong,
    }
}

/// Every kind of damage to every kind of file that a run reads, `rounds` times each.
fn damage(name: &'static str, base: &Path, expected: &str, whole: &Path, rounds: u64, seed: u64) {
    let mut tally = Tally::new(name);
    let mut draws = Stream::new(seed, "corruption");
    let before = records(base);
    let read = |path: &PathBuf| {
        let drawn = path.starts_with("figures") || path.starts_with("report.html");
        !drawn && !path.ends_with("lock") && !path.ends_with("report.md")
    };
    let mut kinds: Vec<(PathBuf, Damage)> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for path in files(base).into_iter().filter(read) {
        // Of the trials, one file of each kind; which trial does not matter.
        let file = path.file_name().unwrap().to_owned();
        if !seen.insert((path.parent().unwrap() == Path::new(""), file)) {
            continue;
        }
        let binary = path.extension().is_some_and(|extension| extension == "safetensors");
        let ways = if binary { &OF_BYTES[..] } else { &OF_TEXT[..] };
        kinds.extend(ways.iter().map(|&way| (path.clone(), way)));
    }
    let root = tempfile::tempdir().unwrap();
    for round in 0..rounds {
        for (index, (path, way)) in kinds.iter().enumerate() {
            // In the usual, short form every third, so that all files and all ways have a turn.
            if rounds == 1 && index % 3 != (seed % 3) as usize {
                continue;
            }
            let out = root.path().join(format!("{round}-{index}"));
            copy_folder(base, &out);
            if !way.apply(&out.join(path), &mut draws) {
                continue;
            }
            let what = format!("{way:?} {} (round {round})", path.display());
            if index % 4 == 0 {
                let copy = root.path().join("redrawn");
                copy_folder(&out, &copy);
                tally.note(format!("{what}, redrawn"), fate_redrawn(&copy, path, &before));
                fs::remove_dir_all(&copy).unwrap();
            }
            tally.note(what, fate(&out, path, expected, whole));
            fs::remove_dir_all(&out).unwrap();
        }
    }
    tally.finish();
}

fn whole_run(root: &Path) -> (PathBuf, String) {
    let whole = root.join("whole");
    let output = reproduce(&whole, &MORE);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let expected = records(&whole);
    (whole, expected)
}

#[test]
fn damage_to_a_finished_run_is_noticed_or_mended() {
    let root = tempfile::tempdir().unwrap();
    let (whole, expected) = whole_run(root.path());
    damage("damage, finished run", &whole, &expected, &whole, count(1, 3), 1);
}

#[test]
fn damage_in_mid_trial_is_noticed_or_mended() {
    let root = tempfile::tempdir().unwrap();
    let (whole, expected) = whole_run(root.path());
    let stopped = root.path().join("stopped");
    stop_in_mid_trial(&stopped);
    damage("damage in mid-trial", &stopped, &expected, &whole, count(1, 3), 2);
}

#[test]
fn damage_to_the_kept_part_of_a_run_is_noticed_or_mended() {
    let root = tempfile::tempdir().unwrap();
    let (whole, expected) = whole_run(root.path());
    let kept = root.path().join("kept");
    fs::create_dir(&kept).unwrap();
    for name in ["plan.json", "run.json", "records.csv", "trials.json"] {
        fs::copy(whole.join(name), kept.join(name)).unwrap();
    }
    damage("damage to merged files", &kept, &expected, &whole, count(1, 3), 3);
}
