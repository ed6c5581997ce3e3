//! Tells the program which revision of its source it is built from.

use std::path::Path;
use std::process::Command;

/// The sources of this workspace, seen from this crate.
const SOURCES: [&str; 3] = ["..", "../../Cargo.toml", "../../Cargo.lock"];

fn main() {
    let reflog = git(&["rev-parse", "--git-path", "logs/HEAD"]);
    for path in SOURCES.into_iter().chain(reflog.as_deref()) {
        // One that does not exist would have this run, and the crate compiled, every time.
        if Path::new(path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    if let Some(revision) = revision() {
        println!("cargo::rustc-env=MI_PAPER_REVISION={revision}");
    }
}

/// The revision, and whether the sources differ from it; `None` outside their repository.
fn revision() -> Option<String> {
    // A published crate may lie in somebody else's.
    git(&["ls-files", "--error-unmatch", "Cargo.toml"])?;
    let revision = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changes =
        git(&[&["status", "--porcelain", "--untracked-files=no", "--"], &SOURCES[..]].concat())?;
    Some(if changes.is_empty() { revision } else { format!("{revision} with uncommitted changes") })
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
