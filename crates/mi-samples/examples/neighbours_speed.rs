//! Times one nearest-neighbour estimator on columns from a file, one thread:
//!
//!     cargo run --release -p mi-samples --example neighbours_speed -- CASE FILE SECONDS
//!
//! CASE is an estimator and the columns of each side, such as `ksg1/5+5` or `conditional/1+1+1`;
//! estimators are `ksg1`, `ksg2`, `default`, `conditional` and `mesner-shalizi`. FILE holds
//! little-endian 64-bit floats, row by row. Prints one CSV row: case, repeats, median ms, minimum
//! ms, extra MiB of memory, 0, value in nats. `bench-results/peers/estimators.py` runs this and
//! other tools on the same files.

use std::error::Error;
use std::time::Instant;

use mi_samples::{
    KsgVariant, Method, Sample, Settings, conditional_ksg, conditional_mutual_information, ksg,
    mutual_information,
};
use ndarray::{ArrayView2, Axis};

const K: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global()?;
    let arguments: Vec<String> = std::env::args().collect();
    let [_, case, file, seconds] = &arguments[..] else {
        return Err("usage: neighbours_speed CASE FILE SECONDS".into());
    };
    let seconds: f64 = seconds.parse()?;
    let (estimator, shape) = case.split_once('/').ok_or("a case is ESTIMATOR/DIMS+DIMS")?;
    let dims: Vec<usize> = shape.split('+').map(str::parse).collect::<Result<_, _>>()?;
    let width: usize = dims.iter().sum();
    let bytes = std::fs::read(file)?;
    let values: Vec<f64> = bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect();
    drop(bytes);
    let columns = ArrayView2::from_shape((values.len() / width, width), &values)?;
    let (x, rest) = columns.split_at(Axis(1), dims[0]);
    let (y, z) = rest.split_at(Axis(1), dims[1]);

    let before = peak_mib();
    let (mut times, mut value) = (Vec::new(), 0.0);
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < seconds {
        let one = Instant::now();
        value = estimate(estimator, x, y, z)?;
        times.push(one.elapsed().as_secs_f64() * 1e3);
    }
    // The first run does not count, unless it takes long enough by itself.
    if times.len() > 1 {
        times.remove(0);
    }
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    let (repeats, least, extra) = (times.len(), times[0], peak_mib() - before);
    println!("{case},{repeats},{median:.4},{least:.4},{extra:.1},0,{value:.4}");
    Ok(())
}

fn estimate(
    estimator: &str,
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    z: ArrayView2<'_, f64>,
) -> Result<f64, Box<dyn Error>> {
    let side = |columns| Sample::new(columns, &[], 0);
    let settings = Settings { interval: false, neighbours: Some(K), ..Settings::default() };
    Ok(match estimator {
        "ksg1" => ksg(x, y, KsgVariant::First, &[K], 0)?[0],
        "ksg2" => ksg(x, y, KsgVariant::Second, &[K], 0)?[0],
        "default" => mutual_information(&side(x)?, &side(y)?, &settings)?.value,
        "conditional" => conditional_ksg(x, y, z, &[K], 0)?[0],
        "mesner-shalizi" => {
            let settings = Settings { method: Some(Method::MesnerShalizi), ..settings };
            conditional_mutual_information(&side(x)?, &side(y)?, &side(z)?, &settings)?.value
        }
        other => return Err(format!("unknown estimator `{other}`").into()),
    })
}

/// The peak of this process's memory, on Linux; NaN elsewhere.
fn peak_mib() -> f64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            line.split_whitespace().next()?.parse::<f64>().ok()
        })
        .map_or(f64::NAN, |kib| kib / 1024.0)
}
