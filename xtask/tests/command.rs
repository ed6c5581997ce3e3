//! The commands as a user starts them, from other folders than the root.

#[cfg(unix)]
use std::fs;
use std::path::Path;

use assert_cmd::Command;

fn xtask() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.env_remove("CARGO_MANIFEST_DIR");
    command
}

fn stderr(command: &mut Command) -> String {
    let assert = command.assert().failure();
    String::from_utf8_lossy(&assert.get_output().stderr).into_owned()
}

/// A stand-in for cargo: a shell script.
#[cfg(unix)]
fn fake_cargo(folder: &Path, script: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;

    let path = folder.join("fake-cargo");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("an executable script");
    path
}

#[cfg(unix)]
#[test]
fn reproduce_hands_over_folder_arguments_and_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let assert = xtask()
        .current_dir(&folder)
        .env("CARGO", fake_cargo(&folder, "pwd; printf '%s\\n' \"$@\"; exit 130"))
        .args(["reproduce", "--preset", "smoke", "--data", "../data", "--help", "with space"])
        .assert()
        .code(130);
    let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().canonicalize().unwrap();
    assert_eq!(lines[0], folder.to_str().unwrap());
    assert_eq!(lines[1..3], ["run", "--manifest-path"]);
    assert_eq!(Path::new(lines[3]).canonicalize().unwrap(), root.join("Cargo.toml"));
    assert!(lines[4..].starts_with(&["--release", "--package", "mi-paper"]));
    let after: Vec<_> = lines.iter().skip_while(|line| **line != "--").skip(1).collect();
    assert_eq!(
        after,
        [&"reproduce", &"--preset", &"smoke", &"--data", &"../data", &"--help", &"with space"]
    );
}

/// A signal to the process that was started reaches the program at the end of the chain.
#[cfg(unix)]
#[test]
fn reproduce_becomes_its_child() {
    use std::os::unix::process::ExitStatusExt;

    let folder = tempfile::tempdir().unwrap();
    let cargo = fake_cargo(folder.path(), "kill -TERM $$");
    let output = xtask().env("CARGO", cargo).arg("reproduce").output().unwrap();
    assert_eq!(output.status.signal(), Some(15));
}

#[test]
fn a_missing_cargo_is_named() {
    let text = stderr(xtask().env("CARGO", "no-such-cargo").arg("reproduce"));
    assert!(text.contains("no-such-cargo run"), "{text}");
}

#[test]
fn unknown_commands_list_the_valid_ones() {
    let text = stderr(xtask().arg("benhc"));
    assert!(text.contains("bench"), "{text}");
    let text = stderr(xtask().args(["bench", "--rounds", "0"]));
    assert!(text.contains("--rounds"), "{text}");
    let text = stderr(xtask().args(["bench", "--threshold=-1", "--compare"]));
    assert!(text.contains("--threshold is a percentage"), "{text}");
}

#[test]
fn an_unknown_commit_is_refused_before_anything_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let text = stderr(xtask().current_dir(&folder).args(["bench", "--against", "no-such-ref"]));
    assert!(text.contains("`no-such-ref` is no commit here"), "{text}");
}

#[test]
fn comparing_nothing_says_how_to_make_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let records = folder.path().join("none");
    let mut command = xtask();
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    command.args(["bench", "--compare", "--records"]).arg(&records);
    let assert = command.assert().code(2);
    let text = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(text.contains("`cargo xtask bench` makes one"), "{text}");
}
