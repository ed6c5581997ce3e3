//! Complaints of users of other tools, with the right answers: values and messages of the command.

use std::fmt::Write as _;

use mi_random::Stream;
use serde_json::Value;

use crate::folder::{Folder, Run};

/// −½ ln(1 − 0.75²): the information of a Gaussian pair with correlation 0.75.
const TRUE_075: f64 = 0.413_339_286_592_333_8;

/// A CSV file of these columns.
fn csv(columns: &[(&str, &[f64])]) -> String {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let mut text = names.join(",") + "\n";
    for row in 0..columns[0].1.len() {
        let cells: Vec<String> = columns.iter().map(|(_, v)| v[row].to_string()).collect();
        writeln!(text, "{}", cells.join(",")).unwrap();
    }
    text
}

fn normals(seed: u64, n: usize) -> Vec<f64> {
    let mut stream = Stream::new(seed, "normals");
    (0..n).map(|_| stream.normal()).collect()
}

/// A Gaussian pair with correlation `r`.
fn pair(seed: u64, n: usize, r: f64) -> (Vec<f64>, Vec<f64>) {
    let (x, noise) = (normals(seed, n), normals(seed + 1_000_000, n));
    let y = x.iter().zip(&noise).map(|(x, e)| r * x + (1.0 - r * r).sqrt() * e).collect();
    (x, y)
}

fn map(values: &[f64], f: impl Fn(f64) -> f64) -> Vec<f64> {
    values.iter().map(|&v| f(v)).collect()
}

/// `mi estimate` of x and y.
fn estimate(x: &[f64], y: &[f64], options: &[&str]) -> Run {
    let folder = Folder::with("t.csv", csv(&[("x", x), ("y", y)]));
    folder.run(&[&["estimate", "t.csv", "--x", "x", "--y", "y", "--json"], options].concat())
}

/// The first estimate.
#[track_caller]
fn first(run: &Run) -> f64 {
    run.json()["results"][0]["estimates"][0]["value"].as_f64().unwrap()
}

/// The value of the quick default: no interval, the first method.
#[track_caller]
fn value(x: &[f64], y: &[f64]) -> f64 {
    first(&estimate(x, y, &["--no-interval", "-q"]))
}

#[track_caller]
fn near(value: f64, expected: f64, tolerance: f64) {
    assert!((value - expected).abs() <= tolerance, "{value}, not {expected} ± {tolerance}");
}

/// The codes of the warnings.
#[track_caller]
fn warnings(run: &Run) -> Vec<String> {
    let json: Value = run.json();
    let codes = json["warnings"].as_array().unwrap().iter();
    codes.map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_gaussian_pair() {
    let (x, y) = pair(1, 4000, 0.75);
    near(value(&x, &y), TRUE_075, 0.05);
}

#[test]
fn swapping_scaling_shifting_and_mapping_change_nothing() {
    let (x, y) = pair(2, 1500, 0.75);
    let base = value(&x, &y);
    near(value(&y, &x), base, 1e-9);
    near(value(&map(&x, |v| 1e-12 * v), &y), base, 1e-9);
    near(value(&map(&x, |v| 1024.0 * v + 1e9), &y), base, 1e-3);
    near(value(&map(&x, |v| (5.0 * v).exp()), &map(&y, f64::exp)), base, 1e-9);
}

#[test]
fn whole_numbers_with_and_without_a_point_are_the_same() {
    let folder = Folder::new();
    let numbers: Vec<u32> = (0..100).chain([1000]).collect();
    let table = |point: &str| {
        let rows: Vec<String> = numbers.iter().map(|v| format!("{v}{point},{}", v * v)).collect();
        format!("x,y\n{}\n", rows.join("\n"))
    };
    folder.write("int.csv", table(""));
    folder.write("float.csv", table(".0"));
    let run = |file: &str| folder.run(&["estimate", file, "--json", "--no-interval", "-q"]);
    assert_eq!(first(&run("int.csv")), first(&run("float.csv")));
}

#[test]
fn an_outlier_does_not_crush_the_rest() {
    let (mut x, mut y) = pair(3, 2000, 0.75);
    let base = value(&x, &y);
    x.push(1e6);
    y.push(0.0);
    near(value(&x, &y), base, 0.01);
}

#[test]
fn small_negative_values_stay_unless_clamped() {
    let found = (10..30).find_map(|seed| {
        let (x, y) = (normals(seed, 300), normals(seed + 500, 300));
        (value(&x, &y) < 0.0).then_some((x, y))
    });
    let (x, y) = found.expect("half of all independent samples are estimated below 0");
    assert_eq!(first(&estimate(&x, &y, &["--clamp", "--no-interval", "-q"])), 0.0);
}

#[test]
fn the_number_of_neighbours_matters_and_is_said() {
    let (x, y) = pair(4, 500, 0.75);
    let run = |k: &str| estimate(&x, &y, &["--k", k, "--no-interval", "-q"]);
    assert_ne!(first(&run("3")), first(&run("10")));
    assert_eq!(run("10").json()["results"][0]["estimates"][0]["neighbours"], 10);
}

#[test]
fn too_few_rows_are_named_with_k() {
    estimate(&[0.1, 0.5, 0.9], &[0.3, 0.2, 0.7], &[]).refused(1, &["3 neighbours", "3 rows"]);
}

#[test]
fn a_binary_label_holds_no_more_than_its_entropy() {
    let x = normals(5, 3000);
    let y = map(&x, |v| f64::from(u8::from(v > 0.0)));
    near(value(&x, &y), std::f64::consts::LN_2, 0.02);
    near(value(&y, &x), value(&x, &y), 1e-9);
}

#[test]
fn few_valued_whole_numbers_are_discrete_and_said() {
    let y = [1.0, 0.0, 1.0, 1.0].repeat(10);
    let run = estimate(&map(&y, |v| 3.0 * v), &y, &["--no-interval"]);
    // H(1/4) = 0.5623.
    near(first(&run), 0.562_335, 0.02);
    run.said(&["`y` is treated as discrete: only 2 values in 40 rows"]);
}

#[test]
fn independent_counts_have_nothing_in_common() {
    let mut stream = Stream::new(6, "counts");
    let mut counts = || (0..2000).map(|_| stream.below(5) as f64).collect::<Vec<_>>();
    let (x, y) = (counts(), counts());
    near(value(&x, &y), 0.0, 0.005);
}

#[test]
fn rounding_to_a_grid_does_not_inflate() {
    let (x, y) = pair(7, 2000, 0.75);
    let rounded =
        |q: f64| value(&map(&x, |v| (v / q).round() * q), &map(&y, |v| (v / q).round() * q));
    near(rounded(0.1), TRUE_075, 0.06);
    near(rounded(0.01), TRUE_075, 0.06);
    // Rounded to whole numbers, the variables themselves have less information: 0.33.
    near(rounded(1.0), 0.33, 0.05);
}

#[test]
fn half_of_both_columns_zero() {
    let (mut x, mut y) = pair(8, 4000, 0.75);
    for i in 0..2000 {
        (x[i], y[i]) = (0.0, 0.0);
    }
    // ln 2 + ½ · 0.4133.
    near(value(&x, &y), 0.8998, 0.06);
}

#[test]
fn a_mixture_of_a_uniform_and_its_scale() {
    let mut stream = Stream::new(9, "uniform");
    let mut uniform = || (0..2000).map(|_| stream.uniform()).collect::<Vec<_>>();
    let (x, y) = (uniform(), uniform());
    let z: Vec<f64> = x.iter().zip(&y).map(|(x, y)| 0.5 * x + 0.5 * y).collect();
    let values = [1.0, 8.0, 128.0].map(|a| value(&map(&x, |v| a * v), &z));
    near(values[0], 0.5, 0.06);
    assert_eq!(values, [values[0]; 3]);
}

#[test]
fn columns_of_very_different_scale_weigh_the_same() {
    let (z, y) = pair(10, 3000, 0.75);
    let noise = map(&normals(11, 3000), |v| 1000.0 * v);
    let folder = Folder::with("t.csv", csv(&[("z", &z), ("noise", &noise), ("y", &y)]));
    let run = folder.run(&[
        "estimate",
        "t.csv",
        "--x",
        "z,noise",
        "--y",
        "y",
        "--json",
        "--no-interval",
        "-q",
    ]);
    near(first(&run), TRUE_075, 0.08);
}

#[test]
fn the_same_seed_and_any_number_of_threads_give_the_same_bits() {
    let (x, y) = pair(12, 800, 0.5);
    let (x, y) = (map(&x, |v| (v * 10.0).round()), map(&y, |v| (v * 10.0).round()));
    let run = |threads: &str, seed: &str| {
        let run =
            estimate(&x, &y, &["--threads", threads, "--seed", seed, "--permutations", "9", "-q"]);
        run.json()["results"].to_string()
    };
    assert_eq!(run("1", "5"), run("2", "5"));
    assert_ne!(run("1", "5"), run("1", "6"));
}

#[test]
fn the_peak_stands_at_the_lag() {
    let x = normals(13, 1000);
    let mut y = vec![0.3, 0.7];
    y.extend(&x[..998]);
    let y: Vec<f64> = y.iter().zip(normals(14, 1000)).map(|(y, e)| y + 0.5 * e).collect();
    let run = estimate(&x, &y, &["--lag", "0:4", "--no-interval", "-q"]);
    let json = run.json();
    let results = json["results"].as_array().unwrap();
    let values: Vec<f64> =
        results.iter().map(|at| at["estimates"][0]["value"].as_f64().unwrap()).collect();
    assert!(values[2] > 0.6, "{values:?}");
    assert!([0, 1, 3, 4].iter().all(|&lag| values[lag] < 0.1), "{values:?}");
    // All lags use the same rows.
    assert_eq!((&json["rows"], &json["rows_left_out"]), (&996.into(), &4.into()));
    let backwards = estimate(&y, &x, &["--lag=-4:0", "--no-interval", "-q"]).json();
    assert_eq!(backwards["results"][2]["lag"], -2);
    near(backwards["results"][2]["estimates"][0]["value"].as_f64().unwrap(), values[2], 0.05);
}

#[test]
fn missing_values_are_counted_or_dropped_pairwise() {
    let table = "x,y,z\n1,2,NA\n2,NA,NA\n3,1,NA\n4,5,NA\n5,4,NA\n6,6,NA\n7,9,1\n";
    let folder = Folder::with("t.csv", table);
    let run = |options: &[&str]| {
        folder.run(&[&["estimate", "t.csv", "--json", "--x", "x"], options].concat())
    };
    run(&["--y", "y"]).refused(1, &["values are missing: 1 in `y`", "`--missing drop`", "1 of 7"]);
    let dropped = run(&["--y", "y", "--missing", "drop"]);
    assert_eq!(dropped.json()["rows"], 6);
    dropped.said(&["6 of 7 rows used; left out: 1 with missing values"]);
    let table = table.replace("7,9,1", "7,9,NA");
    Folder::with("t.csv", table)
        .run(&["estimate", "t.csv", "--x", "x", "--y", "z", "--missing", "drop"])
        .refused(1, &["column `z` has no values: all are missing"]);
}

#[test]
fn sides_are_chosen_by_default_where_there_is_no_choice() {
    let (x, y) = pair(15, 200, 0.5);
    let folder = Folder::with("t.csv", csv(&[("x", &x), ("y", &y)]));
    let default = folder.run(&["estimate", "t.csv", "--json", "--no-interval", "-q"]);
    assert_eq!(first(&default), value(&x, &y));
    folder.write("x.csv", csv(&[("x", &x)]));
    folder.write("y.csv", csv(&[("y", &y)]));
    let two = folder.run(&["estimate", "x.csv", "y.csv", "--json", "--no-interval", "-q"]);
    assert_eq!(first(&two), first(&default));
    folder.write("three.csv", csv(&[("a", &x), ("b", &y), ("c", &x)]));
    folder.run(&["estimate", "three.csv"]).refused(2, &["--x and --y", "3 columns, a, b, c"]);
    folder.run(&["estimate", "three.csv", "--x", "a"]).refused(2, &["--y is missing"]);
    let same =
        folder.run(&["estimate", "three.csv", "--x", "a", "--y", "a,b", "--json", "--no-interval"]);
    assert!(warnings(&same).contains(&"column_on_two_sides".to_owned()));
}

#[test]
fn what_a_third_column_tells_already_is_left_out() {
    let z = normals(16, 2000);
    let with_z = |seed: u64| -> Vec<f64> {
        z.iter().zip(normals(seed, 2000)).map(|(z, e)| z + 0.5 * e).collect()
    };
    let (x, y) = (with_z(17), with_z(18));
    let folder = Folder::with("t.csv", csv(&[("x", &x), ("y", &y), ("z", &z)]));
    let run = |options: &[&str]| {
        let sides = ["estimate", "t.csv", "--x", "x", "--y", "y", "--json", "--no-interval", "-q"];
        first(&folder.run(&[&sides[..], options].concat()))
    };
    assert!(run(&[]) > 0.4);
    near(run(&["--given", "z"]), 0.0, 0.05);
}

#[test]
fn a_constant_column_tells_nothing_however_many_rows() {
    let n = 100_000;
    let (x, y) = (vec![1.0; n], (0..n).map(|i| f64::from(u8::from(i < 100))).collect::<Vec<_>>());
    let run = estimate(&x, &y, &[]);
    assert_eq!(first(&run), 0.0);
    assert!(warnings(&run).contains(&"constant".to_owned()));
    run.said(&["`x` is constant: the value is 0"]);
    let text = Folder::with("t.csv", "x,y\n1,a\n2,a\n3,a\n4,a\n5,a\n6,a\n");
    assert_eq!(first(&text.run(&["estimate", "t.csv", "--json", "-q"])), 0.0);
}

#[test]
fn a_column_against_itself_is_named_as_limited_by_the_rows() {
    let x = normals(20, 1000);
    let run = estimate(&x, &map(&x, |v| 3.0 - 2.0 * v), &["--no-interval"]);
    assert!(warnings(&run).contains(&"deterministic".to_owned()), "{}", run.err);
    run.said(&["`y` is a monotone function of `x`: the true value is infinite"]);
}

#[test]
fn few_rows_are_warned_of() {
    let x: Vec<f64> = (0..10).map(f64::from).collect();
    let y = normals(21, 10);
    assert!(warnings(&estimate(&x, &y, &[])).contains(&"few_observations".to_owned()));
}

#[test]
fn labels_that_never_repeat_are_named() {
    let rows: Vec<String> = (0..50).map(|i| format!("id{i},{}", (i * 37) % 101)).collect();
    let folder = Folder::with("t.csv", format!("id,x\n{}\n", rows.join("\n")));
    folder.run(&["estimate", "t.csv"]).refused(1, &["each of the 50 labels of `id`", "is unique"]);
}

#[test]
fn the_unit_is_said_and_chosen() {
    let folder = Folder::with("t.csv", "x,y\n1,1\n1,0\n1,1\n0,1\n0,0\n");
    let run = |options: &[&str]| {
        let json = folder.run(&[&["estimate", "t.csv", "--json", "-q"], options].concat()).json();
        (json["unit"].clone(), json["results"][0]["estimates"][0]["uncorrected"].as_f64().unwrap())
    };
    let (unit, nats) = run(&[]);
    near(nats, 0.01384, 5e-6);
    assert_eq!(unit, "nats");
    let (unit, bits) = run(&["--unit", "bits"]);
    near(bits, 0.01997, 5e-6);
    assert_eq!(unit, "bits");
    assert!(folder.run(&["estimate", "t.csv", "-q"]).out.contains("in nats"));
}

#[test]
fn many_columns_are_warned_of_with_the_gaussian_copula_beside() {
    let n = 600;
    let sides: Vec<(Vec<f64>, Vec<f64>)> = (0..5).map(|i| pair(30 + i, n, 0.5)).collect();
    let names: Vec<String> = (0..5).flat_map(|i| [format!("x{i}"), format!("y{i}")]).collect();
    let columns: Vec<(&str, &[f64])> = sides
        .iter()
        .enumerate()
        .flat_map(|(i, (x, y))| [(names[2 * i].as_str(), &x[..]), (&names[2 * i + 1], &y[..])])
        .collect();
    let folder = Folder::with("t.csv", csv(&columns));
    let run = folder.run(&["estimate", "t.csv", "--x", "x*", "--y", "y*", "--json"]);
    assert!(warnings(&run).contains(&"many_columns".to_owned()), "{}", run.err);
    let json = run.json();
    let estimates = json["results"][0]["estimates"].as_array().unwrap();
    assert_eq!(estimates[1]["method"], "gaussian-copula");
    // 5 · −½ ln(1 − 0.5²) = 0.7192.
    near(estimates[1]["value"].as_f64().unwrap(), 0.7192, 0.2);
    assert!(estimates[0]["value"].as_f64().unwrap() < estimates[1]["value"].as_f64().unwrap());
    assert!(json["reading"].as_str().unwrap().contains("biased towards 0"), "{}", json["reading"]);
}

#[test]
fn the_smallest_p_value_is_written_as_a_limit() {
    let (x, y) = pair(40, 300, 0.9);
    let run = estimate(&x, &y, &["--permutations", "19", "--no-interval", "-q"]);
    assert_eq!(run.json()["results"][0]["estimates"][0]["p_value"], 0.05);
    let folder = Folder::with("t.csv", csv(&[("x", &x), ("y", &y)]));
    let text = folder.run(&["estimate", "t.csv", "--permutations", "19", "--no-interval", "-q"]);
    assert!(text.out.contains("<= 0.050"), "{}", text.out);
}

#[test]
fn slow_series_are_warned_of_and_shifts_are_not_fooled() {
    let walk = |seed: u64| -> Vec<f64> {
        let steps = normals(seed, 1000);
        let next = |last: &mut f64, step: &f64| {
            *last = 0.99 * *last + step;
            Some(*last)
        };
        steps.iter().scan(0.0, next).collect()
    };
    let options = |surrogate| ["--permutations", "19", "--surrogate", surrogate, "--no-interval"];
    let mut rejected = [0, 0];
    for seed in 50..54 {
        let (x, y) = (walk(seed), walk(seed + 100));
        for (count, surrogate) in rejected.iter_mut().zip(["permute", "shift"]) {
            let run = estimate(&x, &y, &options(surrogate));
            let p = run.json()["results"][0]["estimates"][0]["p_value"].as_f64().unwrap();
            *count += usize::from(p <= 0.05);
            if surrogate == "permute" {
                assert!(warnings(&run).contains(&"autocorrelated".to_owned()));
                run.said(&["--surrogate shift"]);
            }
        }
    }
    assert_eq!(rejected[0], 4, "plain permutation mistakes slow series for dependent ones");
    assert!(rejected[1] <= 1, "{rejected:?}");
}

#[test]
fn local_surrogates_need_given_columns() {
    let (x, y) = pair(60, 100, 0.5);
    let wrong = estimate(&x, &y, &["--surrogate", "local", "--permutations", "9"]);
    wrong.refused(2, &["--surrogate local needs --given"]);
}

#[test]
fn every_method_answers_or_says_why_not() {
    let (x, y) = pair(61, 300, 0.75);
    let folder = Folder::with("t.csv", csv(&[("x", &x), ("y", &y)]));
    for method in mi_samples::Method::ALL {
        let run = folder.run(&["estimate", "t.csv", "--method", method.name(), "--json", "-q"]);
        if run.code == 0 {
            let value = first(&run);
            assert!((value - TRUE_075).abs() < 0.1, "{method}: {value}");
        } else {
            let needs_given = method.name() == "frenzel-pompe";
            run.refused(1, &[if needs_given { "given other columns" } else { "cannot take" }]);
        }
    }
    let answered =
        ["auto", "ksg1", "ksg2", "mixture", "mesner-shalizi", "gaussian", "gaussian-copula"];
    for method in answered {
        assert_eq!(
            folder.run(&["estimate", "t.csv", "--method", method, "-q"]).code,
            0,
            "{method}"
        );
    }
}

#[test]
fn usable_information_stands_beside() {
    let (x, y) = pair(62, 2000, 0.75);
    let run = estimate(&x, &y, &["--usable", "--no-interval", "-q"]);
    let usable = run.json()["results"][0]["usable"].clone();
    assert_eq!(usable["reader"], "linear");
    near(usable["value"].as_f64().unwrap(), TRUE_075, 0.05);
    let bent = map(&x, |v| v * v);
    let run = estimate(&x, &bent, &["--usable", "--no-interval", "-q"]);
    near(run.json()["results"][0]["usable"]["value"].as_f64().unwrap(), 0.0, 0.05);
    let folder = Folder::with("t.csv", csv(&[("x", &x), ("y", &y)]));
    let text = folder.run(&["estimate", "t.csv", "--usable", "--no-interval", "-q"]).out;
    assert!(text.contains("A linear reader of x can use 0.4"), "{text}");
}

#[test]
fn what_the_values_mean_is_said() {
    let reading = |x: &[f64], y: &[f64]| -> String {
        let run = estimate(x, y, &["-q"]);
        run.json()["reading"].as_str().unwrap().to_owned()
    };
    let (x, y) = pair(63, 2000, 0.75);
    assert!(reading(&x, &y).contains("agree within their errors"), "{}", reading(&x, &y));
    let ring = map(&x, |v| v * v);
    let ring: Vec<f64> = ring.iter().zip(&normals(64, 2000)).map(|(r, e)| r + 0.1 * e).collect();
    assert!(reading(&x, &ring).contains("not monotone"), "{}", reading(&x, &ring));
    let (a, b) = (normals(65, 2000), normals(66, 2000));
    assert!(reading(&a, &b).contains("Neither finds a dependence"), "{}", reading(&a, &b));
    let sign = map(&x, |v| f64::from(u8::from(v > 0.0)));
    let said = reading(&x, &sign);
    assert!(said.starts_with("The entropy of y is 0.69") && said.contains("% of it"), "{said}");
    let lagged = estimate(&x, &y, &["--lag", "0:2", "--no-interval", "-q"]);
    assert!(lagged.json()["reading"].as_str().unwrap().contains("is at lag 0"));
}

#[test]
fn what_may_have_raised_a_value_is_said_before_it_is_trusted() {
    let reading = |run: &Run| run.json()["reading"].as_str().unwrap().to_owned();
    let (x, y) = pair(67, 400, 0.75);
    let (twice_x, twice_y) = ([&x[..], &x].concat(), [&y[..], &y].concat());
    let twice = reading(&estimate(&twice_x, &twice_y, &["-q"]));
    assert!(twice.contains("Copies of rows") && !twice.contains("Trust"), "{twice}");
    // Slow series: nearest neighbours find something.
    let slow = |seed: u64| -> Vec<f64> {
        let steps = normals(seed, 1000);
        let next = |last: &mut f64, step: &f64| {
            *last = 0.99 * *last + step;
            Some(*last)
        };
        steps.iter().scan(0.0, next).collect()
    };
    let run = |options: &[&str]| reading(&estimate(&slow(68), &slow(70), options));
    let untested = run(&["-q"]);
    assert!(untested.contains("--surrogate shift"), "{untested}");
    let tested = run(&["-q", "--permutations", "19", "--surrogate", "shift"]);
    assert!(tested.contains("give such values by chance"), "{tested}");
}

#[test]
fn ties_are_never_a_silent_number() {
    let x = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
    // Two values are labels: the frequencies give ln 2.
    let run = estimate(&x, &x, &["-q"]).json();
    near(
        run["results"][0]["estimates"][0]["uncorrected"].as_f64().unwrap(),
        std::f64::consts::LN_2,
        1e-12,
    );
    let forced = estimate(&x, &x, &["--method", "ksg1"]);
    forced.refused(1, &["ksg1 cannot take `x`", "only 2 values", "`--continuous x`"]);
    let raw = ["--method", "ksg1", "--continuous", "x,y", "--marginals", "raw"];
    estimate(&x, &x, &raw).refused(1, &["8 of 8 rows", "distance zero", "`--marginals scores`"]);
    let spread = estimate(&x, &x, &["--method", "ksg1", "--continuous", "x,y"]);
    spread.said(&["`x` is continuous, in steps of 1: 8 values", "too few for these columns"]);
}

#[test]
fn a_window_in_time_goes_with_the_default_methods() {
    let (x, y) = pair(41, 300, 0.75);
    let run = estimate(&x, &y, &["--theiler", "5", "--no-interval"]);
    assert_eq!(run.json()["results"][0]["estimates"].as_array().unwrap().len(), 2);
    assert!(!run.err.contains("copula") && !run.err.contains("theiler"), "{}", run.err);
    let absurd = estimate(&x, &y, &["--theiler", "9223372036854775808"]);
    absurd.refused(1, &["--theiler 9223372036854775808: it must be so small"]);
}

#[test]
fn texts_have_no_covariance() {
    let rows: Vec<String> = (0..60).map(|i| format!("{},{i}", ["fig", "pear"][i % 2])).collect();
    let folder = Folder::with("t.csv", format!("fruit,y\n{}\n", rows.join("\n")));
    folder.run(&["estimate", "t.csv", "--method", "gaussian-copula"]).refused(
        1,
        &["gaussian-copula cannot take `fruit`", "treated as discrete: ", "do not use --method"],
    );
}

#[test]
fn values_of_flags_that_do_not_fit_the_rows_are_refused_by_the_flag() {
    let (x, y) = pair(42, 200, 0.5);
    for (options, said) in [
        (&["--k", "200"][..], ["--k 200: ", "use `--k 199` or less"]),
        (
            &["--ordered", "--block-length", "150", "--permutations", "19"],
            ["--block-length 150: ", "at most half the number of rows (200 rows)"],
        ),
        (
            &["--method", "neural", "--folds", "1000", "--permutations", "0"],
            ["--folds 1000: ", "use `--folds 20` or fewer"],
        ),
    ] {
        estimate(&x, &y, options).refused(1, &said);
    }
    let too_few = ["2 rows are too few for 3 neighbours of each, the default; use `--k 1`"];
    estimate(&x[..2], &y[..2], &[]).refused(1, &too_few);
    let folder = Folder::with("t.csv", "x,y\n1,2\n2,3\n");
    folder.run(&["matrix", "t.csv"]).refused(1, &too_few);
    folder.run(&["bench", "--rows", "10", "--k", "50"]).refused(2, &["--k 50", "--rows 10"]);
}
