//! Tests `mi-paper evaluate` on a user's arrays.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

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
    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.evaluate(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
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
        messages.contains("2 of 18: accuracy") && messages.contains("measured in"),
        "{messages}"
    );
    let rows = folder.json(&sides);
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
    let double = folder.json(&separate);
    folder.write("test.npy", &more.mapv(|v| v as f32));
    let single = folder.json(&separate);
    let value = |rows: &[Value]| rows[0]["value"].as_f64().unwrap();
    assert!((value(&double) - value(&single)).abs() < 1e-4 && value(&double) != value(&single));
    // The same command gives the same results; another seed holds out other samples.
    let split = ["features.npy", "labels.npy", "--measures", QUICK];
    assert_eq!(folder.json(&split), folder.json(&split));
    assert_ne!(folder.json(&split), folder.json(&[&split[..], &["--seed", "1"]].concat()));
    let noisy = folder.json(&[&split[..], &["--label-noise", "0.4"]].concat());
    assert!(value(&noisy) < value(&folder.json(&split)));
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
