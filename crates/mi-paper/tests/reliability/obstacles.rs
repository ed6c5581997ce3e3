use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Fate, RUN, Tally, count, mi_paper, records, reproduce, signalled, text};

#[test]
fn two_processes_do_not_interfere() {
    let root = tempfile::tempdir().unwrap();
    let whole = root.path().join("whole");
    assert!(reproduce(&whole, &[]).status.success());
    let expected = records(&whole);
    let mut tally = Tally::new("two processes");
    for round in 0..count(2, 20) {
        let out = root.path().join(format!("both-{round}"));
        let start = || {
            let mut command = mi_paper();
            command.args(RUN).arg(&out).stdout(Stdio::null()).stderr(Stdio::piped());
            command.spawn().unwrap()
        };
        let outputs = [start(), start()].map(|child| child.wait_with_output().unwrap());
        let mut done = 0;
        for output in outputs {
            let message = text(&output.stderr);
            let fate = match output.status.code() {
                Some(0) => Fate::Harmless,
                Some(1) if message.contains("another process works in") => Fate::Refused,
                _ => Fate::SilentlyWrong,
            };
            done += u64::from(fate == Fate::Harmless);
            tally.note(format!("round {round}: {message}"), fate);
        }
        assert!(done > 0, "each was refused because of the other");
        let fate = if records(&out) == expected { Fate::Harmless } else { Fate::SilentlyWrong };
        tally.note(format!("round {round}, records"), fate);
    }
    // Two processes for a single trial, and one for the full run at the same time.
    let out = root.path().join("trials");
    assert!(reproduce(&out, &["--dry-run"]).status.success());
    let id = "dependent.none.mlp.nwj.dependent.s0";
    let trial = || mi_paper().arg("trial").arg(&out).arg(id).stderr(Stdio::piped()).spawn();
    let children = [trial().unwrap(), trial().unwrap()];
    let meanwhile = reproduce(&out, &[]);
    for child in children {
        let output = child.wait_with_output().unwrap();
        let refused = text(&output.stderr).contains("another process works in");
        let fate = match (output.status.success(), refused) {
            (true, _) => Fate::Harmless,
            (false, true) => Fate::Refused,
            (false, false) => Fate::SilentlyWrong,
        };
        tally.note(format!("trial: {}", text(&output.stderr)), fate);
    }
    let after = if meanwhile.status.success() { meanwhile } else { reproduce(&out, &[]) };
    let same = after.status.success() && records(&out) == expected;
    tally.note("in the end", if same { Fate::Harmless } else { Fate::SilentlyWrong });
    tally.finish();
}

/// The command with a limit on the size of files, in kilobytes: it acts like a disk that fills up.
fn within(kilobytes: u64) -> Command {
    let mut command = Command::new("bash");
    command
        .args(["-c", "ulimit -f \"$1\"; shift; exec \"$@\"", "limited"])
        .arg(kilobytes.to_string())
        .arg(env!("CARGO_BIN_EXE_mi-paper"));
    command
}

/// Whether the size of files can be limited on this machine.
fn can_limit() -> bool {
    let can = within(1).args(["reproduce", "--list"]).output().is_ok();
    if !can {
        eprintln!("skipped: there is no bash to limit the size of files with");
    }
    can
}

#[test]
fn a_full_disk_is_reported_and_nothing_is_lost() {
    let root = tempfile::tempdir().unwrap();
    let whole = root.path().join("whole");
    assert!(reproduce(&whole, &[]).status.success());
    let expected = records(&whole);
    if !can_limit() {
        return;
    }
    let mut tally = Tally::new("full disk");
    // The limit decides which file is the first that is too large: from the plan to the report.
    let limits: &[u64] =
        if count(0, 1) == 0 { &[1, 4, 600] } else { &[1, 2, 3, 4, 6, 8, 12, 16, 600] };
    for &kilobytes in limits {
        let out = root.path().join(format!("limit-{kilobytes}"));
        let mut command = within(kilobytes);
        command.args(RUN).arg(&out).args(["--checkpoint-every", "1ms"]);
        let full = command.output().unwrap();
        let message = text(&full.stderr);
        let named = message.contains("File too large") && message.contains(&*out.to_string_lossy());
        let fate = match (full.status.code(), named) {
            (Some(0), _) if records(&out) == expected => Fate::Harmless,
            (Some(1), true) => Fate::Refused,
            _ => Fate::SilentlyWrong,
        };
        tally.note(format!("{kilobytes} kB: {message}"), fate);
        // Once there is room again, the same command continues.
        let after = reproduce(&out, &[]);
        let same = after.status.success() && records(&out) == expected;
        let fate = if same { Fate::Harmless } else { Fate::SilentlyWrong };
        tally.note(format!("after {kilobytes} kB: {}", text(&after.stderr)), fate);
    }
    tally.finish();
}

/// Trials of many steps. Of their files, only the checkpoints are larger than the limit.
const LONG: [&str; 8] =
    ["reproduce", "--preset", "smoke", "--experiment", "dependent", "--steps", "300", "--jobs"];
const LIMIT: u64 = 7;

/// On a full disk, the answer to a signal says what could not be saved, and why. The run continues
/// once there is room.
#[test]
fn a_full_disk_is_not_answered_with_everything_is_saved() {
    if !can_limit() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let (whole, out) = (root.path().join("whole"), root.path().join("run"));
    let run = |out: &Path| mi_paper().args(LONG).args(["2", "--out"]).arg(out).output().unwrap();
    assert!(run(&whole).status.success());
    let mut tally = Tally::new("signals on a full disk");
    for signal in ["-TERM", "-INT"] {
        let mut command = within(LIMIT);
        command.args(LONG).args(["2", "--checkpoint-every", "1h", "--out"]).arg(&out);
        let (code, message) = signalled(&mut command, signal);
        // The first answer only says what the program is waiting for.
        let ending = message.rsplit("interrupted; ").next().unwrap_or_default();
        let told = matches!(code, Some(130 | 143))
            && message.contains("File too large")
            && ending.contains("could not be saved (see above)")
            && !ending.contains("everything is saved");
        let fate = if told { Fate::Refused } else { Fate::SilentlyWrong };
        tally.note(format!("{signal} ({code:?}): {message}"), fate);
    }
    let after = run(&out);
    let same = after.status.success() && records(&out) == records(&whole);
    let fate = if same { Fate::Harmless } else { Fate::SilentlyWrong };
    tally.note(format!("with room: {}", text(&after.stderr)), fate);
    tally.finish();
}

/// The first trial that cannot be saved stops the run, since the others would fail one after
/// another.
#[test]
fn a_full_disk_stops_the_run_at_once() {
    if !can_limit() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    let mut command = within(LIMIT);
    command.args(LONG).args(["1", "--checkpoint-every", "1ms", "--out"]).arg(&out);
    let output = command.output().unwrap();
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert_eq!(
        message.matches("cannot write").count(),
        2,
        "a checkpoint and the report: {message}"
    );
    assert!(message.contains("make room, then run the same command again"), "{message}");
    assert!(
        message.contains("stopped, since there is no room to write; 1 of the trials"),
        "{message}"
    );
    assert_eq!(fs::read_dir(out.join("trials")).unwrap().count(), 1, "{message}");
}

/// If the folder is not writable, the command says so before any trial runs.
#[test]
fn a_folder_that_is_not_writable_is_named() {
    let root = tempfile::tempdir().unwrap();
    let (out, program) = (root.path().join("run"), root.path().join("mi-paper"));
    assert!(reproduce(&out, &["--dry-run"]).status.success());
    fs::copy(env!("CARGO_BIN_EXE_mi-paper"), &program).unwrap();
    for folder in [root.path(), &out] {
        let _ = Command::new("chmod").args(["755"]).arg(folder).status();
    }
    // Root may write anywhere, so root runs the program as another user.
    let is_root = text(&Command::new("id").arg("-u").output().unwrap().stdout).trim() == "0";
    let attempt = |arguments: &[&str], folder: &Path| {
        let mut command = Command::new(&program);
        command.args(arguments).arg(folder);
        if is_root {
            command.uid(65534).gid(65534);
        }
        command.output()
    };
    if !is_root {
        let _ = Command::new("chmod").arg("555").arg(&out).status();
        let _ = Command::new("chmod").arg("555").arg(root.path()).status();
    }
    let mut tally = Tally::new("read-only folder");
    for folder in [out.clone(), root.path().join("new")] {
        let Ok(output) = attempt(&RUN, &folder) else {
            eprintln!("skipped: the program cannot be started as another user here");
            return;
        };
        let message = text(&output.stderr);
        let named = message.contains("Permission denied") && message.contains("--out");
        let refused = output.status.code() == Some(1) && named;
        tally.note(message, if refused { Fate::Refused } else { Fate::SilentlyWrong });
    }
    // Reading needs no write access.
    let status = attempt(&["reproduce", "--status", "--out"], &out).unwrap();
    let told = text(&status.stdout).contains("0 of 4 trials have ended");
    tally.note("status", if told { Fate::Harmless } else { Fate::SilentlyWrong });
    let _ = Command::new("chmod").arg("755").arg(root.path()).arg(&out).status();
    tally.finish();
}
