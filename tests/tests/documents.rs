//! Files that documents name exist, and documents that say the same agree.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The documents of the workspace: Markdown at the top, in `docs` and of each crate.
fn documents() -> Vec<PathBuf> {
    let mut folders = vec![root(), root().join("docs"), root().join("bench-results")];
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let path = entry.unwrap().path();
        folders.extend([path.join("docs"), path]);
    }
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let files = files.map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// Texts between two marks.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(open).skip(1).filter_map(move |rest| rest.split_once(close).map(|(inner, _)| inner))
}

#[test]
fn code_that_documents_name_is_there() {
    let mut named = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let paths = between(&text, "`crates/", "`").filter(|path| !path.contains(['<', ' ', '*']));
        for path in paths {
            named += 1;
            let file = root().join("crates").join(path);
            assert!(file.exists(), "{} names crates/{path}", document.display());
        }
    }
    assert!(named > 30, "the test must find paths");
}

#[test]
fn links_within_the_repository_lead_somewhere() {
    let mut followed = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let folder = document.parent().unwrap();
        for link in between(&text, "](", ")") {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") || file.contains(char::is_whitespace) {
                continue;
            }
            followed += 1;
            assert!(folder.join(file).exists(), "{} links to {link}", document.display());
        }
    }
    assert!(followed > 30, "the test must find links");
}

#[test]
fn the_command_and_the_library_choose_methods_by_the_same_table() {
    let read = |path: &str| fs::read_to_string(root().join("crates").join(path)).unwrap();
    // Part of the documentation of `Method::fitting`.
    let table = read("mi-samples/src/estimate/fitting.md");
    assert!(table.starts_with("| sides") && read("mi-cli/README.md").contains(&table));
}
