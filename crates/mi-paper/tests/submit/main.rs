//! Tests `mi-paper slurm` without submitting anything, and the tasks that it would submit.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use mi_paper::folder::{Lease, RunFolder, Watch};

/// The program in an environment without Slurm.
fn mi_paper(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mi-paper"));
    command.env("PATH", "/nowhere").args(arguments);
    command
}

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

const SIZE: [&str; 6] = ["--preset", "smoke", "--experiment", "dependent", "--steps", "4"];

/// Replaces the parts of a text that differ between machines.
fn anywhere(text: &str, root: &Path) -> String {
    let text = text.replace(root.to_str().unwrap(), "/shared");
    let mut parts = text.split("/mi-paper-");
    let mut found = parts.next().unwrap().to_owned();
    for part in parts {
        let (hash, rest) = part.split_at(12);
        assert!(hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
        found.push_str("/mi-paper-HASH");
        found.push_str(rest);
    }
    found
}

#[test]
fn a_dry_run_prints_the_scripts_and_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("it's a run");
    let seeds = ["--seeds", "6", "--data", "/shared/data sets", "--partition", "cpu"];
    let more = ["--time", "4:00:00", "--trials-per-task", "3", "--cpus", "2", "--at-most", "40"];
    let last = ["--array-limit", "5", "--retries", "2", "--sbatch=--account=group", "--dry-run"];
    let mut command = mi_paper(&["slurm"]);
    command.arg(&out).args(SIZE).args(seeds).args(more).args(last);
    let (code, text, messages) = run(&mut command);
    assert_eq!(code, Some(0), "{messages}");
    assert!(!out.exists());
    let text = anywhere(&text, root.path());
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/submit/dry-run.txt");
    if std::env::var_os("MI_WRITE_DOCS").is_some() {
        fs::write(&golden, &text).unwrap();
    }
    let kept = fs::read_to_string(&golden).unwrap();
    assert!(
        text == kept,
        "update it, and read the difference: MI_WRITE_DOCS=1 cargo test -p mi-paper --test submit\n{text}"
    );
    // The other form of the command prints the same.
    let mut command = mi_paper(&["reproduce", "--on", "slurm", "--out"]);
    command.arg(&out).args(SIZE).args(seeds).args(more).args(last);
    let (code, other, messages) = run(&mut command);
    assert_eq!(code, Some(0), "{messages}");
    assert_eq!(anywhere(&other, root.path()), text);
}

#[test]
fn the_scripts_are_valid_bash() {
    let Ok(found) = Command::new("bash").arg("--version").output() else {
        eprintln!("skipped: there is no bash");
        return;
    };
    assert!(found.status.success());
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("a 'quoted' run");
    let (code, text, messages) = run(mi_paper(&["slurm"]).arg(&out).args(SIZE));
    assert_eq!(code, Some(1));
    assert!(messages.contains("there is no Slurm here (`sbatch` was not found)"), "{messages}");
    assert!(messages.contains("login node"), "{messages}");
    for name in ["task.sh", "report.sh"] {
        let script = out.join("slurm").join(name);
        assert!(text.contains(&fs::read_to_string(&script).unwrap()), "{name} is not printed");
        let checked = Command::new("bash").arg("-n").arg(&script).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
    // The script of a task, run by hand without Slurm, finds its program and runs its trials.
    let task = Command::new("bash")
        .arg(out.join("slurm/task.sh"))
        .env("SLURM_ARRAY_TASK_ID", "0")
        .output()
        .unwrap();
    assert!(task.status.success(), "{}", String::from_utf8_lossy(&task.stderr));
    let (code, text, _) = run(mi_paper(&["slurm"]).arg(&out));
    assert_eq!(code, Some(0));
    assert!(text.contains("all 4 trials have ended"), "{text}");
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    for (options, words) in [
        (["--partition", "a b"], "--partition"),
        (["--sbatch", "account"], "not an option of sbatch"),
        (["--trials-per-task", "0"], "--trials-per-task"),
        (["--silence", "10ms"], "at least 1s"),
        (["--time", "2"], "--save-before"),
    ] {
        let (code, _, messages) =
            run(mi_paper(&["slurm", "--dry-run"]).arg(&out).args(SIZE).args(options));
        assert!(code != Some(0) && messages.contains(words), "{options:?}: {messages}");
    }
    let (code, _, messages) = run(mi_paper(&["reproduce", "--partition", "cpu"]).args(SIZE));
    assert_eq!(code, Some(1));
    assert!(messages.contains("--partition") && messages.contains("--on slurm"), "{messages}");
}

#[test]
fn tasks_run_their_part_of_the_plan() {
    let root = tempfile::tempdir().unwrap();
    let (whole, parts) = (root.path().join("whole"), root.path().join("parts"));
    let reproduce = |out: &Path, more: &[&str]| {
        let mut command = mi_paper(&["reproduce"]);
        let (code, _, messages) = run(command.args(SIZE).args(more).arg("--out").arg(out));
        assert_eq!(code, Some(0), "{messages}");
    };
    reproduce(&whole, &[]);
    reproduce(&parts, &["--dry-run"]);
    let task = |number: &str| {
        let options = ["--trials-per-task", "3", "--jobs", "2", "--wait", "--task", number];
        run(mi_paper(&["trial"]).arg(&parts).args(options))
    };
    for (number, trials) in [("0", 3), ("1", 1)] {
        let (code, _, messages) = task(number);
        assert_eq!(code, Some(0), "{messages}");
        assert_eq!(messages.matches(" is finished").count(), trials, "{messages}");
    }
    let (code, _, messages) = task("2");
    assert_eq!(code, Some(1));
    assert!(messages.contains("2 tasks") && messages.contains("no task 2"), "{messages}");
    reproduce(&parts, &[]);
    let records = |out: &Path| fs::read(out.join("records.csv")).unwrap();
    assert_eq!(records(&whole), records(&parts));
}

/// A divergence is a result, so its exit code differs from that of a failure.
#[test]
fn divergence_has_its_own_exit_code() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("far.toml");
    let (code, text, _) = run(&mut mi_paper(&["experiment", "dependent", "--preset", "smoke"]));
    assert_eq!(code, Some(0));
    let far = text.lines().map(|line| match line.split_once("learning_rate") {
        Some((before, _)) => format!("{before}learning_rate = 1e30\n"),
        None => format!("{line}\n"),
    });
    fs::write(&file, far.collect::<String>().replace("\nname = \"dependent\"", "")).unwrap();
    let out = root.path().join("run");
    let mut plan = mi_paper(&["reproduce", "--dry-run", "--steps", "4", "--experiment"]);
    let (code, _, messages) = run(plan.arg(&file).arg("--out").arg(&out));
    assert_eq!(code, Some(0), "{messages}");
    let options = ["--task", "0", "--trials-per-task", "4"];
    for _ in 0..2 {
        let (code, _, messages) = run(mi_paper(&["trial"]).arg(&out).args(options));
        assert_eq!(code, Some(3), "{messages}");
        assert!(messages.contains("stopped at step"), "{messages}");
    }
}

/// A trial that this machine runs is refused at once; with `--wait` it is waited for.
#[test]
fn a_trial_of_another_process_is_waited_for() {
    let root = tempfile::tempdir().unwrap();
    let (code, _, _) =
        run(mi_paper(&["reproduce", "--dry-run"]).args(SIZE).arg("--out").arg(root.path()));
    assert_eq!(code, Some(0));
    let folder = RunFolder::new(root.path());
    let id = folder.plan().unwrap().trials[0].id();
    let lease = folder.trial(&id).take(Lease::SILENCE, &mut Watch::default()).unwrap();
    let (code, _, messages) = run(mi_paper(&["trial"]).arg(root.path()).arg(&id));
    assert_eq!(code, Some(1));
    assert!(messages.contains("another process works in"), "{messages}");
    let mut waiting = mi_paper(&["trial", "--wait"])
        .arg(root.path())
        .arg(&id)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(waiting.try_wait().unwrap().is_none());
    drop(lease);
    let output = waiting.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
