//! Files and streams for results and messages.

use std::process::{Command, Stdio};

use crate::folder::Folder;

const PENGUINS: &str = include_str!("../../data/penguins.csv");
const MATRIX: [&str; 6] = ["matrix", "p.csv", "--missing", "drop", "--columns", "3:5"];

fn penguins() -> Folder {
    Folder::with("p.csv", PENGUINS)
}

fn mi(folder: &Folder, args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("mi"));
    command.args(args).current_dir(folder.path(""));
    command
}

#[test]
fn an_output_replaces_no_input_and_other_files_by_force_only() {
    let folder = penguins();
    let matrix = |options: &[&str]| folder.run(&[&MATRIX[..], options].concat());
    for options in [&["--svg", "p.csv"][..], &["--svg", "./p.csv", "--force"]] {
        matrix(options).refused(2, &["p.csv is a file that this command reads"]);
    }
    assert_eq!(std::fs::read_to_string(folder.path("p.csv")).unwrap(), PENGUINS);
    folder.write("old.svg", "precious");
    matrix(&["--svg", "old.svg"]).refused(2, &["--svg: old.svg already exists; --force"]);
    assert_eq!(std::fs::read_to_string(folder.path("old.svg")).unwrap(), "precious");
    assert_eq!(matrix(&["--svg", "old.svg", "--force"]).code, 0);
    assert!(std::fs::read_to_string(folder.path("old.svg")).unwrap().starts_with("<svg"));
    let neural = ["estimate", "p.csv", "--x", "3", "--y", "4", "--missing", "drop"];
    let save = ["--method", "neural", "--save", "p.csv", "--force"];
    folder.run(&[&neural[..], &save].concat()).refused(2, &["--save: p.csv is a file that"]);
    let bench = ["bench", "--svg", "a.svg", "--heat", "a.svg"];
    folder.run(&bench).refused(2, &["--svg and --heat name the same file"]);
    let files = std::fs::read_dir(folder.path("")).unwrap();
    assert_eq!(files.count(), 2, "nothing else is left");
}

#[cfg(unix)]
#[test]
fn an_output_replaces_no_file_that_comes_by_standard_input() {
    let folder = penguins();
    let table = std::fs::File::open(folder.path("p.csv")).unwrap();
    let args = ["matrix", "-", "--missing", "drop", "--svg", "p.csv", "--force"];
    let output = mi(&folder, &args).stdin(Stdio::from(table)).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("is a file that this command reads"), "{error}");
    assert_eq!(std::fs::read_to_string(folder.path("p.csv")).unwrap(), PENGUINS);
}

/// `mi … 2>&1 | head -1`, and a disk that is full.
#[cfg(target_os = "linux")]
#[test]
fn a_closed_or_full_standard_error_ends_nothing() {
    let folder = penguins();
    let loud = folder.run(&MATRIX);
    assert!(!loud.err.is_empty(), "the test needs something that is said");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for stderr in [Stdio::from(writer), full.into()] {
        let run = mi(&folder, &MATRIX).stderr(stderr).output().unwrap();
        assert_eq!(run.status.code(), Some(0));
        assert_eq!(String::from_utf8(run.stdout).unwrap(), loud.out);
    }
    // Errors keep their code, and help is not an error.
    for (args, code) in [(&["matrix", "none.csv"][..], 1), (&["matrix", "--magic"], 2)] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let run = mi(&folder, args).stderr(full).output().unwrap();
        assert_eq!(run.status.code(), Some(code), "{args:?}");
    }
    // A full standard output is an error.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = mi(&folder, &MATRIX).stdout(full).output().unwrap();
    assert_eq!(run.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&run.stderr).contains("cannot write standard output"));
}

#[cfg(target_os = "linux")]
#[test]
fn names_of_outputs_need_not_be_utf_8() {
    use std::os::unix::ffi::OsStrExt as _;

    let folder = penguins();
    let name = std::ffi::OsStr::from_bytes(b"gr\xf6\xdfe.svg");
    let run = mi(&folder, &MATRIX).arg("--svg").arg(name).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(folder.path("").join(name).is_file());
}

#[test]
fn csv_output_is_no_formula_and_names_the_method() {
    let rows: Vec<String> = (0..60).map(|i| format!("{},{},{i}\n", (i * 17) % 61, i % 2)).collect();
    let rows = rows.concat();
    let folder = Folder::with("t.csv", format!("=cmd|' /C calc'!A0,@b,-c\n{rows}"));
    let read = |args: &[&str]| {
        let run = folder.run(&[args, &["--csv", "-q"]].concat());
        assert_eq!(run.code, 0, "{}", run.err);
        let mut reader = csv_rows(&run.out);
        let headings = reader.remove(0);
        assert!(reader.iter().all(|row| row.len() == headings.len()), "{}", run.out);
        (headings, reader)
    };
    let (headings, columns) = read(&["columns", "t.csv"]);
    assert_eq!((&headings[1][..], columns.len(), &columns[1][1][..]), ("column", 3, "'@b"));
    let (headings, pairs) = read(&["matrix", "t.csv"]);
    assert_eq!(headings.join(","), "x,y,rows,method,neighbours,nats,reason");
    assert_eq!(
        (pairs.len(), &pairs[0][0][..], &pairs[0][1][..]),
        (3, "'=cmd|' /C calc'!A0", "'@b")
    );
    let (headings, ranked) = read(&["rank", "t.csv", "--target", "3", "--permutations", "19"]);
    let place = |name: &str| headings.iter().position(|heading| heading == name).unwrap();
    assert_eq!(ranked.len(), 2);
    for row in &ranked {
        assert!(!row[place("method")].is_empty());
        assert!(row[place("corrected_p_value")].parse::<f64>().unwrap() <= 1.0);
    }
    let (headings, estimates) = read(&["estimate", "t.csv", "--x", "1", "--y", "3"]);
    let json = folder.run(&["estimate", "t.csv", "--x", "1", "--y", "3", "--json", "-q"]).json();
    let value = json["results"][0]["estimates"][0]["value"].as_f64().unwrap();
    let place = headings.iter().position(|heading| heading == "nats").unwrap();
    assert_eq!(estimates[0][place].parse::<f64>().unwrap(), value);
    let checks = folder.run(&["selftest", "t.csv", "--x", "1", "--y", "3", "--csv", "-q"]);
    assert!(checks.out.starts_with("check,expected,found,tolerance,holds\n"), "{}", checks.out);
    let quick = ["--rows", "100", "--seeds", "2", "--benchmarks", "1v1-normal-0.75"];
    let (_, scores) = read(&[&["bench", "--methods", "ksg1"], &quick[..]].concat());
    assert_eq!(
        (&scores[0][0][..], &scores[0][1][..], &scores[0][5][..]),
        ("1v1-normal-0.75", "ksg1", "2")
    );
}

/// The rows of CSV without line breaks in cells.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(String::from).collect()).collect()
}

#[test]
fn absurd_numbers_are_refused_and_named() {
    let folder = penguins();
    let x_y = ["estimate", "p.csv", "--x", "3", "--y", "4", "--missing", "drop", "-q"];
    for (option, value) in [
        ("--threads", "65535"),
        ("--threads", "0"),
        ("--permutations", "18446744073709551616"),
        ("--permutations", "18446744073709551615"),
        ("--permutations", "1000000000000"),
        ("--k", "4294967296"),
        ("--k", "4294967295"),
        ("--theiler", "18446744073709551615"),
        ("--block-length", "99999999999"),
        ("--lag", "99999999999999999999"),
        ("--lag", "0:99999999999999"),
        ("--folds", "4000000000"),
        ("--seed", "18446744073709551616"),
    ] {
        let run = folder.run(&[&x_y[..], &[option, value]].concat());
        assert!([1, 2].contains(&run.code), "{option} {value}: {} {}", run.code, run.out);
        assert!(run.err.len() < 500 && run.out.is_empty(), "{}", run.err);
    }
    for (option, value) in [
        ("--rows", "4000000000"),
        ("--seeds", "4000000000"),
        ("--calibration", "4000000000"),
        ("--k", "4000000000"),
    ] {
        let quick = ["bench", "--benchmarks", "1v1-normal-0.75", "--methods", "ksg1", "-q"];
        let run = folder.run(&[&quick[..], &[option, value]].concat());
        assert!([1, 2].contains(&run.code), "{option} {value}: {} {}", run.code, run.out);
    }
}

#[test]
fn a_matrix_of_eight_columns_fits_80_places_with_the_rows_of_each_pair() {
    let folder = penguins();
    let run = folder.run(&["matrix", "p.csv", "--missing", "drop", "-q"]);
    let lines: Vec<&str> = run.out.lines().collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{}", run.out);
    assert_eq!(lines[1], "below the diagonal: the rows that each pair uses");
    // Bill length and species are missing together twice, sex in nine more rows.
    let cells = |number: &str| -> Vec<&str> {
        let line = lines.iter().find(|line| line.starts_with(number)).unwrap();
        line.split_whitespace().collect()
    };
    assert_eq!(cells("3 ")[2..4], ["342", "344"].map(|_| "342"));
    assert_eq!(cells("7 ")[2], "333");
    assert!(cells("1 ")[3].starts_with("0."));
}

#[test]
fn columns_that_belong_together_stand_together_on_request() {
    let rows: Vec<String> = (0..200)
        .map(|i| {
            let (a, b) = ((i * 37) % 211, (i * 91) % 223);
            format!("{a},{b},{},{}\n", a * 2 + i % 3, b * 3 + i % 5)
        })
        .collect();
    let folder = Folder::with("t.csv", format!("a,b,like_a,like_b\n{}", rows.concat()));
    let columns = |options: &[&str]| {
        let common = ["matrix", "t.csv", "--json", "-q"];
        folder.run(&[&common[..], options].concat()).json()["columns"].clone()
    };
    assert_eq!(columns(&[]), serde_json::json!(["a", "b", "like_a", "like_b"]));
    let ordered: Vec<String> = serde_json::from_value(columns(&["--order", "clusters"])).unwrap();
    let at = |name: &str| ordered.iter().position(|other| other == name).unwrap();
    assert_eq!((at("a").abs_diff(at("like_a")), at("b").abs_diff(at("like_b"))), (1, 1));
}

#[test]
fn one_warning_about_many_columns_is_one_line() {
    let names: Vec<String> = (0..12).map(|n| format!("v{n}")).collect();
    let rows: String = (0..50)
        .map(|i| {
            let cells =
                (0..12).map(|n| ((i * i * (n + 1) + i) % 5).to_string()).collect::<Vec<_>>();
            cells.join(",") + "\n"
        })
        .collect();
    let folder = Folder::with("t.csv", format!("{}\n{rows}", names.join(",")));
    let run = folder.run(&["matrix", "t.csv"]);
    let about = run.err.lines().filter(|line| line.contains("is treated as")).collect::<Vec<_>>();
    assert_eq!(about.len(), 1, "{}", run.err);
    assert!(about[0].contains("11 more columns: `v1`, `v2`, `v3`, …, `v11`"), "{}", about[0]);
    let json = folder.run(&["matrix", "t.csv", "--json"]).json();
    assert!(json["warnings"].as_array().unwrap().iter().all(|one| one["columns"].is_array()));
}
