//! Series, groups of rows, and p-values.

use std::fmt::Write as _;

use mi_random::Stream;
use serde_json::Value;

use crate::folder::{Folder, Run};

fn csv(names: &str, rows: impl IntoIterator<Item = Vec<f64>>) -> String {
    let mut text = format!("{names}\n");
    for row in rows {
        let cells: Vec<String> = row.iter().map(f64::to_string).collect();
        writeln!(text, "{}", cells.join(",")).unwrap();
    }
    text
}

/// Two independent first-order autoregressive series.
fn slow(rows: usize, seed: u64) -> String {
    let mut stream = Stream::new(seed, "slow");
    let mut last = [0.0, 0.0];
    let next = |_| {
        last = last.map(|value| 0.99 * value + stream.normal());
        last.to_vec()
    };
    csv("x,y", (0..rows).map(next).collect::<Vec<_>>())
}

#[track_caller]
fn first(run: &Run) -> Value {
    run.json()["results"][0]["estimates"][0].clone()
}

fn warns(run: &Run, code: &str) -> bool {
    run.json()["warnings"].as_array().unwrap().iter().any(|w| w["code"] == code)
}

#[test]
fn an_ordered_series_is_held_out_in_time_and_not_advised_to_be_ordered() {
    let folder = Folder::with("slow.csv", slow(1000, 3));
    let run = |more: &[&str]| folder.run(&[&["estimate", "slow.csv", "--json"], more].concat());
    let usable = |run: &Run| run.json()["results"][0]["usable"]["value"].as_f64().unwrap();
    let (shuffled, ordered) = (run(&["--usable"]), run(&["--usable", "--ordered"]));
    assert!(usable(&shuffled) > usable(&ordered) + 0.05);
    assert!(usable(&ordered) < 0.03, "{}", usable(&ordered));
    let gap = |run: &Run| run.json()["results"][0]["usable"]["gap"].as_u64().unwrap();
    assert!(gap(&shuffled) == 0 && gap(&ordered) >= 50, "{}", gap(&ordered));
    // Without an option on the order there is a hint and no p-value; with it, shifts give one.
    assert!(warns(&shuffled, "autocorrelated") && warns(&shuffled, "no_p_value"));
    assert!(first(&shuffled)["p_value"].is_null());
    shuffled.said(&["use --ordered if the rows are a time series"]);
    assert!(!warns(&ordered, "autocorrelated") && !warns(&ordered, "no_p_value"));
    assert_eq!(ordered.json()["surrogate"], "shift");
    assert!(first(&ordered)["p_value"].as_f64().unwrap() > 0.05);
    let asked = run(&["--permutations", "19"]);
    assert!(first(&asked)["p_value"].as_f64().unwrap() <= 0.05, "rows treated as independent");
}

#[test]
fn few_shifts_are_all_used_and_their_smallest_p_value_is_said() {
    let mut stream = Stream::new(4, "short");
    let rows = (0..60).map(|_| {
        let x = stream.normal();
        vec![x, x + 0.1 * stream.normal()]
    });
    let folder = Folder::with("short.csv", csv("x,y", rows.collect::<Vec<_>>()));
    let found =
        folder.run(&["estimate", "short.csv", "--ordered", "--permutations", "9999", "--json"]);
    let estimate = first(&found);
    // All shifts except those by fewer than 7 rows: 47.
    assert_eq!(estimate["surrogates"], 47);
    assert_eq!(estimate["p_value"], 1.0 / 48.0);
    assert_eq!(estimate["smallest_p_value"], 1.0 / 48.0);
    found.said(&["only 47 different ones exist", "smallest p-value that can come out is 1/48"]);
}

/// Subjects with independent levels of x and y, and rows around them.
fn subjects(count: usize, rows: impl Fn(usize) -> usize, seed: u64) -> String {
    let mut stream = Stream::new(seed, "subjects");
    let mut text = String::from("who,x,y\n");
    for subject in 0..count {
        let (x, y) = (stream.normal(), stream.normal());
        for _ in 0..rows(subject) {
            let (x, y) = (x + 0.1 * stream.normal(), y + 0.1 * stream.normal());
            writeln!(text, "{},{x},{y}", 100 + subject).unwrap();
        }
    }
    text
}

#[test]
fn subjects_stay_together() {
    let folder = Folder::with("visits.csv", subjects(24, |_| 10, 5));
    let run = |more: &[&str]| {
        let base = ["estimate", "visits.csv", "--x", "x", "--y", "y", "--json"];
        folder.run(&[&base, more].concat())
    };
    let p = |run: &Run| first(run)["p_value"].as_f64().unwrap();
    let width = |run: &Run| {
        let ends = first(run)["interval"].clone();
        ends[1].as_f64().unwrap() - ends[0].as_f64().unwrap()
    };
    let (alone, grouped) = (run(&["--surrogate", "permute"]), run(&["--group", "who"]));
    assert!(p(&alone) < 0.02 && p(&grouped) > 0.05, "{} {}", p(&alone), p(&grouped));
    assert!(width(&grouped) > 1.3 * width(&alone));
    assert_eq!(grouped.json()["groups"], 24);
    assert_eq!(grouped.json()["surrogate"], "groups");
    let within = run(&["--group", "who", "--surrogate", "within"]);
    assert_eq!(within.json()["surrogate"], "within");
    let neural = run(&["--group", "who", "--method", "neural"]);
    assert!(first(&neural)["value"].as_f64().unwrap() < 0.05);
    // Ranks and matrices do not use the column of the groups otherwise.
    for command in [&["rank", "visits.csv", "--target", "y"][..], &["matrix", "visits.csv"]] {
        let found = folder.run(&[command, &["--group", "who", "--json"]].concat()).json();
        assert!(!found.to_string().contains("\"who\""), "{found}");
    }
}

#[test]
fn mistakes_with_groups_are_named() {
    let folder = Folder::with("visits.csv", subjects(12, |subject| 5 + subject, 6));
    folder.write("one.csv", "who,x,y\na,1,2\na,2,3\na,3,1\n");
    let run = |file: &str, more: &[&str]| {
        let base = ["estimate", file, "--x", "x", "--y", "y", "--group", "who"];
        folder.run(&[&base, more].concat())
    };
    run("one.csv", &[]).refused(1, &["--group: column `who` has the same value in all 3 rows"]);
    run("visits.csv", &["--surrogate", "shift"]).refused(2, &["use --surrogate groups or within"]);
    run("visits.csv", &["--lag", "1"]).refused(2, &["does not go with --group"]);
    run("visits.csv", &["--ordered"]).refused(2, &["--ordered", "--group"]);
    run("visits.csv", &["--permutations", "19"])
        .refused(1, &["no two groups have the same number of rows"]);
    let found = run("visits.csv", &["--json"]);
    assert!(first(&found)["p_value"].is_null());
    found.said(&["no p-value: no two groups have the same number of rows", "--surrogate within"]);
    folder
        .run(&["estimate", "visits.csv", "--x", "x", "--y", "y", "--surrogate", "within"])
        .refused(2, &["need --group"]);
    folder
        .run(&["estimate", "visits.csv", "--x", "x", "--y", "y", "--group", "x,y"])
        .refused(2, &["--group takes one column"]);
}

#[test]
fn a_p_value_comes_by_itself_where_it_is_cheap() {
    let mut stream = Stream::new(7, "cheap");
    let rows: Vec<Vec<f64>> = (0..200)
        .map(|_| {
            let x = stream.normal();
            vec![x, x + stream.normal(), stream.normal()]
        })
        .collect();
    let folder = Folder::with("t.csv", csv("x,y,z", rows));
    let run = |more: &[&str]| folder.run(&[&["estimate", "t.csv", "--json"], more].concat());
    let related = run(&["--x", "x", "--y", "y"]);
    assert_eq!(first(&related)["p_value"], 1.0 / 200.0);
    // The test stops once 20 reach the estimate, and p is 20 divided by their number.
    let unrelated = first(&run(&["--x", "x", "--y", "z"]));
    let (p, made) = (unrelated["p_value"].as_f64().unwrap(), unrelated["surrogates"].as_f64());
    assert!(p > 0.05 && (p - 20.0 / made.unwrap()).abs() < 1e-12, "{unrelated}");
    assert!(first(&run(&["--x", "x", "--y", "y", "--permutations", "0"]))["p_value"].is_null());
    let trained = run(&["--x", "x", "--y", "y", "--method", "neural", "--no-interval"]);
    trained.said(&["no p-value: it would train 199 times"]);
}

#[test]
fn a_lone_relevant_column_of_thirty_is_found() {
    let mut stream = Stream::new(8, "thirty");
    let rows: Vec<Vec<f64>> = (0..150)
        .map(|_| {
            let mut row: Vec<f64> = (0..30).map(|_| stream.normal()).collect();
            row.push(row[0] + 0.5 * stream.normal());
            row
        })
        .collect();
    let names: Vec<String> = (0..30).map(|i| format!("x{i}")).collect();
    let folder = Folder::with("t.csv", csv(&format!("{},y", names.join(",")), rows));
    let run = |more: &[&str]| {
        let base = ["rank", "t.csv", "--target", "y", "--no-interval", "--json"];
        folder.run(&[&base, more].concat())
    };
    let found = run(&[]);
    let columns = found.json()["columns"].as_array().unwrap().clone();
    assert_eq!(columns[0]["column"], "x0");
    assert!(columns[0]["corrected_p_value"].as_f64().unwrap() <= 0.05, "{}", columns[0]);
    // Of those called significant, 5 % may be false on average.
    let others = &columns[1..];
    let significant = |c: &&Value| c["corrected_p_value"].as_f64().unwrap() <= 0.05;
    assert!(others.iter().filter(significant).count() <= 1, "{others:?}");
    // Columns that do not matter cost little.
    let made: u64 = others.iter().map(|c| c["surrogates"].as_u64().unwrap()).sum();
    assert!(made < 29 * 199, "{made}");
    // Columns that surrogates reached are not limited by their number.
    assert!(!warns(&found, "few_permutations"), "{}", found.err);
    let few = run(&["--permutations", "99"]);
    assert!(warns(&few, "few_permutations"));
    few.said(&["of at least 0.30 (Benjamini-Hochberg); use --permutations 599 or more"]);
}

#[test]
fn transfer_entropy_is_that_of_a_linear_process() {
    // x[t] = a x[t-1] + e, y[t] = b y[t-1] + c x[t-1] + f, with e and f of variance 1. Given
    // y[t-1], the next y depends on x[t-1] by c x[t-1] + f, so that
    //
    //     I(x[t-1]; y[t] | y[t-1]) = ½ ln (1 + c² Var(x | y)),   Var(x | y) = V_x − C² / V_y,
    //
    // with the stationary V_x = 1/(1 − a²), C = Cov(x, y) = a c V_x / (1 − a b) and
    // V_y = (c² V_x + 1 + 2 b c C) / (1 − b²), each from squaring or multiplying the equations.
    let (a, b, c) = (0.6, 0.5, 0.8);
    let var_x = 1.0 / (1.0 - a * a);
    let covariance = a * c * var_x / (1.0 - a * b);
    let var_y = (c * c * var_x + 1.0 + 2.0 * b * c * covariance) / (1.0 - b * b);
    let truth = 0.5 * f64::ln(1.0 + c * c * (var_x - covariance * covariance / var_y));
    let mut stream = Stream::new(9, "process");
    let (mut x, mut y) = (0.0, 0.0);
    let rows: Vec<Vec<f64>> = (0..4000)
        .map(|_| {
            (x, y) = (a * x + stream.normal(), b * y + c * x + stream.normal());
            vec![x, y]
        })
        .collect();
    let folder = Folder::with("t.csv", csv("x,y", rows));
    let run = |more: &[&str]| {
        let base = ["estimate", "t.csv", "--history", "1", "--permutations", "0", "--json"];
        folder.run(&[&base, more].concat())
    };
    let forward = run(&["--x", "x", "--y", "y"]).json();
    assert_eq!((&forward["results"][0]["lag"], &forward["rows"]), (&1.into(), &3999.into()));
    for estimate in forward["results"][0]["estimates"].as_array().unwrap() {
        let value = estimate["value"].as_f64().unwrap();
        assert!((value - truth).abs() < 0.04, "{value} {truth} {}", estimate["method"]);
    }
    // Nothing goes from y to x.
    let back = first(&run(&["--x", "y", "--y", "x", "--method", "gaussian-copula"]));
    assert!(back["value"].as_f64().unwrap().abs() < 0.005, "{back}");
    let text =
        |more: &[&str]| folder.run(&[&["estimate", "t.csv", "--no-interval"], more].concat());
    let shown = text(&["--history", "2", "--permutations", "0", "--method", "gaussian"]);
    assert!(shown.out.starts_with("I(x[t-1]; y[t] | y[t-1..t-2]), 3998 rows"), "{}", shown.out);
    let given = ["--x", "x", "--y", "y", "--given", "x", "--lag", "2", "--method", "gaussian"];
    let shown = text(&given);
    assert!(shown.out.starts_with("I(x[t-2]; y[t] | x[t]), 3998 rows"), "{}", shown.out);
    text(&["--history", "1", "--lag", "0"]).refused(2, &["every --lag is 1 or more"]);
    text(&["--history", "0"]).refused(2, &["--history"]);
}

#[test]
fn a_reader_that_can_use_more_than_the_estimate_is_said() {
    // With ten columns nearest neighbours miss much, and a linear reader nothing.
    let mut stream = Stream::new(10, "wide");
    let rows: Vec<Vec<f64>> = (0..300)
        .map(|_| {
            let x: Vec<f64> = (0..5).map(|_| stream.normal()).collect();
            let y = x.iter().map(|x| 0.9 * x + 0.3 * stream.normal()).collect();
            [x, y].concat()
        })
        .collect();
    let folder = Folder::with("t.csv", csv("a,b,c,d,e,f,g,h,i,j", rows));
    let command = ["estimate", "t.csv", "--x", "a:e", "--y", "f:j", "--usable", "--json"];
    let found = folder.run(&[&command, &["--method", "ksg1"][..]].concat());
    assert!(warns(&found, "usable_above_estimate"));
    found.said(&["lower bound on the information; the estimate is too low"]);
}

#[test]
fn a_pasted_table_is_known_by_its_whole_rows() {
    // Steps so coarse that rows of two columns coincide by chance, but not those of five.
    let mut stream = Stream::new(11, "pasted");
    let rows: Vec<Vec<f64>> = (0..300)
        .map(|_| {
            let x = stream.normal();
            let mut row = vec![x, 0.8 * x + 0.6 * stream.normal()];
            row.extend((0..3).map(|_| stream.normal()));
            row.into_iter().map(|v| (4.0 * v).round() / 4.0).collect()
        })
        .collect();
    let folder = Folder::with("once.csv", csv("a,b,c,d,e", rows.clone()));
    folder.write("twice.csv", csv("a,b,c,d,e", [&rows[..], &rows].concat()));
    let run = |file: &str, more: &[&str]| {
        let base = ["estimate", file, "--x", "a", "--y", "b", "--no-interval", "--json"];
        folder.run(&[&base, more].concat())
    };
    let value = |run: &Run| first(run)["value"].as_f64().unwrap();
    assert!(!warns(&run("once.csv", &[]), "pasted_table"));
    let twice = run("twice.csv", &[]);
    assert!(warns(&twice, "pasted_table"));
    twice.said(&["nearly every row of the table occurs 2 times", "--dedup"]);
    let reading = twice.json()["reading"].as_str().unwrap().to_owned();
    assert!(reading.contains("Copies of rows raise the value too"), "{reading}");
    let once = run("twice.csv", &["--dedup"]);
    assert_eq!(value(&once), value(&run("once.csv", &["--dedup"])));
    assert_eq!(once.json()["rows_left_out"], 300);
    for command in [&["rank", "twice.csv", "--target", "a"][..], &["matrix", "twice.csv"]] {
        let found = folder.run(&[command, &["--json"]].concat());
        assert!(warns(&found, "pasted_table"), "{command:?}");
    }
    // The row numbers differ where the rest is pasted.
    let pasted = [&rows[..], &rows].concat();
    for (name, start) in [("n", 1), ("", 0), ("", 7)] {
        let numbered = (start..).zip(&pasted).map(|(number, row)| {
            let mut numbered = vec![f64::from(number)];
            numbered.extend(row);
            numbered
        });
        folder.write("numbered.csv", csv(&format!("{name},a,b,c,d,e"), numbered));
        let found = run("numbered.csv", &["--dedup"]);
        assert_eq!(found.json()["rows_left_out"], 300, "{name} from {start}");
        assert_eq!(value(&found), value(&once));
    }
}

#[test]
fn an_estimate_that_rests_on_ties_is_checked() {
    // Three decimals of an exponential scale with a label: if ties are treated as atoms, shuffled
    // labels give more than 0, which is reported.
    let mut stream = Stream::new(12, "ties");
    let mut text = String::from("x,y\n");
    for _ in 0..2000 {
        let value = (2.0 * stream.normal()).exp();
        writeln!(text, "{value:.2e},{}", ["a", "b"][stream.below(2)]).unwrap();
    }
    let folder = Folder::with("t.csv", text);
    let base = ["estimate", "t.csv", "--json", "--no-interval", "--permutations"];
    let mixture = folder.run(&[&base[..], &["0", "--method", "mixture"]].concat());
    let value = first(&mixture)["value"].as_f64().unwrap();
    assert!(warns(&mixture, "off_when_permuted") == (value > 0.02), "{value}");
}

#[test]
fn a_given_column_leaves_the_p_value() {
    let mut stream = Stream::new(21, "given");
    let rows: Vec<Vec<f64>> = (0..1000)
        .map(|_| {
            let z = stream.normal();
            vec![z + stream.normal(), z + stream.normal(), z]
        })
        .collect();
    let folder = Folder::with("t.csv", csv("x,y,z", rows));
    let sides = ["estimate", "t.csv", "--x", "x", "--y", "y", "--given", "z"];
    let found = folder.run(&[&sides[..], &["--no-interval", "--json"]].concat());
    let p = first(&found)["p_value"].as_f64();
    assert!(p.is_some_and(|p| p > 0.01), "{p:?}: x and y are independent given z");
}
