//! Times one piece of work the way `bench-results/peers/compare.py` times its peers in Python.
//!
//! `peer_timings --list` prints the cases. `peer_timings CASE [SECONDS]` repeats a case for so
//! long (default 2) and prints one CSV row: case, repeats, median ms, minimum ms, extra MiB of
//! memory, GFLOP of matrix products in one repeat (0: not counted), accuracy (probe only).
//! Threads are those of `RAYON_NUM_THREADS`.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mi_critics::{Critic, CriticSpec};
use mi_estimators::bounds::{BoundSpec, Objective};
use mi_estimators::engine::Engine;
use mi_eval::Saga;
use mi_kernels::matrix_product;
use mi_nets::{
    Adam, AdamConfig, ConvNet, ConvNetConfig, CouplingKind, Gradients, Init, Mlp, Module, Params,
    RealNvp, RealNvpConfig, Tape,
};
use mi_random::Stream;
use ndarray::Array2;

/// Pairs in a batch of a training step, and pixels of half an image: 14 × 28.
const BATCH: usize = 128;
const PIXELS: usize = 392;

const CASES: [&str; 14] = [
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
    "train/convnet/bilinear",
    "train/realnvp/bilinear",
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
        ["critic", critic, k] => critic_matrix(&critic_spec(critic)?, k.parse()?, budget)?,
        ["train", encoder, critic] => training_step(encoder, &critic_spec(critic)?, budget)?,
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

/// A line of Linux's account of this process, in MiB; NaN elsewhere.
fn memory(line: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    let kib = found.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1024.0)
}

fn critic_spec(name: &str) -> Result<CriticSpec> {
    Ok(match name {
        "bilinear" => CriticSpec::Bilinear,
        "separable" => CriticSpec::Separable { hidden: vec![100], embed: 100 },
        "concat" => CriticSpec::Concat { hidden: vec![200] },
        _ => bail!("no critic `{name}`"),
    })
}

fn normal(stream: &mut Stream, shape: (usize, usize)) -> Array2<f32> {
    stream.normal_matrix(shape).mapv(|value| value as f32)
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

/// GFLOP of products of these (m, k, n).
fn products(sizes: &[(usize, usize, usize)]) -> f64 {
    sizes.iter().map(|&(m, k, n)| 2e-9 * (m * k * n) as f64).sum()
}

/// GFLOP of a critic's scores and their way back with gradients of its inputs: three products for
/// each of the way forward. The `ReLU` and the sum of a concat critic's pairs count as two.
fn critic_products(spec: &CriticSpec, k: usize, dim: usize) -> f64 {
    3.0 * match *spec {
        CriticSpec::Bilinear => products(&[(k, dim, dim), (k, dim, k)]),
        CriticSpec::Separable { ref hidden, embed } => {
            2.0 * products(&[(k, dim, hidden[0]), (k, hidden[0], embed)])
                + products(&[(k, embed, k)])
        }
        CriticSpec::Concat { ref hidden } => {
            2.0 * products(&[(k, dim, hidden[0])]) + products(&[(k, hidden[0], k)])
        }
        CriticSpec::InnerProduct | CriticSpec::Cosine { .. } => products(&[(k, dim, k)]),
    }
}

/// Critic, `InfoNCE` and the gradients of both inputs and of all parameters.
fn critic_matrix(spec: &CriticSpec, k: usize, budget: Duration) -> Result<Timing> {
    const DIM: usize = 100;
    let mut stream = Stream::new(1, "critic");
    let mut params = Params::new();
    let critic = Critic::new(&mut params, "critic", spec, DIM, DIM, &mut stream)?;
    let (x, y) = (normal(&mut stream, (k, DIM)), normal(&mut stream, (k, DIM)));
    let mut gradients = Gradients::zeros_like(&params);
    let (mut tape, mut engine) = (Tape::new(), Engine::new());
    let mut objective = Objective::new(&BoundSpec::InfoNce, None)?;
    repeat(budget, critic_products(spec, k, DIM), || {
        gradients.clear();
        let mut graph = tape.begin(&params);
        let x = graph.input_with_gradient(x.view());
        let y = graph.input_with_gradient(y.view());
        let (x, y) = critic.towers(&mut graph, x, y);
        let (ex, ey) = (graph.value(x), graph.value(y));
        let pairing = critic.pairing();
        engine.evaluate(ex, ey, pairing, &params, &mut objective, &mut gradients)?;
        let seeds = [(x, engine.gradient_x()), (y, engine.gradient_y())];
        graph.backward(&seeds, &mut gradients)?;
        Ok(())
    })
}

/// A step of the paper's training: both encoders, critic, `InfoNCE`, gradients, Adam.
fn training_step(encoder: &str, spec: &CriticSpec, budget: Duration) -> Result<Timing> {
    let mut stream = Stream::new(1, "train");
    let mut params = Params::new();
    let (g1, forward) = build_encoder(encoder, &mut params, "g1", &mut stream)?;
    let (g2, _) = build_encoder(encoder, &mut params, "g2", &mut stream)?;
    let dim = g1.output_dim();
    let critic = Critic::new(&mut params, "critic", spec, dim, dim, &mut stream)?;
    let x = stream.normal_matrix((BATCH, PIXELS)).mapv(|value| value.abs() as f32);
    let y = stream.normal_matrix((BATCH, PIXELS)).mapv(|value| value.abs() as f32);
    let config = AdamConfig { lr: 1e-4, ..AdamConfig::default() };
    let mut adam = Adam::new(config, &params);
    let mut gradients = Gradients::zeros_like(&params);
    let (mut tape, mut engine) = (Tape::new(), Engine::new());
    let mut objective = Objective::new(&BoundSpec::InfoNce, None)?;
    let gflop = 2.0 * forward + critic_products(spec, BATCH, dim);
    repeat(budget, gflop, || {
        gradients.clear();
        let mut graph = tape.begin(&params);
        let (x, y) = (graph.input(x.view()), graph.input(y.view()));
        let (x, y) = (g1.forward(&mut graph, x), g2.forward(&mut graph, y));
        let (x, y) = critic.towers(&mut graph, x, y);
        let (ex, ey) = (graph.value(x), graph.value(y));
        let pairing = critic.pairing();
        engine.evaluate(ex, ey, pairing, &params, &mut objective, &mut gradients)?;
        let seeds = [(x, engine.gradient_x()), (y, engine.gradient_y())];
        graph.backward(&seeds, &mut gradients)?;
        adam.ascend(&mut params, &gradients)?;
        Ok(())
    })
}

/// An encoder and the GFLOP of its products in one step: the first layer has no gradient of its
/// input to compute, all others have both.
fn build_encoder(
    kind: &str,
    params: &mut Params<f32>,
    name: &str,
    stream: &mut Stream,
) -> Result<(Box<dyn Module<f32>>, f64)> {
    let init = Init::GlorotUniform;
    Ok(match kind {
        "mlp" => {
            let net = Mlp::new(params, name, &[PIXELS, 300, 300, 100], init, stream)?;
            let later = products(&[(BATCH, 300, 300), (BATCH, 300, 100)]);
            (Box::new(net), 2.0 * products(&[(BATCH, PIXELS, 300)]) + 3.0 * later)
        }
        "convnet" => {
            let config = ConvNetConfig::paper(14, 28, 1);
            let net = ConvNet::new(params, name, &config, init, stream)?;
            // 7×14 positions of 64 filters, 4×7 of 128.
            let first = products(&[(BATCH * 98, 25, 64)]);
            let later = products(&[(BATCH * 28, 1600, 128), (BATCH, 128, 100)]);
            (Box::new(net), 2.0 * first + 3.0 * later)
        }
        "realnvp" => {
            let config = RealNvpConfig {
                dim: PIXELS,
                couplings: 30,
                hidden: vec![512, 512],
                kind: CouplingKind::Additive,
            };
            let net = RealNvp::new(params, name, &config, init, stream)?;
            let half = PIXELS / 2;
            let one = products(&[(BATCH, half, 512), (BATCH, 512, 512), (BATCH, 512, half)]);
            let unneeded = products(&[(BATCH, half, 512)]);
            (Box::new(net), 3.0 * 30.0 * one - unneeded)
        }
        _ => bail!("no encoder `{kind}`"),
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
