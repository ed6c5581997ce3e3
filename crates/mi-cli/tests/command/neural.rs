//! `--method neural`, its critics in files, and single rows judged by them.

use mi_random::Stream;
use serde_json::Value;

use crate::folder::Folder;

/// Two numbers and a label that depend on one another, with the label's texts.
fn table(rows: usize, seed: u64, labels: [&str; 2]) -> String {
    let mut stream = Stream::new(seed, "table");
    let mut text = String::from("a,b,kind\n");
    for _ in 0..rows {
        let a = stream.normal();
        let b = 0.8 * a + 0.6 * stream.normal();
        let kind = labels[usize::from(a + 0.5 * stream.normal() > 0.0)];
        text.push_str(&[a.to_string(), b.to_string(), kind.to_owned()].join(","));
        text.push('\n');
    }
    text
}

fn numbers(csv: &str) -> Vec<f64> {
    csv.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse().unwrap()).collect()
}

#[test]
fn a_kept_critic_judges_new_rows() {
    let folder = Folder::with("old.csv", table(600, 1, ["low", "top"]));
    // A label that sorts first: the codes of labels differ between the files.
    folder.write("new.csv", table(300, 2, ["low", "top"]) + "0.1,0.1,alien\n");
    let sides = ["--x", "a", "--y", "b,kind", "--method", "neural"];
    let run =
        folder.run(&[&["estimate", "old.csv", "--json", "--save", "kept"], &sides[..]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let json: Value = serde_json::from_str(&run.out).unwrap();
    let estimate = &json["results"][0]["estimates"][0];
    assert_eq!((&estimate["method"], &estimate["bound"]), (&"neural".into(), &"infonce".into()));
    assert_eq!(estimate["critic"]["separable"]["embed"], 64);
    let value = estimate["value"].as_f64().unwrap();
    assert!(value > 0.3 && value < 0.8, "{value}");
    let run = folder.run(&["pointwise", "new.csv", "--critic", "kept"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.starts_with("row,nats\n1,"));
    let ratios = numbers(&run.out);
    assert_eq!(ratios.len(), 301);
    // The standard error of 300 rows is 0.05.
    let mean = ratios[..300].iter().sum::<f64>() / 300.0;
    assert!((mean - value).abs() < 0.25, "{mean} {value}");
    let bits = folder.run(&["pointwise", "new.csv", "--critic", "kept", "--unit", "bits"]);
    assert!((numbers(&bits.out)[0] - ratios[0] / std::f64::consts::LN_2).abs() < 1e-9);
}

#[test]
fn mistakes_have_messages() {
    let folder = Folder::with("old.csv", table(100, 1, ["low", "top"]));
    let sides = ["estimate", "old.csv", "--x", "a", "--y", "b"];
    let run = folder.run(&[&sides[..], &["--save", "kept"]].concat());
    assert_eq!(run.code, 2);
    assert!(run.err.contains("--save needs --method neural"), "{}", run.err);
    let neural = ["--method", "neural", "--bound", "nwj", "--folds", "2", "--save", "kept"];
    let run = folder.run(&[&sides[..], &neural].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("neural nwj, held out"));
    folder.write("constant.csv", "a,b\n".to_owned() + &"1,2\n".repeat(80));
    let run = folder.run(&[&["estimate", "constant.csv", "--force"], &neural[..]].concat());
    run.refused(1, &["--save: a side is constant"]);
    folder.write("other.csv", "a,c\n1,2\n");
    let run = folder.run(&["pointwise", "other.csv", "--critic", "kept"]);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("trained on a column `b`"), "{}", run.err);
    folder.write("text.csv", "a,b\n1,up\n2,down\n");
    let run = folder.run(&["pointwise", "text.csv", "--critic", "kept"]);
    assert!(run.code == 1 && run.err.contains("had numbers"), "{}", run.err);
    let run = folder.run(&["pointwise", "old.csv", "--critic", "old.csv"]);
    assert_eq!(run.code, 1);
}

#[test]
fn auto_shows_a_held_out_bound_for_many_columns() {
    let mut stream = Stream::new(3, "many");
    let mut table = |signal: f64, noise: f64| {
        let mut text = String::from("a,b,c,d,e,f\n");
        for _ in 0..1000 {
            let x: Vec<f64> = (0..3).map(|_| stream.normal()).collect();
            let y = x.iter().map(|x| signal * x + noise * stream.normal());
            let cells: Vec<String> = x.iter().copied().chain(y).map(|v| v.to_string()).collect();
            text.push_str(&cells.join(","));
            text.push('\n');
        }
        text
    };
    let folder = Folder::with("many.csv", table(0.8, 0.6));
    let sides = ["estimate", "many.csv", "--x", "a:c", "--y", "d:f", "--no-interval"];
    let run = folder.run(&[&sides[..], &["--permutations", "3"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let lines: Vec<&str> = run.out.lines().collect();
    let at = |title: &str| lines.iter().position(|line| line.trim_start().starts_with(title));
    let (bound, neighbours) = (at("neural infonce, held out"), at("copula KSG-1, k = 3"));
    assert!(bound.is_some() && bound < neighbours && neighbours < at("Gaussian copula"));
    assert!(run.out.contains("The held-out bound and the Gaussian copula agree"), "{}", run.out);
    // 13.8 nats, where 333 held-out rows give at most 5.8.
    folder.write("many.csv", table(1.0, 0.01));
    let run = folder.run(&sides);
    assert!(run.out.contains("The held-out bound is near the most that it can"), "{}", run.out);
}

#[test]
fn a_label_beside_many_columns_is_read_without_a_copula() {
    let mut stream = Stream::new(4, "label");
    let mut text = String::from("a,b,c,d,kind\n");
    for _ in 0..1000 {
        let x: Vec<f64> = (0..4).map(|_| stream.normal()).collect();
        let kind = if x[0] * x[1] > 0.0 { "like" } else { "unlike" };
        let cells: Vec<String> = x.iter().map(f64::to_string).collect();
        text.push_str(&[&cells.join(","), kind].join(","));
        text.push('\n');
    }
    let folder = Folder::with("t.csv", text);
    let run = folder.run(&["estimate", "t.csv", "--x", "a:d", "--y", "kind", "--no-interval"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("neural infonce") && run.out.contains("Ross"), "{}", run.out);
    assert!(!run.out.contains("copula"), "{}", run.out);
    assert!(run.out.contains("The held-out bound") && run.out.contains("nearest neighbours"));
    assert!(run.out.contains("The entropy of kind is 0.69"), "{}", run.out);
}

#[test]
fn the_difference_of_entropies_has_no_bound() {
    let folder = Folder::with("t.csv", table(100, 5, ["low", "top"]));
    let method = ["--method", "entropy-difference", "--json", "--no-interval"];
    let run = folder.run(&[&["estimate", "t.csv", "--x", "a", "--y", "b"], &method[..]].concat());
    let estimate = &run.json()["results"][0]["estimates"][0];
    assert!(estimate["bound"].is_null() && estimate["critic"].is_null(), "{estimate}");
}

#[test]
fn columns_of_one_name_are_not_taken_for_one_another() {
    let folder = Folder::with("old.csv", table(100, 1, ["low", "top"]));
    let neural = ["--method", "neural", "--no-interval", "--permutations", "0", "--save", "kept"];
    let saved =
        folder.run(&[&["estimate", "old.csv", "--x", "a", "--y", "b"], &neural[..]].concat());
    assert_eq!(saved.code, 0, "{}", saved.err);
    folder.write("new.csv", "a,b,a\n1,2,3\n2,3,4\n");
    folder
        .run(&["pointwise", "new.csv", "--critic", "kept"])
        .refused(1, &["kept was trained on a column `a`", "several columns are called `a`"]);
    // Nor is a critic trained that could not say which column is which.
    let sides = ["estimate", "new.csv", "--x", "1", "--y", "3", "--force"];
    folder.run(&[&sides[..], &neural[..]].concat()).refused(1, &["--save: two columns", "`a`"]);
}

#[test]
fn a_ranking_by_trained_critics_has_no_p_values_unless_asked() {
    let folder = Folder::with("t.csv", table(80, 1, ["low", "top"]));
    let rank = ["rank", "t.csv", "--target", "a", "--columns", "b", "--method", "neural"];
    let run = folder.run(&[&rank[..], &["--no-interval", "--json"]].concat());
    run.said(&["no p-value: it would train 199 times", "--permutations 19"]);
    let json: Value = run.json();
    assert_eq!((&json["permutations"], &json["columns"][0]["p_value"]), (&0.into(), &Value::Null));
}
