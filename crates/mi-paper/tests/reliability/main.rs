//! Kills runs, damages their files and fills their disk: nothing is lost, and nothing is silently
//! wrong. Each test prints what it tried and how it ended. By default the tests take seconds; with
//! `MI_LONG_TESTS=1` they try the number of cases in the README.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corruption;
mod kills;
mod names;
mod obstacles;
mod readers;
mod strangers;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The run under test: four trials of four steps, which need no images.
const RUN: [&str; 10] = [
    "reproduce",
    "--preset",
    "smoke",
    "--experiment",
    "dependent",
    "--jobs",
    "2",
    "--steps",
    "4",
    "--out",
];

fn mi_paper() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mi-paper"))
}

fn reproduce(out: &Path, more: &[&str]) -> Output {
    mi_paper().args(RUN).arg(out).args(more).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn records(out: &Path) -> String {
    fs::read_to_string(out.join("records.csv")).unwrap_or_default()
}

/// The number of cases to try: by default, and with `MI_LONG_TESTS`.
fn count(usual: u64, long: u64) -> u64 {
    if std::env::var_os("MI_LONG_TESTS").is_some() { long } else { usual }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// All files under a folder, with paths relative to it, sorted.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_path_buf());
            }
        }
    }
    found.sort();
    found
}

/// Starts a command and sends it a signal once its first trial runs, since from then on it handles
/// signals. Returns its exit code and all of its messages.
fn signalled(command: &mut Command, signal: &str) -> (Option<i32>, String) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut message = String::new();
    while !message.contains(" step ") {
        assert_ne!(lines.read_line(&mut message).unwrap(), 0, "{message}");
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    lines.read_to_string(&mut message).unwrap();
    (child.wait().unwrap().code(), message)
}

/// The result of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// An error names what is wrong.
    Refused,
    /// The final records are right, with or without a warning.
    Harmless,
    /// The records differ without an error, even if there is a warning; or an error does not say
    /// where the problem is.
    SilentlyWrong,
}

/// Counts results, and prints them at the end.
struct Tally {
    name: &'static str,
    fates: Vec<(String, Fate)>,
}

impl Tally {
    fn new(name: &'static str) -> Self {
        Self { name, fates: Vec::new() }
    }

    fn note(&mut self, what: impl Into<String>, fate: Fate) {
        self.fates.push((what.into(), fate));
    }

    /// Prints the counts, so that the test runner does not capture them, and fails if anything was
    /// silently wrong.
    fn finish(self) {
        let of = |wanted| self.fates.iter().filter(|(_, fate)| *fate == wanted).count();
        let counts = [Fate::Refused, Fate::Harmless, Fate::SilentlyWrong].map(of);
        let [refused, harmless, wrong] = counts;
        let _ = writeln!(
            std::io::stderr(),
            "{:<24} tried {:>4}  refused {refused:>4}  harmless {harmless:>4}  silently wrong {wrong}",
            self.name,
            self.fates.len()
        );
        let wrong = self.fates.iter().filter(|(_, fate)| *fate == Fate::SilentlyWrong);
        let wrong: Vec<&str> = wrong.map(|(what, _)| what.as_str()).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(!self.fates.is_empty(), "nothing was tried");
    }
}
