//! The hot loop: critic × bound × batch size, forward and backward.
//!
//! `critic/…` is one step of a critic on inputs of 100 columns that ask for gradients: towers,
//! scores, bound, and the backward pass to inputs and parameters. `bound/…` is only the engine, on
//! embeddings of 100 columns, for every bound of the registry. `pairs/…` is the engine with
//! positives and negatives other than those of a square. Throughput counts floating-point
//! operations of matrix products: three products for each one of the forward pass. A concatenated
//! critic counts two operations (the sum and the `ReLU`) for each hidden unit of each pair.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use mi_critics::{Critic, CriticSpec};
use mi_estimators::bounds::{BOUNDS, BoundSpec, Objective, Pairs};
use mi_estimators::engine::{Batch, Engine};
use mi_estimators::{Term, TrainingStep};
use mi_nets::Params;
use mi_random::Stream;
use ndarray::Array2;

const DIM: usize = 100;
const BATCHES: [usize; 4] = [128, 512, 2048, 8192];

fn batch(k: usize, stream: &mut Stream) -> Array2<f32> {
    // Small enough that scores stay within about ±30.
    stream.normal_matrix((k, DIM)).mapv(|x| 0.5 * x as f32)
}

fn objective(bound: &BoundSpec) -> Objective {
    Objective::new(bound, None).expect("the registry's settings are valid")
}

fn critics(criterion: &mut Criterion) {
    let specs = [
        ("bilinear", CriticSpec::Bilinear),
        ("separable", CriticSpec::Separable { hidden: vec![100], embed: 100 }),
        ("concat", CriticSpec::Concat { hidden: vec![200] }),
    ];
    let mut group = group(criterion, "critic");
    for (name, spec) in specs {
        for bound in [BoundSpec::InfoNce, BoundSpec::Nwj] {
            for k in BATCHES {
                let operations = 2.0 * 3.0 * spec.multiply_adds((DIM, DIM), k);
                group.throughput(Throughput::Elements(operations as u64));
                let id = BenchmarkId::new(format!("{name}/{}", bound.name()), k);
                group.bench_function(id, |bencher| {
                    let mut step = critic_step(&spec, &bound, k);
                    bencher.iter(&mut step);
                });
            }
        }
    }
    group.finish();
}

/// One step of a critic, ready to be repeated.
fn critic_step(spec: &CriticSpec, bound: &BoundSpec, k: usize) -> impl FnMut() {
    let mut stream = Stream::new(1, "critic matrix");
    let mut params = Params::<f32>::new();
    let critic = Critic::new(&mut params, "critic", spec, DIM, DIM, &mut stream);
    let critic = critic.expect("the specs are valid");
    let (x, y) = (batch(k, &mut stream), batch(k, &mut stream));
    let mut step = TrainingStep::new(&params);
    let mut objective = objective(bound);
    move || {
        let found = step.forward(&params, |graph| {
            let x = graph.input_with_gradient(x.view());
            let y = graph.input_with_gradient(y.view());
            let embedded = critic.towers(graph, x, y);
            [Term::new(embedded, critic.pairing(), &mut objective)]
        });
        black_box(found.expect("the batch suits the bound"));
        black_box(step.backward(&params).expect("the graph is sound"));
    }
}

fn bounds(criterion: &mut Criterion) {
    let mut group = group(criterion, "bound");
    for entry in BOUNDS {
        let Some(bound) = &entry.default else { continue };
        for k in BATCHES {
            group.throughput(Throughput::Elements((6 * k * k * DIM) as u64));
            group.bench_function(BenchmarkId::new(entry.name, k), |bencher| {
                let mut stream = Stream::new(1, "critic matrix");
                let (x, y) = (batch(k, &mut stream), batch(k, &mut stream));
                let mut engine = Engine::new();
                let mut objective = objective(bound);
                bencher.iter(|| {
                    let batch = Batch::new(x.view(), y.view());
                    let found = engine.differentiate(&batch, &mut objective, None);
                    black_box(found.expect("the batch suits the bound"));
                });
            });
        }
    }
    group.finish();
}

fn pairs(criterion: &mut Criterion) {
    let mut group = group(criterion, "pairs");
    let cases = [
        ("locations", Pairs::locations(64, 64)),
        ("both-views", Pairs::both_views(256)),
        ("queue", Pairs::with_queue(128, 4096)),
    ];
    for (name, pairs) in cases {
        let (n, m) = pairs.dim();
        group.throughput(Throughput::Elements((6 * n * m * DIM) as u64));
        group.bench_function(BenchmarkId::new(name, format!("{n}x{m}")), |bencher| {
            let mut stream = Stream::new(1, "critic matrix");
            let (x, y) = (batch(n, &mut stream), batch(m, &mut stream));
            let mut engine = Engine::new();
            let mut objective = objective(&BoundSpec::InfoNce);
            bencher.iter(|| {
                let batch = Batch::new(x.view(), y.view()).paired_by(&pairs);
                let found = engine.differentiate(&batch, &mut objective, None);
                black_box(found.expect("the batch suits the bound"));
            });
        });
    }
    group.finish();
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    group
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    critics(&mut criterion);
    bounds(&mut criterion);
    pairs(&mut criterion);
    criterion.final_summary();
}
