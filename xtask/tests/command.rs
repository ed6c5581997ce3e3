//! The commands as a user starts them, from folders other than the root.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

fn root() -> std::path::PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask is a member").canonicalize().expect("the checkout")
}

/// The program in this checkout, as cargo starts it.
fn xtask() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"));
    command
}

/// The program as started by hand.
fn by_hand() -> Command {
    let mut command = xtask();
    command.env_remove("CARGO_MANIFEST_DIR");
    command
}

fn stderr(command: &mut Command) -> String {
    let assert = command.assert().failure();
    String::from_utf8_lossy(&assert.get_output().stderr).into_owned()
}

#[cfg(unix)]
fn script(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;

    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("an executable script");
    path
}

/// A fake cargo, which saves its arguments in `cargo-arguments`, writes to standard error, and
/// reports that it built a program for mi-paper: this script.
#[cfg(unix)]
fn fake_cargo(folder: &Path, program: &str) -> std::path::PathBuf {
    let program = script(folder, "fake-mi-paper", program);
    let artifact = serde_json::json!({
        "reason": "compiler-artifact",
        "package_id": "mi-paper",
        "target": { "name": "mi-paper", "kind": ["bin"] },
        "executable": program,
    });
    let kept = folder.join("cargo-arguments");
    let text = format!(
        "printf '%s\\n' \"$@\" > '{}'\necho building >&2\ncat <<'END'\n{artifact}\nEND",
        kept.display()
    );
    script(folder, "fake-cargo", &text)
}

#[cfg(unix)]
#[test]
fn reproduce_hands_over_folder_arguments_and_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let assert = xtask()
        .current_dir(&folder)
        .env("CARGO", fake_cargo(&folder, "pwd; printf '%s\\n' \"$@\"; exit 130"))
        .args(["reproduce", "--preset", "smoke", "--data", "../data", "with space"])
        .assert()
        .code(130);
    let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let after = ["reproduce", "--preset", "smoke", "--data", "../data", "with space"];
    assert_eq!(lines, [&[folder.to_str().unwrap()][..], &after].concat());
    assert!(String::from_utf8_lossy(&assert.get_output().stderr).contains("building"));
    let build = fs::read_to_string(folder.join("cargo-arguments")).unwrap();
    let build: Vec<_> = build.lines().collect();
    assert_eq!(build[..2], ["build", "--manifest-path"]);
    assert_eq!(Path::new(build[2]).canonicalize().unwrap(), root().join("Cargo.toml"));
    assert!(build[3..].starts_with(&["--release", "--package", "mi-paper"]));
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

/// `cargo xtask reproduce 2>&1 | head -1`, and a disk that is full.
#[cfg(target_os = "linux")]
#[test]
fn a_closed_or_full_standard_error_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // A cargo that ends if its output is closed, as the real one does.
    let cargo = fake_cargo(folder.path(), "exit 7");
    let text =
        fs::read_to_string(&cargo).unwrap().replace("echo building >&2", "echo b >&2 || exit 101");
    let cargo = script(folder.path(), "strict-cargo", &text);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for stderr in [std::process::Stdio::from(writer), full.into()] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR")).env("CARGO", &cargo);
        let status = command.arg("reproduce").stderr(stderr).status().unwrap();
        assert_eq!(status.code(), Some(7));
    }
}

#[test]
fn help_builds_nothing() {
    for arguments in
        [&["--help"][..], &["bench", "--help"], &["reproduce", "--help"], &["reproduce", "-h"]]
    {
        let assert = xtask().env("CARGO", "no-such-cargo").args(arguments).assert().success();
        let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
        assert!(text.contains("Usage: cargo xtask"), "{arguments:?}: {text}");
    }
}

#[test]
fn the_checkout_is_the_one_that_it_is_run_in() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().canonicalize().unwrap();
    let bench = ["bench", "--compare"];
    let text = stderr(by_hand().current_dir(&other).args(bench));
    assert!(text.contains("there is no workspace with an xtask in"), "{text}");
    fs::create_dir_all(other.join("xtask/src")).unwrap();
    fs::write(other.join("Cargo.toml"), "[workspace]\n").unwrap();
    fs::write(other.join("xtask/Cargo.toml"), "").unwrap();
    let text = stderr(by_hand().current_dir(other.join("xtask/src")).args(bench));
    let records = other.join("bench-results").join("records");
    assert!(text.contains(&format!("no record in {}", records.display())), "{text}");
    // Cargo's environment says which checkout is meant.
    let named = other.join("xtask");
    let text = stderr(xtask().env("CARGO_MANIFEST_DIR", named).args(bench));
    assert!(text.contains(&format!("no record in {}", records.display())), "{text}");
}

#[test]
fn a_list_builds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let list = |arguments: &[&str]| {
        let mut command = xtask();
        command.env("CARGO_TARGET_DIR", folder.path());
        let assert = command.args(["bench", "--list"]).args(arguments).assert().success();
        String::from_utf8(assert.get_output().stdout.clone()).unwrap()
    };
    let all = list(&[]);
    assert!(all.lines().any(|line| line.starts_with("mi-kernels/yardstick/")), "{all}");
    let part = list(&["mi-kernels/yardstick/"]);
    assert!(part.lines().all(|line| line.starts_with("mi-kernels/yardstick/")), "{part}");
    // Nothing was recorded and nothing built: only the targets are known.
    let none = folder.path().join("none");
    let targets = list(&["--records", none.to_str().unwrap()]);
    assert!(targets.lines().all(|line| line.ends_with("/…")), "{targets}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_missing_cargo_is_named() {
    let text = stderr(xtask().env("CARGO", "no-such-cargo").arg("reproduce"));
    assert!(text.contains("no-such-cargo build"), "{text}");
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

/// Arguments and folder names are shown without control characters.
#[test]
fn names_cannot_steer_a_terminal() {
    let odd = "\u{1b}[2J\u{9b}31m\u{7}\r";
    let folder = tempfile::tempdir().expect("a folder");
    let records = folder.path().join(odd);
    for arguments in [vec![odd], vec!["bench", "--rounds", odd], vec!["bench", "--against", odd]] {
        let message = stderr(xtask().args(&arguments));
        assert_eq!(mi_plot::plain_lines(&message), message, "{arguments:?}");
    }
    let message = stderr(xtask().args(["bench", "--compare", "--records"]).arg(&records));
    assert_eq!(mi_plot::plain_lines(&message), message);
}

#[test]
fn an_unknown_commit_is_refused_before_anything_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let text = stderr(xtask().current_dir(&folder).args(["bench", "--against", "no-such-ref"]));
    assert!(text.contains("`no-such-ref` is not a commit here"), "{text}");
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
