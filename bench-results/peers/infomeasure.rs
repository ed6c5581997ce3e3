//! Times one case of the crate `infomeasure`, for estimators.py, which builds this in a package
//! of its own.
//!
//! usage: infomeasure CASE FILE SECONDS
//!
//! Prints one CSV row: case, repeats, median ms, minimum ms, extra MiB of memory, 0, value in nats.

use std::time::Instant;

use infomeasure::estimators::GlobalValue;
use infomeasure::estimators::mutual_information::MutualInformation;
use ndarray::{Array2, Axis, s};

const K: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, case, file, seconds] = &arguments[..] else { panic!("CASE FILE SECONDS") };
    let seconds: f64 = seconds.parse().expect("seconds");
    let shape = case.split('/').nth(1).expect("a shape");
    let dims: Vec<usize> = shape.split('+').map(|d| d.parse().expect("columns")).collect();
    let width: usize = dims.iter().sum();
    let bytes = std::fs::read(file).expect("the columns");
    let (bytes, _) = bytes.as_chunks();
    let values: Vec<f64> = bytes.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect();
    let columns = Array2::from_shape_vec((values.len() / width, width), values).expect("rows");
    let mut end = 0;
    let sides: Vec<Array2<f64>> = dims
        .iter()
        .map(|d| {
            end += d;
            columns.slice(s![.., end - d..end]).to_owned()
        })
        .collect();
    let first = |side: &Array2<f64>| side.index_axis(Axis(1), 0).to_owned();
    let run = || match shape {
        "1+1" => {
            MutualInformation::new_ksg(&[first(&sides[0]), first(&sides[1])], K, 0.0).global_value()
        }
        "5+5" => MutualInformation::nd_ksg::<10, 5, 5>(&sides, K, 0.0).global_value(),
        "1+1+1" => {
            let pair = [first(&sides[0]), first(&sides[1])];
            MutualInformation::new_cmi_ksg(&pair, &first(&sides[2]), K, 0.0).global_value()
        }
        other => panic!("no case of shape {other}"),
    };
    let before = peak_mib();
    let (mut times, mut value) = (Vec::new(), 0.0);
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < seconds {
        let one = Instant::now();
        value = run();
        times.push(one.elapsed().as_secs_f64() * 1e3);
    }
    // The first does not count unless it alone takes long enough.
    if times.len() > 1 {
        times.remove(0);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{case},{},{:.4},{:.4},{:.1},0,{value:.4}",
        times.len(),
        times[times.len() / 2],
        times[0],
        peak_mib() - before
    );
}

/// The peak of this process's memory; NaN where the system does not tell.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1024.0)
}
