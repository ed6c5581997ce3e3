//! Rows that are copies of others, warned of and left out.

use std::fmt::Write as _;

use mi_random::Stream;

use crate::folder::{Folder, Run};

/// Rows of a Gaussian pair with correlation 0.75.
fn pair(seed: u64, rows: usize) -> Vec<[f64; 2]> {
    let mut stream = Stream::new(seed, "pair");
    let mut row = || {
        let x = stream.normal();
        [x, 0.75 * x + (1.0 - 0.75 * 0.75_f64).sqrt() * stream.normal()]
    };
    (0..rows).map(|_| row()).collect()
}

fn csv(rows: &[[f64; 2]]) -> String {
    let mut text = String::from("x,y\n");
    for [x, y] in rows {
        writeln!(text, "{x},{y}").unwrap();
    }
    text
}

fn run(rows: &[[f64; 2]], command: &[&str]) -> Run {
    Folder::with("t.csv", csv(rows)).run(&[&[command[0], "t.csv"], &command[1..]].concat())
}

#[track_caller]
fn estimate(run: &Run) -> f64 {
    run.json()["results"][0]["estimates"][0]["value"].as_f64().unwrap()
}

const ESTIMATE: [&str; 3] = ["estimate", "--json", "--no-interval"];
const WITHOUT: [&str; 4] = ["estimate", "--json", "--no-interval", "--dedup"];

#[test]
fn copies_are_warned_of_and_can_be_left_out() {
    let full = pair(22, 400);
    let rounded: Vec<[f64; 2]> =
        full.iter().map(|row| row.map(|v| (v * 100.0).round() / 100.0)).collect();
    for rows in [full, rounded] {
        let base = estimate(&run(&rows, &ESTIMATE));
        let twice = rows.repeat(2);
        let found = run(&twice, &ESTIMATE);
        let json = found.json();
        let warnings = json["warnings"].as_array().unwrap();
        assert!(warnings.iter().any(|w| w["code"] == "duplicate_rows"), "{}", found.err);
        found.said(&["rows repeat an earlier one", "--dedup"]);
        assert!(estimate(&found) > base + 0.3);
        let once = run(&twice, &WITHOUT);
        assert!((estimate(&once) - base).abs() < 0.01, "{} {base}", estimate(&once));
        once.said(&["of 800 rows used; left out: 40", "that repeat an earlier row"]);
    }
}

#[test]
fn atoms_are_no_copies() {
    // Two in five rows are (0, 0), twenty are copied.
    let mut rows: Vec<[f64; 2]> = pair(23, 400);
    for row in rows.iter_mut().step_by(5) {
        *row = [0.0, 0.0];
    }
    for row in rows.iter_mut().skip(1).step_by(5) {
        *row = [0.0, 0.0];
    }
    let base = estimate(&run(&rows, &ESTIMATE));
    let copied = [&rows[..], &rows[2..5], &rows[202..205]].concat();
    run(&copied, &ESTIMATE).said(&["6 rows repeat an earlier one"]);
    let found = run(&copied, &WITHOUT);
    found.said(&["400 of 406 rows used; left out: 6 that repeat"]);
    assert_eq!(estimate(&found), base);
}

#[test]
fn every_command_that_advises_it_can_leave_them_out() {
    let (rows, twice) = (pair(24, 300), pair(24, 300).repeat(2));
    for command in [
        &["matrix"][..],
        &["rank", "--target", "y", "--no-interval", "--permutations", "19"],
        &["selftest"],
    ] {
        run(&twice, command).said(&["300 rows repeat an earlier one", "use --dedup"]);
        let once = run(&twice, &[command, &["--dedup"]].concat());
        assert_eq!(once.code, 0, "{}", once.err);
        assert!(!once.err.contains("--dedup"), "{}", once.err);
        assert_eq!(once.out, run(&rows, command).out);
    }
}

#[test]
fn rows_that_lag_behind_one_another_are_all_needed() {
    let found = run(&pair(25, 100), &["estimate", "--dedup", "--lag", "1"]);
    found.refused(2, &["--dedup", "--lag"]);
}

#[test]
fn a_pasted_table_with_repeats_of_its_own_is_said_to_be_pasted() {
    let own = pair(26, 200);
    let table = [&own[..], &own[..60]].concat().repeat(2);
    let found = run(&table, &ESTIMATE);
    found.said(&["nearly every row of the table occurs 2 times, or a multiple of that", "--dedup"]);
    run(&table, &WITHOUT).said(&["260 of 520 rows used; left out: 260 that repeat"]);
}

#[test]
fn cheap_p_values_of_several_columns_are_given() {
    let mut text = String::from("a,b,c,d\n");
    for ([a, b], [c, d]) in pair(27, 1000).into_iter().zip(pair(28, 1000)) {
        writeln!(text, "{a},{b},{c},{d}").unwrap();
    }
    let command = ["estimate", "t.csv", "--x", "a,b", "--y", "c,d", "--json", "--no-interval"];
    let found = Folder::with("t.csv", text).run(&command);
    let json = found.json();
    assert!(json["results"][0]["estimates"][0]["p_value"].is_number(), "{}", found.err);
}

#[test]
fn of_many_columns_whole_rows_decide_what_is_a_copy() {
    // Rows that are equal in `a` and `b` but differ in `c` are not copies; 30 others repeat
    // completely.
    let mut stream = Stream::new(31, "whole rows");
    let once: Vec<[f64; 3]> = (0..200)
        .map(|row| {
            let a = [0.5, 0.25, 0.125][row % 3] + (row / 2) as f64;
            [a, (a * 0.37).sin() + 0.1 * (row / 2 % 7) as f64, stream.normal()]
        })
        .collect();
    let table = |rows: &[[f64; 3]]| {
        let mut text = String::from("a,b,c\n");
        for [a, b, c] in rows {
            writeln!(text, "{a},{b},{c}").unwrap();
        }
        text
    };
    let folder = Folder::with("once.csv", table(&once));
    folder.write("copies.csv", table(&[&once[..], &once[..30]].concat()));
    for command in [&["rank", "--target", "a"][..], &["matrix"]] {
        let run = |file: &str, more: &[&str]| {
            let found = folder.run(&[&[command[0], file, "--json"], &command[1..], more].concat());
            let json = found.json();
            (found, json[if command[0] == "rank" { "columns" } else { "pairs" }].clone())
        };
        let (_, without) = run("once.csv", &[]);
        let (said, found) = run("copies.csv", &["--dedup"]);
        said.said(&[
            "200 of 230 rows used; left out: 30 that repeat an earlier row in all 3 columns",
        ]);
        assert_eq!(found, without, "{command:?}");
        assert!(found.as_array().unwrap().iter().all(|pair| pair["rows"] == 200));
    }
    // Missing values count as equal.
    let mut gaps = String::from("a,b,c\n");
    for (row, [a, b, c]) in once.iter().chain(&once[..30]).enumerate() {
        let b = if row % 200 % 4 == 0 { String::new() } else { b.to_string() };
        writeln!(gaps, "{a},{b},{c}").unwrap();
    }
    folder.write("gaps.csv", gaps);
    folder
        .run(&["matrix", "gaps.csv", "--dedup", "--missing", "drop"])
        .said(&["200 of 230 rows used; left out: 30"]);
}
