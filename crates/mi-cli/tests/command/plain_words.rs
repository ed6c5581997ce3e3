//! Long names, impossible values, and the messages about them.

use std::fmt::Write as _;

use mi_random::Stream;

use crate::folder::{Folder, Run};

/// A table with these column names and rows.
fn table(names: &[&str], rows: usize, mut row: impl FnMut(usize) -> Vec<f64>) -> Folder {
    let mut text = names.join(",") + "\n";
    for number in 0..rows {
        let cells: Vec<String> = row(number).iter().map(f64::to_string).collect();
        writeln!(text, "{}", cells.join(",")).unwrap();
    }
    Folder::with("t.csv", text)
}

fn codes(run: &Run) -> Vec<String> {
    let json = run.json();
    let warnings = json["warnings"].as_array().unwrap().iter();
    warnings.map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn results_are_at_most_eighty_wide_whatever_the_names() {
    let [x, y] = ["x", "y"].map(|end| "name".repeat(25_000) + end);
    let mut stream = Stream::new(1, "wide");
    let folder = table(&[&x, &y, "a_name_of_thirty_characters___"], 120, |_| {
        let value = stream.normal();
        vec![value, value + stream.normal(), value + 0.5 * stream.normal()]
    });
    let sides = ["--x", "1", "--y", "2"];
    let commands: [&[&str]; 8] = [
        &["estimate", "t.csv", "--x", "1", "--y", "2", "--extrapolate", "--usable"],
        &["estimate", "t.csv", "--x", "1", "--y", "2", "--given", "3"],
        &["estimate", "t.csv", "--x", "1", "--y", "2", "--lag", "0:2", "--usable"],
        &["estimate", "t.csv", "--x", "1,3", "--y", "2", "--method", "entropy-difference"],
        &["rank", "t.csv", "--target", "1"],
        &["rank", "t.csv", "--target", "3", "--method", "mixture"],
        &["selftest", "t.csv", "--x", "1", "--y", "2"],
        &["matrix", "t.csv"],
    ];
    for command in commands {
        let run = folder.run(command);
        assert_eq!(run.code, 0, "{command:?}: {}", run.err);
        for line in run.out.lines() {
            assert!(line.chars().count() <= 80, "{command:?}: {line}");
        }
        // Similar names differ at their ends.
        assert!(run.out.contains("…") && run.err.len() < 2000, "{command:?}: {}", run.err);
    }
    let json = folder.run(&[&["estimate", "t.csv", "--json"][..], &sides].concat()).json();
    assert_eq!((json["x"][0].as_str(), json["y"][0].as_str()), (Some(&x[..]), Some(&y[..])));
}

#[test]
fn names_in_errors_are_short() {
    let name = "n".repeat(100_000);
    let folder = Folder::with("t.csv", format!("{name},b\n{}", "1,\n2,\n3,4\n5,6\n".repeat(9)));
    for command in [
        &["estimate", "t.csv", "--missing", "error"][..],
        &["estimate", "t.csv", "--missing", "drop", "--method", "ross"],
        &["estimate", "t.csv", "--missing", "drop", "--group", "1"],
        &["rank", "t.csv", "--target", "1", "--missing", "drop", "--exclude", "z"],
    ] {
        let run = folder.run(command);
        assert!(run.err.len() < 1000, "{command:?}: {} bytes", run.err.len());
    }
}

#[test]
fn a_difference_of_entropies_of_a_wandering_series_is_refused() {
    let mut stream = Stream::new(WANDERING, "wandering");
    let mut last = [0.0, 0.0];
    let folder = table(&["x", "y"], 1000, |_| {
        last = last.map(|value| value + stream.normal());
        last.to_vec()
    });
    folder.run(&["estimate", "t.csv", "--ordered", "--method", "entropy-difference"]).refused(
        1,
        &["entropy-difference gives -", "information cannot be negative", "differences"],
    );
}

/// A seed of two random walks.
const WANDERING: u64 = 1;

#[test]
fn a_value_that_is_too_far_below_zero_is_an_error_of_the_method() {
    // A model of five columns by five others, from so few rows, is worse than none.
    let mut stream = Stream::new(2, "below");
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let folder = table(&names, 120, |_| (0..10).map(|_| stream.normal()).collect());
    let base = ["estimate", "t.csv", "--x", "a:e", "--y", "f:j", "--json"];
    let run = folder.run(&[&base[..], &["--method", "entropy-difference"]].concat());
    let value = run.json()["results"][0]["estimates"][0]["value"].as_f64().unwrap();
    assert!(value < -0.1, "the test needs such a value: {value}");
    assert!(codes(&run).contains(&"below_zero".to_owned()), "{}", run.err);
    run.said(&["standard errors below 0, which is impossible for information: that is an error of the method"]);
}

#[test]
fn labels_that_occur_once_train_no_critic() {
    let mut stream = Stream::new(3, "ids");
    let folder = table(&["id", "y"], 200, |row| vec![row as f64, stream.normal()]);
    for method in ["neural", "entropy-difference"] {
        folder
            .run(&[
                "estimate",
                "t.csv",
                "--x",
                "id",
                "--y",
                "y",
                "--discrete",
                "id",
                "--method",
                method,
            ])
            .refused(
                1,
                &["each of the 200 labels of `id` is unique", method, "leave the column out"],
            );
    }
}

#[test]
fn what_a_reader_cannot_use_is_explained() {
    let mut stream = Stream::new(4, "parabola");
    let folder = table(&["x", "y"], 400, |_| {
        let x = stream.normal();
        vec![x, x * x + 0.1 * stream.normal()]
    });
    let base = ["estimate", "t.csv", "--x", "x", "--y", "y", "--no-interval", "--json"];
    let run = folder.run(&[&base[..], &["--usable"]].concat());
    let usable = run.json()["results"][0]["usable"]["value"].as_f64().unwrap();
    assert_eq!(codes(&run).contains(&"nothing_usable".to_owned()), usable <= 0.0);
    // A line through independent columns predicts nothing; among many lags some values are below 0.
    let run = folder.run(&[&base[..], &["--usable", "--lag", "1:6"]].concat());
    run.said(&["a linear reader can use nothing", "no better than the mean of y"]);
}

#[test]
fn an_infinite_value_is_told_alike_of_every_method() {
    let mut stream = Stream::new(5, "cube");
    let folder = table(&["x", "y"], 300, |_| {
        let x = stream.normal();
        vec![x, x.powi(3)]
    });
    let of = |method: &str| folder.run(&["estimate", "t.csv", "--method", method, "--json"]);
    for method in ["ksg1", "gaussian"] {
        let run = of(method);
        assert!(codes(&run).contains(&"deterministic".to_owned()), "{method}");
        run.said(&["the true value is infinite", "how far the method reaches with these rows"]);
        assert!(!run.err.contains("number of rows"), "{}", run.err);
    }
    of("gaussian-copula")
        .refused(1, &["`y` is, in normal scores of ranks, a linear function", "infinite"]);
}

#[test]
fn what_is_missing_or_needless_is_said_in_the_options_words() {
    let mut stream = Stream::new(6, "words");
    let folder = table(&["x", "y", "g"], 200, |row| {
        vec![stream.normal(), stream.normal(), (row % 10) as f64]
    });
    folder
        .run(&["estimate", "t.csv", "--x", "x", "--y", "y", "--method", "frenzel-pompe"])
        .refused(1, &["frenzel-pompe estimates information given other columns", "--given"]);
    let run = folder.run(&["estimate", "t.csv", "--x", "g", "--y", "y", "--group", "g"]);
    run.said(&["`g` names the groups (--group): 10 labels"]);
    assert!(!run.err.contains("--discrete says"), "{}", run.err);
    let both = ["estimate", "t.csv", "--x", "g", "--y", "y", "--group", "g", "--discrete", "g"];
    folder.run(&both).said(&["`g` is discrete, as --discrete says"]);
}

#[test]
fn where_ties_put_a_value_off_nothing_is_read_from_it() {
    // Raw values in steps: many neighbours are equally far away.
    let mut stream = Stream::new(7, "off");
    let folder = table(&["x", "y"], 100, |_| {
        vec![(6.0 * stream.normal()).round() / 2.0, 3.0 * stream.normal()]
    });
    let base = ["estimate", "t.csv", "--x", "x", "--y", "y", "--no-interval", "--continuous", "x"];
    let raw = folder.run(&[&base[..], &["--marginals", "raw", "--json"]].concat());
    assert!(codes(&raw).contains(&"off_when_permuted".to_owned()), "{}", raw.err);
    assert_eq!(raw.json()["reading"], serde_json::Value::Null);
    let scores = folder.run(&[&base[..], &["--json"]].concat());
    assert!(!codes(&scores).contains(&"off_when_permuted".to_owned()), "{}", scores.err);
    assert!(scores.json()["reading"].is_string());
}
