//! The fields of the JSON output are exactly those in `docs/json.md`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::folder::Folder;

const DOCS: &str = include_str!("../../docs/json.md");
const PENGUINS: &str = include_str!("../../data/penguins.csv");

/// The fields of a section, and those of them that may be absent.
fn documented(section: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut fields, mut optional) = (BTreeSet::new(), BTreeSet::new());
    for title in ["## Every command", &format!("## `mi {section}`")] {
        let text = DOCS.split(title).nth(1).unwrap().split("\n## ").next().unwrap();
        for line in text.lines().filter(|line| line.starts_with("| `")) {
            let field = line.split('`').nth(1).unwrap().to_owned();
            if line.contains("*(optional)*") || title == "## Every command" {
                optional.insert(field.clone());
            }
            fields.insert(field);
        }
    }
    (fields, optional)
}

/// The paths of the leaves.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                paths(value, &format!("{path}{dot}{name}"), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                paths(item, &format!("{path}[]"), found);
            }
        }
        // An empty array may have any fields; the other runs show which.
        Value::Array(_) => {}
        _ => {
            found.insert(path.to_owned());
        }
    }
}

#[track_caller]
fn agrees(command: &str, runs: &[&[&str]]) {
    let folder = Folder::with("penguins.csv", PENGUINS);
    let mut found = BTreeSet::new();
    for options in runs {
        let file: &[&str] = if command == "bench" { &[] } else { &["penguins.csv"] };
        let run = folder.run(&[&[command], file, &["--json", "-q"], *options].concat());
        let json: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!((&json["schema"], &json["command"]), (&"mi/1".into(), &command.into()));
        paths(&json, "", &mut found);
    }
    let (fields, optional) = documented(command);
    let unknown: Vec<_> = found.difference(&fields).collect();
    assert!(unknown.is_empty(), "not documented: {unknown:?}");
    let absent: Vec<_> = fields.difference(&found).filter(|f| !optional.contains(*f)).collect();
    assert!(absent.is_empty(), "documented but absent: {absent:?}");
}

#[test]
fn columns() {
    agrees("columns", &[&[]]);
}

#[test]
fn estimate() {
    let sides = ["--x", "bill_length_mm", "--y", "flipper_length_mm,year", "--missing", "drop"];
    let given = ["--given", "species"];
    let p = ["--permutations", "3", "--extrapolate"];
    agrees(
        "estimate",
        &[
            &[&sides[..], &given, &p].concat(),
            &[
                &sides[..4],
                &["--missing", "drop", "--no-interval", "--continuous", "year", "--usable"],
            ]
            .concat(),
        ],
    );
}

#[test]
fn matrix() {
    agrees("matrix", &[&["--columns", "3:5", "--missing", "drop"]]);
}

#[test]
fn rank() {
    let target = ["--target", "species", "--missing", "drop", "--columns", "3:4"];
    agrees(
        "rank",
        &[
            &[&target[..], &["--permutations", "3"]].concat(),
            &[&target[..], &["--permutations", "0", "--no-interval", "--extrapolate"]].concat(),
        ],
    );
}

#[test]
fn selftest() {
    agrees("selftest", &[&["--x", "bill_length_mm", "--y", "species", "--missing", "drop"]]);
}

#[test]
fn bench() {
    let quick = ["--rows", "100", "--seeds", "2", "--benchmarks", "1v1-normal-0.75"];
    agrees("bench", &[&quick, &["--rows", "100", "--calibration", "2"]]);
}
