//! Tests the `mi-paper` command as a user or a batch system sees it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use mi_paper::folder::Lock;

fn mi_paper(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mi-paper"));
    command.args(arguments);
    command
}

fn reproduce(out: &Path, arguments: &[&str]) -> Output {
    let mut command = mi_paper(&["reproduce", "--preset", "smoke", "--out"]);
    command.arg(out).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_default_data_set_runs_end_to_end() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    let output = reproduce(&out, &["--experiment", "critics"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (table, messages) = (text(&output.stdout), text(&output.stderr));
    for label in ["bilinear", "separable", "mlp", "infonce", "nwj"] {
        assert!(table.to_lowercase().contains(label), "{label} is missing in:\n{table}");
    }
    assert!(messages.contains(&out.display().to_string()), "{messages}");
    assert!(!messages.contains('\u{1b}'), "escape codes in a file: {messages:?}");
    for file in ["records.csv", "report.html", "report.md", "plan.json", "run.json"] {
        assert!(fs::metadata(out.join(file)).unwrap().len() > 0, "{file}");
    }
    let figures = fs::read_dir(out.join("figures")).unwrap().count();
    assert!(figures > 0);

    // The same command again has nothing to do, and prints the same.
    let again = reproduce(&out, &["--experiment", "critics"]);
    assert_eq!(text(&again.stdout), table);
    assert!(text(&again.stderr).contains("0 of 6 trials to run"), "{}", text(&again.stderr));

    // Drawing again needs no training, and changes nothing.
    let before = fs::read(out.join("report.html")).unwrap();
    let redrawn = mi_paper(&["reproduce", "--redraw", "--out"]).arg(&out).output().unwrap();
    assert!(redrawn.status.success(), "{}", text(&redrawn.stderr));
    assert_eq!(fs::read(out.join("report.html")).unwrap(), before);
}

#[test]
fn another_plan_is_refused_with_the_differences() {
    let root = tempfile::tempdir().unwrap();
    let first = reproduce(root.path(), &["--experiment", "dependent", "--dry-run"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let second = reproduce(root.path(), &["--experiment", "dependent", "--seeds", "7,"]);
    assert_eq!(second.status.code(), Some(2), "a trailing comma is a usage error");
    let second = reproduce(root.path(), &["--experiment", "dependent", "--seeds", "7..8"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("seeds[0]: 0 there, 7 requested"));
}

#[test]
fn unknown_names_are_refused_with_the_valid_ones() {
    let root = tempfile::tempdir().unwrap();
    let output = reproduce(root.path(), &["--experiment", "critic"]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(message.contains("critics") && message.contains("encoders"), "{message}");
    assert!(!message.contains("RUST_BACKTRACE"), "{message}");

    let output = mi_paper(&["reproduce", "--preset", "tiny"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("smoke"), "{}", text(&output.stderr));

    let output = reproduce(root.path(), &["--data", "/nowhere/at/all"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("/nowhere/at/all"), "{}", text(&output.stderr));
}

#[test]
fn listing_and_planning_change_nothing() {
    let root = tempfile::tempdir().unwrap();
    let list = mi_paper(&["reproduce", "--list"]).current_dir(root.path()).output().unwrap();
    for experiment in mi_paper::experiments::EXPERIMENTS {
        assert!(text(&list.stdout).contains(experiment.name));
    }
    let plan = mi_paper(&["reproduce", "--dry-run"]).current_dir(root.path()).output().unwrap();
    let without_data = ["reproduce", "--dry-run", "--preset", "paper", "--data", "missing"];
    let without_data = mi_paper(&without_data).current_dir(root.path()).output().unwrap();
    assert!(without_data.status.success());
    assert!(text(&without_data.stderr).contains("those of the published data sets"));
    assert!(plan.status.success(), "{}", text(&plan.stderr));
    assert!(text(&plan.stdout).contains("GFLOP/s"), "{}", text(&plan.stdout));
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn a_second_process_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let _lock = Lock::take(root.path()).unwrap();
    let output = reproduce(root.path(), &["--experiment", "dependent"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("another process works in"));
}

#[test]
fn trials_can_be_run_one_by_one() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let arguments = ["--experiment", "dependent", "--steps", "20"];
    assert!(reproduce(whole.path(), &arguments).status.success());
    let planned = reproduce(parts.path(), &[&arguments[..], &["--dry-run"]].concat());
    assert!(planned.status.success());
    let unknown = mi_paper(&["trial"]).arg(parts.path()).arg("nothing").output().unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("--status"), "{}", text(&unknown.stderr));

    let status = |out: &Path| {
        let output = mi_paper(&["reproduce", "--status", "--out"]).arg(out).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert!(status(parts.path()).contains("0 of 4 trials"));
    for line in status(parts.path()).lines().take(4) {
        let id = line.split_whitespace().next().unwrap();
        for _ in 0..2 {
            let output = mi_paper(&["trial"]).arg(parts.path()).arg(id).output().unwrap();
            assert!(output.status.success(), "{}", text(&output.stderr));
        }
    }
    assert!(status(parts.path()).contains("4 of 4 trials"));
    assert!(reproduce(parts.path(), &arguments).status.success());
    let merged = |out: &Path| fs::read(out.join("records.csv")).unwrap();
    assert_eq!(merged(whole.path()), merged(parts.path()));
}

#[test]
fn a_plan_of_another_version_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let planned = reproduce(root.path(), &["--experiment", "dependent", "--dry-run"]);
    assert!(planned.status.success());
    let path = root.path().join("plan.json");
    let plan = fs::read_to_string(&path).unwrap();
    let own = mi_paper::plan::PROGRAM;
    assert!(plan.contains(own));
    // As the other version would have written it, but without a checksum.
    let mut plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    plan["program"] = "mi-paper 0.0.1".into();
    plan.as_object_mut().unwrap().remove("checksum").unwrap();
    fs::write(&path, plan.to_string()).unwrap();
    let id = "dependent.none.mlp.nwj.dependent.s0";
    let trial = mi_paper(&["trial"]).arg(root.path()).arg(id).output().unwrap();
    let all = reproduce(root.path(), &["--experiment", "dependent"]);
    for output in [trial, all] {
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("program: ") && message.contains("mi-paper 0.0.1"), "{message}");
    }
    assert!(!root.path().join("trials").join(id).exists());
}

/// Writes a split of a data set in the format of MNIST: random pixels, and labels in turn.
fn write_images(folder: &Path, split: &str, count: u32) {
    let header = |kind: u32, sizes: &[u32]| -> Vec<u8> {
        let numbers = std::iter::once(0x0800 + kind).chain(sizes.iter().copied());
        numbers.flat_map(u32::to_be_bytes).collect()
    };
    let mut stream = mi_random::Stream::new(0, split);
    let pixels = (0..count * 28 * 28).map(|_| (255.0 * stream.uniform()) as u8);
    let images = header(3, &[count, 28, 28]).into_iter().chain(pixels).collect::<Vec<u8>>();
    let labels = header(1, &[count]).into_iter().chain((0..count).map(|i| (i % 10) as u8));
    fs::write(folder.join(format!("{split}-images-idx3-ubyte")), images).unwrap();
    fs::write(folder.join(format!("{split}-labels-idx1-ubyte")), labels.collect::<Vec<u8>>())
        .unwrap();
}

#[test]
fn other_data_than_the_papers_is_reported_without_its_path() {
    const SENTENCE: &str =
        "Data: 200 images of MNIST to train and 150 to test, instead of 60,000 and 10,000.";
    let (root, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_images(data.path(), "train", 200);
    write_images(data.path(), "t10k", 150);
    let place = data.path().to_str().unwrap();
    let again = || {
        let out = root.path().join("run");
        let output =
            reproduce(&out, &["--experiment", "supervised", "--steps", "1", "--data", place]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        fs::read_to_string(out.join("report.md")).unwrap()
    };
    let report = again();
    assert!(report.contains(&format!("\n- {SENTENCE}\n")), "{report}");
    let out = root.path().join("run");
    let info = fs::read_to_string(out.join("run.json")).unwrap();
    assert!(info.contains("--data DIR") && !info.contains(place), "{info}");
    assert!(!report.contains(place), "{report}");

    // A folder of a version that did not check the numbers of images continues, and its report then
    // states them.
    for name in ["run.json", "plan.json"] {
        let told = fs::read_to_string(out.join(name)).unwrap();
        let mut told: serde_json::Value = serde_json::from_str(&told).unwrap();
        told["deviations"].as_array_mut().unwrap().retain(|line| line != SENTENCE);
        told.as_object_mut().unwrap().remove("checksum").unwrap();
        fs::write(out.join(name), told.to_string()).unwrap();
    }
    let redrawn = mi_paper(&["reproduce", "--redraw", "--out"]).arg(&out).output().unwrap();
    assert!(redrawn.status.success(), "{}", text(&redrawn.stderr));
    let from_run_json = fs::read_to_string(out.join("report.md")).unwrap();
    assert!(!from_run_json.contains(SENTENCE), "{from_run_json}");
    assert!(again().contains(SENTENCE));
}

#[test]
fn a_trial_that_another_process_runs_is_left_to_it() {
    let root = tempfile::tempdir().unwrap();
    let arguments = ["--experiment", "dependent", "--steps", "20"];
    let planned = reproduce(root.path(), &[&arguments[..], &["--dry-run"]].concat());
    assert!(planned.status.success());
    let id = "dependent.none.mlp.nwj.dependent.s0";
    let lock = Lock::take(&root.path().join("trials").join(id)).unwrap();
    let status = || {
        let output = mi_paper(&["reproduce", "--status", "--out"]).arg(root.path()).output();
        text(&output.unwrap().stdout)
    };
    assert!(status().contains("running, nothing saved yet"), "{}", status());
    let rest = reproduce(root.path(), &arguments);
    assert_eq!(rest.status.code(), Some(1));
    assert!(text(&rest.stderr).contains("another process works in"), "{}", text(&rest.stderr));
    assert!(status().contains("3 of 4 trials have ended"), "{}", status());
    assert!(status().ends_with("1 running, 0 left\n"), "{}", status());
    drop(lock);
    assert!(reproduce(root.path(), &arguments).status.success());
    assert!(status().contains("0 running, 0 left"), "{}", status());
}

#[test]
fn a_run_continues_from_its_merged_files() {
    let (whole, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let arguments = ["--experiment", "dependent", "--steps", "4"];
    assert!(reproduce(whole.path(), &arguments).status.success());
    for name in ["plan.json", "run.json", "records.csv"] {
        fs::copy(whole.path().join(name), copy.path().join(name)).unwrap();
    }
    // As if the last trial had been saved midway when the files were merged.
    let trials = fs::read_to_string(whole.path().join("trials.json")).unwrap();
    let mut trials: serde_json::Value = serde_json::from_str(&trials).unwrap();
    trials[3]["state"] = serde_json::json!({ "state": "unfinished", "step": 1 });
    trials[3].as_object_mut().unwrap().remove("checksum").unwrap();
    fs::write(copy.path().join("trials.json"), trials.to_string()).unwrap();

    let at = |command: &[&str]| mi_paper(command).arg(copy.path()).output().unwrap();
    let status = text(&at(&["reproduce", "--status", "--out"]).stdout);
    assert!(status.contains("3 of 4 trials have ended"), "{status}");
    assert!(at(&["reproduce", "--redraw", "--out"]).status.success());
    let status = text(&at(&["reproduce", "--status", "--out"]).stdout);
    assert!(status.contains("3 of 4 trials have ended"), "{status}");
    let id = trials[0]["id"].as_str().unwrap();
    let done = mi_paper(&["trial"]).arg(copy.path()).arg(id).output().unwrap();
    assert!(text(&done.stderr).contains("is finished"), "{}", text(&done.stderr));
    let rest = reproduce(copy.path(), &arguments);
    assert!(text(&rest.stderr).contains("1 of 4 trials to run"), "{}", text(&rest.stderr));
    let records = |out: &Path| fs::read(out.join("records.csv")).unwrap();
    assert_eq!(records(whole.path()), records(copy.path()));
}

#[test]
fn the_advice_on_a_foreign_state_loses_no_records() {
    let (out, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let arguments = ["--experiment", "dependent", "--steps", "4"];
    assert!(reproduce(out.path(), &arguments).status.success());
    let records = || fs::read(out.path().join("records.csv")).unwrap();
    let whole = records();
    let trials = out.path().join("trials");
    let mut folders: Vec<_> =
        fs::read_dir(&trials).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let [first, second, third, ..] = folders.as_slice() else { panic!("four trials") };
    fs::copy(second.join("state.json"), first.join("state.json")).unwrap();
    // Of another trial, only the merged copy is left.
    fs::remove_dir_all(third).unwrap();
    let refused = reproduce(out.path(), &arguments);
    let message = text(&refused.stderr);
    assert!(!refused.status.success());
    assert!(message.contains(&format!("move {} elsewhere", first.display())), "{message}");
    fs::rename(first, elsewhere.path().join("trial")).unwrap();
    let done = reproduce(out.path(), &arguments);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(records(), whole);
}

#[test]
fn records_do_not_depend_on_threads_or_jobs() {
    // A few steps of every kind of task and encoder, except those that are slowest to evaluate.
    const SOME: &str = "encoders,dependent,adversarial,supervised,bounds";
    let roots: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let runs =
        roots.iter().zip([("1", "1"), ("2", "1"), ("1", "2")]).map(|(root, (jobs, threads))| {
            mi_paper(&["reproduce", "--preset", "smoke", "--steps", "6", "--out"])
                .arg(root.path())
                .args(["--jobs", jobs, "--experiment", SOME])
                .env("RAYON_NUM_THREADS", threads)
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        });
    // They run side by side.
    for run in runs.collect::<Vec<_>>() {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let records = |root: &tempfile::TempDir| fs::read_to_string(root.path().join("records.csv"));
    let first = records(&roots[0]).unwrap();
    assert!(first.lines().count() > 60);
    for root in &roots[1..] {
        assert_eq!(records(root).unwrap(), first);
    }
}

/// On a full disk the command says so, loses nothing and continues once there is room.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_and_loses_nothing() {
    let root = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
        .arg(root.path())
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        eprintln!("skipped: a small tmpfs cannot be mounted here");
        return;
    }
    let run = || {
        let arguments = ["--experiment", "dependent", "--jobs", "1", "--steps", "4"];
        reproduce(&root.path().join("run"), &arguments)
    };
    let filler = root.path().join("filler");
    fs::write(&filler, vec![0; (2 << 20) - (40 << 10)]).unwrap();
    let full = run();
    fs::remove_file(&filler).unwrap();
    let after = run();
    let state = fs::read_to_string(root.path().join("run/records.csv"));
    let unmounted = Command::new("umount").arg(root.path()).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    let message = text(&full.stderr);
    assert_eq!(full.status.code(), Some(1), "{message}");
    assert!(message.contains("No space left") && message.contains("make room"), "{message}");
    assert!(
        after.status.success() || text(&after.stderr).contains("report.html"),
        "{}",
        text(&after.stderr)
    );
    assert!(state.is_ok_and(|text| text.contains("true_mi")));
}

/// `cargo xtask reproduce --help` prints this file, since it does not build the program.
#[test]
fn the_help_that_xtask_prints_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/reproduce-help.txt");
    let Ok(kept) = fs::read_to_string(file) else {
        eprintln!("skipped: there is no xtask next to this crate");
        return;
    };
    let help = text(&mi_paper(&["reproduce", "--help"]).output().unwrap().stdout);
    assert!(
        kept == help,
        "update it: cargo run -p mi-paper -- reproduce --help > xtask/reproduce-help.txt"
    );
}

/// Standard error may be closed, as by `2>&1 | head -1`, or on a full disk. Only messages are lost.
#[cfg(target_os = "linux")]
#[test]
fn a_closed_or_full_standard_error_ends_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for (name, stderr) in [("closed", Stdio::from(writer)), ("full", full.into())] {
        let out = root.path().join(name);
        let mut command = mi_paper(&["reproduce", "--preset", "smoke", "--steps", "2"]);
        command.args(["--experiment", "dependent", "--out"]).arg(&out).stderr(stderr);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}");
        assert!(out.join("report.html").is_file(), "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn folders_need_not_be_utf_8() {
    use std::os::unix::ffi::OsStrExt as _;

    let root = tempfile::tempdir().unwrap();
    let out = root.path().join(std::ffi::OsStr::from_bytes(b"gr\xf6\xdfe"));
    let output = reproduce(&out, &["--experiment", "dependent", "--steps", "2"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(out.join("report.html").is_file());
    let run = fs::read_to_string(out.join("run.json")).unwrap();
    assert!(run.contains("--experiment dependent") && !run.contains("gr"), "{run}");
}
