//! Labels keep their identity: different spellings are different labels. Row numbers are not a
//! feature.

use std::fmt::Write as _;

use crate::folder::{Folder, Run};

/// A table in which every row of `labels` has its own code, 25 times.
fn coded(labels: &[&str]) -> String {
    let mut table = "label,code\n".to_owned();
    for _ in 0..25 {
        for (i, label) in labels.iter().enumerate() {
            let _ = writeln!(table, "{label},c{i}");
        }
    }
    table
}

fn run(table: impl AsRef<[u8]>, args: &[&str]) -> Run {
    Folder::with("t.csv", table).run(args)
}

/// The information between the labels and their codes, which is the entropy of the labels.
#[track_caller]
fn information(labels: &[&str], options: &[&str]) -> f64 {
    let args = ["estimate", "t.csv", "--x", "label", "--y", "code", "--no-interval", "--json"];
    let json = run(coded(labels), &[&args, options].concat()).json();
    json["results"][0]["estimates"][0]["uncorrected"].as_f64().unwrap()
}

/// The columns of a table, as `mi columns` lists them.
#[track_caller]
fn columns(table: impl AsRef<[u8]>, options: &[&str]) -> serde_json::Value {
    run(table, &[&["columns", "t.csv", "--json"], options].concat()).json()["columns"].clone()
}

const WRITTEN_DIFFERENTLY: [[&str; 4]; 6] = [
    ["007", "7", "0870", "870"],
    ["1.1", "1.10", "1.100", "1.2"],
    ["9007199254740992", "9007199254740993", "9007199254740994", "9007199254740995"],
    ["1e3", "1000", "1E3", "1000.0"],
    ["\"01\"", "\"1\"", "\"+1\"", "\"1.\""],
    ["12345678901234567890", "12345678901234567891", "12345678901234567892", "0"],
];

#[test]
fn labels_that_are_written_differently_are_different() {
    for labels in WRITTEN_DIFFERENTLY {
        for options in [&[][..], &["--discrete", "label"]] {
            let found = information(&labels, options);
            assert!((found - 4_f64.ln()).abs() < 1e-9, "{labels:?} {options:?}: {found}");
        }
    }
}

#[test]
fn labels_are_printed_as_they_are_written() {
    for labels in WRITTEN_DIFFERENTLY {
        for options in [&[][..], &["--discrete", "label"]] {
            let listed = columns(coded(&labels), options)[0]["labels"].clone();
            let mut listed: Vec<String> = serde_json::from_value(listed).unwrap();
            let mut written = labels.map(|label| label.trim_matches('"').to_owned());
            listed.sort();
            written.sort();
            assert_eq!(listed, written);
        }
    }
}

#[test]
fn numbers_are_told_apart_only_where_that_matters() {
    // The sign of 0 comes from rounding.
    let json = columns("x,y\n-0.0,a\n0.0,b\n1.0,a\n-0.0,a\n0.0,b\n1.0,b\n", &[]);
    assert_eq!((&json[0]["distinct"], &json[0]["labels"]), (&2.into(), &serde_json::Value::Null));
    let run = run(coded(&["007", "7", "1", "2"]), &["columns", "t.csv"]);
    run.said(&["`label`: `007` and `7` are different labels", "--continuous 'label'"]);
    let numbers = columns(coded(&["007", "7", "1", "2"]), &["--continuous", "label"]);
    assert_eq!((&numbers[0]["distinct"], &numbers[0]["max"]), (&3.into(), &7.0.into()));
    // On a scale the spelling has no meaning.
    let mut table = "x\n".to_owned();
    for i in 0..300 {
        let _ = writeln!(table, "{0}\n{0}.0", i * 7 % 301);
    }
    assert_eq!(columns(table, &[])[0]["labels"], serde_json::Value::Null);
}

#[test]
fn codes_with_leading_zeros_on_a_scale_are_said() {
    let mut table = "zip\n".to_owned();
    for i in 0..400 {
        let _ = writeln!(table, "{:05}", i * 37);
    }
    run(table, &["columns", "t.csv"])
        .said(&["`zip` holds numbers with leading zeros, such as `00000`", "`--discrete`"]);
}

#[test]
fn the_missing_tokens_can_be_labels() {
    let table = "country,x\nNA,1\nDE,2\n,3\nnull,4\nnone,5\nNA,6\n";
    let json = columns(table, &["--na", "none"]);
    assert_eq!(json[0]["labels"], serde_json::json!(["DE", "NA", "none", "null"]));
    assert_eq!(json[0]["missing"], 1);
    run(table, &["columns", "t.csv", "--na", "none"]).said(&["label `none`", "`--na '\"none\"'`"]);
    let json = columns(table, &["--na", "none", "--na", "\"none\"", "--na", "null"]);
    assert_eq!(json[0]["labels"], serde_json::json!(["DE", "NA"]));
    assert_eq!(columns(table, &[])[0]["missing"], 4);
}

/// A table whose first column is called `name` and numbers the rows from `first`.
fn numbered(name: &str, first: i64, step: i64) -> String {
    let mut table = format!("{name},f1,f2,label\n");
    for i in 0..60_i64 {
        let label = if i < 30 { "a" } else { "b" };
        let part = |by: f64| (i as f64 * by).fract();
        let (f1, f2) = (part(0.618_033_988_7), part(0.754_877_666_2));
        let _ = writeln!(table, "{},{f1},{f2},{label}", first + i * step);
    }
    table
}

#[test]
fn a_column_that_numbers_the_rows_is_no_feature() {
    for (name, first, step, left_out) in [
        ("", 0, 1, true),
        ("", 500, 1, true),
        ("Unnamed: 0", 3, 1, true),
        ("index", 0, 1, true),
        ("id", 1, 1, true),
        ("id", 1000, 1, true),
        ("offset", -7, 1, true),
        ("depth", 1000, 5, false),
    ] {
        let folder = Folder::with("t.csv", numbered(name, first, step));
        let names = |args: &[&str], key: &str| -> Vec<String> {
            let json = folder.run(args).json();
            let name = |column: &serde_json::Value| {
                column.as_str().or(column["column"].as_str()).unwrap().to_owned()
            };
            json[key].as_array().unwrap().iter().map(name).collect()
        };
        let rank = ["rank", "t.csv", "--target", "label", "--permutations", "0", "--json"];
        assert_eq!(names(&rank, "columns").len(), if left_out { 2 } else { 3 }, "{name} {first}");
        assert_eq!(names(&[&rank[..], &["--keep-row-numbers"]].concat(), "columns").len(), 3);
        assert_eq!(names(&[&rank[..], &["--columns", "1,2"]].concat(), "columns").len(), 2);
        let matrix = names(&["matrix", "t.csv", "--json"], "columns");
        assert_eq!(matrix.len(), if left_out { 3 } else { 4 });
        let run = folder.run(&rank);
        assert_eq!(run.err.contains("`--keep-row-numbers` keeps it"), left_out, "{}", run.err);
    }
}

#[test]
fn the_sides_stand_behind_row_numbers() {
    let table: String = numbered("", 0, 1)
        .lines()
        .map(|line| {
            line.rsplit_once(',').map_or(String::new(), |(front, _)| front.to_owned() + "\n")
        })
        .collect();
    let folder = Folder::with("t.csv", &table);
    let json = folder.run(&["estimate", "t.csv", "--no-interval", "--json"]).json();
    assert_eq!((&json["x"], &json["y"]), (&["f1"][..].into(), &["f2"][..].into()));
    folder.run(&["estimate", "t.csv", "--keep-row-numbers"]).refused(2, &["there are 3 columns"]);
    // Two files, each with its own.
    folder.write("u.csv", &table);
    let json = folder.run(&["estimate", "t.csv", "u.csv", "--no-interval", "--json"]).json();
    assert_eq!(json["x"], serde_json::json!(["t.f1", "t.f2"]));
    // If there is nothing else, it is used.
    let mut table = String::new();
    for i in 0..50 {
        let _ = writeln!(table, "{i},{}", i * i % 17);
    }
    folder.write("two.csv", table);
    let run = folder.run(&["estimate", "two.csv", "--no-interval"]);
    assert_eq!(run.code, 0, "{}", run.err);
    run.said(&["counts the rows; it is used because there is no other column"]);
}

#[test]
fn labels_that_hardly_repeat_are_named() {
    let mut table = "id,near,x,y\n".to_owned();
    for i in 0..60_i64 {
        let _ = writeln!(table, "p{i},q{},{},{}", i.min(50 + i / 55), (i * 37) % 61, i % 2);
    }
    let run = run(&table, &["rank", "t.csv", "--target", "x", "--permutations", "0", "--json"]);
    run.said(&[
        "`id` is left out: each of its 60 labels is unique, such as `p0`",
        "`near` holds 52 labels in 60 rows",
    ]);
    let near = &run.json()["columns"].as_array().unwrap().clone();
    let near = near.iter().find(|column| column["column"] == "near").unwrap();
    assert_eq!(near["rows"], 10, "{near}");
    let args = ["estimate", "t.csv", "--x", "near", "--y", "x", "--no-interval", "--json"];
    let run = self::run(&table, &args);
    run.said(&["50 rows were left out: their label of `near` occurs in no other row"]);
    let json = run.json();
    assert_eq!((&json["rows"], &json["rows_left_out"]), (&10.into(), &50.into()));
    let args = ["estimate", "t.csv", "--x", "near", "--y", "x", "--no-interval", "--csv"];
    let csv = self::run(&table, &args).out;
    assert!(csv.lines().nth(1).unwrap().starts_with("near,x,,0,10,"), "{csv}");
}

#[test]
fn other_spellings_of_numbers_are_named_by_column_and_read_when_asked_for() {
    let table = "g,p,d,t,f\n12.5%,\"$1,234\",31/12/2023,12:30,3.0D-6\n\
                 7%,-$5,02/01/2024,9:15,1.0D+00\n7%,$5,02/01/2024,9:15 pm,1.0D+00\n"
        .to_owned();
    run(&table, &["columns", "t.csv"]).said(&[
        "`g` holds percentages, such as `12.5%`",
        "`--percent`",
        "`p` holds amounts of money",
        "`--currency` and `--thousands ','`",
        "`d` holds dates, such as `31/12/2023`",
        "`--dates=dmy`",
        "`t` holds times",
        "`f` holds numbers with Fortran's exponent",
        "`--fortran`",
    ]);
    let options = ["--percent", "--currency", "--thousands", ",", "--dates=dmy", "--fortran"];
    let json = columns(&table, &options);
    let range = |i: usize| (json[i]["min"].as_f64().unwrap(), json[i]["max"].as_f64().unwrap());
    assert_eq!(range(0), (0.07, 0.125));
    assert_eq!(range(1), (-5.0, 1234.0));
    assert_eq!(range(2), (1_703_980_800.0, 1_704_153_600.0));
    assert_eq!(range(3), (33_300.0, 76_500.0));
    assert_eq!(range(4), (3e-6, 1.0));
}

#[test]
fn a_number_in_another_spelling_among_numbers_is_named_with_its_option() {
    let refused = |cell: &str, option: &str| {
        let args = ["estimate", "t.csv", "--x", ":", "--y", ":"];
        run(format!("x\n1\n2\n{cell}\n"), &args)
            .refused(1, &["line 4, column `x`", &format!("`{cell}`"), option]);
    };
    refused("12%", "`--percent`");
    refused("$12", "`--currency`");
    refused("2024-01-02", "`--dates`");
    let mixed = "x\n$1\n$2\n€3\n";
    run(mixed, &["estimate", "t.csv", "--x", ":", "--y", ":", "--currency"])
        .refused(1, &["`€3` is not a number in `$`", "one currency"]);
    for (first, second, options) in [
        ("2024-01-01 00:10", "12:30", &["--dates"][..]),
        ("12:30", "2024-01-01", &["--dates"]),
        ("5%", "$5", &["--percent", "--currency"]),
        ("1.0D+1", "5%", &["--percent", "--fortran"]),
    ] {
        let args = [&["estimate", "t.csv", "--x", ":", "--y", ":"], options].concat();
        run(format!("x\n{first}\n{second}\n"), &args).refused(
            1,
            &["line 3, column `x`", &format!("`{second}` is not a number, as the"), first, "whole"],
        );
    }
    run("x\n1%\n2%\n3\n", &["columns", "t.csv", "--percent"])
        .said(&["`x` holds 2 numbers such as `1%` and 1 in plain digits"]);
}

#[test]
fn a_critic_knows_labels_by_what_is_written() {
    let mut table = "x,y\n".to_owned();
    for i in 0..120 {
        let _ =
            writeln!(table, "{},{}", ["01", "1"][i % 2], (i % 2) as f64 + (i as f64).sin() / 4.0);
    }
    let folder = Folder::with("t.csv", table);
    let args = ["estimate", "t.csv", "--method", "neural", "--save", "c", "--no-interval"];
    let run = folder.run(&args);
    assert_eq!(run.code, 0, "{}", run.err);
    folder.write("new.csv", "x,y\n1,1.1\n01,0.1\n");
    let run = folder.run(&["pointwise", "new.csv", "--critic", "c"]);
    assert_eq!((run.code, run.out.lines().count()), (0, 3), "{}", run.err);
    folder.write("other.csv", "x,y\n7,1.1\n8,0.1\n");
    folder
        .run(&["pointwise", "other.csv", "--critic", "c"])
        .refused(1, &["`x` has none of the labels", "`01`", "`7`"]);
}

#[test]
fn quotes_are_how_csv_is_written_and_quotes_of_ones_own_are_kept() {
    let zero = |labels: [&str; 3]| information(&labels, &["--discrete", "label"]);
    // `1` means two codes: ln 3 minus the information that the merged label hides.
    let hidden = 3.0_f64.ln() - 2.0 / 3.0 * 2.0_f64.ln();
    assert!((zero(["1", "\"1\"", "2"]) - hidden).abs() < 1e-9);
    assert!((zero(["1", "\"\"\"1\"\"\"", "2"]) - 3.0_f64.ln()).abs() < 1e-9);
    let listed = columns(coded(&["\"10\"", "\"2\"", "\"3\""]), &[]);
    assert_eq!((&listed[0]["min"], &listed[0]["max"]), (&2.0.into(), &10.0.into()));
}

#[test]
fn a_zero_with_a_sign_is_said_to_be_a_zero() {
    let labels = ["-0", "0", "1"];
    let args = ["estimate", "t.csv", "--x", "label", "--y", "code", "--no-interval"];
    run(coded(&labels), &args)
        .said(&["`-0` and `0` are treated as one number", "--discrete 'label'"]);
    assert!((information(&labels, &["--discrete", "label"]) - 3.0_f64.ln()).abs() < 1e-9);
    let whole = run(coded(&["0", "1", "-1"]), &args);
    assert!(!whole.err.contains("one number"), "{}", whole.err);
}

#[test]
fn a_matrix_of_one_column_is_refused() {
    let rows: Vec<String> = (0..20).map(|i| format!("{i},{}", (i * 7) % 19)).collect();
    let folder = Folder::with("t.csv", format!("id,x\n{}\n", rows.join("\n")));
    let said = ["a matrix needs two columns or more, and there is 1 column"];
    let run = folder.run(&["matrix", "t.csv"]);
    run.refused(2, &said);
    run.said(&["`--keep-row-numbers` keeps them"]);
    folder.run(&["matrix", "t.csv", "--columns", "x"]).refused(2, &said);
}
