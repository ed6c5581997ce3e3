//! Messages name the right columns, methods and numbers.

use std::fmt::Write as _;

use mi_random::Stream;

use crate::folder::Folder;

/// A table of these columns, one text per row.
fn table(header: &str, rows: usize, mut row: impl FnMut(usize) -> String) -> Folder {
    let mut text = format!("{header}\n");
    for at in 0..rows {
        writeln!(text, "{}", row(at)).unwrap();
    }
    Folder::with("t.csv", text)
}

#[test]
fn many_columns_of_one_kind_are_one_line_and_named_in_json() {
    let mut stream = Stream::new(1, "messages");
    let folder = table("txt a,txt b,txt c,txt d,y", 60, |row| {
        let labels: Vec<String> = ["p", "q", "r", "s"].map(|l| format!("{l}{row}")).to_vec();
        format!("{},{}", labels.join(","), stream.normal())
    });
    let run = folder.run(&["rank", "t.csv", "--target", "y", "--json"]);
    run.said(&[
        "`txt a` is left out: each of its 60 labels is unique, such as `p0`; likewise, with other \
         values, for 3 more columns: `txt b`, `txt c`, `txt d`",
    ]);
    let json = run.json();
    let of: Vec<&str> = json["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|warning| warning["code"] == "every_label_unique")
        .map(|warning| warning["columns"][0].as_str().unwrap())
        .collect();
    assert_eq!(of, ["txt a", "txt b", "txt c", "txt d"]);
}

#[test]
fn frequencies_of_labels_that_occur_once_are_refused_by_name() {
    let folder =
        table("id,code,kind", 300, |row| format!("a{},b{},{}", row.max(3), row.max(3), row % 3));
    let of = |y: &str| folder.run(&["estimate", "t.csv", "--x", "id", "--y", y]);
    of("code").refused(1, &["most of the 300 labels of `id` are unique (296 of 300)"]);
    of("kind").refused(1, &["labels of `id`", "a label that occurs once fits any value"]);
}

#[test]
fn p_values_that_differ_are_told_by_their_methods() {
    // A weak correlation in few rows: neighbours do not see it.
    let mut stream = Stream::new(4, "messages");
    let folder = table("x,y", 80, |_| {
        let x = stream.normal();
        format!("{x},{}", 0.28 * x + stream.normal())
    });
    let json = folder.run(&["estimate", "t.csv", "--x", "x", "--y", "y", "--json"]).json();
    let p = |place: usize| json["results"][0]["estimates"][place]["p_value"].as_f64().unwrap();
    assert!(p(0) > 0.05 && p(1) <= 0.05, "the test needs p-values that differ: {} {}", p(0), p(1));
    let reading = json["reading"].as_str().unwrap();
    let by_name = format!("The p-values differ: that of Gaussian copula (p = {:.3})", p(1));
    assert!(reading.contains(&by_name), "{reading}");
}

#[test]
fn raw_values_are_raw_and_what_is_said_of_them_is_true() {
    let mut stream = Stream::new(4, "messages");
    let folder = table("x,y", 300, |_| {
        let x = stream.normal();
        format!("{x:.1},{:.2}", (0.6 * x + 0.8 * stream.normal()).max(-0.5))
    });
    let raw = ["estimate", "t.csv", "--x", "x", "--y", "y", "--marginals", "raw"];
    let run = folder.run(&raw);
    run.said(&[
        "values of `x` occur more than once, and raw values keep their ties",
        "the Gaussian copula ranks the columns, raw or not, and breaks ties at random",
    ]);
    for untrue in ["their ties are broken at random", "breaks these ties too", "--method mixture"] {
        assert!(!run.err.contains(untrue), "`{untrue}` in {}", run.err);
    }
    folder
        .run(&[&raw[..], &["--continuous", "x,y"]].concat())
        .refused(1, &["at distance zero", "`--marginals scores`"]);
}

#[test]
fn what_is_given_at_the_time_of_y_leaves_a_hint_to_its_history() {
    let mut stream = Stream::new(5, "messages");
    let folder = table("x,y", 200, |_| format!("{},{}", stream.normal(), stream.normal()));
    let args = ["estimate", "t.csv", "--x", "x", "--y", "y", "--given", "y", "--no-interval"];
    folder
        .run(&[&args[..], &["--lag", "1"]].concat())
        .said(&["`y` is on more than one side", "use `--history 1` instead"]);
    let plain = folder.run(&args);
    plain.said(&["`y` is on more than one side: the given columns leave it no information"]);
    assert!(!plain.err.contains("--history"), "{}", plain.err);
}

#[test]
fn few_rows_have_no_p_value_given_others_and_a_reason() {
    let folder = table("x,y,z", 8, |row| {
        let at = row as f64;
        format!("{},{},{}", (at * 1.7).sin(), (at * 2.9).cos(), (at * 0.7).sin())
    });
    let args = ["estimate", "t.csv", "--x", "x", "--y", "y", "--given", "z"];
    let run = folder.run(&args);
    assert_eq!(run.code, 0, "{}", run.err);
    run.said(&["no p-value", "among 8 rows hardly any are; 20 or more are needed"]);
    assert_eq!(folder.run(&[&args[..], &["--permutations", "19"]].concat()).code, 0);
}

#[test]
fn text_is_not_said_to_be_declared() {
    let folder = table("town,x", 40, |row| {
        format!("{},{}", ["Bern", "Chur"][row % 2], (row as f64 * 0.7).sin())
    });
    let run = folder.run(&["estimate", "t.csv", "--x", "town", "--y", "x", "--method", "ksg1"]);
    run.refused(1, &["ksg1 cannot take `town`, treated as discrete: 2 values in 40 rows"]);
    assert!(!run.err.contains("declare"), "{}", run.err);
}

#[test]
fn steps_and_deviations_are_short_numbers() {
    let mut stream = Stream::new(6, "messages");
    let folder = table("x,y", 400, |_| {
        let x = (stream.normal() * 30.0).round();
        format!("{x}e-13,{}", x + 20.0 * stream.normal())
    });
    let run = folder.run(&["estimate", "t.csv", "--x", "x", "--y", "y"]);
    run.said(&["in steps of 1e-13"]);
    assert!(!run.err.contains("0.00000") && !run.err.contains("e0 nats"), "{}", run.err);
    let deviation = run.err.lines().find(|line| line.contains("another --seed")).unwrap();
    assert!(deviation.contains("changes the value by 0.0"), "{deviation}");
}

#[test]
fn groups_that_cannot_change_places_are_counted() {
    // Subjects of 4, 4, 4, 5, 6, 7, … rows.
    let sizes = [4, 4, 4, 5, 6, 7, 8, 9, 10, 11];
    let subjects: Vec<usize> =
        sizes.iter().enumerate().flat_map(|(subject, &rows)| vec![subject; rows]).collect();
    let mut stream = Stream::new(7, "messages");
    let folder = table("who,x,y", subjects.len(), |row| {
        format!("s{},{},{}", subjects[row], stream.normal(), stream.normal())
    });
    let run = folder.run(&["estimate", "t.csv", "--x", "x", "--y", "y", "--group", "who"]);
    run.said(&[
        "only 3 of 10 groups have as many rows as another one",
        "smallest p-value that can come out is 1/6",
        "--surrogate within",
    ]);
}

#[test]
fn a_column_that_names_subjects_gives_a_hint_to_group() {
    let mut stream = Stream::new(8, "messages");
    let folder = table("patientID,id,kind,x,y", 60, |row| {
        let (x, y) = (stream.normal(), stream.normal());
        format!("p{},{},{},{x},{y}", row / 5, row * 7, row % 2)
    });
    let hint = "`patientID` has 12 values in 60 rows: if the rows of one value belong to one subject, \
                they are not independent; use `--group patientID`";
    let estimate = ["estimate", "t.csv", "--x", "x", "--y", "y"];
    let run = folder.run(&estimate);
    run.said(&[hint]);
    // Identifiers that never repeat, and conditions, are not subjects.
    assert_eq!(run.err.matches("--group").count(), 1, "{}", run.err);
    folder.run(&["rank", "t.csv", "--target", "y"]).said(&[hint]);
    folder.run(&["matrix", "t.csv", "--columns", "x,y"]).said(&[hint]);
    for more in [&["--group", "patientID"][..], &["--ordered"], &["--lag", "1"]] {
        let run = folder.run(&[&estimate[..], more].concat());
        assert!(!run.err.contains("belong to one subject"), "{}", run.err);
    }
}
