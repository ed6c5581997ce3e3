//! Runs every command of the page `docs/first-five-minutes.md` and compares its output with the
//! page.
//!
//! If the environment variable `MI_WRITE_DOCS` is set, the page is rewritten instead: read the
//! difference before you keep it.

use std::fmt::Write as _;
use std::path::Path;

use crate::folder::Folder;

/// The words of a command line; single quotes keep blanks.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The page with the current output of its commands.
fn rerun(page: &str, folder: &Folder) -> String {
    let mut out = String::new();
    let mut in_block = false;
    for line in page.lines() {
        if line.starts_with("```") {
            in_block = line == "```console";
        }
        if !in_block || line == "```console" {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let Some(command) = line.strip_prefix("$ ") else { continue };
        let words = words(command);
        assert_eq!(words[0], "mi", "{command}");
        let args: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        let run = folder.run(&args);
        // On a terminal the messages come before the result, which is written at the end.
        let _ = write!(out, "{line}\n{}{}", run.err, run.out);
    }
    out
}

#[test]
fn the_page_says_what_the_commands_say() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let page = std::fs::read_to_string(docs.join("first-five-minutes.md")).unwrap();
    let folder = Folder::with("penguins.csv", include_bytes!("../../data/penguins.csv"));
    let now = rerun(&page, &folder);
    let figure = std::fs::read_to_string(folder.path("penguins.svg")).unwrap();
    if std::env::var_os("MI_WRITE_DOCS").is_some() {
        std::fs::write(docs.join("first-five-minutes.md"), now).unwrap();
        std::fs::write(docs.join("penguins.svg"), figure).unwrap();
        return;
    }
    for (number, (before, now)) in page.lines().zip(now.lines()).enumerate() {
        assert_eq!(before, now, "line {}", number + 1);
    }
    assert_eq!(page.lines().count(), now.lines().count());
    assert_eq!(std::fs::read_to_string(docs.join("penguins.svg")).unwrap(), figure, "the figure");
}
