//! Times one piece of work the way `bench-results/peers/compare.py` times its peers in Python.
//!
//! `peer_timings --list` prints the cases. `peer_timings CASE [SECONDS]` repeats a case for so
//! long (default 2) and prints one CSV row: case, repeats, median ms, minimum ms, extra MiB of
//! memory, GFLOP of matrix products in one repeat (0: not counted), accuracy (probe only).
//! Threads are those of `RAYON_NUM_THREADS`.

mod work;

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mi_eval::Saga;
use mi_kernels::matrix_product;
use mi_random::Stream;
use ndarray::Array2;
use work::{normal, products};

const CASES: [&str; 17] = [
    "sgemm/1024",
    "critic/bilinear/128",
    "critic/separable/128",
    "critic/concat/128",
    "critic/concat/512",
    "critic/concat/1024",
    "critic/bilinear/2048",
    "critic/bilinear/16384",
    "train/mlp/bilinear",
    "train/mlp/separable",
    "train/mlp/concat",
    "train/residual/bilinear",
    "train/convnet/bilinear",
    "train/realnvp/bilinear",
    "train/dim-local/nce",
    "train/cpc/other",
    "probe/saga/100",
];

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let case = arguments.first().context("usage: peer_timings --list | CASE [SECONDS]")?;
    if case == "--list" {
        println!("{}", CASES.join("\n"));
        return Ok(());
    }
    ensure!(CASES.contains(&case.as_str()), "no case `{case}`; there are: {}", CASES.join(", "));
    let seconds = arguments.get(1).map_or(Ok(2.0), |text| text.parse())?;
    let budget = Duration::try_from_secs_f64(seconds)?;
    let parts: Vec<_> = case.split('/').collect();
    let timing = match parts[..] {
        ["sgemm", n] => sgemm(n.parse()?, budget)?,
        ["critic", critic, k] => repeat_work(budget, work::critic_matrix(critic, k.parse()?)?)?,
        ["train", encoder, critic] => repeat_work(budget, work::training_step(encoder, critic)?)?,
        _ => saga(budget)?,
    };
    let Timing { mut times, extra_mib, gflop, accuracy } = timing;
    times.sort_by(f64::total_cmp);
    let (median, least) = (times[times.len() / 2], times[0]);
    let accuracy = accuracy.map_or(String::new(), |accuracy| format!("{accuracy:.4}"));
    println!("{case},{},{median:.4},{least:.4},{extra_mib:.1},{gflop:.6},{accuracy}", times.len());
    Ok(())
}

struct Timing {
    /// Milliseconds.
    times: Vec<f64>,
    extra_mib: f64,
    gflop: f64,
    accuracy: Option<f64>,
}

/// Repeats `work` until the budget is spent, at least three times, after one that is not counted.
fn repeat(budget: Duration, gflop: f64, mut work: impl FnMut() -> Result<()>) -> Result<Timing> {
    // Where Linux allows it, forgets the peak of making the inputs.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let before = memory("VmRSS");
    work()?;
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 || start.elapsed() < budget {
        let one = Instant::now();
        work()?;
        times.push(one.elapsed().as_secs_f64() * 1e3);
    }
    let extra_mib = (memory("VmHWM") - before).max(0.0);
    Ok(Timing { times, extra_mib, gflop, accuracy: None })
}

fn repeat_work(budget: Duration, work: work::Work) -> Result<Timing> {
    repeat(budget, work.gflop, work.run)
}

/// A line of Linux's account of this process, in MiB; NaN elsewhere.
fn memory(line: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    let kib = found.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1024.0)
}

fn sgemm(n: usize, budget: Duration) -> Result<Timing> {
    let mut stream = Stream::new(1, "sgemm");
    let (a, b) = (normal(&mut stream, (n, n)), normal(&mut stream, (n, n)));
    let mut c = Array2::zeros((n, n));
    repeat(budget, products(&[(n, n, n)]), || {
        matrix_product(1.0, a.view(), b.view(), 0.0, c.view_mut());
        Ok(())
    })
}

/// SAGA on the file named by `PEER_PROBE`: little-endian `f32` features, 100 a row, each row
/// followed by its label as an `f32`.
fn saga(budget: Duration) -> Result<Timing> {
    const DIM: usize = 100;
    let path = std::env::var("PEER_PROBE").context("PEER_PROBE names the file of the probe")?;
    let bytes = fs::read(&path).with_context(|| format!("reading {path}"))?;
    let numbers: Vec<f32> =
        bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let rows = numbers.len() / (DIM + 1);
    let table = Array2::from_shape_vec((rows, DIM + 1), numbers)
        .with_context(|| format!("{path} is no table of {} columns", DIM + 1))?;
    let features = table.slice(ndarray::s![.., ..DIM]).to_owned();
    let labels: Vec<u8> = table.column(DIM).iter().map(|label| *label as u8).collect();
    let mut last = None;
    let mut seed = 0;
    let timing = repeat(budget, 0.0, || {
        seed += 1;
        let mut stream = Stream::new(seed, "saga");
        last = Some(Saga::default().fit(features.view(), &labels, None, &mut stream)?);
        Ok(())
    })?;
    let fit = last.context("the probe was not trained")?;
    Ok(Timing { accuracy: Some(fit.model.accuracy(features.view(), &labels)?), ..timing })
}
