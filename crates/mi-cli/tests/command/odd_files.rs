//! Files with something odd in them: reported, read, or identified.

use crate::folder::Folder;

#[test]
fn columns_reports_odd_cells_with_their_lines_and_never_fails_on_content() {
    let table = "x,y,z,w\n1,2,a,1\n3,inf,1,b\n12 34,4,b,c\n5,6,c,d\n7,1e999,2,e\n";
    let folder = Folder::with("t.csv", table);
    let run = folder.run(&["columns", "t.csv", "--json"]);
    run.said(&[
        "t.csv, line 4, column `x`: `12 34` is not a number",
        "t.csv, line 3, column `y`: `inf` is not a finite number",
        "and 1 more odd cell in the same column",
        "`w` holds numbers and text (`b` in line 3)",
    ]);
    let json = run.json();
    let of = |i: usize, key: &str| json["columns"][i][key].clone();
    assert_eq!((of(0, "odd"), of(0, "missing"), of(0, "max")), (1.into(), 0.into(), 7.0.into()));
    assert_eq!((of(1, "odd"), of(1, "distinct")), (2.into(), 3.into()));
    assert_eq!(of(2, "labels"), serde_json::json!(["1", "2", "a", "b", "c"]));
    assert_eq!(of(3, "labels"), serde_json::json!(["1", "b", "c", "d", "e"]));
    for table in [
        "x\n\"1,5\"\n\"2,5\"\n",
        "x\noops\n1\n2\n",
        "x,y\n1,2\n3\n4,5\n",
        "x,y\nZ\u{fffd},1\n2,2\n",
    ] {
        let run = Folder::with("t.csv", table).run(&["columns", "t.csv"]);
        assert_eq!(run.code, 0, "{table}: {}", run.err);
    }
    let latin1 = b"a,town\n1,Bern\n2,Z\xFCrich\n3\n".as_slice();
    Folder::with("t.csv", latin1).run(&["columns", "t.csv"]).said(&[
        "t.csv, line 3, column `town`: byte 0xFC is not UTF-8",
        "t.csv, line 4: 1 field where 2 are expected",
        "1 row like this is left out of this list",
    ]);
    // The others refuse.
    let args = ["estimate", "t.csv", "--x", ":", "--y", ":"];
    folder.run(&args).refused(1, &["line 3, column `y`"]);
}

#[test]
fn the_list_fits_a_terminal() {
    let name = "a very long name that somebody wrote into a spreadsheet";
    let cell = "and an answer in many words as surveys have them".repeat(40);
    let table = format!(
        "{name},{name} 2,x\n{cell},0.30000000000000004,-1234567.891\n{cell}!,0.1,0.00000123456\n"
    );
    let run = Folder::with("t.csv", table).run(&["columns", "t.csv"]);
    assert!(run.out.lines().all(|line| line.chars().count() <= 80), "{}", run.out);
    for range in ["0.1 to 0.3", "-1.2346e6 to 1.2346e-6"] {
        assert!(run.out.contains(range), "{}{}", run.out, run.err);
    }
}

#[test]
fn nothing_from_a_file_steers_the_terminal() {
    let table = "a\u{1b}[31mred,b\u{202e}c,x\nfoo\u{1b}]0;t\u{7},1,1\nbar,2,\u{9b}2J\n";
    let folder = Folder::with("t.csv", table);
    let plain = |text: &str| {
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.chars().any(steers), "{text:?}");
    };
    for args in [
        &["columns", "t.csv"][..],
        &["estimate", "t.csv", "--x", "1", "--y", "2"],
        &["estimate", "t.csv", "--x", "1", "--y", "3"],
        &["estimate", "t.csv", "--x", "a", "--y", "3"],
        &["matrix", "t.csv", "--columns", "1,2"],
        &["rank", "t.csv", "--target", "2"],
    ] {
        let run = folder.run(args);
        plain(&run.out);
        plain(&run.err);
    }
}

#[test]
fn no_argument_steers_the_terminal() {
    let odd = "\u{1b}[2J\u{9b}31m\u{7}\r";
    let folder = Folder::with("t.csv", "x,y\n1,2\n2,3\n");
    for arguments in [
        &["estimate", "t.csv", "--method", odd][..],
        &["estimate", "t.csv", "--x", odd, "--y", "y"],
        &["columns", odd],
        &[odd],
    ] {
        let run = folder.run(arguments);
        assert_ne!(run.code, 0);
        assert_eq!(mi_plot::plain_lines(&run.err), run.err, "{arguments:?}");
    }
}

#[test]
fn long_cells_are_cut_in_messages() {
    let table = format!("{0},y\n1,2\n3,{0}\n", "0x".repeat(50_000));
    let run = Folder::with("t.csv", table).run(&["estimate", "t.csv", "--x", "1", "--y", "2"]);
    run.refused(1, &["`0x0x", "0x` is not a number"]);
    assert!(run.err.len() < 500, "{}", run.err.len());
}

#[test]
fn a_spreadsheets_first_line_names_its_delimiter() {
    for (table, delimiter) in [
        ("sep=;\na;b\n1,5;2\n3;4\n", ";"),
        ("\u{feff}SEP=,\r\na,b\r\n1,2\r\n3,4\r\n", ","),
        ("sep=\t\na\tb\n1\t2\n3\t4\n", "tab"),
    ] {
        let folder = Folder::with("t.csv", table);
        let run = folder.run(&["columns", "t.csv", "--json"]);
        assert_eq!(run.json()["columns"][0]["name"], "a");
        let shown = if delimiter == "tab" { delimiter.into() } else { format!("`{delimiter}`") };
        run.said(&[&format!("delimiter {shown} (named in line 1)")]);
    }
    let folder = Folder::with("t.csv", "sep=;\na;b\n1;2\nx;4\n");
    let args = ["estimate", "t.csv", "--x", "1", "--y", "2"];
    folder.run(&args).refused(1, &["t.csv, line 4, column `a`"]);
}

#[test]
fn lines_above_a_table_are_skipped_and_counted() {
    for ending in ["\n", "\r\n", "\r"] {
        let table = "Logger 7; v2\nMade: \"May\n\nt,a\n1,2\n2,3\nx,4\n".replace('\n', ending);
        let folder = Folder::with("t.csv", table);
        let args = ["estimate", "t.csv", "--x", ":", "--y", ":", "--skip", "3"];
        folder.run(&args).refused(1, &["t.csv, line 7, column `t`"]);
        let run = folder.run(&["columns", "t.csv", "--skip", "3", "--json"]);
        run.said(&["t.csv: 3 lines skipped; delimiter `,`"]);
        assert_eq!(run.json()["rows"], 3);
        folder.run(&["columns", "t.csv", "--skip", "8"]).refused(1, &["t.csv has 7 lines"]);
        folder.run(&["columns", "t.csv", "--skip", "7"]).refused(1, &["nothing below its first 7"]);
    }
    let folder = Folder::with("t.csv", "Logger 7\nMay\n\nt,a\n1,2\n2,3\n");
    folder
        .run(&["estimate", "t.csv", "--x", "1", "--y", "1"])
        .refused(1, &["seems to begin in line 4, with `t, a`", "use `--skip 3`"]);
}

#[test]
fn packed_and_foreign_files_are_named_for_what_they_are() {
    for (bytes, part) in [
        (b"BZh91AY&SY\x01\x02".as_slice(), "is compressed with bzip2; unpack it"),
        (b"ARROW1\0\0\x01", "is a Feather file (Arrow IPC)"),
        (b"FEA1\0\0", "is a Feather file (version 1)"),
        (b"\x89HDF\r\n\x1a\n\0", "is an HDF5 file"),
        (b"\x80\x04\x95\x01", "is a Python pickle"),
    ] {
        Folder::with("t.csv", bytes).run(&["columns", "t.csv"]).refused(1, &["t.csv", part]);
    }
}

#[cfg(unix)]
#[test]
fn file_names_need_not_be_utf_8() {
    use std::os::unix::ffi::OsStrExt as _;

    let folder = Folder::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xE9.csv");
    std::fs::write(folder.path("").join(name), "a,b\n1,2\n3,4\n").unwrap();
    let output = std::process::Command::new(assert_cmd::cargo::cargo_bin!("mi"))
        .args(["columns".as_ref(), name])
        .current_dir(folder.path(""))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("caf\u{fffd}.csv"));
}

/// A gzip file of `line` repeated `times`.
fn gzipped(line: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..times {
        std::io::Write::write_all(&mut encoder, line).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn a_row_has_an_end() {
    for (line, times) in [(vec![b'1'; 1 << 20], 66), (vec![b','; 1 << 20], 2)] {
        let folder = Folder::with("t.csv", gzipped(&line, times));
        folder
            .run(&["columns", "t.csv"])
            .refused(1, &["t.csv has a row of more than", "in line 1"]);
    }
}

#[test]
fn a_bracket_does_not_make_a_table_json() {
    let folder = Folder::with("t.csv", "{x},y\n1,2\n2,3\n");
    let json = folder.run(&["columns", "t.csv", "--json"]).json();
    assert_eq!(json["columns"][0]["name"], "{x}");
    folder.write("t.json", "{\"x\": [1, 2]}");
    folder.run(&["columns", "t.json"]).refused(1, &["looks like JSON"]);
}

#[test]
fn numbers_too_large_for_estimators_are_named_by_line_and_column() {
    let folder = Folder::with("t.csv", "x,y\n1,2\n-2e145,3\n3,4\n");
    folder.run(&["estimate", "t.csv"]).refused(
        1,
        &["t.csv, row 2, column `x`: `-2e145` is too large", "below 1e145", "divide the column"],
    );
    let run = folder.run(&["columns", "t.csv", "--json"]);
    run.said(&["warning: t.csv, row 2, column `x`"]);
    let column = run.json()["columns"][0].clone();
    assert_eq!((&column["odd"], &column["max"]), (&1.into(), &3.0.into()));
    // As a label it has no size.
    let labels = folder.run(&["columns", "t.csv", "--discrete", "x", "--json"]).json();
    assert_eq!(labels["columns"][0]["odd"], 0);
}
