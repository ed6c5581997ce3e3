//! The commands other than `mi estimate`, and shared options.

use std::fmt::Write as _;

use mi_random::Stream;

use crate::folder::Folder;

const PENGUINS: &str = include_str!("../../data/penguins.csv");

fn penguins() -> Folder {
    Folder::with("penguins.csv", PENGUINS)
}

#[test]
fn a_matrix_is_a_table_csv_json_or_a_heat_map() {
    let folder = penguins();
    let matrix = |options: &[&str]| {
        let common = ["matrix", "penguins.csv", "--missing", "drop", "-q", "--columns", "3:5"];
        folder.run(&[&common[..], options].concat())
    };
    let table = matrix(&[]);
    assert_eq!((table.code, table.out.lines().count()), (0, 6));
    assert!(table.out.contains("in nats, 342 rows") && table.out.contains("1  bill_length_mm"));
    let json = matrix(&["--json"]).json();
    let pairs = json["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 3);
    assert_eq!(pairs[0]["x"], "bill_length_mm");
    assert_eq!(pairs[0]["rows"], 342);
    let csv = matrix(&["--csv"]).out;
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("x,y,rows,method,neighbours,nats,reason"));
    let first: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(first[5].parse::<f64>().unwrap(), pairs[0]["value"].as_f64().unwrap());
    let map = matrix(&["--heat-map"]).out;
    assert!(map.contains('█') && map.contains("nats"), "{map}");
    // Colours are for terminals, and this is not one.
    assert!(!map.contains('\x1b'));
    assert_eq!(matrix(&["--svg", "m.svg"]).code, 0);
    let svg = std::fs::read_to_string(folder.path("m.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("bill_depth_mm"));
    matrix(&["--svg", "nowhere/m.svg"]).refused(2, &["--svg: nowhere/m.svg cannot be created"]);
    matrix(&["--json", "--csv"]).refused(2, &["--json", "--csv"]);
}

#[test]
fn a_wide_matrix_is_listed_by_strength() {
    let names: Vec<String> = (0..13).map(|i| format!("v{i}")).collect();
    let rows: Vec<String> = (0..60_u32)
        .map(|row| {
            (0..13).map(|i| ((row * (i * 7 + 3)) % 61).to_string()).collect::<Vec<_>>().join(",")
        })
        .collect();
    let folder = Folder::with("t.csv", format!("{}\n{}\n", names.join(","), rows.join("\n")));
    let run = folder.run(&["matrix", "t.csv", "-q"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("38 weaker pairs are not shown"), "{}", run.out);
}

#[test]
fn identifiers_are_left_out_with_a_warning() {
    let rows: String = (0..40).fold(String::new(), |rows, i| {
        rows + &format!("id{i},{},{}\n", (i * 17) % 41, (i * i) % 37)
    });
    let folder = Folder::with("t.csv", format!("id,a,b\n{rows}"));
    let run = folder.run(&["matrix", "t.csv", "--json"]);
    let json = run.json();
    assert_eq!(json["columns"], serde_json::json!(["id", "a", "b"]));
    let reasons: Vec<_> = json["pairs"].as_array().unwrap().iter().map(|p| &p["reason"]).collect();
    assert_eq!(reasons[0], "`id`: each of its 40 labels is unique, such as `id0`");
    assert!(reasons[2].is_null());
    run.said(&["`id` is left out: each of its 40 labels is unique"]);
    let run = folder.run(&["rank", "t.csv", "--target", "id"]);
    run.refused(1, &["the target `id` says nothing"]);
}

#[test]
fn a_pair_without_an_estimate_is_named_and_the_others_are_given() {
    // Celsius and Fahrenheit, whose covariance has no inverse, and columns that are never present
    // together.
    let mut stream = Stream::new(2, "table");
    let mut text = String::from("celsius,fahrenheit,rain,old,new\n");
    for row in 0..60 {
        let celsius = 20.0 + 5.0 * stream.normal();
        let (rain, other) = (celsius + stream.normal(), stream.normal().to_string());
        let [old, new] = if row < 30 { [other, String::new()] } else { [String::new(), other] };
        writeln!(text, "{celsius},{},{rain},{old},{new}", 1.8 * celsius + 32.0).unwrap();
    }
    let folder = Folder::with("t.csv", text);
    let copula = ["--method", "gaussian-copula", "--missing", "drop"];
    let run = folder.run(&[&["matrix", "t.csv", "--json"], &copula[..]].concat());
    let json = run.json();
    let pairs = json["pairs"].as_array().unwrap();
    assert_eq!(
        (pairs.len(), pairs.iter().filter(|pair| pair["reason"].is_null()).count()),
        (10, 8)
    );
    assert!(pairs.iter().all(|pair| pair["value"].is_null() != pair["reason"].is_null()));
    run.said(&[
        "warning: `celsius` and `fahrenheit`: `fahrenheit` is, in normal scores of ranks, a linear",
        "warning: `old` and `new`: no row has a value in every column",
    ]);
    let text = folder.run(&[&["matrix", "t.csv"], &copula[..]].concat());
    assert!(text.code == 0 && !text.out.contains("NaN"), "{}", text.out);
    let rank = ["rank", "t.csv", "--target", "celsius", "--permutations", "19"];
    let ranked = folder.run(&[&rank[..], &copula].concat());
    assert_eq!(ranked.code, 0, "{}", ranked.err);
    ranked.said(&["`fahrenheit` and `celsius`: `celsius` is, in normal scores of ranks, a linear"]);
    assert!(
        ranked.out.contains("no estimate for `fahrenheit`: `celsius` is, in normal"),
        "{}",
        ranked.out
    );
    let json = folder.run(&[&rank[..], &copula, &["--json"]].concat()).json();
    assert_eq!(json["columns"].as_array().unwrap().len(), 4);
    assert!(json["columns"][3]["reason"].as_str().unwrap().contains("infinite"));
    assert!(ranked.out.contains("corrected for 3 columns"), "{}", ranked.out);
    // If no column has an estimate, that is an error.
    let none = ["rank", "t.csv", "--target", "celsius", "--columns", "fahrenheit"];
    let none = folder.run(&[&none[..], &copula].concat());
    assert!(none.out.contains("no estimate for `fahrenheit`: `celsius` is, in normal"));
    // Commands that list pairs keep them, with the reason, even if none has an estimate.
    let two = ["matrix", "t.csv", "--columns", "celsius,fahrenheit", "--method", "gaussian-copula"];
    let json = folder.run(&[&two[..], &["--json"]].concat()).json();
    assert!(json["pairs"][0]["value"].is_null());
    assert!(json["pairs"][0]["reason"].as_str().unwrap().contains("infinite"));
    assert_eq!(json["pairs"][0]["rows"], 60);
    let csv = folder.run(&[&two[..], &["--csv"]].concat()).out;
    assert_eq!(csv.lines().count(), 2, "{csv}");
    assert!(csv.contains("celsius,fahrenheit,60,,,,\"`fahrenheit` is, in normal"), "{csv}");
    let csv = folder.run(&[&rank[..], &copula, &["--csv"]].concat()).out;
    assert_eq!(csv.lines().count(), 5, "{csv}");
    let last: Vec<&str> = csv.lines().last().unwrap().split(',').collect();
    assert!(last[0] == "fahrenheit" && last[2..13].iter().all(|cell| cell.is_empty()), "{csv}");
    assert!(csv.contains("is then infinite"), "{csv}");
    // A setting that is invalid for every pair is a mistake in the command.
    folder
        .run(&["matrix", "t.csv", "--columns", "rain,celsius", "--k", "60"])
        .refused(1, &["--k 60: ", "59 neighbours"]);
}

#[test]
fn a_ranking_has_intervals_and_corrected_p_values() {
    let folder = penguins();
    let rank = |options: &[&str]| {
        let common = ["rank", "penguins.csv", "--target", "species", "--missing", "drop", "-q"];
        folder.run(&[&common[..], options].concat())
    };
    let json = rank(&["--json", "--permutations", "39"]).json();
    assert_eq!((&json["correction"], &json["permutations"]), (&"bh".into(), &39.into()));
    let columns = json["columns"].as_array().unwrap();
    assert_eq!(columns.len(), 7);
    let field = |name: &str| -> Vec<f64> {
        columns.iter().map(|column| column[name].as_f64().unwrap()).collect()
    };
    let values = field("value");
    assert!(values.windows(2).all(|pair| pair[0] >= pair[1]), "{values:?}");
    assert!(field("corrected_p_value").iter().zip(field("p_value")).all(|(c, p)| *c >= p));
    assert_eq!(columns[0]["p_value"], 1.0 / 40.0);
    assert!(columns[0]["interval"][0].as_f64() < columns[0]["value"].as_f64());
    let text = rank(&["--permutations", "19", "--correction", "holm"]).out;
    assert!(text.contains("19 surrogates (permute); corrected for 7 columns (Holm)"), "{text}");
    assert!(!rank(&["--permutations", "0", "--no-interval"]).out.contains("surrogates"));
    let loud = folder.run(&[
        "rank",
        "penguins.csv",
        "--target",
        "species",
        "--missing",
        "drop",
        "--correction",
        "holm",
        "--permutations",
        "99",
        "--no-interval",
    ]);
    loud.said(&["99 surrogates and 7 columns", "--permutations 139 or more"]);
    rank(&["--target", "2"]).refused(2, &["--target"]);
    let wrong = folder.run(&["rank", "penguins.csv", "--target", "1:2", "-q"]);
    wrong.refused(2, &["--target takes one column"]);
}

#[test]
fn a_self_test_that_fails_exits_with_1_and_says_so() {
    // Five similar columns on each side: with ten columns neighbours are far away, and the
    // estimates of two copies do not add up.
    let mut stream = Stream::new(1, "table");
    let mut text = String::new();
    for _ in 0..200 {
        let x: Vec<f64> = (0..5).map(|_| stream.normal()).collect();
        let y = x.iter().map(|x| x + 0.1 * stream.normal());
        let cells: Vec<String> = x.iter().copied().chain(y).map(|v| v.to_string()).collect();
        text += &(cells.join(",") + "\n");
    }
    let folder = penguins();
    folder.write("wide.csv", "a,b,c,d,e,f,g,h,i,j\n".to_owned() + &text);
    let wide = ["selftest", "wide.csv", "--x", "a:e", "--y", "f:j", "-q"];
    let run = folder.run(&wide);
    assert!(run.out.lines().any(|l| l.starts_with("OFF") && l.contains("two independent copies")));
    assert_eq!(run.code, 1);
    run.said(&["1 of 6 checks failed"]);
    // As in the help.
    let copula = folder.run(&[&wide[..], &["--method", "gaussian-copula"]].concat());
    assert_eq!(copula.code, 0, "{}{}", copula.out, copula.err);
    let good = folder.run(&[
        "selftest",
        "penguins.csv",
        "--x",
        "flipper_length_mm",
        "--y",
        "species",
        "--missing",
        "drop",
        "-q",
    ]);
    assert_eq!((good.code, good.err.as_str()), (0, ""), "{}", good.out);
}

#[test]
fn the_benchmark_prints_a_table_and_keeps_records() {
    let folder = Folder::new();
    let bench = |options: &[&str]| {
        let quick =
            ["bench", "--rows", "200", "--seeds", "2", "--benchmarks", "1v1-normal-0.75,*cubic-2"];
        folder.run(&[&quick[..], options].concat())
    };
    let both = "ksg1,gaussian-copula";
    let figures = ["--svg", "b.svg", "--heat", "h.svg"];
    let run = bench(&[&["--methods", both, "--records", "r/all.csv"], &figures[..]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    run.said(&["records: r/all.csv, which has 0 of 4 samples"]);
    let lines: Vec<&str> = run.out.lines().collect();
    assert!(lines[0].contains("200 rows, 2 seeds") && lines[2].ends_with("gaussian-copula"));
    assert!(lines[3].starts_with("1v1-normal-0.75") && lines[3].contains("0.4133"));
    assert!(lines[5].starts_with("mean absolute error, tasks"));
    assert!(lines[6].starts_with("mean absolute error, staircases"));
    let records = std::fs::read(folder.path("r/all.csv")).unwrap();
    assert_eq!(String::from_utf8_lossy(&records).lines().count(), 1 + 2 * 2 * 2);
    let svg = |name: &str| std::fs::read_to_string(folder.path(name)).unwrap();
    let drawn = [svg("b.svg"), svg("h.svg")];
    assert!(drawn[0].contains("1v1-normal-0.75: gaussian-copula") && drawn[0].contains("truth"));
    assert!(drawn[1].contains("Absolute error of the mean estimate"));
    // The same from the file alone, and from any part of it that a stopped run left, on any
    // number of threads.
    let from = [&["bench", "--from", "r/all.csv"], &figures[..]].concat();
    folder.run(&from).refused(2, &["--svg: b.svg already exists"]);
    let again = folder.run(&[&from[..], &["--force"]].concat());
    assert_eq!(again.out, run.out);
    assert_eq!([svg("b.svg"), svg("h.svg")], drawn);
    for (cut, threads) in [(0, "1"), (150, "3"), (records.len() / 2, "2"), (records.len() - 1, "1")]
    {
        folder.write("part.csv", &records[..cut]);
        let options = ["--methods", both, "--records", "part.csv", "--threads", threads];
        let again = bench(&options);
        assert_eq!((again.code, &again.out), (0, &run.out), "{cut}: {}", again.err);
        assert_eq!(std::fs::read(folder.path("part.csv")).unwrap(), records, "{cut}");
    }
    bench(&["--methods", both, "--records", "r/all.csv"]).said(&["has 4 of 4 samples"]);
    // Another setup is not mixed in, but part of a file can be shown.
    let other = ["--methods", both, "--records", "r/all.csv", "--k", "4"];
    bench(&other).refused(1, &["k its own, not 4", "--from r/all.csv"]);
    let second = folder.run(&["bench", "--from", "r/all.csv", "--first-seed", "1"]);
    assert!(second.out.contains("200 rows, 1 seed,") && second.out.contains("± 0.0000"));
    // A file that begins at another seed is complete without earlier seeds.
    let late = ["--rows", "200", "--first-seed", "5", "--seeds", "1", "--benchmarks", "*cubic-2"];
    folder.run(&[&["bench", "--methods", both, "--records", "late.csv"], &late[..]].concat());
    let late = folder.run(&["bench", "--from", "late.csv"]);
    assert!(late.out.contains("200 rows, 1 seed,") && late.err.is_empty(), "{}", late.err);
    folder
        .run(&["bench", "--from", "r/all.csv", "--methods", "neural:flo"])
        .refused(1, &["the files have none of these"]);
    for ignored in [
        ["--records", "c"],
        ["--svg", "c"],
        ["--heat", "c"],
        ["--seeds", "2"],
        ["--first-seed", "1"],
    ] {
        let run = folder.run(&["bench", "--calibration", "2", ignored[0], ignored[1]]);
        run.refused(2, &["--calibration", ignored[0]]);
    }
    bench(&["--methods", "magic"]).refused(2, &["the methods are auto, ksg1"]);
    let none = folder.run(&["bench", "--benchmarks", "2v2-nothing"]);
    none.refused(2, &["--benchmarks: no distribution `2v2-nothing`", "the distributions are 1v1"]);
    // Seeds can be as far apart as they can be.
    let line = |seed: u64, nats: f64| {
        format!(
            "linux x86_64,0.1.0,200,,1v1-normal-0.75,1,1,{seed},ksg1,ksg1 k=3,0.41333928659223396,{nats}\n"
        )
    };
    let header = "system,version,rows,k,benchmark,columns_x,columns_y,seed,method,estimator,true_nats,nats\n";
    folder.write("far.csv", format!("{header}{}{}", line(0, 0.4), line(u64::MAX, 0.5)));
    let far = folder.run(&["bench", "--from", "far.csv"]);
    assert!(far.out.contains("200 rows, 2 seeds") && far.out.contains("0.4500 ±"), "{}", far.err);
    // An estimator that fails says why, once.
    let failing = folder.run(&[
        "bench",
        "--rows",
        "50",
        "--seeds",
        "2",
        "--benchmarks",
        "1v1-normal-0.75",
        "--methods",
        "ross",
    ]);
    assert!(failing.code == 0 && failing.out.contains("failed"), "{}", failing.out);
    failing.said(&["warning: ross failed for 2 samples, the first of 1v1-normal-0.75: "]);
    assert_eq!(failing.err.lines().count(), 1, "{}", failing.err);
}

#[test]
fn a_benchmark_that_is_killed_goes_on_where_it_was() {
    let folder = Folder::new();
    let args = |file: &'static str| {
        let quick = ["--rows", "1500", "--seeds", "8", "--methods", "ksg1,ksg2,gaussian"];
        [&["bench", "-q", "--benchmarks", "*dense*", "--records", file], &quick[..]].concat()
    };
    let mut killed = std::process::Command::new(assert_cmd::cargo::cargo_bin!("mi"))
        .args(args("killed.csv"))
        .current_dir(folder.path(""))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let lines = |name: &str| {
        std::fs::read_to_string(folder.path(name)).map_or(0, |text| text.lines().count())
    };
    while lines("killed.csv") < 4 && killed.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let all = 1 + 5 * 8 * 3;
    assert!((4..all).contains(&lines("killed.csv")), "{}", lines("killed.csv"));
    let (resumed, whole) = (folder.run(&args("killed.csv")), folder.run(&args("whole.csv")));
    assert_eq!((resumed.code, &resumed.out), (0, &whole.out), "{}", resumed.err);
    assert_eq!(lines("whole.csv"), all);
    let bytes = |name: &str| std::fs::read(folder.path(name)).unwrap();
    assert!(bytes("killed.csv") == bytes("whole.csv"));
}
