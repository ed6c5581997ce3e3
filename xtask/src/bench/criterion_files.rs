//! The only place that reads criterion's private files.
//!
//! Criterion keeps one folder per benchmark with `new/benchmark.json` (what it is) and
//! `new/estimates.json` (how long it took). Their format is not guaranteed, so everything that this
//! module relies on is checked, and named in the error if it is missing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The version whose files were read when this was written.
const KNOWN_VERSION: &str = "0.8";

/// One benchmark as criterion measured it; times in nanoseconds per iteration.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    /// The full id, `group/function/value`, however long: folder names are cut to 64 characters.
    pub(crate) id: String,
    pub(crate) median: f64,
    /// Bootstrap percentile interval of the median at `confidence`.
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) confidence: f64,
    /// Work per iteration: floating-point operations (`Throughput::Elements`).
    pub(crate) flops: Option<u64>,
    /// Work per iteration: bytes moved (`Throughput::Bytes`).
    pub(crate) bytes: Option<u64>,
}

/// All benchmarks below a `CRITERION_HOME`, ordered by folder name. An id that a target uses
/// twice gets `#2`, `#3`, … so both stay.
pub(crate) fn read(home: &Path) -> Result<Vec<Measured>> {
    let mut folders = Vec::new();
    find_results(home, &mut folders)?;
    folders.sort();
    let mut all: Vec<Measured> = Vec::with_capacity(folders.len());
    for folder in folders {
        let mut measured = read_one(&folder).with_context(|| {
            format!(
                "criterion's files in {} do not have the form of version {KNOWN_VERSION}, which \
                 xtask/src/bench/criterion_files.rs reads; if criterion was updated, update that \
                 module",
                folder.display()
            )
        })?;
        let plain = measured.id.clone();
        let mut count = 1;
        while all.iter().any(|other| other.id == measured.id) {
            count += 1;
            measured.id = format!("{plain}#{count}");
        }
        all.push(measured);
    }
    Ok(all)
}

#[derive(Deserialize)]
struct BenchmarkFile {
    full_id: String,
    throughput: Option<Throughput>,
}

#[derive(Deserialize)]
enum Throughput {
    Bits(u64),
    Bytes(u64),
    BytesDecimal(u64),
    Elements(u64),
    ElementsAndBytes { elements: u64, bytes: u64 },
}

#[derive(Deserialize)]
struct EstimatesFile {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
    confidence_interval: ConfidenceInterval,
}

#[derive(Deserialize)]
struct ConfidenceInterval {
    confidence_level: f64,
    lower_bound: f64,
    upper_bound: f64,
}

fn read_one(folder: &Path) -> Result<Measured> {
    let benchmark: BenchmarkFile = read_json(&folder.join("benchmark.json"))?;
    let Estimate { point_estimate: median, confidence_interval: interval } =
        read_json::<EstimatesFile>(&folder.join("estimates.json"))?.median;
    let ConfidenceInterval { confidence_level, lower_bound: low, upper_bound: high } = interval;
    ensure!(!benchmark.full_id.is_empty(), "`full_id` is empty");
    // The bootstrap's percentiles are interpolated, so the point may be outside by a rounding
    // error.
    let rounding = 1e-9 * median;
    if !(low > 0.0 && low <= median + rounding && median <= high + rounding && high.is_finite()) {
        bail!("`median` is {median} in [{low}, {high}]: not a time with an interval around it");
    }
    ensure!(
        confidence_level > 0.0 && confidence_level < 1.0,
        "`confidence_level` is {confidence_level}, not a probability"
    );
    let (flops, bytes) = match benchmark.throughput {
        None => (None, None),
        Some(Throughput::Elements(flops)) => (Some(flops), None),
        Some(Throughput::Bytes(bytes) | Throughput::BytesDecimal(bytes)) => (None, Some(bytes)),
        Some(Throughput::Bits(bits)) => (None, Some(bits / 8)),
        Some(Throughput::ElementsAndBytes { elements, bytes }) => (Some(elements), Some(bytes)),
    };
    let (low, high) = (low.min(median), high.max(median));
    Ok(Measured {
        id: benchmark.full_id,
        median,
        low,
        high,
        confidence: confidence_level,
        flops,
        bytes,
    })
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{}", path.display()))
}

/// Every folder `new` with results, at any depth: an id has one to three levels.
fn find_results(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("{}", folder.display()))?.path();
        if !path.is_dir() {
            continue;
        }
        // Either file marks a result, so that it is an error if the other one is missing.
        let is_result =
            ["benchmark.json", "estimates.json"].iter().any(|name| path.join(name).is_file());
        if path.ends_with("new") && is_result {
            found.push(path);
        } else {
            find_results(&path, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn benchmark(id: &str, throughput: Value) -> Value {
        json!({
            "group_id": "g", "function_id": "f", "value_str": null, "throughput": throughput,
            "full_id": id, "directory_name": "g/f", "title": id,
        })
    }

    fn estimates(median: f64, low: f64, high: f64) -> Value {
        let estimate = json!({
            "confidence_interval":
                {"confidence_level": 0.95, "lower_bound": low, "upper_bound": high},
            "point_estimate": median, "standard_error": 0.1,
        });
        json!({"mean": estimate, "median": estimate, "median_abs_dev": estimate,
               "slope": null, "std_dev": estimate})
    }

    fn write(home: &Path, folder: &str, benchmark: &Value, estimates: &Value) {
        let folder = home.join(folder).join("new");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("benchmark.json"), benchmark.to_string()).unwrap();
        fs::write(folder.join("estimates.json"), estimates.to_string()).unwrap();
    }

    #[test]
    fn times_and_work_are_read() {
        let home = tempfile::tempdir().unwrap();
        let times = estimates(100.0, 90.0, 120.0);
        for (folder, work) in [
            ("a/x", json!({"Elements": 5})),
            ("b", json!({"Bytes": 6})),
            ("c/x/1", json!({"ElementsAndBytes": {"elements": 7, "bytes": 8}})),
            ("d/x", json!({"Bits": 72})),
            ("e/x", Value::Null),
        ] {
            write(home.path(), folder, &benchmark(folder, work), &times);
        }
        let all = read(home.path()).unwrap();
        let work: Vec<_> = all.iter().map(|m| (m.id.as_str(), m.flops, m.bytes)).collect();
        assert_eq!(
            work,
            [
                ("a/x", Some(5), None),
                ("b", None, Some(6)),
                ("c/x/1", Some(7), Some(8)),
                ("d/x", None, Some(9)),
                ("e/x", None, None),
            ]
        );
        assert_eq!((all[0].median, all[0].low, all[0].high), (100.0, 90.0, 120.0));
        assert_eq!(all[0].confidence, 0.95);
    }

    #[test]
    fn long_ids_and_equal_ids_stay_apart() {
        let home = tempfile::tempdir().unwrap();
        let long = format!("{}/one", "critic".repeat(20));
        let other = format!("{}/two", "critic".repeat(20));
        let cut = &long[..64];
        let times = estimates(1.0, 1.0, 1.0);
        write(home.path(), cut, &benchmark(&long, Value::Null), &times);
        write(home.path(), &format!("{cut}_2"), &benchmark(&other, Value::Null), &times);
        write(home.path(), &format!("{cut}_3"), &benchmark(&long, Value::Null), &times);
        let ids: Vec<_> = read(home.path()).unwrap().into_iter().map(|m| m.id).collect();
        assert_eq!(ids, [long.clone(), other, format!("{long}#2")]);
    }

    /// Every way in which a later criterion may differ names the file, the field and the remedy.
    #[test]
    fn another_form_is_a_clear_error() {
        let good = (benchmark("id", Value::Null), estimates(2.0, 1.0, 3.0));
        let without = |value: &Value, pointer: &str, key: &str| {
            let mut value = value.clone();
            value.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key);
            value
        };
        let cases = [
            (without(&good.0, "", "full_id"), good.1.clone(), "full_id"),
            (benchmark("id", json!({"Flops": 3})), good.1.clone(), "Flops"),
            (good.0.clone(), without(&good.1, "", "median"), "median"),
            (good.0.clone(), without(&good.1, "/median", "point_estimate"), "point_estimate"),
            (
                good.0.clone(),
                without(&good.1, "/median/confidence_interval", "lower_bound"),
                "lower_bound",
            ),
            (good.0.clone(), estimates(5.0, 1.0, 3.0), "not a time"),
            (good.0.clone(), estimates(-1.0, -2.0, 3.0), "not a time"),
            (good.0.clone(), json!([1, 2]), "estimates.json"),
        ];
        for (benchmark, estimates, named) in cases {
            let home = tempfile::tempdir().unwrap();
            write(home.path(), "g/f", &benchmark, &estimates);
            let message = format!("{:#}", read(home.path()).unwrap_err());
            assert!(message.contains(named), "{named} is not in: {message}");
            assert!(message.contains("update that module"), "{message}");
        }
    }

    #[test]
    fn half_a_result_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), "g/f", &benchmark("id", Value::Null), &estimates(2.0, 1.0, 3.0));
        fs::remove_file(home.path().join("g/f/new/benchmark.json")).unwrap();
        let message = format!("{:#}", read(home.path()).unwrap_err());
        assert!(message.contains("benchmark.json"), "{message}");
    }
}
