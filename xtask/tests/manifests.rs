//! Checks that apply to every manifest of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

fn members() -> Vec<PathBuf> {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = xtask.parent().expect("xtask is a member");
    let crates = fs::read_dir(root.join("crates")).expect("the crates");
    let mut members: Vec<_> = crates.map(|entry| entry.expect("an entry").path()).collect();
    members.retain(|member| member.join("Cargo.toml").is_file());
    members.extend([root.join("tests"), xtask.to_owned()]);
    members
}

/// The test harness of a library or program runs in `cargo bench` unless disabled, and fails on
/// criterion's options (bheisler/criterion.rs#193).
#[test]
fn libraries_and_programs_stay_out_of_cargo_bench() {
    for member in members() {
        let manifest = fs::read_to_string(member.join("Cargo.toml")).expect("a manifest");
        for (source, section) in [("src/lib.rs", "[lib]"), ("src/main.rs", "[[bin]]")] {
            if !member.join(source).is_file() {
                continue;
            }
            let text = manifest.split(&format!("\n{section}\n")).nth(1).unwrap_or_default();
            let text = text.split("\n[").next().unwrap_or_default();
            let says = text.lines().any(|line| line.trim() == "bench = false");
            assert!(says, "{}: `{section}` needs `bench = false`", member.display());
        }
    }
}

/// A version on a path dependency of tests makes publishing in any order impossible
/// (rust-lang/cargo#4242).
#[test]
fn dev_dependencies_on_members_have_no_version() {
    for member in
        members().iter().filter(|member| member.parent().is_some_and(|p| p.ends_with("crates")))
    {
        let manifest = fs::read_to_string(member.join("Cargo.toml")).expect("a manifest");
        let text = manifest.split("\n[dev-dependencies]\n").nth(1).unwrap_or_default();
        for line in text.split("\n[").next().unwrap_or_default().lines() {
            let inherits = line.starts_with("mi-") && line.contains("workspace");
            let versioned = line.starts_with("mi-") && line.contains("version");
            assert!(!inherits && !versioned, "{}: {line}: path only", member.display());
        }
    }
}
