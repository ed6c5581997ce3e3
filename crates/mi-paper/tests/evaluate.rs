//! Tests `mi-paper evaluate` on a user's arrays.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Output};

use mi_random::Stream;
use ndarray::{Array1, Array2};
use ndarray_npy::{WritableElement, write_npy};
use serde_json::Value;

/// A folder with features (4 columns), another view (3), a base (2) and labels of 600 samples.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let features = Stream::new(1, "features").normal_matrix((600, 4));
        let labels: Array1<i64> =
            features.column(0).iter().map(|&x| i64::from(x > 0.0) + 3).collect();
        folder.write("labels.npy", &labels);
        folder.write("view.npy", &features.slice(ndarray::s![.., ..3]).mapv(|v| v as f32));
        folder.write("base.npy", &features.slice(ndarray::s![.., 2..]).mapv(|v| v as f32));
        folder.write("features.npy", &features.mapv(|v| v as f32));
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write<A: WritableElement, D: ndarray::Dimension>(
        &self,
        name: &str,
        array: &ndarray::Array<A, D>,
    ) {
        write_npy(self.path(name), array).unwrap();
    }

    fn evaluate(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mi-paper"));
        command.current_dir(self.0.path()).arg("evaluate").args(arguments).output().unwrap()
    }

    /// The output as JSON.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.evaluate(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The numbers in the output.
    fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        self.json(arguments)["rows"].as_array().unwrap().clone()
    }

    /// The message on standard error of a command that fails.
    fn error(&self, arguments: &[&str]) -> String {
        let output = self.evaluate(arguments);
        assert!(!output.status.success() && output.stdout.is_empty());
        text(&output.stderr)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const QUICK: &str = "v-information,uniformity,dead-units";

#[test]
fn all_measures_are_in_the_table_and_in_json() {
    let folder = Folder::new();
    let sides = ["features.npy", "labels.npy", "--view", "view.npy", "--base", "base.npy"];
    let output = folder.evaluate(&sides);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (table, messages) = (text(&output.stdout), text(&output.stderr));
    assert!(messages.contains("480 samples of 4 features to train, 120 to test"), "{messages}");
    assert!(
        messages.contains("2 of 19: accuracy") && messages.contains("measured in"),
        "{messages}"
    );
    let rows = folder.rows(&sides);
    for row in &rows {
        let name = row["measure"].as_str().unwrap();
        assert!(table.contains(name), "{name} is missing in:\n{table}");
    }
    // Views of 4 and 3 features cannot be aligned; everything else is measured.
    for info in mi_eval::MEASURES {
        let has = rows.iter().any(|row| row["measure"] == info.name);
        assert_eq!(has, info.name != "alignment", "{}", info.name);
    }
    let linear = rows.iter().find(|row| row["measure"] == "accuracy" && row["of"] == "linear");
    let linear = linear.unwrap();
    assert!(linear["value"].as_f64().unwrap() > 0.9 && linear["unit"] == "share");
    assert!(linear["low"].as_f64() < linear["value"].as_f64());
    // Critics need more samples.
    assert!(messages.contains("bound-anew needs 640 samples to train"), "{messages}");
    assert!(rows.iter().any(|row| row["measure"] == "components-mi"));
}

/// The paths of all fields of a JSON value, as in the README's table.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let dot = if path.is_empty() { "" } else { "." };
                fields(value, &format!("{path}{dot}{key}"), found);
            }
        }
        Value::Array(items) => {
            for item in items {
                fields(item, &format!("{path}[]"), found);
            }
        }
        _ => drop(found.insert(path.to_owned())),
    }
}

#[test]
fn json_has_an_envelope_with_the_fields_of_the_readme() {
    let folder = Folder::new();
    // The labels are a linear function of the features, so the weakest penalty is the best. With
    // fewer training samples, none would be chosen.
    let command = ["features.npy", "labels.npy", "--test-share", "0.1"];
    let command = [&command[..], &["--measures", "accuracy,v-information,rank-me"]].concat();
    let plain = folder.json(&command);
    let timed = folder.json(&[&command[..], &["--timings", "--seed", "3"]].concat());
    assert_eq!(plain["schema"], "mi-paper/1");
    assert_eq!(plain["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&plain["command"], &timed["seed"]), (&"evaluate".into(), &3.into()));
    assert!(plain["notes"][0].as_str().unwrap().contains("540 samples of 4 features"));
    let edge = &plain["warnings"][0];
    assert_eq!(edge["code"], "validation_edge");
    assert!(edge["message"].as_str().unwrap().contains("at the end of the list"));
    let concerned = serde_json::json!(["accuracy, linear", "v-information, linear"]);
    assert_eq!(edge["measures"], concerned);
    let notes = plain["rows"].as_array().unwrap().iter().filter_map(|row| row["note"].as_str());
    assert!(notes.clone().any(|note| note == "C = 10") && notes.count() > 5);
    let timings = timed["timings"].as_array().unwrap();
    assert_eq!(timings.len(), 3);
    let seconds: f64 = timings.iter().map(|timing| timing["seconds"].as_f64().unwrap()).sum();
    assert!(seconds > 0.0);

    let mut found = BTreeSet::new();
    for value in [&plain, &timed] {
        fields(value, "", &mut found);
    }
    let readme = include_str!("../README.md");
    let documented: BTreeSet<String> = readme
        .lines()
        .skip_while(|line| !line.contains("`mi-paper/1` |"))
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| Some(line.split('`').nth(1)?.to_owned()))
        .collect();
    assert_eq!(found, documented);

    // The same warning is on standard error, and timings are in the table too.
    let output = folder.evaluate(&[&command[..], &["--timings"]].concat());
    let warning = "warning: accuracy, linear; v-information, linear: the best C tried, 10,";
    assert!(text(&output.stderr).contains(warning), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("seconds of processor time"));
}

#[test]
fn pointwise_values_have_the_measured_means() {
    let folder = Folder::new();
    let command = ["features.npy", "labels.npy", "--measures", "v-information"];
    let with_file = [&command[..], &["--pointwise", "pointwise.csv"]].concat();
    let rows = folder.rows(&with_file);
    let mut reader = csv::Reader::from_path(folder.path("pointwise.csv")).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(names[..3], ["sample", "label", "linear"]);
    let lines: Vec<Vec<f64>> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(lines.len(), 120);
    for (column, name) in names.iter().enumerate().skip(2) {
        let row = rows.iter().find(|row| row["of"] == name.as_str()).unwrap();
        let mean = lines.iter().map(|line| line[column]).sum::<f64>() / 120.0;
        assert!((mean - row["value"].as_f64().unwrap()).abs() < 1e-9, "{name}");
    }
    // Samples are named by their places in the file.
    let labels: Array1<i64> = ndarray_npy::read_npy(folder.path("labels.npy")).unwrap();
    assert!(lines.iter().all(|line| labels[line[0] as usize] as f64 == line[1]));
    let error = folder.error(&with_file);
    assert!(error.contains("pointwise.csv already exists"), "{error}");
    // A name that cannot be used is refused before anything is measured.
    let nowhere = [&command[..], &["--pointwise", "missing/pointwise.csv"]].concat();
    let error = folder.error(&nowhere);
    assert!(error.contains("cannot create missing/pointwise.csv"), "{error}");
    // After an error nothing is left.
    let failing = ["features.npy", "missing.npy", "--pointwise", "other.csv"];
    folder.error(&failing);
    assert!(!folder.path("other.csv").exists());
}

#[test]
fn bounds_by_critics_find_the_information_of_gaussian_views() {
    let folder = Folder::new();
    let mut stream = Stream::new(2, "views");
    let (rho, count) = (0.8_f64, 6_000);
    let x = stream.normal_matrix((count, 2));
    let y = rho * &x + (1.0 - rho * rho).sqrt() * stream.normal_matrix((count, 2));
    let truth = -(1.0 - rho * rho).ln();
    folder.write("x.npy", &x);
    folder.write("y.npy", &y.mapv(|v| v as f32));
    folder.write("classes.npy", &x.column(0).mapv(|v| i64::from(v > 0.0)));
    let command = ["x.npy", "classes.npy", "--view", "y.npy"];
    let command = [&command[..], &["--measures", "bound-anew,components-mi"]].concat();
    let rows = folder.rows(&command);
    let names: Vec<&str> = rows.iter().map(|row| row["of"].as_str().unwrap()).collect();
    assert_eq!(names, ["infonce", "infonce, K = 1024", "nwj", "flo", ""]);
    for row in &rows {
        let value = row["value"].as_f64().unwrap();
        assert!(value > truth - 0.25 && value < truth + 0.1, "{row} of {truth}");
        assert_eq!(row["unit"], "nats");
    }
    let messages = text(&folder.evaluate(&command).stderr);
    assert!(messages.contains("1 of 2: bound-anew\n  bound-anew, infonce\n"), "{messages}");
    let error = folder.error(&["x.npy", "classes.npy", "--measures", "bound-anew"]);
    assert!(error.contains("bound-anew needs --view"), "{error}");
    let few = ["features.npy", "labels.npy", "--view", "view.npy", "--measures", "bound-anew"];
    let error = folder.error(&few);
    assert!(error.contains("needs 640 samples to train and 128 to test"), "{error}");
}

#[test]
fn test_samples_may_be_given_separately_and_precision_follows_the_files() {
    let folder = Folder::new();
    let more = Stream::new(2, "features").normal_matrix((100, 4));
    let labels: Array1<u8> = more.column(0).iter().map(|&x| u8::from(x > 0.0) + 3).collect();
    folder.write("test.npy", &more);
    folder.write("test-labels.npy", &labels);
    let separate = [
        "features.npy",
        "labels.npy",
        "--test-features",
        "test.npy",
        "--test-labels",
        "test-labels.npy",
        "--measures",
        QUICK,
    ];
    let output = folder.evaluate(&separate);
    assert!(text(&output.stderr).contains("600 samples of 4 features to train, 100 to test"));
    let double = folder.rows(&separate);
    folder.write("test.npy", &more.mapv(|v| v as f32));
    let single = folder.rows(&separate);
    let value = |rows: &[Value]| rows[0]["value"].as_f64().unwrap();
    assert!((value(&double) - value(&single)).abs() < 1e-4 && value(&double) != value(&single));
    // The same command gives the same results; another seed holds out other samples.
    let split = ["features.npy", "labels.npy", "--measures", QUICK];
    assert_eq!(folder.rows(&split), folder.rows(&split));
    assert_ne!(folder.rows(&split), folder.rows(&[&split[..], &["--seed", "1"]].concat()));
    let noisy = folder.rows(&[&split[..], &["--label-noise", "0.4"]].concat());
    assert!(value(&noisy) < value(&folder.rows(&split)));
}

#[test]
fn mistakes_are_named_with_a_way_out() {
    let folder = Folder::new();
    let pair = ["features.npy", "labels.npy"];
    let fails = |more: &[&str]| folder.error(&[&pair[..], more].concat());
    let error = folder.error(&["absent.npy", "labels.npy"]);
    assert!(error.contains("cannot read absent.npy"), "{error}");
    let error = folder.error(&["labels.npy", "labels.npy"]);
    assert!(error.contains("labels.npy: the array has 1 dimension, but features are"), "{error}");
    let error = folder.error(&["features.npy", "features.npy"]);
    assert!(error.contains("the array has 2 dimensions, but labels are a list"), "{error}");
    std::fs::write(folder.path("text.npy"), "1,2,3").unwrap();
    let error = folder.error(&["text.npy", "labels.npy"]);
    assert!(error.contains("text.npy: not a readable NPY file"), "{error}");
    folder.write("broken.npy", &Array2::from_elem((600, 2), f32::NAN));
    let error = folder.error(&["broken.npy", "labels.npy"]);
    assert!(error.contains("broken.npy") && error.contains("row 0, column 0 is NaN"), "{error}");
    folder.write("half.npy", &Array1::from_elem(600, 0.5));
    let error = folder.error(&["features.npy", "half.npy"]);
    assert!(error.contains("half.npy: the label in row 0 is not an integer"), "{error}");
    folder.write("few.npy", &Array1::from_elem(599, 1_i32));
    let error = folder.error(&["features.npy", "few.npy"]);
    assert!(error.contains("features.npy: 600 samples, but there are 599 labels"), "{error}");
    folder.write("one.npy", &Array1::from_elem(600, 1_i32));
    let error =
        folder.error(&["features.npy", "one.npy", "--measures", "accuracy,class-separation"]);
    assert!(error.contains("at least two classes are needed"), "{error}");

    let error = fails(&["--measures", "v-informaton"]);
    assert!(error.contains("v-information"), "{error}");
    let error = fails(&["--measures", "cka-to-base"]);
    assert!(error.contains("cka-to-base needs --base"), "{error}");
    let error = fails(&["--test-features", "features.npy"]);
    assert!(error.contains("--test-labels"), "{error}");
    let separate = ["--test-features", "features.npy", "--test-labels", "labels.npy"];
    let error = fails(&[&separate[..], &["--view", "view.npy"]].concat());
    assert!(error.contains("also give --test-view"), "{error}");
    let error = fails(&["--test-share", "1"]);
    assert!(error.contains("--test-share is 1"), "{error}");
    let error = fails(&["--test-share", "0.0001"]);
    assert!(error.contains("leaves none to test on"), "{error}");
    let error = fails(&["--label-noise", "2"]);
    assert!(error.contains("label noise is 2"), "{error}");
}
