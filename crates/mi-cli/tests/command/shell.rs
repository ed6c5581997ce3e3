//! The command in a shell, with other commands.

use std::process::{Command, Stdio};

use crate::folder::Folder;

#[test]
fn help_goes_to_standard_output_and_shows_examples_defaults_and_units() {
    let run = Folder::new().run(&["--help"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    for part in ["Examples:", "nats", "Exit codes: 0", "mi columns data.csv"] {
        assert!(run.out.contains(part), "{part}");
    }
    let run = Folder::new().run(&["columns", "--help"]);
    assert!(run.out.contains("[default: auto]") && run.out.contains("Examples:"));
}

#[test]
fn wrong_words_are_usage_errors() {
    let folder = Folder::with("t.csv", "a,b\n1,2\n");
    folder.run(&["colums", "t.csv"]).refused(2, &["colums", "columns"]);
    folder.run(&["columns"]).refused(2, &["FILE"]);
    folder.run(&["columns", "t.csv", "--delimiter", "::"]).refused(2, &["one ASCII character"]);
    folder.run(&["columns", "t.csv", "--discrete", "c"]).refused(2, &["no column `c`", "a, b"]);
    folder.run(&["man", "nothing"]).refused(2, &["no command `nothing`"]);
}

#[test]
fn completions_and_manual_pages_cover_every_command() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = folder.run(&["completions", shell]);
        assert_eq!(run.code, 0);
        assert!(run.out.contains("columns") && run.out.contains("delimiter"), "{shell}");
    }
    let page = folder.run(&["man"]).out;
    assert!(page.starts_with(".ie") && page.contains(".TH mi 1"), "{}", &page[..200]);
    assert!(folder.run(&["man", "columns"]).out.contains("mi\\-columns"));
}

#[test]
fn quiet_silences_notes_but_not_errors() {
    let folder = Folder::with("t.csv", "a,b\n1,2\n");
    let run = folder.run(&["columns", "t.csv", "-q"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    folder.run(&["columns", "nowhere.csv", "-q"]).refused(1, &["nowhere.csv"]);
}

/// A reader that stops after the first line, as `head -1` does.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_error() {
    let wide = format!("{}\n{}\n", vec!["x"; 20_000].join(","), vec!["1"; 20_000].join(","));
    let folder = Folder::with("t.csv", wide);
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("mi"))
        .args(["columns", "t.csv", "--json", "-q"])
        .current_dir(folder.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let folder = Folder::with("t.csv", "a,b\n1,2\n");
    let output = Command::new(assert_cmd::cargo::cargo_bin!("mi"))
        .args(["columns", "t.csv", "-q"])
        .current_dir(folder.path(""))
        .stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot write standard output"));
}
