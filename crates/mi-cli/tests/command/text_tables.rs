//! Text tables as they occur: each case gives its values or its message.

use crate::folder::{Folder, Run};

/// `mi columns` on a file of these bytes.
fn columns(bytes: impl AsRef<[u8]>, options: &[&str]) -> Run {
    let folder = Folder::with("t.csv", bytes);
    folder.run(&[&["columns", "t.csv", "--json"], options].concat())
}

/// `mi estimate` of all columns of such a file, which refuses what `mi columns` reports.
fn strict(bytes: impl AsRef<[u8]>, options: &[&str]) -> Run {
    let folder = Folder::with("t.csv", bytes);
    folder.run(&[&["estimate", "t.csv", "--x", ":", "--y", ":"], options].concat())
}

/// Name, number of different values, minimum and maximum of every column, and the rows.
#[track_caller]
fn read(bytes: impl AsRef<[u8]>, options: &[&str]) -> (Vec<String>, u64) {
    let json = columns(bytes, options).json();
    let describe = |column: &serde_json::Value| {
        let name = column["name"].as_str().unwrap();
        match column["labels"].as_array() {
            Some(labels) => format!(
                "{name}: {}",
                labels.iter().map(|l| l.as_str().unwrap()).collect::<Vec<_>>().join(" ")
            ),
            None => format!("{name}: {}..{}", column["min"], column["max"]),
        }
    };
    let described = json["columns"].as_array().unwrap().iter().map(describe).collect();
    (described, json["rows"].as_u64().unwrap())
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_name() {
    let (columns, rows) = read("\u{feff}\"label\",x\n1,2\n", &[]);
    assert_eq!((columns, rows), (vec!["label: 1.0..1.0".into(), "x: 2.0..2.0".into()], 1));
    let (columns, _) = read("\u{feff}label;x\n1;2\n", &[]);
    assert_eq!(columns[0], "label: 1.0..1.0");
}

#[test]
fn utf_16_is_named() {
    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain("a,b\n1,2\n".bytes().flat_map(|b| [b, 0])).collect();
    columns(&utf16, &[]).refused(1, &["t.csv looks like UTF-16; convert it to UTF-8"]);
    columns(&utf16[2..], &[]).refused(1, &["t.csv contains zero bytes", "UTF-16"]);
}

#[test]
fn latin_1_is_named_by_line_column_and_byte_and_read_by_option() {
    let latin1 = b"caf\xE9,b\n1,2\n".as_slice();
    strict(latin1, &[]).refused(1, &["t.csv, line 1, column `number 1`", "0xE9", "--encoding"]);
    assert_eq!(read(latin1, &["--encoding", "latin-1"]).0[0], "café: 1.0..1.0");
    let cell = b"a,town\n1,Bern\n2,Z\xFCrich\n".as_slice();
    strict(cell, &[]).refused(1, &["t.csv, line 3, column `town`", "byte 0xFC is not UTF-8"]);
    assert_eq!(read(cell, &["--encoding", "latin-1"]).0[1], "town: Bern Zürich");
}

#[test]
fn decimal_commas_need_the_option_and_are_never_split() {
    let semicolons = "a;b\n10,20;4,5\n";
    strict(semicolons, &[]).refused(1, &["line 2, column `a`", "`10,20`", "`--decimal ,`"]);
    let asked = read(semicolons, &["--delimiter", ";", "--decimal", ","]);
    assert_eq!(asked, (vec!["a: 10.2..10.2".into(), "b: 4.5..4.5".into()], 1));
    assert_eq!(read(semicolons, &["--decimal", ","]), asked);
    let quoted = "a,b\n\"1,2\",3\n";
    strict(quoted, &[]).refused(1, &["`1,2` is not a number", "`--decimal ,`"]);
    assert_eq!(read(quoted, &["--decimal", ","]).0[0], "a: 1.2..1.2");
    // The reverse.
    strict("a;b\n10.20;4\n", &["--decimal", ","])
        .refused(1, &["line 2, column `a`", "`10.20`", "`--decimal .`"]);
    strict("a,b\n1,5,2,5\n", &[]).refused(1, &["4 fields where 2 are expected", "--delimiter ';'"]);
}

#[test]
fn thousands_separators_are_refused_in_every_row_unless_named() {
    let table = "x\n194\n\"2,288\"\n";
    strict(table, &[]).refused(1, &["line 3, column `x`", "`2,288`", "--thousands ','"]);
    assert_eq!(read(table, &["--thousands", ","]).0[0], "x: 194.0..2288.0");
    for broken in ["1234,567", ",100"] {
        strict(format!("x\n194\n\"{broken}\"\n"), &["--thousands", ","])
            .refused(1, &["line 3, column `x`", broken]);
    }
    // It is not a label in the first row of the column either.
    strict("x;y\n2,288;1\n194;2\n", &[]).refused(1, &["line 2", "--thousands ','"]);
    let german = "x;y\n1.299,99;1\n";
    strict(german, &[]).refused(1, &["`1.299,99`", "--decimal , --thousands '.'"]);
    strict(german, &["--decimal", ","]).refused(1, &["--thousands '.'"]);
    assert_eq!(read(german, &["--decimal", ",", "--thousands", "."]).0[0], "x: 1299.99..1299.99");
    strict(table, &["--thousands", "."]).refused(2, &["--thousands and --decimal"]);
}

#[test]
fn ragged_rows_are_named_by_line_and_counts() {
    strict("a,b,c\n1,2,3\n1,2\n", &[])
        .refused(1, &["t.csv, line 3: 2 fields where 3 are expected"]);
    strict("a,b,c\n1,2,3,4\n", &[]).refused(1, &["t.csv, line 2: 4 fields where 3 are expected"]);
    strict("a,b\n1,2,\n", &[]).refused(1, &["the row ends with a delimiter"]);
    // Blank lines and line breaks inside quotes count as lines.
    strict("a,b\n\n\n\"p\nq\",x\n\n1\n", &[]).refused(1, &["t.csv, line 7: 1 field "]);
}

#[test]
fn duplicate_names_must_be_chosen_by_number() {
    let table = Folder::with("t.csv", "A,X1,X1,y\n1,2,3,4\n5,6,7,8\n");
    let run = table.run(&["columns", "t.csv", "--discrete", "X1"]);
    run.refused(2, &["--discrete: 2 columns are called `X1`; choose by number: 2, 3"]);
    let run = table.run(&["columns", "t.csv", "--discrete", "3", "--json"]).json();
    assert_eq!(run["columns"][1]["discrete"], false);
    assert_eq!(run["columns"][2]["discrete"], true);
}

#[test]
fn missing_tokens_are_missing_and_never_zero() {
    let table = "x,y\n1,a\nNA,b\nNaN,a\nnull,b\n?,a\n.,b\n,a\n\"\",b\nn/a,\n-999,a\n2,b\n";
    let json = columns(table, &["--na", "-999"]).json();
    assert_eq!(json["rows"], 11);
    assert_eq!(json["columns"][0]["missing"], 9);
    assert_eq!(
        (&json["columns"][0]["min"], &json["columns"][0]["max"]),
        (&1.0.into(), &2.0.into())
    );
    assert_eq!(json["columns"][1]["missing"], 1);
    assert_eq!(json["columns"][1]["labels"], serde_json::json!(["a", "b"]));
}

#[test]
fn infinities_are_refused_with_their_place() {
    for cell in ["inf", "-inf", "Infinity", "+inf", "1e400"] {
        strict(format!("x,y\n1,2\n3,{cell}\n"), &[]).refused(
            1,
            &["t.csv, line 3, column `y`", &format!("`{cell}` is not a finite number")],
        );
    }
}

#[test]
fn spaces_around_names_and_numbers_are_trimmed() {
    let (columns, _) = read("a, b\n1, 2\n\t3 ,4\u{a0}\n", &[]);
    assert_eq!(columns, ["a: 1.0..3.0", "b: 2.0..4.0"]);
}

#[test]
fn a_quote_after_a_space_opens_a_field() {
    let (columns, rows) = read("name, v\n\"x\", 1\n \"y, z\", \"2\"\n", &[]);
    assert_eq!((columns, rows), (vec!["name: x y, z".into(), "v: 1.0..2.0".into()], 2));
}

#[test]
fn comments_above_the_names_are_named() {
    let table = "# made on Monday\na,b\n1,2\n";
    strict(table, &[])
        .refused(1, &["t.csv, line 2", "looks like a comment: remove it, or use `--skip 1`"]);
}

#[test]
fn identifiers_too_long_for_a_double_are_said() {
    let run = columns("id,b\n9007199254740993,1\n12345678901234567890,2\n7,3\n", &[]);
    run.said(&["`id`: 2 whole numbers of 2^53 or more"]);
}

#[test]
fn dates_are_said_to_be_labels() {
    let run = columns("day,b\n2024-01-01,1\n2024-01-02,2\n", &[]);
    run.said(&["`day` holds dates, such as `2024-01-01`", "use `--dates`"]);
}

#[test]
fn the_header_rule_is_said_and_can_be_overruled() {
    let bare = "1,2\n3,4\n5,6\n";
    let run = columns(bare, &[]);
    run.said(&["no header: the first row has numbers", "3 rows"]);
    assert_eq!(
        read(bare, &[]),
        (vec!["column_1: 1.0..5.0".into(), "column_2: 2.0..6.0".into()], 3)
    );
    assert_eq!(
        read(bare, &["--header", "yes"]),
        (vec!["1: 3.0..5.0".into(), "2: 4.0..6.0".into()], 2)
    );
    let run = columns("a,b\nc,d\n", &[]);
    run.said(&["first row has names (it has no number)", "1 row,"]);
    assert_eq!(read("a,b\nc,d\n", &["--header", "no"]).1, 2);
    columns("a,b\n1,2\n", &[]).said(&["first row has names (text above numbers)", "delimiter `,`"]);
}

#[test]
fn tables_without_rows_are_named_and_blank_lines_passed_over() {
    columns("", &[]).refused(1, &["t.csv is empty: save the table into it again"]);
    columns("\n \n\n", &[]).refused(1, &["t.csv is empty"]);
    columns("a,b\n", &[]).refused(1, &["t.csv has no rows", "`a, b`", "`--header no`"]);
    assert_eq!(read("a,b\n1,2\n\n\n", &[]).1, 1);
    assert_eq!(read("a,b\n\n1,2\n  \n3,4\n", &[]).1, 2);
    assert_eq!(read("x\n1\n2\n\"\"\n", &[]).1, 3);
}

#[test]
fn an_empty_line_of_one_column_is_a_missing_cell_unless_it_ends_the_file() {
    let found = |bytes: &str, options: &[&str]| {
        let json = columns(bytes, options).json();
        let column = json["columns"][0].clone();
        ["rows", "missing"].map(|name| json.get(name).unwrap_or(&column[name]).as_u64().unwrap())
    };
    assert_eq!(found("x\n1\n\n2\n\n\n", &[]), [3, 1]);
    assert_eq!(found("x\r\n\r\n1\r\n \r\n\r\n2\r\n\r\n", &[]), [5, 3]);
    assert_eq!(found("\n1\n\n2", &["--header", "no"]), [4, 2]);
    assert_eq!(found("\n\nx\n1\n\"\"\n\n\"\"\n", &[]), [4, 3]);
    strict("x\n1\n\n\noops\n", &["--continuous", "x"]).refused(1, &["t.csv, line 5"]);
    // Files of one column are paired by position.
    let folder = Folder::with("a.csv", "a\n1\n\n3\n4\n");
    folder.write("b.csv", "b\n10\n20\n\n40\n");
    let pairs = ["estimate", "a.csv", "b.csv", "--missing", "drop"];
    folder.run(&pairs).said(&["2 of 4 rows"]);
    folder.run(&pairs[..3]).refused(1, &["missing"]);
}

#[test]
fn the_same_byte_is_the_same_letter_throughout_a_latin_1_file() {
    // The second name is also UTF-8 for an e with an accent.
    let table = b"n,town\n1,\xE9\n2,\xC3\xA9\n3,\xE9\n".as_slice();
    assert_eq!(read(table, &["--encoding", "latin-1"]).0[1], "town: \u{c3}\u{a9} \u{e9}");
}

#[test]
fn whole_numbers_too_large_to_be_exact_are_named_with_either_sign() {
    for number in ["9007199254740993", "-9007199254740993", "+9007199254740993"] {
        let run = columns(format!("x\n{number}\n1\n"), &[]);
        run.said(&["`x`: 1 whole number of 2^53 or more"]);
    }
}

#[test]
fn a_quote_that_is_never_closed_is_named_by_its_line() {
    strict("a,b\n1,2\n\"1,2\n3,4\n", &[])
        .refused(1, &["t.csv, line 3: the quote that opens here is never closed"]);
    // A quote that is closed by another one lines later.
    strict("a,b\n\"1,2\n3,4\n5,\"6\"\n", &[]).refused(1, &["line 2", "runs on to line 4"]);
}

#[test]
fn line_endings_and_line_breaks_inside_quotes() {
    assert_eq!(read("a,b\n\"p\nq\",x\n", &[]), (vec!["a: p\nq".into(), "b: x".into()], 1));
    assert_eq!(read("a,b\r1,2\r3,4\r", &[]).1, 2);
    assert_eq!(read("a,b\r\n1,2\r\n", &[]).1, 1);
    strict("a,b\r1,2\r3,oops\r", &[]).refused(1, &["t.csv, line 3, column `b`"]);
    strict("a,b\r\n\r\n1,2\r\n3,oops\r\n", &[]).refused(1, &["t.csv, line 4, column `b`"]);
}

#[test]
fn numbers_read_back_as_they_were_written() {
    let (columns, _) = read(format!("x,y\n{},5e-324\n", 0.1 + 0.2), &[]);
    assert_eq!(columns, ["x: 0.30000000000000004..0.30000000000000004", "y: 5e-324..5e-324"]);
}

#[test]
fn a_very_wide_table_is_read() {
    let line = |cell: &str| vec![cell; 50_000].join(",");
    let table = format!("{}\n{}\n{}\n", line("1"), line("2"), line("3"));
    let json = columns(table, &["--header", "no"]).json();
    assert_eq!(json["columns"].as_array().unwrap().len(), 50_000);
    assert_eq!(json["rows"], 3);
}

#[test]
fn any_header_text_tabs_and_gzip() {
    let (columns, _) = read("petal length (cm)\tx:y\n1\t2\n", &[]);
    assert_eq!(columns, ["petal length (cm): 1.0..1.0", "x:y: 2.0..2.0"]);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, b"a,b\n1,2\n").unwrap();
    let gzipped = encoder.finish().unwrap();
    assert_eq!(read(&gzipped, &[]).1, 1);
    self::columns(&gzipped[..gzipped.len() - 6], &[])
        .refused(1, &["cannot read t.csv to its end", "copy or save it again"]);
}

#[test]
fn text_is_discrete_and_a_stray_word_among_numbers_is_an_error() {
    let json = columns("id,sex\n1,m\n2,f\n3,m\n", &[]).json();
    assert_eq!(json["columns"][1]["kind"], "discrete (text)");
    strict("x\n1\n2\noops\n", &[]).refused(1, &["line 4, column `x`", "`oops`", "`--discrete`"]);
    strict("x,y\noops,1\n1,1\n2,1\n3,1\n", &[])
        .refused(1, &["line 2, column `x`", "3 of the column's other 3 cells are", "--na 'oops'"]);
    let forced = columns("x\n1\n2\n1.0\noops\n", &["--discrete", "x"]).json();
    assert_eq!(forced["columns"][0]["labels"], serde_json::json!(["1", "1.0", "2", "oops"]));
    strict("x,y\na,1\n", &["--continuous", "x"]).refused(1, &["`a` is not a number"]);
}

#[test]
fn few_valued_numbers_are_discrete_and_said() {
    let table: String = "y,z\n".to_owned() + &"1,0.5\n0,7\n1,0.25\n1,8\n".repeat(10);
    let json = columns(&table, &[]).json();
    assert_eq!(json["columns"][0]["kind"], "discrete (few values)");
    let json = columns(&table, &["--continuous", "*"]).json();
    assert_eq!(json["columns"][0]["discrete"], false);
    columns(&table, &["--continuous", "y", "--discrete", "1"]).refused(2, &["both"]);
}

#[test]
fn standard_input_is_a_file_too() {
    let folder = Folder::new();
    let run = folder.pipe(b"a,b\n1,2\n", &["columns", "-"]);
    assert_eq!(run.code, 0);
    run.said(&["standard input: delimiter `,`"]);
    folder.pipe(b"", &["columns", "-"]).refused(1, &["standard input is empty"]);
    folder.pipe(b"", &["columns", "-", "-"]).refused(2, &["only once"]);
}

#[test]
fn files_that_are_no_tables_are_named() {
    columns("<!DOCTYPE html><p>403", &[]).refused(1, &["looks like a web page"]);
    columns("{\"a\": [1, 2]}", &[]).refused(1, &["looks like JSON"]);
    columns(b"\xD0\xCF\x11\xE0\0\0", &[]).refused(1, &["looks like a spreadsheet"]);
    let folder = Folder::new();
    folder.run(&["columns", "nowhere.csv"]).refused(1, &["cannot open nowhere.csv"]);
    folder.run(&["columns", "."]).refused(1, &["is a folder"]);
}

#[test]
fn several_files_stand_side_by_side() {
    let folder = Folder::with("a.csv", "x,y\n1,2\n3,4\n");
    folder.write("b.csv", "x\n5\n6\n");
    folder.write("c.csv", "z\n5\n");
    let json = folder.run(&["columns", "a.csv", "b.csv", "--json"]).json();
    let names: Vec<_> = json["columns"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
    assert_eq!(names, ["a.x", "a.y", "b.x"]);
    folder
        .run(&["columns", "a.csv", "c.csv"])
        .refused(1, &["c.csv has 1 row but a.csv has 2; rows are paired by position"]);
}

#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_without_the_feature_is_named() {
    columns(b"PAR1....PAR1", &[]).refused(1, &["is a Parquet file", "`--features parquet`"]);
}

/// Six rows below lines that an instrument writes.
const MEASURED: &str = "t,a,b,c\n1,0.3,7.1,2\n2,0.4,6.8,3\n3,0.1,6.9,1\n4,0.7,7.7,5\n\
                        5,0.2,7.3,8\n6,0.9,7.2,4\n";

#[test]
fn the_table_below_what_an_instrument_writes_is_found_by_every_command() {
    for (above, lines) in [
        ("Date,2020-01-01\nOperator,Smith\n\n", 3),
        ("Date,2020-01-01,,\nOperator,Smith,,\n,,,\n", 3),
        ("Gauge 7\nSerial,77,Unit,mm\nOperator,Smith\n", 3),
        ("sep=,\nDate,2020-01-01\n", 2),
    ] {
        let folder = Folder::with("t.csv", format!("{above}{MEASURED}"));
        let skip = format!("use `--skip {lines}`");
        for sides in [["--x", "a", "--y", "b"], ["--x", "1", "--y", "2"], ["--x", "z", "--y", "a"]]
        {
            folder
                .run(&[&["estimate", "t.csv"], &sides[..]].concat())
                .refused(1, &[&skip, "seems to begin in line", "`t, a, b, c`"]);
        }
        folder.run(&["rank", "t.csv", "--target", "c"]).refused(1, &[&skip]);
        folder.run(&["columns", "t.csv"]).said(&[&skip]);
        // With a skip that is still too small, the same line is named.
        folder.run(&["matrix", "t.csv", "--skip", "1"]).refused(1, &[&skip]);
        let skipped = folder.run(&["columns", "t.csv", "--skip", &lines.to_string(), "--json"]);
        assert_eq!(
            (skipped.json()["rows"].as_u64(), skipped.err.contains("--skip")),
            (Some(6), false)
        );
    }
}

#[test]
fn a_header_without_a_name_for_the_names_of_rows_is_told_as_that_of_r() {
    strict("a,b\nr1,1,2\nr2,3,4\nr3,5,7\n", &[])
        .refused(1, &["line 2: 3 fields where 2 are expected", "row.names = FALSE"]);
}
