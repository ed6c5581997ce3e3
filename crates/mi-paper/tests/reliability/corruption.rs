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
    /// Replaces the content with that of the same file of another trial.
    Foreign,
    /// Renames a checkpoint to another step.
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
    /// Damages a file at a random place; false if it cannot be damaged in this way.
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

/// The damaged run has two seeds, so that some trials differ only in their seed.
const MORE: [&str; 2] = ["--seeds", "2"];

/// Stops every trial of a planned run at step 2, with checkpoints there and at step 1.
pub(super) fn stop_in_mid_trial(out: &Path) {
    assert!(reproduce(out, &[&MORE[..], &["--dry-run"]].concat()).status.success());
    let folder = RunFolder::new(out);
    for config in &folder.plan().unwrap().trials {
        for stop in [1, 2] {
            let done = AtomicU64::new(0);
            let interrupted = || done.load(Ordering::Relaxed) >= stop;
            let control =
                Control { interrupted: &interrupted, checkpoint_every: Control::CHECKPOINT_EVERY };
            trial::run(
                config,
                trial::Images::default(),
                &folder.trial(&config.id()),
                control,
                &mut |event| {
                    if let Event::Started { step } | Event::Stepped { step, .. } = event {
                        done.store(*step, Ordering::Relaxed);
                    }
                },
            )
            .unwrap();
        }
    }
    // The merged files, too, become those of an unfinished run.
    assert!(redraw(out).status.success());
}

fn redraw(out: &Path) -> Output {
    mi_paper().args(["reproduce", "--redraw", "--out"]).arg(out).output().unwrap()
}

/// The part of `trials.json` that does not differ between runs.
fn trials(out: &Path) -> Option<serde_json::Value> {
    let text = fs::read(out.join("trials.json")).ok()?;
    let mut trials: serde_json::Value = serde_json::from_slice(&text).ok()?;
    for trial in trials.as_array_mut()? {
        for key in ["seconds", "checksum", "origins"] {
            trial.as_object_mut()?.remove(key);
        }
    }
    Some(trials)
}

/// The parts of `trials.json` and `run.json` that do not differ between runs.
fn facts(out: &Path) -> Option<(serde_json::Value, RunInfo)> {
    let run = RunFolder::new(out).run_info().ok()??;
    let (started, command) = (String::new(), String::new());
    Some((trials(out)?, RunInfo { started, command, ..run }))
}

/// The result of the usual command on a damaged folder.
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

/// The result of `--redraw` on a damaged folder. It runs no trial, so it must draw the true
/// records, or end with an error that names the file; a warning is not enough.
fn fate_redrawn(out: &Path, damaged: &Path, base: &Path) -> Fate {
    let output = redraw(out);
    let message = text(&output.stderr);
    let name = damaged.file_name().unwrap().to_string_lossy();
    if !output.status.success() {
        let told = message.contains("error: ") && message.contains(&*name);
        return if told { Fate::Refused } else { Fate::SilentlyWrong };
    }
    let same = records(out) == records(base) && trials(out) == trials(base);
    if same { Fate::Harmless } else { Fate::SilentlyWrong }
}

/// Tries every kind of damage to every kind of file that a run reads, `rounds` times each.
fn damage(name: &'static str, base: &Path, expected: &str, whole: &Path, rounds: u64, seed: u64) {
    let mut tally = Tally::new(name);
    let mut draws = Stream::new(seed, "corruption");
    let read = |path: &PathBuf| {
        let drawn = path.starts_with("figures") || path.starts_with("report.html");
        !drawn && !path.ends_with("lock") && !path.ends_with("report.md")
    };
    let mut kinds: Vec<(PathBuf, Damage)> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for path in files(base).into_iter().filter(read) {
        // Of the trials' files, one of each kind; which trial does not matter.
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
            // The default, short form tries every third case, which still covers all files.
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
                tally.note(format!("{what}, redrawn"), fate_redrawn(&copy, path, base));
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
fn damage_to_a_finished_run_is_detected_or_repaired() {
    let root = tempfile::tempdir().unwrap();
    let (whole, expected) = whole_run(root.path());
    damage("damage, finished run", &whole, &expected, &whole, count(1, 3), 1);
}

#[test]
fn damage_in_mid_trial_is_detected_or_repaired() {
    let root = tempfile::tempdir().unwrap();
    let (whole, expected) = whole_run(root.path());
    let stopped = root.path().join("stopped");
    stop_in_mid_trial(&stopped);
    damage("damage in mid-trial", &stopped, &expected, &whole, count(1, 3), 2);
}

#[test]
fn damage_to_the_merged_files_is_detected_or_repaired() {
    let root = tempfile::tempdir().unwrap();
    let (whole, expected) = whole_run(root.path());
    let kept = root.path().join("kept");
    fs::create_dir(&kept).unwrap();
    for name in ["plan.json", "run.json", "records.csv", "trials.json"] {
        fs::copy(whole.join(name), kept.join(name)).unwrap();
    }
    damage("damage to merged files", &kept, &expected, &whole, count(1, 3), 3);
}

/// A change to a file.
type Change = fn(&Path);

/// If both copies of a trial's records are damaged, `--redraw` names the trial, what is wrong with
/// each copy, and how to get the records back. It ends with an error, however often it is run.
#[test]
fn lost_records_are_named_until_they_are_made_again() {
    let root = tempfile::tempdir().unwrap();
    let (whole, expected) = whole_run(root.path());
    let mut tally = Tally::new("both copies damaged");
    let id = "dependent.none.mlp.nwj.dependent.s1";
    let own = Path::new("trials").join(id).join("records.csv");
    let changes: [(&str, Change); 3] = [
        ("edited", |path| {
            let text = fs::read_to_string(path).unwrap();
            let at = text.find("nwj.dependent.s1,none,1,0").unwrap();
            fs::write(path, format!("{}{}", &text[..at], text[at..].replacen('0', "9", 1)))
                .unwrap();
        }),
        ("cut", |path| {
            let text = fs::read_to_string(path).unwrap();
            let rows = text.split_inclusive('\n');
            let kept: String =
                rows.filter(|row| !row.contains("nwj.dependent.s1,none,1,4")).collect();
            fs::write(path, kept).unwrap();
        }),
        ("removed", |path| fs::remove_file(path).unwrap()),
    ];
    for (of_own, change_own) in changes {
        for (of_merged, change_merged) in changes {
            let out = root.path().join(format!("{of_own}-{of_merged}"));
            copy_folder(&whole, &out);
            change_own(&out.join(&own));
            change_merged(&out.join("records.csv"));
            for again in [false, true] {
                let output = redraw(&out);
                let message = text(&output.stderr);
                let errors: Vec<&str> =
                    message.lines().filter(|line| line.starts_with("error: ")).collect();
                let command = format!("--out {}", out.display());
                let told = output.status.code() == Some(1)
                    && matches!(errors[..], [e] if e.contains(id) && e.contains(&command))
                    && message.contains(&*own.to_string_lossy())
                    && !message.lines().any(|l| l.contains(id) && l.contains("own folder counts"));
                let what = format!("{of_own}, {of_merged}, {again}: {message}");
                tally.note(what, if told { Fate::Refused } else { Fate::SilentlyWrong });
            }
            let output = reproduce(&out, &MORE);
            let same = output.status.success() && records(&out) == expected;
            let fate = if same { Fate::Harmless } else { Fate::SilentlyWrong };
            tally.note(format!("{of_own}, {of_merged}: {}", text(&output.stderr)), fate);
        }
    }
    tally.finish();
}

/// The trial whose records are edited.
const EDITED: &str = "dependent.none.mlp.nwj.dependent.s1";

/// The messages of `reproduce --redraw`, and whether they name the trial as lost.
fn lost_and_message(out: &Path, id: &str) -> (bool, String) {
    let output = redraw(out);
    let message = text(&output.stderr);
    let named = |line: &str| line.starts_with("error: ") && line.contains(id);
    (output.status.code() == Some(1) && message.lines().any(named), message)
}

/// Edits a value of a trial in a record file.
fn edit(path: &Path, id: &str) {
    let text = fs::read_to_string(path).unwrap();
    let row = text.lines().find(|row| row.contains(id) && row.contains(",4,")).unwrap();
    let (rest, unit) = row.rsplit_once(',').unwrap();
    fs::write(path, text.replacen(row, &format!("{rest}1,{unit}"), 1)).unwrap();
}

fn edit_trials(out: &Path, change: impl Fn(&mut Vec<serde_json::Value>)) {
    let path = out.join("trials.json");
    let mut trials: Vec<serde_json::Value> =
        serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut trials);
    fs::write(&path, serde_json::to_vec(&trials).unwrap()).unwrap();
}

/// Removes the seals of trials from `trials.json`.
fn without_seals(out: &Path, which: impl Fn(&str) -> bool) {
    edit_trials(out, |trials| {
        for trial in trials.iter_mut().filter(|trial| which(trial["id"].as_str().unwrap())) {
            let trial = trial.as_object_mut().unwrap();
            assert!(trial.remove("records").is_some() && trial.remove("checksum").is_some());
        }
    });
}

/// An edited row does not count just because its seal was removed too.
#[test]
fn rows_without_a_seal_do_not_count_where_others_have_one() {
    let root = tempfile::tempdir().unwrap();
    let (whole, expected) = whole_run(root.path());
    let changes: [(&str, Change); 5] = [
        ("no file", |out| fs::remove_file(out.join("trials.json")).unwrap()),
        ("no entry", |out| edit_trials(out, |all| all.retain(|trial| trial["id"] != EDITED))),
        ("no entries", |out| edit_trials(out, Vec::clear)),
        ("no seal", |out| without_seals(out, |id| id == EDITED)),
        ("no seals", |out| without_seals(out, |_| true)),
    ];
    for (name, change) in changes {
        for own_is_there in [false, true] {
            let out = root.path().join(format!("{name}-{own_is_there}"));
            copy_folder(&whole, &out);
            edit(&out.join("records.csv"), EDITED);
            change(&out);
            if own_is_there {
                let (lost, message) = lost_and_message(&out, EDITED);
                assert!(!lost && message.contains("own folder counts"), "{name}: {message}");
                assert_eq!(records(&out), expected, "{name}");
            } else {
                fs::remove_dir_all(out.join("trials")).unwrap();
                let (lost, message) = lost_and_message(&out, EDITED);
                assert!(lost && message.contains("nothing vouches"), "{name}: {message}");
                assert!(reproduce(&out, &MORE).status.success());
                assert_eq!(records(&out), expected, "{name}");
            }
        }
    }
}

/// Without seals, nobody can know which of two copies is right.
#[test]
fn two_unsealed_copies_that_differ_are_reported() {
    let root = tempfile::tempdir().unwrap();
    let (whole, expected) = whole_run(root.path());
    let own = Path::new("trials").join(EDITED);
    for edited in [own.join("records.csv"), "records.csv".into()] {
        for state_is_there in [false, true] {
            let out = root.path().join("differing");
            copy_folder(&whole, &out);
            edit(&out.join(&edited), EDITED);
            fs::remove_file(out.join("trials.json")).unwrap();
            let state = out.join(&own).join("state.json");
            if state_is_there {
                // As an earlier version wrote the state.
                let mut old: serde_json::Value =
                    serde_json::from_slice(&fs::read(&state).unwrap()).unwrap();
                for key in ["records", "checksum"] {
                    assert!(old.as_object_mut().unwrap().remove(key).is_some());
                }
                fs::write(&state, serde_json::to_vec(&old).unwrap()).unwrap();
            } else {
                fs::remove_file(&state).unwrap();
            }
            let (lost, message) = lost_and_message(&out, EDITED);
            assert!(lost && message.contains("neither has a seal"), "{message}");
            let both = [own.join("records.csv"), "records.csv".into()];
            let before = both.clone().map(|path| fs::read(out.join(path)).unwrap());
            assert!(reproduce(&out, &MORE).status.success());
            assert_eq!(records(&out), expected);
            for (path, before) in both.iter().zip(before) {
                let aside = out.join(path.with_extension("csv.set-aside-1"));
                assert_eq!(fs::read(aside).unwrap(), before, "{}", path.display());
            }
            fs::remove_dir_all(&out).unwrap();
        }
    }
}

/// Damage in a trial's own record file is reported and repaired, even if the merged file has all
/// rows.
#[test]
fn a_changed_record_file_of_a_trial_is_named_and_repaired() {
    let root = tempfile::tempdir().unwrap();
    let (whole, expected) = whole_run(root.path());
    let own = whole.join("trials").join(EDITED);
    let path = own.join("records.csv");
    let good = fs::read_to_string(&path).unwrap();
    let changes: [(&str, Change); 2] = [
        ("line 1 cannot be read", |own| {
            let path = own.join("records.csv");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, text.replacen("experiment,", "experimeant,", 1)).unwrap();
        }),
        ("it has rows that were not merged", |own| {
            edit(&own.join("records.csv"), EDITED);
            fs::remove_file(own.join("state.json")).unwrap();
        }),
    ];
    for (what, change) in changes {
        change(&own);
        let message = text(&redraw(&whole).stderr);
        assert!(message.contains(what) && message.contains(&*path.to_string_lossy()), "{message}");
        let output = reproduce(&whole, &MORE);
        let message = text(&output.stderr);
        assert!(output.status.success() && message.contains(what), "{message}");
        assert_eq!(fs::read_to_string(&path).unwrap(), good);
        assert_eq!(records(&whole), expected);
        assert!(!text(&redraw(&whole).stderr).contains(what));
    }
}

/// Rows after the last save, by the trial or by someone else, are not drawn. They have no matching
/// seal, and the trial records its own again.
#[test]
fn rows_after_the_last_save_are_not_drawn() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("stopped");
    stop_in_mid_trial(&out);
    let before = records(&out);
    let path = out.join("trials/dependent.none.mlp.nwj.dependent.s1/records.csv");
    let rows = fs::read_to_string(&path).unwrap();
    let last = rows.lines().last().unwrap();
    for more in [last.to_owned(), last.replacen(",0,", ",2,", 1)] {
        fs::write(&path, format!("{rows}{more}\n")).unwrap();
        assert!(redraw(&out).status.success());
        assert_eq!(records(&out), before);
    }
}

/// A damaged plan stops every reader, with a message on how to fix it.
#[test]
fn a_damaged_plan_is_reported_with_the_way_to_repair_it() {
    let root = tempfile::tempdir().unwrap();
    let (whole, expected) = whole_run(root.path());
    let plan = whole.join("plan.json");
    let good = fs::read_to_string(&plan).unwrap();
    fs::write(&plan, good.replacen("\"seed\": 1", "\"seed\": 2", 1)).unwrap();
    for flag in ["--status", "--redraw"] {
        let output = mi_paper().args(["reproduce", flag, "--out"]).arg(&whole).output().unwrap();
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            message.contains("plan.json is damaged") && message.contains("remove it"),
            "{message}"
        );
    }
    // The advice in the message works.
    fs::remove_file(&plan).unwrap();
    assert!(reproduce(&whole, &MORE).status.success());
    assert_eq!(fs::read_to_string(&plan).unwrap(), good);
    assert_eq!(records(&whole), expected);
}
